# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report that began in one source may have its end in another: a log is rotated between two lines."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.oom_without_kill import without_found
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Process, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

BEGAN = Unresolved(LogLine("", "messages.1", host="vm1", time=100.0), "unseen")
END = Kill(LogLine("", "messages", host="vm1", time=100.4), Process(pid=7, comm="a"))

ROWS = [
    ("the end is in the next file", BEGAN, END, True),
    ("the end is in the journal", BEGAN, END._replace(line=END.line._replace(source="journal", trusted=True)), True),
    ("no kill near it", BEGAN, END._replace(line=END.line._replace(time=111.0)), False),
    ("another host's kill", BEGAN, END._replace(line=END.line._replace(host="vm2")), False),
    (
        "the same file: that is another shortage",
        BEGAN,
        END._replace(line=END.line._replace(source="messages.1")),
        False,
    ),
    ("a daemon's kill is no end of a report", BEGAN, END._replace(killer="earlyoom"), False),
    (
        "nobody ends a trusted report by what anybody may write",
        BEGAN._replace(line=BEGAN.line._replace(trusted=True)),
        END,
        False,
    ),
    ("a panic is an end of its own", BEGAN._replace(outcome="panic"), END, False),
    ("without a clock", BEGAN._replace(line=BEGAN.line._replace(time=None)), END, False),
]


@pytest.mark.parametrize("event, kill, found", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_end_of_a_report(event, kill, found):
    assert without_found([event], [kill]) == ([] if found else [event])
