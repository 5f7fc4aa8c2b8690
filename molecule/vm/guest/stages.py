# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills of every kind that a kernel and its helpers in user space can do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from functools import partial
from typing import Any

from memory import MIB, V2, allocate_until_a_kill, limited, meminfo, nothing_to_reclaim, run, sysrq, take, write
from truth import Stage, alive

NAMES = [
    b"my web app", b"a) (b", b"(sd-pam)", "caf\u00e9 \u2615".encode(), "abcdefghijklm\u20ac".encode()[:15], b"line\nbreak", b"tab\there", b"bad\xff\xfeutf8",
    b"\x1b[31mred\x1b[0m", b"\x1b]52;c;eA==\x07", b"a,pid=1,uid=0", b"x) total-vm:1kB", b"it's \"q\"", b"  lead", b"trail  ", b"back\\x41slash", b"%s%n%d 100%",
    b"[kworker/0:1]", b"postgres: 9/mai", b"12345", b"", b"z\nOut of memory", b"cr\rhere", "nb\u00a0sp\u2028x".encode(), b"\x7f\xc2\x9bcsi", b"{{7*7}}",
    b"<b>x</b>", b"=cmd|x", b"Killed process", "\u202egnp.exe".encode(),
]  # fmt: skip
HEX = "0123456789abcdef" * 4
GROUPS = [
    ("system.slice/docker-%s.scope" % HEX, "docker-%s.scope" % HEX),
    ("machine.slice/libpod-%s.scope/container" % HEX, "libpod-%s.scope" % HEX),
    (
        "kubepods.slice/kubepods-pod1234abcd_00aa_11bb.slice/cri-containerd-%s.scope" % HEX,
        "cri-containerd-%s.scope" % HEX,
    ),
    ("kubepods/besteffort/pod1234abcd-00aa-11bb/" + HEX, None),
    ("lxc.payload.web 1/init.scope", "init.scope"),
    ("test odd \u00e9,task=x,pid=1", None),
    ("a,task=init,pid=1,uid=0 (x),task_memcg=", None),
    ("x) total-vm:1kB, anon-rss:0kB (", None),
    ("esc\x1b[31m bad\udcff tab\t", None),
    ("oom_memcg=/,task_memcg=/init.scope,task=systemd,pid=1,uid=0", None),
]


def names() -> None:
    """Process names that look like log text, break lines or colour terminals."""
    with limited("vm-test-names") as cgroup:
        for number, name in enumerate(NAMES):
            with Stage("name %r" % name, limit="/vm-test-names") as stage:
                stage.child(16, unit=None, wait=True, name=name, uid=(0, 1001, 1002)[number % 3], cgroup=cgroup)
                stage.go()
                stage.wait()


def groups() -> None:
    """Cgroups of container engines, and of users who forge the kernel's fields."""
    for path, unit in GROUPS:
        with limited(path) as cgroup, Stage(
            "cgroup %r" % path, limit="/" + path.encode("utf-8", "surrogateescape").decode("latin-1")
        ) as stage:
            stage.told["oom_memcg"] = "/" + path
            stage.child(16, unit=unit, wait=True, name=b"grouped", uid=1001, cgroup=cgroup)
            stage.go()
            stage.wait()


def dead(pid: int) -> bool:
    return not alive(pid)


def over(policy: str, pids: list[int]) -> bool:
    """The rest of a unit goes with the victim, but for OOMPolicy=continue."""
    return policy == "continue" or not any(alive(pid) for pid in pids)


def units() -> None:
    """Services over a limit: their own, a slice's above them, as a user, from a thread, with each OOMPolicy."""
    time.sleep(5.5)  # the kernel's limit on its reports is over: each of these kills is told in full
    cap = ["MemoryMax=32M"]
    with Stage("unit", limit="/system.slice/vm-leaky.service") as stage:
        stage.unit("vm-leaky.service", 64, *cap, "User=alice", "OOMScoreAdjust=300", name=b"java")
        stage.go()
        stage.wait()
    with Stage("unit, thread", limit="/system.slice/vm-thread.service") as stage:
        stage.unit("vm-thread.service", 64, *cap, name=b"mainproc", flags=("--thread",))
        stage.go()
        stage.wait()
    with Stage("unit, Restart=always", limit="/system.slice/vm-again.service") as stage:
        stage.unit("vm-again.service", 64, *cap, "Restart=always", "RestartSec=3600", name=b"again")
        stage.go()
        stage.wait()
    for policy in ("continue", "stop") + (("kill",) if V2 else ()):
        unit = "vm-policy-%s.service" % policy
        with Stage(
            "unit, OOMPolicy=" + policy, limit="/system.slice/" + unit, trigger="group" if policy == "kill" else "fault"
        ) as stage:
            pids = stage.unit(unit, 12, *cap, "OOMPolicy=" + policy, name=b"forker", processes=4)
            stage.go()
            stage.wait()
            stage.wait(over=partial(over, policy, pids))
            time.sleep(1)
    name = "vm-esc@a\\x20b-c.service"
    with Stage("unit, escaped name", limit="/system.slice/system-vm\\x2desc.slice/" + name) as stage:
        stage.unit(name, 64, *cap, name=b"esc")
        stage.go()
        stage.wait()
    write("/run/systemd/system/vmouter.slice", "[Slice]\nMemoryMax=80M\n")
    run("systemctl", "daemon-reload")
    with Stage("unit, limit of the slice above", limit="/vmouter.slice") as stage:
        stage.unit("vm-bystander.service", 30, name=b"bystander", slice_="vmouter.slice")
        stage.unit("vm-deep.service", 120, name=b"deep", slice_="vmouter-inner.slice")
        stage.go()
        stage.wait()
    run("systemctl", "stop", "vmouter.slice")


