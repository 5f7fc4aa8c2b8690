# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shortages in which the kernel killed nothing, as rows of ``unresolved``."""

import json
from typing import Any, Dict, Iterable, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.plugins.module_utils._text import optional_printable

from .proof import Grades
from .rows import LIST_BYTES, invoker_facts, source_of

_MAX_UNRESOLVED = 100
#: How many rows back an event is compared, and how near it is.
_NEAR_ROWS = 64
_NEAR = 60.0
#: Seconds between a report's beginning, or the reaper's word, and the kill.
_END_NEAR = 10.0


def unresolved_facts(events: Iterable[Unresolved], grades: Optional[Grades] = None) -> Tuple[List[Dict[str, Any]], int]:
    """Shortages without a victim, oldest first; repeats within a minute counted as one. And how many were left out."""
    grades = grades or Grades()
    found = []  # type: List[_Shortage]
    for event in sorted(events, key=lambda e: (e.line.time or 0.0, e.line.uptime or 0.0)):
        for shortage in reversed(found[-_NEAR_ROWS:]):
            if _same_shortage(shortage.event, event):
                shortage.add(event)
                break
        else:
            found.append(_Shortage(event))
    rows = _newest_that_fit([shortage.row(grades) for shortage in found[-_MAX_UNRESOLVED:]], 2 * LIST_BYTES)
    return rows, len(found) - len(rows)


def without_found(events: Iterable[Unresolved], kills: Iterable[Kill]) -> List[Unresolved]:
    """The events without reports whose end one source does not have, and another one has: a log is rotated between two
    lines.
    """
    ends = {}  # type: Dict[int, List[LogLine]]
    for kill in kills:
        if kill.killer == "kernel" and kill.line.time is not None:
            ends.setdefault(int(kill.line.time // _END_NEAR), []).append(kill.line)
    return [event for event in events if event.outcome != "unseen" or not _is_found(event.line, ends)]


def _is_found(began: LogLine, ends: Dict[int, List[LogLine]]) -> bool:
    if began.time is None:
        return False
    tick = int(began.time // _END_NEAR)
    return any(_may_end(began, end) for near in (tick - 1, tick, tick + 1) for end in ends.get(near, ()))


def _may_end(began: LogLine, end: LogLine) -> bool:
    if began.source == end.source or began.time is None or end.time is None:
        return False  # in one source the parser would have brought them together
    if abs(end.time - began.time) > _END_NEAR or (end.trusted is False and began.trusted):
        return False
    return not _differ(began.host, end.host) and not _differ(began.boot_id, end.boot_id)


def _differ(one: Optional[str], other: Optional[str]) -> bool:
    return one is not None and other is not None and one != other


class _Shortage:
    """One shortage, and how often each source tells of it."""

    def __init__(self, event: Unresolved) -> None:
        self.event = event
        self._told = {event.line.source: 1}

    def add(self, event: Unresolved) -> None:
        known = self.event
        if event.line.trusted and not known.line.trusted:
            self.event = event
        elif event.line.trusted == known.line.trusted and not known.is_explained and event.is_explained:
            self.event = known._replace(explanation=event.explanation)
        self._told[event.line.source] = self._told.get(event.line.source, 0) + 1

    def row(self, grades: Grades) -> Dict[str, Any]:
        line, told = self.event.line, self.event.explanation
        facts = {
            "time": line.time,
            "time_quality": line.time_quality,
            "host": optional_printable(line.host),
            "boot_id": optional_printable(line.boot_id),
            "uptime": line.uptime,
            "outcome": self.event.outcome,
            "scope": self.event.scope,
            "invoker": invoker_facts(self.event.invoker),
            "oom_memcg": optional_printable(self.event.oom_memcg),
            "kernel": optional_printable(self.event.kernel),
            "count": max(self._told.values()),
            "proof": grades.of_line(line),
            "source": source_of(line, list(self._told)),
        }  # type: Dict[str, Any]
        facts.update({"why": None, "cause": [], "ledger": None} if told is None else told.memory_facts())
        return facts


def _same_shortage(one: Unresolved, other: Unresolved) -> bool:
    """Told by another source, or once more within a minute. A panic at the same second of the next boot is
    another one.
    """
    first, later = one.line, other.line
    if (one.outcome, one.oom_memcg) != (other.outcome, other.oom_memcg):
        return False
    for mine, its in ((first.host, later.host), (first.boot_id, later.boot_id)):
        if mine is not None and its is not None and mine != its:
            return False
    if first.time is not None and later.time is not None:
        return abs(first.time - later.time) <= _NEAR
    if first.uptime is not None and later.uptime is not None:
        return abs(first.uptime - later.uptime) <= _NEAR
    return True


def _newest_that_fit(rows: List[Dict[str, Any]], limit: int) -> List[Dict[str, Any]]:
    first = len(rows)
    while first:
        limit -= len(json.dumps(rows[first - 1])) + 2
        if limit < 0:
            break
        first -= 1
    return rows[first:]
