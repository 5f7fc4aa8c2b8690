# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sentence: why this process was killed and no other one. Names in it are printable."""

from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._badness.score import UNKILLABLE
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Task
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .memory_cause import Cause, causes
from .selection_replay import EXCEPTIONS, Contest, Side, recompute

NO_TABLE = "no task table in the log: the kernel's choice cannot be recomputed"
#: Causes that go into the sentence; all of them are in the list.
_TOLD = 3
#: What says no more than the first half of the sentence does.
_SAID = ("one_process",)
_MAX_COMM = 64


class Explanation(NamedTuple):
    """contest is None without a task table."""

    why: str
    causes: Sequence[Cause]
    contest: Optional[Contest]

    def as_facts(self) -> Dict[str, Any]:
        contest = self.contest
        return {
            "why": self.why,
            "cause": [{"kind": one.kind, "size": one.size, "share": one.share, "text": one.text} for one in self.causes],
            "contest": (
                None
                if contest is None
                else {
                    "totalpages": contest.totalpages,
                    "winner": _side(contest.winner),
                    "second": _side(contest.second),
                    "margin": contest.margin,
                    "exception": contest.exception,
                    "rule": contest.rule,
                }
            ),
        }


def _side(side: Optional[Side]) -> Optional[Dict[str, Any]]:
    return None if side is None else {"pid": side.pid, "comm": printable(side.comm[:_MAX_COMM]), "badness": side.badness}


def _named(comm: Optional[str], pid: Optional[int]) -> str:
    """comm[pid], as the kernel and systemd write it."""
    return "%s[%s]" % ("?" if comm is None else printable(comm[:_MAX_COMM]), "?" if pid is None else pid)


def _row(kill: Kill, pid: int) -> Optional[Task]:
    return next((task for task in kill.tasks or () if task.pid == pid), None)


def _own(task: Task) -> int:
    """Its badness without an adjustment."""
    return (task.rss or 0) + (task.swap or 0) + (task.pgtables or 0)


def _sizes(task: Task, side: Side, total: Optional[int]) -> str:
    """What the badness is made of: memory, swap, page tables, and what the adjustment adds or takes.

    total -- what the adjustment is a share of; None where the log does not tell
    """
    parts = ["%s of memory" % human(task.rss or 0)]
    if task.swap:
        parts.append("%s of swap" % human(task.swap))
    if task.pgtables and task.pgtables >= 1 << 20:
        parts.append("%s of page tables" % human(task.pgtables))
    if task.oom_score_adj and total is None:
        parts.append("not counted: oom_score_adj %d, a share of a total that the log does not tell" % task.oom_score_adj)
    elif task.oom_score_adj:
        adjustment = human(abs(side.badness - _own(task)))
        parts.append("%s%s for oom_score_adj %d" % ("-" if task.oom_score_adj < 0 else "+", adjustment, task.oom_score_adj))
    return ", ".join(parts)


def _adjusted(kill: Kill, winner: int) -> str:
    """Who would have died if nobody had an adjustment, where that is somebody else."""
    tasks = kill.tasks or ()
    if not any(task.oom_score_adj for task in tasks):
        return ""
    biggest = max(tasks, key=_own)
    if any(task.pid == winner and _own(task) >= _own(biggest) for task in tasks):
        return ""
    spared = "never killed" if (biggest.oom_score_adj or 0) <= UNKILLABLE else "oom_score_adj %d" % (biggest.oom_score_adj or 0)
    return "; without adjustments it would have been %s with %s (%s)" % (_named(biggest.comm, biggest.pid), human(_own(biggest)), spared)


def _chosen(kill: Kill, contest: Contest) -> str:
    """The sentence where the arithmetic says the same as the kernel."""
    winner = contest.winner
    if winner is None:
        return NO_TABLE
    who = _named(kill.victim.comm, kill.victim.pid)
    task = _row(kill, winner.pid)
    made_of = "" if task is None else " (%s)" % _sizes(task, winner, contest.totalpages)
    if contest.second is None or contest.margin is None:
        return "%s was the only process that could be killed%s" % (who, made_of)
    second = contest.second
    lead = "as bad as the next" if contest.margin == 0 else "%s more than the next" % human(contest.margin)
    text = "%s had the highest badness of %d processes: %s%s, %s, %s" % (
        who,
        len(contest.badness),
        human(winner.badness),
        made_of,
        lead,
        _named(second.comm, second.pid),
    )
    return text + _adjusted(kill, winner.pid)


def _excepted(kill: Kill, contest: Contest) -> str:
    """The sentence where the kernel went by another rule."""
    who = _named(kill.victim.comm, kill.victim.pid)
    text = "%s died because the kernel %s" % (who, EXCEPTIONS[contest.exception or "unexplained"])
    if contest.winner is not None and contest.winner.pid != kill.victim.pid and contest.exception != "columns_missing":
        text += "; the worst of the table was %s with %s" % (_named(contest.winner.comm, contest.winner.pid), human(contest.winner.badness))
    return text


def _by_whom(kill: Kill) -> str:
    return "%s chose it, not the kernel: its choice is not recomputed" % kill.killer


def explain(kill: Kill, dying: FrozenSet[int] = frozenset(), swap_total: Optional[int] = None) -> Explanation:
    """Why, by what cause, and the contest.

    dying -- processes that were killed shortly before on the same host
    swap_total -- the host's swap where the report (of a cgroup) does not tell it
    """
    if kill.killer != "kernel":
        return Explanation(_by_whom(kill), (), None)
    contest = recompute(kill, dying, swap_total)
    found = causes(kill)
    if contest is None:
        text = NO_TABLE
    elif contest.exception is None:
        text = _chosen(kill, contest)
    else:
        text = _excepted(kill, contest)
    told = [one.text for one in found if contest is None or one.kind not in _SAID]  # type: List[str]
    return Explanation("; ".join([text] + told[:_TOLD]), found, contest)
