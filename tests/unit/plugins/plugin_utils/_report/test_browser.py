# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""index.html in a real browser: no dialog, no request, no refused script; and the table of kills does what it promises.

The browser is driven over its debugging pipe, which needs nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import subprocess
import tempfile
import time
import warnings

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import archive, page, words
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    PAYLOADS,
    disputed,
    facts,
    kill,
)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"))), ""
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
DEADLINE = 60


class Browser:
    """One page and everything it reports."""

    def __init__(self, profile):
        ours_out, theirs_in = os.pipe()
        theirs_out, ours_in = os.pipe()
        self._in, self._out = os.fdopen(ours_in, "wb", 0), os.fdopen(ours_out, "rb", 0)

        def pipes():
            # chromium reads commands from 3 and writes to 4
            high_out, high_in = os.dup(theirs_out), os.dup(theirs_in)
            os.dup2(high_out, 3)
            os.dup2(high_in, 4)

        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=pipes,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_out)
        os.close(theirs_in)
        self.events = []
        self.scriptless = False
        self._session = ""
        self._number = 0
        self._rest = b""
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(info["targetId"] for info in targets if info["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def _read(self, until):
        while b"\0" not in self._rest:
            ready, _w, _x = select.select([self._out], [], [], max(until - time.monotonic(), 0))
            data = os.read(self._out.fileno(), 1 << 16) if ready else b""
            if not data:
                raise AssertionError("the browser does not answer")
            self._rest += data
        text, _nul, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        if "method" in message:
            self.events.append((message["method"], message.get("params", {})))
            if message["method"] == "Page.javascriptDialogOpening":
                self._send("Page.handleJavaScriptDialog", accept=True)
        return message

    def _send(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._in.write(json.dumps(message).encode() + b"\0")
        return self._number

    def call(self, method, **params):
        number = self._send(method, **params)
        until = time.monotonic() + DEADLINE
        while True:
            message = self._read(until)
            if message.get("id") == number:
                assert "error" not in message, message
                return message.get("result", {})

    def open(self, path):
        self.load(f"file://{path}")

    def load(self, address):
        self.events.clear()
        self.call("Page.navigate", url=address)
        until = time.monotonic() + DEADLINE
        while "Page.loadEventFired" not in [name for name, _params in self.events]:
            self._read(until)

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def without_script(self, value):
        self.scriptless = value
        self.call("Emulation.setScriptExecutionDisabled", value=value)

    def complaints(self):
        """Dialogs, errors, refused sources and requests beyond the page itself."""
        found = [
            name for name, _params in self.events if name in ("Page.javascriptDialogOpening", "Runtime.exceptionThrown")
        ]
        found += [params["entry"]["text"] for name, params in self.events if name == "Log.entryAdded"]
        requests = [params["request"]["url"] for name, params in self.events if name == "Network.requestWillBeSent"]
        return found + requests[1:]

    def close(self):
        self._session = ""
        try:
            self.call("Browser.close")
            self.process.wait(timeout=10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self._in.close()
        self._out.close()


@pytest.fixture
def browser():
    if not CHROMIUM:
        message = "NOT RUN: no chromium here, so nobody looked whether a process name can run a script in the page (apt install chromium)"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    # Not below tmp_path: ansible-test forks for every test, and the next one removes that folder while this browser
    # still writes.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        made = Browser(profile)
        yield made
        made.close()


def opened(browser, tmp_path, report, title="Kills"):
    path = tmp_path / "index.html"
    path.write_text(page.render(report, title), encoding="utf-8")
    browser.open(path)
    if report["hosts"] and not browser.scriptless:
        browser.run("started.then(() => true)")
    return browser


@pytest.mark.slow
def test_the_browser_would_tell(browser, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<meta charset=utf-8><script>alert(1); nobody()</script><img src='file:///nothing.png'>")
    browser.open(path)
    names = browser.complaints()
    assert names[:2] == ["Page.javascriptDialogOpening", "Runtime.exceptionThrown"]
    assert "file:///nothing.png" in names


EVERYTHING = """(async () => {
  const count = () => document.querySelectorAll("#kills tbody tr.row").length;
  document.querySelectorAll("#kills tbody button").forEach((b) => b.click());
  const details = document.querySelectorAll("#kills tr.detail").length;
  document.querySelectorAll("#kills th button, #hosts th button").forEach((b) => { b.click(); b.click(); });
  document.querySelectorAll(".tiles a, [data-bin], .actions button").forEach((b) => { b.dispatchEvent(new MouseEvent("click", { bubbles: true })); });
  document.querySelectorAll("[data-find] button").forEach((b) => { b.click(); b.focus(); });
  const search = document.getElementById("search");
  const hosts = document.getElementById("host-search");
  for (const box of [search, hosts]) { box.value = ""; box.dispatchEvent(new Event("input")); }
  const listed = document.querySelectorAll("#hosts tbody tr").length;
  location.hash = `#kill=${encodeURIComponent(document.querySelector(".actions a")?.hash ?? "")}`;
  const next = document.querySelector("#kills .step:last-child");
  let rows = count();
  while (!next.disabled) { next.click(); document.querySelectorAll("#kills tbody button").forEach((b) => b.click()); rows += count(); }
  document.querySelectorAll("*").forEach((e) => { for (const n of ["mouseover", "focus", "load", "error"]) e.dispatchEvent(new Event(n)); });
  return { rows, listed, details, nodes: document.querySelectorAll("img,iframe,object,svg svg,base,link,form,math").length,
           scripts: document.scripts.length };
})()"""


@pytest.mark.slow
def test_no_payload_runs(browser, tmp_path, hostile):
    opened(browser, tmp_path, hostile, PAYLOADS[1])
    assert browser.run(EVERYTHING) == {
        "rows": 2 * len(PAYLOADS),
        "listed": 50,
        "details": 50,
        "nodes": 0,
        "scripts": 1,  # the data are read and gone
    }
    assert browser.complaints() == []


ROWS = "[...document.querySelectorAll('#kills tbody tr.row')].map((r) => r.cells[2].textContent.split('[')[0])"
TYPE = """new Promise((done) => { const s = document.getElementById('search'); s.value = %s; s.dispatchEvent(new Event('input'));
  done(%s); })"""


@pytest.mark.slow
def test_sort_filter_and_page(browser, tmp_path, small, big):
    opened(browser, tmp_path, small)
    assert browser.run(ROWS) == ["chrome", "mysqld", "php-fpm", "postgres"]
    browser.run("document.querySelector('#kills th[data-sort=time] button').click()")
    assert browser.run(ROWS) == ["php-fpm", "mysqld", "chrome", "postgres"]  # no time: last in both directions
    browser.run("document.querySelector('#kills th[data-sort=victim] button').click()")
    assert browser.run(ROWS) == ["chrome", "mysqld", "php-fpm", "postgres"]
    assert browser.run(TYPE % ("'db1 -mysqld'", ROWS)) == ["chrome", "php-fpm"]
    assert browser.run(TYPE % ("'[404]'", ROWS)) == ["postgres"]
    browser.run(
        "document.getElementById('proof').value = 'disputed'; document.getElementById('proof').dispatchEvent(new Event('change'))"
    )
    assert browser.run(ROWS) == []
    assert browser.run(TYPE % ("''", ROWS)) == ["chrome"]
    opened(browser, tmp_path, big)
    assert browser.run("document.querySelector('#kills .count').textContent") == "1\u201350 of 10,000"
    browser.run("document.querySelector('#kills .step:last-child').click()")
    assert browser.run("document.querySelector('#kills .count').textContent") == "51\u2013100 of 10,000"
    assert browser.complaints() == []


@pytest.mark.slow
def test_hosts_can_be_filtered_where_nothing_was_killed(browser, tmp_path):
    opened(browser, tmp_path, build({f"web{i:02d}": HostInput(facts()) for i in range(30)}, NOW))
    script = """(() => { const s = document.getElementById("host-search"); s.value = "web07"; s.dispatchEvent(new Event("input"));
      return [...document.querySelectorAll("#hosts tbody tr")].filter((tr) => tr.offsetHeight > 0).map((tr) => tr.cells[0].textContent); })()"""
    assert browser.run(script) == ["web07"]
    assert browser.run("document.getElementById('host-search').offsetHeight > 0")
    assert browser.complaints() == []


def crossed():
    """Names that also stand in other columns, with disputed kills and copies."""
    rng = random.Random(7)
    names = ("java", "sh", "memcg", "kernel", "db1", "<b>java</b>", "java ")
    kills = {host: [] for host in names}
    for number in range(400):
        unit, comm, invoker, host = (rng.choice(names) for _column in range(4))
        make = disputed if number % 7 == 0 else kill
        made = make(
            number,
            unit=unit,
            victim_comm=comm,
            invoker_comm=invoker,
            host=invoker,
            killer=rng.choice(("kernel", "earlyoom")),
            scope=comm,
        )
        kills[host].append(made)
        if number % 11 == 0:
            kills[rng.choice(names)].append(dict(made))
    return build({host: HostInput(facts(found)) for host, found in kills.items()}, NOW)


CLICKS = """[...document.querySelectorAll(%s)].map((e) => {
  e.querySelector("button").click();
  const sum = (text) => (text.match(/[0-9,]+/g) || []).reduce((all, n) => all + Number(n.replaceAll(",", "")), 0);
  const shown = document.querySelector("#kills .count").textContent.match(/of ([0-9,]+)/);
  return [e.dataset.column, e.dataset.find, sum(%s), Number(shown[1].replaceAll(",", "")), document.getElementById("search").value]; })"""


@pytest.mark.slow
def test_a_click_shows_what_its_bar_counts(browser, tmp_path):
    report = crossed()
    opened(browser, tmp_path, report)
    bars = browser.run(CLICKS % ("'.bars [data-find]'", "e.nextElementSibling.textContent"))
    assert {column for column, *_rest in bars} == {"unit", "comm", "host", "killer", "scope"} and len(bars) >= 30
    assert [one[:3] for one in bars if one[2] != one[3]] == []
    for column, name, count, _shown, typed in bars:
        tallies = (report["fleet"]["by_" + column], report["fleet"]["disputed"]["by_" + column])
        assert sum(tally.get(name, 0) for tally in tallies) == count > 0
        assert typed == f"{column}={json.dumps(name)} copy=no"
    hosts = browser.run(
        CLICKS % ("'#hosts [data-find]'", "[2, 3].map((i) => e.closest('tr').cells[i].textContent).join(' ')")
    )
    assert len(hosts) == 7 and [host[:3] for host in hosts if host[2] != host[3]] == []
    browser.run(TYPE % ("''", ROWS))
    listed = sum(len(entry["oom"]["kills"]) for entry in report["hosts"].values())
    assert browser.run("document.querySelector('#kills .count').textContent").endswith(f"of {listed}")
    count = "document.querySelector('#kills .count').textContent.match(/(\\d+)(?: [(]filtered.*)?$/)[1] | 0"
    java, other = (browser.run(TYPE % (typed, count)) for typed in ("'comm=java'", "'-comm=java'"))
    assert java + other == listed and browser.run(TYPE % ("'java'", count)) > java
    assert browser.run(TYPE % ("'nosuch=java'", count)) == 0
    assert browser.complaints() == []


@pytest.mark.slow
def test_the_keyboard_reaches_the_kills_and_every_label_says_what_is_seen(browser, tmp_path, big):
    opened(browser, tmp_path, big)
    assert browser.run("document.querySelector('a, button, input, [tabindex]').getAttribute('href')") == "#kills"
    assert (
        browser.run("[...document.querySelectorAll('.scroll')].filter((e) => e.tabIndex !== 0 || !e.ariaLabel).length")
        == 0
    )
    labelled = "[...document.querySelectorAll('button[aria-label], a[aria-label]')].filter((e) => !e.ariaLabel.includes(e.textContent)).length"
    assert browser.run(labelled) == 0


@pytest.mark.slow
def test_a_narrow_screen_begins_with_now(browser, tmp_path, big):
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    opened(browser, tmp_path, big)
    assert browser.run(
        "(() => { const s = document.querySelector('.timeline').parentElement; return s.scrollLeft > 100; })()"
    )


@pytest.mark.slow
def test_the_script_draws_what_stood_there_without_it(browser, tmp_path, hostile, small):
    """The same rows from Python and from the script: whoever changes one is told."""
    text = "[...document.querySelectorAll('#kills tbody tr, #hosts tbody tr')].map((r) => [...r.cells].map((c) => c.textContent.trim()))"
    for report in (small, hostile):
        scripted = opened(browser, tmp_path, report).run(text)
        browser.without_script(True)
        try:
            static = opened(browser, tmp_path, report).run(text)
        finally:
            browser.without_script(False)
        assert len(static) >= 4
        assert (
            [row for row in scripted if len(row) == 1] == [row for row in static if len(row) == 1] != []
        )  # why this one
        assert scripted == static


def in_python(report, fits):
    """How many kills of the report a condition takes."""
    return sum(
        bool(fits(name, kill))
        for name, entry in report["hosts"].items()
        if entry["oom"]
        for kill in entry["oom"]["kills"]
    )


TOTAL = "Number(document.querySelector('#kills .count').dataset.total)"


@pytest.mark.slow
def test_a_filter_takes_what_the_report_holds(browser, tmp_path):
    """The numbers of the page against the same question asked of report.json."""
    report = crossed()
    report = json.loads(archive.render(report))
    opened(browser, tmp_path, report)
    middle = NOW - 2 * 86400
    moment = words.utc(middle).replace(" ", "T")
    questions = {
        "": lambda _name, _kill: True,
        "proof=disputed": lambda _name, kill: kill["proof"] == "disputed",
        "comm=java": lambda _name, kill: kill["victim"]["comm"] == "java",
        "-comm=java killer=earlyoom": lambda _name, kill: kill["victim"]["comm"] != "java"
        and kill["killer"] == "earlyoom",
        'unit="java "': lambda _name, kill: kill["unit"] == "java ",
        "host=sh": lambda name, _kill: name == "sh",
        "pid=417": lambda _name, kill: kill["victim"]["pid"] == 417,
        f"since={moment}": lambda _name, kill: kill["time"] >= middle,
        f"until={moment} uid=1000": lambda _name, kill: kill["time"] < middle,
        "2025-11-21": lambda _name, kill: words.utc(kill["time"]).startswith("2025-11-21"),
    }
    found = {text: browser.run(TYPE % (json.dumps(text), TOTAL)) for text in questions}
    assert found == {text: in_python(report, fits) for text, fits in questions.items()}
    assert min(found.values()) >= 1 and browser.complaints() == []


CELLS = """[...document.querySelectorAll('.timeline [data-bin]')].map((e) => {
  e.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const told = e.querySelector("title").textContent.replace(/.*Z: /, "").match(/[0-9,]+(?= (?:killed|disputed))/g) || [];
  return [e.closest("[data-host]")?.dataset.host ?? null, told.reduce((a, n) => a + Number(n.replaceAll(",", "")), 0),
    Number(document.querySelector('#kills .count').dataset.total)]; })"""


@pytest.mark.slow
def test_a_cell_of_the_heat_map_shows_its_kills(browser, tmp_path):
    report = crossed()
    opened(browser, tmp_path, report)
    cells = browser.run(CELLS)
    assert len(cells) > 100 and [cell for cell in cells if cell[1] != cell[2]] == []
    every = sum(len(entry["oom"]["kills"]) for entry in report["hosts"].values())
    copies = report["fleet"]["totals"]["copies"]
    assert sum(told for host, told, _shown in cells if host is None) == every - copies
    assert sum(told for host, told, _shown in cells if host is not None) == every - copies


def again(browser, path):
    """Opened anew: another fragment alone loads nothing."""
    browser.load("about:blank")
    browser.open(path)


@pytest.mark.slow
def test_a_kill_has_an_address(browser, tmp_path, big):
    opened(browser, tmp_path, big)
    kill_id = big["hosts"]["host0150.dc3.example.net"]["oom"]["kills"][7]["id"]
    browser.run(
        f"new Promise((done) => {{ window.addEventListener('hashchange', () => done()); location.hash = '#kill={kill_id}'; }})"
    )
    shown = "document.querySelector('#kills tr.detail').textContent"
    assert kill_id in browser.run(shown) and "host0150.dc3.example.net" in browser.run(shown)
    browser.run("document.querySelector('#kills th[data-sort=anon_rss] button').click()")
    browser.run(TYPE % ("'mysqld host0150'", "0"))
    address = browser.run("new Promise((done) => setTimeout(() => done(location.hash), 500))")
    rows = browser.run(ROWS)
    assert "filter=mysqld+host0150" in address and "sort=anon_rss" in address and set(rows) == {"mysqld"}
    again(browser, f"{tmp_path}/index.html{address}")
    browser.run("started.then(() => true)")
    assert browser.run(ROWS) == rows and browser.run("document.getElementById('search').value") == "mysqld host0150"
    for hostile in ("#kill=%00&filter=%22&sort=__proto__&proof=x", "#filter=%", "#=", "#kill=<script>"):
        again(browser, f"{tmp_path}/index.html{hostile}")
        browser.run("started.then(() => true)")
        assert browser.complaints() == []


@pytest.mark.slow
def test_a_kill_tells_where_the_memory_was_and_can_be_copied(browser, tmp_path):
    ledger = {"of": "limit", "total": 1500 << 20, "rows": {"anon": 911 << 20, "file": 300 << 20, "free": None}}
    one = kill(1, why="it <b>leaked</b>", victim_anon_rss=911 << 20, victim_file_rss=0, ledger=ledger)
    opened(browser, tmp_path, build({"a": HostInput(facts([one, kill(2)]))}, NOW))
    detail = """(async () => { const b = [...document.querySelectorAll('#kills tr.row button')].find((b) => b.textContent === 'mysqld[401]'); b.click();
      const box = document.querySelector('tr.detail'); let text = null;
      Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (t) => { text = t; } } });
      box.querySelector('.actions button').click(); await new Promise((done) => setTimeout(done));
      return { labels: [...box.querySelectorAll('.bar-label')].map((e) => e.textContent),
        parts: [...box.querySelectorAll('.parts li')].map((e) => e.textContent.trim()),
        widths: [...box.querySelectorAll('.share')].map((e) => [...e.children].map((i) => Math.round(1000 * i.offsetWidth / e.offsetWidth))), text }; })()"""
    found = browser.run(detail)
    assert found["labels"] == ["911 of 1,500 MiB: mysqld[401] and the limit", "Where 1,500 MiB were"]
    assert found["parts"] == ["processes (anon) 911 MiB", "page cache 300 MiB"]
    assert sum(found["widths"], []) == pytest.approx([607, 393, 607, 200, 193], abs=3)
    assert found["text"].startswith("it <b>leaked</b>\n\nTime (UTC): 2025-11-")
    assert "\nAnon MiB: 911\n" in found["text"] and "  page cache: 300 MiB" in found["text"]
    # The other one tells of no memory.
    browser.run("document.querySelector('#kills tr.detail').remove()")
    browser.run(
        "[...document.querySelectorAll('#kills tr.row button')].find((b) => b.textContent === 'php-fpm[402]').click()"
    )
    assert browser.run("document.querySelectorAll('.bar-label').length") == 0
    assert browser.complaints() == []


@pytest.mark.slow
def test_tiles_lead_to_what_they_count(browser, tmp_path, small):
    opened(browser, tmp_path, small)
    script = """[...document.querySelectorAll('.tiles a')].map((a) => { a.click(); const s = document.querySelector(a.hash);
      return [a.querySelector('b').textContent, s.querySelector('.count').dataset.total]; })"""
    tiles = browser.run(script)
    assert tiles == [["3", "3"], ["1", "1"], ["2", "2"], ["1", "1"]]


@pytest.mark.slow
def test_many_hosts_are_paged(browser, tmp_path):
    hosts = {f"h{n:04d}": HostInput(facts([kill(n)] if n % 3 == 0 else [])) for n in range(1000)}
    report = build(hosts, NOW)
    opened(browser, tmp_path, report)
    assert browser.run("document.querySelectorAll('#hosts tbody tr').length") == 50
    assert browser.run("document.querySelector('#hosts .count').textContent") == "1\u201350 of 1,000"
    type_host = (
        "(() => { const s = document.getElementById('host-search'); s.value = %s; s.dispatchEvent(new Event('input'));"
    )
    type_host += " return document.querySelector('#hosts .count').dataset.total; })()"
    assert browser.run(type_host % "'h0999'") == "1" and browser.run(type_host % "'-kills=0'") == "334"
    assert browser.run("document.documentElement.scrollHeight") < 20_000
    assert browser.run("document.querySelectorAll('a, button, input, select, [tabindex]').length") < 260
    assert browser.complaints() == []
