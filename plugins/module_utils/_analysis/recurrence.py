# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is it over, or will it come again? transient, chronic, unknown or none, with the reasons. Works on facts."""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._size import human

#: Kills that lie no further apart are one shortage.
_GAP = 600.0
_HOUR, _DAY = 3600.0, 86400.0
#: What makes it chronic: the same one died in so many shortages, or there were shortages on so many days.
_AGAIN, _DAYS = 3, 3
#: Two shortages that lie further apart have nothing to do with each other.
_APART = 7 * _DAY
#: Percent of the last 300 seconds in which somebody, or everybody, waited for memory.
_SOME, _FULL = 40.0, 10.0
_LOW = 0.05
_MAX_REASONS = 6


class Told(NamedTuple):
    """A kill, or a shortage in which nothing was killed: when, and who lost."""

    time: float
    subject: Optional[str]
    scope: str
    trusted: bool


class Verdict(NamedTuple):
    """state -- transient, chronic, unknown or none"""

    state: str
    reasons: List[str]


def _subject(kill: Mapping[str, Any]) -> Optional[str]:
    victim = kill["victim"]
    container = kill["container_id"]
    return kill["unit"] or ("container %s" % container[:12] if container else victim["comm"])


def _told(oom: Mapping[str, Any]) -> List[Told]:
    """What counts: a kill that somebody asked for by hand (sysrq-f) says nothing of the memory."""
    found = []
    for kill in oom.get("kills", ()):
        if kill["time"] is not None and kill["trigger"] != "sysrq":
            found.append(Told(kill["time"], _subject(kill), kill["scope"], kill["source"]["trusted"]))
    for event in oom.get("unresolved", ()):
        if event["time"] is not None:
            found.append(Told(event["time"], None, event["scope"], event["source"]["trusted"]))
    return sorted(found, key=lambda one: one.time)


