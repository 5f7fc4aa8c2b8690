# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does an area in use lie beneath a mount? Then its name leads to another file or to none, and nothing that is done by
name reaches it.
"""

import os
from typing import Any, List, Optional

from .areas import in_use
from .file_system import Mount
from .syscalls import libc

_CLONE_NEWNS = 0x00020000
_PRIVATE = 1 << 14 | 1 << 18  # MS_REC | MS_PRIVATE
_MNT_DETACH = 2
_FOUND, _NOT_THERE, _NO_ANSWER = 0, 1, 2


def covering(mounts: List[Mount], path: str) -> List[str]:
    """The mount points that may hide what has this name, the deepest first; the root file system hides nothing."""
    points = [
        mount.point for mount in mounts if mount.point != "/" and (path + "/").startswith(mount.point.rstrip("/") + "/")
    ]
    return sorted(points, key=len, reverse=True)


def lies_beneath(path: str, points: List[str]) -> Optional[bool]:
    """Whether the kernel swaps to the file of this name under one of these mounts; None where that cannot be seen.

    A child looks, in a mount namespace of its own, in which it takes the mounts away. Nothing of it is seen outside.
    """
    if not points:
        return False
    library = libc()
    if library is None:
        return None
    child = os.fork()
    if child == 0:
        answer = _NO_ANSWER
        try:
            answer = _look(library, os.fsencode(path), [os.fsencode(point) for point in points])
        finally:
            os._exit(answer)
    status = os.waitpid(child, 0)[1]
    return {_FOUND: True, _NOT_THERE: False}.get(os.WEXITSTATUS(status)) if os.WIFEXITED(status) else None


def _look(library: Any, path: bytes, points: List[bytes]) -> int:
    if library.unshare(_CLONE_NEWNS) != 0 or library.mount(b"none", b"/", None, _PRIVATE, None) != 0:
        return _NO_ANSWER
    for point in points:
        if library.umount2(point, _MNT_DETACH) != 0:
            return _NO_ANSWER
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        used = in_use(fd)
        os.close(fd)
        if used is not False:
            return _FOUND if used else _NO_ANSWER
    return _NOT_THERE
