# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide: what is there, what is wished, and the steps between them. Nothing here opens, runs or writes."""

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import render
from ansible_collections.memops.linux.plugins.module_utils._systemd.layers import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, SETTINGS

from .scores import Score
from .survey import Current
from .wish import Wish


class Steps(NamedTuple):
    """What is left to do for one unit.

    after -- our drop-in as it shall be; None: not there
    clear -- the file is right, but a killed run left something beside it
    score -- what its processes shall have; None: their scores are not ours
    setting -- how many processes get it through /proc
    restart -- the running units whose processes get it by a restart
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
        if self.setting:
            found.append("set oom_score_adj of %d process%s to %d" % (self.setting, "" if self.setting == 1 else "es", self.score or 0))
        return found + ["restart %s" % name for name in self.restart]


def wanted_file(current: Current, wish: Wish) -> Optional[bytes]:
    return render(current.unit.type, wish.settings) if wish.state == "present" else None


def file_changes(current: Current, after: Optional[bytes]) -> bool:
    before = current.before
    if after is None or before is None:
        return (after is None) != (before is None)
    return before.data != after or before.stat.st_mode & 0o777 != 0o644


def managed(current: Current, wish: Wish) -> List[str]:
    """Options that our file set or will set: leaving one out gives it back to the other files."""
    wanted = wish.settings if wish.state == "present" else {}
    return [setting.option for setting in SETTINGS if setting.option in wanted or setting.option in current.kept]


def disbelieved(current: Current, origins_of: Callable[[UnitState], Dict[str, Origin]], wish: Wish, ram: Optional[int]) -> bool:
    """Whether our file wins and systemd holds something else: it has not read it."""
    for state in current.asked:
        for option, text in wish.settings.items() if wish.state == "present" else ():
            origin = origins_of(state).get(option)
            if origin is not None and origin.path == current.path and not agrees(option, text, state.believed(option), ram):
                return True
    return False


def agrees(option: str, text: str, believed: object, ram: Optional[int]) -> bool:
    """Whether systemd's number is what the text means. A share may be of the container's RAM, or rounded to pages."""
    expected = BY_OPTION[option].expected(text, ram)
    if text.endswith("%"):
        return isinstance(believed, int) and (expected is None or not isinstance(expected, int) or believed <= expected + (expected >> 6))
    return believed == expected


def steps(
    current: Current,
    wish: Wish,
    origins_of: Callable[[UnitState], Dict[str, Origin]],
    ram: Optional[int],
    score: Optional[int],
    rows: Dict[str, List[Score]],
) -> Steps:
    """``rows``: unit -> its processes as they would be after a live change to ``score``."""
    after = wanted_file(current, wish)
    write = file_changes(current, after)
    pending = any(state.needs_reload for state in current.asked) or disbelieved(current, origins_of, wish, ram)
    older = {name: [row for row in found if row.before != row.after] for name, found in rows.items()}
    restarting = wish.apply == "restart" and not current.unit.is_template
    return Steps(
        path=current.path,
        after=after,
        write=write and after is not None,
        remove=write and after is None,
        clear=current.litter and not write,
        reload=current.booted and (write or pending),
        score=score,
        setting=sum(len(found) for found in older.values()) if wish.apply != "next_start" and not restarting else 0,
        restart=tuple(name for name, found in sorted(older.items()) if found) if restarting else (),
    )
