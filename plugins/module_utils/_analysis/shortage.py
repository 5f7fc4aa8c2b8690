# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the request could not have although memory was there: zones, pieces, nodes, what is kept for others, or no
shortage at all.
"""

from typing import List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import MemInfo, Zone
from ansible_collections.memops.linux.plugins.module_utils._oom.model import NODES_ALLOWED_BY, Kill, Report
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .cause import Cause, percent
from .selection_replay import nodes_of

#: From the lowest to the highest: a request may use its own and those below.
_ORDER = ("DMA", "DMA32", "Normal", "HighMem", "Movable")
# Bits of gfp_mask, the same in 2.6.32 to 6.19.
_GFP_DMA, _GFP_HIGHMEM, _GFP_DMA32, _GFP_MOVABLE = 1, 2, 4, 8
_GFP_HIGHUSER_MOVABLE = _GFP_HIGHMEM | _GFP_MOVABLE
#: What is free elsewhere must be that share of all memory, and so many times what is free here; on 32 bit the low zones
#: are small.
_ELSEWHERE, _TIMES = 0.1, 4
_HIGHMEM, _TIMES_HIGHMEM = 0.02, 2
_PROTECTED = 0.25
#: Where memory is free, nobody holds it.
MOSTLY_FREE = 0.5


class Request(NamedTuple):
    """What was asked for. top -- the highest zone it may use; movable -- it may use the pages of CMA"""

    order: int
    top: str
    movable: bool


def request_of(kill: Kill) -> Optional[Request]:
    """None where the log does not tell (the header is lost), and for sysrq-f and BPF, which ask for nothing."""
    invoker = kill.invoker
    if invoker.gfp_mask is None or invoker.order is None or invoker.order < 0:
        return None
    mask = int(invoker.gfp_mask, 16)
    if mask == 0:
        return None
    movable = bool(mask & _GFP_MOVABLE)
    if mask & _GFP_DMA:
        top = "DMA"
    elif mask & _GFP_DMA32:
        top = "DMA32"
    elif mask & _GFP_HIGHUSER_MOVABLE == _GFP_HIGHUSER_MOVABLE:
        top = "Movable"
    elif mask & _GFP_HIGHMEM:
        top = "HighMem"
    else:
        top = "Normal"
    return Request(invoker.order, top, movable)


def may_use(request: Request, zone: Zone) -> bool:
    return zone.name in _ORDER and _ORDER.index(zone.name) <= _ORDER.index(request.top)


def _floor(request: Request, zone: Zone, zones: Sequence[Zone]) -> int:
    """Below that a zone gives this request nothing."""
    usable = [other.name for other in zones if may_use(request, other)]
    highest = max(usable, key=_ORDER.index)
    return zone.min + (zone.reserve if zone.name != highest else 0)


def _fits(request: Request, zone: Zone, page: int) -> bool:
    """A free piece that is big enough and that such a request is given."""
    forbidden = set("HI") if request.movable else set("CHI")
    for pieces in zone.pieces:
        allowed = not pieces.types or not set(pieces.types) <= forbidden
        if pieces.blocks and allowed and pieces.size >= page << request.order:
            return True
    return False


def _free_elsewhere(zones: Sequence[Zone]) -> str:
    names = sorted({zone.name for zone in zones if zone.free}, key=_ORDER.index)
    return "zone %s" % " and ".join(names)


def _fragmented(request: Request, zones: Sequence[Zone], others: Sequence[Zone], page: int) -> List[Cause]:
    """Enough is free in a zone that the request may use, and no piece of it is big enough."""
    if request.order < 1:
        return []
    enough = [zone for zone in zones if zone.free > _floor(request, zone, zones)]
    if not all(zone.pieces for zone in enough):
        enough = enough if sum(zone.free for zone in zones) > 2 * sum(zone.min for zone in zones) else []
    if not enough or any(_fits(request, zone, page) for zone in enough):
        return []
    size = sum(zone.free for zone in enough)
    text = "%s were free in zone %s, but not in one piece of 2^%d pages (%s)" % (
        human(size),
        " and ".join(sorted({zone.name for zone in enough}, key=_ORDER.index)),
        request.order,
        human(page << request.order),
    )
    unusable = sum(zone.free for zone in others)
    if unusable > size:
        text += "; %s were free in %s, which this request may not use" % (human(unusable), _free_elsewhere(others))
    return [Cause("fragmentation", text, size)]


def _used_up(request: Request, zones: Sequence[Zone], others: Sequence[Zone], memory: MemInfo) -> List[Cause]:
    """The zones that the request may use were used up while others had memory."""
    unusable = sum(zone.free for zone in others)
    usable = sum(zone.free for zone in zones)
    cma = 0 if request.movable else min(memory.free_cma or 0, usable)
    total = memory.ram or sum(zone.managed or 0 for zone in memory.zones)
    short = all(zone.free - cma <= 2 * _floor(request, zone, zones) for zone in zones)
    share, times = _ELSEWHERE, _TIMES
    if any(zone.name == "HighMem" and zone.free > 3 * zone.min for zone in others):
        share, times = _HIGHMEM, _TIMES_HIGHMEM
    if not short or unusable + cma < max(share * total, times * (usable - cma)):
        return []
    highest = max((zone.name for zone in zones), key=_ORDER.index)
    if cma > unusable:
        text = "of %s free, %s are set aside for devices (CMA), which this request may not use" % (
            human(usable),
            human(cma),
        )
        return [Cause("lowmem", text, usable - cma)]
    text = "zone %s was used up (%s free) while %s, which this request may not use, had %s free" % (
        highest,
        human(usable - cma),
        _free_elsewhere(others),
        human(unusable),
    )
    return [Cause("lowmem", text, usable - cma)]


def _zones(kill: Kill, memory: MemInfo) -> List[Cause]:
    request = request_of(kill)
    if request is None:
        return []
    zones = [zone for zone in memory.zones if may_use(request, zone)]
    others = [zone for zone in memory.zones if zone.name in _ORDER and not may_use(request, zone)]
    if not zones:
        return []
    return _fragmented(request, zones, others, kill.page_size or 4096) or _used_up(request, zones, others, memory)


def _nodes(kill: Kill, report: Report) -> List[Cause]:
    """A cpuset or a memory policy allows some of the nodes only."""
    what = NODES_ALLOWED_BY[kill.constraint or ""]
    nodes = " %s" % printable(report.nodes) if report.nodes else "s of its own"
    text = "the %s of the process that asked allows memory node%s only" % (what, nodes)
    memory, request = report.memory, request_of(kill)
    if memory is not None and request is not None:
        allowed = nodes_of(report.nodes or "")
        others = [
            zone for zone in memory.zones if zone.node in allowed and zone.name in _ORDER and not may_use(request, zone)
        ]
        unusable = sum(zone.free for zone in others)
        if others and unusable:
            text += ", with %s free in %s, which this request may not use" % (human(unusable), _free_elsewhere(others))
    return [Cause("cpuset" if what == "cpuset" else "numa", text)]


def _asked_by_kswapd(kill: Kill, memory: Optional[MemInfo]) -> List[Cause]:
    """6.1 and later: with lru_gen's min_ttl_ms the reclaimer itself calls the killer; before, it never did."""
    comm = kill.invoker.comm or ""
    if not (comm.startswith("kswapd") and comm[len("kswapd") :].isdigit()):
        return []
    free = ""
    if memory is not None and memory.free is not None:
        free = "; %s were free" % human(memory.free)
    text = (
        "%s itself called the killer: MGLRU could not keep the working set for as long as lru_gen/min_ttl_ms asks%s"
        % (printable(comm), free)
    )
    return [Cause("mglru", text)]


