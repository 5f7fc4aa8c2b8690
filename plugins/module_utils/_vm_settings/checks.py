# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be set without being asked for twice: each refusal names the option that allows it."""

from typing import Dict, Optional, Set

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._safe_file import read_only
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .keys import MODE, NEVER_OVERCOMMIT, Live, Settings

#: What the kernel keeps back from the limit: for root, and for whoever has to stop the process that grows.
_RESERVES = ("admin_reserve_kbytes", "user_reserve_kbytes")
_COMMIT = (MODE, "overcommit_ratio", "overcommit_kbytes") + _RESERVES


def container(kind: Optional[str], allow_shared_kernel: bool) -> None:
    if kind is not None and not allow_shared_kernel:
        raise PreconditionError(
            "this is a container (%s): vm settings are those of its host and of all containers there. Nothing was"
            " changed; set them on the host, or give allow_shared_kernel: true." % kind
        )


def writable(live: str, folder: str, actions: Set[str]) -> None:
    """What is mounted read-only is told before, in check mode too: the kernel's settings in a container, /etc of an
    image.
    """
    for path, wanted, way_out in (
        (live, "live" in actions, "this is a container, as it seems: set them on its host"),
        (folder, bool(actions - {"live"}), "mount it read-write"),
    ):
        if wanted and read_only(path):
            raise PreconditionError(
                "%s is mounted read-only. Nothing was changed; %s." % (printable(path.rstrip("/")), way_out)
            )


def panic(wanted: Settings, allow_panic: bool) -> None:
    mode = wanted.get("panic_on_oom", 0)
    if mode and not allow_panic:
        what = (
            "every shortage of memory, even that of one container, panics the kernel"
            if mode == 2
            else "a shortage of memory panics the kernel"
        )
        raise PreconditionError(
            "panic_on_oom=%d: %s instead of killing a process. Nothing was changed; give allow_panic: true if that is"
            " meant." % (mode, what)
        )


def commit_limit(meminfo: Dict[str, int], ratio: int, kbytes: int) -> Optional[int]:
    """As the kernel computes it, in bytes; None where meminfo does not tell."""
    total, swap = meminfo.get("MemTotal"), meminfo.get("SwapTotal")
    if total is None or swap is None:
        return None
    huge = meminfo.get("Hugetlb", meminfo.get("HugePages_Total", 0) * meminfo.get("Hugepagesize", 0))
    return (kbytes * 1024 if kbytes else (total - huge) * ratio // 100) + swap


def reserved(live: Live, wanted: Settings) -> int:
    """Bytes. The kernel takes at most a 32nd of the process that asks from user_reserve_kbytes; all of it is the safe
    side.
    """
    return sum((wanted.get(key, live.get(key)) or 0) * 1024 for key in _RESERVES)


def commit(meminfo: Dict[str, int], live: Live, wanted: Settings, allow_low_commit_limit: bool) -> None:
    """Without overcommitment and with a limit below what is committed nothing can fork any more: the host is lost to
    everybody.

    The reserves are not for a login or for sudo, so they count against the limit, whichever of the settings is the last
    to be set.
    """
    if (
        allow_low_commit_limit
        or not set(wanted).intersection(_COMMIT)
        or wanted.get(MODE, live.get(MODE)) != NEVER_OVERCOMMIT
    ):
        return
    ratio = wanted.get("overcommit_ratio", 0 if "overcommit_kbytes" in wanted else live.get("overcommit_ratio") or 0)
    kbytes = wanted.get("overcommit_kbytes", 0 if "overcommit_ratio" in wanted else live.get("overcommit_kbytes") or 0)
    limit, committed = commit_limit(meminfo, ratio, kbytes), meminfo.get("Committed_AS")
    reserves = reserved(live, wanted)
    if limit is not None and committed is not None and (limit - reserves) * 10 >= committed * 12:
        return
    if limit is None or committed is None:
        numbers = "/proc/meminfo does not tell what the limit would be"
    else:
        part = "overcommit_kbytes=%d" % kbytes if kbytes else "overcommit_ratio=%d" % ratio
        less = " less %s of %s" % (human(reserves), " and ".join(_RESERVES)) if reserves else ""
        numbers = "with %s the limit is %s%s, and %s are committed; 1.2 times that is the least" % (
            part,
            human(limit),
            less,
            human(committed),
        )
    raise PreconditionError(
        "overcommit_memory=2: %s. Below it no process can be started, not even by Ansible. Nothing was changed; raise"
        " the limit, lower the reserves or add swap first, or give allow_low_commit_limit: true." % numbers
    )
