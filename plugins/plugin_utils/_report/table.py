# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a terminal: lines of plain text that fit its width. Every string is escaped again; colours are the
caller's.
"""

from __future__ import annotations

import itertools
import re
import typing as t
import unicodedata

from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import columns, problem_words, words
from .columns import Column, HostRow, KillRow
from .fleet import each_kill, is_counted, urgency
from .host import Json

MIN_WIDTH, MAX_WIDTH = 80, 160
#: a fleet up to this size is listed whole; above it, hosts with nothing to say become one line
_ALL_HOSTS = 20
_MOST_HOSTS = 50
_MOST_KILLS = 20
_MOST_SAMPLES = 5
_MOST_FIRST = 3
#: below the first the columns that say least are left out, below the second seconds and numbers for experts
_NARROW, _ROOMY = 110, 132


class Line(t.NamedTuple):
    """One line and its mood: plain, head, good, warn or bad."""

    text: str
    mood: str = "plain"


def cells(text: str) -> int:
    """How many terminal cells a text takes."""
    return len(text) if text.isascii() else sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, width: int, right: bool = False) -> str:
    """Cut with three dots or pad, counted in cells."""
    size = cells(text)
    if size > width:
        kept, used = [], 0
        for char in text:
            used += _cells(char)
            if used > width - 3:
                break
            kept.append(char)
        text = "".join(kept) + "..."
        size = cells(text)
    pad = " " * (width - size)
    return pad + text if right else text + pad


def widths(table: t.Sequence[Column], rows: t.Sequence[t.Sequence[str]], width: int) -> list[int]:
    """As wide as the content where there is room; else the columns that may be cut give, the one with most to spare
    first.
    """
    found = [max([cells(column.title)] + [cells(row[i]) for row in rows]) for i, column in enumerate(table)]
    room = width - 2 * (len(table) - 1)
    while sum(found) > room:
        spare = [
            (found[i] - max(column.least, cells(column.title)), -i) for i, column in enumerate(table) if column.least
        ]
        most, i = max(spare, default=(0, 0))
        if most <= 0:
            break
        found[-i] -= 1
    return found


class Row(t.NamedTuple):
    """Cells, a mood, and a sentence that does not fit a column and stands below."""

    cells: t.Sequence[str]
    mood: str = "plain"
    note: str = ""


def _grid(table: t.Sequence[Column], rows: t.Sequence[Row], width: int) -> t.Iterator[Line]:
    """Columns that are empty in every row are left out."""
    safe = [[printable(value) for value in row.cells] for row in rows]
    keep = [i for i in range(len(table)) if any(row[i] for row in safe)]
    table = [table[i] for i in keep]
    safe = [[row[i] for i in keep] for row in safe]
    size = widths(table, safe, width)

    def line(values: t.Sequence[str]) -> str:
        fitted = [fit(v, w, c.kind in columns.NUMBERS) for v, c, w in zip(values, table, size, strict=True)]
        return fit("  ".join(fitted), width).rstrip()

    yield Line(line([column.title for column in table]), "head")
    for row, given in zip(safe, rows, strict=True):
        yield Line(line(row), given.mood)
        for part in wrapped(printable(given.note), width - 4) if given.note else ():
            yield Line("    " + part, given.mood)


_MOODS = {"failed": "bad", "unreachable": "bad", "blind": "bad", "partial": "warn", "ok": "plain"}


def _columns(table: t.Sequence[Column], width: int) -> tuple[list[Column], list[Column]]:
    """The columns for this width, and those whose text stands below the row."""
    found = [column for column in columns.of(table, columns.TERMINAL) if width >= column.room]
    below = [column for column in found if column.kind == columns.SENTENCE]
    return [column for column in found if column not in below], below


def _cell(column: Column, row: t.Any, width: int) -> str:
    text = columns.shown(column, row)
    if column.kind == "unit":
        return _unit(text)
    if column.kind == "time":  # of hosts; the headings say that it is UTC
        return text[: 10 if width < _NARROW else 16]
    if column.kind == "moment":
        known = column.value(row) is not None
        return text[: 19 if width >= _ROOMY else 16] + (_MARK.get(row.kill["time_quality"], "?") if known else "")
    return text


def _list(table: t.Sequence[Column], rows: t.Sequence[tuple[t.Any, str]], width: int) -> t.Iterator[Line]:
    """Rows with their moods."""
    found, below = _columns(table, width)
    made = [
        Row(
            [_cell(column, row, width) for column in found],
            mood,
            "; ".join(filter(None, (columns.shown(column, row) for column in below))),
        )
        for row, mood in rows
    ]
    yield from _grid(found, made, width)


def _mood(entry: Json) -> str:
    return "bad" if entry["unresolved"] or entry["unexplained"] else _MOODS.get(words.state_word(entry), "bad")


def _hosts(report: Json, width: int) -> t.Iterator[Line]:
    entries = sorted(report["hosts"].items(), key=urgency)
    quiet = []  # type: list[Json]
    if len(entries) > _ALL_HOSTS:
        quiet = [entry for _name, entry in entries if not _tells(entry)]
        entries = [item for item in entries if _tells(item[1])]
    more = max(len(entries) - _MOST_HOSTS, 0)
    shown = entries[:_MOST_HOSTS]
    if shown:
        yield from _list(columns.HOSTS, [(HostRow(name, entry), _mood(entry)) for name, entry in shown], width)
    if more:
        yield Line(f"... and {words.some(more, 'more host')} of this kind in the report")
    in_part = sum(entry["partial"] for entry in quiet)
    if len(quiet) > in_part:
        yield Line(f"{words.some(len(quiet) - in_part, 'host')} could be read and showed no kill", "good")
    if in_part:
        yield Line(
            f"{words.some(in_part, 'host')} could be read in part and showed no kill there; the report says why", "warn"
        )


_TELLING = ("stale", "kills", "disputed", "unresolved", "unresolved_disputed", "unexplained", "unparsed")


def _tells(entry: Json) -> bool:
    """Has it a row of its own where there are many hosts?"""
    return entry["state"] != "ok" or any(entry[key] for key in _TELLING)


def _unresolved(report: Json, width: int) -> t.Iterator[Line]:
    for name, event in itertools.islice(words.unresolved(report), _MOST_KILLS):
        when = words.utc(event["time"], "an unknown time") + (
            f" ({event['count']} times)" if event["count"] > 1 else ""
        )
        text = f"{words.shortage_title(event).upper()} ({event['outcome']}): {name} at {when}" + (
            "" if is_counted(event) else ", disputed"
        )
        yield Line(fit(printable(text), width).rstrip(), "bad" if is_counted(event) else "warn")
        for part in wrapped(printable(event["why"]), width - 4) if event["why"] else ():
            yield Line("    " + part)


#: a terminal may not know the sign for "about"
_MARK = {"exact": "", "year_inferred": "~", "from_uptime": "~"}


def _unit(names: str) -> str:
    """Services without the word that every service ends in."""
    return names if "/" in names else _SERVICE.sub("", names)


_SERVICE = re.compile(r"\.service(?=$|, | \u00d7)")


def newest_kills(report: Json) -> list[tuple[str, Json]]:
    """Every kill once, newest first, those without a time last."""
    found = [(name, kill) for name, kill, counts in each_kill(report) if counts]
    found.sort(key=lambda item: (item[0], str(item[1]["id"])))
    found.sort(key=lambda item: -1.0 if item[1]["time"] is None else item[1]["time"], reverse=True)
    return found


def _kills(report: Json, width: int) -> t.Iterator[Line]:
    found = newest_kills(report)
    if not found:
        return
    shown = found[:_MOST_KILLS]
    yield Line("")
    rows = [(KillRow(name, kill, True), "plain" if is_counted(kill) else "warn") for name, kill in shown]
    yield from _list(columns.KILLS, rows, width)
    if len(found) > len(shown):
        yield Line(f"... and {words.some(len(found) - len(shown), 'older kill')} in the report")
    if any(kill["time_quality"] in ("year_inferred", "from_uptime") for _name, kill in shown):
        yield Line("~ after a time: the log does not say it in full (no year, or uptime only)")


def _verdict(report: Json, width: int) -> t.Iterator[Line]:
    totals = report["fleet"]["totals"]
    loud = totals["unresolved"] or totals["hosts"] > totals["ok"] or totals["unexplained"]
    mood = "bad" if loud else problem_words.mood(report)
    yield from (Line(part, mood) for part in wrapped(problem_words.verdict_line(report), width))
    for sentence in problem_words.below(report):
        is_old = report["fleet"]["stale"] and sentence == words.period(report)
        yield from (Line(part, "warn" if is_old else "plain") for part in wrapped(printable(sentence), width))


def _first(report: Json, width: int) -> t.Iterator[Line]:
    """The problems to look at first, with what to paste."""
    chosen = problem_words.first(report)[:_MOST_FIRST]
    if chosen:
        yield from (Line(""), Line("Do first"))
    for number, problem in enumerate(chosen, 1):
        state = f" ({problem_words.state(problem)})" if problem["state"] else ""
        said = f"{problem_words.title(problem)}{state}: {problem_words.told(problem, report['generated_at'])}"
        parts = list(wrapped(printable(said), width - 3))
        yield Line(f"{number}. {parts[0]}", "bad" if problem["kind"] == "shortage" else "warn")
        yield from (Line(f"   {part}") for part in parts[1:])
        yield from (Line(f"   {part}") for part in wrapped(problem["remedy"]["text"], width - 3))
        if problem["remedy"]["command"]:
            # Whole, whatever the width is: it is to be pasted.
            yield Line(f"   $ {problem['remedy']['command']}")


def lines(report: Json, width: int = 100) -> list[Line]:
    """The whole report, at most `width` cells wide (80 to 160); commands to paste are whole."""
    width = min(max(width, MIN_WIDTH), MAX_WIDTH)
    made = list(_verdict(report, width))
    made.extend(_first(report, width))
    shortages = list(_unresolved(report, width))
    made.extend([Line(""), *shortages] if shortages else [])
    if report["hosts"]:
        made.append(Line(""))
        made.extend(_hosts(report, width))
        made.extend(_kills(report, width))
        made.extend(_unparsed(report, width))
    return made


def _unparsed(report: Json, width: int) -> t.Iterator[Line]:
    """What may be kills that are missing above, with what to do; and what is none."""
    wanted = words.please_report(report)
    if wanted:
        yield Line("")
        yield from (Line(part, "warn") for part in wrapped(wanted, width))
        for name, line in words.unparsed(report)[:_MOST_SAMPLES]:
            yield Line(fit(f"    {printable(name)}: {printable(line)}", width).rstrip(), "warn")
    if words.quoted(report):
        yield Line(words.quoted(report))


def wrapped(sentence: str, width: int) -> t.Iterator[str]:
    """Lines of whole words; a word longer than the line is cut."""
    line = ""
    for word in sentence.split():
        word = fit(word, width) if cells(word) > width else word
        if line and cells(line) + 1 + cells(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line
