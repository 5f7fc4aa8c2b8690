# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault at every system call with which swap_file touches a path, on a real file system with real swap.

    python tests/fault/swap_sweep.py [--seed 1] [--share 0.2] [--kind xfs]     (root, strace, loop devices)

Each operation runs once under strace to learn its calls, then once per call and fault: SIGKILL, EIO, ENOSPC. After each
fault the host has not lost its swap, what fstab names is a whole swap file, also after a power cut at a SIGKILL, and
one run without faults ends with the file, /proc/swaps and fstab as wished, nothing beside them, and all of the disk
back when it is removed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_lab as lab  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TREE = "MEMOPS_SWAP_TREE"  # the checkout as a collection
DEFAULTS: dict[str, Any] = {
    "size": None,
    "state": "present",
    "priority": None,
    "discard": None,
    "persistent": True,
    "nofail": True,
    "min_free": "4M",
    "expires": None,
    "allow_on_kubernetes": False,
    "allow_resume_change": False,
}
#: All that name a path or write to one. fstat on an open file and lseek cannot fail, and a kill at them is a kill at
#: the next call.
CALLS = (
    "openat,newfstatat,stat,lstat,fchmod,fchown,fallocate,pwrite64,write,fsync,linkat,symlinkat,unlinkat,"
    "unlink,renameat,renameat2,rename,ioctl,swapon,swapoff,pread64,ftruncate"
)
FAULTS = ("signal=SIGKILL", "error=EIO", "error=ENOSPC")
_CALL = re.compile(r"^(\d+)\s+(\w+)\((.*)$")
_MAY_BE_FULL = {
    "openat",
    "fallocate",
    "pwrite64",
    "write",
    "fsync",
    "linkat",
    "symlinkat",
    "renameat",
    "renameat2",
    "rename",
}


class Call(NamedTuple):
    name: str
    number: int  # among the calls of this name in its process


class Operation(NamedTuple):
    """before -- wishes that are fulfilled first; wish -- what is done under faults; had_swap -- and must not be lost"""

    name: str
    before: list[dict[str, Any]]
    wish: dict[str, Any]
    spoil: Callable[[Path], None] | None
    had_swap: bool


def _off(path: Path) -> None:
    subprocess.run(["swapoff", str(path)], check=True)


OPERATIONS = [
    Operation("create", [], {"size": "24M"}, None, False),
    Operation("grow", [{"size": "24M"}], {"size": "40M", "priority": 7}, None, True),
    Operation("shrink", [{"size": "40M"}], {"size": "24M"}, None, True),
    Operation("priority", [{"size": "24M"}], {"size": "24M", "priority": 3}, None, True),
    Operation("repair", [{"size": "24M"}], {"size": "24M"}, _off, False),
    Operation("remove", [{"size": "24M"}], {"state": "absent"}, None, False),
]


def use_tree(folder: Path) -> None:
    """Make the checkout importable, and for the processes that are started from here as well."""
    namespace = folder / "ansible_collections" / "memops"
    namespace.mkdir(parents=True)
    (namespace / "linux").symlink_to(ROOT)
    sys.path.insert(0, str(folder))
    os.environ[TREE] = str(folder)


def do(path: Path, wish: dict[str, Any], check_mode: bool = False, host: Any = None) -> dict[str, Any]:
    """What the module does, with messages as exceptions. There is no systemd here that could keep a timer."""
    from ansible_collections.memops.linux.plugins.module_utils._host import Host
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.execute import Timer
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.expiry import cancel, schedule, scheduled
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.params import parse_params
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.result import result
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.transaction import run

    params = dict(DEFAULTS, path=str(path), **wish)
    return result(run(host or Host(), parse_params(params), check_mode, Timer(scheduled, schedule, cancel)), check_mode)


def argv_of(path: Path, wish: dict[str, Any]) -> list[str]:
    return [sys.executable, "-B", "-E", "-S", __file__, "--do", json.dumps({"path": str(path), **wish})]


def calls_of(log: Path, where: Path) -> Iterator[Call]:
    """The calls on our paths, and swapon and swapoff themselves, each counted in its own process."""
    seen: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _CALL.match(line)
        if not found:
            continue
        pid, name, rest = found.groups()
        seen[pid, name] += 1
        if (
            name in ("swapon", "swapoff")
            or str(where) in rest
            or "/etc/fstab" in rest
            or ".fstab" in rest
            or "</etc>" in rest
        ):
            yield Call(name, seen[pid, name])


def strace(log: Path, *options: str) -> list[str]:
    # not --seccomp-bpf: it is faster, but then no signal is ever injected
    return ["strace", "-f", "-y", "-q", "-o", str(log), *options]


class Broken(Exception):
    """What must never be."""


