# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentence, and what memory was short of: from kills that we provoked by taking memory away in eight ways."""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._analysis.explain import NO_TABLE, explain
from ansible_collections.memops.linux.plugins.module_utils._analysis.memory_cause import books_of, causes
from ansible_collections.memops.linux.plugins.module_utils._analysis.selection_replay import EXCEPTIONS, REASONS
from ansible_collections.memops.linux.plugins.module_utils._facts import facts
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import MemcgInfo, MemInfo, Pieces, Zone
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Invoker, Kill, Process, Report, Task
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.table_replay import kills_in
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import kills_of

K, M = 1 << 10, 1 << 20
#: Victim -> the kinds of its cause, and a clause that its sentence must have.
CAUSES = {
    "hog-tmpfs": (["shmem", "one_process", "no_swap"], "tmpfs and shared memory held 130 MiB (39 %)"),
    "shmhog": (
        ["shmem", "one_process", "memcg_limit", "swap_limit"],
        "tmpfs and shared memory held 44 MiB (69 %); one process, shmhog[211], held 20 MiB (31 %); "
        "the limit of 64 MiB of /system.slice/shmhog.service was reached; the cgroup may not use swap",
    ),
    "tables": (["hugepages", "page_tables"], "page tables held 79 MiB (24 %), most of them of tables[250]"),
    "hog-huge": (
        ["one_process", "hugepages", "no_swap"],
        "huge pages set aside held 120 MiB (36 %), none of them in use",
    ),
    "hog-pipes": (["unaccounted", "hugepages"], "pages that no counter knows"),
    "hog-slab": (["hugepages", "slab_unreclaimable", "slab_reclaimable"], "unreclaimable slab held 79 MiB (24 %)"),
    "worker": (["many_alike", "hugepages", "no_swap"], "30 processes named worker together held 148 MiB (44 %)"),
    "hog-swap": (["hugepages", "many_processes", "swap_cache", "swap_full"], "swap of 64 MiB was full"),
}


@pytest.fixture(scope="module")
def provoked(fixtures):
    with open(os.path.join(fixtures, "kernel", "causes-dmesg.txt"), "rb") as stream:
        return {kill.victim.comm: kill for kill in kills_in(stream.read())}


@pytest.mark.parametrize("victim", sorted(CAUSES))
def test_what_took_the_memory(provoked, victim):
    assert set(provoked) == set(CAUSES)
    said = explain(provoked[victim])
    kinds, clause = CAUSES[victim]
    assert said.selection.exception is None
    assert [one.kind for one in said.causes] == kinds
    assert said.why.startswith("%s[%d] " % (victim, provoked[victim].victim.pid)) and clause in said.why


def test_an_adjustment_weighs_what_the_log_tells():
    """Without the total that it is a share of, no bytes are made up for it."""
    row = "[1.0] [   41]     7    41    90000    40000   401408      100           300 loader\n"
    table = "[1.0] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n" + row
    text = "[1.0] loader invoked oom-killer: gfp_mask=0xcc0, order=0, oom_score_adj=300\n%s" + table
    text += "[1.1] Out of memory: Killed process 41 (loader) total-vm:360000kB, anon-rss:160000kB, file-rss:0kB, shmem-rss:0kB\n"
    (unknown,) = kills_in((text % "[1.0] Mem-Info:\n[1.0] active_anon:1 inactive_anon:1\n").encode("ascii"))
    assert "not counted: oom_score_adj 300, a share of a total that the log does not tell" in explain(unknown).why
    (known,) = kills_in(
        (
            text
            % "[1.0] Mem-Info:\n[1.0] active_anon:1 inactive_anon:1\n[1.0] 262144 pages RAM\n[1.0] 0 pages reserved\n"
        ).encode("ascii")
    )
    assert "+307 MiB for oom_score_adj 300" in explain(known).why


def test_the_pipes_are_found_by_what_is_missing(provoked):
    """110 pipes of 1 MiB each, and some MiB that every kernel keeps for itself."""
    assert 110 * M < books_of(provoked["hog-pipes"]).unexplained < 130 * M
    assert books_of(provoked["hog-tmpfs"]).unexplained is None


def test_sizes_of_the_block(provoked):
    memory = provoked["hog-swap"].report.memory
    assert (memory.swap_total, memory.swap_free, memory.hugepages) == (65532 * 1024, 0, 120 * M)
    assert memory.ram == (98171 - 12410) * 4096
    assert [(zone.node, zone.name) for zone in memory.zones] == [(0, "DMA"), (0, "DMA32")]
    memcg = provoked["shmhog"].report.memcg
    assert (memcg.limit, memcg.swap_limit, memcg.shmem) == (64 * M, 0, 44 * M)


