# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records out of journalctl's output, piece by piece: the export format, and JSON where that is what comes.

Export is what we ask for: bytes as they are (no array of numbers for a name with ESC or 0xff, no null for a long
message), and a third of the CPU of ``-o json``.
"""

import json
import re
import struct
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

_FIELD = regex(rb"^([A-Z_0-9]+)=(.*)$", re.MULTILINE)
#: A field's name alone on a line: its value's length follows in eight bytes, because it holds a newline or is no text.
_BINARY = regex(rb"\n[A-Z_0-9]+\n")
_LENGTH = struct.Struct("<Q")
_MAX_RECORD = 32 << 20
#: Every record of the export format begins so; what journalctl prints where it has none ("-- No entries --") is no
#: record.
_BEGIN = b"__CURSOR="
_REMARK = regex(rb"(?:-- [^\n]{1,200} --\n\s*)+")
#: In every object of ``-o json``, whatever fields were asked for.
_STAMP = b"__REALTIME_TIMESTAMP"

Pairs = List[Tuple[bytes, bytes]]


class Record(NamedTuple):
    """Fields of one journal entry. A field that came twice has its last value; every MESSAGE is kept."""

    fields: Dict[bytes, bytes]
    messages: Tuple[bytes, ...]


class BrokenStream(Exception):
    """What came is neither export format nor JSON from here on."""


def _record(pairs: Pairs) -> Record:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        message = fields.get(b"MESSAGE")
        return Record(fields, () if message is None else (message,))
    return Record(fields, tuple(value for name, value in pairs if name == b"MESSAGE"))


def _walk(data: bytes, pos: int) -> Optional[Tuple[Pairs, int]]:
    """One record field by field, binary ones too; None when its end has not come yet."""
    pairs = []  # type: Pairs
    while True:
        end = data.find(b"\n", pos)
        if end < 0:
            return None
        if end == pos:
            return pairs, end + 1
        equals = data.find(b"=", pos, end)
        if equals >= 0:
            pairs.append((data[pos:equals], data[equals + 1 : end]))
            pos = end + 1
            continue
        if len(data) < end + 9:
            return None
        start = end + 9
        stop = start + _LENGTH.unpack_from(data, end + 1)[0]
        if stop - start > _MAX_RECORD:
            raise BrokenStream("a field of %d bytes" % (stop - start))
        if len(data) <= stop:
            return None
        if data[stop : stop + 1] != b"\n":
            raise BrokenStream("a binary field without its end")
        pairs.append((data[pos:end], data[start:stop]))
        pos = stop + 1


def text_record(piece: bytes) -> Record:
    """A record of text fields only, as Records.feed() hands them out."""
    return _record(_FIELD.findall(piece))


class _Export:
    def __init__(self) -> None:
        self._rest = b""
        self._broken = None  # type: Optional[BrokenStream]

    @property
    def rest(self) -> bytes:
        """What has not come to its end."""
        return self._rest

    def feed(self, chunk: bytes) -> Sequence[Union[bytes, Record]]:
        """An empty chunk is the end. What came before the stream broke is handed out first."""
        if self._broken is not None:
            raise self._broken
        records = []  # type: List[Union[bytes, Record]]
        try:
            self._decode(self._rest + chunk, not chunk, records)
        except BrokenStream as exc:
            if not records:
                raise
            self._broken = exc
        return records

    def _decode(self, data: bytes, at_end: bool, records: List[Union[bytes, Record]]) -> None:
        if len(data) > 2 * _MAX_RECORD:
            raise BrokenStream("a record of more than %d bytes" % _MAX_RECORD)
        pos = 0
        # Text has no NUL, the length of a binary field has several. Until all eight bytes of it are here,
        # it may end in two newlines that part nothing.
        settled = len(data) if at_end else len(data) - 8
        while True:
            nul = data.find(b"\0", pos)
            if nul < 0:
                break
            # Every record begins with __CURSOR=, so there is always a newline before a binary field's name.
            binary = _BINARY.search(data, pos)
            start = data.rfind(b"\n\n", pos, nul if binary is None else binary.start() + 1)
            if start >= 0:
                _take_texts(data[pos:start], records)
                pos = start + 2
            if binary is None:
                raise BrokenStream("a NUL in a text")
            walked = _walk(data, pos)
            if walked is None:
                self._rest = data[pos:]
                return
            pairs, pos = walked
            if pairs:
                records.append(_record(pairs))
        end = data.rfind(b"\n\n", pos, max(settled, pos))
        if end >= 0:
            _take_texts(data[pos:end], records)
            pos = end + 2
        self._rest = data[pos:]


def _take_texts(data: bytes, records: List[Union[bytes, Record]]) -> None:
    """Records of text fields only, each of which begins with its cursor."""
    pieces = data.split(b"\n\n")
    if data.startswith(_BEGIN) and data.count(b"\n\n" + _BEGIN) + 1 == len(pieces):
        records += pieces
        return
    for piece in pieces:
        if not piece.startswith(_BEGIN):
            raise BrokenStream("a record without its beginning")
        records.append(piece)


def _json_values(value: Any) -> Tuple[bytes, ...]:
    """The shapes journalctl has for a field: text, null, a list of byte values, a list of any of these."""
    if isinstance(value, str):
        return (value.encode("utf-8", "backslashreplace"),)
    if not isinstance(value, list) or not value:
        return ()
    if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        return (bytes(value),) if all(0 <= item <= 255 for item in value) else ()
    return tuple(part for item in value for part in _json_values(item))


def json_record(line: bytes) -> Optional[Record]:
    """A line of ``journalctl -o json``; None where it is no JSON object."""
    try:
        entry = json.loads(line.decode("utf-8", "backslashreplace"))
    except (ValueError, RecursionError):
        return None
    return record_of(entry) if isinstance(entry, dict) else None


def record_of(entry: Dict[str, Any], message: Optional[str] = None) -> Record:
    """An object of ``-o json``. message -- the text, where whoever passed it on has another name for it"""
    if message is not None and "MESSAGE" not in entry:
        entry = dict(entry, MESSAGE=message)
    pairs = [
        (name.encode("utf-8", "backslashreplace"), part)
        for name, value in entry.items()
        for part in _json_values(value)
    ]
    return _record(pairs)


class _Json:
    def __init__(self) -> None:
        self._rest = b""

    rest = b""

    def feed(self, chunk: bytes) -> Sequence[Union[bytes, Record]]:
        lines = (self._rest + (chunk or b"\n")).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _MAX_RECORD:
            raise BrokenStream("a line of more than %d bytes" % _MAX_RECORD)
        records = []  # type: List[Union[bytes, Record]]
        for line in lines:
            if line.strip():
                record = json_record(line)
                if record is None:
                    raise BrokenStream("a line that is not JSON")
                if _STAMP not in record.fields:
                    raise BrokenStream("an object that is not a journal record")
                records.append(record)
        return records


class Records:
    """Chunks in, records out; the first byte decides the format. Text records stay bytes: most are looked at
    and left.
    """

    def __init__(self) -> None:
        self._decoder = None  # type: Union[_Export, _Json, None]
        self._begin = b""

    @property
    def rest(self) -> bytes:
        """What came after the last record that is complete."""
        return self._begin if self._decoder is None else self._decoder.rest

    def feed(self, chunk: bytes) -> Sequence[Union[bytes, Record]]:
        if self._decoder is None:
            begin = (self._begin + chunk).lstrip()
            remark = _REMARK.match(begin)
            begin = begin[remark.end() :] if remark else begin
            if begin[:1] == b"{":
                self._decoder = _Json()
            elif begin[: len(_BEGIN)] == _BEGIN:
                self._decoder = _Export()
            elif len(begin) > 4096 or not (_BEGIN.startswith(begin) or begin.startswith(b"-")):
                raise BrokenStream("text that is not a journal record: %r" % begin[:60].decode("ascii", "replace"))
            else:
                self._begin = begin
                return ()
            chunk = begin
        return self._decoder.feed(chunk)

    def close(self) -> Sequence[Union[bytes, Record]]:
        """The last ones."""
        return self.feed(b"")
