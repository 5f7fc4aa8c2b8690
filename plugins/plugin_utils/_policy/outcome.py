# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on all hosts: one message with everything in it, and whether a policy failed or something is not known."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._report.words import some

from .finding import FAIL, PASS, UNKNOWN, Finding, gist

#: What the run amounts to; an exit code of 2 and of 4.
PASSED, FAILED, INCOMPLETE = "pass", "fail", "incomplete"


def verdict(findings: t.Sequence[Finding]) -> str:
    """A failure is one, whatever else is unknown. No finding at all was never measured."""
    statuses = {one.status for one in findings}
    if FAIL in statuses:
        return FAILED
    return INCOMPLETE if UNKNOWN in statuses or not statuses else PASSED


def _summary(findings: t.Sequence[Finding], policy: str) -> str:
    count = {status: sum(one.status == status for one in findings) for status in (FAIL, UNKNOWN, PASS)}
    hosts = {status: len({one.host for one in findings if one.status == status}) for status in (FAIL, UNKNOWN)}
    total = len({one.host for one in findings})
    said = f"Policy {printable(policy)} on {some(total, 'host')}: "
    if not findings:
        return said + "nothing was judged, which is no pass."
    parts = [f"{some(count[FAIL], 'failure')} on {some(hosts[FAIL], 'host')}" if count[FAIL] else "no failures"]
    if count[UNKNOWN]:
        parts.append(f"{count[UNKNOWN]:,} not known on {some(hosts[UNKNOWN], 'host')}, which is no pass")
    return said + ", ".join(parts) + f", {count[PASS]:,} passed."


def message(findings: t.Sequence[Finding], policy: str) -> str:
    """All that failed and all that is unknown. The same of several hosts is one line, with all of their names."""
    groups = {}  # type: dict[tuple[str, str, str, str], list[str]]
    remedies = {}  # type: dict[tuple[str, str, str, str], str]
    for one in findings:
        if one.status == PASS:
            continue
        subject = "" if one.subject == "host" or one.subject in one.message else f" {printable(one.subject)}:"
        key = (one.status, one.severity, one.id, f"{subject} {gist(one)}".strip())
        groups.setdefault(key, []).append(printable(one.host))
        remedies[key] = one.remedy
    lines = [_summary(findings, policy)]
    for key, hosts in groups.items():
        status, severity, name, said = key
        word = f"FAILED ({severity})" if status == FAIL else "NOT KNOWN"
        where = ", ".join(sorted(set(hosts)))
        lines.append(f"{word} {name} on {where}: {said}." + (f" {remedies[key]}." if remedies[key] else ""))
    return "\n".join(lines)
