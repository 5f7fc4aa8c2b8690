# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the page, from top to bottom: figures, alarms, what died, hosts, kills."""

from __future__ import annotations

import typing as t

from . import columns, words
from . import problem_words as say
from .columns import Column, HostRow, KillRow
from .fleet import is_counted, urgency
from .host import GRADES, Json
from .markup import NEWLINE, Html, escape, join, scrolling, tag
from .page_data import MOST, Rows

#: rows that are there without script; the script pages through all of them
_STATIC_ROWS = 50
_STATIC_HOSTS = 50
_MOST_ALARMS = 25
_MOST_BARS = 10


class Tile(t.NamedTuple):
    """A figure, and the rows behind it: target -- the section, filter -- what of it"""

    number: int
    mood: str
    label: str
    target: str
    filter: str


def tiles(report: Json) -> Html:
    totals = report["fleet"]["totals"]
    if not totals["hosts"]:
        return Html("")
    clean = "good" if words.is_clean(report) else ""
    hosts = f"on {totals['hosts_with_kills']:,} of {words.some(totals['hosts'], 'host')}"
    unknown = totals["hosts"] - totals["ok"]
    found = (
        Tile(
            totals["kills"], "bad" if totals["kills"] else clean, f"kills {hosts}", "kills", "copy=no -proof=disputed"
        ),
        _hosts_tile(totals["chronic"], "bad", "where it comes again", "chronic"),
        _hosts_tile(unknown, "bad", "unknown", "known=no"),
        _hosts_tile(totals["partial"], "warn", "seen in part", "state=partial"),
    )
    measured = totals["ok"] > 0
    # Of kills without a time it cannot be said that none comes again.
    is_told = {"chronic": measured and bool(totals["chronic"] or not report["trend"]["undated_kills"])}
    shown = [_tile(tile, is_told.get(tile.filter, measured)) for tile in found]
    return join((tag("ul", *shown, class_="tiles"), _beside(report)))


def _hosts_tile(number: int, mood: str, which: str, wanted: str) -> Tile:
    label = f"{'host' if number == 1 else 'hosts'} {which}"
    return Tile(number, mood if number else "", label, "hosts", wanted)


def _tile(tile: Tile, measured: bool) -> Html:
    inner = (tag("b", _measured(tile.number, measured)), tag("span", tile.label))
    where = {f"data_{tile.target}": tile.filter}
    return tag("li", tag("a", *inner, href=f"#{tile.target}", **where), class_=tile.mood or None)


def _beside(report: Json) -> Html:
    """What is no headline, where there is any. Where no host could be read, the sentence above tells less."""
    totals = report["fleet"]["totals"]
    found = [
        (totals["unexplained"], "kills counted, not in any log"),
        (totals["unparsed"], "lines not understood"),
    ]
    if not totals["ok"]:
        found += [
            (totals["disputed"], "disputed, no kills"),
            (totals["by_proof"]["logged"], "in text logs alone"),
            (totals["unresolved"], "out of memory, no victim known"),
        ]
    said = " \u00b7 ".join(f"{number:,} {label}" for number, label in found if number)
    return tag("p", f"Beside these: {said}.", class_="muted beside") if said else Html("")


def _measured(number: int, measured: bool) -> str:
    """A zero is a finding: where nobody could look there is none."""
    return f"{number:,}" if number or measured else "?"


def listed(items: t.Sequence[Html]) -> Html:
    shown = list(items[:_MOST_ALARMS])
    if len(items) > len(shown):
        shown.append(tag("li", f"... and {len(items) - len(shown):,} more, in the table of hosts"))
    return tag("ul", *shown)


def _alarm(title: str, items: t.Sequence[Html], class_: str) -> Html:
    return tag("section", tag("h2", title), listed(items), class_="alarm" + class_) if items else Html("")


def shortage(name: str, event: Json) -> Html:
    """A shortage of which no victim is known, as an item of a list."""
    more = f", {event['count']:,} times" if event["count"] > 1 else ""
    where = f" in {event['oom_memcg']}" if event.get("oom_memcg") else ""
    doubt = "" if is_counted(event) else badge("disputed")
    when = words.utc(event["time"], "at an unknown time")
    why = join((tag("br"), tag("small", event["why"]))) if event["why"] else ""
    return tag("li", tag("strong", name), " ", badge(event["outcome"]), " ", when, more, where, " ", doubt, why)


def not_known(report: Json) -> list[Html]:
    """Each host of which nothing is known, with the reason, as items of a list."""
    return [
        tag("li", tag("strong", name), " ", badge(entry["state"]), " ", words.why(entry))
        for name, entry in sorted(report["hosts"].items(), key=urgency)
        if entry["state"] != "ok"
    ]


