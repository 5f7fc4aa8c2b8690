# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault at every system call of service_memory that touches a path: the kill -9, the full disk, the broken disk, the
quota.

    python tests/fault/protect_sweep.py [--share 1] [--seed 1] [--jobs 2]

Real processes under strace, one fault each, below a temporary root: a drop-in is added, changed, removed, and put back
because systemd did not take it. The process is the module's rooms without Ansible around them; systemctl is a function
in it that says what its operation wants, for its own files would meet the faults too. After each fault the drop-in has
its old or its new bytes, other people's files are as they were, one run without a fault ends as requested with nothing
left beside it, and the next changes nothing.

Exit code: 0 all is well, 1 something was wrong or too few faults were met, 77 strace does not work here.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
UNIT = "web.service"
FOLDER = f"/etc/systemd/system/{UNIT}.d"
OURS = f"{FOLDER}/50-memops.conf"
THEIRS = f"{FOLDER}/10-person.conf"
GROUP = f"/system.slice/{UNIT}"
PID = 4711
OLD, NEW = 100, 200  # as many digits: the kernel replaces a score, a file keeps what stands behind it
CHANGES = "mkdir,mkdirat,fchmod,fchown,write,pwrite64,fsync,ftruncate,fsetxattr,rename,renameat,renameat2,unlink,unlinkat,rmdir"
LOOKS = "openat,newfstatat,fstat,getdents64,flistxattr,flock,readlink"
MAY_BE_FULL = {
    "openat",
    "mkdir",
    "mkdirat",
    "write",
    "pwrite64",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "fsetxattr",
}
FAULTS = ("signal=SIGKILL", "error=EIO", "error=ENOSPC", "error=EDQUOT")
_CALL = re.compile(r"^(\d+)\s+(\w+)\((.*)$")
#: Where systemd's folders are searched for what people wrote: nothing is there, and a fault says no more than that.
_SEARCH = re.compile(r" = -1 ENOENT|O_RDONLY\|O_NONBLOCK\|O_CLOEXEC|O_RDONLY\|O_NONBLOCK\|O_CLOEXEC\|O_DIRECTORY")


class Operation(NamedTuple):
    """before -- our drop-in's score before, or None; request -- its score afterwards, or None; theirs -- a person's
    file is beside it;
    running -- a process with the old score; deaf -- systemd does not take it, so that the earlier bytes come back"""

    name: str
    before: int | None
    request: int | None
    theirs: bool = False
    running: bool = False
    not_loaded: bool = False


OPERATIONS = (
    Operation("add", None, NEW),
    Operation("add beside a person's file", None, NEW, theirs=True),
    Operation("change", OLD, NEW, theirs=True),
    Operation("change, with a process", OLD, NEW, running=True),
    Operation("remove", OLD, None),
    Operation("remove beside a person's file", OLD, None, theirs=True),
    Operation("add, and back", None, NEW, not_loaded=True),
    Operation("change, and back", OLD, NEW, theirs=True, not_loaded=True),
)


class Call(NamedTuple):
    name: str
    number: int  # among the calls of this name in its process


class Broken(Exception):
    """What must never be."""


# ---------------------------------------------------------------- the process that meets the fault


def systemctl(operation: Operation, before: int | None, request: int | None) -> Any:
    """What systemd says: the earlier score until the reload, then the requested one; a deaf one never changes its mind."""
    from ansible_collections.memops.linux.plugins.module_utils._host import Ran

    loaded = [before or 0]

    def run(argv: Any, timeout: float = 0) -> Any:
        words = " ".join(argv)
        if "--version" in words:
            return Ran(0, "systemd 252 (252.1-1)\n")
        if "daemon-reload" in words and not operation.not_loaded:
            loaded[0] = request or 0
        if " show " not in words or UNIT not in words:
            return Ran(0)
        block = {
            "Id": UNIT,
            "Names": UNIT,
            "LoadState": "loaded",
            "FragmentPath": f"/usr/lib/systemd/system/{UNIT}",
            "NeedDaemonReload": "no",
        }
        block.update(
            OOMScoreAdjust=str(loaded[0]), ActiveState="inactive", MainPID="0", ControlGroup="", InvocationID=""
        )
        if operation.running:
            block.update(
                ActiveState="active",
                MainPID=str(PID),
                ControlGroup=GROUP,
                InvocationID="a" * 32,
                ActiveEnterTimestampMonotonic="1000000",
            )
        return Ran(0, "".join(f"{key}={value}\n" for key, value in block.items()))

    return run


def do(root: str, operation: Operation, before: int | None, request: int | None) -> dict[str, Any]:
    """What the module does, without Ansible."""
    from ansible_collections.memops.linux.plugins.module_utils._host import Host
    from ansible_collections.memops.linux.plugins.module_utils._service_memory.execute import protect
    from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import Overrides, Request
    from ansible_collections.memops.linux.plugins.module_utils._service_memory.result import outcome
    from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name

    settings = {} if request is None else {"oom_score_adjust": str(request)}
    wished = Request(parse_unit_name(UNIT), settings, "absent" if request is None else "present")
    host = Host(root=root, run=systemctl(operation, before, request))
    return outcome(protect(host, [wished], Overrides(settle=0.0), False), False)


