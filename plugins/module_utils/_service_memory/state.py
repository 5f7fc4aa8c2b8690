# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there before anything is done: files, what systemd has loaded, who runs."""

import os
from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import FileNow, UnsafePath, open_folder
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import settings_of
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import (
    Origin,
    Planned,
    UnitFile,
    dropin_path,
    fragment_path,
    is_mask,
    own_file,
    unit_files,
)
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, Value
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import UnitName, parse_unit_name

from .hints import link_on_the_way
from .params import Request


class CurrentUnit(NamedTuple):
    """One unit as it is.

    unit -- by its own name, where the request named an alias
    state -- what systemd has loaded; None: systemd does not run here, or a template, which is no unit of its own
    running -- the unit if it runs, or the loaded instances of a template
    before -- our drop-in as it is on disk; None: not there
    masked -- by its file, where systemd cannot be asked
    others -- instances of a template that have a file of the same name, by another request
    unsafe -- why our drop-in cannot be looked at, and must not be touched
    gone -- the unit's own file, which systemd has read and which is not there any more
    litter -- what a killed run of ours left beside it: a temporary file, or a folder without a file
    """

    unit: UnitName
    dropin: str
    booted: bool
    exists: bool
    state: Optional[UnitState] = None
    running: Tuple[UnitState, ...] = ()
    fragment: Optional[str] = None
    before: Optional[FileNow] = None
    leftovers: bool = False
    masked: bool = False
    others: FrozenSet[str] = frozenset()
    unsafe: Optional[str] = None
    gone: Optional[str] = None

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
        if self.state is not None:
            return self.state
        return self.running[0] if self.running else None

    @property
    def asked(self) -> Tuple[UnitState, ...]:
        """Everyone who must load what we write: the unit, or a template's running instances.

        Not one that is not installed or cannot be loaded; and of a masked one it is a matter of version (252 shows its
        drop-ins and wants a reload for ever).
        """
        if self.is_masked or not self.exists or self.is_broken:
            return ()
        return (self.state,) if self.state is not None else self.running

    def without(self, named: FrozenSet[Tuple[str, str]]) -> "CurrentUnit":
        """A template does not speak for an instance that has a file of the same name: of the two, systemd reads the
        instance's only.
        """
        if self.state is not None:
            return self
        others = frozenset(name for name, dropin in named if dropin == self.dropin)
        return self._replace(running=tuple(state for state in self.running if state.id not in others), others=others)

    @property
    def is_masked(self) -> bool:
        return self.state.is_masked if self.state is not None else self.masked

    @property
    def is_broken(self) -> bool:
        return self.state is not None and self.state.is_broken

    @property
    def states(self) -> Tuple[UnitState, ...]:
        """The unit itself, or the loaded units of a pattern."""
        return (self.state,) if self.state is not None else self.running

    @property
    def kept(self) -> Dict[str, str]:
        """The settings in our drop-in as it is."""
        return settings_of(self.before.data, self.unit.type) if self.before is not None else {}

    def files(
        self,
        host: Host,
        after: Optional[bytes],
        instance: Optional[UnitState] = None,
        planned: Optional[Planned] = None,
    ) -> List[UnitFile]:
        """The files of the unit, or of an instance of the template, with ours as it will be, and those of other
        requests as ``planned``.
        """
        names, fragment = self.names, self.fragment
        if instance is not None:
            names, fragment = instance.units, instance.fragment or fragment
        whole = dict(planned or {})
        whole[self.path] = after
        return unit_files(host, names, fragment, whole)


def read_dropin(host: Host, path: str) -> Optional[FileNow]:
    """Raises UnsafePath, OSError."""
    folder_path, name = path.rsplit("/", 1)
    folder = open_folder(folder_path, root=host.root)
    if folder is None:
        return None
    with folder:
        return folder.read(name)


def _with_file(host: Host, current: CurrentUnit) -> CurrentUnit:
    """Raises PermissionError: then we are not root, and that is so for every unit."""
    folder_path, name = current.path.rsplit("/", 1)
    try:
        folder = open_folder(folder_path, root=host.root)
        if folder is None:
            return current
        with folder:
            names = folder.names()
            return current._replace(before=folder.read(name), leftovers=not names or folder.temporary(name) in names)
    except PermissionError:
        raise
    except UnsafePath as exc:
        return current._replace(unsafe=link_on_the_way(host, folder_path) or str(exc))
    except OSError as exc:  # a unit's name may be as long as a file's, and its folder's is longer
        return current._replace(unsafe="%s cannot be read: %s" % (current.path, exc.strerror))


def _pattern(host: Host, request: Request, booted: bool) -> CurrentUnit:
    running = ()  # type: Tuple[UnitState, ...]
    unit, fragment = own_file(host, request.unit)
    if booted:
        running = tuple(manager.states(host, manager.instances(host, unit)))
    exists = fragment is not None or unit.is_prefix
    return _with_file(
        host, CurrentUnit(unit, request.dropin, booted, exists, None, running, fragment, masked=is_mask(host, fragment))
    )


def _is_pattern(host: Host, unit: UnitName) -> bool:
    """A service may be called ``app-.service``; a slice cannot."""
    return unit.is_template or (unit.is_prefix and fragment_path(host, unit.name) is None)


