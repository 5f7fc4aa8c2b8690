# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Act: files, reload, scores or restarts, the way back where it went wrong, and the proof at the end."""

import time
from typing import Callable, Dict, List, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import Busy, host_lock
from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import ManagerError, UnitState

from .case import Case
from .earlier import record
from .entitlement import earlier_of, newcomer, wanted_score
from .files import carry_out, clear, put_back
from .ground import Ground
from .judge import prepare_on
from .limits import Limit, late, slices_of
from .proof import Gap, unread_gaps
from .readback import prove
from .restart import refusal, restart_and_watch
from .scores import apply_scores
from .survey import refreshed
from .wish import UNTOUCHED, Allow, Wish

#: A process of a unit that was just restarted may not have its score yet.
_SETTLE_SCORE = 5.0
#: systemd hands limits to the kernel within one turn of its loop.
_SETTLE_LIMITS = 2.0
_HALFWAY = "It was left halfway; the next run goes on from there."
_BROKEN = (OSError, UnsafePath, ManagerError)


class ProtectError(Exception):
    """Nothing could be done for any unit; the text says why and what was left untouched."""


def protect(host: Host, wishes: Sequence[Wish], allow: Allow, check: bool) -> List[Case]:
    """Every wish carried out or refused, one by one. Raises WishError, ProtectError."""
    try:
        if check:
            ground = Ground(host, allow)
            cases = prepare_on(ground, wishes)
            prove(ground, [case for case in cases if case.goes_on and not case.steps])
            return cases
        with host_lock(host):
            ground = Ground(host, allow)
            cases = prepare_on(ground, wishes)
            _Run(ground, [case for case in cases if case.goes_on]).all()
            return cases
    except Busy as exc:
        raise ProtectError(str(exc))
    except PermissionError as exc:
        raise ProtectError("%s: this needs root (become: true). %s" % (exc.filename or exc.strerror, UNTOUCHED))
    except _BROKEN as exc:
        raise ProtectError("%s. %s" % (exc, UNTOUCHED))


