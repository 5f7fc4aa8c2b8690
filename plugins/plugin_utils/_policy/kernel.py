# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last layer of a unit's limits: what the kernel holds, against what systemd has loaded and what was declared.

Units are those of context(): every key is there, a limit that is not there is "infinity", null is unknown.
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, INFINITY, SETTINGS
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json, whole

from .checks import made
from .finding import FAIL, PASS, UNKNOWN, Finding
from .model import Policy

#: The settings that the kernel has a file for -> what limits nothing; None: anything but "kill".
_NOTHING = {setting.option: setting.default for setting in SETTINGS if setting.cgroup is not None}
LIMITS = tuple(option for option, idle in _NOTHING.items() if idle is not None)
_MANAGED = ("managed_oom_swap", "managed_oom_memory_pressure")
#: whose presence tells of the version of systemd
_DATED = (*_NOTHING, *_MANAGED)
CONTROLLERS = ("v2", "v1", "none", "no_cgroup")
#: Limits are rounded down to pages, of up to 64 KiB.
_PAGE = 65536
#: Others put these in force without systemd: DefaultMemoryLow= of a slice, container runtimes. More than systemd
#: has loaded is no drift there.
_MAY_BE_MORE = ("memory_min", "memory_low", "oom_policy")


def _bytes(value: t.Any) -> t.Any:
    return value if value == INFINITY else whole(value)


def read_kernel(value: t.Any) -> Json | None:
    """`kernel` of a unit with every key, in the types of the contract; None: the facts are older than it, or
    mangled.
    """
    if not isinstance(value, dict):
        return None
    found = {option: _bytes(value.get(option)) for option in LIMITS}  # type: Json
    group, controller = value.get("oom_group"), value.get("controller")
    found["oom_group"] = group if isinstance(group, bool) else None
    found["controller"] = controller if controller in CONTROLLERS else None
    absent = value.get("absent")
    #: files that this kernel does not have; any other null could not be read
    named = absent if isinstance(absent, list) else []
    found["absent"] = ["oom_policy" if name == "oom_group" else name for name in named]
    return found


def without_cgroup(unit: Json) -> bool:
    """Nothing of it runs, as systemd says."""
    return unit["kernel"] is not None and unit["kernel"]["controller"] == "no_cgroup"


def missing(unit: Json) -> list[str]:
    """Settings that systemd is too old for: it tells a maximum, which below 231 is MemoryLimit=, and neither these nor
    anything as new.
    """
    if unit["memory_max"] is None:
        return []
    newest = max(
        (BY_OPTION[option].since for option in _DATED if option != "memory_max" and unit[option] is not None), default=0
    )
    return [option for option in _DATED if unit[option] is None and BY_OPTION[option].since > newest]


def _untold(unit: Json, option: str) -> bool:
    """The facts do not tell it, and systemd could. Every service has an OOMPolicy=, scopes since some version."""
    of_service = option != "oom_policy" or str(unit["name"]).endswith(".service")
    return unit[option] is None and of_service and option not in unit["missing"]


def uncounted(unit: Json) -> bool:
    """It has no memory cgroup of its own, as without accounting on cgroup 1, so nobody counts its kills there."""
    return unit["kernel"] is not None and unit["kernel"]["controller"] in ("none", "no_cgroup")


def _limits_nothing(option: str, value: t.Any) -> bool:
    if _NOTHING.get(option) is None:
        return bool(value != "kill")
    return bool(value == _NOTHING[option])


def _has_file(controller: str | None, option: str) -> bool:
    """cgroup 1 has one of them, memory.limit_in_bytes."""
    return controller == "v2" or (controller == "v1" and BY_OPTION[option].v1 is not None)


def _held(kernel: Json, option: str) -> t.Any:
    return kernel["oom_group" if option == "oom_policy" else option]


def _agrees(option: str, wanted: t.Any, held: t.Any, is_share: bool = False) -> bool:
    if option == "oom_policy":
        return held is (wanted == "kill")
    if isinstance(wanted, int) and isinstance(held, int):
        return abs(wanted - held) <= _PAGE if is_share else 0 <= wanted - held < _PAGE
    return bool(wanted == held)


