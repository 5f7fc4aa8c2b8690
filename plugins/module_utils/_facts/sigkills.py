# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit code 137: units and containers that ended by SIGKILL, and no killer's record tells of it.

What can be said is whether it was for lack of memory at all, and what else sends that signal.
"""

from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._size import human

SIGKILL, EXIT = 9, 137
#: A killer speaks so long before systemd or an engine sees the end, and pid 1 so long after.
_BEFORE, _AFTER = 120.0, 10.0
_MAX_ROWS = 50
_NEAR = 0.9
_OTHERS = "what is left is a kill -9 by a person or a program, RLIMIT_CPU, or an engine that stopped it"

Row = Dict[str, Any]


def _near(moment: Optional[float], other: Optional[float]) -> bool:
    """What is not known may be the same."""
    return moment is None or other is None or -_BEFORE <= other - moment <= _AFTER


def _told_of_unit(unit: Row, oom: Row) -> bool:
    ended = unit["main_exit"]["uptime"]
    return any(kill["unit"] == unit["name"] and _near(ended, kill["uptime"]) for kill in oom["kills"])


def _told_of_container(container: Row, oom: Row) -> bool:
    return any(
        kill["container_id"] == container["id"] and _near(container["finished"], kill["time"]) for kill in oom["kills"]
    )


def _others_are_known(oom: Row) -> bool:
    """No killer of user space runs, or every record of one would have been seen."""
    daemons = oom.get("daemons") or {"": None}
    return not {"active", None} & set(daemons.values()) or oom["visibility"]["state"] == "clear"


def _kernel(oom: Row) -> Tuple[str, str]:
    """What the kernel's own counter says: verdict and clause."""
    more = (oom.get("counters") or {}).get("unexplained")
    if more is None:
        return "unknown", "whether the kernel's OOM killer did it is not known, for its count is not"
    if more:
        return (
            "unknown",
            "it may have been the kernel's OOM killer, which counted %d kills that no source tells of" % more,
        )
    verdict = "not_oom" if _others_are_known(oom) else "unknown"
    return verdict, "it was not the kernel's OOM killer, which counted no kill that the sources do not tell of"


def _daemons(oom: Row) -> Optional[str]:
    daemons = oom.get("daemons")
    if not daemons or None in daemons.values():
        return None
    active = sorted(name for name, state in daemons.items() if state == "active")
    if not active:
        return "no user-space OOM killer runs"
    return "%s told of no such kill" % " and ".join(active)


def _peak(unit: Row) -> Optional[str]:
    peak, limit = unit.get("memory_peak"), unit.get("memory_max")
    if not peak or not limit:
        return None
    if peak < _NEAR * limit:
        return "it never held more than %s of its limit of %s" % (human(peak), human(limit))
    return "it had held %s of its limit of %s" % (human(peak), human(limit))


def _row(name: str, verdict: str, clauses: List[Optional[str]], **more: Any) -> Row:
    told = "; ".join(clause for clause in clauses if clause)
    text = "%s ended by SIGKILL (exit code 137), and no killer's record tells of it; %s" % (name, told)
    return dict({"unit": None, "container": None, "time": None, "uptime": None}, verdict=verdict, text=text, **more)


def _of_unit(unit: Row, oom: Row) -> Row:
    ended = unit["main_exit"]["uptime"]
    if unit.get("result") == "timeout":
        stopped = "systemd sent it: the unit did not end in time when it was stopped, or did not start in time"
        return _row(unit["name"], "stopped", [stopped], unit=unit["name"], uptime=ended)
    if unit.get("result") == "oom-kill":
        return _row(unit["name"], "oom", ["systemd says that it was an OOM killer"], unit=unit["name"], uptime=ended)
    verdict, kernel = _kernel(oom)
    counted = ((oom.get("counters") or {}).get("unexplained_by_unit") or {}).get(unit["name"])
    if counted:
        verdict, kernel = "oom", "the unit's own counters have %d kills that no source tells of" % counted
    others = _OTHERS if verdict == "not_oom" else None
    return _row(unit["name"], verdict, [kernel, _daemons(oom), _peak(unit), others], unit=unit["name"], uptime=ended)


def _of_container(container: Row, oom: Row) -> Row:
    name = "container %s" % (container["name"] or container["id"][:12])
    fields = {
        "container": {key: container[key] for key in ("id", "name", "image", "engine")},
        "time": container["finished"],
    }
    engine = container["engine"]
    if container["oom_killed"]:
        return _row(name, "oom", ["%s says that an OOM killer took a process of it" % engine], **fields)
    if container["stopped"]:
        return _row(
            name, "stopped", ["%s sent it: the container was stopped, and did not end in time" % engine], **fields
        )
    verdict, kernel = _kernel(oom)
    says = "%s itself saw no OOM" % engine
    return _row(name, verdict, [kernel, says, _daemons(oom), _OTHERS if verdict == "not_oom" else None], **fields)


def is_killed(unit: Row) -> bool:
    """Its main process ended by SIGKILL, or by the 137 with which a shell or an engine passes that on."""
    ended = unit.get("main_exit")
    if ended is None:
        return False
    return (ended["code"], ended["status"]) in (("killed", SIGKILL), ("exited", EXIT))


def sigkill_facts(host: Host, oom: Row, containers: bool) -> List[Row]:
    """containers -- an engine keeps its containers' ends on disk"""
    rows = [_of_unit(unit, oom) for unit in oom["units"] or () if is_killed(unit) and not _told_of_unit(unit, oom)]
    if containers:
        from ansible_collections.memops.linux.plugins.module_utils._containers.ends import killed_containers

        rows += [_of_container(one, oom) for one in killed_containers(host) if not _told_of_container(one, oom)]
    return rows[:_MAX_ROWS]
