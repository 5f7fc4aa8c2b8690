# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores of running processes, given through /proc and read back."""

import time
from typing import Sequence

from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from .context import RunContext
from .expected_scores import previous_scores_of, wanted_score
from .scores import apply_scores
from .unit_run import Case

#: A process of a unit that was just restarted may not have its score yet.
_SETTLE = 5.0


def set_scores(context: RunContext, cases: Sequence[Case]) -> None:
    for case in cases:
        if case.steps.setting:
            for state in case.current.running:
                if state.id not in case.steps.restart:
                    _set(context, case, state)


def _set(context: RunContext, case: Case, state: UnitState) -> None:
    loaded, group = state.loaded("oom_score_adjust"), state.control_group
    wanted = loaded if isinstance(loaded, int) else wanted_score(case, state)
    if group is None:
        return
    previous = previous_scores_of(context, case, state, wanted)
    rows, settled = apply_scores(context.host, group, lambda: context.pids(state), wanted, previous, True)
    # Of an instance its template's request may have done it a moment ago.
    first = {row.pid: row.before for row in case.rows.get(state.id, ())}
    case.rows[state.id] = rows = [row._replace(before=first.get(row.pid, row.before)) for row in rows]
    case.written.add(state.id)
    case.set_scores += len([row for row in rows if row.before != row.after])
    if not settled:
        case.notes.append("%s starts processes faster than they can be looked at" % state.id)


def wait_for_score(context: RunContext, case: Case, state: UnitState) -> None:
    """The score of a process that was just started, when it has it."""
    deadline = time.monotonic() + _SETTLE
    before = case.set_scores
    while True:
        _set(context, case, state)
        rows = case.rows.get(state.id, [])
        if all(row.state == "as_wanted" for row in rows) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    case.set_scores = before
