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
from .files import on_disk, remove_leftovers, restore, write_or_remove
from .gaps import Gap, not_read_gaps
from .live import enforce, set_scores, wait_for_score
from .params import UNTOUCHED, Overrides, Request
from .plan_unit import prepare_on
from .restart import restart_and_watch
from .run_record import record
from .state import refreshed
from .unit_run import UnitRun
from .verify import reread, verify

_NAMED = 20
_HALFWAY = "It was left halfway; the next run goes on from there."
_BROKEN = (OSError, UnsafePath, ManagerError)


class ProtectError(Exception):
    """Nothing could be done for any unit; the text says why and what was left untouched."""


def protect(host: Host, requests: Sequence[Request], overrides: Overrides, check: bool) -> List[UnitRun]:
    """Every request carried out or refused, one by one. Raises ParamsError, ProtectError."""
    try:
        if check:
            context = RunContext(host, overrides)
            runs = [UnitRun(plan) for plan in prepare_on(context, requests)]
            verify(context, [run for run in runs if run.continues and not run.steps])
            return runs
        with host_lock(host):
            context = RunContext(host, overrides)
            runs = [UnitRun(plan) for plan in prepare_on(context, requests)]
            _Run(context, [run for run in runs if run.continues]).all()
            return runs
    except LockError as exc:
        raise ProtectError(str(exc))
    except PermissionError as exc:
        raise ProtectError("this needs root (become: true): %s. %s" % (exc.strerror, UNTOUCHED))
    except _BROKEN as exc:
        raise ProtectError("%s. %s" % (_reason(exc), UNTOUCHED))


