# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of the facts contract in detail: which file sets what, what the kernel holds, what the processes have, how
often it was restarted.

An auditor compares these with a policy; service_memory would say the same of one unit in check mode.
"""

import json
import os
from collections import Counter
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._service_memory.run_record import previous_scores
from ansible_collections.memops.linux.plugins.module_utils._service_memory.scores import Score, apply_scores, may_lower
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup, manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import ManagerError, UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import (
    Origin,
    fragment_path,
    origins,
    unit_files,
)
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, INFINITY, SETTINGS
from ansible_collections.memops.linux.plugins.module_utils._systemd.systemd_numbers import read_share
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import UnitName, parse_unit_name

_MAX_PROCESSES = 10
#: Of the 256 KiB of a result; kills and sources need the rest.
_ROOM = 150_000
_LIMITS = tuple(setting.option for setting in SETTINGS if setting.kind == "memory")
_MANAGED = tuple(setting.option for setting in SETTINGS if setting.option.startswith("managed_"))


def add_details(host: Host, units: List[Dict[str, Any]]) -> int:
    """Each unit's entry grows in place; where systemd does not answer it stays as it is. How many had to go for the
    size of the result.
    """
    for unit in units:
        if unit.get("load_state") == "template":
            unit.update(_template(host, unit["name"]))
    known = [unit for unit in units if unit.get("load_state") not in ("not-found", "template")]
    try:
        states = manager.states(host, [unit["name"] for unit in known])
    except ManagerError:
        return 0
    where, capable = cgroup.layout(host), may_lower(host, "1")
    for unit, state in zip(known, states):
        unit.update(_detail(host, where, capable, state))
    return _fit(units)


def _fit(units: List[Dict[str, Any]], room: int = _ROOM) -> int:
    """Processes that are as they should be go first (``scores`` counts them), then the last units."""
    if len(json.dumps(units)) <= room:
        return 0
    for unit in units:
        if "processes" in unit:
            unit["processes"] = [row for row in unit["processes"] if row["state"] != "as_wanted"]
    kept = 0
    for unit in units:
        room -= len(json.dumps(unit)) + 2
        if room < 0:
            break
        kept += 1
    gone = len(units) - kept
    del units[kept:]
    return gone


def _template(host: Host, name: str) -> Dict[str, Any]:
    """Its files: what the next instance will have."""
    unit, fragment = parse_unit_name(name), fragment_path(host, name)
    return dict(_files(host, [unit], fragment)[0], fragment=fragment)


def _files(host: Host, names: Sequence[UnitName], fragment: Optional[str]) -> Tuple[Dict[str, Any], Dict[str, Origin]]:
    files = unit_files(host, names, fragment)
    winners = origins(files, names[0].type)
    told = {
        "drop_ins": [file.path for file in files if file.path != fragment],
        "set_by": {option: origin.path for option, origin in winners.items() if origin.value},
    }
    return told, winners


def _peak(host: Host, where: cgroup.Layout, state: UnitState) -> Optional[int]:
    """MemoryPeak= since systemd 255, memory.peak since 5.19, on cgroup 1 memory.max_usage_in_bytes."""
    shown = state.number("MemoryPeak")
    return shown if shown is not None else cgroup.peak(host, where, state.control_group)


def _is_there(host: Host, tree: Optional[str], group: str) -> bool:
    return tree is not None and ".." not in group.split("/") and os.path.isdir(host.path(tree + group))


def _controller(host: Host, where: cgroup.Layout, group: str) -> Optional[str]:
    """Which memory controller the unit's control group has: v2, v1 or none; None: it cannot be seen from here."""
    if not _is_there(host, where.processes, group):
        return None
    if where.version == "2":
        controllers = host.read("%s%s/cgroup.controllers" % (where.processes, group))
        if controllers is None:
            return None
        return "v2" if b"memory" in controllers.split() else "none"
    # Without accounting, and without a limit, systemd makes no memory group for a unit.
    return "v1" if _is_there(host, where.memory, group) else "none"


def _has_no_file(host: Host, where: cgroup.Layout, group: Optional[str], name: str) -> bool:
    """Kernels before 4.19 have no memory.oom.group, those without swap accounting no memory.swap.max."""
    if group is None or not _is_there(host, where.memory, group):
        return False
    file = BY_OPTION["oom_policy" if name == "oom_group" else name].cgroup
    return file is not None and not os.path.lexists(host.path("%s%s/%s" % (where.memory, group, file)))


