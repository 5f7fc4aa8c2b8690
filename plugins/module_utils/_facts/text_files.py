# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text logs of a wish: which files, how deep to look, and the lines of interest of each."""

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Callable, Deque, Dict, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.compressed import Archive, kind_of
from ansible_collections.memops.linux.plugins.module_utils._sources.context import Excerpt, Limits
from ansible_collections.memops.linux.plugins.module_utils._sources.log_paths import expand, standard_logs
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine, SourceReport
from ansible_collections.memops.linux.plugins.module_utils._sources.safe_open import open_regular
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan
from ansible_collections.memops.linux.plugins.module_utils._sources.sosreport import System
from ansible_collections.memops.linux.plugins.module_utils._sources.stream import Unsupported

from . import facts
from . import line_filter as select
from .params import Wish
from .totals import Totals

if TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

    from .newest_kills import Newest
    from .offline import Offline

#: Up to this size every line is read: pastes and mails break lines in ways that anchors cannot see.
_EVERY_LINE = 256 * 1024
#: None of the lines that are looked for does without one of these; in an exported journal they may be numbers.
_WORDS = (b"Kill", b"kill", b"oom", b"OOM", b"SIG", b"emory", b'"MESSAGE"')
#: Above this size the other killers are looked for only where one is installed: it doubles the cost.
_DEEP_FILE = 64 << 20
_COMPRESSION = 8
#: Of a plain file in one read: what fits into the processor's cache beside its own copy.
_CHUNK = 512 * 1024
_ENDS_OF_COMPRESSED = (".gz", ".xz", ".bz2", ".zst", ".lzma")
_HEAD = 4096
_KERNEL_ONLY = (
    "is large, and was looked through for the kernel's kills only: set killers to all for those of systemd-oomd,"
    " earlyoom, nohang and oomd"
)
_NO_LOG = (
    "has no line with a time, nor in a form of dmesg, syslog or the journal: is it a log? That no kill is in it says"
    " nothing"
)
#: More kills than that do not fit into the default result: one takes some 800 bytes of JSON.
_FIT = facts.RESULT_BYTES // 800
#: So much of the reports of a file is parsed whole, the newest: some 15 of 200 processes. That takes 0.15 s.
WHOLE_BYTES = 512 << 10
#: What waits for them, at most.
_HELD_BYTES = 4 << 20
_KILLERS = (
    "/usr/lib/systemd/systemd-oomd",
    "/lib/systemd/systemd-oomd",
    "/usr/bin/earlyoom",
    "/usr/local/bin/earlyoom",
    "/usr/sbin/nohang",
    "/usr/bin/nohang",
    "/usr/local/sbin/nohang",
    "/usr/bin/oomd",
)


def _age_key(path: str) -> Tuple[float, str]:
    """The oldest first: then the ledger lets the oldest kills go."""
    try:
        return (os.stat(path).st_mtime, path)
    except (OSError, ValueError):
        return (0.0, path)


def _size_of(path: str) -> int:
    """Bytes of text in a file, a guess for a compressed one; 0 where it cannot be known."""
    try:
        size = os.stat(path).st_size
    except (OSError, ValueError):
        return 0
    return size * _COMPRESSION if path.endswith(_ENDS_OF_COMPRESSED) else size


