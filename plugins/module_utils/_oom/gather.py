# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the wish of a task to ``ansible_facts.oom``: asks the sources in turn and puts together what they say."""

import os
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._badness import procfs
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan
from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import KmsgScan
from ansible_collections.memops.linux.plugins.module_utils._sources.log_paths import expand, standard_logs
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.plugins.module_utils._systemd import show

from . import facts, select
from .blocks import join_records
from .ledger import Ledger
from .model import Kill, LogLine, SourceReport, Unresolved, Verdict
from .parser import Parser
from .visibility import Sight, visibility

SUBSETS = ("kills", "counters", "memory", "settings", "units", "daemons")
SOURCES = ("journal", "files", "kmsg")
#: Up to this size every line is read: pastes and mails break lines in ways that anchors cannot see.
_EVERY_LINE = 256 * 1024
#: Above this size the other killers are looked for only where one is installed: it doubles the cost.
_DEEP_FILE = 64 << 20
_COMPRESSION = 8


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


class _Collector:
    """Takes the events of every source."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self.ledger = Ledger(DEFAULT_MAX_KILLS if wish.max_kills is None else wish.max_kills)
        self.unresolved = []  # type: List[Unresolved]
        self.verdicts = []  # type: List[Verdict]
        self.this_boot = {}  # type: Dict[bool, int]
        self.unparsed = 0
        self.boot_id = None  # type: Optional[str]
        self.boot_time = None  # type: Optional[float]

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
            if self._inside(event.line):
                self.ledger.add(facts.unit_facts(event))
        elif isinstance(event, Unresolved):
            if self._inside(event.line) and len(self.unresolved) < 100_000:
                self.unresolved.append(event)
        elif isinstance(event, Verdict) and self._inside(event.line) and len(self.verdicts) < 10_000:
            self.verdicts.append(event)


def _size_of(path: str) -> int:
    """Bytes of text in a file, a guess for a compressed one; 0 where it cannot be known."""
    try:
        size = os.stat(path).st_size
    except (OSError, ValueError):
        return 0
    return size * _COMPRESSION if path.endswith((".gz", ".xz", ".bz2", ".zst", ".lzma")) else size


class _Files:
    """The text logs of a wish."""

    def __init__(self, host: Host, wish: Wish, killers_installed: bool) -> None:
        self._host = host
        self._wish = wish
        self._installed = killers_installed
        self.reports = []  # type: List[SourceReport]

    def scans(self) -> Iterator[Tuple[FileScan, Iterator[LogLine]]]:
        named = self._wish.paths is not None
        found = expand(self._wish.paths or ()) if named else standard_logs(self._host.root)
        self.reports += found.missing
        for path in reversed(found.paths):  # the oldest first
            yield self._scan(path, named)

    def _scan(self, path: str, named: bool) -> Tuple[FileScan, Iterator[LogLine]]:
        wish = self._wish
        size = _size_of(path)
        plain = not path.endswith((".gz", ".xz", ".bz2", ".zst", ".lzma"))
        every_line = plain and size <= _EVERY_LINE
        deep = wish.killers == "all" or (wish.killers == "auto" and (size <= _DEEP_FILE or self._installed))
        anchors = () if every_line else (select.ALL_ANCHORS if deep else select.KERNEL_ANCHORS)  # type: Tuple[bytes, ...]
        scan = FileScan(
            path, anchors=anchors, head=select.HEAD, since=wish.since, until=wish.until, follow=named, root=self._host.root
        )
        return scan, self._lines(scan, every_line)

    def _lines(self, scan: FileScan, every_line: bool) -> Iterator[LogLine]:
        log = None  # type: Optional[TextLog]
        for excerpt in scan:
            if log is None:
                log = TextLog(scan.path, scan.clock.stamp if scan.clock else _no_clock)
            raw_lines = (
                excerpt.data.split(b"\n")
                if every_line
                else select.lines_of_interest(excerpt.data, excerpt.hits, self._wish.include_tasks)
            )
            for raw in raw_lines:
                if raw:
                    yield log.line(raw)
        self.reports.append(scan.report)


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
    oom = {"schema": facts.SCHEMA}  # type: Dict[str, Any]
    daemons = show.daemons(host) if wanted & {"daemons", "kills"} else {}
    if wanted & {"kills", "counters"}:
        oom.update(_kill_facts(host, wish, any(state not in (None, "absent") for state in daemons.values())))
    if "memory" in wanted:
        oom["memory"] = procfs.memory(host)
    if "settings" in wanted:
        oom["settings"] = procfs.settings(host)
    if "units" in wanted:
        oom["units"] = show.units(host)
    if "daemons" in wanted:
        oom["daemons"] = daemons
    if "kills" in oom and wish.max_kills is None:
        facts.fit(oom)
    return oom


def _kill_facts(host: Host, wish: Wish, killers_installed: bool) -> Dict[str, Any]:
    sources = _sources_of(wish)
    collector = _Collector(wish)
    journal = None  # type: Optional[JournalScan]
    kmsg = None  # type: Optional[KmsgScan]
    reports = []  # type: List[SourceReport]
    files = _Files(host, wish, killers_installed)
    if "journal" in sources:
        journal = JournalScan(host, wish.since, wish.until, wish.journal_directory, wish.include_tasks)
        collector.read(journal)
        reports.append(journal.report)
    if "files" in sources:
        for _scan, lines in files.scans():
            collector.read(lines)
        reports += files.reports
    if "kmsg" in sources:
        kmsg = KmsgScan(host)
        collector.read(kmsg)
        reports.append(kmsg.report)
    local = wish.journal_directory is None and wish.paths is None
    section = facts.kill_section(collector.ledger, collector.unresolved, collector.unparsed)
    counters = _counters(host, section, sources, local, wish)
    sight = Sight(
        journal=journal.report if journal else None,
        files=files.reports,
        kmsg=kmsg.report if kmsg else None,
        since=wish.since,
        boot_time=procfs.boot_time(host) if local else None,
        unexplained=counters["unexplained"],
        lost=(journal.lost if journal else 0),
        unparsed=collector.unparsed,
        volatile=journal.volatile if journal else False,
        container=procfs.container(host) if local else None,
        local=local,
    )
    section["counters"] = counters
    section["sources"] = facts.source_facts(reports)
    section["visibility"] = visibility(sight)
    section["confirmed_units"] = facts.verdict_units(v.unit for v in collector.verdicts)
    return section


def _counters(host: Host, section: Dict[str, Any], sources: Sequence[str], local: bool, wish: Wish) -> Dict[str, Any]:
    """The kernel's own count against what the sources tell of this boot."""
    nothing = {"vmstat_oom_kill": None, "kernel_kills_this_boot": None, "unexplained": None}  # type: Dict[str, Optional[int]]
    if not local:
        return nothing  # another host's logs say nothing about this kernel
    return nothing
