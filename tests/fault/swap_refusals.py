# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What swap_file must not touch and where there is no room: refused in words, and nothing is another than before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_lab as lab  # noqa: E402
from swap_cases import M, alone, area, case, check, do, line_of, refused, whole  # noqa: E402


@case
def not_ours(where: Path) -> None:
    """Data, links, devices, files of users, other areas: not touched, and told why."""
    path, other = where / "swapfile", where / "other"
    do(other, size="8M", priority=77)
    path.write_bytes(b"precious" * 4096)
    refused("is not a swap file", path, size="16M")
    refused("is not a swap file", path, state="absent")
    path.unlink()
    path.write_bytes(b"")
    refused("is not a swap file", path, size="16M")
    path.unlink()
    path.symlink_to(other)
    refused("symbolic link", path, size="16M")
    refused("symbolic link", path, state="absent")
    path.unlink()
    os.link(other, path)
    refused("2 names", path, size="16M")
    refused("2 names", path, state="absent")
    check(area(other)[1] == 77, "the other area")
    subprocess.check_call(["swapoff", other])
    path.unlink()
    do(other, size="8M", priority=77)
    os.mkfifo(path)
    refused("FIFO", path, size="16M")
    path.unlink()
    path.mkdir()
    refused("folder", path, size="16M")
    path.rmdir()
    path.write_bytes(bytes(4096 - 10) + b"S1SUSPEND\0" + bytes(1 << 16))
    refused("hibernated", path, size="16M")
    path.unlink()
    path.write_bytes(bytes(2 * M))
    subprocess.check_call(["mkswap", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chown(path, 1000, 1000)
    refused("user 1000", path, size="16M")
    os.chown(path, 0, 0)
    os.truncate(path, 3 * M)
    refused("mkswap made it for", path, size="16M")
    path.unlink()
    users = where / "users"
    users.mkdir(mode=0o777)
    users.chmod(0o1777)
    refused("may be written by others", users / "swapfile", size="16M")
    (where / "link").symlink_to(users)
    refused("symbolic link", where / "link" / "swapfile", size="16M")
    refused("is not there", where / "nowhere" / "swapfile", size="16M")
    do(path, size="8M")
    do(path, state="absent")
    check(area(other)[1] == 77, "the other area")
    do(other, state="absent")


@case
def full_disk(where: Path) -> None:
    """Refused by the figures; and without them, or when mkswap fails, the disk is as it was."""
    from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
    from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
    from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import make

    path, free = where / "swapfile", lab.free(where)
    refused("are free and", path, size="900M")
    refused("are free and", path, size="64M", min_free="95%")
    names = os.listdir(where)
    kind = where.name
    with Folder(os.open(where, os.O_RDONLY), str(where)) as folder:
        for host, size, zeros in (
            (Host(), 900 * M, False),
            (Host(), 900 * M, True),
            (Host(run=lambda argv, timeout: Ran(0)), 16 * M, False),
            (Host(run=lambda argv, timeout: Ran(None, stderr="mkswap did not end")), 16 * M, False),
        ):
            for nameless in (True, False):
                with mock.patch.object(make, "_without_name", make._without_name if nameless else lambda folder: None):
                    try:
                        make.make(host, folder, "swapfile", size, kind, zeros)
                    except ExecutionError:
                        pass
                    else:
                        raise AssertionError("made")
                check(
                    os.listdir(where) == names and not lab.missing_disk(where, free),
                    "left",
                    os.listdir(where),
                    free - lab.free(where),
                )
    do(path, size="16M")
    refused("until the old one can go", path, size="900M")
    refused("until the old one can go", path, size="32M", min_free="95%")
    do(path, state="absent")
    check(not lab.missing_disk(where, free), "disk is lost")


@case
def a_full_disk_and_another_area(where: Path) -> None:
    """No disk for a bridge, but another area that can hold what is in the file: exchanged without."""
    path, other = where / "swapfile", where / "other"
    do(other, size="100M", priority=1)
    do(path, size="24M", persistent=False)
    check(not line_of(path), "not persistent")
    kept = lab.free(where) - 10 * M
    done = do(path, size="20M", persistent=False, min_free=str(kept))
    check([step["action"] for step in done["plan"]] == ["deactivate", "remove", "make", "activate"], done["plan"])
    whole(path, 20 * M, 10)
    do(path, size="20M")
    kept = lab.free(where) - 10 * M
    in_place = ["fstab", "remove", "make", "activate", "fstab"]  # no line names the file while there is none
    done = do(path, size="16M", min_free=str(kept))
    check(
        [step["action"] for step in done["plan"]] == ["deactivate", *in_place] and len(line_of(path)) == 1, done["plan"]
    )
    for one in (path, other):
        subprocess.check_call(["swapoff", one])
    lab.free(where)
    done = do(path, size="20M", min_free=str(shutil.disk_usage(where).free - 10 * M))
    check([step["action"] for step in done["plan"]] == in_place and len(line_of(path)) == 1, done["plan"])
    whole(path, 20 * M, 10)
    for one in (path, other):
        do(one, state="absent")


@alone
def places_without_swap() -> None:
    """tmpfs, overlay, and btrfs over two disks as raid1."""
    refused("tmpfs is memory itself", lab.MOUNTS / "swapfile", size="8M")
    for name in ("lower", "upper", "work", "over"):
        (lab.MOUNTS / name).mkdir()
    options = f"lowerdir={lab.MOUNTS}/lower,upperdir={lab.MOUNTS}/upper,workdir={lab.MOUNTS}/work"
    subprocess.check_call(["mount", "-t", "overlay", "-o", options, "overlay", lab.MOUNTS / "over"])
    try:
        refused("overlayfs cannot hold swap files", lab.MOUNTS / "over" / "swapfile", size="8M")
    finally:
        subprocess.check_call(["umount", lab.MOUNTS / "over"])
    images = [Path(os.environ[lab.INSIDE]) / f"raid{number}.img" for number in (1, 2)]
    loops = []
    where = lab.MOUNTS / "raid"
    where.mkdir()
    try:
        for image in images:
            with image.open("wb") as handle:
                handle.truncate(200 * M)
            loops.append(subprocess.check_output(["losetup", "--find", "--show", image]).decode().strip())
        subprocess.check_call(["mkfs.btrfs", "-q", "-d", "raid1", "-m", "raid1", *loops], stdout=subprocess.DEVNULL)
        subprocess.check_call(["mount", loops[0], where])
        try:
            refused("btrfs keeps data there as raid1", where / "swapfile", size="16M")
        finally:
            subprocess.check_call(["umount", where])
    finally:
        for loop in loops:
            subprocess.check_call(["losetup", "-d", loop])


@alone
def places_that_are_read_only() -> None:
    """A file system, /etc or fstab that cannot be changed is told before anything is touched, and what to do."""

    @contextmanager
    def read_only(where: str) -> Iterator[None]:
        subprocess.check_call(["mount", "--bind", where, where])
        try:
            subprocess.check_call(["mount", "-o", "remount,bind,ro", where])
            yield
        finally:
            subprocess.check_call(["umount", where])

    @contextmanager
    def flag(letter: str, path: str) -> Iterator[None]:
        subprocess.check_call(["chattr", f"+{letter}", path])
        try:
            yield
        finally:
            subprocess.check_call(["chattr", f"-{letter}", path])

    with lab.file_system("ext4") as where:
        path = where / "swapfile"
        with read_only("/etc"):
            refused("/etc is mounted read-only; mount it read-write, or give persistent: false", path, size="16M")
            do(path, size="16M", persistent=False)
        whole(path, 16 * M, 10)
        do(path, size="16M")
        wishes: tuple[dict[str, Any], ...] = (
            {"size": "24M", "discard": "once"},
            {"state": "absent"},
            {"size": "16M", "persistent": False},
        )
        for act, words in (
            (read_only("/etc"), "/etc is mounted read-only; mount it read-write"),
            (read_only("/etc/fstab"), "/etc/fstab is a mount of its own"),
            (flag("i", "/etc/fstab"), "/etc/fstab is immutable"),
        ):
            with act:
                for wish in wishes:
                    refused(words, path, **wish)
                check(not do(path, size="16M")["changed"], "nothing has to be written")
        subprocess.check_call(["swapoff", path])
        for letter in "ia":
            with flag(letter, str(path)):
                for wish in ({"size": "16M"}, {"size": "24M"}, {"state": "absent"}):
                    refused("allow changes with chattr -ia", path, **wish)
        subprocess.check_call(["mount", "-o", "remount,ro", where])
        refused("Mount it read-write or choose another path", path, size="16M")
        refused("its file system is mounted read-only; mount it read-write", path, state="absent")
        subprocess.check_call(["mount", "-o", "remount,rw", where])
        do(path, state="absent")
        check(line_of(path) == [], line_of(path))
