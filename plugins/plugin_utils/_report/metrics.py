# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""metrics.prom: the report for the textfile collector of node_exporter. What is not known has no sample, and a 0 was
measured.
"""

from __future__ import annotations

import typing as t

from .fleet import STATES, is_counted
from .host import GRADES, Json, number, text

#: Names are chosen by whoever runs a process: so many series of one host, the rest of its kills in one of them.
MOST_SERIES = 100
_OTHERS = "(others)"

Labels = t.Tuple[t.Tuple[str, str], ...]
Sample = t.Tuple[Labels, float]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def render(report: Json, victims: t.Mapping[str, t.Any]) -> str:
    """victims -- host -> what oom_score_info said of it, where that was asked"""
    hosts = report["hosts"]
    known = {name: entry for name, entry in hosts.items() if entry["state"] == "ok"}
    families = [
        (
            "memops_oom_report_timestamp_seconds",
            "When the report was made.",
            [((), float(report["generated_at"]))],
        ),
        (
            "memops_oom_hosts",
            "Hosts of the report by state.",
            [((("state", state),), float(report["fleet"]["totals"][state])) for state in STATES],
        ),
        (
            "memops_oom_host_state",
            "1 for the state that a host is in. Of a host that is not ok nothing is known.",
            [((("host", name), ("state", entry["state"])), 1.0) for name, entry in hosts.items()],
        ),
        (
            "memops_oom_host_visibility",
            "1 for how much of its past a host could see: clear, partial or blind.",
            [((("host", name), ("visibility", sight)), 1.0) for name, sight in _sights(hosts)],
        ),
        (
            "memops_oom_visible_since_timestamp_seconds",
            "How far back a host sees.",
            _of_hosts(known, lambda entry: entry["since"]),
        ),
        (
            "memops_oom_facts_timestamp_seconds",
            "When a host was asked; time() - this is the age of its facts.",
            _of_hosts(hosts, lambda entry: entry["gathered_at"]),
        ),
        (
            "memops_oom_host_kills",
            "Kills that a host tells of. 0 is only said of a host that saw all of the time that was asked for.",
            _of_hosts(hosts, _kills),
        ),
        (
            "memops_oom_kills",
            "The same by unit, scope, killer and proof.",
            [sample for name, entry in hosts.items() for sample in _by_unit(name, entry)],
        ),
        (
            "memops_oom_disputed_kills",
            "Kills that a text log tells of and a better source does not have. They are in no other count.",
            _of_hosts(known, lambda entry: _measured(entry, entry["disputed"])),
        ),
        (
            "memops_oom_unresolved",
            "Shortages of which no victim is known.",
            _of_hosts(known, lambda entry: _measured(entry, entry["unresolved"])),
        ),
        (
            "memops_oom_unexplained_kills",
            "Kills that the kernel counted and no source tells of.",
            _of_hosts(known, _unexplained),
        ),
        (
            "memops_oom_next_victim_margin_bytes",
            "By how much the next victim of the kernel leads. A small margin says that another one may die.",
            [sample for name in hosts for sample in _margin(name, victims.get(name))],
        ),
    ]  # type: list[tuple[str, str, list[Sample]]]
    return "".join(line for name, said, samples in families for line in _family(name, said, samples))


def _family(name: str, said: str, samples: list[Sample]) -> t.Iterator[str]:
    if not samples:
        return
    yield f"# HELP {name} {said}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        inner = ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in labels)
        yield f"{name}{{{inner}}} {_number(value)}\n" if inner else f"{name} {_number(value)}\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _of_hosts(hosts: t.Mapping[str, Json], read: t.Callable[[Json], float | None]) -> list[Sample]:
    found = ((name, read(entry)) for name, entry in hosts.items())
    return [((("host", name),), float(value)) for name, value in found if value is not None]


def _sights(hosts: t.Mapping[str, Json]) -> t.Iterator[tuple[str, str]]:
    for name, entry in hosts.items():
        if entry["state"] == "blind":
            yield name, "blind"
        elif entry["state"] == "ok":
            yield name, "partial" if entry["partial"] else "clear"


def _measured(entry: Json, count: int) -> int | None:
    """What is above 0 was seen; a 0 is one only where everything was."""
    return count if count or (entry["state"] == "ok" and not entry["partial"]) else None


def _kills(entry: Json) -> int | None:
    return _measured(entry, entry["kills"])


def _unexplained(entry: Json) -> float | None:
    counters = (entry["oom"] or {}).get("counters")
    return number(counters.get("unexplained")) if isinstance(counters, dict) else None


def _by_unit(name: str, entry: Json) -> t.Iterator[Sample]:
    counts = {}  # type: dict[tuple[str, str, str, str], int]
    for kill in entry["oom"]["kills"] if entry["oom"] else ():
        if is_counted(kill):
            key = (kill["unit"] or "", kill["scope"], kill["killer"], kill["proof"])
            counts[key] = counts.get(key, 0) + 1
    for grade in GRADES:  # counted by the host, and too old for its list
        beyond = entry["unlisted"]["by_proof"][grade] if grade != "disputed" else 0
        if beyond:
            key = ("", "unknown", "unknown", grade)
            counts[key] = counts.get(key, 0) + beyond
    for (unit, scope, killer, proof), count in _bounded(counts):
        labels = (("host", name), ("unit", unit), ("scope", scope), ("killer", killer), ("proof", proof))
        yield tuple((key, value) for key, value in labels if value), float(count)


_Counts = t.Dict[t.Tuple[str, str, str, str], int]


def _bounded(counts: _Counts) -> list[tuple[tuple[str, str, str, str], int]]:
    """Most first; what is beyond the bound adds up, so that the sum stays what it is."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    others = {}  # type: _Counts
    for (_unit, _scope, _killer, proof), count in ranked[MOST_SERIES:]:
        key = (_OTHERS, "unknown", "unknown", proof)
        others[key] = others.get(key, 0) + count
    return ranked[:MOST_SERIES] + sorted(others.items())


def _margin(name: str, said: t.Any) -> t.Iterator[Sample]:
    """In bytes; the module counts in pages, as the kernel does."""
    given = said if isinstance(said, dict) else {}
    victim, contest = given.get("next_victim"), given.get("contest")
    if not isinstance(victim, dict) or not isinstance(contest, dict):
        return
    margin, size = number(victim.get("margin")), number(contest.get("page_size"))
    if margin is None or size is None:
        return
    labels = (("host", name), ("comm", text(victim.get("comm")) or ""), ("unit", text(victim.get("unit")) or ""))
    yield tuple((key, value) for key, value in labels if value), float(margin) * size
