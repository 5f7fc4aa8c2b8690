# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Even distances are seen through jitter, gaps and strangers; where there are none, none are seen."""

from __future__ import annotations

import random

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report.rhythm import blows, rhythm

HOUR, DAY = 3600.0, 86400.0


def every(seconds, times, jitter=0.0, seed=1):
    rng = random.Random(seed)
    return [1_763_000_000 + seconds * n + rng.uniform(-jitter, jitter) for n in range(times)]


@pytest.mark.parametrize(
    "times, period",
    [
        pytest.param(every(6 * HOUR, 12), 6 * HOUR, id="every 6 h"),
        pytest.param(every(6 * HOUR, 28, 600), 6 * HOUR, id="every 6 h, give or take 10 min"),
        pytest.param(every(DAY, 5, 900), DAY, id="every night"),
        pytest.param(every(7 * DAY, 4, 3600), 7 * DAY, id="every Monday"),
        pytest.param(every(300, 40, 10), 300, id="every 5 min"),
        pytest.param(every(60, 1440), 60, id="every minute of a day"),
        pytest.param(
            [t for n, t in enumerate(every(6 * HOUR, 20)) if n not in (5, 13)], 6 * HOUR, id="two nights are missing"
        ),
        pytest.param(
            sorted([*every(6 * HOUR, 16), 1_763_000_000 + 50.2 * HOUR]), 6 * HOUR, id="one more has another cause"
        ),
        pytest.param([*every(6 * HOUR, 8), 1_763_000_000 + 44 * HOUR], 6 * HOUR, id="and it is the newest"),
        pytest.param(
            sorted(t + s for t in every(6 * HOUR, 8) for s in (0, 0.2, 3, 7)), 6 * HOUR, id="four victims each time"
        ),
    ],
)
def test_a_rhythm_is_seen(times, period):
    found = rhythm(times)
    assert found is not None and found.every == pytest.approx(period, rel=0.02)
    assert found.since == times[0]
    assert found.times >= 4


def test_it_began_where_it_began():
    before = [1_763_000_000 - 9 * DAY, 1_763_000_000 - 8.3 * DAY, 1_763_000_000 - 5 * DAY]
    times = [*before, *every(6 * HOUR, 10)]
    assert rhythm(times)._replace(every=6 * HOUR) == (6 * HOUR, times[3], times[-1], 10)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([], id="nothing"),
        pytest.param(every(6 * HOUR, 3), id="three are no rhythm"),
        pytest.param([1_763_000_000 + s for s in (0, 1, 2, 3, 9)], id="one blow"),
        pytest.param([1_763_000_000 + HOUR * h for h in (0, 1, 7, 9, 30, 31.5, 60)], id="uneven"),
        pytest.param([1_763_000_000 + HOUR * 2**n for n in range(8)], id="ever further apart"),
        pytest.param([1_763_000_000.0] * 50, id="all at one moment"),
    ],
)
def test_none_is_seen(times):
    assert rhythm(times) is None


def test_chance_is_seldom_taken_for_a_rhythm():
    rng = random.Random(5)
    taken = 0
    for _try in range(400):
        times, now = [], 1_763_000_000.0
        for _kill in range(rng.randint(4, 40)):
            now += rng.expovariate(1 / (8 * HOUR))
            times.append(now)
        taken += rhythm(times) is not None
    assert taken <= 20


def test_it_is_over_when_the_next_is_overdue():
    found = rhythm(every(6 * HOUR, 10))
    assert found.goes_on(found.until + 14 * HOUR) and not found.goes_on(found.until + 16 * HOUR)


def test_a_blow_may_go_on_for_long():
    assert blows([0.0, 5.0, 14.0, 23.9, 40.0]) == [0.0, 40.0]
