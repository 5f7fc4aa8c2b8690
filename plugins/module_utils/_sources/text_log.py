# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a text log: its prefix off, its stamp, host, tag and kernel seconds known. Never trusted.

Anybody can write a perfect kernel line through the syslog socket, so only the journal and /dev/kmsg vouch.
"""

import json
import re
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .model import LogLine
from .prefix import Split, split

if TYPE_CHECKING:
    from .exported import Exported
    from .journal_record import Record
    from .journal_trust import Judge

#: Text stamp -> (epoch seconds or None, exact | year_inferred | unknown).
StampFunction = Callable[[str], Tuple[Optional[float], str]]

_REASON = "a text log: anybody may have written it"
_MAX_LINE = 16384

# dmesg --color=always, grep --color=always; journalctl colours the text alone
_COLOURS = regex(rb"\x1b\[[0-9;]{0,16}[mK]")
_COLOURED = regex(r"(?:\x1b\[[0-9;]{0,16}m){1,4}(?P<text>[^\x1b].*?)(?:\x1b\[[0-9;]{0,16}m){1,4}\s*$", re.DOTALL)
# dmesg --json, one field a line
_DMESG_JSON_TIME = regex(rb'\s*"time": *(\d{1,12}\.\d{1,9}),')
_JSON_STRING = regex(rb'[ \t]{0,64}("[^"]{2,8192}"),?\s{0,4}$')
# Objects without these words are spared the decoding.
_OF_INTEREST = regex(rb'kernel|"(?:<\d{1,3}>)?\[ *\d|[Kk]ill|oom|emory|CPU: |Node \d|Tasks? in ')
_DMESG_JSON_TEXT = regex(rb'\s*"msg": (".*")\s*$')


class TextLog:
    """Lines of one file become LogLines.

    source -- path as shown to people
    stamp -- the clock: text stamp -> (epoch seconds, quality)
    """

    def __init__(self, source: str, stamp: StampFunction) -> None:
        self._source = source
        self._stamp = stamp
        self._judge = None  # type: Optional["Judge"]
        self._dmesg_seconds = None  # type: Optional[float]
        self._exported = None  # type: Optional["Exported"]
        self._done = None  # type: Optional[LogLine]  # of a record, not told yet

    def line(self, raw: bytes) -> LogLine:
        if self._exported is not None or b" [s=" in raw:
            found = self._export(raw)
            if found is not None:
                return found
        if raw[:1] in b'{ \t"_':
            found = self._export(raw) if raw[:2] in (b'\t"', b"__") else None
            if found is None and b'"' in raw:
                found = self._json(raw)
            if found is not None:
                return found
        if raw[:1] in (b"\0", b"\xef"):  # what a crash leaves behind; the mark that an editor puts before the first line
            raw = raw.lstrip(b"\0")
            raw = raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw
        coloured = b"\x1b[" in raw
        if coloured and (raw.startswith(b"\x1b[") or b"\x1b[K" in raw):  # else they may be a part of a name
            raw = _COLOURS.sub(b"", raw[:_MAX_LINE])
        parts = split(to_text(raw[:_MAX_LINE]).rstrip("\r\n\x00"))
        if parts.text[:2] == '{"' and (parts.stamp is not None or parts.tag is not None):
            parts = self._shipped(parts.text, parts) or parts  # fluentd: stamp, tag, object
        if coloured and parts.text.startswith("\x1b["):
            found_text = _COLOURED.match(parts.text)
            parts = parts if found_text is None else parts._replace(text=found_text.group("text"))
        time, quality = parts.epoch, "unknown" if parts.epoch is None else "exact"
        if parts.stamp is not None:
            time, quality = self._stamp(parts.stamp)
        return LogLine(parts.text, self._source, parts.host, parts.tag, time, quality, parts.uptime, None, False, _REASON)

    def _told(self, parts: Split) -> LogLine:
        """What line() makes of the parts; not called there, where every call counts."""
        time, quality = parts.epoch, "unknown" if parts.epoch is None else "exact"
        if parts.stamp is not None:
            time, quality = self._stamp(parts.stamp)
        return LogLine(parts.text, self._source, parts.host, parts.tag, time, quality, parts.uptime, None, False, _REASON)

    def _json(self, raw: bytes) -> Optional[LogLine]:
        """A line of ``journalctl -o json``, or the message in ``dmesg --json``, whose seconds stand two lines before."""
        if raw.startswith(b"{") and b'"MESSAGE"' in raw:
            from .journal_record import json_record  # late: most logs hold none

            record = json_record(raw)
            if record is None or not record.messages:
                parts = self._shipped(to_text(raw), None)
                return None if parts is None else self._told(parts)
            line = self._recorded(record)
            parts = self._shipped(to_text(raw), None) if line.time is None else None
            told = None if parts is None else self._told(parts)
            return line if told is None else line._replace(time=told.time, time_quality=told.time_quality)
        if raw.startswith(b"{"):
            if not _OF_INTEREST.search(raw):
                return None
            parts = self._shipped(to_text(raw[:_MAX_LINE]), None)
            return None if parts is None else self._told(parts)
        element = _JSON_STRING.match(raw)
        if element:
            return self._string(element.group(1))
        seconds = _DMESG_JSON_TIME.match(raw)
        if seconds:
            self._dmesg_seconds = float(seconds.group(1))
        message = _DMESG_JSON_TEXT.match(raw)
        if message is None:
            return None
        try:
            text = str(json.loads(to_text(message.group(1))))
        except ValueError:
            return None
        return LogLine(text, self._source, uptime=self._dmesg_seconds, reason=_REASON)

    def _string(self, quoted: bytes) -> Optional[LogLine]:
        """A whole line of a log as an element of a list: what Ansible shows as stdout_lines."""
        try:
            parts = split(str(json.loads(to_text(quoted))))
        except ValueError:
            return None
        return None if parts.tag is None and parts.uptime is None and parts.stamp is None else self._told(parts)

    def _recorded(self, record: "Record") -> LogLine:
        """The line of a journal's record."""
        if self._judge is None:
            from .journal_trust import Judge

            self._judge = Judge("an exported journal", doubt="an exported journal: anybody may have written it")
        kernel = record.fields.get(b"_TRANSPORT") == b"kernel"
        make = self._judge.kernel_line if kernel else self._judge.other_line
        return make(record.fields, record.messages[0])._replace(source=self._source)

    def _export(self, raw: bytes) -> Optional[LogLine]:
        """What a line of an exported journal completes, or nothing yet: an empty line; None where it is no such line."""
        exported = self._exported
        if exported is None:
            from .exported import Exported

            exported = Exported()
        elif exported.take(raw):
            return self._nothing_yet()
        else:
            self._done = self._complete() or self._done
            if exported.ended_by_its_own:
                return self._nothing_yet()
        if exported.begin(raw):
            self._exported = exported
            return self._nothing_yet()
        return None  # a line of another log: the record before it is told with the next line that tells nothing

    def _nothing_yet(self) -> LogLine:
        done, self._done = self._done, None
        return done or LogLine("", self._source)

    def _complete(self) -> Optional[LogLine]:
        record = self._exported.record() if self._exported is not None else None
        self._exported = None
        return None if record is None or not record.messages else self._recorded(record)

    def _shipped(self, text: str, outer: Optional[Split]) -> Optional[Split]:
        """The line that a shipper put into an object; None where nothing says that it is a log's line.

        outer -- what stands before the object
        """
        from .shipped import shipped  # late: most logs hold none

        found = shipped(text)
        if found is None:
            return None
        parts = split(found.text)
        kernel = found.kernel or (outer is not None and outer.tag == "kernel")
        if parts.tag is None and parts.uptime is None and parts.stamp is None and not kernel:
            return None
        stamp, epoch = (found.stamp, found.epoch) if outer is None or outer.stamp is None else (outer.stamp, None)
        if stamp is None and epoch is None:
            stamp = parts.stamp
        return parts._replace(tag=parts.tag or ("kernel" if kernel else None), host=parts.host or found.host, stamp=stamp, epoch=epoch)

    def rest(self) -> Iterator[LogLine]:
        """What was still open at the end."""
        for done in (self._done, self._complete()):
            if done is not None:
                yield done
        self._done = None

    def lines(self, data: bytes) -> Iterator[LogLine]:
        """Every line of whole lines."""
        return self._each(data.split(b"\n"))

    def _each(self, raw_lines: Iterable[bytes]) -> Iterator[LogLine]:
        for raw in raw_lines:
            if raw:
                yield self.line(raw)
        yield from self.rest()
