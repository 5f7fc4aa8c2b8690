# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cgroup path, as the kernel prints it, names a systemd unit and perhaps a container."""

import re
from typing import Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

_HEX64 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
#: LXC on cgroup v1 (``/lxc/<name>``) and v2 (``/lxc.payload.<name>``, Proxmox ``/lxc/<id>/ns``).
_LXC = regex(r"^/(?:lxc/|lxc\.payload\.|lxc\.payload/)([^/]+)")


def unit_of(path: Optional[str]) -> Optional[str]:
    """The first component that ends in .service or .scope: what systemd started, not what nests in it."""
    for part in (path or "").split("/"):
        if part.endswith((".service", ".scope")) and not part.startswith("."):
            return part
    return None


def leaf_unit_of(path: Optional[str]) -> Optional[str]:
    """The last such component: systemd-oomd names the cgroup that it killed, which may be a user manager's unit."""
    for part in reversed((path or "").split("/")):
        if part.endswith((".service", ".scope")) and not part.startswith("."):
            return part
    return None


def container_of(path: Optional[str]) -> Optional[str]:
    """The last 64 hexadecimal digits of the path (docker, containerd, cri-o, podman), else the LXC container's name."""
    ids = _HEX64.findall(path or "")
    if ids:
        return str(ids[-1])
    match = _LXC.match(path or "")
    return match.group(1) if match else None
