# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finding of the findings contract: what was expected, what is, and what proves it."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json, plain

FAIL, UNKNOWN, PASS = "fail", "unknown", "pass"
STATUSES = (FAIL, UNKNOWN, PASS)
_ORDER = {FAIL: 0, UNKNOWN: 1, PASS: 2}
_WEIGHT = {"error": 0, "warning": 1, "info": 2}
_MOST_ITEMS = 8
_MOST_TEXT = 300


class Finding(t.NamedTuple):
    """declared, effective -- values or None; evidence -- what it was decided by, by name; key -- tells two of one
    subject apart
    """

    id: str
    severity: str
    status: str
    subject: str
    message: str
    declared: t.Any = None
    effective: t.Any = None
    evidence: Json = {}
    remedy: str = ""
    host: str = ""
    key: str = ""

    def as_dict(self) -> Json:
        made = {
            "id": self.id,
            "severity": self.severity,
            "status": self.status,
            "subject": printable(self.subject),
            "message": printable(self.message),
            "declared": plain(self.declared),
            "effective": plain(self.effective),
            "evidence": plain(self.evidence),
            "remedy": printable(self.remedy),
        }  # type: Json
        if self.host:
            made["host"] = printable(self.host)
        return made


def order(finding: Finding) -> tuple[int, int, str, str, str]:
    """Sorting key: what failed first, the worst first, then by id, host and subject."""
    return (_ORDER[finding.status], _WEIGHT[finding.severity], finding.id, finding.host, finding.subject)


def shown(value: t.Any) -> str:
    """A value in one line."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        text = ", ".join(f"{key}={shown(inner)}" for key, inner in list(value.items())[:_MOST_ITEMS])
    elif isinstance(value, (list, tuple)):
        text = ", ".join(shown(inner) for inner in value[:_MOST_ITEMS]) + (
            f" and {len(value) - _MOST_ITEMS} more" if len(value) > _MOST_ITEMS else ""
        )
        text = text or "none"
    else:
        text = printable(str(value))
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 3] + "..."


def gist(finding: Finding) -> str:
    """The sentence of a finding, without host and remedy."""
    said = finding.message
    if finding.effective is not None:
        said += f": {shown(finding.effective)}"
    if finding.declared not in (None, ""):
        said += f" (declared: {shown(finding.declared)})"
    why = finding.evidence.get("why")
    return printable(said) + (f"; {shown(why)}" if why else "")
