# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report tells of a kill and of a host, column by column. Page, terminal, Markdown and CSV read these tables; a
new column is a row here and a test.
"""

from __future__ import annotations

import typing as t

from . import words
from .fleet import is_counted
from .host import Json

#: what a column may stand in: a table of the page, the fields that a click on a row of the page shows, the table on a
#: terminal, report.md, kills.csv
PAGE, DETAIL, TERMINAL, MARKDOWN, CSV = FORMATS = ("page", "detail", "terminal", "markdown", "csv")
_TABLES = (PAGE, TERMINAL, MARKDOWN)
_ALL = (PAGE, TERMINAL, MARKDOWN, CSV)

Value = t.Union[str, float, None]  # int and bool are among these


class KillRow(t.NamedTuple):
    """counts -- False for a copy of a kill that another host shows too; unit -- what systemd knows of its unit"""

    host: str
    kill: Json
    counts: bool
    unit: t.Optional[Json] = None


class HostRow(t.NamedTuple):
    host: str
    entry: Json


class Column(t.NamedTuple):
    """One column of kills, or of hosts.

    key -- its name for machines: in kills.csv, in filters of the page and in the page's address
    title -- its name for people, the same in every format
    value -- what it shows of a row: a number or a text as it is, None where it is unknown
    formats -- where it stands
    kind -- how that is written for people: see `shown`, and the classes in page.css
    least -- on a terminal it may be cut down to this where room is short; 0 is never cut
    room -- a terminal that is narrower does without
    """

    key: str
    title: str
    value: t.Callable[[t.Any], Value]
    formats: tuple[str, ...]
    kind: str = "text"
    least: int = 0
    room: int = 0


#: kinds that stand at the right edge
NUMBERS = ("number", "count", "size")
#: a text that is too long for a cell stands below its row
SENTENCE = "sentence"

_NARROW, _ROOMY = 110, 132
_MOST_NAMES = 3


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _count(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) else _text(value)


def _size(value: Value) -> str:
    return words.mebibytes(t.cast("float | None", value))


def _time(value: Value) -> str:
    return words.utc_minute(value) if isinstance(value, (int, float)) else _text(value)


def _moment(value: Value) -> str:
    return words.utc(t.cast("float | None", value))


#: kind -> its wording; every other kind is text
_WORDINGS: dict[str, t.Callable[[Value], str]] = {"count": _count, "size": _size, "time": _time, "moment": _moment}


def shown(column: Column, row: t.Any) -> str:
    """The value as a person reads it, nothing for None."""
    return _WORDINGS.get(column.kind, _text)(column.value(row))


def _of(key: str, inner: str | None = None) -> t.Callable[[KillRow], Value]:
    """A value of the kill as it is in the facts. Millions are asked for, so each is as short as can be."""
    if inner is None:
        return lambda row: row.kill[key]
    return lambda row: row.kill[key][inner]


def _container(row: KillRow) -> Value:
    return words.container_words(row.kill) if row.kill["container_id"] else None


def logged_as(row: KillRow) -> Value:
    """The host by the log, where it has another name: a central log server tells of many."""
    name = row.kill["host"]
    same = not name or name.partition(".")[0].lower() == row.host.partition(".")[0].lower()
    return None if same else t.cast(Value, name)


def _copy(row: KillRow) -> Value:
    return "no" if row.counts else "yes"


def _systemd(row: KillRow) -> Value:
    return words.unit_now(row.unit) if row.unit else None


#: in the order of the tables that people read; kills.csv has an order of its own
KILLS: tuple[Column, ...] = (
    Column("time", "Time (UTC)", _of("time"), _ALL, "moment"),
    Column("host", "Host", lambda row: row.host, _ALL, "name", least=8),
    Column("victim", "Victim", lambda row: words.victim(row.kill), _TABLES, "mono", least=12),
    Column("uid", "UID", _of("victim", "uid"), _ALL, "number", room=_ROOMY),
    Column("where", "Unit or cgroup", lambda row: words.where(row.kill), _TABLES, "unit", least=10),
    Column("anon_rss", "Anon MiB", _of("victim", "anon_rss"), _ALL, "size"),
    Column("oom_score_adj", "Adj", _of("victim", "oom_score_adj"), _ALL, "number", room=_ROOMY),
    Column("shortage", "Out of memory", lambda row: words.shortage(row.kill), _TABLES, "mono", least=14, room=_NARROW),
    Column("killer", "Killer", _of("killer"), _ALL, room=_NARROW),
    Column("proof", "Proof", _of("proof"), _ALL, "badge"),
    # Below the row, or in a click's details.
    Column("why", "Why", _of("why"), _ALL, SENTENCE),
    Column("logged_as", "in the log of", logged_as, (DETAIL,)),
    Column("systemd", "the unit when the host was asked", _systemd, (DETAIL,)),
    Column("unit", "unit", _of("unit"), (DETAIL, CSV)),
    Column("task_memcg", "cgroup of the victim", _of("task_memcg"), (DETAIL, CSV)),
    Column("oom_memcg", "cgroup that was out of memory", _of("oom_memcg"), (DETAIL, CSV)),
    Column("container_id", "container id", _of("container_id"), (DETAIL, CSV)),
    Column("container", "container", _container, (DETAIL, CSV)),
    Column("image", "image", _of("container", "image"), (DETAIL,)),
    Column("engine", "engine", _of("container", "engine"), (DETAIL,)),
    Column("scope", "scope", _of("scope"), (DETAIL, CSV)),
    Column("constraint", "constraint", _of("constraint"), (DETAIL, CSV)),
    Column("trigger", "trigger", _of("trigger"), (DETAIL, CSV)),
    Column("comm", "comm", _of("victim", "comm"), (DETAIL, CSV)),
    Column("pid", "pid", _of("victim", "pid"), (DETAIL, CSV), "number"),
    Column("file_rss", "file-rss, MiB", _of("victim", "file_rss"), (DETAIL, CSV), "size"),
    Column("shmem_rss", "shmem-rss, MiB", _of("victim", "shmem_rss"), (DETAIL, CSV), "size"),
    Column("pgtables", "page tables, MiB", _of("victim", "pgtables"), (DETAIL, CSV), "size"),
    Column("total_vm", "total-vm, MiB", _of("victim", "total_vm"), (DETAIL, CSV), "size"),
    Column("oom_score", "oom_score", _of("victim", "oom_score"), (DETAIL, CSV), "number"),
    Column("invoker_comm", "allocation failed in", _of("invoker", "comm"), (DETAIL, CSV)),
    Column("invoker_pid", "its pid", _of("invoker", "pid"), (DETAIL, CSV), "number"),
    Column("gfp_mask", "gfp_mask", _of("invoker", "gfp_mask"), (DETAIL, CSV)),
    Column("order", "order", _of("invoker", "order"), (DETAIL, CSV), "number"),
    Column("kernel", "kernel", _of("kernel"), (DETAIL, CSV)),
    Column("time_quality", "time is", _of("time_quality"), (DETAIL, CSV)),
    Column("boot_id", "boot", _of("boot_id"), (DETAIL, CSV)),
    Column("uptime", "uptime, s", _of("uptime"), (DETAIL,), "number"),
    Column("log_host", "host in the log", _of("host"), (CSV,)),
    Column("source", "source", _of("source", "name"), (DETAIL, CSV)),
    Column("reason", "because", _of("source", "reason"), (DETAIL,)),
    Column("seen_in", "seen in", lambda row: " ".join(row.kill["source"]["seen_in"]), (DETAIL, CSV)),
    Column("trusted", "trusted", lambda row: row.kill["source"]["trusted"], (CSV,)),
    Column("counted", "counted", lambda row: row.counts and is_counted(row.kill), (CSV,)),
    Column("partial", "announced, no \u201cKilled process\u201d line", _of("partial"), (DETAIL, CSV)),
    Column("copy", "copy of what another host shows", _copy, (DETAIL,)),
    Column("id", "id", _of("id"), (DETAIL, CSV)),
)


def _told(key: str, row: HostRow) -> Value:
    """A number of kills: where the host is not known, zero is not either."""
    number: int = row.entry[key]
    return number if number or row.entry["state"] == "ok" else "?"


def _some(*keys: str) -> t.Callable[[HostRow], Value]:
    """A number where there is one to speak of."""
    return lambda row: sum(row.entry[key] for key in keys) or None


def _since(row: HostRow) -> Value:
    since: float | None = row.entry["since"]
    return "unknown" if since is None and row.entry["state"] == "ok" else since


def _asked(row: HostRow) -> Value:
    asked: float | None = row.entry["gathered_at"]
    return "unknown" if asked is None and row.entry["state"] == "ok" else asked


def _most(row: HostRow) -> Value:
    """The units that lost most, else the processes."""
    counts = row.entry["by_unit"] or row.entry["by_comm"]
    names = [f"{name} \u00d7{count}" if count > 1 else name for name, count in list(counts.items())[:_MOST_NAMES]]
    return ", ".join(names + [f"{len(counts) - _MOST_NAMES} more"] * (len(counts) > _MOST_NAMES))


def _verdict(row: HostRow) -> Value:
    state, reasons = words.verdict(row.entry)
    return f"{state}: {reasons}" if reasons else state


HOSTS: tuple[Column, ...] = (
    Column("host", "Host", lambda row: row.host, _TABLES, "name", least=12),
    Column("state", "State", lambda row: words.state_word(row.entry), _TABLES, "badge"),
    Column("kills", "Kills", lambda row: _told("kills", row), _TABLES, "count"),
    Column("disputed", "Disputed", _some("disputed"), _TABLES, "count"),
    # On a terminal each of them has a line above the table.
    Column("unresolved", "Unresolved", _some("unresolved", "unresolved_disputed"), (PAGE,), "count"),
    Column("worst", "Lost most", _most, _TABLES, "unit", least=10),
    Column("last", "Last kill", lambda row: row.entry["last"], _TABLES, "time"),
    Column("verdict", "Will it come again", _verdict, (PAGE, MARKDOWN), "verdict"),
    Column("since", "Sees since", _since, _TABLES, "time"),
    Column("asked", "Asked", _asked, _TABLES, "time", room=_NARROW),
    Column("known", "known", lambda row: "yes" if row.entry["state"] == "ok" else "no", (DETAIL,)),
    Column("why", "What it could not see", lambda row: words.why(row.entry), _TABLES, SENTENCE),
)


def of(table: t.Sequence[Column], format_: str) -> list[Column]:
    """Those that stand in a format."""
    return [column for column in table if format_ in column.formats]


def cells_of(table: t.Sequence[Column], format_: str) -> list[Column]:
    """Those that have a cell there; the sentence stands below the row."""
    return [column for column in of(table, format_) if column.kind != SENTENCE]


#: what the page's script refers to by name
_FIXED = ("time", "host", "victim", "proof", "why")


def filled(table: t.Sequence[Column], rows: t.Sequence[t.Any]) -> list[Column]:
    """Those that tell something of at least one row."""
    return [
        column for column in table if column.key in _FIXED or any(column.value(row) not in (None, "") for row in rows)
    ]