class _Run:
    """The stages, in their order. A unit that fails leaves; the others go on."""

    def __init__(self, context: RunContext, runs: List[UnitRun]) -> None:
        self.context = context
        self.host = context.host
        self.runs = runs
        self._loadable = {
            state.id for run in runs for state in run.current.states if state.exists and not state.is_broken
        }

    def _continuing(self) -> List[UnitRun]:
        return [run for run in self.runs if run.continues]

    def all(self) -> None:
        try:
            self._stages()
        except _BROKEN as exc:  # systemd or the kernel does not answer any more, halfway
            for run in self._continuing():
                run.fail("%s. %s" % (_reason(exc), _HALFWAY if run.did_something else UNTOUCHED))

    def _stages(self) -> None:
        self._remember()
        self._write()
        self._verify_files()
        self._reload()
        enforce(self.context, self._continuing())
        set_scores(self.context, [run for run in self._continuing() if not run.steps.restart])
        self._restart()
        set_scores(
            self.context, [run for run in self._continuing() if run.steps.restart]
        )  # what must not be restarted beside what was
        verify(self.context, self._continuing())

    def _remember(self) -> None:
        """The scores and limits of now, before the change makes them the past: an interrupted run still knows them."""
        for run in self._continuing():
            score = run.steps.score
            for state in run.current.running if run.steps else ():
                options = run.options.get(state.id, [])
                if score is None and not options:
                    continue
                # The new one too: who has it has it from us, also when a person takes our file away by hand.
                scores = (
                    None
                    if score is None
                    else previous_scores_of(self.context, run, state, score) | {wanted_score(run, state)}
                )
                try:
                    record(self.host, state, scores, options)
                except _BROKEN as exc:
                    run.fail("%s. %s" % (_reason(exc), UNTOUCHED))

    def _write(self) -> None:
        for run in self._continuing():
            if run.steps.changes_file or run.steps.clear:
                try:
                    if run.steps.clear:
                        remove_leftovers(self.host, run)
                    else:
                        write_or_remove(self.host, run)
                except _BROKEN as exc:
                    self._not_written(
                        run,
                        "%s could not be %s: %s"
                        % (run.current.path, "written" if run.steps.write else "removed", _why(exc)),
                    )

    def _not_written(self, run: UnitRun, text: str) -> None:
        """The error may have come after the rename: the disk says whether something was changed."""
        before = run.current.before
        try:
            if on_disk(self.host, run) != (before.data if before is not None else None):
                run.file_changed()
        except _BROKEN:
            pass
        self._back([run], lambda run: text)

    def _back(self, runs: Sequence[UnitRun], text: Callable[[UnitRun], str]) -> None:
        """The earlier bytes for these, and the reason."""
        for run in runs:
            lost = restore(self.host, run) if run.wrote else None
            same = "Its drop-in is as it was." if run.restarted else UNTOUCHED
            run.fail(
                "%s. %s" % (text(run).rstrip("."), lost or ("Its earlier drop-in was put back." if run.wrote else same))
            )

    def _verify_files(self) -> None:
        """Before the reload nothing is in force yet: systemd's own reader looks at what was written."""
        written = [
            run
            for run in self._continuing()
            if run.wrote and run.steps.write and run.current.state is not None and run.current.exists
        ]
        if not written or not self.context.booted:
            return
        message = manager.complaints(self.host, [run.name for run in written], [run.current.path for run in written])
        self._back(
            [run for run in written if run.current.path in message],
            lambda run: "systemd-analyze: %s" % message[run.current.path],
        )

    def _reload(self) -> None:
        todo = [run for run in self._continuing() if run.steps.reload]
        if not todo:
            return
        ours = {name for run in self.runs for name in [run.name] + [state.id for state in run.current.running]}
        pending = self._pending(todo[0], ours)
        try:
            manager.reload(self.host)
        except ManagerError as exc:
            reason = str(exc)
            self._back(todo, lambda run: reason)
            return
        for run in todo:
            run.systemd_reloaded()
        # A masked unit, or one with a dangling drop-in, wants a reload for ever.
        others = sorted(pending - self._pending(todo[0], ours)) if pending else []
        if others:
            more = " and %d more" % (len(others) - _NAMED) if len(others) > _NAMED else ""
            todo[0].note(
                "the reload brought changed files of other units into force too: %s%s"
                % (", ".join(others[:_NAMED]), more)
            )
        self._refresh()
        for run in self._continuing():
            for state in run.current.running if run.reloaded and run.current.asked else ():
                if state.id not in run.options:
                    register_new_instance(self.context, run, state)
        self._take_back_what_does_not_load()
        not_loaded = [run for run in self._continuing() if run.request.state == "present" and self._unread(run)]
        if not_loaded:
            self._back(not_loaded, lambda run: "; ".join(gap.text for gap in self._unread(run)))
            manager.reload(self.host)
            self._refresh()

    def _take_back_what_does_not_load(self) -> None:
        """A unit that systemd had loaded, and does not load any more with our file, would never start again: whatever
        the reason.
        """
        broken = [run for run in self._continuing() if run.wrote and self._newly_broken(run)]
        if not broken:
            return
        reasons = {run.name: _not_loaded(state) for run in broken for state in self._newly_broken(run)[:1]}
        self._back(broken, lambda run: reasons[run.name])
        manager.reload(self.host)
        self._refresh()
        for run in broken:
            if self._newly_broken(run):
                run.add_to_error("systemd does not load it now either.")

    def _newly_broken(self, run: UnitRun) -> List[UnitState]:
        present = run.request.state == "present"
        lost = [state for state in run.current.states if state.is_broken or (present and not state.exists)]
        return [state for state in lost if state.id in self._loadable]

    def _pending(self, run: UnitRun, ours: Set[str]) -> Set[str]:
        """Units of others that a reload will bring new files to. Not known is no reason to stop, and is said."""
        try:
            return set(manager.pending_reload(self.host)) - ours
        except ManagerError as exc:
            run.note("which changed files of other units the reload brings into force cannot be told: %s" % exc)
            return set()

    def _refresh(self) -> None:
        for run, current in zip(self.runs, refreshed(self.host, [run.current for run in self.runs])):
            run.see_unit(current)

    def _unread(self, run: UnitRun) -> List[Gap]:
        """systemd has read the files again and still has something else."""
        return not_read_gaps(run.current, run.request.settings, run.origins_of, self.context.ram)

    def _restart(self) -> None:
        names = {name: run for run in self._continuing() for name in run.steps.restart}
        if not names:
            return
        order = sorted(names)
        for name in order:
            names[name].restart_begins(name)
        failures = restart_and_watch(
            self.host, order, self.context.overrides.settle, self.context.overrides.restart_timeout
        )
        failed = {name: failure for name, failure in zip(order, failures) if failure is not None}
        self._refresh()
        for run in self._continuing():
            for state in run.current.running:
                if state.id in run.restarted and state.id not in failed and run.steps.score is not None:
                    wait_for_score(self.context, run, state)
        if failed:
            self._undo(list(dict.fromkeys(names[name] for name in failed)), failed)

    def _undo(self, runs: Sequence[UnitRun], failures: Dict[str, str]) -> None:
        """Restarted, and now ill: the earlier bytes, a reload and a restart that StartLimitBurst= must not refuse.

        Of a template every instance that was restarted: those that live have the new file's score.
        """
        self._back(
            runs,
            lambda run: "after the restart %s"
            % "; ".join(_failure_of(run, name, failures[name]) for name in run.restarted if name in failures),
        )
        try:
            manager.reload(self.host)
            for run in runs:
                for name in run.restarted:
                    manager.reset_failed(self.host, name)
                    message = manager.restart(self.host, name, self.context.overrides.restart_timeout)
                    state = manager.states(self.host, [name])[0]
                    who = "It" if name == run.name else name
                    now = state.get("ActiveState") + (" again" if state.is_active else "")
                    run.add_to_error("%s is %s%s." % (who, now, " (%s)" % message.rstrip(".") if message else ""))
            self._refresh()
            for run in runs:  # those of the restart that failed are gone
                reread(self.context, run)
        except ManagerError as exc:
            for run in runs:
                run.add_to_error("systemd did not take the earlier state back: %s." % exc)


def _not_loaded(state: UnitState) -> str:
    if not state.exists:
        return "the reload left nothing of %s: its unit file, or what a generator makes it of, is gone" % state.id
    message = (
        "with our change systemd does not load %s any more (%s); `systemd-analyze verify` on a copy of the unit says"
        " why"
    )
    return message % (state.id, state.get("LoadState"))


def _reason(exc: Exception) -> str:
    return describe(exc) if isinstance(exc, OSError) else str(exc)


def _why(exc: Exception) -> str:
    """Without the number, and the temporary file's name."""
    return describe(OSError(exc.errno, exc.strerror)) if isinstance(exc, OSError) else str(exc)


def _failure_of(run: UnitRun, name: str, failure: str) -> str:
    """Of a template, which instance."""
    return failure if name == run.name else "%s: %s" % (name, failure)
