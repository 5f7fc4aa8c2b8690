# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Out of the bytes around the anchors, the few lines that the parser needs: a task table has hundreds that it
does not.
"""

from bisect import bisect_left
from typing import Iterable, List, Sequence, Set, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds.needles import (
    ALL_ANCHORS,
    ENDS,
    KERNEL_ANCHORS,
    LINES_BEFORE,
)
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.context import Excerpt

from .whole_reports import Reports, kept_lines

#: The same for a log whose lines have a prefix: a longer needle skips further, 6 % of the whole.
PREFIXED_ANCHORS = tuple(b" " + anchor if anchor == b"Killed process " else anchor for anchor in KERNEL_ANCHORS)
#: What begins a report.
HEAD = b"oom-killer: gfp_mask=0x"
#: What always has a head before it, unless it was lost.
BEHIND_HEAD = tuple(anchor for anchor in KERNEL_ANCHORS if anchor.startswith(b"oom-kill:")) + ENDS
#: The same head, as a hit of those: it begins where one of them does.
HEAD_OF_ALL = b"killer: gfp_mask=0x"

_NEAR = 3
#: What is looked at once more where an excerpt was cut: the lines of one report.
_TAIL = 16 << 10
#: A name with a newline tears its record, and other lines may come between; so far the rest is looked for.
_TORN = 16
_PREAMBLE = 3
#: A few lines: the reaper's may stand before that of the group.
_FOLLOW = 2048
#: How far back a kill without a header may have its table, and how many victims of a group may share one.
_REACH = 256 << 10
#: The two lines of one kill, with others' lines in between.
_NEXT = 4 << 10
_MEMBERS = 256
#: 5.4 and later. Looked for from the right: an open-ended pattern would be tried from every "Killed process" in a name.
_KILLED_TAIL = regex(rb"kB, UID:\d+ pgtables:\d+kB oom_score_adj:-?\d+\s*$")
_KILLED_CONTEXT = regex(rb"memory(?: \(oom_kill_allocating_task\))?: Killed process \d+ \(")
_KILLED = regex(rb"Killed process (\d+)")
#: More than a name can hold: ") score 5" may be a part of it.
_CHOICE_WHOLE = regex(rb"\) score \d+ or (?:sacrifice|a) child\s*$")
#: ",task=" and a name, in which ",pid=1,uid=0" may be a part of the name.
SHORT = 6 + 15 + 1
_SUMMARY_WHOLE = regex(rb",pid=(\d+),uid=\d+\s*$")
_INVOKER_WHOLE = regex(rb"[^\n]* PID: \d+ Comm: [^\n]*ainted")

#: What others take from here.
__all__ = [
    "ALL_ANCHORS",
    "BEHIND_HEAD",
    "ENDS",
    "HEAD",
    "HEAD_OF_ALL",
    "KERNEL_ANCHORS",
    "LINES_BEFORE",
    "PREFIXED_ANCHORS",
    "SHORT",
    "Picker",
    "lines_of_interest",
    "rest_of",
    "whole_lines",
]


def _line_at(data: bytes, at: int) -> Tuple[int, int]:
    start = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at)
    return start, len(data) if end < 0 else end + 1


def _before(data: bytes, start: int, count: int) -> List[int]:
    starts = []  # type: List[int]
    while count and start > 0:
        start = data.rfind(b"\n", 0, start - 1) + 1
        starts.append(start)
        count -= 1
    return starts


def _after(data: bytes, end: int, count: int) -> List[int]:
    starts = []  # type: List[int]
    while count and 0 <= end < len(data):
        starts.append(end)
        found = data.find(b"\n", end)
        end = len(data) if found < 0 else found + 1
        count -= 1
    return starts


def _header_whole(line: bytes) -> bool:
    at = line.find(b" invoked oom-killer: ")
    return at >= 0 and line.find(b"order=", at) >= 0


def _kill_whole(line: bytes) -> bool:
    return _KILLED_CONTEXT.search(line) is not None and _KILLED_TAIL.search(line, max(0, len(line) - 200)) is not None


def _find_lines(data: bytes, needle: bytes, low: int, high: int) -> List[int]:
    starts = []  # type: List[int]
    at = data.find(needle, low, high)
    while at >= 0:
        starts.append(data.rfind(b"\n", 0, at) + 1)
        at = data.find(needle, at + 1, high)
    return starts


def _row(data: bytes, pid: bytes, low: int, start: int) -> List[int]:
    """The victim's row in the table, and what its columns are."""
    return _find_lines(data, b"%s] " % pid, low, start) + _find_lines(data, b"tgid total_vm", low, start)[-1:]


