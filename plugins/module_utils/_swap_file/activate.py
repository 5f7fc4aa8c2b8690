# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swap on, swap off. /proc/swaps says whether it worked; exit codes and error numbers only say why not."""

import errno
import os
from typing import Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from . import syscalls
from .areas import Area, Identity, area_of, read_areas

_OFF_TIMEOUT = 1800.0  # a slow disk gives back a few MiB a second
_ON_TIMEOUT = 300.0


def identity_of(path: str) -> Optional[Identity]:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def flags_of(priority: Optional[int], discard: Optional[str]) -> int:
    flags = 0 if priority is None else syscalls.PREFER | (priority & syscalls.PRIORITY)
    return flags | (syscalls.DISCARD[discard] if discard is not None else 0)


def _by_command(host: Host, path: str, priority: Optional[int], discard: Optional[str]) -> str:
    argv = ["swapon"]
    if priority is not None:
        argv += ["-p", str(priority)]
    if discard is not None:
        argv.append("--discard" if discard == "true" else "--discard=%s" % discard)
    ran = host.run(argv + [path], timeout=_ON_TIMEOUT)
    return ran.stderr.strip()


def activate(host: Host, path: str, priority: Optional[int], discard: Optional[str]) -> Area:
    """Raises ExecutionError with the kernel's error number; EINVAL is a file that it will not swap to, such as one with
    holes.
    """
    number = syscalls.swapon(host.path(path), flags_of(priority, discard))
    said = os.strerror(number) if number else ""
    if number is None:
        number, said = 0, _by_command(host, host.path(path), priority, discard)
    area = area_of(read_areas(host), identity_of(host.path(path)))
    if area is None:
        raise ExecutionError(
            "the kernel does not swap to %s: %s" % (printable(path), said or "it gave no reason"), number
        )
    if priority is not None and area.priority != priority:
        raise ExecutionError(
            "%s is active with priority %d, not %d: %s"
            % (printable(path), area.priority, priority, said or "swapon cannot set it")
        )
    return area


def deactivate(host: Host, path: str) -> None:
    """As a command: the kernel makes whoever calls swapoff the first victim, and a command can be told to stop.

    Raises ExecutionError; the area is then in use as before, less what has come back.
    """
    identity = identity_of(host.path(path))
    ran = host.run(["swapoff", host.path(path)], timeout=_OFF_TIMEOUT)
    area = area_of(read_areas(host), identity)
    said = ran.stderr.strip()
    if area is not None and ran.returncode is None and "could not be started" in said:
        number = syscalls.swapoff(host.path(path))
        said = os.strerror(number) if number else said
        area = area_of(read_areas(host), identity)
    if area is not None:
        raise ExecutionError(
            "%s is still in use and holds %s: %s"
            % (printable(path), human(area.used), said or "swapoff gave no reason"),
            errno.EBUSY,
        )
