# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does it come again at even distances, and since when?"""

from __future__ import annotations

import bisect
import statistics
import typing as t

#: Kills that lie no further apart are one blow: the members of a group, the tries of one second.
BLOW = 10.0
#: As often as this, at even distances, is no accident.
_LEAST = 4
#: How far a distance may be from the usual one, as a share of it, and in seconds for short ones.
_SLACK, _LEAST_SLACK = 0.15, 30.0
#: The usual distance is that of so many newest.
_NEWEST = 9
#: One blow in this many may be missing (a host was down, the log was cut), or be there for another reason.
_ODD = 4
#: It goes on while the next one is not overdue by more than this many distances.
_OVERDUE = 2.5


class Rhythm(t.NamedTuple):
    """every -- seconds; since, until -- the first and the last of them; times -- how many blows"""

    every: float
    since: float
    until: float
    times: int

    def goes_on(self, now: float) -> bool:
        return now - self.until <= _OVERDUE * self.every


def blows(times: t.Sequence[float]) -> list[float]:
    """The beginning of each blow. times -- oldest first"""
    found = []  # type: list[float]
    last = None  # type: float | None
    for when in times:
        if last is None or when - last > BLOW:
            found.append(when)
        last = when
    return found


def rhythm(times: t.Sequence[float]) -> Rhythm | None:
    """The rhythm that the newest of these are part of. times -- of one subject on one host, oldest first"""
    struck = blows(times)
    if len(struck) < _LEAST:
        return None
    distances = [later - sooner for sooner, later in zip(struck, struck[1:], strict=False)]
    usual = statistics.median(distances[-_NEWEST:])
    slack = max(_SLACK * usual, min(_LEAST_SLACK, usual / 3))
    # The newest may be one that came in between.
    for newest in (len(struck) - 1, len(struck) - 2):
        oldest, many, steps = _walk_back(struck[: newest + 1], usual, slack)
        if many >= _LEAST:
            return Rhythm((struck[newest] - oldest) / steps, oldest, struck[newest], many)
    return None


def _walk_back(struck: t.Sequence[float], usual: float, slack: float) -> tuple[float, int, int]:
    """(the oldest, how many, distances between) of those that lie a distance apart, from the newest on. Now and then
    one may be missing, or one more be there.
    """
    at, odd, times, steps = len(struck) - 1, 0, 1, 0
    while True:
        found = _near(struck, at, struck[at] - usual, slack)
        length = 1 if found is not None else 2
        if found is None:
            found = _near(struck, at, struck[at] - 2 * usual, slack)
        odd += length == 2 or (found is not None and found < at - 1)
        if found is None or odd * _ODD > times + 1:
            return struck[at], times, steps
        at, times, steps = found, times + 1, steps + length


def _near(struck: t.Sequence[float], before: int, target: float, slack: float) -> int | None:
    """Where the one stands that is nearest to the target."""
    right = bisect.bisect_left(struck, target, 0, before)
    near = [at for at in (right - 1, right) if 0 <= at < before and abs(struck[at] - target) <= slack]
    return min(near, key=lambda at: abs(struck[at] - target), default=None)
