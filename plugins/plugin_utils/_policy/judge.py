# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a host and a policy become findings: every expectation has one at least, and none passes that was not measured."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._report.host import Json, number, read_facts

from .checks import judge_host, unread
from .context import context
from .finding import Finding, order
from .model import Policy
from .rules import judge_rules
from .services import judge_services

#: A host's clock may run ahead of the controller's.
_AHEAD = 600.0


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


def judge(policy: Policy, entry: Json, now: float) -> list[Finding]:
    """All findings of one host, whose entry is that of a report: state, message, oom."""
    oom = entry["oom"]
    if entry["state"] in ("unreachable", "failed") or oom is None:
        return [unread(str(entry["state"]), entry["message"], policy.severity("facts"))]
    stale = _stale(policy, oom, now)
    if stale:
        return [unread("not known of today", stale, policy.severity("facts"))]
    facts = context(oom)
    if entry["state"] == "blind":  # also where the facts of a mangled cache say something else
        facts["visibility"] = dict(facts["visibility"], state="blind", reasons=[entry["message"] or "no source could be read"])
    found = [*judge_host(policy, facts, now), *judge_services(policy, facts), *judge_rules(policy, facts)]
    return sorted((one for one in found if one.id not in policy.disabled), key=order)


def judge_facts(policy: Policy, oom: t.Any, now: float) -> list[Finding]:
    """All findings for ``ansible_facts.oom`` of one host."""
    host = read_facts(oom)
    return judge(policy, {"state": host.state, "message": host.message, "oom": host.oom}, now)


def judge_fleet(policy: Policy, report: Json, now: float) -> list[Finding]:
    """All findings of all hosts of a report, what failed first."""
    found = [one._replace(host=name) for name, entry in report["hosts"].items() for one in judge(policy, entry, now)]
    return sorted(found, key=order)
