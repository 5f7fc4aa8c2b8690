# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal that somebody wrote into a text file with one field a line: journalctl -o verbose, json-pretty, export."""

from typing import Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .journal_record import Record, json_record

#: A record has some 40 fields; what is longer is none.
_MAX_LINES = 512
_MAX_BYTES = 256 << 10

# "Wed 2026-11-22 20:06:24.123456 UTC [s=5b6d;i=3f1;b=0a1b;m=62e;t=60a;x=9c]": microseconds in hexadecimal
_VERBOSE = regex(
    rb"\S{2,16} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \S{1,6})? "
    rb"\[s=[0-9a-f]{1,32};i=[0-9a-f]{1,16};b=(?P<boot>[0-9a-f]{1,32});m=(?P<mono>[0-9a-f]{1,13});t=(?P<real>[0-9a-f]{1,13});"
)
_VERBOSE_FIELD = regex(rb"    ([A-Z0-9_]{1,64})=(.*)$")
_FIELD = regex(rb"([A-Z0-9_]{1,64})=(.*)$")
_PRETTY_FIELD = regex(rb'\s{1,8}"[A-Z0-9_]{1,64}" : ')
_PRETTY_REST = regex(rb'\s{1,16}(?:"|\d|\]|null)')
_PRETTY_END = regex(rb"\s{0,8}\},?\s*$")
_EXPORT_BEGIN = b"__CURSOR=s="


def is_exported(head: bytes) -> bool:
    """Does a file begin so? head -- its first bytes"""
    lines = head.lstrip().split(b"\n")[:3]
    return bool(_VERBOSE.match(lines[0])) or lines[0].startswith(_EXPORT_BEGIN) or any(_PRETTY_FIELD.match(line) for line in lines[1:])


class Exported:
    """feed() takes raw lines in order; a record is complete with the line behind it."""

    def __init__(self) -> None:
        self.open = False
        self._pretty = []  # type: List[bytes]
        self._fields = {}  # type: Dict[bytes, bytes]
        self._last = None  # type: Optional[bytes]
        self._field = _FIELD
        self._lines = 0
        self._bytes = 0

    def begin(self, raw: bytes) -> bool:
        """Does a record begin with this line?"""
        self._pretty, self._fields, self._last, self._lines, self._bytes = [], {}, None, 0, 0
        verbose = _VERBOSE.match(raw)
        if verbose:
            self._field = _VERBOSE_FIELD
            self._fields = {
                b"__REALTIME_TIMESTAMP": b"%d" % int(verbose.group("real"), 16),
                b"__MONOTONIC_TIMESTAMP": b"%d" % int(verbose.group("mono"), 16),
                b"_BOOT_ID": verbose.group("boot"),
            }
        elif raw.startswith(_EXPORT_BEGIN):
            self._field = _FIELD
        elif _PRETTY_FIELD.match(raw):
            self._pretty = [raw]
        else:
            return False
        self.open = True
        return True

    def take(self, raw: bytes) -> bool:
        """True while the line belongs to the open record; else the record is complete: record()."""
        self._lines += 1
        self._bytes += len(raw)
        if self._lines > _MAX_LINES or self._bytes > _MAX_BYTES:
            return False
        if self._pretty:
            self._pretty.append(raw)
            return not _PRETTY_END.match(raw) and bool(_PRETTY_REST.match(raw))
        if raw.startswith(_EXPORT_BEGIN):
            return False
        found = self._field.match(raw.rstrip(b"\r\n"))
        if found:
            self._last = found.group(1)
            self._fields[found.group(1)] = found.group(2)
            return True
        if self._field is _VERBOSE_FIELD and self._last is not None and raw.startswith(b"     "):
            self._fields[self._last] += b"\n" + raw.strip()
            return True
        return False

    @property
    def ended_by_its_own(self) -> bool:
        """The line that completed it was its own."""
        return bool(self._pretty) and bool(_PRETTY_END.match(self._pretty[-1]))

    def record(self) -> Optional[Record]:
        """What has been taken; nothing is open then."""
        self.open = False
        if self._pretty:
            lines = [line for line in self._pretty if not _PRETTY_END.match(line)]
            return json_record(b"{" + b"".join(lines).rstrip().rstrip(b",") + b"}")
        message = self._fields.get(b"MESSAGE")
        return Record(self._fields, () if message is None else (message,))
