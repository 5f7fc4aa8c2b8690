# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A past kill under another policy: who would have died. Works on the facts of a kill, on the host or on the
controller.

A task table names processes, no units. An adjustment of a unit therefore reaches

* the victim, if it is the victim's unit,
* every process of the table, if the cgroup that was out of memory lies in that unit,
* the processes whose names the caller lists for the unit.

An adjustment by name (comm, 15 bytes) reaches every process of that name. What a process does to its own oom_score_adj
later (sshd, PostgreSQL, browsers) is not known to a policy, nor here.
"""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._badness.score import UNKILLABLE, Era, Ranked, choose, era_of
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Task
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import unit_of
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

from .selection_replay import contenders

_PAGE = 4096
_COMM_BYTES = 15
_UNITS = (".service", ".scope", ".slice")


class Replay(NamedTuple):
    """What another policy would have done.

    known -- False: the log does not tell enough, and text says what is missing
    changed -- another process than the victim would have died, or none
    pid, comm, unit, badness -- of the process that would have died; None where none could be killed. unit None: not
        known
    unmatched -- names of the adjustments that no process of the table has
    """

    known: bool
    changed: bool
    text: str
    pid: Optional[int] = None
    comm: Optional[str] = None
    unit: Optional[str] = None
    badness: Optional[int] = None
    unmatched: Tuple[str, ...] = ()


def _whole(value: Any) -> Optional[int]:
    """Facts are data from another machine: what is not an integer there is not known."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _tasks(kill: Mapping[str, Any]) -> List[Task]:
    rows = kill.get("tasks")
    found = []  # type: List[Task]
    for row in rows if isinstance(rows, (list, tuple)) else ():
        pid = _whole(row.get("pid")) if isinstance(row, dict) else None
        if pid is None:
            continue
        sizes = {field: _whole(row.get(field)) for field in ("rss", "swap", "pgtables", "oom_score_adj")}
        tgid, uid = _whole(row.get("tgid")), _whole(row.get("uid"))
        found.append(
            Task(
                pid=pid,
                tgid=pid if tgid is None else tgid,
                uid=-1 if uid is None else uid,
                comm=str(row.get("comm")),
                **sizes,
            )
        )
    return found


def _is_named(task: Task, name: str) -> bool:
    """By the name in the facts, or by the whole name of which the kernel keeps 15 bytes."""
    return task.comm in (name, printable(to_text(name.encode("utf-8", "surrogateescape")[:_COMM_BYTES])))


def _reaches(kill: Mapping[str, Any], task: Task, name: str, units: Mapping[str, Sequence[str]]) -> int:
    """How well a name fits a process: 0 not at all, 1 by comm, 2 by the unit's names, 3 by its cgroup."""
    if name.endswith(_UNITS):
        victim = kill["victim"] if isinstance(kill.get("victim"), dict) else {}
        if kill.get("unit") == name and task.pid == victim.get("pid"):
            return 3
        memcg = kill.get("oom_memcg")
        if isinstance(memcg, str) and (unit_of(memcg) == name or name in memcg.split("/")):
            return 3
        return 2 if any(_is_named(task, comm) for comm in units.get(name, ())) else 0
    return 1 if _is_named(task, name) else 0


def adjusted(
    kill: Mapping[str, Any], tasks: Sequence[Task], adjustments: Mapping[str, int], units: Mapping[str, Sequence[str]]
) -> Tuple[List[Task], Tuple[str, ...]]:
    """The table under the policy, and the names that nothing in it has. Of several that fit, the nearest decides."""
    found = []
    used = set()
    for task in tasks:
        best = 0
        for name, score in adjustments.items():
            fit = _reaches(kill, task, name, units)
            if fit:
                used.add(name)
            if fit > best:
                best, task = fit, task._replace(oom_score_adj=score)
        found.append(task)
    return found, tuple(name for name in adjustments if name not in used)


def _same_era(
    kill: Mapping[str, Any], winner: Mapping[str, Any], tasks: Sequence[Task], pages: int, page: int
) -> Optional[Era]:
    """The rules under which the facts' own winner comes out as bad as the facts say; None where none do."""
    era = era_of(kill.get("kernel"))
    for bonus in (era.root_bonus, "usage", "total", None):
        variant = era._replace(root_bonus=bonus)
        ranked = choose(contenders(tasks, page), pages, variant)
        unit = pages * page // 1000 if variant.thousandths else page
        if (
            ranked
            and ranked[0].contender.pid == winner.get("pid")
            and ranked[0].badness * unit == winner.get("badness")
        ):
            return variant
    return None


