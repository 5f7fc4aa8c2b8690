# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asked for one: kills of these units, names, containers, or the one with that id. What is left out is counted."""

from typing import Any, Dict, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill

from .unit_moments import units_of

#: So many kills are looked at; of others it is not known whose they were.
LOOKED_AT = 50_000


class Only(NamedTuple):
    """Each that is given has to fit; containers by the beginning of their id."""

    units: Tuple[str, ...] = ()
    comms: Tuple[str, ...] = ()
    containers: Tuple[str, ...] = ()
    id: Optional[str] = None

    def wants(self, kill: Kill, identity: str) -> bool:
        if self.units and units_of(kill).isdisjoint(self.units):
            return False
        if self.comms and kill.victim.comm not in self.comms:
            return False
        if self.containers and not (kill.container_id or "").startswith(self.containers):
            return False
        return self.id is None or identity == self.id

    def as_facts(self) -> Dict[str, Any]:
        return {
            "units": list(self.units),
            "comms": list(self.comms),
            "containers": list(self.containers),
            "id": self.id,
        }
