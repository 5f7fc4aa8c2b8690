# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in force for a unit: every layer is read back, whatever was done or said before."""

from typing import Collection, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from .context import RunContext
from .expected_scores import instance_origins, known, previous_scores_of, unread_reason, wanted_score
from .files import on_disk
from .gaps import Gap, file_gaps, kernel_gaps, score_gaps, systemd_gaps
from .scores import Score, apply_scores, may_lower
from .state import shadowing
from .unit_run import UnitRun


def verify(context: RunContext, runs: Sequence[UnitRun]) -> None:
    """Gaps of each, none where all is as requested."""
    host, capable = context.host, may_lower(context.host)
    for run in runs:
        run.verification_begins()
        try:
            now = on_disk(host, run)
        except (OSError, UnsafePath) as exc:
            run.add_gaps([Gap("not_written", "%s cannot be read: %s" % (run.current.path, exc))])
            continue
        run.add_gaps(file_gaps(run.current, run.plan.steps.after, now))
        settings = run.request.settings if run.request.state == "present" else {}
        _look(context, run, now)
        for origin in shadowing(run.current, settings, run.files, context.ram).values():
            run.see_shadow(origin.path)
        if settings or not run.current.booted:
            run.add_gaps(systemd_gaps(run.current, settings, run.origins_of, context.ram))
        run.keep_scores_of(state.id for state in run.current.running)  # what ended meanwhile has no processes any more
        for state in run.current.running:
            options = run.options.get(state.id, ())
            run.add_gaps(kernel_gaps(host, context.layout, state, settings, options, run.request.apply == "next_start"))
            if run.steps.score is not None:
                _verify_scores(context, run, state, capable)


def _look(context: RunContext, run: UnitRun, ours: Optional[bytes]) -> None:
    """The unit's files as they are on the disk now."""
    files = known(context, run.current.files(context.host, ours), run.current)
    run.see_files(files, instance_origins(context, run.current, ours))


def reread(context: RunContext, run: UnitRun) -> None:
    """The processes as they are, without a change of ours."""
    if run.steps.score is None:
        return
    run.keep_scores_of(())
    try:
        _look(context, run, on_disk(context.host, run))
    except (OSError, UnsafePath):
        return
    for state in run.current.running:
        run.scores_read(state, _as_they_are(context, run, state, wanted_score(run, state)))


def _as_they_are(context: RunContext, run: UnitRun, state: UnitState, wanted: int) -> List[Score]:
    """Without a write, "as wanted" would be a forecast: what they have is what counts."""
    group = state.control_group
    if group is None:
        return []
    previous = previous_scores_of(context, run, state, wanted)
    rows, _settled = apply_scores(context.host, group, lambda: context.pids(state), wanted, previous, False)
    return [row._replace(after=row.before, state=_as_it_is(row, wanted)) for row in rows]


def _verify_scores(context: RunContext, run: UnitRun, state: UnitState, capable: bool) -> None:
    """Rows of a live change were read back already; the others are read now."""
    wanted, group = wanted_score(run, state), state.control_group
    if group is None:
        run.add_gaps(_unreadable(context, state, []))
        return
    if state.id not in run.written:
        run.scores_read(state, _as_they_are(context, run, state, wanted))
    read = {row.pid for row in run.rows[state.id]}
    settled = not [pid for pid in context.pids(state) if pid not in read] or state.get("ActiveState") != "active"
    run.add_gaps(score_gaps(state.id, run.rows[state.id], wanted, capable))
    if not settled:
        rows = apply_scores(context.host, group, lambda: context.pids(state), wanted, frozenset(), False)[0]
        new = [row for row in rows if row.pid not in read]
        run.add_gaps(score_gaps(state.id, new, wanted, capable))
        read.update(row.pid for row in new)
    run.add_gaps(_unreadable(context, state, read))


def _unreadable(context: RunContext, state: UnitState, read: Collection[int]) -> List[Gap]:
    """Processes of a unit that runs and that could not be read: a list that is empty for that reason verifies nothing.

    ``read``: those that were read. A unit may have ended since systemd was asked, so it is asked again.
    """
    reason = unread_reason(context, state, read)
    if reason is None:
        return []
    now = manager.states(context.host, [state.id])[0]
    if not now.is_active or now.control_group != state.control_group:
        return []
    reason = unread_reason(context, now, read)
    return [] if reason is None else [Gap("not_readable", "%s: %s" % (state.id, reason))]


def _as_it_is(row: Score, wanted: int) -> str:
    if row.before == wanted:
        return "as_wanted"
    return row.state if row.state in ("own_score", "denied") else "older"
