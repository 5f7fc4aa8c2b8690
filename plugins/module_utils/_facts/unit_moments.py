# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When something happened in which unit: kills by every unit that their cgroups name."""

from bisect import bisect_left, insort
from typing import Dict, Iterable, List, Optional, Set

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill


def units_of(kill: Kill) -> Set[str]:
    """The unit of the facts contract, and those of a user's manager or a container, which lie deeper in the path."""
    found = {kill.unit} if kill.unit is not None else set()  # type: Set[str]
    for memcg in (kill.task_memcg, kill.group_memcg, kill.oom_memcg):
        if memcg is not None:
            found.update(name for name in memcg.split("/") if "." in name)
    return found


class UnitMoments:
    """Moments by unit. None stands for a kill of which nobody says the unit, and for a moment that is not known."""

    def __init__(self) -> None:
        self._times = {}  # type: Dict[Optional[str], List[float]]
        self._timeless = set()  # type: Set[Optional[str]]

    def add(self, unit: Optional[str], time: Optional[float]) -> None:
        if time is None:
            self._timeless.add(unit)
        else:
            insort(self._times.setdefault(unit, []), time)

    def add_kills(self, kills: Iterable[Kill]) -> None:
        for kill in kills:
            for unit in units_of(kill) or (None,):
                self.add(unit, kill.line.time)

    def has(self, unit: Optional[str], first: float, last: float) -> bool:
        times = self._times.get(unit, [])
        at = bisect_left(times, first)
        return at < len(times) and times[at] <= last

    def has_any(self, unit: Optional[str]) -> bool:
        return unit in self._times or unit in self._timeless

    def is_timeless(self, unit: Optional[str]) -> bool:
        return unit in self._timeless

    def take(self, unit: Optional[str], first: float, last: float) -> bool:
        """The same as has(), and the moment is gone then."""
        if not self.has(unit, first, last):
            return False
        times = self._times[unit]
        del times[bisect_left(times, first)]
        return True
