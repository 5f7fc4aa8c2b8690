# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running processes: their scores, given through /proc and read back, and their limits where systemd does not hand
them to the kernel itself.
"""

import time
from typing import List, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from .context import RunContext
from .expected_scores import previous_scores_of, wanted_score
from .limits import Limit, pending, slices_of
from .restart import refusal
from .scores import apply_scores
from .unit_run import UnitRun

#: A process of a unit that was just restarted may not have its score yet.
_SCORES_SETTLE = 5.0


def set_scores(context: RunContext, runs: Sequence[UnitRun]) -> None:
    for run in runs:
        if run.steps.setting:
            for state in run.current.running:
                if state.id not in run.steps.restart:
                    _set(context, run, state)


def _set(context: RunContext, run: UnitRun, state: UnitState, counted: bool = True) -> None:
    loaded, group = state.loaded("oom_score_adjust"), state.control_group
    wanted = loaded if isinstance(loaded, int) else wanted_score(run, state)
    if group is None:
        return
    previous = previous_scores_of(context, run, state, wanted)
    rows, settled = apply_scores(context.host, group, lambda: context.pids(state), wanted, previous, True)
    # Of an instance its template's request may have done it a moment ago.
    first = {row.pid: row.before for row in run.rows.get(state.id, ())}
    run.scores_written(state, [row._replace(before=first.get(row.pid, row.before)) for row in rows], counted)
    if not settled:
        run.note("%s starts processes faster than they can be read" % state.id)


def wait_for_score(context: RunContext, run: UnitRun, state: UnitState) -> None:
    """The score of a process that was just started, when it has it."""
    deadline = time.monotonic() + _SCORES_SETTLE
    while True:
        _set(context, run, state, counted=False)
        rows = run.rows.get(state.id, [])
        if all(row.state == "as_wanted" for row in rows) or time.monotonic() > deadline:
            break
        time.sleep(0.2)


#: systemd hands limits to the kernel within one turn of its loop.
_LIMITS_SETTLE = 2.0


def _pending_limits(context: RunContext, run: UnitRun) -> List[Tuple[UnitState, Limit]]:
    """What the reload did not hand to the kernel; a restart that is planned does."""
    found = []  # type: List[Tuple[UnitState, Limit]]
    for state in run.current.running if run.reloaded and run.request.apply != "next_start" else ():
        if state.id not in run.steps.restart:
            found += [
                (state, limit) for limit in pending(context.host, context.layout, state, run.options.get(state.id, ()))
            ]
    return found


def enforce(context: RunContext, runs: Sequence[UnitRun]) -> None:
    """systemd 257 has read the limits, and leaves them until something starts beside the unit. Raises ManagerError."""
    found = [(run, state) for run in runs for state, _limit in _pending_limits(context, run)]
    if not found:
        return
    slices = slices_of([state.control_group for _case, state in found])
    for text in manager.realize(context.host, slices, context.version):
        found[0][0].note(text)
    deadline = time.monotonic() + _LIMITS_SETTLE
    while any(_pending_limits(context, run) for run in runs) and time.monotonic() < deadline:
        time.sleep(0.05)
    for run in runs:
        if run.request.apply == "restart":
            _restart_for_limits(context, run)


def _restart_for_limits(context: RunContext, run: UnitRun) -> None:
    """The start of a unit hands over every limit."""
    for state in {state.id: state for state, limit in _pending_limits(context, run) if limit.differs}.values():
        reason = refusal(state, context.connection, context.overrides.restart)
        if reason is None:
            run.restart_later(state.id)
        else:
            run.note("%s was not restarted to apply its limits: %s" % (state.id, reason))
