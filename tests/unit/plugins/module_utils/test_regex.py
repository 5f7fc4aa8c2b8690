# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Late regular expressions are regular expressions, and all of ours are right ones."""

import re

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import line_filter as select
from ansible_collections.memops.linux.plugins.module_utils._facts import newest_kills as newest
from ansible_collections.memops.linux.plugins.module_utils._line_kinds import context, daemons, kernel, needles
from ansible_collections.memops.linux.plugins.module_utils._oom import join_lines, summary, tasks, unparsed
from ansible_collections.memops.linux.plugins.module_utils._regex import LateRegex, regex
from ansible_collections.memops.linux.plugins.module_utils._sources import clock, prefix, scan, text_log


def test_behaves_like_a_compiled_one():
    late = regex(r"a(?P<n>\d+)", re.IGNORECASE)
    assert late.match("A12").group("n") == "12"
    assert late.search("xa1").start() == 1
    assert late.sub("-", "a1a2") == "--"
    assert late.pattern == r"a(?P<n>\d+)"
    assert regex(rb"\d").findall(b"1 2") == [b"1", b"2"]


def test_a_wrong_one_is_told_at_its_first_use():
    with pytest.raises(re.error):
        regex("(").match("")


@pytest.mark.parametrize(
    "module",
    [
        join_lines,
        context,
        daemons,
        kernel,
        newest,
        summary,
        unparsed,
        select,
        tasks,
        clock,
        prefix,
        scan,
        text_log,
        needles,
    ],
)
def test_every_expression_compiles(module):
    found = 0
    for value in vars(module).values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, LateRegex):
                assert one.pattern
                found += 1
    assert found
