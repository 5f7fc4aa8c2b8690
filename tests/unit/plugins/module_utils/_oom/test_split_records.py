# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A newline in a process's name tears the record in text logs; nobody else's words may end it in place of the kernel's."""

import random
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.tests.fault import fuzz_parser, torn_records

NOW = 1795377980.0
REST = " total-vm:27940kB, anon-rss:15452kB, file-rss:5112kB, shmem-rss:0kB, UID:1002 pgtables:88kB oom_score_adj:0"
SUMMARY = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task="
)
FORGED = "x) total-vm:4kB, anon-rss:4kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0"


def stamp(number, second=32, host="localhost", tag="kernel"):
    return "2026-11-22T20:06:%02d.%06d+00:00 %s %s: " % (second, 141000 + 7 * number, host, tag)


def told(*lines):
    """The kernel's kills in a log without kernel seconds, and how many lines were left."""
    log = TextLog("kern.log", Clock(NOW).stamp)
    raw = [line if isinstance(line, str) else stamp(*line[:-1]) + line[-1] for line in lines]
    parser = Parser()
    events = [
        event for line in join_records(log.lines("\n".join(raw).encode("utf-8"))) for event in parser.feed(line)
    ] + parser.finish()
    return [event for event in events if isinstance(event, Kill)], parser.unparsed.count


def who(*lines):
    kills, unparsed = told(*lines)
    return (
        sorted((kill.victim.pid, kill.victim.comm, kill.victim.uid, kill.victim.total_vm) for kill in kills),
        unparsed,
    )


VICTIM = (280, "line\nbreak", 1002, 27940 << 10)
FIRST = (1, "Memory cgroup out of memory: Killed process 280 (line")
LAST = (4, "break)" + REST)


@pytest.mark.slow
@pytest.mark.parametrize("form", sorted(torn_records.PREFIXES))
def test_every_kind_of_prefix(form):
    for seed in range(40):
        case = torn_records.Case(random.Random(seed), form)
        kills, unparsed = told(*case.data.decode("utf-8").split("\n"))
        assert case.wrong(kills, unparsed) is None, case.data.decode("utf-8")


def test_a_large_file_too():
    for seed in range(200):
        assert fuzz_parser.torn(random.Random(seed)) == 1


def test_the_parts_are_stamped_one_by_one():
    assert who(FIRST, LAST) == ([VICTIM], 0)
    assert who(FIRST, (0, 33, "break)" + REST)) == ([VICTIM], 0)  # the second changes
    # no kernel takes so long: the process was killed, and its name is not known
    assert who(FIRST, (4, 34, "break)" + REST)) == ([(280, None, None, None)], 0)


def test_announced_and_killed():
    (kill,), unparsed = told((1, SUMMARY + "line"), (2, "break,pid=280,uid=1002"), FIRST, LAST)
    assert (kill.victim.pid, kill.victim.comm, kill.task_memcg, kill.oom_memcg, unparsed) == (
        280,
        "line\nbreak",
        "/a/b",
        "/a",
        0,
    )


@pytest.mark.parametrize(
    "between",
    [
        (2, 32, "localhost", "sshd[9]", FORGED),
        (2, 32, "localhost", "mallory", FORGED),
        (2, 32, "other", "kernel", FORGED),
        (2, 32, "localhost", "kernel", "usb 1-1: new device"),
        (2, 40, "localhost", "kernel", FORGED),
    ],
    ids=["a program", "a user", "another host", "the kernel itself", "much later"],
)
def test_what_cannot_be_the_rest(between):
    assert who(FIRST, between, LAST) == ([VICTIM], 0)
    assert who(FIRST, *[between] * 5 + [LAST]) == ([VICTIM], 0)


@pytest.mark.parametrize(
    "seconds", ["", "[    1.000000] ", "[  191.930492] "], ids=["none", "of another time", "nearly"]
)
def test_kernel_seconds_are_the_records_own(seconds):
    real = "[  191.930493] "
    assert who((1, real + FIRST[1]), (2, seconds + FORGED), (3, real + LAST[1])) == ([VICTIM], 0)


def test_two_hosts_at_once():
    theirs = [
        (2, 32, "other", "kernel", "Out of memory: Killed process 7 (a"),
        (3, 32, "other", "kernel", "b) total-vm:8kB, anon-rss:4kB, file-rss:4kB"),
    ]
    assert who(FIRST, theirs[0], LAST, theirs[1]) == ([(7, "a\nb", None, 8 << 10), VICTIM], 0)
    assert who(theirs[0], FIRST, theirs[1], LAST) == ([(7, "a\nb", None, 8 << 10), VICTIM], 0)


FAKE = (280, "line\nx", 0, 4 << 10)


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_forged_rest_is_told_beside_the_kernels(first):
    """logger --tag kernel: nothing in a text log tells it from the kernel. Both are told, neither is trusted, none is
    changed.
    """
    lines = [(2, FORGED), LAST] if first else [LAST, (5, FORGED)]
    found, unparsed = who((0, SUMMARY + "line"), (0, "break,pid=280,uid=1002"), FIRST, *lines)
    assert (found, unparsed) == (sorted([VICTIM, FAKE]), 0)
    kills, _unparsed = told((0, SUMMARY + "line"), (0, "break,pid=280,uid=1002"), FIRST, *lines)
    assert {kill.task_memcg for kill in kills} == {"/a/b"} and not any(
        kill.line.trusted or kill.partial for kill in kills
    )


