# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real file systems in loop devices, real swap, and an /etc/fstab of our own: a mount namespace for tests of swap_file.

/proc/swaps is the machine's, whatever the namespace: every area that a test left is turned off at the end.
"""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSIDE = "MEMOPS_SWAP_LAB"
#: Belongs to root, unlike /tmp: swap_file looks at every folder on the way. Another name for each run: /proc/swaps
#: shows all of them.
MOUNTS = Path("/mnt", Path(os.environ.get(INSIDE, "none")).name)
MIB = 1 << 20
SIZES = {"ext4": 320, "ext3": 320, "xfs": 420, "btrfs": 420}  # MiB; the smallest that mkfs.xfs takes is 300
FSTAB = (
    "# a comment\tstays\nUUID=0a1b2c3d  /  ext4\terrors=remount-ro 0 1 # so does this\n/dev/vdz2 swap swap defaults\n"
)


def why_not(*commands: str) -> str | None:
    """What is missing here; None where the lab can be built."""
    if os.geteuid() != 0:
        return "needs root: loop devices and swapon"
    missing = [name for name in ("unshare", "losetup", "mkswap", "swapon", *commands) if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    if not Path("/dev/loop-control").exists():
        return "needs loop devices"
    return None


def enter() -> None:
    """Start this program again in a mount namespace with an /etc and a /run of its own; returns inside."""
    if os.environ.get(INSIDE):
        signal.signal(
            signal.SIGTERM, lambda number, frame: sys.exit(143)
        )  # what is active is turned off on the way out
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return
    os.environ[INSIDE] = tempfile.mkdtemp(prefix="memops-swap-")
    try:
        code = subprocess.call(["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    finally:
        shutil.rmtree(os.environ[INSIDE], ignore_errors=True)
    sys.exit(code)


def _sh(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def prepare() -> Path:
    """Private /etc (a copy), /run and /mnt; the folder for images."""
    place = Path(os.environ[INSIDE])
    shutil.copytree("/etc", place / "etc", symlinks=True, ignore_dangling_symlinks=True)
    _sh("mount", "--bind", str(place / "etc"), "/etc")
    for folder in ("/mnt", "/run"):
        _sh("mount", "-t", "tmpfs", "-o", "mode=755,size=64m", "tmpfs", folder)
    MOUNTS.mkdir()
    write_fstab()
    return place


def write_fstab() -> None:
    Path("/etc/fstab").write_text(FSTAB, encoding="utf-8")


def ours() -> list[str]:
    """The names of active areas below our mounts, as the kernel writes them."""
    names = [line.split()[0] for line in Path("/proc/swaps").read_text(encoding="utf-8").splitlines()[1:]]
    return [name for name in names if name.startswith(f"{MOUNTS}/")]


def swap_off() -> None:
    for name in ours():
        subprocess.run(["swapoff", name.replace("\\040", " ")], check=False)


@contextmanager
def file_system(kind: str, mib: int | None = None) -> Iterator[Path]:
    """A fresh file system on a loop device; nothing of it is left afterwards, active swap included."""
    image = Path(os.environ[INSIDE]) / f"{kind}.img"
    where = MOUNTS / kind
    where.mkdir(exist_ok=True)
    with image.open("wb") as handle:
        handle.truncate((mib or SIZES[kind]) * MIB)
    _sh(f"mkfs.{kind}", "-q", str(image))
    _sh("mount", "-o", "loop", str(image), str(where))
    try:
        yield where
    finally:
        deadline = time.monotonic() + 10  # a child of a test that was stopped may just be swapping on
        while True:
            swap_off()
            try:
                _sh("umount", str(where))
                break
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        image.unlink()


@contextmanager
def after_power_cut(copy: Path, kind: str) -> Iterator[Path]:
    """The copy of a disk, mounted: the file system replays its log. btrfs does that only when the disk itself is not
    mounted any more.
    """
    where = MOUNTS / "after-power-cut"
    where.mkdir(exist_ok=True)
    _sh("mount", "-t", kind, "-o", "loop,nouuid" if kind == "xfs" else "loop", str(copy), str(where))
    try:
        yield where
    finally:
        _sh("umount", str(where))


def cut_power(kind: str, name: str = "cut") -> Path:
    """What a power cut would leave now: what the file system gave to its disk, without what only memory holds."""
    place = Path(os.environ[INSIDE])
    _sh("cp", "--sparse=always", str(place / f"{kind}.img"), str(place / f"{name}.img"))
    return place / f"{name}.img"


def whole_size(path: Path) -> int | None:
    """Bytes of the file, through a link as well; None where it is not there, or swapon would not take all of it."""
    try:
        with path.open("rb") as file:
            head, now = file.read(4096), os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    recorded = (struct.unpack_from("=I", head, 1028)[0] + 1) * 4096 if len(head) == 4096 else 0
    sound = head.endswith(b"SWAPSPACE2") and recorded == now.st_size <= now.st_blocks * 512
    return now.st_size if sound else None


def free(where: Path) -> int:
    """Bytes, after what is pending is written."""
    _sh("sync", "-f", str(where))
    now = os.statvfs(where)
    return now.f_bfree * now.f_frsize


def missing_disk(where: Path, before: int) -> int:
    """How many bytes are gone since then. xfs and btrfs give space back late."""
    deadline = time.monotonic() + 5
    while free(where) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    return before - free(where)
