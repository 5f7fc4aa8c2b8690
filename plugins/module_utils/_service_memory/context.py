# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the same for all units of a call: this machine, its systemd, and what the person takes upon themselves."""

from typing import FrozenSet, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._procfs import memory
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup, manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from .params import Overrides
from .restart import connection_groups, connection_units
from .scores import may_lower


class RunContext:
    """Read once, when the call begins."""

    def __init__(self, host: Host, overrides: Overrides) -> None:
        self.host = host
        self.overrides = overrides
        self.ram = memory(host).total
        self.layout = cgroup.layout(host)
        self.booted = manager.runs(host)
        self.version = manager.version(host) if self.booted else None
        self.manager_may_lower = may_lower(host, "1")
        self._groups = None  # type: Optional[FrozenSet[str]]
        self._connection_is_read = False

    @property
    def connection(self) -> Optional[FrozenSet[str]]:
        """The units that it hangs on. None: that cannot be read."""
        return connection_units(self.connection_groups)

    @property
    def connection_groups(self) -> Optional[FrozenSet[str]]:
        if not self._connection_is_read:
            self._groups = connection_groups(self.host)
            self._connection_is_read = True
        return self._groups

    def listed_pids(self, state: UnitState) -> Optional[List[int]]:
        """None: the unit's list of processes cannot be read."""
        return cgroup.pids(self.host, self.layout, state.control_group)

    def pids(self, state: UnitState) -> List[int]:
        """Those that can be seen; whether that is all of them is for the verification to tell."""
        return self.listed_pids(state) or []
