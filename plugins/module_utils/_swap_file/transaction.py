# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction of one swap file.

Theory of operation
===================

A run goes one way through the files of this room::

    params.py   the options, checked one by one; nothing of the host
    state.py    what is there: the file, its area in /proc/swaps, the temporary area and the partial file of an
    interrupted run, the line in
                fstab, the timer, units, disk and memory. Read only. What cannot be read is None or an error, never "not
                there"
    target.py   the options in numbers of this host: bytes, priority, the fourth field of the line
    plan.py     from state to target: steps, in an order in which the host never has less swap than before and after.
    Pure checks.py   everything that can be known to fail: room in memory for a swapoff, disk, file system, kubelet,
    hibernation, units, timer execute.py  one step after the other, each looked at in the kernel's own files
    verify.py   the state is read again, and the plan from it has to be empty
    result.py   steps, facts and the diff

Check mode ends before execute.py, so it has read and refused all that a run would. ``changed`` is whether the plan has
steps.

Three things make it safe to be killed, or to lose power, anywhere:

* A file in the making has no name (O_TMPFILE), or one fixed name (``.NAME.memops-half``); it gets its own name in one
  call, when it is whole and on disk. What is found under the fixed name is an interrupted run's and goes first.
* A file in use cannot be exchanged, so a temporary area (``.NAME.memops-bridge``) takes over: it is activated, the file
  is turned off, its name becomes a symbolic link to the temporary area, the new file takes the place of the link, is
  activated, and the temporary area goes. The name in fstab leads to a whole swap file at every moment. The state tells
  where an interrupted run stopped, and the plan goes on there.
* fstab is exchanged in one call, and what was swapped out is looked at (fstab.py).

