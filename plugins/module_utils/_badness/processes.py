# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that have memory of their own, from /proc: three small files each, one read a file.

Threads are no contenders. Kernel threads and processes that are exiting have no memory to give back and are only
counted. A process that ends while it is read is no error.
"""

import errno
import os
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import container_of, unit_of
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

_CHUNK = 16384
_MAX_STATUS = 1 << 20  # 65,536 groups are 450 kB of it
_CAP_SYS_ADMIN = 1 << 21
_KTHREADD = 2
#: What the kernel answers for a process that is gone.
_GONE = (errno.ENOENT, errno.ESRCH)


class Place(NamedTuple):
    """Where a process belongs. path -- in systemd's hierarchy; memcg -- in that of the memory controller"""

    path: Optional[str] = None
    memcg: Optional[str] = None
    unit: Optional[str] = None
    container_id: Optional[str] = None


class Process(NamedTuple):
    """One process, sizes in bytes. None: this kernel does not say."""

    pid: int
    ppid: int
    comm: str
    uid: int
    rss: int
    anon_rss: Optional[int]
    file_rss: Optional[int]
    shmem_rss: Optional[int]
    swap: int
    pgtables: int
    oom_score_adj: int
    privileged: bool
    mems: str
    place: Place


class Skipped(NamedTuple):
    """Processes that are not in the list, by reason."""

    kernel_threads: int = 0
    exiting: int = 0
    vanished: int = 0
    denied: int = 0


class Snapshot(NamedTuple):
    processes: List[Process]
    skipped: Skipped


class _Unreadable(Exception):
    """gone -- the process ended; otherwise it may not be read."""

    def __init__(self, gone: bool) -> None:
        Exception.__init__(self)
        self.gone = gone


def _read(name: str, proc: int) -> bytes:
    try:
        fd = os.open(name, os.O_RDONLY, dir_fd=proc)
    except OSError as exc:
        raise _Unreadable(exc.errno in _GONE)
    try:
        data = chunk = os.read(fd, _CHUNK)
        while len(chunk) == _CHUNK and len(data) < _MAX_STATUS:
            chunk = os.read(fd, _CHUNK)
            data += chunk
        return data
    except OSError as exc:
        raise _Unreadable(exc.errno in _GONE)
    finally:
        os.close(fd)


def _word(status: bytes, key: bytes) -> bytes:
    """The first word of a line; the name, which users choose, has no newline: the kernel writes it as ``\\n``."""
    at = status.find(key)
    if at < 0:
        return b""
    at += len(key)
    return status[at : status.index(b"\n", at)].split(None, 1)[0]


def comm_of(status: bytes) -> str:
    """The Name line without the kernel's escapes of newline and backslash."""
    name = status[6 : status.index(b"\n")]
    if b"\\" in name:
        name = name.replace(b"\\\\", b"\0").replace(b"\\n", b"\n").replace(b"\0", b"\\")
    return to_text(name)


def _sizes(status: bytes) -> Optional[Dict[bytes, bytes]]:
    """The lines from VmPeak to VmSwap, in kB; None for a task without memory."""
    start = status.find(b"\nVmPeak:")
    if start < 0:
        return None
    words = status[start : status.index(b"\n", status.find(b"\nVmSwap:", start) + 1)].split()
    return dict(zip(words[0::3], words[1::3]))


def _anon_and_file(
    sizes: Dict[bytes, bytes], pid: int, proc: int, page: int
) -> Tuple[Optional[int], Optional[int], Optional[int]]:
    """Kernels before 4.5 have no RssAnon; statm has the file pages, shared memory among them."""
    if b"RssAnon:" in sizes:
        return int(sizes[b"RssAnon:"]) << 10, int(sizes[b"RssFile:"]) << 10, int(sizes[b"RssShmem:"]) << 10
    try:
        words = _read("%d/statm" % pid, proc).split()
    except _Unreadable:
        return None, None, None
    return (int(words[1]) - int(words[2])) * page, int(words[2]) * page, None


def place_of(data: bytes) -> Place:
    """The lines of /proc/PID/cgroup: v1, v2 or both. The memory controller decides; units are systemd's own
    hierarchy.
    """
    unified = named = memory = None  # type: Optional[str]
    for line in to_text(data).split("\n"):
        _number, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        if not path.startswith("/"):
            continue
        if line.startswith("0::"):
            unified = path
        elif controllers == "name=systemd":
            named = path
        elif "memory" in controllers.split(","):
            memory = path
    # hybrid: systemd keeps both of its hierarchies alike; a machine without it may leave them at the root
    path_of_units = (
        next((path for path in (named, unified, memory) if unit_of(path)), None) or named or unified or memory
    )
    memcg = unified if memory is None else memory
    return Place(path_of_units, memcg, unit_of(path_of_units), container_of(memcg) or container_of(path_of_units))


