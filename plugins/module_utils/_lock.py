# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lock for a host and all modules that change it: two plays at once wait for each other.

In /run/memops and not in /run/lock, where any user can make the file first and hold it.
"""

import errno
import fcntl
import os
import time
from contextlib import contextmanager
from typing import Iterator

from ._errors import describe
from ._host import Host
from ._safe_file import UnsafePath, open_folder

FOLDER = "/run/memops"
_NAME = "lock"
_PATH = FOLDER + "/" + _NAME


class LockError(Exception):
    """Somebody else held the lock for the whole time, or there can be none; the text says who or why, that nothing was
    changed, and what to do.
    """


def _holder(fd: int) -> str:
    try:
        return os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        return "unknown"


def _open(host: Host) -> int:
    """Raises PermissionError for whoever is not root, else LockError."""
    try:
        folder = open_folder(FOLDER, create=True, root=host.root, sticky=True)
        if folder is None:
            raise LockError(
                "there is no directory %s for the lock of this host. Nothing was changed; make it, for root only."
                % FOLDER
            )
        with folder:
            return folder.open(_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except UnsafePath as exc:
        raise LockError(
            "%s, so it cannot hold the lock of this host. Nothing was changed; remove it, root makes it anew." % exc
        )
    except PermissionError:
        raise
    except OSError as exc:
        raise LockError("the lock of this host cannot be had: %s. Nothing was changed." % describe(exc))


def _wait(fd: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as exc:
            if exc.errno not in (errno.EAGAIN, errno.EACCES):
                raise LockError("the lock of this host cannot be had: %s. Nothing was changed." % describe(exc, _PATH))
        if time.monotonic() > deadline:
            raise LockError(
                "process %s has held %s for %g s. Nothing was changed; try again." % (_holder(fd), _PATH, timeout)
            )
        time.sleep(0.05)


def _sign(fd: int) -> None:
    """For whoever waits for us. The lock is ours without it, too: on a full disk, beyond a limit of the size of
    files.
    """
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    except OSError:
        pass


@contextmanager
def host_lock(host: Host, timeout: float = 60) -> Iterator[None]:
    """Hold it. Raises LockError after ``timeout`` seconds and where there can be no lock; PermissionError for whoever
    is not root.
    """
    fd = _open(host)
    try:
        _wait(fd, timeout)
        _sign(fd)
        yield
    finally:
        os.close(fd)
