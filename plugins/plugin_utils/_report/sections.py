# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the page, from top to bottom: figures, alarms, what died, hosts, kills."""

from __future__ import annotations

import typing as t

from . import columns, words
from .columns import Column, HostRow, KillRow
from .fleet import is_counted, urgency
from .host import GRADES, Json
from .markup import NEWLINE, Html, escape, join, scrolling, tag

#: rows that are there without script; the script pages through all of them
_STATIC_ROWS = 200
_MOST_ALARMS = 25
_MOST_BARS = 10


def tiles(report: Json) -> Html:
    fleet = report["fleet"]
    totals = fleet["totals"]
    unknown = totals["hosts"] - totals["ok"]
    if not totals["hosts"]:
        return Html("")
    clean = "good" if words.is_clean(report) else ""
    tiles = [
        (totals["kills"], "bad" if totals["kills"] else clean, "kills"),
        (totals["by_proof"]["logged"], "", "of them in text logs alone"),
        (totals["disputed"], "warn" if totals["disputed"] else "", "disputed, no kills"),
        (totals["unresolved"], "bad" if totals["unresolved"] else "", "out of memory, no victim known"),
        (totals["hosts_with_kills"], "", f"hosts with kills, of {totals['hosts']:,}"),
        (unknown, "bad" if unknown else "good", "hosts unknown"),
        (totals["partial"], "warn" if totals["partial"] else "", "hosts seen in part"),
    ]
    if totals["chronic"]:
        tiles.append((totals["chronic"], "bad", "hosts where it comes again"))
    if totals["unexplained"]:
        tiles.append((totals["unexplained"], "bad", "kills counted, not in any log"))
    if totals["unparsed"]:
        tiles.append((totals["unparsed"], "warn", "lines not understood"))
    if report["fleet"]["stale"]:
        tiles.append((report["fleet"]["stale"], "warn", "hosts asked more than a day ago"))
    measured = totals["ok"] > 0
    items = [
        tag("li", tag("b", _measured(n, measured)), tag("span", label), class_=mood or None) for n, mood, label in tiles
    ]
    return tag("ul", *items, class_="tiles")


def _measured(number: int, measured: bool) -> str:
    """A zero is a finding: where nobody could look there is none."""
    return f"{number:,}" if number or measured else "?"


def _alarm(title: str, items: t.Sequence[Html], class_: str) -> Html:
    shown = list(items[:_MOST_ALARMS])
    if len(items) > len(shown):
        shown.append(tag("li", f"... and {len(items) - len(shown):,} more, in the table of hosts"))
    return tag("section", tag("h2", title), tag("ul", *shown), class_="alarm" + class_) if items else Html("")


