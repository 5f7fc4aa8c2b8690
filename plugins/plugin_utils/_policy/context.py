# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule sees of a host: the facts contract, with what is disputed set apart.

Kills and events that a trusted source gives the lie are under `disputed`, and the sums of `summary` are of the others:
what a local user writes into a text log beside a journal decides no verdict. A limit that is not there is "infinity";
null is unknown. Units have three keys more: `drift`, `ignored` and `strays`.
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._analysis.recurrence import verdict
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, INFINITY
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import ACTIVE_STATES
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import is_counted, ranked
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json, read_verdict, texts, whole

from .kernel import LIMITS, drift, ignored, missing, read_kernel, uncounted, without_cgroup
from .processes import strays


def builtin(value: t.Any) -> t.Any:
    """The same in builtin types: jmespath does not know what Ansible makes of strings and dicts."""
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return {builtin(key): builtin(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [builtin(inner) for inner in value]
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else str(value)


def _unit(unit: Json) -> Json:
    """Every key is there, and "infinity" where systemd said so."""
    made = dict.fromkeys(_UNIT)  # type: Json
    made.update(unit)
    unlimited = unit.get("unlimited")
    for option in unlimited if isinstance(unlimited, list) else ():
        if isinstance(option, str) and made.get(option) is None:
            made[option] = INFINITY
    made["drop_ins"] = made["drop_ins"] if isinstance(made["drop_ins"], list) else None
    for key in ("scores", "set_by"):
        made[key] = made[key] if isinstance(made[key], dict) else None
    made["kernel"] = read_kernel(made["kernel"])
    idle = made["active_state"] is not None and made["active_state"] not in ACTIVE_STATES
    if made["oom_kills"] is None and (idle or uncounted(made)):
        made["oom_kills"] = 0  # there is no memory cgroup that could count one; its result and the logs tell of them
    # of a unit whose scores were not seen an empty list is none
    made["processes"] = (
        _records(made["processes"]) if made["scores"] is not None or idle or without_cgroup(made) else None
    )
    made["strays"] = strays(made, idle)
    made["missing"] = missing(made)
    for option in LIMITS:
        if option in made["missing"]:
            made[option] = BY_OPTION[option].default
    made["drift"], made["ignored"] = drift(made), ignored(made)
    return made


_UNIT = (
    (
        "name",
        "load_state",
        "active_state",
        "type",
        "result",
        "oom_kills",
        "oom_policy",
        "restart",
        "restarts",
        "kill_mode",
        "delegate",
    )
    + (
        "needs_reload",
        "fragment",
        "drop_ins",
        "set_by",
        "scores",
        "processes",
        "oom_score_adjust",
        "memory_current",
        "memory_peak",
    )
    + ("memory_min", "memory_low", "memory_high", "memory_max", "memory_swap_max", "kernel")
    + ("managed_oom_swap", "managed_oom_memory_pressure", "managed_oom_memory_pressure_limit", "managed_oom_preference")
)


def _records(value: t.Any) -> list[Json] | None:
    """None where one of them is none: what it was is not known."""
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None


def _asked_systemd(oom: Json, units: list[Json]) -> bool:
    """Where systemd could not be asked units are null. Older versions told an empty list there, and no daemon had a
    state.
    """
    daemons = oom.get("daemons")
    return bool(units) or not isinstance(daemons, dict) or any(state is not None for state in daemons.values())


def _summary(oom: Json, sure: list[Json]) -> Json:
    given = oom.get("summary")
    summary = dict(given) if isinstance(given, dict) else {}  # type: Json
    summary["total"] = whole(summary.get("total"))
    for key, names in (
        ("by_unit", (kill["unit"] for kill in sure)),
        ("by_comm", (kill["victim"]["comm"] for kill in sure)),
    ):
        counts = {}  # type: dict[str, int]
        for name in names:
            if name is not None:
                counts[name] = counts.get(name, 0) + 1
        summary[key] = ranked(counts)
    return summary


def _verdict(oom: Json, context: Json) -> Json | None:
    """As the host said, unless it told of disputed kills and did not know the word."""
    found = read_verdict(oom)
    if found is None or all(is_counted(event) for event in (oom.get("kills") or []) + (oom.get("unresolved") or [])):
        return found
    gathered = oom.get("gathered_at")
    if not isinstance(gathered, (int, float)):
        return None
    try:
        return verdict(dict(context, truncated=0), gathered)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # kills in a shape of their own: nothing is known


def context(oom: Json) -> Json:
    """For the facts of one host, as `_report.host.read_facts` left them."""
    oom = builtin(oom)
    kills, events = oom.get("kills") or [], oom.get("unresolved") or []
    gathered = oom.get("kills") is not None
    made = dict(oom)
    sure = [kill for kill in kills if is_counted(kill)]
    made["kills"] = sure if gathered else None
    made["unresolved"] = [event for event in events if is_counted(event)] if gathered else None
    made["disputed"] = {
        "kills": [kill for kill in kills if not is_counted(kill)],
        "unresolved": [event for event in events if not is_counted(event)],
    }
    made["untrusted"] = made["disputed"]  # its name before there were grades
    made["summary"] = _summary(oom, sure)
    made["summary"]["verdict"] = _verdict(oom, made)
    units = _records(oom.get("units"))
    made["units"] = None if units is None or not _asked_systemd(oom, units) else [_unit(unit) for unit in units]
    made["swap"] = _records(oom.get("swap"))
    for key in ("memory", "settings", "daemons", "visibility", "counters"):
        made[key] = made.get(key) if isinstance(made.get(key), dict) else {}
    made["visibility"] = dict(made["visibility"], reasons=texts(made["visibility"].get("reasons") or []))
    return made
