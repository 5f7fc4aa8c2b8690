# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who takes part when memory runs out, of how much memory the shares are taken, and what might make it end
otherwise.
"""

import os
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._procfs import parse_meminfo, settings
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._systemd.cgroup import Layout, layout
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from . import memcg as cgroups
from .memcg import Memcg
from .processes import Process, Snapshot
from .score import UNKILLABLE, Era, era_of

#: The initial PID namespace has this number in every kernel that has namespace files (PROC_PID_INIT_INO).
_INITIAL_PIDNS = "pid:[4026531836]"
_HIDEPID = re.compile(r"^\S+ /proc proc \S*\bhidepid=(?!0\b|off\b)(\w+)", re.MULTILINE)
_GID = re.compile(r"^\S+ /proc proc \S*\bgid=(\d+)", re.MULTILINE)
_LXCFS = re.compile(r"^lxcfs /proc/meminfo ", re.MULTILINE)
_KILLERS = ("systemd-oomd", "earlyoom", "nohang", "oomd")
#: What an idle process reads in /proc/PID/oom_score: 666 where points may be negative, 0 before.
_NEW_SCALE = 600


class Selection(NamedTuple):
    """One shortage.

    memcg -- whose limit, None: the whole machine's
    outcome -- kill | panic | allocating_task | none (cgroup 1 with oom_kill_disable)
    complete -- every process that takes part is seen; reasons -- why not
    notes -- sentences about what may change the outcome
    """

    era: Era
    totalpages: int
    memory_total: Optional[int]
    processes: List[Process]
    memcg: Optional[Memcg] = None
    outcome: str = "kill"
    complete: bool = True
    reasons: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()
    init: Optional[int] = 1
    where: Optional[Layout] = None


def _text(host: Host, path: str) -> str:
    return to_text(host.read(path) or b"")


def in_container(host: Host) -> bool:
    """A PID namespace of our own: processes of the host take part and are not seen."""
    try:
        return os.readlink(host.path("/proc/self/ns/pid")) != _INITIAL_PIDNS
    except OSError:  # before 3.8, or not there
        return False


def _hidden(host: Host, denied: int, everybody: bool) -> List[str]:
    """Why processes that take part may not be seen. A limit inside a container is fought out inside it."""
    mounts = _text(host, "/proc/mounts")
    reasons = []  # type: List[str]
    hidepid = _HIDEPID.search(mounts)
    if hidepid and os.geteuid() != 0:
        gid = _GID.search(mounts)  # the group that may look, root's where none is named
        if int(gid.group(1) if gid else 0) not in os.getgroups() + [os.getegid()]:
            reasons.append(
                "/proc is mounted with hidepid=%s, which hides the processes of others (become: true shows them)"
                % hidepid.group(1)
            )
    if denied:
        reasons.append("%d process%s may not be read (become: true may help)" % (denied, "" if denied == 1 else "es"))
    if everybody and in_container(host):
        reasons.append("this is a container: processes of its host take part and are not seen")
    if everybody and _LXCFS.search(mounts):
        reasons.append("lxcfs shows the container's memory as the machine's")
    return reasons


def measured(host: Host, era: Era, processes: Sequence[Process], memory: int) -> Era:
    """The era corrected by the running kernel itself: distributions bring new rules to old versions.

    An unadjusted process that is small tells: its oom_score is about 666 where points may be negative, and about 0
    before.
    """
    for process in reversed(processes):  # new ones are small and ours
        if process.oom_score_adj == 0 and process.rss + process.swap < memory // 10:
            score = _text(host, "/proc/%d/oom_score" % process.pid).strip()
            if score.isdigit():
                return era._replace(negative_points=int(score) >= _NEW_SCALE)
    return era


def _constraints(processes: Sequence[Process]) -> List[str]:
    """A cpuset is a contest of its own: only processes that may use the same NUMA nodes take part."""
    counts = {}  # type: Dict[str, int]
    for process in processes:
        counts[process.mems] = counts.get(process.mems, 0) + 1
    if len(counts) < 2:
        return []
    named = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:4]
    sets = ", ".join("%s (%d processes)" % (mems or "unknown", count) for mems, count in named)
    return [
        "processes are bound to different memory nodes: %s. A shortage of one node alone is fought out among those that"
        " may use it" % sets
    ]


def _other_killers(processes: Sequence[Process]) -> List[str]:
    comms = {process.comm for process in processes}
    notes = [
        "%s runs here and may kill before the kernel does, by rules of its own" % name
        for name in _KILLERS
        if name in comms
    ]
    if "swapoff" in comms:
        notes.append("swapoff is running: while it reads swap back in, the kernel kills it first")
    return notes


def _outcome(host: Host, memcg: Optional[Memcg], where: Layout) -> Tuple[str, List[str]]:
    sysctls = settings(host)
    unread = ["vm.%s" % name for name in ("panic_on_oom", "oom_kill_allocating_task") if sysctls[name] is None]
    if unread:
        return "kill", ["%s cannot be read: that the kernel kills the worst is assumed" % " and ".join(unread)]
    panic = sysctls["panic_on_oom"] or 0
    if panic == 2 or (panic == 1 and memcg is None):
        return "panic", ["vm.panic_on_oom=%d: the kernel panics instead of killing a process" % panic]
    if memcg is None and sysctls["oom_kill_allocating_task"]:
        return "allocating_task", [
            "vm.oom_kill_allocating_task=1: the process that asks for memory at that moment dies, not the one"
            " with the highest badness"
        ]
    if memcg is not None and where.memory is not None and not where.memory_is_v2:
        if re.search(
            r"^oom_kill_disable 1$", _text(host, "%s%s/memory.oom_control" % (where.memory, memcg.path)), re.MULTILINE
        ):
            return "none", [
                "memory.oom_control has oom_kill_disable 1: no process is killed; those that ask for memory wait"
            ]
    return "kill", []


def _outer_limits(host: Host, where: Layout, memcg: Memcg) -> List[str]:
    if memcg.path == "/":
        return []
    for path in cgroups.parents(memcg.path):
        outer = cgroups.read(host, where, path)
        if outer.limit is not None and (memcg.limit is None or outer.limit < memcg.limit):
            own = "no limit of its own" if memcg.limit is None else "a higher limit"
            return [
                "%s has %s: the %s of %s come first, and everything below that takes part"
                % (memcg.path, own, human(outer.limit), path)
            ]
    if memcg.limit is None:
        return ["%s has no limit: it runs out with the whole machine, where every process takes part" % memcg.path]
    return []


def read_selection(host: Host, snapshot: Snapshot, name: Optional[str] = None) -> Selection:
    """Raises ValueError where `name` is no cgroup, or /proc/meminfo cannot be read."""
    meminfo = parse_meminfo(_text(host, "/proc/meminfo"))
    if "MemTotal" not in meminfo:
        raise ValueError("/proc/meminfo cannot be read: without the size of memory no badness can be computed")
    memory, swap = meminfo["MemTotal"], meminfo.get("SwapTotal", 0)
    where = layout(host)
    release = _text(host, "/proc/sys/kernel/osrelease").strip()
    era = measured(host, era_of(release or None), snapshot.processes, memory)
    processes, total, group, notes = (
        snapshot.processes,
        memory + swap,
        None,
        [],
    )  # type: List[Process], int, Optional[Memcg], List[str]
    if name is not None:
        named = cgroups.read(host, where, cgroups.find(host, where, name, snapshot.processes))
        if named.path != "/" or named.limit is not None:  # a container sees its own cgroup as the root
            group = named
            processes = cgroups.members(snapshot.processes, group.path)
            total = cgroups.total(group, swap) or total
            notes += _outer_limits(host, where, group)
    init = None if in_container(host) else 1
    outcome, message = _outcome(host, group, where)
    notes = (
        message
        + notes
        + ([] if group else _constraints([process for process in processes if process.oom_score_adj > UNKILLABLE]))
    )
    notes += _other_killers(snapshot.processes)
    if not release:
        notes.append("the kernel's version is unknown: the rules of the newest are used")
    elif not era.known:
        notes.append("kernel %s chose its victim by an older heuristic, which is not computed here" % release)
    reasons = _hidden(host, snapshot.skipped.denied, group is None)
    return Selection(
        era=era,
        totalpages=max(total // os.sysconf("SC_PAGE_SIZE"), 1),
        memory_total=memory,
        processes=processes,
        memcg=group,
        outcome=outcome,
        complete=not reasons,
        reasons=tuple(reasons),
        notes=tuple(notes),
        init=init,
        where=where,
    )
