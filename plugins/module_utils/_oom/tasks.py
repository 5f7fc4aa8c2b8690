# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's task table: columns by the header, the name last (it may hold blanks and brackets)."""

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import kernel as patterns
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .model import Process, Task

_MAX_ROWS = 20_000
#: A row has some 110 characters; what is longer was not written by a kernel.
_MAX_ROW = 400
#: Columns in pages.
_SIZES = ("total_vm", "rss", "rss_anon", "rss_file", "rss_shmem")
#: Page tables: pgtables_bytes since 4.15; before, so many pages of each kind.
_COUNTS = ("nr_ptes", "nr_pmds", "nr_puds")
#: Page sizes that Linux has.
_PAGES = (4096, 8192, 16384, 65536, 262144)
#: Digits of a number: in bytes it stays below 80 bits, whoever wrote it.
_MAX_DIGITS = 18
#: Bytes of a name; each that is no text takes four when it is escaped.
_MAX_NAME = 60
#: Lines over which a mail program or a terminal may break a row.
_MAX_PARTS = 4
#: What mainline kernels print, 2.6.32 to 6.18; a column beyond these is of a kernel that reckons in its own way.
KNOWN_COLUMNS = frozenset(
    _SIZES + _COUNTS + ("uid", "tgid", "cpu", "oom_adj", "pgtables_bytes", "swapents", "oom_score_adj", "name")
)
# Between two rows: what somebody left out, or the kernel itself.
_LEFT_OUT = regex(r"[\s>#\[(<]{0,8}(?:\.{2,}|\u2026|snip|cut|truncated|[\w ,:]{0,40}messages dropped)", re.IGNORECASE)
_NAME_FIRST = regex(r"\s*(-?\d{1,20})(?!\d)")


class Row(NamedTuple):
    """What every era's row tells: uid, tgid, the last number before the name (the adjustment), the name."""

    uid: int
    tgid: int
    numbers: Tuple[int, ...]
    comm: str


def parse_row(rest: str, columns: Optional[List[str]]) -> Optional[Row]:
    """The row behind ``[pid]``. Without a header the numbers end where the name begins."""
    return _with_columns(rest, len(columns) - 1) if columns else _without_columns(rest)


def _with_columns(rest: str, wanted: int) -> Optional[Row]:
    parts = rest.split(None, wanted)
    if wanted < 4 or len(parts) < wanted or max(map(len, parts[:wanted])) > _MAX_DIGITS:
        return None
    try:
        numbers = tuple(map(int, parts[:wanted]))
    except ValueError:
        return None
    # One blank stands before the name; more of them are the name's own.
    before = rest[: len(rest) - len(parts[wanted])].rstrip() if len(parts) > wanted else rest.rstrip()
    return Row(numbers[0], numbers[1], numbers, _name(rest[len(before) + 1 :]))


def _without_columns(rest: str) -> Optional[Row]:
    numbers = []  # type: List[int]
    at = 0
    while True:
        found = _NAME_FIRST.match(rest, at)
        if not found or not rest[found.end() : found.end() + 1].isspace():
            break
        numbers.append(int(found.group(1)))
        at = found.end()
    if len(numbers) < 4:
        return None
    return Row(numbers[0], numbers[1], tuple(numbers), _name(rest[at:][1:]))


def _name(text: str) -> str:
    """A terminal pads its lines with blanks; a name may end in one, and no name is that long."""
    return text.rstrip(" ") if text.endswith("   ") or len(text) > _MAX_NAME else text


