# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents onto the disk: all are written and synced beside their places first, then renamed; nobody meets half a
report.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
import typing as t

_FILE_MODE, _DIRECTORY_MODE = 0o640, 0o750
#: what names the generation time in each format, and nothing else
_GENERATED = re.compile(
    rb'^(?:"generated_at": .*|<p id="generated">.*|Generated \d.*)$|(?<= )timestamp="[0-9T:-]*"', re.MULTILINE
)
#: what lies in there is loaded as variables, and the next run would execute templates that a process name carries
_VARIABLES = ("group_vars", "host_vars")


class ReportFilesError(Exception):
    """The text says what happened, what was left untouched and which option changes that."""


class Document(t.NamedTuple):
    name: str
    text: str


def same(old: bytes | None, new: bytes) -> bool:
    """Equal but for the time of generation."""
    return old is not None and (old == new or _GENERATED.sub(b"", old, count=1) == _GENERATED.sub(b"", new, count=1))


#: errno -> what can be done, beside another dest
_WAYS_OUT = {
    errno.ENOSPC: "Make room there, or choose another dest",
    errno.EDQUOT: "Make room in the quota, or choose another dest",
    errno.EMFILE: "Raise the limit of open files (ulimit -n)",
    errno.ENFILE: "Raise the limit of open files (fs.file-max)",
    errno.ENAMETOOLONG: "Choose a shorter dest",
}


def _read(path: str) -> bytes | None:
    """None for what is not there, and for what is no file: a FIFO would be waited for, and is replaced."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as stream:
        return stream.read() if stat.S_ISREG(os.fstat(fd).st_mode) else None


def _sync_directory(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _stage(dest: str, data: bytes) -> str:
    """A temporary file in the same directory, complete and on the disk."""
    fd, path = tempfile.mkstemp(prefix=".oom_report-", dir=dest)
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), _FILE_MODE)
            os.fsync(stream.fileno())
    except BaseException:
        os.unlink(path)
        raise
    return path


def _make_directory(dest: str) -> None:
    missing = []
    path = dest
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for path in reversed(missing):
        os.mkdir(path, _DIRECTORY_MODE)
        _sync_directory(os.path.dirname(path))


def _check(dest: str) -> None:
    if any(part in _VARIABLES for part in dest.split(os.sep)):
        raise ReportFilesError(
            f"nothing was written: dest is inside {' or '.join(_VARIABLES)}, where Ansible would load the report as"
            " variables and run templates out of process names. Choose another dest."
        )
    path = dest
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    if not os.path.isdir(path):
        raise ReportFilesError(f"nothing was written: {path} is not a directory. Choose another dest.")
    if not os.access(path, os.W_OK | os.X_OK):
        raise ReportFilesError(
            f"nothing was written: {path} may not be written by this user (the report is written on the controller)."
            " Choose another dest."
        )


def write(dest: str, documents: t.Iterable[Document], dry_run: bool) -> list[str]:
    """Names of the documents whose content is new; they are written unless dry_run.

    One document after the other is made and staged: those of a big fleet do not fit into memory together.
    """
    staged: dict[str, str] = {}
    changed: list[str] = []
    try:
        _check(os.path.realpath(dest))
        for document in documents:
            data = document.text.encode("utf-8")
            if same(_read(os.path.join(dest, document.name)), data):
                continue
            changed.append(document.name)
            if not dry_run:
                _make_directory(dest)
                staged[document.name] = _stage(dest, data)
        for name in list(staged):
            os.replace(staged[name], os.path.join(dest, name))
            del staged[name]
        if changed and not dry_run:
            _sync_directory(dest)
    except OSError as exc:
        way_out = _WAYS_OUT.get(exc.errno or 0, "Choose another dest")
        raise ReportFilesError(
            f"{exc.filename or dest}: {exc.strerror}; what was in dest before is untouched or complete. {way_out}."
        ) from exc
    finally:
        for path in staged.values():
            os.unlink(path)
    return changed