def alarms(report: Json) -> Html:
    loud, unknown, lost = [], [], []  # type: tuple[list[Html], list[Html], list[Html]]
    for name, event in words.unresolved(report):
        more = f", {event['count']:,} times" if event["count"] > 1 else ""
        where = f" in {event['oom_memcg']}" if event.get("oom_memcg") else ""
        doubt = "" if is_counted(event) else badge("disputed")
        when = words.utc(event["time"], "at an unknown time")
        why = join((tag("br"), tag("small", event["why"]))) if event["why"] else ""
        loud.append(
            tag("li", tag("strong", name), " ", badge(event["outcome"]), " ", when, more, where, " ", doubt, why)
        )
    for name, entry in sorted(report["hosts"].items(), key=urgency):
        if entry["state"] != "ok":
            unknown.append(tag("li", tag("strong", name), " ", badge(entry["state"]), " ", words.why(entry)))
        elif entry["unexplained"]:
            lost.append(
                tag(
                    "li",
                    tag("strong", name),
                    f": the kernel counted {words.some(entry['unexplained'], 'kill')} more than its logs tell",
                )
            )
    alarms = (
        _alarm(
            "Out of memory, and no victim is known", loud, "" if report["fleet"]["totals"]["unresolved"] else " unknown"
        ),
        _alarm("Unknown, not clean", unknown, " unknown"),
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


#: title, and the column of the island that a bar counts and a click on it filters
_GROUPS = (
    ("Units", "unit"),
    ("Processes", "comm"),
    ("Hosts", "host"),
    ("Killed by", "killer"),
    ("Out of memory was", "scope"),
)


def _linked(name: str, entry: Json) -> Html:
    """The host's name, by which its kills can be found."""
    seen = bool(entry["kills"] or entry["disputed"] or entry["unresolved"])
    return tag("span", name, data_find=name if seen else None, data_column="host" if seen else None)


def _verdict(entry: Json, text: str) -> Html:
    state, reasons = words.verdict(entry)
    return join((badge(state), " ", tag("small", reasons))) if state and state != "unknown" else escape(text)


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


def _head(table: t.Sequence[Column], sortable: bool = False) -> Html:
    heads = [
        tag(
            "th",
            column.title,
            scope="col",
            class_="n" if column.kind in columns.NUMBERS else None,
            data_sort=column.key if sortable else None,
        )
        for column in table
    ]
    return tag("thead", tag("tr", *heads))


def _host_row(row: HostRow) -> Html:
    name, entry = row
    cells = [tag("th", _linked(name, entry), scope="row", class_="name")]
    for column in columns.of(columns.HOSTS, columns.PAGE)[1:]:
        text = columns.shown(column, row)
        inner = _verdict(entry, text) if column.kind == "verdict" else escape(text)
        cells.append(tag("td", badge(text) if column.kind == "badge" else inner, class_=_CLASSES.get(column.kind)))
    return tag("tr", *cells)


def hosts(report: Json) -> Html:
    rows = [_host_row(HostRow(*item)) for item in sorted(report["hosts"].items(), key=urgency)]
    tools = Html("")
    if len(rows) > 20:
        box = tag("input", type="search", id="host-search", placeholder="Filter hosts", aria_label="Filter hosts")
        tools = tag("div", box, class_="tools")
    inner = tag("table", _head(columns.of(columns.HOSTS, columns.PAGE)), tag("tbody", join(rows, NEWLINE)))
    return tag("section", tag("h2", "Hosts"), tools, scrolling("Table of hosts", inner), id="hosts")


def _kill_cell(column: Column, row: KillRow) -> Html:
    kill = row.kill
    text = columns.shown(column, row)
    if column.kind == "badge":
        return tag("td", badge(text), class_="t", title=words.seen_in(kill))
    mark, meaning = words.QUALITY.get(kill["time_quality"], words.QUALITY["unknown"])
    marked = column.kind == "moment" and mark and kill["time"] is not None
    sign = tag("span", " " + mark, class_="mark", title=meaning) if marked else ""
    return tag("td", text, sign, class_=_CLASSES.get(column.kind))


def _kill_row(name: str, kill: Json) -> Html:
    row = KillRow(name, kill, True)
    table = columns.cells_of(columns.KILLS, columns.PAGE)
    line = tag("tr", *[_kill_cell(column, row) for column in table], class_="row")
    said = tag("tr", tag("td", kill["why"], colspan=len(table)), class_="said")
    return join((line, said)) if kill["why"] else line


def kills(report: Json, kills: t.Sequence[tuple[str, Json, bool]]) -> Html:
    title = tag("h2", "Kills")
    if not kills:
        return tag("section", title, tag("p", words.no_kills(report), class_="muted"), id="kills")
    options = [
        tag("option", text, value=value)
        for value, text in (("all", "all"), ("counted", "without disputed"), *((grade, grade) for grade in GRADES))
    ]
    tools = tag(
        "div",
        tag(
            "input",
            type="search",
            id="search",
            placeholder='Filter: words, -word to leave out, unit="a.service"',
            aria_label="Filter kills",
        ),
        tag("label", "Proof ", tag("select", *options, id="proof")),
        tag("span", id="count", class_="muted", role="status"),
        tag("button", "Previous page", type="button", id="previous"),
        tag("button", "Next page", type="button", id="next"),
        class_="tools",
    )
    rows = join((_kill_row(name, kill) for name, kill, _counts in kills[:_STATIC_ROWS]), NEWLINE)
    inner = scrolling(
        "Table of kills",
        tag("table", _head(columns.cells_of(columns.KILLS, columns.PAGE), sortable=True), tag("tbody", rows)),
    )
    note = Html("")
    if len(kills) > _STATIC_ROWS:
        text = (
            f"Without script this table shows the newest {_STATIC_ROWS} of {len(kills):,}; all are in report.json and"
            " kills.csv."
        )
        note = tag("noscript", tag("p", text, class_="muted"))
    return tag("section", title, tools, inner, note, id="kills")
