# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain file as a stream: over its holes, with an eye on those who truncate it meanwhile."""

import errno
import os
import time
from typing import Optional

from .safe_open import Opened
from .stream import Damage

#: A file may grow by so much while it is read; a faster writer is not chased
GROWTH = 1 << 20
#: Smaller holes are read as the NULs they are
_HOLE = 1 << 20


class PlainFile:
    """A plain file as a stream: from `start` to `end`, over holes, and once more when it is cut off under our hands."""

    def __init__(self, opened: Opened, start: int, end: int, deadline: Optional[float], shift: int = 0) -> None:
        self.damage = None  # type: Optional[Damage]
        self.produced = 0
        self.base = start + shift  # offset in the stream of the stretch that comes next
        self._opened, self._at, self._end, self._deadline = opened, start, end, deadline
        self._again = False
        self._shift = shift  # between offsets in the file and in the stream
        self._ended = False
        os.lseek(opened.fd, start, os.SEEK_SET)

    def more(self) -> bool:
        """Is there another stretch, one that does not continue the last?"""
        return not self._ended

    def fill(self, view: memoryview) -> int:
        wanted = min(len(view), self._end - self._at)
        try:
            if self._deadline is not None and time.monotonic() > self._deadline:
                self.damage = Damage("timeout", "not read to its end in the time allowed")
            elif self._opened.sparse and wanted > 0 and self._over_hole():
                return 0
            elif wanted > 0:
                got = os.readv(self._opened.fd, [view[:wanted]])
                self._at += got
                self.produced += got
                if got:
                    return got
                if self._cut_off():
                    return 0
        except OSError as exc:
            self.damage = Damage("error", exc.strerror or str(exc))
        self._ended = True
        return 0

    def end(self) -> int:
        """Offset in the stream of what comes after it."""
        return self._shift + self._at

    def _over_hole(self) -> bool:
        """Skip a hole; True if the stretch ends here."""
        fd = self._opened.fd
        try:
            data = os.lseek(fd, self._at, os.SEEK_DATA)
        except OSError as exc:
            data = self._at  # EINVAL: a file system that cannot tell
            if exc.errno == errno.ENXIO and self._at < os.fstat(fd).st_size:
                self._ended = True  # nothing but hole up to the end
                return True
        if data - self._at < _HOLE:
            os.lseek(fd, self._at, os.SEEK_SET)
            return False
        self._at = data
        self.base = data + self._shift
        return True

    def _cut_off(self) -> bool:
        """At the end of the file: was it copied and truncated meanwhile? Then what is there now is read, once."""
        if self._again or os.fstat(self._opened.fd).st_size >= self._at:
            return False
        self._again = True
        self.damage = Damage("rotated", "it was truncated while it was read")
        self._shift += self._at
        self.base = self._shift
        self._at, self._end = 0, self._opened.size + GROWTH
        os.lseek(self._opened.fd, 0, os.SEEK_SET)
        return True
