# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A subvolume of its own for a swap file on btrfs, so that snapshots of everything else go on.

A directory that is there is never made one: what is in it would have to move. So it is the directory of the file that
is made, and that goes again when nothing is left in it.
"""

import errno
import fcntl
import os
import struct
from typing import Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder, open_folder
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .btrfs import Btrfs, is_subvolume
from .plan import Step
from .state import SwapState

_OTHER_WAY = os.uname().machine.startswith(("ppc", "mips", "sparc", "alpha"))
_CREATE = (0x80000000 if _OTHER_WAY else 0x40000000) | 0x1000940E
_NAME_BYTES = 4088


def above(host: Host, path: str) -> Folder:
    """The directory in which the directory of the file is to be made. Raises PreconditionError, UnsafePath, OSError."""
    parent = os.path.dirname(os.path.dirname(path))
    folder = open_folder(parent, root=host.root)
    if folder is None:
        raise PreconditionError(
            "the directory %s is not there. Nothing was changed; make it first." % printable(parent or "/")
        )
    return folder


def as_if_made(state: SwapState) -> SwapState:
    """``state`` was read in the directory above: the disk is the same, and none of the names is the file's. Raises
    PreconditionError.
    """
    fstype = state.mount.fstype if state.mount is not None else "unknown"
    if fstype != "btrfs":
        text = "the directory %s is not there, and only on btrfs is there a subvolume to make it of (this is %s). %s"
        raise PreconditionError(
            text % (printable(os.path.dirname(state.path)), printable(fstype), "Nothing was changed; make it first.")
        )
    return state._replace(
        file=None,
        area=None,
        temporary=None,
        temporary_area=None,
        partial=None,
        links_to_temporary=False,
        btrfs=Btrfs(profile=state.btrfs.profile),
    )


def check_own(state: SwapState) -> None:
    """The directory is there: it has to be one already. Raises PreconditionError."""
    if state.btrfs.shared:
        raise PreconditionError(
            "subvolume: auto makes none of a directory that is there, and %s is not a subvolume for swap alone. Nothing"
            " was changed; give the file a directory that is not there yet, such as /swap/swapfile."
            % printable(os.path.dirname(state.path))
        )


def making(path: str) -> Step:
    place = os.path.dirname(path)
    return Step("subvolume", place, "make the btrfs subvolume %s" % printable(place))


def make(folder: Folder, path: str) -> None:
    """In the directory above. Raises ExecutionError."""
    name = os.fsencode(os.path.basename(os.path.dirname(path)))
    try:
        if len(name) >= _NAME_BYTES:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        fcntl.ioctl(folder.fd, _CREATE, bytearray(struct.pack("=q4088s", 0, name)))  # as bytes it may have 1024
        os.chmod(name, 0o755, dir_fd=folder.fd)
        os.fsync(folder.fd)
    except OSError as exc:
        raise ExecutionError(
            "the btrfs subvolume %s could not be made: %s. Nothing was changed."
            % (printable(os.path.dirname(path)), describe(exc))
        )


def going(state: SwapState, folder: Optional[Folder], ours: bool) -> Optional[Step]:
    """What is left of it when the file is gone; None: it is no subvolume, or something else is in it."""
    if folder is None or not ours or state.mount is None or state.mount.fstype != "btrfs" or state.btrfs.shared:
        return None
    others = set(folder.names()) - {
        os.path.basename(name) for name in (state.path, state.temporary_path, state.partial_path)
    }
    if others or not is_subvolume(folder.fd):
        return None
    place = os.path.dirname(state.path)
    return Step("unsubvolume", place, "remove the btrfs subvolume %s" % printable(place))


def remove(host: Host, path: str) -> Optional[str]:
    """An empty one goes as a directory does (kernel 4.18). Why it did not."""
    place = os.path.dirname(path)
    with above(host, path) as folder:
        try:
            if folder.remove_folder(os.path.basename(place)):
                return None
            return "%s was left: something is in it" % printable(place)
        except OSError as exc:
            return "%s was left: %s" % (printable(place), describe(exc))
