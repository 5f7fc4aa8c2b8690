# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first screen: verdict, what to do first, who is not known; and no name of a host becomes markup there."""

from __future__ import annotations

import html
import re

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import first_screen, page
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import panic
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.synthetic_fleets import (
    DAY,
    HOUR,
    MONDAY,
    build_accident,
    died,
    every,
    fleet,
    postgres,
    week,
)


def text(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


@pytest.fixture(scope="module", name="monday")
def fixture_monday():
    kills = postgres(17, 6 * HOUR)
    for kill in kills:
        kill.update(why="postgres had the highest badness", ledger={"of": "limit", "total": 512 << 20})
    down = HostInput(None, "unreachable", "Connection timed out")
    return fleet({"db1": week(kills), "ci": week(build_accident()), "down": down})


def test_the_database_stands_first_with_what_to_paste(monday):
    markup = first_screen.first(monday)
    told = text(markup)
    cards = markup[markup.index("<ol") : markup.index("</ol>")]
    first, second = re.findall(r"<li.*?</li>", cards, re.S)
    assert text(first).startswith("postgresql@15-main on db1 postgres new comes again 17 kills on 5 days")
    assert "every 6 h since Thursday \u00b7 last 2 h ago \u00b7 out of memory: its own limit (512 MiB)" in text(first)
    assert "postgres had the highest badness" in text(first)
    command = html.unescape(re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", first)[0])
    assert command == (
        "ansible-playbook memops.linux.protect -e memops_hosts=db1 -e"
        ' \'{"oom_protect_services": [{"name": "postgresql@15-main.service", "memory_max": "768M"}]}\' --check --diff'
    )
    assert text(second).startswith("cc1plus in session-*.scope on ci new does not repeat 25 kills")
    assert "1 host is not known: 1 ssh time-out." in told


def test_the_page_has_it_above_all_else(monday):
    made = page.render(monday, "Kills")
    places = [made.index(part) for part in ('class="headline', "Do first", 'id="kills"')]
    assert places == sorted(places)


def test_at_most_five():
    hosts = {f"{name}": week(every(f"{name}.service", name, DAY, 5)) for name in "abcdefgh"}
    report = fleet(hosts)
    assert first_screen.first(report).count("<li") == 5
    assert first_screen.problems(report).count("<tr>") == 9


def test_what_is_over_is_not_to_be_done(monday):
    report = fleet({"db1": week(postgres(3, last=9 * DAY))})
    assert first_screen.first(report) == ""
    assert "gone" in text(first_screen.problems(report))


@pytest.mark.parametrize(
    "hosts", [{}, {"a": week()}, {"a": week([died("a", "a", HOUR, trigger="sysrq")])}], ids=["none", "clean", "asked"]
)
def test_nothing_to_do_is_nothing(hosts):
    assert first_screen.first(fleet(hosts)) == ""


def test_days_that_were_not_seen_are_shown_and_said():
    problem = fleet({"a": week([died("a.service", "a", HOUR)], days=3)})["problems"][0]
    drawn = first_screen.spark(problem)
    assert drawn.count('class="unseen"') == 11 and drawn.count('class="m-none"') == 2
    assert "oldest first: ? ? ? ? ? ? ? ? ? ? ? 0 0 1" in drawn


def test_green_is_only_what_was_measured_and_is_good():
    clean, part = fleet({"a": week()}), fleet({"a": week(), "b": HostInput(None, "failed", "x")})
    assert 'class="headline good"' in first_screen.verdict(clean)
    assert 'class="headline warn"' in first_screen.verdict(part)
    assert 'class="headline warn"' in first_screen.verdict(fleet({}))


def test_one_line_is_not_said_twice():
    assert first_screen.verdict(fleet({"a": week()})).count("No kill") == 1


def test_a_panic_is_loud():
    report = fleet({"a": week(unresolved=[panic(time=MONDAY - HOUR, why="no process could be killed")]), "b": week()})
    assert '<li class="loud">' in first_screen.first(report)


ALLOWED = {
    *"section h2 h3 p ol ul li div small span svg rect pre code table thead tbody tr th td details summary strong br".split()
}


def test_no_name_becomes_markup(hostile):
    for problem in hostile["problems"]:
        assert problem["remedy"]["command"] is None
    made = first_screen.verdict(hostile) + first_screen.first(hostile) + first_screen.problems(hostile)
    tags = re.findall(r"<([a-zA-Z!?][a-z0-9]*)([^>]*)>", made)
    assert {name for name, _rest in tags} <= ALLOWED
    names = {name for _tag, rest in tags for name in re.findall(r' ([a-zA-Z-]+)="', rest)}
    assert names <= {
        *"class id width height x y viewBox role aria-label tabindex scope".split(),
    }


def test_whether_a_kill_without_a_time_comes_again_is_not_known():
    """Neither too early to tell, nor on no host."""
    timeless = died("u.service", "u", 0) | {"time": None, "time_quality": None}
    shown = "".join(page.render(fleet({"a": week([timeless])}), "t"))
    assert "no time: may come again" in shown and first_screen._VERDICTS["unknown"] not in shown
    assert re.search(r"<b>\?</b>\s*<span>hosts where it comes again", shown)
    assert re.search(r"<b>0</b>\s*<span>hosts where it comes again", "".join(page.render(fleet({"a": week()}), "t")))
