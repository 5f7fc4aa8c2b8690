# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All hosts, one dict (the findings contract): what every page, table and file of a report is written from.

Kills count whatever speaks for them; disputed ones, which a trusted source gives the lie, are counted beside them,
never among them. A kill that two hosts of the inventory show (a container and its host, one machine under two names)
has one boot and one id, and counts once for the fleet.
"""

from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

from . import problems
from .host import GRADES, SCHEMA, HostReport, Json, number, of_today, read_host, read_verdict, text, time, whole
from .previous_runs import Past

STATES = ("ok", "blind", "unreachable", "failed")
#: a host's place in every list: what nobody can speak for comes first
_URGENCY = {"failed": 0, "unreachable": 0, "blind": 1, "ok": 2}


class HostInput(NamedTuple):
    """What the play knows of a host: state is unreachable, failed or None (it answered)."""

    oom: Any = None
    state: Optional[str] = None
    message: Any = None


class Tally:
    """Kills by what they have in common."""

    def __init__(self) -> None:
        self.total = 0
        self.first = None  # type: Optional[float]
        self.last = None  # type: Optional[float]
        self.by = {"unit": {}, "comm": {}, "killer": {}, "scope": {}, "host": {}}  # type: Dict[str, Dict[str, int]]

    def add(self, kill: Json, host: Optional[str] = None) -> None:
        self.total += 1
        when = kill["time"]
        if when is not None:
            self.first = when if self.first is None else min(self.first, when)
            self.last = when if self.last is None else max(self.last, when)
        names = (
            ("unit", kill["unit"]),
            ("comm", kill["victim"]["comm"]),
            ("killer", kill["killer"]),
            ("scope", kill["scope"]),
            ("host", host),
        )
        for key, name in names:
            if name is not None:
                self.by[key][name] = self.by[key].get(name, 0) + 1

    def as_dict(self) -> Json:
        made = {"by_" + key: ranked(self.by[key]) for key in self.by}  # type: Json
        made.update(total=self.total, first=self.first, last=self.last)
        return made


def ranked(counts: Dict[str, int]) -> Dict[str, int]:
    """Most first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def is_counted(event: Json) -> bool:
    """Is it a kill, or a shortage without one? A disputed one decides nothing."""
    return bool(event["proof"] != "disputed")


def _count(oom: Json, *path: str) -> int:
    """A counter inside the facts; what is missing or negative counts nothing."""
    value = oom  # type: Any
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return max(whole(value) or 0, 0)


def _unlisted(oom: Json, listed: Dict[str, int]) -> Dict[str, int]:
    """The facts list the newest kills and count older ones in their summary: how many of these by what speaks
    for them.
    """
    rest = _count(oom, "truncated")
    beyond = dict.fromkeys(GRADES, 0)
    told = {grade: _count(oom, "summary", "by_proof", grade) for grade in GRADES}
    if not any(told.values()):  # facts that are older than the grades
        told["logged"] = _count(oom, "summary", "untrusted")
    for grade in ("disputed", "logged", "confirmed"):
        beyond[grade] = min(max(told.get(grade, 0) - listed[grade], 0), rest)
        rest -= beyond[grade]
    beyond["kernel"] = rest
    return beyond


def _events(oom: Json, wanted: bool) -> int:
    return sum(event["count"] for event in oom["unresolved"] if is_counted(event) is wanted)


def _by_proof(kills: Iterable[Json]) -> Dict[str, int]:
    found = dict.fromkeys(GRADES, 0)
    for kill in kills:
        found[kill["proof"]] += 1
    return found


def _host_entry(name: str, host: HostReport) -> Json:
    oom = host.oom or {"kills": [], "unresolved": []}
    sure = Tally()
    for kill in oom["kills"]:
        if is_counted(kill):
            sure.add(kill)
    listed = _by_proof(oom["kills"])
    beyond = _unlisted(oom, listed)
    by_proof = {grade: listed[grade] + beyond[grade] for grade in GRADES}
    kills = sum(by_proof.values()) - by_proof["disputed"]
    window = oom.get("window")
    asked = window if isinstance(window, dict) else {}
    entry = {
        "state": host.state,
        "message": host.message,
        "partial": host.partial,
        "reasons": list(host.reasons),
        "since": host.since,
        "gathered_at": time(oom.get("gathered_at")),
        "stale": host.stale,
        "window": {"since": time(asked.get("since")), "until": time(asked.get("until"))},
        # A zero is a finding; where nobody could look there is none.
        "kills": kills if kills or host.state == "ok" else None,
        "untrusted": kills - by_proof["kernel"],
        "disputed": by_proof["disputed"],
        "by_proof": by_proof,
        "unlisted": {
            "kills": sum(beyond.values()) - beyond["disputed"],
            "disputed": beyond["disputed"],
            "by_proof": beyond,
        },
        "unresolved": _events(oom, True),
        "unresolved_disputed": _events(oom, False),
        "unexplained": _count(oom, "counters", "unexplained"),
        "unparsed": _count(oom, "unparsed"),
        "quoted": _count(oom, "quoted"),
        "first": sure.first,
        "last": sure.last,
        "by_unit": ranked(sure.by["unit"]),
        "by_comm": ranked(sure.by["comm"]),
        "verdict": read_verdict(host.oom),
        "oom": host.oom,
    }  # type: Json
    return entry


