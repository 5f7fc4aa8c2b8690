# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a host and a policy become findings: every expectation has one at least, and none passes that was not
measured.
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json, number, read_facts

from .checks import judge_killers, judge_settings, judge_swap, judge_visibility, unread
from .context import context
from .finding import Finding, order
from .kills import judge_kills
from .model import Policy
from .rules import judge_rules
from .services import judge_services

#: A host's clock may run ahead of the controller's.
_AHEAD = 600.0
#: What facts that something else has written can do to code that reads them. They are those of one host, and no reason
#: to leave out the others.
_MANGLED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


def _ago(seconds: float) -> str:
    for length, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {word}"
    return f"{seconds:.0f} seconds"


def _stale(policy: Policy, oom: Json, now: float) -> str | None:
    """Why facts out of a cache say nothing of today."""
    if policy.max_age is None:
        return None
    gathered = number(oom.get("gathered_at"))
    if gathered is None:
        return "the facts do not tell when they were gathered"
    if gathered > now + _AHEAD:
        return f"the facts were gathered {_ago(gathered - now)} in the future, by the clock of the host"
    if gathered < now - policy.max_age:
        return f"the facts were gathered {_ago(now - gathered)} ago"
    return None


def judge_host(policy: Policy, facts: Json, now: float) -> t.Iterator[Finding]:
    yield judge_visibility(policy, facts, now)
    if policy.kills is not None:
        yield judge_kills(policy, policy.kills, facts, now)
    yield from judge_settings(policy, facts)
    yield from judge_killers(policy, facts)
    if policy.swap is not None:
        yield from judge_swap(policy, policy.swap, facts)


def judge(policy: Policy, entry: Json, now: float) -> list[Finding]:
    """All findings of one host, whose entry is that of a report: state, message, reasons, oom."""
    try:
        return _judge(policy, entry, now)
    except _MANGLED as exc:
        why = f"the facts are not in their shape ({type(exc).__name__}: {' '.join(str(exc).split())})"
        return [unread("not readable", why, policy.severity("facts"))]


def _judge(policy: Policy, entry: Json, now: float) -> list[Finding]:
    oom = entry["oom"]
    if entry["state"] in ("unreachable", "failed") or oom is None:
        return [unread(str(entry["state"]), entry["message"], policy.severity("facts"))]
    stale = _stale(policy, oom, now)
    if stale:
        return [unread("unknown for today", stale, policy.severity("facts"))]
    facts = context(oom)
    # what read_facts() found beside what the host itself says
    facts["unreadable"] = [reason for reason in entry["reasons"] if reason not in facts["visibility"]["reasons"]]
    if entry["state"] == "blind":  # also where the facts of a mangled cache say something else
        facts["visibility"] = dict(
            facts["visibility"], state="blind", reasons=[entry["message"] or "no source could be read"]
        )
    found = [*judge_host(policy, facts, now), *judge_services(policy, facts), *judge_rules(policy, facts)]
    return sorted((one for one in found if one.id not in policy.disabled), key=order)


def judge_facts(policy: Policy, oom: t.Any, now: float) -> list[Finding]:
    """All findings for ``ansible_facts.oom`` of one host."""
    host = read_facts(oom)
    return judge(policy, {"state": host.state, "message": host.message, "reasons": host.reasons, "oom": host.oom}, now)


def judge_fleet(policy: Policy, report: Json, now: float) -> list[Finding]:
    """All findings of all hosts of a report, what failed first."""
    found = [one._replace(host=name) for name, entry in report["hosts"].items() for one in judge(policy, entry, now)]
    return sorted(found, key=order)
