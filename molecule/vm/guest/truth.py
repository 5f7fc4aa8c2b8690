# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who died, and who they were: from /proc, from wait statuses, from the kernel's tracepoint of its victims. Never from
a log.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import Any, Callable

import memory
from memory import CGROUPS, GO, MEMORY, V2, fork, kernel_kills, read, run, take, write

TRACE = "/sys/kernel/tracing"
# An exiting task that meets a shortage is marked, too, and nobody has killed it: a victim was also sent SIGKILL by the
# kernel (code 128).
MARKED = re.compile(r" mark_victim: pid=(\d+)")
KILLED = re.compile(r" signal_generate: sig=9 errno=\d+ code=128 comm=[\s\S]{0,15}? pid=(\d+) grp=")
LIMIT = 120.0  # seconds to wait for a kill


class Stage:
    """One kind of kill: whom we watch, what the kernel marked, who is gone."""

    def __init__(
        self, name: str, killer: str = "kernel", scope: str = "memcg", trigger: str = "fault", limit: str | None = None
    ) -> None:
        self.told = {"stage": name, "killer": killer, "scope": scope, "trigger": trigger, "oom_memcg": limit}
        self.watched: dict[int, dict[str, Any]] = {}
        self.ours: set[int] = set()
        self.units: list[str] = []
        self.victims: list[dict[str, Any]] = []

    def __enter__(self) -> Stage:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(GO)
        marked()
        self.before, self.started = kernel_kills(), time.time()
        return self

    def child(
        self,
        mib: float,
        *,
        unit: str | None = "vm-test.service",
        wait: bool = False,
        more: Callable[[], Any] | None = None,
        **who: Any,
    ) -> int:
        """A hog of our own, whose wait status we get."""

        def work() -> Any:
            while wait and not os.path.exists(GO):
                time.sleep(0.02)
            return (take(mib), more() if more else None)

        pid = fork(work, **who)
        self.ours.add(pid)
        self.watched[pid] = dict(facts(pid), unit=unit)
        return pid

    def unit(
        self,
        unit: str,
        mib: float,
        *properties: str,
        name: bytes = b"hog",
        flags: tuple[str, ...] = (),
        slice_: str = "",
        processes: int = 1,
    ) -> list[int]:
        """Hogs that are a transient unit's processes."""
        command = ["systemd-run", "--quiet", "--unit=" + unit, *(["--slice=" + slice_] if slice_ else [])]
        command += ["--property=" + p for p in properties]
        run(
            *command,
            sys.executable,
            os.path.abspath(memory.__file__),
            str(mib),
            name.hex(),
            "--wait",
            f"--processes={processes}",
            *flags,
        )
        self.units.append(unit)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pids = members(run("systemctl", "show", "--property=ControlGroup", "--value", unit).strip())
            if len(pids) >= processes and all(facts(p)["comm"] == name[:15].hex() for p in pids):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError("%s has %r after 60 s" % (unit, [facts(p) for p in pids]))
        for pid in pids:
            self.watched[pid] = dict(facts(pid), unit=unit)
        return pids

    def go(self) -> None:
        write(GO, "")

    def wait(self, kills: int = 1, over: Callable[[], bool] | None = None) -> None:
        end = time.monotonic() + LIMIT
        while not (over() if over else kernel_kills() >= self.before + kills):
            if time.monotonic() > end:
                raise RuntimeError("no kill after %.0f s" % LIMIT)
            time.sleep(0.02)

    def settle(self) -> set[int]:
        """The watched that are gone, once the kernel's victims are."""
        victims, end = set(marked()), time.monotonic() + 20
        while any(alive(pid) for pid in victims) and time.monotonic() < end:
            time.sleep(0.02)
        victims |= set(marked())
        if self.told["killer"] == "kernel":
            unknown, living = victims - set(self.watched), {pid for pid in victims if alive(pid)}
            if unknown or living or not victims:
                raise RuntimeError(
                    "victims of the kernel: %r; not watched: %r; alive: %r" % (sorted(victims), unknown, living)
                )
            strays = {pid for pid in self.ours if not alive(pid)} - victims
            if strays:
                raise RuntimeError("died, and not by the kernel's hand: %r" % strays)
            return victims
        if victims:
            raise RuntimeError("the kernel killed %r, not %s" % (victims, self.told["killer"]))
        return {pid for pid in self.watched if not alive(pid)}

    def __exit__(self, failed: Any, *_error: Any) -> None:
        try:
            if not failed:
                for pid in sorted(self.settle()):
                    row = dict(self.told, **self.watched[pid])
                    if pid in self.ours:
                        status = os.waitpid(pid, 0)[1]
                        self.ours.discard(pid)
                        row["signal"] = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
                        if row["killer"] == "kernel" and row["signal"] != signal.SIGKILL:
                            raise RuntimeError("pid %d ended with wait status %d" % (pid, status))
                    self.victims.append(dict(row, since=self.started, until=time.time()))
        finally:
            for pid in self.ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            for unit in self.units:
                subprocess.run(["systemctl", "stop", unit], stderr=subprocess.DEVNULL, check=False)
                subprocess.run(["systemctl", "reset-failed", unit], stderr=subprocess.DEVNULL, check=False)
        for row in self.victims:
            print(json.dumps(row), flush=True)


def facts(pid: int) -> dict[str, Any]:
    """What /proc says of a process that lives."""
    here = "/proc/%d/" % pid
    with open(here + "comm", "rb") as file:
        comm = file.read()[:-1]
    uid = re.search(r"^Uid:\t(\d+)", read(here + "status"), re.M)
    group = re.search(r"^0::(.*)$" if V2 else r"^\d+:memory:(.*)$", read(here + "cgroup"), re.M)
    assert uid and group
    cgroup = group.group(1).encode("utf-8", "surrogateescape").hex()
    return {
        "pid": pid,
        "comm": comm.hex(),
        "uid": int(uid.group(1)),
        "cgroup": cgroup,
        "adj": int(read(here + "oom_score_adj")),
    }


def alive(pid: int) -> bool:
    try:
        return read("/proc/%d/stat" % pid).rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def marked() -> list[int]:
    """The victims since the last call, by the kernel's tracepoints."""
    text = read(TRACE + "/trace")
    write(TRACE + "/trace", "")
    killed = set(KILLED.findall(text))
    return [int(pid) for pid in dict.fromkeys(MARKED.findall(text)) if pid in killed]


def members(cgroup: str) -> list[int]:
    base = MEMORY if V2 else CGROUPS + "/systemd"
    pids: list[int] = []
    for folder, _folders, files in os.walk(base + cgroup) if cgroup else []:
        pids += [int(pid) for pid in read(folder + "/cgroup.procs").split()] if "cgroup.procs" in files else []
    return pids


def watch_the_kernel() -> None:
    """Before anything is staged: we cannot be chosen, and the kernel marks whom it chooses."""
    write("/proc/self/oom_score_adj", "-1000")
    os.makedirs(os.path.dirname(GO), exist_ok=True)
    if not os.path.exists(TRACE + "/trace"):
        run("mount", "-t", "tracefs", "tracefs", TRACE)
    write(TRACE + "/events/signal/signal_generate/filter", "sig == 9")
    for event in ("oom/mark_victim", "signal/signal_generate"):
        write("%s/events/%s/enable" % (TRACE, event), "1")
    run("dmesg", "--console-level", "1")  # the serial line is slow, and its log is not read
