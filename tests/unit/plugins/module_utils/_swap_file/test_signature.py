# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mkswap writes, for page sizes of other machines too."""

import shutil
import struct
import subprocess

import pytest

from ansible_collections.memops.linux.plugins.module_utils._swap_file.signature import (
    HEADER,
    Signature,
    page_size,
    parse_header,
    read_signature,
)


def header(page, mark=b"SWAPSPACE2", version=1, last_page=7):
    data = bytearray(HEADER)
    struct.pack_into("=III", data, 1024, version, last_page, 0)
    data[page - len(mark) if len(mark) == 10 else page - 10 : page] = mark.ljust(10, b"\0")
    return bytes(data)


# (id, bytes, page size of this machine, what it is)
HEADERS = [
    ("4 KiB", header(4096), 4096, Signature("swap", 4096, 1, 8 * 4096)),
    ("64 KiB here", header(65536), 65536, Signature("swap", 65536, 1, 8 * 65536)),
    ("64 KiB from an arm64 host", header(65536), 4096, Signature("swap", 65536, 1, 8 * 65536)),
    ("16 KiB", header(16384), 4096, Signature("swap", 16384, 1, 8 * 16384)),
    ("a kernel before 2.2", header(4096, mark=b"SWAP-SPACE", version=0), 4096, Signature("old swap", 4096, 0, 0)),
    ("hibernated", header(4096, mark=b"S1SUSPEND"), 4096, Signature("hibernation", 4096)),
    ("hibernated by user space", header(4096, mark=b"ULSUSPEND"), 4096, Signature("hibernation", 4096)),
    ("zeros", bytes(HEADER), 4096, None),
    ("a file that is too short", b"SWAPSPACE2", 4096, None),
    ("empty", b"", 4096, None),
    ("the word elsewhere", b"x" * 100 + b"SWAPSPACE2" + b"x" * 9000, 4096, None),
    ("a page and no more", header(4096)[:4096], 4096, Signature("swap", 4096, 1, 8 * 4096)),
]


@pytest.mark.parametrize("data, page, expected", [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS])
def test_header(data, page, expected):
    assert parse_header(data, page) == expected


@pytest.mark.skipif(shutil.which("mkswap") is None, reason="no mkswap here")
def test_what_mkswap_writes(tmp_path):
    path = tmp_path / "area"
    path.write_bytes(bytes(1 << 20))
    path.chmod(0o600)
    subprocess.check_call(["mkswap", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with path.open("rb") as handle:
        found = read_signature(handle.fileno())
    assert found == Signature("swap", page_size(), 1, 1 << 20, found.uuid)
    if shutil.which("blkid"):
        assert (
            subprocess.check_output(["blkid", "-p", "-s", "UUID", "-o", "value", str(path)]).decode().strip()
            == found.uuid
        )
