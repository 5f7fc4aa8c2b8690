# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared, file, systemd, kernel: the four layers of a service's settings, and at which of them it goes wrong."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import ACTIVE_STATES
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json, whole
from ansible_collections.memops.linux.plugins.plugin_utils._report.words import some

from .checks import made, status_of
from .declarable import BY_NAME, JUDGED_ONLY
from .finding import FAIL, PASS, UNKNOWN, Finding
from .kernel import judge_kernel, without_cgroup
from .model import Policy, Service
from .unit_names import units_of

_APPLY = "memops.linux.oom_protect applies it"
#: A share of RAM is rounded to pages by systemd, of up to 64 KiB.
_PAGE = 65536
_SCORE = re.compile(r"-?[0-9]{1,4}")
_GONE = ("not-found", "masked", "bad-setting", "error")


def _size(value: t.Any) -> t.Any:
    return human(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _setting(policy: Policy, unit: Json, service: Service, option: str, text: str, ram: int | None) -> Finding:
    """What systemd has loaded, against what was declared."""
    setting = BY_NAME[option]
    wanted, shown = setting.expected(text, ram), unit.get(option)
    holds = None if wanted is None or shown is None else shown == wanted  # type: bool | None
    if holds is False and text.endswith("%") and isinstance(wanted, int) and isinstance(shown, int):
        holds = abs(shown - wanted) <= _PAGE
    winner = (unit["set_by"] or {}).get(option)
    evidence = {"systemd": shown, "set_by": winner}  # type: Json
    if holds is False:
        if winner is not None and not str(winner).endswith("/" + service.dropin):
            why = f"shadowed by {winner}"
        elif option in unit["missing"]:
            why = "this systemd is too old for it"
        elif unit["needs_reload"]:
            why = "the file is newer than what systemd has read"
        elif winner is None:
            why = "no file sets it"
        else:
            why = f"{winner} says so"
        evidence["why"] = why
    elif holds is None:
        evidence["why"] = (
            "the memory of the host is not known" if wanted is None else f"the facts do not tell {setting.key}= of it"
        )
    is_size = setting.kind == "memory"
    apply = (
        f"Write {setting.key}= into a drop-in of the unit; this collection does not set it"
        if option in JUDGED_ONLY
        else _APPLY
    )
    return made(
        policy,
        "service-setting",
        status_of(holds),
        f"{unit['name']} {option}",
        f"{setting.key}= of {unit['name']}",
        declared=text,
        effective=_size(shown) if is_size else shown,
        evidence=evidence,
        remedy=(
            apply
            if not str(evidence.get("why", "")).startswith("shadowed")
            else "Take the setting out of that file, or name our drop-in later"
        ),
    )


def _strays(unit: Json, service: Service, wanted: int) -> tuple[dict[str, int], list[str]] | None:
    """Scores that processes should not have, with how many have them, and why; None: not known."""
    scores = unit["scores"]
    if scores is None:
        return None
    strays = {}  # type: dict[str, int]
    for score, count in scores.items():
        value = int(score) if _SCORE.fullmatch(str(score)) else None
        if value is None:
            return None
        if value == wanted or service.own_score == "allow" or (service.own_score == "lower" and value < wanted):
            continue
        strays[str(score)] = whole(count) or 0
    states = sorted(
        {
            str(process.get("state"))
            for process in unit["processes"] or ()
            if str(process.get("oom_score_adj")) in strays
        }
    )
    words = {
        "older": "they are older than the drop-in",
        "own_score": "they set their own score",
        "denied": "the kernel refused (no CAP_SYS_RESOURCE)",
        "as_wanted": "they have what systemd has loaded",
    }
    return strays, [words[state] for state in states if state in words]


def _processes(policy: Policy, unit: Json, service: Service, wanted: int) -> Finding:
    """What the kernel holds: the score of every process."""
    found = _strays(unit, service, wanted)
    # active (exited) has no cgroup either
    running = unit["active_state"] in ACTIVE_STATES and not without_cgroup(unit)
    evidence = {"scores": unit["scores"], "processes": unit["processes"]}  # type: Json
    if found is None and unit["active_state"] is not None and not running:
        status, effective = PASS, "no processes"  # type: tuple[str, t.Any]
    elif found is None:
        status, effective = UNKNOWN, None
        evidence["why"] = "the facts do not tell the scores of its processes"
    else:
        strays, reasons = found
        status = FAIL if strays else PASS
        effective = (
            ", ".join(f"{some(count, 'process', 'processes')} at {score}" for score, count in strays.items())
            if strays
            else wanted
        )
        if reasons:
            evidence["why"] = "; ".join(reasons)
    return made(
        policy,
        "service-processes",
        status,
        str(unit["name"]),
        f"oom_score_adj of the processes of {unit['name']}",
        declared=wanted,
        effective=effective,
        evidence=evidence,
        remedy=(
            "apply=live gives it to running processes without a restart; one that sets its own score needs the"
            " program's setting, or own_score: lower"
        ),
    )


def _reload(policy: Policy, unit: Json) -> Finding:
    stale = unit["needs_reload"]
    return made(
        policy,
        "service-reload",
        status_of(not stale if isinstance(stale, bool) else None),
        str(unit["name"]),
        f"systemd has read the files of {unit['name']}",
        declared=True,
        effective=None if not isinstance(stale, bool) else not stale,
        evidence={"needs_reload": stale, "drop_ins": unit["drop_ins"], "fragment": unit["fragment"]},
        remedy="systemctl daemon-reload, after a look at what changed",
    )


def _missing(policy: Policy, service: Service, state: str | None, why: str) -> Finding:
    gone = state is not None
    skipped = gone and service.missing != "fail"
    return made(
        policy,
        "service-missing",
        status_of(skipped if gone else None),
        service.unit.name,
        f"{service.unit.name} is {state}" if gone else f"Nothing is known of {service.unit.name}",
        declared="installed" if not skipped else "may be missing",
        effective=state,
        evidence={} if gone else {"why": why},
        remedy=(
            "Install it, or write missing: skip into the policy"
            if gone
            else f"Gather with oom_facts, units: [{service.unit.name}]"
        ),
    )


def _absent(policy: Policy, service: Service, unit: Json) -> Finding:
    files = unit["drop_ins"]
    left = [path for path in files or () if str(path).endswith("/" + service.dropin)]
    return made(
        policy,
        "service-removed",
        status_of(not left if files is not None else None),
        str(unit["name"]),
        f"{service.dropin} of {unit['name']} should be gone" if left else f"{service.dropin} of {unit['name']}",
        declared="absent",
        effective=None if files is None else left or "absent",
        evidence={"drop_ins": files} if files is not None else {"why": "the facts do not tell its drop-ins"},
        remedy=_APPLY,
    )


def _unit(policy: Policy, service: Service, unit: Json, ram: int | None) -> t.Iterator[Finding]:
    for option, text in service.settings.items():
        yield _setting(policy, unit, service, option, text, ram)
        held = judge_kernel(policy, unit, option, text, ram)
        if held is not None:
            yield held
    yield _reload(policy, unit)
    score = service.settings.get("oom_score_adjust")
    if score is not None:
        yield _processes(policy, unit, service, int(score))


def _without(policy: Policy, service: Service, facts: Json) -> Finding:
    """No unit of that name, or no instance of that template."""
    units = facts["units"]
    if units is None:
        return _missing(policy, service, None, "no units were gathered, or systemd could not be asked")
    template = next((unit for unit in units if service.unit.is_template and unit["name"] == service.unit.name), None)
    if template is None or facts.get("units_truncated"):
        return _missing(policy, service, None, "the unit is not among the facts")
    if not service.present:
        return _absent(
            policy,
            service,
            template if template["load_state"] not in _GONE else dict(template, drop_ins=template["drop_ins"] or []),
        )
    if template["load_state"] in _GONE:
        return _missing(policy, service, str(template["load_state"]), "")
    # An instance comes and goes: none is no mistake.
    return _missing(policy, service._replace(missing="skip"), "without instances", "")


def judge_services(policy: Policy, facts: Json) -> t.Iterator[Finding]:
    units, ram = facts["units"], whole(facts["memory"].get("total"))
    for service in policy.services:
        found = units_of(service.unit, units or ())
        if not found:
            yield _without(policy, service, facts)
        for unit in found:
            if unit["load_state"] in _GONE:
                if service.present:
                    yield _missing(policy, service, str(unit["load_state"]), "")
                else:
                    yield _absent(policy, service, dict(unit, drop_ins=unit["drop_ins"] or []))
            elif not service.present:
                yield _absent(policy, service, unit)
            else:
                yield from _unit(policy, service, unit, ram)