def _group(data: bytes, end: int) -> List[int]:
    """What says behind a kill that its whole group follows."""
    return _find_lines(data, b"memory.oom.group", end, end + _FOLLOW)[:1]


def rest_of(data: bytes, end: int, last: bytes) -> bytes:
    """The lines behind a torn record's first line, up to the one with its last words; the next one where there is none
    near.

    Whole records of others are left out: they speak for themselves.
    """
    starts = _after(data, end, _TORN)
    rest = b""
    for start in starts:
        line = data[start : _line_at(data, start)[1]]
        if any(anchor in line for anchor in KERNEL_ANCHORS):
            continue
        rest += line
        if last in line:
            return rest
    return data[end : _line_at(data, end)[1]] if starts else b""


def _around_kill(data: bytes, start: int, end: int, low: int) -> List[int]:
    """An old or broken record needs its neighbours, its cgroups and the victim's row in the table (uid, adjustment)."""
    found = _KILLED.search(data, start, end)
    lines = _before(data, start, _NEAR) + _after(
        data, end, _NEAR if data.find(b"total-vm:", start, end) >= 0 else _TORN
    )
    lines += _find_lines(data, b"Task in /", low, start)[-1:]
    return lines + _choice(data, found.group(1), start) + _row(data, found.group(1), low, start) if found else lines


def _choice(data: bytes, pid: bytes, start: int) -> List[int]:
    """What kernels before 5.1 said before they killed."""
    at = data.rfind(b"ill process %s (" % pid, max(0, start - _NEXT), start)
    if at < 0:
        return []
    chosen, end = _line_at(data, at)
    return [chosen] if _CHOICE_WHOLE.search(data, at, end) else [chosen] + _after(data, end, _TORN)


def whole_lines(data: bytes) -> List[bytes]:
    """Every line of an excerpt that is read whole, but for those of others."""
    return [line for _start, line in kept_lines(data, 0, len(data))]


def lines_of_interest(data: bytes, hits: Tuple[int, ...], tables: bool = False) -> List[bytes]:
    """Raw lines in their order.

    data -- whole lines
    hits -- where anchors begin
    tables -- everything between a header and its kill as well
    """
    if tables:
        return whole_lines(data)
    return [data[start : _line_at(data, start)[1]] for start in _starts(data, hits)]


