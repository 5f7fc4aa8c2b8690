# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast contract: what oom_score_info returns. Sizes are bytes, badness is pages, unknown is None."""

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Set, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .memcg import group_of, within
from .pressure import pressure
from .processes import Process, Snapshot, ancestors, snapshot, started
from .proposed_scores import Adjustments, Applied, apply
from .ranking import Group, RankedProcess, Ranking, margin, memory_of, rank, units
from .score import oom_score
from .selection import Selection, read_selection
from .summary import comparison, headline
from .warnings import warnings_of

_LINE = "%4s %8s %10s %5s  %-16s %s"


class _View(NamedTuple):
    """One ranking of a selection, and what is needed to show it."""

    host: Host
    selection: Selection
    ranking: Ranking
    scores: Mapping[int, int]
    chain: Set[int]
    top: int

    def adj(self, process: Process) -> int:
        return self.scores.get(process.pid, process.oom_score_adj)

    def shown(self, rows: List[Any]) -> List[Any]:
        return rows[: self.top] if self.top else rows


def _score(view: _View, process: Process, place: Optional[RankedProcess]) -> int:
    """The kernel's own number; computed for a score that nobody set yet, or where the process is gone."""
    if process.pid not in view.scores:
        text = (view.host.read("/proc/%d/oom_score" % process.pid) or b"").strip()
        if text.isdigit():
            return int(text)
    return oom_score(None if place is None else place.badness, view.selection.totalpages, view.selection.era)


def _row(view: _View, process: Process, place: Optional[RankedProcess]) -> Dict[str, Any]:
    return {
        "rank": None if place is None else place.rank,
        "pid": process.pid,
        "comm": process.comm,
        "unit": process.place.unit,
        "container_id": process.place.container_id,
        "uid": process.uid,
        "anon_rss": process.anon_rss,
        "file_rss": process.file_rss,
        "shmem_rss": process.shmem_rss,
        "swap": process.swap,
        "pgtables": process.pgtables,
        "oom_score": _score(view, process, place),
        "oom_score_adj": view.adj(process),
        "badness": None if place is None else place.badness,
        "connection": process.pid in view.chain,
    }


def _brief(place: Optional[RankedProcess]) -> Optional[Dict[str, Any]]:
    if place is None:
        return None
    return {"pid": place.process.pid, "comm": place.process.comm, "unit": place.process.place.unit}


def _group_kill(view: _View) -> Optional[Dict[str, Any]]:
    selection, dies = view.selection, view.ranking.next
    if dies is None or selection.where is None:
        return None
    path = group_of(
        view.host, selection.where, dies.process.place.memcg, selection.memcg.path if selection.memcg else "/"
    )
    if path is None:
        return None
    members = [place.process for place in view.ranking.places if within(place.process.place.memcg, path)]
    return {"cgroup": path, "processes": len(members), "memory": memory_of(members)}


def _next_victim(view: _View) -> Optional[Dict[str, Any]]:
    ranking = view.ranking
    if ranking.next is None:
        return None
    row = _row(view, ranking.next.process, ranking.next)
    row["margin"] = margin(view.selection, ranking)
    row["over"] = _brief(ranking.second)
    row["parent"] = None if ranking.chosen is ranking.next else _brief(ranking.chosen)
    row["group"] = _group_kill(view)
    row["itself"] = ranking.next.process.pid == os.getpid()
    return row


def _unit_row(view: _View, group: Group) -> Dict[str, Any]:
    return {
        "name": group.name,
        "unit": group.unit,
        "processes": len(group.processes),
        "memory": group.memory,
        "rank": group.first.rank if group.first else None,
        "first": _brief(group.first),
        "oom_score_adj": sorted({view.adj(process) for process in group.processes}),
    }


def _table(view: _View, rows: List[Tuple[Process, Optional[RankedProcess]]]) -> List[str]:
    """The same for eyes: what `ansible -m` prints line by line."""
    lines = [_LINE % ("RANK", "PID", "MEMORY", "ADJ", "NAME", "UNIT")]
    for process, place in rows:
        size = human(process.rss + process.swap + process.pgtables)
        home = process.place.unit or process.place.container_id or "-"
        lines.append(
            _LINE
            % (
                place.rank if place else "-",
                process.pid,
                size,
                view.adj(process),
                printable(process.comm),
                printable(home),
            )
        )
    return lines


