# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction of vm settings: params, state, plan, checks, execute, verify, result. Check mode ends before
execute.
"""

from contextlib import ExitStack
from typing import Any, Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock
from ansible_collections.memops.linux.plugins.module_utils._procfs import container, parse_meminfo
from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

from . import checks
from .execute import execute
from .keys import kernel_version, names_of, wanted_of
from .params import Params
from .plan import Step, plan, plan_absent
from .precedence import FOLDER, OURS
from .result import diff_of
from .state import VM, VmState, read_number, read_state
from .tuned import profile
from .verify import verify


def _check(host: Host, state: VmState, params: Params) -> List[Step]:
    """The plan, when nothing speaks against it. Raises PreconditionError."""
    if not params.present:
        steps = plan_absent(state.conf, list(names_of(params.settings)))
        checks.writable(host.path(VM), host.path(FOLDER), {step.action for step in steps})
        return steps
    meminfo = parse_meminfo(to_text(host.read("/proc/meminfo") or b""))
    release = to_text(host.read("/proc/sys/kernel/osrelease") or b"").strip()
    wanted = wanted_of(params.settings, kernel_version(release), meminfo.get("MemTotal"))
    for key in wanted:
        if state.live.get(key) is None:
            raise PreconditionError(
                "settings: this kernel (%s) has no vm.%s, or it may not be read. Nothing was changed."
                % (printable(release), key)
            )
    checks.container(container(host), params.allow_shared_kernel)
    checks.panic(wanted, params.allow_panic)
    steps = plan(state.live, state.conf, wanted)
    if steps:
        checks.writable(host.path(VM), host.path(FOLDER), {step.action for step in steps})
        checks.commit(meminfo, state.live, wanted, params.allow_low_commit_limit)
    return steps


def _panic_timeout(host: Host, params: Params) -> Optional[int]:
    """kernel.panic, and a warning where a panic would be the end: 0 is no reboot."""
    timeout = read_number(host, "/proc/sys/kernel/panic")
    mode = names_of(params.settings).get("panic_on_oom")
    if params.present and mode is not None and int(mode) and timeout == 0:
        host.warn(
            "panic_on_oom=%s, and kernel.panic is 0: after a panic the host stays as it is and does not boot again"
            % mode
        )
    return timeout


def apply(host: Host, params: Params, check_mode: bool) -> Dict[str, Any]:
    """Raises PreconditionError and ExecutionError."""
    done = False
    try:
        with ExitStack() as stack:
            if not check_mode:
                stack.enter_context(host_lock(host))
            before = read_state(host)
            steps = _check(host, before, params)
            if steps and not check_mode:
                execute(host, before, steps, params.settle)
                done = True
            after = read_state(host)
    except LockError as exc:
        raise PreconditionError(str(exc))
    except (UnsafePath, OSError) as exc:
        raise _unreadable(exc, done)
    settings, shadowed = verify(host, before, after, params, steps)
    for sentence in shadowed:
        host.warn(sentence)
    return {
        "changed": bool(steps),
        "plan": [step.text for step in steps],
        "settings": settings,
        "verified": all(one["verified"] for one in settings.values()),
        "shadowed": shadowed,
        "file": OURS,
        "kernel_panic": _panic_timeout(host, params),
        "tuned_profile": profile(host),
        "diff": diff_of(before, steps),
    }


def _unreadable(exc: Exception, done: bool) -> Exception:
    """Our file could not be looked at: before anything was changed, or after all of it was."""
    reason = describe(exc) if isinstance(exc, OSError) else str(exc)
    if done:
        return ExecutionError(
            "the settings are set and %s is written, but it could not be read again: %s. Run again to see what stands."
            % (OURS, reason)
        )
    if isinstance(exc, UnsafePath):
        text = (
            "%s. Nothing was changed: nothing is written through a link or where others than root may write. Mend that,"
            " or set them where it comes from."
        )
        return PreconditionError(text % reason)
    return ExecutionError("%s. Nothing was changed." % reason)
