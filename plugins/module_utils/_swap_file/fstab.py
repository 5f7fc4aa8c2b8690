# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/etc/fstab as a file: read under the lock, changed in one rename, read back, and changed again where an editor was faster.

Our own writers wait for each other. Editors that know no lock (``sed -i``, other tools) do not: whatever they write between our
read and our rename is seen, and the change is made again on top of it; whatever they rename over ours is seen when it is read back.
"""

import errno
import os
import time
from contextlib import ExitStack
from functools import partial
from typing import Callable, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import Failed, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock
from ansible_collections.memops.linux.plugins.module_utils._safe_file import FileNow, Folder, UnsafePath, open_folder, read_only
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import extents
from .file_system import parse_mountinfo
from .fstab_lines import Fstab, FstabError, check

FSTAB = "/etc/fstab"
_STORES = ("/nix/store/", "/gnu/store/")  # made by a build, replaced by the next one
_TRIES = 4
_SETTLE = 0.02  # an editor that read the file before our rename has written by then; sed -i needs about 1 ms


class Change(NamedTuple):
    """Both are the same table where nothing had to be written."""

    before: Fstab
    after: Fstab

    @property
    def changed(self) -> bool:
        return self.before.data != self.after.data


class _Changed(Exception):
    """Somebody changed the file after it was read."""


def _place(host: Host, path: str) -> Tuple[str, str]:
    """Folder and name of the file itself: a rename onto a symbolic link would leave a file and no link."""
    root = os.path.realpath(host.root)
    real = os.path.realpath(host.path(path))
    inside = real if root == "/" else real[len(root) :]
    if root != "/" and not real.startswith(root + "/"):
        raise FstabError("%s leads out of %s; nothing was written." % (path, host.root))
    if inside.startswith(_STORES):
        raise FstabError("%s is %s, which the next system build replaces. Nothing was written; declare the swap file there." % (path, inside))
    return os.path.split(inside)


def _same(folder: Folder, name: str, then: Optional[FileNow]) -> None:
    now = folder.read(name)
    if now is None or then is None:
        if now is not then:
            raise _Changed()
        return
    for field in ("st_dev", "st_ino", "st_mtime_ns", "st_ctime_ns", "st_size"):
        if getattr(now.stat, field) != getattr(then.stat, field):
            raise _Changed()
    if now.data != then.data:
        raise _Changed()


def _table(now: Optional[FileNow]) -> Fstab:
    return Fstab.parse(now.data if now is not None else b"")


def _open(host: Host, path: str) -> Tuple[Folder, str]:
    where, name = _place(host, path)
    folder = open_folder(where, root=host.root)
    if folder is None:
        raise FstabError("there is no folder %s for %s; nothing was written." % (where, path))
    return folder, name


def _sentence(path: str, exc: Exception) -> FstabError:
    if isinstance(exc, OSError):
        hint = "; it is a mount of its own, as in containers" if exc.errno == errno.EBUSY else ""
        text = "%s could not be changed: %s%s" % (path, describe(exc), hint)
    else:
        text = "%s was not changed: %s" % (path, exc)
    return FstabError("%s. It was left as it is." % printable(text).rstrip("."))


def _lock(stack: ExitStack, host: Host) -> None:
    try:
        stack.enter_context(host_lock(host))
    except LockError as exc:
        raise FstabError(str(exc))


def read(host: Host, path: str = FSTAB) -> Fstab:
    """The table as it is, with the same checks of its place as a change makes. No file is an empty table. Raises FstabError."""
    try:
        folder, name = _open(host, path)
        with folder:
            return _table(folder.read(name))
    except (UnsafePath, OSError) as exc:
        raise _sentence(path, exc)


def why_locked(host: Host, path: str = FSTAB) -> Optional[str]:
    """Why no rename can change it and what to do, as far as that is known before; None where one can."""
    where, name = _place(host, path)
    real = os.path.join(where, name)
    if read_only(host.path(where)):
        return "%s is mounted read-only; mount it read-write" % where
    if real in [mount.point for mount in parse_mountinfo(host.read("/proc/self/mountinfo") or b"")]:
        return "%s is a mount of its own, as in containers; change the file that is mounted there" % real
    try:
        fd = os.open(host.path(real), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return "%s is immutable (lsattr shows it); allow changes with chattr -ia" % real if extents.immutable(fd) else None
    finally:
        os.close(fd)


def _attempt(folder: Folder, name: str, change: Callable[[Fstab], Fstab]) -> Change:
    """Raises _Changed where the file was changed by somebody else on the way, before the rename or soon after it."""
    folder.clean(name)
    now = folder.read(name)
    before = _table(now)
    after = change(before)
    check(before, after)
    if after.data == before.data:
        return Change(before, before)
    folder.replace(name, after.data, like=now, still=partial(_same, folder, name, now))
    time.sleep(_SETTLE)
    then = _table(folder.read(name))
    if change(then).data != then.data:
        raise _Changed()
    return Change(before, after)


def update(host: Host, change: Callable[[Fstab], Fstab], path: str = FSTAB, locked: bool = False) -> Change:
    """Make ``change`` true in the file. It is asked again whenever the file is read again, so it must not remember.

    ``locked`` -- the caller holds the host's lock already. Raises FstabError, and then the file is as it was; else Failed.
    """
    try:
        with ExitStack() as stack:
            if not locked:
                _lock(stack, host)
            for _number in range(_TRIES):
                folder, name = _open(host, path)
                with folder:
                    try:
                        return _attempt(folder, name, change)
                    except _Changed:
                        continue
                    except OSError as exc:
                        now = _table(folder.read(name))
                        if change(now).data != now.data:
                            raise
                        # renamed, and then the folder could not be flushed
                        raise Failed("%s is changed, but the disk would not confirm it: %s." % (path, exc.strerror or exc))
    except (UnsafePath, OSError) as exc:
        raise _sentence(path, exc)
    raise FstabError("somebody else changed %s each time before our change was kept (%d tries). Stop that and run again." % (path, _TRIES))