def _file_that_is_gone(host: Host, unit: UnitName, state: UnitState) -> Optional[str]:
    """Deleted since systemd read it: the next reload, ours or any other, leaves nothing of the unit but its
    processes.
    """
    path = state.fragment
    if path is None or not state.exists or os.path.lexists(host.path(path)):
        return None
    return path if own_file(host, unit)[1] is None else None


def reload_is_pending(host: Host, current: CurrentUnit) -> bool:
    """Whether systemd wants to read files of this unit again, and a reload would end that."""
    return any(state.needs_reload and not _wants_reload_for_ever(host, state) for state in current.asked)


def _wants_reload_for_ever(host: Host, state: UnitState) -> bool:
    """A file that systemd compares with what it has read, and cannot look at: the script that a generator made the unit
    of is gone, or a drop-in is a link to nowhere. No reload changes that; values that differ still ask for one.
    """
    source = state.get("SourcePath")
    dangling = [
        path for path in state.drop_ins if os.path.islink(host.path(path)) and not os.path.exists(host.path(path))
    ]
    return bool(dangling) or bool(source.startswith("/") and not os.path.lexists(host.path(source)))


def read_state(host: Host, requests: Sequence[Request]) -> List[CurrentUnit]:
    """One for each request. One `systemctl show` for all. Raises ManagerError, PermissionError."""
    booted = manager.runs(host)
    plain = [request.unit.name for request in requests if not _is_pattern(host, request.unit)]
    shown = iter(manager.states(host, plain) if booted else ())
    found = []  # type: List[CurrentUnit]
    for request in requests:
        if _is_pattern(host, request.unit):
            found.append(_pattern(host, request, booted))
            continue
        state = next(shown, None)
        unit, fragment, gone = request.unit, None, None  # type: UnitName, Optional[str], Optional[str]
        if state is not None:
            unit = parse_unit_name(state.id) if state.exists else request.unit
            gone = _file_that_is_gone(host, unit, state)
            fragment, exists = state.fragment, state.exists and gone is None
        else:
            unit, fragment = own_file(host, unit)
            exists = fragment is not None or unit.type == "slice"  # a slice needs no file of its own
        running = (state,) if state is not None and state.is_active else ()
        current = CurrentUnit(
            unit,
            request.dropin,
            booted,
            exists,
            state,
            running,
            fragment,
            masked=state is None and is_mask(host, fragment),
            gone=gone,
        )
        found.append(_with_file(host, current))
    return found


def refreshed(host: Host, currents: Sequence[CurrentUnit]) -> List[CurrentUnit]:
    """The same units as systemd has loaded them to be now, and instances that came meanwhile. ``before`` stays. Raises
    ManagerError.
    """
    names = [current.state.id for current in currents if current.state is not None]
    shown = iter(manager.states(host, names))
    found = []  # type: List[CurrentUnit]
    for current in currents:
        if current.state is not None:
            state = next(shown)
            found.append(current._replace(state=state, running=(state,) if state.is_active else ()))
        elif current.booted:
            ids = [name for name in manager.instances(host, current.unit) if name not in current.others]
            found.append(current._replace(running=tuple(manager.states(host, ids))))
        else:
            found.append(current)
    return found


class Unread(NamedTuple):
    """A setting of ours that wins and that systemd does not believe: it has not read the file."""

    state: UnitState
    option: str
    text: str
    loaded: Value


def agrees(option: str, text: str, loaded: object, ram: Optional[int]) -> bool:
    """Whether systemd's number is what the text means. A share may be of the container's RAM, or rounded to pages."""
    expected = BY_OPTION[option].expected(text, ram)
    if text.endswith("%"):
        return isinstance(loaded, int) and (
            expected is None or not isinstance(expected, int) or loaded <= expected + (expected >> 6)
        )
    return loaded == expected


def shadowing(
    current: CurrentUnit, settings: Dict[str, str], files: Dict[str, Origin], ram: Optional[int]
) -> Dict[str, Origin]:
    """Option -> the later file that gives it another value."""
    found = {}  # type: Dict[str, Origin]
    for option, text in settings.items():
        origin = files.get(option)
        if origin is not None and origin.path != current.path and not _same(option, text, origin.value, ram):
            found[option] = origin
    return found


def _same(option: str, ours: str, theirs: str, ram: Optional[int]) -> bool:
    setting = BY_OPTION[option]
    if not theirs:
        return False
    return setting.expected(ours, ram) == setting.expected(theirs, ram) if ours != theirs else True


def unread(
    current: CurrentUnit,
    settings: Dict[str, str],
    origins_of: Callable[[UnitState], Dict[str, Origin]],
    ram: Optional[int],
) -> List[Unread]:
    """Before a reload: why one is due. After it: what it did not bring."""
    found = []  # type: List[Unread]
    for state in current.asked:
        shadows = shadowing(current, settings, origins_of(state), ram)
        for option, text in settings.items():
            loaded = state.loaded(option)
            if option not in shadows and loaded is not None and not agrees(option, text, loaded, ram):
                found.append(Unread(state, option, text, loaded))
    return found