def _thread_status(pid: int, proc: int) -> Optional[bytes]:
    """The status of a thread with memory: the first thread of a process may have ended before the others."""
    try:
        threads = os.open("%d/task" % pid, os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    except OSError:
        return None
    try:
        for name in os.listdir(threads):
            try:
                status = _read(name + "/status", threads)
            except _Unreadable:
                continue
            if _sizes(status) is not None:
                return status
    except OSError:
        pass
    finally:
        os.close(threads)
    return None


def _is_kernel_thread(status: bytes) -> bool:
    return _word(status, b"\nKthread:") == b"1" or _KTHREADD in (
        int(_word(status, b"\nPid:")),
        int(_word(status, b"\nPPid:")),
    )


class _Reader:
    """Reads one /proc after the other; cgroups repeat, so each is understood once."""

    def __init__(self, proc: int, page: int) -> None:
        self._proc = proc
        self._page = page
        self._places = {}  # type: Dict[bytes, Place]
        self.kernel_threads = self.exiting = 0

    def read(self, pid: int) -> Optional[Process]:
        """None for a task without memory."""
        status = _read("%d/status" % pid, self._proc)
        sizes = _sizes(status)
        if (
            sizes is None
            and _word(status, b"\nState:")[:1] in (b"Z", b"X")
            and _word(status, b"\nThreads:") not in (b"", b"0", b"1")
        ):
            status = _thread_status(pid, self._proc) or status
            sizes = _sizes(status)
        if sizes is None:
            if _is_kernel_thread(status):
                self.kernel_threads += 1
            else:
                self.exiting += 1
            return None
        adj = _read("%d/oom_score_adj" % pid, self._proc)
        cgroup = _read("%d/cgroup" % pid, self._proc)
        place = self._places.get(cgroup)
        if place is None:
            place = self._places[cgroup] = place_of(cgroup)
        anon, file, shmem = _anon_and_file(sizes, pid, self._proc, self._page)
        return Process(
            pid=pid,
            ppid=int(_word(status, b"\nPPid:")),
            comm=comm_of(status),
            uid=int(_word(status, b"\nUid:")),
            rss=int(sizes[b"VmRSS:"]) << 10,
            anon_rss=anon,
            file_rss=file,
            shmem_rss=shmem,
            swap=int(sizes.get(b"VmSwap:", 0)) << 10,
            # VmPMD: 4.4 to 4.14; since 4.15 VmPTE has all page tables
            pgtables=int(sizes.get(b"VmPTE:", 0)) + int(sizes.get(b"VmPMD:", 0)) << 10,
            oom_score_adj=int(adj),
            privileged=bool(int(_word(status, b"\nCapEff:") or b"0", 16) & _CAP_SYS_ADMIN),
            mems=to_text(_word(status, b"\nMems_allowed_list:")),
            place=place,
        )


def snapshot(host: Host) -> Snapshot:
    """Every process in the order of its pid. Raises OSError where there is no /proc."""
    proc = os.open(host.path("/proc"), os.O_RDONLY | os.O_DIRECTORY)
    found = []  # type: List[Process]
    vanished = denied = 0
    try:
        reader = _Reader(proc, os.sysconf("SC_PAGE_SIZE"))
        pids = sorted([int(name) for name in os.listdir(proc) if name.isdigit()])
        if not pids:  # not even this process: something covers it
            raise OSError(errno.ENOENT, "no process is in it", "/proc")
        for pid in pids:
            try:
                process = reader.read(pid)
            except _Unreadable as exc:
                vanished += exc.gone
                denied += not exc.gone
                continue
            except ValueError:  # half a file: it ended in between
                vanished += 1
                continue
            if process is not None:
                found.append(process)
    finally:
        os.close(proc)
    return Snapshot(found, Skipped(reader.kernel_threads, reader.exiting, vanished, denied))


def started(host: Host, pid: int) -> Tuple[int, int]:
    """When a process was started, in clock ticks, and its pid: the order of the task list, also when pids began
    anew.
    """
    stat = host.read("/proc/%d/stat" % pid) or b""
    words = stat[stat.rfind(b")") + 1 :].split()
    return (int(words[19]) if len(words) > 19 else 0, pid)


def ancestors(processes: List[Process], pid: int) -> Set[int]:
    """A process and those above it, without the first: for our own, the chain that holds the connection."""
    parents = {process.pid: process.ppid for process in processes}
    chain = set()  # type: Set[int]
    while pid > 1 and pid in parents and pid not in chain:
        chain.add(pid)
        pid = parents[pid]
    return chain
