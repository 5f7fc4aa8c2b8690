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

from ._host import Host
from ._safe_file import open_folder

FOLDER = "/run/memops"


class Busy(Exception):
    """Somebody else held the lock for the whole time; the text says who."""


def _holder(fd: int) -> str:
    try:
        return os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        return "unknown"


@contextmanager
def host_lock(host: Host, timeout: float = 60) -> Iterator[None]:
    """Hold it. Raises Busy after ``timeout`` seconds; OSError and UnsafePath where there can be no lock."""
    folder = open_folder(FOLDER, create=True, root=host.root, sticky=True)
    if folder is None:
        raise OSError(errno.ENOENT, "no such folder", FOLDER)
    with folder:
        fd = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder.fd)
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as exc:
                if exc.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            if time.monotonic() > deadline:
                raise Busy("process %s has held %s/lock for %g s. Nothing was changed; try again" % (_holder(fd), FOLDER, timeout))
            time.sleep(0.05)
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(fd)
