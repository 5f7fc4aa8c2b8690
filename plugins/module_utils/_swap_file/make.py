# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A swap file that has no name before it is whole and on disk, so a full disk, an error, a kill -9 or a power cut
leaves nothing behind.
"""

import errno
import os
from typing import Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder

from . import extents
from .signature import page_size, read_signature

LABEL = b"system_u:object_r:swapfile_t:s0"
_LABEL_NAME = "security.selinux"
_ZEROS = 1 << 20
_MKSWAP_TIMEOUT = 300.0
_NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)


def temporary_name(name: str) -> str:
    """The temporary area that takes over while the file itself is exchanged. One fixed name, so that the next run finds
    it.
    """
    return ".%s.memops-bridge" % name


def partial_name(name: str) -> str:
    """A file in the making, on file systems without files without a name."""
    return ".%s.memops-half" % name


def selinux_enabled(host: Host) -> bool:
    return host.read("/sys/fs/selinux/enforce") is not None


def label_of(fd: int) -> Optional[bytes]:
    try:
        return os.getxattr(fd, _LABEL_NAME).rstrip(b"\0")
    except OSError:
        return None


def needs_label(label: Optional[bytes]) -> bool:
    return label is None or label.split(b":")[2:3] != [b"swapfile_t"]


def set_label(fd: int) -> None:
    os.setxattr(fd, _LABEL_NAME, LABEL)


def _write_zeros(fd: int, size: int) -> None:
    """pwrite may write less than it was given, near a full disk."""
    zeros = memoryview(bytes(_ZEROS))
    position = 0
    while position < size:
        position += os.pwrite(fd, zeros[: min(_ZEROS, size - position)], position)
    os.fsync(fd)  # or the blocks have no place yet


def _allocate(fd: int, size: int, zeros: bool) -> None:
    if not zeros:
        try:
            os.posix_fallocate(fd, 0, size)
            return
        except OSError as exc:
            if exc.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
    _write_zeros(fd, size)


def _format(host: Host, fd: int, size: int) -> None:
    ran = host.run(["mkswap", "/proc/%d/fd/%d" % (os.getpid(), fd)], timeout=_MKSWAP_TIMEOUT)
    found = read_signature(fd)
    if found is None or (found.kind, found.version, found.page_size, found.size) != ("swap", 1, page_size(), size):
        raise ExecutionError(
            "mkswap left no swap signature for %d bytes: %s" % (size, ran.stderr.strip() or "it gave no reason")
        )


def _fill(host: Host, fd: int, size: int, fstype: str, zeros: bool) -> None:
    os.fchmod(fd, 0o600)
    os.fchown(fd, 0, 0)  # a folder with the setgid bit gives its group
    if fstype == "btrfs":
        extents.stop_copy_on_write(fd)
    if selinux_enabled(host):
        set_label(fd)
    _allocate(fd, size, zeros)
    if not zeros and extents.has_holes(fd, size):
        _write_zeros(fd, size)
    _format(host, fd, size)
    os.fsync(fd)
    status = os.fstat(fd)
    if status.st_size != size or extents.has_holes(fd, size):
        raise ExecutionError("the file system gave %d bytes with holes instead of %d without" % (status.st_size, size))


def _without_name(folder: Folder) -> Optional[int]:
    try:
        return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=folder.fd)
    except OSError as exc:
        if exc.errno in _NO_TMPFILE:
            return None
        raise


def _give_name(folder: Folder, fd: int, partial: Optional[str], name: str) -> None:
    """A link, not a rename: it fails where somebody was faster."""
    if partial is None:
        os.link("/proc/self/fd/%d" % fd, name, dst_dir_fd=folder.fd, follow_symlinks=True)
    else:
        os.link(partial, name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd, follow_symlinks=False)


def make(
    host: Host,
    folder: Folder,
    name: str,
    size: int,
    fstype: str,
    zeros: bool = False,
    partial: Optional[str] = None,
    over: bool = False,
) -> None:
    """The file is there, whole and on disk, or nothing is changed.

    zeros -- write every block, where the kernel does not take those that are only reserved
    partial -- the name of a file in the making, for file systems without files without a name, and for the rename
    over -- it takes the place of what has the name, in one rename; else nothing may have the name
    """
    partial = partial or partial_name(name)
    fd = _without_name(folder)
    named = fd is None
    if fd is None:
        fd = os.open(
            partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder.fd
        )
    try:
        _fill(host, fd, size, fstype, zeros)
        if over and not named:
            _give_name(folder, fd, None, partial)
            named = True
        elif not over:
            _give_name(folder, fd, partial if named else None, name)
        os.fsync(fd)  # again: not every file system keeps what was flushed before it had a name
        if over:
            os.rename(partial, name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
            named = False
    except OSError as exc:
        raise ExecutionError(
            "it could not be made: %s" % describe(exc, os.path.join(folder.path, name)), exc.errno or 0
        )
    finally:
        os.close(fd)
        if named:
            os.unlink(partial, dir_fd=folder.fd)
    os.fsync(folder.fd)


def link_to_temporary(folder: Folder, name: str, fstype: str) -> None:
    """The name leads to the temporary area from now on, in one rename."""
    partial = partial_name(name)
    os.symlink(temporary_name(name), partial, dir_fd=folder.fd)
    try:
        os.rename(partial, name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
    except OSError:
        os.unlink(partial, dir_fd=folder.fd)
        raise
    os.fsync(folder.fd)
    if fstype == "btrfs":
        extents.commit(folder.fd)  # before 5.18 its log keeps the link, but not where it leads
