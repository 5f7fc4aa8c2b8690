# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy declares of the host itself: kills, visibility, settings, killers and swap."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._report.host import Json, number, whole
from ansible_collections.memops.linux.plugins.module_utils._size import human

from .finding import FAIL, PASS, UNKNOWN, Finding
from .model import CHECKS, Kills, Policy, Range, Swap, SwapFile
from .shape import bytes_of

#: The kernel's own, where no file sets them; the others depend on the host.
_DEFAULTS = {"panic_on_oom": 0, "oom_kill_allocating_task": 0, "overcommit_memory": 0, "overcommit_ratio": 50, "swappiness": 60}
_GRACE = 300.0
#: A swap area is smaller than its file by one page, of up to 64 KiB.
_PAGE = 65536
_RANK = {"clear": 2, "partial": 1, "blind": 0}


def _utc(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(moment))


def made(policy: Policy, check: str, status: str, subject: str, message: str, **more: t.Any) -> Finding:
    return Finding(check, policy.severity(check), status, subject, message, **more)


def _status(found: bool | None) -> str:
    return UNKNOWN if found is None else PASS if found else FAIL


def judge_visibility(policy: Policy, facts: Json, now: float) -> Finding:
    """A blind host is unknown; one that sees less than was declared, and says so, has failed."""
    wanted, sight = policy.visibility, facts["visibility"]
    state, since = sight.get("state"), number(sight.get("since"))
    reasons = [str(reason) for reason in sight.get("reasons") or ()]
    holds = None if state not in _RANK or state == "blind" else _RANK[state] >= _RANK[wanted.state]  # type: bool | None
    declared = wanted.state
    if wanted.since is not None:
        declared += f", since {wanted.since_text}"
        if holds is not False and holds is not None:
            holds = None if since is None else since <= now - wanted.since + _GRACE
    evidence = {"state": state, "since": since, "reasons": reasons}  # type: Json
    if reasons:
        evidence["why"] = "; ".join(reasons[:3])
    effective = str(state or "not known") + (f", since {_utc(since)}" if since is not None and wanted.since is not None else "")
    return made(
        policy,
        "visibility",
        _status(holds),
        "host",
        "The host cannot see its kills" if holds is None else "What the host can see of its kills",
        declared=declared,
        effective=effective,
        evidence=evidence,
        remedy="Run as root, make the journal persistent (Storage=persistent) and keep it longer",
    )


def _counts(kill: Json, wanted: Kills) -> bool:
    if kill.get("trigger") == "sysrq":
        return False  # asked for by hand
    if wanted.scopes and kill.get("scope") not in wanted.scopes:
        return False
    return not wanted.units or kill.get("unit") in wanted.units


def judge_kills(policy: Policy, wanted: Kills, facts: Json, now: float) -> Finding:
    """Trusted kills decide. Too many are too many on a blind host as well; few enough is known only where the whole window is seen."""
    kills = facts["kills"]
    start = 0.0 if wanted.window is None else now - wanted.window
    sight, since = facts["visibility"].get("state"), number(facts["visibility"].get("since"))
    known = [kill for kill in kills or () if _counts(kill, wanted)]
    inside = [kill for kill in known if kill["time"] is not None and kill["time"] >= start]
    timeless = [kill for kill in known if kill["time"] is None]
    doubts = []
    if kills is None:
        doubts.append("no kills were gathered")
    if sight not in ("clear", "partial"):
        doubts.append("the host cannot see")
    elif wanted.window is not None and (since is None or since > start + _GRACE):
        doubts.append(f"the host sees nothing before {_utc(since) if since is not None else 'an unknown time'}")
    if timeless and len(inside) + len(timeless) > wanted.max:
        doubts.append(f"{len(timeless)} kills without a time")
    left_out = _left_out(facts, start)
    if left_out:
        doubts.append(f"{left_out} older kills are counted and not listed (max_kills)")
    holds = None  # type: bool | None
    if len(inside) > wanted.max:
        holds = False
    elif not doubts:
        holds = True
    newest = inside[-5:]
    evidence = {
        "kills": [{"id": kill["id"], "time": kill["time"], "unit": kill["unit"], "comm": kill["victim"]["comm"]} for kill in newest]
    }  # type: Json
    untrusted = len(facts["untrusted"]["kills"])
    if untrusted:
        evidence["untrusted"] = untrusted
    names = sorted({str(kill["unit"] or kill["victim"]["comm"] or "?") for kill in inside})
    why = ", ".join(names[:5]) if holds is False else "; ".join(doubts) if holds is None else ""
    if why:
        evidence["why"] = why
    within = f" within {wanted.window_text}" if wanted.window is not None else ""
    return made(
        policy,
        "kills",
        _status(holds),
        "host",
        "Kills" + within if holds is not None else f"Whether there were kills{within} is not known",
        declared=f"at most {wanted.max}",
        effective=len(inside) if kills is not None else None,
        evidence=evidence,
        remedy="Look at the report for who was killed and why, then protect or limit it" if holds is False else "Let the host see, then run again",
    )


