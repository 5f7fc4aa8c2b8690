# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reader sees first: the verdict, the problems to begin with and what to paste, the hosts that are not known."""

from __future__ import annotations

import typing as t

from . import problem_words as say
from . import sections, words
from .host import Json
from .markup import NEWLINE, Html, join, scrolling, tag

_MOST_ROWS = 100
_STEP, _BAR, _HEIGHT = 7, 5, 24
_STATE_CLASS = {"new": "bad", "worse": "bad", "same": "plain", "gone": "good"}
_VERDICTS = {"chronic": "comes again", "unknown": "too early to tell", "transient": "does not repeat"}


def verdict(report: Json) -> Html:
    """The headline, and below it the whole in numbers."""
    line = say.verdict_line(report)
    gist, changed = say.gist(report), say.change_words(report)
    return join(
        (
            tag("p", line, class_=f"headline {say.mood(report)}"),
            tag("p", gist, class_="gist") if gist else "",
            tag("p", words.period(report), class_="gist period") if words.period(report) else "",
            tag("p", changed, class_="gist") if changed else "",
        )
    )


def _bar_class(count: int | None) -> str:
    if count is None:
        return "unseen"
    return "m-kill" if count else "m-none"


def spark(problem: Json) -> Html:
    """A bar per day; a day that was not seen is grey and full."""
    most = max((count for count in problem["days"] if count), default=1)
    bars = []
    for day, count in enumerate(problem["days"]):
        height = _HEIGHT if count is None else max(round(count / most * _HEIGHT, 1), 1)
        bars.append(
            tag(
                "rect",
                x=day * _STEP,
                y=round(_HEIGHT - height, 1),
                width=_BAR,
                height=height,
                class_=_bar_class(count),
            )
        )
    width = _STEP * len(problem["days"])
    return tag(
        "svg",
        *bars,
        viewBox=f"0 0 {width} {_HEIGHT}",
        width=width,
        height=_HEIGHT,
        class_="spark",
        role="img",
        aria_label=say.sparkline_label(problem),
    )


def _marks(problem: Json) -> t.Iterator[Html]:
    if problem["state"]:
        yield tag("span", say.state(problem), class_=f"chip {_STATE_CLASS[problem['state']]}")
    if problem["kind"] == "kill":
        said = _VERDICTS[problem["verdict"]]
        if problem["verdict"] == "unknown" and problem["undated"]:
            said = "no time: may come again"  # it is not too early, and may have been years ago
        yield tag("span", said, class_="chip plain")


def _figures(problem: Json, now: float) -> str:
    told = [say.tally(problem), say.pace(problem, now), f"last {say.last(problem, now)}"]
    if problem["kind"] == "kill":
        told.append(f"out of memory: {say.limit(problem)}")
    return " \u00b7 ".join(part for part in told if part)


def _remedy(problem: Json) -> Html:
    command = problem["remedy"]["command"]
    paste = tag("pre", tag("code", command), tabindex=0) if command else ""
    return join((tag("p", problem["remedy"]["text"], class_="remedy"), paste))


def _card(problem: Json, now: float) -> Html:
    who = (
        "" if "*" in problem["subject"] else ", ".join(comm for comm in problem["comms"] if comm != problem["subject"])
    )
    return tag(
        "li",
        tag(
            "div",
            tag("h3", say.title(problem), tag("small", f" {who}") if who else "", " ", *_marks(problem)),
            spark(problem),
            class_="card-head",
        ),
        tag("p", _figures(problem, now), class_="figures"),
        tag("p", problem["why"], class_="said-why") if problem["why"] else "",
        _remedy(problem),
        class_="loud" if problem["kind"] == "shortage" else None,
    )


def _folded(summary: str, items: t.Sequence[Html], class_: str) -> Html:
    return tag("details", tag("summary", summary), sections.listed(items), class_=class_) if items else Html("")


def _told_shortages(report: Json) -> Html:
    """Each shortage that the cards count: when, where, and why nothing was killed."""
    found, _others = say.shortages(report)
    summary = f"Out of memory, no victim known: {words.some(len(found), 'entry', 'entries')} of the logs"
    return _folded(summary, [sections.shortage(name, event) for name, event in found], "fold")


def first(report: Json) -> Html:
    """Do first, and the line of the hosts that nothing is known of, which unfolds to their names."""
    chosen = say.first(report)
    unknown = say.not_known(report)
    line = _folded(unknown, sections.not_known(report), "fold not-known")
    if not chosen:
        return tag("section", line, class_="first") if unknown else Html("")
    cards = tag("ol", join((_card(problem, report["generated_at"]) for problem in chosen), NEWLINE), class_="do-first")
    return tag("section", tag("h2", "Do first"), line, cards, _told_shortages(report), class_="first", id="first")


_HEAD = ("Problem", "Hosts", "Kills", "Per day, two weeks", "How often", "Last", "State", "Out of memory was")


def _row(problem: Json, now: float) -> Html:
    return tag(
        "tr",
        tag("th", say.subject(problem), scope="row", class_="name"),
        tag("td", say.hosts(problem), class_="name"),
        tag("td", f"{problem['events']:,}", class_="n"),
        tag("td", spark(problem)),
        tag("td", say.pace(problem, now), class_="why"),
        tag("td", say.last(problem, now), class_="t"),
        tag("td", *_marks(problem)),
        tag("td", say.limit(problem) if problem["kind"] == "kill" else "", class_="why"),
    )


def _gone_list(report: Json) -> Html:
    names = [say.title(problem) for problem in say.gone(report)]
    if not names:
        return Html("")
    shown = [tag("li", name) for name in names[:_MOST_ROWS]]
    return tag("details", tag("summary", f"Gone since then: {words.some(len(names), 'problem')}"), tag("ul", *shown))


def problems(report: Json) -> Html:
    """All of them, where there are more than stand above."""
    every = report["problems"]
    left = _gone_list(report)
    if len(every) <= len(say.first(report)) and not left:
        return Html("")
    now = report["generated_at"]
    head = tag("thead", tag("tr", *[tag("th", text, scope="col") for text in _HEAD]))
    body = tag("tbody", join((_row(problem, now) for problem in every[:_MOST_ROWS]), NEWLINE))
    more = report["trend"]["problems_total"] - min(len(every), _MOST_ROWS)
    note = tag("p", f"and {more:,} more, less urgent, in report.json", class_="muted") if more else Html("")
    table = scrolling("Table of problems", tag("table", head, body)) if every else Html("")
    return tag("section", tag("h2", "Problems"), table, note, left, id="problems")