class _Run:
    """The stages, in their order. A unit that fails leaves; the others go on."""

    def __init__(self, ground: Ground, cases: List[Case]) -> None:
        self.ground = ground
        self.host = ground.host
        self.cases = cases

    def _left(self) -> List[Case]:
        return [case for case in self.cases if case.goes_on]

    def all(self) -> None:
        try:
            self._stages()
        except _BROKEN as exc:  # systemd or the kernel does not answer any more, halfway
            for case in self._left():
                case.fail("%s. %s" % (exc, _HALFWAY if case.changed else UNTOUCHED))

    def _stages(self) -> None:
        self._remember()
        self._write()
        self._verify_files()
        self._reload()
        self._enforce()
        self._live([case for case in self._left() if not case.steps.restart])
        self._restart()
        self._live([case for case in self._left() if case.steps.restart])  # what must not be restarted beside what was
        prove(self.ground, self._left())

    def _remember(self) -> None:
        """The scores and limits of now, before the change makes them the past: an interrupted run still knows them."""
        for case in self._left():
            score = case.steps.score
            for state in case.current.running if case.steps else ():
                options = case.options.get(state.id, [])
                if score is None and not options:
                    continue
                try:
                    record(self.host, state, None if score is None else earlier_of(self.ground, case, state, score), options)
                except _BROKEN as exc:
                    case.fail("%s. %s" % (exc, UNTOUCHED))

    def _write(self) -> None:
        for case in self._left():
            if case.steps.changes_file or case.steps.clear:
                try:
                    if case.steps.clear:
                        clear(self.host, case)
                    else:
                        carry_out(self.host, case)
                except _BROKEN as exc:
                    case.fail("%s could not be %s: %s. %s" % (case.current.path, "written" if case.steps.write else "removed", exc, UNTOUCHED))

    def _back(self, cases: Sequence[Case], text: Callable[[Case], str]) -> None:
        """The earlier bytes for these, and the reason."""
        for case in cases:
            lost = put_back(self.host, case) if case.wrote else None
            same = "Its drop-in is as it was." if case.restarted else UNTOUCHED
            case.fail("%s. %s" % (text(case).rstrip("."), lost or ("Its earlier drop-in was put back." if case.wrote else same)))

    def _verify_files(self) -> None:
        """Before the reload nothing is in force yet: systemd's own reader looks at what was written."""
        written = [case for case in self._left() if case.wrote and case.steps.write and case.current.state is not None and case.current.exists]
        if not written or not self.ground.booted:
            return
        said = manager.complaints(self.host, [case.name for case in written], [case.current.path for case in written])
        self._back([case for case in written if case.current.path in said], lambda case: "systemd-analyze: %s" % said[case.current.path])

    def _reload(self) -> None:
        todo = [case for case in self._left() if case.steps.reload]
        if not todo:
            return
        ours = {name for case in self.cases for name in [case.name] + [state.id for state in case.current.running]}
        others = sorted(set(manager.pending_reload(self.host)) - ours)
        try:
            manager.reload(self.host)
        except ManagerError as exc:
            reason = str(exc)
            self._back(todo, lambda case: reason)
            return
        for case in todo:
            case.reloaded = True
        if others:
            todo[0].notes.append("the reload brought changed files of other units into force too: %s" % ", ".join(others))
        self._refresh()
        for case in self._left():
            for state in case.current.running if case.reloaded and case.current.asked else ():
                if state.id not in case.options:
                    newcomer(self.ground, case, state)
        deaf = [case for case in self._left() if case.wish.state == "present" and self._unread(case)]
        if deaf:
            self._back(deaf, lambda case: "; ".join(gap.text for gap in self._unread(case)))
            manager.reload(self.host)
            self._refresh()

    def _refresh(self) -> None:
        for case, current in zip(self.cases, refreshed(self.host, [case.current for case in self.cases])):
            case.current = current

    def _unread(self, case: Case) -> List[Gap]:
        """systemd has read the files again and still believes something else."""
        return unread_gaps(case.current, case.wish.settings, case.origins_of, self.ground.ram)

    def _late(self, case: Case) -> List[Tuple[UnitState, Limit]]:
        """What the reload did not hand to the kernel; a restart that is planned does."""
        ground, found = self.ground, []  # type: Ground, List[Tuple[UnitState, Limit]]
        for state in case.current.running if case.reloaded and case.wish.apply != "next_start" else ():
            if state.id not in case.steps.restart:
                found += [(state, limit) for limit in late(self.host, ground.layout, state, case.options.get(state.id, ()))]
        return found

    def _enforce(self) -> None:
        """Limits of running units after a reload: systemd 257 has read them, and leaves them until something starts beside the unit."""
        found = [(case, state) for case in self._left() for state, _limit in self._late(case)]
        if not found:
            return
        slices = slices_of([state.control_group for _case, state in found])
        found[0][0].notes += manager.realize(self.host, slices, self.ground.version)
        deadline = time.monotonic() + _SETTLE_LIMITS
        while any(self._late(case) for case in self._left()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for case in self._left():
            if case.wish.apply == "restart":
                self._overdue(case)

    def _overdue(self, case: Case) -> None:
        """The start of a unit hands over every limit."""
        for state in {state.id: state for state, limit in self._late(case) if limit.drifted}.values():
            reason = refusal(state, self.ground.connection, self.ground.allow.restart)
            if reason is None:
                case.steps = case.steps._replace(restart=case.steps.restart + (state.id,))
            else:
                case.notes.append("%s is not restarted for its limits: %s" % (state.id, reason))

    def _live(self, cases: Sequence[Case]) -> None:
        for case in cases:
            if case.steps.setting:
                for state in case.current.running:
                    if state.id not in case.steps.restart:
                        self._set(case, state)

    def _set(self, case: Case, state: UnitState) -> None:
        believed, group = state.believed("oom_score_adjust"), state.control_group
        wanted = believed if isinstance(believed, int) else wanted_score(case, state)
        if group is None:
            return
        earlier = earlier_of(self.ground, case, state, wanted)
        rows, settled = apply_scores(self.host, group, lambda: self.ground.pids(state), wanted, earlier, True)
        case.rows[state.id] = rows
        case.tried.add(state.id)
        case.set_scores += len([row for row in rows if row.before != row.after])
        if not settled:
            case.notes.append("%s starts processes faster than they can be looked at" % state.id)

    def _restart(self) -> None:
        names = {name: case for case in self._left() for name in case.steps.restart}
        if not names:
            return
        order = sorted(names)
        for name in order:
            names[name].restarted.append(name)
        ills = restart_and_watch(self.host, order, self.ground.allow.settle, self.ground.allow.restart_timeout)
        failed = {name: ill for name, ill in zip(order, ills) if ill is not None}
        self._refresh()
        for case in self._left():
            for state in case.current.running:
                if state.id in case.restarted and state.id not in failed and case.steps.score is not None:
                    self._wait(case, state)
        if failed:
            self._undo(list(dict.fromkeys(names[name] for name in failed)), failed)

    def _wait(self, case: Case, state: UnitState) -> None:
        """The score of a process that was just started, when it has it."""
        deadline = time.monotonic() + _SETTLE_SCORE
        before = case.set_scores
        while True:
            self._set(case, state)
            rows = case.rows.get(state.id, [])
            if all(row.state == "as_wanted" for row in rows) or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        case.set_scores = before

    def _undo(self, cases: Sequence[Case], ills: Dict[str, str]) -> None:
        """Restarted, and now ill: the earlier bytes, a reload and a restart that StartLimitBurst= must not refuse.

        Of a template every instance that was restarted: those that live have the new file's score.
        """
        self._back(
            cases, lambda case: "after the restart %s" % "; ".join(_said_of(case, name, ills[name]) for name in case.restarted if name in ills)
        )
        try:
            manager.reload(self.host)
            for case in cases:
                for name in case.restarted:
                    manager.reset_failed(self.host, name)
                    said = manager.restart(self.host, name, self.ground.allow.restart_timeout)
                    state = manager.states(self.host, [name])[0]
                    who = "It" if name == case.name else name
                    now = state.get("ActiveState") + (" again" if state.is_active else "")
                    case.error = "%s %s is %s%s." % (case.error, who, now, " (%s)" % said.rstrip(".") if said else "")
            self._refresh()
        except ManagerError as exc:
            for case in cases:
                case.error = "%s systemd did not take the earlier state back: %s." % (case.error, exc)


def _said_of(case: Case, name: str, ill: str) -> str:
    """Of a template, which instance."""
    return ill if name == case.name else "%s: %s" % (name, ill)
