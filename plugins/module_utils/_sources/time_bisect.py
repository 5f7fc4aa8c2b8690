# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a sorted log that lies between two times, found with some forty reads of 4 KB.

A log that does not prove to be sorted is read as a whole: slower, never wrong.
"""

from typing import Callable, List, NamedTuple, Optional, Tuple

#: epoch of the stamp that begins a line, None for a line without one
LineTime = Callable[[bytes], Optional[float]]
#: (size, offset) -> bytes of the file
Read = Callable[[int, int], bytes]

_PROBE = 4 << 10
_WIDE = 64 << 10
_SAMPLES = 32
#: a log server's hosts disagree by so much, and a busy syslogd delays lines by so much
_SLACK = 300.0
#: lines are not looked for more closely than this
_NEAR = 64 << 10


class Ends(NamedTuple):
    """Epoch of the first and last line that has a stamp."""

    first: Optional[float]
    last: Optional[float]


def first_time(data: bytes, line_time: LineTime, whole: bool = True) -> Optional[float]:
    """Of the first stamped line. whole -- data begin at the start of a line."""
    lines = data.split(b"\n", 201)
    for line in lines[0 if whole else 1 : 200]:
        time = line_time(line)
        if time is not None:
            return time
    return None


def last_time(data: bytes, line_time: LineTime, whole: bool = False) -> Optional[float]:
    """Of the last stamped line."""
    lines = data.rsplit(b"\n", 201)
    for line in reversed(lines[0 if whole and len(lines) < 202 else 1 :]):
        time = line_time(line)
        if time is not None:
            return time
    return None


def ends(read: Read, size: int, line_time: LineTime) -> Ends:
    """The reach of a plain file: its first and its last stamp, at the cost of two reads as a rule."""
    first = last = None  # type: Optional[float]
    for width in (_PROBE, _WIDE, 16 * _WIDE):  # the last for the NULs that a crash leaves behind
        if first is None:
            first = first_time(read(width, 0), line_time)
        if last is None:
            start = max(0, size - width)
            last = last_time(read(width, start).rstrip(b"\0"), line_time, start == 0)
        if size <= width:
            break
    return Ends(first, last)


def window(
    read: Read, size: int, since: Optional[float], until: Optional[float], line_time: LineTime
) -> Optional[Tuple[int, int]]:
    """(first byte, end) of a stretch that holds every line of the time window; None: not sorted, read everything.

    It begins and ends early and late by a few minutes and 64 KB. The first byte is in the middle of a line or before
    one.
    """
    if size <= 4 * _NEAR:
        return None
    step = size // _SAMPLES
    probes = []  # type: List[Tuple[int, float]]
    for number in range(_SAMPLES):
        time = _time_at(read, number * step, line_time)
        if time is None:
            return None
        probes.append((number * step, time))
    tail = max(0, size - _WIDE)
    last = last_time(read(_PROBE, size - _PROBE), line_time) or last_time(read(_WIDE, tail), line_time)
    if last is None:
        return None
    probes.append((size, last))
    start, end = 0, size
    if since is not None:
        start = _bisect(read, probes, since - _SLACK, line_time)
    if until is not None:
        end = _bisect(read, probes, until + _SLACK, line_time, upper=True)
    if any(later[1] < earlier[1] - _SLACK for earlier, later in zip(probes, probes[1:])):
        return None
    return max(0, start - _NEAR), min(size, max(end, start) + _NEAR)


def _time_at(read: Read, offset: int, line_time: LineTime) -> Optional[float]:
    """Of the first stamped line that begins behind offset; task tables and stack traces may have none for a while."""
    for width in (_PROBE, _WIDE):
        time = first_time(read(width, offset), line_time, offset == 0)
        if time is not None:
            return time
    return None


def _bisect(
    read: Read, probes: List[Tuple[int, float]], wanted: float, line_time: LineTime, upper: bool = False
) -> int:
    """An offset before (upper: behind) which no line of the window begins. What it reads is added to the probes."""
    low, high = 0, probes[-1][0]
    if probes[0][1] > wanted:
        return 0
    for offset, time in probes:
        if time < wanted or upper and time <= wanted:
            low = max(low, offset)
    for offset, _time in reversed(probes):
        if offset > low:
            high = offset
    while high - low > _NEAR:
        middle = (low + high) // 2
        time_there = _time_at(read, middle, line_time)
        if time_there is None:
            break
        probes.append((middle, time_there))
        if time_there < wanted or upper and time_there <= wanted:
            low = middle
        else:
            high = middle
    probes.sort()
    return high if upper else low
