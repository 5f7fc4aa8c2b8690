# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swap areas in use: /proc/swaps, the only proof that a file is swapped to."""

import errno
import os
import re
import stat
from typing import Callable, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

Identity = Tuple[int, int]  # st_dev and st_ino: a name may be a link, or may be gone
_OCTAL = regex(rb"\\([0-7]{3})")
_DELETED = " (deleted)"
_BEYOND = (1 << 63) - 2


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


def parse_swaps(data: bytes) -> Optional[List[Area]]:
    r"""The lines below the head. Blanks, newlines and backslashes in a name are ``\040`` and so on.

    None where it is not what the kernel writes: no head, as where something covers /proc, or a line that cannot be
    read. No swap is a head alone.
    """
    head, *lines = data.split(b"\n")
    if not head.startswith(b"Filename"):
        return None
    found = []  # type: List[Area]
    for line in lines:
        fields = line.split()
        if not fields:
            continue
        try:
            size, used, priority = (int(field) for field in fields[2:])
        except ValueError:
            return None
        name = os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match.group(1), 8) & 0xFF]), fields[0]))
        found.append(Area(name, fields[1].decode("ascii", "replace"), size * 1024, used * 1024, priority))
    return found


def in_use(fd: int) -> Optional[bool]:
    """Whether the kernel swaps to this very file, whatever its name; None where that cannot be asked. fd has to be
    writable.

    fallocate(2) looks whether it is in use before it finds that no file can be that large, and changes nothing either
    way.
    """
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release is None or (int(release.group(1)), int(release.group(2))) < (3, 15):
        return None  # there it does not look
    try:
        os.posix_fallocate(fd, _BEYOND, _BEYOND)
    except OSError as exc:
        return {errno.ETXTBSY: True, errno.EFBIG: False}.get(exc.errno or 0)
    return None


def _identity(path: str) -> Optional[Identity]:
    """None for a file of that name that is not in use: the one in use has it in another mount namespace, such as a
    container's.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        try:
            status = os.stat(path)
        except OSError:
            return None
        return status.st_dev, status.st_ino
    try:
        status = os.fstat(fd)
        return None if stat.S_ISREG(status.st_mode) and in_use(fd) is False else (status.st_dev, status.st_ino)
    finally:
        os.close(fd)


def identify(areas: List[Area], identity: Callable[[str], Optional[Identity]] = _identity) -> List[Area]:
    """Each file with its inode. ``NAME (deleted)`` is a file without a name, unless there is a file that is
    called so.
    """
    found = []  # type: List[Area]
    for area in areas:
        known = identity(area.path) if area.kind == "file" else None
        if known is None and area.path.endswith(_DELETED):
            area = area._replace(path=area.path[: -len(_DELETED)], deleted=True)
        found.append(area._replace(identity=known))
    return found


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def tell_apart(areas: List[Area], size: Callable[[str], int] = _size) -> List[Area]:
    """A file is in use once: of two areas with one name, the one of another namespace is the one that fits the file's
    size less.
    """
    found = []  # type: List[Area]
    for area in areas:
        rivals = [one for one in areas if area.identity is not None and one.identity == area.identity]
        best = min(rivals, key=lambda one: abs(size(one.path) - one.size), default=area)
        found.append(area if area is best else area._replace(identity=None))
    return found


def read_areas(host: Host) -> List[Area]:
    """Raises ExecutionError where the kernel does not tell."""
    parsed = parse_swaps(host.read("/proc/swaps") or b"")
    if parsed is None:
        raise ExecutionError(
            "/proc/swaps cannot be read: the kernel has no swap, or /proc is not mounted. Nothing was changed."
        )
    areas = identify(parsed, lambda path: _identity(host.path(path)))
    return tell_apart(areas, lambda path: _size(host.path(path)))


def area_of(areas: List[Area], identity: Optional[Identity]) -> Optional[Area]:
    for area in areas:
        if identity is not None and area.identity == identity:
            return area
    return None
