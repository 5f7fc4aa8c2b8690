# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings on the page and in the Markdown of the report. Host data is text there, never markup."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._report import words
from ansible_collections.memops.linux.plugins.plugin_utils._report.markdown import plain
from ansible_collections.memops.linux.plugins.plugin_utils._report.markup import NEWLINE, Html, join, scrolling, tag

from .checks import utc
from .finding import FAIL, PASS, Finding, gist

_MOST_ROWS = 500
_MOST_LINES = 200
_TITLES = ("Status", "Severity", "Host", "Rule", "What", "Remedy")
_BADGES = {FAIL: "failed", PASS: "ok"}


class Replayed(t.NamedTuple):
    """time -- epoch seconds; text -- who would have died"""

    host: str
    time: float | None
    text: str


def _row(one: Finding) -> Html:
    subject = "" if one.subject == "host" or one.subject in one.message else tag("small", " " + one.subject)
    return tag(
        "tr",
        tag(
            "td",
            tag(
                "span",
                "failed" if one.status == FAIL else "unknown",
                class_="badge " + _BADGES.get(one.status, "partial"),
            ),
        ),
        tag("td", one.severity),
        tag("td", one.host, class_="name"),
        tag("td", one.id, class_="mono"),
        tag("td", gist(one), subject, class_="why"),
        tag("td", one.remedy, class_="why"),
    )


def _summary(findings: t.Sequence[Finding]) -> str:
    failed = sum(one.status == FAIL for one in findings)
    passed = sum(one.status == PASS for one in findings)
    return (
        f"{words.some(failed, 'failure')}, {len(findings) - failed - passed:,} unknown, {passed:,} passed."
        " What is unknown has not passed."
    )


def _replays(told: t.Sequence[Replayed]) -> Html:
    if not told:
        return Html("")
    head = tag("thead", tag("tr", *[tag("th", title, scope="col") for title in ("Host", "Time", "Under this policy")]))
    rows = (
        tag(
            "tr",
            tag("td", one.host, class_="name"),
            tag("td", utc(one.time) if one.time is not None else "?"),
            tag("td", one.text, class_="why"),
        )
        for one in told[:_MOST_ROWS]
    )
    title = "Past kills under this policy"
    return join((tag("h3", title), scrolling(title, tag("table", head, tag("tbody", join(rows, NEWLINE))))), NEWLINE)


def html(findings: t.Sequence[Finding], policy: str, told: t.Sequence[Replayed] = ()) -> Html:
    """A section of the page: what failed and what is not known; the rest is a number; and past kills under the
    policy.
    """
    loud = [one for one in findings if one.status != PASS]
    body = Html("")
    if loud:
        head = tag("thead", tag("tr", *[tag("th", title, scope="col") for title in _TITLES]))
        rows = join((_row(one) for one in loud[:_MOST_ROWS]), NEWLINE)
        body = scrolling("Findings", tag("table", head, tag("tbody", rows)))
    rest = len(loud) - _MOST_ROWS
    note = tag("p", f"{rest:,} more are in findings.json.", class_="muted") if rest > 0 else Html("")
    return tag(
        "section",
        tag("h2", "Is it as declared: ", policy),
        tag("p", _summary(findings)),
        body,
        note,
        _replays(told),
        id="findings",
    )


def markdown(findings: t.Sequence[Finding], policy: str, told: t.Sequence[Replayed] = ()) -> list[str]:
    """Lines of the Markdown text."""
    loud = [one for one in findings if one.status != PASS]
    lines = [f"## Is it as declared: {plain(policy)}", "", plain(_summary(findings)), ""]
    for one in loud[:_MOST_LINES]:
        word = "**Failed**" if one.status == FAIL else "**Unknown**"
        lines.append(
            f"* {word} ({one.severity}) {plain(one.host)}, {plain(one.id)}, {plain(one.subject)}: {plain(gist(one))}."
            f" {plain(one.remedy)}"
        )
    if len(loud) > _MOST_LINES:
        lines.append(f"* {len(loud) - _MOST_LINES:,} more are in findings.json.")
    lines += [""] if loud else []
    if told:
        lines += ["### Past kills under this policy", ""]
        lines += [
            f"* {plain(one.host)}, {utc(one.time) if one.time is not None else '?'}: {plain(one.text)}"
            for one in told[:_MOST_LINES]
        ]
        lines.append("")
    return lines
