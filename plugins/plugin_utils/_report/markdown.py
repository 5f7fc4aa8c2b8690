# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.md: the report where HTML cannot go, a merge request or a chat. Host data are text there, never markup."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import columns, problem_words, table, words
from .columns import Column, HostRow, KillRow
from .fleet import is_counted, urgency
from .host import Json

_MOST_KILLS = 200
_MOST_SAMPLES = 50
#: What is markup (GitHub, GitLab, CommonMark) where it stands; everything else stays as it is, for the reader of a chat
#: or a ticket.
_MARKUP = re.compile(
    r"[`<|@]"  # code, HTML, the end of a cell, a person or an address: wherever they stand
    r"|&(?=#?\w)"  # an entity
    r"|\\(?![^\W_]|\s)"  # an escape
    r"|\](?=\()|\[(?=\[)|!(?=[\[\d])"  # a link, a picture, a merge request
    r"|[*~](?!\s|$)|(?<=\S)[*~]"  # emphasis clings to a word
    r"|_(?![^\W_])|(?<![^\W_])_"  # within a word it is none
    r"|\$(?=\S)|#(?=\w)"  # a formula, an issue
    r"|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\."  # an address
    r"|:(?!\d\d?:)(?=[\w+-]{1,64}:)"  # a picture by name; 18:41:52 is a time
    # a heading, a list, a quotation, a rule, a definition: where a line begins
    r"|^(?:[>=\[]|[#*+-](?=[\s#-]|$)|~(?=~)|:(?=-))",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def plain(value: object) -> str:
    """A string that Markdown shows as it is, also where it begins a line: no link, no table cell, no HTML, no mention
    of a person.
    """
    text = printable(str(value)).lstrip(" ")
    return _NUMBERED.sub(_numbered, _MARKUP.sub(_entity, text))


_NAMED = {"<": "&lt;", "&": "&amp;"}


def _entity(match: re.Match[str]) -> str:
    return _NAMED.get(match.group()) or f"&#{ord(match.group())};"


def _numbered(match: re.Match[str]) -> str:
    return f"{match.group(1)}&#{ord(match.group(2))};"


def _row(cells: t.Iterable[object]) -> str:
    return "| " + " | ".join(plain(cell) if cell != "" else " " for cell in cells) + " |"


def _table(table: t.Sequence[Column], rows: t.Iterable[t.Any]) -> t.Iterator[str]:
    yield "| " + " | ".join(column.title for column in table) + " |"
    yield "| " + " | ".join("---:" if column.kind in columns.NUMBERS else "---" for column in table) + " |"
    for row in rows:
        yield _row(_cell(column, row) for column in table)
    yield ""


def _cell(column: Column, row: t.Any) -> str:
    mark = words.quality_mark(row.kill) if column.kind == "moment" else ""
    return f"{columns.shown(column, row)} {mark}".rstrip()


def _unparsed(report: Json) -> list[str]:
    made = []
    if words.please_report(report):
        made += ["## Not understood", "", words.please_report(report), ""]  # our own words
        made += [f"* {plain(name)}: {plain(line)}" for name, line in words.unparsed(report)[:_MOST_SAMPLES]] + [""]
    return made + ([plain(words.quoted(report)), ""] if words.quoted(report) else [])


def _first(report: Json) -> t.Iterator[str]:
    """What to do first. A command is made of letters, digits and a few signs, and is shown as it is pasted."""
    chosen, now = problem_words.first(report), report["generated_at"]
    if chosen:
        yield from ("## Do first", "")
    for number, problem in enumerate(chosen, 1):
        marks = f" ({problem_words.state(problem)})" if problem["state"] else ""
        yield f"{number}. **{plain(problem_words.title(problem))}**{marks}: {plain(problem_words.told(problem, now))}"
        if problem["why"] and problem["kind"] == "kill":
            yield f"   {plain(problem['why'])}"
        yield f"   {plain(problem['remedy']['text'])}"
        if problem["remedy"]["command"]:
            yield from ("", "   ```console", f"   $ {problem['remedy']['command']}", "   ```")
        yield ""
    left = len(report["problems"]) - len(chosen)
    if left:
        yield from (f"{words.some(left, 'more problem')} in report.json.", "")


def render(report: Json, title: str, findings: t.Iterable[str] = ()) -> str:
    """The Markdown text. findings -- lines that stand above the hosts"""
    made = [
        f"# {plain(title)}",
        "",
        f"Generated {words.utc(report['generated_at'])}",
        "",
        f"**{plain(problem_words.verdict_line(report))}**",
        "",
    ]
    for line in problem_words.below(report):
        made += [plain(line), ""]
    made += _first(report)
    for name, event in words.unresolved(report):
        doubt = "" if is_counted(event) else ", disputed"
        made.append(
            f"* **{words.shortage_title(event)}** ({plain(event['outcome'])}): {plain(name)},"
            f" {words.utc(event['time'])}{doubt}"
        )
        made += [f"  {plain(event['why'])}"] if event["why"] else []
    if made[-1] != "":
        made.append("")
    made += findings
    made += ["## Hosts", ""]
    made += _table(
        columns.of(columns.HOSTS, columns.MARKDOWN),
        (HostRow(*item) for item in sorted(report["hosts"].items(), key=urgency)),
    )
    kills = table.newest_kills(report)
    made += ["## Kills", ""]
    if kills:
        made += _table(
            columns.cells_of(columns.KILLS, columns.MARKDOWN),
            (KillRow(name, kill, True) for name, kill in kills[:_MOST_KILLS]),
        )
        told = [(name, kill) for name, kill in kills[:_MOST_KILLS] if kill["why"]]
        made += [f"* {plain(name)}, {words.utc(kill['time'])}: {plain(kill['why'])}" for name, kill in told] + [
            ""
        ] * bool(told)
        if len(kills) > _MOST_KILLS:
            made += [f"{words.some(len(kills) - _MOST_KILLS, 'older kill')} are in report.json.", ""]
    else:
        made += [plain(words.no_kills(report)), ""]
    made += _unparsed(report)
    return "\n".join(made)
