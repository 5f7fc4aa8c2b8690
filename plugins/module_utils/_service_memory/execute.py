# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Act: files, reload, scores or restarts, the way back where it went wrong, and the proof at the end."""

from typing import Callable, Dict, List, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._errors import describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock
from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import ManagerError, UnitState

from .context import RunContext
from .expected_scores import previous_scores_of, register_new_instance, wanted_score
from .files import clear, on_disk, restore, write_or_remove
from .live_limits import enforce
from .live_scores import set_scores, wait_for_score
from .params import UNTOUCHED, Overrides, Request
from .plan_unit import prepare_on
from .read_back import reread, verify
from .restart import restart_and_watch
from .run_record import record
from .state import refreshed
from .unit_run import Case
from .verify import Gap, not_read_gaps

_NAMED = 20
_HALFWAY = "It was left halfway; the next run goes on from there."
_BROKEN = (OSError, UnsafePath, ManagerError)


class ProtectError(Exception):
    """Nothing could be done for any unit; the text says why and what was left untouched."""


def protect(host: Host, requests: Sequence[Request], overrides: Overrides, check: bool) -> List[Case]:
    """Every request carried out or refused, one by one. Raises ParamsError, ProtectError."""
    try:
        if check:
            context = RunContext(host, overrides)
            cases = prepare_on(context, requests)
            verify(context, [case for case in cases if case.continues and not case.steps])
            return cases
        with host_lock(host):
            context = RunContext(host, overrides)
            cases = prepare_on(context, requests)
            _Run(context, [case for case in cases if case.continues]).all()
            return cases
    except LockError as exc:
        raise ProtectError(str(exc))
    except PermissionError as exc:
        raise ProtectError("this needs root (become: true): %s. %s" % (exc.strerror, UNTOUCHED))
    except _BROKEN as exc:
        raise ProtectError("%s. %s" % (_reason(exc), UNTOUCHED))


