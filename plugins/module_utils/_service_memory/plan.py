# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide: what is there, what is requested, and the steps between them. Nothing here opens, runs or writes."""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import render
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import SETTINGS

from . import limits as limits_room
from .limits import Limit
from .params import Request
from .scores import Score
from .state import CurrentUnit, unread


class Steps(NamedTuple):
    """What is left to do for one unit.

    after -- our drop-in as it shall be; None: not there
    clear -- the file is right, but a killed run left something beside it
    score -- what its processes shall have; None: their scores are not ours
    setting -- how many processes get it through /proc
    restart -- the running units whose processes get it by a restart
    limits -- what the kernel holds otherwise now and shall hold after the reload
    """

    path: str
    after: Optional[bytes]
    write: bool = False
    remove: bool = False
    clear: bool = False
    reload: bool = False
    score: Optional[int] = None
    setting: int = 0
    restart: Tuple[str, ...] = ()
    limits: Tuple[Limit, ...] = ()

    @property
    def changes_file(self) -> bool:
        return self.write or self.remove

    def __bool__(self) -> bool:
        return self.changes_file or self.clear or self.reload or bool(self.setting) or bool(self.restart)

    def texts(self) -> List[str]:
        found = ["write %s" % self.path] if self.write else []
        found += ["remove %s" % self.path] if self.remove else []
        found += ["clear away what an interrupted run left in %s" % self.path.rsplit("/", 1)[0]] if self.clear else []
        found += ["daemon-reload"] if self.reload else []
        found += limits_room.texts(self.limits)
        if self.setting:
            found.append(
                "set oom_score_adj of %d process%s to %d"
                % (self.setting, "" if self.setting == 1 else "es", self.score or 0)
            )
        return found + ["restart %s" % name for name in self.restart]


def wanted_file(current: CurrentUnit, request: Request) -> Optional[bytes]:
    return render(current.unit.type, request.settings) if request.state == "present" else None


def file_changes(current: CurrentUnit, after: Optional[bytes]) -> bool:
    before = current.before
    if after is None or before is None:
        return (after is None) != (before is None)
    return before.data != after or before.stat.st_mode & 0o777 != 0o644


def managed(current: CurrentUnit, request: Request) -> List[str]:
    """Options that our file set or will set: leaving one out gives it back to the other files."""
    wanted = request.settings if request.state == "present" else {}
    return [setting.option for setting in SETTINGS if setting.option in wanted or setting.option in current.kept]


def reload_due(
    current: CurrentUnit,
    request: Request,
    waiting: bool,
    origins_of: Callable[[UnitState], Dict[str, Origin]],
    ram: Optional[int],
) -> bool:
    """Whether systemd has to read files again: ours will change, or it holds something else. ``waiting``: it says so
    itself.
    """
    if not current.booted:
        return False
    pending = file_changes(current, wanted_file(current, request)) or waiting
    return pending or bool(unread(current, request.settings if request.state == "present" else {}, origins_of, ram))


def steps(
    current: CurrentUnit,
    request: Request,
    due: bool,
    score: Optional[int],
    rows: Dict[str, List[Score]],
    limits: Sequence[Limit] = (),
) -> Steps:
    """``due``: a reload is. ``rows``: unit -> its processes as they would be after a live change to ``score``.

    ``limits``: of the running units, those that drifted. A reload hands them to the kernel anew, also where no file
    changes.
    """
    after = wanted_file(current, request)
    write = file_changes(current, after)
    older = {name: [row for row in found if row.before != row.after] for name, found in rows.items()}
    restarting = request.apply == "restart"
    applied = tuple(limits) if request.apply != "next_start" else ()
    return Steps(
        path=current.path,
        after=after,
        write=write and after is not None,
        remove=write and after is None,
        clear=current.leftovers and not write,
        reload=due or bool(applied),
        score=score,
        setting=sum(len(found) for found in older.values()) if request.apply != "next_start" and not restarting else 0,
        restart=tuple(name for name, found in sorted(older.items()) if found) if restarting else (),
        limits=applied,
    )
