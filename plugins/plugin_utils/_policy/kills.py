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
    yield from _before_sight(facts, wanted, start)
    asked = facts.get("window")
    first, last = (number(asked.get(name)) if isinstance(asked, dict) else None for name in ("since", "until"))
    if first is not None and first > start + GRACE:
        yield f"only kills since {utc(first)} were asked for"
    if wanted.window is not None:
        yield from _after_the_facts(facts, wanted.window, last, now)
    elif last is not None:
        yield f"only kills until {utc(last)} were asked for"
    if facts.get("only"):
        yield "only some of the kills were asked for (only)"
    yield from holes(facts)
    left_out = _left_out(facts, start)
    if left_out:
        yield f"{left_out} older kills are counted and not listed (max_kills)"


def _before_sight(facts: Json, wanted: Kills, start: float) -> t.Iterator[str]:
    since = number(facts["visibility"].get("since"))
    if facts["visibility"].get("state") not in ("clear", "partial"):
        yield "the host cannot see"
    elif wanted.window is not None and (since is None or since > start + GRACE):
        yield f"the host sees nothing before {'an unknown time' if since is None else utc(since)}"


def _after_the_facts(facts: Json, window: float, until: float | None, now: float) -> t.Iterator[str]:
    gathered = number(facts.get("gathered_at"))
    if gathered is None:
        yield "the facts do not tell when they were gathered"
        return
    last = gathered if until is None else min(gathered, until)
    if now - last > max(GRACE, window * _LATE):
        yield f"the facts end at {utc(last)}, before the window does"


class _Tally(t.NamedTuple):
    """inside -- kills of the window that count; timeless -- how many count and have no time; doubtful -- of how many
    the log does not tell whether they count.
    """

    inside: list[Json]
    timeless: int
    doubtful: int


def judge_kills(policy: Policy, wanted: Kills, facts: Json, now: float) -> Finding:
    """Kills with the proof that the policy wants decide.

    Too many are too many on a blind host as well; few enough is known only where the whole window is seen.
    """
    tally = _tally(wanted, facts, now)
    doubts = [*_doubts(tally, wanted, facts), *_blind_spots(facts, wanted, now)]
    holds = _holds(tally, wanted, doubts)
    within = f" within {wanted.window_text}" if wanted.window is not None else ""
    return made(
        policy,
        "kills",
        status_of(holds),
        "host",
        f"Whether there were kills{within} is not known" if holds is None else f"Kills{within}",
        declared=_declared(wanted),
        effective=None if facts["kills"] is None else len(tally.inside),
        evidence=_evidence(policy, wanted, facts, tally) | _why(holds, tally, doubts),
        remedy=(
            "Look at the report for who was killed and why, then protect or limit it"
            if holds is False
            else "Let the host see, then run again"
        ),
    )


def _tally(wanted: Kills, facts: Json, now: float) -> _Tally:
    start = 0.0 if wanted.window is None else now - wanted.window
    units = facts["units"] or ()
    in_time = [kill for kill in facts["kills"] or () if kill["time"] is None or kill["time"] >= start]
    counted = [(kill, _counts(kill, wanted, units)) for kill in in_time]
    certain = [kill for kill, counts in counted if counts]
    inside = [kill for kill in certain if kill["time"] is not None]
    return _Tally(inside, len(certain) - len(inside), sum(counts is None for _kill, counts in counted))


def _doubts(tally: _Tally, wanted: Kills, facts: Json) -> t.Iterator[str]:
    """What the list of kills leaves open, where that decides."""
    if facts["kills"] is None:
        yield "no kills were gathered"
    if len(tally.inside) + tally.timeless + tally.doubtful <= wanted.max:
        return
    if tally.timeless:
        yield f"{some(tally.timeless, 'kill')} without a time"
    if tally.doubtful:
        what = "unit" if wanted.units else "scope"
        yield f"{some(tally.doubtful, 'kill')} of which the log does not tell the {what}"


def _holds(tally: _Tally, wanted: Kills, doubts: t.Sequence[str]) -> bool | None:
    if len(tally.inside) > wanted.max:
        return False
    return None if doubts else True


def _declared(wanted: Kills) -> str:
    proof = f", proof {wanted.proof}" if wanted.proof != PROOFS[-1] else ""
    return f"at most {wanted.max}{proof}"


def _evidence(policy: Policy, wanted: Kills, facts: Json, tally: _Tally) -> Json:
    told = {kill["id"]: found.text for kill, found in replays(policy, facts)}
    kills = []
    for kill in tally.inside[-5:]:
        one = {name: kill[name] for name in ("id", "time", "unit")}
        one.update(comm=kill["victim"]["comm"], proof=kill["proof"])
        if kill["id"] in told:
            one["replay"] = told[kill["id"]]
        kills.append(one)
    return {"kills": kills, **_set_apart(facts, wanted)}


def _why(holds: bool | None, tally: _Tally, doubts: t.Sequence[str]) -> Json:
    if holds is None:
        return {"why": "; ".join(doubts)}
    if holds:
        return {}
    names = sorted({str(kill["unit"] or kill["victim"]["comm"] or "?") for kill in tally.inside})
    return {"why": ", ".join(names[:5])}


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
