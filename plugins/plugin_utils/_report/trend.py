# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New, worse, the same or gone: a problem against its own past and against an earlier report; a fleet against the time
before.
"""

from __future__ import annotations

import math
import typing as t

from .host import Json
from .origin import mark
from .previous_runs import Baseline, Past, PreviousProblem
from .time_coverage import DAY, WEEK, Scene

#: A shortage that nothing resolved is remembered for longer.
_GONE, _LOUD_GONE = WEEK, 4 * WEEK
_MOST_LISTED = 100
#: Between two looks that follow each other.
_HOLE = 600.0
#: An earlier run counts as the time before when it lies this near, as a share of the period.
_NEAR = 1 / 14
#: and when it read at least this share of as many hosts.
_ALIKE = 0.8


def is_more(now: float, before: float) -> bool:
    """More than chance would make of the same rate."""
    return now > before and now - before > 1.5 * math.sqrt(now + before)


def _is_quiet(problem: Json, scene: Scene) -> bool:
    """So long without one that it would have come again, on hosts that were looked at."""
    if problem["last"] is None or problem["undated"] or not all(map(scene.is_fresh, problem["hosts"])):
        return False
    usual = problem["rhythm"]["every"] if problem["rhythm"] else 0.0
    least = _LOUD_GONE if problem["kind"] == "shortage" else _GONE
    return bool(scene.as_of - problem["last"] > max(least, 2 * usual))


def _state_of_itself(problem: Json, scene: Scene) -> str | None:
    """By the kills of this report alone; None where the time before is not seen."""
    if _is_quiet(problem, scene):
        return "gone"
    recent = problem["recent"]
    if recent is None or problem["first"] is None:
        return None
    if problem["undated"]:
        # Any of them may have been before.
        is_worse = is_more(recent["shortages"], recent["shortages_before"] + problem["undated"])
        return "worse" if is_worse else None
    if recent["hosts"] == problem["hosts_total"] and problem["first"] > scene.as_of - recent["period"]:
        return "new"
    return "worse" if is_more(recent["shortages"], recent["shortages_before"]) else "same"


def _against(problem: Json, shortages: t.Sequence[float], scene: Scene, base: Baseline) -> str:
    """By what an earlier report knew."""
    itself = _state_of_itself(problem, scene)
    known = base.problems.get(problem["id"])
    if itself == "gone":
        return itself
    if known is None:
        since_then = problem["first"] is None or problem["first"] > base.as_of
        return "new" if since_then or itself is None else itself
    fresh = sum(when > base.as_of for when in shortages)
    lived = max(base.as_of - (known.first if known.first is not None else base.as_of), DAY)
    expected = known.shortages * (scene.as_of - base.as_of) / lived
    return "worse" if fresh and (itself == "worse" or is_more(fresh, expected)) else "same"


def state_of(
    problem: Json, shortages: t.Sequence[float], scene: Scene, past: Past
) -> tuple[str | None, str | None, float | None]:
    """(state, what it was told by, since when the problem is known)"""
    base = past.baseline(scene.as_of)
    if base is None:
        state = _state_of_itself(problem, scene)
        return state, "window" if state else None, problem["first"]
    if not base.is_of_the_same(problem["hosts"], scene.origins):
        # Of another log: what it had is not gone, and what this one has may be as old.
        state = _state_of_itself(problem, scene)
        state = None if state in ("new", "gone") else state
        return state, "window" if state else None, problem["first"]
    known = base.problems.get(problem["id"])
    moments = [problem["first"], known.known_since if known else None]
    since = min((moment for moment in moments if moment is not None), default=None)
    return _against(problem, shortages, scene, base), "previous", since


def _is_gone(known: PreviousProblem, base: Baseline, scene: Scene) -> bool:
    """Nothing of it is seen any more, and all of its hosts were looked at since."""
    if known.hosts_total != len(known.hosts) or not base.is_of_the_same(known.hosts, scene.origins):
        return False
    since = max(base.as_of, known.last or 0.0)
    # A job that asks for 24 h every day leaves a minute or two between its looks.
    since += _HOLE + (scene.as_of - since) / 50
    coverages = [scene.coverages.get(host) for host in known.hosts]
    return all(coverage is not None and coverage.covers(since, scene.as_of - DAY) for coverage in coverages)


def fleet_trend(problems: t.Sequence[Json], scene: Scene, past: Past, hosts: t.Sequence[Json]) -> Json:
    """What became of the problems of an earlier report, and how the last period compares with the one before it.

    problems -- all of this report
    hosts -- the entries of those that could be read
    """
    states = dict.fromkeys(("new", "worse", "same", "gone"), 0)
    for problem in problems:
        if problem["state"]:
            states[problem["state"]] += 1
    base = past.baseline(scene.as_of)
    gone, not_known = [], []  # type: tuple[list[Json], list[Json]]
    if base is not None:
        here = {problem["id"] for problem in problems}
        for known in base.problems.values():
            if known.id not in here:
                (gone if _is_gone(known, base, scene) else not_known).append(known.as_json())
    states["gone"] += len(gone)
    dated = any(entry["gathered_at"] is not None for entry in hosts)
    made = {"as_of": scene.as_of if dated else None, "problems_total": len(problems), "states": states}  # type: Json
    made.update(_compared(problems, scene, past, len(hosts)))
    made["origins"] = dict(scene.origins)
    made["previous"] = base.as_json() if base is not None else None
    made["gone"], made["not_known"] = gone[:_MOST_LISTED], not_known[:_MOST_LISTED]
    made["not_known_total"] = len(not_known)
    return made


def _is_of_other_logs(scene: Scene, past: Past) -> bool:
    """Was the earlier report of none of these logs?"""
    base = past.baseline(scene.as_of)
    if base is None or not scene.coverages:
        return False
    return not any(base.is_of_the_same([host], scene.origins) for host in scene.coverages)


def _compared(problems: t.Sequence[Json], scene: Scene, past: Past, read: int) -> Json:
    """The last period and the one before it, out of this report, or out of an earlier run where that sees further."""
    made = dict.fromkeys(("by", "period", "hosts", *_COUNTS, "direction"))  # type: Json
    made["elsewhere"] = sum(problem["elsewhere"] for problem in problems)
    made["undated"] = sum(problem["undated"] for problem in problems)
    made["undated_kills"] = sum(problem["undated"] for problem in problems if problem["kind"] == "kill")
    if _is_of_other_logs(scene, past):
        return made
    if scene.period is not None:
        made.update(by="window", period=scene.period, hosts=sum(map(scene.compares, scene.coverages)))
        made.update(dict.fromkeys(_COUNTS, 0))
        for problem in problems:
            for key in _COUNTS if problem["recent"] else ():
                made[key] += problem["recent"][key]
    for period in LATELY:
        lately = last(problems, scene, period)
        if lately is None or (scene.period or 0) >= period:
            continue
        before = past.run(scene.as_of - period, period, _NEAR * period, mark(scene.origins))
        if before is not None and _ALIKE * read <= before.ok <= read / _ALIKE:
            made.update(by="history", period=period, hosts=lately["hosts"], elsewhere=0)
            made.update(kills=lately["kills"], shortages=lately["shortages"])
            made.update(kills_before=before.kills, shortages_before=before.shortages)
            break
    made["direction"] = _direction(made)
    return made


#: What a line of the history tells of.
LATELY = (WEEK, DAY)
_COUNTS = ("kills", "kills_before", "shortages", "shortages_before")


def _direction(made: Json) -> str | None:
    now, before = made["shortages"], made["shortages_before"]
    if now is None or before is None:
        return None
    if made["elsewhere"] > made["kills"]:
        return None  # most of it happened where nothing can be compared
    # What has no time may have been in either: the word stands where that makes no difference.
    undated = made["undated"]
    words = {_word(now, before), _word(now + undated, before), _word(now, before + undated)}
    return words.pop() if len(words) == 1 else None


def _word(now: float, before: float) -> str:
    if not now:
        return "quiet" if before else "none"
    if not before:
        return "new"
    if is_more(now, before):
        return "worse"
    is_less = is_more(before, now)  # pylint: disable=arguments-out-of-order
    return "better" if is_less else "same"


def last(problems: t.Sequence[Json], scene: Scene, period: float) -> Json | None:
    """Kills and shortages of one period alone; None where most hosts do not see it, or something has no time."""
    seeing = scene.sees(period)
    if not scene.coverages or 2 * seeing <= len(scene.coverages) or any(problem["undated"] for problem in problems):
        return None
    key = str(int(period))
    made = {"hosts": seeing, "kills": 0, "shortages": 0}  # type: Json
    for problem in problems:
        found = problem["lately"][key]
        made["kills"] += found[0]
        made["shortages"] += found[1]
    return made
