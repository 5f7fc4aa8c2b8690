# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What held the memory beside the processes: the rows of the ledger that are worth a word."""

from typing import List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import MemInfo
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Task
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .cause import Cause, held, percent
from .ledger import KERNEL_PARTS, Accounts
from .shortage import may_use, request_of

#: Share of the memory that was short, from which on a row is worth a word: of page cache there is always some.
_ROW, _CACHE, _KERNEL = 0.15, 0.25, 0.25
#: Share of a cgroup's kernel memory from which on a part is most of it.
_MOST = 0.6
#: What is small on every healthy host.
TABLES = 0.1
_SMALL = {"page_tables": TABLES, "kernel_stack": 0.1}
#: Set aside at boot: 2 to 5 % of the memory, 19 % with KASAN.
_BALLOON, _BALLOON_LEAST = 0.25, 128 << 20
_ROWS = (
    ("shmem", "shmem", "tmpfs and shared memory"),
    ("unevictable", "unevictable", "memory that cannot be reclaimed (ramfs, mlock, SHM_LOCK)"),
    ("slab_unreclaimable", "slab_unreclaimable", "unreclaimable slab"),
    ("slab_reclaimable", "slab_reclaimable", "reclaimable slab"),
    ("page_tables", "page_tables", "page tables"),
    ("kernel_stack", "kernel_stack", "kernel stacks"),
    ("hugepages", "hugepages", "huge pages set aside"),
    ("percpu", "percpu", "per-CPU memory of the kernel"),
    ("vmalloc", "vmalloc", "vmalloc memory of the kernel"),
    ("sock", "sockets", "socket buffers"),
    ("swap_cached", "swap_cache", "the swap cache"),
    ("zswap", "zswap", "compressed swap in memory (zswap, zram)"),
)
_PARTS = ("slab_unreclaimable", "slab_reclaimable", "page_tables", "kernel_stack", "percpu", "vmalloc", "zswap")
_WORDS = {row: what for row, _kind, what in _ROWS}
_OUTSIDE = (
    "pages that no counter knows (pipe or packet buffers, a driver, a ZFS ARC, zram, a balloon, a leak in the kernel)"
)