A swapoff without room kills everything and then panics the kernel. So the room is reckoned before the first step, and
again right before each swapoff, and there is no option against it. When a step fails, ``_go_back`` leaves or gives back
the swap that the host had, and says what stands. All of this is under the lock of the host; the script of
expiry_script.py, which has no Python, takes the same lock and the same care.
"""

import os
import time
from contextlib import ExitStack
from typing import List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder, UnsafePath, open_folder
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .checks import check, check_areas, check_file
from .execute import StepContext, Timer, run_step
from .fstab import read as read_fstab
from .fstab_lines import FstabError
from .own_subvolume import above, as_if_made, check_own, going, making
from .own_subvolume import make as make_subvolume
from .own_subvolume import remove as remove_subvolume
from .params import Params
from .plan import Step, Target, has_valid_header
from .result import Outcome, before_and_after
from .state import SwapState, read_state
from .target import choose_plan, target_of
from .verify import verify
from .warnings import warnings


def _look(host: Host, folder: Optional[Folder], params: Params, timer: Timer) -> SwapState:
    return read_state(host, folder, params.path, read_fstab(host), timer.scheduled(host, params.path))


def _go_back(context: StepContext, was: SwapState) -> str:
    """After a failed step: the host keeps, or gets again, the swap that it had. Says what stands."""
    state = read_state(context.host, context.folder, was.path, was.fstab, None)
    name, temporary = printable(was.path), printable(was.temporary_path)
    if was.area is None and was.temporary_area is None:
        if (
            was.file is None
            and not was.links_to_temporary
            and state.file is not None
            and state.area is None
            and context.target.present
        ):
            run_step(context, Step("remove", was.path, "remove %s again" % name))
        return "%s is %s" % (name, "in use" if state.area is not None else "not in use")
    if (
        state.area is None
        and state.file is not None
        and has_valid_header(state.file, state.page)
        and context.target.present
    ):
        run_step(
            context,
            Step(
                "activate",
                was.path,
                "swap to %s again" % name,
                priority=was.area.priority if was.area and was.area.priority >= 0 else None,
            ),
        )
        state = read_state(context.host, context.folder, was.path, was.fstab, None)
    if state.temporary_area is not None and state.area is not None:
        run_step(context, Step("deactivate", was.temporary_path, "stop swapping to %s" % temporary))
        state = state._replace(temporary_area=None)
    if state.temporary is not None and state.temporary_area is None:
        run_step(context, Step("remove", was.temporary_path, "remove %s" % temporary))
    if state.area is not None:
        return "%s is in use, with %s" % (name, human(state.area.size))
    if state.temporary_area is not None:
        return "the host swaps to %s instead, until a run of swap_file succeeds" % temporary
    return "%s is not in use" % name


def _act(context: StepContext, state: SwapState, steps: List[Step]) -> None:
    done = 0
    try:
        for step in steps:
            run_step(context, step)
            done += 1
    except (ExecutionError, PreconditionError, FstabError) as exc:
        try:
            stands = _go_back(context, state)
        except (ExecutionError, PreconditionError, FstabError, UnsafePath, OSError) as second:
            stands = "going back failed as well: %s" % str(second).rstrip(".")
        text = "step %d of %d (%s) failed: %s. Now %s. Run again when the cause is gone."
        raise ExecutionError(text % (done + 1, len(steps), steps[done].text, str(exc).rstrip("."), stands))


def _in_folder(host: Host, params: Params, folder: Optional[Folder], check_mode: bool, timer: Timer) -> Outcome:
    state = _look(host, folder, params, timer)
    check_areas(state)
    new = folder is None and params.present
    if new:
        state = _state_of_what_is_to_be_made(host, params, timer)
    elif params.own_subvolume and params.present:
        check_own(state)
    for file, path, area in (
        (state.file, params.path, state.area),
        (state.temporary, state.temporary_path, state.temporary_area),
    ):
        # killed between its new name and the end of its old one
        names = 2 if file is not None and state.partial is not None and file.identity == state.partial.identity else 1
        check_file(file, path, active=area is not None, names=names)
    check_file(state.partial, state.partial_path, signature_needed=False)
    target = target_of(params, state, time.time())
    steps = choose_plan(params, state, target)
    check(host, params, state, steps)
    before, after = before_and_after(state, target)
    for text in warnings(host, state, steps, target):
        host.warn(text)
    last = going(state, folder, params.own_subvolume) if not params.present else None
    if steps and not check_mode:
        state = _carry_out(host, params, folder, timer, (state, target, steps))
    if last is not None and not check_mode:
        left = remove_subvolume(host, params.path)
        if left is not None:
            host.warn(left)
    return Outcome(
        ([making(params.path)] if new else []) + steps + ([last] if last else []), state, target, before, after
    )


def _state_of_what_is_to_be_made(host: Host, params: Params, timer: Timer) -> SwapState:
    if not params.own_subvolume:
        raise PreconditionError(
            "the directory %s is not there. Nothing was changed; make it first."
            % printable(os.path.dirname(params.path))
        )
    with above(host, params.path) as folder:
        return as_if_made(_look(host, folder, params, timer))


def _carry_out(
    host: Host,
    params: Params,
    folder: Optional[Folder],
    timer: Timer,
    plan: Tuple[SwapState, Target, List[Step]],
) -> SwapState:
    """The state afterwards. A directory that is made for it goes again where the rest fails."""
    state, target, steps = plan
    fstype = state.mount.fstype if state.mount is not None else ""
    if folder is None and params.present:
        with above(host, params.path) as parent:
            make_subvolume(parent, params.path)
        with ExitStack() as stack:
            made = open_folder(os.path.dirname(params.path), root=host.root)
            if made is None:
                raise ExecutionError("the directory %s was made and is gone" % printable(os.path.dirname(params.path)))
            stack.enter_context(made)
            try:
                return _carry_out(host, params, made, timer, plan)
            except ExecutionError:
                remove_subvolume(host, params.path)
                raise
    _act(StepContext(host, folder, params.path, target, fstype, timer), state, steps)
    state = _look(host, folder, params, timer)
    verify(state, target, steps)
    return state


def run(host: Host, params: Params, check_mode: bool, timer: Timer) -> Outcome:
    """Raises PreconditionError, ExecutionError, FstabError, ValueError; the text is for people."""
    try:
        with ExitStack() as stack:
            if not check_mode:
                stack.enter_context(host_lock(host))
            folder = open_folder(os.path.dirname(params.path), root=host.root)
            if folder is not None:
                stack.enter_context(folder)
            return _in_folder(host, params, folder, check_mode, timer)
    except UnsafePath as exc:
        raise PreconditionError("%s. Nothing was changed; choose a path that only root can change." % exc)
    except LockError as exc:
        raise PreconditionError(str(exc))
    except PermissionError as exc:
        raise PreconditionError("%s: %s. Nothing was changed; become root." % (printable(params.path), exc.strerror))
    except OSError as exc:
        raise ExecutionError("%s: %s. Run again when the cause is gone." % (printable(params.path), describe(exc)))
