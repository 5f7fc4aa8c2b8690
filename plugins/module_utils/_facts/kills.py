# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the facts that is about kills: asks the sources in turn, holds what they say against each other, and
tells how far they see.
"""

import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._sources.log_paths import standard_logs
from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import facts
from .boot import Boot
from .collector import Collector, most_kills
from .params import SOURCES, Wish
from .proof import DISPUTED, Span, TrustedSpans, journal_spans
from .visibility import Coverage, visibility

if TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan
    from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import KmsgScan

    from .offline import Offline


#: A report takes so long, at most, and is looked for of so many kills, in so many runs of journalctl: one takes some 20
#: ms.
_BEFORE_KILL, _BEHIND_KILL, _TOGETHER = 30.0, 2.0, 300.0
_MOST_REPORTS, _MOST_WINDOWS = 200, 16


def _sources_of(wish: Wish) -> Tuple[str, ...]:
    if wish.sources is not None:
        return wish.sources
    if wish.paths is not None and wish.journal_directory is None:
        return ("files",)
    if wish.journal_directory is not None:
        return ("journal",) if wish.paths is None else ("journal", "files")
    return SOURCES


def is_local(wish: Wish) -> bool:
    """The kills are of the host that is asked, not of a file from elsewhere."""
    return wish.journal_directory is None and wish.paths is None


def windows(ends: Sequence[float]) -> List[Tuple[float, float]]:
    """Spans of time that hold the reports that end at these moments, the newest first; reports that lie near are in
    one.
    """
    found = []  # type: List[Tuple[float, float]]
    for end in sorted(ends, reverse=True)[:_MOST_REPORTS]:
        since, until = end - _BEFORE_KILL, end + _BEHIND_KILL
        if found and found[-1][0] - until <= _TOGETHER:
            found[-1] = (since, found[-1][1])
        else:
            found.append((since, until))
    return found[:_MOST_WINDOWS]


class UnitCounts:
    """What was counted of each unit: oom_kill of its cgroup's memory.events, and systemd's own numbers (259 and later),
    which outlive the cgroup. None: nothing can be known.
    """

    def __init__(self, units: Optional[Sequence[Dict[str, Any]]]) -> None:
        self._is_known = units is not None
        self._of = {}  # type: Dict[str, int]
        self._managed = {}  # type: Dict[str, int]
        for unit in units or ():
            counted = max(unit.get(counter) or 0 for counter in ("oom_kills", "oom_kills_by_systemd"))
            if counted:
                self._of[unit["name"]] = counted
            if unit.get("managed_oom_kills"):
                self._managed[unit["name"]] = unit["managed_oom_kills"]

    def has(self, kill: Kill, boot: Boot) -> bool:
        """All that is told of the kill's unit was counted."""
        if kill.unit is None or kill.unit not in self._of:
            return False
        return boot.is_countable(kill) and boot.of_unit(kill.unit)[0] <= self._of[kill.unit]

    def unexplained(self, boot: Boot) -> Dict[str, int]:
        """How many more than the sources tell; kills of which nobody says the unit may be any unit's."""
        found = {}  # type: Dict[str, int]
        for unit, counted in sorted(self._of.items()):
            more = counted - sum(boot.of_unit(unit))
            if more > 0:
                found[unit] = more
        return found

    def by_unit(self, boot: Boot, kills: Sequence[Dict[str, Any]]) -> Optional[Dict[str, int]]:
        """The same for the facts, with those of systemd-oomd of which no record tells at all."""
        if not self._is_known:
            return None
        found = self.unexplained(boot)
        told = {kill["unit"] for kill in kills if kill["killer"] == "systemd-oomd"}
        for unit, counted in self._managed.items():
            if unit not in told:
                found[unit] = found.get(unit, 0) + counted
        return {printable(unit): found[unit] for unit in sorted(found)}


