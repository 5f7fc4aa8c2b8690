# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a swap file is and what is over it: a disk mounted over its folder, and what btrfs has of its own. Check mode
says what a run does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_lab as lab  # noqa: E402
from swap_cases import M, alone, case, check, do, line_of, refused, whole  # noqa: E402


def _sh(*argv: object) -> None:
    subprocess.run([str(word) for word in argv], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def said_of(path: Path, **wish: str) -> list[str]:
    """The warnings of a run in check mode."""
    from ansible_collections.memops.linux.plugins.module_utils._host import Host

    found: list[str] = []
    do(path, True, host=Host(warn=found.append), **wish)
    return found


@case
def a_mount_over_the_folder(where: Path) -> None:
    """The area stays active under a name that leads elsewhere: neither "absent" nor another file of that name is the
    answer.
    """
    folder = where / "swap"
    folder.mkdir()
    path = folder / "swapfile"
    do(path, size="16M")
    for over in (folder, where):
        _sh("mount", "-t", "tmpfs", "-o", "mode=755,size=4m", "tmpfs", over)
        try:
            for wish in ({"size": "16M"}, {"size": "24M"}, {"state": "absent"}):
                refused(f"hidden by the mount at {over}", path, **wish)
        finally:
            _sh("umount", over)
    check(not do(path, size="16M")["changed"], "as before")
    whole(path, 16 * M, 10)
    do(path, state="absent")
    check(not line_of(path) and not lab.ours(), "left")


@contextmanager
def a_btrfs(options: str = "") -> Iterator[Path]:
    with lab.file_system("btrfs") as where:
        if options:
            _sh("mount", "-o", f"remount,{options}", where)
        yield where


@alone
def btrfs_compression() -> None:
    """It is off for this file, by whatever it was on: the mount, the folder."""
    for options in ("", "compress=zstd", "compress-force=zstd"):
        with a_btrfs(options) as where:
            for flag in ("", "+c", "+C"):
                folder = where / f"swap{flag}"
                folder.mkdir()
                if flag:
                    _sh("chattr", flag, folder)
                path = folder / "swapfile"
                foreseen = do(path, True, size="24M")
                check(do(path, size="24M")["plan"] == foreseen["plan"], options, flag)
                whole(path, 24 * M, 10)
                do(path, size="32M")
                whole(path, 32 * M, 10)
                do(path, state="absent")


@alone
def btrfs_subvolume_auto() -> None:
    """Made with the file and gone with it; snapshots of all else go on. What is there is never made one."""
    with a_btrfs() as where:
        path = where / "swap" / "swapfile"
        foreseen = do(path, True, size="16M", subvolume="auto")
        check(not path.parent.exists(), "check mode made a directory")
        done = do(path, size="16M", subvolume="auto")
        check(done["plan"] == foreseen["plan"] and done["plan"][0]["action"] == "subvolume", done["plan"])
        whole(path, 16 * M, 10)
        check(path.parent.stat().st_ino == 256 and path.parent.stat().st_mode & 0o777 == 0o755, "no subvolume")
        check(not do(path, size="16M", subvolume="auto")["changed"], "a second run changes something")
        check(not said_of(path, size="16M", subvolume="auto"), said_of(path, size="16M"))
        _sh("btrfs", "subvolume", "snapshot", "-r", where, where / "snapshot")
        do(path, size="24M", subvolume="auto")
        foreseen = do(path, True, state="absent", subvolume="auto")
        done = do(path, state="absent", subvolume="auto")
        check(done["plan"] == foreseen["plan"] and not path.parent.exists(), done["plan"], foreseen["plan"])
        check(not do(path, state="absent", subvolume="auto")["changed"], "absent twice")
        refused("makes none of a directory that is there", where / "swapfile", size="16M", subvolume="auto")
        refused("is not there. Nothing was changed; make it first", path, size="16M")
        refused("is not there. Nothing was changed; make it first", where / "a/b/c", size="16M", subvolume="auto")
        refused("of disk", path, size="900M", subvolume="auto")
        check(not path.parent.exists(), "a refused one left its directory")
        # somebody's file in it stays
        do(path, size="16M", subvolume="auto")
        (path.parent / "notes").write_text("mine")
        do(path, state="absent", subvolume="auto")
        check((path.parent / "notes").read_text() == "mine" and not path.exists(), "somebody's file")


@alone
def btrfs_subvolumes() -> None:
    """In one of its own no snapshot of anything else fails; a read-only one and a quota are told before."""
    with a_btrfs() as where:
        own, shared = where / "own", where / "swapfile"
        _sh("btrfs", "subvolume", "create", own)
        path = own / "swapfile"
        check(not said_of(path, size="16M"), said_of(path, size="16M"))
        check("btrfs subvolume create" in "".join(said_of(shared, size="16M")), said_of(shared, size="16M"))
        do(path, size="16M")
        do(own / "second", size="16M")
        check(not said_of(path, size="16M"), "two swap files in one subvolume for swap")
        _sh("btrfs", "subvolume", "snapshot", "-r", where, where / "snapshot")
        do(own / "second", state="absent")
        do(path, state="absent")
        _sh("btrfs", "property", "set", "-ts", own, "ro", "true")
        refused("a read-only subvolume (btrfs property get)", path, size="16M")
        _sh("btrfs", "property", "set", "-ts", own, "ro", "false")
        _sh("chattr", "+i", own)
        refused("the directory is immutable", path, size="16M")
        _sh("chattr", "-i", own)
        _sh("btrfs", "quota", "enable", where)
        _sh("btrfs", "qgroup", "limit", "20M", own)
        if not any((Path("/sys/fs/btrfs") / name / "qgroups").is_dir() for name in os.listdir("/sys/fs/btrfs")):
            return  # this kernel does not tell: before 5.9
        refused("and the quota of its subvolume (qgroup 0/", path, size="40M")
        do(path, size="8M")
        refused("until the old one can go, and the quota", path, size="40M")
        do(path, state="absent")
