# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc says about memory, about the kernel's own count of its kills and about the settings that govern them.

Sizes are bytes. What this kernel does not have, or what may not be read, is None.
"""

import re
from typing import Dict, NamedTuple, Optional

from ._host import Host
from ._text import to_text

#: The sysctls of the facts contract, all of them vm: what decides when memory runs out first, then what else
#: vm_settings can set.
SETTINGS = (
    "panic_on_oom",
    "oom_kill_allocating_task",
    "overcommit_memory",
    "overcommit_ratio",
    "swappiness",
    "min_free_kbytes",
    "admin_reserve_kbytes",
    "compaction_proactiveness",
    "dirty_background_bytes",
    "dirty_background_ratio",
    "dirty_bytes",
    "dirty_expire_centisecs",
    "dirty_ratio",
    "dirty_writeback_centisecs",
    "extfrag_threshold",
    "max_map_count",
    "oom_dump_tasks",
    "overcommit_kbytes",
    "page-cluster",
    "user_reserve_kbytes",
    "vfs_cache_pressure",
    "watermark_boost_factor",
    "watermark_scale_factor",
    "zone_reclaim_mode",
)

_MEMINFO = {"total": "MemTotal", "available": "MemAvailable", "swap_total": "SwapTotal", "swap_free": "SwapFree"}
_KB_LINE = re.compile(r"^([A-Za-z_()0-9]+):\s+(\d+)(?: kB)?\s*$", re.MULTILINE)
_PSI_LINE = re.compile(r"^(some|full) avg10=([0-9.]+) avg60=([0-9.]+) avg300=([0-9.]+) total=(\d+)\s*$", re.MULTILINE)
_BOOT_ID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

Psi = Dict[str, Dict[str, float]]


class Memory(NamedTuple):
    """psi -- ``{some: {avg10, avg60, avg300, total}, full: {…}}``, total in microseconds"""

    total: Optional[int] = None
    available: Optional[int] = None
    swap_total: Optional[int] = None
    swap_free: Optional[int] = None
    psi: Optional[Psi] = None


def _text(host: Host, path: str) -> Optional[str]:
    data = host.read(path)
    return None if data is None else to_text(data)


def _number(text: Optional[str]) -> Optional[int]:
    match = re.match(r"^\s*(-?\d{1,20})\s*$", text or "")
    return int(match.group(1)) if match else None


def parse_meminfo(text: str) -> Dict[str, int]:
    """/proc/meminfo, all of it, in bytes (the few lines without kB as they are)."""
    found = {}  # type: Dict[str, int]
    for match in _KB_LINE.finditer(text):
        found[match.group(1)] = int(match.group(2)) * (1024 if match.group(0).rstrip().endswith("kB") else 1)
    return found


def parse_psi(text: str) -> Optional[Psi]:
    """/proc/pressure/memory; None where it is empty (psi=0) or something else."""
    found = {}  # type: Psi
    for match in _PSI_LINE.finditer(text):
        kind, avg10, avg60, avg300, total = match.groups()
        found[kind] = {"avg10": float(avg10), "avg60": float(avg60), "avg300": float(avg300), "total": float(total)}
    return found or None


def parse_counter(text: str, name: str) -> Optional[int]:
    """One line of /proc/vmstat or memory.events."""
    match = re.search(r"^%s (\d+)$" % re.escape(name), text, re.MULTILINE)
    return int(match.group(1)) if match else None


def memory(host: Host) -> Memory:
    """MemAvailable is kernel 3.14 and EL 7; older ones have None, not a guess."""
    meminfo = parse_meminfo(_text(host, "/proc/meminfo") or "")
    psi = _text(host, "/proc/pressure/memory")
    sizes = {name: meminfo.get(line) for name, line in _MEMINFO.items()}
    return Memory(psi=parse_psi(psi) if psi else None, **sizes)


def oom_kill_counter(host: Host) -> Optional[int]:
    """Kills of this kernel since boot, global and memcg; kernels before 4.13 do not count."""
    text = _text(host, "/proc/vmstat")
    return None if text is None else parse_counter(text, "oom_kill")


def settings(host: Host) -> Dict[str, Optional[int]]:
    return {name: _number(_text(host, "/proc/sys/vm/" + name)) for name in SETTINGS}


def boot_id(host: Host) -> Optional[str]:
    """32 hexadecimal digits, as the journal writes it."""
    text = (_text(host, "/proc/sys/kernel/random/boot_id") or "").strip()
    return text.replace("-", "") if _BOOT_ID.match(text) else None


def boot_time(host: Host) -> Optional[float]:
    """btime of /proc/stat: epoch seconds, without fraction, moved by every change of the clock."""
    match = re.search(r"^btime (\d+)$", _text(host, "/proc/stat") or "", re.MULTILINE)
    return float(match.group(1)) if match else None


def container(host: Host) -> Optional[str]:
    """The kind of container this is (``podman``, ``lxc``, ``docker``, ``unknown``), None where it is none.

    In one, /dev/kmsg and /proc/vmstat are the host's: kills of neighbours would be taken for our own.
    """
    kind = (_text(host, "/run/systemd/container") or "").strip()
    if kind:
        return kind
    environ = host.read("/proc/1/environ") or b""  # may be read by root only
    for variable in environ.split(b"\0"):
        if variable.startswith(b"container=") and len(variable) > 10:
            return to_text(variable[10:])
    if host.read("/run/.containerenv") is not None:
        return "podman"
    if host.read("/.dockerenv") is not None:
        return "docker"
    return None
