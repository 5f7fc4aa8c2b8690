# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Out of the bytes around the anchors, the few lines that the parser needs: a task table has hundreds that it does not."""

import re
from typing import List, Set, Tuple

#: Every kernel since 2.6.19 that killed or wanted to kill prints one of these.
KERNEL_ANCHORS = (b"Killed process ", b"oom-killer: gfp_mask=0x", b"oom-kill:constraint=CONSTRAINT_")
#: What begins a report.
HEAD = KERNEL_ANCHORS[1]
#: All killers, all eras, lines that stand alone. Short needles: half as fast again.
ALL_ANCHORS = (b"Kill", b"kill", b"ending SIG", b"not syncing: ", b"to the victim")

_NEAR = 3
_PREAMBLE = 3
_FOLLOW = 600
_KILLED_WHOLE = re.compile(rb"memory(?: \(oom_kill_allocating_task\))?: Killed process \d+ \(.*UID:\d+.* oom_score_adj:-?\d+\s*$", re.DOTALL)
_KILLED = re.compile(rb"Killed process (\d+)")
_SUMMARY_WHOLE = re.compile(rb",pid=\d+,uid=\d+\s*$")
_HEADER_WHOLE = re.compile(rb" invoked oom-killer: .*order=")
_INVOKER_WHOLE = re.compile(rb"[^\n]* PID: \d+ Comm: [^\n]*ainted")
_NOHANG_LINES = 48
#: Words of the other killers and of systemd; anything else with "kill" in it is noise.
_OTHERS = re.compile(
    rb"[Kk]ill process \d|killed by the OOM killer|oom-kill|oom-killer|sending SIG|OOM killed|no killable|due to memory "
    rb"|systemd-oomd killed|Killed \d+: |killer:|going to be killed|Killing process|killing process|not syncing: "
    rb"|Skip killing|OOM killer in rage"
)
_NOHANG = re.compile(rb"Send(?:ing)? SIG\w+")


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


def _find_lines(data: bytes, needle: bytes, low: int, high: int) -> List[int]:
    starts = []  # type: List[int]
    at = data.find(needle, low, high)
    while at >= 0:
        starts.append(data.rfind(b"\n", 0, at) + 1)
        at = data.find(needle, at + 1, high)
    return starts


def _around_kill(data: bytes, start: int, end: int, head: int) -> List[int]:
    """An old or broken record needs its neighbours, its cgroups and the victim's row in the table (uid, adjustment)."""
    found = _KILLED.search(data, start, end)
    lines = _before(data, start, _NEAR) + _after(data, end, _NEAR)
    low = max(0, head if head >= 0 else start - (256 << 10))
    for needle in (b"Task in /", b"] Task in /"):
        lines += _find_lines(data, needle, low, start)[-1:]
    if found:
        lines += _find_lines(data, b"%s] " % found.group(1), low, start)
        lines += _find_lines(data, b"tgid total_vm", low, start)[-1:]
    return lines


def lines_of_interest(data: bytes, hits: Tuple[int, ...], tables: bool = False) -> List[bytes]:
    """Raw lines in their order.

    data -- whole lines
    hits -- where anchors begin
    tables -- everything between a header and its kill as well
    """
    if tables:
        return data.split(b"\n")
    wanted = set()  # type: Set[int]
    head = -1
    done = -1
    for position, hit in enumerate(hits):
        if hit < done:
            continue  # several anchors on one line
        start, end = _line_at(data, hit)
        done = end
        line = data[start:end]
        if b"oom-killer: gfp_mask" in line or b"invoked oom-killer" in line:
            head = start
            wanted.add(start)
            if _INVOKER_WHOLE.match(data, end, end + 240) and _HEADER_WHOLE.search(line):
                wanted.add(end)  # the invoker's line follows at once since 5.0
            else:
                wanted.update(_after(data, end, 2 * _PREAMBLE))
            if b"order=-1" in line or not _HEADER_WHOLE.search(line):
                wanted.update(_before(data, start, _PREAMBLE))  # sysrq, or the first line of a name with a newline
        elif b"Killed process " in line:
            wanted.add(start)
            if _KILLED_WHOLE.search(line):
                if data.find(b"memory.oom.group", end, end + _FOLLOW) >= 0:
                    wanted.update(_after(data, end, 1))
            else:
                wanted.update(_around_kill(data, start, end, head))
        elif b"oom-kill:" in line:
            wanted.add(start)
            upcoming = hits[position + 1] if position + 1 < len(hits) else -1
            if not _SUMMARY_WHOLE.search(line):
                wanted.update(_after(data, end, 5))
            elif not end <= upcoming <= end + _FOLLOW:
                wanted.update(_after(data, end, _NEAR))  # "is already exiting. Skip killing"
        elif _OTHERS.search(line):
            wanted.add(start)
            wanted.update(_before(data, start, 1))
            wanted.update(_after(data, end, 1))
        if _NOHANG.search(line):  # it named its victim some lines before
            wanted.add(start)
            wanted.update(_before(data, start, _NOHANG_LINES))
    return [data[start : _line_at(data, start)[1]] for start in sorted(wanted)]
