# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there before anything is done: files, what systemd believes, who runs."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import FileNow, open_folder
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import settings_of
from ansible_collections.memops.linux.plugins.module_utils._systemd.layers import UnitFile, dropin_path, fragment_path, unit_files
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import UnitName, parse_unit_name

from .wish import Wish


class Current(NamedTuple):
    """One unit as it is.

    unit -- by its own name, where the wish named an alias
    state -- what systemd believes; None: systemd does not run here, or a template, which is no unit of its own
    running -- the unit if it runs, or the loaded instances of a template
    before -- our drop-in as it is on disk; None: not there
    """

    unit: UnitName
    dropin: str
    booted: bool
    exists: bool
    state: Optional[UnitState] = None
    running: Tuple[UnitState, ...] = ()
    fragment: Optional[str] = None
    before: Optional[FileNow] = None

    @property
    def path(self) -> str:
        return dropin_path(self.unit, self.dropin)

    @property
    def names(self) -> List[UnitName]:
        aliases = self.state.names if self.state is not None else (self.unit.name,)
        return [self.unit] + [parse_unit_name(name) for name in aliases if name != self.unit.name]

    @property
    def shown(self) -> Optional[UnitState]:
        """Whom to ask for values: the unit itself, or one of a template's instances."""
        return self.state if self.state is not None else (self.running[0] if self.running else None)

    @property
    def is_masked(self) -> bool:
        return self.state is not None and self.state.is_masked

    @property
    def kept(self) -> Dict[str, str]:
        """The settings in our drop-in as it is."""
        return settings_of(self.before.data, self.unit.type) if self.before is not None else {}

    def files(self, host: Host, after: Optional[bytes]) -> List[UnitFile]:
        """The unit's files, with ours as it will be."""
        if after is None:
            return unit_files(host, self.names, self.fragment, gone=self.path)
        return unit_files(host, self.names, self.fragment, ours=UnitFile(self.path, after))


def read_dropin(host: Host, path: str) -> Optional[FileNow]:
    """Raises UnsafePath, OSError."""
    folder_path, name = path.rsplit("/", 1)
    folder = open_folder(folder_path, root=host.root)
    if folder is None:
        return None
    with folder:
        return folder.read(name)


def _template(host: Host, wish: Wish, booted: bool) -> Current:
    running = ()  # type: Tuple[UnitState, ...]
    if booted:
        running = tuple(manager.states(host, manager.instances(host, wish.unit)))
    fragment = fragment_path(host, wish.unit.name)
    current = Current(wish.unit, wish.dropin, booted, fragment is not None, None, running, fragment)
    return current._replace(before=read_dropin(host, current.path))


def survey(host: Host, wishes: Sequence[Wish]) -> List[Current]:
    """One for each wish. One `systemctl show` for all. Raises ManagerError, UnsafePath, OSError."""
    booted = manager.runs(host)
    plain = [wish.unit.name for wish in wishes if not wish.unit.is_template]
    shown = iter(manager.states(host, plain) if booted else ())
    found = []  # type: List[Current]
    for wish in wishes:
        if wish.unit.is_template:
            found.append(_template(host, wish, booted))
            continue
        state = next(shown, None)
        unit, fragment = wish.unit, None  # type: UnitName, Optional[str]
        if state is not None:
            unit = parse_unit_name(state.id) if state.exists else wish.unit
            fragment, exists = state.fragment, state.exists
        else:
            fragment = fragment_path(host, unit.name) or (fragment_path(host, unit.template) if unit.template else None)
            exists = fragment is not None
        running = (state,) if state is not None and state.is_active else ()
        current = Current(unit, wish.dropin, booted, exists, state, running, fragment)
        found.append(current._replace(before=read_dropin(host, current.path)))
    return found


def refreshed(host: Host, currents: Sequence[Current]) -> List[Current]:
    """The same units as systemd believes them to be now. ``before`` stays. Raises ManagerError."""
    names = [current.state.id for current in currents if current.state is not None]
    shown = iter(manager.states(host, names))
    found = []  # type: List[Current]
    for current in currents:
        if current.state is not None:
            state = next(shown)
            found.append(current._replace(state=state, running=(state,) if state.is_active else ()))
        elif current.booted and current.running:
            found.append(current._replace(running=tuple(manager.states(host, [state.id for state in current.running]))))
        else:
            found.append(current)
    return found