def act(given: dict[str, Any]) -> int:
    from ansible_collections.memops.linux.plugins.module_utils._service_memory.execute import ProtectError

    operation = Operation(**given["operation"])
    try:
        result = do(given["root"], operation, operation.before, operation.request)
    except ProtectError as exc:
        print(f"refused: {exc}")
        return 1
    print(result["msg"])
    return 1 if result["failed"] else 0


# ---------------------------------------------------------------- the sweep


class Place:
    """A root of its own for each worker."""

    def __init__(self, top: Path, tree: Path) -> None:
        self.root = Path(tempfile.mkdtemp(dir=top))
        self.root.chmod(0o755)
        self.tree = tree
        self.log = top / f"{self.root.name}.log"

    def at(self, path: str) -> Path:
        return Path(f"{self.root}{path}")

    def write(self, path: str, text: str) -> None:
        target = self.at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def reset(self, operation: Operation) -> None:
        for child in self.root.iterdir():
            shutil.rmtree(child)
        self.write("/proc/meminfo", "MemTotal: 8000000 kB\n")
        self.write("/proc/1/status", "CapEff:\t000001ffffffffff\n")
        self.write("/sys/fs/cgroup/cgroup.controllers", "memory\n")
        self.at("/etc/systemd/system").mkdir(parents=True)
        self.at("/run/systemd/system").mkdir(parents=True)
        self.write(f"/usr/lib/systemd/system/{UNIT}", "[Service]\n")
        if operation.theirs:
            self.write(THEIRS, "[Service]\nEnvironment=A=b\n")
        if operation.before is not None:
            self.write(OURS, drop_in(operation.before))
        if operation.running:
            self.write(f"/sys/fs/cgroup{GROUP}/cgroup.procs", f"{PID}\n")
            for name, text in (
                ("oom_score_adj", f"{OLD}\n"),
                ("comm", "web\n"),
                ("cgroup", f"0::{GROUP}\n"),
                ("status", "CapEff:\t000001ffffffffff\n"),
            ):
                self.write(f"/proc/{PID}/{name}", text)

    def ours(self) -> str | None:
        path = self.at(OURS)
        return path.read_text(encoding="utf-8") if path.exists() else None

    def left(self) -> list[str]:
        """Temporary files, and folders that are empty."""
        found = []
        for top in ("/etc", "/run/memops", "/var"):
            for folder, inner, files in os.walk(f"{self.root}{top}"):
                found += [f"{folder}/{name}" for name in files if name.endswith("~") or name.startswith(".")]
                if folder.endswith(".d") and not inner + files:
                    found.append(folder)
        return found

    def strace(self, operation: Operation, *options: str) -> subprocess.CompletedProcess[bytes]:
        given = json.dumps({"root": str(self.root), "operation": operation._asdict()})
        # not --seccomp-bpf: it is faster, but then no signal is ever injected
        command = [
            "strace",
            "-f",
            "-y",
            "-q",
            "-o",
            str(self.log),
            *options,
            sys.executable,
            "-B",
            "-S",
            __file__,
            "--do",
            given,
        ]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.tree), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
        )

    def calls(self) -> Iterator[Call]:
        """The calls on our paths, each counted in its own process."""
        seen: Counter[tuple[str, str]] = Counter()
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            found = _CALL.match(line)
            if found:
                pid, name, rest = found.groups()
                seen[pid, name] += 1
                if str(self.root) in rest and not _SEARCH.search(rest):
                    yield Call(name, seen[pid, name])


def drop_in(score: int) -> str:
    from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import render

    return render("service", {"oom_score_adjust": str(score)}).decode("utf-8")


def text_of(score: int | None) -> str | None:
    return None if score is None else drop_in(score)


