# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of engines: those of the system, which nobody but root may have written, and those of a user, who may be
hostile to root.

What cannot be read is None, whatever the reason: a name that is not known is no error.
"""

import json
import os
import re
import stat
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath, open_folder
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

#: A hundred containers of a user take a tenth of it.
_MAX_OF_USER = 1 << 20
_MAX_DIGITS = 18
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Not a link; and neither a FIFO nor a terminal may hold the reader.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
#: name:password:uid:gid:comment:home:shell
_PASSWD = re.compile(r"^[^:\n]*:[^:\n]*:([0-9]{1,10}):[^:\n]*:[^:\n]*:(/[^:\n]*)", re.MULTILINE)


class Disk:
    """The files of one owner."""

    def read(self, path: str) -> Optional[bytes]:
        raise NotImplementedError

    def names(self, folder: str) -> List[str]:
        """Sorted; empty where the folder is not there."""
        raise NotImplementedError

    def mapping(self, path: str) -> Dict[str, Any]:
        """A file of JSON that holds a mapping; an empty one for anything else."""
        found = json_of(self.read(path))
        return found if isinstance(found, dict) else {}

    def rows(self, path: str) -> List[Dict[str, Any]]:
        """The mappings in a file of JSON that holds a list."""
        found = json_of(self.read(path))
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _no_number(_digits: str) -> None:
    """A number of a million digits costs seconds, and no name is one."""


def json_of(data: Optional[bytes], parse_int: Callable[[str], Optional[int]] = _no_number) -> Any:
    """None for what is no JSON, and for numbers."""
    if data is None:
        return None
    try:
        return json.loads(to_text(data), parse_int=parse_int, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _short_number(digits: str) -> Optional[int]:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def json_with_numbers(data: Optional[bytes]) -> Any:
    """The same with whole numbers of a few digits."""
    return json_of(data, _short_number)


class SystemDisk(Disk):
    """Every folder on the way and the file itself must belong to root. Links that root made are followed, as
    /var/lib/docker often is one.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def read(self, path: str) -> Optional[bytes]:
        folder, name = os.path.split(path)
        try:
            opened = open_folder(os.path.realpath(self._host.path(folder)), sticky=True)
            if opened is None:
                return None
            with opened:
                found = opened.read(name)
        except (OSError, UnsafePath, ValueError):
            return None
        return None if found is None else found.data

    def names(self, folder: str) -> List[str]:
        try:
            opened = open_folder(os.path.realpath(self._host.path(folder)), sticky=True)
            if opened is None:
                return []
            with opened:
                return opened.names()
        except (OSError, UnsafePath, ValueError):
            return []


class UserDisk(Disk):
    """Files of one user: no link is followed, and what belongs to somebody else is not read."""

    def __init__(self, host: Host, uid: int) -> None:
        self._host = host
        self._uid = uid

    @contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        fd = os.open(self._host.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in [part for part in path.split("/") if part]:
                inner = os.open(part, _FOLDER, dir_fd=fd)
                os.close(fd)
                fd = inner
                if os.fstat(fd).st_uid not in (0, self._uid):
                    raise UnsafePath("%s belongs to another user" % path)
            yield fd
        finally:
            os.close(fd)

    def read(self, path: str) -> Optional[bytes]:
        folder, name = os.path.split(path)
        try:
            with self._folder(folder) as inside:
                fd = os.open(name, _FILE, dir_fd=inside)
                try:
                    return self._read(fd)
                finally:
                    os.close(fd)
        except (OSError, UnsafePath, ValueError):
            return None

    def _read(self, fd: int) -> Optional[bytes]:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return None
        if status.st_uid != self._uid:  # a hard link to a file of somebody else
            return None
        if status.st_size > _MAX_OF_USER:
            return None
        parts = []  # type: List[bytes]
        room = _MAX_OF_USER
        while room > 0:  # it may grow meanwhile
            data = os.read(fd, min(room, 1 << 16))
            if not data:
                break
            parts.append(data)
            room -= len(data)
        return b"".join(parts)

    def names(self, folder: str) -> List[str]:
        """Always empty: a user can put millions of names there, and a whole id needs no list."""
        return []


def home_of(host: Host, uid: int) -> Optional[str]:
    """From /etc/passwd alone: no directory service is asked."""
    text = to_text(host.read("/etc/passwd") or b"")
    for number, home in _PASSWD.findall(text):
        if int(number) == uid and ".." not in home.split("/"):
            return str(home)
    return None
