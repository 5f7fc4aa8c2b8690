# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of contract 1 in detail: which file sets what, what the processes have, how often it was restarted, how much it once used.

An auditor compares these with a policy; service_memory would say the same of one unit in check mode.
"""

from collections import Counter
from typing import Any, Dict, FrozenSet, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup, manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.layers import origins, unit_files
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import ManagerError, UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import INFINITY

from .earlier import earlier_scores
from .scores import Score, apply_scores, may_lower

_MAX_PROCESSES = 10
_LIMITS = ("memory_min", "memory_low", "memory_high", "memory_max", "memory_swap_max")


def add_details(host: Host, units: Sequence[Dict[str, Any]]) -> None:
    """Each unit's entry grows in place; where systemd does not answer it stays as it is."""
    known = [unit for unit in units if unit.get("load_state") != "not-found"]
    try:
        states = manager.states(host, [unit["name"] for unit in known])
    except ManagerError:
        return
    where, capable = cgroup.layout(host), may_lower(host, "1")
    for unit, state in zip(known, states):
        unit.update(_detail(host, where, capable, state))


def _peak(host: Host, where: cgroup.Layout, state: UnitState) -> Optional[int]:
    """MemoryPeak= since systemd 255, memory.peak since 5.19, on cgroup 1 memory.max_usage_in_bytes."""
    shown = state.number("MemoryPeak")
    return shown if shown is not None else cgroup.peak(host, where, state.control_group)


def _detail(host: Host, where: cgroup.Layout, capable: bool, state: UnitState) -> Dict[str, Any]:
    files = unit_files(host, state.units, state.fragment)
    winners = origins(files, state.units[0].type)
    believed = {option: state.believed(option) for option in _LIMITS}
    found = {
        "type": state.get("Type") or None,
        "restart": state.get("Restart") or None,
        "restarts": state.number("NRestarts"),
        "kill_mode": state.get("KillMode") or None,
        "delegate": state.get("Delegate") == "yes",
        "needs_reload": state.needs_reload,
        "fragment": state.fragment,
        "drop_ins": [file.path for file in files if file.path != state.fragment],
        "set_by": {option: origin.path for option, origin in winners.items() if origin.value},
        "memory_peak": _peak(host, where, state),
        "unlimited": [option for option, value in believed.items() if value == INFINITY],
    }  # type: Dict[str, Any]
    found.update({option: value if isinstance(value, int) else None for option, value in believed.items()})
    found.update(_processes(host, where, capable, state, winners.get("oom_score_adjust")))
    return found


def _processes(host: Host, where: cgroup.Layout, capable: bool, state: UnitState, origin: object) -> Dict[str, Any]:
    score, group = state.believed("oom_score_adjust"), state.control_group
    if not isinstance(score, int) or group is None:
        return {"scores": None, "processes": []}
    earlier = earlier_scores(host, state, score, getattr(origin, "path", None), capable)
    rows = apply_scores(host, group, lambda: cgroup.pids(host, where, group), score, earlier, False)[0]
    odd = sorted(rows, key=lambda row: (row.before == score, row.pid))
    return {
        "scores": {str(value): count for value, count in sorted(Counter(row.before for row in rows).items())},
        "processes": [_row(row, score, earlier, capable) for row in odd[:_MAX_PROCESSES]],
    }


def _row(row: Score, score: int, earlier: FrozenSet[int], capable: bool) -> Dict[str, Any]:
    state = "as_wanted"
    if row.before != score:
        state = "own_score" if row.before not in earlier else "older" if capable or score >= 0 else "denied"
    return {"pid": row.pid, "comm": row.comm, "oom_score_adj": row.before, "state": state}
