# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same kill seen in three places is one kill: the ledger knows it by boot, kernel seconds and pid.

Where a source has no kernel seconds, by the numbers on the kill line and a window of time.
"""

import hashlib
from itertools import islice
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill

from .proof import Grades, rank
from .totals import Totals

#: dmesg rounds to the microsecond; an announcement precedes its kill line.
_SAME_UPTIME = 0.0015
_ANNOUNCED = 5.0
#: Syslog stamps lag under memory pressure.
_SAME_TIME = 600.0
_RENAMED = 5.0
#: systemd-oomd says it again while the processes of the cgroup die.
_OOMD_REPEAT = 10.0
#: So many kills of one pid near one moment are looked at: a storm with one pid is a forgery, and must not take for
#: ever.
_MAX_ALIKE = 64
_QUALITY = {"exact": 3, "year_inferred": 2, "from_uptime": 1, "unknown": 0}


class Entry(NamedTuple):
    """One kill, everywhere it was seen, and what speaks for it where that was asked."""

    kill: Kill
    seen_in: Tuple[str, ...]
    proof: Optional[str] = None


def kill_id(kill: Kill) -> str:
    """The same for the same kill in every run and from every source: the numbers that the killer printed.

    No clock takes part: text logs, journal and ring buffer stamp the same kill differently.
    """
    victim = kill.victim
    numbers = (victim.total_vm, victim.anon_rss, victim.file_rss)
    if victim.pid is None or numbers == (None, None, None):
        parts = (kill.killer, victim.pid, victim.comm, victim.oom_score, _place(kill))  # type: Tuple[object, ...]
        if victim.pid is None:
            parts += (None if kill.line.time is None else int(kill.line.time),)
    else:
        parts = (kill.killer, victim.pid) + numbers
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _place(kill: Kill) -> Optional[str]:
    """Where, as the killer says; pid 1 names a unit and no cgroup."""
    return kill.task_memcg or (kill.unit if kill.partial and kill.victim.pid is None else None)


def _short(host: Optional[str]) -> Optional[str]:
    return None if host is None else host.split(".")[0].lower()


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _same(one: Kill, other: Kill) -> bool:
    """Both have the same killer and pid already."""
    if _differ(one.line.boot_id, other.line.boot_id):
        return False
    for field in ("total_vm", "anon_rss", "file_rss"):
        if _differ(getattr(one.victim, field), getattr(other.victim, field)):
            return False
    if one.line.uptime is not None and other.line.uptime is not None:
        return abs(one.line.uptime - other.line.uptime) <= (
            _ANNOUNCED if one.partial or other.partial else _SAME_UPTIME
        )
    if one.killer != "kernel" and _differ(one.victim.oom_score, other.victim.oom_score):
        return False  # another attempt at the same process
    if one.killer == "systemd-oomd" and one.task_memcg != other.task_memcg:
        return False
    window = _SAME_TIME
    if _differ(_short(one.line.host), _short(other.line.host)):
        if one.line.trusted == other.line.trusted:
            return False
        window = _RENAMED  # a host that was renamed calls itself differently in its journal and in its text logs
    if one.line.time is None or other.line.time is None:
        return one.line.source != other.line.source
    apart = abs(one.line.time - other.line.time)
    if one.line.source == other.line.source:
        if one.killer == "kernel" and one.partial != other.partial and one.line.trusted == other.line.trusted:
            return apart <= _ANNOUNCED  # a log with the newest line first: the announcement stands behind its kill
        return one.killer == "systemd-oomd" and apart <= _OOMD_REPEAT
    return apart <= window


def _better(one: Kill, other: Kill) -> Tuple[Kill, Kill]:
    """The record to keep, and the one to fill its gaps from."""
    if (other.line.trusted, not other.partial) > (one.line.trusted, not one.partial):
        return other, one
    return one, other


def _merge(one: Kill, other: Kill) -> Kill:
    best, rest = _better(one, other)
    if best.line.trusted and not rest.line.trusted:
        # Whoever can write a text log could otherwise put a cgroup or a size into a trusted record.
        return best
    line = best.line
    if _QUALITY[rest.line.time_quality] > _QUALITY[line.time_quality] and rest.line.time is not None:
        line = line._replace(time=rest.line.time, time_quality=rest.line.time_quality)
    line = line._replace(
        host=line.host or rest.line.host,
        uptime=rest.line.uptime if line.uptime is None else line.uptime,
        boot_id=line.boot_id or rest.line.boot_id,
    )
    filled = {
        field: getattr(rest, field)
        for field in (
            "constraint",
            "oom_memcg",
            "task_memcg",
            "unit",
            "container_id",
            "kernel",
            "tasks",
            "page_size",
            "group_memcg",
            "report",
            "explanation",
        )
        if getattr(best, field) is None
    }
    for field in ("scope", "trigger"):
        if getattr(best, field) == "unknown":
            filled[field] = getattr(rest, field)
    return best._replace(
        line=line,
        victim=best.victim._replace(
            **{f: getattr(rest.victim, f) for f in best.victim._fields if getattr(best.victim, f) is None}
        ),
        invoker=best.invoker._replace(
            **{f: getattr(rest.invoker, f) for f in best.invoker._fields if getattr(best.invoker, f) is None}
        ),
        partial=one.partial and other.partial,
        repeats=max(one.repeats, other.repeats),
        **filled,
    )


Key = Tuple[object, ...]


def _who(kill: Kill) -> Key:
    """What two records of one kill surely have in common: systemd-oomd names no pid, but a cgroup."""
    return (kill.killer, kill.victim.pid, _place(kill) if kill.victim.pid is None else None)


def _ticks(kill: Kill) -> Tuple[Optional[int], Optional[int]]:
    """Kernel seconds and time, each in steps as long as two records of one kill may lie apart."""
    uptime, moment = kill.line.uptime, kill.line.time
    return None if uptime is None else int(uptime // _ANNOUNCED), None if moment is None else int(moment // _SAME_TIME)


def _keys(kill: Kill) -> Iterator[Key]:
    """Where the index has this kill."""
    who = _who(kill)
    uptime, moment = _ticks(kill)
    yield who
    yield who + (("time", moment) if moment is not None else ("no time",))
    if uptime is not None:
        yield who + ("uptime", uptime)


def _places(kill: Kill) -> Iterator[Key]:
    """Where the index may have another record of the same kill."""
    who = _who(kill)
    uptime, moment = _ticks(kill)
    if uptime is not None:
        for tick in (uptime, uptime - 1, uptime + 1):
            yield who + ("uptime", tick)
    if moment is None:
        yield who
        return
    for tick in (moment, moment - 1, moment + 1):
        yield who + ("time", tick)
    yield who + ("no time",)


class Ledger:
    """Kills of all sources, each once; the newest are kept, all are counted.

    keep -- how many to keep
    grades -- what speaks for each of them
    """

    def __init__(self, keep: int, grades: Optional[Grades] = None) -> None:
        self._keep = keep
        self.grades = grades or Grades()
        self.same_hosts = set()  # type: Set[str]  # how the host of a trusted kill calls itself in its text logs
        self._entries = {}  # type: Dict[int, Entry]
        self._index = {}  # type: Dict[Key, List[int]]
        self._gone = set()  # type: Set[str]
        self._next = 0
        self.truncated = 0
        self.totals = Totals()

    def add(self, kill: Kill) -> None:
        number = self._find(kill)
        if number is not None:
            entry = self._entries[number]
            self._note_names(entry.kill, kill)
            repeated = kill.line.source in entry.seen_in
            merged = _merge(entry.kill, kill)
            if repeated and entry.kill.partial == kill.partial:
                merged = merged._replace(repeats=entry.kill.repeats + kill.repeats + 1)
            seen = entry.seen_in if repeated else entry.seen_in + (kill.line.source,)
            self._entries[number] = Entry(merged, seen)
            if _ticks(merged) != _ticks(entry.kill):
                self._enter(number, merged)
            return
        if self._gone and kill_id(kill) in self._gone:
            return
        self._entries[self._next] = Entry(kill, (kill.line.source,))
        self._enter(self._next, kill)
        self._next += 1
        if len(self._entries) >= 2 * self._keep + 64:
            self._shrink()

    def unexplained(self, source: str) -> List[Kill]:
        """Kernel kills of a source of which no more is known than their line, the oldest first."""
        kills = [self._entries[number].kill for number in self._ordered() if source in self._entries[number].seen_in]
        return [kill for kill in kills if kill.killer == "kernel" and kill.explanation is None and not kill.tasks]

    def explain(self, kill: Kill) -> None:
        """More of a kill that is here already."""
        number = self._find(kill)
        if number is not None:
            entry = self._entries[number]
            more = {field: getattr(kill, field) for field in ("explanation", "tasks", "page_size", "report")}
            if kill.line.trusted or not entry.kill.line.trusted:
                self._entries[number] = entry._replace(kill=entry.kill._replace(**more))

    def _note_names(self, one: Kill, other: Kill) -> None:
        if one.line.trusted != other.line.trusted:
            self.same_hosts.update(
                name for name in (_short(one.line.host), _short(other.line.host)) if name is not None
            )

    def _enter(self, number: int, kill: Kill) -> None:
        for key in _keys(kill):
            self._index.setdefault(key, []).append(number)

    def _find(self, kill: Kill) -> Optional[int]:
        """Another record of the same kill: the first that was entered, among the last that are near."""
        for key in _places(kill):
            numbers = self._index.get(key, ())
            for number in islice(numbers, max(0, len(numbers) - _MAX_ALIKE), None):
                if _same(self._entries[number].kill, kill):
                    return number
        return None

    def absorb(self, totals: Totals) -> None:
        """Kills that were counted without being kept."""
        self.totals.absorb(totals)
        self.truncated += totals.kills

    def _ordered(self) -> List[int]:
        def key(number: int) -> Tuple[float, float, int]:
            line = self._entries[number].kill.line
            return (float("-inf") if line.time is None else line.time, line.uptime or 0.0, number)

        return sorted(self._entries, key=key)

    def _shrink(self) -> None:
        """Count the oldest and let them go; those for which least speaks go first, or a flood of forged lines hides the
        rest.
        """
        proof = {number: self.grades.of_kill(entry.kill) for number, entry in self._entries.items()}
        order = sorted(self._ordered(), key=lambda number: rank(proof[number]))
        for number in order[: max(0, len(order) - self._keep)]:
            kill = self._entries.pop(number).kill
            self._gone.add(kill_id(kill))
            self.totals.add(kill, proof[number])
            self.truncated += 1
        self._index.clear()
        for number in sorted(self._entries):
            self._enter(number, self._entries[number].kill)

    def kept(self) -> List[Entry]:
        """Oldest first, at most `keep`, not counted yet."""
        self._shrink()
        return [self._entries[number] for number in self._ordered()]

    def entries(self) -> List[Entry]:
        """The same once everything is in: each with its proof. The totals then count everything."""
        return self.close(self.kept())

    def leave_out(self, more: int) -> int:
        """Nobody asked for these, nor for those that are counted only: how many they are. The totals count what is
        asked for.
        """
        count, self.truncated = self.truncated + more, 0
        self.totals = Totals()
        return count

    def close(self, kept: Sequence[Entry]) -> List[Entry]:
        """What is kept, perhaps with more names, gets its proof and is counted."""
        graded = [entry._replace(proof=self.grades.of_kill(entry.kill)) for entry in kept]
        for entry in graded:
            self.totals.add(entry.kill, entry.proof)
        return graded
