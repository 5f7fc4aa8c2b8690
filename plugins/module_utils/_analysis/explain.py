# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sentence: why this process was killed and no other one, and where the memory was. Names in it are printable."""

from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._badness.score import UNKILLABLE
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Process, Report, Task, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .cause import Cause
from .ledger import Accounts
from .memory_cause import books_of, causes, is_cut
from .selection_replay import EXCEPTIONS, REASONS, Selection, Side, recompute

NO_TABLE = "no task table in the log: the kernel's choice cannot be recomputed"
NO_HEADER = "the log has rows of a task table without its header: the kernel's choice cannot be recomputed"
CUT = "the log has a part of the task table only: the kernel's choice cannot be recomputed"
EXCERPT = (
    "the log has an excerpt of the report, and perhaps of its task table: the kernel's choice cannot be recomputed"
)
#: Causes that go into the sentence; all of them are in the list.
_TOLD = 4
_MAX_COMM = 64
#: What the kernel did instead of killing.
_OUTCOMES = {
    "panic": "the kernel panicked and killed no process",
    "no_victim": "the kernel found no process that it may kill",
    "unseen": "a report of the kernel began, and the log does not have its end",
}


class Explanation(NamedTuple):
    """selection -- None without a whole task table; accounts -- None where the log has no numbers"""

    why: str
    causes: Sequence[Cause]
    selection: Optional[Selection]
    accounts: Optional[Accounts] = None

    def as_facts(self) -> Dict[str, Any]:
        facts = self.memory_facts()
        facts["contest"] = None if self.selection is None else _selection(self.selection)
        return facts

    def memory_facts(self) -> Dict[str, Any]:
        """What a shortage without a victim has, too."""
        return {
            "why": self.why,
            "cause": [
                {"kind": one.kind, "size": one.size, "share": one.share, "text": one.text} for one in self.causes
            ],
            "ledger": None if self.accounts is None else self.accounts.as_facts(),
        }


def _selection(selection: Selection) -> Dict[str, Any]:
    return {
        "totalpages": selection.totalpages,
        "winner": _side(selection.winner),
        "second": _side(selection.second),
        "margin": selection.margin,
        "candidates": selection.candidates,
        "exception": selection.exception,
        "rule": selection.rule,
    }


def _side(side: Optional[Side]) -> Optional[Dict[str, Any]]:
    return (
        None if side is None else {"pid": side.pid, "comm": printable(side.comm[:_MAX_COMM]), "badness": side.badness}
    )


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
        parts.append(
            "not counted: oom_score_adj %d, a share of a total that the log does not tell" % task.oom_score_adj
        )
    elif task.oom_score_adj:
        adjustment = human(abs(side.badness - _own(task)))
        parts.append(
            "%s%s for oom_score_adj %d" % ("-" if task.oom_score_adj < 0 else "+", adjustment, task.oom_score_adj)
        )
    return ", ".join(parts)


def _adjusted(kill: Kill, winner: int) -> str:
    """Who would have died if nobody had an adjustment, where that is somebody else."""
    tasks = kill.tasks or ()
    if not any(task.oom_score_adj for task in tasks):
        return ""
    biggest = max(tasks, key=_own)
    if any(task.pid == winner and _own(task) >= _own(biggest) for task in tasks):
        return ""
    spared = (
        "never killed"
        if (biggest.oom_score_adj or 0) <= UNKILLABLE
        else "oom_score_adj %d" % (biggest.oom_score_adj or 0)
    )
    return "; without adjustments it would have been %s with %s (%s)" % (
        _named(biggest.comm, biggest.pid),
        human(_own(biggest)),
        spared,
    )


def _chosen(kill: Kill, selection: Selection) -> str:
    """The sentence where the arithmetic says the same as the kernel."""
    winner = selection.winner
    if winner is None:
        return NO_TABLE
    who = _named(kill.victim.comm, kill.victim.pid)
    task = _row(kill, winner.pid)
    made_of = "" if task is None else " (%s)" % _sizes(task, winner, selection.totalpages)
    if selection.second is None or selection.margin is None:
        return "%s was the only process that could be killed%s" % (who, made_of)
    second = selection.second
    lead = "as bad as the next" if selection.margin == 0 else "%s more than the next" % human(selection.margin)
    text = "%s had the highest badness of %d processes: %s%s, %s, %s" % (
        who,
        selection.candidates,
        human(winner.badness),
        made_of,
        lead,
        _named(second.comm, second.pid),
    )
    return text + _adjusted(kill, winner.pid)


