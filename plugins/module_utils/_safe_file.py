# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files that survive a full disk, a kill -9 and a power cut, in folders that no user can bend.

``AnsibleModule.atomic_move`` has no fsync: XFS shows empty files after a power cut (measured, 2 of 2).
Every step of a path is opened without following links and must belong to root.
"""

import errno
import os
import stat
from contextlib import contextmanager
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

_MAX_FILE = 16 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafePath(Exception):
    """Somebody other than root could have made or could change this path; the text names the component."""


class FileNow(NamedTuple):
    data: bytes
    stat: os.stat_result
    xattrs: Tuple[Tuple[str, bytes], ...] = ()


def _not_ours(status: os.stat_result) -> Optional[str]:
    """Who else could change it; None where only root can."""
    if status.st_uid not in (0, os.geteuid()):
        return "belongs to user %d" % status.st_uid
    if status.st_mode & 0o022:
        return "may be written by others (mode 0%o)" % stat.S_IMODE(status.st_mode)
    return None


def _xattrs(fd: int) -> Tuple[Tuple[str, bytes], ...]:
    """SELinux label, ACL and what else there is; nothing where the file system has none."""
    found = []  # type: List[Tuple[str, bytes]]
    try:
        for name in os.listxattr(fd):
            found.append((name, os.getxattr(fd, name)))
    except OSError:
        pass
    return tuple(found)


def read_only(path: str) -> bool:
    """Whether the file system that holds the path, or will hold it, is mounted read-only there."""
    while True:
        try:
            return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
        except OSError:
            if os.path.dirname(path) == path:
                return False
            path = os.path.dirname(path)


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class Folder:
    """An open folder. Names in it are plain names; whatever is written is on disk when the call returns."""

    def __init__(self, fd: int, path: str) -> None:
        self.fd = fd
        self.path = path

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self.fd)

    def _where(self, name: str) -> str:
        return os.path.join(self.path, name)

    @contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        """An error names the whole path, not the name in this folder or nothing at all: ``[Errno 28] No space left on
        device: 'lock'`` helps nobody.
        """
        try:
            yield
        except OSError as exc:
            exc.filename, exc.filename2 = self._where(name), None
            raise

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Never through a link. Raises UnsafePath for one."""
        try:
            with self._naming(name):
                return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=self.fd)
        except OSError as exc:
            if exc.errno == errno.ELOOP:
                raise UnsafePath("%s is a symbolic link" % self._where(name))
            raise

    def names(self) -> List[str]:
        with self._naming(""):
            return sorted(os.listdir(self.fd))

    def read(self, name: str) -> Optional[FileNow]:
        """None: not there. Raises UnsafePath for a link, a device, a FIFO or a file that users may write."""
        try:
            fd = self.open(name, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with self._naming(name):
            return self._read(name, fd)

    def _read(self, name: str, fd: int) -> FileNow:
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise UnsafePath("%s is not a regular file" % self._where(name))
            why = _not_ours(status)
            if why is not None:
                raise UnsafePath("%s %s" % (self._where(name), why))
            if status.st_size > _MAX_FILE:
                raise UnsafePath("%s has %d bytes; no such file is that large" % (self._where(name), status.st_size))
            parts = []  # type: List[bytes]
            data = os.read(fd, 1 << 16)
            while data:
                parts.append(data)
                data = os.read(fd, 1 << 16)
            return FileNow(b"".join(parts), status, _xattrs(fd))
        finally:
            os.close(fd)

    @staticmethod
    def temporary(name: str) -> str:
        """One fixed name for each file, so that a killed run leaves at most one, which the next run takes. systemd does
        not load it.
        """
        return ".%s.memops~" % name[:240]

    def clean(self, name: str) -> bool:
        """Remove what a killed run left. Only under the lock."""
        try:
            os.unlink(self.temporary(name), dir_fd=self.fd)
        except FileNotFoundError:
            return False
        return True

    def prepare(self, name: str, data: bytes, mode: int = 0o644, like: Optional[FileNow] = None) -> None:
        """These bytes are on disk beside the file, under its temporary name; after any error nothing is. ``like`` gives
        mode, owner, label and ACL.
        """
        with self._naming(name):
            self._prepare(name, data, mode, like)

    def _prepare(self, name: str, data: bytes, mode: int, like: Optional[FileNow]) -> None:
        self.clean(name)
        fd = self.open(self.temporary(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            try:
                write_all(fd, data)
                if like is not None:
                    os.fchown(fd, like.stat.st_uid, like.stat.st_gid)
                # Not what umask says: 000 would let users write it, 077 would hide it from `systemctl cat`.
                os.fchmod(fd, stat.S_IMODE(like.stat.st_mode) if like is not None else mode)
                for attribute, value in like.xattrs if like is not None else ():
                    os.setxattr(fd, attribute, value)
                os.fsync(fd)
            finally:
                os.close(fd)
        except BaseException:
            self._drop_temporary(name)
            raise

    def _drop_temporary(self, name: str) -> None:
        try:
            os.unlink(self.temporary(name), dir_fd=self.fd)
        except OSError:  # it has its new name already, or the disk fails altogether
            pass

    def flush(self) -> None:
        """The names in this folder are on disk."""
        os.fsync(self.fd)

    def replace(
        self,
        name: str,
        data: bytes,
        mode: int = 0o644,
        like: Optional[FileNow] = None,
        still: Callable[[], None] = lambda: None,
    ) -> None:
        """The file has these bytes or, after any error, the earlier ones. ``like`` gives mode, owner, label and ACL.

        ``still`` is called when all is written, just before the rename, and may raise: somebody else has changed the
        file.
        """
        with self._naming(name):
            self.prepare(name, data, mode, like)
            try:
                still()
                os.rename(self.temporary(name), name, src_dir_fd=self.fd, dst_dir_fd=self.fd)
            except BaseException:
                self._drop_temporary(name)
                raise
            self.flush()

    def remove(self, name: str) -> bool:
        with self._naming(name):
            try:
                os.unlink(name, dir_fd=self.fd)
            except FileNotFoundError:
                return False
            self.flush()
            return True

    def remove_folder(self, name: str) -> bool:
        """Only an empty one."""
        try:
            os.rmdir(name, dir_fd=self.fd)
        except OSError as exc:
            if exc.errno in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        os.fsync(self.fd)
        return True

    def enter(self, name: str, create: bool = False, mode: int = 0o755, sticky: bool = False) -> Optional["Folder"]:
        """A folder in this one; None where it is not there. Raises UnsafePath for a link or what users may write.

        ``sticky`` -- users may write it if they cannot remove there what is not theirs, as /run in containers of
        podman.
        """
        with self._naming(name):
            made = create and self._make_folder(name)
            try:
                fd = os.open(name, _DIRECTORY, dir_fd=self.fd)
            except FileNotFoundError:
                return None
            except OSError as exc:
                if exc.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise UnsafePath("%s is a symbolic link or not a directory" % self._where(name))
                raise
            inner = Folder(fd, self._where(name))
            try:
                if made:
                    os.fchmod(fd, mode)
                    self.flush()
                inner.check(sticky)
            except BaseException:
                os.close(fd)
                raise
            return inner

    def _make_folder(self, name: str) -> bool:
        try:
            os.mkdir(name, 0o700, dir_fd=self.fd)
        except FileExistsError:
            return False
        return True

    def check(self, sticky: bool = False) -> None:
        """Raise UnsafePath where others than root could change what is in it."""
        status = os.fstat(self.fd)
        shared = sticky and status.st_uid == 0 and bool(status.st_mode & stat.S_ISVTX)
        why = _not_ours(status)
        if why is not None and not shared:
            raise UnsafePath("%s %s" % (self.path, why))


def open_folder(path: str, create: bool = False, root: str = "/", sticky: bool = False) -> Optional[Folder]:
    """The folder at an absolute path below ``root``; None where it is not there. Raises UnsafePath, OSError.

    ``sticky`` -- folders on the way may be written by users who cannot remove there what is not theirs.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafePath("%s has a .. in it" % path)
    folder = Folder(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), "/")
    try:
        folder.check(sticky=sticky and bool(parts))
        for number, part in enumerate(parts, 1):
            inner = folder.enter(part, create=create, sticky=sticky and number < len(parts))
            os.close(folder.fd)
            if inner is None:
                return None
            folder = inner
    except BaseException:
        os.close(folder.fd)
        raise
    return folder
