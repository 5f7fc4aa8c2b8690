# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The score that the files give a unit's processes, and who of them still has an earlier one."""

from typing import Collection, Dict, FrozenSet, List, Optional, Sequence, Union

from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin, Planned, UnitFile, origins
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, unsupported

from .context import RunContext
from .plan import managed
from .run_record import default_score, previous_scores, recorded, recorded_options
from .scores import Score, apply_scores, can_be_read
from .state import CurrentUnit
from .unit_plan import UnitPlan
from .unit_run import UnitRun

#: Types that run nothing but commands of theirs: without one they may be active and have no control group.
_OF_COMMANDS = (".socket", ".mount", ".swap")
#: Before and while it is carried out.
Unit = Union[UnitPlan, UnitRun]


def known(context: RunContext, files: Sequence[UnitFile], current: CurrentUnit) -> Dict[str, Origin]:
    """Which of the files gives each setting that this systemd knows."""
    kind = current.unit.type
    return {
        option: origin
        for option, origin in origins(files, kind).items()
        if unsupported(BY_OPTION[option], kind, context.version) is None
    }


def score_in(files: Dict[str, Origin]) -> int:
    origin = files.get("oom_score_adjust")
    return default_score(origin.value if origin is not None else None)


def wanted_score(unit: Unit, state: UnitState) -> int:
    """What the files give this unit, or this instance."""
    return score_in(unit.origins_of(state))


def rows_of(context: RunContext, state: UnitState, score: int, previous: FrozenSet[int]) -> List[Score]:
    """Its processes as they would be after a live change."""
    group = state.control_group
    if group is None:
        return []
    return apply_scores(context.host, group, lambda: context.pids(state), score, previous, False)[0]


def previous_scores_of(context: RunContext, unit: Unit, state: UnitState, score: int) -> FrozenSet[int]:
    """Scores that tell: this process has what systemd gave it at its start, not one of its own.

    What the plan found stays true until the unit is restarted.
    """
    restarted = state.id in unit.restarted
    if state.id in unit.previous and not restarted:
        return unit.previous[state.id] - {score}
    origin = unit.origins_of(state).get("oom_score_adjust")
    if not restarted and origin is not None and origin.path == unit.current.path and unit.current.before is None:
        # Our file comes only now: whoever runs was started under another one, or under none.
        instance = state if unit.current.state is None else None
        origin = known(context, unit.current.files(context.host, None, instance), unit.current).get("oom_score_adjust")
    found = previous_scores(
        context.host, state, score, origin.path if origin is not None else None, context.manager_may_lower
    )
    if origin is None and not restarted:
        found |= {default_score(None)}
    return found - {score}


def unread_reason(context: RunContext, state: UnitState, read: Collection[int]) -> Optional[str]:
    """Why it cannot be said that every process was read; None: it can."""
    group = state.control_group
    pids = context.listed_pids(state)
    if group is None:
        return (
            None if state.main_pid is None else "systemd names no control group of its main process %d" % state.main_pid
        )
    if pids is None and state.id.endswith(_OF_COMMANDS) and not cgroup.is_there(context.host, context.layout, group):
        return None
    if pids is None:
        return "the list of its processes cannot be read (%s%s/cgroup.procs)" % (context.layout.processes, group)
    hidden = [pid for pid in pids if pid not in read and not can_be_read(context.host, pid)]
    hidden = [pid for pid in hidden if pid in (context.listed_pids(state) or hidden)]  # the others have ended
    if hidden:
        return "%d of its processes cannot be read, such as /proc/%d" % (len(hidden), hidden[0])
    if not read and state.main_pid is not None:
        return "its main process %d is not in its control group, and no other is" % state.main_pid
    return None


def score_is_ours(context: RunContext, plan: UnitPlan) -> bool:
    """Our file sets the score or will; or a run took it back, and was killed before the processes had the other one, or
    left that to the next start.
    """
    if "oom_score_adjust" in managed(plan.current, plan.request):
        return True
    for state in plan.current.running:
        wanted = wanted_score(plan, state)
        given = recorded(context.host, state)
        rows = rows_of(context, state, wanted, given - {wanted})
        if given and unread_reason(
            context, state, {row.pid for row in rows}
        ):  # a run of ours gave scores; what became of them cannot be read
            return True
        if any(row.before != wanted and row.state != "own_score" for row in rows):
            return True
    return False


def instance_origins(
    context: RunContext, current: CurrentUnit, after: Optional[bytes], planned: Optional[Planned] = None
) -> Dict[str, Dict[str, Origin]]:
    """Of a pattern, for each of its units, which file gives what: an instance may have files that its template
    has not.
    """
    if current.state is not None:
        return {}
    return {
        state.id: known(context, current.files(context.host, after, state, planned), current)
        for state in current.running
    }


def register_new_instance(context: RunContext, run: UnitRun, state: UnitState) -> None:
    """It was started between the planning and the reload, perhaps with the score that the files gave before: what a
    plan would have known of it.
    """
    current = run.current
    instance = state if current.state is None else None
    after = run.plan.steps.after
    origins_here = (
        known(context, current.files(context.host, after, instance), current) if instance is not None else None
    )
    run.add_instance(state, origins_here, run.plan.own_limits(recorded_options(context.host, state)))
    if run.steps.score is None:
        return
    wanted = wanted_score(run, state)
    before = current.before.data if current.before is not None else None
    was = score_in(known(context, current.files(context.host, before, instance), current))
    previous = (previous_scores_of(context, run, state, wanted) | {was}) - {wanted}
    run.add_instance_scores(state, previous, rows_of(context, state, wanted, previous))