class Sweep:
    def __init__(self, top: Path, tree: Path) -> None:
        self.top, self.tree = top, tree
        self.local = threading.local()
        self.table: dict[str, Counter[str]] = {operation.name: Counter() for operation in OPERATIONS}
        self.broken: list[str] = []

    @property
    def place(self) -> Place:
        if not hasattr(self.local, "place"):
            self.local.place = Place(self.top, self.tree)
        return self.local.place

    def learn(self, operation: Operation) -> list[Call]:
        self.place.reset(operation)
        done = self.place.strace(operation, "-e", f"trace={CHANGES},{LOOKS}")
        if done.returncode != int(operation.not_loaded) or self.place.ours() != text_of(
            operation.before if operation.not_loaded else operation.request
        ):
            raise SystemExit(
                f"{operation.name} without a fault: exit {done.returncode}: {done.stdout.decode(errors='replace')[-3000:]}"
            )
        return sorted(set(self.place.calls()))

    def fault(self, operation: Operation, call: Call, what: str) -> None:
        place, tally = self.place, self.table[operation.name]
        place.reset(operation)
        done = place.strace(
            operation, "-e", f"trace={call.name}", "-e", f"inject={call.name}:{what}:when={call.number}"
        )
        text = place.log.read_text(encoding="utf-8", errors="replace")
        if "INJECTED" not in text and "killed by SIGKILL" not in text:
            tally["not met"] += 1
            return
        tally[what.partition("=")[2]] += 1
        message = done.stdout.decode("utf-8", "replace")
        if "Traceback" in message:
            raise Broken(f"an exception reached the user: {message[-1500:]}")
        now, old, new = place.ours(), text_of(operation.before), text_of(operation.request)
        if now not in (old, new):
            raise Broken(f"torn: {now!r}")
        if done.returncode == 0 and now != new:
            raise Broken("it said that all is well, and it is not")
        tally["survived" if done.returncode == 0 else "killed" if done.returncode < 0 else "refused"] += 1
        tally["as before" if now == old else "as requested"] += 1
        self.converges(operation)

    def converges(self, operation: Operation) -> None:
        """One more run, with a systemd that listens; then none has anything to do."""
        place, obedient = self.place, operation._replace(not_loaded=False)
        loaded = (
            operation.before if operation.not_loaded or place.ours() == text_of(operation.before) else operation.request
        )
        result = do(str(place.root), obedient, loaded, operation.request)
        if result["failed"] or place.ours() != text_of(operation.request):
            raise Broken(f"the next run did not get there: {result['msg']}")
        if place.left():
            raise Broken(f"left after the next run: {place.left()}")
        theirs = place.at(THEIRS)
        if operation.theirs != theirs.exists() or (
            operation.theirs and theirs.read_text(encoding="utf-8") != "[Service]\nEnvironment=A=b\n"
        ):
            raise Broken("a person's file changed")
        if place.at(OURS).exists() and place.at(OURS).stat().st_mode & 0o777 != 0o644:
            raise Broken("the mode is another one")
        if (
            operation.running
            and int(place.at(f"/proc/{PID}/oom_score_adj").read_text().strip() or "0") != operation.request
        ):
            raise Broken("the process has not the requested score")
        again = do(str(place.root), obedient, operation.request, operation.request)
        if again["changed"] or again["failed"]:
            raise Broken(f"the run after that changed something: {again['msg']}")

    def one(self, operation: Operation, call: Call, what: str) -> None:
        try:
            self.fault(operation, call, what)
        except Exception as exc:  # every one is a finding, and the next fault starts from nothing
            self.broken.append(f"{operation.name}: {what} at {call.name} #{call.number}: {type(exc).__name__}: {exc}")
            print(f"BROKEN {self.broken[-1]}", flush=True)


def faults_of(call: Call) -> Iterator[str]:
    for what in FAULTS:
        if what in ("error=ENOSPC", "error=EDQUOT") and call.name not in MAY_BE_FULL:
            continue
        if what == "signal=SIGKILL" and call.name in ("newfstatat", "fstat", "getdents64", "flistxattr", "readlink"):
            continue  # nothing changes there: it is the kill at the next call
        yield what


def sweep(options: argparse.Namespace, top: Path, tree: Path) -> int:
    state, chance, started = Sweep(top, tree), random.Random(options.seed), time.monotonic()
    todo = []
    for operation in OPERATIONS:
        found = state.learn(operation)
        every = [(operation, call, what) for call in found for what in faults_of(call)]
        todo += [item for item in every if chance.random() <= options.share]
        print(f"{operation.name}: {len(found)} calls, {len(every)} faults", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        for item in todo:
            pool.submit(state.one, *item)
    columns = (
        "SIGKILL",
        "EIO",
        "ENOSPC",
        "EDQUOT",
        "not met",
        "killed",
        "refused",
        "survived",
        "as before",
        "as requested",
    )
    print(f"{'operation':32}" + "".join(f"{column:>10}" for column in columns))
    for name, tally in state.table.items():
        print(f"{name:32}" + "".join(f"{tally[column]:>10}" for column in columns))
    count = sum(tally[column] for tally in state.table.values() for column in columns[:4])
    seconds = time.monotonic() - started
    print(f"{count} faults, {len(state.broken)} broken, {seconds:.0f} s, {count / seconds:.1f} faults/s")
    return 1 if state.broken or count < 800 * options.share else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--do", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--share", type=float, default=0.4, help="of the faults, chosen by the seed; 1 takes three minutes"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.do:
        return act(json.loads(options.do))
    if (
        not shutil.which("strace")
        or subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True).returncode
    ):
        print("SKIPPED: strace does not work here")
        return 77
    with tempfile.TemporaryDirectory(prefix="memops-protect-") as folder:
        top, tree = Path(folder), Path(folder) / "tree"
        top.chmod(0o755)
        above = tree / "ansible_collections" / "memops" / "linux" / "plugins"
        shutil.copytree(
            ROOT / "plugins" / "module_utils", above / "module_utils", ignore=shutil.ignore_patterns("__pycache__")
        )
        compileall.compile_dir(str(above), quiet=1)  # compiled once, not in every process
        sys.path.insert(0, str(tree))
        return sweep(options, top, tree)


if __name__ == "__main__":
    sys.exit(main())