class TextFiles:
    """The text logs of a wish."""

    def __init__(
        self, host: Host, wish: Wish, counted: Optional[Callable[[Totals], None]], offline: Optional["Offline"] = None
    ) -> None:
        """
        counted -- takes kills that need not be parsed, None where every kill must be compared with other sources
        offline -- directories and tarballs among the paths, which know their machine
        """
        self._host = host
        self._systems = offline.systems if offline else {}  # type: Dict[str, System]
        self._wish = wish
        self._installed = any(os.path.exists(host.path(program)) for program in _KILLERS)
        self._counted = counted
        self.reports = list(offline.reports) if offline else []  # type: List[SourceReport]

    def each(self) -> Iterator[Iterator[LogLine]]:
        """The lines of interest of one file after the other, the oldest first."""
        named = self._wish.paths is not None
        found = expand(self._wish.paths or ()) if named else standard_logs(self._host.root)
        self.reports += found.missing
        if len(found.paths) != 1:
            self._counted = None  # the same kill may stand in several files
        for path in sorted(found.paths, key=_age_key):
            within = found.within.get(path)
            yield self._scan(path, named and within is None, within)

    def _scan(self, path: str, named: bool, within: Optional[str] = None) -> Iterator[LogLine]:
        """
        named -- by the user, not found in a directory
        within -- the directory of the user's in which it was found
        """
        wish = self._wish
        size = _size_of(path)
        plain = not path.endswith(_ENDS_OF_COMPRESSED)
        structure = structure_of(_head(path))
        # A small archive that somebody names is a paste as well.
        every_line = structure is not None or ((plain or wish.paths is not None) and size <= _EVERY_LINE)
        deep = wish.killers == "all" or (wish.killers == "auto" and (size <= _DEEP_FILE or self._installed))
        kernel = select.PREFIXED_ANCHORS if plain and not deep and _is_prefixed(path) else select.KERNEL_ANCHORS
        anchors = select.ALL_ANCHORS if deep else kernel + select.ENDS  # type: Tuple[bytes, ...]
        if every_line:
            anchors = ()
        # "oom_kill_process" in a call trace is a hit between the header and its table, and no head.
        limits = Limits(chunk=_CHUNK) if plain else Limits()
        if deep:
            limits = Limits(gap=Limits().block, lines=select.LINES_BEFORE, context=8 << 10)
        system = self._systems.get(within or "", System())
        scan = FileScan(
            path,
            anchors=anchors,
            head=select.HEAD_OF_ALL if deep else select.HEAD,
            near=select.BEHIND_HEAD,
            since=wish.since,
            until=wish.until,
            follow=named,
            root=self._host.root if within is None else within,
            limits=limits,
            newest=system.date,
        )
        kernel_only = not every_line and not deep
        # On the host itself it is known which killers are installed.
        left_out = _KERNEL_ONLY if kernel_only and wish.killers == "auto" and wish.paths is not None else None
        if structure in (ONE_LINE, RECORDS):
            return self._records(scan, structure, system.host)
        return self._lines(scan, every_line, kernel_only, system.host, left_out)

    def _records(self, scan: FileScan, structure: str, host: Optional[str]) -> Iterator[LogLine]:
        """What is in the records of a file that has several lines for each, or one line for all: none may be passed
        over.
        """
        from ansible_collections.memops.linux.plugins.module_utils._sources.json_stream import DocumentLines
        from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

        log = TextLog(scan.path, lambda stamp: scan.clock.stamp(stamp) if scan.clock else _no_clock(stamp), host)
        document = DocumentLines() if structure == ONE_LINE else None
        for excerpt in scan:
            yield from log.each(excerpt.data.split(b"\n") if document is None else document.feed(excerpt.data))
        if document is not None:
            yield from log.each(document.rest())
        yield from log.rest()
        self.reports.append(scan.report)

    def _lines(
        self, scan: FileScan, every_line: bool, kernel_only: bool, host: Optional[str], left_out: Optional[str]
    ) -> Iterator[LogLine]:
        """kernel_only -- nobody else's kills are looked for: then kills can be counted by the line"""
        wish = self._wish
        newest = None  # type: Optional[Newest]
        log = None  # type: Optional[TextLog]
        if self._counted is not None and kernel_only and not wish.include_tasks:
            from .newest_kills import Newest

            newest = Newest(_FIT if wish.max_kills is None else wish.max_kills)
        whole = Whole()
        notes = []  # type: List[str]
        for excerpt in self._with_words(scan, notes) if every_line else scan:
            if log is None:
                from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

                log = TextLog(scan.path, scan.clock.stamp if scan.clock else _no_clock, host)
            if newest is not None:
                newest.add(excerpt.data, excerpt.hits)
                yield from log.each(newest.take_odd())
                continue
            if every_line or wish.include_tasks:
                yield from log.each(excerpt.data.split(b"\n"))
                continue
            yield from log.each(whole.add(excerpt))
        if log is not None:
            yield from log.each(whole.rest())
        if newest is not None and log is not None:
            yield from log.each(newest.lines())
        if log is not None:
            yield from log.rest()
        if newest is not None and log is not None:
            totals = newest.finish()
            for stamp in newest.stamps:
                totals.span(scan.clock.stamp(stamp)[0] if scan.clock else None)
            if self._counted is not None:
                self._counted(totals)
        if log is None and not every_line and self._is_doubtful(scan, _head(scan.path)):
            notes.append(_NO_LOG)
        self.reports.append(scan.report._replace(left_out=notes[0] if notes else left_out))

    def _with_words(self, scan: FileScan, notes: List[str]) -> Iterator[Excerpt]:
        """What a line that is looked for may be in. notes -- where there is none, whether it is a log at all"""
        head, is_told = b"", False
        for excerpt in scan:
            if any(word in excerpt.data for word in _WORDS):
                is_told = True
                yield excerpt
            head = head or excerpt.data[:_HEAD]
        if not is_told and self._is_doubtful(scan, head):
            notes.append(_NO_LOG)

    def _is_doubtful(self, scan: FileScan, head: bytes) -> bool:
        """Was it named, and is perhaps no log at all?"""
        named = self._wish.paths is not None
        return named and bool(head) and scan.report.first is None and not _is_log(head)


