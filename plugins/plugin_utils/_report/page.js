// Copyright (c) 2026, memops.linux contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// The table of kills: sorts, filters and pages the data island. Text goes in through textContent only, never as markup.
"use strict";
document.documentElement.classList.add("js");
// A narrow screen begins with now, not with the oldest end.
document.querySelectorAll(".scroll > .timeline").forEach((figure) => { figure.parentElement.scrollLeft = figure.parentElement.scrollWidth; });
(() => {
  const box = document.getElementById("host-search");
  if (!box) return;
  const entries = [...document.querySelectorAll("#hosts tbody tr")].map((tr) => [tr, tr.textContent.toLowerCase()]);
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    entries.forEach(([tr, text]) => { tr.hidden = !words.every((word) => text.includes(word)); });
  });
})();
(() => {
  if (!document.getElementById("data")) return; // no kill is known
  const PAGE = 100;
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = {};
  data.columns.forEach((name, i) => { at[name] = i; });
  const get = (row, name) => {
    if (!(name in at)) return null; // a column that no kill has
    const value = row[at[name]];
    return value !== null && data.kinds[at[name]] === "s" ? data.strings[value] : value;
  };
  const body = document.querySelector("#kills tbody");
  const search = document.getElementById("search");
  const proof = document.getElementById("proof");
  const count = document.getElementById("count");
  const previous = document.getElementById("previous");
  const next = document.getElementById("next");
  let shown = data.rows;
  let page = 0;
  let order = { key: "time", down: true };

  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined && text !== null) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const two = (n) => String(n).padStart(2, "0");
  const utc = (seconds) => {
    if (seconds === null) return "unknown";
    const d = new Date(Math.floor(seconds) * 1000);
    return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}Z`;
  };
  const mib = (bytes) => {
    if (bytes === null) return "";
    const n = bytes / 1048576;
    return n >= 100 ? Math.round(n).toLocaleString("en") : n.toFixed(1);
  };
  const containerWords = (row) => {
    const pod = get(row, "pod");
    const space = get(row, "namespace");
    const ofPod = pod ? ` of pod ${space ? space + "/" : ""}${pod}` : "";
    return `container ${get(row, "container_name") || get(row, "container").slice(0, 12)}${ofPod}`;
  };
  const where = (row) => {
    const unit = get(row, "unit");
    const container = get(row, "container");
    return container && (!unit || unit.includes(container)) ? containerWords(row) : unit || get(row, "task_memcg") || "";
  };
  const victim = (row) => {
    const comm = get(row, "comm");
    const pid = get(row, "pid");
    return comm === null && pid === null ? "(whole cgroup)" : `${comm ?? "?"}[${pid ?? "?"}]`;
  };
  const shortage = (row) => {
    const limit = get(row, "oom_memcg");
    return get(row, "scope") === "memcg" && limit !== null && limit !== get(row, "task_memcg") ? "memcg " + limit : get(row, "scope");
  };
  const seenIn = (row) => {
    const seen = (get(row, "seen_in") || get(row, "source") || "").split(", ");
    return seen.length > 1 ? `${seen[0]} +${seen.length - 1}` : seen[0];
  };
  const sortKeys = {
    time: (row) => get(row, "time"),
    host: (row) => get(row, "host"),
    victim: (row) => get(row, "comm"),
    where,
    uid: (row) => get(row, "uid"),
    anon_rss: (row) => get(row, "anon_rss"),
    oom_score_adj: (row) => get(row, "adj"),
    shortage,
    killer: (row) => get(row, "killer"),
    proof: (row) => get(row, "proof"),
  };
  const field = (row, name) => (name === "copy" ? (get(row, "counts") ? "no" : "yes") : String(get(row, name) ?? ""));
  const unquoted = (text) => {
    try { return text[0] === '"' ? JSON.parse(text) : text; } catch { return text; }
  };
  const TOKEN = /(-?)(\w+)=("(?:[^"\\]|\\.)*"|\S+)|\S+/g;
  // column="value" is the whole value of one column, any other word stands anywhere; a - in front leaves out.
  const wishes = (text) => [...text.matchAll(TOKEN)].map(([word, minus, name, value]) => {
    if (name && (Object.hasOwn(at, name) || name === "copy")) return (row) => (field(row, name) === unquoted(value)) !== (minus === "-");
    const part = word.toLowerCase();
    return part.length > 1 && part[0] === "-" ? (row) => !haystack(row).includes(part.slice(1)) : (row) => haystack(row).includes(part);
  });
  const haystacks = new Map();
  const haystack = (row) => {
    let text = haystacks.get(row);
    if (text === undefined) {
      const words = data.columns.filter((name) => data.kinds[at[name]] === "s").map((name) => get(row, name) || "");
      text = `${words.join(" ")} [${get(row, "pid")}] pid=${get(row, "pid")} uid=${get(row, "uid")} ${utc(get(row, "time"))}`.toLowerCase();
      haystacks.set(row, text);
    }
    return text;
  };

  const detail = (row) => {
    const list = make("dl");
    const add = (term, value) => {
      if (value === null || value === "" || value === undefined) return;
      const pair = make("div");
      pair.append(make("dt", term), make("dd", value, "mono"));
      list.append(pair);
    };
    const size = (name) => (get(row, name) === null ? null : `${mib(get(row, name))} MiB`);
    add("unit", get(row, "unit"));
    add("cgroup of the victim", get(row, "task_memcg"));
    add("cgroup that was out of memory", get(row, "oom_memcg"));
    add("container", get(row, "container"));
    add("container name", get(row, "container_name"));
    add("image", get(row, "image"));
    add("pod", get(row, "pod"));
    add("namespace", get(row, "namespace"));
    add("engine", get(row, "engine"));
    add("constraint", get(row, "constraint"));
    add("trigger", get(row, "trigger"));
    add("anon-rss", size("anon_rss"));
    add("file-rss", size("file_rss"));
    add("shmem-rss", size("shmem_rss"));
    add("page tables", size("pgtables"));
    add("total-vm", size("total_vm"));
    add("oom_score_adj", get(row, "adj"));
    add("oom_score", get(row, "score"));
    if (get(row, "invoker") !== null || get(row, "invoker_pid") !== null) add("allocation failed in", `${get(row, "invoker") ?? "?"}[${get(row, "invoker_pid") ?? "?"}]`);
    add("gfp_mask", get(row, "gfp_mask"));
    add("order", get(row, "order"));
    add("kernel", get(row, "kernel"));
    add("time is", `${get(row, "quality")}${get(row, "time") === null ? "" : ` (${get(row, "time")})`}`);
    add("uptime", get(row, "uptime"));
    add("boot", get(row, "boot"));
    add("host in the log", get(row, "log_host"));
    add("source", get(row, "source"));
    add("seen in", get(row, "seen_in"));
    add("proof", get(row, "proof"));
    add("because", get(row, "reason"));
    add("complete", get(row, "partial") ? "no: announced, but no \u201cKilled process\u201d line was seen" : "yes");
    if (!get(row, "counts")) add("counted", "no: another host shows the same kill");
    add("id", get(row, "id"));
    const cell = make("td");
    cell.colSpan = document.querySelectorAll("#kills thead th").length;
    cell.append(list);
    const line = make("tr", null, "detail");
    line.append(cell);
    return line;
  };

  const lines = (row) => {
    const tr = make("tr", null, "row");
    const time = make("td", utc(get(row, "time")), "t");
    const mark = data.marks[get(row, "quality")] || data.marks.unknown;
    if (mark[0] && get(row, "time") !== null) {
      const sign = make("span", " " + mark[0], "mark");
      sign.title = mark[1];
      time.append(sign);
    }
    const host = make("td", null, "name");
    host.append(make("span", get(row, "host")));
    const logHost = get(row, "log_host");
    if (logHost && logHost.split(".")[0].toLowerCase() !== get(row, "host").split(".")[0].toLowerCase()) host.append(make("br"), make("small", "log of " + logHost));
    const who = make("td", null, "t");
    const more = make("button", victim(row), "link mono");
    more.type = "button";
    more.setAttribute("aria-expanded", "false");
    more.title = "everything that is known of this kill";
    more.addEventListener("click", () => {
      const open = tr.nextElementSibling && tr.nextElementSibling.classList.contains("detail");
      if (open) tr.nextElementSibling.remove();
      else tr.after(detail(row));
      more.setAttribute("aria-expanded", String(!open));
    });
    who.append(more);
    if (get(row, "partial")) who.append(" ", make("small", "partial"));
    const badge = make("span", get(row, "proof"), "badge " + get(row, "proof"));
    badge.title = [get(row, "reason"), seenIn(row)].filter(Boolean).join("; ");
    const source = make("td", null, "t");
    source.append(badge);
    if (!get(row, "counts")) source.append(" ", make("small", "copy"));
    const why = make("td", shortage(row), "mono");
    if (get(row, "trigger") === "sysrq" || get(row, "trigger") === "group") why.append(" ", make("small", get(row, "trigger")));
    tr.append(time, host, who, make("td", get(row, "uid"), "n"), make("td", where(row), "mono"), make("td", mib(get(row, "anon_rss")), "n"), make("td", get(row, "adj"), "n"), why, make("td", get(row, "killer")), source);
    if (get(row, "why") === null) return [tr];
    const said = make("tr", null, "said");
    const cell = make("td", get(row, "why"));
    cell.colSpan = document.querySelectorAll("#kills thead th").length;
    said.append(cell);
    return [tr, said];
  };

  const draw = () => {
    const pages = Math.max(Math.ceil(shown.length / PAGE), 1);
    page = Math.min(page, pages - 1);
    const rows = shown.slice(page * PAGE, (page + 1) * PAGE);
    body.replaceChildren(...rows.flatMap(lines));
    const number = (n) => n.toLocaleString("en");
    const range = rows.length ? `${number(page * PAGE + 1)}\u2013${number(page * PAGE + rows.length)} of ` : "";
    count.textContent = `${range}${number(shown.length)}${shown.length === data.rows.length ? "" : ` (filtered from ${number(data.rows.length)})`}`;
    previous.disabled = page === 0;
    next.disabled = page >= pages - 1;
  };
  const update = () => {
    const wished = wishes(search.value);
    const wanted = proof.value;
    shown = data.rows.filter((row) => {
      const grade = get(row, "proof");
      if (wanted === "counted" ? grade === "disputed" : wanted !== "all" && wanted !== grade) return false;
      return wished.every((fits) => fits(row));
    });
    const key = sortKeys[order.key];
    const sign = order.down ? -1 : 1;
    shown = shown
      .map((row, i) => [key(row), i, row])
      .sort((a, b) => {
        if (a[0] === b[0]) return a[1] - b[1];
        if (a[0] === null || a[0] === "") return 1; // what is unknown stands last in both directions
        if (b[0] === null || b[0] === "") return -1;
        return (a[0] < b[0] ? -1 : 1) * sign;
      })
      .map((item) => item[2]);
    page = 0;
    draw();
  };

  document.querySelectorAll("#kills th[data-sort]").forEach((th) => {
    const button = make("button", th.textContent);
    button.type = "button";
    th.replaceChildren(button);
    if (th.dataset.sort === order.key) th.setAttribute("aria-sort", "descending");
    button.addEventListener("click", () => {
      const key = th.dataset.sort;
      order = { key, down: order.key === key ? !order.down : key === "time" || th.classList.contains("n") };
      document.querySelectorAll("#kills th[data-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      update();
    });
  });
  // A name in the other tables becomes a way into this one.
  document.querySelectorAll("[data-find]").forEach((element) => {
    const button = make("button", element.textContent, "link");
    button.type = "button";
    button.title = `show the kills of ${element.dataset.find}`;
    button.addEventListener("click", () => {
      // The whole name in its own column; bars count a kill that two hosts show once.
      search.value = `${element.dataset.column}=${JSON.stringify(element.dataset.find)}${"once" in element.dataset ? " copy=no" : ""}`;
      proof.value = "all";
      update();
      document.getElementById("kills").scrollIntoView();
    });
    element.replaceChildren(button);
  });
  let pause;
  search.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(update, 120); });
  proof.addEventListener("change", update);
  previous.addEventListener("click", () => { page -= 1; draw(); });
  next.addEventListener("click", () => { page += 1; draw(); });
  draw();
})();
