# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy declares of the host itself: visibility, settings, killers and swap."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json, number, whole

from .finding import FAIL, PASS, UNKNOWN, Finding
from .model import CHECKS, Policy, Range, Swap, SwapFile
from .shape import bytes_of

#: The kernel's own, where no file sets them; the others depend on the host.
_DEFAULTS = {
    "panic_on_oom": 0,
    "oom_kill_allocating_task": 0,
    "overcommit_memory": 0,
    "overcommit_ratio": 50,
    "swappiness": 60,
}
GRACE = 300.0
#: A swap area is smaller than its file by one page, of up to 64 KiB.
_PAGE = 65536
_RANK = {"clear": 2, "partial": 1, "blind": 0}


def utc(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(moment))


def made(policy: Policy, check: str, status: str, subject: str, message: str, **more: t.Any) -> Finding:
    return Finding(check, policy.severity(check), status, subject, message, **more)


def status_of(found: bool | None) -> str:
    if found is None:
        return UNKNOWN
    return PASS if found else FAIL


def judge_visibility(policy: Policy, facts: Json, now: float) -> Finding:
    """A blind host is unknown; one that sees less than was declared, and says so, has failed."""
    wanted, sight = policy.visibility, facts["visibility"]
    state, since = sight.get("state"), number(sight.get("since"))
    reasons = sight["reasons"]  # type: list[str]
    holds = None if state not in _RANK or state == "blind" else _RANK[state] >= _RANK[wanted.state]  # type: bool | None
    declared = wanted.state
    if wanted.since is not None:
        declared += f", since {wanted.since_text}"
        if holds is not False and holds is not None:
            holds = None if since is None else since <= now - wanted.since + GRACE
    evidence = {"state": state, "since": since, "reasons": reasons}  # type: Json
    if reasons:
        evidence["why"] = "; ".join(reasons[:3])
    effective = str(state or "unknown") + (
        f", since {utc(since)}" if since is not None and wanted.since is not None else ""
    )
    return made(
        policy,
        "visibility",
        status_of(holds),
        "host",
        "The host cannot see its kills" if holds is None else "What the host can see of its kills",
        declared=declared,
        effective=effective,
        evidence=evidence,
        remedy="Run as root, make the journal persistent (Storage=persistent) and keep it longer",
    )


def judge_settings(policy: Policy, facts: Json) -> t.Iterator[Finding]:
    for key, wanted in sorted(policy.settings.items()):
        live = whole(facts["settings"].get(key))
        holds = None if live is None else wanted.holds(live)
        yield made(
            policy,
            "setting",
            status_of(holds),
            f"vm.{key}",
            f"vm.{key}" if holds is not None else f"The facts do not tell vm.{key}",
            declared=str(wanted),
            effective=live,
            evidence={"live": live},
            remedy="Set it with memops.linux.vm_settings",
        )
        yield _at_boot(policy, key, wanted, facts)


def _at_boot(policy: Policy, key: str, wanted: Range, facts: Json) -> Finding:
    """What the files make of it: the kernel's value holds until the next boot only."""
    said = facts.get("settings_at_boot")
    values = said.get("values") if isinstance(said, dict) else None
    entry = values.get(key) if isinstance(values, dict) else None
    value = whole(entry.get("value")) if isinstance(entry, dict) else None
    origin = str(entry.get("file") or "a file") if isinstance(entry, dict) else "no file"
    if isinstance(values, dict) and entry is None:
        value, origin = _DEFAULTS.get(key), "no file sets it"
    holds = None if value is None else wanted.holds(value)
    return made(
        policy,
        "setting-at-boot",
        status_of(holds),
        f"vm.{key}",
        f"vm.{key} after the next boot",
        declared=str(wanted),
        effective=value,
        evidence=(
            {"file": origin, "why": origin}
            if isinstance(values, dict)
            else {"why": "the facts do not tell what is set at boot"}
        ),
        remedy="Set it with memops.linux.vm_settings, which writes a file and looks whether another one wins",
    )


def judge_killers(policy: Policy, facts: Json) -> t.Iterator[Finding]:
    for name, states in sorted(policy.killers.items()):
        state = facts["daemons"].get(name)
        yield made(
            policy,
            "killer",
            status_of(None if state is None else state in states),
            name,
            f"{name}" if state is not None else f"The facts do not tell of {name}",
            declared=" or ".join(states),
            effective=state,
            evidence={"state": state},
            remedy="Install it and start it, or stop it and disable it, as declared",
        )


