# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a swap file on real ext4, xfs, btrfs and ext3, with real swap; and what must be refused there.

python tests/fault/swap_life.py [--only WORD]     (root, loop devices; ansible in PATH for the module itself)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_lab as lab  # noqa: E402
import swap_sweep as driver  # noqa: E402

M = 1 << 20
CASES: list[Callable[[Path], None]] = []
ALONE: list[Callable[[], None]] = []
PYTHON = "MEMOPS_SWAP_PYTHON"
KINDS = ("ext4", "xfs", "btrfs", "ext3")


def case(run: Callable[[Path], None]) -> Callable[[Path], None]:
    CASES.append(run)
    return run


def alone(run: Callable[[], None]) -> Callable[[], None]:
    ALONE.append(run)
    return run


def check(truth: bool, *seen: object) -> None:
    if not truth:
        raise AssertionError(*seen)


def do(path: Path, check_mode: bool = False, **wish: Any) -> dict[str, Any]:
    return driver.do(path, wish, check_mode)


def refused(words: str, path: Path, **wish: Any) -> None:
    """By check mode and by a real run, with the same words, and nothing is another than before."""
    before = everything(path)
    for check_mode in (True, False):
        try:
            do(path, check_mode, **wish)
        except Exception as exc:
            check(words in str(exc), words, str(exc))
        else:
            raise AssertionError(f"not refused: {words}")
    check(everything(path) == before, "changed though refused", before, everything(path))


def everything(path: Path) -> list[object]:
    names = sorted((name, os.lstat(path.parent / name)[:7]) for name in os.listdir(path.parent)) if path.parent.is_dir() else []
    swaps = [line for line in Path("/proc/swaps").read_text(encoding="utf-8").splitlines() if line.startswith(str(lab.MOUNTS))]
    return [names, swaps, Path("/etc/fstab").read_bytes(), sorted(os.listdir("/etc"))]


def area(path: Path) -> tuple[int, int]:
    """Size and priority, as the kernel says."""
    name = str(path).replace(" ", "\\040")
    for line in Path("/proc/swaps").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[0] == name:
            return int(fields[2]) * 1024, int(fields[4])
    raise AssertionError(f"not active: {path}")


def whole(path: Path, size: int, priority: int) -> None:
    now = path.lstat()
    check(stat.S_ISREG(now.st_mode) and stat.S_IMODE(now.st_mode) == 0o600 and (now.st_uid, now.st_gid, now.st_nlink) == (0, 0, 1), now)
    check(now.st_size == size and now.st_blocks * 512 >= size, now)
    kernel, its_priority = area(path)
    # a page for the header; with blocks of 1 KiB the ends of each extent as well
    check(size - 64 * 4096 <= kernel <= size - 4096 and its_priority == priority, kernel, its_priority)


def line_of(path: Path) -> list[str]:
    name = str(path).replace(" ", "\\040")
    lines = Path("/etc/fstab").read_text(encoding="utf-8").splitlines()
    check(lines[:3] == lab.FSTAB.splitlines(), "other lines changed", lines)
    return [line for line in lines if line.startswith(name)]


@case
def whole_life(where: Path) -> None:
    """Each wish: check mode says what the run does, the run does it, a second run does nothing."""
    path = where / "swap file ü"
    for wish, size, priority in (
        ({"size": "24M"}, 24 * M, 10),
        ({"size": "40M", "priority": 7}, 40 * M, 7),
        ({"size": str(20 * M + 1)}, 20 * M + 4096, 7),
        ({"size": "20M", "priority": 300, "discard": "once"}, 20 * M, 300),
        ({"size": "20M", "discard": "pages", "nofail": False}, 20 * M, 300),
    ):
        before = everything(path)
        foreseen = do(path, True, **wish)
        check(everything(path) == before, "check mode changed something")
        done = do(path, **wish)
        check(foreseen["changed"] and foreseen["plan"] == done["plan"] and foreseen["diff"] == done["diff"], foreseen, done)
        whole(path, size, priority)
        check(done["swap_file"]["active"] and done["swap_file"]["size"] == size and done["swap_file"]["priority"] == priority, done)
        check(not do(path, True, **wish)["changed"] and not do(path, **wish)["changed"], "a second run changes something", wish)
    check(line_of(path) == [str(path).replace(" ", "\\040") + " none swap pri=300,discard=pages 0 0"], line_of(path))
    foreseen = do(path, True, state="absent")
    check(foreseen["plan"] == do(path, state="absent")["plan"], foreseen)
    check(not path.exists() and not line_of(path) and not lab.ours(), "left after absent")
    check(not do(path, state="absent")["changed"], "absent twice")


