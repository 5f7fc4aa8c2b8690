# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options with numbers for this host, and the plan that its disk has room for."""

from typing import List, Optional

from .checks import disk_shortage
from .headroom import elsewhere, shortfall
from .params import DEFAULT_PRIORITY, Params, expiry, fstab_options
from .plan import Step, Target, plan
from .size import wanted_size
from .state import SwapState


def _priority(params: Params, state: SwapState, options: List[str]) -> Optional[int]:
    """The one that was asked for; else the one that is; else ours."""
    if params.priority is not None:
        return params.priority
    told = [option[4:] for option in options if option.startswith("pri=") and option[4:].isdigit() and len(option) < 10]
    if told and int(told[0]) <= 32767:
        return int(told[0])
    if state.area is None:
        return DEFAULT_PRIORITY
    return state.area.priority if state.area.priority >= 0 else None


def _options(params: Params, priority: Optional[int], existing: Optional[List[str]]) -> str:
    wanted = fstab_options(existing, params.nofail, priority, params.discard)
    # the same options in another order are the same
    return ",".join(existing) if existing and sorted(existing) == sorted(wanted.split(",")) else wanted


def target_of(params: Params, state: SwapState, clock: float) -> Target:
    """Raises PreconditionError, ValueError."""
    if not params.present or params.size is None:
        return Target(present=False)
    entry = state.fstab.swap_entry(params.path)
    existing = entry.options if entry is not None else None
    priority = _priority(params, state, existing or [])
    file = state.file if state.file is not None and state.file.signature is not None else None
    free = state.disk.free - params.reserve.of(state.disk) if state.disk is not None else 0
    return Target(
        size=wanted_size(
            params.size,
            state.memory.total if state.memory is not None else None,
            file.size if file is not None else None,
            free,
            state.page,
        ),
        priority=priority,
        discard=params.discard,
        options=_options(params, priority, existing) if params.persistent else None,
        expires_at=expiry(params.expires, clock, state.expires_at),
    )


def choose_plan(params: Params, state: SwapState, target: Target) -> List[Step]:
    """With two files; where the disk has no room for them, with one, if nobody swaps to it or other areas alone can
    hold what is in it.
    """
    steps = plan(state, target)
    if state.temporary_area is not None or disk_shortage(steps, state, params.reserve) is None:
        return steps
    if state.area is not None:
        others = elsewhere(state.areas, state.area.identity)
        if not others or shortfall(state.area.used, 0, others) is not None:
            return steps
    return plan(state, target, in_place=True)
