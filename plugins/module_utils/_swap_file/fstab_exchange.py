# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The new table takes the place of the old one in one call, and whatever an editor without a lock did at that moment is
noticed.
"""

import errno
import fcntl
import os
import signal
import time
from typing import List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
from ansible_collections.memops.linux.plugins.module_utils._safe_file import FileNow, Folder

from . import syscalls

_CLOSED = 0.25  # how long somebody who has the old file open is waited for


class Changed(Exception):
    """Somebody changed the file after it was read."""


def same_file(folder: Folder, name: str, then: Optional[FileNow]) -> None:
    now = folder.read(name)
    if now is None or then is None:
        if now is not then:
            raise Changed()
        return
    for field in ("st_dev", "st_ino", "st_mtime_ns", "st_ctime_ns", "st_size"):
        if getattr(now.stat, field) != getattr(then.stat, field):
            raise Changed()
    if now.data != then.data:
        raise Changed()


class Edits:
    """Lines that others added while we were at work. An editor that had read our table before they were back would take
    them away again.
    """

    def __init__(self) -> None:
        self._lines = []  # type: List[bytes]

    def notice(self, base: bytes, theirs: bytes) -> None:
        """Only what was added: a line that was changed may be changed again, and by right."""
        lines = base.splitlines(True)
        added = [line for line in theirs.splitlines(True) if line not in lines]
        gone = [line for line in lines if line not in theirs.splitlines(True)]
        if not gone:
            self._lines += [line for line in added if line not in self._lines]

    def onto(self, data: bytes) -> bytes:
        missing = [line for line in self._lines if line not in data.splitlines(True)]
        if missing and data and not data.endswith(b"\n"):
            data += b"\n"
        return data + b"".join(missing)


def _wait_until_closed(folder: Folder, name: str) -> None:
    """Until nobody has the file open: only then the kernel gives a write lease. Somebody who opens it meanwhile waits
    for us, and we get SIGIO.
    """
    try:
        handler = signal.signal(signal.SIGIO, signal.SIG_IGN)
    except ValueError:  # not the main thread
        return
    try:
        fd = folder.open(name, os.O_RDONLY | os.O_NONBLOCK)
        try:
            deadline = time.monotonic() + _CLOSED
            while time.monotonic() < deadline:
                try:
                    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
                    return
                except OSError as exc:
                    if exc.errno not in (errno.EAGAIN, errno.EACCES):
                        return  # a file system without leases
                time.sleep(0.001)
        finally:
            os.close(fd)  # and with it the lease
    finally:
        signal.signal(signal.SIGIO, handler)


def swap_in(folder: Folder, name: str, now: FileNow, data: bytes, edits: Edits) -> bool:
    """The new bytes have the name. False where this kernel cannot exchange. Raises Changed, and then the name has what
    somebody else wrote.
    """
    temporary = folder.temporary(name)
    folder.prepare(name, data, like=now)
    try:
        same_file(folder, name, now)
        if syscalls.exchange(folder.fd, temporary, name) != 0:
            return False
        out = os.stat(temporary, dir_fd=folder.fd, follow_symlinks=False)
        if _identity(out) != _identity(now.stat):
            if syscalls.exchange(folder.fd, temporary, name) != 0:
                raise ExecutionError(
                    "%s was changed by another program at the same moment; what that wrote is in %s/%s."
                    % (name, folder.path, temporary)
                )
            theirs = folder.read(name)
            edits.notice(now.data, theirs.data if theirs is not None else b"")
            raise Changed()
        folder.flush()
        _wait_until_closed(folder, temporary)
        late = folder.read(temporary)
        if late is not None:
            edits.notice(now.data, late.data)
    finally:
        folder.clean(name)
    return True


def _identity(status: os.stat_result) -> Tuple[int, ...]:
    """Without the time of the inode itself: an exchange changes that."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
