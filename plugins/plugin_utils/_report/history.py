# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""history.jsonl, one small line per run, and the report of an earlier one: files that lie beside the report.

They are read on the controller, and whoever may write there can have made them: no link is followed, nothing is waited
for, nothing is taken whole that is too large, and what is in them is checked by `previous_runs`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import tempfile
import time
import typing as t

from . import previous_runs
from .files import ReportFilesError
from .host import SCHEMA, Json
from .origin import mark
from .time_coverage import scene
from .trend import LATELY, last

NAME, REPORT = "history.jsonl", "report.json"
#: The head of a report of ours ends with the line of its hosts.
_HOSTS = b'\n"hosts": {'
_MOST_HEAD, _MOST_REPORT = 16 << 20, 64 << 20
_MOST_LINE, _MOST_HISTORY = 4096, 2 << 20
#: So many lines are kept when there are twice as many.
_KEPT = 1000
_MODE = 0o640
_TRIES, _PAUSE = 50, 0.1
#: Problems that a line names.
_TOP = 5


def _open_regular(path: str, flags: int) -> int:
    """A file, and nothing that would be waited for or that leads elsewhere."""
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return fd


def _document(data: bytes) -> t.Any:
    """None for what is no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _read_head(stream: t.IO[bytes]) -> t.Any:
    """A report of ours without its hosts: with many kills these are nearly all of it."""
    head = stream.read(_MOST_HEAD)
    cut = head.find(_HOSTS)
    if cut >= 0:
        document = _document(head[:cut] + _HOSTS + b"}}")
        if document is not None:
            return document
    rest = stream.read(_MOST_REPORT - len(head) + 1)
    return None if len(head) + len(rest) > _MOST_REPORT else _document(head + rest)


def read_report(path: str) -> tuple[Json | None, str]:
    """(the report, why there is none). What is in a file that is none of ours is not told."""
    try:
        # The path is a person's wish, so a link in its last place is followed.
        with os.fdopen(_open_regular(os.path.realpath(path), os.O_RDONLY), "rb") as stream:
            document = _read_head(stream)
    except FileNotFoundError:
        return None, "is not there"
    except (OSError, ValueError) as exc:
        return None, f"cannot be read ({getattr(exc, 'strerror', None) or 'not a path'})"
    if not previous_runs.is_report(document):
        return None, "is not a report.json of this collection"
    if not previous_runs.baselines(document):
        return None, "is a report.json that holds no problems: an older version of this collection wrote it"
    return document, ""


def read_past(dest: str, previous: str | None) -> previous_runs.Past:
    """What earlier runs left in dest, or the report that a person named."""
    if previous:
        path = os.path.abspath(previous)
        document, reason = read_report(os.path.join(path, REPORT) if os.path.isdir(path) else path)
        if document is None:
            raise ReportFilesError(
                f"nothing was written: previous: {path} {reason}. Give a report.json of an earlier run, or leave it"
                " out."
            )
    else:
        document, reason = read_report(os.path.join(dest, REPORT))
    runs, broken = read_runs(dest)
    return previous_runs.Past(previous_runs.baselines(document) if document else (), runs, reason, broken)


def _lines(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if line]


def read_runs(dest: str) -> tuple[list[previous_runs.Run], int]:
    """(what the lines tell, how many could not be read). No file is no history."""
    try:
        with os.fdopen(_open_regular(os.path.join(dest, NAME), os.O_RDONLY), "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(size - _MOST_HISTORY, 0))
            lines = _lines(stream.read(_MOST_HISTORY))
    except FileNotFoundError:
        return [], 0
    except OSError:
        return [], 1
    found, broken = [], 0
    for line in lines[-2 * _KEPT :]:
        document = _document(line) if len(line) <= _MOST_LINE else None
        told = previous_runs.runs(document)
        found += told
        broken += not told and not _is_mute(document)
    return found, broken


def _is_mute(document: t.Any) -> bool:
    """A run that could compare nothing."""
    return isinstance(document, dict) and document.get("schema") == SCHEMA and document.get("last") == {}


def line(report: Json) -> str:
    """What this run leaves behind. Names of hosts and units are data: escaped to ASCII, and cut."""
    seen = scene(report["hosts"], report["generated_at"])
    totals, trend = report["fleet"]["totals"], report["trend"]
    lately = {}
    for period in LATELY:
        found = last(report["problems"], seen, period)
        if found is not None:
            lately[str(int(period))] = [found["kills"], found["shortages"]]
    made = {
        "schema": SCHEMA,
        "generated_at": report["generated_at"],
        "as_of": trend["as_of"],
        "hosts": totals["hosts"],
        "ok": totals["ok"],
        "partial": totals["partial"],
        "kills": totals["kills"] if totals["ok"] else None,
        "unresolved": totals["unresolved"] if totals["ok"] else None,
        "last": lately,
        "origin": mark(seen.origins),
        "problems": trend["problems_total"],
        "states": trend["states"],
        "top": [
            {"id": one["id"], "subject": one["subject"][:120], "events": one["events"]}
            for one in report["problems"][:_TOP]
        ],
    }
    return json.dumps(made, allow_nan=False, separators=(",", ":"))


def _moment(text: bytes) -> tuple[t.Any, ...]:
    """What makes two lines tell of the same run: the facts that were shown, not when they were."""
    document = _document(text)
    if not isinstance(document, dict):
        return ()
    return tuple(document.get(key) for key in ("as_of", "hosts", "ok", "kills"))


def is_told(dest: str, text: str) -> bool:
    """Do the last lines tell of the same facts already?"""
    try:
        with os.fdopen(_open_regular(os.path.join(dest, NAME), os.O_RDONLY), "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - 2 * _MOST_LINE, 0))
            lines = _lines(stream.read())
    except OSError:
        return False
    return bool(lines) and _moment(lines[-1]) == _moment(text.encode("ascii"))


def _lock(fd: int, path: str) -> bool:
    """Is it ours, and still the file of that name?"""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


def _locked(path: str) -> int:
    """The file that lies there now, locked against other writers."""
    for _try in range(_TRIES):
        fd = _open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        if _lock(fd, path):
            return fd
        os.close(fd)
        time.sleep(_PAUSE)
    raise OSError(errno.EWOULDBLOCK, "another process holds its lock", path)


def _cut(dest: str, fd: int) -> None:
    """The newest lines, as a whole file in the place of the old one."""
    size = os.fstat(fd).st_size
    data = os.pread(fd, _MOST_HISTORY, max(size - _MOST_HISTORY, 0))
    if size <= _MOST_HISTORY and data.count(b"\n") <= 2 * _KEPT:
        return
    whole = data[data.find(b"\n") + 1 :] if size > _MOST_HISTORY else data
    kept = _lines(whole)[-_KEPT:]
    kept = [one for one in kept if len(one) <= _MOST_LINE]
    while kept and sum(map(len, kept)) > _MOST_HISTORY // 2:
        kept = kept[len(kept) // 2 + 1 :]
    temporary, path = tempfile.mkstemp(prefix=".oom_report-", dir=dest)
    try:
        with os.fdopen(temporary, "wb") as stream:
            stream.write(b"".join(one + b"\n" for one in kept))
            stream.flush()
            os.fchmod(stream.fileno(), _MODE)
            os.fsync(stream.fileno())
        os.replace(path, os.path.join(dest, NAME))
    except BaseException:
        os.unlink(path)
        raise


def note(dest: str, report: Json, dry_run: bool) -> list[str]:
    """This run as a line of the history, unless it has that line already. The names of the files that are new."""
    text = line(report)
    if is_told(dest, text):
        return []
    if not dry_run:
        append(dest, text)
    return [NAME]


def append(dest: str, text: str) -> None:
    """One line at the end, in one write; a line that a crash cut short before it stays alone with its fault."""
    path = os.path.join(dest, NAME)
    try:
        fd = _locked(path)
        try:
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            os.write(fd, b"\n" * torn + text.encode("ascii") + b"\n")
            os.fsync(fd)
            _cut(dest, fd)
        finally:
            os.close(fd)
    except OSError as exc:
        raise ReportFilesError(
            f"{path}: {exc.strerror}; the report is written, its line in the history is not. Move that file away, or"
            " choose another dest."
        ) from exc
