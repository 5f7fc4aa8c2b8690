# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory of the host was: the Mem-Info block. Kept as text until a kill asks."""

import re
from typing import Dict, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .memory_model import MemInfo, Pieces, Zone

#: A report has some 150 lines beside its table, 300 where it lists the slabs; what is longer was not written by a
#: kernel.
_MAX_LINES = 800
_MAX_LINE = 4096
_MAX_BYTES = 160 << 10
_MAX_ZONES = 256
_KB = 1024
#: Page sizes that Linux has.
PAGES = (4096, 8192, 16384, 65536, 262144)

# In pages: 2.6.32 to 6.19. The same words with kB behind the number are those of one node, with KB those of a cgroup.
_COUNTS = regex(
    r"(?<![\w(])(?P<name>active_anon|inactive_anon|isolated_anon|active_file|inactive_file|isolated_file"
    r"|unevictable|dirty|writeback"
    r"|slab_reclaimable|slab_unreclaimable|shmem|pagetables|sec_pagetables|bounce|free|free_pcp|free_cma):"
    r"(?P<pages>\d{1,15})(?![\dkK]| kB)"
)
# "pages of RAM", "reserved pages": arm to 3.x.
_TOTALS = regex(
    r"^[ \t]{0,160}(?P<pages>\d{1,15}) (?:pages (?:of )?(?P<name>RAM|HighMem|reserved)|(?P<other>reserved) pages)\b",
    re.MULTILINE,
)
# The same counts of each node (4.8 and later) or of each zone, for those whose own line is lost.
_OF_NODE = regex(r"^[ \t]{0,160}Node \d{1,5} active_anon:\d{1,15}kB", re.MULTILINE)
_OF_ZONE = regex(r"\sfree:\d{1,15}kB\s.{0,40}?min:\d{1,20}kB", re.DOTALL)
_KILOBYTES = regex(
    r"(?<![\w(])(?P<name>active_anon|inactive_anon|active_file|inactive_file|unevictable|dirty|writeback"
    r"|slab_reclaimable|slab_unreclaimable|shmem|pagetables):\s?(?P<kb>\d{1,15})kB"
)
_END_OF_NODE = "all_unreclaimable?"
_SWAP = regex(r"^[ \t]{0,160}(?P<name>Free|Total) swap\s{0,4}=\s{0,4}(?P<kb>\d{1,15})kB", re.MULTILINE)
_SWAP_CACHE = regex(r"^[ \t]{0,160}(?P<pages>\d{1,15}) pages in swap cache", re.MULTILINE)
# Without "Node N" on 32 bit. present: all; managed: 3.9 and later; boost: 5.17 and later.
_ZONE = regex(
    r"^[ \t]{0,160}(?:Node (?P<node>\d{1,5}) )?(?P<name>DMA|DMA32|Normal|HighMem|Movable|Device)"
    r" free:(?P<free>\d{1,15})kB"
    r"(?:\s{1,4}boost:\d{1,15}kB)?\s{1,4}min:(?P<min>\d{1,20})kB",
    re.MULTILINE,
)
_ZONE_SIZE = regex(r"\s(?P<name>present|managed|active_file|inactive_file):(?P<kb>\d{1,20})kB")
_RESERVE = regex(r"lowmem_reserve\[\]:(?P<pages>(?:\s{1,4}\d{1,12}){1,8})")
# Types: 3.12 and later.
_BUDDY = regex(
    r"^[ \t]{0,160}(?:Node (?P<node>\d{1,5}) )?(?P<name>DMA|DMA32|Normal|HighMem|Movable|Device):"
    r"(?P<pieces>(?:\s{1,4}\d{1,12}\*\s?\d{1,10}kB(?:\s\([A-Z]{1,8}\))?){1,24})",
    re.MULTILINE,
)
_PIECES = regex(r"(?P<count>\d{1,12})\*\s?(?P<kb>\d{1,10})kB(?:\s\((?P<types>[A-Z]{1,8})\))?")
# kB. Of each zone (to 5.8) or of each node (5.9 and later), never of both.
_STACKS = regex(r"\s(?P<name>kernel_stack|shadow_call_stack|zspages):(?P<kb>\d{1,15})kB")
_HUGEPAGES = regex(
    r"hugepages_total=(?P<total>\d{1,15})\s{1,4}hugepages_free=(?P<free>\d{1,15})\s.{0,80}?hugepages_size=(?P<kb>\d{1,15})kB",
    re.DOTALL,
)
# 6.19 and later; before its final release the numbers were 4096 times too big.
_PROTECTED = regex(r"Memory cgroup min protection (?P<min>\d{1,20})kB -- low protection\s(?P<low>\d{1,20})kB")
# The call trace: 2.6.32 to 6.19. What stands behind a question mark was left on the stack by an earlier call.
_CHARGED = regex(r"\s{0,160}(?:\[<[0-9a-fx]{1,18}>\] )?mem_cgroup_(?:out_of_memory|oom_synchronize|handle_oom)\+0x")
_BLOCK = "Mem-Info:"
#: What every kernel since 2.6.32 prints.
_NEEDED = frozenset(
    "active_anon inactive_anon active_file inactive_file unevictable dirty writeback slab_reclaimable"
    " slab_unreclaimable shmem pagetables".split()
)


