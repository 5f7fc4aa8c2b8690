# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the steps of a plan, one after the other. Each is looked at afterwards, in the kernel's files."""

import errno
import os
from typing import Callable, Dict, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .activate import activate, deactivate
from .areas import area_of, read_areas
from .checks import check_file
from .fstab import read as read_fstab
from .fstab import update
from .headroom import elsewhere, read_memory, shortfall
from .make import link_to_temporary, make, partial_name, selinux_enabled, set_label, temporary_name
from .plan import Step, Target, changed_fstab
from .state import SwapFile, read_file


class Timer(NamedTuple):
    """The end of a temporary swap file, kept by systemd."""

    scheduled: Callable[[Host, str], Optional[float]]
    schedule: Callable[[Host, str, float], None]
    cancel: Callable[[Host, str], bool]


class StepContext(NamedTuple):
    """What every step needs. folder -- None where it is not there: then no step touches a file"""

    host: Host
    folder: Optional[Folder]
    path: str
    target: Target
    fstype: str
    timer: Timer

    @property
    def open_folder(self) -> Folder:
        if self.folder is None:
            raise ExecutionError("the directory of %s is not there" % printable(self.path))
        return self.folder

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def _look(context: StepContext, path: str) -> Optional[SwapFile]:
    return read_file(context.host, context.open_folder, os.path.basename(path), temporary_name(context.name))


def _look_again(context: StepContext, path: str) -> None:
    """At what is to go: never an area in use, never what is not a swap file."""
    file = _look(context, path)
    check_file(file, path, signature_needed=os.path.basename(path) != partial_name(context.name))
    if file is not None and (file.in_use or area_of(read_areas(context.host), file.identity) is not None):
        raise ExecutionError("%s is in use and was not removed" % printable(path), errno.EBUSY)


def _make(context: StepContext, path: str, size: int, zeros: bool = False, over: bool = False) -> None:
    if over:
        _look_again(context, path)
    # one name for every file in the making: at most one is left by an interrupted run
    make(
        context.host,
        context.open_folder,
        os.path.basename(path),
        size,
        context.fstype,
        zeros,
        partial_name(context.name),
        over,
    )


def _remove(context: StepContext, path: str) -> None:
    _look_again(context, path)
    context.open_folder.remove(os.path.basename(path))


def _link(context: StepContext) -> None:
    """Only to a temporary area that is there."""
    _look_again(context, context.path)
    if _look(context, os.path.join(context.open_folder.path, temporary_name(context.name))) is None:
        raise ExecutionError("no temporary swap file can replace %s" % printable(context.path))
    link_to_temporary(context.open_folder, context.name, context.fstype)


def _drop(context: StepContext, path: str) -> bool:
    """The file that the kernel does not take goes, unless a line of fstab needs its name. Whether something still has
    the name.
    """
    temporary = _look(context, os.path.join(context.open_folder.path, temporary_name(context.name)))
    if (
        path == context.path
        and temporary is not None
        and area_of(read_areas(context.host), temporary.identity) is not None
    ):
        _link(context)
        return True
    if path == context.path and read_fstab(context.host).swap_entry(path) is not None:
        return True
    _remove(context, path)
    return False


def _activate(context: StepContext, step: Step) -> None:
    try:
        activate(context.host, step.path, step.priority, step.discard)
        return
    except ExecutionError as exc:
        file = _look(context, step.path)
        if exc.errno != errno.EINVAL or file is None:
            raise
    # The kernel does not take what the file system reserved (f2fs, old xfs) or moves about (btrfs): write every block,
    # once.
    over = _drop(context, step.path)
    _make(context, step.path, file.size, zeros=True, over=over)
    try:
        activate(context.host, step.path, step.priority, step.discard)
    except ExecutionError as exc:
        _drop(context, step.path)
        raise ExecutionError("%s, with every block written too; the kernel's log (dmesg) says why" % exc, exc.errno)


def _deactivate(context: StepContext, path: str) -> None:
    """The last look at the room is right before the kernel is asked: memory goes fast where swap is wanted."""
    file = _look(context, path)
    areas, memory = read_areas(context.host), read_memory(context.host)
    area = area_of(areas, file.identity) if file is not None else None
    if area is None:
        return
    shortage = (
        "/proc/meminfo cannot be read"
        if memory is None
        else shortfall(area.used, memory.available, elsewhere(areas, area.identity))
    )
    if shortage is not None:
        raise ExecutionError("%s cannot be turned off now: %s" % (printable(path), shortage))
    deactivate(context.host, path)


def _secure(context: StepContext, path: str) -> None:
    fd = os.open(
        os.path.basename(path),
        os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
        dir_fd=context.open_folder.fd,
    )
    try:
        os.fchmod(fd, 0o600)
        if selinux_enabled(context.host):
            set_label(fd)
    finally:
        os.close(fd)


def _reload(host: Host) -> None:
    ran = host.run(["systemctl", "daemon-reload"])
    if ran.returncode != 0:
        host.warn(
            "/etc/fstab is changed, but systemd did not read it: %s. Run systemctl daemon-reload."
            % (ran.stderr.strip() or "no reason given")
        )


def _update_fstab(context: StepContext, step: Step) -> None:
    update(context.host, lambda table: changed_fstab(step.options, context.path, table), locked=True)


def _schedule(context: StepContext, step: Step) -> None:
    if context.target.expires_at is not None:
        context.timer.schedule(context.host, step.path, context.target.expires_at)


_ACTIONS = {
    "make": lambda context, step: _make(context, step.path, step.size, over=step.over),
    "link": lambda context, step: _link(context),
    "remove": lambda context, step: _remove(context, step.path),
    "secure": lambda context, step: _secure(context, step.path),
    "activate": _activate,
    "deactivate": lambda context, step: _deactivate(context, step.path),
    "fstab": _update_fstab,
    "reload": lambda context, step: _reload(context.host),
    "arm": _schedule,
    "disarm": lambda context, step: context.timer.cancel(context.host, step.path),
}  # type: Dict[str, Callable[[StepContext, Step], object]]


def run_step(context: StepContext, step: Step) -> None:
    """Raises ExecutionError, PreconditionError or FstabError. A step that is done already, by an earlier run,
    is done.
    """
    try:
        _ACTIONS[step.action](context, step)
    except OSError as exc:
        raise ExecutionError(describe(exc, step.path), exc.errno or 0)