class KillSources:
    """The sources of a wish: read() asks one after the other, then the reports tell how it went."""

    def __init__(
        self, host: Host, wish: Wish, swap_total: Optional[int] = None, offline: Optional["Offline"] = None
    ) -> None:
        self._host = host
        self._offline = offline
        self._wish = wish
        self._local = is_local(wish)
        self._asked = _sources_of(wish)
        self.collector = Collector(wish, Boot(host, self._local), swap_total if self._local else None)
        self.journal = None  # type: Optional[JournalScan]
        self._journals = []  # type: List[JournalScan]
        self.kmsg = None  # type: Optional[KmsgScan]
        self.files = []  # type: List[SourceReport]
        self.reports = []  # type: List[SourceReport]

    # Imported where needed: without bytecode each costs some milliseconds, and a look into a file needs neither.

    def read(self) -> None:
        since = self.collector.boot.since(self._wish.since)
        if "journal" in self._asked:
            self._read_journal(since)
        if "kmsg" in self._asked:
            self._read_kmsg()
        for journal in self._journals:
            self._explain_by_journal(journal)
        if self.journal is not None and self.journal.report.status == "read":
            since = self._wish.since  # the journal has the kills since the boot
        self.collector.ledger.grades.spans = self.trusted_spans()
        if "files" in self._asked:
            self._read_files(since)

    def _read_journal(self, since: Optional[float]) -> None:
        from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan

        wish = self._wish
        self.journal = JournalScan(self._host, since, wish.until, wish.journal_directory, wish.include_tasks)
        self.collector.read(self.journal, untrusted=True)
        self.reports.append(self.journal.report)
        timeout = 20 if wish.journal_directory is None else 60
        remote = JournalScan(
            self._host, wish.since, wish.until, wish.journal_directory, wish.include_tasks, timeout, remote=True
        )
        self.collector.read(remote, untrusted=True)
        self.reports += [remote.report] if remote.report.status != "absent" else []
        self._journals = [self.journal, remote]

    def _read_kmsg(self) -> None:
        from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import KmsgScan

        self.kmsg = KmsgScan(self._host, whole_blocks=True)
        self.collector.read(self.kmsg, untrusted=True)
        self.reports.append(self.kmsg.report)

    def _explain_by_journal(self, journal: "JournalScan") -> None:
        """The journal was asked for the telling lines only, which is three times as fast: the whole reports of what it
        told.
        """
        ends = [kill.line.time for kill in self.collector.ledger.unexplained(journal.source)]
        unresolved = [
            event
            for event in self.collector.unresolved
            if event.line.source == journal.source and not event.is_explained
        ]
        ends += [event.line.time for event in unresolved]
        for since, until in windows([end for end in ends if end is not None]):
            self.collector.explain(journal.reports(since, until))

    def _read_files(self, since: Optional[float]) -> None:
        wish = self._wish
        if wish.paths is None:
            found = standard_logs(self._host.root)
            if not found.paths:  # as on a host with a journal alone: nothing of what reads logs is even loaded
                self.files = found.missing
                self.reports += found.missing
                return
        from .text_files import TextFiles

        alone = (
            self._asked == ("files",)
            and wish.since is None
            and wish.until is None
            and wish.only is None
            and not self._local
        )
        files = TextFiles(
            self._host, wish._replace(since=since), self.collector.ledger.absorb if alone else None, self._offline
        )
        for lines in files.each():
            self.collector.read(lines)
        self.files = files.reports
        self.reports += files.reports

    def is_journal_unread(self) -> bool:
        """Is there a journal that nobody asked for?"""
        if "journal" in self._asked or not self._local:
            return False
        from ansible_collections.memops.linux.plugins.module_utils._sources.journal_paths import local_place

        return bool(local_place(self._host).files)

    def is_trusted(self) -> bool:
        """Was a source read in which nobody but the kernel writes?"""
        return any(scan is not None and scan.report.status == "read" for scan in (self.journal, self.kmsg))

    def trusted_since(self) -> Optional[float]:
        """The oldest moment that journal or ring buffer tell of, where they were read without a flaw."""
        firsts = [
            scan.report.first for scan in (self.journal, self.kmsg) if scan is not None and scan.report.status == "read"
        ]
        return min((first for first in firsts if first is not None), default=None)

    def trusted_spans(self) -> TrustedSpans:
        """What a source covers in which a kill would surely stand, and so nothing else can have been."""
        spans = []  # type: List[Span]
        if not self.collector.unparsed.trusted:
            spans += self._spans_of_journal() + self._spans_of_kmsg()
        return TrustedSpans(spans, None if self._local else self.collector.hosts)

    def _spans_of_journal(self) -> List[Span]:
        journal = self.journal
        if journal is None or journal.report.status != "read" or not journal.report.lines:
            return []  # read in part, or without the kernel's records
        flawed = journal.lost or journal.doubt
        return [] if flawed else journal_spans(journal.files)

    def _spans_of_kmsg(self) -> List[Span]:
        kmsg = self.kmsg
        if (
            kmsg is None
            or kmsg.report.status != "read"
            or kmsg.lost
            or kmsg.report.first is None
            or kmsg.report.last is None
        ):
            return []
        return [Span(kmsg.report.first, time.time(), kernel_only=True)]


