# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What memory was short, and who or what held it: what the numbers of the report say beyond the size of the victim."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import NO_LIMIT, MemcgInfo, MemInfo
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Report, Task
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

#: Shares of the memory that was short, from which on something is worth a word. Processes are expected to hold most of it.
_SHMEM, _SLAB, _TABLES, _HUGE, _STACKS, _ELSEWHERE = 0.2, 0.15, 0.05, 0.2, 0.05, 0.2
_ONE, _FEW, _ALIKE, _LIKE = 0.5, 0.25, 0.5, 5
_SWAP_LEFT = 0.05
_MAX_NAME = 256


class Cause(NamedTuple):
    """kind -- one of the words of the documentation; size -- bytes; share -- of the memory that was short; text -- a clause"""

    kind: str
    text: str
    size: Optional[int] = None
    share: Optional[float] = None


def _held(kind: str, what: str, size: Optional[int], total: Optional[int], least: float) -> List[Cause]:
    if not size or not total or size < least * total:
        return []
    return [Cause(kind, "%s held %s (%.0f %%)" % (what, human(size), 100.0 * size / total), size, round(size / total, 3))]


def elsewhere(memory: MemInfo) -> Optional[int]:
    """Memory that neither processes, caches nor the kernel's own books account for; None where a book is missing."""
    books = (memory.free, memory.anon, memory.file, memory.slab_reclaimable, memory.slab_unreclaimable, memory.pagetables)
    if memory.ram is None or None in books:
        return None
    known = sum(size for size in books if size is not None)
    return memory.ram - known - sum(size or 0 for size in (memory.unevictable, memory.kernel_stack, memory.hugepages))


def _limit(kill: Kill, memcg: Optional[MemcgInfo]) -> List[Cause]:
    name = printable((kill.oom_memcg or "a cgroup")[:_MAX_NAME])
    if memcg is None or memcg.limit is None:
        return [Cause("memcg_limit", "the memory limit of %s was reached" % name)]
    if memcg.limit >= NO_LIMIT:
        return [Cause("memcg", "%s has no memory limit of its own" % name)]
    return [Cause("memcg_limit", "the limit of %s of %s was reached" % (human(memcg.limit), name), memcg.limit)]


def _shortage(kill: Kill, report: Report) -> List[Cause]:
    """What was asked for and not to be had."""
    if kill.scope == "memcg":
        return _limit(kill, report.memcg)
    memory, order = report.memory, kill.invoker.order
    if kill.trigger == "sysrq":
        return [Cause("sysrq", "somebody asked for it (sysrq-f); memory need not have been short")]
    if kill.constraint in ("CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"):
        what = "cpuset" if kill.constraint.endswith("CPUSET") else "memory policy"
        nodes = " %s" % printable(report.nodes) if report.nodes else "s of its own"
        return [Cause("numa", "the %s of the process that asked allows memory node%s only" % (what, nodes))]
    if memory is None:
        return []
    low = [zone for zone in memory.zones if zone.name in ("DMA", "Normal") and zone.free <= zone.min]
    high = sum(zone.free for zone in memory.zones if zone.name == "HighMem" and zone.free > 3 * zone.min)
    if low and high and memory.ram and high >= memory.ram // 10:
        return [Cause("lowmem", "zone %s was used up while HighMem had %s free" % (low[-1].name, human(high)), low[-1].free)]
    if order is not None and order > 0 and memory.free and memory.zones and memory.free > 2 * sum(zone.min for zone in memory.zones):
        return [Cause("fragmentation", "%s were free, but not in one piece of 2^%d pages" % (human(memory.free), order), memory.free)]
    return []


def _swap(memory: Optional[MemInfo]) -> List[Cause]:
    if memory is None or memory.swap_total is None:
        return []
    if memory.swap_total == 0:
        return [Cause("no_swap", "the host has no swap", 0)]
    if memory.swap_free is not None and memory.swap_free <= _SWAP_LEFT * memory.swap_total:
        return [Cause("swap_full", "swap of %s was full" % human(memory.swap_total), memory.swap_total)]
    return []


