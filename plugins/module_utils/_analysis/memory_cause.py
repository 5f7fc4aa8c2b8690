# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What memory was short, and who or what held it: the causes of one kill, what explains most first."""

from typing import List, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import NO_LIMIT, MemcgInfo, MemInfo
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Report
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .cause import Cause, held
from .holders import low_holders, row_holders
from .ledger import Accounts, accounts
from .process_holders import process_holders
from .selection_replay import nodes_of
from .shortage import MOSTLY_FREE, shortages

_SWAP_LEFT = 0.05
#: What swap could have taken must be that share of the memory: a leak in the kernel needs no swap.
_SWAPPABLE = 0.25
_MAX_NAME = 256
_ANON = 0.25
#: No host has so few processes; an author may have left out the numbers and have all rows of more.
_FEW_ROWS = 10


def _limit(kill: Kill, memcg: Optional[MemcgInfo]) -> List[Cause]:
    name = printable((kill.oom_memcg or "a cgroup")[:_MAX_NAME])
    if memcg is None and kill.report is not None and kill.report.memory is not None:
        return [
            Cause(
                "memcg_limit",
                "the memory limit of %s was reached; the numbers of the report are the host's, which need not be short"
                % name,
            )
        ]
    if memcg is None or memcg.limit is None:
        return [Cause("memcg_limit", "the memory limit of %s was reached" % name)]
    if memcg.limit >= NO_LIMIT:
        return [Cause("memcg", "%s has no memory limit of its own" % name)]
    reached = Cause("memcg_limit", "the limit of %s of %s was reached" % (human(memcg.limit), name), memcg.limit)
    if not _is_used_up(memcg.kmem, memcg.kmem_limit):
        return [reached]
    kernel = Cause(
        "memcg_limit",
        "the limit of kernel memory (kmem) of %s of %s was used up" % (human(memcg.kmem_limit or 0), name),
        memcg.kmem_limit,
    )
    return [kernel, reached] if _is_used_up(memcg.usage, memcg.limit) else [kernel]


def _is_used_up(usage: Optional[int], limit: Optional[int]) -> bool:
    return usage is not None and limit is not None and 0 < limit < NO_LIMIT and usage >= (1 - _SWAP_LEFT) * limit


def _swap_of_cgroup(memcg: Optional[MemcgInfo], swappable: bool) -> List[Cause]:
    if memcg is None:
        return []
    if _is_used_up(memcg.swap_usage, memcg.swap_limit):
        return [
            Cause(
                "swap_limit",
                "the cgroup's limit of swap of %s was used up" % human(memcg.swap_limit or 0),
                memcg.swap_limit,
            )
        ]
    if memcg.memsw_limit is not None and _is_used_up(memcg.memsw_usage, memcg.memsw_limit):
        more = memcg.memsw_limit - (memcg.limit or 0)
        if more > 0:
            return [
                Cause(
                    "swap_limit",
                    "the cgroup's limit of memory and swap together of %s was used up" % human(memcg.memsw_limit),
                    memcg.memsw_limit,
                )
            ]
    if memcg.swap_limit == 0 and swappable:
        return [Cause("swap_limit", "the cgroup may not use swap", 0)]
    return []


def _swap_of_host(memory: Optional[MemInfo], swappable: bool) -> List[Cause]:
    if memory is None or memory.swap_total is None:
        return []
    if memory.swap_total == 0:
        return [Cause("no_swap", "the host has no swap", 0)] if swappable else []
    if memory.swap_free is not None and memory.swap_free <= _SWAP_LEFT * memory.swap_total:
        return [Cause("swap_full", "swap of %s was full" % human(memory.swap_total), memory.swap_total)]
    return []


def _is_swappable(books: Optional[Accounts]) -> bool:
    """Swap takes what processes and tmpfs hold, and nothing else."""
    if books is None or not books.total:
        return True
    return sum(books.rows.get(row) or 0 for row in ("anon", "shmem", "swap_cached")) >= _SWAPPABLE * books.total


def _holders(kill: Kill, report: Report, books: Accounts, short: Sequence[Cause]) -> List[Cause]:
    """Who held it; nobody where most of it is free."""
    kinds = {cause.kind for cause in short}
    if "lowmem" in kinds and report.memory is not None:
        return low_holders(kill, report.memory, books)
    if kinds & {"cpuset", "numa"}:
        return _holders_on_nodes(kill, report, books)
    rows = row_holders(books, report.memory, kill.tasks or ())
    if books.total and (books.rows.get("free") or 0) >= MOSTLY_FREE * books.total:
        return [cause for cause in rows if cause.kind == "balloon"]
    processes = process_holders(kill, books, is_cut(kill, report))
    anon = books.rows.get("anon") or 0
    if not processes and books.total and anon >= _ANON * books.total and not kill.tasks:
        who = "processes" if books.rows.get("shmem") is not None else "processes and tmpfs"
        processes = [held("anon", who, anon, books.total)]
    for cause in processes:
        smaller = (at for at, row in enumerate(rows) if (row.size or 0) < (cause.size or 0))
        rows.insert(next(smaller, len(rows)), cause)
    return rows


def _holders_on_nodes(kill: Kill, report: Report, books: Accounts) -> List[Cause]:
    """The books are of all nodes; the processes are those that may use these."""
    allowed = nodes_of(report.nodes or "")
    zones = [zone for zone in (report.memory.zones if report.memory else ()) if zone.node in allowed]
    sizes = [zone.managed or zone.present for zone in zones]
    if not sizes or None in sizes or sum(zone.free for zone in zones) >= MOSTLY_FREE * sum(size or 0 for size in sizes):
        return []
    return process_holders(kill, books._replace(total=sum(size or 0 for size in sizes)), is_cut(kill, report))


def is_cut(kill: Kill, report: Report) -> bool:
    """Rows of the table are missing, or may be: the log has an excerpt of the report, without the numbers that stand
    before its table.
    """
    if report.cut or report.rows > len(kill.tasks or ()):
        return True
    return report.memory is None and report.memcg is None and len(kill.tasks or ()) < _FEW_ROWS


def books_of(kill: Kill) -> Optional[Accounts]:
    report = kill.report or Report()
    return accounts(kill.scope, report.memory, report.memcg)


def causes(kill: Kill) -> Tuple[Cause, ...]:
    """What could not be had though it was there, then what held most, then the limit, and what of swap there was: the
    least of it last.
    """
    if kill.killer != "kernel":
        return ()
    report = kill.report or Report()
    books = books_of(kill)
    if books is not None and kill.scope == "memcg" and books.of == "ram":
        books = None  # they are not of what was short
    found = shortages(kill, report, books.total if books else None)
    if kill.trigger == "sysrq":
        return tuple(found)
    decided = bool(found)
    if books is not None:
        found += _holders(kill, report, books, found)
    if kill.scope == "memcg":
        found += _limit(kill, report.memcg)
    if kill.group_memcg is not None or kill.trigger == "group":
        name = printable((kill.group_memcg or kill.oom_memcg or "the cgroup")[:_MAX_NAME])
        found.append(Cause("group", "memory.oom.group of %s is set: all of its processes die" % name))
    if report.allocating:
        found.append(Cause("allocating_task", "vm.oom_kill_allocating_task is set: who asks dies"))
    swappable = _is_swappable(books) and not decided
    if kill.scope == "memcg":
        found += _swap_of_cgroup(report.memcg, swappable)
    elif not decided:
        found += _swap_of_host(report.memory, swappable)
    return tuple(found)
