# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mkswap wrote: the last ten bytes of the first page, and the size that is recorded in it."""

import os
import struct
import uuid
from typing import NamedTuple, Optional

#: The first is ours. 64 KiB pages (arm64, ppc64) put the mark elsewhere, and a file may come from another machine.
_PAGE_SIZES = (4096, 8192, 16384, 65536)
_SWAP = {b"SWAPSPACE2": "swap", b"SWAP-SPACE": "old swap"}
#: swsusp, in-kernel and user space, TuxOnIce: the memory of a machine that sleeps.
_HIBERNATION = (b"S1SUSPEND", b"S2SUSPEND", b"ULSUSPEND", b"LINHIB0001", b"\xed\xc3\x02\xe9\x98\x56\xe5\x0c")
_INFO = 1024  # past the boot block
_UUID = _INFO + 12
HEADER = max(_PAGE_SIZES)


class Signature(NamedTuple):
    """kind -- swap | old swap | hibernation. size -- bytes of the whole file, as recorded; 0 where nothing is. uuid --
    what mkswap gave it
    """

    kind: str
    page_size: int
    version: int = 0
    size: int = 0
    uuid: Optional[str] = None


def page_size() -> int:
    return os.sysconf("SC_PAGE_SIZE")


def parse_header(data: bytes, own_page: int) -> Optional[Signature]:
    """The signature in the first 64 KiB of a file; None where it is no swap file."""
    for size in (own_page,) + tuple(other for other in _PAGE_SIZES if other != own_page):
        mark = data[size - 10 : size]
        if len(mark) < 10:
            continue
        if mark.startswith(_HIBERNATION):
            return Signature("hibernation", size)
        if mark in _SWAP:
            version, last_page = struct.unpack_from("=II", data, _INFO)
            identifier = data[_UUID : _UUID + 16] if version == 1 else b""
            name = str(uuid.UUID(bytes=identifier)) if any(identifier) else None
            return Signature(_SWAP[mark], size, version, (last_page + 1) * size if version == 1 else 0, name)
    return None


def read_signature(fd: int) -> Optional[Signature]:
    return parse_header(os.pread(fd, HEADER, 0), page_size())
