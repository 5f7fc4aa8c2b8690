# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every byte of what was short, once: the kernel's numbers, of which some lie inside others, as rows that add up to the
total.

Of the host (mm/show_mem.c), the total is what the zones manage: free pages, the LRU lists, unevictable pages, slab,
page tables, stacks, huge pages, and what no counter knows. Inside the anonymous lists lie tmpfs and the swap cache.

Of a cgroup (mm/memcontrol.c), the total is its usage: anonymous memory and page cache (with tmpfs in it), kernel
memory, socket buffers. Pages that cannot be reclaimed are inside of both; a page of the swap cache is outside once no
process maps it.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import MemcgInfo, MemInfo

#: The facts contract, in this order.
ROWS = (
    "free",
    "anon",
    "shmem",
    "file",
    "unevictable",
    "slab_reclaimable",
    "slab_unreclaimable",
    "page_tables",
    "kernel_stack",
    "hugepages",
    "percpu",
    "vmalloc",
    "sock",
    "swap_cached",
    "zswap",
    "other_kernel",
    "unaccounted",
)
#: Rows without which the books of a host, of a cgroup, are not closed.
_HOST_BOOKS = ("free", "anon", "file", "slab_reclaimable", "slab_unreclaimable", "page_tables")
_CGROUP_BOOKS = ("anon", "file")
#: Parts of a cgroup's kernel memory.
KERNEL_PARTS = ("slab_reclaimable", "slab_unreclaimable", "page_tables", "kernel_stack", "percpu", "vmalloc", "zswap")
#: Counters are read one after the other and in batches for each processor: so much more than the total may be no
#: contradiction.
_LAG = 0.03
#: What no counter knows is noise up to there.
_NOISE, _NOISE_SHARE = 64 << 20, 0.08
_NOISE_SMALL, _NOISE_SMALL_SHARE = 16 << 20, 0.25

Rows = Dict[str, Optional[int]]


class Accounts(NamedTuple):
    """Where the memory was.

    of -- limit (of a cgroup) or ram
    total -- what the rows add up to; None where the log does not tell
    rows -- by the names in ROWS; None where the kernel does not print it
    dirty, writeback -- inside of the row file
    complete -- the total and every row that this kernel keeps are known
    """

    of: str
    total: Optional[int]
    rows: Rows
    dirty: Optional[int] = None
    writeback: Optional[int] = None
    complete: bool = False

    def as_facts(self) -> Dict[str, Any]:
        return {
            "of": self.of,
            "total": self.total,
            "rows": {name: self.rows[name] for name in ROWS},
            "of_file": {"dirty": self.dirty, "writeback": self.writeback},
            "complete": self.complete,
        }

    def share(self, size: Optional[int]) -> Optional[float]:
        return None if not size or not self.total else size / self.total

    @property
    def kernel(self) -> int:
        """Everything that the kernel holds for itself, of a cgroup."""
        return sum(self.rows.get(name) or 0 for name in KERNEL_PARTS + ("other_kernel",))

    @property
    def unexplained(self) -> Optional[int]:
        """What no counter knows, where it is more than noise; None where the books have holes."""
        size = self.rows.get("unaccounted")
        if size is None or not self.total or not self.complete:
            return None
        if size > max(_NOISE, _NOISE_SHARE * self.total):
            return size
        # A machine or a cgroup of less than 800 MiB.
        return size if size >= max(_NOISE_SMALL, _NOISE_SMALL_SHARE * self.total) else None


def _less(size: Optional[int], *parts: Optional[int]) -> Optional[int]:
    """What is left of it without what lies inside; never below zero."""
    return None if size is None else max(0, size - sum(part or 0 for part in parts))


def _known(rows: Rows) -> int:
    return sum(size or 0 for size in rows.values())


def _closed(rows: Rows, total: Optional[int]) -> Tuple[Rows, Optional[int]]:
    """With the rest as the row unaccounted, so that the sum is the total. A total below what is known is none."""
    rows = {name: rows.get(name) for name in ROWS}
    if total is None:
        return rows, None
    left = total - _known(rows)
    if left < -_LAG * total:
        return rows, None
    if left < 0:
        biggest = max(rows, key=lambda name: rows[name] or 0)
        rows = dict(rows, **{biggest: (rows[biggest] or 0) + left})
    return dict(rows, unaccounted=max(0, left)), total


def _of_zones(memory: MemInfo) -> Optional[int]:
    """The zones' sum, where the line with the total is missing; a balloon may have taken more than a zone had (2**64
    less something).
    """
    sizes = [zone.managed for zone in memory.zones]
    if not sizes or None in sizes:
        return None
    return sum(size for size in sizes if size is not None and size < 1 << 60)


