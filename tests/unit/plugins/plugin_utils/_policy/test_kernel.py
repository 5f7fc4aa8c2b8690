# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's layer: what it catches, what comes near and is right, and what cannot be known."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy.context import context
from ansible_collections.memops.linux.plugins.plugin_utils._policy.kernel import read_kernel
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import (
    BEFORE_POLICY,
    GIB,
    held,
    held_by,
    host,
    judged,
    of,
    unit,
)

MIB = 1 << 20
V1 = held_by("v1", memory_max="infinity")

#: a unit, the settings of which the kernel holds another value, and those that it cannot hold
DRIFT = [
    ("nothing is limited", unit(), [], []),
    ("all agree", unit(memory_min=MIB, memory_low=MIB, memory_high=GIB, memory_max=2 * GIB, memory_swap_max=0), [], []),
    ("a new limit is not in force", unit(memory_max=GIB, kernel=held()), ["memory_max"], []),
    ("an old limit is still in force", unit(kernel=held(memory_max=GIB)), ["memory_max"], []),
    ("another limit", unit(memory_high=GIB, kernel=held(memory_high=GIB // 2)), ["memory_high"], []),
    ("swap is not kept from it", unit(memory_swap_max=0, kernel=held()), ["memory_swap_max"], []),
    ("a guarantee is not given", unit(memory_min=MIB, memory_low=MIB, kernel=held()), ["memory_min", "memory_low"], []),
    ("DefaultMemoryLow= of its slice", unit(kernel=held(memory_low=MIB)), [], []),
    ("rounded down to a page of 4 KiB", unit(memory_max=GIB + 4095, kernel=held(memory_max=GIB)), [], []),
    ("rounded down to a page of 64 KiB", unit(memory_max=GIB + 65535, kernel=held(memory_max=GIB)), [], []),
    ("a page less than that", unit(memory_max=GIB + 65536, kernel=held(memory_max=GIB)), ["memory_max"], []),
    ("never rounded up", unit(memory_max=GIB, kernel=held(memory_max=GIB + 4096)), ["memory_max"], []),
    ("killed as a group", unit(oom_policy="kill"), [], []),
    ("not killed as a group", unit(oom_policy="kill", kernel=held()), ["oom_policy"], []),
    ("a container runtime wants the group", unit(oom_policy="stop", kernel=held(oom_group=True)), [], []),
    ("stopped", unit(memory_max=GIB, active_state="inactive", kernel=held_by("no_cgroup")), [], []),
    ("active (exited)", unit(memory_max=GIB, kernel=held_by("no_cgroup")), [], []),
    ("not seen", unit(memory_max=GIB, kernel=held_by(None)), None, None),
    ("not seen, nothing loaded", unit(kernel=held_by(None)), None, None),
    ("facts from before", unit(memory_max=GIB, kernel=None), None, None),
    ("mangled", unit(memory_max=GIB, kernel="v2"), None, None),
    ("a controller that nobody knows", unit(memory_max=GIB, kernel=held(controller="v3")), None, None),
    ("one file cannot be read", unit(memory_max=GIB, kernel=held(memory_max=None)), None, []),
    ("one cannot be read, another one differs", unit(memory_max=GIB, memory_high=GIB, kernel=held(memory_max=None)), ["memory_high"], []),
    ("no swap accounting, and no limit", unit(memory_max=GIB, kernel=held(memory_max=GIB, memory_swap_max=None, absent=["memory_swap_max"])), [], []),
    ("a limit of the kernel is not told", unit(memory_max=GIB, kernel=held(memory_max=GIB, memory_swap_max=None)), None, []),
    ("no group kill, before 4.19", unit(kernel=held(oom_group=None, absent=["oom_group"])), [], []),
    ("no swap accounting, and a limit", unit(memory_swap_max=0, kernel=held(memory_swap_max=None)), None, []),
    ("systemd does not tell the maximum", unit(unlimited=[]), None, []),
    ("systemd before MemoryMin=", unit(memory_min=None, **BEFORE_POLICY), [], []),
    ("systemd before MemoryMin=, cgroup 1", unit(memory_min=None, **BEFORE_POLICY, kernel=V1), [], []),
    ("it has OOMPolicy=, so it has MemoryMin=", unit(memory_min=None), None, []),
    ("it has OOMPolicy=, so it has MemoryHigh=, which cgroup 1 ignores", unit(memory_high=None, unlimited=["memory_max"], kernel=V1), [], None),
    ("it has ManagedOOMSwap=, so it has OOMPolicy=", unit(oom_policy=None), None, []),
    ("a slice has no OOMPolicy=", unit("a.slice", oom_policy=None), [], []),
    ("no memory.max where there is a controller", unit(kernel=held(memory_max=None)), None, []),
    ("cgroup 1 in force", unit(memory_max=GIB, kernel=held_by("v1", memory_max=GIB)), [], []),
    ("cgroup 1 not in force", unit(memory_max=GIB, kernel=V1), ["memory_max"], []),
    ("cgroup 1 knows no MemoryHigh=", unit(memory_high=GIB, kernel=V1), [], ["memory_high"]),
    ("cgroup 1 knows none of them", unit(memory_min=1, memory_low=1, memory_swap_max=0, oom_policy="kill", kernel=V1), [],
        ["oom_policy", "memory_min", "memory_low", "memory_swap_max"]),
    ("cgroup 1 and nothing of the kind", unit(kernel=V1), [], []),
    ("systemd-oomd needs cgroup 2", unit(managed_oom_swap="kill", kernel=V1), [], ["managed_oom_swap"]),
    ("systemd-oomd has it", unit(managed_oom_swap="kill"), [], []),
    ("no memory controller", unit(memory_max=GIB, kernel=held_by("none")), [], ["memory_max"]),
    ("no memory controller, nothing to hold", unit(kernel=held_by("none")), [], []),
]  # fmt: skip


@pytest.mark.parametrize("one, drift, ignored", [row[1:] for row in DRIFT], ids=[row[0] for row in DRIFT])
def test_what_the_kernel_does_not_hold(one, drift, ignored):
    (seen,) = context(host(units=[one]))["units"]
    assert (seen["drift"], seen["ignored"]) == (drift, ignored)


def test_a_mangled_cache_breaks_nothing():
    assert read_kernel(
        {"memory_max": "x", "memory_high": True, "oom_group": 1, "controller": [], "absent": 1}
    ) == held_by(None, absent=[])


#: id, what stands in the policy, the unit, status, why, remedy
DECLARED = [
    ("in force", {"memory_max": "1G"}, unit(memory_max=GIB), "pass", "", ""),
    (
        "loaded and not in force",
        {"memory_max": "1G"},
        unit(memory_max=GIB, kernel=held()),
        "fail",
        "systemd has loaded it",
        "service_memory",
    ),
    ("not even loaded", {"memory_max": "1G"}, unit(), "fail", "systemd has not loaded it either", "oom_protect"),
    ("in force, whatever systemd has loaded", {"memory_max": "1G"}, unit(kernel=held(memory_max=GIB)), "pass", "", ""),
    (
        "taken away and still in force",
        {"memory_max": "infinity"},
        unit(kernel=held(memory_max=GIB)),
        "fail",
        "systemd has loaded it",
        "restart",
    ),
    ("rounded", {"memory_max": GIB + 100}, unit(memory_max=GIB + 100, kernel=held(memory_max=GIB)), "pass", "", ""),
    (
        "a share",
        {"memory_max": "10%"},
        unit(memory_max=GIB * 8 // 10 + 4096, kernel=held(memory_max=GIB * 8 // 10 + 4096)),
        "pass",
        "",
        "",
    ),
    (
        "a share that is not in force",
        {"memory_max": "10%"},
        unit(memory_max=GIB * 8 // 10, kernel=held()),
        "fail",
        "systemd has loaded it",
        "restart",
    ),
    (
        "no guarantee, and one by default",
        {"memory_low": 0},
        unit(kernel=held(memory_low=MIB)),
        "fail",
        "systemd has loaded it",
        "restart",
    ),
    ("as a group", {"oom_policy": "kill"}, unit(oom_policy="kill"), "pass", "", ""),
    (
        "not as a group",
        {"oom_policy": "kill"},
        unit(oom_policy="kill", kernel=held()),
        "fail",
        "systemd has loaded it",
        "restart",
    ),
    (
        "as a group, against the policy",
        {"oom_policy": "stop"},
        unit(kernel=held(oom_group=True)),
        "fail",
        "systemd has loaded it",
        "restart",
    ),
    (
        "stopped",
        {"memory_max": "1G"},
        unit(memory_max=GIB, active_state="inactive", kernel=held_by("no_cgroup")),
        "pass",
        "",
        "",
    ),
    (
        "not seen",
        {"memory_max": "1G"},
        unit(memory_max=GIB, kernel=held_by(None)),
        "unknown",
        "do not tell what the kernel holds",
        "Gather",
    ),
    (
        "not seen, no limit declared",
        {"memory_max": "infinity"},
        unit(kernel=held_by(None)),
        "unknown",
        "do not tell",
        "Gather",
    ),
    ("facts from before", {"memory_max": "1G"}, unit(memory_max=GIB, kernel=None), "unknown", "do not tell", "Gather"),
    (
        "one file cannot be read",
        {"memory_max": "1G"},
        unit(memory_max=GIB, kernel=held(memory_max=None)),
        "unknown",
        "no memory.max",
        "Gather",
    ),
    (
        "no swap accounting",
        {"memory_swap_max": "0"},
        unit(memory_swap_max=0, kernel=held(memory_swap_max=None)),
        "unknown",
        "no memory.swap.max",
        "",
    ),
    (
        "no swap accounting, no limit",
        {"memory_swap_max": "infinity"},
        unit(kernel=held(memory_swap_max=None, absent=["memory_swap_max"])),
        "pass",
        "",
        "",
    ),
    (
        "not told, no limit",
        {"memory_swap_max": "infinity"},
        unit(kernel=held(memory_swap_max=None)),
        "unknown",
        "no memory.swap.max",
        "Gather",
    ),
    ("cgroup 1", {"memory_max": "1G"}, unit(memory_max=GIB, kernel=held_by("v1", memory_max=GIB)), "pass", "", ""),
    (
        "cgroup 1 has no such limit",
        {"memory_high": "1G"},
        unit(memory_high=GIB, kernel=V1),
        "fail",
        "cgroup 1 has no such limit",
        "Boot with cgroup 2",
    ),
    ("cgroup 1 and none declared", {"memory_high": "infinity"}, unit(kernel=V1), "pass", "", ""),
    (
        "no controller",
        {"memory_max": "1G"},
        unit(memory_max=GIB, kernel=held_by("none")),
        "fail",
        "no memory controller",
        "Boot",
    ),
    ("no controller, none declared", {"memory_max": "infinity"}, unit(kernel=held_by("none")), "pass", "", ""),
]


@pytest.mark.parametrize(
    "settings, one, wanted, why, remedy", [row[1:] for row in DECLARED], ids=[row[0] for row in DECLARED]
)
def test_declared_against_the_kernel(settings, one, wanted, why, remedy):
    policy = {"services": [dict(settings, name="nginx")]}
    (finding,) = [one for one in judged(host(units=[one]), policy) if one.id == "service-kernel"]
    assert finding.status == wanted
    assert why in finding.evidence.get("why", "") and remedy in finding.remedy
    assert finding.effective is not None or wanted == "unknown"


def test_a_share_of_unknown_memory_is_unknown():
    oom = host(units=[unit(memory_max=GIB)], memory__total=None)
    assert of(judged(oom, {"services": [{"name": "nginx", "memory_max": "10%"}]}), "service-kernel") == {
        "nginx.service memory_max": "unknown"
    }


#: option, declared, told, status
OOMD = [
    ("managed_oom_swap", "kill", "kill", "pass"),
    ("managed_oom_swap", "kill", "auto", "fail"),
    ("managed_oom_swap", "kill", None, "unknown"),
    ("managed_oom_memory_pressure", "kill", "kill", "pass"),
    ("managed_oom_memory_pressure", "auto", "kill", "fail"),
    ("managed_oom_memory_pressure", "auto", None, "unknown"),
    ("managed_oom_memory_pressure_limit", "62.5%", 62.5, "pass"),
    ("managed_oom_memory_pressure_limit", "62.5%", 62.0, "fail"),
    ("managed_oom_memory_pressure_limit", "60%", 0.0, "fail"),
    ("managed_oom_memory_pressure_limit", "60%", None, "unknown"),
    ("managed_oom_preference", "avoid", "avoid", "pass"),
    ("managed_oom_preference", "avoid", "omit", "fail"),
    ("managed_oom_preference", "none", None, "unknown"),
]


@pytest.mark.parametrize("option, declared, told, wanted", OOMD)
def test_what_systemd_oomd_goes_by(option, declared, told, wanted):
    found = judged(host(units=[unit(**{option: told})]), {"services": [{"name": "nginx", option: declared}]})
    assert of(found, "service-setting") == {f"nginx.service {option}": wanted}
    assert of(found, "service-kernel") == {}


def test_active_exited_has_no_processes_to_judge():
    one = unit(scores=None, processes=[], oom_score_adjust=-500, kernel=held_by("no_cgroup"))
    found = judged(host(units=[one]), {"services": [{"name": "nginx", "oom_score_adjust": -500}]})
    assert of(found, "service-processes") == {"nginx.service": "pass"}
