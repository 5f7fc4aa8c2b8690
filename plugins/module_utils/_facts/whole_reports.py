# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of an excerpt are those of the kernel's reports, from the header to the kill: they say where the memory
was, and there are hundreds of them for each kill.
"""

from itertools import zip_longest
from typing import Iterator, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds.needles import ENDS
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

_HEAD = b" invoked oom-killer: "
_KILLED = b"Killed process "
#: A report of more bytes is not read whole: that many processes do not run where memory runs out.
MOST_BYTES = 2 << 20


# rsyslog and syslog-ng: a program with a pid, which the kernel has not. Not those that kill, speak of it, or hand on
# what the kernel says.
_OTHERS = regex(
    rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
    rb" [\w.-]{1,255} "
    rb"(?!kern|klog|systemd|earlyoom|nohang|oomd|talos|bustd|vmunix|dmesg|netconsole|printk|unknown|journal"
    rb"|logger)[\w./-]{1,128}\[\d{1,10}\]: "
)
#: What makes the parser look at such a line: the words of its net (unparsed.py), an object of JSON, an escape of
#: rsyslog's.
_TELLS = regex(rb"ill|SIG|oom|OOM|action|ermina|Path|\{\"|#")


def kept_lines(data: bytes, begin: int, end: int) -> Iterator[Tuple[int, bytes]]:
    """The lines there, each with where it begins, without those of programs that have nothing to do with it: in a storm
    most are theirs.

    A line stays where the next one does not begin as it does: that may be its rest, and would become another's.
    """
    lines = data[begin:end].split(b"\n")
    for line, after in zip_longest(lines, lines[1:], fillvalue=b""):
        if after[:3] != line[:3] or _OTHERS.match(line) is None or _TELLS.search(line) is not None:
            yield begin, line
        begin += len(line) + 1


class Reports:
    """Numbers the reports of one file. One that is cut goes on in the next excerpt under the same number."""

    def __init__(self) -> None:
        self._number = 0
        self._open = 0  # how many bytes of a report without its end have come

    def cut_off(self) -> None:
        """The next excerpt does not go on where this one ends."""
        self._open = 0

    def spans(self, data: bytes, low: int) -> Iterator[Tuple[int, int, int]]:
        """Where each begins and ends, and its number; none from before low."""
        at = low
        if self._open:
            end, closed = _end_of_report(data, low, low)
            self._open = 0 if closed or self._open > MOST_BYTES else self._open + end - low
            yield low, end, self._number
            at = end
        head = data.find(_HEAD, at)
        while head >= 0:
            begin = max(low, data.rfind(b"\n", 0, head) + 1)
            end, closed = _end_of_report(data, begin, head + len(_HEAD))
            self._number += 1
            self._open = 0 if closed else end - begin
            yield begin, end, self._number
            head = data.find(_HEAD, max(end, head + 1))


def _end_of_report(data: bytes, begin: int, behind: int) -> Tuple[int, bool]:
    """Behind the line of its kill, or before the next report; the end of the data where there is neither, and False."""
    high = min(len(data), begin + MOST_BYTES)
    at = _first(data, _KILLED, behind, high)  # near, in most; so the others need not be looked for far away
    next_head = data.find(_HEAD, behind, at)
    if next_head >= 0:
        at = high = data.rfind(b"\n", 0, next_head) + 1
    for end in ENDS:
        at = _first(data, end, behind, at)
    if at == high:
        return high, high < len(data)
    newline = data.find(b"\n", at)
    return (len(data) if newline < 0 else newline + 1), True


def _first(data: bytes, end: bytes, low: int, high: int) -> int:
    """Where that is said first, and not quoted by a program or the name of a process; high where it is not."""
    at = data.find(end, low, high)
    while at >= 0:
        named = end == _KILLED and not data[at + len(end) : at + len(end) + 1].isdigit()  # a name has 15 bytes
        if not named and _OTHERS.match(data, data.rfind(b"\n", 0, at) + 1) is None:
            return at
        at = data.find(end, at + 1, high)
    return high
