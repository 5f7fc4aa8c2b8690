# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd made of a kill: it stopped the rest of the unit, started it again, gave up. A clause of the kill's
sentence.

Only of the last kill of a unit on this boot: of those before, the unit's state tells nothing.
"""

from typing import Any, Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

_UP = ("active", "reloading", "refreshing")
_DOWN = ("failed", "inactive")
#: A start so long after a kill is no answer to it.
_ANSWER = 900.0
#: systemd 243 and later; a unit without processes of its own has it, too.
_STOP = "stop"

Row = Dict[str, Any]


def tell_aftermath(host: Host, kills: List[Row], units: List[Row]) -> None:
    """The sentences of the kills grow in place."""
    boot = host.read("/proc/sys/kernel/random/boot_id")
    boot_id = to_text(boot).strip().replace("-", "") if boot else None
    by_name = {unit["name"]: unit for unit in units}
    told = set()
    for kill in reversed(kills):
        unit = by_name.get(kill["unit"])
        if unit is None or kill["unit"] in told:
            continue
        told.add(kill["unit"])
        if boot_id is None or kill["boot_id"] != boot_id or kill["uptime"] is None or not kill["why"]:
            continue
        clause = aftermath(kill, unit)
        if clause:
            kill["why"] += "; " + clause


def _others(kill: Row, unit: Row) -> int:
    """How many more processes the unit had, where its own cgroup was short: the kernel's table lists them."""
    contest = kill.get("contest")
    short = (kill.get("oom_memcg") or "").rstrip("/").rsplit("/", 1)[-1]
    if not contest or short != unit["name"] or kill["trigger"] == "group":
        return 0
    return max(0, (contest.get("candidates") or 0) - 1)


def aftermath(kill: Row, unit: Row) -> Optional[str]:
    state, policy = unit.get("active_state"), unit.get("oom_policy")
    if state in _UP:
        return _is_up(kill, unit, policy)
    if state == "activating":
        return "systemd is starting %s again%s" % (unit["name"], _restarts(unit))
    if state in _DOWN:
        return _is_down(kill, unit, policy)
    return None


def _restarts(unit: Row) -> str:
    count = unit.get("restarts")
    if not count:
        return ""
    return " (%d restart%s since it was started by hand)" % (count, "" if count == 1 else "s")


def _stopped(kill: Row, unit: Row, policy: Optional[str]) -> str:
    """What OOMPolicy=stop did, and what would have kept the others alive."""
    others = _others(kill, unit)
    if policy != _STOP or not others:
        return ""
    more = "1 more process" if others == 1 else "%d more processes" % others
    return "OOMPolicy=stop took %s of %s (OOMPolicy=continue keeps them)" % (more, unit["name"])


def _is_up(kill: Row, unit: Row, policy: Optional[str]) -> Optional[str]:
    since = unit.get("active_since_uptime")
    if since is None:
        return None
    later = since - kill["uptime"]
    if later < 0:
        return "%s went on%s" % (unit["name"], " (OOMPolicy=continue)" if policy == "continue" else "")
    if later > _ANSWER:
        return None
    again = "systemd started %s again after %.0f s%s" % (unit["name"], later, _restarts(unit))
    stopped = _stopped(kill, unit, policy)
    return "%s; %s" % (stopped, again) if stopped else again


def _is_down(kill: Row, unit: Row, policy: Optional[str]) -> Optional[str]:
    result = unit.get("result")
    if result == "start-limit-hit":
        return "%s is down: it was started too often, and systemd gave up (start limit)%s" % (
            unit["name"],
            _restarts(unit),
        )
    if result != "oom-kill":
        return None
    stopped = _stopped(kill, unit, policy)
    restart = unit.get("restart")
    down = "%s is down%s" % (unit["name"], " (Restart=no)" if restart == "no" else "")
    return "%s; %s" % (stopped, down) if stopped else down