def host_accounts(memory: MemInfo) -> Accounts:
    # Locked tmpfs is not on the anonymous lists.
    shmem = memory.shmem if memory.anon is None else _less(memory.shmem, _less(memory.shmem, memory.anon))
    swap_cached = memory.swap_cached
    if swap_cached is not None and memory.anon is not None:
        swap_cached = min(swap_cached, memory.anon - (shmem or 0))
    extra = (memory.free_pcp, memory.bounce, memory.shadow_call_stack)
    rows = {
        "free": memory.free,
        "anon": _less(memory.anon, shmem, swap_cached),
        "shmem": shmem,
        "file": memory.file,
        "unevictable": memory.unevictable,
        "slab_reclaimable": memory.slab_reclaimable,
        "slab_unreclaimable": memory.slab_unreclaimable,
        "page_tables": memory.pagetables,
        "kernel_stack": memory.kernel_stack,
        "hugepages": memory.hugepages,
        "swap_cached": swap_cached,
        "zswap": memory.zspages,
        "other_kernel": None if extra == (None, None, None) else sum(size or 0 for size in extra),
    }  # type: Rows
    ram = memory.ram
    if ram is None or ram < (1 - _LAG) * _known(rows) or ram >= 1 << 60:
        ram = _of_zones(memory)
    rows, total = _closed(rows, ram)
    complete = total is not None and memory.ram == total and all(rows[name] is not None for name in _HOST_BOOKS)
    return Accounts("ram", total, rows, memory.dirty, memory.writeback, complete)


def _unevictable_file(memcg: MemcgInfo, file: Optional[int]) -> int:
    """Page cache that is not on its lists: ramfs."""
    if not memcg.unevictable or memcg.lru_file is None:
        return 0
    return min(memcg.unevictable, _less(file, memcg.lru_file) or 0)


def _kernel_rows(memcg: MemcgInfo) -> Rows:
    slab_unreclaimable = memcg.slab_unreclaimable
    if slab_unreclaimable is None and memcg.slab_reclaimable is None:
        slab_unreclaimable = memcg.slab  # 4.18 to 5.3 tell the sum only
    rows = {
        "slab_reclaimable": memcg.slab_reclaimable,
        "slab_unreclaimable": slab_unreclaimable,
        "page_tables": memcg.pagetables,
        "kernel_stack": memcg.kernel_stack,
        "percpu": memcg.percpu,
        "vmalloc": memcg.vmalloc,
        "zswap": memcg.zswap,
    }  # type: Rows
    kernel = memcg.kernel if memcg.kernel is not None else memcg.kmem
    return dict(rows, other_kernel=_less(kernel, *rows.values()))


def _shmem(memcg: MemcgInfo) -> Optional[int]:
    """Where it is not printed apart (to 4.12) it is what is cached and not on the lists of page cache."""
    if memcg.shmem is not None or memcg.file is None or memcg.lru_file is None:
        return memcg.shmem
    return max(0, memcg.file - memcg.lru_file - (memcg.unevictable or 0))


def cgroup_accounts(memcg: MemcgInfo) -> Accounts:
    memcg = memcg._replace(shmem=_shmem(memcg))
    file = _less(memcg.file, memcg.shmem)
    pinned = _unevictable_file(memcg, file)
    locked = max(0, (memcg.unevictable or 0) - pinned)
    of_anon = min(locked, memcg.anon or 0)
    rows = {
        "anon": _less(memcg.anon, of_anon),
        "shmem": _less(memcg.shmem, locked - of_anon),
        "file": _less(file, pinned),
        "unevictable": memcg.unevictable,
        "hugepages": memcg.hugetlb,
        "sock": memcg.sock,
    }  # type: Rows
    rows.update(_kernel_rows(memcg))
    rows["swap_cached"] = _unmapped_swap_cache(memcg, rows)
    rows, total = _closed(rows, memcg.usage)
    complete = total is not None and all(rows[name] is not None for name in _CGROUP_BOOKS)
    if complete and total and not _knows_kernel(memcg):
        complete = (rows["unaccounted"] or 0) <= _LAG * total
    return Accounts("limit", total, rows, memcg.dirty, memcg.writeback, complete)


def _knows_kernel(memcg: MemcgInfo) -> bool:
    """Kernels to 4.4 need not count it, all others do: where no line tells of it, lines are missing."""
    return any(size is not None for size in (memcg.kernel, memcg.kmem, memcg.slab, memcg.slab_unreclaimable))


def _unmapped_swap_cache(memcg: MemcgInfo, rows: Rows) -> Optional[int]:
    """The part that no process maps: on the lists, and not in anon."""
    if memcg.swap_cached is None:
        return None
    if memcg.lru is not None:
        outside = max(0, memcg.lru - (memcg.anon or 0) - (memcg.file or 0))
    else:
        outside = max(0, (memcg.usage or 0) - _known(rows))
    return min(memcg.swap_cached, outside)


def accounts(scope: str, memory: Optional[MemInfo], memcg: Optional[MemcgInfo]) -> Optional[Accounts]:
    """Of what was short; None where the log has no numbers. EL 7 prints those of the host where a cgroup was short and
    the kernel panics.

    scope -- of the kill: memcg, global or unknown
    """
    if memcg is not None and (scope == "memcg" or memory is None):
        return cgroup_accounts(memcg)
    return None if memory is None else host_accounts(memory)