def test_whole_sentences(provoked):
    assert explain(provoked["shmhog"]).why == (
        "shmhog[211] was the only process that could be killed (20 MiB of memory); tmpfs and shared memory held 44 MiB (69 %); "
        "one process, shmhog[211], held 20 MiB (31 %); the limit of 64 MiB of /system.slice/shmhog.service was reached; the cgroup may not use swap"
    )
    assert explain(provoked["tables"]).why.startswith(
        "tables[250] had the highest badness of 7 processes: 413 MiB (2.8 MiB of memory, 78 MiB of page tables, +332 MiB for oom_score_adj 1000), "
        "403 MiB more than the next, sshd[237]; huge pages set aside held 120 MiB (36 %), none of them in use;"
        " page tables held 79 MiB (24 %), most of them of tables[250]"
    )
    worker = explain(provoked["worker"]).why
    assert "as bad as the next, worker[373]" in worker and "without adjustments" not in worker


def kill(**more):
    report = Report(**dict({"memory": MemInfo(), "memcg": MemcgInfo()}, **more.pop("report", {})))
    fields = dict(
        line=LogLine("", "test", time=1.0),
        victim=Process(pid=1, comm="a"),
        scope="global",
        trigger="fault",
        report=report,
    )
    fields.update(more)
    return Kill(**fields)


def test_without_a_table():
    assert explain(kill()).why == NO_TABLE == "no task table in the log: the kernel's choice cannot be recomputed"
    assert explain(kill()._replace(report=None)).why == NO_TABLE
    assert explain(kill(scope="memcg", oom_memcg="/a")).why == NO_TABLE + "; the memory limit of /a was reached"
    assert explain(kill(killer="earlyoom")).why == "earlyoom chose it, not the kernel: its choice is not recomputed"


@pytest.mark.parametrize("exception", sorted(EXCEPTIONS))
def test_every_rule_makes_a_sentence(exception):
    told = kill(tasks=(Task(1, 1, 0, "a", rss=M, oom_score_adj=0),), trigger="fault")
    said = explain(told)
    assert said.selection is not None
    from ansible_collections.memops.linux.plugins.module_utils._analysis import explain as why

    text = why._excepted(told, said.selection._replace(exception=exception))
    assert text.startswith(
        "a[1] died because the kernel "
        if exception in REASONS
        else "a[1] was killed, and its choice cannot be recomputed: the kernel "
    )
    assert "None" not in text


def shares(**sizes):
    return MemInfo(ram=1000 * M, swap_total=M, swap_free=M, **{name: size * M for name, size in sizes.items()})


