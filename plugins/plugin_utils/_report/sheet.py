# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kills.csv: one row per kill for a spreadsheet, which must never take a process name for a formula."""

from __future__ import annotations

import csv
import functools
import io
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import columns, words
from .columns import Column, KillRow, Value
from .fleet import each_kill
from .host import Json

#: Programs read these by their place, so it stays; every other column follows in the order of its table.
_PLACES = (
    *("host", "log_host", "time", "time_quality", "trusted", "proof", "counted"),
    *("pid", "comm", "uid", "total_vm", "anon_rss", "file_rss", "shmem_rss", "pgtables", "oom_score_adj", "oom_score"),
    *("killer", "scope", "trigger", "constraint", "unit", "container_id", "oom_memcg", "task_memcg", "kernel"),
    *("boot_id", "id", "invoker_pid", "invoker_comm", "gfp_mask", "order", "partial", "source", "seen_in"),
)


def _in_place(column: Column) -> int:
    return _PLACES.index(column.key) if column.key in _PLACES else len(_PLACES)


def in_order() -> list[Column]:
    return sorted(columns.of(columns.KILLS, columns.CSV), key=_in_place)


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
    if value.isprintable() and value[:1].isalnum() and value.isascii():
        return value  # nearly all
    text = printable(value)
    return "'" + text if text.lstrip(" '\u00a0").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _cell(column: Column, row: KillRow) -> Value:
    value = column.value(row)
    if column.kind == "moment":
        return words.iso(t.cast("float | None", value))
    return cell(value) if isinstance(value, (str, bool)) else value


def render(report: Json) -> str:
    """The CSV text, oldest kill first within a host, hosts by name."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    table = in_order()
    header = [column.key for column in table]
    writer.writerow(header)
    rows = [
        [_cell(column, KillRow(name, kill, counts)) for column in table] for name, kill, counts in each_kill(report)
    ]
    host, when, id_ = (header.index(key) for key in ("host", "time", "id"))
    rows.sort(key=lambda row: (row[host], row[when], str(row[id_])))
    writer.writerows(rows)
    return out.getvalue()
