# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Past kills under the scores of a policy: who would have died. For kills whose task table was gathered
(include_tasks).
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._analysis.policy_replay import Replay, replay
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json

from .model import Policy, Service
from .unit_names import is_meant, units_of

#: The newest of a host; a table has thousands of rows.
_MOST = 5


def _names(service: Service, kill: Json, units: t.Sequence[Json]) -> list[str]:
    """What the unit of the policy is called here: by its own name, an alias, or as an instance of the template."""
    found = [str(unit["name"]) for unit in units_of(service.unit, units)]
    if kill["unit"] is not None and is_meant(kill["unit"], [service.unit], units):
        found.append(str(kill["unit"]))
    return found or [service.unit.name]


def _comms(units: t.Sequence[Json]) -> dict[str, list[str]]:
    """Unit -> names of its processes now. One that sets its own score would do so under any policy."""
    found = {}  # type: dict[str, list[str]]
    for unit in units:
        rows = unit["processes"] or ()
        own = {str(row.get("comm")) for row in rows if row.get("state") == "own_score"}
        found[str(unit["name"])] = sorted({str(row["comm"]) for row in rows if row.get("comm") is not None} - own)
    return found


def has_table(kill: Json) -> bool:
    return isinstance(kill.get("tasks"), list) and bool(kill["tasks"])


def replays(policy: Policy, facts: Json) -> list[tuple[Json, Replay]]:
    """The newest kills with a table, oldest first. The facts are those of context()."""
    scored = [service for service in policy.services if service.present and "oom_score_adjust" in service.settings]
    kills = [kill for kill in facts["kills"] or () if has_table(kill)][-_MOST:] if scored else []
    units = facts["units"] or ()
    comms = _comms(units) if kills else {}
    found = []
    for kill in kills:
        scores = {
            name: int(service.settings["oom_score_adjust"])
            for service in scored
            for name in _names(service, kill, units)
        }
        found.append((kill, replay(kill, scores, comms)))
    return found
