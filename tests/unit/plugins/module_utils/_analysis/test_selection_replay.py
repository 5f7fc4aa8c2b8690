# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's choice recomputed from its own table: the printed victim, or a rule that is written down."""

import os
from collections import Counter

import pytest

from ansible_collections.memops.linux.plugins.module_utils._analysis.selection_replay import (
    EXCEPTIONS,
    nodes_of,
    recompute,
)
from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import MemcgInfo, MemInfo, Zone
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Invoker, Kill, Process, Report, Task
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.table_replay import contests
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import decompress

M = 1 << 20
MODERN = tuple("uid tgid total_vm rss pgtables_bytes swapents oom_score_adj name".split())
OLD = tuple("uid tgid total_vm rss nr_ptes swapents oom_score_adj name".split())


# -- the figure -----------------------------------------------------------------------------------------------


def test_every_table_of_the_corpus(shared):
    """2.6.32 to 6.18, 32 and 64 bit, 4 and 64 KiB pages, wrapped by mail programs and terminals."""
    found = contests(os.path.join(shared, "corpus"))
    assert len(found) == 23
    assert Counter(contest.exception for _name, _kill, contest in found) == {
        None: 19,
        "columns_missing": 2,
        "patched_kernel": 1,
        "victim_not_listed": 1,
    }
    odd = {name[:3]: contest.exception for name, _kill, contest in found if contest.exception}
    assert odd == {
        "008": "columns_missing",
        "009": "columns_missing",
        "028": "patched_kernel",
        "311": "victim_not_listed",
    }
    for _name, kill, contest in found:
        if contest.exception is None:
            assert contest.winner.pid == kill.victim.pid
            assert contest.badness[contest.winner.pid] == contest.winner.badness == max(contest.badness.values())


def test_where_the_kernel_printed_a_score_it_is_ours(shared):
    """To 5.0: a check of every term and of the total, not only of the order."""
    checked = 0
    for name, kill, contest in contests(os.path.join(shared, "corpus")):
        if kill.victim.oom_score is not None and contest.exception is None:
            assert contest.winner.badness * 1000 // contest.totalpages == kill.victim.oom_score, name
            checked += 1
    assert checked == 8


@pytest.mark.slow
@pytest.mark.parametrize("vm", ["bookworm", "bullseye"])
@pytest.mark.parametrize("log", ["syslog", "journal-kernel.json"])
def test_every_table_of_the_virtual_machines(shared, tmp_path, vm, log):
    decompress(shared, vm, str(tmp_path))
    found = contests(str(tmp_path), [log])
    assert Counter(contest.exception for _name, _kill, contest in found) == {None: 47, "group": 4}
    assert {kill.victim.pid for _name, kill, contest in found if contest.exception is None} >= {
        contest.winner.pid for _name, _kill, contest in found
    }


@pytest.mark.parametrize(
    "log, count, exceptions",
    [
        ("bookworm-kern.log", 7, {None: 4, "group": 3}),
        ("bookworm-syslog", 2, {None: 2}),
        ("causes-dmesg.txt", 8, {None: 8}),
        ("numa-dmesg.txt", 4, {None: 4}),
        ("bullseye-dmesg-T.txt", 3, {None: 3}),
        ("bullseye-kmsg.bin", 3, {None: 3}),
    ],
)
def test_every_table_of_our_extracts(fixtures, log, count, exceptions):
    found = contests(os.path.join(fixtures, "kernel"), [log])
    assert len(found) == count
    assert Counter(contest.exception for _name, _kill, contest in found) == exceptions


def test_a_shortage_of_one_node_reckons_with_that_node(fixtures):
    """The last of them died only because an adjustment is a share of node 1: of the whole memory it would have been
    sshd.
    """
    found = contests(os.path.join(fixtures, "kernel"), ["numa-dmesg.txt"])
    assert [kill.constraint for _name, kill, _contest in found] == ["CONSTRAINT_MEMORY_POLICY"] + [
        "CONSTRAINT_CPUSET"
    ] * 3
    assert {contest.totalpages for _name, _kill, contest in found} == {262004 * 1024}
    _name, last, contest = found[-1]
    assert (contest.winner.comm, contest.second.comm) == ("cpuset-hog2", "sshd")
    whole = recompute(last._replace(constraint="CONSTRAINT_NONE"))
    assert (whole.winner.comm, whole.exception) == ("sshd", "unexplained")


# -- one rule after the other ---------------------------------------------------------------------------------


def task(pid, rss, adj=0, comm=None, swap=0, pgtables=0, uid=1000, tgid=None):
    return Task(
        pid, tgid or pid, uid, comm or "c%d" % pid, rss * M, rss * M, None, None, None, pgtables * M, swap * M, adj
    )


