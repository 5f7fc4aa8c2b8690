# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""index.html: one file that needs no network, no server and no script to be read; with script it sorts and filters."""

from __future__ import annotations

import pathlib

from . import first_screen, page_data, sections, timeline, words
from .columns import HostRow, KillRow
from .fleet import each_kill, urgency
from .host import Json
from .markup import NEWLINE, Html, digest, join, tag


def asset(name: str) -> str:
    """A file that lies beside this one."""
    return pathlib.Path(__file__).with_name(name).read_text(encoding="utf-8")


def script() -> str:
    """One script, out of files that each have a subject."""
    return "\n".join(asset(name) for name in _SCRIPTS)


_SCRIPTS = ("page_data.js", "page_table.js", "page_kills.js", "page.js")


def kill_rows(report: Json) -> list[KillRow]:
    """Every kill, newest first, those without a time last; with what systemd knows of its unit."""
    units: dict[str, dict[str, Json]] = {}
    for name, entry in report["hosts"].items():
        given = entry["oom"].get("units") if entry["oom"] else None
        found = [unit for unit in given if isinstance(unit, dict)] if isinstance(given, list) else []
        units[name] = {str(unit.get("name")): unit for unit in found}
    rows = [KillRow(name, kill, counts, units[name].get(kill["unit"])) for name, kill, counts in each_kill(report)]
    rows.sort(key=lambda row: (row.host, str(row.kill["id"])))
    rows.sort(key=lambda row: -1.0 if row.kill["time"] is None else row.kill["time"], reverse=True)
    return rows


_LEGEND = (
    (
        "Proof",
        (
            "kernel: a record that only the kernel, or the named daemon, can have written. confirmed: a text"
            " log, and a sign that no other user can write, such as systemd's own word or a counter of the kernel."
            f" logged: a text log of a time that no trusted source covers; {words.PERSISTENT}. disputed: a text log of"
            " a time that the journal covers and that it does not have. Any local user can write a perfect kernel line"
            " into a text log, so disputed lines are shown apart and count nowhere."
        ),
    ),
    (
        "Unknown, not clean",
        "a host that could not be reached, or whose logs could not be read, may have killed anything.",
    ),
    ("Sees since", "the oldest moment the host's sources reach back to. Before it, silence means nothing."),
    (
        "Chronic",
        (
            "the same unit or process died in three shortages, or there were shortages on three days, or memory is"
            " still short an hour later. Transient: one shortage, or two that lie weeks apart, and nothing is short"
            " now."
        ),
    ),
    (
        "Marks behind a time",
        "; ".join(f"{mark} {meaning}" for mark, meaning in words.QUALITY.values() if mark) + ". All times are UTC.",
    ),
    (
        "Names",
        (
            "the names of processes, units and cgroups are chosen by the users who run them. Control characters and"
            " bytes that are not UTF-8 are shown as \\xNN."
        ),
    ),
)


def render(report: Json, title: str, findings: Html = Html("")) -> str:
    """The HTML text. findings -- a section that stands above all others"""
    kills = kill_rows(report)
    hosts = [HostRow(*item) for item in sorted(report["hosts"].items(), key=urgency)]
    rows = page_data.grouped(kills)
    style, code = asset("page.css") + asset("first_screen.css"), script()
    policy = (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(code)}; base-uri 'none'; form-action"
        " 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Html(style)),
    )
    generated = report["generated_at"]
    stamp = tag("time", words.utc(generated), datetime=words.iso(generated))
    body = tag(
        "body",
        tag("a", "Skip to the kills", href="#kills", class_="skip"),
        tag(
            "header",
            tag("h1", title),
            first_screen.verdict(report),
            NEWLINE,
            tag("p", "Generated ", stamp, id="generated"),
            NEWLINE,
            sections.tiles(report),
        ),
        tag(
            "main",
            findings,
            first_screen.first(report),
            sections.alarms(report),
            first_screen.problems(report),
            tag("section", tag("h2", "When"), timeline.draw(report, kills)),
            sections.who(report),
            sections.hosts(hosts),
            sections.kills(report, rows),
        ),
        tag(
            "footer",
            tag("h2", "How to read this"),
            tag("dl", *[Html(tag("dt", term) + tag("dd", text)) for term, text in _LEGEND], class_="muted"),
        ),
        NEWLINE,
        _program(page_data.collect(rows, hosts), code) if hosts else "",
    )
    return "<!DOCTYPE html>\n" + tag("html", head, NEWLINE, body, lang="en") + "\n"


def _program(data: Json, code: str) -> Html:
    packed = tag("script", page_data.pack(data), type="text/plain", id="data")
    return join((packed, tag("script", Html(code))), NEWLINE)
