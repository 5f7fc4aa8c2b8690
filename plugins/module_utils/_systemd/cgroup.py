# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit's control group: who is in it, and what the kernel enforces there. cgroup 2, 1 and hybrid."""

import os
from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host

from .setting import INFINITY, Setting, Value

_ROOT = "/sys/fs/cgroup"
_DEEP = 32
#: cgroup 1 writes "no limit" as the largest multiple of the page size in 63 bits.
_V1_UNLIMITED = 1 << 62
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: cgroup 2 writes "max" for it and for anything above.
_V2_UNLIMITED = (1 << 63) - _PAGE


class Layout(NamedTuple):
    """version -- "2", "1", "hybrid", or "none": nothing is mounted, or something covers it

    processes -- the tree in which systemd keeps units; memory -- the memory controller's tree, or None
    """

    version: str
    processes: str
    memory: Optional[str]

    @property
    def is_mounted(self) -> bool:
        """False: nothing can be learned here of any control group, which is not the same as there being none."""
        return self.version != "none"

    @property
    def memory_is_v2(self) -> bool:
        return self.memory == _ROOT


def layout(host: Host) -> Layout:
    controllers = host.read(_ROOT + "/cgroup.controllers")
    if controllers is not None:
        return Layout("2", _ROOT, _ROOT if b"memory" in controllers.split() else None)
    memory = _ROOT + "/memory" if os.path.isdir(host.path(_ROOT + "/memory")) else None
    unified = host.read(_ROOT + "/unified/cgroup.controllers") is not None
    processes = _ROOT + "/systemd"
    if memory is None and not unified and not os.path.isdir(host.path(processes)):
        return Layout("none", processes, None)
    return Layout("hybrid" if unified else "1", processes, memory)


def _safe(cgroup: Optional[str]) -> bool:
    return bool(cgroup) and cgroup is not None and cgroup.startswith("/") and ".." not in cgroup.split("/")


def is_there(host: Host, where: Layout, cgroup: str) -> bool:
    """True where that cannot be told, too."""
    return not where.is_mounted or not _safe(cgroup) or os.path.lexists(host.path(where.processes + cgroup))


def pids(host: Host, where: Layout, cgroup: Optional[str]) -> Optional[List[int]]:
    """Every process in it and below, threads not counted. None: its list cannot be read, or it has gone, which is not
    an empty list.
    """
    if not _safe(cgroup):
        return None
    found = []  # type: List[int]
    top = where.processes + str(cgroup).rstrip("/")
    if host.read(top + "/cgroup.procs") is None:
        return None
    todo = [(top, 0)]
    while todo:
        folder, depth = todo.pop()
        for line in (host.read(folder + "/cgroup.procs") or b"").split():
            if line.isdigit() and line != b"0":  # 0: a process of another pid namespace
                found.append(int(line))
        if depth < _DEEP:
            try:
                with os.scandir(host.path(folder)) as entries:
                    todo += [
                        ("%s/%s" % (folder, entry.name), depth + 1)
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                    ]
            except OSError:
                continue
    return sorted(set(found))


def _number(data: Optional[bytes]) -> Optional[Value]:
    text = (data or b"").strip()
    if text == b"max":
        return INFINITY
    return int(text) if text.isdigit() else None


def usage(host: Host, where: Layout, cgroup: Optional[str]) -> Optional[int]:
    """Bytes charged to it, page cache and tmpfs too: that is what a limit is held against. None: not counted here."""
    if where.memory is None or not _safe(cgroup):
        return None
    name = "memory.current" if where.memory_is_v2 else "memory.usage_in_bytes"
    value = _number(host.read("%s%s/%s" % (where.memory, cgroup, name)))
    return value if isinstance(value, int) else None


def peak(host: Host, where: Layout, cgroup: Optional[str]) -> Optional[int]:
    """The most that was ever charged to it since it was made; kernel 5.19 and newer on cgroup 2."""
    if where.memory is None or not _safe(cgroup):
        return None
    name = "memory.peak" if where.memory_is_v2 else "memory.max_usage_in_bytes"
    value = _number(host.read("%s%s/%s" % (where.memory, cgroup, name)))
    return value if isinstance(value, int) else None


def swap_usage(host: Host, where: Layout, cgroup: Optional[str]) -> Optional[int]:
    if not where.memory_is_v2 or not _safe(cgroup):
        return None
    value = _number(host.read("%s%s/memory.swap.current" % (where.memory, cgroup)))
    return value if isinstance(value, int) else None


def enforced(host: Host, where: Layout, cgroup: Optional[str], setting: Setting) -> Optional[Value]:
    """What the kernel holds for this setting; None: it has no file for it here."""
    if where.memory is None or not _safe(cgroup):
        return None
    name = setting.cgroup if where.memory_is_v2 else setting.v1
    if name is None:
        return None
    value = _number(host.read("%s%s/%s" % (where.memory, cgroup, name)))
    if isinstance(value, int) and not where.memory_is_v2 and value >= _V1_UNLIMITED:
        return INFINITY
    return value


def as_held(where: Layout, limit: int) -> Value:
    """How the kernel shows a limit that it was given: whole pages, and one that no machine can reach as none."""
    unlimited = _V2_UNLIMITED if where.memory_is_v2 else _V1_UNLIMITED
    return INFINITY if limit >= unlimited else limit // _PAGE * _PAGE


def counter(host: Host, where: Layout, cgroup: Optional[str], name: str) -> Optional[int]:
    """One line of memory.events."""
    if not where.memory_is_v2 or not _safe(cgroup):
        return None
    for line in (host.read("%s%s/memory.events" % (where.memory, cgroup)) or b"").split(b"\n"):
        key, _blank, value = line.partition(b" ")
        if key == name.encode("ascii") and value.isdigit():
            return int(value)
    return None
