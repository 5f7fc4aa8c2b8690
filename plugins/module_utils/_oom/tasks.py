# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's task table: columns by the header, the name last (it may hold blanks and brackets)."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from . import patterns
from .model import Process, Task

_MAX_ROWS = 20_000
#: A row has some 110 characters; what is longer was not written by a kernel.
_MAX_ROW = 400
_PAGES = {"total_vm": "total_vm", "rss": "rss", "rss_anon": "rss_anon", "rss_file": "rss_file", "rss_shmem": "rss_shmem"}
_NAME_FIRST = regex(r"\s*(-?\d{1,20})(?!\d)")


class Row(NamedTuple):
    """What every era's row tells: uid, tgid, the last number before the name (the adjustment), the name."""

    uid: int
    tgid: int
    numbers: Tuple[int, ...]
    comm: str


def parse_row(rest: str, columns: Optional[List[str]]) -> Optional[Row]:
    """The row behind ``[pid]``. Without a header the numbers end where the name begins."""
    wanted = len(columns) - 1 if columns else 0
    numbers = []  # type: List[int]
    at = 0
    while not wanted or len(numbers) < wanted:
        found = _NAME_FIRST.match(rest, at)
        if not found or (not wanted and not rest[found.end() : found.end() + 1].isspace()):
            break
        numbers.append(int(found.group(1)))
        at = found.end()
    if len(numbers) < 4 or (wanted and len(numbers) < wanted):
        return None
    return Row(uid=numbers[0], tgid=numbers[1], numbers=tuple(numbers), comm=rest[at:][1:])


class Table:
    """The rows of one report, kept as text until somebody asks."""

    def __init__(self) -> None:
        self.columns = None  # type: Optional[List[str]]
        self.page_size = None  # type: Optional[int]
        self._rows = {}  # type: Dict[int, str]

    def feed(self, text: str) -> bool:
        """True when the line belongs to the table."""
        if not text.startswith("["):
            if text.startswith("Node ") and self.page_size is None:
                page = patterns.PAGE_SIZE.match(text)
                self.page_size = int(page.group("kb")) * 1024 if page else None
            return False
        row = patterns.TABLE_ROW.match(text)
        if row:
            if len(self._rows) < _MAX_ROWS and len(text) <= _MAX_ROW:
                self._rows[int(row.group("pid"))] = row.group("rest")
            return True
        header = patterns.TABLE_HEADER.match(text)
        if header:
            self.columns = header.group("columns").split()
            return True
        return False

    def complete(self, victim: Process) -> Process:
        """The victim with uid and oom_score_adj from its row, where its own line has none (to 5.3)."""
        if victim.pid is None or (victim.uid is not None and victim.oom_score_adj is not None):
            return victim
        rest = self._rows.get(victim.pid)
        row = parse_row(rest, self.columns) if rest is not None else None
        if row is None or (victim.comm is not None and row.comm.strip() != victim.comm.strip()):
            return victim
        adj = victim.oom_score_adj
        if adj is None and (self.columns is None or "oom_score_adj" in self.columns):
            adj = row.numbers[self.columns.index("oom_score_adj")] if self.columns else row.numbers[-1]
        return victim._replace(uid=row.uid if victim.uid is None else victim.uid, oom_score_adj=adj)

    def tasks(self) -> Tuple[Task, ...]:
        """Every row with sizes in bytes. Pages are 4 KiB where the report does not say."""
        if not self.columns:
            return ()
        page = self.page_size or 4096
        found = []  # type: List[Task]
        for pid, rest in self._rows.items():
            row = parse_row(rest, self.columns)
            if row is None:
                continue
            named = dict(zip(self.columns, row.numbers))
            sizes = {field: named[column] * page for column, field in _PAGES.items() if column in named}
            found.append(
                Task(
                    pid=pid,
                    tgid=row.tgid,
                    uid=row.uid,
                    comm=row.comm,
                    pgtables=_page_tables(named, page),
                    swap=named["swapents"] * page if "swapents" in named else None,
                    oom_score_adj=named.get("oom_score_adj"),
                    **sizes,
                )
            )
        return tuple(found)


def _page_tables(named: Dict[str, int], page: int) -> Optional[int]:
    """pgtables_bytes since 4.15; before, nr_ptes (and nr_pmds, nr_puds) count pages."""
    if "pgtables_bytes" in named:
        return named["pgtables_bytes"]
    counts = [named[column] for column in ("nr_ptes", "nr_pmds", "nr_puds") if column in named]
    return sum(counts) * page if counts else None