def drift(unit: Json) -> list[str] | None:
    """Settings of which the kernel holds another value than systemd has loaded; None: not known."""
    kernel = unit["kernel"]
    controller = kernel["controller"] if kernel is not None else None
    if kernel is None or controller is None:
        return None
    if without_cgroup(unit):
        return []
    found, unknown = [], False
    for option in _NOTHING:
        loaded, held = unit[option], _held(kernel, option)
        if not _has_file(controller, option):
            continue
        if loaded is None:
            unknown = unknown or _untold(unit, option)
            continue
        idle = _limits_nothing(option, loaded)
        if idle and option in _MAY_BE_MORE:
            continue
        if held is None:  # without such a file nothing is limited, and where nothing is to be limited that is no drift
            unknown = unknown or not idle or option not in kernel["absent"]
        elif not _agrees(option, loaded, held):
            found.append(option)
    return found or (None if unknown else [])


def ignored(unit: Json) -> list[str] | None:
    """Settings that systemd has loaded and this kernel cannot hold for the unit; None: not known."""
    kernel = unit["kernel"]
    controller = kernel["controller"] if kernel is not None else None
    if controller is None:
        return None
    if without_cgroup(unit):
        return []
    options = [option for option in (*_NOTHING, *_MANAGED) if not _has_file(controller, option)]
    found = [option for option in options if unit[option] is not None and not _limits_nothing(option, unit[option])]
    return found or (None if any(_untold(unit, option) for option in options) else [])


class _Verdict(t.NamedTuple):
    """effective -- None where nothing is known"""

    status: str
    effective: t.Any
    why: str = ""
    remedy: str = ""


_NO_FILE = {
    "v1": "cgroup 1 has no such limit, although systemd shows it",
    "none": "the cgroup of the unit has no memory controller, although systemd shows the limit",
}
_BOOT = (
    "Boot with cgroup 2 (systemd.unified_cgroup_hierarchy=1) and its memory controller, or take it out of the policy"
)
_GATHER = "Gather with oom_facts on the host itself, where its control groups can be seen"
_APPLY = "memops.linux.oom_protect applies it"
_ENFORCE = "memops.linux.service_memory brings it into force where systemd can; a restart of the service always does"


def _verdict(unit: Json, option: str, text: str, ram: int | None) -> _Verdict:
    setting, kernel = BY_OPTION[option], unit["kernel"]
    wanted = setting.expected(text, ram)
    controller = kernel["controller"] if kernel is not None else None
    if kernel is None or controller is None:
        return _Verdict(UNKNOWN, None, "the facts do not tell what the kernel holds of it")
    if without_cgroup(unit):
        return _Verdict(PASS, "nothing runs")
    limits_nothing = wanted is not None and _limits_nothing(option, wanted)
    if not _has_file(controller, option):
        if limits_nothing:
            return _Verdict(PASS, "nothing limits it")
        return _Verdict(FAIL, "not in the kernel", _NO_FILE[controller], _BOOT)
    held = _held(kernel, option)
    if held is not None:
        return _held_verdict(option, wanted, held, unit[option], text.endswith("%"))
    if limits_nothing and option in kernel["absent"]:
        return _Verdict(PASS, "nothing limits it")
    return _Verdict(UNKNOWN, None, f"the kernel shows no {setting.cgroup} of it")


def _held_verdict(option: str, wanted: t.Any, held: t.Any, loaded: t.Any, is_share: bool) -> _Verdict:
    """loaded -- the value that systemd has loaded"""
    effective = human(held) if isinstance(held, int) and option != "oom_policy" else held
    if wanted is None:
        return _Verdict(UNKNOWN, effective, "the memory of the host is not known")
    if _agrees(option, wanted, held, is_share):
        return _Verdict(PASS, effective)
    if loaded is None:
        return _Verdict(FAIL, effective, "", _APPLY)
    if loaded == wanted or (is_share and _agrees(option, wanted, loaded, is_share)):
        return _Verdict(FAIL, effective, "systemd has loaded it and the kernel does not hold it", _ENFORCE)
    return _Verdict(FAIL, effective, "systemd has not loaded it either", _APPLY)


def judge_kernel(policy: Policy, unit: Json, option: str, text: str, ram: int | None) -> Finding | None:
    """What was declared against what the kernel holds; None for a setting that the kernel has no file for."""
    if option not in _NOTHING:
        return None
    found = _verdict(unit, option, text, ram)
    name = BY_OPTION[option].cgroup
    evidence = (
        {"kernel": _held(unit["kernel"], option), "controller": unit["kernel"]["controller"]}
        if unit["kernel"] is not None
        else {}
    )  # type: Json
    evidence["systemd"] = unit[option]
    if found.why:
        evidence["why"] = found.why
    return made(
        policy,
        "service-kernel",
        found.status,
        f"{unit['name']} {option}",
        f"{name} of {unit['name']}",
        declared=text,
        effective=found.effective,
        evidence=evidence,
        remedy=found.remedy or _GATHER,
    )