def _was_free(kill: Kill, memory: MemInfo) -> List[Cause]:
    """Nothing that the report tells was short. To 5.14 a page fault that failed for another reason called the killer,
    too, and asked for nothing.
    """
    if not memory.ram or (memory.free or 0) < MOSTLY_FREE * memory.ram:
        return []
    text = "%s (%s) were free: the host as a whole was not short of memory" % (
        human(memory.free or 0),
        percent(memory.free or 0, memory.ram),
    )
    if kill.invoker.gfp_mask is not None and int(kill.invoker.gfp_mask, 16) == 0:
        text += "; a page fault failed for another reason (gfp_mask=0x0), such as a limit of a cgroup's kernel memory"
    return [Cause("free", text, memory.free, round((memory.free or 0) / memory.ram, 3))]


def _kept_for_others(protected: Optional[int], total: Optional[int]) -> List[Cause]:
    """6.19 prints what memory.min and memory.low keep from reclaim."""
    if not protected or not total or not _PROTECTED * total <= protected <= total:
        return []
    text = "memory.min and memory.low of cgroups keep %s (%s) from being reclaimed" % (
        human(protected),
        percent(protected, total),
    )
    return [Cause("protection", text, protected, round(protected / total, 3))]


def shortages(kill: Kill, report: Report, total: Optional[int]) -> List[Cause]:
    """Why memory could not be had though it was there; what stands first explains the kill. Nothing where it was simply
    used.

    total -- of what was short
    """
    memory = report.memory
    if kill.trigger == "sysrq":
        free = "" if memory is None or memory.free is None else ", and %s were free" % human(memory.free)
        return [Cause("sysrq", "it was requested by hand (sysrq-f); memory need not have been short%s" % free)]
    if kill.scope == "memcg":
        return _kept_for_others(report.memcg.protected if report.memcg else None, total)
    found = _nodes(kill, report) if kill.constraint in NODES_ALLOWED_BY else []
    found += _asked_by_kswapd(kill, memory)
    if memory is not None and not found:
        found += _zones(kill, memory) or _was_free(kill, memory)
    return found + _kept_for_others(memory.protected if memory else None, total)