def _incidents(told: Sequence[Told]) -> List[List[Told]]:
    found = []  # type: List[List[Told]]
    for one in told:
        if found and one.time - found[-1][-1].time <= _GAP:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _ago(seconds: float) -> str:
    """For a sentence: 40 s, 12 min, 5 h, 9 d."""
    for length, unit in ((_DAY, "d"), (_HOUR, "h"), (60.0, "min")):
        if seconds >= length:
            return "%d %s" % (seconds // length, unit)
    return "%d s" % max(seconds, 0)


def _repeated(incidents: Sequence[Sequence[Told]], limits: Mapping[str, int]) -> List[str]:
    """Who died again and again."""
    where = {}  # type: Dict[str, List[int]]
    for number, incident in enumerate(incidents):
        for subject in sorted({one.subject for one in incident if one.subject is not None}):
            where.setdefault(subject, []).append(number)
    often = sorted(
        ((len(numbers), subject) for subject, numbers in where.items() if len(numbers) >= _AGAIN), reverse=True
    )
    reasons = []
    for count, subject in often[:2]:
        numbers = where[subject]
        span = incidents[numbers[-1]][-1].time - incidents[numbers[0]][0].time
        own = all(one.scope == "memcg" for number in numbers for one in incidents[number] if one.subject == subject)
        limit = " of %s" % human(limits[subject]) if subject in limits else ""
        reasons.append(
            "%s was killed in %d shortages within %s%s"
            % (subject, count, _ago(span), ", each time by a memory limit%s" % limit if own else "")
        )
    return reasons


def _pressed(memory: Mapping[str, Any]) -> List[str]:
    """What is short now."""
    reasons = []
    psi = memory.get("psi") or {}
    for kind, least, who in (("full", _FULL, "every process"), ("some", _SOME, "at least one process")):
        waited = (psi.get(kind) or {}).get("avg300")
        if waited is not None and waited >= least:
            reasons.append("%s waited for memory %.0f %% of the last 5 min" % (who, waited))
            break
    total, available, swap, free = (memory.get(key) for key in ("total", "available", "swap_total", "swap_free"))
    if total and available is not None and available < _LOW * total and (not swap or (free or 0) < 2 * _LOW * swap):
        reasons.append(
            "%s of %s are available now%s" % (human(available), human(total), ", and swap is full" if swap else "")
        )
    return reasons


def _judge(told: Sequence[Told], now: float, memory: Mapping[str, Any], limits: Mapping[str, int]) -> Verdict:
    incidents = _incidents(told)
    age = now - told[-1].time
    days = {int(one.time // _DAY) for one in told}  # type: Set[int]
    chronic = _repeated(incidents, limits)
    if len(days) >= _DAYS and not chronic:
        chronic.append("shortages on %d days within %s" % (len(days), _ago(told[-1].time - told[0].time)))
    pressed = _pressed(memory)
    if pressed and age >= _HOUR:
        chronic += pressed
    if chronic:
        return Verdict("chronic", chronic)
    last = "the last was %s ago" % _ago(age)
    if age < _HOUR:
        return Verdict("unknown", ["%s: too early to tell" % last] + pressed)
    if len(incidents) > 1 and incidents[-1][0].time - incidents[-2][-1].time < _APART:
        return Verdict("unknown", ["%d shortages, %s: one more would make it chronic" % (len(incidents), last)])
    many = "%d kills within %s" % (len(told), _ago(told[-1].time - told[0].time)) if len(told) > 1 else "one kill"
    return Verdict(
        "transient",
        [
            "%s, %s ago"
            % (
                "one shortage, %s" % many if len(incidents) == 1 else "%d shortages far apart" % len(incidents),
                _ago(age),
            )
        ],
    )


def verdict(oom: Mapping[str, Any], now: float, local: bool = True) -> Dict[str, Any]:
    """The verdict on a host.

    oom -- its facts: kills, unresolved, visibility; memory and units where they were gathered
    local -- the kills are this host's: then its memory and units tell as well
    """
    sight = oom.get("visibility", {}).get("state")
    told = _told(oom)
    if not told:
        total = oom.get("summary", {}).get("total", 0)
        asked = sum(1 for kill in oom.get("kills", ()) if kill["trigger"] == "sysrq")
        if total > len(oom.get("kills", ())):
            return _facts(Verdict("unknown", ["kills are counted and not listed (max_kills)"]), True)
        if total > asked or oom.get("unresolved"):
            return _facts(Verdict("unknown", ["the logs do not say when"]), True)
        if sight == "blind":
            return _facts(Verdict("unknown", ["the host cannot see its kills"]), True)
        return _facts(Verdict("none", ["killed by hand only (sysrq-f)"] if asked else []), True)
    memory = oom.get("memory") or {} if local else {}
    limits = (
        {unit["name"]: unit["memory_max"] for unit in oom.get("units") or () if unit.get("memory_max")} if local else {}
    )
    found = _judge(told, now, memory, limits)
    sure = [one for one in told if one.trusted]
    same = bool(sure) and _judge(sure, now, memory, limits).state == found.state
    if found.state == "transient" and _is_older(oom, told):
        found = Verdict("unknown", ["%d older kills are counted and not listed (max_kills)" % oom["truncated"]])
    reasons = list(found.reasons)
    if all(one.scope == "memcg" for one in told):
        reasons.append("every kill was at a cgroup's own limit: the host itself was not short")
    elif memory.get("swap_total") == 0:
        reasons.append("the host has no swap")
    if not same:
        reasons.append(
            "text logs alone tell of it"
            if not sure
            else "without what text logs alone tell it would be %s" % _judge(sure, now, memory, limits).state
        )
    if sight == "blind":
        reasons.append("the host does not see all of its kills")
    return _facts(found._replace(reasons=reasons), same)


def _is_older(oom: Mapping[str, Any], told: Sequence[Told]) -> bool:
    """Are there kills of an earlier shortage, of which no more than the number is kept?"""
    first = oom.get("summary", {}).get("first")
    return bool(oom.get("truncated")) and (first is None or told[0].time - first > _GAP)


def _facts(found: Verdict, trusted: bool) -> Dict[str, Any]:
    return {"state": found.state, "reasons": found.reasons[:_MAX_REASONS], "trusted": trusted}