def _ranking(view: _View) -> Dict[str, Any]:
    rows = [
        (place.process, place) for place in view.ranking.places
    ]  # type: List[Tuple[Process, Optional[RankedProcess]]]
    if not view.top:
        rows += [(process, None) for process in view.ranking.unkillable]
    groups = units(view.ranking)
    rows = view.shown(rows)
    return {
        "processes": [_row(view, process, place) for process, place in rows],
        "table": _table(view, rows),
        "next_victim": _next_victim(view),
        "killable_memory": memory_of(place.process for place in view.ranking.places),
        "unkillable_memory": memory_of(view.ranking.unkillable),
        "by_unit": [_unit_row(view, group) for group in view.shown([group for group in groups if group.first])],
        "unkillable": [_unit_row(view, group) for group in view.shown([group for group in groups if not group.first])],
    }


def _moved(view: _View, before: Ranking, applied: Applied) -> List[Dict[str, Any]]:
    """The processes that get another score, in the order of dying then."""
    old, new = ({place.process.pid: place for place in ranking.places} for ranking in (before, view.ranking))
    changed = [
        process
        for process in view.selection.processes
        if applied.scores.get(process.pid, process.oom_score_adj) != process.oom_score_adj
    ]
    rows = []  # type: List[Dict[str, Any]]
    for process in sorted(
        changed, key=lambda one: (one.pid not in new, new[one.pid].rank if one.pid in new else 0, one.pid)
    ):
        was, becomes = old.get(process.pid), new.get(process.pid)
        rows.append(
            {
                "pid": process.pid,
                "comm": process.comm,
                "unit": process.place.unit,
                "oom_score_adj": {"before": process.oom_score_adj, "after": applied.scores[process.pid]},
                "rank": {"before": was.rank if was else None, "after": becomes.rank if becomes else None},
            }
        )
    return rows


def _selection_facts(selection: Selection, seen: Snapshot, ranking: Ranking) -> Dict[str, Any]:
    group = selection.memcg
    return {
        "scope": "memcg" if group else "global",
        "memcg": group.path if group else None,
        "limit": group.limit if group else None,
        "totalpages": selection.totalpages,
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "rules": selection.era.name,
        "outcome": selection.outcome,
        "contenders": len(ranking.places),
        "skipped": dict(seen.skipped._asdict()),
    }


def score_info(
    host: Host, top: int = 10, memcg: Optional[str] = None, adjustments: Optional[Adjustments] = None
) -> Dict[str, Any]:
    """Everything of the forecast contract. Raises ValueError or OSError with a sentence where there is nothing
    to rank.
    """

    def when(pid: int) -> Tuple[int, int]:
        return started(host, pid)

    seen = snapshot(host)
    selection = read_selection(host, seen, memcg)
    own = os.getpid()
    now = _View(host, selection, rank(selection, when, top=top), {}, ancestors(seen.processes, own), top)
    result = _ranking(now)
    group = result["next_victim"]["group"] if result["next_victim"] else None
    itself = next((place for place in now.ranking.places if place.process.pid == own), None)
    result["msg"] = headline(selection, now.ranking, itself, group and group["cgroup"])
    result["contest"] = _selection_facts(selection, seen, now.ranking)
    result.update(complete=selection.complete, reasons=list(selection.reasons), notes=list(selection.notes))
    rows = pressure(host, seen, selection.memcg.path if selection.memcg else "/", top)
    result["pressure"] = rows
    frozen = [row["text"] for row in rows or () if row["state"] == "frozen"]
    result["msg"] = "; ".join(frozen[:1] + [result["msg"]])
    if adjustments:
        applied = apply(host, adjustments, selection.processes)
        then = now._replace(ranking=rank(selection, when, applied.scores, top), scores=applied.scores)
        moved = _moved(then, now.ranking, applied)
        result["what_if"] = _ranking(then)
        result["what_if"].update(
            adjustments=dict(adjustments),
            moved=then.shown(moved),
            moved_total=len(moved),
            kept=then.shown(applied.kept),
            unmatched=applied.unmatched,
            warnings=warnings_of(now.ranking, then.ranking, selection, now.chain, adjustments, own, applied),
            msg=comparison(now.ranking, then.ranking, list(adjustments), applied.unmatched),
        )
        result["msg"] += "; " + result["what_if"]["msg"]
    return result