def _starts(data: bytes, hits: Tuple[int, ...]) -> List[int]:
    """Where the lines of interest begin."""
    from ansible_collections.memops.linux.plugins.module_utils._line_kinds.context import (
        WORDS,
        around,
    )  # late: most logs have no hit

    wanted = set()  # type: Set[int]
    head = -1
    done = -1
    used = 0  # the end of the last kill that had a table before it: the next one's lies behind
    members = 0
    ended = -1  # the last head behind which nobody was killed
    for hit in hits:
        if hit < done:
            continue  # several anchors on one line
        start, end = _line_at(data, hit)
        done = end
        line = data[start:end]
        if b"oom-killer: gfp_mask" in line or b"invoked oom-killer" in line:
            head = start
            members = 0
            wanted.add(start)
            if _INVOKER_WHOLE.match(data, end, end + 240) and _header_whole(line):
                wanted.add(end)  # the invoker's line follows at once since 5.0
            else:
                wanted.update(_after(data, end, 2 * _PREAMBLE))
            if b"order=-1" in line or not _header_whole(line):
                wanted.update(_before(data, start, _PREAMBLE))  # sysrq, or the first line of a name with a newline
        elif b"Killed process " in line:
            wanted.add(start)
            if _kill_whole(line):
                wanted.update(_group(data, end))
            else:
                wanted.update(_around_kill(data, start, end, max(used, head, start - _REACH)))
                group = _group(data, end)
                wanted.update(group)
                if members or group:
                    members += 1
                if not 0 < members < _MEMBERS:
                    used = end
        elif b"oom-kill:" in line:
            wanted.add(start)
            summary = _SUMMARY_WHOLE.search(line)
            if summary is None or end - data.find(b",task=", start, end) <= SHORT:
                wanted.update(_after(data, end, _TORN))
            if summary is not None and data.find(b"Killed process %s " % summary.group(1), end, end + _FOLLOW) < 0:
                wanted.update(_after(data, end, _NEAR))  # "is already exiting. Skip killing", or the kill line is lost
                wanted.update(_row(data, summary.group(1), max(used, head, start - _REACH), start))
                used = end
        elif WORDS.search(line):
            wanted.add(start)
            before, after = around(line)
            wanted.update(_before(data, start, before))
            wanted.update(_after(data, end, after))
            if head > ended and ENDS[0] in line:
                wanted.update(_find_lines(data, b" reached of cgroup /", max(head, start - _REACH), start)[-1:])
                ended = head
    return sorted(wanted)


def _between(
    lines: Sequence[Tuple[int, int, int]], reports: Iterable[Tuple[int, int, int]]
) -> List[Tuple[int, int, int]]:
    """What is left of the reports without these lines, which are in their order."""
    found = []  # type: List[Tuple[int, int, int]]
    starts = [start for start, _end, _report in lines]
    for begin, end, report in reports:
        at = begin
        for start, behind, _telling in lines[bisect_left(starts, begin) : bisect_left(starts, end)]:
            if at < start:
                found.append((at, start, report))
            at = behind
        if at < end:
            found.append((at, end, report))
    return found


class Picker:
    """lines_of_interest() of one excerpt after the other.

    Where a long excerpt was cut, a report may be cut: the line with the signal begins the one, and its victim was named
    in the other. So the last lines of the one before are looked at once more, and what is wanted only now comes late.
    """

    def __init__(self) -> None:
        self._end = -1  # of the excerpt before, in its file
        self._tail = b""
        self._hits = []  # type: List[int]
        self._picked = set()  # type: Set[int]
        self._reports = Reports()

    def lines(self, excerpt: Excerpt) -> List[bytes]:
        """The telling lines."""
        return [line for line, report in self.pick(excerpt, tables=False)]

    def pick(self, excerpt: Excerpt, tables: bool = True) -> List[Tuple[bytes, int]]:
        """The telling lines, each with 0; with tables also what lies between those of a report, with its number."""
        if excerpt.offset != self._end:
            self._forget()
        data = self._tail + excerpt.data
        shift = len(self._tail)
        hits = self._hits + [hit + shift for hit in excerpt.hits]
        starts = _starts(data, tuple(hits))
        found = [(start, _line_at(data, start)[1], 0) for start in starts if start not in self._picked]
        if tables:
            found += _between(found, self._reports.spans(data, shift))
            found.sort()
        self._keep(excerpt, data, hits, starts)
        return [(data[start:end], report) for start, end, report in found]

    def _keep(self, excerpt: Excerpt, data: bytes, hits: List[int], starts: List[int]) -> None:
        self._end = excerpt.offset + len(excerpt.data)
        cut = data.rfind(b"\n", 0, max(0, len(data) - _TAIL)) + 1
        picked = self._picked.union(starts)
        self._tail = data[cut:]
        self._hits = [hit - cut for hit in hits if hit >= cut]
        self._picked = {start - cut for start in picked if start >= cut}

    def _forget(self) -> None:
        self._end, self._tail, self._hits, self._picked = -1, b"", [], set()
        self._reports.cut_off()
