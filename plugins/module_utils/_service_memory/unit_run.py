# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One unit on its way from request to proof."""

from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Set

from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, SETTINGS, Value

from .limits import limit_options
from .params import Request
from .plan import Steps, managed
from .scores import Score, as_it_stays
from .state import CurrentUnit
from .verify import Gap

#: What a result says of a unit as a whole.
CHANGED, UNCHANGED, ABSENT, MASKED, FAILED = "changed", "unchanged", "absent", "masked", "failed"


class Case:
    """Filled in stage by stage: the survey, the plan, what was done, the proof."""

    def __init__(self, request: Request, current: CurrentUnit) -> None:
        self.request = request
        self.current = current
        self.steps = Steps(current.path, None)
        self.ram = None  # type: Optional[int]
        self.files = {}  # type: Dict[str, Origin]
        self.instance_origins = {}  # type: Dict[str, Dict[str, Origin]]
        self.overridden = frozenset()  # type: FrozenSet[str]
        self.rows = {}  # type: Dict[str, List[Score]]
        self.previous = {}  # type: Dict[str, FrozenSet[int]]
        self.options = {}  # type: Dict[str, List[str]]
        self.shadowed_by = None  # type: Optional[str]
        self.gaps = []  # type: List[Gap]
        self.notes = []  # type: List[str]
        self.error = None  # type: Optional[str]
        self.status = UNCHANGED
        self.checked = False
        self.noop = False  # nothing is left to set
        self.deferred = False  # with next_start: something of it will wait for the next start
        self.wrote = False
        self.made_folder = False
        self.removed_leftovers = False
        self.reloaded = False
        self.written = set()  # type: Set[str]
        self.set_scores = 0
        self.restarted = []  # type: List[str]
        self.rolled_back = False

    @property
    def name(self) -> str:
        return self.current.unit.name

    def origins_of(self, state: UnitState) -> Dict[str, Origin]:
        """Option -> the file that wins: an instance may have files that its template has not."""
        return self.instance_origins.get(state.id, self.files)

    def expected_after_reload(self, state: UnitState, option: str) -> Optional[Value]:
        """What systemd will load once it has read the files; None: that cannot be known."""
        loaded, origin = state.loaded(option), self.origins_of(state).get(option)
        if loaded is None:
            return None
        if origin is not None and origin.value:
            return BY_OPTION[option].expected(origin.value, self.ram)
        if origin is not None or option in self.current.kept or option in self.overridden:
            return BY_OPTION[option].default
        return loaded

    def own_limits(self, recorded: Iterable[str]) -> List[str]:
        """Options of limits that our file sets or will set, or set when the unit's processes were started."""
        return limit_options(dict.fromkeys(managed(self.current, self.request) + list(recorded)))

    @property
    def continues(self) -> bool:
        return self.error is None and not self.noop and self.status not in (ABSENT, MASKED)

    @property
    def changed(self) -> bool:
        if self.rolled_back:  # files and systemd are as before
            return bool(self.set_scores) or bool(self.restarted)
        return self.wrote or self.removed_leftovers or self.reloaded or bool(self.set_scores) or bool(self.restarted)

    def fail(self, text: str) -> None:
        self.error = "%s: %s" % (self.name, text)
        self.status = FAILED
        if not (self.wrote or self.removed_leftovers or self.reloaded or self.set_scores or self.restarted):  # what was planned is not done
            self.steps = Steps(self.current.path, self.current.before.data if self.current.before is not None else None)
        if not self.set_scores:  # the plan's forecast is none any more
            self.rows = {name: [as_it_stays(row) for row in rows] for name, rows in self.rows.items()}

    @property
    def verified(self) -> bool:
        return self.checked and not self.gaps and self.error is None

    @property
    def restart_required(self) -> bool:
        return any(gap.cause == "older_than_drop_in" for gap in self.gaps) or (self.deferred and not self.checked and self.error is None)

    def diff(self) -> Dict[str, str]:
        before = self.current.before
        old = before.data.decode("utf-8", "replace") if before is not None else ""
        new = (self.steps.after or b"").decode("utf-8", "replace") if self.steps.changes_file else old
        return {"before_header": self.current.path, "after_header": self.current.path, "before": old, "after": new}

    def _effective(self, predicted: bool) -> Dict[str, Optional[Value]]:
        shown = None if self.current.is_masked else self.current.shown
        predicted = predicted and self.steps.reload and self.current.exists  # without a unit systemd reads no drop-in
        found = {}  # type: Dict[str, Optional[Value]]
        for setting in SETTINGS:
            if self.current.unit.type in setting.types:
                found[setting.option] = shown.loaded(setting.option) if shown is not None else None
        if predicted and shown is not None:
            found = {option: self.expected_after_reload(shown, option) for option in found}
        return found

    def result(self, check: bool) -> Dict[str, Any]:
        """The unit's part of the unit contract."""
        predicted = check and bool(self.steps)
        processes = []  # type: List[Dict[str, Any]]
        for name, rows in sorted(self.rows.items()):
            processes += [dict(row._asdict(), unit=name) for row in rows]
        shown = self.current.shown
        return {
            "name": self.name,
            "asked": self.request.unit.name,
            "state": self.request.state,
            "status": self.status,
            "apply": self.request.apply,
            "active": shown.is_active if shown is not None else None,
            "drop_in": self.current.path,
            "settings": dict(self.request.settings),
            "effective": self._effective(predicted),
            "shadowed_by": self.shadowed_by,
            "processes": processes,
            "verified": self.verified and not predicted,
            "gaps": [gap._asdict() for gap in self.gaps],
            "restart_required": self.restart_required,
            "reloaded": self.reloaded,
            "restarted": list(self.restarted),
            "rolled_back": self.rolled_back,
            "steps": self.steps.texts(),
            "notes": list(self.notes),
            "error": self.error,
        }
