# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asked for one: kills of these units, names, containers, or the one with that id. What is left out is counted."""

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill

from .params import Only
from .unit_moments import units_of

#: So many kills are looked at; of others it is not known whose they were.
LOOKED_AT = 50_000


def wants(only: Only, kill: Kill, identity: str) -> bool:
    if only.units and units_of(kill).isdisjoint(only.units):
        return False
    if only.comms and kill.victim.comm not in only.comms:
        return False
    if only.containers and not (kill.container_id or "").startswith(only.containers):
        return False
    return only.id is None or identity == only.id
