# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressed logs as streams: told by their first bytes, never by name; bounded in output, ratio and time.

What comes before damage is kept: a decompressor that fails drops the output of that one call, so that stretch is
decompressed again in the smallest steps.
"""

import os
import sys
import time
from typing import Any, Callable, NamedTuple, Optional, Tuple

from .decompressor import Pipe
from .stream import Damage

_IN = 64 << 10
_OUT = 512 << 10
#: steps where a decompressor is about to fail; fewer bytes than this are lost before the damage
_FINE_OUT = 64
#: xz -9 needs 65 MiB to decompress; what asks for more was not made to rotate a log
_XZ_MEMORY = 80 << 20


class Caps(NamedTuple):
    """What a compressed file may cost.

    size -- bytes of output
    ratio -- of output to input, looked at when output is above `small`; logs reach 10 to 200, bombs 1,000 and more
    """

    size: int = 16 << 30
    ratio: int = 500
    small: int = 128 << 20


class Kind(NamedTuple):
    """A compression. program -- what reads it as ``program -dc`` where Python cannot."""

    name: str
    magic: bytes
    program: str


KINDS = (
    Kind("gzip", b"\x1f\x8b\x08", "gzip"),
    Kind("xz", b"\xfd7zXZ\x00", "xz"),
    Kind("bzip2", b"BZh", "bzip2"),
    Kind("zstd", b"\x28\xb5\x2f\xfd", "zstd"),
)

#: what is no text and not ours to read: (first bytes, what it is)
_FOREIGN = (
    (b"\x1f\x9d", "compressed with compress (.Z), which is not read"),
    (b"\x04\x22\x4d\x18", "compressed with lz4, which is not read"),
    (b"PK\x03\x04", "a zip archive, which is not read"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive, which is not read"),
    (b"LPKSHHRH", "a journal file: use journal_directory"),
)


def kind_of(head: bytes) -> Optional[Kind]:
    """The compression of a file that begins with these bytes (16 are enough), None for anything else."""
    for kind in KINDS:
        if head.startswith(kind.magic):
            if kind.name == "bzip2" and head[4:10] not in (b"1AY&SY", b"\x17rE8P\x90"):
                continue  # a text that begins with BZh
            return kind
    if len(head) >= 4 and 0x50 <= head[0] <= 0x5F and head[1:4] == b"\x2a\x4d\x18":
        return KINDS[3]  # zstd files may begin with a skippable frame (pzstd)
    return None


def unsupported_format(head: bytes) -> Optional[str]:
    """What a file is that begins with these bytes, where it is nothing we can read."""
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            return what
    return None


class _Zlib:
    """zlib's decompressor with the manners of those of bz2, lzma and zstd: it keeps what it was given."""

    def __init__(self, zlib: Any) -> None:
        self._stream = zlib.decompressobj(31)  # 31: gzip header and checksum
        self._rest = b""
        self.needs_input = True

    eof = property(lambda self: self._stream.eof)
    unused_data = property(lambda self: self._stream.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        stream = self._stream
        out = bytes(stream.decompress(self._rest + data if self._rest else data, max_length))
        self._rest = stream.unconsumed_tail
        # a full output may leave more in the window even when all input is taken
        self.needs_input = not stream.eof and not self._rest and len(out) < max_length
        return out


def decompressor(kind: Kind) -> Optional[Tuple[Callable[[], Any], Tuple[Any, ...]]]:
    """(makes one decompressor, the errors it raises), None where this Python was built without it."""
    try:
        if kind.name == "gzip":
            import zlib

            return lambda: _Zlib(zlib), (zlib.error,)
        if kind.name == "xz":
            import lzma

            return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY), (lzma.LZMAError, EOFError)
        if kind.name == "bzip2":
            import bz2

            return bz2.BZ2Decompressor, (OSError, ValueError, EOFError)
        from compression import zstd  # Python 3.14

        return zstd.ZstdDecompressor, (zstd.ZstdError, EOFError)
    except ImportError:
        return None


class _Failed(Exception):
    """The decompressor refused; the output of that call is lost."""


