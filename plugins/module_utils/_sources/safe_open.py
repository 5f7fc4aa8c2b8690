# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening what calls itself a log: regular files only, never waiting, never through a link that somebody else
has laid.
"""

import errno
import os
import stat
from typing import NamedTuple, Optional, Tuple

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a symbolic link"),
)


class Opened(NamedTuple):
    """fd, or the status and reason why there is none."""

    fd: int = -1
    status: str = "read"
    reason: Optional[str] = None
    mtime: float = 0.0
    size: int = 0
    sparse: bool = False
    identity: Tuple[int, int] = (0, 0)


def open_regular(path: str, follow: bool = False, root: str = "/") -> Opened:
    """Open a log for reading.

    follow -- the user named this path: a link may lead anywhere, as long as a regular file is at its end.
              Otherwise it must lead to a file of root's under /var/log.
    """
    try:
        before = os.lstat(path)
        real = path
        if stat.S_ISLNK(before.st_mode):
            real = os.path.realpath(path)
            before = os.stat(path)
            refusal = None if follow else _mislaid(real, before, root)
            if refusal:
                return Opened(status="not_regular", reason=refusal)
        if not stat.S_ISREG(before.st_mode):  # opening a device can do things, so it is not even opened
            return Opened(status="not_regular", reason=_what(before.st_mode))
        fd = os.open(real, _FLAGS | os.O_NOFOLLOW)
    except OSError as exc:
        return _refused(exc)
    except ValueError as exc:  # a NUL in the path
        return Opened(status="error", reason=str(exc))
    try:
        found = os.fstat(fd)
        refusal = None if stat.S_ISREG(found.st_mode) else _what(found.st_mode)
        if real != path and not follow:
            refusal = refusal or _mislaid(real, found, root)
        if refusal:
            os.close(fd)
            return Opened(status="not_regular", reason=refusal)
    except OSError as exc:
        os.close(fd)
        return _refused(exc)
    return Opened(
        fd=fd,
        mtime=found.st_mtime,
        size=found.st_size,
        sparse=found.st_blocks * 512 < found.st_size - (1 << 20),
        identity=(found.st_dev, found.st_ino),
    )


def _what(mode: int) -> str:
    for test, what in _KINDS:
        if test(mode):
            return what
    return "not a regular file"


def _mislaid(real: str, found: os.stat_result, root: str) -> Optional[str]:
    """Why the target of a link that nobody asked for is not read."""
    logs = os.path.join(os.path.realpath(os.path.join(root, "var/log")), "")
    if not real.startswith(logs):
        return "a symbolic link that leads out of /var/log: name the path to have it read"
    if found.st_uid != 0:
        return "a symbolic link to a file that is not root's: name the path to have it read"
    return None


def _refused(exc: OSError) -> Opened:
    if exc.errno in (errno.ENOENT, errno.ENOTDIR):
        return Opened(status="absent", reason="no such file")
    if exc.errno in (errno.EACCES, errno.EPERM):
        return Opened(status="denied", reason="may not be read by this user")
    if exc.errno in (errno.ELOOP, errno.ENXIO):
        return Opened(status="not_regular", reason="a symbolic link that leads nowhere or in a circle")
    return Opened(status="error", reason=exc.strerror or str(exc))
