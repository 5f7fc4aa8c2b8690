# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something was not changed, in words; and what to do about an error of the system."""

import errno

from ._text import printable

_WAYS_OUT = {
    errno.ENOSPC: "free some space (or inodes) on that file system",
    errno.EDQUOT: "free some of its quota",
    errno.EFBIG: "raise the limit of the size of files (ulimit -f)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise fs.file-max",
    errno.EROFS: "mount that file system read-write",
    errno.EACCES: "become root",
    errno.EPERM: "become root; lsattr shows whether it is immutable",
    errno.EIO: "look into the kernel's log: the disk fails",
}


def describe(exc: OSError, path: str = "") -> str:
    """Path, reason and, where there is one, the way out: ``/run/memops/lock: No space left on device; free some space
    (or inodes) …``.
    """
    where = path or (exc.filename if isinstance(exc.filename, str) else "")
    reason = exc.strerror or str(exc)
    way_out = _WAYS_OUT.get(exc.errno or 0)
    text = "%s: %s" % (printable(where[:1024]), reason) if where else reason
    return text if way_out is None else "%s; %s" % (text, way_out)


class PreconditionError(Exception):
    """Nothing was touched; the text says why and which option or action changes that."""


class ExecutionError(Exception):
    """A step failed; the text says what stands now. errno is the kernel's number where it gave one."""

    def __init__(self, text: str, errno: int = 0) -> None:
        super(ExecutionError, self).__init__(text)
        self.errno = errno
