# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""findings.json: every finding on a line of its own, so that a diff of two runs and a line number can be read."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json

from .finding import STATUSES, Finding
from .model import SEVERITIES

#: Lines before the first finding.
HEAD = 6


def totals(findings: t.Sequence[Finding]) -> Json:
    """How many of each status, and failures by severity."""
    made = {status: sum(one.status == status for one in findings) for status in STATUSES}  # type: Json
    made["failures"] = {
        severity: sum(one.status == "fail" and one.severity == severity for one in findings) for severity in SEVERITIES
    }
    made["hosts"] = len({one.host for one in findings})
    made["hosts_failed"] = len({one.host for one in findings if one.status == "fail"})
    made["hosts_unknown"] = len({one.host for one in findings if one.status == "unknown"})
    return made


def _dump(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(", ", ": "))


def render(findings: t.Sequence[Finding], policy: str, generated_at: float) -> str:
    """The JSON text. Finding number n (from 0) is on line HEAD + n + 1."""
    head = [
        "{",
        '"schema": 1,',
        f'"generated_at": {_dump(generated_at)},',
        f'"policy": {_dump(policy)},',
        f'"totals": {_dump(totals(findings))},',
    ]
    rows = ",\n".join(_dump(one.as_dict()) for one in findings)
    return "\n".join([*head, '"findings": [', *([rows] if rows else []), "]", "}", ""])