def urgency(item: Tuple[str, Json]) -> Tuple[int, int, int, int, str]:
    """Sorting key of (name, entry): unknown hosts, then unresolved events, then the most kills."""
    name, entry = item
    return (
        _URGENCY.get(entry["state"], 0),
        -entry["unresolved"],
        -(entry["kills"] or 0),
        -(entry["disputed"] + entry["unexplained"] + entry["unresolved_disputed"]),
        name,
    )


def each_kill(report: Json) -> Iterator[Tuple[str, Json, bool]]:
    """(host, kill, counts): every kill of every host; counts is False for a copy of one that another host shows too."""
    seen = set()  # type: Set[Tuple[str, str]]
    # The copy for which most speaks is the one that counts, whichever host comes first by name.
    for wanted in GRADES:
        for name, entry in report["hosts"].items():
            for kill in entry["oom"]["kills"] if entry["oom"] else ():
                if kill["proof"] != wanted:
                    continue
                key = (kill["boot_id"], kill["id"])
                counts = None in key or key not in seen
                seen.add(key)
                yield name, kill, counts


def build(hosts: Mapping[str, HostInput], generated_at: float, past: Past = Past()) -> Json:
    """The report of a fleet. The same input gives the same dict, key order included.

    past -- what earlier runs left behind
    """
    entries = {}  # type: Dict[str, Json]
    twins = {}  # type: Dict[str, int]
    for name in sorted(hosts):
        given = hosts[name]
        host = of_today(read_host(given.state, given.message, given.oom), generated_at)
        shown = _free(text(name) or "(no name)", entries, twins)
        entries[shown] = _host_entry(shown, host)
    report = {"schema": SCHEMA, "generated_at": number(generated_at), "hosts": entries}  # type: Json
    report["fleet"] = _fleet(report)
    sure = ((name, kill) for name, kill, counts in each_kill(report) if counts and is_counted(kill))
    problems.add_to(report, sure, past)
    return report


def _free(name: str, taken: Mapping[str, Json], twins: Dict[str, int]) -> str:
    """Two names that are safe to print in one way are two hosts all the same: "a", "a (2)"."""
    free = name
    while free in taken:
        twins[name] = twins.get(name, 1) + 1
        free = "%s (%d)" % (name, twins[name])
    return free


def generation_time(environ: Mapping[str, str], now: float) -> int:
    """SOURCE_DATE_EPOCH where it is set (reproducible reports), else now; whole seconds."""
    given = environ.get("SOURCE_DATE_EPOCH", "")
    return int(given) if given.isdigit() and time(int(given)) is not None else int(now)


def _fleet(report: Json) -> Json:
    entries = report["hosts"]  # type: Dict[str, Json]
    sure, doubted = Tally(), Tally()
    copies = 0
    by_proof = dict.fromkeys(GRADES, 0)
    for name, kill, counts in each_kill(report):
        if counts:
            (sure if is_counted(kill) else doubted).add(kill, name)
            by_proof[kill["proof"]] += 1
        else:
            copies += 1
    states = {state: sum(entry["state"] == state for entry in entries.values()) for state in STATES}
    totals = {"hosts": len(entries), "partial": sum(entry["partial"] for entry in entries.values())}  # type: Json
    totals.update(states)
    unlisted = [entry["unlisted"] for entry in entries.values()]
    totals.update(
        kills=sure.total + sum(beyond["kills"] for beyond in unlisted),
        disputed=doubted.total + sum(beyond["disputed"] for beyond in unlisted),
        copies=copies,
    )
    totals["by_proof"] = {
        grade: by_proof[grade] + sum(beyond["by_proof"][grade] for beyond in unlisted) for grade in GRADES
    }
    totals["untrusted"] = totals["by_proof"]["confirmed"] + totals["by_proof"]["logged"]
    for key in ("unresolved", "unresolved_disputed", "unexplained", "unparsed", "quoted"):
        totals[key] = sum(entry[key] for entry in entries.values())
    totals["chronic"] = sum((entry["verdict"] or {}).get("state") == "chronic" for entry in entries.values())
    totals["hosts_with_kills"] = sum((entry["kills"] or 0) > 0 for entry in entries.values())
    made = {"totals": totals}  # type: Json
    tally = sure.as_dict()
    made.update(
        (key, tally[key]) for key in ("first", "last", "by_unit", "by_comm", "by_host", "by_killer", "by_scope")
    )
    made["since"] = _since(entries.values())
    made["disputed"] = doubted.as_dict()
    answered = [entry for entry in entries.values() if entry["state"] == "ok"]
    made["stale"] = sum(entry["stale"] for entry in answered)
    made["gathered_at"] = min(
        (entry["gathered_at"] for entry in answered if entry["gathered_at"] is not None), default=None
    )
    made["window"] = _window([entry["window"] for entry in answered])
    return made


def _window(asked: List[Json]) -> Json:
    """The kills that every host was asked for: None is no bound on any of them."""
    since = [window["since"] for window in asked if window["since"] is not None]
    until = [window["until"] for window in asked if window["until"] is not None]
    return {"since": max(since, default=None), "until": min(until, default=None)}


def _since(entries: Iterable[Json]) -> Optional[float]:
    """From when on every host that answered can speak; None when one cannot say."""
    found = [entry["since"] for entry in entries if entry["state"] == "ok"]  # type: List[Optional[float]]
    if not found or None in found:
        return None
    return max(value for value in found if value is not None)
