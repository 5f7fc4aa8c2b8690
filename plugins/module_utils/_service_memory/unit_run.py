# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done for one unit, and what was read back. Whoever does something tells it here; nobody else writes these
attributes (a test looks).
"""

from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import SETTINGS, Value

from .gaps import Gap
from .params import Request
from .plan import Steps
from .scores import Score
from .state import CurrentUnit
from .unit_plan import ABSENT, FAILED, MASKED, UnitPlan, as_they_stay, expected_after_reload, no_steps


class UnitRun:
    """A plan on its way to the proof.

    current -- the unit as systemd shows it now; plan.current is how it was
    late -- a second plan: what only the reload brought to light
    score_changes -- how many processes got another score; written -- units whose processes were read back after a write
    """

    def __init__(self, plan: UnitPlan) -> None:
        self.plan = plan
        self.current = plan.current  # type: CurrentUnit
        self.late = Steps(plan.current.path, None)
        self.files = plan.files  # type: Dict[str, Origin]
        self.instance_origins = dict(plan.instance_origins)  # type: Dict[str, Dict[str, Origin]]
        self.rows = dict(plan.rows)  # type: Dict[str, List[Score]]
        self.previous = dict(plan.previous)  # type: Dict[str, FrozenSet[int]]
        self.options = dict(plan.options)  # type: Dict[str, List[str]]
        self.shadowed_by = plan.shadowed_by
        self.gaps = list(plan.gaps)
        self.notes = list(plan.notes)
        self.error = plan.error
        self.status = plan.status
        self.checked = False
        self.wrote = False
        self.made_directory = False
        self.removed_leftovers = False
        self.reloaded = False
        self.restarted = []  # type: List[str]
        self.rolled_back = False
        self.written = set()  # type: Set[str]
        self.score_changes = 0

    # ---------------------------------------------------------------- what is asked of it

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def request(self) -> Request:
        return self.plan.request

    @property
    def continues(self) -> bool:
        return self.error is None and self.plan.continues

    @property
    def steps(self) -> Steps:
        """Of both plans; none where the unit failed before anything was done."""
        if self.error is not None and not self.did_something:
            return no_steps(self.plan.current)
        first = self.plan.steps
        return first._replace(setting=first.setting + self.late.setting, restart=first.restart + self.late.restart)

    @property
    def did_something(self) -> bool:
        return self.wrote or self.removed_leftovers or self.reloaded or bool(self.score_changes) or bool(self.restarted)

    @property
    def changed(self) -> bool:
        """What was planned is what was done, but where it failed or was taken back."""
        if self.rolled_back:  # files and systemd are as before
            return bool(self.score_changes) or bool(self.restarted)
        if self.error is not None:
            return self.did_something
        return self.continues and bool(self.steps)

    @property
    def verified(self) -> bool:
        return self.checked and not self.gaps and self.error is None

    @property
    def restart_required(self) -> bool:
        if any(gap.cause == "older_than_drop_in" for gap in self.gaps):
            return True
        return self.plan.deferred and not self.checked and self.error is None

    def origins_of(self, state: UnitState) -> Dict[str, Origin]:
        return self.instance_origins.get(state.id, self.files)

    # ---------------------------------------------------------------- what is told to it

    def note(self, text: str) -> None:
        self.notes.append(text)

    def fail(self, text: str) -> None:
        self.error = "%s: %s" % (self.name, text)
        self.status = FAILED
        if not self.score_changes:  # the plan's forecast is none any more
            self.rows = as_they_stay(self.rows)

    def add_to_error(self, text: str) -> None:
        self.error = "%s %s" % (self.error, text)

    def see_unit(self, current: CurrentUnit) -> None:
        self.current = current

    def see_files(self, files: Dict[str, Origin], instance_origins: Dict[str, Dict[str, Origin]]) -> None:
        self.files, self.instance_origins = files, instance_origins

    def see_shadow(self, path: str) -> None:
        self.shadowed_by = self.shadowed_by or path

    def add_instance(self, state: UnitState, origins: Optional[Dict[str, Origin]], options: List[str]) -> None:
        """One that was started after the plan was made."""
        if origins is not None:
            self.instance_origins[state.id] = origins
        self.options[state.id] = options

    def add_instance_scores(self, state: UnitState, previous: FrozenSet[int], rows: List[Score]) -> None:
        self.previous[state.id], self.rows[state.id] = previous, rows
        if self.request.apply != "next_start":
            older = len([row for row in rows if row.before != row.after])
            self.late = self.late._replace(setting=self.late.setting + older)

    def restart_later(self, name: str) -> None:
        self.late = self.late._replace(restart=self.late.restart + (name,))

    def file_changed(self, made_directory: bool = False) -> None:
        self.wrote = True
        self.made_directory = self.made_directory or made_directory

    def leftovers_removed(self) -> None:
        self.removed_leftovers = True

    def file_restored(self) -> None:
        self.rolled_back = True

    def systemd_reloaded(self) -> None:
        self.reloaded = True

    def restart_begins(self, name: str) -> None:
        self.restarted.append(name)

    def scores_written(self, state: UnitState, rows: Sequence[Score], counted: bool = True) -> None:
        """``counted``: not after a restart, which is what changed them."""
        self.rows[state.id] = list(rows)
        self.written.add(state.id)
        if counted:
            self.score_changes += len([row for row in rows if row.before != row.after])

    def scores_read(self, state: UnitState, rows: List[Score]) -> None:
        self.rows[state.id] = rows

    def keep_scores_of(self, names: Iterable[str]) -> None:
        kept = set(names)
        self.rows = {name: rows for name, rows in self.rows.items() if name in kept}

    def verification_begins(self) -> None:
        self.checked = True

    def add_gaps(self, gaps: Iterable[Gap]) -> None:
        self.gaps += gaps

    # ---------------------------------------------------------------- what it answers

    def diff(self) -> Dict[str, str]:
        before = self.current.before
        old = before.data.decode("utf-8", "replace") if before is not None else ""
        new = (self.steps.after or b"").decode("utf-8", "replace") if self.steps.changes_file else old
        return {"before_header": self.current.path, "after_header": self.current.path, "before": old, "after": new}

    def _effective(self, predicted: bool) -> Dict[str, Optional[Value]]:
        shown = None if self.current.is_masked else self.current.shown
        predicted = predicted and self.steps.reload and self.current.exists  # without a unit systemd reads no drop-in
        options = [setting.option for setting in SETTINGS if self.current.unit.type in setting.types]
        if shown is None:
            return {option: None for option in options}
        if predicted:
            return {
                option: expected_after_reload(self.plan, shown, self.origins_of(shown), option) for option in options
            }
        return {option: shown.loaded(option) for option in options}

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

    @property
    def was_skipped(self) -> bool:
        return self.status in (ABSENT, MASKED)