def group_kill() -> None:
    """memory.oom.group of a cgroup: all die but the one that nothing may kill."""
    with limited("vm-test-team", 24, group=True) as cgroup, Stage(
        "group", trigger="group", limit="/vm-test-team"
    ) as stage:
        for number, (mib, adj) in enumerate(((14, 0), (14, 0), (1, 200), (1, -1000))):
            stage.child(mib, unit=None, wait=True, name=b"team%d" % number, adj=adj, uid=1001, cgroup=cgroup)
        stage.go()
        stage.wait(over=lambda: sum(alive(pid) for pid in stage.ours) == 1)


def crowd(stage: Stage) -> None:
    for mib, adj, uid, name in (
        (40, 0, 0, b"bigroot"),
        (25, 200, 1001, b"alice app"),
        (20, 300, 1002, b"bob (x)"),
        (10, -500, 0, b"guarded"),
    ):
        stage.child(mib, name=name, adj=adj, uid=uid)


def whole_machine() -> None:
    """Memory of the whole machine runs out; sysrq asks for a kill without any need."""
    if V2:
        with Stage("global", scope="global") as stage:
            crowd(stage)
            with nothing_to_reclaim() as outside:
                allocate_until_a_kill(outside)
                stage.wait()
        with Stage("global, the allocator is the worst", scope="global") as stage:
            crowd(stage)
            with nothing_to_reclaim() as outside:
                stage.child(4096, unit=None, wait=True, name=b"greedy", adj=800, uid=1001, cgroup=outside)
                stage.go()
                stage.wait()
    with Stage("sysrq", scope="global", trigger="sysrq") as stage:
        crowd(stage)
        time.sleep(0.5)
        sysrq()
        stage.wait()
    with Stage("sysrq, unit", scope="global", trigger="sysrq") as stage:
        stage.unit("vm-bob.service", 30, "OOMScoreAdjust=900", "User=bob", name=b"bobs service")
        stage.go()
        time.sleep(1)
        sysrq()
        stage.wait()


def flood() -> None:
    """Sixty kills in a few seconds: the kernel prints a report for ten of them in five seconds."""
    with limited("vm-test-flood") as cgroup:
        for number in range(60):
            with Stage("flood", limit="/vm-test-flood") as stage:
                stage.child(
                    16, unit=None, wait=True, name=b"flood %d" % number, uid=(0, 1001, 1002)[number % 3], cgroup=cgroup
                )
                stage.go()
                stage.wait()


def earlyoom() -> None:
    """Its SIGTERM, and its SIGKILL for whoever ignores that."""
    write("/etc/default/earlyoom", 'EARLYOOM_ARGS="-r 0 -m 45,35 -s 100,100"\n')
    for name, deaf in ((b"early victim", False), ('e\u00e9 (x)\n"q"'.encode(), False), (b"stubborn", True)):
        with Stage("earlyoom %r" % name, killer="earlyoom", scope="global") as stage:
            run("systemctl", "start", "earlyoom")
            time.sleep(2)
            goal = meminfo()["MemTotal"] / MIB * 0.72

            def grow(deaf: bool = deaf, goal: float = goal) -> Any:
                if deaf:
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                held = []
                for _step in range(int(goal / 2)):
                    held += take(2)
                    time.sleep(0.03)
                return held

            pid = stage.child(1, more=grow, name=name, adj=300, uid=1001)
            stage.wait(over=partial(dead, pid))
            run("systemctl", "stop", "earlyoom")


def systemd_oomd() -> None:
    """Under pressure, and when swap is nearly full."""
    if subprocess.run(
        ["systemctl", "cat", "systemd-oomd"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    ).returncode:
        return  # Debian 11 has none
    os.makedirs("/etc/systemd/oomd.conf.d", exist_ok=True)
    swap = "/var/vm-test.swap"
    run("sh", "-c", "fallocate -l 160M %s && chmod 600 %s && mkswap %s && swapon %s" % (swap, swap, swap, swap))
    for kind, used, rule in (
        ("pressure", 98, "ManagedOOMMemoryPressure=kill\nManagedOOMMemoryPressureLimit=2%\nMemoryHigh=60M"),
        ("swap", 20, "ManagedOOMSwap=kill"),
    ):
        write(
            "/etc/systemd/oomd.conf.d/test.conf",
            "[OOM]\nSwapUsedLimit=%d%%\nDefaultMemoryPressureLimit=2%%\nDefaultMemoryPressureDurationSec=2s\n" % used,
        )
        write("/run/systemd/system/vmoomd%s.slice" % kind, "[Slice]\n%s\n" % rule)
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", "systemd-oomd")
        with Stage("systemd-oomd, " + kind, killer="systemd-oomd", scope="memcg") as stage:
            mib = 110 if kind == "pressure" else meminfo()["MemTotal"] // MIB + 20
            (pid,) = stage.unit(
                "vm-oomd-%s.service" % kind,
                mib,
                "User=alice",
                name=b"pressed (x)",
                flags=("--churn",),
                slice_="vmoomd%s.slice" % kind,
            )
            stage.go()
            stage.wait(over=partial(dead, pid))
        run("systemctl", "stop", "vmoomd%s.slice" % kind, "systemd-oomd")
    run("sh", "-c", "swapoff %s && rm %s" % (swap, swap))


STAGES = {
    "names": names, "groups": groups, "units": units, "group": group_kill, "global": whole_machine, "flood": flood, "earlyoom": earlyoom, "oomd": systemd_oomd
}  # fmt: skip
