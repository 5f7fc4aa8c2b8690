# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_score_adj of the processes of a unit: who still has the unit's earlier score, who chose its own, and the change
through /proc.
"""

import os
from typing import Callable, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

_PASSES = 5
_CAP_SYS_RESOURCE = 24


class Score(NamedTuple):
    """One process of a unit.

    state -- as_wanted | older (it has the unit's earlier score) | own_score (it set one itself) | denied (the kernel
        refused)
    after -- what was read back, in check mode what will be
    """

    pid: int
    comm: str
    before: int
    after: int
    state: str


def as_it_stays(row: Score) -> Score:
    """Of a plan that is not carried out."""
    return row._replace(after=row.before, state="older") if row.before != row.after else row


def may_lower(host: Host, pid: str = "self") -> bool:
    """CAP_SYS_RESOURCE: without it a score is never lowered below the lowest that a privileged process set, 0
    at first.
    """
    for line in to_text(host.read("/proc/%s/status" % pid) or b"").split("\n"):
        if line.startswith("CapEff:"):
            try:
                return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)
            except (IndexError, ValueError):
                return False
    return False


class Process:
    """An open /proc/PID: it stays this process, also when the pid is given to another one."""

    def __init__(self, host: Host, pid: int) -> None:
        self.pid = pid
        self.fd = os.open(host.path("/proc/%d" % pid), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self.fd)

    def _read(self, name: str) -> bytes:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.fd)
        try:
            return os.read(fd, 65536)
        finally:
            os.close(fd)

    @property
    def score(self) -> int:
        return int(self._read("oom_score_adj"))

    @property
    def comm(self) -> str:
        return printable(to_text(self._read("comm").rstrip(b"\n")))

    def is_in(self, cgroup: str) -> bool:
        wanted = cgroup.rstrip("/").encode("utf-8", "surrogateescape")
        for line in self._read("cgroup").split(b"\n"):
            path = line.split(b":", 2)[-1]
            if path == wanted or path.startswith(wanted + b"/"):
                return True
        return False

    def write(self, score: int) -> None:
        fd = os.open("oom_score_adj", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.fd)
        try:
            os.write(fd, b"%d" % score)
        finally:
            os.close(fd)


_GONE = (FileNotFoundError, ProcessLookupError, NotADirectoryError)


def can_be_read(host: Host, pid: int) -> bool:
    try:
        with Process(host, pid) as process:
            return process.score is not None
    except (OSError, ValueError):
        return False


def _plan_one(score: int, wanted: int, previous: FrozenSet[int]) -> str:
    if score == wanted:
        return "as_wanted"
    return "older" if score in previous else "own_score"


def _one(process: Process, wanted: int, previous: FrozenSet[int], write: bool, capable: bool) -> Score:
    before = process.score
    state = _plan_one(before, wanted, previous)
    after = before
    if state == "older":
        if not write:
            state = "denied" if wanted < min(before, 0) and not capable else "as_wanted"
            after = before if state == "denied" else wanted
        else:
            try:
                process.write(wanted)
            except _GONE:
                raise
            except OSError:  # EPERM; EROFS where /proc is mounted so
                state = "denied"
            after = process.score
            if state == "older":
                state = "as_wanted" if after == wanted else "denied"
    return Score(process.pid, process.comm, before, after, state)


def apply_scores(
    host: Host, cgroup: str, pids: Callable[[], Sequence[int]], wanted: int, previous: FrozenSet[int], write: bool
) -> Tuple[List[Score], bool]:
    """A row for each process; with ``write`` those with an earlier score get the wanted one, and every one is read
    back.

    Children may be born meanwhile with their parent's earlier score: look again until a look finds nobody new.
    True: the last look found nobody new. Processes that end meanwhile are left out.
    """
    capable = may_lower(host)
    rows = {}  # type: Dict[int, Score]
    settled = False
    for _turn in range(_PASSES if write else 1):
        fresh = [pid for pid in pids() if pid not in rows]
        if not fresh:
            settled = True
            break
        for pid in fresh:
            try:
                with Process(host, pid) as process:
                    if process.is_in(cgroup):
                        rows[pid] = _one(process, wanted, previous, write, capable)
            except _GONE:
                continue
    return [rows[pid] for pid in sorted(rows)], settled or not write
