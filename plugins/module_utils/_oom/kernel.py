# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's lines in, kills out, one report per source and host at a time.

The "Killed process" line is the kill: it is the only one that every kernel prints for every victim.
Whatever came before it in the same report only adds to it; reports are rate-limited, so it often comes alone.
"""

from typing import Dict, List, Match, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import kernel as kinds
from ansible_collections.memops.linux.plugins.module_utils._sources.model import KMSG_USER, LogLine

from .model import Event, Invoker, Kill, Process
from .oom_report import REPORT_SPAN, OomReport, within
from .records import is_bare, is_name
from .summary import parse_summary
from .unparsed import is_quoted

_GROUP_SPAN = 2.0
_REPEAT_SPAN = 10.0
_KB = 1024
#: Reports that are open at once (one per source and host: a central log has many), and victims in one report.
_MAX_REPORTS = 1024
_MAX_GROUP = 4096
#: Victims that are remembered, so that what is said of them later is no news.
_MAX_TOLD = 4096
#: One report is open for each: source, host, and whether a process wrote it to /dev/kmsg.
Key = Tuple[str, Optional[str], bool]


def _bytes(kb: Optional[str]) -> Optional[int]:
    return None if kb is None else int(kb) * _KB


def _int(text: Optional[str]) -> Optional[int]:
    return None if text is None else int(text)


#: How a pager and authors mark that they cut a line.
_CUT_MARKS = (">", ".", "\u2026")


def _without_last(victim: Process, found: Match[str]) -> Process:
    """A number that the cut fell into is not known."""
    if not found.string[found.end() :].strip(".>\u2026 "):
        for name in ("oom_score_adj", "uid"):
            if found.end(name if name in found.re.groupindex else 0) == found.end() and found.string[found.end() :]:
                return victim._replace(**{name: None})
    return victim


#: What the numbers of a report begin with.
_NUMBERS = ("Mem-Info:", "memory: usage ", "active_anon:")


class Kernel:
    """feed() takes the kernel's lines in order; finish() gives what is still open.

    include_tasks -- keep the kernel's task table with each kill
    """

    def __init__(self, include_tasks: bool = False) -> None:
        self._include_tasks = include_tasks
        self._told = {}  # type: Dict[Tuple[Key, Optional[int]], None]  # victims that some line has named
        self._reports = {}  # type: Dict[Key, OomReport]
        self._latest = {}  # type: Dict[str, Key]  # of each source: whose line without a record of its own came last

    def finish(self) -> List[Event]:
        events = []  # type: List[Event]
        for report in self._reports.values():
            events.extend(report.close(self._include_tasks))
        self._reports.clear()
        self._latest.clear()
        return events

    def feed(self, line: LogLine) -> Tuple[List[Event], bool]:
        """Events that this line completes; whether it is one of the kernel's."""
        text = line.text
        key = (line.source, line.host, line.tag == KMSG_USER)  # a report is the kernel's or somebody's, never both
        report = self._reports.get(key)
        closed = []  # type: List[Event]
        if report is None:
            report = self._reports[key] = OomReport()
            if len(self._reports) > _MAX_REPORTS:
                closed = self._reports.pop(next(iter(self._reports))).close(self._include_tasks)
        elif text[:1] == "[" and report.start is not None and not report.kills and report.table.feed(text):
            return closed, True  # most of a report are rows of its table
        for needle, patterns, handler in _ROWS:
            if needle not in text:
                continue
            found = next((match for match in [pattern.match(text) for pattern in patterns] if match is not None), None)
            if found is None:
                continue
            events = [] if handler is None else handler(self, key, report, line, found)
            if events is not None:
                return closed + events, True
        bare = is_bare(line)
        if bare and report.start is None:
            # journalctl and dmesg -T indent the lines of one record behind its first, without a prefix: they are of the
            # report that goes on.
            report = self._reports.get(self._latest.get(line.source, key), report)
        elif report.start is not None:
            self._latest[line.source] = key
        if report.start is not None and not report.kills:
            if report.table.feed(text) or (bare and report.table.resume(text)):
                return closed, True
            if self._include_tasks:
                report.keep(text)
        if report.start is None and text.startswith("[") and report.table.feed(text):
            return closed, True  # an excerpt that begins inside the table
        if text.startswith("Node "):
            report.table.feed(text)
        if self._include_tasks and report.start is None and (report.memory is not None or text.startswith(_NUMBERS)):
            report.keep(text, line)  # an excerpt that begins behind the header
        return closed, False

    def _fresh(self, key: Key, line: LogLine) -> Tuple[OomReport, List[Event]]:
        """A new report; what the one before had open."""
        events = self._reports[key].close(self._include_tasks)
        report = self._reports[key] = OomReport()
        report.touch(line)
        return report, events

    def _report_for(
        self, key: Key, report: OomReport, line: LogLine, again: bool = False
    ) -> Tuple[OomReport, List[Event]]:
        """The report that a line before the kill belongs to: a new one where this one has killed, or has such a line
        already.
        """
        if report.kills or report.unresolved is not None or again or report.is_over(line):
            return self._fresh(key, line)
        report.touch(line)
        return report, []

    def _name(self, key: Key, pid: Optional[int]) -> None:
        """Remember that a line has named this victim."""
        if len(self._told) >= _MAX_TOLD:
            self._told.clear()
        self._told[(key, pid)] = None

    def _on_header(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        comm = found.groupdict().get("comm")
        order = int(found.group("order"))
        invoker = Invoker(comm=comm, gfp_mask=found.group("gfp_mask"), order=order)
        if (
            report.is_only_begun
            and report.invoker == invoker
            and report.start is not None
            and within(report.start, line, 1.0)
        ):
            return []  # a log that has each line twice
        pending_sysrq = report.trigger == "sysrq" and report.start is not None and not report.kills
        report, events = self._fresh(key, line)
        report.invoker = invoker
        # Too long for a name: behind a prefix that nobody knows it is the kernel's all the same, unless somebody quotes
        # it.
        report.only_began = comm is None or is_name(comm) or not is_quoted(comm)
        report.trigger = "sysrq" if order == -1 or pending_sysrq else "fault"
        return events

    def _on_trace(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        """It tells that the kernel was out of memory, and not what came of it."""
        comm = found.groupdict().get("comm")
        if comm is not None:
            if not is_name(comm):
                return None
            report, events = self._fresh(key, line)
            report.invoker = Invoker(comm=comm, gfp_mask=found.groupdict().get("gfp_mask"))
        else:
            report, events = self._report_for(key, report, line)
        report.only_began = True
        return events

    def _on_sysrq(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        report, events = self._fresh(key, line)
        report.trigger = "sysrq"
        return events

    def _on_ignored(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        report.only_began = False
        return []

    def _on_cpu_line(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        if report.start is None:
            return None
        if report.last is not None and not within(report.last, line, REPORT_SPAN):
            return []
        if report.kernel is None:
            report.kernel = found.group("release")
        wanted, comm = report.invoker.comm, found.group("comm")
        if report.invoker.pid is None and report.invoker.gfp_mask is not None and not report.kills:
            # The name in the header may have lost its first line (a newline in it); this one is cut at 20 bytes.
            if (
                wanted is None
                or comm == wanted
                or comm.endswith("\n" + wanted)
                or (len(comm) >= 15 and wanted.startswith(comm))
            ):
                report.invoker = report.invoker._replace(
                    pid=int(found.group("pid")), comm=comm if wanted is None else wanted
                )
                if wanted is not None and comm.endswith("\n" + wanted):
                    report.invoker = report.invoker._replace(comm=comm)
        return []

    def _on_memcg_limit(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        report, events = self._report_for(key, report, line)
        fields = found.groupdict()
        report.oom_memcg, report.task_memcg = fields["oom_memcg"].rstrip(), fields.get("task_memcg")
        report.reached = "task_memcg" not in fields
        report.only_began = True
        return events

    def _on_group(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        if report.last is not None and not within(report.last, line, REPORT_SPAN):
            report, events = self._fresh(key, line)
        else:
            events = []
            report.touch(line)
        report.group = found.group("memcg")
        report.only_began = True
        return events

    def _on_summary(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        summary = parse_summary(line.text)
        if summary is None:
            return None
        # The kernel tells the summary first: behind a choice, it is of another report.
        report, events = self._report_for(key, report, line, report.summary is not None or report.chosen is not None)
        report.summary = (line, summary)
        report.only_began = True  # a line that was cut names nobody
        self._name(key, summary.pid)
        return events

    def _on_chosen(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        pid = int(found.group("pid"))
        told = report.summary[1].pid if report.summary is not None else None
        again = report.chosen is not None or told not in (None, pid)
        report, events = self._report_for(key, report, line, again)
        report.chosen = (line, found)
        self._name(key, pid)
        return events

    def _on_exiting(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        if report.summary is not None and report.summary[1].pid in (None, int(found.group("pid"))):
            report.summary = None
        report.only_began = False
        return []

    def _on_no_victim(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        panic = line.text.startswith("Kernel panic")
        events = []  # type: List[Event]
        announced = (
            report.summary is not None or report.chosen is not None
        )  # somebody was to be killed: another shortage
        if report.kills or announced or (report.unresolved is not None and not panic):
            trigger = report.trigger
            report, events = self._fresh(key, line)
            report.trigger = trigger if panic else "unknown"
        report.touch(line)
        report.unresolved = (line, "panic" if panic else "no_victim")
        return events

    def _on_killed(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        field = found.groupdict()
        context = field.get("context")  # a row of its own need not have it
        victim = Process(
            pid=int(field["pid"]),
            comm=field["comm"],
            uid=_int(field.get("uid") or field.get("task_uid")),
            total_vm=_bytes(field.get("total_vm")),
            anon_rss=_bytes(field.get("anon_rss")),
            file_rss=_bytes(field.get("file_rss")),
            shmem_rss=_bytes(field.get("shmem_rss")),
            pgtables=_bytes(field.get("pgtables")),
            oom_score_adj=_int(field.get("oom_score_adj")),
        )
        if line.text[-1:] in _CUT_MARKS:
            victim = _without_last(victim, found)
        self._name(key, victim.pid)
        index = report.killed.get(victim.pid)
        if index is not None and within(report.kills[index].line, line, _REPEAT_SPAN):
            told = report.kills[index]
            if (told.victim.comm, told.victim.total_vm) == (victim.comm, victim.total_vm):
                report.kills[index] = told._replace(repeats=told.repeats + 1)
                return []
            if len(report.kills) < _MAX_GROUP:  # somebody else's words of the same process: neither hides the other
                report.kills.append(report.kill(line, victim, context, told.trigger == "group"))
                return []
        member = bool(report.group) and bool(report.kills) and within(report.kills[-1].line, line, _GROUP_SPAN)
        member = member and len(report.kills) < _MAX_GROUP
        events = []  # type: List[Event]
        if report.unresolved or (report.kills and not member) or report.is_stale(line, victim, context is not None):
            report, events = self._fresh(key, line)
        report.touch(line)
        report.killed[victim.pid] = len(report.kills)
        report.kills.append(report.kill(line, victim, context, member or (bool(report.group) and not report.kills)))
        return events

    def _on_killed_cut(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        """What the line does not say any more, the summary of the same report says."""
        field = found.groupdict()
        victim = Process(
            pid=_int(field.get("pid")), comm=field.get("comm"), uid=_int(field.get("task_uid") or field.get("uid"))
        )
        events = []  # type: List[Event]
        if report.kills or report.unresolved or report.is_over(line):
            if victim.pid in report.killed and within(report.kills[-1].line, line, _REPEAT_SPAN):
                return []
            report, events = self._fresh(key, line)
        summary = report.summary[1] if report.summary is not None else None
        if summary is not None and summary.pid is not None and victim.pid in (None, summary.pid):
            victim = victim._replace(pid=summary.pid, comm=victim.comm or summary.comm)
        elif report.is_stale(line, victim, False):
            report, events = self._fresh(key, line)
        report.touch(line)
        report.killed[victim.pid] = len(report.kills)
        report.kills.append(report.kill(line, victim, field["context"], bool(report.group)))
        self._name(key, victim.pid)
        return events

    def _on_chosen_cut(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        return self._on_chosen(key, report, line, found)

    def _on_sharing(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        """A process with the memory of the victim: it is killed, too, and no other line tells of it."""
        victim = Process(pid=int(found.group("pid")), comm=found.group("comm"))
        if victim.pid in report.killed:
            return []
        events = []  # type: List[Event]
        if not report.kills or not within(report.kills[-1].line, line, _GROUP_SPAN) or len(report.kills) >= _MAX_GROUP:
            report, events = self._fresh(key, line)
        report.touch(line)
        first = report.kills[0] if report.kills else None
        kill = report.kill(line, victim, found.group("context"), True)
        if first is not None:
            kill = kill._replace(scope=first.scope, oom_memcg=first.oom_memcg)
        report.killed[victim.pid] = len(report.kills)
        report.kills.append(kill._replace(trigger=first.trigger if first is not None else "unknown"))
        self._name(key, victim.pid)
        return events

    def _on_reaped(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        """Whoever is reaped was a victim. Where no line names him as one, the log does not have his kill."""
        if (key, int(found.group("pid"))) in self._told:
            return []
        report, events = self._report_for(key, report, line)
        report.only_began = True
        return events

    def _on_page_fault(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        report, events = self._fresh(key, line)
        report.kills.append(Kill(line=line, victim=Process(comm=found.group("comm")), scope="global", trigger="fault"))
        return events

    def _on_openvz(self, key: Key, report: OomReport, line: LogLine, found: Match[str]) -> Optional[List[Event]]:
        report, events = self._fresh(key, line)
        field = found.groupdict()
        context = field.get("context") or ""
        victim = Process(
            pid=int(field["pid"]),
            comm=field["comm"],
            total_vm=_bytes(field.get("total_vm")),
            oom_score=_int(field.get("score")),
        )
        scope = "unknown"
        if " in UB " in context or context.startswith("Memory cgroup"):
            scope = "memcg"
        elif context:
            scope = "global"
        self._name(key, victim.pid)
        report.kills.append(Kill(line=line, victim=victim, scope=scope, trigger="fault"))
        return events


#: Needle, patterns and handler of each row, flat: every line of a storm goes through here.
_ROWS = tuple(
    (needle, kind.patterns, getattr(Kernel, "_on_" + kind.handler) if kind.handler else None)
    for kind in kinds.KERNEL + kinds.KERNEL_LEFT
    for needle in kind.needles
)