def _cache(accounts: Accounts, total: int) -> List[Cause]:
    size = accounts.rows.get("file")
    if not size or size < _CACHE * total:
        return []
    dirty, writeback = accounts.dirty or 0, accounts.writeback or 0
    parts = [(dirty, "%s dirty"), (writeback, "%s under writeback")]
    told = [text % human(part) for part, text in parts if part >= size // 20]
    return [held("page_cache", "page cache", size, total, ", of it " + " and ".join(told) if told else "")]


def _kernel(accounts: Accounts, total: int) -> List[Cause]:
    """Of a cgroup: all that the kernel keeps for it, and the biggest part by name."""
    size = accounts.kernel
    if accounts.of != "limit" or size < _KERNEL * total:
        return []
    slab = sum(accounts.rows.get(name) or 0 for name in ("slab_reclaimable", "slab_unreclaimable"))
    parts = {name: accounts.rows.get(name) or 0 for name in KERNEL_PARTS if not name.startswith("slab_")}
    parts["slab"] = slab
    biggest = max(parts, key=lambda name: parts[name])
    more = ""
    if parts[biggest]:
        more = ", most of it %s (%s)" % ("slab" if biggest == "slab" else _WORDS[biggest], human(parts[biggest]))
    return [held("kernel_memory", "kernel memory of the cgroup", size, total, more)]


def _balloon(memory: Optional[MemInfo]) -> List[Cause]:
    if memory is None:
        return []
    if any(zone.managed is not None and zone.managed >= 1 << 50 for zone in memory.zones):
        return [
            Cause(
                "balloon",
                "a balloon took more from a zone than the zone has: the hypervisor has this memory",
                memory.reserved,
            )
        ]
    reserved = memory.reserved or 0
    everything = (memory.ram or 0) + reserved
    if memory.ram is None or reserved < max(_BALLOON * everything, _BALLOON_LEAST):
        return []
    text = "%s of %s (%s) are reserved: a balloon of the hypervisor, or set aside at boot" % (
        human(reserved),
        human(everything),
        percent(reserved, everything),
    )
    return [Cause("balloon", text, reserved, round(reserved / everything, 3))]


def _owner(tasks: Sequence[Task], size: int) -> str:
    """Whose page tables most of them are."""
    biggest = max(tasks, key=lambda task: task.pgtables or 0) if tasks else None
    if biggest is None or (biggest.pgtables or 0) < size // 2:
        return ""
    return ", most of them of %s[%d]" % (printable(biggest.comm[:64]), biggest.pid)


def _more(row: str, size: int, memory: Optional[MemInfo], tasks: Sequence[Task]) -> str:
    if row == "page_tables":
        return _owner(tasks, size)
    unused = memory.hugepages_free if row == "hugepages" and memory is not None else None
    if not unused:
        return ""
    return ", none of them in use" if unused == size else ", %s of them not in use" % human(unused)


def page_tables(accounts: Accounts, tasks: Sequence[Task]) -> int:
    """Of a cgroup they have a counter since 5.11. Before, and where the line is lost, they are in what is not told
    apart, and the table has those of each process.
    """
    size = accounts.rows.get("page_tables")
    if size is not None or (accounts.of == "limit" and not accounts.complete):
        return size or 0
    hidden = sum(accounts.rows.get(row) or 0 for row in ("other_kernel", "unaccounted"))
    return min(sum(task.pgtables or 0 for task in tasks), hidden)


def _outside(accounts: Accounts, tables: int, total: int) -> List[Cause]:
    size = accounts.unexplained
    if size is None:
        return []
    if accounts.rows.get("page_tables") is None:
        size -= max(0, tables - (accounts.rows.get("other_kernel") or 0))
        if size < _ROW * total:
            return []
    return [held("unaccounted", _OUTSIDE, size, total)]


def row_holders(accounts: Accounts, memory: Optional[MemInfo], tasks: Sequence[Task] = ()) -> List[Cause]:
    """Rows of the ledger, the biggest first."""
    total = accounts.total
    found = _balloon(memory) if accounts.of == "ram" else []
    if not total:
        return found
    tables = page_tables(accounts, tasks)
    for row, kind, what in _ROWS:
        size = tables if row == "page_tables" else accounts.rows.get(row)
        if size and size >= _SMALL.get(row, _ROW) * total:
            found.append(held(kind, what, size, total, _more(row, size, memory, tasks)))
    found += _cache(accounts, total) + _kernel(accounts, total) + _outside(accounts, tables, total)
    return _part_before_whole(sorted(found, key=_by_size))


def _part_before_whole(found: List[Cause]) -> List[Cause]:
    """The part that is most of the kernel memory explains more than the sum of all parts does."""
    whole = next((cause for cause in found if cause.kind == "kernel_memory"), None)
    part = next((cause for cause in found if cause.kind in _PARTS), None)
    if whole is None or part is None or (part.size or 0) < _MOST * (whole.size or 0):
        return found
    rest = [cause for cause in found if cause is not whole]
    rest.insert(rest.index(part) + 1, whole)
    return rest


def _by_size(cause: Cause) -> int:
    return -(cause.size or 0)


def low_holders(kill: Kill, memory: MemInfo, accounts: Accounts) -> List[Cause]:
    """Where the low zones were short: what is in them, in shares of them. Memory of processes need not be."""
    request = request_of(kill)
    zones = [zone for zone in memory.zones if request is not None and may_use(request, zone)]
    sizes = [zone.managed or zone.present for zone in zones]
    total = sum(size or 0 for size in sizes)
    if not total or None in sizes:
        return []
    found = []  # type: List[Cause]
    file = sum(zone.file or 0 for zone in zones)
    if _CACHE * total <= file <= total:
        found.append(held("page_cache", "page cache in these zones", file, total))
    for row in ("slab_unreclaimable", "slab_reclaimable", "kernel_stack"):  # the kernel's own stand there, always
        size = accounts.rows.get(row)
        if size and _ROW * total <= size <= total:
            found.append(held(row, _WORDS[row], size, total))
    return sorted(found, key=_by_size)
