# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a file's blocks are, and what btrfs needs: the flag that keeps it from moving them, and a commit.

SEEK_HOLE is no help: ext4 and xfs call blocks that are allocated but not yet written a hole. The map of the extents
does not.
"""

import errno
import fcntl
import os
import struct
from typing import NamedTuple, Optional

#: On these the two bits of the direction are numbered the other way round.
_OTHER_WAY = os.uname().machine.startswith(("ppc", "powerpc", "mips", "sparc", "alpha"))
_READ, _WRITE = (0x40000000, 0x80000000) if _OTHER_WAY else (0x80000000, 0x40000000)
_LONG = struct.calcsize("l") << 16
_GETFLAGS = _READ | _LONG | 0x6601
_SETFLAGS = _WRITE | _LONG | 0x6602
_FIEMAP = 0xC020660B
_NOCOW = 0x00800000
_COMPRESSION = 0x00000004 | 0x00000400
_IMMUTABLE = 0x00000010 | 0x00000020
_BTRFS_SYNC = (0x20000000 if _OTHER_WAY else 0) | 0x9408
_HEAD = struct.Struct("=QQLLLL")
#: The number of the call says long, and the kernel reads and writes an int: on s390x they differ.
_FLAGS = struct.Struct("=I4x")
_EXTENT = struct.Struct("=QQQQQLLLL")
_AT_ONCE = 128
_LAST, _SYNC = 0x1, 0x1
_UNKNOWN, _ENCODED = 0x2, 0x8


class Extents(NamedTuple):
    """first -- byte of the device where the file begins; covered -- bytes that have a place on it"""

    first: Optional[int]
    covered: int


def read_extents(fd: int, size: int) -> Optional[Extents]:
    """None where the file system does not tell."""
    position, covered, first = 0, 0, None
    while position < size:
        request = bytearray(_HEAD.size + _AT_ONCE * _EXTENT.size)
        _HEAD.pack_into(request, 0, position, size - position, _SYNC, 0, _AT_ONCE, 0)
        try:
            fcntl.ioctl(fd, _FIEMAP, request)
        except OSError as exc:
            if exc.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL):
                return None
            raise
        count = _HEAD.unpack_from(request, 0)[3]
        last = False
        for number in range(count):
            logical, physical, length, _r1, _r2, flags = _EXTENT.unpack_from(
                request, _HEAD.size + number * _EXTENT.size
            )[:6]
            if not flags & (_UNKNOWN | _ENCODED):
                covered += max(0, min(logical + length, size) - logical)
                first = physical if logical == 0 else first
            position = logical + length
            last = bool(flags & _LAST)
        if last or not count:
            break
    return Extents(first, covered)


def has_holes(fd: int, size: int) -> bool:
    found = read_extents(fd, size)
    return found.covered < size if found is not None else os.fstat(fd).st_blocks * 512 < size


def _flags(fd: int) -> int:
    return int(_FLAGS.unpack(fcntl.ioctl(fd, _GETFLAGS, _FLAGS.pack(0)))[0])


def stop_copy_on_write(fd: int) -> None:
    """NOCOW takes effect on an empty file only, and not at once with what a folder with chattr +c gave it."""
    flags = _flags(fd)
    if flags & _COMPRESSION:
        flags &= ~_COMPRESSION
        fcntl.ioctl(fd, _SETFLAGS, _FLAGS.pack(flags))
    fcntl.ioctl(fd, _SETFLAGS, _FLAGS.pack(flags | _NOCOW))


def immutable(fd: int) -> bool:
    """chattr +i or +a: not even root may change, rename or remove it."""
    try:
        return bool(_flags(fd) & _IMMUTABLE)
    except OSError:  # a file system without flags
        return False


def commit(fd: int) -> None:
    """All of a btrfs is on disk, without its log."""
    fcntl.ioctl(fd, _BTRFS_SYNC)
