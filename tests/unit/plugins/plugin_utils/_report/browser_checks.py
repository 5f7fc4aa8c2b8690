# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes long in a browser and is the same on every Python: axe-core on four pages, and the page of 60,000 kills.

The gate `browser` runs this file; `test_browser.py` beside it has the rest.
"""

from __future__ import annotations

import json
import random
import warnings

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy import section
from ansible_collections.memops.linux.plugins.plugin_utils._policy.finding import Finding
from ansible_collections.memops.linux.plugins.plugin_utils._report import page
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report import axe
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    disputed,
    facts,
    kill,
    panic,
)
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.test_browser import (
    TOTAL,
    TYPE,
    browser,
    opened,
)

__all__ = ("browser",)  # a fixture

SEEN_BY_AXE = """axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations
  .filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => [one.id, one.nodes.length, one.nodes[0].html]))"""


@pytest.fixture(scope="module")
def checker():
    found = axe.source()
    if not found:
        message = f"NOT RUN: axe-core {axe.VERSION} could not be had with npm, so only our own rules of accessibility were tested"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return found


def fleets():
    """What is checked: few hosts, many, and what a policy found."""
    found = [
        Finding("score", "error", "fail", "a.service", "the score is 0", remedy="Set it", host="h1"),
        Finding("units", "warning", "unknown", "host", "units were not gathered", host="h2"),
    ]
    for count in (1000, 100, 3):
        hosts = {f"h{n:04d}": HostInput(facts([kill(n), disputed(n + 1)])) for n in range(count)}
        hosts["h0001"] = HostInput(
            facts([kill(1, why="it leaked")], "partial", reasons=["volatile"], unresolved=[panic()])
        )
        hosts["h0002"] = HostInput(None, "unreachable", "no route")
        yield page.render(build(hosts, NOW), "Kills"), WAYS[:1] if count > 3 else WAYS
    yield page.render(build(hosts, NOW), "Kills", section.html(found, "baseline")), WAYS


#: theme and width
WAYS = (("dark", 390), ("light", 1440))


def test_axe_finds_nothing_serious(browser, tmp_path, checker):
    path = tmp_path / "index.html"
    path.write_text("<html><body><input><img src=x></body></html>")
    browser.open(path)
    browser.run(checker + ";0")
    assert {"image-alt", "label"} <= {one[0] for one in browser.run(SEEN_BY_AXE)}
    for text, ways in fleets():
        path.write_text(text, encoding="utf-8")
        for theme, width in ways:
            browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
            browser.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
            )
            browser.open(path)
            browser.run("started.then(() => document.querySelector('#kills tr.row button').click())")
            browser.run(checker + ";0")
            assert browser.run(SEEN_BY_AXE) == []


def huge():
    """More kills than are listed one by one, each with a sentence of its own."""
    rng = random.Random(1)
    hosts = {}
    for host in range(600):
        kills = []
        for number in range(100):
            one = kill(host * 100 + number)
            one["why"] = f"{one['victim']['comm']}[{one['victim']['pid']}] held {rng.randrange(4000)} MiB of 4096"
            kills.append(one)
        hosts[f"host{host:04d}.dc{host % 7}.example.net"] = HostInput(facts(kills))
    return build(hosts, NOW)


def worked(browser, script=""):
    """Seconds of the page's own thread: another process that is busy does not count."""

    def now():
        return next(
            one["value"] for one in browser.call("Performance.getMetrics")["metrics"] if one["name"] == "TaskDuration"
        )

    begin = now()
    if script:
        browser.run(
            f"(async () => {{ {script}; await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); }})()"
        )
        return now() - begin
    return begin


def test_a_page_of_60_000_kills_is_small_and_answers_at_once(browser, tmp_path):
    report = huge()
    browser.call("Performance.enable", timeDomain="threadTicks")
    opened(browser, tmp_path, report)
    assert (tmp_path / "index.html").stat().st_size < 5 << 20
    assert "The newest 50,000 of 60,000 kills are listed one by one" in browser.run(
        "document.getElementById('kills').textContent"
    )
    # Budgets are 1 s and 100 ms; a busy machine makes each of its seconds longer.
    assert worked(browser) < 2
    browser.run("new Promise((done) => requestIdleCallback(() => setTimeout(done, 1000)))")
    for text in ("my", "mysqld", "mysqld 4095", "-php", "unit=mysqld.service", ""):
        spent = worked(
            browser,
            f"const s = document.getElementById('search'); s.value = {json.dumps(text)}; s.dispatchEvent(new Event('input'))",
        )
        assert spent < 0.25, text
    assert browser.run(TOTAL) == 60_000
    for column, key in (("unit", "unit"), ("host", "host"), ("comm", "comm")):
        name, count = next(iter(report["fleet"]["by_" + key].items()))
        assert browser.run(TYPE % (json.dumps(f"{column}={json.dumps(name)} copy=no"), TOTAL)) == count
    assert browser.run("document.documentElement.scrollHeight") < 20_000
    assert browser.complaints() == []