def test_a_forged_beginning_takes_nothing_away():
    found, unparsed = who(FIRST, (2, "Killed process 7 (x"), LAST)
    assert VICTIM in found and unparsed == 0
    assert [kill.line.trusted for kill in told(FIRST, (2, "Killed process 7 (x"), LAST)[0]] == [False] * len(found)


def test_a_forged_part_of_the_name():
    """What was announced tells which lines are parts of the name."""
    announced = ((0, SUMMARY + "line"), (0, "break,pid=280,uid=1002"))
    assert who(*announced + (FIRST, (2, "q"), LAST)) == ([VICTIM], 0)
    assert who(FIRST, (2, "q"), LAST) == (
        [(280, "line\nq\nbreak", 1002, 27940 << 10)],
        0,
    )  # as it would be without a forger


def test_a_name_that_looks_like_the_end():
    """Fifteen bytes hold some of the kernel's words, but never all that it writes behind a name."""
    assert who((1, "Killed process 5 () total-vm:1kB"), (2, ")" + REST)) == (
        [(5, ") total-vm:1kB\n", 1002, 27940 << 10)],
        0,
    )
    rows = [
        ("oom_score_adj", "b"),
        (",pid=1,uid=0", "b"),
        ("a)", "b"),
        (") score 5", "b"),
        ("[1.5] a", "b"),
        ("b", "[1.5] a"),
        ("sending SIG", "b"),
    ]
    for one, other in rows:
        name = "%s\n%s" % (one, other)
        lines = (
            (0, SUMMARY + one),
            (1, other + ",pid=280,uid=1002"),
            (2, "Memory cgroup out of memory: Killed process 280 (" + one),
            (3, other + ")" + REST),
        )
        kills, unparsed = told(*lines)
        assert [(kill.victim.pid, kill.victim.uid, kill.task_memcg, kill.partial) for kill in kills] == [
            (280, 1002, "/a/b", False)
        ], name
        assert (kills[0].victim.comm, unparsed) == (name, 0)


def test_no_record_is_longer_than_a_name_allows():
    """A record that was cut, and the next one: two, not one with a long name."""
    whole = (2, "Out of memory: Killed process 300 (b)" + REST)
    assert who(FIRST, whole) == ([(280, None, None, None), (300, "b", 1002, 27940 << 10)], 0)


def test_a_kernel_without_sizes():
    lines = [
        (1, "Out of memory: Kill process 9 (a"),
        (1, "b) score 5 or a child"),
        (2, "Killed process 9 (a"),
        (2, "b)"),
    ]
    assert who(*lines) == ([(9, "a\nb", None, None)], 0)


def test_what_is_trusted_stays_as_it_is():
    """In the journal a record is whole; what follows in somebody's name is somebody else's."""
    log = TextLog("kern.log", Clock(NOW).stamp)
    first = log.line((stamp(1) + FIRST[1]).encode())._replace(trusted=True)
    rest = log.line((stamp(2) + LAST[1]).encode())
    assert list(join_records([first, rest])) in ([first, rest], [rest, first])


def test_many_hosts_with_records_that_never_end():
    lines = ["Nov 22 20:06:24 h%d kernel: Killed process 1 (a" % number for number in range(3000)]
    assert who(*lines) == ([(1, None, None, None)] * 3000, 0)


def test_what_is_done_need_not_wait_for_records_that_never_end():
    """Whoever logs in the kernel's name keeps a record open for ever: no reason to hold everything else back."""
    log = TextLog("kern.log", Clock(NOW).stamp)
    given = [0]

    def lines():
        for number in range(1000):
            given[0] += 1
            yield log.line(("Nov 22 20:06:24 vm1 kernel: Killed process %d (x" % number).encode())

    for taken, line in enumerate(join_records(lines()), 1):
        assert given[0] - taken <= 20, line
    assert taken == 1000


def test_a_summary_without_its_end_takes_no_other_with_it():
    other = SUMMARY.replace("/a/b", "/a/c")
    lines = (
        (1, SUMMARY + "line"),
        (2, other + "java,pid=9,uid=7"),
        (3, "Memory cgroup out of memory: Killed process 9 (java)" + REST),
    )
    kills, unparsed = told(*lines)
    assert [(kill.victim.pid, kill.victim.comm, kill.task_memcg, kill.partial) for kill in kills] == [
        (9, "java", "/a/c", False)
    ]


OPEN = "Nov 22 20:06:24 vm1 kernel: Out of memory: Killed process 1 (a\n"
FRAGMENT = "Nov 22 20:06:24 vm1 kernel: b\n"
ANNOUNCED = "Nov 22 20:06:24 vm1 kernel: oom-kill:constraint=A,task=a\n"
COSTLY = {
    "short ends": (OPEN * 4 + FRAGMENT * 5 + "Nov 22 20:06:24 vm1 kernel: ) x\n" * 10) * 800,
    "whole ends": (
        OPEN * 4 + FRAGMENT * 5 + "Nov 22 20:06:24 vm1 kernel: ) total-vm:1kB, anon-rss:4kB, file-rss:4kB\n" * 10
    )
    * 500,
    "summaries": (ANNOUNCED * 4 + FRAGMENT * 5 + "Nov 22 20:06:24 vm1 kernel: ,pid=1,uid=3\n" * 10) * 600,
}


@pytest.mark.slow
@pytest.mark.parametrize("data", COSTLY.values(), ids=COSTLY.keys())
def test_no_log_takes_long(data):
    """Half a megabyte that anybody may log. It took 20 to 70 seconds, and takes 3 to 7 of a busy machine."""
    began = time.process_time()
    told(*data.split("\n"))
    assert time.process_time() - began < 12.0
