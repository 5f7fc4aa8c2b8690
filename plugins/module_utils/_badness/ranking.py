# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everybody in a contest, the worst first, as they are or under other scores; what can be freed by killing, and what
cannot.
"""

import os
from itertools import groupby
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from .processes import Process
from .score import Contender, Ranked, choose, slack, victim
from .selection import Selection

#: When a process was started: of equals the kernel takes the first or the last in its task list.
Started = Callable[[int], Tuple[int, int]]


class RankedProcess(NamedTuple):
    """A process in the order of dying. rank -- from 1; badness -- in pages"""

    rank: int
    badness: int
    process: Process


class Group(NamedTuple):
    """A service, or processes of one name that belong to none.

    first -- the member that would die first, None: no process can be killed
    """

    name: str
    unit: Optional[str]
    processes: List[Process]
    memory: int
    first: Optional[RankedProcess]


class Ranking(NamedTuple):
    """spared -- of the selection, but not to be killed: oom_score_adj -1000, and the first process

    next -- who dies; chosen -- who was worst (the same, but where a child is killed in its parent's place)
    """

    places: List[RankedProcess]
    unkillable: List[Process]
    next: Optional[RankedProcess] = None
    chosen: Optional[RankedProcess] = None

    @property
    def second(self) -> Optional[RankedProcess]:
        return self.places[1] if len(self.places) > 1 else None


def pages_of(process: Process, page: int) -> int:
    return process.rss // page + process.swap // page + process.pgtables // page


def _candidates(selection: Selection, scores: Mapping[int, int]) -> List[Contender]:
    page = os.sysconf("SC_PAGE_SIZE")
    return [
        Contender(
            pid=process.pid,
            pages=pages_of(process, page),
            oom_score_adj=scores.get(process.pid, process.oom_score_adj),
            privileged=process.privileged,
            order=process.pid,
            ppid=process.ppid,
        )
        for process in selection.processes
        if process.pid != selection.init
    ]


def _settle(ranked: List[Ranked], top: int, started: Started) -> Dict[int, int]:
    """Pid -> position among its equals, for the ties that somebody looks at. Pids begin anew, times of start do not."""
    orders = {}  # type: Dict[int, int]
    at = 0
    for _badness, rows in groupby(ranked, key=lambda row: row.badness):
        equals = [row.contender.pid for row in rows]
        if len(equals) > 1 and (not top or at < max(top, 2)):
            for order, (_time, pid) in enumerate(sorted(started(pid) for pid in equals)):
                orders[pid] = order
        at += len(equals)
    return orders


def rank(selection: Selection, started: Started, scores: Optional[Mapping[int, int]] = None, top: int = 0) -> Ranking:
    """The order of dying, with the scores of some processes (by pid) changed. Ties beyond the first `top` stay
    by pid.
    """
    contenders = _candidates(selection, scores or {})
    ranked = choose(contenders, selection.totalpages, selection.era)
    orders = _settle(ranked, top, started)
    if orders:
        contenders = [one._replace(order=orders.get(one.pid, one.order)) for one in contenders]
        ranked = choose(contenders, selection.totalpages, selection.era)
    by_pid = {process.pid: process for process in selection.processes}
    places = [RankedProcess(number, row.badness, by_pid[row.contender.pid]) for number, row in enumerate(ranked, 1)]
    killable = {place.process.pid for place in places}
    dies = victim(ranked, selection.era)
    return Ranking(
        places=places,
        unkillable=[process for process in selection.processes if process.pid not in killable],
        next=next((place for place in places if dies is not None and place.process.pid == dies.contender.pid), None),
        chosen=places[0] if places else None,
    )


def held(process: Process) -> int:
    """What its end gives back at once: anonymous memory, swap, page tables. File pages go without a kill."""
    anon = process.rss if process.anon_rss is None else process.anon_rss
    return anon + process.swap + process.pgtables


def memory_of(processes: Iterable[Process]) -> int:
    """What is held together. Shared memory counts once a service: a database's workers all map the same."""
    total = 0
    shared = {}  # type: Dict[Optional[str], int]
    for process in processes:
        total += held(process)
        key = process.place.unit or process.comm
        shared[key] = max(shared.get(key, 0), process.shmem_rss or 0)
    return total + sum(shared.values())


def units(ranking: Ranking) -> List[Group]:
    """By service, the one that loses a process first in front; then those that cannot be killed, the largest first."""
    members = {}  # type: Dict[Tuple[Optional[str], str], List[Process]]
    first = {}  # type: Dict[Tuple[Optional[str], str], RankedProcess]
    for place in ranking.places:
        first.setdefault(_key(place.process), place)
    for process in [place.process for place in ranking.places] + ranking.unkillable:
        members.setdefault(_key(process), []).append(process)
    groups = [Group(key[1], key[0], found, memory_of(found), first.get(key)) for key, found in members.items()]
    return sorted(
        groups, key=lambda group: (group.first is None, group.first.rank if group.first else 0, -group.memory)
    )


def _key(process: Process) -> Tuple[Optional[str], str]:
    return process.place.unit, process.place.unit or process.comm


def margin(selection: Selection, ranking: Ranking) -> Optional[int]:
    """Bytes by which the worst leads the second; None where nobody else is left."""
    chosen, second = ranking.chosen, ranking.second
    if chosen is None or second is None:
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    lead = chosen.badness - second.badness
    return lead * page * selection.totalpages // 1000 if selection.era.thousandths else lead * page


def inexact(selection: Selection) -> int:
    """Bytes by which the kernel's own sums may differ from what it shows in /proc."""
    return slack(selection.era, os.sysconf("SC_NPROCESSORS_CONF")) * os.sysconf("SC_PAGE_SIZE")
