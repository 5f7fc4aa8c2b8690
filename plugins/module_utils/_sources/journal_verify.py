# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Would journalctl find this file's kernel records? With damage in the wrong place it finds none, says nothing and ends
with 0.

The way journalctl takes for ``_TRANSPORT=kernel`` is followed in the file: field, value, hash bucket, chain of entry
arrays, and each of the kernel's entries. One small read for each of them, where ``journalctl --verify`` reads the whole
file (3 s for 114 MB). The file's own count of its entries is held against the arrays that list them.
Format: systemd's JOURNAL_FILE_FORMAT; the objects looked at are older than systemd 219, compact mode is 252.
"""

import os
import struct
from typing import Iterator, NamedTuple, Optional, Tuple

_FIELD = b"_TRANSPORT"
_VALUE = b"_TRANSPORT=kernel"

_DATA, _FIELD_OBJECT, _ENTRY, _ENTRY_ARRAY = 1, 2, 3, 6
_COMPACT = 16

_HEADER = struct.Struct("<8s I I 72x 15Q")
_FIELD_HEAD = struct.Struct("<B 7x Q Q Q Q")
_DATA_HEAD = struct.Struct("<B 7x Q Q Q Q Q Q Q")
_ARRAY_HEAD = struct.Struct("<B 7x Q Q")
#: type, size, sequence number; then realtime, monotonic, boot id and hash, and the objects of its fields
_ENTRY_HEAD = struct.Struct("<B 7x Q Q")
_ENTRY_ITEMS = 64
_MAX_ENTRY = 16 << 10
_MAX_STEPS = 4096  # a chain longer than this is a loop
#: Entries of one file that are looked at one by one; of what is behind them the list is checked alone.
_MAX_ENTRIES = 200_000


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
        self.item = struct.Struct("<I" if self.compact else "<Q")
        self.data_table, self.data_table_size, self.field_table, self.field_table_size = values[5:9]
        self.entries, self.entry_array = values[11], values[14]
        self.large = False  # entries of more than 1,024 bytes have been met

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
                    return int(head)
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

    def arrays(self, offset: int, count: int) -> Iterator[Tuple[int, int]]:
        """The chain of arrays that lists so many entries: where the offsets of some of them begin, and how many they
        are.
        """
        left = count
        for _step in range(_MAX_STEPS):
            if left <= 0:
                return
            if not offset:
                break
            kind, size, following = _ARRAY_HEAD.unpack(self.read(offset, _ARRAY_HEAD.size))
            if kind != _ENTRY_ARRAY or size <= _ARRAY_HEAD.size:
                break
            used = min((size - _ARRAY_HEAD.size) // self.item.size, left)
            yield offset + _ARRAY_HEAD.size, used
            left -= used
            offset = following
        raise _Damage("the list of records breaks off, %d of %d are lost" % (left, count))

    def check_length(self) -> None:
        """Is there room in the file's own list for the entries that its header counts?"""
        for start, used in self.arrays(self.entry_array, self.entries):
            self.read(start + (used - 1) * self.item.size, self.item.size)

    def check_entries(self, value: int, first: int, offset: int, records: int) -> None:
        """The records of a value: the first, to which it points itself, and those that its arrays list."""
        self.check_entry(first, value, 0)
        number = 0
        looked_at = 1
        for start, used in self.arrays(offset, records - 1):
            wanted = min(used, _MAX_ENTRIES - looked_at)
            data = self.read(start, wanted * self.item.size) if wanted > 0 else b""
            for (entry,) in self.item.iter_unpack(data):
                number = self.check_entry(entry, value, number)
            looked_at += used

    def check_entry(self, offset: int, value: int, before: int) -> int:
        """Its number, which is higher than that of the entry before it: journalctl passes over what is not."""
        data = os.pread(self.fd, _MAX_ENTRY if self.large else 1024, offset)
        if len(data) < _ENTRY_ITEMS:
            raise _Damage("a record at byte %d lies behind its end" % offset)
        kind, size, number = _ENTRY_HEAD.unpack_from(data)
        if kind != _ENTRY or not _ENTRY_ITEMS < size <= _MAX_ENTRY:
            raise _Damage("no record at byte %d" % offset)
        if size > len(data) and not self.large:
            self.large = True
            return self.check_entry(offset, value, before)
        if self.item.pack(value) not in data[_ENTRY_ITEMS:size]:
            raise _Damage("the record at byte %d is not the kernel's" % offset)
        if number <= before:
            raise _Damage("the records are not in their order at byte %d" % offset)
        return int(number)


def check(path: str) -> Finding:
    """What the file says about its kernel records. A file that may not be read has nothing to say."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Finding()
    try:
        journal = _File(fd)
        journal.check_length()
        first = journal.field()
        value = journal.value(first) if first else None
        if value is None:
            return Finding(0)
        values = _DATA_HEAD.unpack(journal.read(value, _DATA_HEAD.size))
        journal.check_bucket(value, values[2])
        journal.check_entries(value, values[5], values[6], values[7])
        return Finding(values[7])
    except (_Damage, struct.error, OverflowError, OSError) as exc:
        return Finding(None, str(exc))
    finally:
        os.close(fd)