def _left_out(facts: Json, start: float) -> int:
    """Trusted kills that are counted only and may lie in the window."""
    truncated = max(whole(facts.get("truncated")) or 0, 0)
    doubted = (whole(facts["summary"].get("untrusted")) or 0) - len(facts["untrusted"]["kills"])
    truncated -= min(max(doubted, 0), truncated)
    times = [kill["time"] for kill in facts["kills"] or () if kill["time"] is not None]
    return truncated if truncated and (not times or times[0] >= start) else 0


def judge_settings(policy: Policy, facts: Json) -> t.Iterator[Finding]:
    for key, wanted in sorted(policy.settings.items()):
        live = whole(facts["settings"].get(key))
        holds = None if live is None else wanted.holds(live)
        yield made(
            policy,
            "setting",
            _status(holds),
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
        _status(holds),
        f"vm.{key}",
        f"vm.{key} after the next boot",
        declared=str(wanted),
        effective=value,
        evidence={"file": origin, "why": origin} if isinstance(values, dict) else {"why": "the facts do not tell what is set at boot"},
        remedy="Set it with memops.linux.vm_settings, which writes a file and looks whether another one wins",
    )


def judge_killers(policy: Policy, facts: Json) -> t.Iterator[Finding]:
    for name, states in sorted(policy.killers.items()):
        state = facts["daemons"].get(name)
        yield made(
            policy,
            "killer",
            _status(None if state is None else state in states),
            name,
            f"{name}" if state is not None else f"The facts do not tell of {name}",
            declared=" or ".join(states),
            effective=state,
            evidence={"state": state},
            remedy="memops.linux.oom_daemon installs, starts and stops it",
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
            _status(holds),
            "total",
            "Swap" if holds is not None else "The facts do not tell how much swap there is",
            declared=f"{'at least' if is_least else 'at most'} {text}",
            effective=None if total is None else human(total),
            evidence={"swap_total": total, "limit": limit},
            remedy="memops.linux.oom_swap adds, resizes and removes swap files",
        )
    for file in wanted.files:
        yield _swap_file(policy, file, areas, ram)


def _swap_file(policy: Policy, wanted: SwapFile, areas: list[Json] | None, ram: int | None) -> Finding:
    area = next((one for one in areas or () if one.get("path") == wanted.path), None)
    gaps, unknown = [], []  # type: tuple[list[str], list[str]]
    if areas is None:
        unknown.append("which swap areas there are")
    elif not wanted.present:
        gaps += ["it is in use"] if area else []
    elif area is None:
        gaps.append("it is not in use")
    else:
        size, priority, listed = whole(area.get("size")), whole(area.get("priority")), area.get("in_fstab")
        limit = bytes_of(wanted.size, ram) if wanted.size is not None else None
        if wanted.size is not None:
            if size is None or limit is None:
                unknown.append("its size")
            elif abs(size - limit) > _PAGE:
                gaps.append(f"it has {human(size)}")
        if wanted.priority is not None and priority != wanted.priority:
            (unknown if priority is None else gaps).append("its priority" if priority is None else f"its priority is {priority}")
        if wanted.persistent is not None and listed is not wanted.persistent:
            (unknown if listed is None else gaps).append(
                "whether it is in fstab" if listed is None else "it is in fstab" if listed else "it is not in fstab"
            )
    holds = False if gaps else None if unknown else True  # type: bool | None
    declared = {"state": "present" if wanted.present else "absent", "size": wanted.size, "priority": wanted.priority, "persistent": wanted.persistent}
    evidence = dict(area or {})
    if gaps or unknown:
        evidence["why"] = "; ".join(gaps) if gaps else f"the facts do not tell {', '.join(unknown)}"
    return made(
        policy,
        "swap",
        _status(holds),
        wanted.path,
        f"Swap file {wanted.path}",
        declared={key: value for key, value in declared.items() if value is not None},
        effective={key: area.get(key) for key in ("size", "priority", "in_fstab")} if area else ("not in use" if areas is not None else None),
        evidence=evidence,
        remedy="memops.linux.oom_swap makes it so",
    )


def judge_host(policy: Policy, facts: Json, now: float) -> t.Iterator[Finding]:
    yield judge_visibility(policy, facts, now)
    if policy.kills is not None:
        yield judge_kills(policy, policy.kills, facts, now)
    yield from judge_settings(policy, facts)
    yield from judge_killers(policy, facts)
    if policy.swap is not None:
        yield from judge_swap(policy, policy.swap, facts)


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
