# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system under a folder: can the kernel swap to a file in it, and how much is free.

The name comes from the mount that an open folder is in (``mnt_id``), so no path has to be compared and a
subvolume's made-up st_dev does not matter; it tells ext4 from ext2 and one FUSE file system from another, as statfs(2)
does not.
"""

import os
import re
from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host

ALLOWED = ("btrfs", "ext2", "ext3", "ext4", "f2fs", "xfs")
_WHY = {
    "zfs": "a host that swaps to zfs can deadlock, because zfs needs memory to write",
    "overlay": "overlayfs cannot hold swap files; this is usually a container's own file system",
    "aufs": "aufs cannot hold swap files",
    "tmpfs": "tmpfs is memory itself",
    "ramfs": "ramfs is memory itself",
    "rootfs": "rootfs is memory itself",
    "squashfs": "squashfs is read-only",
    "erofs": "erofs is read-only",
    "iso9660": "iso9660 is read-only",
    "bcachefs": "bcachefs does not support swap files",
    "ecryptfs": "ecryptfs cannot hold swap files",
    "vfat": "vfat has no owners: every user could read what was in memory",
}
_NETWORK = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "9p",
    "afs",
    "glusterfs",
    "lustre",
    "gpfs",
    "ocfs2",
    "gfs2",
    "virtiofs",
    "beegfs",
    "vboxsf",
)
_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of mountinfo."""

    mount_id: int
    device: str  # major:minor
    point: str
    options: str
    fstype: str
    source: str
    super_options: str

    @property
    def read_only(self) -> bool:
        return "ro" in self.options.split(",") or "ro" in self.super_options.split(",")


class Disk(NamedTuple):
    """What statvfs says; free is what users may still take."""

    total: int
    free: int


def _decode(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), field)


def parse_mountinfo(data: bytes) -> List[Mount]:
    found = []  # type: List[Mount]
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        before, dash, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if dash and len(fields) >= 6 and len(rest) >= 3 and fields[0].isdigit():
            found.append(
                Mount(int(fields[0]), fields[2], _decode(fields[4]), fields[5], rest[0], _decode(rest[1]), rest[2])
            )
    return found


def mount_of(mounts: List[Mount], fdinfo: bytes, path: str) -> Optional[Mount]:
    """By ``mnt_id``; kernels before 3.15 do not tell it, there it is the last mount over the longest part of
    the path.
    """
    found = re.search(rb"^mnt_id:\s*(\d+)", fdinfo, re.MULTILINE)
    if found:
        wanted = int(found.group(1))
        return next((mount for mount in mounts if mount.mount_id == wanted), None)
    over = [mount for mount in mounts if (path.rstrip("/") + "/").startswith(mount.point.rstrip("/") + "/")]
    return max(over, key=lambda mount: (len(mount.point), over.index(mount)), default=None)


def read_mount(host: Host, fd: int, path: str) -> Optional[Mount]:
    return mount_of(
        parse_mountinfo(host.read("/proc/self/mountinfo") or b""), host.read("/proc/self/fdinfo/%d" % fd) or b"", path
    )


def read_disk(fd: int) -> Disk:
    now = os.fstatvfs(fd)
    return Disk(now.f_blocks * now.f_frsize, now.f_bavail * now.f_frsize)


def why_not(mount: Mount) -> Optional[str]:
    """Why no swap file can be here; None where it can."""
    kind = mount.fstype
    if kind not in ALLOWED:
        if kind in _NETWORK:
            return "%s is a network file system: a host that needs memory to reach its swap can deadlock" % kind
        if kind.startswith("fuse"):
            return "%s runs in user space and cannot hold swap files" % kind
        return _WHY.get(kind) or "%s is not known to hold swap files" % kind
    if mount.read_only:
        return "it is mounted read-only"
    return None
