# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on all hosts in one sentence, and before it what failed and what is not known, by cause, with the
hosts.
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._report.words import first_of, some

from .finding import FAIL, PASS, UNKNOWN, Finding, gist, shown

#: What the run amounts to.
PASSED, FAILED, INCOMPLETE = "pass", "fail", "incomplete"
#: on a terminal; findings.json and the page have all
_MOST_LINES = 40
_MOST_HOSTS = 8
_MOST_RULES = 3
_MOST_REMEDIES = 3
_MOST_TEXT = 360


def verdict(findings: t.Sequence[Finding]) -> str:
    """A failure is one, whatever else is unknown. No finding at all was never measured."""
    statuses = {one.status for one in findings}
    if FAIL in statuses:
        return FAILED
    return INCOMPLETE if UNKNOWN in statuses or not statuses else PASSED


def headline(findings: t.Sequence[Finding], policy: str) -> str:
    count = {status: sum(one.status == status for one in findings) for status in (FAIL, UNKNOWN, PASS)}
    hosts = {status: len({one.host for one in findings if one.status == status}) for status in (FAIL, UNKNOWN)}
    total = len({one.host for one in findings})
    said = f"Policy {printable(policy)} on {some(total, 'host')}: "
    if not findings:
        return said + "nothing was judged, which does not count as a pass."
    parts = [f"{some(count[FAIL], 'failure')} on {some(hosts[FAIL], 'host')}" if count[FAIL] else "no failures"]
    if count[UNKNOWN]:
        parts.append(f"{count[UNKNOWN]:,} unknown on {some(hosts[UNKNOWN], 'host')}, which does not count as a pass")
    return said + ", ".join(parts) + f", {count[PASS]:,} passed."


def _some_of(names: t.Iterable[str], most: int) -> str:
    """The first of them by name, and how many more."""
    return first_of(sorted(set(names)), most)


def _line(text: str, remedy: str) -> str:
    """One finding or one cause. What is to be done is not cut off."""
    text = text.rstrip(".")
    if len(text) > _MOST_TEXT:
        text = text[: _MOST_TEXT - 3] + "..."
    return f"{text}." + (f" {remedy.rstrip('.')}." if remedy else "")


def _where(group: t.Iterable[Finding], total: int) -> str:
    hosts = {printable(one.host) for one in group}
    return f"all {total:,} hosts" if len(hosts) == total > 3 else _some_of(hosts, _MOST_HOSTS)


def _told(one: Finding) -> str:
    subject = "" if one.subject == "host" or one.subject in one.message else f"{printable(one.subject)}: "
    return subject + gist(one)


def _failures(findings: t.Iterable[Finding], total: int) -> t.Iterator[str]:
    """The same of several hosts is one line, with their names."""
    groups = {}  # type: dict[tuple[str, str, str, str], list[Finding]]
    for one in findings:
        groups.setdefault((one.severity, one.id, _told(one), one.remedy), []).append(one)
    for (severity, name, told, remedy), group in groups.items():
        yield _line(f"FAILED ({severity}) {name} on {_where(group, total)}: {told}", remedy)


def _unknowns(findings: t.Sequence[Finding], total: int) -> t.Iterator[str]:
    """What is not known for one reason is one line, whatever number of rules asked; what is to be done stands once,
    below.
    """
    groups = {}  # type: dict[str, list[Finding]]
    for one in findings:
        why = one.evidence.get("why")
        groups.setdefault(f"{shown(why)}" if why else _told(one), []).append(one)
    for why, group in groups.items():
        rules = _some_of({one.id for one in group}, _MOST_RULES)
        yield _line(f"UNKNOWN {rules} on {_where(group, total)}: {why}", "")
    for remedy in list(dict.fromkeys(one.remedy for one in findings if one.remedy))[:_MOST_REMEDIES]:
        yield _line(f"To know it: {remedy[0].lower()}{remedy[1:]}", "")


def details(findings: t.Sequence[Finding]) -> list[str]:
    """All that failed, then all that is unknown, one line for each cause."""
    total = len({one.host for one in findings})
    lines = [
        *_failures([one for one in findings if one.status == FAIL], total),
        *_unknowns([one for one in findings if one.status == UNKNOWN], total),
    ]
    if len(lines) <= _MOST_LINES:
        return lines
    return [
        *lines[: _MOST_LINES - 1],
        f"{len(lines) - _MOST_LINES + 1:,} more: all of them are in findings.json and on the page.",
    ]
