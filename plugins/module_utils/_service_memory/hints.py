# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person probably meant, or met: texts beside a refusal. Each looks at names in directories only."""

import os
from typing import List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import fragment_path
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import UnitName

#: Where units of users' own managers come from; systemd.unit(5), "User Unit Search Path".
_USER_UNITS = (
    "/etc/systemd/user",
    "/run/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
    "/lib/systemd/user",
)


def link_on_the_way(host: Host, path: str) -> Optional[str]:
    """NixOS, stow and dotfile managers make such links, and would not know of our file behind one."""
    parts = path.strip("/").split("/")
    for count in range(1, len(parts) + 1):
        component = "/" + "/".join(parts[:count])
        if os.path.islink(host.path(component)):
            target = os.readlink(host.path(component))
            message = (
                "%s is a symbolic link to %s, as NixOS, stow and other tools make it: declare the setting with the tool"
                " that made the link"
            )
            return message % (component, target)
    return None


def not_installed(host: Host, unit: UnitName, gone: Optional[str] = None) -> str:
    """Why it is not installed, and what is there in its place. ``gone``: its file, which systemd has read."""
    if gone is not None:
        return "its unit file %s is gone since systemd read it: what still runs of it cannot be started again" % gone
    template = "%s@.%s" % (unit.prefix, unit.type)
    if unit.instance is None and fragment_path(host, template) is not None:
        return "it is not installed, its template %s is: name that, or one instance of it" % template
    for folder in _USER_UNITS:
        path = "%s/%s" % (folder, unit.name)
        if os.path.lexists(host.path(path)):
            return (
                "it is not installed for the system; %s is a unit of users' own managers, which user@.service and"
                " user-.slice hold" % path
            )
    return "it is not installed"


def socket_names_its_service(host: Host, unit: UnitName) -> Optional[str]:
    """A socket starts a service of its name, or with Accept=yes instances of a template of its name."""
    if unit.type != "socket":
        return None
    names = ["%s.service" % unit.prefix, "%s@.service" % unit.prefix]  # type: List[str]
    found = [name for name in names if fragment_path(host, name) is not None]
    message = "a socket has no processes of its own that would go on: what it starts is set by the service%s"
    return message % (", %s" % found[0] if found else " of its name")
