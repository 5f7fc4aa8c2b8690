# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs that were brought from elsewhere as a whole: a sosreport, or another directory or tarball of logs, among the
paths of a task.

Its journal is a source like that of ``journal_directory``, and what it says of its machine is not this machine's: host,
RAM, and the day on which it was made, from which the years of the stamps are counted.
"""

import glob
import os
from typing import Any, Dict, Iterable, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport
from ansible_collections.memops.linux.plugins.module_utils._sources.sosreport import (
    System,
    is_sosreport,
    is_tarball,
    journal_in,
    system_of,
)

from .params import Wish


def offline_of(wish: Wish) -> Optional["Offline"]:
    """None where every path is a log, as on most hosts."""
    paths = _paths(wish.paths or ())
    if not any(os.path.isdir(path) or is_tarball(path) for path in paths):
        return None
    return Offline(wish._replace(paths=tuple(paths)))


def _paths(patterns: Iterable[str]) -> List[str]:
    """The sosreports and tarballs that a pattern stands for in its place, and what else it stands for behind them."""
    paths = []  # type: List[str]
    for pattern in patterns:
        if not glob.has_magic(pattern) or os.path.lexists(pattern):
            paths.append(pattern)
            continue
        matches = sorted(glob.glob(pattern))
        whole = [path for path in matches if is_sosreport(path) or (os.path.isfile(path) and is_tarball(path))]
        others = [path for path in matches if path not in whole and not os.path.isdir(path)]
        paths += whole + others if whole else [pattern]
    return paths


class Offline:
    """Directories and tarballs of a wish. A tarball is a directory of ours while the object is entered.

    wish -- the wish with directories instead of tarballs, and with their journal
    reports -- what kept a tarball from being read to its end
    system -- the machine that all of it is from; nothing where there are several
    """

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.reports = []  # type: List[SourceReport]
        self.systems = {}  # type: Dict[str, System]
        self._laid = []  # type: List[Tuple[str, str]]  # our directory, the tarball

    @property
    def system(self) -> System:
        return list(self.systems.values())[0] if len(self.systems) == 1 else System()

    def __enter__(self) -> "Offline":
        try:
            self._enter()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _enter(self) -> None:
        paths = [
            self._unpacked(path) if not os.path.isdir(path) and is_tarball(path) else path
            for path in self.wish.paths or ()
        ]
        directories = [path for path in paths if os.path.isdir(path)]
        self.systems = {path: system_of(path) for path in directories}
        self.wish = self.wish._replace(paths=tuple(paths))
        journals = [path for path in map(journal_in, directories) if path is not None]
        if self.wish.journal_directory is None and self.wish.sources in (None, ("journal",)) and journals:
            self.wish = self.wish._replace(journal_directory=journals[0])
            journals = journals[1:]
        self.reports += [
            SourceReport(path, "unsupported", reason="one journal is read at a time: name it as journal_directory")
            for path in journals
        ]

    def _unpacked(self, path: str) -> str:
        import tempfile  # late: a log needs none of this

        from ansible_collections.memops.linux.plugins.module_utils._sources.tarball import unpack

        target = tempfile.mkdtemp(prefix="memops-")
        self._laid.append((target, path))
        damage = unpack(path, target)
        if damage is not None:
            status, reason = damage.args
            self.reports.append(SourceReport(path, status if os.listdir(target) else "error", reason=reason))
        return target

    def __exit__(self, *exc_info: object) -> None:
        import shutil

        for target, _path in self._laid:
            shutil.rmtree(target, ignore_errors=True)

    def shown(self, value: Any) -> Any:
        """The facts with the tarball's name where our directory's is."""
        if isinstance(value, str):
            for target, path in self._laid:
                value = value.replace(target + "/", path + ":").replace(target, path)
            return value
        if isinstance(value, dict):
            return {key: self.shown(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.shown(one) for one in value]
        return value
