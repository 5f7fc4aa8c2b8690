# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide: what is there, what is wished, and the steps between them. Nothing here opens, runs or writes."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import render
from ansible_collections.memops.linux.plugins.module_utils._systemd.layers import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, SETTINGS

from .scores import Score
from .survey import Current
from .wish import Wish


class Steps(NamedTuple):
    """What is left to do for one unit.

    after -- our drop-in as it shall be; None: not there
    score -- what its processes shall have; None: their scores are not ours
    setting -- how many processes get it through /proc
    restart -- the running units whose processes get it by a restart
    """

    path: str
    after: Optional[bytes]
    write: bool = False
    remove: bool = False
    reload: bool = False
    score: Optional[int] = None
    setting: int = 0
    restart: Tuple[str, ...] = ()

    @property
    def changes_file(self) -> bool:
        return self.write or self.remove

    def __bool__(self) -> bool:
        return self.changes_file or self.reload or bool(self.setting) or bool(self.restart)

    def texts(self) -> List[str]:
        found = ["write %s" % self.path] if self.write else []
        found += ["remove %s" % self.path] if self.remove else []
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


def disbelieved(current: Current, files: Dict[str, Origin], wish: Wish, ram: Optional[int]) -> List[str]:
    """Options of ours that systemd does not hold although our file wins: it has not read it."""
    if current.state is None:
        return []
    found = []  # type: List[str]
    for option, text in wish.settings.items() if wish.state == "present" else ():
        origin = files.get(option)
        if origin is not None and origin.path == current.path and not agrees(option, text, current.state.believed(option), ram):
            found.append(option)
    return found


def agrees(option: str, text: str, believed: object, ram: Optional[int]) -> bool:
    """Whether systemd's number is what the text means. A share may be of the container's RAM, or rounded to pages."""
    expected = BY_OPTION[option].expected(text, ram)
    if text.endswith("%"):
        return isinstance(believed, int) and (expected is None or not isinstance(expected, int) or believed <= expected + (expected >> 6))
    return believed == expected


def steps(current: Current, wish: Wish, files: Dict[str, Origin], ram: Optional[int], score: Optional[int], rows: Dict[str, List[Score]]) -> Steps:
    """``rows``: unit -> its processes as they would be after a live change to ``score``."""
    after = wanted_file(current, wish)
    write = file_changes(current, after)
    pending = current.state is not None and (current.state.needs_reload or bool(disbelieved(current, files, wish, ram)))
    older = {name: [row for row in found if row.before != row.after] for name, found in rows.items()}
    restarting = wish.apply == "restart" and not current.unit.is_template
    return Steps(
        path=current.path,
        after=after,
        write=write and after is not None,
        remove=write and after is None,
        reload=current.booted and (write or pending),
        score=score,
        setting=sum(len(found) for found in older.values()) if wish.apply == "live" or (wish.apply == "restart" and not restarting) else 0,
        restart=tuple(name for name, found in sorted(older.items()) if found) if restarting else (),
    )
