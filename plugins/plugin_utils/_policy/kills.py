# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a policy lets something be killed. Few enough is known only of a host that could have seen every kill."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._report.host import GRADES, Json, number, whole
from ansible_collections.memops.linux.plugins.plugin_utils._report.words import some

from .checks import GRACE, made, status_of, utc
from .finding import Finding
from .model import PROOFS, Kills, Policy
from .replays import replays
from .unit_names import is_meant

#: How much of a window may lie after the facts: a large fleet is not gathered in a moment.
_LATE = 0.01
#: Reasons of visibility that tell how far back a host sees, and no hole: `since` speaks for them.
_DEPTH = ("nothing from before this boot", "the sources reach back to ")


def _counts(kill: Json, wanted: Kills, units: t.Sequence[Json]) -> bool | None:
    """Whether it is one of those that are counted; None: the log does not tell its scope or its unit."""
    if GRADES.index(kill["proof"]) > GRADES.index(wanted.proof):
        return False  # the policy wants to be surer
    if kill["trigger"] == "sysrq":
        return False  # asked for by hand
    known = True
    if wanted.scopes and kill["scope"] not in wanted.scopes:
        if kill["scope"] in ("global", "memcg"):
            return False
        known = False
    if wanted.units and kill["unit"] is None:
        if kill["task_memcg"] is not None:
            return False  # its cgroup is known, and is that of no unit
        known = False
    elif wanted.units and not is_meant(kill["unit"], wanted.units, units):
        return False
    return True if known else None


def holes(facts: Json) -> t.Iterator[str]:
    """Why there may have been kills that nobody saw, within the time that the host can see."""
    sight = facts["visibility"]
    found = [reason for reason in sight["reasons"] if not any(words in reason for words in _DEPTH)]
    if sight.get("state") == "partial":
        yield from found if sight["reasons"] else ("the host sees a part only",)
    unexplained = whole(facts["counters"].get("unexplained"))
    if unexplained and not any("no source tells of" in reason for reason in found):
        yield f"the kernel counted {unexplained} kills that no source tells of"
    yield from facts.get("unreadable") or ()


def _blind_spots(facts: Json, wanted: Kills, now: float) -> t.Iterator[str]:
    """Why there may have been kills that nobody saw."""
    start = 0.0 if wanted.window is None else now - wanted.window
    sight, since = facts["visibility"], number(facts["visibility"].get("since"))
    if sight.get("state") not in ("clear", "partial"):
        yield "the host cannot see"
    elif wanted.window is not None and (since is None or since > start + GRACE):
        yield f"the host sees nothing before {utc(since) if since is not None else 'an unknown time'}"
    asked = facts.get("window")
    first, last = (number(asked.get(name)) if isinstance(asked, dict) else None for name in ("since", "until"))
    if first is not None and first > start + GRACE:
        yield f"only kills since {utc(first)} were asked for"
    if wanted.window is not None:
        gathered = number(facts.get("gathered_at"))
        last = gathered if last is None or gathered is None else min(gathered, last)
        if last is None:
            yield "the facts do not tell when they were gathered"
        elif now - last > max(GRACE, wanted.window * _LATE):
            yield f"the facts end at {utc(last)}, before the window does"
    elif last is not None:
        yield f"only kills until {utc(last)} were asked for"
    if facts.get("only"):
        yield "only some of the kills were asked for (only)"
    yield from holes(facts)
    left_out = _left_out(facts, start)
    if left_out:
        yield f"{left_out} older kills are counted and not listed (max_kills)"


def judge_kills(policy: Policy, wanted: Kills, facts: Json, now: float) -> Finding:
    """Kills with the proof that the policy wants decide.

    Too many are too many on a blind host as well; few enough is known only where the whole window is seen.
    """
    kills = facts["kills"]
    start = 0.0 if wanted.window is None else now - wanted.window
    counted = [
        (kill, _counts(kill, wanted, facts["units"] or ()))
        for kill in kills or ()
        if kill["time"] is None or kill["time"] >= start
    ]
    inside = [kill for kill, counts in counted if counts and kill["time"] is not None]
    timeless = sum(1 for kill, counts in counted if counts and kill["time"] is None)
    nameless = sum(1 for _kill, counts in counted if counts is None)
    doubts = [] if kills is not None else ["no kills were gathered"]
    if len(inside) + timeless + nameless > wanted.max:
        doubts += [f"{some(timeless, 'kill')} without a time"] if timeless else []
        if nameless:
            doubts.append(
                f"{some(nameless, 'kill')} of which the log does not tell the {'unit' if wanted.units else 'scope'}"
            )
    doubts += _blind_spots(facts, wanted, now)
    holds = None  # type: bool | None
    if len(inside) > wanted.max:
        holds = False
    elif not doubts:
        holds = True
    newest = inside[-5:]
    told = {kill["id"]: found.text for kill, found in replays(policy, facts)}
    evidence = {
        "kills": [
            {
                "id": kill["id"],
                "time": kill["time"],
                "unit": kill["unit"],
                "comm": kill["victim"]["comm"],
                "proof": kill["proof"],
            }
            | ({"replay": told[kill["id"]]} if kill["id"] in told else {})
            for kill in newest
        ]
    }  # type: Json
    evidence.update(_set_apart(facts, wanted))
    names = sorted({str(kill["unit"] or kill["victim"]["comm"] or "?") for kill in inside})
    why = ""
    if holds is False:
        why = ", ".join(names[:5])
    elif holds is None:
        why = "; ".join(doubts)
    if why:
        evidence["why"] = why
    within = f" within {wanted.window_text}" if wanted.window is not None else ""
    return made(
        policy,
        "kills",
        status_of(holds),
        "host",
        "Kills" + within if holds is not None else f"Whether there were kills{within} is not known",
        declared=f"at most {wanted.max}" + (f", proof {wanted.proof}" if wanted.proof != PROOFS[-1] else ""),
        effective=len(inside) if kills is not None else None,
        evidence=evidence,
        remedy=(
            "Look at the report for who was killed and why, then protect or limit it"
            if holds is False
            else "Let the host see, then run again"
        ),
    )


def _set_apart(facts: Json, wanted: Kills) -> Json:
    """What decides nothing, and is not hidden: disputed lines, and kills of which the policy wants to be surer."""
    weaker = sum(1 for kill in facts["kills"] or () if GRADES.index(kill["proof"]) > GRADES.index(wanted.proof))
    found = {"disputed": len(facts["disputed"]["kills"]), "weaker_proof": weaker}
    return {name: count for name, count in found.items() if count}


def _left_out(facts: Json, start: float) -> int:
    """Kills that are counted only and may lie in the window."""
    truncated = max(whole(facts.get("truncated")) or 0, 0)
    by_proof = facts["summary"].get("by_proof")
    disputed = whole(by_proof.get("disputed")) if isinstance(by_proof, dict) else None
    truncated -= min(max((disputed or 0) - len(facts["disputed"]["kills"]), 0), truncated)
    times = [kill["time"] for kill in facts["kills"] or () if kill["time"] is not None]
    return truncated if truncated and (not times or times[0] >= start) else 0
