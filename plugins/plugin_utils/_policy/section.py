# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings on the page and in the Markdown of the report. Host data is text there, never markup."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._report import words
from ansible_collections.memops.linux.plugins.plugin_utils._report.markdown import plain
from ansible_collections.memops.linux.plugins.plugin_utils._report.markup import NEWLINE, Html, join, scrolling, tag
from ansible_collections.memops.linux.plugins.plugin_utils._report.words import first_of

from .causes import Cause, causes
from .checks import utc
from .finding import FAIL, PASS, Finding, gist

_MOST_ROWS = 500
_MOST_LINES = 200
_MOST_HOSTS = 10
_MOST_NAMED = 3
#: findings behind the fold of a row, and behind all folds of the page
_MOST_FOLDED = 100
_MOST_FOLDED_IN_ALL = 2000
_TITLES = ("Status", "Severity", "Rule", "What", "Hosts", "Remedy")


class Replayed(t.NamedTuple):
    """time -- epoch seconds; text -- who would have died"""

    host: str
    time: float | None
    text: str


def _hosts(cause: Cause) -> str:
    """db1; 2 hosts: db1, db2"""
    names = cause.hosts
    return names[0] if len(names) == 1 else f"{len(names):,} hosts: {first_of(names, _MOST_HOSTS)}"


def _is_told(cause: Cause) -> bool:
    """Does the row have all of it?"""
    alike = len({(gist(one), one.id, one.subject) for one in cause.findings}) == 1
    return alike and len(cause.hosts) <= _MOST_HOSTS


def _fold(cause: Cause, room: int) -> Html:
    """What each host says, where that is more than the row. room -- as many fit on the page"""
    if _is_told(cause):
        return Html("")
    told = cause.findings[: min(_MOST_FOLDED, room)]
    items = [
        tag("li", f"{one.host}: {'' if one.subject == 'host' else one.subject + ': '}{gist(one)} ({one.id})")
        for one in told
    ]
    rest = len(cause.findings) - len(told)
    if rest:
        items.append(tag("li", f"{rest:,} more are in findings.json."))
    return tag("details", tag("summary", f"{len(cause.findings):,} findings"), tag("ul", *items), class_="fold")


def _row(cause: Cause, room: int) -> Html:
    one, subjects = cause.first, cause.subjects
    failed = one.status == FAIL
    subject = tag("small", f" {first_of(subjects, _MOST_NAMED)}") if subjects else ""
    return tag(
        "tr",
        tag(
            "td",
            tag("span", "failed" if failed else "unknown", class_=f"badge {'failed' if failed else 'partial'}"),
        ),
        tag("td", one.severity),
        tag("td", first_of(cause.rules, _MOST_NAMED), class_="mono"),
        tag("td", cause.text, subject, _fold(cause, room), class_="why"),
        tag("td", _hosts(cause), class_="name"),
        tag("td", one.remedy, class_="why"),
    )


def _rows(found: t.Sequence[Cause]) -> t.Iterator[Html]:
    room = _MOST_FOLDED_IN_ALL
    for cause in found[:_MOST_ROWS]:
        yield _row(cause, room)
        if not _is_told(cause):
            room -= min(len(cause.findings), _MOST_FOLDED, room)


def _summary(findings: t.Sequence[Finding]) -> str:
    failed = sum(one.status == FAIL for one in findings)
    passed = sum(one.status == PASS for one in findings)
    said = (
        f"{words.some(failed, 'failure')}, {len(findings) - failed - passed:,} unknown, {passed:,} passed."
        " What is unknown has not passed."
    )
    found, loud = len(causes(findings)), len(findings) - passed
    return said if found == loud else f"{said} The {loud:,} are {words.some(found, 'problem')}, each told once."


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
    found = causes(findings)
    body = Html("")
    if found:
        head = tag("thead", tag("tr", *[tag("th", title, scope="col") for title in _TITLES]))
        body = scrolling("Findings", tag("table", head, tag("tbody", join(_rows(found), NEWLINE))))
    rest = sum(len(cause.findings) for cause in found[_MOST_ROWS:])
    note = tag("p", f"{rest:,} more are in findings.json.", class_="muted") if rest else Html("")
    return tag(
        "section",
        tag("h2", "Is it as declared: ", policy),
        tag("p", _summary(findings)),
        body,
        note,
        _replays(told),
        id="findings",
    )


def _line(cause: Cause) -> str:
    one = cause.first
    word = "**Failed**" if one.status == FAIL else "**Unknown**"
    subjects = f" ({plain(first_of(cause.subjects, _MOST_NAMED))})" if cause.subjects else ""
    return (
        f"* {word} ({one.severity}) {plain(first_of(cause.rules, _MOST_NAMED))} on {plain(_hosts(cause))}{subjects}."
        f" {plain(cause.text)}. {plain(one.remedy)}"
    ).rstrip()


def markdown(findings: t.Sequence[Finding], policy: str, told: t.Sequence[Replayed] = ()) -> list[str]:
    """Lines of the Markdown text."""
    found = causes(findings)
    lines = [f"## Is it as declared: {plain(policy)}", "", plain(_summary(findings)), ""]
    lines += map(_line, found[:_MOST_LINES])
    rest = sum(len(cause.findings) for cause in found[_MOST_LINES:])
    if rest:
        lines.append(f"* {rest:,} more are in findings.json.")
    lines += [""] if found else []
    if any(len(cause.findings) > 1 for cause in found):
        lines += ["What each host says is in findings.json.", ""]
    if told:
        lines += ["### Past kills under this policy", ""]
        lines += [
            f"* {plain(one.host)}, {utc(one.time) if one.time is not None else '?'}: {plain(one.text)}"
            for one in told[:_MOST_LINES]
        ]
        lines.append("")
    return lines