# EL 9 and Ubuntu; EL 7 and 8, Fedora and SLES on POWER.
_PAGES_64K = regex(r"64k$|\.el[78]\w{0,8}\.aarch64$|\.(?:el|fc)\d{1,3}\w{0,8}\.ppc64(?:le)?$", re.IGNORECASE)


class MemText:
    """Takes every line of a report; most are never looked at."""

    def __init__(self) -> None:
        self._lines = []  # type: List[str]
        self._room = _MAX_BYTES

    def feed(self, text: str) -> None:
        if len(text) > _MAX_LINE or len(self._lines) >= _MAX_LINES or self._room < len(text):
            return
        if text.startswith("CPU ") and " hi:" in text:
            return  # to 4.1 one for each processor and zone, before everything that counts
        self._lines.append(text)
        self._room -= len(text)

    def charged_to_cgroup(self) -> bool:
        """The call trace goes through the charge of a cgroup: the host itself was not short."""
        return any(_CHARGED.match(line) for line in self._lines)

    def text(self) -> str:
        return "\n".join(self._lines)


def _sum(*sizes: Optional[int]) -> Optional[int]:
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def page_size_of_kernel(release: Optional[str]) -> Optional[int]:
    """Some kernels have their page size in the name, or are built with one only."""
    return 65536 if release is not None and _PAGES_64K.search(release) else None


def page_size_of(text: str) -> Optional[int]:
    """The smallest piece of the free lists is one page."""
    for match in _BUDDY.finditer(text):
        first = _PIECES.search(match.group("pieces"))
        if first and int(first.group("kb")) * _KB in PAGES:
            return int(first.group("kb")) * _KB
    return None


def _pieces(text: str) -> Dict[Tuple[int, str], Tuple[Pieces, ...]]:
    found = {}  # type: Dict[Tuple[int, str], Tuple[Pieces, ...]]
    for match in _BUDDY.finditer(text):
        found[int(match.group("node") or 0), match.group("name")] = tuple(
            Pieces(int(piece.group("kb")) * _KB, int(piece.group("count")), piece.group("types") or "")
            for piece in _PIECES.finditer(match.group("pieces"))
        )
        if len(found) >= _MAX_ZONES:
            break
    return found


def _zones(text: str, page: int) -> Tuple[Zone, ...]:
    pieces = _pieces(text)
    found = []  # type: List[Zone]
    for match in _ZONE.finditer(text):
        # A console or a mail program may have wrapped the line: up to the next one of its kind.
        reserve = _RESERVE.search(text, match.end(), match.end() + _MAX_LINE)
        end = reserve.start() if reserve else match.end() + _MAX_LINE
        sizes = {m.group("name"): int(m.group("kb")) * _KB for m in _ZONE_SIZE.finditer(text, match.end(), end)}
        node, name = int(match.group("node") or 0), match.group("name")
        found.append(
            Zone(
                node=node,
                name=name,
                free=int(match.group("free")) * _KB,
                min=int(match.group("min")) * _KB,
                present=sizes.get("present"),
                managed=sizes.get("managed"),
                file=_sum(sizes.get("active_file"), sizes.get("inactive_file")),
                reserve=max(map(int, reserve.group("pages").split())) * page if reserve else 0,
                pieces=pieces.get((node, name), ()),
            )
        )
        if len(found) >= _MAX_ZONES:
            break
    return tuple(found)


