# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory of a cgroup was: its usage and limits, and its statistics in the words of three eras."""

import re
from typing import Dict, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .meminfo import parse_protected
from .memory_model import MemcgInfo

_KB = 1024
#: Characters of one cgroup's line, to 5.3.
_MAX_STATS = 1024
_MAX_CGROUPS = 4096
# "memory+swap" and "kmem" are cgroup v1, "swap" v2.
_USAGE = regex(
    r"^[ \t]{0,160}(?P<name>memory|memory\+swap|swap|kmem): usage (?P<usage>\d{1,20})kB, limit (?P<limit>\d{1,20})kB",
    re.MULTILINE,
)
# To 5.3, in kB: one line for each cgroup below the limit; each tells of its own tasks only.
_STATS_V1 = regex(r"^[ \t]{0,160}Memory cgroup stats(?: for [^\n]{0,4096}?)?: (?=cache:\d)", re.MULTILINE)
_STAT_V1 = regex(
    r"(?<!\w)(?P<name>cache|rss|shmem|dirty|writeback|(?:in)?active_(?:anon|file)|unevictable):(?P<kb>\d{1,15})KB"
)
# Bytes: 5.4 and later, EL 8. 6.5 and later print those of v1 in its own words, of the cgroup alone and (total_) with
# what is below.
_STATS = regex(
    r"^[ \t]{0,160}(?P<name>anon|file|shmem|kernel|kernel_stack|pagetables|sec_pagetables|percpu|sock|vmalloc|zswap"
    r"|file_dirty|file_writeback"
    r"|swapcached|(?:in)?active_(?:anon|file)|unevictable|slab|slab_reclaimable|slab_unreclaimable|hugetlb"
    r"|(?:total_)?(?:cache|rss|shmem|dirty|writeback|swapcached|(?:in)?active_(?:anon|file)|unevictable))"
    r" (?P<bytes>\d{1,20})[ \t]{0,160}$",
    re.MULTILINE,
)
#: What v1 calls it, and what we do.
_V1_WORDS = (("cache", "file"), ("rss", "anon"), ("dirty", "file_dirty"), ("writeback", "file_writeback"))


def _of_lines(text: str) -> Dict[str, int]:
    """To 5.3: the cgroups' lines added up."""
    stats = {}  # type: Dict[str, int]
    for count, head in enumerate(_STATS_V1.finditer(text)):
        if count >= _MAX_CGROUPS:
            break
        end = text.find("Memory cgroup", head.end(), head.end() + _MAX_STATS)
        for match in _STAT_V1.finditer(text, head.end(), end if end >= 0 else head.end() + _MAX_STATS):
            stats[match.group("name")] = stats.get(match.group("name"), 0) + int(match.group("kb")) * _KB
    return stats


def _of_list(text: str) -> Dict[str, int]:
    """5.4 and later: one number a line."""
    stats = {}  # type: Dict[str, int]
    for match in _STATS.finditer(text):
        stats.setdefault(match.group("name"), int(match.group("bytes")))
    stats.update({name[len("total_") :]: size for name, size in stats.items() if name.startswith("total_")})
    return stats


def _in_words_of_v2(stats: Dict[str, int]) -> Dict[str, int]:
    return dict(stats, **{ours: stats[theirs] for theirs, ours in _V1_WORDS if theirs in stats})


def _sum_of(stats: Dict[str, int], *names: str) -> Optional[int]:
    """Of all of them, None where one is missing."""
    return sum(stats[name] for name in names) if all(name in stats for name in names) else None


def parse_memcg(text: str) -> Optional[MemcgInfo]:
    """The cgroup's lines; None where the text has none."""
    usage = {}  # type: Dict[str, Tuple[int, int]]
    for match in _USAGE.finditer(text):
        usage.setdefault(match.group("name"), (int(match.group("usage")) * _KB, int(match.group("limit")) * _KB))
    if "memory" not in usage:
        return None
    stats = _in_words_of_v2(_of_list(text) or _of_lines(text))
    tables = stats.get("pagetables")
    memsw, swap, kmem = usage.get("memory+swap"), usage.get("swap"), usage.get("kmem")
    return MemcgInfo(
        usage=usage["memory"][0],
        limit=usage["memory"][1],
        memsw_usage=memsw[0] if memsw else None,
        memsw_limit=memsw[1] if memsw else None,
        swap_usage=swap[0] if swap else None,
        swap_limit=swap[1] if swap else None,
        kmem=kmem[0] if kmem else None,
        kmem_limit=kmem[1] if kmem else None,
        anon=stats.get("anon"),
        file=stats.get("file"),
        shmem=stats.get("shmem"),
        swap_cached=stats.get("swapcached"),
        unevictable=stats.get("unevictable"),
        lru_file=_sum_of(stats, "active_file", "inactive_file"),
        lru=_sum_of(stats, "active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable"),
        dirty=stats.get("file_dirty"),
        writeback=stats.get("file_writeback"),
        kernel=stats.get("kernel"),
        kernel_stack=stats.get("kernel_stack"),
        pagetables=None if tables is None else tables + stats.get("sec_pagetables", 0),
        percpu=stats.get("percpu"),
        vmalloc=stats.get("vmalloc"),
        sock=stats.get("sock"),
        zswap=stats.get("zswap"),
        slab_reclaimable=stats.get("slab_reclaimable"),
        slab_unreclaimable=stats.get("slab_unreclaimable"),
        slab=stats.get("slab"),
        hugetlb=stats.get("hugetlb"),
        protected=parse_protected(text),
    )