def alarms(report: Json) -> Html:
    """What the cards above do not tell."""
    _first, loud = say.shortages(report)
    lost = [
        tag(
            "li",
            tag("strong", name),
            f": the kernel counted {words.some(entry['unexplained'], 'kill')} more than its logs tell",
        )
        for name, entry in sorted(report["hosts"].items(), key=urgency)
        if entry["state"] == "ok" and entry["unexplained"]
    ]
    counted = any(is_counted(event) for _name, event in loud)
    alarms = (
        _alarm(
            "Out of memory, and no victim is known",
            [shortage(name, event) for name, event in loud],
            "" if counted else " unknown",
        ),
        _alarm("Kills that no log tells of", lost, ""),
        _unparsed(report),
    )
    return tag("div", *alarms, class_="alarms") if any(alarms) else Html("")


def _unparsed(report: Json) -> Html:
    """What may be kills that are missing here, with what to do."""
    wanted = words.please_report(report)
    if not wanted:
        return Html("")
    rows = [
        tag("li", tag("strong", name), ": ", tag("span", line, class_="mono"))
        for name, line in words.unparsed(report)[:_MOST_ALARMS]
    ]
    return tag(
        "section",
        tag("h2", "Not understood"),
        tag("p", wanted),
        tag("ul", *rows) if rows else "",
        class_="alarm unknown",
    )


_BADGES = (
    "ok",
    "partial",
    "blind",
    "unreachable",
    "failed",
    "panic",
    "no_victim",
    "unseen",
    "rule_fired",
    "chronic",
    "transient",
) + GRADES


def badge(word: str) -> Html:
    return tag("span", word.replace("_", " "), class_="badge " + (word if word in _BADGES else "unknown"))


def _bars(title: str, column: str, sure: dict[str, int], doubted: dict[str, int]) -> Html:
    names = sorted(set(sure) | set(doubted), key=lambda name: (-sure.get(name, 0), -doubted.get(name, 0), name))
    if not names:
        return Html("")
    most = max(sure.get(name, 0) + doubted.get(name, 0) for name in names)
    rows = []
    for name in names[:_MOST_BARS]:
        x = round(200 * sure.get(name, 0) / most, 1)
        figure = tag(
            "svg",
            tag("rect", x=0, y=0, width=x, height=6, class_="m-kill"),
            tag("rect", x=x, y=0, width=round(200 * doubted.get(name, 0) / most, 1), height=6, class_="m-disputed"),
            viewBox="0 0 200 6",
            preserveAspectRatio="none",
            aria_hidden="true",
        )
        plus = " +" if name in sure else ""
        count = [
            tag("b", f"{sure[name]:,}") if name in sure else "",
            tag("small", f"{plus}{doubted[name]:,} disputed") if name in doubted else "",
        ]
        rows.append(
            tag(
                "li",
                tag("span", name, data_find=name, data_column=column, data_once=True, title=name, class_="mono"),
                tag("span", *count),
                figure,
            )
        )
    rest = len(names) - len(rows)
    note = tag("p", f"and {rest:,} more", class_="muted") if rest else Html("")
    return tag("div", tag("h3", title), tag("ul", *rows, class_="bars"), note)


def who(report: Json) -> Html:
    fleet = report["fleet"]
    units, processes, hosts, killers, scopes = (
        _bars(title, column, fleet["by_" + column], fleet["disputed"]["by_" + column]) for title, column in _GROUPS
    )
    groups = [group for group in (units, processes, hosts, tag("div", killers, scopes) if killers else "") if group]
    return tag("section", tag("h2", "What died"), tag("div", *groups, class_="columns")) if groups else Html("")


#: title, and the column that a bar counts and a click on it filters
_GROUPS = (
    ("Units", "unit"),
    ("Processes", "comm"),
    ("Hosts", "host"),
    ("Killed by", "killer"),
    ("Out of memory was", "scope"),
)


#: kind -> the class of its cells
_CLASSES = {
    "name": "name",
    "mono": "mono",
    "unit": "mono",
    "time": "t",
    "moment": "t",
    "badge": "t",
    "verdict": "why",
    columns.SENTENCE: "why",
    **dict.fromkeys(columns.NUMBERS, "n"),
}


def _class(column: Column) -> str:
    """By its kind, and by its name, for what a narrow screen shows of it."""
    return f"{_CLASSES.get(column.kind, '')} c-{column.key}".strip()


def _head(table: t.Sequence[Column]) -> Html:
    heads = [
        tag(
            "th",
            column.title,
            scope="col",
            class_=f"n c-{column.key}" if column.kind in columns.NUMBERS else f"c-{column.key}",
            data_sort=column.key,
        )
        for column in table
    ]
    return tag("thead", tag("tr", *heads))


def _linked(row: HostRow) -> Html:
    """The host's name, by which its kills can be found."""
    seen = any(row.entry[key] for key in ("kills", "disputed", "unresolved"))
    return tag("span", row.host, data_find=row.host if seen else None, data_column="host" if seen else None)


def _verdict(text: str) -> Html:
    state, _colon, reasons = text.partition(": ")
    if not text:
        return Html("")
    return join((badge(state), " ", tag("small", reasons))) if reasons else badge(state)


