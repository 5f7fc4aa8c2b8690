# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every byte once: what is inside what, on hosts and in cgroups of each era."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._analysis.ledger import ROWS, accounts
from ansible_collections.memops.linux.plugins.module_utils._oom.memcg_info import parse_memcg
from ansible_collections.memops.linux.plugins.module_utils._oom.meminfo import parse_meminfo
from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import MemcgInfo, MemInfo, Zone

K, M = 1 << 10, 1 << 20
BOOKS = dict(
    free=100 * M, anon=300 * M, file=50 * M, slab_reclaimable=10 * M, slab_unreclaimable=20 * M, pagetables=5 * M
)


def host(**sizes):
    return accounts("global", MemInfo(**dict(BOOKS, ram=1000 * M, **sizes)), None)


def cgroup(**sizes):
    return accounts("memcg", None, MemcgInfo(**sizes))


HOSTS = [
    (
        "what no counter knows is the rest",
        host(),
        {"unaccounted": 515 * M, "anon": 300 * M, "shmem": None, "other_kernel": None},
        True,
    ),
    (
        "tmpfs and the swap cache are inside the anonymous lists",
        host(shmem=60 * M, swap_cached=30 * M),
        {"anon": 210 * M, "shmem": 60 * M, "swap_cached": 30 * M, "unaccounted": 515 * M},
        True,
    ),
    (
        "locked tmpfs is not",
        host(shmem=400 * M, unevictable=150 * M, swap_cached=M),
        {"anon": 0, "shmem": 300 * M, "swap_cached": 0, "unevictable": 150 * M, "unaccounted": 365 * M},
        True,
    ),
    (
        "lists of the processors, call stacks of arm64 and bounce buffers are the kernel's",
        host(free_pcp=4 * M, shadow_call_stack=2 * M, bounce=M),
        {"other_kernel": 7 * M, "unaccounted": 508 * M},
        True,
    ),
    (
        "dirty pages are inside the cache",
        host(dirty=40 * M, writeback=M),
        {"file": 50 * M, "unaccounted": 515 * M},
        True,
    ),
    (
        "a counter is missing",
        accounts("global", MemInfo(ram=100 * M, anon=90 * M), None),
        {"anon": 90 * M, "free": None, "unaccounted": 10 * M},
        False,
    ),
    (
        "counters that lag take it from the biggest",
        host(unevictable=520 * M),
        {"unevictable": 515 * M, "unaccounted": 0},
        True,
    ),
    ("more than there is: no total", host(unevictable=900 * M), {"unevictable": 900 * M, "unaccounted": None}, False),
    (
        "the line with the total is lost: the zones'",
        accounts("global", MemInfo(zones=(Zone(0, "Normal", M, M, managed=600 * M),), **BOOKS), None),
        {"unaccounted": 115 * M},
        False,
    ),
]


@pytest.mark.parametrize("books, rows, complete", [row[1:] for row in HOSTS], ids=[row[0] for row in HOSTS])
def test_host(books, rows, complete):
    check(books, rows, complete, "ram")