def _holders(kill: Kill, report: Report) -> List[Cause]:
    found = []  # type: List[Cause]
    memcg, memory = report.memcg, report.memory
    if kill.scope == "memcg":
        if memcg is None:
            return found
        total = memcg.usage if memcg.limit is None or memcg.limit >= NO_LIMIT else memcg.limit
        found += _held("shmem", "tmpfs and shared memory", memcg.shmem, total, _SHMEM)
        found += _held("slab", "unreclaimable slab", memcg.slab_unreclaimable, total, _SLAB)
        found += _held("page_tables", "page tables", memcg.pagetables, total, _TABLES)
        found += _held("kernel_stack", "kernel stacks", memcg.kernel_stack, total, _STACKS)
        found += _held("sockets", "socket buffers", memcg.sock, total, _SLAB)
    elif memory is not None and kill.trigger != "sysrq":
        total = memory.ram
        found += _held("shmem", "tmpfs and shared memory", memory.shmem, total, _SHMEM)
        found += _held("slab", "unreclaimable slab", memory.slab_unreclaimable, total, _SLAB)
        found += _held("page_tables", "page tables", memory.pagetables, total, _TABLES)
        found += _held("hugepages", "huge pages set aside", memory.hugepages, total, _HUGE)
        found += _held("kernel_stack", "kernel stacks", memory.kernel_stack, total, _STACKS)
        found += _held(
            "unaccounted", "something outside of processes and caches (a ZFS ARC, zram, a balloon, a driver)", elsewhere(memory), total, _ELSEWHERE
        )
    return sorted(found, key=lambda cause: -(cause.size or 0))


def _own(task: Task) -> int:
    """What is surely the task's own: pages that several share would count for each."""
    return (task.rss or 0 if task.rss_anon is None else task.rss_anon) + (task.swap or 0)


def _processes(kill: Kill) -> List[Cause]:
    """One big process, or many together."""
    tasks = kill.tasks or ()
    everything = sum(_own(task) for task in tasks)
    if len(tasks) < 2 or everything <= 0:
        return []
    biggest = max(tasks, key=_own)
    size, share = _own(biggest), _own(biggest) / everything
    if share >= _ONE:
        text = "one process, %s[%d], held %.0f %% of what the %d processes held" % (
            printable(biggest.comm[:64]),
            biggest.pid,
            100 * share,
            len(tasks),
        )
        return [Cause("one_process", text, size, round(share, 3))]
    alike = {}  # type: Dict[str, Tuple[int, int]]
    for task in tasks:
        count, held = alike.get(task.comm, (0, 0))
        alike[task.comm] = (count + 1, held + _own(task))
    comm, (count, held) = max(alike.items(), key=lambda item: (item[1][1], item[0]))
    if count >= _LIKE and held >= _ALIKE * everything:
        text = "%d processes named %s together held %s (%.0f %%)" % (count, printable(comm[:64]), human(held), 100.0 * held / everything)
        return [Cause("many_alike", text, held, round(held / everything, 3))]
    if share <= _FEW and len(tasks) > _LIKE:
        return [Cause("many_processes", "%d processes together held %s, none of them much" % (len(tasks), human(everything)), everything)]
    return []


def causes(kill: Kill) -> Sequence[Cause]:
    """What was short first, then what held most of it; that a host has no swap is the least of it."""
    report = kill.report or Report()
    if kill.killer != "kernel":
        return ()
    found = _shortage(kill, report)
    by_hand = kill.trigger == "sysrq"
    swap = [] if by_hand or kill.scope == "memcg" else _swap(report.memory)
    found += [one for one in swap if one.kind == "swap_full"]
    found += _holders(kill, report) + ([] if by_hand else _processes(kill))
    return tuple(found + [one for one in swap if one.kind == "no_swap"])
