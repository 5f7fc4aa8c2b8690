# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's choice once more, from its own task table: who was how bad, and where the kernel took another one, by
which rule.

The table is printed after the choice and before the kill, so its numbers are those that the kernel compared, but for
what other processes took or gave back in between.
"""

from typing import Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.memops.linux.plugins.module_utils._badness.score import (
    ADJ_MAX,
    ADJ_MIN,
    Contender,
    Era,
    Ranked,
    choose,
    era_of,
)
from ansible_collections.memops.linux.plugins.module_utils._oom.memory_model import NO_LIMIT
from ansible_collections.memops.linux.plugins.module_utils._oom.model import NODES_ALLOWED_BY, Kill, Report, Task
from ansible_collections.memops.linux.plugins.module_utils._oom.tasks import KNOWN_COLUMNS

#: Why the printed victim is not the one with the highest badness. The words of a sentence that begins with "the
#: kernel".
EXCEPTIONS = {
    "allocating_task": "killed the process that asked for memory (vm.oom_kill_allocating_task), not the worst",
    "child_sacrificed": "chose its parent and killed a child instead, as kernels up to 5.1 do",
    "choice_not_told": (
        "may have chosen its parent and killed a child instead, as kernels up to 5.1 do; the line that says so is not"
        " in the log"
    ),
    "all_negative": (
        "found adjustments that outweigh the sizes of all: before 5.9 they count the same then, and the order of the"
        " list decides"
    ),
    "group": "killed it as a member of a cgroup with memory.oom.group set, not for its own size",
    "already_killed": "had killed the worst process just before, and it was still going away",
    "old_heuristic": "chose by age, CPU time and niceness, which the log does not tell (kernels before 2.6.36)",
    "columns_missing": "counted swap and page tables, which the task table of this kernel does not show",
    "patched_kernel": "is not a mainline one: its task table has columns of its own, by which it may choose",
    "root_unknown": "spares processes with CAP_SYS_ADMIN 3 %, and the table does not tell who has it",
    "constraint": "looked at some of the memory nodes only",
    "victim_not_listed": "printed a task table without the victim",
    "table_cut": "printed a task table of which the log has a part",
    "total_unknown": "reckoned with a memory total that the log does not tell, and on which the adjustments depend",
    "sizes_moved": "chose between nearly equal processes, whose sizes moved before the table was printed",
    "unexplained": "chose another process than its own table explains",
}
#: Those that say why it died; the others only why nobody can tell.
REASONS = frozenset(("allocating_task", "child_sacrificed", "group", "already_killed", "all_negative", "sizes_moved"))
#: What sizes may move between the choice and the table: the per-thread counters of some threads.
_MOVED = 1 << 20
_PAGE = 4096


class Side(NamedTuple):
    """A process of the table. badness in bytes."""

    pid: int
    comm: str
    badness: int


class Selection(NamedTuple):
    """The choice recomputed. Sizes in bytes.

    totalpages -- the memory that oom_score_adj is a share of; None where the log does not tell
    margin -- how much worse the winner is than the second
    exception -- a key of EXCEPTIONS where the winner is not the printed victim, else None
    rule -- the arithmetic
    badness -- of every process that could be chosen, by pid; candidates -- how many they are
    """

    totalpages: Optional[int]
    winner: Optional[Side]
    second: Optional[Side]
    margin: Optional[int]
    exception: Optional[str]
    rule: str
    badness: Dict[int, int]
    candidates: int = 0


class Total(NamedTuple):
    """Pages that the adjustment is a share of: between low and high (None: no bound), likely what is best."""

    low: int
    high: Optional[int]
    likely: Optional[int]


def nodes_of(text: str) -> FrozenSet[int]:
    """``0-1,3`` as a set; what is no list is empty."""
    found = set()  # type: Set[int]
    for part in text.split(",")[:256]:
        first, dash, last = part.partition("-")
        if first.isdigit() and (last.isdigit() or not dash):
            low, high = int(first), int(last or first)
            found.update(range(low, min(high, low + 1023) + 1))
    return frozenset(found)


def _global_total(kill: Kill, report: Report, page: int) -> Optional[Total]:
    memory = report.memory
    if memory is None or memory.ram is None:
        return None
    pages = (memory.ram + (memory.swap_total or 0)) // page
    if kill.constraint in NODES_ALLOWED_BY:
        nodes = nodes_of(report.nodes or "")
        present = [zone.present for zone in memory.zones if zone.node in nodes]
        if not present or None in present:
            return Total(1, pages, None)
        pages = (sum(size for size in present if size is not None) + (memory.swap_total or 0)) // page
    return Total(pages, pages, pages)


def _memcg_total(report: Report, page: int, swap_total: Optional[int]) -> Optional[Total]:
    """mem_cgroup_get_max(): the limit and as much swap as the cgroup and the host have."""
    memcg = report.memcg
    if memcg is None or memcg.limit is None or memcg.limit >= NO_LIMIT:
        return None
    limit = memcg.limit // page
    more = None  # type: Optional[int]
    if memcg.memsw_limit is not None and memcg.memsw_limit < NO_LIMIT:
        more = max(memcg.memsw_limit - memcg.limit, 0) // page
    elif memcg.swap_limit is not None and memcg.swap_limit < NO_LIMIT:
        more = memcg.swap_limit // page
    high = None if more is None else limit + more
    if swap_total is not None:
        return Total(limit, high, limit + (swap_total // page if more is None else min(more, swap_total // page)))
    return Total(limit, high, limit if more == 0 else None)


def contenders(tasks: Sequence[Task], page: int) -> List[Contender]:
    """The table as the kernel's list. It tells the user, not the capabilities: root stands for CAP_SYS_ADMIN."""
    found = []
    for order, task in enumerate(tasks):
        pages = ((task.rss or 0) + (task.swap or 0) + (task.pgtables or 0)) // page
        adjustment = min(max(task.oom_score_adj or 0, ADJ_MIN), ADJ_MAX)  # whoever wrote the line
        found.append(Contender(task.pid, pages, adjustment, task.uid == 0, order))
    return found


