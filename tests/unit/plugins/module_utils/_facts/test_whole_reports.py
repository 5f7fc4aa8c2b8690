# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a large log the newest reports are read whole, and of the others what tells of kills. No report is read in part:
what is missing of a table would be missing in the reason.
"""

import re

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.line_filter import ALL_ANCHORS
from ansible_collections.memops.linux.plugins.module_utils._facts.text_files import Whole
from ansible_collections.memops.linux.plugins.module_utils._facts.whole_reports import MOST_BYTES, Reports
from ansible_collections.memops.linux.plugins.module_utils._sources.context import Excerpt

FRONT = "Nov 22 20:06:24 vm1 "
HEAD = "kernel: hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
INVOKER = "kernel: CPU: 0 PID: 461 Comm: hog Not tainted 6.1.0"
TABLE = ["kernel: Mem-Info:", "kernel: [  pid  ]   uid  tgid total_vm      rss", "kernel: [   1]  0  1  100  100"]
KILLED = (
    "kernel: Out of memory: Killed process %d (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0"
    " pgtables:8kB oom_score_adj:0"
)
NOISE = "app[7]: a request that took some time and was answered as it should be"
QUOTED = "app[7]: the kernel says Killed process 12 (hog)"


def lines_of(*texts):
    return [(FRONT + text + "\n").encode() for text in texts]


def report(number, *inside):
    return lines_of(HEAD, INVOKER, *TABLE, *inside, KILLED % number)


def told(number):
    return lines_of(HEAD, INVOKER, KILLED % number)


def excerpt_of(lines, offset=0):
    data = b"".join(lines)
    hits = sorted(hit.start() for anchor in ALL_ANCHORS for hit in re.finditer(re.escape(anchor), data))
    return Excerpt(offset, data, tuple(hits))


def read(whole, *pieces):
    """What comes of these pieces of one file, as lines."""
    found, offset = [], 0
    for piece in pieces:
        found += whole.add(excerpt_of(piece, offset))
        offset += len(b"".join(piece))
    return b"".join(line if line.endswith(b"\n") else line + b"\n" for line in found + whole.rest() if line)


def size(*inside):
    return len(b"".join(lines_of(*TABLE, *inside)))


def test_of_a_storm_the_newest_reports_are_read_whole():
    pieces = [report(number) for number in range(5)]
    expected = told(0) + told(1) + told(2) + report(3) + report(4)
    assert read(Whole(limit=2 * size()), *pieces) == b"".join(expected)
    assert read(Whole(limit=2 * size()), sum(pieces, [])) == b"".join(expected)


def test_what_is_not_of_a_report_is_not_read():
    among = lines_of(HEAD, INVOKER, TABLE[0], NOISE, NOISE, *TABLE[1:], KILLED % 1)
    lines = lines_of(NOISE) + report(0) + lines_of(NOISE) * 9 + among + lines_of(NOISE)
    assert read(Whole(limit=size(NOISE, NOISE)), lines) == b"".join(told(0) + report(1))


@pytest.mark.parametrize("at", range(1, 6))
def test_a_report_in_two_pieces_is_read_whole_or_not_at_all(at):
    one = report(7)
    assert read(Whole(limit=size()), one[:at], one[at:]) == b"".join(one)
    rows = read(Whole(limit=size() - 1), one[:at], one[at:])
    assert b"Mem-Info" not in rows and rows.count(b"Killed process 7 ") == rows.count(HEAD.encode()) == 1


@pytest.mark.parametrize(
    "inside", ["kernel: [  12]  0  12  100  100  Killed process ", QUOTED], ids=["name of a process", "quoted"]
)
def test_only_the_kill_ends_a_report(inside):
    whole = report(1, inside, "kernel: [  13]  0  13  100  100  last")
    spans = [(begin, end) for begin, end, _number in Reports().spans(b"".join(whole), 0)]
    assert spans == [(0, len(b"".join(whole)))]


@pytest.mark.parametrize(
    "end",
    [
        "kernel: Out of memory and no killable processes...",
        "kernel: Kernel panic - not syncing: Out of memory: compulsory panic_on_oom",
    ],
)
def test_a_report_without_a_kill_ends_as_well(end):
    lines = lines_of(HEAD, *TABLE, end)
    data = b"".join(lines + lines_of(NOISE) * 3)
    assert [span[:2] for span in Reports().spans(data, 0)] == [(0, len(b"".join(lines)))]


def test_a_report_without_an_end_ends_where_the_next_begins():
    first, second = lines_of(HEAD, *TABLE), report(2)
    cut = len(b"".join(first))
    data = b"".join(first + second)
    assert list(Reports().spans(data, 0)) == [(0, cut, 1), (cut, len(data), 2)]


def test_no_report_is_longer_than_memory_is_spent_on_it():
    reports = Reports()
    piece = b"".join(lines_of(HEAD) + lines_of(NOISE) * 9000)
    bounds = [(begin, end) for begin, end, _number in reports.spans(piece, 0)]
    for _more in range(4):
        bounds += [(begin, end) for begin, end, _number in reports.spans(b"".join(lines_of(NOISE) * 9000), 0)]
    assert 0 < sum(end - begin for begin, end in bounds) < MOST_BYTES + 2 * len(piece)


def test_lines_do_not_wait_for_ever_behind_a_report():
    whole, most = Whole(limit=size()), 0
    whole.add(excerpt_of(report(1)))
    kills = lines_of(*[KILLED % number for number in range(2000)])
    for number in range(20):
        whole.add(excerpt_of(kills, 10_000_000 * (number + 1)))
        most = max(most, sum(len(line) for line, _report in whole._held))
    assert most < 4 << 20 and len(kills) * len(kills[0]) * 20 > 4 << 20