LRU = dict(kernel=0, anon=60 * M, file=30 * M, lru_file=20 * M, lru=90 * M)
CGROUPS = [
    (
        "tmpfs is inside file",
        cgroup(usage=100 * M, anon=60 * M, file=30 * M, shmem=10 * M),
        {"anon": 60 * M, "file": 20 * M, "shmem": 10 * M, "unaccounted": 10 * M},
        False,
    ),
    (
        "2.6.32 counts no kernel memory, and nothing is missing",
        cgroup(usage=100 * M, anon=60 * M, file=39 * M),
        {"unaccounted": M},
        True,
    ),
    (
        "what the kernel keeps, and what of it has no name",
        cgroup(
            usage=100 * M, anon=50 * M, file=0, kernel=40 * M, slab_unreclaimable=20 * M, pagetables=5 * M, sock=10 * M
        ),
        {"slab_unreclaimable": 20 * M, "page_tables": 5 * M, "other_kernel": 15 * M, "sock": 10 * M, "unaccounted": 0},
        True,
    ),
    (
        "kmem of version 1",
        cgroup(usage=100 * M, anon=50 * M, file=10 * M, kmem=40 * M),
        {"other_kernel": 40 * M, "unaccounted": 0},
        True,
    ),
    (
        "the sum of both slabs only",
        cgroup(usage=100 * M, anon=50 * M, file=10 * M, slab=40 * M),
        {"slab_unreclaimable": 40 * M, "unaccounted": 0},
        True,
    ),
    (
        "a page of the swap cache that no process maps",
        cgroup(usage=100 * M, swap_cached=40 * M, **{**LRU, "lru": 99 * M}),
        {"swap_cached": 9 * M, "unaccounted": M},
        True,
    ),
    (
        "one that a process maps is anonymous memory",
        cgroup(usage=100 * M, swap_cached=40 * M, **LRU),
        {"swap_cached": 0, "anon": 60 * M},
        True,
    ),
    (
        "locked anonymous memory",
        cgroup(usage=100 * M, unevictable=25 * M, **{**LRU, "lru_file": 30 * M}),
        {"unevictable": 25 * M, "anon": 35 * M, "file": 30 * M, "unaccounted": 10 * M},
        True,
    ),
    (
        "ramfs",
        cgroup(usage=100 * M, unevictable=10 * M, **LRU),
        {"unevictable": 10 * M, "anon": 60 * M, "file": 20 * M},
        True,
    ),
    (
        "an excerpt without the list",
        cgroup(usage=100 * M, kmem=10 * M),
        {"anon": None, "other_kernel": 10 * M, "unaccounted": 90 * M},
        False,
    ),
]


@pytest.mark.parametrize("books, rows, complete", [row[1:] for row in CGROUPS], ids=[row[0] for row in CGROUPS])
def test_cgroup(books, rows, complete):
    check(books, rows, complete, "limit")


def check(books, rows, complete, of):
    facts = books.as_facts()
    assert list(facts["rows"]) == list(ROWS) and sorted(facts) == ["complete", "of", "of_file", "rows", "total"]
    assert {name: facts["rows"][name] for name in rows} == rows
    assert (facts["of"], facts["complete"]) == (of, complete)
    if facts["total"] is None:
        assert facts["rows"]["unaccounted"] is None
    else:
        assert sum(size or 0 for size in facts["rows"].values()) == facts["total"]
    assert all(size is None or size >= 0 for size in facts["rows"].values())


def test_nothing_is_known():
    assert accounts("global", None, None) is None and accounts("memcg", None, None) is None
    assert accounts("memcg", MemInfo(ram=M), None).of == "ram"
    assert accounts("unknown", None, MemcgInfo(usage=M)).of == "limit"


@pytest.mark.parametrize(
    "size, total, complete, told",
    [
        (83 * M, 1000 * M, True, 83 * M),
        (79 * M, 1000 * M, True, None),  # 8 %
        (63 * M, 500 * M, True, None),  # 64 MiB
        (126 * M, 500 * M, True, 126 * M),
        (20 * M, 70 * M, True, 20 * M),  # more than a quarter of a small one
        (600 * K, M, True, None),  # what each processor keeps charged
        (900 * M, 1000 * M, False, None),
    ],
)
def test_noise(size, total, complete, told):
    books = host()._replace(total=total, complete=complete)
    assert books._replace(rows=dict(books.rows, unaccounted=size)).unexplained == told


#: In the words of four eras; the same cgroup each time: 40 MiB anonymous, 20 MiB cache with 5 MiB of tmpfs.
V1_LINE = "Memory cgroup stats for /a: cache:20480KB rss:40960KB rss_huge:0KB shmem:5120KB mapped_file:0KB dirty:1024KB writeback:0KB"
V1_LIST = "Memory cgroup stats for /a:\n%s\nhierarchical_memory_limit 9\n%s"
ERAS = [
    ("4.11 to 5.3", V1_LINE),
    (
        "6.5 and later, version 1",
        V1_LIST
        % (
            "cache 1\nrss 2\nshmem 3\ndirty 0\nwriteback 0",
            "total_cache 20971520\ntotal_rss 41943040\ntotal_shmem 5242880\ntotal_dirty 1048576\ntotal_writeback 0",
        ),
    ),
    (
        "5.4 and later",
        "Memory cgroup stats for /a:\nanon 41943040\nfile 20971520\nshmem 5242880\nfile_dirty 1048576\nfile_writeback 0",
    ),
    (
        "the same as journalctl prints it",
        "Memory cgroup stats for /a:\n"
        + "".join(
            " " * 45 + line + "\n"
            for line in ("anon 41943040", "file 20971520", "shmem 5242880", "file_dirty 1048576", "file_writeback 0")
        ),
    ),
]


