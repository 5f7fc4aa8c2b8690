# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of running units after a reload, where systemd does not hand them to the kernel by itself."""

import time
from typing import List, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from .context import Ground
from .limits import Limit, late, slices_of
from .restart import refusal
from .unit_run import Case

#: systemd hands limits to the kernel within one turn of its loop.
_SETTLE = 2.0


def _late(ground: Ground, case: Case) -> List[Tuple[UnitState, Limit]]:
    """What the reload did not hand to the kernel; a restart that is planned does."""
    found = []  # type: List[Tuple[UnitState, Limit]]
    for state in case.current.running if case.reloaded and case.wish.apply != "next_start" else ():
        if state.id not in case.steps.restart:
            found += [(state, limit) for limit in late(ground.host, ground.layout, state, case.options.get(state.id, ()))]
    return found


def enforce(ground: Ground, cases: Sequence[Case]) -> None:
    """systemd 257 has read the limits, and leaves them until something starts beside the unit. Raises ManagerError."""
    found = [(case, state) for case in cases for state, _limit in _late(ground, case)]
    if not found:
        return
    slices = slices_of([state.control_group for _case, state in found])
    found[0][0].notes += manager.realize(ground.host, slices, ground.version)
    deadline = time.monotonic() + _SETTLE
    while any(_late(ground, case) for case in cases) and time.monotonic() < deadline:
        time.sleep(0.05)
    for case in cases:
        if case.wish.apply == "restart":
            _overdue(ground, case)


def _overdue(ground: Ground, case: Case) -> None:
    """The start of a unit hands over every limit."""
    for state in {state.id: state for state, limit in _late(ground, case) if limit.drifted}.values():
        reason = refusal(state, ground.connection, ground.allow.restart)
        if reason is None:
            case.steps = case.steps._replace(restart=case.steps.restart + (state.id,))
        else:
            case.notes.append("%s is not restarted for its limits: %s" % (state.id, reason))
