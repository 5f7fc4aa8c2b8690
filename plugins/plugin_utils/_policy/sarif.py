# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""findings.sarif: what failed and what is unknown, in SARIF 2.1.0, for code scanning and its viewers.

A host has no source file. Each result points to its line in findings.json, which lies beside it, and names the host as
its logical place.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json

from .finding import FAIL, PASS, UNKNOWN, Finding, gist, shown
from .listing import HEAD
from .model import CHECKS, Policy

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_FILE = "findings.json"


def _rules(policy: Policy, findings: t.Iterable[Finding]) -> list[Json]:
    made = {}  # type: dict[str, Json]
    known = {rule.id: (rule.message, rule.reason, rule.remedy, rule.severity) for rule in policy.rules}
    for name, (reason, _severity) in CHECKS.items():
        known[name] = (reason, "", "", policy.severity(name))
    for name in sorted({one.id for one in findings}):
        message, reason, remedy, severity = known.get(name, (name, "", "", "error"))
        made[name] = {
            "id": name,
            "shortDescription": {"text": printable(message)},
            "fullDescription": {"text": printable(reason or message)},
            "help": {"text": printable(remedy or reason or message)},
            "defaultConfiguration": {"level": _LEVELS[severity]},
        }
    return list(made.values())


def _fingerprints(findings: t.Iterable[Finding]) -> t.Iterator[str]:
    """The same in the next run, whatever the values are then, and no two of a run."""
    seen = {}  # type: dict[tuple[str, ...], int]
    for one in findings:
        parts = (one.host, one.id, one.subject) + ((one.key,) if one.key else ())
        seen[parts] = number = seen.get(parts, 0) + 1
        text = "\0".join(parts + ((f"#{number}",) if number > 1 else ()))
        yield hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _result(finding: Finding, line: int, index: dict[str, int], fingerprint: str) -> Json:
    host, subject = printable(finding.host), printable(finding.subject)
    lines = [gist(finding)] + ([finding.remedy] if finding.remedy else [])
    result = {
        "ruleId": finding.id,
        "ruleIndex": index[finding.id],
        "kind": "fail" if finding.status == FAIL else "open",
        "message": {"text": printable(f"{host}: {'. '.join(lines)}")},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _FILE, "index": 0}, "region": {"startLine": line}},
                "logicalLocations": [{"name": subject, "fullyQualifiedName": f"{host}/{subject}", "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"memopsFinding/v1": fingerprint},
        "properties": {
            "host": host,
            "status": finding.status,
            "severity": finding.severity,
            "declared": shown(finding.declared),
            "effective": shown(finding.effective),
        },
    }  # type: Json
    # SARIF: a result that is no failure has no level.
    result["level"] = _LEVELS[finding.severity] if finding.status == FAIL else "none"
    return result


def render(findings: t.Sequence[Finding], policy: Policy) -> str:
    """The JSON text."""
    rules = _rules(policy, findings)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    marked = enumerate(zip(findings, _fingerprints(findings)))
    results = [_result(one, HEAD + number + 1, index, mark) for number, (one, mark) in marked if one.status != PASS]
    driver = {
        "name": "memops.linux",
        "informationUri": "https://galaxy.ansible.com/ui/repo/published/memops/linux/",
        "rules": rules,
    }
    unread = sum(one.status == UNKNOWN for one in findings)
    run = {
        "tool": {"driver": driver},
        "artifacts": [{"location": {"uri": _FILE}, "mimeType": "application/json"}],
        # "unsuccessful" says that not everything could be judged, not that something failed
        "invocations": [{"executionSuccessful": not unread}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }  # type: Json
    text = json.dumps(
        {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1, allow_nan=False
    )
    json.loads(text)
    return text + "\n"