def judge_swap(policy: Policy, wanted: Swap, facts: Json) -> t.Iterator[Finding]:
    ram, total = whole(facts["memory"].get("total")), whole(facts["memory"].get("swap_total"))
    areas = facts["swap"]
    for text, is_least in ((wanted.min, True), (wanted.max, False)):
        if text is None:
            continue
        limit = bytes_of(text, ram)
        holds = None  # type: bool | None
        if total is not None and limit is not None:
            slack = _PAGE * max(len(areas or ()), 1)
            holds = total + slack >= limit if is_least else total <= limit
        yield made(
            policy,
            "swap",
            status_of(holds),
            "total min" if is_least else "total max",
            "Swap" if holds is not None else "The facts do not tell how much swap there is",
            declared=f"{'at least' if is_least else 'at most'} {text}",
            effective=None if total is None else human(total),
            evidence={"swap_total": total, "limit": limit},
            remedy="memops.linux.oom_swap adds, resizes and removes swap files",
        )
    for file in wanted.files:
        yield _swap_file(policy, file, areas, ram)


def _differences(wanted: SwapFile, area: Json, ram: int | None) -> tuple[list[str], list[str]]:
    """What a swap area in use has otherwise, and what is not known of it."""
    gaps: list[str] = []
    unknown: list[str] = []
    size, priority, listed = whole(area.get("size")), whole(area.get("priority")), area.get("in_fstab")
    if wanted.size is not None:
        limit = bytes_of(wanted.size, ram)
        if size is None or limit is None:
            unknown.append("its size")
        elif abs(size - limit) > _PAGE:
            gaps.append(f"it has {human(size)}")
    if wanted.priority is not None and priority != wanted.priority:
        if priority is None:
            unknown.append("its priority")
        else:
            gaps.append(f"its priority is {priority}")
    if wanted.persistent is not None and listed is not wanted.persistent:
        if listed is None:
            unknown.append("whether it is in fstab")
        else:
            gaps.append("it is in fstab" if listed else "it is not in fstab")
    return gaps, unknown


def _compared(
    wanted: SwapFile, areas: list[Json] | None, area: Json | None, ram: int | None
) -> tuple[list[str], list[str]]:
    """How it differs, and what is not known."""
    if areas is None:
        return [], ["which swap areas there are"]
    if wanted.present:
        return _differences(wanted, area, ram) if area else (["it is not in use"], [])
    gaps = ["it is in use"] if area else []
    nameless = any(one.get("path") is None for one in areas)
    return gaps, ["the path of every swap area"] if nameless else []


def _swap_file(policy: Policy, wanted: SwapFile, areas: list[Json] | None, ram: int | None) -> Finding:
    area = next((one for one in areas or () if one.get("path") == wanted.path), None)
    gaps, unknown = _compared(wanted, areas, area, ram)
    evidence = dict(area or {})
    holds = True  # type: bool | None
    if gaps:
        holds, evidence["why"] = False, "; ".join(gaps)
    elif unknown:
        holds, evidence["why"] = None, f"the facts do not tell {', '.join(unknown)}"
    effective = None if areas is None else "not in use"  # type: t.Any
    if area:
        effective = {key: area.get(key) for key in ("size", "priority", "in_fstab")}
    return made(
        policy,
        "swap",
        status_of(holds),
        wanted.path,
        f"Swap file {wanted.path}",
        declared=_declared(wanted),
        effective=effective,
        evidence=evidence,
        remedy="memops.linux.oom_swap makes it so",
    )


def _declared(wanted: SwapFile) -> Json:
    declared = {
        "state": "present" if wanted.present else "absent",
        "size": wanted.size,
        "priority": wanted.priority,
        "persistent": wanted.persistent,
    }
    return {key: value for key, value in declared.items() if value is not None}


def unread(state: str, message: str | None, severity: str = CHECKS["facts"][1]) -> Finding:
    """A host of which there are no facts: one finding that stands for all."""
    return Finding(
        "facts",
        severity,
        UNKNOWN,
        "host",
        "Nothing is known of the host",
        effective=state,
        evidence={"why": (message or state).rstrip(".")},
        remedy="Make it answer, then run again",
    )
