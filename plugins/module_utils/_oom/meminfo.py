# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory was: the Mem-Info block of the host, the lines of the cgroup. Kept as text until a kill asks."""

import re
from typing import Dict, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .model import MemcgInfo, MemInfo, Zone

#: A report has some 150 lines beside its table; a call trace is the most of them. What is longer was not written by a kernel.
_MAX_LINES = 600
_MAX_LINE = 2048
_MAX_BYTES = 96 << 10
_MAX_ZONES = 256
_KB = 1024

# In pages: 2.6.32 to 6.18. The same words with kB behind the number are those of one node.
_COUNTS = regex(
    r"(?<![\w(])(?P<name>active_anon|inactive_anon|active_file|inactive_file|unevictable|slab_reclaimable|slab_unreclaimable"
    r"|shmem|pagetables|free):(?P<pages>\d{1,15})(?![\dk])"
)
_TOTALS = regex(r"^[ \t]{0,40}(?P<pages>\d{1,15}) pages (?P<name>RAM|HighMem|reserved)\b", re.MULTILINE)
_SWAP = regex(r"^[ \t]{0,40}(?P<name>Free|Total) swap\s{0,4}=\s{0,4}(?P<kb>\d{1,15})kB", re.MULTILINE)
# Without "Node N" on 32 bit. present: all; managed: 3.9 and later; boost: 5.17 and later.
_ZONE = regex(
    r"^[ \t]{0,40}(?:Node (?P<node>\d{1,5}) )?(?P<name>DMA|DMA32|Normal|HighMem|Movable|Device) free:(?P<free>\d{1,15})kB"
    r"(?:\s{1,4}boost:\d{1,15}kB)?\s{1,4}min:(?P<min>\d{1,15})kB",
    re.MULTILINE,
)
_ZONE_SIZE = regex(r"\s(?P<name>present|managed):(?P<kb>\d{1,15})kB")
_KERNEL_STACK = regex(r"\skernel_stack:(?P<kb>\d{1,15})kB")
_HUGEPAGES = regex(r"hugepages_total=(?P<total>\d{1,15})\s.{0,80}?hugepages_size=(?P<kb>\d{1,15})kB", re.DOTALL)
# "memory+swap" is cgroup v1, "swap" v2.
_USAGE = regex(r"^[ \t]{0,40}(?P<name>memory|memory\+swap|swap): usage (?P<usage>\d{1,20})kB, limit (?P<limit>\d{1,20})kB", re.MULTILINE)
# To 5.3: one line for each cgroup below the limit; each tells of its own tasks only.
_STATS_V1 = regex(r"^[ \t]{0,40}Memory cgroup stats(?: for [^\n]{0,4096}?)?: cache:(?P<cache>\d{1,15})KB rss:(?P<rss>\d{1,15})KB", re.MULTILINE)
# 5.4 and later, EL8: bytes.
_STATS = regex(
    r"^[ \t]{0,40}(?P<name>anon|file|shmem|pagetables|kernel_stack|slab_unreclaimable|sock|percpu|vmalloc) (?P<bytes>\d{1,20})[ \t]{0,40}$",
    re.MULTILINE,
)


class MemText:
    """Takes every line of a report; most are never looked at."""

    def __init__(self) -> None:
        self._lines = []  # type: List[str]
        self._room = _MAX_BYTES

    def feed(self, text: str) -> None:
        if len(text) <= _MAX_LINE and len(self._lines) < _MAX_LINES and self._room >= len(text):
            self._lines.append(text)
            self._room -= len(text)

    def text(self) -> str:
        return "\n".join(self._lines)


def _sum(*sizes: Optional[int]) -> Optional[int]:
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def _zones(text: str) -> Tuple[Zone, ...]:
    found = []  # type: List[Zone]
    for match in _ZONE.finditer(text):
        # A console or a mail program may have wrapped the line: up to the next one of its kind.
        end = text.find("lowmem_reserve", match.end(), match.end() + _MAX_LINE)
        sizes = {
            m.group("name"): int(m.group("kb")) * _KB for m in _ZONE_SIZE.finditer(text, match.end(), end if end >= 0 else match.end() + _MAX_LINE)
        }
        found.append(
            Zone(
                node=int(match.group("node") or 0),
                name=match.group("name"),
                free=int(match.group("free")) * _KB,
                min=int(match.group("min")) * _KB,
                present=sizes.get("present"),
                managed=sizes.get("managed"),
            )
        )
        if len(found) >= _MAX_ZONES:
            break
    return tuple(found)


def parse_meminfo(text: str, page_size: Optional[int]) -> Optional[MemInfo]:
    """The host's block; None where the text has none. Pages are 4 KiB where the report does not say."""
    page = page_size or 4096
    counts = {}  # type: Dict[str, int]
    for match in _COUNTS.finditer(text):
        counts.setdefault(match.group("name"), int(match.group("pages")) * page)
    totals = {}  # type: Dict[str, int]
    for match in _TOTALS.finditer(text):
        totals.setdefault(match.group("name"), int(match.group("pages")) * page)
    if "active_anon" not in counts and "RAM" not in totals:
        return None
    swap = {match.group("name"): int(match.group("kb")) * _KB for match in _SWAP.finditer(text)}
    zones = _zones(text)
    stacks = [int(match.group("kb")) * _KB for match in _KERNEL_STACK.finditer(text)]
    huge = [int(match.group("total")) * int(match.group("kb")) * _KB for match in _HUGEPAGES.finditer(text)]
    return MemInfo(
        ram=totals["RAM"] - totals.get("reserved", 0) if "RAM" in totals else None,
        highmem=totals.get("HighMem"),
        swap_total=swap.get("Total"),
        swap_free=swap.get("Free"),
        anon=_sum(counts.get("active_anon"), counts.get("inactive_anon")),
        file=_sum(counts.get("active_file"), counts.get("inactive_file")),
        unevictable=counts.get("unevictable"),
        shmem=counts.get("shmem"),
        slab_reclaimable=counts.get("slab_reclaimable"),
        slab_unreclaimable=counts.get("slab_unreclaimable"),
        pagetables=counts.get("pagetables"),
        kernel_stack=sum(stacks) if stacks else None,
        free=counts.get("free"),
        hugepages=sum(huge) if huge else None,
        zones=zones,
    )


def parse_memcg(text: str) -> Optional[MemcgInfo]:
    """The cgroup's lines; None where the text has none."""
    usage = {}  # type: Dict[str, Tuple[int, int]]
    for match in _USAGE.finditer(text):
        usage.setdefault(match.group("name"), (int(match.group("usage")) * _KB, int(match.group("limit")) * _KB))
    if "memory" not in usage:
        return None
    stats = {}  # type: Dict[str, int]
    for match in _STATS.finditer(text):
        stats.setdefault(match.group("name"), int(match.group("bytes")))
    if not stats:
        for match in _STATS_V1.finditer(text):
            stats["file"] = stats.get("file", 0) + int(match.group("cache")) * _KB
            stats["anon"] = stats.get("anon", 0) + int(match.group("rss")) * _KB
    return MemcgInfo(
        usage=usage["memory"][0],
        limit=usage["memory"][1],
        memsw_limit=usage["memory+swap"][1] if "memory+swap" in usage else None,
        swap_usage=usage["swap"][0] if "swap" in usage else None,
        swap_limit=usage["swap"][1] if "swap" in usage else None,
        **stats,
    )
