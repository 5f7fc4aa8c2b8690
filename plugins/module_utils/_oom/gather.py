# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the wish of a task to ``ansible_facts.oom``: asks the sources in turn and puts together what they say."""

import os
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._badness import procfs
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.excerpt import Limits
from ansible_collections.memops.linux.plugins.module_utils._sources.log_paths import expand, standard_logs
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog, split
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from . import facts, select
from .blocks import join_records
from .ledger import Ledger, Totals, kill_id
from .model import Kill, LogLine, SourceReport, Unresolved, Verdict
from .newest import Newest
from .parser import Parser
from .visibility import Sight, visibility

if TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan
    from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import KmsgScan

SUBSETS = ("kills", "counters", "memory", "settings", "units", "daemons")
SOURCES = ("journal", "files", "kmsg")
#: Up to this size every line is read: pastes and mails break lines in ways that anchors cannot see.
_EVERY_LINE = 256 * 1024
#: Above this size the other killers are looked for only where one is installed: it doubles the cost.
_DEEP_FILE = 64 << 20
_COMPRESSION = 8
#: Of a plain file in one read: what fits into the processor's cache beside its own copy.
_CHUNK = 512 * 1024
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


class Wish(NamedTuple):
    """What the task asked for. Times are epoch seconds; None is the default of each."""

    subset: Tuple[str, ...] = SUBSETS
    since: Optional[float] = None
    until: Optional[float] = None
    sources: Optional[Tuple[str, ...]] = None
    paths: Optional[Tuple[str, ...]] = None
    journal_directory: Optional[str] = None
    max_kills: Optional[int] = None
    include_tasks: bool = False
    killers: str = "auto"


DEFAULT_MAX_KILLS = 1000
#: More kills than that do not fit into the default result: one takes some 800 bytes of JSON.
_FIT = facts.RESULT_BYTES // 800
#: btime of /proc/stat moves with the clock.
_CLOCK_SLACK = 5.0


class _Boot:
    """What the sources tell of this boot, against the kernel's own count."""

    def __init__(self, host: Host, local: bool) -> None:
        self.time = procfs.boot_time(host) if local else None
        self.container = procfs.container(host) if local else None
        self._id = procfs.boot_id(host) if local else None
        self._counter = procfs.oom_kill_counter(host)
        self._local = local
        self._lines = {}  # type: Dict[str, Tuple[int, bool]]

    def since(self, wanted: Optional[float]) -> Optional[float]:
        """Where to begin so that the count can be checked: at the boot, if the kernel counted kills at all."""
        if wanted is None or not self._counter or self.time is None or self.container or not self._local:
            return wanted
        return min(wanted, self.time - _CLOCK_SLACK)

    def _is_this(self, line: LogLine) -> bool:
        if line.boot_id is not None:
            return line.boot_id.replace("-", "") == self._id
        return self.time is not None and line.time is not None and line.time >= self.time - _CLOCK_SLACK

    def count(self, kill: Kill) -> None:
        if kill.killer != "kernel" or kill.partial or not self._is_this(kill.line):
            return
        identity = kill_id(kill)
        lines, trusted = self._lines.get(identity, (0, False))
        self._lines[identity] = (max(lines, kill.repeats + 1), trusted or kill.line.trusted)

    def counters(self, trusted_source: bool) -> Dict[str, Optional[int]]:
        """trusted_source -- journal or ring buffer were read: then forged lines explain nothing."""
        told = sum(lines for lines, trusted in self._lines.values() if trusted or not trusted_source)
        known = self._counter is not None and self._local and not self.container
        return {
            "vmstat_oom_kill": self._counter,
            "kernel_kills_this_boot": told if self._local else None,
            "unexplained": max(0, self._counter - told) if known and self._counter is not None else None,
        }