def _parent(kill: Kill, chosen: Process) -> str:
    """A kernel to 5.1 took a child of the one that it chose."""
    score = "" if chosen.oom_score is None else " (score %d)" % chosen.oom_score
    return (
        "%s died as a child of %s%s: the kernel chose the parent and killed a child instead, as kernels up to 5.1 do"
        % (
            _named(kill.victim.comm, kill.victim.pid),
            _named(chosen.comm, chosen.pid),
            score,
        )
    )


def _excepted(kill: Kill, selection: Selection) -> str:
    """The sentence where the kernel went by another rule, or nobody can tell by which."""
    exception = selection.exception or "unexplained"
    who = _named(kill.victim.comm, kill.victim.pid)
    chosen = kill.report.chosen if kill.report is not None else None
    if exception == "child_sacrificed" and chosen is not None:
        return _parent(kill, chosen)
    if exception in REASONS:
        text = "%s died because the kernel %s" % (who, EXCEPTIONS[exception])
    else:
        text = "%s was killed, and its choice cannot be recomputed: the kernel %s" % (who, EXCEPTIONS[exception])
    if (
        selection.winner is not None
        and selection.winner.pid != kill.victim.pid
        and exception not in ("columns_missing", "all_negative")
    ):
        text += "; the worst of the table was %s with %s" % (
            _named(selection.winner.comm, selection.winner.pid),
            human(selection.winner.badness),
        )
    return text


def _without_table(kill: Kill, report: Report) -> str:
    """An excerpt: what the kernel itself said of its choice is all there is."""
    if not report.rows:
        text = NO_TABLE
    elif not report.columns:
        text = NO_HEADER
    elif report.cut or report.rows > len(kill.tasks or ()):
        text = CUT
    else:
        text = EXCERPT
    chosen = report.chosen
    if chosen is not None and report.chosen_listed and chosen.pid != kill.victim.pid and kill.trigger != "group":
        return "%s; %s" % (_parent(kill, chosen), text)
    if report.allocating and chosen is not None and chosen.comm != kill.victim.comm:
        who, parent = _named(kill.victim.comm, kill.victim.pid), _named(chosen.comm, chosen.pid)
        return "%s died as a child of %s, which asked for memory" % (who, parent)
    rule = "allocating_task" if report.allocating else None
    if kill.trigger == "group":
        rule = "group"
    if rule is not None:  # nobody was compared with anybody
        return "%s died because the kernel %s" % (_named(kill.victim.comm, kill.victim.pid), EXCEPTIONS[rule])
    if chosen is None or chosen.oom_score is None:
        return text
    return "%s; the kernel gave %s the score %d" % (text, _named(chosen.comm, chosen.pid), chosen.oom_score)


def _by_whom(kill: Kill) -> str:
    if kill.killer == "unknown":
        return "systemd says that a process of the unit was killed, and no killer's own record is in the log"
    return "%s chose it, not the kernel: its choice is not recomputed" % kill.killer


def explain(kill: Kill, dying: FrozenSet[int] = frozenset(), swap_total: Optional[int] = None) -> Explanation:
    """Why, by what cause, the selection and the ledger.

    dying -- processes that were killed shortly before on the same host
    swap_total -- the host's swap where the report (of a cgroup) does not tell it
    """
    if kill.killer != "kernel":
        return Explanation(_by_whom(kill), (), None)
    report = kill.report or Report()
    cut = is_cut(kill, report)
    selection = None if cut and not _is_member(kill, report) else recompute(kill, dying, swap_total)
    if selection is None:
        lead = _without_table(kill, report)
    elif selection.exception is None:
        lead = _chosen(kill, selection)
    else:
        lead = _excepted(kill, selection)
    found = causes(kill)
    told = [one.text for one in found]  # type: List[str]
    return Explanation("; ".join([lead] + told[:_TOLD]), found, selection, books_of(kill))


def _is_member(kill: Kill, report: Report) -> bool:
    """It died by a rule for which nobody need be compared with anybody."""
    return bool(kill.tasks) and (kill.trigger == "group" or report.allocating)


def explain_unresolved(event: Unresolved) -> Explanation:
    """A shortage in which nobody died: where the memory was."""
    scope = event.scope
    report = event.report or Report()
    if scope == "unknown" and report.memory is not None:
        scope = "global"
    kill = Kill(
        line=event.line,
        victim=Process(),
        invoker=event.invoker,
        scope=scope,
        trigger=event.trigger,
        oom_memcg=event.oom_memcg,
        kernel=event.kernel,
        tasks=event.tasks,
        page_size=event.page_size,
        report=report,
    )
    if event.outcome not in _OUTCOMES:
        return Explanation("a rule fired, and nothing was killed", (), None)
    found = causes(kill)
    return Explanation(
        "; ".join([_OUTCOMES[event.outcome]] + [one.text for one in found[:_TOLD]]), found, None, books_of(kill)
    )
