// Copyright (c) 2026, memops.linux contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// A table that shows one page of its rows, filtered and sorted. Text goes in through textContent only, never as markup.

const make = (name, text, className) => {
  const element = document.createElement(name);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
};
const button = (text, className, title) => {
  const made = make("button", text, className);
  made.type = "button";
  if (title) made.title = title;
  return made;
};
const CLASSES = { name: "name", mono: "mono", unit: "mono", time: "t", moment: "t", badge: "t", verdict: "why", sentence: "why", number: "n", count: "n", size: "n" };
const badge = (word) => make("span", word.replaceAll("_", " "), `badge ${/^[a-z_]+$/.test(word) ? word : "unknown"}`);

class Table {
  // size -- rows of one page; line(row, cells) -- the elements of a row
  constructor(section, rows, size, line) {
    this.rows = rows;
    this.size = size;
    this.line = line;
    this.page = 0;
    this.shown = Array.from({ length: rows.length }, (_none, row) => row);
    this.order = null;
    this.natural = null;
    this.filter = "";
    this.columns = rows.columns.filter((column) => column.shown && column.kind !== "sentence");
    this.body = section.querySelector("tbody");
    this.count = section.querySelector(".count");
    this.heads = [...section.querySelectorAll("th[data-sort]")];
    [this.previous, this.next] = section.querySelectorAll(".tools .step");
    this.previous.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
    this.heads.forEach((head) => {
      const click = button(head.textContent);
      click.addEventListener("click", () => this.sort(head.dataset.sort));
      head.replaceChildren(click);
    });
  }

  turn(by) {
    this.page += by;
    this.draw();
  }

  sort(key) {
    const numbers = ["number", "count", "size", "time", "moment"].includes(this.rows.by.get(key).kind);
    this.order = { key, down: this.order && this.order.key === key ? !this.order.down : numbers };
    this.update();
  }

  update() {
    this.shown = this.rows.filtered(this.filter);
    const given = this.order && this.order.key === this.natural && this.order.down; // as the rows come
    if (this.order && !given) this.shown = this.rows.sorted(this.shown, this.order.key, this.order.down);
    this.page = 0;
    this.draw();
    this.changed?.();
  }

  // The page on which a row is, drawn.
  find(row) {
    const place = this.shown.indexOf(row);
    if (place >= 0) this.page = Math.floor(place / this.size);
    this.draw();
    return place < 0 ? null : this.body.querySelector(`[data-row="${row}"]`);
  }

  draw() {
    const pages = Math.max(Math.ceil(this.shown.length / this.size), 1);
    this.page = Math.max(Math.min(this.page, pages - 1), 0);
    const first = this.page * this.size;
    const rows = this.shown.slice(first, first + this.size);
    this.body.replaceChildren(...rows.flatMap((row) => this.line(row, this.cells(row))));
    const total = this.rows.total(this.shown);
    const all = this.rows.length === this.shown.length ? "" : ` (filtered from ${grouped(this.rows.length)})`;
    const stand = total === this.shown.length ? "" : `, which stand for ${grouped(total)} kills`;
    this.count.textContent = `${rows.length ? `${grouped(first + 1)}\u2013${grouped(first + rows.length)} of ` : ""}${grouped(this.shown.length)}${all}${stand}`;
    this.count.dataset.total = total;
    this.previous.disabled = this.page === 0;
    this.next.disabled = this.page >= pages - 1;
    this.heads.forEach((head) => {
      head.removeAttribute("aria-sort");
      if (this.order && head.dataset.sort === this.order.key) head.setAttribute("aria-sort", this.order.down ? "descending" : "ascending");
    });
  }

  cells(row) {
    return this.columns.map((column) => {
      const cell = make("td", null, `${CLASSES[column.kind] || ""} c-${column.key}`.trim());
      const text = column.text(row);
      if (column.kind === "badge" && text) cell.append(badge(text));
      else if (column.kind === "verdict") cell.append(...this.verdict(text));
      else cell.textContent = text;
      return cell;
    });
  }

  // "state: reasons", as it stands in the other formats.
  verdict(text) {
    if (!text) return [];
    const at = text.indexOf(": ");
    return at < 0 ? [badge(text)] : [badge(text.slice(0, at)), " ", make("small", text.slice(at + 2))];
  }
}
