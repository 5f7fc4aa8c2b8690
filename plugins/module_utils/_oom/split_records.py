# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A newline in a process's name tears the record: a syslog daemon writes each part as a line with a prefix of its own.

Lines of others may come between, and whoever may write to the log may write something that looks like the rest. So
every rest that fits is told: a forged one makes a kill more, which is not trusted, and never takes the place of the
kernel's.
"""

from itertools import combinations
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .records import NAME, is_bare, is_certain, is_name, matched, name_in, opens

#: Lines of one host and program among which the rest is looked for, and how many of them may be parts of a name.
_MAX_HELD = 16
_MAX_FRAGMENTS = 5
#: Records that are open at once in one stream, and streams with an open record.
_MAX_OPEN = 4
_MAX_STREAMS = 256
#: How many ways one record is put together. The kernel's take fewer than ten; whoever writes more is after our time.
_MAX_READINGS = 64
#: The kernel's records end at 2 KiB.
_MAX_REST = 2048
#: A syslog daemon stamps the parts one by one, microseconds apart as a rule.
_SPAN = 1.0
# A line without one of these ends no record.
_ENDS = regex(r"[^\n]*(?:\)|pid=\d|ainted|VmRSS|order=)")
#: A whole record and the lines behind its first one that are part of it.
Reading = Tuple[LogLine, List[LogLine]]


def _as_rest(first: LogLine, other: LogLine) -> LogLine:
    """In a log without kernel seconds, what looks like them is part of a name."""
    if other.uptime is None or first.uptime is not None or first.time is None:
        return other
    return other._replace(uptime=None, text="[%r] %s" % (other.uptime, other.text))


def _same_record(first: LogLine, other: LogLine) -> bool:
    if first.uptime is not None or other.uptime is not None:
        return first.uptime == other.uptime
    if first.tag is not None and first.time is not None and other.time is not None:
        return abs(other.time - first.time) <= _SPAN
    return first.time == other.time


class _Record:
    """A record of which the first line is known.

    left -- how many more lines are looked at
    told -- a rest was found; another one would be another reading
    guess -- a reading in which the rest may be a part of the name
    """

    def __init__(self, first: LogLine) -> None:
        self.first = first
        self.left = _MAX_HELD
        self.told = False
        self.guess = None  # type: Optional[Reading]
        self._fragments = []  # type: List[LogLine]
        self._budget = _MAX_READINGS

    def take(self, line: LogLine, name: Optional[str]) -> Optional[Reading]:
        """The whole record, if this line is its end.

        name -- what the name should be; else it is as long as it can be
        """
        if opens(line.text) and matched(line.text):
            return None  # a whole record of its own, nobody's rest
        rest = _as_rest(self.first, line)
        if not _same_record(self.first, rest):
            return None
        found = None  # type: Optional[Reading]
        if len(rest.text) <= _MAX_REST and _ENDS.match(rest.text):
            for one in self._readings(rest):
                if found is None or name_in(one[0].text) == name:
                    found = one
                if name is None or name_in(found[0].text) == name:
                    break
        if len(rest.text) < NAME and len(self._fragments) < _MAX_FRAGMENTS:
            self._fragments.append(rest)
        return found

    def _readings(self, rest: LogLine) -> Iterator[Reading]:
        """What the record may be, the longest name first."""
        for count in range(len(self._fragments), -1, -1):
            for between in combinations(self._fragments, count):
                if not is_name("\n".join([one.text for one in between])):
                    continue
                if self._budget <= 0:
                    return
                self._budget -= 1
                text = "\n".join([self.first.text] + [one.text for one in between] + [rest.text])
                if matched(text) > len(text) - len(rest.text) and is_name(name_in(text)):
                    yield self.first._replace(text=text), [*between, rest]


class _Stream:
    """The lines of one host and program. They are held back while a record among them has no end."""

    def __init__(self) -> None:
        self._held = []  # type: List[LogLine]
        self._records = []  # type: List[_Record]
        self._name = None  # type: Optional[str]  # of the process that was announced

    def feed(self, line: LogLine, begins: bool) -> List[LogLine]:
        """What need not wait any longer."""
        rest = False
        for record in self._records:
            record.left -= 1
            found = record.take(line, self._name)
            if found is not None and is_certain(found[0].text):
                rest = True
                self._put(record, found)
            elif record.guess is None:
                record.guess = found
        if not rest:
            self._held.append(line)
            if len(line.text) > NAME and opens(line.text):  # the next record: what was told before has its end
                self._records = [record for record in self._records if not record.told]
            if begins:
                self._records = self._records[1 - _MAX_OPEN :] + [_Record(line)]
        return self._settle()

    def _settle(self) -> List[LogLine]:
        for record in self._records:
            if not record.left and not record.told and record.guess is not None:
                self._put(record, record.guess)
        self._records = [record for record in self._records if record.left]
        waiting = [record.first for record in self._records if not record.told]
        # One that was taken for a part of another is no longer held.
        at = next((at for at, one in enumerate(self._held) if any(one is first for first in waiting)), len(self._held))
        held, self._held = self._held[:at], self._held[at:]
        return held

    def _put(self, record: _Record, reading: Reading) -> None:
        whole, parts = reading
        if record.told:
            self._held.append(whole)
            return
        record.told = True
        if "Killed process" not in record.first.text:
            self._name = name_in(whole.text)
        self._held = [
            whole if one is record.first else one for one in self._held if not any(one is part for part in parts)
        ]

    def finish(self) -> List[LogLine]:
        """No more lines come."""
        for record in self._records:
            record.left = 0
        return self._settle()

    @property
    def open(self) -> bool:
        return bool(self._records)


def mend(lines: Iterable[Tuple[LogLine, bool]]) -> Iterator[LogLine]:
    """Lines with torn records made whole; everything else as it came.

    lines -- each with whether it begins a record that is not finished
    """
    streams = {}  # type: Dict[Tuple[object, ...], _Stream]
    last = kernel = ()  # type: Tuple[object, ...]
    for line, begins in lines:
        if not streams and not begins:
            yield line
            continue
        if not is_bare(line):
            # What has no tag is the kernel's, too, where it looks so: one stream keeps the order of its lines.
            last = (line.host, line.tag or "kernel", line.trusted, line.boot_id)
            kernel = last if line.tag in (None, "kernel") else kernel
        # The rest of a wrapped line stays behind the line before it.
        key = kernel if is_bare(line) and last not in streams else last
        stream = streams.get(key)
        if stream is None:
            if not begins:
                yield line
                continue
            stream = streams[key] = _Stream()
            if len(streams) > _MAX_STREAMS:
                yield from streams.pop(list(streams)[0]).finish()
        yield from stream.feed(line, begins)
        if not stream.open:
            del streams[key]
    for stream in streams.values():
        yield from stream.finish()
