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

from ansible_collections.memops.linux.plugins.plugin_utils._report import page
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
        self.events.clear()
        self.call("Page.navigate", url=f"file://{path}")
        until = time.monotonic() + DEADLINE
        while "Page.loadEventFired" not in [name for name, _params in self.events]:
            self._read(until)

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

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
  const wait = () => new Promise((done) => setTimeout(done, 160));
  const count = () => document.querySelectorAll("#kills tbody tr.row").length;
  document.querySelectorAll("#kills tbody button").forEach((b) => b.click());
  const details = document.querySelectorAll("#kills tr.detail").length;
  document.querySelectorAll("#kills th button").forEach((b) => { b.click(); b.click(); });
  document.querySelectorAll("[data-find] button").forEach((b) => { b.click(); b.focus(); });
  const search = document.getElementById("search");
  search.value = ""; search.dispatchEvent(new Event("input"));
  await wait();
  document.querySelectorAll("*").forEach((e) => { for (const n of ["mouseover", "focus", "load", "error"]) e.dispatchEvent(new Event(n)); });
  return { rows: count(), details, nodes: document.querySelectorAll("img,iframe,object,svg svg,base,link,form,math").length,
           scripts: document.scripts.length };
})()"""


@pytest.mark.slow
def test_no_payload_runs(browser, tmp_path, hostile):
    opened(browser, tmp_path, hostile, PAYLOADS[1])
    assert browser.run(EVERYTHING) == {
        "rows": 2 * len(PAYLOADS),
        "details": 2 * len(PAYLOADS),
        "nodes": 0,
        "scripts": 2,
    }
    assert browser.complaints() == []


ROWS = "[...document.querySelectorAll('#kills tbody tr.row')].map((r) => r.cells[2].textContent.split('[')[0])"
TYPE = """new Promise((done) => { const s = document.getElementById('search'); s.value = %s; s.dispatchEvent(new Event('input'));
  setTimeout(() => done(%s), 200); })"""


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
    assert browser.run("document.getElementById('count').textContent") == "1\u2013100 of 10,000"
    browser.run("document.getElementById('next').click()")
    assert browser.run("document.getElementById('count').textContent") == "101\u2013200 of 10,000"
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
  const shown = document.getElementById("count").textContent.match(/of ([0-9,]+)/);
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
    assert browser.run("document.getElementById('count').textContent").endswith(f"of {listed}")
    count = "document.getElementById('count').textContent.match(/(\\d+)(?: [(]filtered.*)?$/)[1] | 0"
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
    text = "[...document.querySelectorAll('#kills tbody tr')].map((r) => [...r.cells].map((c) => c.textContent.trim()))"
    for report in (small, hostile):
        scripted = opened(browser, tmp_path, report).run(text)
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            static = opened(browser, tmp_path, report).run(text)
        finally:
            browser.call("Emulation.setScriptExecutionDisabled", value=False)
        assert len(static) >= 4
        assert (
            [row for row in scripted if len(row) == 1] == [row for row in static if len(row) == 1] != []
        )  # why this one
        scripted, static = ([row for row in rows if len(row) > 1] for rows in (scripted, static))
        logs = {row[1] for row in scripted} - {row[1] for row in static}
        assert [row[:1] + row[2:] for row in scripted] == [row[:1] + row[2:] for row in static]
        assert all("log of" in name for name in logs)