ASKED = Invoker(comm="a", gfp_mask="0xcc0", order=0)
SHORT = [
    ("a cpuset", kill(constraint="CONSTRAINT_CPUSET", report={"nodes": "1"}), ["cpuset"], "the cpuset of the process that asked allows memory node 1 only"),
    ("a policy", kill(constraint="CONSTRAINT_MEMORY_POLICY"), ["numa"], "allows memory nodes of its own only"),
    ("32 bit", kill(invoker=ASKED, report={"memory": MemInfo(ram=2000 * M, swap_total=9 * M, swap_free=9 * M,
                                                             zones=(Zone(0, "Normal", M, 2 * M), Zone(0, "HighMem", 900 * M, M)))}),
     ["lowmem"], "zone Normal was used up (1.0 MiB free) while zone HighMem, which this request may not use, had 900 MiB free"),
    ("32 bit, and high memory is nearly used, too", kill(invoker=ASKED, report={"memory": MemInfo(ram=3000 * M, zones=(
        Zone(0, "DMA", 4 * M, M, 16 * M, 16 * M, reserve=12 * M), Zone(0, "Normal", 41 * M, 41 * M, 830 * M, 830 * M, file=535 * M),
        Zone(0, "HighMem", 118 * M, M, 2175 * M, 2175 * M)))}), ["lowmem", "page_cache"], "page cache in these zones held 535 MiB (63 %)"),
    ("a request that may use high memory", kill(invoker=ASKED._replace(gfp_mask="0x100cca"), report={"memory": MemInfo(
        ram=2000 * M, zones=(Zone(0, "Normal", M, 2 * M), Zone(0, "HighMem", 900 * M, M)))}), [], ""),
    ("devices have it", kill(invoker=ASKED, report={"memory": MemInfo(ram=500 * M, free_cma=91 * M, zones=(Zone(0, "DMA", 92 * M, M),))}),
     ["lowmem"], "of 92 MiB free, 91 MiB are set aside for devices (CMA), which this request may not use"),
    ("in pieces", kill(invoker=ASKED._replace(order=3), report={"memory": shares(free=90)._replace(zones=(Zone(0, "Normal", 90 * M, 2 * M),))}),
     ["fragmentation"], "90 MiB were free in zone Normal, but not in one piece of 2^3 pages (32 KiB)"),
    ("in pieces that are of CMA", kill(invoker=ASKED._replace(order=3), report={"memory": shares(free=90)._replace(
        zones=(Zone(0, "Normal", 90 * M, 2 * M, pieces=(Pieces(4 * K, 99, "UME"), Pieces(64 * K, 9, "C"))),))}),
     ["fragmentation"], "not in one piece of 2^3 pages (32 KiB)"),
    ("a piece is there", kill(invoker=ASKED._replace(order=3), report={"memory": shares(free=90)._replace(
        zones=(Zone(0, "Normal", 90 * M, 2 * M, pieces=(Pieces(4 * K, 99, "UME"), Pieces(64 * K, 9, "UC"))),))}), [], ""),
    ("a movable request may have those of CMA", kill(invoker=ASKED._replace(order=3, gfp_mask="0xcca"), report={"memory": shares(free=90)._replace(
        zones=(Zone(0, "Normal", 90 * M, 2 * M, pieces=(Pieces(64 * K, 9, "C"),)),))}), [], ""),
    ("enough for one page is no fragmentation", kill(invoker=ASKED, report={"memory": shares(free=90)._replace(
        zones=(Zone(0, "Normal", 90 * M, 2 * M),))}), [], ""),
    ("by hand", kill(trigger="sysrq", report={"memory": shares(shmem=900)}), ["sysrq"], "it was requested by hand (sysrq-f)"),
    ("the reclaimer asked", kill(invoker=Invoker(comm="kswapd0", gfp_mask="0xcc0", order=0), report={"memory": shares(free=700, anon=300)}),
     ["mglru"], "kswapd0 itself called the killer: MGLRU could not keep the working set for as long as lru_gen/min_ttl_ms asks; 700 MiB were free"),
    ("kept for others", kill(report={"memory": shares(file=600, protected=500)}), ["protection", "page_cache"],
     "memory.min and memory.low of cgroups keep 500 MiB (50 %) from being reclaimed"),
    ("stacks", kill(report={"memory": shares(kernel_stack=100)}), ["kernel_stack"], "kernel stacks held 100 MiB (10 %)"),
    ("less than is worth a word", kill(report={"memory": shares(kernel_stack=99, anon=149, shmem=149, slab_unreclaimable=149, pagetables=99,
                                                                hugepages=149, file=249)}), [], ""),
    ("page cache", kill(report={"memory": shares(file=250, dirty=200, writeback=20)}), ["page_cache"],
     "page cache held 250 MiB (25 %), of it 200 MiB dirty and 20 MiB under writeback"),
    ("locked", kill(report={"memory": shares(unevictable=300)}), ["unevictable"], "memory that cannot be reclaimed (ramfs, mlock, SHM_LOCK) held 300 MiB"),
    ("no task table", kill(report={"memory": shares(anon=600, shmem=0)}), ["anon"], "processes held 600 MiB (60 %)"),
    ("no task table, and no word of tmpfs", kill(report={"memory": shares(anon=600)}), ["anon"], "processes and tmpfs held 600 MiB (60 %)"),
    ("a balloon", kill(report={"memory": shares(free=1)._replace(reserved=500 * M)}), ["balloon"], "500 MiB of 1.5 GiB (33 %) are reserved"),
    ("a balloon that took too much", kill(report={"memory": shares()._replace(zones=(Zone(0, "Normal", M, M, managed=1 << 51),))}), ["balloon"],
     "a balloon took more from a zone than the zone has"),
    ("pages that no counter knows", kill(report={"memory": shares(free=10, anon=10, file=10, slab_reclaimable=10, slab_unreclaimable=10,
                                                                  pagetables=10)}), ["unaccounted"], "held 940 MiB (94 %)"),
    ("sockets", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(usage=100 * M, limit=100 * M, sock=20 * M)}),
     ["sockets", "memcg_limit"], "socket buffers held 20 MiB (20 %)"),
    ("kernel memory", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(usage=100 * M, limit=100 * M, kernel=60 * M, percpu=40 * M)}),
     ["percpu", "kernel_memory", "memcg_limit"], "kernel memory of the cgroup held 60 MiB (60 %), most of it per-CPU memory of the kernel (40 MiB)"),
    ("kernel memory of several parts", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(
        usage=100 * M, limit=100 * M, kernel=60 * M, percpu=30 * M, kernel_stack=30 * M)}),
     ["kernel_memory", "kernel_stack", "percpu", "memcg_limit"], "kernel memory of the cgroup held 60 MiB (60 %)"),
    ("kernel memory of version 1", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(usage=100 * M, limit=100 * M, kmem=60 * M)}),
     ["kernel_memory", "memcg_limit"], "kernel memory of the cgroup held 60 MiB (60 %)"),
    ("its swap is full", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(usage=9 * M, limit=9 * M, swap_usage=4 * M, swap_limit=4 * M)}),
     ["memcg_limit", "swap_limit"], "the cgroup's limit of swap of 4.0 MiB was used up"),
    ("memory and swap together", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(
        usage=9 * M, limit=9 * M, memsw_usage=12 * M, memsw_limit=12 * M)}), ["memcg_limit", "swap_limit"], "memory and swap together of 12 MiB"),
    ("memory and swap together, and no swap at all", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(
        usage=9 * M, limit=9 * M, memsw_usage=9 * M, memsw_limit=9 * M)}), ["memcg_limit"], ""),
    ("a group", kill(scope="memcg", oom_memcg="/a", group_memcg="/a"), ["memcg_limit", "group"], "memory.oom.group of /a is set: all of its processes die"),
    ("who asks dies", kill(report={"allocating": True}), ["allocating_task"], "vm.oom_kill_allocating_task is set: who asks dies"),
    ("a limit of kernel memory", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(
        usage=30 * M, limit=100 * M, kmem=10 * M, kmem_limit=10 * M)}), ["kernel_memory", "memcg_limit"],
     "the limit of kernel memory (kmem) of 10 MiB of /a was used up"),
    ("nothing was short", kill(invoker=ASKED, report={"memory": shares(free=700, anon=300)}), ["free"],
     "700 MiB (70 %) were free: the host as a whole was not short of memory"),
    ("a page fault that asked for nothing", kill(invoker=ASKED._replace(gfp_mask="0x0"), report={"memory": shares(free=700, anon=300)}), ["free"],
     "a page fault failed for another reason (gfp_mask=0x0)"),
    ("a board whose free memory is of CMA", kill(invoker=ASKED, report={"memory": MemInfo(ram=3836 * M, free=700 * M, free_cma=501 * M, zones=(
        Zone(0, "DMA", 506 * M, 10 * M, 768 * M, 648 * M), Zone(0, "HighMem", 194 * M, M, 3188 * M, 3188 * M)))}), ["lowmem"],
     "of 506 MiB free, 501 MiB are set aside for devices (CMA), which this request may not use"),
    ("a device that reaches 4 GiB only", kill(invoker=ASKED._replace(gfp_mask="0xcc4"), report={"memory": MemInfo(ram=64000 * M, free=30000 * M, zones=(
        Zone(0, "DMA", M, 0, 15 * M, 15 * M, reserve=7 * M), Zone(0, "DMA32", M, 4 * M, 1800 * M, 1800 * M),
        Zone(0, "Normal", 14000 * M, 60 * M, 31000 * M, 31000 * M),
        Zone(1, "Normal", 15900 * M, 60 * M, 31000 * M, 31000 * M)))}), ["lowmem"],
     "zone DMA32 was used up (2.0 MiB free) while zone Normal, which this request may not use, had 29 GiB free"),
    ("huge pages that nobody uses", kill(report={"memory": shares(hugepages=600, hugepages_free=500)}), ["hugepages"],
     "huge pages set aside held 600 MiB (60 %), 500 MiB of them not in use"),
    ("no limit", kill(scope="memcg", oom_memcg="/a", report={"memcg": MemcgInfo(limit=1 << 62, usage=M)}), ["memcg"], "/a has no memory limit of its own"),
]  # fmt: skip


