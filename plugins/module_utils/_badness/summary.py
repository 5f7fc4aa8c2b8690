# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary in one line, for somebody who reads one line a host."""

from typing import Iterable, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .processes import Process
from .ranking import RankedProcess, Ranking, held, inexact, margin, memory_of
from .selection import Selection

_NAMES = 3


def named(process: Process) -> str:
    """``mysqld (pid 812, mysql.service)``"""
    container = process.place.container_id
    home = process.place.unit or (container and "container " + container[:12])
    return printable("%s (pid %d%s)" % (process.comm or "no name", process.pid, ", " + home if home else ""))


def _distinct(processes: Iterable[Process], without: Optional[str] = None) -> List[str]:
    return list(dict.fromkeys(process.comm for process in processes if process.comm != without))


def _first_few(names: List[str]) -> str:
    return ", ".join(names[:_NAMES]) + (", …" if len(names) > _NAMES else "")


def _head(selection: Selection, ranking: Ranking) -> str:
    where = "in %s: " % selection.memcg.path if selection.memcg else ""
    if ranking.next is None:
        end = "" if selection.memcg else ", and without one the kernel panics"
        return where + "no process can be killed%s" % end
    who = named(ranking.next.process)
    if selection.outcome == "panic":
        return (
            where + "no process would be killed: the kernel panics (vm.panic_on_oom); the highest badness has %s" % who
        )
    if selection.outcome == "allocating_task":
        return (
            where
            + "the process that asks for memory dies (vm.oom_kill_allocating_task); the highest badness has %s" % who
        )
    if selection.outcome == "none":
        return where + "no process would be killed (oom_kill_disable); the highest badness has %s" % who
    return where + ("next victim: %s" if selection.complete else "next victim as far as can be seen: %s") % who


def _lead(selection: Selection, ranking: Ranking) -> str:
    """Only said where it is thin."""
    lead, second = margin(selection, ranking), ranking.second
    if lead is None or second is None or ranking.next is None:
        return ""
    if ranking.chosen is not ranking.next and ranking.chosen is not None:
        return ", the worst child of %s" % named(ranking.chosen.process)
    if lead == 0:
        return ", level with %s" % named(second.process)
    if lead <= inexact(selection):
        return ", too close to call against %s" % named(second.process)
    return ""


def headline(
    selection: Selection, ranking: Ranking, own: Optional[RankedProcess] = None, group: Optional[str] = None
) -> str:
    """own -- the process that asks, which is gone when the answer is read."""
    text = _head(selection, ranking)
    killable = memory_of(place.process for place in ranking.places)
    if ranking.next is not None:
        text += _lead(selection, ranking)
        if own is not None and ranking.next is own:
            text += ", this module itself"
        text += ", %s of %s killable" % (human(held(ranking.next.process)), human(killable))
        if group:
            text += ", with all of %s (memory.oom.group)" % group
        others = [place.process for place in ranking.places if place is not ranking.next and place is not own]
        then = _distinct(others, ranking.next.process.comm) or _distinct(others)
        if then:
            text += "; then " + _first_few(then)
    if ranking.unkillable:
        by_size = sorted(ranking.unkillable, key=lambda process: -held(process))
        text += "; %s unkillable: %s" % (human(memory_of(ranking.unkillable)), _first_few(_distinct(by_size)))
    if not selection.complete:
        text += "; incomplete: " + "; ".join(selection.reasons)
    return text


def comparison(before: Ranking, after: Ranking, names: Sequence[str] = (), unmatched: Sequence[str] = ()) -> str:
    """What proposed scores change about the next victim. A misspelt name changes nothing, and must not read like an
    answer.
    """
    old, new = (ranking.next.process if ranking.next else None for ranking in (before, after))
    nothing = ""
    if unmatched:
        some = (
            ", ".join(map(printable, unmatched))
            if len(unmatched) <= _NAMES
            else "%d of the %d names" % (len(unmatched), len(names))
        )
        nothing = "nothing runs under %s" % some
        if len(unmatched) == len(names):
            return "the proposed scores reach no process: " + nothing
        nothing = " (%s)" % nothing
    if old is not None and new is not None and old.pid == new.pid:
        return "the same under the proposed scores" + nothing
    if new is None:
        return "under the proposed scores no process can be killed" + nothing
    return "under the proposed scores %s%s" % (named(new), nothing)
