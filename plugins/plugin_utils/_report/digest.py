# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of all hosts for a terminal: a line for each host that has something to tell, and each reason why others
have not, once, with the hosts that share it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._facts.answer import few, not_seen
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import words
from .fleet import urgency
from .host import Json
from .table import Line, wrapped

#: a fleet up to this size is listed whole; above it, hosts without a kill become one line
_ALL_HOSTS = 20
_MOST_HOSTS = 200
_MOST_GROUPS = 20
_MOST_NAMED = 5
_BECOME = "run with become"
_TELLING = ("kills", "disputed", "unresolved", "unresolved_disputed", "unexplained", "unparsed")


def lines(report: Json, said: t.Mapping[str, str], width: int, command: str) -> list[Line]:
    """said -- host -> what its module said of it. command -- what sees more where root was missing; may be empty"""
    entries = sorted(report["hosts"].items(), key=urgency)
    known = [(name, entry) for name, entry in entries if entry["state"] == "ok"]
    telling = known if len(entries) <= _ALL_HOSTS else [item for item in known if _tells(item[1])]
    quiet = [item for item in known if item not in telling]
    made = []  # type: list[Line]
    for name, entry in telling[:_MOST_HOSTS]:
        made += _paragraph(f"{name}: {_line(entry, said.get(name, ''))}", width, _mood(entry))
    if len(telling) > _MOST_HOSTS:
        made.append(Line(f"... and {words.some(len(telling) - _MOST_HOSTS, 'more host')} with kills"))
    if quiet:
        made += _paragraph(_quiet([entry for _name, entry in quiet]), width, "good" if _all_clear(quiet) else "warn")
    made += _groups("not all could be seen: ", _gaps(known), width, "warn")
    made += _groups("could not look: ", _reasons(entries, "blind"), width, "bad")
    for state in ("unreachable", "failed"):
        made += _groups(f"{state}: ", _reasons(entries, state), width, "bad")
    without = sum(_needs_root(entry) for _name, entry in entries)
    if without:
        more = f" This sees more: {command}" if command else " Run it with become to see more."
        made += _paragraph(
            f"{words.some(without, 'host was', 'hosts were')} asked without root, and could not read all.{more}",
            width,
            "warn",
        )
    return made


def _tells(entry: Json) -> bool:
    return any(entry[key] for key in _TELLING)


def _mood(entry: Json) -> str:
    if entry["kills"] or entry["unresolved"] or entry["unexplained"]:
        return "bad"
    return "warn" if entry["partial"] else "good"


def _line(entry: Json, said: str) -> str:
    """What the host said, without the gaps, which stand below."""
    line = " ".join(printable(said.replace("\n", " ")).split()) or f"{words.some(entry['kills'], 'kill')} in its facts"
    sight = (entry["oom"] or {}).get("visibility")
    given = sight if isinstance(sight, dict) else {}
    told = not_seen(str(given.get("state")), [str(reason) for reason in given.get("reasons") or []])
    return line.replace(f"; {told}", "") if told else line


def _all_clear(quiet: list[tuple[str, Json]]) -> bool:
    return not any(entry["partial"] for _name, entry in quiet)


def _quiet(entries: list[Json]) -> str:
    seen = [entry["since"] for entry in entries]
    reach = "since when they see is not known of all"
    if None not in seen:
        reach = f"all of them see back to {words.utc_minute(max(seen))}"
    return f"{words.some(len(entries), 'more host')} without a kill that they could see; {reach}"


#: text of a reason -> the hosts that share it
Shared = t.Dict[str, t.List[str]]


def _gaps(entries: list[tuple[str, Json]]) -> Shared:
    found = {}  # type: Shared
    for name, entry in entries:
        for reason in entry["reasons"] if entry["partial"] else ():
            found.setdefault(reason, []).append(name)
    return found


def _reasons(entries: list[tuple[str, Json]], state: str) -> Shared:
    found = {}  # type: Shared
    for name, entry in entries:
        if entry["state"] == state:
            text = few(entry["reasons"]) or entry["message"] or "no reason was given"
            found.setdefault(words.without_host(text, name), []).append(name)
    return found


def _groups(what: str, shared: Shared, width: int, mood: str) -> list[Line]:
    """The reason that most share first."""
    ranked = sorted(shared.items(), key=lambda item: (-len(item[1]), item[0]))
    made = []  # type: list[Line]
    for reason, names in ranked[:_MOST_GROUPS]:
        made += _paragraph(f"{_named(names)}: {what}{printable(reason)}", width, mood)
    if len(ranked) > _MOST_GROUPS:
        made.append(Line(f"... and {words.some(len(ranked) - _MOST_GROUPS, 'more reason')}", mood))
    return made


def _named(names: list[str]) -> str:
    shown = words.first_of([printable(name) for name in names], _MOST_NAMED)
    return shown if len(names) == 1 else f"{len(names):,} hosts ({shown})"


def _needs_root(entry: Json) -> bool:
    return any(_BECOME in reason for reason in [*entry["reasons"], entry["message"] or ""])


def _paragraph(text: str, width: int, mood: str) -> list[Line]:
    first, *rest = list(wrapped(printable(text), width - 4)) or [""]
    return [Line(first, mood), *(Line("    " + part, mood) for part in rest)]
