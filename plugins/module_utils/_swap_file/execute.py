# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the steps of a plan, one after the other. Each is looked at afterwards, in the kernel's files."""

import errno
import os
from typing import Callable, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import Failed, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .activate import activate, deactivate
from .areas import area_of, read_areas
from .checks import check_file
from .fstab import read as read_fstab
from .fstab import update
from .headroom import elsewhere, read_memory, shortfall
from .make import bridge_name, half_name, make, selinux_enabled, set_label, stand_in
from .plan import Step, Target, changed_fstab
from .state import SwapFile, read_file


class Timer(NamedTuple):
    """The end of a temporary swap file, kept by systemd."""

    armed: Callable[[Host, str], Optional[float]]
    arm: Callable[[Host, str, float], None]
    disarm: Callable[[Host, str], bool]


class Work(NamedTuple):
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
            raise Failed("the folder of %s is not there" % printable(self.path))
        return self.folder

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def _look(work: Work, path: str) -> Optional[SwapFile]:
    return read_file(work.host, work.open_folder, os.path.basename(path), bridge_name(work.name))


def _look_again(work: Work, path: str) -> None:
    """At what is to go: never an area in use, never what is not a swap file."""
    file = _look(work, path)
    check_file(file, path, mark_needed=os.path.basename(path) != half_name(work.name))
    if file is not None and (file.in_use or area_of(read_areas(work.host), file.identity) is not None):
        raise Failed("%s is in use and was not removed" % printable(path), errno.EBUSY)


def _make(work: Work, path: str, size: int, zeros: bool = False, over: bool = False) -> None:
    if over:
        _look_again(work, path)
    # one name for every file in the making: at most one is left by an interrupted run
    make(work.host, work.open_folder, os.path.basename(path), size, work.fstype, zeros, half_name(work.name), over)


def _remove(work: Work, path: str) -> None:
    _look_again(work, path)
    work.open_folder.remove(os.path.basename(path))


def _link(work: Work) -> None:
    """Only to a bridge that is there."""
    _look_again(work, work.path)
    if _look(work, os.path.join(work.open_folder.path, bridge_name(work.name))) is None:
        raise Failed("nothing can stand in for %s" % printable(work.path))
    stand_in(work.open_folder, work.name, work.fstype)


def _drop(work: Work, path: str) -> bool:
    """The file that the kernel does not take goes, unless a line of fstab needs its name. Whether something still has the name."""
    bridge = _look(work, os.path.join(work.open_folder.path, bridge_name(work.name)))
    if path == work.path and bridge is not None and area_of(read_areas(work.host), bridge.identity) is not None:
        _link(work)
        return True
    if path == work.path and read_fstab(work.host).swap_entry(path) is not None:
        return True
    _remove(work, path)
    return False


def _activate(work: Work, step: Step) -> None:
    try:
        activate(work.host, step.path, step.priority, step.discard)
        return
    except Failed as exc:
        file = _look(work, step.path)
        if exc.errno != errno.EINVAL or file is None:
            raise
    # The kernel does not take what the file system reserved (f2fs, old xfs) or moves about (btrfs): write every block, once.
    over = _drop(work, step.path)
    _make(work, step.path, file.size, zeros=True, over=over)
    try:
        activate(work.host, step.path, step.priority, step.discard)
    except Failed as exc:
        _drop(work, step.path)
        raise Failed("%s, with every block written too; the kernel's log (dmesg) says why" % exc, exc.errno)


def _deactivate(work: Work, path: str) -> None:
    """The last look at the room is right before the kernel is asked: memory goes fast where swap is wanted."""
    file = _look(work, path)
    areas, memory = read_areas(work.host), read_memory(work.host)
    area = area_of(areas, file.identity) if file is not None else None
    if area is None:
        return
    lack = "/proc/meminfo cannot be read" if memory is None else shortfall(area.used, memory.available, elsewhere(areas, area.identity))
    if lack is not None:
        raise Failed("%s cannot be turned off now: %s" % (printable(path), lack))
    deactivate(work.host, path)


def _secure(work: Work, path: str) -> None:
    fd = os.open(os.path.basename(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=work.open_folder.fd)
    try:
        os.fchmod(fd, 0o600)
        if selinux_enabled(work.host):
            set_label(fd)
    finally:
        os.close(fd)


def _reload(host: Host) -> None:
    ran = host.run(["systemctl", "daemon-reload"])
    if ran.returncode != 0:
        host.warn("/etc/fstab is changed, but systemd did not read it: %s. Run systemctl daemon-reload." % (ran.stderr.strip() or "no reason given"))


def do(work: Work, step: Step) -> None:
    """Raises Failed, Refused or FstabError. A step that is done already, by an earlier run, is done."""
    try:
        if step.action == "make":
            _make(work, step.path, step.size, over=step.over)
        elif step.action == "link":
            _link(work)
        elif step.action == "remove":
            _remove(work, step.path)
        elif step.action == "secure":
            _secure(work, step.path)
        elif step.action == "activate":
            _activate(work, step)
        elif step.action == "deactivate":
            _deactivate(work, step.path)
        elif step.action == "fstab":
            update(work.host, lambda table: changed_fstab(step.options, work.path, table), locked=True)
        elif step.action == "reload":
            _reload(work.host)
        elif step.action == "arm" and work.target.expires_at is not None:
            work.timer.arm(work.host, step.path, work.target.expires_at)
        elif step.action == "disarm":
            work.timer.disarm(work.host, step.path)
    except OSError as exc:
        raise Failed(describe(exc, step.path), exc.errno or 0)
