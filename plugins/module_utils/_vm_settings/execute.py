# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps: the settings of the running kernel and our file are changed and read back, and are the old ones again
where something failed.
"""

import errno
import os
import time
from typing import List

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath

from .plan import Step, restore_order
from .precedence import FOLDER, NAME, OURS
from .state import VM, VmState, open_sysctl_folder, read_conf, read_number
from .tuned import profile

_HINTS = {
    errno.EROFS: "it is read-only here",
    errno.EACCES: "only root may",
    errno.EPERM: "only root may",
    errno.EINVAL: "the kernel does not take the value",
}


def _set(host: Host, key: str, value: int) -> None:
    """Write and read back: the kernel's file is the proof. Raises ExecutionError."""
    try:
        fd = os.open(host.path(VM + key), os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(fd, b"%d\n" % value)
        finally:
            os.close(fd)
    except OSError as exc:
        raise ExecutionError(
            "vm.%s could not be set to %d: %s" % (key, value, _HINTS.get(exc.errno or 0, exc.strerror or str(exc)))
        )
    now = read_number(host, VM + key)
    if now != value:
        raise ExecutionError("vm.%s was set to %d and is %s" % (key, value, now))


def _write(host: Host, step: Step) -> None:
    try:
        folder = open_sysctl_folder(host, create=True)
        if folder is None:
            raise ExecutionError("there is no %s" % FOLDER)
        with folder:
            if step.data is None:
                folder.remove(NAME)
            else:
                folder.replace(NAME, step.data, 0o644)
        if read_conf(host) != step.data:
            raise ExecutionError("%s is not what was written" % OURS)
    except (OSError, UnsafePath) as exc:
        raise ExecutionError("%s could not be written: %s" % (OURS, describe(exc) if isinstance(exc, OSError) else exc))


def _back(host: Host, before: VmState, keys: List[str]) -> str:
    """The old values again, all of them, and a sentence that says whether they are."""
    wrong = []  # type: List[str]
    for key in restore_order(before.live, keys):
        value = before.live[key]
        if value is not None and read_number(host, VM + key) != value:
            try:
                _set(host, key, value)
            except ExecutionError as exc:
                wrong.append(str(exc))
    try:
        written = read_conf(host) != before.conf
    except (OSError, UnsafePath):
        written = True
    file = "%s may have the new ones" % OURS if written else "nothing was written"  # renamed, and then the disk failed
    if wrong:
        return "The old values could not all be set again: %s; %s." % ("; ".join(wrong), file)
    return "The old values are set again, and %s." % file


def execute(host: Host, before: VmState, steps: List[Step], settle: float) -> None:
    """All of it or nothing. Raises ExecutionError."""
    done = []  # type: List[str]
    try:
        for step in steps:
            if step.action == "live":
                done.append(step.key)
                _set(host, step.key, step.value)
        if settle and done:
            time.sleep(settle)
        for step in steps:
            if step.action == "live" and read_number(host, VM + step.key) != step.value:
                raise ExecutionError(
                    "vm.%s was set to %d and is %s after %g s: something else sets it%s"
                    % (step.key, step.value, read_number(host, VM + step.key), settle, _tuned_words(host))
                )
        for step in steps:
            if step.action != "live":
                _write(host, step)
    except ExecutionError as exc:
        raise ExecutionError("%s. %s" % (str(exc).rstrip("."), _back(host, before, done)))


def _tuned_words(host: Host) -> str:
    name = profile(host)
    return ", perhaps tuned with its profile %s" % name if name else ""
