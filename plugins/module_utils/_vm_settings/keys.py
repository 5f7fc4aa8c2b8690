# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that may be set, and what they may be. The kernel itself takes ``overcommit_ratio=-1`` and more free
memory than there is.
"""

import re
from typing import Any, Dict, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

#: Name below /proc/sys/vm -> least, most. Where it depends on the kernel or on the memory: limits().
KEYS = {
    "admin_reserve_kbytes": (0, 0),
    "compaction_proactiveness": (0, 100),
    "dirty_background_bytes": (1 << 20, 0),
    "dirty_background_ratio": (0, 100),
    "dirty_bytes": (1 << 20, 0),
    "dirty_expire_centisecs": (0, 360_000),
    "dirty_ratio": (1, 100),
    "dirty_writeback_centisecs": (0, 360_000),
    "extfrag_threshold": (0, 1000),
    "max_map_count": (65_530, 2**31 - 1),
    "min_free_kbytes": (1024, 0),
    "oom_dump_tasks": (0, 1),
    "oom_kill_allocating_task": (0, 1),
    "overcommit_kbytes": (0, 2**53),
    "overcommit_memory": (0, 2),
    "overcommit_ratio": (0, 1000),
    "page-cluster": (0, 10),
    "panic_on_oom": (0, 2),
    "swappiness": (0, 200),
    "user_reserve_kbytes": (0, 0),
    "vfs_cache_pressure": (1, 1000),
    "watermark_boost_factor": (0, 100_000),
    "watermark_scale_factor": (1, 3000),
    "zone_reclaim_mode": (0, 7),
}  # type: Dict[str, Tuple[int, int]]

#: Writing one of a pair makes the other one 0.
PAIRS = (
    ("overcommit_ratio", "overcommit_kbytes"),
    ("dirty_ratio", "dirty_bytes"),
    ("dirty_background_ratio", "dirty_background_bytes"),
)

MODE = "overcommit_memory"
NEVER_OVERCOMMIT = 2

_PREFIX = regex(r"^vm[./]")
_VERSION = regex(r"^(\d+)\.(\d+)")

Settings = Dict[str, int]
#: Of the running kernel; None: it has no such setting, or it cannot be read.
Live = Dict[str, Optional[int]]


def partner(key: str) -> Optional[str]:
    """The setting that becomes 0 when this one is written."""
    for one, other in PAIRS:
        if key in (one, other):
            return other if key == one else one
    return None


def kernel_version(release: str) -> Optional[Tuple[int, int]]:
    found = _VERSION.match(release)
    return (int(found.group(1)), int(found.group(2))) if found else None


def limits(key: str, kernel: Optional[Tuple[int, int]], total: Optional[int]) -> Tuple[int, int]:
    """Least and most on this kernel with ``total`` bytes of memory; without knowing them, the widest that any kernel
    takes.
    """
    least, most = KEYS[key]
    if key == "swappiness" and kernel is not None and kernel < (5, 8):
        most = 100
    if key == "watermark_scale_factor" and kernel is not None and kernel < (5, 18):
        most = 1000
    if most == 0:  # a share of the memory
        memory = total if total is not None else 2**53
        if key == "min_free_kbytes":
            most = max(least, memory // 20 // 1024)
        else:
            most = memory // 1024 if key.endswith("kbytes") else memory
    return least, most


def _echo(value: Any) -> str:
    """As it was given, but not all 5,000 letters of it."""
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _number(key: str, value: Any) -> int:
    if isinstance(value, bool) or not re.match(r"^-?[0-9]{1,18}\Z", str(value).strip()):
        raise PreconditionError(
            "settings: %s has to be a whole number, not %s. Nothing was changed." % (key, _echo(value))
        )
    return int(value)


def _unknown(given: Any, key: str) -> PreconditionError:
    from difflib import (
        get_close_matches,
    )  # late: nobody who looks needs it, and it costs as much as all of the settings

    close = get_close_matches(key[:80].replace("_", "-"), [name.replace("_", "-") for name in KEYS], 1)
    hint = ["did you mean %s? " % name for name in KEYS if name.replace("_", "-") in close]
    known = ", ".join(sorted(KEYS))
    return PreconditionError(
        "settings: %s is not known here; %sthere are %s. Nothing was changed." % (_echo(given), "".join(hint), known)
    )


def names_of(settings: Dict[Any, Any]) -> Dict[str, Any]:
    """``vm.swappiness``, ``vm/swappiness`` and ``swappiness`` as the last. Only names of the list get through, so none
    is a path.
    """
    found = {}  # type: Dict[str, Any]
    for given, value in settings.items():
        key = _PREFIX.sub("", str(given))
        if key not in KEYS:
            raise _unknown(given, key)
        if key in found:
            raise PreconditionError("settings: %s is given twice. Nothing was changed." % key)
        found[key] = value
    if not found:
        raise PreconditionError("settings: is empty; name at least one setting. Nothing was changed.")
    return found


def wanted_of(settings: Dict[Any, Any], kernel: Optional[Tuple[int, int]], total: Optional[int]) -> Settings:
    """What was asked for, in numbers. Raises PreconditionError that names the setting and its range."""
    wanted = {key: _number(key, value) for key, value in names_of(settings).items()}
    for one, other in PAIRS:
        if one in wanted and other in wanted:
            raise PreconditionError(
                "settings: %s and %s exclude each other: writing one makes the other 0. Nothing was changed."
                % (one, other)
            )
    for key, value in wanted.items():
        least, most = limits(key, kernel, total)
        if not least <= value <= most:
            version = (
                " on kernel %d.%d" % kernel if kernel is not None and limits(key, None, total) != (least, most) else ""
            )
            raise PreconditionError(
                "settings: %s=%d is not within %d to %d%s. Nothing was changed." % (key, value, least, most, version)
            )
    return wanted
