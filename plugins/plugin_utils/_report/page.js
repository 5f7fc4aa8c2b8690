// Copyright (c) 2026, memops.linux contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// The page: the tables unpack, what can be clicked leads to their rows, and the address keeps filter, order and kill.

document.documentElement.classList.add("js");
// A narrow screen begins with now, not with the oldest end.
document.querySelectorAll(".scroll > .timeline").forEach((figure) => { figure.parentElement.scrollLeft = figure.parentElement.scrollWidth; });
document.querySelectorAll("time[datetime]").forEach((time) => { time.after(` (${local(Date.parse(time.dateTime) / 1000)})`); });

const started = (async () => {
  const packed = document.getElementById("data");
  if (!packed) return; // no host is known
  if (!window.DecompressionStream) {
    document.documentElement.classList.add("old"); // the rows that stand there stay
    return;
  }
  const data = await unpacked(packed.textContent);
  packed.remove();

  const ways = (element, show) => {
    const way = button(element.textContent, "link", `show the kills of ${element.dataset.find}`);
    way.addEventListener("click", () => show(element));
    element.replaceChildren(way);
  };
  const hostRows = new Rows(data.hosts);
  const hosts = new Table(document.getElementById("hosts"), hostRows, 50, (row, cells) => {
    const tr = make("tr");
    tr.dataset.row = row;
    const head = make("th", null, cells[0].className);
    head.scope = "row";
    const name = make("span", cells[0].textContent);
    head.append(name);
    if (["kills", "disputed", "unresolved"].some((key) => hostRows.get(key, row) > 0)) {
      Object.assign(name.dataset, { find: name.textContent, column: "host" });
      if (kills) ways(name, find);
    }
    const why = make("td", hostRows.by.get("why").text(row), "why c-why");
    tr.append(head, ...cells.slice(1), why);
    return [tr];
  });
  const hostBox = document.getElementById("host-search");
  const filterHosts = (text) => {
    hostBox.value = text;
    hosts.filter = text;
    hosts.update();
  };
  hostBox.addEventListener("input", () => filterHosts(hostBox.value));

  const kills = data.kills.rows ? new Kills(data.kills, data.marks) : null;
  const search = document.getElementById("search");
  const proof = document.getElementById("proof");
  const wanted = { all: "", counted: "-proof=disputed" };
  const filterKills = () => {
    kills.table.filter = `${search.value} ${wanted[proof.value] ?? `proof=${proof.value}`}`;
    kills.table.update();
  };
  const show = (text) => {
    search.value = text;
    proof.value = "all";
    filterKills();
    document.getElementById("kills").scrollIntoView();
  };
  // The whole name in its own column; bars count a kill that two hosts show once.
  const find = (element) => {
    show(`${element.dataset.column}=${JSON.stringify(element.dataset.find)}${"once" in element.dataset ? " copy=no" : ""}`);
  };
  hosts.draw();
  document.querySelectorAll("a[data-hosts]").forEach((tile) => tile.addEventListener("click", () => filterHosts(tile.dataset.hosts)));

  if (kills) {
    kills.rows.prepare();
    document.querySelectorAll("[data-find]").forEach((element) => { if (!element.closest("#hosts")) ways(element, find); });
    // A bar or a cell leads to the kills of its time, and of its host.
    document.querySelectorAll(".timeline").forEach((figure) => figure.addEventListener("click", (event) => {
      const cell = event.target.closest("[data-bin]");
      if (!cell) return;
      const start = Number(figure.dataset.start) + cell.dataset.bin * figure.dataset.step;
      const [since, until] = [start, start + Number(figure.dataset.step)].map((when) => utc(when).replace(" ", "T"));
      const host = cell.closest("[data-host]");
      show(`${host ? `host=${JSON.stringify(host.dataset.host)} ` : ""}since=${since} until=${until} copy=no`);
    }));
    document.querySelectorAll("a[data-kills]").forEach((tile) => tile.addEventListener("click", () => show(tile.dataset.kills)));
    search.addEventListener("input", filterKills);
    proof.addEventListener("change", filterKills);
    const read = () => {
      const asked = new URLSearchParams(location.hash.slice(1));
      if (!location.hash.includes("=")) return kills.table.update();
      search.value = asked.get("filter") ?? "";
      proof.value = asked.get("proof") ?? "all";
      if (proof.selectedIndex < 0) proof.value = "all";
      const key = asked.get("sort") ?? "time";
      kills.table.order = { key: kills.rows.by.has(key) ? key : "time", down: !asked.has("up") };
      filterKills();
      if (asked.has("kill")) kills.open(asked.get("kill"));
      else document.getElementById("kills").scrollIntoView();
    };
    const write = () => {
      const { key, down } = kills.table.order;
      const now = new URLSearchParams();
      if (search.value) now.set("filter", search.value);
      if (proof.value !== "all") now.set("proof", proof.value);
      if (key !== "time" || !down) now.set("sort", key);
      if (!down) now.set("up", "");
      const text = String(now);
      if (text || location.hash.includes("=")) history.replaceState(null, "", `#${text || "kills"}`);
    };
    // Browsers count how often a page changes its address.
    let pause;
    kills.table.changed = () => {
      clearTimeout(pause);
      pause = setTimeout(write, 300);
    };
    const changed = kills.table.changed;
    kills.table.changed = null;
    read();
    kills.table.changed = changed;
    window.addEventListener("hashchange", () => {
      kills.table.changed = null;
      read();
      kills.table.changed = changed;
    });
  }
})();
started.then(() => { document.documentElement.classList.add("ready"); });
