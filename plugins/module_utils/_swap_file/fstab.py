# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/etc/fstab as a file: read under the lock, exchanged for the new one in one call, and what was swapped out is looked
at.

Our own writers wait for each other. Editors that know no lock (``sed -i``, ``echo >>``, other tools) do not, so an edit
may come

* between our read and our exchange: what is swapped out is then another file, or has other bytes. It gets its name back
  at once, and the change is made again on top of it.
* into the file that is swapped out, from somebody who had it open already: it is kept until nobody has it open any more
  (the kernel gives a write lease then), and lines that came are carried over.
* over ours, from somebody who had read the old one: seen when the file is looked at again, after more time than such an
  editor needs.
* on top of what stood in the name for the moment until an exchange was taken back: the lines that it did not know are
  added again.

Where the kernel or the file system cannot exchange (before 3.15, some network file systems) the file is compared right
before a plain rename.
"""

import errno
import os
import time
from contextlib import ExitStack
from functools import partial
from typing import Callable, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock
from ansible_collections.memops.linux.plugins.module_utils._safe_file import (
    FileNow,
    Folder,
    UnsafePath,
    open_folder,
    read_only,
)
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import extents
from .file_system import parse_mountinfo
from .fstab_exchange import Changed, Edits, same_file, swap_in
from .fstab_lines import Fstab, FstabError, check

FSTAB = "/etc/fstab"
_STORES = ("/nix/store/", "/gnu/store/")  # made by a build, replaced by the next one
_TRIES = 8  # at least
_PATIENCE = 2.0  # seconds
_SETTLE = 0.02  # an editor that read the file before our rename has written by then; sed -i needs about 1 ms


class Change(NamedTuple):
    """Both are the same table where nothing had to be written."""

    before: Fstab
    after: Fstab

    @property
    def changed(self) -> bool:
        return self.before.data != self.after.data


def _place(host: Host, path: str) -> Tuple[str, str]:
    """Folder and name of the file itself: a rename onto a symbolic link would leave a file and no link."""
    root = os.path.realpath(host.root)
    real = os.path.realpath(host.path(path))
    inside = real if root == "/" else real[len(root) :]
    if root != "/" and not real.startswith(root + "/"):
        raise FstabError("%s leads out of %s; nothing was written." % (path, host.root))
    return os.path.split(inside)


def _built(path: str, where: str, name: str) -> Optional[str]:
    """Why what a system build made is not to be written; reading it is no harm."""
    inside = os.path.join(where, name)
    if not inside.startswith(_STORES):
        return None
    return "%s is %s, which the next system build replaces; declare the swap file there" % (path, inside)


def _table(now: Optional[FileNow]) -> Fstab:
    return Fstab.parse(now.data if now is not None else b"")


def _open(host: Host, path: str) -> Tuple[Folder, str]:
    where, name = _place(host, path)
    # the folders of a store are shared by those who build: only files of root are read there, and none is written
    folder = open_folder(where, root=host.root, sticky=_built(path, where, name) is not None)
    if folder is None:
        raise FstabError("there is no directory %s for %s; nothing was written." % (where, path))
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
    """The table as it is, with the same checks of its place as a change makes. No file is an empty table. Raises
    FstabError.
    """
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
    built = _built(path, where, name)
    if built is not None:
        return built
    if read_only(host.path(where)):
        return "%s is mounted read-only; mount it read-write" % where
    if real in [mount.point for mount in parse_mountinfo(host.read("/proc/self/mountinfo") or b"")]:
        return "%s is a mount of its own, as in containers; change the file that is mounted there" % real
    try:
        fd = os.open(host.path(real), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return (
            "%s is immutable (lsattr shows it); allow changes with chattr -ia" % real if extents.immutable(fd) else None
        )
    finally:
        os.close(fd)


def _attempt(folder: Folder, name: str, change: Callable[[Fstab], Fstab], edits: Edits) -> Change:
    """Raises Changed where the file was changed by somebody else on the way, before the exchange or soon after it."""
    folder.clean(name)
    now = folder.read(name)
    before = Fstab.parse(edits.onto(_table(now).data))
    after = change(before)
    check(before, after)
    if after.data == _table(now).data:
        return Change(before, before)
    if now is None or not swap_in(folder, name, now, after.data, edits):
        folder.replace(name, after.data, like=now, still=partial(same_file, folder, name, now))
    time.sleep(_SETTLE)
    then = _table(folder.read(name)).data
    if change(Fstab.parse(then)).data != then or edits.onto(then) != then:
        raise Changed()
    return Change(before, after)


def update(host: Host, change: Callable[[Fstab], Fstab], path: str = FSTAB, locked: bool = False) -> Change:
    """Make ``change`` true in the file. It is asked again whenever the file is read again, so it must not remember.

    ``locked`` -- the caller holds the host's lock already. Raises FstabError, and then the file is as it was; else
    ExecutionError.
    """
    try:
        with ExitStack() as stack:
            if not locked:
                _lock(stack, host)
            built = _built(path, *_place(host, path))
            if built is not None and change(read(host, path)).data != read(host, path).data:
                raise FstabError("%s. Nothing was written." % built)
            edits = Edits()
            tries, deadline = 0, time.monotonic() + _PATIENCE
            while tries < _TRIES or time.monotonic() < deadline:
                tries += 1
                folder, name = _open(host, path)
                with folder:
                    try:
                        return _attempt(folder, name, change, edits)
                    except Changed:
                        continue
                    except OSError as exc:
                        now = _table(folder.read(name))
                        if change(now).data != now.data:
                            raise
                        # renamed, and then the folder could not be flushed
                        raise ExecutionError(
                            "%s is changed, but the disk would not confirm it: %s." % (path, exc.strerror or exc)
                        )
    except (UnsafePath, OSError) as exc:
        raise _sentence(path, exc)
    raise FstabError(
        "another program changed %s each time before our change was complete (%d tries). Its version is kept; stop"
        " that program and run again." % (path, tries)
    )
