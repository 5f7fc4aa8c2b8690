# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""junit.xml: a testsuite for each host, a testcase for each finding. fail is <failure>, unknown is <error>: no CI takes
one for the other.
"""

from __future__ import annotations

import collections
import re
import typing as t
from xml.etree import ElementTree

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._report import words
from ansible_collections.memops.linux.plugins.plugin_utils._report.files import ReportFilesError

from .finding import FAIL, UNKNOWN, Finding, gist, shown

#: What XML 1.0 cannot hold, not even as a reference; printable() has made most of it visible before.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BrokenDocument(ReportFilesError):
    """What was rendered does not read back."""


def clean(text: str) -> str:
    """The text with everything visible that XML has no place for."""
    return _ILLEGAL.sub(lambda match: f"\\u{ord(match.group()):04x}", printable(text))


def _names(findings: t.Sequence[Finding]) -> t.Iterator[str]:
    """Of the findings of one host; no two are the same, or a CI would show one of them."""
    plain = [clean(one.id if one.subject in ("host", "") else f"{one.id}: {one.subject}") for one in findings]
    count, taken = collections.Counter(plain), set()  # type: tuple[collections.Counter[str], set[str]]
    for name, one in zip(plain, findings):
        wanted = made = f"{name} ({clean(one.key)})" if one.key and count[name] > 1 else name
        number = 1
        while made in taken:
            number += 1
            made = f"{wanted} ({number})"
        taken.add(made)
        yield made


def _case(suite: ElementTree.Element, finding: Finding, name: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=clean(finding.host), name=name, time="0")
    if finding.status not in (FAIL, UNKNOWN):
        return
    kind = "failure" if finding.status == FAIL else "error"
    element = ElementTree.SubElement(
        case, kind, type=finding.severity if kind == "failure" else "unknown", message=clean(gist(finding))
    )
    lines = [gist(finding), f"declared: {shown(finding.declared)}", f"effective: {shown(finding.effective)}"]
    lines += [f"evidence: {shown(finding.evidence)}"] if finding.evidence else []
    lines += [f"remedy: {finding.remedy}"] if finding.remedy else []
    element.text = "\n".join(clean(line) for line in lines)


def _counts(findings: t.Sequence[Finding]) -> dict[str, str]:
    return {
        "tests": str(len(findings)),
        "failures": str(sum(one.status == FAIL for one in findings)),
        "errors": str(sum(one.status == UNKNOWN for one in findings)),
        "time": "0",
    }


def render(findings: t.Sequence[Finding], policy: str, generated_at: float) -> str:
    """The XML text. Raises BrokenDocument where a parser would not read it."""
    by_host = {}  # type: dict[str, list[Finding]]
    for finding in findings:
        by_host.setdefault(finding.host, []).append(finding)
    stamp = words.iso(int(generated_at)).rstrip("Z")
    root = ElementTree.Element("testsuites", {"name": clean(policy), **_counts(findings)})
    for host in sorted(by_host):
        counts = _counts(by_host[host])
        about = {"name": clean(host), "hostname": clean(host), "timestamp": stamp, "skipped": "0"}
        suite = ElementTree.SubElement(root, "testsuite", {**about, **counts})
        for finding, name in zip(by_host[host], _names(by_host[host])):
            _case(suite, finding, name)
    ElementTree.indent(root)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
    check(text, len(findings))
    return text


def check(text: str, count: int) -> None:
    """Read it back as a CI would."""
    try:
        root = ElementTree.fromstring(text.encode("utf-8"))
    except (ElementTree.ParseError, UnicodeError) as exc:
        raise BrokenDocument(f"junit.xml would not be readable: {exc}") from exc
    if sum(1 for _case_ in root.iter("testcase")) != count:
        raise BrokenDocument("junit.xml would not hold every finding")
