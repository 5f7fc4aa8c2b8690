# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is peculiar to a swap file on btrfs: its subvolume cannot be snapshot while it is in use, may be read-only, and
may have a quota.
"""

import fcntl
import os
import struct
import uuid
from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host

_OTHER_WAY = os.uname().machine.startswith(("ppc", "mips", "sparc", "alpha"))
_FS_INFO = (0x40000000 if _OTHER_WAY else 0x80000000) | 0x0400941F
_INO_LOOKUP = 0xD0009412  # both directions: the same number everywhere
_TOP = 256  # the inode of the top folder of each subvolume
_PROFILES = ("single", "dup", "raid0", "raid1", "raid1c3", "raid1c4", "raid10", "raid5", "raid6")
_MAX_REFERENCED, _MAX_EXCLUSIVE = 1, 2


class Btrfs(NamedTuple):
    """profile -- how data is laid out. shared -- the subvolume holds other things than swap. quota -- bytes left of it,
    None: no limit is known
    """

    profile: Optional[str] = None
    shared: bool = False
    quota: Optional[int] = None
    subvolume: Optional[int] = None


def read_btrfs(host: Host, fd: int, ours: List[str]) -> Btrfs:
    """Of the folder that is open. ours -- the names in it that belong to swap files"""
    identifier = _identifier(fd)
    if identifier is None:
        return Btrfs(shared=_is_shared(fd, ours))
    sysfs = "/sys/fs/btrfs/%s" % identifier
    subvolume = _subvolume(fd)
    return Btrfs(_profile(host, sysfs), _is_shared(fd, ours), _quota(host, sysfs, subvolume), subvolume)


def _identifier(fd: int) -> Optional[uuid.UUID]:
    answer = bytearray(1024)
    try:
        fcntl.ioctl(fd, _FS_INFO, answer)
    except OSError:
        return None
    return uuid.UUID(bytes=bytes(answer[16:32]))


def _profile(host: Host, sysfs: str) -> Optional[str]:
    """``single``, ``raid1`` and so on; None where it does not tell. Older files may have another one."""
    try:
        data = os.listdir(host.path(sysfs + "/allocation/data"))
    except OSError:
        return None
    return "+".join(sorted(name for name in data if name in _PROFILES)) or None


def is_subvolume(fd: int) -> bool:
    """On btrfs: whether one begins in this folder."""
    return os.fstat(fd).st_ino == _TOP


def _is_shared(fd: int, ours: List[str]) -> bool:
    """A subvolume for swap alone begins in this folder and has nothing else in it."""
    return not is_subvolume(fd) or not set(os.listdir(fd)) <= set(ours)


def _subvolume(fd: int) -> Optional[int]:
    request = bytearray(4096)
    struct.pack_into("=QQ", request, 0, 0, _TOP)
    try:
        fcntl.ioctl(fd, _INO_LOOKUP, request)
    except OSError:
        return None
    return int(struct.unpack_from("=Q", request, 0)[0])


def _quota(host: Host, sysfs: str, subvolume: Optional[int]) -> Optional[int]:
    """Of the subvolume's own group (0/ID), as the kernel tells it since 5.9. Limits of groups above it are not known
    here.
    """
    folder = "%s/qgroups/0_%s/" % (sysfs, subvolume)
    flags = _number(host, folder + "limit_flags")
    if not flags:
        return None
    left = []  # type: List[int]
    for flag, name in ((_MAX_REFERENCED, "referenced"), (_MAX_EXCLUSIVE, "exclusive")):
        most, used = _number(host, folder + "max_" + name), _number(host, folder + name)
        if flags & flag and most is not None and used is not None:
            left.append(max(0, most - used))
    return min(left) if left else None


def _number(host: Host, path: str) -> Optional[int]:
    text = (host.read(path) or b"").strip()
    return int(text) if text.isdigit() else None
