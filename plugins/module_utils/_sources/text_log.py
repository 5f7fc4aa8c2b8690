# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a text log: its prefix off, its stamp, host, tag and kernel seconds known. Never trusted.

Anybody can write a perfect kernel line through the syslog socket, so only the journal and /dev/kmsg vouch.
"""

import re
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .model import QUOTED, LogLine
from .one_line import lines_of
from .prefix import Split, split

if TYPE_CHECKING:
    from .journal_origin import Origin
    from .journal_record import Record
    from .journal_text import Exported
    from .json_text import JsonLine, JsonText

#: Text stamp -> (epoch seconds or None, exact | year_inferred | unknown).
StampFunction = Callable[[str], Tuple[Optional[float], str]]

_REASON = "a text log: any user may have written to it"
_MAX_LINE = 16384

# dmesg --color=always, grep --color=always; journalctl colours the text alone
_COLOURS = regex(rb"\x1b\[[0-9;]{0,16}[mK]")
_COLOURED = regex(r"(?:\x1b\[[0-9;]{0,16}m){1,4}(?P<text>[^\x1b].*?)(?:\x1b\[[0-9;]{0,16}m){1,4}\s*$", re.DOTALL)
# rsyslog's and syslog-ng's prefix of the kernel's lines, and behind it a row of a task table: most of a report has the
# same before it.
_KERNEL_FRONT = regex(
    rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
    rb" \w[\w.-]{0,254} kernel: \["
)
_ROW = regex(rb" {0,11}(\d{1,12}\.\d{1,9})\] (\[ {0,9}\d{1,20}\] +[^#\n\r\x1b]{0,300}[\w)])$")
#: How JSON begins, and a record of an exported journal; "[" is dmesg's as well.
_STRUCTURED = b'{ \t"_\x1ed['
_LISTS = (b"[{", b'["', b"[", b"[\r", b"[[")


class TextLog:
    """Lines of one file become LogLines.

    source -- path as shown to people
    stamp -- the clock: text stamp -> (epoch seconds, quality)
    host -- of lines that name none, where it is known
    """

    def __init__(self, source: str, stamp: StampFunction, host: Optional[str] = None) -> None:
        self._source = source
        self._host = host
        self._stamp = stamp
        self._judge = None  # type: Optional["Origin"]
        self._exported = None  # type: Optional["Exported"]  # the record that is open
        self._json = None  # type: Optional["JsonText"]
        self._open = False  # a record or a document goes on
        self._front = b"\n"  # what the kernel's line before begins with, up to its seconds
        self._alike = LogLine("", source)  # that line

    def line(self, raw: bytes) -> LogLine:
        """One line that stands for itself."""
        return next(self.each((raw,)), None) or LogLine("", self._source)

    def each(self, raw_lines: Iterable[bytes]) -> Iterator[LogLine]:
        """The lines of raw lines in order; what is open at their end goes on in the next call, or comes with rest()."""
        for raw in raw_lines:
            if raw[:1] in _STRUCTURED or self._open or b" [s=" in raw:
                found = None if raw[:1] == b"[" and raw[:2] not in _LISTS and not self._open else self._structured(raw)
                if found is not None:
                    yield from found
                    continue
            if raw:
                several = raw.count(b"ill") > 1 or raw.count(b"ending SIG") > 1
                parts = lines_of(raw) if several else None
                if parts is None:
                    yield self._plain(raw)
                else:
                    yield from self._parts(parts)

    def _parts(self, parts: List[bytes]) -> Iterator[LogLine]:
        """Lines that were put on one. What one of them does not say of host and time, the one before it says."""
        before = None  # type: Optional[LogLine]
        for part in parts:
            line = self._plain(part)
            if before is not None and line.host is None and line.time is None and line.tag is None:
                uptime = before.uptime if line.uptime is None else line.uptime
                line = before._replace(text=line.text, uptime=uptime)
            before = line
            yield line

    def _plain(self, raw: bytes) -> LogLine:
        if raw.startswith(self._front):
            row = _ROW.match(raw, len(self._front))
            if row is not None:  # nothing in it could be read in another way
                one = self._alike
                text, uptime = to_text(row.group(2)), float(row.group(1))
                return LogLine(
                    text, self._source, one.host, one.tag, one.time, one.time_quality, uptime, None, False, _REASON
                )
        line = self._read(raw)
        if line.tag == "kernel" and line.uptime is not None:
            front = _KERNEL_FRONT.match(raw)
            if front is not None:
                self._front, self._alike = front.group(), line
        return line

    def _read(self, raw: bytes) -> LogLine:
        if raw[:1] in (
            b"\0",
            b"\xef",
        ):  # what a crash leaves behind; the mark that an editor puts before the first line
            raw = raw.lstrip(b"\0")
            raw = raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw
        if raw.lstrip(b" ").startswith(b"MESSAGE="):  # of an exported record whose beginning is lost
            raw = raw.lstrip(b" ")[len(b"MESSAGE=") :]
        coloured = b"\x1b[" in raw
        if coloured and (raw.startswith(b"\x1b[") or b"\x1b[K" in raw):  # else they may be a part of a name
            raw = _COLOURS.sub(b"", raw[:_MAX_LINE])
        parts = split(to_text(raw[:_MAX_LINE]).rstrip("\r\n\x00"))
        if parts.text[-1:] in "}]" and '{"' in parts.text:
            found = self._behind(parts)
            if found is not None:
                return found
        if coloured and parts.text.startswith("\x1b["):
            found_text = _COLOURED.match(parts.text)
            parts = parts if found_text is None else parts._replace(text=found_text.group("text"))
        time, quality = parts.epoch, "unknown" if parts.epoch is None else "exact"
        if parts.stamp is not None:
            time, quality = self._stamp(parts.stamp)
        host = parts.host
        if (
            host is None
            and self._host is not None
            and (time is not None or parts.tag is not None or parts.uptime is not None)
        ):
            host = self._host
        return LogLine(parts.text, self._source, host, parts.tag, time, quality, parts.uptime, None, False, _REASON)

    def _told(self, parts: Split) -> LogLine:
        """What _plain() makes of the parts; not called there, where every call counts."""
        time, quality = parts.epoch, "unknown" if parts.epoch is None else "exact"
        if parts.stamp is not None:
            time, quality = self._stamp(parts.stamp)
        host = parts.host
        if (
            host is None
            and self._host is not None
            and (time is not None or parts.tag is not None or parts.uptime is not None)
        ):
            host = self._host
        return LogLine(parts.text, self._source, host, parts.tag, time, quality, parts.uptime, None, False, _REASON)

    def _behind(self, parts: Split) -> Optional[LogLine]:
        """Stamp, tag, object: fluentd and Fluent Bit."""
        from .json_text import behind  # late: most logs hold none

        found = behind(parts)
        return self._shipped(found[0]) if found and not found[0].quoted else None

    # Records and documents that take several lines

    def _structured(self, raw: bytes) -> Optional[List[LogLine]]:
        """The lines that this one completes; None where it is of another log."""
        from .journal_text import Exported, begins

        found = []  # type: List[LogLine]
        if self._exported is not None:
            if self._exported.take(raw):
                return found
            found += self._completed()
            if not raw.strip():  # what ends a record
                return found
        if begins(raw):
            found += self._given_up()
            self._exported = Exported(raw)
            self._open = True
            return found
        inner = self._documents(raw)
        if inner is None:
            found += self._given_up()
            if not found:
                return None
            inner = [self._plain(raw)] if raw else []
        return found + inner

    def _documents(self, raw: bytes) -> Optional[List[LogLine]]:
        """The log's lines in a line of JSON."""
        if self._json is None:
            from .json_text import JsonText

            self._json = JsonText()
        inner = self._json.feed(raw)
        self._open = self._json.open
        if inner is None:
            return None
        return [self._shipped(one) for one in inner]

    def _shipped(self, one: "JsonLine") -> LogLine:
        told = self._told(one.parts._replace(tag=QUOTED) if one.quoted else one.parts)
        if one.record is None or not one.record.messages:
            return told
        line = self._recorded(one.record)
        line = line._replace(host=line.host or told.host)
        return line if line.time is not None else line._replace(time=told.time, time_quality=told.time_quality)

    def _recorded(self, record: "Record") -> LogLine:
        """The line of a journal's record."""
        if self._judge is None:
            from .journal_origin import Origin

            self._judge = Origin("an exported journal", doubt="an exported journal: any user may have written it")
        kernel = record.fields.get(b"_TRANSPORT") == b"kernel"
        make = self._judge.kernel_line if kernel else self._judge.other_line
        return make(record.fields, record.messages[0])._replace(source=self._source)

    def _completed(self) -> List[LogLine]:
        record = self._exported.record() if self._exported is not None else None
        self._exported = None
        self._open = False
        return [] if record is None or not record.messages else [self._recorded(record)]

    def _given_up(self) -> List[LogLine]:
        """What is open in a document that does not go on."""
        if self._json is None or not self._json.open:
            return []
        self._open = False
        return [self._shipped(one) for one in self._json.give_up()]

    def rest(self) -> Iterator[LogLine]:
        """What was still open at the end."""
        yield from self._completed()
        yield from self._given_up()

    def lines(self, data: bytes) -> Iterator[LogLine]:
        """Every line of a whole text."""
        from .utf16 import encoding_of

        encoding = encoding_of(data[:16])
        if encoding:
            data = data.decode(encoding, "replace").encode("utf-8", "replace")
        yield from self.each(data.split(b"\n"))
        yield from self.rest()
