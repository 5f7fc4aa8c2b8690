# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills that are alike are one problem: since when, how often, at which rhythm, and whether it gets worse.

A shortage of which no victim is known is a problem, too. Disputed kills are none. Nothing in here may fail: names and
times are data from other machines.
"""

from __future__ import annotations

import typing as t

from . import remedies
from .host import GRADES, Json, number, text, whole
from .likeness import Likeness, of_kill, of_shortage
from .previous_runs import MOST_PROBLEMS, Past
from .rhythm import BLOW, Rhythm, rhythm
from .time_coverage import DAY, HOUR, SPARK_DAYS, WEEK, Scene, scene
from .trend import LATELY, fleet_trend, state_of
from .urgency import criticality, urgency

#: Kills of one host that lie no further apart are one shortage, which ends after an hour at the latest.
_GAP = 600.0
_MOST_HOSTS, _MOST_COMMS = 50, 3
#: What makes it chronic: so many days, or so many shortages on more than one day.
_DAYS, _AGAIN = 3, 3


class Gathered:
    """Everything that one problem is made of."""

    def __init__(self, likeness: Likeness) -> None:
        self.likeness = likeness
        self.times = {}  # type: dict[str, list[float]]
        self.hosts = {}  # type: dict[str, int]
        self.events = 0
        self.undated = 0
        self.comms = {}  # type: dict[str, int]
        self.killers = {}  # type: dict[str, int]
        self.by_proof = dict.fromkeys(GRADES, 0)
        self.newest = {}  # type: Json
        self.newest_host = ""
        self.lowest_adj = None  # type: int | None
        self._newest_at = -2.0

    def add(self, host: str, event: Json) -> None:
        """A kill, or a shortage without one."""
        count = event.get("count", 1) if self.likeness.kind == "outcome" else 1
        self.events += count
        self.hosts[host] = self.hosts.get(host, 0) + count
        self.by_proof[event["proof"]] += count
        when = event["time"]
        if when is not None:
            self.times.setdefault(host, []).append(when)
        else:
            self.undated += count
        at = -1.0 if when is None else when
        if at >= self._newest_at:
            self._newest_at, self.newest, self.newest_host = at, event, host
        if self.likeness.kind != "outcome":
            self._see_victim(event)

    def _see_victim(self, kill: Json) -> None:
        comm, killer, adj = kill["victim"]["comm"], kill["killer"], kill["victim"]["oom_score_adj"]
        if comm is not None:
            self.comms[comm] = self.comms.get(comm, 0) + 1
        self.killers[killer] = self.killers.get(killer, 0) + 1
        self._see_score(adj)

    def _see_score(self, adj: int | None) -> None:
        if adj is not None and (self.lowest_adj is None or adj < self.lowest_adj):
            self.lowest_adj = adj

    def take(self, other: Gathered) -> None:
        """Another one turns out to be this."""
        self.events += other.events
        self.undated += other.undated
        for mine, theirs in (
            (self.hosts, other.hosts),
            (self.comms, other.comms),
            (self.killers, other.killers),
            (self.by_proof, other.by_proof),
        ):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count
        for host, times in other.times.items():
            self.times[host] = sorted(self.times.get(host, []) + times)
        self._see_score(other.lowest_adj)
        if other._newest_at > self._newest_at:
            self._newest_at, self.newest, self.newest_host = other._newest_at, other.newest, other.newest_host


def _shortages(times: t.Sequence[float]) -> list[float]:
    """When each began. times -- of one host, oldest first"""
    found = []  # type: list[float]
    last = 0.0
    for when in times:
        if not found or when - last > _GAP or when - found[-1] > HOUR:
            found.append(when)
        last = when
    return found


def _gather(entries: t.Mapping[str, Json], kills: t.Iterable[tuple[str, Json]]) -> list[Gathered]:
    found = {}  # type: dict[Likeness, Gathered]
    groups = {}  # type: dict[tuple[str, str | None], tuple[float, Gathered]]
    for host, kill in sorted(kills, key=lambda item: (item[0], -1.0 if item[1]["time"] is None else item[1]["time"])):
        when, place = kill["time"], (host, kill["oom_memcg"])
        leader = groups.get(place)
        # Whoever else dies with a group is no problem of its own.
        if kill["trigger"] == "group" and leader and when is not None and when - leader[0] <= BLOW:
            problem = leader[1]
        else:
            problem = _place(found, of_kill(host, kill))
        problem.add(host, kill)
        if when is not None:
            groups[place] = (when, problem)
    for host, entry in entries.items():
        for event in entry["oom"]["unresolved"] if entry["oom"] else ():
            if event["proof"] != "disputed":
                _place(found, of_shortage(host, event)).add(host, event)
    return _united(found)


def _place(found: dict[Likeness, Gathered], likeness: Likeness) -> Gathered:
    problem = found.get(likeness)
    if problem is None:
        problem = found[likeness] = Gathered(likeness)
    return problem


def _united(found: t.Mapping[Likeness, Gathered]) -> list[Gathered]:
    """A kill whose limit no log tells belongs to the one problem of that subject whose limit is known."""
    known = {}  # type: dict[tuple[str, ...], list[Gathered]]
    for likeness, problem in found.items():
        if likeness.scope != "unknown" and likeness.watcher is None and not likeness.by_hand:
            known.setdefault(likeness[:3], []).append(problem)
    kept = []
    for likeness, problem in found.items():
        hosts = known.get(likeness[:3], [])
        if likeness.scope == "unknown" and likeness.watcher is None and not likeness.by_hand and len(hosts) == 1:
            hosts[0].take(problem)
        else:
            kept.append(problem)
    return kept


class Measured(t.NamedTuple):
    """What the times of a problem say.

    shortages -- when each began, of all hosts, oldest first
    recent -- kills and shortages in the period and in the one before it; None where no host of it sees both
    elsewhere -- kills and shortages in the period on hosts that do not see the one before it
    """

    first: float | None
    last: float | None
    shortages: t.Sequence[float]
    dates: int
    rhythm: Rhythm | None
    rhythm_host: str
    recent: Json | None
    elsewhere: int
    lately: Json
    days: t.Sequence[int | None]


def _measure(problem: Gathered, scene: Scene) -> Measured:
    times = {host: sorted(found) for host, found in problem.times.items()}
    every = sorted(when for found in times.values() for when in found)
    is_kill = problem.likeness.kind != "outcome"
    shortages = {host: _shortages(found) for host, found in times.items()}
    rhythms = [(found, host) for host, found in ((host, rhythm(seen)) for host, seen in times.items()) if found]
    best, host = max(rhythms, key=lambda item: (item[0].until, item[0].times, item[1]), default=(None, ""))
    return Measured(
        every[0] if every else None,
        every[-1] if every else None,
        sorted(when for found in shortages.values() for when in found),
        len({int(when // DAY) for when in every}),
        best,
        host,
        _recent(times if is_kill else {}, shortages, scene),
        _elsewhere(times, scene),
        _lately(every if is_kill else [], shortages, scene),
        _days(every, {} if problem.undated else problem.hosts, scene),
    )


def _recent(times: t.Mapping[str, list[float]], shortages: t.Mapping[str, list[float]], scene: Scene) -> Json | None:
    hosts = [host for host in shortages if scene.compares(host)]
    if scene.period is None or not hosts:
        return None
    middle, start = scene.as_of - scene.period, scene.as_of - 2 * scene.period
    made = {"period": scene.period, "hosts": len(hosts)}  # type: Json
    for name, found in (("kills", times), ("shortages", shortages)):
        made[name] = sum(when > middle for host in hosts for when in found.get(host, ()))
        made[name + "_before"] = sum(start < when <= middle for host in hosts for when in found.get(host, ()))
    return made


def _elsewhere(times: t.Mapping[str, list[float]], scene: Scene) -> int:
    if scene.period is None:
        return 0
    start = scene.as_of - scene.period
    return sum(when > start for host, found in times.items() if not scene.compares(host) for when in found)


def _lately(times: t.Sequence[float], shortages: t.Mapping[str, list[float]], scene: Scene) -> Json:
    """Kills and shortages of the last week and the last day, as far as they were seen."""
    began = [when for found in shortages.values() for when in found]
    return {
        str(int(period)): [sum(when > scene.as_of - period for when in moments) for moments in (times, began)]
        for period in LATELY
    }


def _days(times: t.Sequence[float], hosts: t.Iterable[str], scene: Scene) -> list[int | None]:
    """How many in each of the last days, the last one ends now; None where none of its hosts could have told.

    hosts -- none where a kill without a time may have been on any day
    """
    counts = [0] * SPARK_DAYS
    for when in times:
        back = int((scene.as_of - when) // DAY)
        if back < SPARK_DAYS:
            counts[SPARK_DAYS - 1 - max(back, 0)] += 1
    starts = [
        coverage.start
        for coverage in map(scene.coverages.get, hosts)
        if coverage is not None and coverage.start is not None
    ]
    oldest = min(starts, default=scene.as_of)
    return [
        count if count or oldest <= scene.as_of - (SPARK_DAYS - 1 - day) * DAY - HOUR else None
        for day, count in enumerate(counts)
    ]


def _verdict(found: Measured, scene: Scene, by_hand: bool, undated: int) -> str:
    """Will it come again? As the verdict on a host, but a bad afternoon alone is not chronic."""
    if by_hand:
        return "transient"
    if found.first is None or found.last is None:
        return "unknown"
    again, span, age = len(found.shortages), found.last - found.first, scene.as_of - found.last
    if found.dates >= _DAYS or (again >= _AGAIN and span >= DAY):
        return "chronic"
    if found.rhythm is not None and found.rhythm.goes_on(scene.as_of):
        return "chronic"
    if undated:
        return "unknown"  # they may have been on any day
    if age < HOUR or (again >= _AGAIN and age < DAY) or (again == 2 and age < WEEK):
        return "unknown"
    return "transient"


def _rhythm(found: Measured, scene: Scene) -> Json | None:
    if found.rhythm is None:
        return None
    made = dict(found.rhythm._asdict())  # type: Json
    made.update(host=found.rhythm_host, goes_on=found.rhythm.goes_on(scene.as_of))
    return made


def _limit_size(newest: Json) -> int | None:
    """What the newest kill's own account says of the limit."""
    ledger = newest.get("ledger")
    if not isinstance(ledger, dict) or ledger.get("of") != "limit":
        return None
    size = whole(number(ledger.get("total")))
    return size if size is not None and size > 0 else None


