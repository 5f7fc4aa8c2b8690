# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The score that the files give a unit's processes, and who of them still has an earlier one."""

from typing import Collection, Dict, FrozenSet, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin, UnitFile, origins
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, unsupported

from .context import RunContext
from .plan import managed
from .run_record import default_score, previous_scores, recorded, recorded_options
from .scores import Score, apply_scores, can_be_read
from .state import CurrentUnit
from .unit_run import Case


def known(context: RunContext, files: Sequence[UnitFile], current: CurrentUnit) -> Dict[str, Origin]:
    """Which of the files gives each setting that this systemd knows."""
    kind = current.unit.type
    return {option: origin for option, origin in origins(files, kind).items() if unsupported(BY_OPTION[option], kind, context.version) is None}


def score_in(files: Dict[str, Origin]) -> int:
    origin = files.get("oom_score_adjust")
    return default_score(origin.value if origin is not None else None)


def wanted_score(case: Case, state: UnitState) -> int:
    """What the files give this unit, or this instance."""
    return score_in(case.origins_of(state))


def rows_of(context: RunContext, state: UnitState, score: int, previous: FrozenSet[int]) -> List[Score]:
    """Its processes as they would be after a live change."""
    group = state.control_group
    if group is None:
        return []
    return apply_scores(context.host, group, lambda: context.pids(state), score, previous, False)[0]


def previous_scores_of(context: RunContext, case: Case, state: UnitState, score: int) -> FrozenSet[int]:
    """Scores that tell: this process has what systemd gave it at its start, not one of its own.

    What the plan found stays true until the unit is restarted.
    """
    restarted = state.id in case.restarted
    if state.id in case.previous and not restarted:
        return case.previous[state.id] - {score}
    origin = case.origins_of(state).get("oom_score_adjust")
    if not restarted and origin is not None and origin.path == case.current.path and case.current.before is None:
        # Our file comes only now: whoever runs was started under another one, or under none.
        instance = state if case.current.state is None else None
        origin = known(context, case.current.files(context.host, None, instance), case.current).get("oom_score_adjust")
    found = previous_scores(context.host, state, score, origin.path if origin is not None else None, context.manager_may_lower)
    if origin is None and not restarted:
        found |= {default_score(None)}
    return found - {score}


def unread_reason(context: RunContext, state: UnitState, known: Collection[int]) -> Optional[str]:
    """Why it cannot be said that every process was read; None: it can."""
    group = state.control_group
    pids = context.listed_pids(state)
    if group is None:
        return None if state.main_pid is None else "systemd names no control group of its main process %d" % state.main_pid
    if pids is None:
        return "the list of its processes cannot be read (%s%s/cgroup.procs)" % (context.layout.processes, group)
    overridden = [pid for pid in pids if pid not in known and not can_be_read(context.host, pid)]
    overridden = [pid for pid in overridden if pid in (context.listed_pids(state) or overridden)]  # the others have ended
    if overridden:
        return "%d of its processes cannot be read, such as /proc/%d" % (len(overridden), overridden[0])
    if not known and state.main_pid is not None:
        return "its main process %d is not in its control group, and no other is" % state.main_pid
    return None


def score_is_ours(context: RunContext, case: Case) -> bool:
    """Our file sets the score or will; or a run took it back, and was killed before the processes had the other one, or left that to the next start."""
    if "oom_score_adjust" in managed(case.current, case.request):
        return True
    for state in case.current.running:
        wanted = wanted_score(case, state)
        given = recorded(context.host, state)
        rows = rows_of(context, state, wanted, given - {wanted})
        if given and unread_reason(context, state, {row.pid for row in rows}):  # a run of ours gave scores; what became of them cannot be read
            return True
        if any(row.before != wanted and row.state != "own_score" for row in rows):
            return True
    return False


def register_new_instance(context: RunContext, case: Case, state: UnitState) -> None:
    """It was started between the survey and the reload, perhaps with the score that the files gave before: what a plan would have known of it."""
    current = case.current
    instance = state if current.state is None else None
    if instance is not None:
        case.instance_origins[state.id] = known(context, current.files(context.host, case.steps.after, instance), current)
    case.options[state.id] = case.own_limits(recorded_options(context.host, state))
    if case.steps.score is None:
        return
    wanted = wanted_score(case, state)
    before = current.before.data if current.before is not None else None
    was = score_in(known(context, current.files(context.host, before, instance), current))
    case.previous[state.id] = (previous_scores_of(context, case, state, wanted) | {was}) - {wanted}
    case.rows[state.id] = rows_of(context, state, wanted, case.previous[state.id])
    if case.request.apply != "next_start":
        older = len([row for row in case.rows[state.id] if row.before != row.after])
        case.steps = case.steps._replace(setting=case.steps.setting + older)
