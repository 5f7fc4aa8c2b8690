# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal's files say in their first 208 bytes: how far they reach, whose they are, who may read them.

journalctl would need a run per answer, and with ``-q`` it does not tell a journal that may not be read from an empty
one.
"""

import errno
import os
import stat
import struct
from typing import List, NamedTuple, Optional

#: The header of systemd's JOURNAL_FILE_FORMAT, all of it older than systemd 189.
_HEADER = struct.Struct("<8s I I B 7x 16s 16s 16s 16s 15Q")
_SIGNATURE = b"LPKSHHRH"


class JournalFile(NamedTuple):
    """One journal file.

    status -- read, denied or corrupt
    first, last -- epoch seconds of its oldest and newest entry
    owner -- uid of the owner
    """

    path: str
    status: str
    size: int = 0
    owner: Optional[int] = None
    machine_id: Optional[str] = None
    entries: int = 0
    first: Optional[float] = None
    last: Optional[float] = None

    def overlaps(self, since: Optional[float], until: Optional[float]) -> bool:
        """Does it hold entries of this time?"""
        if self.status != "read" or not self.entries:
            return False
        too_old = since is not None and self.last is not None and self.last < since
        too_new = until is not None and self.first is not None and self.first > until
        return not too_old and not too_new


def header_of(path: str, data: bytes, size: int = 0, owner: Optional[int] = None) -> JournalFile:
    """The header's facts; status corrupt where it is none."""
    if len(data) < _HEADER.size or not data.startswith(_SIGNATURE):
        return JournalFile(path, "corrupt", size, owner)
    values = _HEADER.unpack_from(data)
    machine_id = values[5].hex()
    entries, first, last = values[16], values[20], values[21]
    return JournalFile(
        path,
        "read",
        size,
        owner,
        machine_id,
        entries,
        first / 1e6 if entries and first else None,
        last / 1e6 if entries and last else None,
    )


def read_header(path: str) -> Optional[JournalFile]:
    """One file's header; None where it is gone by now or no regular file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        return JournalFile(path, "denied") if exc.errno in (errno.EACCES, errno.EPERM) else None
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            return None
        return header_of(path, os.read(fd, _HEADER.size), info.st_size, info.st_uid)
    except OSError:
        return JournalFile(path, "corrupt")
    finally:
        os.close(fd)


def is_journal(name: str) -> bool:
    """A file journald writes for the system. A user's own (``user-1000.journal``) holds no kernel records."""
    return name.endswith((".journal", ".journal~")) and not name.startswith("user-")


def files_in(directory: str, subdirectories: bool = False) -> List[JournalFile]:
    """The journal files of a directory, one level deeper too on request. PermissionError is the caller's."""
    found = []  # type: List[JournalFile]
    deeper = []  # type: List[str]
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if is_journal(name):
            header = read_header(path)
            if header is not None:
                found.append(header)
        elif subdirectories and os.path.isdir(path):
            deeper.append(path)
    for path in deeper:
        try:
            found.extend(files_in(path))
        except OSError:
            found.append(JournalFile(path, "denied"))
    return found
