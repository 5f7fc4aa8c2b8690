# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection of a host that is down from the start, or goes down while a module of ours runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lossy
author: memops.linux contributors (@memops)
short_description: local, until the host is lost
description:
  - For the tests of memops.linux.
options:
  lost:
    description: V(before), V(while) a module of the collection runs, or V(never).
    type: str
    default: never
    vars:
      - name: lost
"""

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    transport = "lossy"

    def _connect(self):
        if self.get_option("lost") == "before":
            raise AnsibleConnectionFailure("ssh: connect to host: No route to host")
        return super()._connect()

    def exec_command(self, cmd, in_data=None, sudoable=True):
        said = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if self.get_option("lost") == "while" and "AnsiballZ_service_memory" in cmd and "chmod" not in cmd:
            raise AnsibleConnectionFailure("ssh: connection closed by remote host")
        return said
