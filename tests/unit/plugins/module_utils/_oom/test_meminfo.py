# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Mem-Info block of several eras, and a cgroup's lines of both versions."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.memcg_info import parse_memcg
from ansible_collections.memops.linux.plugins.module_utils._oom.meminfo import MemText, parse_meminfo
from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import NO_LIMIT, MemcgInfo
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.table_replay import kills_in

K, M = 1 << 10, 1 << 20


def of_corpus(shared, name):
    folder = os.path.join(shared, "corpus")
    (log,) = [log for log in os.listdir(folder) if log.startswith(name)]
    with open(os.path.join(folder, log), "rb") as stream:
        return [kill.report for kill in kills_in(stream.read(), log) if kill.report][0]


#: total pages less reserved, swap, HighMem, shmem, unreclaimable slab, page tables; in pages of 4 KiB, swap in kB
BLOCKS = {
    "001": (4115400 - 97082, 25165820, 84, 0, 19540, 89303, 25704, 3),  # 6.1
    "003": (8379834 - 192987, 8388604, 0, 0, 87896, 13708, 25222, 4),  # EL 7, the newlines written as #012
    "006": (445340 - 10614, 0, 0, 0, None, None, None, 2),  # 3.13
    "008": (8388607 - 181790, 2097148, 0, None, 52281, 44840, 124334, 3),  # EL 6
    "023": (786300 - 14997, 0, 0, 561120, None, None, None, None),  # 32 bit, wrapped by a mail program
}


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_blocks(shared, name):
    memory = of_corpus(shared, name).memory
    ram, swap, free, highmem, shmem, slab, tables, zones = BLOCKS[name]
    assert (memory.ram, memory.swap_total, memory.swap_free) == (ram * 4096, swap * K, free * K)
    assert memory.highmem == (None if highmem is None else highmem * 4096)
    for got, wanted in ((memory.shmem, shmem), (memory.slab_unreclaimable, slab), (memory.pagetables, tables)):
        assert wanted is None or got == wanted * 4096
    assert zones is None or len(memory.zones) == zones


def test_zones_of_two_nodes(shared):
    zones = of_corpus(shared, "003").memory.zones
    assert [(zone.node, zone.name) for zone in zones] == [(0, "DMA"), (0, "DMA32"), (0, "Normal"), (1, "Normal")]
    assert zones[-1][2:6] == (49436 * K, 45444 * K, 16777212 * K, 16514220 * K)


def test_a_report_of_a_cgroup_has_no_block_of_the_host(shared):
    report = of_corpus(shared, "002")
    assert report.memory is None
    assert report.memcg[:2] == (31211520 * K, 31211520 * K) and (report.memcg.shmem, report.memcg.sock) == (
        687980544,
        405504,
    )
    assert (report.memcg.swap_usage, report.memcg.swap_limit, report.memcg.memsw_limit) == (0, 0, None)


def test_version_1(shared):
    memcg = of_corpus(shared, "007").memcg
    assert (memcg.limit, memcg.memsw_limit, memcg.anon, memcg.file) == (20480 * K, 40960 * K, 20260 * K, 0)
    assert of_corpus(shared, "005").memcg.memsw_limit >= NO_LIMIT


def test_version_1_adds_up_what_lies_below():
    stats = "Memory cgroup stats for %s: cache:%dKB rss:%dKB rss_huge:0KB mapped_file:0KB"
    text = "memory: usage 30kB, limit 40kB, failcnt 1\n" + stats % ("/a", 1, 10) + "\n" + stats % ("/a/b c", 2, 20)
    assert parse_memcg(text) == MemcgInfo(usage=30 * K, limit=40 * K, anon=30 * K, file=3 * K)


@pytest.mark.parametrize("text", ["", "x", "memory: usage", "Node 0 DMA free:1kB", "active_anon:1kB", "anon 5"])
def test_nothing_there(text):
    assert parse_meminfo(text, None) is None and parse_memcg(text) is None


def test_the_page_size_counts():
    text = "active_anon:2 inactive_anon:1 isolated_anon:0\n100 pages RAM\n10 pages reserved"
    assert parse_meminfo(text, 65536)[:1] + parse_meminfo(text, None)[:1] == (90 * 65536, 90 * 4096)
    assert parse_meminfo(text, 65536).anon == 3 * 65536


def test_a_flood_is_bounded():
    text = MemText()
    for _line in range(100000):
        text.feed("active_anon:1 " * 50)
    text.feed("x" * 100000)
    assert len(text.text()) < 192 << 10
    parse_meminfo(text.text(), None)


NUMBERS = "[7516.1] memory: usage 1024kB, limit 1024kB, failcnt 1\n[7516.1] anon 1000000\n[7516.1] file 0\n"
KILL = "[%s] Memory cgroup out of memory: Killed process 5740 (pause) total-vm:1028kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n"


@pytest.mark.parametrize("when, known", [("7516.2", True), ("7590.1", False)])
def test_an_excerpt_that_begins_behind_the_header(when, known):
    (kill,) = kills_in((NUMBERS + KILL % when).encode("ascii"))
    assert (kill.report.memcg is not None) == known
    assert not known or kill.report.memcg.anon == 1000000