def _is_log(head: bytes) -> bool:
    """Has one of the first lines the prefix of a log?"""
    from ansible_collections.memops.linux.plugins.module_utils._sources.prefix import split

    found = [split(line) for line in head.decode("utf-8", "replace").split("\n")]
    return any(parts.stamp is not None or parts.uptime is not None for parts in found)


class Whole:
    """The telling lines of a file in their order, and of its newest reports all lines: they say where the memory was.

    limit -- bytes of the lines that are only there for that
    """

    def __init__(self, limit: int = WHOLE_BYTES) -> None:
        self._room = limit
        self._picker = select.Picker()
        self._held = (
            deque()
        )  # type: Deque[Tuple[bytes, int]]  # lines, and what lies between those of a report, with its number
        self._bytes = 0
        self._reports = {}  # type: Dict[int, int]  # number -> bytes, the oldest first
        self._gone = 0  # the last report for which there was no room

    def add(self, excerpt: Excerpt) -> List[bytes]:
        """What need not wait any more."""
        done = []  # type: List[bytes]
        for line, report in self._picker.pick(excerpt):
            if 0 < report <= self._gone:
                continue
            self._held.append((line, report))
            self._bytes += len(line)
            if report:
                self._reports[report] = self._reports.get(report, 0) + len(line)
                self._room -= len(line)
            while self._reports and (self._room < 0 or self._bytes > _HELD_BYTES):
                done += self._let_go()
        if not self._reports:
            done += self._released()
        return done

    def _let_go(self) -> List[bytes]:
        """The oldest report stays what its telling lines say."""
        self._gone = next(iter(self._reports))
        self._room += self._reports.pop(self._gone)
        return self._released()

    def _released(self) -> List[bytes]:
        """The telling lines before the oldest report that is read whole."""
        found = []  # type: List[bytes]
        while self._held and self._held[0][1] <= self._gone:
            line, report = self._held.popleft()
            self._bytes -= len(line)
            if not report:
                found.append(line)
        return found

    def rest(self) -> List[bytes]:
        held, self._held = self._held, deque()
        found = []  # type: List[bytes]
        for text, report in held:
            found += select.whole_lines(text) if report else [text]
        return found


def _head(path: str) -> bytes:
    """The first bytes of a file, of a compressed one those that are in it; none where it cannot be read."""
    opened = open_regular(path, follow=True)
    if opened.fd < 0:
        return b""
    try:
        head = os.pread(opened.fd, _HEAD, 0)
        kind = kind_of(head)
        if kind is None:
            return head
        archive = Archive(opened.fd, kind, deadline=time.monotonic() + 5.0)
        try:
            buffer = bytearray(_HEAD)
            return bytes(buffer[: archive.fill(memoryview(buffer))])
        finally:
            archive.close()
    except (OSError, Unsupported):
        return b""
    finally:
        os.close(opened.fd)


#: What a file consists of where it is no list of lines: records of JSON, one a line; one document on one line; records
#: of many lines.
LINES, ONE_LINE, RECORDS = "lines", "one line", "records"


def structure_of(head: bytes) -> Optional[str]:
    """Of JSON and exported journals every line counts: a message may be a list of numbers, in which no anchor
    is found.
    """
    from ansible_collections.memops.linux.plugins.module_utils._sources.journal_text import is_exported

    text = head.lstrip(b"\xef\xbb\xbf\x1e \t\r\n")
    if text.startswith(b"data: {"):
        return LINES
    if text[:1] == b"{":
        first, newline, _rest = text.partition(b"\n")
        if first.rstrip() == b"{" or first.rstrip()[-1:] in (b"{", b"[", b","):
            return RECORDS
        return LINES if newline or len(head) < _HEAD else ONE_LINE
    if text[:1] == b"[" and text[1:].lstrip()[:1] in (b"{", b"[", b'"'):
        return RECORDS if b"\n" in text else ONE_LINE
    return RECORDS if is_exported(head) else None


def _is_prefixed(path: str) -> bool:
    """Do the lines of a big plain file begin with a stamp? Then none begins with what is looked for."""
    from ansible_collections.memops.linux.plugins.module_utils._sources.prefix import split
    from ansible_collections.memops.linux.plugins.module_utils._text import to_text

    lines = _head(path).split(b"\n")[:-1]
    return bool(lines) and all(split(to_text(line)).stamp is not None for line in lines)


def _no_clock(text: str) -> Tuple[Optional[float], str]:
    return None, "unknown"
