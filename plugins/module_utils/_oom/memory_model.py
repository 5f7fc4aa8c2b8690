# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory was, as the kernel prints it: the host's Mem-Info and a cgroup's statistics.

Sizes are bytes, None where that kernel does not say. Numbers are as printed; what is inside what, the ledger knows
(_analysis/ledger.py).
"""

from typing import NamedTuple, Optional, Tuple

#: What a cgroup without a limit prints is near 2**63, and never a size.
NO_LIMIT = 1 << 60


class Pieces(NamedTuple):
    """Free blocks of one size. types -- letters of their migrate types (U, M, E, C, H, I); empty where that kernel does
    not say.
    """

    size: int
    blocks: int
    types: str = ""


class Zone(NamedTuple):
    """A memory zone of one node while memory was short.

    file -- page cache in it
    reserve -- what it keeps from requests that could use a higher zone (lowmem_reserve), the most of them
    pieces -- its free blocks by size; empty where the line is missing
    """

    node: int
    name: str
    free: int
    min: int
    present: Optional[int] = None
    managed: Optional[int] = None
    file: Optional[int] = None
    reserve: int = 0
    pieces: Tuple[Pieces, ...] = ()


class MemInfo(NamedTuple):
    """The Mem-Info block: the whole host while memory was short.

    ram -- pages RAM less pages reserved: what the kernel can give away
    anon, file -- active, inactive and isolated: tmpfs and the swap cache are inside anon, buffers inside file
    unevictable -- locked pages, ramfs
    shmem -- inside anon, or in unevictable where it is locked
    pagetables -- secondary ones, too (6.1 and later)
    hugepages -- all that are set aside, used or not; hugepages_free -- those not in use
    protected -- memory.min and memory.low that cgroups make use of (6.19 and later)
    """

    ram: Optional[int] = None
    reserved: Optional[int] = None
    highmem: Optional[int] = None
    swap_total: Optional[int] = None
    swap_free: Optional[int] = None
    anon: Optional[int] = None
    file: Optional[int] = None
    unevictable: Optional[int] = None
    shmem: Optional[int] = None
    swap_cached: Optional[int] = None
    slab_reclaimable: Optional[int] = None
    slab_unreclaimable: Optional[int] = None
    pagetables: Optional[int] = None
    kernel_stack: Optional[int] = None
    shadow_call_stack: Optional[int] = None
    bounce: Optional[int] = None
    zspages: Optional[int] = None
    free: Optional[int] = None
    free_pcp: Optional[int] = None
    free_cma: Optional[int] = None
    dirty: Optional[int] = None
    writeback: Optional[int] = None
    hugepages: Optional[int] = None
    hugepages_free: Optional[int] = None
    protected: Optional[int] = None
    zones: Tuple[Zone, ...] = ()


class MemcgInfo(NamedTuple):
    """The report of a memory cgroup. A limit of NO_LIMIT or more is none.

    memsw -- memory and swap together (cgroup v1); swap -- swap alone (v2)
    kmem, kmem_limit -- kernel memory that v1 counts apart; kernel -- the same of v2, 5.18 and later
    anon, file -- as the cgroup counts them: shmem is inside file, here
    lru_file, lru -- page cache on the lists; everything on the lists, unevictable as well
    """

    usage: Optional[int] = None
    limit: Optional[int] = None
    memsw_usage: Optional[int] = None
    memsw_limit: Optional[int] = None
    swap_usage: Optional[int] = None
    swap_limit: Optional[int] = None
    kmem: Optional[int] = None
    kmem_limit: Optional[int] = None
    anon: Optional[int] = None
    file: Optional[int] = None
    shmem: Optional[int] = None
    swap_cached: Optional[int] = None
    unevictable: Optional[int] = None
    lru_file: Optional[int] = None
    lru: Optional[int] = None
    dirty: Optional[int] = None
    writeback: Optional[int] = None
    kernel: Optional[int] = None
    kernel_stack: Optional[int] = None
    pagetables: Optional[int] = None
    percpu: Optional[int] = None
    vmalloc: Optional[int] = None
    sock: Optional[int] = None
    zswap: Optional[int] = None
    slab_reclaimable: Optional[int] = None
    slab_unreclaimable: Optional[int] = None
    slab: Optional[int] = None
    hugetlb: Optional[int] = None
    protected: Optional[int] = None
