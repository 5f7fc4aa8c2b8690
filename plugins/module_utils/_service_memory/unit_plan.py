# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided for one unit. A plan is a value: each step of the planning makes a new one, and once it is carried
out it stays as it is.
"""

from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, Value

from .gaps import Gap
from .limits import limit_options
from .params import Request
from .plan import Steps, managed
from .scores import Score, as_it_stays
from .state import CurrentUnit

#: What a result says of a unit as a whole.
CHANGED, UNCHANGED, ABSENT, MASKED, FAILED = "changed", "unchanged", "absent", "masked", "failed"


class UnitPlan(NamedTuple):
    """One unit, decided.

    files -- option -> the file that wins; instance_origins -- the same for the units of a pattern
    overridden -- options of files that systemd does not read any more
    rows -- unit -> its processes as they will be; previous -- unit -> scores that systemd gave them before
    options -- unit -> the limits that are ours
    noop -- nothing is left to set; deferred -- with next_start, something of it will wait for the next start
    """

    request: Request
    current: CurrentUnit
    steps: Steps
    ram: Optional[int] = None
    files: Dict[str, Origin] = {}
    instance_origins: Dict[str, Dict[str, Origin]] = {}
    overridden: FrozenSet[str] = frozenset()
    rows: Dict[str, List[Score]] = {}
    previous: Dict[str, FrozenSet[int]] = {}
    options: Dict[str, List[str]] = {}
    shadowed_by: Optional[str] = None
    gaps: Tuple[Gap, ...] = ()
    notes: Tuple[str, ...] = ()
    error: Optional[str] = None
    status: str = UNCHANGED
    noop: bool = False
    deferred: bool = False

    @property
    def name(self) -> str:
        return self.current.unit.name

    @property
    def restarted(self) -> Tuple[str, ...]:
        """None is, before anything is done."""
        return ()

    @property
    def continues(self) -> bool:
        return self.error is None and not self.noop and self.status not in (ABSENT, MASKED)

    def origins_of(self, state: UnitState) -> Dict[str, Origin]:
        """Option -> the file that wins: an instance may have files that its template has not."""
        return self.instance_origins.get(state.id, self.files)

    def expected_after_reload(self, state: UnitState, option: str) -> Optional[Value]:
        return expected_after_reload(self, state, self.origins_of(state), option)

    def own_limits(self, recorded: Iterable[str]) -> List[str]:
        """Options of limits that our file sets or will set, or set when the unit's processes were started."""
        return limit_options(dict.fromkeys(managed(self.current, self.request) + list(recorded)))

    def noted(self, texts: Iterable[str]) -> "UnitPlan":
        return self._replace(notes=self.notes + tuple(texts))

    def refused(self, text: str) -> "UnitPlan":
        """Nothing is left to do; what was foreseen is not."""
        return self._replace(
            error="%s: %s" % (self.name, text),
            status=FAILED,
            steps=no_steps(self.current),
            rows=as_they_stay(self.rows),
        )


def no_steps(current: CurrentUnit) -> Steps:
    return Steps(current.path, current.before.data if current.before is not None else None)


def as_they_stay(rows: Dict[str, List[Score]]) -> Dict[str, List[Score]]:
    return {name: [as_it_stays(row) for row in found] for name, found in rows.items()}


def expected_after_reload(plan: UnitPlan, state: UnitState, origins: Dict[str, Origin], option: str) -> Optional[Value]:
    """What systemd will have loaded once it has read the files; None: that cannot be known."""
    loaded, origin = state.loaded(option), origins.get(option)
    if loaded is None:
        return None
    if origin is not None and origin.value:
        return BY_OPTION[option].expected(origin.value, plan.ram)
    if origin is not None or option in plan.current.kept or option in plan.overridden:
        return BY_OPTION[option].default
    return loaded
