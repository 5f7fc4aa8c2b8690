# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the steps of a plan, one after the other. Each is looked at afterwards, in the kernel's files."""

import errno
import os
from typing import Callable, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .activate import activate, deactivate
from .areas import area_of, read_areas
from .errors import Failed
from .fstab import update
from .make import half_name, make, selinux_enabled, set_label
from .plan import Step, Target, changed_fstab
from .preflight import check_file
from .room import elsewhere, read_memory, shortfall
from .state import read_file


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


def _make(work: Work, path: str, size: int, zeros: bool = False) -> None:
    # one name for every file in the making: at most one is left by an interrupted run
    make(work.host, work.open_folder, os.path.basename(path), size, work.fstype, zeros, half_name(os.path.basename(work.path)))


def _remove(work: Work, path: str) -> None:
    """Once more a look at what it is: never an area in use, never what is not a swap file."""
    name = os.path.basename(path)
    file = read_file(work.host, work.open_folder, name)
    check_file(file, path, mark_needed=name != half_name(os.path.basename(work.path)))
    if file is not None and (file.in_use or area_of(read_areas(work.host), file.identity) is not None):
        raise Failed("%s is in use and was not removed" % printable(path), errno.EBUSY)
    work.open_folder.remove(name)


def _activate(work: Work, step: Step) -> None:
    try:
        activate(work.host, step.path, step.priority, step.discard)
        return
    except Failed as exc:
        file = read_file(work.host, work.open_folder, os.path.basename(step.path))
        if exc.errno != errno.EINVAL or file is None:
            raise
    # The kernel does not take what the file system reserved (f2fs, old xfs) or moves about (btrfs): write every block, once.
    _remove(work, step.path)
    _make(work, step.path, file.size, zeros=True)
    try:
        activate(work.host, step.path, step.priority, step.discard)
    except Failed as exc:
        _remove(work, step.path)
        raise Failed("%s, with every block written too; the kernel's log (dmesg) says why" % exc, exc.errno)


def _deactivate(work: Work, path: str) -> None:
    """The last look at the room is right before the kernel is asked: memory goes fast where swap is wanted."""
    file = read_file(work.host, work.open_folder, os.path.basename(path))
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
            _make(work, step.path, step.size)
        elif step.action == "remove":
            _remove(work, step.path)
        elif step.action == "secure":
            _secure(work, step.path)
        elif step.action == "activate":
            _activate(work, step)
        elif step.action == "deactivate":
            _deactivate(work, step.path)
        elif step.action == "fstab":
            update(work.host, lambda table: changed_fstab(work.target, work.path, table), locked=True)
        elif step.action == "reload":
            _reload(work.host)
        elif step.action == "arm" and work.target.expires_at is not None:
            work.timer.arm(work.host, step.path, work.target.expires_at)
        elif step.action == "disarm":
            work.timer.disarm(work.host, step.path)
    except OSError as exc:
        raise Failed("%s: %s" % (step.text, exc.strerror or exc), exc.errno or 0)