class _Collector:
    """Takes the events of every source."""

    def __init__(self, wish: Wish, boot: "_Boot") -> None:
        self._wish = wish
        self.ledger = Ledger(DEFAULT_MAX_KILLS if wish.max_kills is None else wish.max_kills)
        self.unresolved = []  # type: List[Unresolved]
        self.verdicts = []  # type: List[Verdict]
        self.boot = boot
        self.unparsed = 0

    def read(self, lines: Iterable[LogLine]) -> None:
        parser = Parser(include_tasks=self._wish.include_tasks)
        for line in join_records(lines):
            for event in parser.feed(line):
                self._take(event)
        for event in parser.finish():
            self._take(event)
        self.unparsed += parser.unparsed

    def _inside(self, line: LogLine) -> bool:
        if line.time is None:
            return True
        since, until = self._wish.since, self._wish.until
        return (since is None or line.time >= since) and (until is None or line.time <= until)

    def _take(self, event: object) -> None:
        if isinstance(event, Kill):
            self.boot.count(event)
            if self._inside(event.line):
                self.ledger.add(facts.unit_facts(event._replace(line=_without_text(event.line))))
        elif isinstance(event, Unresolved):
            if self._inside(event.line) and len(self.unresolved) < 10_000:
                self.unresolved.append(event._replace(line=_without_text(event.line)))
        elif isinstance(event, Verdict) and self._inside(event.line) and len(self.verdicts) < 10_000:
            self.verdicts.append(event._replace(line=_without_text(event.line)))


def _without_text(line: LogLine) -> LogLine:
    """What is kept of a line once it is parsed: thousands are held, and each may be long."""
    return line._replace(text="")


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
    return size * _COMPRESSION if path.endswith((".gz", ".xz", ".bz2", ".zst", ".lzma")) else size


class _Files:
    """The text logs of a wish."""

    def __init__(self, host: Host, wish: Wish, counted: Optional[Callable[[Totals], None]]) -> None:
        """counted -- takes kills that need not be parsed, None where every kill must be compared with other sources"""
        self._host = host
        self._wish = wish
        self._installed = any(os.path.exists(host.path(program)) for program in _KILLERS)
        self._counted = counted
        self.reports = []  # type: List[SourceReport]

    def each(self) -> Iterator[Iterator[LogLine]]:
        """The lines of interest of one file after the other, the oldest first."""
        named = self._wish.paths is not None
        found = expand(self._wish.paths or ()) if named else standard_logs(self._host.root)
        self.reports += found.missing
        if len(found.paths) != 1:
            self._counted = None  # the same kill may stand in several files
        for path in sorted(found.paths, key=_age_key):
            yield self._scan(path, named)

    def _scan(self, path: str, named: bool) -> Iterator[LogLine]:
        wish = self._wish
        size = _size_of(path)
        plain = not path.endswith((".gz", ".xz", ".bz2", ".zst", ".lzma"))
        # In an exported journal a message may be a list of numbers, in which no anchor is found.
        every_line = plain and size <= (_DEEP_FILE if path.endswith(".json") else _EVERY_LINE)
        deep = wish.killers == "all" or (wish.killers == "auto" and (size <= _DEEP_FILE or self._installed))
        kernel = select.PREFIXED_ANCHORS if plain and not deep and _is_prefixed(path) else select.KERNEL_ANCHORS
        anchors = () if every_line else (select.ALL_ANCHORS if deep else kernel)  # type: Tuple[bytes, ...]
        scan = FileScan(
            path,
            anchors=anchors,
            head=select.HEAD_OF_ALL if deep else select.HEAD,
            since=wish.since,
            until=wish.until,
            follow=named,
            root=self._host.root,
            # "oom_kill_process" in a call trace is a hit between the header and its table, and no head.
            limits=Limits(gap=Limits().block) if deep else Limits(chunk=_CHUNK if plain else Limits().chunk),
        )
        return self._lines(scan, every_line, kernel_only=not every_line and not deep)

    def _lines(self, scan: FileScan, every_line: bool, kernel_only: bool) -> Iterator[LogLine]:
        """kernel_only -- nobody else's kills are looked for: then kills can be counted by the line"""
        wish = self._wish
        newest = None  # type: Optional[Newest]
        if self._counted is not None and kernel_only and not wish.include_tasks:
            newest = Newest(_FIT if wish.max_kills is None else wish.max_kills)
        log = None  # type: Optional[TextLog]
        for excerpt in scan:
            if log is None:
                log = TextLog(scan.path, scan.clock.stamp if scan.clock else _no_clock)
            if newest is not None:
                newest.add(excerpt.data, excerpt.hits)
                for raw in newest.take_odd():
                    yield log.line(raw)
                continue
            raw_lines = excerpt.data.split(b"\n") if every_line else select.lines_of_interest(excerpt.data, excerpt.hits, wish.include_tasks)
            for raw in raw_lines:
                if raw:
                    yield log.line(raw)
        if newest is not None and log is not None:
            for raw in newest.lines():
                yield log.line(raw)
            totals = newest.finish()
            for stamp in newest.stamps:
                totals.span(scan.clock.stamp(stamp)[0] if scan.clock else None)
            if self._counted is not None:
                self._counted(totals)
        self.reports.append(scan.report)


