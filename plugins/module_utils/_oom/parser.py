# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in, kills out. Text in, values out: nothing here opens, runs, warns or fails.

The "Killed process" line is the kill: it is the only one that every kernel prints for every victim.
Whatever came before it in the same report only adds to it; reports are rate-limited, so it often comes alone.
"""

from typing import Dict, Iterable, Iterator, List, Match, Optional, Tuple, Union

from . import killers, patterns
from .blocks import join_records
from .model import Invoker, Kill, LogLine, Process, Unresolved, Verdict
from .tasks import Table

Event = Union[Kill, Unresolved, Verdict]

#: Kernel seconds after which a line no longer belongs to the report before it.
_REPORT_SPAN = 60.0
_GROUP_SPAN = 2.0
_REPEAT_SPAN = 10.0
_KB = 1024
#: A kernel's record ends at 2 KiB; what is longer is somebody's text, and only its beginning is looked at.
_MAX_TEXT = 8192
#: Reports that are open at once (one per source and host: a central log has many), and victims in one report.
_MAX_REPORTS = 1024
_MAX_GROUP = 4096


def _bytes(kb: Optional[str]) -> Optional[int]:
    return None if kb is None else int(kb) * _KB


def _int(text: Optional[str]) -> Optional[int]:
    return None if text is None else int(text)


def _apart(first: LogLine, later: LogLine) -> Optional[float]:
    """Seconds between two lines, None where one has no clock."""
    if first.uptime is not None and later.uptime is not None:
        return later.uptime - first.uptime
    if first.time is not None and later.time is not None:
        return later.time - first.time
    return None


def _within(first: LogLine, later: LogLine, span: float) -> bool:
    apart = _apart(first, later)
    return apart is None or -1.0 <= apart <= span


def _scope_of(context: Optional[str]) -> Optional[str]:
    if context is None:
        return None
    return "memcg" if context.startswith("Memory cgroup") else "global"


class _Report:
    """One report of the kernel while its lines come in."""

    def __init__(self) -> None:
        self.start = None  # type: Optional[LogLine]
        self.invoker = Invoker()
        self.trigger = "unknown"
        self.kernel = None  # type: Optional[str]
        self.oom_memcg = None  # type: Optional[str]
        self.task_memcg = None  # type: Optional[str]
        self.reached = False
        self.group = None  # type: Optional[str]
        self.summary = None  # type: Optional[Tuple[LogLine, patterns.Summary]]
        self.chosen = None  # type: Optional[Tuple[LogLine, Match[str]]]
        self.unresolved = None  # type: Optional[Tuple[LogLine, str]]
        self.table = Table()
        self.kills = []  # type: List[Kill]
        self.killed = {}  # type: Dict[Optional[int], int]  # pid -> where in kills

    def touch(self, line: LogLine) -> None:
        if self.start is None:
            self.start = line

    @property
    def last(self) -> Optional[LogLine]:
        return self.kills[-1].line if self.kills else self.start


class Parser:
    """feed() takes lines of one source in order; finish() gives what is still open.

    include_tasks -- keep the kernel's task table with each kill
    """

    def __init__(self, include_tasks: bool = False) -> None:
        self.unparsed = 0
        self._include_tasks = include_tasks
        self._reports = {}  # type: Dict[Tuple[str, Optional[str]], _Report]
        self._nohang = killers.NohangState()

    def feed(self, line: LogLine) -> List[Event]:
        """Events that this line completes."""
        if len(line.text) > _MAX_TEXT:
            line = line._replace(text=line.text[:_MAX_TEXT])
        if line.tag is None or line.tag == "kernel":
            events, taken = self._kernel(line)
            if taken:
                return events
        return self._userspace(line)

    def finish(self) -> List[Event]:
        events = []  # type: List[Event]
        for report in self._reports.values():
            events.extend(self._close(report))
        self._reports.clear()
        return events

    # -- user space ---------------------------------------------------------------------------------------------

    def _userspace(self, line: LogLine) -> List[Event]:
        tag = line.tag
        found = None  # type: Optional[Event]
        if tag == "earlyoom" or tag is None:
            found = killers.earlyoom_kill(line)
        if found is None and (tag == "systemd-oomd" or tag is None):
            found = killers.systemd_oomd_kill(line)
        if found is None and (tag is None or tag.startswith("nohang")):
            found = self._nohang.feed(line)
        if found is None and (tag in ("systemd", None) or line.message_id is not None):
            found = killers.systemd_verdict(line)
        if found is not None:
            return [found]
        return list(killers.fb_oomd_kills(line)) if tag in ("oomd", None) else []

    # -- the kernel ---------------------------------------------------------------------------------------------

    def _kernel(self, line: LogLine) -> Tuple[List[Event], bool]:
        text = line.text
        key = (line.source, line.host)
        report = self._reports.get(key)
        closed = []  # type: List[Event]
        if report is None:
            report = self._reports[key] = _Report()
            if len(self._reports) > _MAX_REPORTS:
                closed = self._close(self._reports.pop(next(iter(self._reports))))
        for needle, handler in _HANDLERS:
            if needle in text:
                events = handler(self, key, report, line)
                if events is not None:
                    return closed + events, True
        if report.start is not None and not report.kills and report.table.feed(text):
            return closed, True
        if report.start is None and text.startswith("[") and report.table.feed(text):
            return closed, True  # an excerpt that begins inside the table
        if text.startswith("Node "):
            report.table.feed(text)
        if patterns.SUSPICIOUS.match(text) and not patterns.NOT_A_KILL.match(text):
            self.unparsed += 1
            return closed, True
        return closed, bool(closed)

    def _fresh(self, key: Tuple[str, Optional[str]], line: LogLine) -> Tuple[_Report, List[Event]]:
        """A new report; what the one before had open."""
        events = self._close(self._reports[key])
        report = self._reports[key] = _Report()
        report.touch(line)
        return report, events

    def _header(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.HEADER.match(line.text)
        anonymous = None if found else patterns.HEADER_ANONYMOUS.match(line.text)
        match = found or anonymous
        if match is None:
            return None
        pending_sysrq = report.trigger == "sysrq" and report.start is not None and not report.kills
        report, events = self._fresh(key, line)
        order = int(match.group("order"))
        report.invoker = Invoker(comm=found.group("comm") if found else None, gfp_mask=match.group("gfp_mask"), order=order)
        report.trigger = "sysrq" if order == -1 or pending_sysrq else "fault"
        return events

    def _sysrq(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        if not patterns.SYSRQ.match(line.text):
            return None
        report, events = self._fresh(key, line)
        report.trigger = "sysrq"
        return events

    def _release(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.CPU_LINE.match(line.text) or patterns.PID_LINE.match(line.text)
        if not found or report.start is None:
            return None
        if report.last is not None and not _within(report.last, line, _REPORT_SPAN):
            return []
        if report.kernel is None:
            report.kernel = found.group("release")
        wanted, comm = report.invoker.comm, found.group("comm")
        if report.invoker.pid is None and report.invoker.gfp_mask is not None and not report.kills:
            # The name in the header may have lost its first line (a newline in it); this one is cut at 20 bytes.
            if wanted is None or comm == wanted or comm.endswith("\n" + wanted) or (len(comm) >= 15 and wanted.startswith(comm)):
                report.invoker = report.invoker._replace(pid=int(found.group("pid")), comm=comm if wanted is None else wanted)
                if wanted is not None and comm.endswith("\n" + wanted):
                    report.invoker = report.invoker._replace(comm=comm)
        return []

    def _memcg_limit(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.MEMCG_LIMIT.match(line.text) or patterns.MEMCG_REACHED.match(line.text)
        if not found:
            return None
        events = []  # type: List[Event]
        if report.kills:
            report, events = self._fresh(key, line)
        report.touch(line)
        fields = found.groupdict()
        report.oom_memcg, report.task_memcg = fields["oom_memcg"].rstrip(), fields.get("task_memcg")
        report.reached = "task_memcg" not in fields
        return events

    def _group(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.GROUP.match(line.text)
        if not found:
            return None
        if report.last is not None and not _within(report.last, line, _REPORT_SPAN):
            report, events = self._fresh(key, line)
        else:
            events = []
            report.touch(line)
        report.group = found.group("memcg")
        return events

    def _announced(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        summary = patterns.parse_summary(line.text)
        if summary is None:
            return None
        events = []  # type: List[Event]
        if report.kills or report.summary is not None:
            report, events = self._fresh(key, line)
        report.touch(line)
        report.summary = (line, summary)
        return events

    def _choice(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.CHOSEN.match(line.text)
        if not found:
            return None
        events = []  # type: List[Event]
        if report.kills or report.chosen is not None:
            report, events = self._fresh(key, line)
        report.touch(line)
        report.chosen = (line, found)
        return events

    def _exiting(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.ALREADY_EXITING.match(line.text)
        if not found:
            return None
        if report.summary is not None and report.summary[1].pid in (None, int(found.group("pid"))):
            report.summary = None
        return []

    def _nobody(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        panic = patterns.PANIC.match(line.text)
        if not panic and not patterns.NO_VICTIM.match(line.text):
            return None
        events = []  # type: List[Event]
        if report.kills or (report.unresolved is not None and not panic):
            trigger = report.trigger
            report, events = self._fresh(key, line)
            report.trigger = trigger if panic else "unknown"
        report.touch(line)
        report.unresolved = (line, "panic" if panic else "no_victim")
        return events

    def _killed(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = next((m for m in (pattern.match(line.text) for pattern in patterns.KILLED) if m), None)
        if found is None:
            return None
        field = found.groupdict()
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
        index = report.killed.get(victim.pid)
        if index is not None and _within(report.kills[index].line, line, _REPEAT_SPAN):
            report.kills[index] = report.kills[index]._replace(repeats=report.kills[index].repeats + 1)
            return []
        member = bool(report.group) and bool(report.kills) and _within(report.kills[-1].line, line, _GROUP_SPAN)
        member = member and len(report.kills) < _MAX_GROUP
        events = []  # type: List[Event]
        if report.unresolved or (report.kills and not member) or self._stale(report, line, victim, field["context"] is not None):
            report, events = self._fresh(key, line)
        report.touch(line)
        report.killed[victim.pid] = len(report.kills)
        report.kills.append(self._kill(report, line, victim, field["context"], member or (bool(report.group) and not report.kills)))
        return events

    @staticmethod
    def _stale(report: _Report, line: LogLine, victim: Process, own_context: bool) -> bool:
        """What is open belongs to another kill, of which we shall see no more."""
        if report.start is not None and not _within(report.start, line, 10 * _REPORT_SPAN):
            return True
        if report.kills:
            return False
        if report.chosen is not None and own_context and victim.total_vm is not None:
            return int(report.chosen[1].group("pid")) != victim.pid
        if report.summary is not None and report.chosen is None and report.summary[1].pid is not None:
            return report.summary[1].pid != victim.pid
        return False

    def _kill(self, report: _Report, line: LogLine, victim: Process, context: Optional[str], member: bool) -> Kill:
        summary = report.summary[1] if report.summary else None
        chosen = report.chosen[1] if report.chosen else None
        if chosen is not None:
            victim = victim._replace(oom_score=int(chosen.group("score")))
        victim = report.table.complete(victim)
        scope = _scope_of(context) or _scope_of(chosen.group("context") if chosen else None)
        if scope is None:
            scope = summary.scope if summary else ("memcg" if report.oom_memcg else "unknown")
        kill = Kill(line=line, victim=victim, scope=scope, invoker=report.invoker, trigger="group" if member else report.trigger)
        if kill.trigger == "unknown" and scope == "memcg":
            kill = kill._replace(trigger="fault")  # a limit is only hit by a charge; sysrq is never a memcg kill
        if summary is not None and not member:
            oom_memcg, task_memcg = _memcgs_of(report.summary[0].text if report.summary else "", summary, victim)
            kill = kill._replace(constraint=summary.constraint, oom_memcg=oom_memcg, task_memcg=task_memcg)
            if victim.uid is None:
                kill = kill._replace(victim=victim._replace(uid=summary.uid))
        elif scope == "memcg":
            kill = kill._replace(
                constraint=summary.constraint if summary else None,
                oom_memcg=summary.oom_memcg if summary else report.oom_memcg,
                task_memcg=None if member else report.task_memcg,
            )
        return kill

    def _page_fault(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.VM_KILLING.match(line.text)
        if not found:
            return None
        report, events = self._fresh(key, line)
        report.kills.append(Kill(line=line, victim=Process(comm=found.group("comm")), scope="global", trigger="fault"))
        return events

    def _openvz(self, key: Tuple[str, Optional[str]], report: _Report, line: LogLine) -> Optional[List[Event]]:
        found = patterns.OPENVZ.match(line.text)
        if not found:
            return None
        report, events = self._fresh(key, line)
        victim = Process(
            pid=int(found.group("pid")),
            comm=found.group("comm"),
            total_vm=_bytes(found.group("total_vm")),
            oom_score=int(found.group("score")),
        )
        report.kills.append(Kill(line=line, victim=victim, scope="memcg", trigger="fault"))
        return events

    # -- closing a report ---------------------------------------------------------------------------------------

    def _close(self, report: _Report) -> List[Event]:
        """The events of a report of which no more lines come."""
        events = []  # type: List[Event]
        kills = report.kills
        if not kills and report.unresolved is None:
            kills = self._partial(report)
        for kill in kills:
            tasks = report.table.tasks() if self._include_tasks else None
            events.append(
                kill._replace(
                    kernel=report.kernel,
                    group_memcg=report.group,
                    tasks=tasks or None,
                    page_size=report.table.page_size if tasks else None,
                )
            )
        outcome = report.unresolved
        if outcome is None and report.reached and not kills and report.start is not None:
            outcome = (report.start, "no_victim")
        if outcome is not None:
            events.append(
                Unresolved(
                    line=outcome[0],
                    outcome=outcome[1],
                    scope="memcg" if report.oom_memcg else "unknown",
                    invoker=report.invoker,
                    oom_memcg=report.oom_memcg,
                    kernel=report.kernel,
                )
            )
        return events

    def _partial(self, report: _Report) -> List[Kill]:
        """Announced, and no "Killed process" line came."""
        kill = None  # type: Optional[Kill]
        if report.summary is not None and report.summary[1].pid is not None:
            line, summary = report.summary
            victim = Process(pid=summary.pid, comm=summary.comm, uid=summary.uid)
            kill = self._kill(report, line, victim, None, False)
        elif report.chosen is not None:
            line, chosen = report.chosen
            victim = Process(pid=int(chosen.group("pid")), comm=chosen.group("comm"))
            kill = self._kill(report, line, victim, chosen.group("context"), False)
        return [kill._replace(partial=True)] if kill is not None else []


def _memcgs_of(text: str, summary: patterns.Summary, victim: Process) -> Tuple[Optional[str], Optional[str]]:
    """The cgroups of the summary; the name on the kill line tells where a cgroup name with ",task=" in it ends."""
    if victim.comm is not None and summary.comm != victim.comm and summary.pid is not None:
        named = ",task=%s,pid=%d,uid=" % (victim.comm, summary.pid)
        at = text.rfind(named)
        if at >= 0:
            again = patterns.parse_summary(text[:at] + ",task=x,pid=0,uid=0")
            if again is not None:
                summary = again
    return summary.oom_memcg, summary.task_memcg


_HANDLERS = (
    ("Killed process", Parser._killed),
    ("oom-kill:", Parser._announced),
    ("oom-killer: ", Parser._header),
    ("oom-killer:", Parser._header),
    ("ill process ", Parser._choice),
    ("id: ", Parser._release),
    ("PID: ", Parser._release),
    ("Task in /", Parser._memcg_limit),
    ("limit reached of cgroup", Parser._memcg_limit),
    ("memory.oom.group", Parser._group),
    ("is already exiting", Parser._exiting),
    ("no killable processes", Parser._nobody),
    ("not syncing: ", Parser._nobody),
    ("Manual OOM execution", Parser._sysrq),
    ("VM: killing process", Parser._page_fault),
    ("OOM killed process", Parser._openvz),
)


def parse(lines: Iterable[LogLine], include_tasks: bool = False) -> Iterator[Event]:
    """Every kill, unresolved shortage and verdict in the lines of one source."""
    parser = Parser(include_tasks=include_tasks)
    for line in join_records(lines):
        yield from parser.feed(line)
    yield from parser.finish()
