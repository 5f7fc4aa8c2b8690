# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One report: what the kernel says of one shortage, collected line by line, and the kills that come of it."""

from typing import TYPE_CHECKING, Any, Dict, List, Match, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .model import Event, Invoker, Kill, Process, Report, Unresolved
from .summary import Summary, parse_summary
from .tasks import Table

if TYPE_CHECKING:
    from .meminfo import MemText

#: Kernel seconds after which a line no longer belongs to the report before it.
REPORT_SPAN = 60.0


def _apart(first: LogLine, later: LogLine) -> Optional[float]:
    """Seconds between two lines, None where one has no clock."""
    if first.uptime is not None and later.uptime is not None:
        return later.uptime - first.uptime
    if first.time is not None and later.time is not None:
        return later.time - first.time
    return None


def within(first: LogLine, later: LogLine, span: float) -> bool:
    apart = _apart(first, later)
    return apart is None or -1.0 <= apart <= span


def _scope_of(context: Optional[str]) -> Optional[str]:
    if context is None:
        return None
    return "memcg" if context.startswith("Memory cgroup") else "global"


def _score(chosen: Match[str]) -> Optional[int]:
    """Of a line that may have been cut before it."""
    score = chosen.groupdict().get("score")
    return None if score is None else int(score)


def _as_named(comm: str, named: Optional[str]) -> str:
    """A name in which a line was wrapped, as another line of the same report has it."""
    same = named is not None and "\n" not in named and "".join(named.split()) == "".join(comm.split())
    return named if named is not None and same else comm


def _comm(chosen: Match[str]) -> Optional[str]:
    return chosen.groupdict().get("comm")