@pytest.mark.parametrize("told, kinds, text", [row[1:] for row in SHORT], ids=[row[0] for row in SHORT])
def test_what_was_short(told, kinds, text):
    found = causes(told)
    assert [one.kind for one in found] == kinds
    assert text in "; ".join(one.text for one in found)


def test_names_in_the_sentence_are_printable():
    tasks = (
        Task(1, 1, 0, "\x1b[31m\udcff", rss=2 * M, oom_score_adj=0),
        Task(2, 2, 0, "\u202e<b>\n", rss=M, oom_score_adj=0),
    )
    told = kill(
        victim=Process(pid=1, comm="\x1b[31m\udcff"), tasks=tasks, scope="memcg", oom_memcg="/\x07", kernel="6.1.0"
    )
    said = json.dumps(explain(told).as_facts(), ensure_ascii=False)
    assert "\\\\x1b[31m\\\\xff[1]" in said and "\\\\u202e<b>\\\\x0a" in said and "/\\\\x07" in said
    said.encode("utf-8")


# -- as facts -------------------------------------------------------------------------------------------------


def test_why_by_default_and_tables_on_request(fixtures):
    path = os.path.join(fixtures, "kernel", "causes-dmesg.txt")
    without, kills = kills_of(sources=("files",), paths=(path,))
    assert len(kills) == 8 and not {"tasks", "page_size"} & {key for one in kills for key in one}
    oom, with_tables = kills_of(sources=("files",), paths=(path,), include_tasks=True)
    assert "tables_truncated" not in oom and "tables_truncated" not in without
    for one, other in zip(with_tables, kills):
        assert {key: one[key] for key in other} == other
        contest = one["contest"]
        assert sorted(contest) == ["candidates", "exception", "margin", "rule", "second", "totalpages", "winner"]
        assert contest["winner"]["pid"] == one["victim"]["pid"]
        killable = [task["badness"] for task in one["tasks"] if task["badness"] is not None]
        assert max(killable) == contest["winner"]["badness"]
        assert all((task["badness"] is None) == (task["oom_score_adj"] == -1000) for task in one["tasks"])
        assert one["cause"] and sorted(one["cause"][0]) == ["kind", "share", "size", "text"]
        assert (
            sum(size or 0 for size in one["ledger"]["rows"].values()) == one["ledger"]["total"]
            and one["ledger"]["complete"]
        )
    json.dumps(oom, allow_nan=False).encode("utf-8")