class Archive:
    """A compressed file as a stream of bytes. When fill() returns 0, `damage` says whether that was the end."""

    def __init__(self, fd: int, kind: Kind, caps: Caps = Caps(), deadline: Optional[float] = None) -> None:
        self.damage = None  # type: Optional[Damage]
        self.produced = 0
        self._fd, self._kind, self._caps, self._deadline = fd, kind, caps, deadline
        self._last_read = 0
        self._fine = sys.maxsize  # from here on the input is read byte by byte
        self._late = b""  # output that was saved from a failed call
        self._pipe = None  # type: Optional[Pipe]
        self._made = decompressor(kind)
        if self._made is None:
            self._pipe = Pipe(fd, kind.program, deadline)
        else:
            self._rewind()

    def fill(self, view: memoryview) -> int:
        """Up to len(view) bytes of output; 0 at the end or at damage."""
        if self._late:
            data, self._late = self._late[: len(view)], self._late[len(view) :]
        elif self.damage:
            return 0
        elif self._pipe:
            if self._over():
                return 0
            data, self.damage = self._pipe.read(len(view))
        else:
            data = self._decompressed(len(view))
        view[: len(data)] = data
        self.produced += len(data)
        return len(data)

    def close(self) -> None:
        if self._pipe:
            self._pipe.close()
            self._pipe = None

    def _over(self) -> bool:
        caps = self._caps
        if self.produced >= caps.size:
            self.damage = Damage("too_big", "more than %d bytes when decompressed" % caps.size)
        elif self.produced > caps.small and self.produced > caps.ratio * max(self._taken(), 1):
            self.damage = Damage("too_big", "expands more than %d times: no log does" % caps.ratio)
        elif self._deadline is not None and time.monotonic() > self._deadline:
            self.damage = Damage("timeout", "not read to its end in the time allowed")
        return self.damage is not None

    def _taken(self) -> int:
        try:
            return os.lseek(self._fd, 0, os.SEEK_CUR)  # the program behind a pipe shares our position
        except OSError:
            return 0

    # in process

    def _rewind(self) -> None:
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._stream = None  # type: Any
        self._input = b""
        self._members = 0

    def _decompressed(self, size: int) -> bytes:
        try:
            return self._step(min(size, _OUT))
        except _Failed as exc:
            damage = Damage("corrupt", str(exc))
        try:
            self._late = self._again(min(size, _OUT))
        except (_Failed, OSError):
            pass  # not twice the same: the file is being written to
        self.damage = damage
        data, self._late = self._late[:size], self._late[size:]
        return data

    def _step(self, size: int) -> bytes:
        """Output of 1 to size bytes, b"" at the end (damage says whether it was a good one)."""
        make, errors = self._made  # type: ignore[misc]
        while not self._over():
            if self._stream is None:
                if not self._next_member():
                    return b""
                self._stream = make()
            stream = self._stream
            data = b""
            if stream.needs_input:
                data = self._input or self._read()
                self._input = b""
                if not data:
                    self.damage = Damage("truncated", "the %s data end too early" % self._kind.name)
                    return b""
            try:
                out = stream.decompress(data, size)  # type: bytes
                if stream.eof:
                    self._input, self._stream = stream.unused_data, None
                    self._members += 1
            except errors as exc:
                raise _Failed("%s: %s" % (self._kind.name, exc))
            if out:
                return out
        return b""

    def _next_member(self) -> bool:
        """Is there one more? Files are often several compressed streams in a row, padded with NUL."""
        while True:
            if not self._members:
                return True
            self._input = self._input.lstrip(b"\0") or self._read()
            if not self._input:
                return False
            if self._input[0]:
                break
        while len(self._input) < 16:
            more = self._read()
            if not more:
                break
            self._input += more
        if kind_of(self._input) == self._kind:
            return True
        if not self._kind.magic.startswith(self._input[: len(self._kind.magic)]):
            self.damage = Damage("corrupt", "something that is not %s follows the end of the data" % self._kind.name)
        else:
            self.damage = Damage("truncated", "the %s data end too early" % self._kind.name)
        return False

    def _read(self) -> bytes:
        at = os.lseek(self._fd, 0, os.SEEK_CUR)
        if at >= self._fine:
            return os.read(self._fd, 1)
        self._last_read = at
        return os.read(self._fd, min(_IN, self._fine - at))

    def _again(self, size: int) -> bytes:
        """What the failed call had produced before it failed: the same way, and the last stretch in the
        smallest steps.
        """
        self._rewind()
        self._fine = self._last_read
        skip = self.produced
        while skip:
            got = len(self._step(min(skip, _OUT)))
            if not got:
                return b""
            skip -= got
        kept = bytearray()
        try:
            while len(kept) < size:
                data = self._step(_FINE_OUT)
                if not data:
                    break
                kept += data
        except _Failed:
            pass
        return bytes(kept)
