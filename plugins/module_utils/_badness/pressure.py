# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Near misses: every cgroup with a limit of memory, how near it is, and who would die there.

Worst first: a service that is frozen at MemoryHigh does nothing, is not killed, and no log tells of it.
"""

import os
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._procfs import Psi, parse_psi
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._systemd.cgroup import Layout, layout
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import container_of, leaf_unit_of
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

from .memcg import number_in, within
from .processes import Snapshot, snapshot, started
from .ranking import rank
from .selection import read_selection

#: The order of the rows.
STATES = ("frozen", "throttled", "at_limit", "near", "ok")
_MAX_DEEP, _MAX_SEEN, _MAX_ROWS, _MAX_CONTESTS = 32, 10_000, 50, 20
#: At a limit, near it: a charge is 2 MiB at most, and each processor keeps some pages.
_AT, _NEAR = 0.95, 0.9
#: Percent of the last ten seconds in which no process of the cgroup, or not all of them, came on.
_STANDS, _SUFFERS = 50.0, 10.0
#: Between two looks at a cgroup that is at its MemoryHigh: the kernel holds a process back for 2 s at most.
_AGAIN = 1.0
_EVENTS = ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")

Counts = Dict[str, int]


class Limited(NamedTuple):
    """A cgroup with a limit. Sizes in bytes; None: no such limit, or no such file on this kernel.

    reclaimable -- page cache and slab that the kernel can take back
    more_high -- how often it was held back while we looked; None where nobody looked twice
    """

    path: str
    current: Optional[int]
    max: Optional[int]
    high: Optional[int]
    swap_current: Optional[int] = None
    swap_max: Optional[int] = None
    reclaimable: Optional[int] = None
    events: Optional[Counts] = None
    local: Optional[Counts] = None
    psi: Optional[Psi] = None
    more_high: Optional[int] = None

    def share(self, limit: Optional[int]) -> float:
        return (self.current or 0) / limit if limit else 0.0

    @property
    def firm(self) -> Optional[float]:
        """Share of the smallest limit that cannot be taken back."""
        limits = [limit for limit in (self.max, self.high) if limit]
        if self.current is None or not limits:
            return None
        return max(0, self.current - (self.reclaimable or 0)) / min(limits)

    def stalled(self, kind: str) -> Optional[float]:
        return None if self.psi is None or kind not in self.psi else self.psi[kind]["avg10"]


def _counts(data: Optional[bytes]) -> Optional[Counts]:
    """memory.events, memory.stat: a name and a number on each line."""
    if data is None:
        return None
    pairs = [line.split() for line in to_text(data).splitlines()]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _events(data: Optional[bytes]) -> Optional[Counts]:
    counts = _counts(data)
    return None if counts is None else {name: counts[name] for name in _EVENTS if name in counts}


def _reclaimable(stat: Optional[Counts]) -> Optional[int]:
    if stat is None:
        return None
    names = ("total_inactive_file", "total_active_file") if "total_inactive_file" in stat else (
        "inactive_file", "active_file", "slab_reclaimable")  # fmt: skip
    return sum(stat.get(name, 0) for name in names)


def _read(host: Host, where: Layout, path: str) -> Optional[Limited]:
    """None where it has no limit."""
    folder = "%s%s/" % (where.memory, path)
    if not where.memory_is_v2:
        limit = number_in(host.read(folder + "memory.limit_in_bytes"))
        if limit is None:
            return None
        current, stat = number_in(host.read(folder + "memory.usage_in_bytes")), _counts(
            host.read(folder + "memory.stat")
        )
        killed = _counts(host.read(folder + "memory.oom_control")) or {}
        events = {"oom_kill": killed["oom_kill"]} if "oom_kill" in killed else None
        return Limited(path, current, limit, None, reclaimable=_reclaimable(stat), events=events)
    limit, high = number_in(host.read(folder + "memory.max")), number_in(host.read(folder + "memory.high"))
    if limit is None and high is None:
        return None
    psi = host.read(folder + "memory.pressure")
    return Limited(
        path,
        number_in(host.read(folder + "memory.current")),
        limit,
        high,
        swap_current=number_in(host.read(folder + "memory.swap.current")),
        swap_max=number_in(host.read(folder + "memory.swap.max")),
        reclaimable=_reclaimable(_counts(host.read(folder + "memory.stat"))),
        events=_events(host.read(folder + "memory.events")),
        local=_events(host.read(folder + "memory.events.local")),
        psi=parse_psi(to_text(psi)) if psi else None,
    )


def _limited(host: Host, where: Layout, below: str) -> List[Limited]:
    """All that have a limit, in the order of the tree; a cgroup that vanishes meanwhile is left out."""
    found, seen = [], 0  # type: List[Limited], int
    todo = [("" if below == "/" else below, 0)]
    while todo and seen < _MAX_SEEN:
        path, deep = todo.pop()
        seen += 1
        one = _read(host, where, path) if path else None
        if one is not None:
            found.append(one)
        if deep >= _MAX_DEEP:
            continue
        try:
            with os.scandir(host.path("%s%s" % (where.memory, path or "/"))) as entries:
                inner = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        todo += [("%s/%s" % (path, name), deep + 1) for name in reversed(inner)]
    return found


def _is_at_high(one: Limited) -> bool:
    return bool(one.high) and one.share(one.high) >= _AT


def _look_again(host: Host, where: Layout, found: List[Limited], wait: Callable[[float], None]) -> List[Limited]:
    """Only where a cgroup is at its MemoryHigh: does the count climb?"""
    if not any(_is_at_high(one) and one.events for one in found):
        return found
    wait(_AGAIN)
    again = []  # type: List[Limited]
    for one in found:
        if _is_at_high(one) and one.events:
            now = _events(host.read("%s%s/memory.events" % (where.memory, one.path))) or {}
            one = one._replace(more_high=max(0, now.get("high", 0) - one.events.get("high", 0)))
        again.append(one)
    return again


def state_of(one: Limited) -> str:
    """frozen -- at MemoryHigh, and none of its processes comes on; throttled -- at MemoryHigh, and held back; at_limit
    -- the next charge may kill; near -- nine tenths of a limit cannot be taken back
    """
    full, some = one.stalled("full"), one.stalled("some")
    if _is_at_high(one):
        if full is not None and full >= _STANDS:
            return "frozen"
        if one.more_high or (some is not None and some >= _SUFFERS):
            return "throttled"
    if one.max is not None and one.share(one.max) >= _AT and (one.firm or 0) >= _NEAR:
        return "at_limit"
    return "near" if (one.firm or 0) >= _NEAR else "ok"


def _name(one: Limited) -> str:
    return printable(leaf_unit_of(one.path) or one.path)


def _stalls(one: Limited) -> str:
    full = one.stalled("full")
    return "" if full is None else ", and for %.0f %% of the last 10 s none of its processes came on" % full


def told(one: Limited, state: str) -> str:
    """One sentence, where there is something to say."""
    if state == "ok":
        return ""
    current, high = human(one.current or 0), human(one.high or 0)
    if state in ("frozen", "throttled"):
        times = (one.events or {}).get("high", 0)
        more = " (%d more while we looked)" % one.more_high if one.more_high else ""
        verb = "is frozen at" if state == "frozen" else "is held back at"
        return "%s %s MemoryHigh=%s: it holds %s%s; the kernel held it back %d times%s and never kills for that" % (
            _name(one), verb, high, current, _stalls(one), times, more)  # fmt: skip
    limit, held = one.max if one.max is not None else one.high, max(0, (one.current or 0) - (one.reclaimable or 0))
    text = "%s holds %s of its limit of %s, and %s of that cannot be taken back%s"
    return text % (_name(one), current, human(limit or 0), human(held), _stalls(one))


def _next(host: Host, seen: Snapshot, path: str) -> Optional[Dict[str, Any]]:
    """Who would die there."""
    try:
        selection = read_selection(host, seen, path)
    except (ValueError, OSError):
        return None

    def when(pid: int) -> Tuple[int, int]:
        return started(host, pid)

    place = rank(selection, when, top=1).next
    if place is None:
        return None
    process = place.process
    return {
        "pid": process.pid,
        "comm": printable(process.comm),
        "oom_score_adj": process.oom_score_adj,
        "rss": process.rss,
    }


def _row(one: Limited, state: str, seen: Snapshot, victim: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    inside = sum(1 for process in seen.processes if within(process.place.memcg, one.path))
    return {
        "cgroup": printable(one.path),
        "unit": printable(leaf_unit_of(one.path) or "") or None,
        "container_id": container_of(one.path),
        "state": state,
        "text": told(one, state) or None,
        "memory_current": one.current,
        "memory_max": one.max,
        "memory_high": one.high,
        "reclaimable": one.reclaimable,
        "share": None if one.firm is None else round(one.firm, 3),
        "swap_current": one.swap_current,
        "swap_max": one.swap_max,
        "events": one.events,
        "events_local": one.local,
        "more_high": one.more_high,
        "psi": one.psi,
        "processes": inside,
        "next_victim": victim,
    }


def pressure(
    host: Host,
    seen: Optional[Snapshot] = None,
    below: str = "/",
    most: int = _MAX_ROWS,
    wait: Callable[[float], None] = time.sleep,
) -> Optional[List[Dict[str, Any]]]:
    """The rows, the worst first, at most so many. None where no memory controller can be seen."""
    where = layout(host)
    if where.memory is None:
        return None
    found = _look_again(host, where, _limited(host, where, below), wait)
    ranked = sorted(
        ((STATES.index(state_of(one)), -(one.firm or 0), one.path, one) for one in found), key=lambda row: row[:3]
    )
    if not ranked:
        return []
    seen = snapshot(host) if seen is None else seen
    rows = []  # type: List[Dict[str, Any]]
    for at, (state, _share, path, one) in enumerate(ranked[: min(most, _MAX_ROWS) or _MAX_ROWS]):
        victim = _next(host, seen, path) if at < _MAX_CONTESTS else None
        rows.append(_row(one, STATES[state], seen, victim))
    return rows