class Sweep:
    def __init__(self, where: Path) -> None:
        self.kind = where.name
        self.where = where
        self.path = where / "swapfile"
        self.names = set(os.listdir(where))
        self.log = Path(os.environ[lab.INSIDE]) / "strace.log"
        self.free = lab.free(where)
        self.tally: Counter[str] = Counter()

    def reset(self, operation: Operation) -> None:
        for wish in operation.before:
            do(self.path, wish)
        if operation.spoil is not None:
            operation.spoil(self.path)

    def clear(self) -> None:
        """Through the module, so that every fault is followed by a removal too."""
        do(self.path, {"state": "absent"})
        left = set(os.listdir(self.where)) - self.names
        if left or lab.ours():
            raise Broken(f"left after the removal: {sorted(left)} {lab.ours()}")
        if Path("/etc/fstab").read_text(encoding="utf-8") != lab.FSTAB:
            raise Broken("fstab is another one after the removal")
        beside = [name for name in os.listdir("/etc") if "memops" in name]
        if beside:
            raise Broken(f"left in /etc: {beside}")
        lost = lab.missing_disk(self.where, self.free)
        if lost:
            raise Broken(f"{lost} bytes of disk are lost")

    def after_fault(self, operation: Operation) -> None:
        areas = lab.ours()
        if operation.had_swap and not areas:
            raise Broken("the host had swap and has none")
        do(self.path, operation.wish)
        present = operation.wish.get("state") != "absent"
        if (lab.ours() == [str(self.path)]) != present or len(lab.ours()) != present:
            raise Broken(f"active after one more run: {lab.ours()}")
        if (f"{self.path} none swap nofail,pri=" in Path("/etc/fstab").read_text(encoding="utf-8")) != present:
            raise Broken("fstab and /proc/swaps do not agree after one more run")
        if set(os.listdir(self.where)) - self.names != ({self.path.name} if present else set()):
            raise Broken(f"left after one more run: {os.listdir(self.where)}")
        if do(self.path, operation.wish)["changed"]:
            raise Broken("the second run without a fault changed something")

    def named(self, where: Path, sizes: set[int], when: str) -> None:
        """What a boot would do with the line, if there is one."""
        size = lab.whole_size(where / self.path.name)
        if f"{self.path} none swap" in Path("/etc/fstab").read_text(encoding="utf-8") and size not in sizes:
            raise Broken(f"fstab names a swap file of {size} bytes {when}: {os.listdir(where)}")

    def learn(self, operation: Operation) -> list[Call]:
        self.reset(operation)
        command = [*strace(self.log, "-e", f"trace={CALLS}"), *argv_of(self.path, operation.wish)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = sorted(set(calls_of(self.log, self.where)))
        self.clear()
        return found

    def fault(self, operation: Operation, call: Call, what: str) -> None:
        self.reset(operation)
        options = ["-e", f"trace={call.name}", "-e", f"inject={call.name}:{what}:when={call.number}"]
        done = subprocess.run(
            [*strace(self.log, *options), *argv_of(self.path, operation.wish)],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        text = self.log.read_text(encoding="utf-8", errors="replace")
        if "INJECTED" not in text and "+++ killed by SIGKILL" not in text:
            self.tally["not met"] += 1
            return self.clear()
        said = done.stdout.decode("utf-8", "replace")
        if "Traceback" in said:
            raise Broken(f"an exception reached the user: {said[-2000:]}")
        self.tally[what] += 1
        self.tally[f"{operation.name}: {'survived' if done.returncode == 0 else 'failed'}"] += 1
        sizes = {
            int(wish["size"].rstrip("M")) * lab.MIB for wish in (*operation.before, operation.wish) if "size" in wish
        }
        self.named(self.where, sizes, "after the fault")
        if what == "signal=SIGKILL":
            copy = lab.cut_power(self.kind)
            with lab.after_power_cut(copy, self.kind) as after:
                self.named(after, sizes, "after a power cut")
            copy.unlink()
            self.tally["power cuts"] += 1
        self.after_fault(operation)
        self.clear()
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--do", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of the faults, chosen by the seed")
    parser.add_argument("--kind", default="ext4", choices=("ext4", "xfs", "ext3"), help="of file system")
    options = parser.parse_args()
    if options.do:
        sys.path.insert(0, os.environ[TREE])
        return act(json.loads(options.do))
    with tempfile.TemporaryDirectory(prefix="memops-tree-") as tree:
        use_tree(Path(tree))
        return sweep(options)


def act(wish: dict[str, Any]) -> int:
    from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import FstabError

    try:
        print(do(Path(wish.pop("path")), wish)["msg"])
    except (ExecutionError, PreconditionError, FstabError) as exc:
        print(exc)
        return 1
    return 0


def sweep(options: argparse.Namespace) -> int:
    missing = lab.why_not("strace")
    if missing:
        print(f"SKIPPED: {missing}")
        return 77
    lab.enter()
    lab.prepare()
    chance = random.Random(options.seed)
    started, broken = time.monotonic(), []
    with lab.file_system(options.kind, lab.SIZES["xfs"] if options.kind == "xfs" else 192) as where:
        state = Sweep(where)
        for operation in OPERATIONS:
            calls = state.learn(operation)
            print(f"{operation.name}: {len(calls)} calls", flush=True)
            for call in calls:
                for what in FAULTS:
                    if (what == "error=ENOSPC" and call.name not in _MAY_BE_FULL) or chance.random() > options.share:
                        continue
                    try:
                        state.fault(operation, call, what)
                    except Exception as exc:  # every one is a finding, and the next fault needs a clean start
                        broken.append(
                            f"{operation.name}: {what} at {call.name} #{call.number}: {type(exc).__name__}: {exc}"
                        )
                        print(f"BROKEN {broken[-1]}", flush=True)
                        lab.swap_off()
                        for name in set(os.listdir(where)) - state.names:
                            (where / name).unlink()
                        lab.write_fstab()
    count = sum(state.tally[what] for what in FAULTS)
    print(dict(state.tally))
    print(f"{count} faults, {len(broken)} broken, {time.monotonic() - started:.0f} s")
    return 1 if broken or count < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
