# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes memory on purpose, under any name, as any user, in any cgroup."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import mmap
import os
import re
import signal
import subprocess
import threading
import time
from typing import Any, Callable, Iterator

LIBC = ctypes.CDLL(None, use_errno=True)
CGROUPS = "/sys/fs/cgroup"
V2 = os.path.exists(CGROUPS + "/cgroup.controllers")
MEMORY = CGROUPS if V2 else CGROUPS + "/memory"
GO = "/run/vm-test/go"
MIB = 1 << 20


def take(
    mib: float, *, forever: bool = False, shared: bool = False, stop_after_kill: bool = False, step: float = 4.0
) -> list[mmap.mmap]:
    """Touch so much memory, or all that there is."""
    flags = mmap.MAP_ANONYMOUS | (mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE)
    before, taken, held = kernel_kills(), 0.0, []
    while forever or taken < mib:
        part = step if forever else min(step, mib - taken)
        area = mmap.mmap(-1, max(mmap.PAGESIZE, int(part * MIB)), flags=flags)
        area[:: mmap.PAGESIZE] = b"x" * len(range(0, len(area), mmap.PAGESIZE))
        held.append(area)
        taken += part
        if stop_after_kill and kernel_kills() > before:
            os._exit(0)
    return held


def take_page_tables(mib: int) -> mmap.mmap:
    """About so much of page tables: one zero page read in every 2 MiB of a hole costs a table of 4 KiB."""
    area = mmap.mmap(-1, mib * 512 * MIB, flags=mmap.MAP_ANONYMOUS | mmap.MAP_PRIVATE | 0x4000)  # MAP_NORESERVE
    area.madvise(mmap.MADV_NOHUGEPAGE)
    if any(area[:: 2 * MIB]):
        raise AssertionError("a fresh page is not zero")
    return area


def set_name(name: bytes) -> None:
    LIBC.prctl(15, ctypes.c_char_p(name), 0, 0, 0)  # PR_SET_NAME


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape")


def kernel_kills() -> int:
    found = re.search(r"^oom_kill (\d+)$", read("/proc/vmstat"), re.M)
    return int(found.group(1)) if found else 0


def meminfo() -> dict[str, int]:
    return {key: int(value) * 1024 for key, value in re.findall(r"^(\S+):\s+(\d+)", read("/proc/meminfo"), re.M)}


def run(*argv: str) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError("%r: exit code %d: %s" % (argv, done.returncode, done.stderr.decode(errors="replace")))
    return done.stdout.decode("utf-8", "surrogateescape")


def fork(work: Callable[[], Any], *, name: bytes = b"hog", adj: int = 0, uid: int = 0, cgroup: str = "") -> int:
    """A child of ours that is someone, somewhere, and then works until it is killed. Its group and name are set when
    this returns.
    """
    ready, told = os.pipe()
    pid = os.fork()
    if pid:
        os.close(told)
        answer = os.read(ready, 1)
        os.close(ready)
        if answer != b"y":
            raise RuntimeError("a child did not start")
        return pid
    try:
        if cgroup:
            write(cgroup + "/cgroup.procs", "0")
        write("/proc/self/oom_score_adj", str(adj))
        if uid:
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        set_name(name)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.write(told, b"y")
        held = work()
        while held is not None:
            signal.pause()
    finally:
        os._exit(3)


@contextlib.contextmanager
def limited(name: str, mib: int = 8, group: bool = False) -> Iterator[str]:
    """A cgroup of our own making with a limit, gone afterwards."""
    path, made = MEMORY, []
    for part in name.split("/"):
        if V2 and "memory" not in read(path + "/cgroup.subtree_control").split():
            write(path + "/cgroup.subtree_control", "+memory")
        path += "/" + part
        if not os.path.isdir(path):
            os.mkdir(path)
            made.append(path)
    write(path + ("/memory.max" if V2 else "/memory.limit_in_bytes"), str(mib * MIB))
    if group:
        write(path + "/memory.oom.group", "1")
    yield path
    for folder in reversed(made):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
                break
            time.sleep(0.05)


@contextlib.contextmanager
def nothing_to_reclaim() -> Iterator[str]:
    """A global shortage at once, instead of after minutes of reading program text back: memory.min hides it from
    reclaim.

    How the kernel picks its victim does not change. What shall allocate goes into the cgroup that this gives.
    """
    outside = CGROUPS + "/vm-test-trigger"
    os.makedirs(outside, exist_ok=True)

    def protect(value: str) -> None:
        for folder, _folders, files in os.walk(CGROUPS):
            if "memory.min" in files and folder != outside:
                with contextlib.suppress(OSError):
                    write(folder + "/memory.min", value)

    protect("max")
    try:
        yield outside
    finally:
        protect("0")


def allocate_until_a_kill(cgroup: str) -> None:
    """Our own allocator cannot be chosen; it stops when somebody has been."""
    pid = fork(lambda: take(0, forever=True, stop_after_kill=True), name=b"trigger", adj=-1000, cgroup=cgroup)
    os.waitpid(pid, 0)


def sysrq() -> None:
    write("/proc/sysrq-trigger", "f")


def hog() -> None:
    """The process of a unit: `memory.py MIB NAME-IN-HEX [FLAG...]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mib", type=float)
    parser.add_argument("name", type=bytes.fromhex)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--wait", action="store_true", help="until the word is given")
    parser.add_argument("--thread", action="store_true", help="a thread of another name allocates")
    parser.add_argument("--churn", action="store_true", help="keep writing to it")
    options = parser.parse_args()
    set_name(options.name)
    for _child in range(options.processes - 1):
        if os.fork() == 0:
            break

    def work() -> None:
        while options.wait and not os.path.exists(GO):
            time.sleep(0.05)
        held = take(options.mib)
        while options.churn:
            for area in held:
                area[:: mmap.PAGESIZE] = b"y" * len(range(0, len(area), mmap.PAGESIZE))
        signal.pause()

    def renamed() -> None:
        set_name(b"pool-1-thread-3")
        work()

    if options.thread:
        thread = threading.Thread(target=renamed)
        thread.start()
        thread.join()
    work()


if __name__ == "__main__":
    hog()