class OomReport:
    """One out-of-memory report of the kernel while its lines come in."""

    def __init__(self) -> None:
        self.start = None  # type: Optional[LogLine]
        self.invoker = Invoker()
        self.trigger = "unknown"
        self.kernel = None  # type: Optional[str]
        self.oom_memcg = None  # type: Optional[str]
        self.task_memcg = None  # type: Optional[str]
        self.reached = False
        self.only_began = False  # a line told that memory was short; what came of it must follow
        self.group = None  # type: Optional[str]
        self.summary = None  # type: Optional[Tuple[LogLine, Summary]]
        self.chosen = None  # type: Optional[Tuple[LogLine, Match[str]]]
        self.unresolved = None  # type: Optional[Tuple[LogLine, str]]
        self.table = Table()
        self.memory = None  # type: Optional[MemText]
        self.numbers = None  # type: Optional[LogLine]  # the first of them, where the header is missing
        self.allocating = False
        self.kills = []  # type: List[Kill]
        self.killed = {}  # type: Dict[Optional[int], int]  # pid -> where in kills

    def touch(self, line: LogLine) -> None:
        if self.start is None:
            self.start = line

    @property
    def is_only_begun(self) -> bool:
        return self.only_began and self.summary is None and self.chosen is None and not self.kills

    @property
    def last(self) -> Optional[LogLine]:
        return self.kills[-1].line if self.kills else self.start

    def is_over(self, line: LogLine) -> bool:
        """It began too long before a line to be of the same shortage."""
        return self.start is not None and not within(self.start, line, 10 * REPORT_SPAN)

    def is_stale(self, line: LogLine, victim: Process, own_context: bool) -> bool:
        """What is open belongs to another kill, of which we shall see no more."""
        if self.is_over(line):
            return True
        if self.kills:
            return False
        if self.chosen is not None and own_context and victim.total_vm is not None:
            return int(self.chosen[1].group("pid")) != victim.pid
        if self.summary is not None and self.chosen is None and self.summary[1].pid is not None:
            return self.summary[1].pid != victim.pid
        return False

    def kill(self, line: LogLine, victim: Process, context: Optional[str], member: bool) -> Kill:
        summary = self.summary[1] if self.summary else None
        chosen = self.chosen[1] if self.chosen else None
        if chosen is not None and (
            not member or int(chosen.group("pid")) == victim.pid
        ):  # the others of a group have their own
            victim = victim._replace(oom_score=_score(chosen))
        victim = self.table.complete(victim)
        contexts = (context, chosen.group("context") if chosen else None)
        self.allocating = self.allocating or any("allocating" in words for words in contexts if words)
        scope = _scope_of(contexts[0]) or _scope_of(contexts[1])
        if scope is None:
            scope = "memcg" if self.oom_memcg else "unknown"
            if summary:
                scope = summary.scope
        kill = Kill(
            line=line, victim=victim, scope=scope, invoker=self.invoker, trigger="group" if member else self.trigger
        )
        if kill.trigger == "unknown" and scope == "memcg":
            kill = kill._replace(trigger="fault")  # a limit is only hit by a charge; sysrq is never a memcg kill
        if summary is not None and victim.comm is not None and "\n" in victim.comm and summary.pid == victim.pid:
            kill = kill._replace(victim=victim._replace(comm=_as_named(victim.comm, summary.comm)))
            victim = kill.victim
        if summary is not None and not member:
            oom_memcg, task_memcg = _memcgs_of(self.summary[0].text if self.summary else "", summary, victim)
            kill = kill._replace(constraint=summary.constraint, oom_memcg=oom_memcg, task_memcg=task_memcg)
            if victim.uid is None:
                kill = kill._replace(victim=victim._replace(uid=summary.uid))
        elif scope == "memcg":
            kill = kill._replace(
                constraint=summary.constraint if summary else None,
                oom_memcg=summary.oom_memcg if summary else self.oom_memcg,
                task_memcg=None if member else self.task_memcg,
            )
        return kill

    def keep(self, text: str, line: Optional[LogLine] = None) -> None:
        """A line of the report that is no row: somebody may ask where the memory was.

        line -- where no header came before: it may belong to another report
        """
        if self.memory is None:
            from .meminfo import MemText

            self.memory, self.numbers = MemText(), line
        self.memory.feed(text)
        self.table.interrupted(text)

    def close(self, include_tasks: bool = False) -> List[Event]:
        """The events of it, once no more lines come.

        include_tasks -- with the task table and what else the kernel said
        """
        kills = self.kills
        if not kills and self.unresolved is None:
            kills = self._partial()
        outcome = self.unresolved
        if outcome is None and self.reached and not kills and self.start is not None:
            outcome = (self.start, "no_victim")
        if outcome is None and self.only_began and not kills and self.start is not None:
            outcome = (self.start, "unseen")
        if self.numbers is not None and kills and not within(self.numbers, kills[0].line, REPORT_SPAN):
            self.memory = None
        details = {}  # type: Dict[str, Any]
        if include_tasks and (kills or outcome):
            details = self._details(kills[0].victim if kills else None)
        events = [
            kill._replace(kernel=self.kernel, group_memcg=self.group, **details) for kill in kills
        ]  # type: List[Event]
        if outcome is not None:
            events.append(
                Unresolved(
                    line=outcome[0],
                    outcome=outcome[1],
                    scope=self._scope(),
                    invoker=self.invoker,
                    oom_memcg=self.oom_memcg,
                    kernel=self.kernel,
                    trigger=self.trigger,
                    **details,
                )
            )
        return events

    def _scope(self) -> str:
        """Who was out of memory, where no kill tells. EL 7 prints the shortage of a cgroup as one of the host: the call
        trace tells.
        """
        if self.oom_memcg:
            return "memcg"
        return "memcg" if self.memory is not None and self.memory.charged_to_cgroup() else "unknown"

    def _details(self, victim: Optional[Process]) -> Dict[str, Any]:
        """The table, and what the kernel said beside the kills."""
        from .memcg_info import parse_memcg
        from .meminfo import page_size_of, page_size_of_kernel, parse_meminfo

        text = self.memory.text() if self.memory is not None else ""
        if self.table.page_size is None:
            self.table.page_size = page_size_of(text)
        if victim is not None:
            self.table.learn_page_size(victim)
        if self.table.page_size is None:
            self.table.page_size = page_size_of_kernel(self.kernel)
        tasks = self.table.tasks()
        chosen = self.chosen[1] if self.chosen else None
        report = Report(
            memory=parse_meminfo(text, self.table.page_size),
            memcg=parse_memcg(text),
            columns=tuple(self.table.columns or ()),
            chosen=(
                Process(pid=int(chosen.group("pid")), comm=_comm(chosen), oom_score=_score(chosen)) if chosen else None
            ),
            chosen_listed=chosen is not None and self.table.lists(int(chosen.group("pid"))),
            allocating=self.allocating,
            nodes=self.summary[1].nodes if self.summary else None,
            cut=self.table.cut,
            rows=self.table.count,
        )
        return {"tasks": tasks or None, "page_size": self.table.page_size if tasks else None, "report": report}

    def _partial(self) -> List[Kill]:
        """Announced, and no "Killed process" line came."""
        kill = None  # type: Optional[Kill]
        if self.summary is not None and self.summary[1].pid is not None:
            summary = self.summary[1]
            victim = Process(pid=summary.pid, comm=summary.comm, uid=summary.uid)
            kill = self.kill(self.summary[0], victim, None, False)
        elif self.chosen is not None:
            chosen = self.chosen[1]
            victim = Process(pid=int(chosen.group("pid")), comm=_comm(chosen))
            kill = self.kill(self.chosen[0], victim, chosen.group("context"), False)
        return [kill._replace(partial=True)] if kill is not None else []


def _memcgs_of(text: str, summary: Summary, victim: Process) -> Tuple[Optional[str], Optional[str]]:
    """The cgroups of the summary; the name on the kill line tells where a cgroup name with ",task=" in it ends."""
    if victim.comm is not None and summary.comm != victim.comm and summary.pid is not None:
        named = ",task=%s,pid=%d,uid=" % (victim.comm, summary.pid)
        at = text.rfind(named)
        if at >= 0:
            again = parse_summary(text[:at] + ",task=x,pid=0,uid=0")
            if again is not None:
                summary = again
    return summary.oom_memcg, summary.task_memcg
