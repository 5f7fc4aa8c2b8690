# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is to what was asked for: the running kernel first, because it may refuse; then our file."""

from typing import List, NamedTuple, Optional

from .dropin import edited
from .keys import MODE, NEVER_OVERCOMMIT, Live, Settings, partner
from .precedence import OURS


class Step(NamedTuple):
    """action -- live | write | remove. key and value for live, data for write; text -- for people"""

    action: str
    text: str
    key: str = ""
    value: int = 0
    data: Optional[bytes] = None


def live_order(live: Live, wanted: Settings) -> List[str]:
    """Leave the mode without overcommitment first and enter it last: while it holds, the limit must not be wrong for a
    moment.
    """
    place_of_mode = 0 if wanted.get(MODE) != NEVER_OVERCOMMIT else 2
    return sorted(wanted, key=lambda key: (place_of_mode if key == MODE else 1, key))


def plan(live: Live, conf: Optional[bytes], wanted: Settings) -> List[Step]:
    """Raises nothing: the guards have spoken."""
    steps = [
        Step(
            "live",
            "set vm.%s to %d, from %s" % (key, wanted[key], "unknown" if live.get(key) is None else live[key]),
            key,
            wanted[key],
        )
        for key in live_order(live, wanted)
        if live.get(key) != wanted[key]
    ]
    partners = [other for other in map(partner, wanted) if other is not None]
    data = edited(conf, wanted, partners)
    if data != conf:
        steps.append(Step("write", "write %s" % OURS, data=data))
    return steps


def plan_absent(conf: Optional[bytes], gone: List[str]) -> List[Step]:
    """Only our file: nobody knows what the kernel would have had without us."""
    data = edited(conf, {}, gone)
    if data == conf:
        return []
    return [Step("remove", "remove %s" % OURS) if data is None else Step("write", "write %s" % OURS, data=data)]


def restore_order(before: Live, keys: List[str]) -> List[str]:
    """Also what was changed beside. Of a pair only the one that counts: writing it makes the other one 0."""
    touched = set(keys).union(other for other in map(partner, keys) if other is not None)
    known = {key: value for key, value in before.items() if key in touched and value is not None}
    return [key for key in live_order(before, known) if known[key] or not known.get(partner(key) or "")]
