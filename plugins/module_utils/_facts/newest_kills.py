# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A storm of kills in one file: only the newest are parsed, the others are counted by the line.

Parsing 100,000 reports to throw all but 1,000 away would cost more than reading the file.
"""

import re
from collections import deque
from typing import Deque, Dict, Iterator, List, Match, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import unit_of
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .line_filter import ENDS, SHORT, lines_of_interest, rest_of
from .totals import Totals

_ANCHOR = (b" Killed process ", b"Killed process ")
_SUMMARY = b"oom-kill:constraint="
#: What is kept of a file before it is cut down to the lines of interest.
_RAW_BYTES = 12 << 20
#: What is parsed whole of the newest, to tell where the memory was.
_WHOLE_BYTES = 512 << 10
_RECENT = 64
_BATCH = 64
_MAX_ALIKE = 4096
_COUNTED = regex(
    rb"(?:<\d+>)?(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ kernel: (?:\[ *\d+\.\d+\]"
    rb" ?)?(?:\[ *[TC]\d+\] ?)?"
    rb"(?:(?:Out of memory|Memory cgroup out of memory)(?: \(oom_kill_allocating_task\))?: )?"
    rb"Killed process (?P<pid>\d+)(?:, UID \d+,)? \((?P<comm>[^\n]*)\),? (?:UID \d+, )?total-vm:"
)
_TASK = regex(rb",pid=\d+,uid=\d+\s*$")
_MEMCG = b",task_memcg="


def _line_end(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end + 1


def _kills_in(data: bytes, hits: Tuple[int, ...]) -> int:
    """How many lines with a kill: a line may quote a thousand and is one at most."""
    found = [hit for hit in hits if data.startswith(_ANCHOR, hit)]
    if len(found) < 2:
        return len(found)
    return 1 + sum(1 for earlier, hit in zip(found, found[1:]) if data.find(b"\n", earlier, hit) >= 0)


class _Held(NamedTuple):
    """An excerpt that waits: its bytes, or its lines of interest once there are too many bytes."""

    data: bytes
    hits: Tuple[int, ...]
    lines: Optional[List[bytes]]
    kills: int


class Newest:
    """Holds the excerpts of one file with at least the newest `keep` kills; counts the kills before them."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._inbox = []  # type: List[Tuple[bytes, Tuple[int, ...]]]
        self._held = deque()  # type: Deque[_Held]
        self._kills = 0
        self._raw = 0
        self._cut = 0  # how many from the left are cut down already
        self._recent = {}  # type: Dict[bytes, None]
        self._counted = {}  # type: Dict[Tuple[bytes, bytes], int]  # by name and cgroup
        self._last = None  # type: Optional[Match[bytes]]
        self.totals = Totals()
        self.stamps = []  # type: List[str]
        self.odd = []  # type: List[bytes]  # lines that the short way could not read, for the parser

    def add(self, data: bytes, hits: Tuple[int, ...]) -> None:
        self._inbox.append((data, hits))
        self._raw += len(data)
        if len(self._inbox) >= _BATCH or self._raw > _RAW_BYTES:
            self._settle()

    def _settle(self) -> None:
        """What came in since the last time: in one go, which is faster than between two reads of the file."""
        for data, hits in self._inbox:
            kills = _kills_in(data, hits)
            self._held.append(_Held(data, hits, None, kills))
            self._kills += kills
        self._inbox = []
        while self._held and self._kills - self._held[0].kills >= self._keep:
            oldest = self._held.popleft()
            self._kills -= oldest.kills
            self._cut = max(0, self._cut - 1)
            if oldest.lines is None:
                self._raw -= len(oldest.data)
                self._count(oldest.data, oldest.hits)
            else:
                self._count_lines(oldest.lines)
        while self._raw > _RAW_BYTES and self._cut < len(self._held):
            held = self._held[self._cut]
            self._held[self._cut] = _Held(b"", (), lines_of_interest(held.data, held.hits), held.kills)
            self._raw -= len(held.data)
            self._cut += 1

    def take_odd(self) -> Iterator[bytes]:
        """Raw lines that the short way could not read, once: in some formats that is every kill."""
        odd, self.odd = self.odd, []
        for record in odd:
            yield from record.split(b"\n")  # a name with a newline tears a record

    def lines(self) -> Iterator[bytes]:
        """Raw lines of what is held, the oldest first, behind odd ones that were not taken."""
        self._settle()
        yield from self.take_odd()
        room = _WHOLE_BYTES - sum(len(held.data) for held in self._held)
        while self._held:
            held = self._held.popleft()
            room += len(held.data)
            if held.lines is None:
                yield from lines_of_interest(held.data, held.hits, tables=room >= len(held.data))
            else:
                yield from held.lines

    def _count_lines(self, lines: List[bytes]) -> None:
        data = b"".join(lines)
        hits = tuple(
            match.start() for match in re.finditer(rb"Killed process |oom-kill:constraint|" + rb"|".join(ENDS), data)
        )
        self._count(data, hits)

    def _count(self, data: bytes, hits: Tuple[int, ...]) -> None:
        announced = b""  # the summary of a kill whose line has not come yet
        done = 0  # the end of the last line
        for hit in hits:
            if hit < done:
                continue
            if data.startswith(_SUMMARY, hit):
                if announced:
                    self.odd.append(announced)  # announced, and no kill line came
                start = data.rfind(b"\n", done, hit) + 1 or done
                done = _line_end(data, hit)
                whole = _TASK.match(data, data.rfind(b",pid=", hit, done), done)
                whole = whole if done - data.find(b",task=", hit, done) > SHORT else None
                announced = data[start:done] + (b"" if whole else rest_of(data, done, b",pid="))
            elif data.startswith(_ANCHOR, hit):
                start = data.rfind(b"\n", done, hit) + 1 or done
                done = _line_end(data, hit)
                kill = _COUNTED.match(data, start)
                if kill is None or b"#" in kill.group("comm"):  # #012: rsyslog's escape of a control character
                    record = data[start:done] + (
                        b"" if data.find(b"total-vm:", hit, done) >= 0 else rest_of(data, done, b"total-vm:")
                    )
                    self.odd += [announced, record] if announced else [record]
                else:
                    self._count_kill(kill, announced)
                announced = b""
            elif data.startswith(ENDS, hit):
                start = data.rfind(b"\n", done, hit) + 1 or done
                done = _line_end(data, hit)
                self.odd.append(data[start:done])
        if announced:
            self.odd.append(announced)

    def _count_kill(self, kill: Match[bytes], announced: bytes) -> None:
        pid = kill.group("pid")
        if pid in self._recent:
            return  # a member of a group is printed again
        self._recent[pid] = None
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
        at = announced.find(_MEMCG)
        memcg = announced[at + len(_MEMCG) : announced.rfind(b",task=")] if at >= 0 else b""
        alike = (kill.group("comm"), memcg)
        self._counted[alike] = self._counted.get(alike, 0) + 1
        if len(self._counted) > _MAX_ALIKE:
            self._add_up()
        if not self.stamps:
            self.stamps.append(to_text(kill.group("stamp")))
        self._last = kill

    def _add_up(self) -> None:
        for (comm, memcg), count in self._counted.items():
            self.totals.count(to_text(comm), unit_of(to_text(memcg)) if memcg.startswith(b"/") else None, count)
        self._counted.clear()

    def finish(self) -> Totals:
        """The kills that were counted, once everything is in."""
        self._add_up()
        if self._last is not None:
            self.stamps[1:] = [to_text(self._last.group("stamp"))]
            self._last = None
        return self.totals