def test_every_kill_has_a_why(fixtures):
    oom, _kernel = kills_of(sources=("files",), paths=(os.path.join(fixtures, "kernel", "bookworm-syslog"),))
    assert {one["killer"] for one in oom["kills"]} == {"kernel", "earlyoom", "systemd-oomd"}
    assert all(one["why"] for one in oom["kills"])


def ledger_of(*kills):
    ledger = Ledger(1000)
    for one in kills:
        ledger.add(one)
    return ledger


def test_a_process_that_was_just_killed_is_known_to_the_next():
    def one(victim, when, boot="b"):
        tasks = (Task(1, 1, 0, "x", rss=9 * M, oom_score_adj=0), Task(2, 2, 0, "y", rss=5 * M, oom_score_adj=0))
        line = LogLine("", "test", time=1000.0 + when, uptime=when, boot_id=boot)
        report = {"columns": ("rss", "swapents", "oom_score_adj", "pgtables_bytes")}
        return kill(
            line=line, victim=Process(pid=victim, comm="x", total_vm=victim), tasks=tasks, page_size=4096, report=report
        )

    def exceptions(*kills):
        return [
            found["contest"]["exception"]
            for found in facts.kills_facts(ledger_of(*kills).entries(), include_tasks=True)
        ]

    assert exceptions(one(1, 10.0), one(2, 12.0)) == [None, "already_killed"]
    assert exceptions(one(1, 10.0), one(2, 99.0)) == [None, "unexplained"]
    assert exceptions(one(1, 10.0), one(2, 12.0, boot="c")) == [None, "unexplained"]


@pytest.mark.parametrize("room", [None, facts.RESULT_BYTES])
def test_tables_go_before_kills(room):
    """The newest keep theirs; the reasons of the others stay."""
    tasks = tuple(Task(pid, pid, 0, "c%d" % pid, rss=M * (1 + pid % 3), oom_score_adj=0) for pid in range(1, 301))
    kills = []
    for number in range(60):
        line = LogLine("", "test", time=1000.0 + 700 * number)
        kills.append(
            kill(line=line, victim=Process(pid=299, comm="c299", total_vm=number), tasks=tasks, page_size=4096)
        )
    oom = facts.kill_section(ledger_of(*kills), (), Unparsed(), include_tasks=True, room=room)
    assert ("tables_truncated" in oom) == (room is not None)
    facts.fit(oom)
    assert len(json.dumps(oom)) <= 250_000
    with_table = ["tasks" in one for one in oom["kills"]]
    assert (len(oom["kills"]), oom["truncated"]) == (60, 0)
    assert with_table == sorted(with_table) and 2 <= sum(with_table) < 10
    assert oom["tables_truncated"] == 60 - sum(with_table)
    assert all(one["why"].startswith("c299[299] ") for one in oom["kills"])
