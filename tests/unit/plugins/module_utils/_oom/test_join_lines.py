# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that a newline in a name, a mail program or a terminal broke become one record again."""

import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

REST = "total-vm:1kB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB, UID:0 pgtables:68kB oom_score_adj:0"


def kernel(text, uptime=5.0, **more):
    return LogLine(text, "kern.log", host="vm1", tag="kernel", uptime=uptime, **more)


def bare(text):
    return LogLine(text, "paste")


def texts(*lines):
    return [line.text for line in join_records(lines)]


JOINED = [
    ("a name with a newline", [kernel("Killed process 1 (a"), kernel("b) " + REST)], ["Killed process 1 (a\nb) " + REST]),
    ("three parts", [kernel("Killed process 1 (a"), kernel("b"), kernel("c) " + REST)], ["Killed process 1 (a\nb\nc) " + REST]),
    ("a header", [kernel("a invoked"), bare("oom-killer: gfp_mask=0xcc0, order=0")], None),
    ("a summary wrapped by mail", [bare("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=a,"), bare("pid=1,uid=0")],
     ["oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=a,pid=1,uid=0"]),
    ("a summary continued as in a shell", [bare("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=a,\\  "), bare("   pid=1,uid=0")],
     ["oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=a,pid=1,uid=0"]),
    ("a kill wrapped by mail", [bare("Out of memory: Killed process 1 (a)"), bare(REST)], ["Out of memory: Killed process 1 (a) " + REST]),
]  # fmt: skip
APART = [
    ("other second", [kernel("Killed process 1 (a"), kernel("b) " + REST, uptime=9.0)]),
    ("other host", [kernel("Killed process 1 (a"), kernel("b) " + REST)._replace(host="vm2")]),
    ("other program", [kernel("Killed process 1 (a"), kernel("b) " + REST)._replace(tag="sshd")]),
    ("two whole records", [kernel("Killed process 1 (a) " + REST), kernel("Killed process 2 (b) " + REST)]),
    ("what follows is something else", [kernel("Killed process 1 (a"), kernel("Mem-Info:"), kernel("Node 0")]),
    ("a new record begins", [kernel("Killed process 1 (a"), kernel("Killed process 2 (b) " + REST)]),
]


@pytest.mark.parametrize("lines, expected", [row[1:] for row in JOINED], ids=[row[0] for row in JOINED])
def test_joined(lines, expected):
    found = texts(*lines)
    assert len(found) == 1
    if expected is not None:
        assert found == expected


@pytest.mark.parametrize("lines", [row[1] for row in APART], ids=[row[0] for row in APART])
def test_apart(lines):
    assert sorted(texts(*lines)) == sorted(line.text for line in lines)


def test_every_other_line_comes_as_it_was_and_in_its_order():
    lines = [kernel("line %d" % number, uptime=float(number // 3)) for number in range(50)]
    assert list(join_records(lines)) == lines


def test_a_record_that_never_ends_holds_nothing_back():
    lines = [kernel("Killed process 1 (a")] + [kernel("more %d" % number) for number in range(40)]
    assert texts(*lines) == [line.text for line in lines]


def test_rsyslog_stamps_the_parts_some_microseconds_apart():
    first = LogLine('sending SIGTERM to process 1 uid 0 "a', "syslog", host="h", tag="earlyoom", time=1.0)
    other = first._replace(text='b": badness 1, VmRSS 1 MiB', time=1.5)
    assert texts(first, other) == ['sending SIGTERM to process 1 uid 0 "a\nb": badness 1, VmRSS 1 MiB']
    assert len(texts(first, other._replace(time=9.0))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "sending SIGTERM to process 1 uid 0 " + '": ' * 5000,
        "sending SIG" + '"a": VmRS' * 1600,
        "Killed process 1 (" * 800,
        "a: Killed process 1 (" * 700 + ")",
        "oom-kill:constraint=X" + ",task=" * 2500,
        "oom-kill:constraint=X" + ", pid=1, uid=" * 1200,
        "CPU: 1 PID: 1 Comm: a Tainted: " + " " * 15000,
        "a invoked oom-killer: gfp_mask=0x1," * 450,
        " invoked" + " " * 15000 + "x",
    ],
)
def test_no_text_takes_long(text):
    lines = [kernel(text), kernel("x"), kernel("y"), kernel("z")] * 5
    began = time.process_time()
    list(join_records(lines))
    assert time.process_time() - began < 2.0
