# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A memory cgroup as the OOM killer sees it: its limit, whose limit comes first, who dies together. Versions 1
and 2.
"""

import os
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.cgroup import Layout

from .processes import Process

#: cgroup 1 writes "no limit" as the largest multiple of the page size in 63 bits.
_UNLIMITED = 1 << 62
_MOUNT = "/sys/fs/cgroup/"


class Memcg(NamedTuple):
    """path -- as in /proc/PID/cgroup; limit and swap_limit -- bytes, None is none; swappiness -- 0: no swap for it

    swap_limit -- how much swap, at most, comes on top of limit
    """

    path: str
    limit: Optional[int] = None
    swap_limit: Optional[int] = None
    swappiness: int = 60


def within(path: Optional[str], cgroup: str) -> bool:
    """The cgroup itself or below it."""
    return path is not None and (cgroup == "/" or path == cgroup or path.startswith(cgroup + "/"))


def number_in(data: Optional[bytes]) -> Optional[int]:
    """Of a file with one number; None for no limit, and where there is no such file."""
    text = (data or b"").strip()
    return int(text) if text.isdigit() and int(text) < _UNLIMITED else None


def read(host: Host, where: Layout, path: str) -> Memcg:
    """mem_cgroup_get_max() takes the swap that the limits allow, and none where swappiness is 0."""
    folder = "%s%s/" % (where.memory, "" if path == "/" else path)
    global_swappiness = number_in(host.read("/proc/sys/vm/swappiness"))
    if where.memory_is_v2:  # version 2 has one swappiness for all
        swappiness = global_swappiness
        limit, swap = number_in(host.read(folder + "memory.max")), number_in(host.read(folder + "memory.swap.max"))
    else:
        own = number_in(host.read(folder + "memory.swappiness"))
        swappiness = global_swappiness if own is None else own
        limit, both = number_in(host.read(folder + "memory.limit_in_bytes")), number_in(
            host.read(folder + "memory.memsw.limit_in_bytes")
        )
        swap = None if both is None or limit is None else max(both - limit, 0)
    return Memcg(path, limit, swap, 60 if swappiness is None else swappiness)


def total(memcg: Memcg, swap_total: int) -> Optional[int]:
    """The bytes that shares of oom_score_adj are taken of; None without a limit."""
    if memcg.limit is None:
        return None
    if not memcg.swappiness:
        return memcg.limit
    return memcg.limit + (swap_total if memcg.swap_limit is None else min(memcg.swap_limit, swap_total))


def parents(path: str) -> Iterator[str]:
    """Those above it, the nearest first, without the root, which has no limit."""
    while path.count("/") > 1:
        path = path.rpartition("/")[0]
        yield path


def find(host: Host, where: Layout, name: str, processes: Iterable[Process]) -> str:
    """The path of a cgroup path or of a unit that has processes. Raises ValueError that says what is wrong with it."""
    if where.memory is None:
        raise ValueError("memcg: no memory controller is mounted below /sys/fs/cgroup, so no limit is enforced here")
    path = name[len(where.memory) :] if name.startswith(_MOUNT) and name.startswith(where.memory) else name
    if path.startswith("/"):
        path = path.rstrip("/") or "/"
        if ".." in path.split("/") or "\0" in path or not os.path.isdir(host.path("%s%s" % (where.memory, path))):
            raise ValueError("memcg: %s is not a memory cgroup on this host" % (name,))
        return path
    found = sorted(set(_of_unit(name, processes)))
    if not found:
        raise ValueError(
            "memcg: no process runs in a cgroup named %s; give a unit that runs or a path such as /system.slice"
            % (name,)
        )
    if len(found) > 1:
        raise ValueError("memcg: %s is more than one cgroup, give one of the paths: %s" % (name, ", ".join(found[:5])))
    return found[0]


def _of_unit(name: str, processes: Iterable[Process]) -> Iterator[str]:
    wanted = (
        name if name.endswith((".service", ".scope", ".slice", ".socket", ".mount", ".swap")) else name + ".service"
    )
    for process in processes:
        parts = (process.place.memcg or "").split("/")
        for at, part in enumerate(parts):
            if part == wanted:
                yield "/".join(parts[: at + 1])
            if part.endswith((".service", ".scope")):  # what lies in it is another manager's
                break


def group_of(host: Host, where: Layout, path: Optional[str], domain: str) -> Optional[str]:
    """The outermost cgroup with memory.oom.group, from the victim's up to the one out of memory: all of it dies."""
    if not where.memory_is_v2 or not path:
        return None
    group = None  # type: Optional[str]
    for cgroup in [path] + list(parents(path)):
        if not within(cgroup, domain):
            break
        if (host.read("%s%s/memory.oom.group" % (where.memory, cgroup)) or b"").strip() == b"1":
            group = cgroup
    return group


def members(processes: Sequence[Process], cgroup: str) -> List[Process]:
    return [process for process in processes if within(process.place.memcg, cgroup)]