def kill(victim, *tasks, **more):
    """A global kill on a host of 1,000 MiB, or what `more` makes of it."""
    report = Report(memory=MemInfo(ram=1000 * M, swap_total=0), columns=more.pop("columns", MODERN))
    line = LogLine("", "test", time=1000.0)
    fields = dict(kernel="6.1.0", scope="global", trigger="fault", constraint="CONSTRAINT_NONE", page_size=4096)
    fields.update(more)
    report = report._replace(**fields.pop("report", {}))
    return Kill(line=line, victim=Process(pid=victim), invoker=Invoker(), tasks=tuple(tasks), report=report, **fields)


def chosen(pid, score=None):
    return {"chosen": Process(pid=pid, comm="c%d" % pid, oom_score=score)}


def test_memory_swap_page_tables_and_adjustment_count():
    contest = recompute(
        kill(3, task(1, 100), task(2, 50, swap=60), task(3, 10, pgtables=5, adj=100), task(4, 900, adj=-1000))
    )
    assert contest.exception is None
    assert (contest.winner.pid, contest.winner.badness) == (3, 15 * M + 100 * (256000 // 1000) * 4096)
    assert (contest.second.pid, contest.second.badness, contest.margin) == (
        2,
        110 * M,
        contest.winner.badness - 110 * M,
    )
    assert (contest.totalpages, 4 in contest.badness, len(contest.badness)) == (1000 * M, False, 3)


EXPLAINED = [
    ("the worst died", kill(1, task(1, 9), task(2, 5)), None),
    ("a later one wins a tie since 5.3", kill(2, task(1, 9), task(2, 9)), None),
    ("the earlier one wins a tie before", kill(1, task(1, 9), task(2, 9), kernel="4.19.1", report=chosen(1)), None),
    ("the row of a thread that still had the memory", kill(7, task(9, 9, tgid=7), task(2, 5)), None),
    ("a member of a group", kill(2, task(1, 9), task(2, 5), trigger="group"), "group"),
    ("oom_kill_allocating_task", kill(2, task(1, 90), task(2, 5), report={"allocating": True}), "allocating_task"),
    ("a child of the chosen one", kill(2, task(1, 90), task(2, 5), kernel="4.4.0", columns=OLD,
                                       report=dict(chosen(1), chosen_listed=True)), "child_sacrificed"),
    ("a child, whatever we reckon", kill(2, task(1, 5), task(2, 4), task(3, 90), kernel="4.4.0", columns=OLD,
                                         report=dict(chosen(1), chosen_listed=True)), "child_sacrificed"),
    ("adjustments outweigh the sizes of all, and no release", kill(1, task(1, 1, adj=-998), task(2, 99, adj=-998), task(3, 2, adj=-998), kernel=None),
     "all_negative"),
    ("one in the middle of them", kill(3, task(1, 1, adj=-998), task(3, 2, adj=-998), task(2, 99, adj=-998), kernel=None), "unexplained"),
    ("the first of them, and the release has no such rule", kill(1, task(1, 1, adj=-998), task(2, 99, adj=-998), kernel="6.1.0"), "unexplained"),
    ("adjustments outweigh the sizes of all", kill(1, task(1, 9, adj=-900), task(2, 99, adj=-900), kernel="5.8.0", columns=OLD), "all_negative"),
    ("5.1 says no more whom it chose", kill(2, task(1, 90), task(2, 5), kernel="5.1.0"), "choice_not_told"),
    ("EL 6 shows no swap", kill(2, task(1, 90), task(2, 5), kernel="2.6.32-754.el6.x86_64", columns=MODERN[:4] + MODERN[6:],
                                report=chosen(2, 500)), "columns_missing"),
    ("EL 6, and the printed score is below what another surely had", kill(2, task(1, 900), task(2, 5), kernel="2.6.32-754.el6.x86_64",
                                                                          columns=MODERN[:4] + MODERN[6:], report=chosen(2, 5)), "unexplained"),
    ("before 2.6.36", kill(2, task(1, 90), task(2, 5), kernel="2.6.32-5-amd64"), "old_heuristic"),
    ("a column of its own", kill(2, task(1, 90), task(2, 5), columns=MODERN + ("(01)nrss",)), "patched_kernel"),
    ("the victim has no row", kill(3, task(1, 90), task(2, 5)), "victim_not_listed"),
    ("the victim's row is lost", kill(3, task(1, 90), task(2, 5), report={"cut": True}), "table_cut"),
    ("half a MiB moved", kill(2, task(1, 90), task(2, 89)._replace(swap=M // 2)), "sizes_moved"),
    ("more than that did not", kill(2, task(1, 90), task(2, 88)), "unexplained"),
    ("root in a container is not spared", kill(2, task(1, 900), task(2, 905, uid=0), kernel="4.9.1", columns=OLD, report=chosen(2)),
     "root_unknown"),
    ("3 % is all that root is spared", kill(2, task(1, 900), task(2, 899, uid=0), kernel="4.9.1", columns=OLD, report=chosen(2)), "unexplained"),
    ("nobody is root", kill(2, task(1, 900), task(2, 895), kernel="4.9.1", columns=OLD, report=chosen(2)), "unexplained"),
    ("a cpuset, and its nodes are not known", kill(2, task(1, 90), task(2, 5), constraint="CONSTRAINT_CPUSET"), "constraint"),
]  # fmt: skip


@pytest.mark.parametrize("told, expected", [row[1:] for row in EXPLAINED], ids=[row[0] for row in EXPLAINED])
def test_the_rule(told, expected):
    contest = recompute(told)
    assert contest.exception == expected
    assert expected is None or expected in EXCEPTIONS


def test_a_process_that_was_killed_before_is_passed_over():
    told = kill(2, task(1, 90), task(2, 5))
    assert recompute(told).exception == "unexplained"
    assert recompute(told, dying=frozenset([1])).exception == "already_killed"
    assert recompute(told, dying=frozenset([7])).exception == "unexplained"


def test_no_table_no_contest():
    assert recompute(kill(1)) is None
    assert recompute(kill(1, task(1, 9))._replace(report=None)) is None
    assert recompute(kill(1, task(1, 9))._replace(killer="earlyoom")) is None


# -- totals ---------------------------------------------------------------------------------------------------


def memcg(victim, *tasks, **info):
    return kill(
        victim,
        *tasks,
        scope="memcg",
        constraint="CONSTRAINT_MEMCG",
        oom_memcg="/a",
        report={"memory": None, "memcg": MemcgInfo(**info)},
    )


def test_the_total_of_a_cgroup_is_its_limit_and_the_swap_it_may_have():
    both = (task(1, 60), task(2, 20, adj=500))
    assert recompute(memcg(1, *both, limit=64 * M, swap_limit=0)).totalpages == 64 * M
    assert recompute(memcg(1, *both, limit=64 * M, memsw_limit=64 * M)).totalpages == 64 * M
    assert recompute(memcg(2, *both, limit=64 * M, swap_limit=1 << 62), swap_total=960 * M).totalpages == 1024 * M
    assert recompute(memcg(2, *both, limit=64 * M, swap_limit=64 * M), swap_total=960 * M).totalpages == 128 * M
    # The swap of today need not be that of then.
    assert recompute(memcg(1, *both, limit=64 * M, swap_limit=1 << 62), swap_total=960 * M).exception == "total_unknown"
    unknown = recompute(memcg(2, *both, limit=64 * M, swap_limit=1 << 62))
    assert (unknown.totalpages, unknown.exception) == (None, "total_unknown")
    # With no total at all could it have been the other way round.
    assert (
        recompute(memcg(2, task(1, 60), task(2, 20, adj=-5), limit=64 * M, swap_limit=1 << 62)).exception
        == "unexplained"
    )


def test_a_printed_score_tells_the_total_and_the_rule_for_root():
    told = kill(1, task(1, 100, uid=0), task(2, 5), kernel="3.13.0", columns=OLD)
    for score, badness in ((100, 100 * M), (97, 97 * M), (70, 70 * M)):
        contest = recompute(told._replace(report=told.report._replace(**chosen(1, score))))
        assert abs(contest.winner.badness - badness) < M // 2, score
    # A cgroup that may swap without limit, on a host of which the report does not tell the swap.
    told = memcg(1, task(1, 100), task(2, 5), limit=64 * M, memsw_limit=1 << 62)._replace(kernel="3.13.0")
    contest = recompute(told._replace(report=told.report._replace(**chosen(1, 500))))
    assert contest.totalpages == 200 * M


def test_a_memory_policy_reckons_with_its_own_nodes():
    zones = (Zone(0, "Normal", M, M, 700 * M), Zone(1, "Normal", M, M, 300 * M))
    told = kill(
        1,
        task(1, 60),
        constraint="CONSTRAINT_MEMORY_POLICY",
        report={"memory": MemInfo(ram=1000 * M, swap_total=10 * M, zones=zones), "nodes": "1"},
    )
    assert recompute(told).totalpages == 310 * M
    assert recompute(told._replace(report=told.report._replace(nodes="7"))).totalpages is None


@pytest.mark.parametrize(
    "text, nodes",
    [
        ("0", {0}),
        ("0-2,5", {0, 1, 2, 5}),
        ("", set()),
        ("x", set()),
        ("1-", set()),
        ("3-1", set()),
        ("0-999999999", set(range(1024))),
    ],
)
def test_node_lists(text, nodes):
    assert nodes_of(text) == nodes
