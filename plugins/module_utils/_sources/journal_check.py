# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Would journalctl find this file's kernel records? With damage in the wrong place it finds none, says nothing and ends with 0.

The way journalctl takes for ``_TRANSPORT=kernel`` is followed in the file: field, value, hash bucket, chain of entry arrays.
A few dozen small reads a file, where ``journalctl --verify`` reads all of it (3 s for 114 MB).
Format: systemd's JOURNAL_FILE_FORMAT; the objects looked at are older than systemd 219, compact mode is 252.
"""

import os
import struct
from typing import NamedTuple, Optional

_FIELD = b"_TRANSPORT"
_VALUE = b"_TRANSPORT=kernel"

_DATA, _FIELD_OBJECT, _ENTRY, _ENTRY_ARRAY = 1, 2, 3, 6
_COMPACT = 16

_HEADER = struct.Struct("<8s I I 72x 15Q")
_OBJECT = struct.Struct("<B 7x Q")
_FIELD_HEAD = struct.Struct("<B 7x Q Q Q Q")
_DATA_HEAD = struct.Struct("<B 7x Q Q Q Q Q Q Q")
_ARRAY_HEAD = struct.Struct("<B 7x Q Q")
_MAX_STEPS = 4096  # a chain longer than this is a loop


class Finding(NamedTuple):
    """records -- kernel records the file says it has; damage -- why journalctl would not reach them all"""

    records: Optional[int] = None
    damage: Optional[str] = None


class _Damage(Exception):
    """The file does not hold together."""


class _File:
    def __init__(self, fd: int) -> None:
        self.fd = fd
        data = self.read(0, _HEADER.size)
        values = _HEADER.unpack(data)
        if values[0] != b"LPKSHHRH":
            raise _Damage("no journal header")
        self.compact = bool(values[2] & _COMPACT)
        self.data_table, self.data_table_size, self.field_table, self.field_table_size = values[5:9]

    def read(self, offset: int, size: int) -> bytes:
        data = os.pread(self.fd, size, offset)
        if len(data) < size:
            raise _Damage("it ends before byte %d" % (offset + size))
        return data

    def payload(self, offset: int, head: struct.Struct, size: int, wanted: bytes, extra: int = 0) -> bool:
        """Does the object at offset carry exactly these bytes?"""
        start = head.size + extra
        return size == start + len(wanted) and self.read(offset + start, len(wanted)) == wanted

    def field(self) -> Optional[int]:
        """First value of the field _TRANSPORT."""
        table = self.read(self.field_table, min(self.field_table_size, 1 << 20))
        for offset, _tail in struct.iter_unpack("<QQ", table[: len(table) // 16 * 16]):
            for _step in range(_MAX_STEPS):
                if not offset:
                    break
                kind, size, _hash, following, head = _FIELD_HEAD.unpack(self.read(offset, _FIELD_HEAD.size))
                if kind != _FIELD_OBJECT:
                    raise _Damage("no field at byte %d" % offset)
                if self.payload(offset, _FIELD_HEAD, size, _FIELD):
                    return head
                offset = following
        return None

    def value(self, offset: int) -> Optional[int]:
        """The data object _TRANSPORT=kernel."""
        for _step in range(_MAX_STEPS):
            if not offset:
                return None
            values = _DATA_HEAD.unpack(self.read(offset, _DATA_HEAD.size))
            if values[0] != _DATA:
                raise _Damage("no data at byte %d" % offset)
            if self.payload(offset, _DATA_HEAD, values[1], _VALUE, 8 if self.compact else 0):
                return offset
            offset = values[4]
        raise _Damage("the values of a field make a loop")

    def check_bucket(self, value: int, value_hash: int) -> None:
        """journalctl comes through the hash table: is the value in its bucket?"""
        buckets = self.data_table_size // 16
        if not buckets:
            raise _Damage("no hash table")
        offset = struct.unpack("<Q", self.read(self.data_table + 16 * (value_hash % buckets), 8))[0]
        for _step in range(_MAX_STEPS):
            if offset == value:
                return
            if not offset:
                break
            values = _DATA_HEAD.unpack(self.read(offset, _DATA_HEAD.size))
            if values[0] != _DATA:
                break
            offset = values[3]
        raise _Damage("the hash table has lost the kernel's records")

    def check_arrays(self, offset: int, records: int) -> None:
        """The chain of arrays must have room for all records but the first, which the value itself points to."""
        left = records - 1
        item = 4 if self.compact else 8
        for _step in range(_MAX_STEPS):
            if left <= 0:
                return
            if not offset:
                break
            kind, size, following = _ARRAY_HEAD.unpack(self.read(offset, _ARRAY_HEAD.size))
            if kind != _ENTRY_ARRAY or size <= _ARRAY_HEAD.size:
                break
            room = min((size - _ARRAY_HEAD.size) // item, left)
            for index in (0, room - 1):
                data = self.read(offset + _ARRAY_HEAD.size + index * item, item)
                entry = struct.unpack("<I" if self.compact else "<Q", data)[0]
                if _OBJECT.unpack(self.read(entry, _OBJECT.size))[0] != _ENTRY:
                    raise _Damage("no record at byte %d" % entry)
            left -= room
            offset = following
        raise _Damage("the list of the kernel's records breaks off, %d of %d are lost" % (left, records))


def check(path: str) -> Finding:
    """What the file says about its kernel records. A file that may not be read has nothing to say."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Finding()
    try:
        journal = _File(fd)
        first = journal.field()
        value = journal.value(first) if first else None
        if value is None:
            return Finding(0)
        values = _DATA_HEAD.unpack(journal.read(value, _DATA_HEAD.size))
        journal.check_bucket(value, values[2])
        journal.check_arrays(values[6], values[7])
        return Finding(values[7])
    except (_Damage, struct.error, OverflowError, OSError) as exc:
        return Finding(None, str(exc))
    finally:
        os.close(fd)