def _printed_score(row: Ranked, total: int, era: Era) -> int:
    return row.badness if era.thousandths else row.badness * 1000 // max(total, 1)


def _variants(era: Era) -> Iterator[Era]:
    """Stable and distribution kernels have the later rule for root earlier; in a container root lacks the
    capability.
    """
    yield era
    for bonus in ("usage", "total", None):
        if era.root_bonus is not None and bonus != era.root_bonus:
            yield era._replace(root_bonus=bonus)


def _calibrate(report: Report, rows: Sequence[Contender], era: Era, total: Total) -> Tuple[Era, Total]:
    """To 5.0 the kernel printed the score of its choice: it tells the era's rule and the total where the log
    does not.
    """
    chosen = report.chosen
    if chosen is None or chosen.oom_score is None:
        return era, total
    mine = [row for row in rows if row.pid == chosen.pid]
    totals = [pages for pages in (total.likely, total.high, total.low) if pages is not None]
    for pages in totals:
        for variant in _variants(era):
            ranked = choose(mine, pages, variant)
            if ranked and _printed_score(ranked[0], pages, variant) == chosen.oom_score:
                return variant, total._replace(likely=pages)
    if total.likely is None and mine and mine[0].oom_score_adj == 0 and chosen.oom_score >= 100 and not era.thousandths:
        for variant in (era._replace(root_bonus=None), era):
            pages = choose(mine, 1, variant)[0].badness * 1000 // chosen.oom_score
            if pages >= total.low and (total.high is None or pages <= total.high):
                return variant, total._replace(likely=pages)
    return era, total


def _row_of(kill: Kill, pid: Optional[int]) -> Optional[int]:
    """The pid under which the table has a process: its own, or that of the thread which still had the memory."""
    tasks = kill.tasks or ()
    for task in tasks:
        if task.pid == pid:
            return task.pid
    return next((task.pid for task in tasks if task.tgid == pid), None)


def _is_child(kill: Kill, report: Report) -> bool:
    """The log names the one that the kernel chose, and another process that died: what it says wins over what we
    reckon.
    """
    chosen = report.chosen
    if chosen is None or not report.chosen_listed or chosen.pid == kill.victim.pid or kill.trigger == "group":
        return False
    return _row_of(kill, kill.victim.pid) != chosen.pid


def _exception(
    kill: Kill, report: Report, era: Era, ranked: Sequence[Ranked], dying: FrozenSet[int], total: Total, page: int
) -> Optional[str]:
    """By which rule the printed victim is another one than the winner; None where it is the winner."""
    victim, chosen = _row_of(kill, kill.victim.pid), _row_of(kill, report.chosen.pid if report.chosen else None)
    winner = ranked[0].contender.pid if ranked else None
    if _is_child(kill, report):
        return "child_sacrificed"
    if victim is not None and victim == winner:
        return None
    if kill.trigger == "group":
        return "group"
    if report.allocating:
        return "allocating_task"
    target = victim if chosen is None else chosen
    if target is None:
        return "table_cut" if report.cut else "victim_not_listed"
    points = {row.contender.pid: row.badness for row in ranked}
    if _all_negative(kill, ranked, target, era):
        return "all_negative"
    if "swapents" not in report.columns:
        printed = report.chosen.oom_score if report.chosen else None
        # What the table shows is a lower bound for each; the printed score must not be below another's.
        if printed is None or not ranked or printed >= _printed_score(ranked[0], total.likely or total.low, era):
            return "columns_missing"
    if not KNOWN_COLUMNS.issuperset(report.columns):
        return "patched_kernel"
    alive = [row for row in ranked if row.contender.pid not in dying]
    if dying and alive and alive[0].contender.pid == target:
        return "already_killed"
    if target in points and ranked[0].badness - points[target] <= _MOVED // page and not era.thousandths:
        return "sizes_moved"
    if _by_root(ranked, target, kill, era, total):
        return "root_unknown"
    if total.low != total.high and _could_win(ranked, target, total):
        return "total_unknown"
    if kill.constraint in NODES_ALLOWED_BY and total.likely is None:
        return "constraint"
    if era.child_sacrifice and report.chosen is None:
        return "choice_not_told"
    return "table_cut" if report.cut else "unexplained"


