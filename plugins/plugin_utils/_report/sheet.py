# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kills.csv: one row per kill for a spreadsheet, which must never take a process name for a formula."""

from __future__ import annotations

import csv
import functools
import io

from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import words
from .fleet import each_kill, is_counted
from .host import Json

_VICTIM = (
    "pid",
    "comm",
    "uid",
    "total_vm",
    "anon_rss",
    "file_rss",
    "shmem_rss",
    "pgtables",
    "oom_score_adj",
    "oom_score",
)
_KILL = (
    "killer",
    "scope",
    "trigger",
    "constraint",
    "unit",
    "container_id",
    "oom_memcg",
    "task_memcg",
    "kernel",
    "boot_id",
    "id",
)
HEADER = (
    ("host", "log_host", "time", "time_quality", "trusted", "proof", "counted")
    + _VICTIM
    + _KILL
    + ("invoker_pid", "invoker_comm", "gfp_mask", "order", "partial", "source", "seen_in")
)
_ID = HEADER.index("id")
#: the first letters a spreadsheet reads as a formula (OWASP), full-width forms that some of them fold included
_FORMULA = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")


def cell(value: object) -> str:
    """Numbers as they are; a text that looks like a formula gets an apostrophe in front, its controls shown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else _text(str(value))


@functools.lru_cache(maxsize=16384)
def _text(value: str) -> str:
    text = printable(value)
    return "'" + text if text.lstrip(" '\u00a0").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def render(report: Json) -> str:
    """The CSV text, oldest kill first within a host, hosts by name."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADER)
    rows = []
    for name, kill, counts in each_kill(report):
        invoker, source = kill["invoker"], kill["source"]
        made = [
            name,
            kill["host"],
            words.iso(kill["time"]),
            kill["time_quality"],
            source["trusted"],
            kill["proof"],
            counts and is_counted(kill),
        ]
        made += [kill["victim"][key] for key in _VICTIM]
        made += [kill[key] for key in _KILL]
        made += [invoker["pid"], invoker["comm"], invoker["gfp_mask"], invoker["order"], kill["partial"]]
        made += [source["name"], " ".join(source["seen_in"])]
        rows.append([cell(value) if isinstance(value, (str, bool)) else value for value in made])
    rows.sort(key=lambda row: (row[0], row[2], str(row[_ID])))
    writer.writerows(rows)
    return out.getvalue()
