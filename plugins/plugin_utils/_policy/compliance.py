# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report and a policy become documents and a verdict: what the action needs of this room."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._report.files import ReportFilesError
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json
from ansible_collections.memops.linux.plugins.plugin_utils._report.markup import Html

from . import junit, listing, outcome, sarif, section, suggest
from .context import context
from .finding import Finding
from .judge import judge_fleet
from .model import Policy, PolicyError
from .replays import has_table, replays
from .source import load_policy

_MOODS = {outcome.PASSED: "good", outcome.FAILED: "bad", outcome.INCOMPLETE: "warn"}


class Compliance:
    """The judgement on all hosts of a report. Findings are made once, documents when asked for."""

    def __init__(self, policy: Policy, report: Json, connections: t.Mapping[str, str], now: float) -> None:
        self.policy, self.report, self._connections = policy, report, connections
        self.findings = judge_fleet(policy, report, now)  # type: list[Finding]

    @functools.cached_property
    def verdict(self) -> str:
        return outcome.verdict(self.findings)

    @functools.cached_property
    def headline(self) -> str:
        return outcome.headline(self.findings, self.policy.name)

    @functools.cached_property
    def details(self) -> list[str]:
        return outcome.details(self.findings)

    @functools.cached_property
    def replayed(self) -> list[section.Replayed]:
        """What the scores of the policy would have done to the kills whose task tables are there."""
        found = []
        for name, entry in self.report["hosts"].items():
            if entry["oom"] is not None and any(map(has_table, entry["oom"]["kills"])):
                told = replays(self.policy, context(entry["oom"]))
                found += [section.Replayed(name, kill["time"], one.text) for kill, one in told]
        return found

    @property
    def units(self) -> list[str]:
        return units_of(self.policy)

    @property
    def mood(self) -> str:
        return _MOODS[self.verdict]

    def result(self, enforce: bool, unknown: str) -> Json:
        """What a task returns. It fails where something failed, and, but for unknown=warn, where something is not
        known.
        """
        found = {"verdict": self.verdict, "totals": listing.totals(self.findings), "msg": self.headline}  # type: Json
        if enforce and self.verdict == outcome.INCOMPLETE and unknown == "warn":
            return {**found, "warnings": [self.headline]}
        if enforce and self.verdict != outcome.PASSED:
            return {**found, "failed": True}
        return found

    def html(self) -> Html:
        return section.html(self.findings, self.policy.name, self.replayed)

    def markdown(self) -> list[str]:
        return section.markdown(self.findings, self.policy.name, self.replayed)

    def junit(self) -> str:
        return junit.render(self.findings, self.policy.name, self.report["generated_at"])

    def sarif(self) -> str:
        return sarif.render(self.findings, self.policy)

    def listing(self) -> str:
        return listing.render(self.findings, self.policy.name, self.report["generated_at"])

    def suggestions(self) -> str:
        return suggest.render(self.report, self._connections)


def units_of(policy: Policy) -> list[str]:
    """The units that have to be among the facts, and the two names of ssh, for the suggestions."""
    named = {service.unit.name for service in policy.services} | {
        unit.name for unit in (policy.kills.units if policy.kills else ())
    }
    return sorted(named | {"ssh.service", "sshd.service"})


def judge(source: t.Any, folder: str, report: Json, connections: t.Mapping[str, str], now: float) -> Compliance:
    """Raises ReportFilesError where the policy is wrong."""
    try:
        policy = load_policy(source, folder)
    except PolicyError as exc:
        raise ReportFilesError(f"policy: {exc}. Nothing was written.") from exc
    return Compliance(policy, report, connections, now)
