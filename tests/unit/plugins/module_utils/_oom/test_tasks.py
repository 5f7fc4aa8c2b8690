# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the kernel's task table, with and without a header, whatever the name."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Process
from ansible_collections.memops.linux.plugins.module_utils._oom.tasks import Table, parse_row

COLUMNS = "uid tgid total_vm rss nr_ptes swapents oom_score_adj name".split()
NAMES = ["bash", "Web Content", "  lead", "trail  ", "(sd-pam)", "[x]", "12 34", "7", "", "a\tb"]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_what_stands_behind_one_blank(name):
    row = parse_row("1000  1876     1809       25       9        0             -17 " + name, COLUMNS)
    assert (row.uid, row.tgid, row.numbers[-1], row.comm) == (1000, 1876, -17, name)


@pytest.mark.parametrize("name", ["bash", "Web Content", "(sd-pam)"])
def test_without_a_header_the_numbers_end_where_the_name_begins(name):
    row = parse_row("1000  1876     1809       25       9        0             -17 " + name, None)
    assert (row.uid, row.numbers[-1], row.comm) == (1000, -17, name)


@pytest.mark.parametrize("columns", [COLUMNS, None])
@pytest.mark.parametrize(
    "rest", ["", "1 2 3", "a b c d e f g h", "1 2 x 4 5 6 7 name", "1 2 3 4 5 6 " + "9" * 5000 + " name"]
)
def test_no_row(rest, columns):
    if columns is None and rest.startswith("1 2 3 4"):
        return  # without a header the long number is taken for the name
    assert parse_row(rest, columns) is None


# -- broken over several lines ------------------------------------------------------------------------------------

HEAD = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
ROWS = [
    "[    204]     0   204     3450      354    28672        0             0 systemd-journal",
    "[    272]     0   272      594       16    16384        0          -900 acpid",
]


def table_of(lines):
    table = Table()
    for line in lines:
        if not table.feed(line):
            table.resume(line)
    return table.tasks()


WHOLE = table_of([HEAD] + ROWS)


@pytest.mark.parametrize("width", [50, 60, 62, 70, 77])
def test_a_terminal_breaks_anywhere(width):
    lines = [line[at : at + width] for line in [HEAD] + ROWS for at in range(0, len(line), width)]
    got = table_of(lines)
    assert [task[:3] + task[4:] for task in got] == [task[:3] + task[4:] for task in WHOLE]
    assert all(full.comm.startswith(task.comm) for task, full in zip(got, WHOLE))


@pytest.mark.parametrize("word", ["swapents", "pgtables_bytes", "oom_score_adj"])
def test_a_mail_program_breaks_at_a_blank_and_drops_it(word):
    at = HEAD.index(word)
    lines = []
    for line in [HEAD] + ROWS:
        parts = line.split()
        count = len(HEAD[:at].split()) - (0 if line == HEAD else 1)  # "[  pid  ]" is three words, "[    204]" two
        lines += [" ".join(parts[:count]), " ".join(parts[count:])]
    assert table_of(lines) == WHOLE


def test_what_follows_a_whole_row_is_nobody_s_rest():
    table = Table()
    for line in [HEAD] + ROWS:
        assert table.feed(line)
    assert not table.resume("something else")
    assert table.tasks() == WHOLE


def test_a_broken_row_takes_no_more_than_some_lines():
    table = Table()
    table.feed(HEAD)
    table.feed("[ 1] 1 1 1 1")
    assert [table.resume("x") for _line in range(9)] == [True] * 3 + [False] * 6


# -- page size ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [4096, 16384, 65536])
def test_the_victim_tells_the_page_size(page):
    table = Table()
    for line in [HEAD] + ROWS:
        table.feed(line)
    table.learn_page_size(Process(pid=272, total_vm=594 * page))
    assert table.page_size == page and table.tasks()[0].rss == 354 * page


@pytest.mark.parametrize(
    "victim", [Process(pid=272, total_vm=594 * 4097), Process(pid=1, total_vm=1), Process(pid=272), Process()]
)
def test_or_it_does_not(victim):
    table = Table()
    for line in [HEAD] + ROWS:
        table.feed(line)
    table.learn_page_size(victim)
    assert table.page_size is None and table.tasks()[0].rss == 354 * 4096


def test_a_padded_paste_pads_no_name():
    """Terminals fill their lines with blanks; a name may still end in one."""
    columns = "uid tgid total_vm rss nr_ptes swapents oom_score_adj name".split()
    for name, told in (("java      ", "java"), ("a b  ", "a b  "), ("a ", "a "), ("x" + " " * 99, "x")):
        row = parse_row("0 41 9 8 7 6 5 " + name, columns)
        assert row is not None and row.comm == told
        bare = parse_row("0 41 9 8 7 6 5 " + name, None)
        assert bare is not None and bare.comm == told
