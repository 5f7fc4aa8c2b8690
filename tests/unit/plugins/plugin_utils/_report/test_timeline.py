# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When: the window, the bins and the lanes."""

from __future__ import annotations

import re

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import page, timeline
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.plugins.plugin_utils._report.timeline import Mark
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, facts, kill


def marks_at(*ages):
    return [Mark(NOW - age, "h", "kill") for age in sorted(ages, reverse=True)]


@pytest.mark.parametrize(
    "ages, shown",
    [((0,), 1), ((0, 0, 0), 3), ((0, 3000), 2), ((0, 86400 * 365 * 10), 2), (tuple(range(0, 86400, 900)), 96)],
)
def test_all_are_in_the_window(ages, shown):
    found = marks_at(*ages)
    view = timeline.window(found, NOW)
    assert sum(view.start <= mark.time < view.end for mark in found) == shown
    assert (view.end - view.start) / view.step <= 80


def test_one_old_kill_does_not_squeeze_the_rest():
    found = marks_at(86400 * 4000, *range(0, 86400, 900))
    view = timeline.window(found, NOW)
    assert view.end - view.start < 4 * 86400


@pytest.mark.parametrize("quiet", [0, 1, 8, 30], ids=lambda days: f"{days} quiet days")
def test_the_axis_ends_now(quiet):
    view = timeline.window(marks_at(*range(quiet * 86400, quiet * 86400 + 7200, 600)), NOW)
    assert view.start <= NOW - quiet * 86400 and NOW < view.end <= NOW + view.step


@pytest.mark.parametrize(
    "asked, days", [(NOW - 7 * 86400.0, 7), (NOW - 86400.0, 1), (None, 1), (NOW + 5.0, 1), (0.0, 1)]
)
def test_the_axis_shows_the_time_that_was_asked_for(asked, days):
    view = timeline.window(marks_at(*range(3600 * 5, 3600 * 23, 900)), NOW, asked)
    assert days * 86400 <= view.end - view.start <= days * 86400 + 2 * view.step


def draw(*kills, since=0.0):
    report = build({"h": HostInput(facts(kills, since=since))}, NOW)
    return timeline.draw(report, page.kill_rows(report))


def test_a_bar_says_what_it_counts():
    text = draw(kill(1, time=NOW - 10.0), kill(2, time=NOW - 11.0))
    assert "2 killed</title><rect" in text
    assert "not visible to the host" in text
    assert "sees nothing before" not in text


def test_what_a_host_cannot_see_is_drawn():
    assert "h sees nothing before 2025-11-22 17:11Z" in draw(
        kill(1, time=NOW - 10.0), kill(2, time=NOW - 7200.0), since=NOW - 3600.0
    )
    assert "h does not say how far back it sees" in draw(kill(1, time=NOW - 10.0), since=None)


@pytest.mark.parametrize(
    "changes, said",
    [
        pytest.param({}, "", id="just asked"),
        pytest.param(
            {"gathered_at": NOW - 86400.0}, "h was asked at 2025-11-21 18:11Z, and not since", id="asked yesterday"
        ),
        pytest.param(
            {"window": {"since": None, "until": NOW - 86400.0}},
            "h was asked for kills until 2025-11-21 18:11Z only",
            id="until",
        ),
    ],
)
def test_what_happened_since_the_host_was_asked_is_not_visible(changes, said):
    report = build({"h": HostInput(facts([kill(1, time=NOW - 2 * 86400.0)], **changes))}, NOW)
    text = timeline.draw(report, page.kill_rows(report))
    assert said in text and text.count('class="unseen"') == bool(said)


def test_a_time_after_now_is_named_and_moves_no_axis():
    text = draw(kill(1, time=NOW - 10.0), kill(2, time=NOW + 86400.0 * 400))
    assert "1 event with a time after this report was made not drawn." in text and "2026" not in text
    assert (
        draw(kill(2, time=NOW + 1e6))
        == '<p class="muted">1 event with a time after this report was made not drawn.</p>'
    )


def test_older_events_are_named():
    text = draw(kill(0, time=NOW - 4000 * 86400.0), *[kill(n, time=NOW - n * 60.0) for n in range(1, 40)])
    assert "1 older event since 2014-12-10 18:11Z not drawn." in text


def test_the_edges_of_the_calendar():
    draw(kill(1, time=0), kill(2, time=253402300799.0))
    draw(kill(1, time=253402300799.0))


def test_no_times():
    assert draw(kill(1, time=None)) == '<p class="muted">No event with a known time.</p>'
    down = build({"h": HostInput(None, "unreachable", "no route")}, NOW)
    assert timeline.draw(down, []) == '<p class="muted">Nothing is known: no host could be read.</p>'


def test_everything_stays_inside(big):
    text = timeline.draw(big, page.kill_rows(big))
    xs = [float(x) for x in re.findall(r' (?:x|cx)="([-\d.]+)"', text)]
    assert min(xs) >= 0 and max(xs) <= 1200
    assert len(text) < 400_000


def test_the_worst_hosts_have_rows_and_the_rest_has_one_each_for_known_and_unknown():
    hosts = {
        f"h{n:02d}": HostInput(facts([kill(100 * n + k, time=NOW - k * 60.0) for k in range(1, 42 - n)]))
        for n in range(40)
    }
    hosts["quiet"] = HostInput(facts())
    hosts["down"] = HostInput(None, "unreachable", "no route")
    report = build(hosts, NOW)
    text = timeline.draw(report, page.kill_rows(report))
    assert re.findall(r'data-host="(h\d+)"', text) == [f"h{n:02d}" for n in range(30)]
    assert "11 hosts more</text>" in text and "1 host not known</text>" in text
    # What one unknown host cannot see is hatched as a whole, whatever the others see.
    assert text.count('class="unseen"') == 1 and "up to 1 of 1 hosts could not see this" in text
    told = re.findall(r"(\d+) killed</title><path", text)
    assert sum(map(int, told)) == report["fleet"]["totals"]["kills"]


def test_what_was_not_seen_is_never_zero():
    """A piece of the axis that lies before the host's memory is neither empty nor none, even in part."""
    text = draw(kill(1, time=NOW - 10.0), kill(2, time=NOW - 7200.0), since=NOW - 3600.0)
    row = text[text.index('data-host="h"') :]
    cells = {name: row.count(f'class="{name}"') for name in ("zero", "unseen")}
    assert cells["unseen"] >= 1
    spans = re.findall(r'<line x1="([\d.]+)" x2="([\d.]+)"[^>]*class="(zero|unseen)"', row)
    last_unseen = max(float(right) for _left, right, name in spans if name == "unseen")
    assert all(float(left) >= last_unseen for left, _right, name in spans if name == "zero")
