# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a swap file on real ext4, xfs, btrfs and ext3, with real swap; and what must be refused there.

python tests/fault/swap_life.py [--only WORD]     (root, loop devices; ansible in PATH for the module itself)
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_interrupted  # noqa: E402
import swap_lab as lab  # noqa: E402
import swap_neighbours  # noqa: E402
import swap_places  # noqa: E402
import swap_refusals  # noqa: E402
import swap_sweep as driver  # noqa: E402
from swap_cases import ALONE, CASES, M, case, check, do, everything, failed, line_of, refused, whole  # noqa: E402

KINDS = ("ext4", "xfs", "btrfs", "ext3")
#: Their cases are registered by the import.
MORE = (swap_interrupted, swap_neighbours, swap_places, swap_refusals)


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
        check(
            foreseen["changed"] and foreseen["plan"] == done["plan"] and foreseen["diff"] == done["diff"],
            foreseen,
            done,
        )
        whole(path, size, priority)
        check(
            done["swap_file"]["active"]
            and done["swap_file"]["size"] == size
            and done["swap_file"]["priority"] == priority,
            done,
        )
        check(
            not do(path, True, **wish)["changed"] and not do(path, **wish)["changed"],
            "a second run changes something",
            wish,
        )
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
    check(
        [step["action"] for step in do(path, size="16M")["plan"]] == ["secure", "activate"],
        "not active, readable by all",
    )
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
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import execute as steps
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import state
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.headroom import Memory

    path = where / "swapfile"
    do(path, size="24M", priority=32767)
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin and holder.stdout
        try:
            check(holder.stdout.readline() == b"out\n", "the holder did not start")
            used = do(path, True, size="24M", priority=32767)["swap_file"]["used"]
            check(used > 8 * M, "nothing was paged out", used)
            little = Memory(1 << 30, -(1 << 40))  # other tests may have swap of their own just now
            with mock.patch.object(state, "read_memory", lambda host: little), mock.patch.object(
                steps, "read_memory", lambda host: little
            ):
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
    """swapfile_t where SELinux is on. (It is not on here: only the question whether it is, is mocked; the label is a
    real one.)
    """
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import execute as steps
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import make, state

    path = where / "swapfile"
    with mock.patch.object(make, "selinux_enabled", lambda host: True), mock.patch.object(
        state, "selinux_enabled", lambda host: True
    ):
        do(path, size="8M")
        check(os.getxattr(path, "security.selinux") == b"system_u:object_r:swapfile_t:s0", os.listxattr(path))
        check(not do(path, size="8M")["changed"], "second run")
        os.setxattr(path, "security.selinux", b"unconfined_u:object_r:etc_runtime_t:s0")
        with mock.patch.object(steps, "selinux_enabled", lambda host: True):
            check([step["action"] for step in do(path, size="8M")["plan"]] == ["secure"], "another label")
        check(os.getxattr(path, "security.selinux").split(b":")[2] == b"swapfile_t", "label")
    do(path, state="absent")


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
    os.environ[swap_neighbours.PYTHON] = options.python
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