def _kernel(host: Host, where: cgroup.Layout, state: UnitState) -> Dict[str, Any]:
    """What the kernel holds of a unit's limits. systemd tells of no control group where nothing of the unit runs, also
    for active (exited).
    """
    group = state.control_group
    together = cgroup.enforced(host, where, group, BY_OPTION["oom_policy"])
    found = {
        option: cgroup.enforced(host, where, group, BY_OPTION[option]) for option in _LIMITS
    }  # type: Dict[str, Any]
    found["oom_group"] = None if together is None else together == 1
    found["controller"] = "no_cgroup" if group is None else _controller(host, where, group)
    absent = [
        name for name in (*_LIMITS, "oom_group") if found[name] is None and _has_no_file(host, where, group, name)
    ]
    if found["controller"] == "v2" and absent:
        found["absent"] = absent  # of this kernel; any other null could not be read
    return found


def _pressure_limit(state: UnitState) -> Optional[float]:
    """In percent; 0.0: the one of oomd.conf. systemd 247 shows ``62%``, later ones a share of 2**32 - 1."""
    shown = state.number("ManagedOOMMemoryPressureLimit")
    if shown is not None:
        return round(shown * 100.0 / (2**32 - 1), 2)
    try:
        share = read_share(state.get("ManagedOOMMemoryPressureLimitPercent"))
    except ValueError:
        return None
    return None if share is None else share / 100.0


def _detail(host: Host, where: cgroup.Layout, capable: bool, state: UnitState) -> Dict[str, Any]:
    told, winners = _files(host, state.units, state.fragment)
    loaded = {option: state.loaded(option) for option in _LIMITS}
    found = {
        "type": state.get("Type") or None,
        "restart": state.get("Restart") or None,
        "restarts": state.number("NRestarts"),
        "kill_mode": state.get("KillMode") or None,
        "delegate": state.get("Delegate") == "yes",
        "needs_reload": state.needs_reload,
        "fragment": state.fragment,
        "memory_peak": _peak(host, where, state),
        "unlimited": [option for option, value in loaded.items() if value == INFINITY],
        "kernel": _kernel(host, where, state),
        "managed_oom_memory_pressure_limit": _pressure_limit(state),
    }  # type: Dict[str, Any]
    found.update(told)
    found.update({option: state.loaded(option) for option in _MANAGED})
    found.update({option: value if isinstance(value, int) else None for option, value in loaded.items()})
    found.update(_processes(host, where, capable, state, winners.get("oom_score_adjust")))
    return found


def _processes(host: Host, where: cgroup.Layout, capable: bool, state: UnitState, origin: object) -> Dict[str, Any]:
    score, group = state.loaded("oom_score_adjust"), state.control_group
    pids = cgroup.pids(host, where, group)
    unseen = {"scores": None, "processes": []}  # type: Dict[str, Any]
    if not isinstance(score, int) or group is None or pids is None:
        return unseen
    listed = pids
    earlier = previous_scores(host, state, score, getattr(origin, "path", None), capable)
    rows = apply_scores(host, group, lambda: listed, score, earlier, False)[0]
    unread = set(pids) - {row.pid for row in rows}
    if unread and unread & set(cgroup.pids(host, where, group) or ()):  # not ended: /proc is mounted with hidepid
        return unseen
    first = {row.before: row.pid for row in reversed(rows)}  # why one has its score is why all have it that do
    odd = sorted(rows, key=lambda row: (row.before == score, row.pid != first[row.before], row.pid))
    return {
        "scores": {str(value): count for value, count in sorted(Counter(row.before for row in rows).items())},
        "processes": [_row(row, score, earlier, capable) for row in odd[:_MAX_PROCESSES]],
    }


def _row(row: Score, score: int, earlier: FrozenSet[int], capable: bool) -> Dict[str, Any]:
    if row.before == score:
        state = "as_wanted"
    elif row.before not in earlier:
        state = "own_score"
    elif capable or score >= 0:
        state = "older"
    else:
        state = "denied"
    return {"pid": row.pid, "comm": row.comm, "oom_score_adj": row.before, "state": state}