def _all_negative(kill: Kill, ranked: Sequence[Ranked], target: int, era: Era) -> bool:
    """Do the adjustments outweigh the sizes of all? Before 5.9 all count 1 then, and the first of the list dies, or the
    last.

    Where the log does not tell the release, that the first or the last died tells it.
    """
    mine = next((row for row in ranked if row.contender.pid == target), None)
    if mine is None or era.thousandths:
        return False
    if not era.negative_points:
        return mine.badness == 1 == ranked[0].badness
    order = [row.contender.order for row in ranked]
    return kill.kernel is None and ranked[0].badness < 1 and mine.contender.order in (min(order), max(order))


def _by_root(ranked: Sequence[Ranked], target: int, kill: Kill, era: Era, total: Total) -> bool:
    """Is the target the worst if it is not spared? Root in a container lacks the capability, and the table has the user
    only.
    """
    mine = next((row for row in ranked if row.contender.pid == target), None)
    root = any(task.pid == target and task.uid == 0 for task in kill.tasks or ())
    if mine is None or not root or era.root_bonus is None or era.thousandths:
        return False
    spared = (
        30 * ((total.likely or total.low) // 1000) if era.root_bonus == "total" else mine.contender.pages * 3 // 100
    )
    return mine.badness + spared >= ranked[0].badness


def _could_win(ranked: Sequence[Ranked], target: int, total: Total) -> bool:
    """Is there a total within the bounds with which the target is the worst? The adjustments are linear in it."""
    mine = next((row.contender for row in ranked if row.contender.pid == target), None)
    if mine is None:
        return False
    low, high = float(total.low), float("inf") if total.high is None else float(total.high)
    for row in ranked:
        other = row.contender
        slope = (mine.oom_score_adj - other.oom_score_adj) / 1000.0
        gap = float(other.pages - mine.pages)
        if slope > 0:
            low = max(low, gap / slope)
        elif slope < 0:
            high = min(high, gap / slope)
        elif gap > 0:
            return False
    return low <= high


def _era(kill: Kill, report: Report) -> Era:
    """By the release; where the log does not tell it, by the columns that the table has."""
    if kill.kernel is not None:
        return era_of(kill.kernel)
    if "oom_score_adj" not in report.columns:
        guess = "2.6.32"
    elif "oom_adj" in report.columns:
        guess = "2.6.32-754.el6"
    elif "pgtables_bytes" not in report.columns:
        guess = "4.14.0"
    elif report.chosen is not None:
        guess = "4.18.0"  # the last that print a score have 5.0, the first with this column 4.15
    else:
        return era_of(None)
    return era_of(guess)


def _rule(era: Era) -> str:
    parts = "rss + swap + page tables"
    if era.thousandths:
        parts = "thousandths of (rss + swap)"
    root = {"total": ", root spared 3 % of all memory", "usage": ", root spared 3 % of its own"}.get(
        era.root_bonus or "", ""
    )
    return "%s kernel: %s + oom_score_adj thousandths of totalpages%s" % (era.name, parts, root)


def recompute(kill: Kill, dying: FrozenSet[int] = frozenset(), swap_total: Optional[int] = None) -> Optional[Selection]:
    """The selection of a kill with a task table; None without one.

    dying -- processes that were killed shortly before
    swap_total -- the host's swap, where it is known from elsewhere: a cgroup's report does not tell it
    """
    report, tasks = kill.report, kill.tasks
    if kill.killer != "kernel" or report is None or not tasks:
        return None
    era = _era(kill, report)
    page = kill.page_size or _PAGE
    if not era.known:
        return Selection(None, None, None, None, "old_heuristic", "%s: not recomputed" % era.name, {})
    total = _memcg_total(report, page, swap_total) if kill.scope == "memcg" else _global_total(kill, report, page)
    if total is None:
        total = Total(1, None, None)
    rows = contenders(tasks, page)
    era, total = _calibrate(report, rows, era, total)
    pages = total.likely or total.low
    ranked = choose(rows, pages, era)
    exception = _exception(kill, report, era, ranked, dying, total, page)
    names = {task.pid: task.comm for task in tasks}
    unit = max(pages, 1) * page // 1000 if era.thousandths else page
    sides = [Side(row.contender.pid, names[row.contender.pid], row.badness * unit) for row in ranked[:2]]
    return Selection(
        totalpages=None if total.likely is None else total.likely * page,
        winner=sides[0] if sides else None,
        second=sides[1] if len(sides) > 1 else None,
        margin=sides[0].badness - sides[1].badness if len(sides) > 1 else None,
        exception=exception,
        rule=_rule(era),
        badness={row.contender.pid: row.badness * unit for row in ranked},
        candidates=len(ranked),
    )
