# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module returns: the steps, the swap file, and a diff of it and of its own line of fstab."""

import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._size import exact
from ansible_collections.memops.linux.plugins.module_utils._text import printable, safe

from .fstab_lines import changed_lines
from .plan import Step, Target, changed_fstab
from .state import SwapState


class Outcome(NamedTuple):
    """What a run did or, in check mode, would do; now -- as it is after that"""

    steps: List[Step]
    state: SwapState
    target: Target
    before: str
    after: str


def _render(
    path: str, size: Optional[int], active: bool, priority: Optional[int], expires_at: Optional[float], lines: List[str]
) -> str:
    """One side of the diff."""
    said = []  # type: List[str]
    if size is not None:
        words = "active" if active else "not in use"
        said.append(
            "%s: %s, %s%s"
            % (
                printable(path),
                exact(size),
                words,
                ", priority %d" % priority if active and priority is not None else "",
            )
        )
    if expires_at is not None:
        said.append("until %s" % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_at)))
    return "".join(line + "\n" for line in said + lines)


def before_and_after(state: SwapState, target: Target) -> Tuple[str, str]:
    """Before and after, with our own lines of fstab only."""
    old, new = changed_lines(state.fstab, changed_fstab(target.options, state.path, state.fstab))
    area, size = state.area, state.file.size if state.file is not None else None
    if target.priority is None and area is not None:
        target = target._replace(priority=area.priority)
    return (
        _render(state.path, size, area is not None, area.priority if area is not None else None, state.expires_at, old),
        _render(state.path, target.size if target.present else None, True, target.priority, target.expires_at, new),
    )


def facts(state: SwapState) -> Dict[str, Any]:
    file, area = state.file, state.area
    return {
        "path": state.path,
        "size": file.size if file is not None else None,
        "active": area is not None,
        "used": area.used if area is not None else None,
        "priority": area.priority if area is not None else None,
        "persistent": state.fstab.swap_entry(state.path) is not None,
        "filesystem": state.mount.fstype if state.mount is not None else None,
        "expires_at": state.expires_at,
    }


def result(outcome: Outcome, check_mode: bool) -> Dict[str, Any]:
    """What the module returns. swap_file is as it is, in check mode too: the plan says what it would be."""
    path = printable(outcome.state.path)
    words = "; ".join(step.text for step in outcome.steps)
    mood = "would " if check_mode else ""
    told = {
        "changed": bool(outcome.steps),
        "plan": [{"action": step.action, "path": step.path, "text": step.text} for step in outcome.steps],
        "swap_file": facts(outcome.state),
        "msg": "%s: %s%s." % (path, mood, words) if words else "%s is as requested." % path,
    }
    # the lines of the diff are printable already, and end with newlines
    diff = {"before_header": path, "after_header": path, "before": outcome.before, "after": outcome.after}
    return dict(safe(told), diff=diff)
