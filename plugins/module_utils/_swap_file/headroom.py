# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is there room for what a swap area holds? A swapoff without it kills everything and then panics the kernel
(measured).
"""

import re
from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._size import human

from .areas import Area, Identity

MIB = 1 << 20


class Memory(NamedTuple):
    total: int
    available: int


def parse_meminfo(data: bytes) -> Optional[Memory]:
    """None where the kernel does not say. Before MemAvailable (3.14) only what is free is sure."""
    found = {name: int(size) * 1024 for name, size in re.findall(rb"^(\w+):\s+(\d+) kB$", data, re.MULTILINE)}
    available = found.get(b"MemAvailable", found.get(b"MemFree"))
    if b"MemTotal" not in found or available is None:
        return None
    return Memory(found[b"MemTotal"], available)


def read_memory(host: Host) -> Optional[Memory]:
    return parse_meminfo(host.read("/proc/meminfo") or b"")


def elsewhere(areas: List[Area], leaving: Optional[Identity]) -> int:
    """What the other areas can still take."""
    return sum(area.free for area in areas if leaving is None or area.identity != leaving)


def shortfall(used: int, available: int, other_swap: int) -> Optional[str]:
    """The numbers, where `used` bytes do not fit into memory and other swap less a margin of 64 MiB or a tenth; else
    None.
    """
    room = available + other_swap
    margin = max(64 * MIB, room // 10)
    if not used or used <= room - margin:
        return None
    return (
        "it holds %s, and there is room for %s: %s of memory are available and %s of other swap are free, less a margin"
        " of %s"
        % (
            human(used),
            human(max(0, room - margin)),
            human(available),
            human(other_swap),
            human(margin),
        )
    )
