// Copyright (c) 2026, memops.linux contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// What page_data.py packed: columns of texts, numbers, times and sentences, how they are shown, and which rows a filter takes.
"use strict";

const unpacked = async (text) => {
  const letters = atob(text);
  const bytes = Uint8Array.from({ length: letters.length }, (_none, i) => letters.charCodeAt(i));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
};

const two = (n) => String(n).padStart(2, "0");
const grouped = (n) => n.toLocaleString("en");
const utc = (seconds) => {
  const d = new Date(Math.floor(seconds) * 1000);
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}Z`;
};
// As Python does it: a half goes to the even neighbour.
const rounded = (n) => (Math.abs(n % 1) === 0.5 ? 2 * Math.round(n / 2) : Math.round(n));
const mib = (bytes) => {
  const n = bytes / 1048576;
  return n >= 100 ? grouped(rounded(n)) : (rounded(n * 10) / 10).toFixed(1);
};
const SHOWN = {
  count: (value) => (typeof value === "number" ? grouped(value) : value),
  size: mib,
  time: (value) => (typeof value === "number" ? `${utc(value).slice(0, 16)}Z` : value),
  moment: utc,
};

class Column {
  constructor(given) {
    Object.assign(this, given); // key, title, kind, shown; texts and rows (and numbers), or values, or steps
    if (this.steps) {
      let now = 0;
      this.values = this.steps.map((step) => (step === null ? null : (now += step) / 1000));
    }
    if (this.numbers) this.pieces = this.texts.map((text) => text.split("\0"));
  }

  // The value, null where it is unknown.
  at(row) {
    if (this.values) return this.values[row];
    const which = this.rows[row];
    if (which < 0) return null;
    return this.numbers ? this.sentence(row, which) : this.texts[which];
  }

  sentence(row, which) {
    const pieces = this.pieces[which];
    if (pieces.length === 1) return pieces[0];
    const numbers = this.numbers[row].split(" ");
    return pieces.reduce((text, piece, i) => text + numbers[i - 1] + piece);
  }

  // As a person reads it.
  text(row) {
    const value = this.at(row);
    if (value === null) return this.kind === "moment" ? "unknown" : "";
    if (typeof value === "boolean") return value ? "yes" : "no";
    return String((SHOWN[this.kind] || String)(value));
  }

  // Marks every row whose text a test takes. What does not hold a number need not be put together to be looked through.
  mark(found, test, word) {
    if (this.values || (this.numbers && /[0-9]/.test(word))) {
      this.lower(found.length).forEach((text, row) => { if (test(text)) found[row] = 1; });
      return;
    }
    const takes = this.texts.map((text) => test(text.toLowerCase()));
    if (takes.some(Boolean)) this.rows.forEach((which, row) => { if (which >= 0 && takes[which]) found[row] = 1; });
  }

  // Every text in lower case, put together once.
  lower(length) {
    if (!this.whole) this.whole = Array.from({ length }, (_none, row) => this.text(row).toLowerCase());
    return this.whole;
  }

  // A number for each row by which rows can be sorted; what is unknown has none.
  ranks() {
    if (!this.ranked) {
      const own = this.values || (this.numbers ? this.rows.map((_none, row) => this.at(row)) : this.texts);
      const order = [...new Set(own)].filter((value) => value !== null && value !== "");
      order.sort((a, b) => (typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === "number" ? -1 : 1));
      const places = new Map(order.map((value, i) => [value, i]));
      const rank = (value) => places.get(value) ?? null;
      this.ranked = own === this.texts ? this.rows.map((which) => (which < 0 ? null : rank(this.texts[which]))) : own.map(rank);
    }
    return this.ranked;
  }
}

const TOKEN = /(-?)(\w+)=("(?:[^"\\]|\\.)*"|\S+)|\S+/g;
const unquoted = (text) => {
  try { return text[0] === '"' ? JSON.parse(text) : text; } catch { return text; }
};

class Rows {
  constructor(given) {
    this.length = given.rows;
    this.columns = given.columns.map((column) => new Column(column));
    this.by = new Map(this.columns.map((column) => [column.key, column]));
    this.times = given.times || [];
  }

  get(key, row) {
    const column = this.by.get(key);
    return column ? column.at(row) : null;
  }

  // What the first filter with a number in it would have to wait for, while nothing else is to be done.
  prepare() {
    const idle = window.requestIdleCallback || setTimeout;
    const rest = this.columns.filter((column) => column.numbers || column.kind === "moment");
    const next = () => {
      const column = rest.pop();
      if (!column) return;
      column.lower(this.length);
      idle(next);
    };
    idle(next);
  }

  // How many kills a row stands for.
  count(row) {
    return this.times.length ? this.times[row] : 1;
  }

  total(rows) {
    return rows.reduce((sum, row) => sum + this.count(row), 0);
  }

  // column="value" is the whole value of one column, since= and until= are times, any other word stands in any text; a - in
  // front leaves out.
  filtered(text) {
    const found = new Uint8Array(this.length).fill(1);
    for (const [whole, minus, name, value] of text.matchAll(TOKEN)) {
      const named = name && (this.by.has(name) || name === "since" || name === "until");
      const out = named ? minus === "-" : whole.length > 1 && whole[0] === "-";
      const marks = named ? this.named(name, unquoted(value)) : this.worded(whole.slice(out ? 1 : 0).toLowerCase());
      for (let row = 0; row < found.length; row += 1) found[row] &= out ? 1 - marks[row] : marks[row];
    }
    const rows = [];
    for (let row = 0; row < found.length; row += 1) if (found[row]) rows.push(row);
    return rows;
  }

  named(name, wanted) {
    const marks = new Uint8Array(this.length);
    const moment = name === "since" || name === "until" ? Date.parse(wanted) / 1000 : null;
    if (moment !== null) {
      const times = this.by.get("time");
      if (times) times.values.forEach((when, row) => { marks[row] = when !== null && (name === "since" ? when >= moment : when < moment); });
      return marks;
    }
    const column = this.by.get(name);
    if (column.texts && !column.numbers) {
      const which = wanted === "" ? -1 : column.texts.indexOf(wanted);
      column.rows.forEach((one, row) => { marks[row] = one === which; });
    } else {
      for (let row = 0; row < this.length; row += 1) marks[row] = String(column.at(row) ?? "") === wanted || column.text(row) === wanted;
    }
    return marks;
  }

  worded(word) {
    const marks = new Uint8Array(this.length);
    const test = (text) => text.includes(word);
    const searched = this.columns.filter((column) => column.texts || (column.kind === "moment" && /^[\d:tz-]+$/.test(word)));
    searched.forEach((column) => column.mark(marks, test, word));
    return marks;
  }

  // What is unknown stands last in both directions; what is equal keeps its order.
  sorted(rows, key, down) {
    const ranks = this.by.get(key).ranks();
    const known = rows.filter((row) => ranks[row] !== null);
    const size = this.length + 1;
    const keys = Float64Array.from(known, (row) => (down ? -ranks[row] : ranks[row]) * size + row).sort();
    const order = Array.from(keys, (value) => ((value % size) + size) % size);
    return order.concat(rows.filter((row) => ranks[row] === null));
  }
}
