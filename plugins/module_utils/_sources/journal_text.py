# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal that somebody wrote into a text file with one field a line: journalctl -o verbose and -o export.

An export has binary fields: a field's name alone on a line, the value's length in eight bytes, the value, a newline.
Debian 13's ``_SELINUX_CONTEXT`` is one in every record of a service, because it ends in a newline.
"""

import struct
from typing import Dict, Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .journal_record import Record

#: A record has some 40 fields; what is longer is none.
_MAX_LINES = 512
_MAX_BYTES = 256 << 10

# "Wed 2026-11-22 20:06:24.123456 UTC [s=5b6d;i=3f1;b=0a1b;m=62e;t=60a;x=9c]": microseconds in hexadecimal
_VERBOSE = regex(
    rb"\S{2,16} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \S{1,6})? "
    rb"\[s=[0-9a-f]{1,32};i=[0-9a-f]{1,16};b=(?P<boot>[0-9a-f]{1,32});m=(?P<mono>[0-9a-f]{1,13});t="
    rb"(?P<real>[0-9a-f]{1,13});"
)
_VERBOSE_FIELD = regex(rb"    ([A-Z0-9_]{1,64})=(.*)$")
_FIELD = regex(rb"([A-Z0-9_]{1,64})=(.*)$")
_BINARY_NAME = regex(rb"[A-Z0-9_]{1,64}$")
_PRETTY_FIELD = regex(rb'\s{1,8}"[A-Z0-9_]{1,64}" : ')
_EXPORT_BEGIN = b"__CURSOR=s="
_LENGTH = struct.Struct("<Q")


def is_exported(head: bytes) -> bool:
    """Does a file begin so? head -- its first bytes"""
    lines = head.lstrip().split(b"\n")[:3]
    return begins(lines[0]) or any(_PRETTY_FIELD.match(line) for line in lines[1:])


def begins(raw: bytes) -> bool:
    """Does a record begin with this line?"""
    return raw.startswith(_EXPORT_BEGIN) or (b" [s=" in raw[:128] and _VERBOSE.match(raw) is not None)


class Exported:
    """One record: take() gets the lines behind its first; it is complete with the first line that it does not take."""

    def __init__(self, raw: bytes) -> None:
        self._fields = {}  # type: Dict[bytes, bytes]
        self._last = None  # type: Optional[bytes]
        self._field = _FIELD
        self._lines = 0
        self._bytes = 0
        self._binary = None  # type: Optional[bytes]  # the length and the value of a binary field, as far as it came
        verbose = _VERBOSE.match(raw)
        if verbose:
            self._field = _VERBOSE_FIELD
            self._fields = {
                b"__REALTIME_TIMESTAMP": b"%d" % int(verbose.group("real"), 16),
                b"__MONOTONIC_TIMESTAMP": b"%d" % int(verbose.group("mono"), 16),
                b"_BOOT_ID": verbose.group("boot"),
            }

    def take(self, raw: bytes) -> bool:
        """True while the line belongs to the record."""
        self._lines += 1
        self._bytes += len(raw)
        if self._lines > _MAX_LINES or self._bytes > _MAX_BYTES:
            return False
        if self._binary is not None:
            return self._take_binary(raw)
        if raw.startswith(_EXPORT_BEGIN):
            return False
        raw = raw.rstrip(b"\r")
        found = self._field.match(raw)
        if found and found.group(1) == b"MESSAGE" and b"MESSAGE" in self._fields:
            return False  # of another record, whose beginning is lost
        if found:
            self._last = found.group(1)
            self._fields[found.group(1)] = found.group(2)
            return True
        if self._field is _FIELD and _BINARY_NAME.match(raw):
            self._last, self._binary = raw, b""
            return True
        if self._field is _VERBOSE_FIELD and self._last is not None and raw.startswith(b"     "):
            self._fields[self._last] += b"\n" + raw.strip()
            return True
        return False

    def _take_binary(self, raw: bytes) -> bool:
        """The newlines at which the lines were split are part of the value, and of its length."""
        data = (self._binary or b"") + raw + b"\n"
        self._binary = data
        if len(data) < _LENGTH.size:
            return True
        length = _LENGTH.unpack_from(data)[0]
        if length > _MAX_BYTES:
            self._binary = None
            return False
        if len(data) > _LENGTH.size + length:
            if self._last is not None:
                self._fields[self._last] = data[_LENGTH.size : _LENGTH.size + length]
            self._binary = None
        return True

    def record(self) -> Record:
        """What has been taken; of a binary field that breaks off, what came."""
        if self._binary is not None and self._last is not None:
            self._fields[self._last] = self._binary[_LENGTH.size :].rstrip(b"\n")
        message = self._fields.get(b"MESSAGE")
        return Record(self._fields, () if message is None else (message,))
