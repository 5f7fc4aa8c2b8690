# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When: the window, the bins and the lanes."""

from __future__ import annotations

import re

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import timeline
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build, each_kill
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
    view = timeline.window(found)
    assert sum(view.start <= mark.time < view.end for mark in found) == shown
    assert (view.end - view.start) / view.step <= 80


def test_one_old_kill_does_not_squeeze_the_rest():
    found = marks_at(86400 * 4000, *range(0, 86400, 900))
    view = timeline.window(found)
    assert view.end - view.start < 4 * 86400


def draw(*kills, since=0.0):
    report = build({"h": HostInput(facts(kills, since=since))}, NOW)
    return timeline.draw(report, list(each_kill(report)))


def test_a_bar_says_what_it_counts():
    text = draw(kill(1, time=NOW - 10.0), kill(2, time=NOW - 11.0))
    assert "2 killed</title><rect" in text
    assert "not visible to the host" in text
    assert "sees nothing before" not in text


def test_what_a_host_cannot_see_is_drawn():
    assert "h sees nothing before 2025-11-22 17:11Z" in draw(kill(1, time=NOW - 10.0), kill(2, time=NOW - 7200.0), since=NOW - 3600.0)
    assert "h does not say how far back it sees" in draw(kill(1, time=NOW - 10.0), since=None)


def test_older_events_are_named():
    text = draw(kill(0, time=NOW - 4000 * 86400.0), *[kill(n, time=NOW - n * 60.0) for n in range(1, 40)])
    assert "1 older event since 2014-12-10 18:11Z not drawn." in text


def test_the_edges_of_the_calendar():
    draw(kill(1, time=0), kill(2, time=253402300799.0))
    draw(kill(1, time=253402300799.0))


def test_no_times():
    assert draw(kill(1, time=None)) == '<p class="muted">No event with a known time.</p>'


def test_everything_stays_inside(big):
    text = timeline.draw(big, list(each_kill(big)))
    xs = [float(x) for x in re.findall(r' (?:x|cx)="([-\d.]+)"', text)]
    assert min(xs) >= 0 and max(xs) <= 1200
    assert len(text) < 400_000
