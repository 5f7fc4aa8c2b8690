# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swap of a host as the facts contract tells it."""

from typing import Any, Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host

from .areas import identify, parse_swaps
from .fstab_lines import Fstab


def swap_facts(host: Host) -> Optional[List[Dict[str, Any]]]:
    """Areas in use, largest priority first; None: the kernel does not tell. in_fstab None: no fstab could be read."""
    areas = parse_swaps(host.read("/proc/swaps") or b"")
    if areas is None:
        return None
    table = host.read("/etc/fstab")
    fstab = Fstab.parse(table) if table is not None else None
    found = []  # type: List[Dict[str, Any]]
    for area in identify(areas):
        kind = "zram" if area.path.startswith("/dev/zram") else area.kind
        found.append(
            {
                "path": area.path,
                "type": kind,
                "size": area.size,
                "used": area.used,
                "priority": area.priority,
                "in_fstab": None if fstab is None else fstab.swap_entry(area.path) is not None,
            }
        )
    return sorted(found, key=lambda area: (-area["priority"], area["path"]))