def _is_prefixed(path: str) -> bool:
    """Do the lines of a big plain file begin with a stamp? Then none begins with what is looked for."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return False
    try:
        lines = os.read(fd, 4096).split(b"\n")[:-1]
    except OSError:
        return False
    finally:
        os.close(fd)
    return bool(lines) and all(split(to_text(line)).stamp is not None for line in lines)


def _no_clock(text: str) -> Tuple[Optional[float], str]:
    return None, "unknown"


def _sources_of(wish: Wish) -> Tuple[str, ...]:
    if wish.sources is not None:
        return wish.sources
    if wish.paths is not None and wish.journal_directory is None:
        return ("files",)
    if wish.journal_directory is not None:
        return ("journal",) if wish.paths is None else ("journal", "files")
    return SOURCES


def gather(host: Host, wish: Wish) -> Dict[str, Any]:
    """The facts. Never raises for what a host says or hides: that is data."""
    wanted = set(wish.subset)
    oom = {"schema": facts.SCHEMA, "gathered_at": time.time()}  # type: Dict[str, Any]
    if wanted & {"kills", "counters"}:
        oom.update(_kill_facts(host, wish))
    if "memory" in wanted:
        oom["memory"] = dict(procfs.memory(host)._asdict())
    if "settings" in wanted:
        oom["settings"] = procfs.settings(host)
    if wanted & {"units", "daemons"}:
        from ansible_collections.memops.linux.plugins.module_utils._systemd.show import systemd_view

        view = systemd_view(host, units="units" in wanted, daemons="daemons" in wanted)
        if "units" in wanted:
            oom["units"] = view.units
        if "daemons" in wanted:
            oom["daemons"] = view.daemons
    if "kills" in oom and wish.max_kills is None:
        facts.fit(oom)
    return oom


def _kill_facts(host: Host, wish: Wish) -> Dict[str, Any]:
    sources = _sources_of(wish)
    local = wish.journal_directory is None and wish.paths is None
    collector = _Collector(wish, _Boot(host, local))
    boot = collector.boot
    journal = None  # type: Optional[JournalScan]
    kmsg = None  # type: Optional[KmsgScan]
    # Imported where needed: without bytecode each costs some milliseconds, and a look into a file needs neither.
    reports = []  # type: List[SourceReport]
    since = boot.since(wish.since)
    if "journal" in sources:
        from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan

        journal = JournalScan(host, since, wish.until, wish.journal_directory, wish.include_tasks)
        collector.read(journal)
        reports.append(journal.report)
    if "kmsg" in sources:
        from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import KmsgScan

        kmsg = KmsgScan(host, whole_blocks=wish.include_tasks)
        collector.read(kmsg)
        reports.append(kmsg.report)
    if journal is not None and journal.report.status == "read":
        since = wish.since  # the journal has the kills since the boot
    alone = sources == ("files",) and wish.since is None and wish.until is None
    files = _Files(host, wish._replace(since=since), collector.ledger.absorb if alone else None)
    if "files" in sources:
        for lines in files.each():
            collector.read(lines)
        reports += files.reports
    section = facts.kill_section(collector.ledger, collector.unresolved, collector.unparsed)
    trusted_source = any(scan is not None and scan.report.status == "read" for scan in (journal, kmsg))
    counters = boot.counters(trusted_source)
    sight = Sight(
        journal=journal.report if journal else None,
        files=files.reports,
        kmsg=kmsg.report if kmsg else None,
        since=wish.since,
        boot_time=boot.time,
        unexplained=counters["unexplained"],
        lost=(journal.lost if journal else 0),
        unparsed=collector.unparsed,
        volatile=journal.volatile if journal else False,
        container=boot.container,
        local=local,
    )
    section["counters"] = counters
    section["sources"] = facts.source_facts(reports)
    section["visibility"] = visibility(sight)
    section["confirmed_units"] = facts.verdict_units(v.unit for v in collector.verdicts)
    return section
