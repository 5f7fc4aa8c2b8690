# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in force for a unit: every layer is read back, whatever was done or said before."""

from typing import Collection, List, Sequence

from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from .context import RunContext
from .expected_scores import previous_scores_of, unread_reason, wanted_score
from .files import on_disk
from .loaded import shadowing
from .plan_unit import look
from .scores import Score, apply_scores, may_lower
from .unit_run import Case
from .verify import Gap, file_gaps, kernel_gaps, score_gaps, systemd_gaps


def verify(context: RunContext, cases: Sequence[Case]) -> None:
    """Gaps of each, none where all is as requested."""
    host, capable = context.host, may_lower(context.host)
    for case in cases:
        case.checked = True
        try:
            now = on_disk(host, case)
        except (OSError, UnsafePath) as exc:
            case.gaps.append(Gap("not_written", "%s cannot be read: %s" % (case.current.path, exc)))
            continue
        case.gaps += file_gaps(case.current, case.steps.after, now)
        settings = case.request.settings if case.request.state == "present" else {}
        look(context, case, now)
        for origin in shadowing(case.current, settings, case.files, context.ram).values():
            case.shadowed_by = case.shadowed_by or origin.path
        if settings or not case.current.booted:
            case.gaps += systemd_gaps(case.current, settings, case.origins_of, context.ram)
        living = {state.id for state in case.current.running}  # what ended meanwhile has no processes any more
        case.rows = {name: rows for name, rows in case.rows.items() if name in living}
        for state in case.current.running:
            case.gaps += kernel_gaps(host, context.layout, state, settings, case.options.get(state.id, ()), case.request.apply == "next_start")
            if case.steps.score is not None:
                _verify_scores(context, case, state, capable)


def reread(context: RunContext, case: Case) -> None:
    """The processes as they are, without a change of ours."""
    if case.steps.score is None:
        return
    case.rows = {}
    try:
        look(context, case, on_disk(context.host, case))
    except (OSError, UnsafePath):
        return
    for state in case.current.running:
        case.rows[state.id] = _as_they_are(context, case, state, wanted_score(case, state))


def _as_they_are(context: RunContext, case: Case, state: UnitState, wanted: int) -> List[Score]:
    """Without a write, "as wanted" would be a forecast: what they have is what counts."""
    group = state.control_group
    if group is None:
        return []
    previous = previous_scores_of(context, case, state, wanted)
    rows, _settled = apply_scores(context.host, group, lambda: context.pids(state), wanted, previous, False)
    return [row._replace(after=row.before, state=_as_it_is(row, wanted)) for row in rows]


def _verify_scores(context: RunContext, case: Case, state: UnitState, capable: bool) -> None:
    """Rows of a live change were read back already; the others are read now."""
    wanted, group = wanted_score(case, state), state.control_group
    if group is None:
        case.gaps += _unreadable(context, state, [])
        return
    if state.id not in case.written:
        case.rows[state.id] = _as_they_are(context, case, state, wanted)
    known = {row.pid for row in case.rows[state.id]}
    settled = not [pid for pid in context.pids(state) if pid not in known] or state.get("ActiveState") != "active"
    case.gaps += score_gaps(state.id, case.rows[state.id], wanted, capable)
    if not settled:
        pending = apply_scores(context.host, group, lambda: context.pids(state), wanted, frozenset(), False)[0]
        pending = [row for row in pending if row.pid not in known]
        case.gaps += score_gaps(state.id, pending, wanted, capable)
        known.update(row.pid for row in pending)
    case.gaps += _unreadable(context, state, known)


def _unreadable(context: RunContext, state: UnitState, known: Collection[int]) -> List[Gap]:
    """Processes of a unit that runs and that could not be read: a list that is empty for that reason verifies nothing.

    ``known``: those that were read. A unit may have ended since systemd was asked, so it is asked again.
    """
    reason = unread_reason(context, state, known)
    if reason is None:
        return []
    now = manager.states(context.host, [state.id])[0]
    if not now.is_active or now.control_group != state.control_group:
        return []
    reason = unread_reason(context, now, known)
    return [] if reason is None else [Gap("not_readable", "%s: %s" % (state.id, reason))]


def _as_it_is(row: Score, wanted: int) -> str:
    if row.before == wanted:
        return "as_wanted"
    return row.state if row.state in ("own_score", "denied") else "older"
