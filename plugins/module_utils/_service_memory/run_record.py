# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd gave a running unit before a change of ours: scores, which tell a process of the earlier one from one
that chose its own, and which limits were ours, so that one that was taken back can be told from one of somebody else's.

Kept in /run, for an interrupted run and for ``apply: next_start``: after a boot every process is new.
"""

import os
import time
from typing import FrozenSet, Iterable, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import FOLDER
from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath, open_folder
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION

_SCORES = FOLDER + "/scores"
_MAX = 24


def _start(state: UnitState) -> str:
    """What tells one start of a unit from another; systemd before 232 has no InvocationID."""
    entered = state.get("ActiveEnterTimestampMonotonic")
    return state.get("InvocationID") or (entered if entered != "0" else "")


def _words(host: Host, state: UnitState) -> List[str]:
    """Empty where the unit was started since."""
    try:
        folder = open_folder(_SCORES, root=host.root, sticky=True)
        if folder is None:
            return []
        with folder:
            file = folder.read(state.id)
    except (OSError, UnsafePath):  # not root in check mode; or somebody's: then nobody told us
        return []
    words = file.data.decode("ascii", "replace").split() if file is not None else []
    return words[1 : _MAX + 1] if words and words[0] == _start(state) else []


def recorded(host: Host, state: UnitState) -> FrozenSet[int]:
    return frozenset(int(word) for word in _words(host, state) if word.lstrip("-").isdigit())


def recorded_options(host: Host, state: UnitState) -> List[str]:
    return [word for word in _words(host, state) if word in BY_OPTION]


def record(host: Host, state: UnitState, scores: Optional[Iterable[int]], options: Iterable[str] = ()) -> None:
    """Before the first change that makes them the past. ``scores`` None: they are not ours. Raises OSError,
    UnsafePath.
    """
    loaded = state.loaded("oom_score_adjust")
    all_of_them = set(recorded(host, state) if scores is None else scores)
    if scores is not None and isinstance(loaded, int):
        all_of_them.add(loaded)
    words = [_start(state) or "-"] + sorted(options) + [str(score) for score in sorted(all_of_them)]
    folder = open_folder(_SCORES, create=True, root=host.root, sticky=True)
    if folder is not None:
        with folder:
            folder.replace(state.id, " ".join(words).encode("ascii"), mode=0o600)


def default_score(files_say: Optional[str]) -> int:
    """What a unit's processes get: the winning line, else what they inherit from pid 1."""
    score = BY_OPTION["oom_score_adjust"].expected(files_say, None) if files_say else 0
    return score if isinstance(score, int) else 0


def _seconds_since_boot(epoch: float) -> float:
    """A file's time on the clock on which systemd dates the start of a unit."""
    return epoch - (time.time() - time.monotonic())


def is_older(host: Host, state: UnitState, path: Optional[str]) -> bool:
    """Whether the unit's processes were started before the file at this path was changed."""
    if state.started is None or path is None:
        return False
    try:
        changed = os.stat(host.path(path)).st_mtime
    except OSError:
        return False
    return state.started < _seconds_since_boot(changed)


def previous_scores(
    host: Host, state: UnitState, score: int, path: Optional[str], manager_may_lower: bool
) -> FrozenSet[int]:
    """Scores other than ``score`` that a process has from systemd, not by its own choice.

    path -- the file that sets the unit's score
    manager_may_lower -- False: pid 1 could not give its services what the file says
    """
    found = set(recorded(host, state))
    known = bool(found)
    loaded = state.loaded("oom_score_adjust")
    if isinstance(loaded, int):
        found.add(loaded)
    # A guess, and only where no run of ours knows: 0 may also be the choice of a process, as of PostgreSQL's children.
    swallowed = not manager_may_lower and min(found | {score}) < 0
    if (not known and is_older(host, state, path)) or swallowed:
        found.add(default_score(None))
    return frozenset(found - {score})