def _of_nodes(text: str) -> Dict[str, int]:
    """Counts added up over the lines of nodes; to 4.7 those of zones have them."""
    heads = list(_OF_NODE.finditer(text)) or list(_OF_ZONE.finditer(text))
    found = {}  # type: Dict[str, int]
    for head in heads[:_MAX_ZONES]:
        end = text.find(_END_OF_NODE, head.end(), head.end() + _MAX_LINE)
        if end < 0:
            return {}  # a part of one says nothing of the whole
        for match in _KILOBYTES.finditer(text, head.start(), end):
            found[match.group("name")] = found.get(match.group("name"), 0) + int(match.group("kb")) * _KB
    return found


def _counts(text: str, page: int) -> Dict[str, int]:
    """What the whole host has, in bytes."""
    counts = {}  # type: Dict[str, int]
    for match in _COUNTS.finditer(text):
        counts.setdefault(match.group("name"), int(match.group("pages")) * page)
    if counts and not _NEEDED <= set(counts):
        counts = dict(_of_nodes(text), **counts)
    return counts


def _one_block(text: str) -> str:
    """The first block, where a second one follows it."""
    first = text.find(_BLOCK)
    second = text.find(_BLOCK, first + len(_BLOCK)) if first >= 0 else -1
    return text[:second] if second >= 0 else text


def _ram(totals: Dict[str, int]) -> Optional[int]:
    """What the kernel can give away. A balloon may have taken more from it than it had: then nobody knows."""
    if "RAM" not in totals or "reserved" not in totals or totals["reserved"] >= totals["RAM"]:
        return None
    return totals["RAM"] - totals["reserved"]


def parse_protected(text: str) -> Optional[int]:
    """What cgroups keep from reclaim (memory.min, memory.low)."""
    match = _PROTECTED.search(text)
    return None if match is None else max(int(match.group("min")), int(match.group("low"))) * _KB


def parse_meminfo(text: str, page_size: Optional[int]) -> Optional[MemInfo]:
    """The host's block; None where the text has none. Pages are 4 KiB where the report does not say."""
    text = _one_block(text)
    page = page_size or page_size_of(text) or 4096
    counts = _counts(text, page)
    totals = {}  # type: Dict[str, int]
    for match in _TOTALS.finditer(text):
        totals.setdefault(match.group("name") or match.group("other"), int(match.group("pages")) * page)
    if "active_anon" not in counts and "RAM" not in totals:
        return None
    swap = {match.group("name"): int(match.group("kb")) * _KB for match in _SWAP.finditer(text)}
    cached = _SWAP_CACHE.search(text)
    zones = _zones(text, page)
    kilobytes = {}  # type: Dict[str, int]
    for match in _STACKS.finditer(text):
        kilobytes[match.group("name")] = kilobytes.get(match.group("name"), 0) + int(match.group("kb")) * _KB
    huge = [
        (
            int(match.group("total")) * int(match.group("kb")) * _KB,
            int(match.group("free")) * int(match.group("kb")) * _KB,
        )
        for match in _HUGEPAGES.finditer(text)
    ]
    tables = counts.get("pagetables")
    return MemInfo(
        ram=_ram(totals),
        reserved=totals.get("reserved"),
        highmem=totals.get("HighMem"),
        swap_total=swap.get("Total"),
        swap_free=swap.get("Free"),
        anon=_sum(counts.get("active_anon"), counts.get("inactive_anon"), counts.get("isolated_anon")),
        file=_sum(counts.get("active_file"), counts.get("inactive_file"), counts.get("isolated_file")),
        unevictable=counts.get("unevictable"),
        shmem=counts.get("shmem"),
        swap_cached=int(cached.group("pages")) * page if cached else None,
        slab_reclaimable=counts.get("slab_reclaimable"),
        slab_unreclaimable=counts.get("slab_unreclaimable"),
        pagetables=None if tables is None else tables + counts.get("sec_pagetables", 0),
        kernel_stack=kilobytes.get("kernel_stack"),
        shadow_call_stack=kilobytes.get("shadow_call_stack"),
        bounce=counts.get("bounce"),
        zspages=kilobytes.get("zspages"),
        free=counts.get("free"),
        free_pcp=counts.get("free_pcp"),
        free_cma=counts.get("free_cma"),
        dirty=counts.get("dirty"),
        writeback=counts.get("writeback"),
        hugepages=sum(total for total, _free in huge) if huge else None,
        hugepages_free=sum(free for _total, free in huge) if huge else None,
        protected=parse_protected(text),
        zones=zones,
    )
