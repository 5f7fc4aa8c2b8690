# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of a run: the host is read again, and a plan from what is there to what was asked for has to be empty."""

from typing import List

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError

from .plan import Step, Target, plan
from .state import SwapState


def verify(state: SwapState, target: Target, steps: List[Step]) -> None:
    """Raises ExecutionError with what is still to do. state -- read after the steps"""
    left = plan(state, target)
    if left:
        text = "all %d steps were done, and yet it is not as requested: to do is still to %s"
        raise ExecutionError(text % (len(steps), "; ".join(step.text for step in left)))
