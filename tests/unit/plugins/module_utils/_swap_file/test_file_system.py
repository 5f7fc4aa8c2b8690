# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file system it is, from the mount of an open folder."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._swap_file.file_system import (
    ALLOWED,
    Mount,
    mount_of,
    parse_mountinfo,
    read_mount,
    why_not,
)

MOUNTINFO = rb"""21 1 253:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
36 21 0:32 /@swap /var/swap rw,noatime - btrfs /dev/vdb rw,subvol=/@swap
40 21 0:41 / /mnt/with\040blank ro,relatime - xfs /dev/vdc rw
41 21 0:42 / /srv rw - nfs4 server:/export rw
42 41 0:43 / /srv/over rw - overlay overlay rw
43 21 0:44 / /srv rw - zfs tank/srv rw
a line that is none
"""
MOUNTS = parse_mountinfo(MOUNTINFO)


def test_lines():
    assert len(MOUNTS) == 6
    assert MOUNTS[1] == Mount(36, "0:32", "/var/swap", "rw,noatime", "btrfs", "/dev/vdb", "rw,subvol=/@swap")
    assert MOUNTS[2].point == "/mnt/with blank"


@pytest.mark.parametrize(
    "fdinfo, path, expected",
    [
        (b"pos:\t0\nflags:\t0100000\nmnt_id:\t36\n", "/anything", "btrfs"),
        (b"pos:\t0\nmnt_id:\t99\n", "/", None),
        (b"", "/var/swap", "btrfs"),
        (b"", "/var/swapper", "ext4"),
        (b"", "/srv/data", "zfs"),
        (b"", "/srv/over/a/b", "overlay"),
        (b"", "/mnt/with blank/x", "xfs"),
        (b"", "/", "ext4"),
    ],
    ids=[
        "by number",
        "a number that is not there",
        "longest",
        "not by half a name",
        "the last of two on one point",
        "below",
        "blank",
        "root",
    ],
)
def test_mount_of(fdinfo, path, expected):
    found = mount_of(MOUNTS, fdinfo, path)
    assert (found.fstype if found is not None else None) == expected


@pytest.mark.parametrize(
    "fstype, words",
    [
        ("zfs", "deadlock"),
        ("overlay", "container"),
        ("tmpfs", "memory itself"),
        ("ramfs", "memory itself"),
        ("nfs4", "network"),
        ("cifs", "network"),
        ("ceph", "network"),
        ("9p", "network"),
        ("fuse", "user space"),
        ("fuse.sshfs", "user space"),
        ("fuseblk", "user space"),
        ("squashfs", "read-only"),
        ("ecryptfs", "cannot hold"),
        ("vfat", "every user"),
        ("newfs", "newfs is not known"),
    ],
)
def test_no_swap_file_there(fstype, words):
    assert words in why_not(Mount(1, "0:1", "/", "rw", fstype, "x", "rw"))


@pytest.mark.parametrize("fstype", ALLOWED)
def test_a_swap_file_there(fstype):
    assert why_not(Mount(1, "0:1", "/", "rw", fstype, "x", "rw")) is None
    assert "read-only" in why_not(Mount(1, "0:1", "/", "ro,relatime", fstype, "x", "rw"))
    assert "read-only" in why_not(Mount(1, "0:1", "/", "rw", fstype, "x", "ro"))


def test_here():
    fd = os.open("/proc", os.O_RDONLY)
    try:
        assert read_mount(Host(), fd, "/proc").fstype == "proc"
    finally:
        os.close(fd)
