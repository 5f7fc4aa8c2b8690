# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swap areas in use: /proc/swaps, the only proof that a file is swapped to."""

import os
import re
from typing import Callable, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host

from .errors import Failed

Identity = Tuple[int, int]  # st_dev and st_ino: a name may be a link, or may be gone
_OCTAL = re.compile(rb"\\([0-7]{3})")
_DELETED = " (deleted)"


class Area(NamedTuple):
    """One line. size is what the kernel can use: a page less than the file."""

    path: str
    kind: str  # file | partition
    size: int
    used: int
    priority: int
    deleted: bool = False
    identity: Optional[Identity] = None

    @property
    def free(self) -> int:
        return max(0, self.size - self.used)


def parse_swaps(data: bytes) -> List[Area]:
    r"""The lines below the head. Blanks, newlines and backslashes in a name are ``\040`` and so on."""
    found = []  # type: List[Area]
    for line in data.split(b"\n")[1:]:
        fields = line.split()
        if len(fields) != 5:
            continue
        name = os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match.group(1), 8) & 0xFF]), fields[0]))
        try:
            size, used, priority = (int(field) for field in fields[2:])
        except ValueError:
            continue
        found.append(Area(name, fields[1].decode("ascii", "replace"), size * 1024, used * 1024, priority))
    return found


def _identity(path: str) -> Optional[Identity]:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def identify(areas: List[Area], identity: Callable[[str], Optional[Identity]] = _identity) -> List[Area]:
    """Each file with its inode. ``NAME (deleted)`` is a file without a name, unless there is a file that is called so."""
    found = []  # type: List[Area]
    for area in areas:
        known = identity(area.path) if area.kind == "file" else None
        if known is None and area.path.endswith(_DELETED):
            area = area._replace(path=area.path[: -len(_DELETED)], deleted=True)
        found.append(area._replace(identity=known))
    return found


def read_areas(host: Host) -> List[Area]:
    """Raises Failed where the kernel does not tell."""
    data = host.read("/proc/swaps")
    if data is None:
        raise Failed("/proc/swaps cannot be read: the kernel has no swap, or /proc is not mounted. Nothing was changed.")
    return identify(parse_swaps(data), lambda path: _identity(host.path(path)))


def area_of(areas: List[Area], identity: Optional[Identity]) -> Optional[Area]:
    for area in areas:
        if identity is not None and area.identity == identity:
            return area
    return None
