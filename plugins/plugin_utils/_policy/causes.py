# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that have rule, cause and remedy in common are one problem, whatever number of hosts have it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._report.words import first_of, without_host

from .finding import FAIL, PASS, Finding, gist, shown

_MOST_VALUES = 3
_NUMBER = re.compile(r"[0-9]+")


class Cause(t.NamedTuple):
    """One problem with its findings, in their order: at least one. The first is of the worst severity."""

    findings: t.Sequence[Finding]

    @property
    def first(self) -> Finding:
        return self.findings[0]

    @property
    def hosts(self) -> list[str]:
        return sorted({one.host for one in self.findings})

    @property
    def rules(self) -> list[str]:
        return list(dict.fromkeys(one.id for one in self.findings))

    @property
    def subjects(self) -> list[str]:
        """What it is about, where the text does not say it."""
        named = (one.subject for one in self.findings if one.subject != "host" and one.subject not in one.message)
        return list(dict.fromkeys(named))

    @property
    def text(self) -> str:
        """What is wrong, with the values of all hosts where they differ."""
        gists = {gist(one) for one in self.findings}
        if len(gists) == 1:
            return gists.pop()
        if self.first.status != FAIL and _why(self.first):
            return _why(self.first)
        said = self.first.message
        effective = _values(one.effective for one in self.findings if one.effective is not None)
        declared = _values(one.declared for one in self.findings if one.declared not in (None, ""))
        said += f": {effective}" if effective else ""
        said += f" (declared: {declared})" if declared else ""
        return said + (f"; {_why(self.first)}" if _why(self.first) else "")


def _values(found: t.Iterable[t.Any]) -> str:
    """The first of those that differ, and how many more there are."""
    return first_of(list(dict.fromkeys(map(shown, found))), _MOST_VALUES, "; ")


def _why(one: Finding) -> str:
    why = one.evidence.get("why")
    if not why or not one.host:
        return shown(why) if why else ""
    return without_host(shown(why), one.host)


def _likeness(one: Finding) -> tuple[str, ...]:
    """What is not known for one reason is one problem, whatever number of rules asked. Reasons that differ in numbers
    only, such as times, are one.
    """
    why = _NUMBER.sub("*", _why(one))
    if one.status == FAIL:
        return (one.status, one.severity, one.id, one.message, why, one.remedy)
    return (one.status, why or f"{one.id}\0{one.message}", one.remedy)


def causes(findings: t.Iterable[Finding]) -> list[Cause]:
    """Of all that has not passed, in the order of the findings."""
    groups = {}  # type: dict[tuple[str, ...], list[Finding]]
    for one in findings:
        if one.status != PASS:
            groups.setdefault(_likeness(one), []).append(one)
    return [Cause(group) for group in groups.values()]