_INNER: dict[str, t.Callable[[str], Html]] = {
    "badge": lambda text: badge(text) if text else Html(""),
    "verdict": _verdict,
}


def _host_row(row: HostRow, table: t.Sequence[Column]) -> Html:
    first, *others = table
    cells = [tag("th", _linked(row), scope="row", class_=_class(first))]
    for column in others:
        inner = _INNER.get(column.kind, escape)(columns.shown(column, row))
        cells.append(tag("td", inner, class_=_class(column)))
    return tag("tr", *cells)


def hosts(rows: t.Sequence[HostRow]) -> Html:
    box = tag("input", type="search", id="host-search", placeholder="Filter hosts", aria_label="Filter hosts")
    table = columns.filled(columns.of(columns.HOSTS, columns.PAGE), rows)
    body = tag("tbody", join((_host_row(row, table) for row in rows[:_STATIC_HOSTS]), NEWLINE))
    inner = tag("table", _head(table), body)
    title = tag("h2", "Hosts")
    note = _shortened(len(rows), _STATIC_HOSTS, "host", "the most urgent")
    return tag("section", title, _tools("hosts", box), scrolling("Table of hosts", inner), note, id="hosts")


def _tools(what: str, *inner: Html) -> Html:
    """What the script needs to page through a table; hidden without it."""
    return tag(
        "div",
        *inner,
        tag("span", class_="muted count", role="status"),
        tag("button", f"Previous {what}", type="button", class_="step"),
        tag("button", f"Next {what}", type="button", class_="step"),
        class_="tools",
    )


def _shortened(count: int, shown: int, noun: str, which: str) -> Html:
    """Said where the script does not run, or the browser is too old for it."""
    if count <= shown:
        return Html("")
    text = f"Without script this table shows {which} {shown} of {words.some(count, noun)}; all are in report.json."
    return tag("p", text, class_="muted without")


def _kill_cell(column: Column, row: KillRow) -> Html:
    kill = row.kill
    text = columns.shown(column, row)
    if column.kind == "badge":
        return tag("td", badge(text), class_=_class(column), title=words.seen_in(kill))
    mark, meaning = words.QUALITY.get(kill["time_quality"], words.QUALITY["unknown"])
    marked = column.kind == "moment" and mark and kill["time"] is not None
    sign = tag("span", " " + mark, class_="mark", title=meaning) if marked else ""
    other = columns.logged_as(row) if column.key == "host" else None
    told = join((tag("br"), tag("small", f"log of {other}"))) if other else ""
    return tag("td", text, sign, told, class_=_class(column))


def _kill_row(row: KillRow, table: t.Sequence[Column]) -> Html:
    line = tag("tr", *[_kill_cell(column, row) for column in table], class_="row")
    why = row.kill["why"]
    said = tag("tr", tag("td", why, colspan=len(table)), class_="said") if why else ""
    return join((line, said))


def kills(report: Json, rows: Rows) -> Html:
    title = tag("h2", "Kills")
    if not rows.kills:
        said = tag("p", words.no_kills(report), class_="muted")
        return tag("section", title, said, _quoted(report), id="kills")
    options = [
        tag("option", text, value=value)
        for value, text in (("all", "all"), ("counted", "without disputed"), *((grade, grade) for grade in GRADES))
    ]
    box = tag(
        "input",
        type="search",
        id="search",
        placeholder='Filter: words, -word to leave out, unit="a.service", since=2026-01-31',
        aria_label="Filter kills",
    )
    tools = _tools("kills", box, tag("label", "Proof ", tag("select", *options, id="proof")))
    shown = columns.filled(columns.cells_of(columns.KILLS, columns.PAGE), rows.kills)
    body = join((_kill_row(row, shown) for row in rows.kills[:_STATIC_ROWS]), NEWLINE)
    table = tag("table", _head(shown), tag("tbody", body))
    note = _shortened(sum(rows.times) + rows.left_out, _STATIC_ROWS, "kill", "the newest")
    return tag(
        "section", title, _counted(rows), tools, scrolling("Table of kills", table), note, _quoted(report), id="kills"
    )


def _quoted(report: Json) -> Html:
    """Lines that look like kills and are none, with the hosts that have them."""
    if not words.quoted(report):
        return Html("")
    return tag("p", f"{words.quoted(report)} {words.quoted_on(report)}", class_="muted quoted")


def _counted(rows: Rows) -> Html:
    """What a fleet with very many kills must know of this table."""
    total = sum(rows.times) + rows.left_out
    if total == len(rows.kills):
        return Html("")
    left_out = f" {words.some(rows.left_out, 'kill is', 'kills are')} in no row." if rows.left_out else ""
    text = (
        f"The newest {MOST:,} of {total:,} kills are listed one by one. Older ones that have host, unit, process,"
        f" killer and proof in common are one row.{left_out} Each of them is in report.json and kills.csv."
    )
    return tag("p", text, class_="muted")
