# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes held of the memory that was short: one, many alike, many. Measured in shares of that memory, never
of their own sum.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._badness.score import UNKILLABLE
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Task
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .cause import Cause, held, percent
from .holders import TABLES, page_tables
from .ledger import Accounts

#: Of 38 cases with a known cause, the false ones have at most 14 % of the total, the true ones 42 % and more.
_LEAST = 0.25
_HALF = 0.5
_ALIKE = 3
#: Counters lag behind each other: a little more than there is, is no sharing.
_LAG = 1.03
_MAX_COMM = 64


class Holding(NamedTuple):
    """What is surely a process's own."""

    comm: str
    pid: Optional[int]
    size: int
    oom_score_adj: Optional[int] = None


def _exact(kill: Kill, task: Task) -> Optional[int]:
    """Anonymous memory; None where the table does not tell it from shared pages."""
    if task.rss_anon is not None:
        return task.rss_anon
    return kill.victim.anon_rss if task.pid == kill.victim.pid else None


def _holdings(kill: Kill, tasks: Sequence[Task], accounts: Accounts) -> List[Holding]:
    """Anonymous memory and page tables; these not where they are a cause by themselves.

    To 6.8 the table has pages that several share in the rows of each, and to this day those that they share since a
    fork: together they hold no more than there is.
    """
    apart = page_tables(accounts, tasks) >= TABLES * (accounts.total or 0)
    exact = {task.pid: _exact(kill, task) for task in tasks}
    rows = accounts.rows
    locked = max(0, (rows.get("unevictable") or 0) - (rows.get("shmem") or 0))  # shared memory may be locked, too
    pool = locked + sum(rows.get(row) or 0 for row in ("anon", "swap_cached"))
    if rows.get("anon") is None:
        pool = accounts.total or 0
    own = sum(size for size in exact.values() if size is not None)
    shared = sum(task.rss or 0 for task in tasks if exact[task.pid] is None)
    of_own = pool / own if own > _LAG * pool else 1.0
    of_shared = min(1.0, max(0, pool - own) / shared) if shared else 1.0
    found = []
    for task in tasks:
        size = exact[task.pid]
        size = int((task.rss or 0) * of_shared) if size is None else int(size * of_own)
        if not apart:
            size += task.pgtables or 0
        found.append(Holding(task.comm, task.pid, size, task.oom_score_adj))
    return found


def _stem(comm: str) -> str:
    """worker12 is one of many workers."""
    return comm.rstrip("0123456789") or comm


def _one(holding: Holding, total: int) -> Cause:
    name = "%s[%s]" % (printable(holding.comm[:_MAX_COMM]), "?" if holding.pid is None else holding.pid)
    adjust = holding.oom_score_adj
    spared = ", and may not be killed (oom_score_adj -1000)" if adjust is not None and adjust <= UNKILLABLE else ""
    return held("one_process", "one process, %s," % name, holding.size, total, spared)


def _alike(holdings: Sequence[Holding]) -> Tuple[str, int, int]:
    """The name of the group that holds most, how many they are, what they hold."""
    groups = {}  # type: Dict[str, Tuple[int, int]]
    for holding in holdings:
        count, size = groups.get(_stem(holding.comm), (0, 0))
        groups[_stem(holding.comm)] = (count + 1, size + holding.size)
    stem, (count, size) = max(groups.items(), key=lambda item: (item[1][1], item[0]))
    names = {holding.comm for holding in holdings if _stem(holding.comm) == stem}
    shown = printable(stem[:_MAX_COMM])
    return (printable(names.pop()[:_MAX_COMM]) if len(names) == 1 else shown + "…"), count, size


def _of_victim(kill: Kill, total: int) -> List[Cause]:
    """No table: its own line tells what the victim held."""
    victim = kill.victim
    size = (victim.anon_rss or 0) + (victim.pgtables or 0)
    if victim.comm is None or size > total * 1.03 or size < _LEAST * total:
        return []
    return [_one(Holding(victim.comm, victim.pid, min(size, total), victim.oom_score_adj), total)]


def process_holders(kill: Kill, accounts: Accounts, cut: bool) -> List[Cause]:
    """cut -- rows of the table are missing: what the others hold together is not known"""
    total = accounts.total
    if not total:
        return []
    tasks = kill.tasks or ()
    holdings = _holdings(kill, tasks, accounts)
    everything = sum(holding.size for holding in holdings)
    if not holdings:
        return _of_victim(kill, total)
    biggest = max(holdings, key=lambda holding: holding.size)
    name, count, size = _alike(holdings)
    if biggest.size >= _LEAST * total and (
        biggest.size >= _HALF * everything or biggest.size >= 2 * _second(holdings, biggest)
    ):
        return [_one(biggest._replace(size=min(biggest.size, total)), total)]
    if cut:
        return _of_victim(kill, total)
    if count >= _ALIKE and size >= max(_LEAST * total, _HALF * everything):
        return [held("many_alike", "%d processes named %s together" % (count, name), min(size, total), total)]
    if everything >= _LEAST * total and len(holdings) > 1:
        together = min(everything, total)
        text = "%d processes together held %s (%s), the biggest of them, %s[%s], %s" % (
            len(holdings),
            human(together),
            percent(together, total),
            printable(biggest.comm[:_MAX_COMM]),
            biggest.pid,
            human(biggest.size),
        )
        return [Cause("many_processes", text, together, round(together / total, 3))]
    return _of_victim(kill, total)


def _second(holdings: Sequence[Holding], biggest: Holding) -> int:
    return max([holding.size for holding in holdings if holding is not biggest] or [0])
