# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are logs here: the standard ones, and what the user's paths and patterns stand for."""

import glob
import os
import re
import stat
from typing import Dict, Iterable, List, NamedTuple, Set, Tuple

from .model import SourceReport

# messages, messages.1, messages-20250412.xz, kern.log.2.gz; not messages_old, not the directory syslog.d
_STANDARD = re.compile(r"(?:messages|syslog|kern\.log)(?:[.-].*)?$")


class LogPaths(NamedTuple):
    """paths -- to be read. missing -- what was looked for and is not there. within -- of the paths that a directory
    has: the directory.
    """

    paths: List[str]
    missing: List[SourceReport]
    within: Dict[str, str] = {}


def standard_logs(root: str = "/") -> LogPaths:
    """/var/log/{messages,syslog,kern.log} with their rotations, the newest first. Names are given with the root."""
    folder = os.path.join(root, "var/log")
    try:
        names = [name for name in os.listdir(folder) if _STANDARD.match(name)]
    except OSError as exc:
        status = "absent" if isinstance(exc, (FileNotFoundError, NotADirectoryError)) else "denied"
        return LogPaths([], [SourceReport(folder, status, reason=exc.strerror)])
    found = []  # type: List[Tuple[float, str]]
    for name in names:
        path = os.path.join(folder, name)
        try:
            status_of = os.stat(path)
            if stat.S_ISDIR(status_of.st_mode):
                continue
            found.append((-status_of.st_mtime, path))
        except OSError:
            found.append((0.0, path))  # whoever opens it will say why
    paths = _once(path for _mtime, path in sorted(found))
    if not paths:
        return LogPaths([], [SourceReport(folder, "absent", reason="no messages, syslog or kern.log in it")])
    return LogPaths(paths, [])


def expand(patterns: Iterable[str]) -> LogPaths:
    """The user's paths and patterns (*, ?, [], **) as paths, sorted, every file once; of a directory the logs in it."""
    found = []  # type: List[str]
    missing = []  # type: List[SourceReport]
    within = {}  # type: Dict[str, str]
    for pattern in patterns:
        if os.path.isdir(pattern):
            paths, report = _directory(pattern)
            found += paths
            within.update((path, pattern) for path in paths)
            missing.append(report)
            continue
        if os.path.lexists(pattern) or not glob.has_magic(pattern):
            found.append(pattern)  # absent, denied, not_regular: whoever opens it will say so
            continue
        matches = glob.glob(pattern, recursive=True)
        found += [match for match in matches if not os.path.isdir(match)]
        if not matches:
            missing.append(_nothing(pattern))
    return LogPaths(_once(sorted(set(found))), missing, within)


def _directory(path: str) -> Tuple[List[str], SourceReport]:
    """The logs in a directory, and what is said of it: ``skipped`` is no hole, its logs speak for it."""
    from .sosreport import journal_in, logs_in

    try:
        os.listdir(path)
    except OSError as exc:
        return [], SourceReport(path, "denied", reason=exc.strerror)
    paths, more = logs_in(path)
    if not paths and journal_in(path) is not None:
        return [], SourceReport(path, "skipped", reason="a directory with a journal and without a text log")
    if not paths:
        return [], SourceReport(path, "absent", reason="a directory, and nothing in it has a log's name")
    said = "a directory: the %d logs in it are read" % len(paths)
    if more:
        return paths, SourceReport(path, "too_big", reason="%s, %d more are not" % (said, more))
    return paths, SourceReport(path, "skipped", reason=said)


def _nothing(pattern: str) -> SourceReport:
    """Why a pattern matches nothing: glob keeps that to itself."""
    folder = os.path.dirname(re.split(r"[*?\[]", pattern)[0]) or "."
    try:
        os.listdir(folder)
    except PermissionError:
        return SourceReport(pattern, "denied", reason="%s may not be listed by this user" % folder)
    except OSError:
        pass
    return SourceReport(pattern, "absent", reason="matches nothing")


def _once(paths: Iterable[str]) -> List[str]:
    """Without the further names of the same file."""
    seen = set()  # type: Set[Tuple[int, int]]
    kept = []
    for path in paths:
        try:
            status_of = os.stat(path)
            if (status_of.st_dev, status_of.st_ino) in seen:
                continue
            seen.add((status_of.st_dev, status_of.st_ino))
        except OSError:
            pass
        kept.append(path)
    return kept
