# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes, on whatever file system the tests run; the maps of ext4, xfs and btrfs are in tests/fault/swap_life.py."""

import errno
import os
import struct

import pytest

from ansible_collections.memops.linux.plugins.module_utils._swap_file import extents

M = 1 << 20


@pytest.fixture
def fd(tmp_path):
    number = os.open(str(tmp_path / "file"), os.O_RDWR | os.O_CREAT)
    yield number
    os.close(number)


def test_a_file_with_and_without_holes(fd):
    os.write(fd, b"x" * M)
    os.fsync(fd)
    assert not extents.has_holes(fd, M)
    os.ftruncate(fd, 2 * M)
    assert extents.has_holes(fd, 2 * M)


#: FIEMAP of 300 MiB on ext4, as in `filefrag -v`: a head that is written, the rest reserved; byte 64 KiB of the device
TWO = [(0, 65536, 4096, 0), (4096, 69632, 300 * M - 4096, 0x801)]
# (id, extents as (logical, physical, length, flags), size, first, covered)
MAPS = [
    ("whole", TWO, 300 * M, 65536, 300 * M),
    ("longer than the file", TWO, 299 * M, 65536, 299 * M),
    ("a hole at the start", TWO[1:], 300 * M, None, 300 * M - 4096),
    ("a hole in the middle", [(0, 65536, 4096, 0), (8192, 69632, 4096, 1)], 12288, 65536, 8192),
    ("compressed", [(0, 65536, 4096, 0x8), (4096, 69632, 4096, 0x1)], 8192, None, 4096),
    ("no place yet", [(0, 0, 4096, 0x7)], 4096, None, 0),
    ("empty", [], 4096, None, 0),
]


@pytest.mark.parametrize("rows, size, first, covered", [row[1:] for row in MAPS], ids=[row[0] for row in MAPS])
@pytest.mark.parametrize("at_once", [1, 128])
def test_maps(monkeypatch, rows, size, first, covered, at_once):
    """The kernel gives as many extents as there is room for, from the position that is asked."""

    def ioctl(fd, request, answer):
        start = struct.unpack_from("=Q", answer, 0)[0]
        given = [row for row in rows if row[0] + row[2] > start][:at_once]
        struct.pack_into("=L", answer, 20, len(given))
        for number, (logical, physical, length, flags) in enumerate(given):
            struct.pack_into("=QQQQQL", answer, 32 + 56 * number, logical, physical, length, 0, 0, flags)

    monkeypatch.setattr(extents.fcntl, "ioctl", ioctl)
    assert extents.read_extents(0, size) == extents.Extents(first, covered)


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOTTY])
def test_a_file_system_without_a_map_is_asked_for_blocks(monkeypatch, fd, number):
    def ioctl(fd, request, answer):
        raise OSError(number, "no")

    monkeypatch.setattr(extents.fcntl, "ioctl", ioctl)
    os.write(fd, b"x" * M)
    os.fsync(fd)
    assert extents.read_extents(fd, M) is None and not extents.has_holes(fd, M)
    os.ftruncate(fd, 2 * M)
    assert extents.has_holes(fd, 2 * M)


def test_an_error_of_the_disk_is_one(monkeypatch, fd):
    def ioctl(fd, request, answer):
        raise OSError(errno.EIO, "bad")

    monkeypatch.setattr(extents.fcntl, "ioctl", ioctl)
    with pytest.raises(OSError):
        extents.has_holes(fd, M)
