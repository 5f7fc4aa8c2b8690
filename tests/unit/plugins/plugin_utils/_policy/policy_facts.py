# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that the baseline is content with, in the shape of the facts contract, and how to change it. For the tests of
policies.
"""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.memops.linux.plugins.plugin_utils._policy.finding import Finding
from ansible_collections.memops.linux.plugins.plugin_utils._policy.judge import judge_facts
from ansible_collections.memops.linux.plugins.plugin_utils._policy.source import load_policy
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, facts

GIB = 1 << 30
#: what systemd 239 does not tell
BEFORE_POLICY = dict.fromkeys(
    ("oom_policy", "managed_oom_swap", "managed_oom_memory_pressure", "managed_oom_preference")
)
LIMITS = ("memory_min", "memory_low", "memory_high", "memory_max", "memory_swap_max")


def held(**changes: Any) -> dict[str, Any]:
    """`kernel` of a unit. The kernel limits nothing."""
    made = {
        "memory_min": 0,
        "memory_low": 0,
        "memory_high": "infinity",
        "memory_max": "infinity",
        "memory_swap_max": "infinity",
    }  # type: dict[str, Any]
    return {**made, "oom_group": False, "controller": "v2", **changes}


def held_by(controller: str | None, **changes: Any) -> dict[str, Any]:
    """`kernel` of a unit of which no file can be read."""
    return {**dict.fromkeys(LIMITS), "oom_group": None, "controller": controller, **changes}


def unit(name: str = "nginx.service", **changes: Any) -> dict[str, Any]:
    made = {
        "name": name,
        "names": [],
        "load_state": "loaded",
        "active_state": "active",
        "result": "success",
        "oom_kills": 0,
        "oom_score_adjust": 0,
        "oom_policy": "stop",
        "memory_current": 7 << 20,
        "memory_peak": 9 << 20,
        "memory_min": 0,
        "memory_low": 0,
        "memory_high": None,
        "memory_max": None,
        "memory_swap_max": None,
        "unlimited": ["memory_high", "memory_max", "memory_swap_max"],
        "type": "notify",
        "restart": "on-failure",
        "restarts": 0,
        "kill_mode": "control-group",
        "delegate": False,
        "needs_reload": False,
        "fragment": f"/lib/systemd/system/{name}",
        "drop_ins": [],
        "set_by": {},
        "scores": {"0": 2},
        "processes": [{"pid": 812, "comm": "nginx", "oom_score_adj": 0, "state": "as_wanted"}],
        "managed_oom_swap": "auto",
        "managed_oom_memory_pressure": "auto",
        "managed_oom_memory_pressure_limit": 0.0,
        "managed_oom_preference": "none",
    }  # type: dict[str, Any]
    made.update(changes)
    if "kernel" not in changes:
        made["kernel"] = held(
            **{option: made[option] for option in LIMITS if made[option] is not None},
            oom_group=made["oom_policy"] == "kill",
        )
    limits = [option for option in ("memory_high", "memory_max", "memory_swap_max") if made[option] is None]
    if "unlimited" not in changes:
        made["unlimited"] = limits
    return made


def host(**changes: Any) -> dict[str, Any]:
    """Keys of a part are given as memory__swap_total."""
    made = facts(
        gathered_at=NOW - 60.0,
        since=NOW - 30 * 86400.0,
        memory={
            "total": 8 * GIB,
            "available": 4 * GIB,
            "swap_total": GIB,
            "swap_free": GIB,
            "psi": {"some": {}, "full": {}},
        },
        settings={
            "panic_on_oom": 0,
            "oom_kill_allocating_task": 0,
            "overcommit_memory": 0,
            "overcommit_ratio": 50,
            "swappiness": 60,
            "min_free_kbytes": 67584,
        },
        settings_at_boot={"values": {}, "ignored": {}},
        daemons={"systemd-oomd": "inactive", "earlyoom": "absent", "nohang": "absent", "oomd": "absent"},
        units=[unit()],
        swap=[{"path": "/swapfile", "type": "file", "size": GIB, "used": 0, "priority": -2, "in_fstab": True}],
    )
    made["summary"]["verdict"] = {"state": "none", "reasons": [], "trusted": True}
    made = copy.deepcopy(made)
    for key, value in changes.items():
        part, _dunder, inner = key.partition("__")
        if inner:
            made[part][inner.replace("_oomd", "-oomd")] = value
        else:
            made[part] = value
    return made


def judged(oom: Any, policy: Any = "baseline", now: float = NOW) -> list[Finding]:
    return judge_facts(load_policy(policy), oom, now)


def of(findings: list[Finding], name: str) -> dict[str, str]:
    """Status by subject, of one id."""
    return {one.subject: one.status for one in findings if one.id == name}


def statuses(oom: Any, policy: Any, name: str) -> set[str]:
    return {one.status for one in judged(oom, policy) if one.id == name}