@case
def repair(where: Path) -> None:
    """What is there is not believed."""
    path = where / "swapfile"
    do(path, size="16M")
    subprocess.check_call(["swapoff", path])
    path.chmod(0o644)
    check([step["action"] for step in do(path, size="16M")["plan"]] == ["secure", "activate"], "not active, readable by all")
    whole(path, 16 * M, 10)
    lab.write_fstab()
    check([step["action"] for step in do(path, size="16M")["plan"]] == ["fstab"], "no line")
    subprocess.check_call(["swapoff", path])
    with path.open("r+b") as handle:  # a hole, as cp --sparse leaves it
        head = handle.read(4096)
        handle.truncate(0)
        handle.seek(0)
        handle.write(head)
        handle.truncate(16 * M)
    do(path, size="16M")
    whole(path, 16 * M, 10)


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
    from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
    from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
    from ansible_collections.memops.linux.plugins.module_utils._swap import make
    from ansible_collections.memops.linux.plugins.module_utils._swap.errors import Failed

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
                    except Failed:
                        pass
                    else:
                        raise AssertionError("made")
                check(os.listdir(where) == names and not lab.missing_disk(where, free), "left", os.listdir(where), free - lab.free(where))
    do(path, size="16M")
    refused("until the old one can go", path, size="900M")
    refused("until the old one can go", path, size="32M", min_free="95%")
    do(path, state="absent")
    check(not lab.missing_disk(where, free), "disk is lost")


@case
def without_a_nameless_file(where: Path) -> None:
    """As on kernels without O_TMPFILE (mocked: this one has it), and after a kill in the middle of that."""
    from ansible_collections.memops.linux.plugins.module_utils._swap import make

    path = where / "swapfile"
    with mock.patch.object(make, "_without_name", lambda folder: None):
        do(path, size="16M")
        do(path, size="24M")
    whole(path, 24 * M, 10)
    for name in (make.half_name("swapfile"), make.bridge_name("swapfile")):
        (where / name).write_bytes(bytes(8 * M))
        (where / name).chmod(0o600)
    subprocess.check_call(["mkswap", where / name], stdout=subprocess.DEVNULL)
    check([step["action"] for step in do(path, size="24M")["plan"]] == ["remove", "remove"], "left-overs")
    subprocess.check_call(["swapoff", path])
    os.link(path, where / make.half_name("swapfile"))  # killed between the link and the unlink
    try:
        do(path, size="24M")
    finally:
        check(sorted(os.listdir(where))[-1] == "swapfile", os.listdir(where))
    whole(path, 24 * M, 10)


