# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the wish of a task to ``ansible_facts.oom``: asks the sources in turn and puts together what they say."""

import time
from itertools import chain
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Tuple, Union

from ansible_collections.memops.linux.plugins.module_utils import _procfs as procfs
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine, SourceReport

from . import facts
from .boot import Boot
from .ledger import Ledger
from .params import SOURCES, Wish
from .text_files import TextFiles
from .visibility import Sight, visibility

if TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan
    from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import KmsgScan

DEFAULT_MAX_KILLS = 1000


class _Collector:
    """Takes the events of every source."""

    def __init__(self, wish: Wish, boot: Boot) -> None:
        self._wish = wish
        self.ledger = Ledger(DEFAULT_MAX_KILLS if wish.max_kills is None else wish.max_kills)
        self.unresolved = []  # type: List[Unresolved]
        self.verdicts = []  # type: List[Verdict]
        self.boot = boot
        self.unparsed = Unparsed()

    def read(self, lines: Iterable[LogLine], forged: bool = False) -> None:
        """forged -- the source knows what a process wrote in the kernel's words: that is shown, too"""
        several = iter(lines)
        first = next(several, None)
        if first is None:
            return  # nothing of interest, as on most hosts: the parser is not even loaded
        from ansible_collections.memops.linux.plugins.module_utils._oom.blocks import join_records
        from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser

        parser = Parser(include_tasks=self._wish.include_tasks, forged=forged)
        for line in join_records(chain([first], several)):
            for event in parser.feed(line):
                self._take(event)
        for event in parser.finish():
            self._take(event)
        self.unparsed.absorb(parser.unparsed)

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
    memory = procfs.memory(host) if "memory" in wanted or wish.include_tasks else None
    if wanted & {"kills", "counters"}:
        oom.update(_kill_facts(host, wish, memory.swap_total if memory else None))
    if memory is not None and "memory" in wanted:
        oom["memory"] = dict(memory._asdict())
    if "settings" in wanted:
        oom["settings"] = procfs.settings(host)
        from ansible_collections.memops.linux.plugins.module_utils._vm_settings.facts import settings_at_boot

        oom["settings_at_boot"] = settings_at_boot(host)
    if wanted & {"units", "daemons"}:
        from ansible_collections.memops.linux.plugins.module_utils._systemd.show import systemd_view

        view = systemd_view(host, units="units" in wanted, daemons="daemons" in wanted, named=wish.units)
        if "units" in wanted:
            oom["units"], left_out = view.units, view.left_out
            if view.units:
                from .unit_facts import add_details

                left_out += add_details(host, view.units)
            if left_out:
                oom["units_truncated"] = left_out
        if "daemons" in wanted:
            oom["daemons"] = view.daemons
    if "swap" in wanted:
        from ansible_collections.memops.linux.plugins.module_utils._swap_file.facts import swap_facts

        oom["swap"] = swap_facts(host)
    if "kills" in oom:
        oom["summary"]["verdict"] = _verdict(oom, _is_local(wish))
        if wish.max_kills is None:
            facts.fit(oom)
    return oom


def _is_local(wish: Wish) -> bool:
    """The kills are of the host that is asked, not of a file from elsewhere."""
    return wish.journal_directory is None and wish.paths is None


def _verdict(oom: Dict[str, Any], local: bool) -> Dict[str, Any]:
    """Transient or chronic. Most hosts have nothing to judge, and do not load the judge."""
    if not oom["kills"] and not oom["unresolved"] and not oom["summary"]["total"] and oom["visibility"]["state"] != "blind":
        return {"state": "none", "reasons": [], "trusted": True}
    from ansible_collections.memops.linux.plugins.module_utils._analysis.recurrence import verdict

    return verdict(oom, oom["gathered_at"], local)


def _trusted_since(*scans: "Union[JournalScan, KmsgScan, None]") -> Optional[float]:
    """The oldest moment that journal or ring buffer tell of, where they were read without a flaw."""
    firsts = [scan.report.first for scan in scans if scan is not None and scan.report.status == "read"]
    return min((first for first in firsts if first is not None), default=None)


def _kill_facts(host: Host, wish: Wish, swap_total: Optional[int]) -> Dict[str, Any]:
    sources = _sources_of(wish)
    local = _is_local(wish)
    collector = _Collector(wish, Boot(host, local))
    boot = collector.boot
    journal = None  # type: Optional[JournalScan]
    kmsg = None  # type: Optional[KmsgScan]
    # Imported where needed: without bytecode each costs some milliseconds, and a look into a file needs neither.
    reports = []  # type: List[SourceReport]
    since = boot.since(wish.since)
    if "journal" in sources:
        from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan

        journal = JournalScan(host, since, wish.until, wish.journal_directory, wish.include_tasks)
        collector.read(journal, forged=True)
        reports.append(journal.report)
        timeout = 20 if wish.journal_directory is None else 60
        strangers = JournalScan(host, wish.since, wish.until, wish.journal_directory, timeout=timeout, foreign=True)
        collector.read(strangers, forged=True)
        reports += [strangers.report] if strangers.report.status != "absent" else []
    if "kmsg" in sources:
        from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import KmsgScan

        kmsg = KmsgScan(host, whole_blocks=wish.include_tasks)
        collector.read(kmsg, forged=True)
        reports.append(kmsg.report)
    if journal is not None and journal.report.status == "read":
        since = wish.since  # the journal has the kills since the boot
    alone = sources == ("files",) and wish.since is None and wish.until is None and not local
    files = TextFiles(host, wish._replace(since=since), collector.ledger.absorb if alone else None)
    if "files" in sources:
        for lines in files.each():
            collector.read(lines)
        reports += files.reports
    section = facts.kill_section(
        collector.ledger,
        collector.unresolved,
        collector.unparsed.count,
        collector.verdicts,
        explain=wish.include_tasks,
        swap_total=swap_total if local else None,
        room=facts.RESULT_BYTES if wish.max_kills is None else None,
    )
    trusted_source = any(scan is not None and scan.report.status == "read" for scan in (journal, kmsg))
    counters = boot.counters(trusted_source, complete=wish.until is None)
    sight = Sight(
        journal=journal.report if journal else None,
        files=files.reports,
        kmsg=kmsg.report if kmsg else None,
        since=wish.since,
        boot_time=boot.time,
        unexplained=counters["unexplained"],
        lost=(journal.lost if journal else 0),
        unparsed=collector.unparsed.doubts(_trusted_since(journal, kmsg)),
        volatile=journal.volatile if journal else False,
        container=boot.container,
        local=local,
    )
    section["counters"] = counters
    section["sources"] = facts.source_facts(reports)
    section["visibility"] = visibility(sight)
    section["window"] = {"since": wish.since, "until": wish.until}
    return section