def _unit_of(kill: Mapping[str, Any], task: Task, units: Mapping[str, Sequence[str]]) -> Optional[str]:
    victim = kill["victim"] if isinstance(kill.get("victim"), dict) else {}
    if task.pid == victim.get("pid"):
        return kill.get("unit")
    memcg = kill.get("oom_memcg")
    if isinstance(memcg, str) and unit_of(memcg):
        return unit_of(memcg)
    named = [unit for unit, comms in units.items() if any(_is_named(task, comm) for comm in comms)]
    return named[0] if len(named) == 1 else None


def _unknown(text: str) -> Replay:
    return Replay(False, False, "cannot be replayed: %s" % text)


def replay(
    kill: Mapping[str, Any], adjustments: Mapping[str, int], units: Optional[Mapping[str, Sequence[str]]] = None
) -> Replay:
    """Who would have died.

    kill -- a kill of the facts, gathered with include_tasks
    adjustments -- unit or comm -> oom_score_adj
    units -- unit -> the names of its processes, where the caller knows them
    """
    known_units = units or {}
    if kill.get("killer") != "kernel":
        return _unknown("%s chose the victim, not the kernel" % kill.get("killer"))
    contest, tasks = kill.get("contest"), _tasks(kill)
    if not isinstance(contest, dict) or not tasks:
        return _unknown("no task table in the facts (gather them with include_tasks)")
    if contest.get("exception") is not None or not isinstance(contest.get("winner"), dict):
        return _unknown(
            "the kernel's choice does not follow from its own task table (%s)"
            % (contest.get("exception") or "no winner")
        )
    page = _whole(kill.get("page_size")) or _PAGE
    total = _whole(contest.get("totalpages"))
    pages = total // page if total else 1
    era = _same_era(kill, contest["winner"], tasks, pages, page)
    changed, unmatched = adjusted(kill, tasks, adjustments, known_units)
    if era is None:
        return _unknown("the table in these facts is not the one that the kernel's choice was recomputed from")
    if total is None and any(
        task.oom_score_adj not in (None, 0) and (task.oom_score_adj or 0) > UNKILLABLE for task in changed
    ):
        return _unknown("the log does not tell the memory total on which an adjustment depends")
    ranked = choose(contenders(changed, page), pages, era)
    unit = pages * page // 1000 if era.thousandths else page
    return _said(kill, ranked, changed, unit, known_units)._replace(unmatched=unmatched)


def _said(
    kill: Mapping[str, Any],
    ranked: Sequence[Ranked],
    tasks: Sequence[Task],
    unit: int,
    units: Mapping[str, Sequence[str]],
) -> Replay:
    victim = kill["victim"] if isinstance(kill.get("victim"), dict) else {}
    before = "%s[%s]" % (victim.get("comm"), victim.get("pid"))
    if not ranked:
        end = (
            "the kernel would have panicked"
            if kill.get("scope") != "memcg"
            else "its processes would have hung at the limit"
        )
        return Replay(True, True, "with this policy nothing could have been killed instead of %s: %s" % (before, end))
    row = ranked[0]
    by_pid = {task.pid: task for task in tasks}  # type: Dict[int, Task]
    task = by_pid[row.contender.pid]
    name = _unit_of(kill, task, units)
    who = "%s[%d]" % (task.comm, task.pid) + (" of %s" % name if name else "")
    size = row.badness * unit
    sample = "%s (badness %s)" % (who, human(size))
    if task.pid == kill["contest"]["winner"]["pid"]:
        text = "even with this policy, %s would have died" % sample
    else:
        text = "with this policy %s would have died instead of %s" % (
            sample,
            before + (" of %s" % kill["unit"] if kill.get("unit") else ""),
        )
        if name is None and kill.get("unit") and task.comm == victim.get("comm"):
            text += " (it may be of the same unit: the table does not tell, the parameter units does)"
    return Replay(True, task.pid != kill["contest"]["winner"]["pid"], text, task.pid, task.comm, name, size)
