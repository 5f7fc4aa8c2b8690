# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a terminal: lines of plain text that fit its width. Every string is escaped again; colours are the
caller's.
"""

from __future__ import annotations

import itertools
import typing as t
import unicodedata

from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import words
from .fleet import each_kill, is_counted, urgency
from .host import Json

MIN_WIDTH, MAX_WIDTH = 80, 160
#: a fleet up to this size is listed whole; above it, hosts with nothing to say become one line
_ALL_HOSTS = 20
_MOST_HOSTS = 50
_MOST_KILLS = 20
_MOST_SAMPLES = 5
#: below the first the columns that say least are left out, below the second seconds and numbers for experts
_NARROW, _ROOMY = 110, 132


class Line(t.NamedTuple):
    """One line and its mood: plain, head, good, warn or bad."""

    text: str
    mood: str = "plain"


class Column(t.NamedTuple):
    """least -- it may be cut down to this where room is short; 0 is never cut. right -- numbers"""

    title: str
    least: int = 0
    right: bool = False


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


def widths(columns: t.Sequence[Column], rows: t.Sequence[t.Sequence[str]], width: int) -> list[int]:
    """As wide as the content where there is room; else the columns that may be cut give, the one with most to spare
    first.
    """
    found = [max([cells(column.title)] + [cells(row[i]) for row in rows]) for i, column in enumerate(columns)]
    room = width - 2 * (len(columns) - 1)
    while sum(found) > room:
        spare = [
            (found[i] - max(column.least, cells(column.title)), -i) for i, column in enumerate(columns) if column.least
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


def _grid(columns: t.Sequence[Column], rows: t.Sequence[Row], width: int) -> t.Iterator[Line]:
    """Columns that are empty in every row are left out."""
    safe = [[printable(value) for value in row.cells] for row in rows]
    keep = [i for i in range(len(columns)) if any(row[i] for row in safe)]
    columns = [columns[i] for i in keep]
    safe = [[row[i] for i in keep] for row in safe]
    size = widths(columns, safe, width)

    def line(values: t.Sequence[str]) -> str:
        return fit("  ".join(fit(v, w, c.right) for v, c, w in zip(values, columns, size, strict=True)), width).rstrip()

    yield Line(line([column.title for column in columns]), "head")
    for row, given in zip(safe, rows, strict=True):
        yield Line(line(row), given.mood)
        for part in wrapped(printable(given.note), width - 4) if given.note else ():
            yield Line("    " + part, given.mood)


_HOST_COLUMNS = (
    Column("HOST", 12),
    Column("STATE"),
    Column("KILLS", right=True),
    Column("DISPUTED", right=True),
    Column("LOST MOST", 10),
    Column("LAST KILL"),
    Column("SEES SINCE"),
    Column("ASKED"),
)
_MOODS = {"failed": "bad", "unreachable": "bad", "blind": "bad", "partial": "warn", "ok": "plain"}


def _host_row(name: str, entry: Json, width: int) -> Row:
    known = entry["state"] == "ok"
    size = 10 if width < _NARROW else 16
    cells_ = (
        name,
        words.state_word(entry),
        f"{entry['kills']:,}" if known or entry["kills"] else "?",
        f"{entry['disputed']:,}" if entry["disputed"] else "",
        _unit(words.worst(entry)),
        _moment(entry["last"], size) if entry["last"] is not None else "",
        _moment(entry["since"], size) if known or entry["since"] is not None else "",
        _moment(entry["gathered_at"], size) if entry["stale"] else "",
    )
    return Row(cells_, _mood(entry), words.why(entry))


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
        yield from _grid(_HOST_COLUMNS, [_host_row(name, entry, width) for name, entry in shown], width)
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


_KILL_COLUMNS = (
    Column("TIME (UTC)"),
    Column("HOST", 8),
    Column("VICTIM", 8),
    Column("PID", right=True),
    Column("UID", right=True),
    Column("UNIT OR CGROUP", 10),
    Column("ANON MiB", right=True),
    Column("ADJ", right=True),
    Column("SCOPE"),
    Column("KILLER"),
    Column("PROOF"),
)
#: a terminal may not know the sign for "about"
_MARK = {"exact": "", "year_inferred": "~", "from_uptime": "~"}


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _kill_row(name: str, kill: Json, width: int) -> Row:
    who = kill["victim"]
    narrow, roomy = width < _NARROW, width >= _ROOMY
    when = _moment(kill["time"], 19 if roomy else 16) + (
        _MARK.get(kill["time_quality"], "?") if kill["time"] is not None else ""
    )
    cells_ = (
        when,
        name,
        who["comm"] or ("(cgroup)" if who["pid"] is None else "?"),
        _number(who["pid"]),
        _number(who["uid"]) if roomy else "",
        _unit(words.where(kill)),
        words.mebibytes(who["anon_rss"]),
        _number(who["oom_score_adj"]) if roomy else "",
        "" if narrow else kill["scope"],
        "" if narrow else kill["killer"],
        kill["proof"],
    )
    return Row(cells_, "plain" if is_counted(kill) else "warn", kill["why"] or "")


def _unit(name: str) -> str:
    """A service without the word that every service ends in."""
    return name[: -len(".service")] if name.endswith(".service") and "/" not in name else name


def _moment(when: float | None, size: int) -> str:
    """The first letters of a time: 10 for the date, 16 up to the minute, 19 to the second. The headings say UTC."""
    return words.utc(when)[:size]


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
    columns = [
        column._replace(title="UNIT") if width < _NARROW and column.title.startswith("UNIT") else column
        for column in _KILL_COLUMNS
    ]
    yield from _grid(columns, [_kill_row(name, kill, width) for name, kill in shown], width)
    if len(found) > len(shown):
        yield Line(f"... and {words.some(len(found) - len(shown), 'older kill')} in the report")
    if any(kill["time_quality"] in ("year_inferred", "from_uptime") for _name, kill in shown):
        yield Line("~ after a time: the log does not say it in full (no year, or uptime only)")


def lines(report: Json, width: int = 100) -> list[Line]:
    """The whole report, at most `width` cells wide (80 to 160)."""
    width = min(max(width, MIN_WIDTH), MAX_WIDTH)
    totals = report["fleet"]["totals"]
    loud = totals["unresolved"] or totals["hosts"] > totals["ok"] or totals["unexplained"]
    quiet = "good" if words.is_clean(report) else "warn"
    made = [Line(part, "bad" if loud else quiet) for part in wrapped(words.gist(report), width)]
    if words.period(report):
        made.extend(
            Line(part, "warn" if report["fleet"]["stale"] else "plain") for part in wrapped(words.period(report), width)
        )
    made.extend(_unresolved(report, width))
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
