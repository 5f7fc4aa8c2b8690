# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file wins: a unit's own file and all its drop-ins in systemd's order, read from the disk.

systemd's ladder (measured on 247, 252 and 257): of files with one name only the first is read, by folder rank and then
by how specific the unit is; what is left is applied by file name, over all folders. ``override.conf`` sorts after
``50-memops.conf``.
"""

import os
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host

from .dropin import Ignored, assignments, ignored_lines, settings_of
from .unit_name import UnitName, parse_unit_name

#: systemd.unit(5), "System Unit Search Path", highest rank first.
FOLDERS = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
)
_LINKS = 8
CONFIG_FOLDER = "/etc/systemd/system"
#: A file below one of these was written on this host, by a person or a tool; the rest comes with packages.
_LOCAL = ("/etc/", "/run/systemd/system/", "/run/systemd/system.control/", "/run/systemd/transient/")


class UnitFile(NamedTuple):
    path: str
    data: bytes

    @property
    def is_local(self) -> bool:
        return self.path.startswith(_LOCAL)


class Origin(NamedTuple):
    """Where a setting's value comes from; value "": the file gives it its default back."""

    value: str
    path: str


def dropin_path(unit: UnitName, dropin: str) -> str:
    return "%s/%s.d/%s" % (CONFIG_FOLDER, unit.name, dropin)


def fragment_path(host: Host, name: str) -> Optional[str]:
    """The unit's own file, on hosts or for templates where systemd cannot be asked. A mask is a link to /dev/null."""
    for folder in FOLDERS:
        path = "%s/%s" % (folder, name)
        if os.path.lexists(host.path(path)):
            return path
    return None


def own_file(host: Host, unit: UnitName) -> Tuple[UnitName, Optional[str]]:
    """A unit's own name and file where systemd cannot be asked: a link to another unit's file makes an alias."""
    for _turn in range(_LINKS):
        path = fragment_path(host, unit.name) or (fragment_path(host, unit.template) if unit.template else None)
        if path is None or not os.path.islink(host.path(path)):
            break
        named = os.path.basename(os.readlink(host.path(path)))
        if not named.endswith("." + unit.type) or named in (unit.name, unit.template):  # a mask, or an enabled unit
            break
        try:
            target = parse_unit_name(named)
        except ValueError:
            break
        if target.is_template != unit.is_template:  # getty@tty1 may be a link to getty@
            break
        unit = target
    return unit, path


def is_mask(host: Host, path: Optional[str]) -> bool:
    """A link to /dev/null, or an empty file."""
    if path is None:
        return False
    try:
        return os.readlink(host.path(path)) == os.devnull
    except OSError:
        return host.read(path) == b""


def _listed(host: Host, folder: str) -> List[str]:
    try:
        return [name for name in os.listdir(host.path(folder)) if name.endswith(".conf") and not name.startswith(".")]
    except OSError:
        return []


#: Path -> a file's bytes as they will be; None: it will not be there.
Planned = Mapping[str, Optional[bytes]]


def dropin_paths(host: Host, names: Sequence[UnitName], planned: Optional[Planned] = None) -> List[str]:
    """The drop-ins that systemd reads for a unit of these names (its id and its aliases), in the order in which they
    are applied.

    ``planned`` is taken as done: where a file will be gone, one of its name elsewhere counts.
    """
    planned = planned or {}
    extra = [path for path, data in planned.items() if data is not None]
    own = names[0].dropin_names() if names else []
    aliases = []  # type: List[str]
    for unit in names[1:]:
        aliases += [name for name in unit.dropin_names() if name not in own and name not in aliases]
    kinds = list(dict.fromkeys(unit.type for unit in names))
    chosen = {}  # type: Dict[str, str]
    for group in (
        own,
        aliases,
        kinds,
    ):  # a drop-in of an alias, or for a whole type, gives way to any other of its name
        for folder in FOLDERS:
            for name in group:
                place = "%s/%s.d" % (folder, name)
                there = _listed(host, place)
                there += [path[len(place) + 1 :] for path in extra if path.startswith(place + "/")]
                for file in there:
                    path = "%s/%s" % (place, file)
                    if planned.get(path, b"") is not None:
                        chosen.setdefault(file, path)
    return [chosen[file] for file in sorted(chosen)]


def unit_files(
    host: Host, names: Sequence[UnitName], fragment: Optional[str], planned: Optional[Planned] = None
) -> List[UnitFile]:
    """Every file that makes the unit, in the order in which systemd applies it.

    ``planned`` is taken as done, whatever the disk says: so a plan can be judged before it is carried out.
    """
    found = []  # type: List[UnitFile]
    for path in ([fragment] if fragment else []) + dropin_paths(host, names, planned):
        data = planned.get(path) if planned else None
        found.append(UnitFile(path, host.read(path) or b"" if data is None else data))
    return found


def origins(files: Sequence[UnitFile], unit_type: str) -> Dict[str, Origin]:
    """Option -> the last file that sets it."""
    found = {}  # type: Dict[str, Origin]
    for file in files:
        for option, value in settings_of(file.data, unit_type).items():
            found[option] = Origin(value, file.path)
    return found


def last_value(files: Sequence[UnitFile], section_name: str, key: str) -> str:
    """What the last line with this key says, for a key that is none of our settings; "" where none has it."""
    found = ""
    for file in files:
        for line in assignments(file.data):
            if (line.section, line.key) == (section_name, key):
                found = line.value
    return found


def invalid_lines(files: Sequence[UnitFile], unit_type: str) -> List[Tuple[str, Ignored]]:
    """Lines of people's drop-ins that systemd skips; vendors' unit files may know keys of newer versions."""
    return [(file.path, line) for file in files if file.is_local for line in ignored_lines(file.data, unit_type)]
