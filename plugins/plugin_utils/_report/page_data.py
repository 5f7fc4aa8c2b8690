# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that the script of the page draws: column by column, every text once, packed. `page_data.js` unpacks them.

A page must open at once whatever the fleet: the newest kills are there one by one, older ones are counted in groups.
"""

from __future__ import annotations

import base64
import json
import re
import typing as t
import zlib

from . import columns, words
from .columns import Column, HostRow, KillRow
from .host import Json
from .markup import Html

#: kills that are there one by one, and groups of older ones
MOST = 50_000


class Rows(t.NamedTuple):
    """kills -- newest first; times -- how many kills each row stands for; left_out -- kills in no row"""

    kills: list[KillRow]
    times: list[int]
    left_out: int = 0


def grouped(kills: list[KillRow], most: int = MOST) -> Rows:
    """The newest as they are. Older ones that nobody could tell apart in a table become one row each kind."""
    groups: dict[tuple[t.Any, ...], list[KillRow]] = {}
    for row in kills[most:]:
        kill = row.kill
        same = (row.host, row.counts, kill["unit"], kill["victim"]["comm"], kill["killer"], kill["scope"])
        groups.setdefault((*same, kill["proof"], words.where(kill), words.shortage(kill)), []).append(row)
    found = list(groups.values())
    left_out = sum(len(group) for group in found[most:])
    listed = kills[:most]
    return Rows(
        listed + [_as_one(group) for group in found[:most]],
        [1] * len(listed) + [len(group) for group in found[:most]],
        left_out,
    )


def _as_one(group: list[KillRow]) -> KillRow:
    """A group as a kill of which only that is known that all of them have in common, at the time of the newest."""
    newest = group[0]
    if len(group) == 1:
        return newest
    kill = newest.kill
    times = [row.kill["time"] for row in group if row.kill["time"] is not None]
    since = f", {words.utc_minute(min(times))} to {words.utc_minute(max(times))}" if times else ""
    blank = dict.fromkeys(kill["victim"])
    return newest._replace(
        kill=dict(
            kill,
            victim=dict(blank, comm=kill["victim"]["comm"]),
            invoker=dict.fromkeys(kill["invoker"]),
            why=f"{len(group):,} kills{since}, counted together: each of them is in report.json and kills.csv",
            **dict.fromkeys(("id", "uptime", "boot_id", "ledger")),
        )
    )


def _texts(values: t.Iterable[str | None]) -> Json:
    """Every text once, and for each row which one; -1 is none."""
    known: dict[str, int] = {}
    rows = [-1 if value is None else known.setdefault(value, len(known)) for value in values]
    return {"texts": list(known), "rows": rows}


_DIGITS = re.compile(r"[0-9]+")
#: stands for a number in a sentence; printable texts have none
_GAP = "\0"


def _sentences(values: t.Iterable[str | None]) -> Json:
    """Sentences that differ in their numbers only are one text, and the numbers stand apart."""
    found = list(values)
    packed = _texts(None if value is None else _DIGITS.sub(_GAP, value) for value in found)
    packed["numbers"] = ["" if value is None else " ".join(_DIGITS.findall(value)) for value in found]
    return packed


def _times(values: t.Iterable[float | None]) -> Json:
    """Milliseconds, each as the difference to the one before."""
    steps: list[int | None] = []
    last = 0
    for value in values:
        if value is None:
            steps.append(None)
            continue
        now = int(value * 1000)
        steps.append(now - last)
        last = now
    return {"steps": steps}


def _packed(column: Column, rows: t.Sequence[t.Any]) -> Json:
    values: list[t.Any] = [column.value(row) for row in rows]
    if column.kind == columns.SENTENCE:
        return _sentences(values)
    if column.kind == "moment":
        return _times(values)
    if all(isinstance(value, str) for value in {type(value): value for value in values if value is not None}.values()):
        return _texts(values)
    return {"values": values}


def _table(table: t.Sequence[Column], rows: t.Sequence[t.Any]) -> list[Json]:
    """Columns with their values; one that is empty everywhere tells nothing beside the table's own."""
    made = []
    cells = columns.filled(columns.of(table, columns.PAGE), rows)
    for column in table:
        shown = column in cells
        if not shown and columns.DETAIL not in column.formats:
            continue
        packed = _packed(column, rows)
        if packed.get("texts") == [] and not shown:
            continue
        made.append({"key": column.key, "title": column.title, "kind": column.kind, "shown": shown, **packed})
    return made


#: rows of a kill's ledger, largest usual ones first; what else a host may send is none
LEDGER = (
    ("anon", "processes (anon)"),
    ("shmem", "shared memory"),
    ("file", "page cache"),
    ("unevictable", "unevictable"),
    ("slab_unreclaimable", "slab, not reclaimable"),
    ("slab_reclaimable", "slab, reclaimable"),
    ("page_tables", "page tables"),
    ("kernel_stack", "kernel stacks"),
    ("hugepages", "huge pages"),
    ("percpu", "per CPU"),
    ("vmalloc", "vmalloc"),
    ("sock", "sockets"),
    ("swap_cached", "swap cache"),
    ("zswap", "zswap"),
    ("other_kernel", "other memory of the kernel"),
    ("unaccounted", "unaccounted"),
    ("free", "free"),
)


def _parts(kill: Json) -> Json:
    """The rows of its ledger; a host may have sent anything."""
    ledger = kill.get("ledger")
    rows = ledger.get("rows") if isinstance(ledger, dict) else None
    return rows if isinstance(rows, dict) else {}


def _sizes(values: t.Iterable[t.Any]) -> list[int | None]:
    return [
        value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None for value in values
    ]


def _ledger(rows: t.Sequence[KillRow]) -> Json:
    """What held the memory that was short, in bytes: `total`, whether that is a `limit`, and the parts of it."""
    parts = [_parts(row.kill) for row in rows]
    if not any(parts):
        return {}
    whole = [row.kill["ledger"] if part else {} for row, part in zip(rows, parts, strict=True)]
    made = [{"title": title, "values": _sizes([part.get(key) for part in parts])} for key, title in LEDGER]
    return {
        "total": _sizes([one.get("total") for one in whole]),
        "limit": [int(one.get("of") == "limit") for one in whole],
        "parts": [part for part in made if any(part["values"])],
    }


def collect(kills: Rows, hosts: t.Sequence[HostRow]) -> Json:
    """Everything that the script needs to draw the tables."""
    return {
        "marks": words.QUALITY,
        "kills": {
            "rows": len(kills.kills),
            "columns": _table(columns.KILLS, kills.kills),
            "times": [] if all(count == 1 for count in kills.times) else kills.times,
            "ledger": _ledger(kills.kills),
        },
        "hosts": {"rows": len(hosts), "columns": _table(columns.HOSTS, hosts)},
    }


def pack(value: Json) -> Html:
    """As JSON, deflated, in Base64: no letter of it means anything to HTML."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Html(base64.b64encode(zlib.compress(text.encode("utf-8"), 6)).decode("ascii"))