def kill_facts(
    host: Host,
    wish: Wish,
    swap_total: Optional[int],
    units: Optional[Sequence[Dict[str, Any]]] = None,
    offline: Optional["Offline"] = None,
) -> Dict[str, Any]:
    """kills and what goes with them.

    swap_total -- of this host, where it is known
    units -- as systemd sees them, where that was asked
    offline -- directories and tarballs among the paths
    """
    sources = KillSources(host, wish, swap_total, offline)
    sources.read()
    collector, local = sources.collector, is_local(wish)
    boot, grades = collector.boot, collector.ledger.grades
    counters = boot.counters(sources.is_trusted(), complete=wish.until is None)
    counted = UnitCounts(units if local and not boot.container and wish.until is None else None)
    if counters["unexplained"]:
        grades.spans = grades.spans.before(boot.time)  # what was read is not all that happened since
    collector.hosts.update(collector.ledger.same_hosts)
    grades.is_counted = lambda kill: boot.is_counted(kill) or counted.has(kill, boot)
    section = facts.kill_section(
        collector.ledger,
        collector.unresolved,
        collector.unparsed,
        collector.verdicts,
        include_tasks=wish.include_tasks,
        swap_total=swap_total if local else None,
        room=facts.RESULT_BYTES if wish.max_kills is None else None,
        only=None if wish.only is None else (wish.only, most_kills(wish)),
    )
    journal, kmsg = sources.journal, sources.kmsg
    of_pid_1 = {
        kill["unit"]
        for kill in section["kills"]
        if kill["partial"] and kill["victim"]["pid"] is None and kill["proof"] != DISPUTED
    }
    coverage = Coverage(
        journal=journal.report if journal else None,
        files=sources.files,
        kmsg=kmsg.report if kmsg else None,
        since=wish.since,
        boot_time=boot.time,
        unexplained=counters["unexplained"],
        lost=(journal.lost if journal else 0),
        unparsed=collector.unparsed.doubts(sources.trusted_since()),
        volatile=journal.volatile if journal else False,
        container=boot.container,
        counter_is_readable=boot.counter_is_readable,
        local=local,
        journal_unread=sources.is_journal_unread(),
        unseen=sum(
            row["count"] for row in section["unresolved"] if row["outcome"] == "unseen" and row["proof"] != DISPUTED
        ),
        of_pid_1=sorted(unit for unit in of_pid_1 if unit is not None),
        of_units=counted.unexplained(boot),
        now=time.time() if local and wish.until is None else None,
    )
    section["counters"] = dict(counters, unexplained_by_unit=counted.by_unit(boot, section["kills"]))
    section["sources"] = facts.source_facts(sources.reports)
    section["visibility"] = visibility(coverage)
    section["local"] = local
    section["window"] = {"since": wish.since, "until": wish.until}
    return section