class Table:
    """The rows of one report, kept as text until somebody asks."""

    def __init__(self) -> None:
        self.columns = None  # type: Optional[List[str]]
        self.page_size = None  # type: Optional[int]
        self.cut = False
        self._rows = {}  # type: Dict[int, str]
        self._broken = []  # type: List[str]  # a header of which only the beginning came
        self._last = None  # type: Optional[int]  # the row that the next bare line may belong to
        self._parts = 0

    def feed(self, text: str) -> bool:
        """True when the line belongs to the table."""
        if not text.startswith("["):
            if text.startswith("Node ") and self.page_size is None:
                page = patterns.PAGE_SIZE.match(text)
                if page and int(page.group("kb")) * 1024 in _PAGES:
                    self.page_size = int(page.group("kb")) * 1024
            return False
        row = patterns.TABLE_ROW.match(text)
        if row:
            if len(self._rows) < _MAX_ROWS and len(text) <= _MAX_ROW:
                self._last, self._parts = int(row.group("pid")), 1
                self._rows[self._last] = row.group("rest")
            else:
                self._last, self.cut = None, True
            return True
        header = patterns.TABLE_HEADER.match(text)
        if header:
            self.columns, self._broken = header.group("columns").split(), []
            return True
        if patterns.TABLE_HEADER_BROKEN.match(text):
            self._broken = [text]
            return True
        return False

    @property
    def count(self) -> int:
        return len(self._rows)

    def lists(self, pid: int) -> bool:
        return pid in self._rows

    def interrupted(self, text: str) -> None:
        """A line that is no row: does it say that rows were left out?"""
        if (self._rows or self.columns) and not self.cut:
            self.cut = _LEFT_OUT.match(text) is not None

    def resume(self, text: str) -> bool:
        """A line without any prefix, behind a header or a row that was broken by a mail program or a terminal: its
        rest.
        """
        if self._broken:
            self._broken.append(text)
            # A mail program breaks at a blank and takes it away, a terminal breaks anywhere and takes nothing.
            for joined in ("".join(self._broken), " ".join(self._broken)):
                header = patterns.TABLE_HEADER.match(joined)
                if header and set(header.group("columns").split()) <= KNOWN_COLUMNS:
                    self.columns, self._broken = header.group("columns").split(), []
                    return True
            if len(self._broken) >= _MAX_PARTS:
                self._broken = []
            return True
        if self._last is None or self.columns is None or self._parts >= _MAX_PARTS or not text or len(text) > _MAX_ROW:
            return False
        rest = self._rows[self._last]
        row = parse_row(rest, self.columns)
        if row is not None and row.comm:
            self._last = None
            return False
        self._parts += 1
        for joined in (rest + text, rest + " " + text):
            row = parse_row(joined, self.columns)
            if row is not None and row.comm:
                break
        self._rows[self._last] = joined
        return True

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

    def learn_page_size(self, victim: Process) -> None:
        """A report of a cgroup does not tell the page size; the victim's row in pages and its own line in bytes do."""
        rest = None if victim.pid is None or self.page_size is not None else self._rows.get(victim.pid)
        row = (
            parse_row(rest, self.columns) if rest is not None and self.columns and "total_vm" in self.columns else None
        )
        if row is not None and self.columns and victim.total_vm:
            pages = row.numbers[self.columns.index("total_vm")]
            self.page_size = next((page for page in _PAGES if pages * page == victim.total_vm), None)

    def tasks(self) -> Tuple[Task, ...]:
        """Every row with sizes in bytes. Pages are 4 KiB where the report does not say."""
        if not self.columns:
            return ()
        page = self.page_size or 4096
        at = {column: index for index, column in enumerate(self.columns)}
        sizes = tuple(at.get(column) for column in _SIZES)
        swap, adj = at.get("swapents"), at.get("oom_score_adj")
        tables, counts = at.get("pgtables_bytes"), [at[column] for column in _COUNTS if column in at]
        found = []  # type: List[Task]
        for pid, rest in self._rows.items():
            row = parse_row(rest, self.columns)
            if row is None:
                continue
            numbers = row.numbers
            if tables is not None:
                pgtables = numbers[tables]  # type: Optional[int]
            else:
                pgtables = sum([numbers[index] for index in counts]) * page if counts else None
            total_vm, rss, anon, file, shmem = [None if index is None else numbers[index] * page for index in sizes]
            swapped = None if swap is None else numbers[swap] * page
            adjust = None if adj is None else numbers[adj]
            found.append(
                Task(pid, row.tgid, row.uid, row.comm, total_vm, rss, anon, file, shmem, pgtables, swapped, adjust)
            )
        return tuple(found)
