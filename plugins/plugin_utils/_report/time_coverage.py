# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which time each host can speak, and which two stretches of it can be compared."""

from __future__ import annotations

import types
import typing as t

from .host import Json, number
from .origin import origins

HOUR, DAY = 3600.0, 86400.0
WEEK = 7 * DAY
#: What may be compared with as much before it; the longest that is covered.
_PERIODS = (WEEK, 3 * DAY, DAY, 12 * HOUR, 3 * HOUR, HOUR)
#: Days of a sparkline.
SPARK_DAYS = 14
#: Such a source told nothing.
_UNREAD = ("absent", "denied", "skipped", "not_regular", "unsupported", "error")
#: Clocks differ by so much.
_AHEAD = 600.0


class Coverage(t.NamedTuple):
    """From when to when a host tells; None is not known."""

    start: float | None
    end: float | None

    def covers(self, start: float, end: float) -> bool:
        return self.start is not None and self.end is not None and self.start <= start and self.end >= end


class Scene(t.NamedTuple):
    """What the problems of a report are seen by.

    as_of -- the moment of which the report can speak: when the last host was asked
    coverages -- of the hosts that could be read
    period -- seconds that can be compared with as many before; None where no two stretches are covered
    origins -- host -> its logs, where these are another machine's
    """

    as_of: float
    coverages: t.Mapping[str, Coverage]
    period: float | None
    origins: t.Mapping[str, Json] = types.MappingProxyType({})

    def compares(self, host: str) -> bool:
        """Does it see both stretches?"""
        return self.period is not None and _compares(self.coverages.get(host), self.as_of, self.period)

    def sees(self, period: float) -> int:
        """How many hosts see the last so many seconds."""
        return sum(_sees(coverage, self.as_of, period, period) for coverage in self.coverages.values())

    def is_fresh(self, host: str) -> bool:
        """Was it read, and not long before the others?"""
        coverage = self.coverages.get(host)
        return coverage is not None and coverage.end is not None and self.as_of - coverage.end <= DAY


def _sees(coverage: Coverage, as_of: float, length: float, period: float) -> bool:
    """Does it tell of so many seconds, but for what looks that follow each other may miss?"""
    slack = _AHEAD + period / 50
    return coverage.covers(as_of - length + slack, as_of - period / 7 - slack)


def _compares(coverage: Coverage | None, as_of: float, period: float) -> bool:
    return coverage is not None and _sees(coverage, as_of, 2 * period, period)


def _least(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _most(*moments: float | None) -> float | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _coverage(entry: Json) -> Coverage:
    start = _most(entry["since"], entry["window"]["since"]) if entry["since"] is not None else None
    if entry["unlisted"]["kills"] + entry["unlisted"]["disputed"]:
        # Older kills are counted and not listed: before the oldest that is, nothing can be compared.
        times = [kill["time"] for kill in entry["oom"]["kills"]]
        start = _most(start, times[0] if times and None not in times else entry["gathered_at"])
    end = (
        _least(entry["gathered_at"], entry["window"]["until"], _ended(entry))
        if entry["gathered_at"] is not None
        else None
    )
    return Coverage(start, end)


def _ended(entry: Json) -> float | None:
    """When the text logs end, if nothing else was read and nobody has written to them for long: a file that was brought
    from somewhere tells nothing of the time since. None where they go on.
    """
    sources = entry["oom"].get("sources")
    if not isinstance(sources, list):
        return None
    read = [source for source in sources if isinstance(source, dict) and source.get("status") not in _UNREAD]
    ends = [number(source.get("last")) for source in read if str(source.get("name")).startswith("/")]
    last = _most(*ends)
    if last is None or len(ends) < len(read):
        return None
    # Even an idle host writes a line a day.
    return last if last < entry["gathered_at"] - DAY - _AHEAD else None


def scene(entries: t.Mapping[str, Json], generated_at: float) -> Scene:
    coverages = {name: _coverage(entry) for name, entry in entries.items() if entry["state"] == "ok"}
    ends = [coverage.end for coverage in coverages.values() if coverage.end is not None]
    # One host whose clock is ahead does not make the others' kills old.
    as_of = max((end for end in ends if end <= generated_at + _AHEAD), default=min(ends, default=generated_at))
    for period in _PERIODS:
        if 2 * sum(_compares(coverage, as_of, period) for coverage in coverages.values()) > len(coverages):
            return Scene(as_of, coverages, period, origins(entries))
    return Scene(as_of, coverages, None, origins(entries))
