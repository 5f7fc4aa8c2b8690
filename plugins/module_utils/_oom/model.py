# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a log line, a kill and the look at a source are. Sizes are bytes, times epoch seconds, unknown is None."""

from typing import NamedTuple, Optional, Tuple, Union


class LogLine(NamedTuple):
    """One log message with its prefix taken off and what is known about its origin.

    text -- the message; bytes that are not UTF-8 are lone surrogates (surrogateescape)
    source -- ``journal``, ``/dev/kmsg`` or the path of a file
    tag -- the syslog tag (``kernel``, ``systemd``, ``earlyoom``), None where the line has none
    time_quality -- exact, year_inferred, from_uptime or unknown
    uptime -- kernel seconds since boot
    trusted -- True only for records that nobody but the kernel or the named daemon can have written
    reason -- why it is trusted, or why not
    """

    text: str
    source: str
    host: Optional[str] = None
    tag: Optional[str] = None
    time: Optional[float] = None
    time_quality: str = "unknown"
    uptime: Optional[float] = None
    boot_id: Optional[str] = None
    trusted: bool = False
    reason: str = ""
    message_id: Optional[str] = None
    unit: Optional[str] = None


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


class Kill(NamedTuple):
    """One process that a killer ended, or announced to end (partial)."""

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


class Unresolved(NamedTuple):
    """The kernel was out of memory and killed nothing: panic or no_victim."""

    line: LogLine
    outcome: str
    scope: str = "unknown"
    invoker: Invoker = Invoker()
    oom_memcg: Optional[str] = None
    kernel: Optional[str] = None


class Verdict(NamedTuple):
    """systemd's word on a unit after a kill. It confirms; it is no kill of its own."""

    line: LogLine
    unit: str


#: What a parser tells of.
Event = Union[Kill, Unresolved, Verdict]


class SourceReport(NamedTuple):
    """What one source said about itself.

    status -- read, absent, denied, not_regular, corrupt, truncated, rotated, timeout, too_big, unsupported, error, skipped
    first, last -- epoch seconds of the oldest and newest line
    reason -- one sentence where status is not read
    """

    name: str
    status: str
    lines: Optional[int] = None
    first: Optional[float] = None
    last: Optional[float] = None
    bytes: Optional[int] = None
    reason: Optional[str] = None
