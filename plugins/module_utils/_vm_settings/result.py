# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module returns beside the proof of each setting: a diff of the running kernel and of our file."""

from typing import Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._text import printable_line, to_text

from .keys import partner
from .plan import Step
from .precedence import OURS
from .state import VM, VmState


def diff_of(before: VmState, steps: List[Step]) -> Dict[str, str]:
    """The running kernel and our file, before and after."""
    old, new = [], []  # type: List[str], List[str]
    for step in steps:
        if step.action == "live":
            old.append("%s%s: %s\n" % (VM, step.key, before.live.get(step.key)))
            new.append("%s%s: %d\n" % (VM, step.key, step.value))
            other = partner(step.key)
            if other is not None and before.live.get(other):
                old.append("%s%s: %s\n" % (VM, other, before.live[other]))
                new.append("%s%s: 0\n" % (VM, other))
        else:
            old.append(printable_lines(before.conf))
            new.append(printable_lines(step.data))
    return {
        "before_header": "vm settings",
        "after_header": "vm settings",
        "before": "".join(old),
        "after": "".join(new),
    }


def printable_lines(data: Optional[bytes]) -> str:
    return (
        ""
        if data is None
        else "".join("%s: %s\n" % (OURS, printable_line(line)) for line in to_text(data).splitlines())
    )
