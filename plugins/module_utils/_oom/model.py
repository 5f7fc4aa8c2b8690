# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kill and what else the kernel says of a shortage are. Sizes are bytes, times epoch seconds, unknown is
None.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple, Union

from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

if TYPE_CHECKING:
    from .memory_model import MemcgInfo, MemInfo


#: constraint -> what allowed some memory nodes only: then the others may have had room
NODES_ALLOWED_BY = {"CONSTRAINT_CPUSET": "cpuset", "CONSTRAINT_MEMORY_POLICY": "memory policy"}


class Process(NamedTuple):
    """The victim. Sizes in bytes."""

    pid: Optional[int] = None
    comm: Optional[str] = None
    uid: Optional[int] = None
    total_vm: Optional[int] = None
    anon_rss: Optional[int] = None
    file_rss: Optional[int] = None
    shmem_rss: Optional[int] = None
    pgtables: Optional[int] = None
    oom_score_adj: Optional[int] = None
    oom_score: Optional[int] = None


class Invoker(NamedTuple):
    """The task whose allocation failed. It need not be the victim."""

    pid: Optional[int] = None
    comm: Optional[str] = None
    gfp_mask: Optional[str] = None
    order: Optional[int] = None


class Task(NamedTuple):
    """A row of the kernel's task table. Sizes in bytes; None where that kernel has no such column."""

    pid: int
    tgid: int
    uid: int
    comm: str
    total_vm: Optional[int] = None
    rss: Optional[int] = None
    rss_anon: Optional[int] = None
    rss_file: Optional[int] = None
    rss_shmem: Optional[int] = None
    pgtables: Optional[int] = None
    swap: Optional[int] = None
    oom_score_adj: Optional[int] = None


class Report(NamedTuple):
    """What else the kernel said of the shortage. Kept together with the task table only.

    columns -- of the task table, as the kernel named them; empty without a table
    chosen -- the process that the kernel chose, where it says so (to 5.0); a child of it may have died instead
    chosen_listed -- the table has a row of it: it is a process, not a thread of one
    allocating -- vm.oom_kill_allocating_task was set: nothing was chosen
    nodes -- the memory nodes that the policy or the cpuset allows, as the kernel writes a list: 0-1,3
    cut -- rows of the table are missing
    rows -- how many the log has, with or without a header
    """

    memory: "Optional[MemInfo]" = None
    memcg: "Optional[MemcgInfo]" = None
    columns: Tuple[str, ...] = ()
    chosen: Optional[Process] = None
    chosen_listed: bool = False
    allocating: bool = False
    nodes: Optional[str] = None
    cut: bool = False
    rows: int = 0


class Kill(NamedTuple):
    """One process that a killer ended, or announced to end (partial).

    explanation -- what _analysis made of the report and the table, once they are let go
    """

    line: LogLine
    victim: Process
    invoker: Invoker = Invoker()
    killer: str = "kernel"
    scope: str = "unknown"
    trigger: str = "unknown"
    constraint: Optional[str] = None
    oom_memcg: Optional[str] = None
    task_memcg: Optional[str] = None
    unit: Optional[str] = None
    container_id: Optional[str] = None
    kernel: Optional[str] = None
    partial: bool = False
    repeats: int = 0
    tasks: Optional[Tuple[Task, ...]] = None
    page_size: Optional[int] = None
    group_memcg: Optional[str] = None
    report: Optional[Report] = None
    explanation: Any = None


class Unresolved(NamedTuple):
    """Memory was short, and the log tells of nobody who was killed. explanation -- as for a kill

    outcome -- panic; no_victim (the kernel found nobody); unseen (a report began, and its end is not in the log);
        rule_fired (a rule of systemd-oomd fired, and no kill followed)
    """

    line: LogLine
    outcome: str
    scope: str = "unknown"
    invoker: Invoker = Invoker()
    oom_memcg: Optional[str] = None
    kernel: Optional[str] = None
    trigger: str = "unknown"
    tasks: Optional[Tuple[Task, ...]] = None
    page_size: Optional[int] = None
    report: Optional[Report] = None
    explanation: Any = None

    @property
    def is_explained(self) -> bool:
        """Do we know where the memory was?"""
        return self.explanation is not None and self.explanation.accounts is not None


class Verdict(NamedTuple):
    """systemd's word on a unit that lost processes. It confirms the killer's own record; where there is none, it is a
    kill by itself.

    kind -- killed (processes of the unit were killed) or result (the unit failed with the result oom-kill, by either
        killer)
    killer -- systemd-oomd where systemd names it, else unknown: the words of systemd do not tell the kernel from a
        delegate
    processes -- how many, where systemd says so
    """

    line: LogLine
    unit: str
    kind: str = "killed"
    killer: str = "unknown"
    processes: Optional[int] = None


def kill_of(verdict: Verdict) -> Kill:
    """The kill that a verdict tells of, for which no killer's own record is there: somebody of that unit, nobody says
    who.
    """
    return Kill(line=verdict.line, victim=Process(), killer=verdict.killer, unit=verdict.unit, partial=True)


#: What a parser tells of.
Event = Union[Kill, Unresolved, Verdict]
