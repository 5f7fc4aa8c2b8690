# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of running units after a reload, where systemd does not hand them to the kernel by itself."""

import time
from typing import List, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from .context import RunContext
from .limits import Limit, pending, slices_of
from .restart import refusal
from .unit_run import Case

#: systemd hands limits to the kernel within one turn of its loop.
_SETTLE = 2.0


def _pending_limits(context: RunContext, case: Case) -> List[Tuple[UnitState, Limit]]:
    """What the reload did not hand to the kernel; a restart that is planned does."""
    found = []  # type: List[Tuple[UnitState, Limit]]
    for state in case.current.running if case.reloaded and case.request.apply != "next_start" else ():
        if state.id not in case.steps.restart:
            found += [(state, limit) for limit in pending(context.host, context.layout, state, case.options.get(state.id, ()))]
    return found


def enforce(context: RunContext, cases: Sequence[Case]) -> None:
    """systemd 257 has read the limits, and leaves them until something starts beside the unit. Raises ManagerError."""
    found = [(case, state) for case in cases for state, _limit in _pending_limits(context, case)]
    if not found:
        return
    slices = slices_of([state.control_group for _case, state in found])
    found[0][0].notes += manager.realize(context.host, slices, context.version)
    deadline = time.monotonic() + _SETTLE
    while any(_pending_limits(context, case) for case in cases) and time.monotonic() < deadline:
        time.sleep(0.05)
    for case in cases:
        if case.request.apply == "restart":
            _restart_for_limits(context, case)


def _restart_for_limits(context: RunContext, case: Case) -> None:
    """The start of a unit hands over every limit."""
    for state in {state.id: state for state, limit in _pending_limits(context, case) if limit.differs}.values():
        reason = refusal(state, context.connection, context.overrides.restart)
        if reason is None:
            case.steps = case.steps._replace(restart=case.steps.restart + (state.id,))
        else:
            case.notes.append("%s is not restarted for its limits: %s" % (state.id, reason))