@pytest.mark.parametrize("stats", [row[1] for row in ERAS], ids=[row[0] for row in ERAS])
def test_words_of_four_eras(stats):
    books = accounts(
        "memcg",
        None,
        parse_memcg("memory: usage 65536kB, limit 65536kB, failcnt 7\nkmem: usage 0kB, limit 9kB, failcnt 0\n" + stats),
    )
    assert [books.rows[name] for name in ("anon", "file", "shmem", "unaccounted")] == [40 * M, 15 * M, 5 * M, 4 * M]
    assert (books.total, books.dirty, books.writeback, books.complete) == (64 * M, M, 0, True)


def test_a_host_with_pages_of_64_kib():
    """arm64 and ppc64: nothing says the page size but the smallest piece of the free lists."""
    text = (
        "Mem-Info:\nactive_anon:1000 inactive_anon:200 isolated_anon:16\n active_file:50 inactive_file:30 isolated_file:4\n"
        " unevictable:10 dirty:3 writeback:1\n"
        " slab_reclaimable:20 slab_unreclaimable:40\n mapped:5 shmem:100 pagetables:7\n sec_pagetables:1 bounce:0\n kernel_misc_reclaimable:0\n"
        " free:120 free_pcp:8 free_cma:0\nNode 0 active_anon:64000kB kernel_stack:1024kB shadow_call_stack:256kB pagetables:448kB\n"
        "Node 0 DMA free:7680kB boost:0kB min:4096kB low:5120kB active_file:3200kB inactive_file:1920kB present:131072kB managed:102400kB\n"
        "lowmem_reserve[]: 0 0 0 0\nNode 0 DMA: 10*64kB (UME) 5*128kB (M) 0*256kB = 1280kB\n"
        "Node 0 hugepages_total=2 hugepages_free=2 hugepages_surp=0 hugepages_size=2048kB\n30 pages in swap cache\nFree swap  = 64kB\nTotal swap = 640kB\n"
        "2048 pages RAM\n0 pages HighMem/MovableOnly\n148 pages reserved\n"
    )
    page = 64 * K
    memory = parse_meminfo(text, None)
    books = accounts("global", memory, None)
    rows = dict(
        free=120,
        anon=1216 - 100 - 30,
        shmem=100,
        file=84,
        unevictable=10,
        slab_reclaimable=20,
        slab_unreclaimable=40,
        page_tables=8,
        swap_cached=30,
    )
    assert {name: books.rows[name] for name in rows} == {name: pages * page for name, pages in rows.items()}
    assert (books.total, books.rows["kernel_stack"], books.rows["hugepages"]) == (1900 * page, M, 4 * M)
    assert books.rows["other_kernel"] == 8 * page + 256 * K and books.complete
    (zone,) = memory.zones
    assert (zone.file, zone.managed, [(piece.size, piece.blocks, piece.types) for piece in zone.pieces[:2]]) == (
        5 * M,
        100 * M,
        [(page, 10, "UME"), (2 * page, 5, "M")],
    )


def test_a_second_block_is_of_another_report():
    block = "Mem-Info:\nactive_anon:%d inactive_anon:0\n10 pages RAM\nNode 0 hugepages_total=1 hugepages_free=0 hugepages_surp=0 hugepages_size=4kB\n"
    memory = parse_meminfo(block % 5 + block % 7, None)
    assert (memory.anon, memory.hugepages) == (5 * 4096, 4096)


def test_a_balloon_took_more_than_there_was():
    assert parse_meminfo("active_anon:1\n10 pages RAM\n18 pages reserved", None).ram is None
