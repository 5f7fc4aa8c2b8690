# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logs in a tarball, laid into a directory of ours under names of ours.

A tarball is somebody's: no member is extracted to a path that it chooses, no link, device or sparse file is made, and
size, number, time and the memory that a header takes are bounded. What comes before damage is kept.
"""

import os
import re
import shutil
import tarfile
import time
from typing import Iterator, NamedTuple, Optional, Set

from .compressed import Archive, Caps, kind_of
from .safe_open import Opened, open_regular
from .sosreport import JOURNAL, PLACES, SYSTEM_FILES, is_log
from .stream import Unsupported

_SAFE = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._@+-]{0,127}$")
_MACHINE_ID = re.compile(r"[0-9a-f]{32}$")
_CHUNK = 1 << 20
#: A header of tar takes 512 bytes; one with a long name some more.
_MAX_HEADER = 4 << 20


class Limits(NamedTuple):
    """size -- bytes of all that is laid down; members -- how many are looked at; files -- how many are laid down;
    timeout -- seconds
    """

    size: int = 4 << 30
    members: int = 500_000
    files: int = 512
    timeout: float = 600.0


class Damage(Exception):
    """Why a tarball is not read to its end. Its arguments are a status of SourceReport and a sentence."""


class _Stream:
    """The bytes of a tarball, for tarfile: it may read so many until it is given more."""

    def __init__(self, opened: Opened, deadline: float) -> None:
        self.room = _MAX_HEADER
        self._fd = opened.fd
        kind = kind_of(os.pread(opened.fd, 16, 0))
        self.archive = Archive(opened.fd, kind, Caps(), deadline) if kind else None
        self._deadline = deadline

    def read(self, size: int) -> bytes:
        self.room -= size
        if self.room < 0:
            raise Damage("corrupt", "a header of more than %d bytes" % _MAX_HEADER)
        if time.monotonic() > self._deadline:
            raise Damage("timeout", "not read to its end in the time allowed")
        if self.archive is None:
            return os.read(self._fd, size)
        buffer = bytearray(size)
        got = self.archive.fill(memoryview(buffer))
        if not got and self.archive.damage:
            raise Damage(self.archive.damage.status, self.archive.damage.reason)
        return bytes(buffer[:got])

    def close(self) -> None:
        if self.archive is not None:
            self.archive.close()


def place_of(name: str) -> Optional[str]:
    """Where a member goes below our directory; None for one that is no log."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or not _SAFE.match(parts[-1]):
        return None
    for depth in (0, 1):  # a sosreport lies in a directory of its own
        folder = "/".join(parts[depth:-1])
        path = "/".join(parts[depth:])
        if path in SYSTEM_FILES or (folder in PLACES and folder and is_log(parts[-1])):
            return path
        inside = folder[len(JOURNAL) + 1 :] if folder.startswith(JOURNAL + "/") else ""
        if _MACHINE_ID.match(inside) and parts[-1].endswith((".journal", ".journal~")):
            return path
    return parts[-1] if len(parts) <= 2 and is_log(parts[-1]) else None


def unpack(path: str, target: str, limits: Limits = Limits()) -> Optional[Damage]:
    """Lay the logs of a tarball below target, an empty directory of ours. What kept it from its end, if anything."""
    opened = open_regular(path, follow=True)
    if opened.fd < 0:
        return Damage(opened.status, opened.reason or "")
    try:
        stream = _Stream(opened, time.monotonic() + limits.timeout)
        try:
            _unpack(stream, target, limits)
        finally:
            stream.close()
    except Damage as exc:
        return exc
    except Unsupported as exc:
        return Damage("unsupported", str(exc))
    except (tarfile.TarError, EOFError) as exc:
        return Damage("corrupt", "no tarball from here on: %s" % exc)
    except (OSError, ValueError, OverflowError, MemoryError) as exc:
        return Damage("error", "%s: %s" % (type(exc).__name__, exc))
    finally:
        os.close(opened.fd)
    return None


def _unpack(stream: _Stream, target: str, limits: Limits) -> None:
    with tarfile.open(fileobj=stream, mode="r|", bufsize=tarfile.BLOCKSIZE * 20) as tar:  # type: ignore[call-overload]
        left = limits.size
        taken = set()  # type: Set[str]
        for member in _members(tar, stream, limits):
            place = place_of(member.name) if member.isreg() and not member.issparse() else None
            if place is None or place in taken:
                continue
            taken.add(place)
            left -= member.size
            if left < 0 or len(taken) > limits.files or member.size > _free(target):
                reason = "its logs take more than %d bytes, %d files or what is free in %s" % (
                    limits.size,
                    limits.files,
                    target,
                )
                raise Damage("too_big", reason)
            _lay(tar, member, os.path.join(target, place))


def _members(tar: tarfile.TarFile, stream: _Stream, limits: Limits) -> Iterator[tarfile.TarInfo]:
    """One after the other. So much may be read for each as it says that it has, and for the header of the next."""
    before = 0
    for _number in range(limits.members):
        stream.room = _MAX_HEADER + before
        member = tar.next()
        tar.members = []  # type: ignore[attr-defined]  # else it keeps each
        if member is None:
            return
        before = max(0, member.size)
        stream.room = _MAX_HEADER + before
        yield member
    raise Damage("too_big", "more than %d members" % limits.members)


def _free(target: str) -> int:
    """Bytes that may be written there; a tenth stays free."""
    usage = shutil.disk_usage(target)
    return usage.free - usage.total // 10


def _lay(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    source = tar.extractfile(member)
    if source is None:
        return
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while True:
            data = source.read(_CHUNK)
            if not data:
                break
            os.write(fd, data)
        written = min(max(0.0, float(member.mtime)), time.time())
        os.utime(path, (written, written))
    finally:
        os.close(fd)