@case
def holes_that_only_the_kernel_sees(where: Path) -> None:
    """swapon says EINVAL: every block is written, once. (The file system's own allocation is replaced by a sparse file.)"""
    from ansible_collections.memops.linux.plugins.module_utils._swap import make

    def sparse(fd: int, size: int, zeros: bool) -> None:
        if zeros:
            make._write_zeros(fd, size)
        else:
            os.ftruncate(fd, size)

    path = where / "swapfile"
    with mock.patch.object(make, "_allocate", sparse), mock.patch.object(make.extents, "has_holes", lambda fd, size: False):
        do(path, size="16M")
    whole(path, 16 * M, 10)
    do(path, state="absent")
    with mock.patch.object(make, "_allocate", sparse):  # and holes that the map shows are filled before
        do(path, size="16M")
    whole(path, 16 * M, 10)
    do(path, state="absent")
    if where.name == "btrfs":
        with mock.patch.object(make.extents, "stop_copy_on_write", lambda fd: None):
            failed("Invalid argument", path, size="16M")
        check(not path.exists() and not line_of(path), "left after a failed activation")


def failed(words: str, path: Path, **wish: Any) -> None:
    try:
        do(path, **wish)
    except Exception as exc:
        check(words in str(exc), words, str(exc))
    else:
        raise AssertionError(f"did not fail: {words}")


@case
def rights(where: Path) -> None:
    """0600 and root's group, whatever the umask and a setgid folder say."""
    folder = where / "shared"
    folder.mkdir()
    os.chown(folder, 0, 4)
    folder.chmod(0o2755)
    for mask in (0, 0o777):
        old = os.umask(mask)
        try:
            do(folder / "swapfile", size="8M")
        finally:
            os.umask(old)
        whole(folder / "swapfile", 8 * M, 10)
        do(folder / "swapfile", state="absent")


HOLDER = """
import mmap, sys
size = 12 << 20
memory = mmap.mmap(-1, size)
pages = [b"%016d" % number * 256 for number in range(size // 4096)]
for number, page in enumerate(pages):
    memory[number * 4096 : number * 4096 + 4096] = page
memory.madvise(21)  # MADV_PAGEOUT
print("out", flush=True)
for line in sys.stdin:
    for number, page in enumerate(pages):  # dirty again: what came back by swapoff is not paged out otherwise
        memory[number * 4096 : number * 4096 + 4096] = page
    memory.madvise(21)
    print("out", flush=True)
sys.exit(0 if all(memory[number * 4096 : number * 4096 + 4096] == page for number, page in enumerate(pages)) else 1)
"""


@case
def in_use(where: Path) -> None:
    """A process has its memory in the file: it survives resizes unharmed, and nothing is turned off without room."""
    from ansible_collections.memops.linux.plugins.module_utils._swap import state, steps
    from ansible_collections.memops.linux.plugins.module_utils._swap.room import Memory

    path = where / "swapfile"
    do(path, size="24M", priority=32767)
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin and holder.stdout
        try:
            check(holder.stdout.readline() == b"out\n", "the holder did not start")
            used = do(path, True, size="24M", priority=32767)["swap_file"]["used"]
            check(used > 8 * M, "nothing was paged out", used)
            little = Memory(1 << 30, -(1 << 40))  # other tests may have swap of their own just now
            with mock.patch.object(state, "read_memory", lambda host: little), mock.patch.object(steps, "read_memory", lambda host: little):
                refused("and there is room for 0 bytes", path, state="absent")
            do(path, size="40M")
            holder.stdin.write(b"\n")
            holder.stdin.flush()
            check(holder.stdout.readline() == b"out\n", "the holder died")
            with mock.patch.object(steps, "read_memory", lambda host: little):  # memory went after the look ahead
                failed("cannot be turned off now", path, state="absent")
            check(lab.ours() == [str(path)] and line_of(path) and path.exists(), "not as before")
            do(path, size="24M")
            do(path, state="absent")
            holder.stdin.close()
            check(holder.wait(20) == 0, "its memory is damaged")
        finally:
            holder.kill()


