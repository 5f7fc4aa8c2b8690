# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""index.html: one file that needs no network, no server and no script to be read; with script it sorts and filters."""

from __future__ import annotations

import pathlib
import typing as t

from . import first_screen, sections, timeline, words
from .fleet import each_kill
from .host import Json
from .markup import NEWLINE, Html, digest, island, tag

_Records = tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]
#: the data island: record within a kill -> (column, kind, key); kind s is an index into the strings, n the number
#: itself
_ISLAND: _Records = (
    (
        "",
        (
            ("time", "n", "time"),
            ("quality", "s", "time_quality"),
            ("log_host", "s", "host"),
            ("killer", "s", "killer"),
            ("scope", "s", "scope"),
            ("trigger", "s", "trigger"),
            ("constraint", "s", "constraint"),
            ("oom_memcg", "s", "oom_memcg"),
            ("task_memcg", "s", "task_memcg"),
            ("unit", "s", "unit"),
            ("container", "s", "container_id"),
            ("kernel", "s", "kernel"),
            ("boot", "s", "boot_id"),
            ("uptime", "n", "uptime"),
            ("id", "s", "id"),
        ),
    ),
    (
        "victim",
        (
            ("comm", "s", "comm"),
            ("pid", "n", "pid"),
            ("uid", "n", "uid"),
            ("total_vm", "n", "total_vm"),
            ("anon_rss", "n", "anon_rss"),
            ("file_rss", "n", "file_rss"),
            ("shmem_rss", "n", "shmem_rss"),
            ("pgtables", "n", "pgtables"),
            ("adj", "n", "oom_score_adj"),
            ("score", "n", "oom_score"),
        ),
    ),
    (
        "invoker",
        (
            ("invoker", "s", "comm"),
            ("invoker_pid", "n", "pid"),
            ("gfp_mask", "s", "gfp_mask"),
            ("order", "n", "order"),
        ),
    ),
    (
        "source",
        (
            ("source", "s", "name"),
            ("reason", "s", "reason"),
        ),
    ),
)
#: the same, where at least one kill has it: facts that were gathered with the task tables
_WHY = ("", (("why", "s", "why"),))
#: the same, of what the host's engines know the container by
_CONTAINER = (
    "container",
    (
        ("container_name", "s", "name"),
        ("image", "s", "image"),
        ("pod", "s", "pod"),
        ("namespace", "s", "namespace"),
        ("engine", "s", "engine"),
    ),
)


def asset(name: str) -> str:
    """A file that lies beside this one."""
    return pathlib.Path(__file__).with_name(name).read_text(encoding="utf-8")


def _data(report: Json, kills: t.Sequence[tuple[str, Json, bool]]) -> Json:
    """Every kill as a row of numbers; each string is there once."""
    strings = {}  # type: dict[str, int]

    def known(value: str | None) -> int | None:
        return None if value is None else strings.setdefault(value, len(strings))

    records: _Records = _ISLAND + ((_WHY,) if any(kill["why"] for _name, kill, _counts in kills) else ())
    if any(kill["container"][key] for _name, kill, _counts in kills for _column, _kind, key in _CONTAINER[1]):
        records += (_CONTAINER,)
    shown = [column for _inner, columns in records for column in columns]
    rows = []
    for name, kill, counts in kills:
        row = [
            known(name),
            int(counts),
            int(kill["partial"]),
            known(kill["proof"]),
            known(", ".join(kill["source"]["seen_in"]) or None),
        ]
        for inner, columns in records:
            record = kill[inner] if inner else kill
            row += [known(record[key]) if kind == "s" else record[key] for _column, kind, key in columns]
        rows.append(row)
    return {
        "columns": ["host", "counts", "partial", "proof", "seen_in"] + [column for column, _kind, _key in shown],
        "kinds": "snnss" + "".join(kind for _column, kind, _key in shown),
        "marks": words.QUALITY,
        "strings": list(strings),
        "rows": rows,
    }


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
    kills = sorted(each_kill(report), key=lambda item: (item[0], str(item[1]["id"])))
    kills.sort(key=lambda item: -1.0 if item[1]["time"] is None else item[1]["time"], reverse=True)
    style, script = asset("page.css") + asset("first_screen.css"), asset("page.js")
    policy = (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; base-uri 'none'; form-action"
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
            sections.hosts(report),
            sections.kills(report, kills),
        ),
        tag(
            "footer",
            tag("h2", "How to read this"),
            tag("dl", *[Html(tag("dt", term) + tag("dd", text)) for term, text in _LEGEND], class_="muted"),
        ),
        NEWLINE,
        tag("script", island(_data(report, kills)), type="application/json", id="data") if kills else "",
        NEWLINE,
        tag("script", Html(script)) if report["hosts"] else "",
    )
    return "<!DOCTYPE html>\n" + tag("html", head, NEWLINE, body, lang="en") + "\n"