def _as_json(problem: Gathered, scene: Scene, past: Past) -> Json:
    likeness, found = problem.likeness, _measure(problem, scene)
    newest = problem.newest
    hosts = sorted(problem.hosts.items(), key=lambda item: (-item[1], item[0]))
    made = {
        "id": likeness.id(),
        "kind": "shortage" if likeness.kind == "outcome" else "kill",
        "subject": likeness.subject,
        "subject_kind": likeness.kind,
        "comms": sorted(problem.comms, key=lambda comm: (-problem.comms[comm], comm))[:_MOST_COMMS],
        "host_group": likeness.host_group,
        "hosts": dict(hosts[:_MOST_HOSTS]),
        "hosts_total": len(hosts),
        "scope": likeness.scope,
        "limit": likeness.limit,
        "limit_size": _limit_size(newest) if likeness.scope == "memcg" else None,
        "constraint": text(newest.get("constraint")),
        "killers": sorted(problem.killers, key=lambda name: (-problem.killers[name], name))[:_MOST_COMMS],
        "by_hand": likeness.by_hand,
        "kills": 0 if likeness.kind == "outcome" else problem.events,
        "shortages": max(len(found.shortages), 1),
        "events": problem.events,
        "undated": problem.undated,
        "by_proof": problem.by_proof,
        "first": found.first,
        "last": found.last,
        "dates": found.dates,
        "days": list(found.days),
        "rhythm": _rhythm(found, scene),
        "recent": found.recent,
        "elsewhere": found.elsewhere,
        "lately": found.lately,
        "verdict": _verdict(found, scene, likeness.by_hand, problem.undated),
        "criticality": criticality(likeness, problem.lowest_adj),
        "lowest_adj": problem.lowest_adj,
        "newest": {"host": problem.newest_host, "id": newest.get("id"), "time": newest["time"]},
        "why": newest.get("why"),
    }  # type: Json
    state, by, known_since = state_of(made, found.shortages, scene, past)
    made.update(state=state, state_by=by, known_since=known_since)
    made["urgency"] = urgency(made, scene.as_of)
    return made


def find(
    entries: t.Mapping[str, Json], kills: t.Iterable[tuple[str, Json]], scene: Scene, past: Past = Past()
) -> list[Json]:
    """The problems of a fleet, the most urgent first. kills -- (host, kill) of all that count, each once"""
    found = [_as_json(problem, scene, past) for problem in _gather(entries, kills)]
    found.sort(key=lambda made: (-made["urgency"], -made["shortages"], -made["events"], made["id"]))
    return found


def add_to(report: Json, kills: t.Iterable[tuple[str, Json]], past: Past = Past()) -> None:
    """report["problems"] and report["trend"]."""
    entries = report["hosts"]
    seen = scene(entries, report["generated_at"])
    found = find(entries, kills, seen, past)
    report["problems"] = found[:MOST_PROBLEMS]
    for problem in report["problems"]:
        problem["remedy"] = remedies.remedy(problem, entries)
    report["trend"] = fleet_trend(found, seen, past, [entry for entry in entries.values() if entry["state"] == "ok"])
