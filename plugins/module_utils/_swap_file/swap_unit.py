# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of systemd for a swap file: what a boot makes of it besides our line in fstab.

systemd makes a unit of that line (``/run/systemd/generator``). A unit of the same name in a folder before that one
counts instead, with the priority that it says, and a masked one keeps the file from being activated at all.
"""

import os
from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

from .expiry import escape

_GENERATED = "/run/systemd/generator"
#: In the order in which systemd looks; the first one with the name counts.
_FOLDERS = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/run/systemd/system",
    _GENERATED,
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
)


class SwapUnit(NamedTuple):
    """A unit file that somebody else wrote for the swap file. first -- it counts before our line in fstab"""

    name: str
    path: str
    masked: bool
    first: bool


def read_unit(host: Host, path: str) -> Optional[SwapUnit]:
    """The one that counts among those that are not made of fstab."""
    name = escape(path) + ".swap"
    if len(name) > 255 or not os.path.isdir(host.path("/run/systemd/system")):
        return None
    first = True
    for folder in _FOLDERS:
        data = host.read("%s/%s" % (folder, name))
        if data is not None and not _is_of_fstab(folder, data):
            return SwapUnit(name, "%s/%s" % (folder, name), not data, first)
        first = first and folder != _GENERATED
    return None


def _is_of_fstab(folder: str, data: bytes) -> bool:
    """systemd's generator says what it was made of; a link into the generator's folder is one of its own."""
    return folder == _GENERATED and ("SourcePath=/etc/fstab" in to_text(data) or not data)


def refusal(unit: Optional[SwapUnit], persistent: bool) -> Optional[str]:
    """Why our line would not be what a boot does; None where it is."""
    if unit is None or not persistent or not unit.first:
        return None
    where = printable(unit.path)
    if unit.masked:
        return (
            "%s is masked (%s), so no boot would activate it; allow it with systemctl unmask '%s', or give persistent:"
            " false"
            % (
                printable(unit.name),
                where,
                printable(unit.name),
            )
        )
    return (
        "%s activates it at boot, with its own priority and not that of fstab; remove that unit, or give persistent:"
        " false" % where
    )


def warning(unit: Optional[SwapUnit], path: str, present: bool, persistent: bool) -> List[str]:
    """What stays beside what was asked for."""
    if unit is None or unit.masked or (present and persistent):
        return []
    where = printable(unit.path)
    if present:
        return [
            "%s is not to outlast a boot, but %s activates it then, with its own priority; remove that unit"
            % (printable(path), where)
        ]
    return ["%s still activates %s at boot, and fails without the file; remove that unit" % (where, printable(path))]