class _Run:
    """The stages, in their order. A unit that fails leaves; the others go on."""

    def __init__(self, context: RunContext, cases: List[Case]) -> None:
        self.context = context
        self.host = context.host
        self.cases = cases
        self._loadable = {state.id for case in cases for state in case.current.states if state.exists and not state.is_broken}

    def _continuing(self) -> List[Case]:
        return [case for case in self.cases if case.continues]

    def all(self) -> None:
        try:
            self._stages()
        except _BROKEN as exc:  # systemd or the kernel does not answer any more, halfway
            for case in self._continuing():
                case.fail("%s. %s" % (_reason(exc), _HALFWAY if case.changed else UNTOUCHED))

    def _stages(self) -> None:
        self._remember()
        self._write()
        self._verify_files()
        self._reload()
        enforce(self.context, self._continuing())
        set_scores(self.context, [case for case in self._continuing() if not case.steps.restart])
        self._restart()
        set_scores(self.context, [case for case in self._continuing() if case.steps.restart])  # what must not be restarted beside what was
        verify(self.context, self._continuing())

    def _remember(self) -> None:
        """The scores and limits of now, before the change makes them the past: an interrupted run still knows them."""
        for case in self._continuing():
            score = case.steps.score
            for state in case.current.running if case.steps else ():
                options = case.options.get(state.id, [])
                if score is None and not options:
                    continue
                # The new one too: who has it has it from us, also when a person takes our file away by hand.
                scores = None if score is None else previous_scores_of(self.context, case, state, score) | {wanted_score(case, state)}
                try:
                    record(self.host, state, scores, options)
                except _BROKEN as exc:
                    case.fail("%s. %s" % (_reason(exc), UNTOUCHED))

    def _write(self) -> None:
        for case in self._continuing():
            if case.steps.changes_file or case.steps.clear:
                try:
                    if case.steps.clear:
                        clear(self.host, case)
                    else:
                        write_or_remove(self.host, case)
                except _BROKEN as exc:
                    self._not_written(case, "%s could not be %s: %s" % (case.current.path, "written" if case.steps.write else "removed", _why(exc)))

    def _not_written(self, case: Case, text: str) -> None:
        """The error may have come after the rename: the disk says whether something was changed."""
        before = case.current.before
        try:
            case.wrote = case.wrote or on_disk(self.host, case) != (before.data if before is not None else None)
        except _BROKEN:
            pass
        self._back([case], lambda case: text)

    def _back(self, cases: Sequence[Case], text: Callable[[Case], str]) -> None:
        """The earlier bytes for these, and the reason."""
        for case in cases:
            lost = restore(self.host, case) if case.wrote else None
            same = "Its drop-in is as it was." if case.restarted else UNTOUCHED
            case.fail("%s. %s" % (text(case).rstrip("."), lost or ("Its earlier drop-in was put back." if case.wrote else same)))

    def _verify_files(self) -> None:
        """Before the reload nothing is in force yet: systemd's own reader looks at what was written."""
        written = [case for case in self._continuing() if case.wrote and case.steps.write and case.current.state is not None and case.current.exists]
        if not written or not self.context.booted:
            return
        message = manager.complaints(self.host, [case.name for case in written], [case.current.path for case in written])
        self._back([case for case in written if case.current.path in message], lambda case: "systemd-analyze: %s" % message[case.current.path])

    def _reload(self) -> None:
        todo = [case for case in self._continuing() if case.steps.reload]
        if not todo:
            return
        ours = {name for case in self.cases for name in [case.name] + [state.id for state in case.current.running]}
        pending = self._pending(todo[0], ours)
        try:
            manager.reload(self.host)
        except ManagerError as exc:
            reason = str(exc)
            self._back(todo, lambda case: reason)
            return
        for case in todo:
            case.reloaded = True
        # A masked unit, or one with a dangling drop-in, wants a reload for ever.
        others = sorted(pending - self._pending(todo[0], ours)) if pending else []
        if others:
            more = " and %d more" % (len(others) - _NAMED) if len(others) > _NAMED else ""
            todo[0].notes.append("the reload brought changed files of other units into force too: %s%s" % (", ".join(others[:_NAMED]), more))
        self._refresh()
        for case in self._continuing():
            for state in case.current.running if case.reloaded and case.current.asked else ():
                if state.id not in case.options:
                    register_new_instance(self.context, case, state)
        self._take_back_what_does_not_load()
        not_loaded = [case for case in self._continuing() if case.request.state == "present" and self._unread(case)]
        if not_loaded:
            self._back(not_loaded, lambda case: "; ".join(gap.text for gap in self._unread(case)))
            manager.reload(self.host)
            self._refresh()

    def _take_back_what_does_not_load(self) -> None:
        """A unit that systemd had loaded, and does not load any more with our file, would never start again: whatever the reason."""
        broken = [case for case in self._continuing() if case.wrote and self._newly_broken(case)]
        if not broken:
            return
        message = "with our change systemd does not load %s any more (%s); `systemd-analyze verify` on a copy of the unit says why"
        reasons = {case.name: message % (state.id, state.get("LoadState")) for case in broken for state in self._newly_broken(case)[:1]}
        self._back(broken, lambda case: reasons[case.name])
        manager.reload(self.host)
        self._refresh()
        for case in broken:
            if self._newly_broken(case):
                case.error = "%s systemd does not load it now either." % case.error

    def _newly_broken(self, case: Case) -> List[UnitState]:
        return [state for state in case.current.not_loadable if state.id in self._loadable]

    def _pending(self, case: Case, ours: Set[str]) -> Set[str]:
        """Units of others that a reload will bring new files to. Not known is no reason to stop, and is said."""
        try:
            return set(manager.pending_reload(self.host)) - ours
        except ManagerError as exc:
            case.notes.append("which changed files of other units the reload brings into force cannot be told: %s" % exc)
            return set()

    def _refresh(self) -> None:
        for case, current in zip(self.cases, refreshed(self.host, [case.current for case in self.cases])):
            case.current = current

    def _unread(self, case: Case) -> List[Gap]:
        """systemd has read the files again and still has something else."""
        return not_read_gaps(case.current, case.request.settings, case.origins_of, self.context.ram)

    def _restart(self) -> None:
        names = {name: case for case in self._continuing() for name in case.steps.restart}
        if not names:
            return
        order = sorted(names)
        for name in order:
            names[name].restarted.append(name)
        failures = restart_and_watch(self.host, order, self.context.overrides.settle, self.context.overrides.restart_timeout)
        failed = {name: failure for name, failure in zip(order, failures) if failure is not None}
        self._refresh()
        for case in self._continuing():
            for state in case.current.running:
                if state.id in case.restarted and state.id not in failed and case.steps.score is not None:
                    wait_for_score(self.context, case, state)
        if failed:
            self._undo(list(dict.fromkeys(names[name] for name in failed)), failed)

    def _undo(self, cases: Sequence[Case], failures: Dict[str, str]) -> None:
        """Restarted, and now ill: the earlier bytes, a reload and a restart that StartLimitBurst= must not refuse.

        Of a template every instance that was restarted: those that live have the new file's score.
        """
        self._back(
            cases,
            lambda case: "after the restart %s" % "; ".join(_failure_of(case, name, failures[name]) for name in case.restarted if name in failures),
        )
        try:
            manager.reload(self.host)
            for case in cases:
                for name in case.restarted:
                    manager.reset_failed(self.host, name)
                    message = manager.restart(self.host, name, self.context.overrides.restart_timeout)
                    state = manager.states(self.host, [name])[0]
                    who = "It" if name == case.name else name
                    now = state.get("ActiveState") + (" again" if state.is_active else "")
                    case.error = "%s %s is %s%s." % (case.error, who, now, " (%s)" % message.rstrip(".") if message else "")
            self._refresh()
            for case in cases:  # those of the restart that failed are gone
                reread(self.context, case)
        except ManagerError as exc:
            for case in cases:
                case.error = "%s systemd did not take the earlier state back: %s." % (case.error, exc)


def _reason(exc: Exception) -> str:
    return describe(exc) if isinstance(exc, OSError) else str(exc)


def _why(exc: Exception) -> str:
    """Without the number, and the temporary file's name."""
    return describe(OSError(exc.errno, exc.strerror)) if isinstance(exc, OSError) else str(exc)


def _failure_of(case: Case, name: str, failure: str) -> str:
    """Of a template, which instance."""
    return failure if name == case.name else "%s: %s" % (name, failure)
