# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the wish of a task to ``ansible_facts.oom``: asks the sources in turn and puts together what they say."""

import os
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils import _procfs as procfs
from ansible_collections.memops.linux.plugins.module_utils._host import Host

from . import facts
from .params import Wish
from .proof import DISPUTED

if TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.module_utils._systemd.show import SystemdView

    from .offline import Offline

_MAX_REASONS = 3


def gather(host: Host, wish: Wish) -> Dict[str, Any]:
    """The facts. Never raises for what a host says or hides: that is data."""
    if wish.paths is None:
        return _gather(host, wish, None)
    from .offline import offline_of

    offline = offline_of(wish)
    if offline is None:
        return _gather(host, wish, None)
    with offline:
        found = offline.shown(_gather(host, offline.wish, offline))  # type: Dict[str, Any]
    return found


def _gather(host: Host, wish: Wish, offline: Optional["Offline"]) -> Dict[str, Any]:
    wanted = set(wish.subset)
    oom = {"schema": facts.SCHEMA, "gathered_at": time.time()}  # type: Dict[str, Any]
    memory = procfs.memory(host) if wanted & {"memory", "kills"} else None
    if memory is not None and offline is not None and offline.system.memory is not None:
        memory = procfs.Memory(total=offline.system.memory)
    view = _systemd_view(host, wish) if wanted & {"units", "daemons"} else None
    if wanted & {"kills", "counters"}:
        from .kills import kill_facts

        oom.update(kill_facts(host, wish, memory.swap_total if memory else None, view.units if view else None, offline))
    if memory is not None and "memory" in wanted:
        oom["memory"] = dict(memory._asdict())
    if "settings" in wanted:
        oom["settings"] = procfs.settings(host)
        from ansible_collections.memops.linux.plugins.module_utils._vm_settings.facts import settings_at_boot

        oom["settings_at_boot"] = settings_at_boot(host)
    if view is not None and "units" in wanted:
        oom["units"], left_out = view.units, view.left_out
        if view.units:
            from .unit_facts import add_details

            left_out += add_details(host, view.units)
        if left_out:
            oom["units_truncated"] = left_out
    if view is not None and "daemons" in wanted:
        oom["daemons"] = view.daemons
    if "swap" in wanted:
        from ansible_collections.memops.linux.plugins.module_utils._swap_file.facts import swap_facts

        oom["swap"] = swap_facts(host)
    if "pressure" in wanted:
        from ansible_collections.memops.linux.plugins.module_utils._badness.pressure import pressure

        oom["pressure"] = pressure(host)
    if "kills" in oom and oom["kills"] and oom.get("units"):
        from .aftermath import tell_aftermath

        tell_aftermath(host, oom["kills"], oom["units"])
    if "kills" in oom:
        from .kills import is_local

        if is_local(wish) and any(kill["container_id"] for kill in oom["kills"]):
            from ansible_collections.memops.linux.plugins.module_utils._containers.names import name_containers

            name_containers(host, oom["kills"])
        if is_local(wish) and oom.get("units") is not None:
            _tell_sigkills(host, oom)
        oom["summary"]["verdict"] = _verdict(oom, is_local(wish))
        if wish.max_kills is None:
            facts.fit(oom)
    return oom


def _tell_sigkills(host: Host, oom: Dict[str, Any]) -> None:
    """Most hosts have none, and do not load what tells of them."""
    containers = os.path.isdir(host.path("/var/lib/docker/containers"))
    if not containers and not any(unit.get("main_exit") for unit in oom["units"]):
        oom["sigkills"] = []
        return
    from .sigkills import sigkill_facts

    oom["sigkills"] = sigkill_facts(host, oom, containers)


def _systemd_view(host: Host, wish: Wish) -> "SystemdView":
    """Before the kills: a unit that is killed meanwhile must not have counted more than the sources tell."""
    from ansible_collections.memops.linux.plugins.module_utils._systemd.show import systemd_view

    return systemd_view(host, units="units" in wish.subset, daemons="daemons" in wish.subset, named=wish.units)


def _counted(rows: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [row for row in rows if row["proof"] != DISPUTED]


def _verdict(oom: Dict[str, Any], local: bool) -> Dict[str, Any]:
    """Transient or chronic. Most hosts have nothing to judge, and do not load the judge."""
    kills, unresolved = _counted(oom["kills"]), _counted(oom["unresolved"])
    if not kills and not unresolved and not oom["summary"]["total"]:
        clear = oom["visibility"]["state"] == "clear"
        return {
            "state": "none" if clear else "unknown",
            "reasons": [] if clear else oom["visibility"]["reasons"][:_MAX_REASONS],
            "trusted": True,
        }
    from ansible_collections.memops.linux.plugins.module_utils._analysis.recurrence import verdict

    return verdict(dict(oom, kills=kills, unresolved=unresolved), oom["gathered_at"], local)
