# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large: ``2G``, a share of RAM, or ``auto``; and how much of the disk must stay free."""

from typing import NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._size import exact, human, parse_share, parse_size

from .file_system import Disk

MIB = 1 << 20
GIB = 1 << 30
SMALLEST = MIB


class SizeParam(NamedTuple):
    """kind -- bytes | share | auto. value -- bytes, or hundredths of a percent of RAM"""

    kind: str
    value: int = 0


class Reserve(NamedTuple):
    """What must stay free: so many bytes, or so many hundredths of a percent of the file system, whichever is more."""

    size: int
    share: int

    def of(self, disk: Disk) -> int:
        return max(self.size, disk.total * self.share // 10_000)


DEFAULT_RESERVE = Reserve(GIB, 500)


def parse_wanted(text: str) -> SizeParam:
    """Raises ValueError that says how to write it."""
    if text.strip() == "auto":
        return SizeParam("auto")
    share = parse_share(text)
    if share is not None:
        if not share:
            raise ValueError("%r is not a valid size" % (text,))
        return SizeParam("share", share)
    size = parse_size(text)
    if size < SMALLEST:
        raise ValueError("%r is too small; a swap file has at least 1M" % (text,))
    return SizeParam("bytes", size)


def parse_reserve(text: Optional[str]) -> Reserve:
    if text is None:
        return DEFAULT_RESERVE
    share = parse_share(text)
    return Reserve(parse_size(text), 0) if share is None else Reserve(0, share)


def _isqrt(number: int) -> int:
    """math.isqrt is newer than 3.6, and a float is not exact."""
    low, high = 0, number + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle * middle <= number else (low, middle)
    return low


def rule(ram: int) -> int:
    """``auto``: as much as RAM up to 4 GiB, then 4 GiB up to 16 GiB of RAM, then the square root of RAM in GiB; whole
    MiB.
    """
    if ram <= 4 * GIB:
        size = ram
    elif ram <= 16 * GIB:
        size = 4 * GIB
    else:
        size = _isqrt(ram * GIB)
    return max(SMALLEST, size // MIB * MIB)


def pages(size: int, page: int) -> int:
    return -(-size // page) * page


def wanted_size(wanted: SizeParam, ram: Optional[int], existing: Optional[int], free: int, page: int) -> int:
    """Bytes, whole pages.

    existing -- size of the swap file that is there. ``auto`` keeps it: the free disk that caps a new one is another on
        every
    run. A share keeps it within half a percent of RAM: every kernel reserves a little more or less of it.
    free -- disk that is free above the reserve
    """
    if wanted.kind == "bytes":
        size = pages(wanted.value, page)
        if size // page >= 1 << 32:
            raise PreconditionError(
                "size: %s is too much: the kernel takes less than %s in one area. Nothing was changed; make several"
                " files." % (exact(size), human((1 << 32) * page))
            )
        return size
    if wanted.kind == "auto" and existing is not None:
        return existing
    if ram is None:
        raise PreconditionError(
            "size: /proc/meminfo does not tell how much memory there is; give a size such as 2G. Nothing was changed."
        )
    if wanted.kind == "share":
        size = pages(max(SMALLEST, ram * wanted.value // 10_000), page)
        return existing if existing is not None and abs(existing - size) * 200 <= ram else size
    size = min(rule(ram), max(0, free) // 4 // MIB * MIB)
    if size < 64 * MIB:
        raise PreconditionError(
            "size: auto takes at most a quarter of the free disk, that is %s and too little to help. Nothing was"
            " changed; give a size, or free some disk." % human(size)
        )
    return pages(size, page)
