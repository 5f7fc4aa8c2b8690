# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other scores would make worse, as sentences. What is so already is no news."""

from typing import List, Mapping, Optional, Set

from ansible_collections.memops.linux.plugins.module_utils._size import human

from .processes import Process
from .proposed_scores import Applied
from .ranking import Ranking, memory_of
from .selection import Selection
from .summary import named

#: With more of RAM out of reach the kernel may find no victim, and then it panics.
UNKILLABLE_SHARE = 0.5
_SSH = ("sshd", "sshd-session", "ssh")


def without(ranking: Ranking, pid: int) -> List[Process]:
    """The order of dying without the process that asks, which is gone when memory runs out."""
    return [place.process for place in ranking.places if place.process.pid != pid]


def share(memory: int, total: Optional[int]) -> Optional[float]:
    return round(memory / total, 4) if total else None


def _names(process: Process) -> Set[str]:
    unit = process.place.unit or ""
    return {process.comm, unit, unit[: -len(".service")] if unit.endswith(".service") else unit}


def _about_the_first(
    first: Process, already: bool, adjustments: Mapping[str, int], applied: Applied, chain: Set[int]
) -> Optional[str]:
    names = _names(first)
    if already:
        own = applied.scores.get(first.pid)
        return (
            "%s would still be the next victim: %d is not enough" % (named(first), own)
            if own is not None and own < 0
            else None
        )
    if names.intersection(_SSH):
        return "sshd would be the next victim: %s" % named(first)
    if first.pid in chain:
        return "%s, which holds the connection to this host, would be the next victim" % named(first)
    if applied.scores.get(first.pid, 0) < 0 or names & {name for name, score in adjustments.items() if score < 0}:
        return "%s would be the next victim, although it is to be protected" % named(first)
    return None


def warnings_of(
    before: Ranking,
    after: Ranking,
    selection: Selection,
    chain: Set[int],
    adjustments: Mapping[str, int],
    own: int,
    applied: Applied,
) -> List[str]:
    """sshd, the chain of processes that connects, a service that is being protected; too much out of reach."""
    message = []  # type: List[str]
    if applied.doubt is not None:
        message.append("which processes would follow their unit is a guess, all but those at -1000: %s" % applied.doubt)
    old, new = without(before, own)[:1], without(after, own)[:1]
    if new:
        text = _about_the_first(new[0], bool(old) and old[0].pid == new[0].pid, adjustments, applied, chain)
        if text:
            message.append(text)
    if old and not new:
        message.append("no process could be killed any more: the kernel would panic when memory runs out")
    was, would = (share(memory_of(ranking.unkillable), selection.memory_total) or 0 for ranking in (before, after))
    if would > UNKILLABLE_SHARE and would > was:
        text = (
            "processes that cannot be killed (-1000) would hold %s, %d %% of RAM: the kernel may find no victim,"
            " and panic"
        )
        message.append(text % (human(memory_of(after.unkillable)), round(would * 100)))
    return message