@case
def label(where: Path) -> None:
    """swapfile_t where SELinux is on. (It is not on here: only the question whether it is, is mocked; the label is a real one.)"""
    from ansible_collections.memops.linux.plugins.module_utils._swap import make, state, steps

    path = where / "swapfile"
    with mock.patch.object(make, "selinux_enabled", lambda host: True), mock.patch.object(state, "selinux_enabled", lambda host: True):
        do(path, size="8M")
        check(os.getxattr(path, "security.selinux") == b"system_u:object_r:swapfile_t:s0", os.listxattr(path))
        check(not do(path, size="8M")["changed"], "second run")
        os.setxattr(path, "security.selinux", b"unconfined_u:object_r:etc_runtime_t:s0")
        with mock.patch.object(steps, "selinux_enabled", lambda host: True):
            check([step["action"] for step in do(path, size="8M")["plan"]] == ["secure"], "another label")
        check(os.getxattr(path, "security.selinux").split(b":")[2] == b"swapfile_t", "label")
    do(path, state="absent")


@case
def failed_steps_go_back(where: Path) -> None:
    """A step fails: the host has the swap that it had, and the next run ends as wished."""
    from ansible_collections.memops.linux.plugins.module_utils._swap import steps
    from ansible_collections.memops.linux.plugins.module_utils._swap.errors import Failed

    path = where / "swapfile"
    do(path, size="16M")

    @contextmanager
    def broken(name: str, number: int) -> Iterator[None]:
        real, calls = getattr(steps, name), []

        def instead(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            if len(calls) == number:
                raise Failed("made to fail")
            return real(*args, **kwargs)

        with mock.patch.object(steps, name, instead):
            yield

    for name, number, bridge_stays in (
        ("make", 1, False),
        ("activate", 1, False),
        ("deactivate", 1, False),
        ("make", 2, True),
        ("activate", 2, False),
    ):
        size = "24M" if path.stat().st_size == 16 * M else "16M"
        with broken(name, number):
            failed("made to fail", path, size=size)
        active = lab.ours()
        check(active == [str(where / ".swapfile.memops-bridge")] if bridge_stays else active == [str(path)], name, number, active)
        do(path, size=size)
        check(os.listdir(where) == ["swapfile"] or sorted(os.listdir(where)) == ["lost+found", "swapfile"], os.listdir(where))
    do(path, state="absent")


@case
def two_at_once(where: Path) -> None:
    """Runs wait for each other: other files, the same file."""
    paths = [where / f"swapfile{number}" for number in (1, 2, 3, 1)]
    running = [subprocess.Popen(driver.argv_of(path, {"size": "16M"}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for path in paths]
    said = [run.communicate()[0].decode() for run in running]
    check([run.returncode for run in running] == [0] * 4, said)
    for path in set(paths):
        whole(path, 16 * M, 10)
        check(len(line_of(path)) == 1, line_of(path))
        do(path, state="absent")
    check(Path("/etc/fstab").read_text(encoding="utf-8") == lab.FSTAB, "fstab")


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
def another_namespace() -> None:
    """A swap file of the same name that somebody else uses, as a container does: not taken for ours, and not touched."""
    with lab.file_system("ext4") as where:
        path = where / "swapfile"
        do(path, size="8M")
        other = lab.MOUNTS / "covers"
        other.mkdir()
        image = Path(os.environ[lab.INSIDE]) / "covers.img"
        with image.open("wb") as handle:
            handle.truncate(64 * M)
        subprocess.check_call(["mkfs.ext4", "-q", image])
        subprocess.check_call(["mount", "-o", "loop", image, other])
        subprocess.check_call(["swapoff", path])
        lab.write_fstab()
        do(path, state="absent")
        # In a namespace where the other file system stands in the place of ours, the two files have one name.
        make_it = f"fallocate -l 16M {path} && chmod 600 {path} && mkswap {path} >/dev/null && swapon -p 55 {path}"
        script = f"mount --bind {other} {where} && {make_it} && exec sleep 60"
        there = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
        try:
            deadline = time.monotonic() + 20
            while not lab.ours() and time.monotonic() < deadline:
                time.sleep(0.05)
            check(lab.ours() == [str(path)], "the other one does not have our name", lab.ours())
            done = do(path, size="8M")
            check([step["action"] for step in done["plan"]] == ["make", "activate", "fstab"] and done["swap_file"]["active"], done)
            check(lab.ours() == [str(path)] * 2, lab.ours())
            check(not do(path, size="8M")["changed"], "second run")
            do(path, state="absent")
            check(lab.ours() == [str(path)], "the other one is touched")
        finally:
            subprocess.call(["swapoff", other / "swapfile"])
            there.kill()
            there.wait()
            subprocess.check_call(["umount", other])
            image.unlink()


@alone
def the_module() -> None:
    """Through ansible: check mode, a run, a second run, resize, absent."""
    ansible = shutil.which("ansible")
    if ansible is None:
        print("  the module itself was NOT run: no ansible in PATH")
        return

    def module(where: Path, *words: str, **wish: object) -> dict[str, Any]:
        # An /etc of our own comes with this namespace, so the module's real /etc/fstab is ours.
        wish = {"path": str(where / "swapfile"), "min_free": "10M", **wish}
        command = [
            ansible,
            "localhost",
            "-c",
            "local",
            "-m",
            "memops.linux.swap_file",
            "-a",
            json.dumps(wish),
            "-e",
            f"ansible_python_interpreter={os.environ[PYTHON]}",
        ]
        env = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=os.environ[driver.TREE],
            ANSIBLE_LOAD_CALLBACK_PLUGINS="1",
            ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal",
        )
        env["ANSIBLE_HOME"] = env["ANSIBLE_LOCAL_TEMP"] = env["ANSIBLE_REMOTE_TEMP"] = str(Path(os.environ[lab.INSIDE]) / "ansible")
        done = subprocess.run([*command, *words], env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")
        text = done.stdout.decode()
        check("=> {" in text, text, done.stderr.decode())
        return dict(json.loads(text[text.index("=> {") + 3 : text.rindex("}") + 1]), failed=done.returncode != 0)

    with lab.file_system("ext4") as where:
        foreseen = module(where, "--check", size="24M")
        check(foreseen["changed"] and not (where / "swapfile").exists(), foreseen)
        done = module(where, "--diff", size="24M")
        check(not done["failed"] and done["plan"] == foreseen["plan"] and done["swap_file"]["size"] == 24 * M, done)
        whole(where / "swapfile", 24 * M, 10)
        check(not module(where, size="24M")["changed"], "second run")
        check(module(where, size="32M", priority=5)["changed"], "resize")
        whole(where / "swapfile", 32 * M, 5)
        check("Nothing was changed" in module(where, size="2X")["msg"], "a wrong size")
        check("are free and" in module(where, size="9G")["msg"], "a full disk")
        check(module(where)["failed"], "no size")
        check(module(where, state="absent")["changed"] and not (where / "swapfile").exists(), "absent")
        check(Path("/etc/fstab").read_text(encoding="utf-8") == lab.FSTAB, "fstab")


def run(name: str, act: Callable[[], None]) -> bool:
    started = time.monotonic()
    lab.write_fstab()
    try:
        act()
    except Exception:
        print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
        return False
    print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases and file systems with this word in their name")
    parser.add_argument("--python", default=sys.executable, help="that runs the module in the_module")
    options = parser.parse_args()
    os.environ[PYTHON] = options.python
    missing = lab.why_not("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
    if missing:
        print(f"SKIPPED: {missing}")
        return 77
    lab.enter()
    lab.prepare()
    results = []
    with tempfile.TemporaryDirectory(prefix="memops-tree-") as tree:
        driver.use_tree(Path(tree))
        for kind in KINDS:
            for one in CASES:
                name = f"{kind}: {one.__name__}"
                if options.only in name:
                    with lab.file_system(kind) as where:
                        results.append(run(name, lambda one=one, where=where: one(where)))
        for each in ALONE:
            if options.only in each.__name__:
                results.append(run(each.__name__, each))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
