// Copyright (c) 2026, memops.linux contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// One kill: its row, and what a click on it shows.

const AGO = [[86400, "day"], [3600, "hour"], [60, "minute"]];
// "2 hours ago", in the reader's language of numbers and in English words, as all of the page.
const ago = (seconds) => {
  const [size, unit] = AGO.find(([least]) => Math.abs(seconds) >= least) || [1, "second"];
  return new Intl.RelativeTimeFormat("en").format(-Math.round(seconds / size), unit);
};
const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "your zone";
// The same moment by the reader's clock, and how long ago that was.
const local = (seconds) => {
  const d = new Date(Math.floor(seconds) * 1000);
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())} in ${zone()}, ${ago(Date.now() / 1000 - seconds)}`;
};

class Kills {
  constructor(given, marks) {
    this.rows = new Rows(given);
    this.marks = marks;
    this.ledger = given.ledger;
    this.table = new Table(document.getElementById("kills"), this.rows, 50, (row, cells) => this.line(row, cells));
    this.table.order = { key: "time", down: true };
    this.table.natural = "time";
  }

  line(row, cells) {
    const tr = make("tr", null, "row");
    tr.dataset.row = row;
    const by = Object.fromEntries(this.table.columns.map((column, i) => [column.key, cells[i]]));
    const when = this.rows.get("time", row);
    const mark = this.marks[this.rows.get("time_quality", row)] || this.marks.unknown;
    if (when !== null) by.time.title = local(when);
    if (mark[0] && when !== null) {
      const sign = make("span", ` ${mark[0]}`, "mark");
      sign.title = mark[1];
      by.time.append(sign);
    }
    const other = this.rows.get("logged_as", row);
    if (other !== null) by.host.append(make("br"), make("small", `log of ${other}`));
    const more = button(by.victim.textContent, "link mono", "everything that is known of this kill");
    more.setAttribute("aria-expanded", "false");
    more.addEventListener("click", () => this.toggle(tr, row, more));
    by.victim.replaceChildren(more);
    by.proof.title = [this.rows.get("reason", row), this.rows.get("seen_in", row)].filter(Boolean).join("; ");
    tr.append(...cells);
    const why = this.rows.get("why", row);
    return why === null ? [tr] : [tr, this.below("said", why)];
  }

  below(className, ...inner) {
    const cell = make("td");
    cell.colSpan = this.table.columns.length;
    cell.append(...inner);
    const tr = make("tr", null, className);
    tr.append(cell);
    return tr;
  }

  // Below the row, and below its sentence.
  toggle(tr, row, more) {
    const next = tr.nextElementSibling;
    const last = next?.classList.contains("said") ? next : tr;
    const open = last.nextElementSibling?.classList.contains("detail");
    if (open) last.nextElementSibling.remove();
    else last.after(this.below("detail", this.detail(row)));
    more.setAttribute("aria-expanded", String(!open));
  }

  // The row with this id, opened, wherever it is.
  open(id) {
    const row = this.rows.by.get("id")?.texts.indexOf(id) ?? -1;
    const place = row < 0 ? -1 : this.rows.by.get("id").rows.indexOf(row);
    if (place < 0) return false;
    const tr = this.table.find(place);
    if (!tr) return false;
    const more = tr.querySelector("button");
    if (more.getAttribute("aria-expanded") === "false") more.click();
    tr.scrollIntoView({ block: "center" });
    return true;
  }

  fields(row) {
    const found = this.rows.columns
      .filter((column) => column.kind !== "sentence" && column.key !== "copy" && column.key !== "partial")
      .map((column) => [column.title, column.text(row), column.kind === "moment" && column.at(row) !== null ? `${column.text(row)} = ${local(column.at(row))}` : null])
      .map(([title, text, long]) => [title, long || text]);
    const mark = this.marks[this.rows.get("time_quality", row)] || this.marks.unknown;
    if (mark[0]) found.push(["the time", mark[1]]);
    if (this.rows.get("partial", row)) found.push(["complete", "no: announced, but no \u201cKilled process\u201d line was seen"]);
    if (this.rows.get("copy", row) === "yes") found.push(["counted", "no: another host shows the same kill"]);
    return found.filter(([, text]) => text !== "");
  }

  detail(row) {
    const box = make("div", null, "kill");
    box.append(...this.share(row), ...this.parts(row));
    const list = make("dl");
    this.fields(row).forEach(([title, text]) => {
      const pair = make("div");
      pair.append(make("dt", title), make("dd", text, "mono"));
      list.append(pair);
    });
    box.append(list, this.actions(row));
    return box;
  }

  // What the victim held of the memory that was short.
  share(row) {
    const total = this.ledger.total?.[row];
    const held = ["anon_rss", "file_rss", "shmem_rss"].map((key) => this.rows.get(key, row) || 0).reduce((a, b) => a + b);
    if (!total || !held) return [];
    const what = this.ledger.limit[row] ? "the limit" : "the host\u2019s memory";
    const label = make("p", `${mib(held)} of ${mib(total)} MiB: ${this.rows.by.get("victim").text(row)} and ${what}`, "bar-label");
    return [label, this.bar([["victim", held]], Math.max(total, held))];
  }

  // Where each byte of it was.
  parts(row) {
    const total = this.ledger.total?.[row];
    if (!total) return [];
    const found = this.ledger.parts.map((part, i) => [i, part.title, part.values[row]]).filter(([, , size]) => size);
    if (!found.length) return [];
    found.sort((a, b) => b[2] - a[2]);
    const sum = found.reduce((all, [, , size]) => all + size, 0);
    const key = make("ul", null, "parts");
    found.forEach(([i, title, size]) => {
      const item = make("li");
      item.append(make("i", null, `p${i % 8}`), ` ${title} ${mib(size)} MiB`);
      key.append(item);
    });
    const label = make("p", `Where ${mib(total)} MiB were`, "bar-label");
    return [label, this.bar(found.map(([i, , size]) => [`p${i % 8}`, size]), Math.max(total, sum)), key];
  }

  // What is missing to the total stays empty.
  bar(sizes, total) {
    const bar = make("div", null, "share");
    const rest = total - sizes.reduce((sum, [, size]) => sum + size, 0);
    [...sizes, ["rest", Math.max(rest, 0)]].forEach(([name, size]) => {
      const part = make("i", null, name);
      part.style.flexGrow = size / total;
      bar.append(part);
    });
    return bar;
  }

  // For a ticket.
  plain(row) {
    const why = this.rows.get("why", row);
    const fields = this.fields(row).map(([title, text]) => `${title}: ${text}`);
    const parts = (this.ledger.parts || []).filter((part) => part.values[row]).map((part) => `  ${part.title}: ${mib(part.values[row])} MiB`);
    const total = this.ledger.total?.[row];
    const held = parts.length && total ? [`memory, ${mib(total)} MiB${this.ledger.limit[row] ? " (limit)" : ""}:`, ...parts] : [];
    return [...(why === null ? [] : [why, ""]), ...fields, ...held].join("\n");
  }

  actions(row) {
    const box = make("p", null, "actions");
    const copy = button("Copy as text", null, "for a ticket or a chat");
    copy.addEventListener("click", async () => { copy.textContent = (await copied(this.plain(row))) ? "Copied" : "The browser does not let a page copy"; });
    box.append(copy);
    const id = this.rows.get("id", row);
    if (id !== null) {
      const link = make("a", "Link to this kill");
      link.href = `#kill=${encodeURIComponent(id)}`;
      box.append(" ", link);
    }
    return box;
  }
}

const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
};
