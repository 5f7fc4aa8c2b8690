# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would kill, freeze or panic is refused, and what would not is done: limits below use, swapoff without room."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import image
from conftest import Host, say

MIB = 1 << 20
COUNT = 20
#: Shares of RAM that a process holds while its swap is taken away: ten, spread over the machines.
SHARES = [0.5 + number * 0.8 / 9 for number in range(10)]
SWAP = "/swap-guard"


def numbers(host: Host, file: str) -> list[int]:
    """One number of each unit's cgroup."""
    files = " ".join(f"/sys/fs/cgroup/system.slice/vm-limit-{number}.service/{file}" for number in range(COUNT))
    return [int(line) for line in host.root(f"cat {files}").split()]


def settled(host: Host, sizes: list[int]) -> list[int]:
    """What the units use when they have read all of it and grow no more."""
    used = [0] * COUNT
    for _turn in range(60):
        before, used = used, numbers(host, "memory.current")
        if all(mib * MIB <= now <= then + 65536 for mib, then, now in zip(sizes, before, used)):
            return used
        time.sleep(2)
    raise AssertionError(f"no rest after two minutes: {used}")


def events(host: Host, number: int) -> dict[str, int]:
    text = host.root(f"cat /sys/fs/cgroup/system.slice/vm-limit-{number}.service/memory.events")
    return {line.split()[0]: int(line.split()[1]) for line in text.splitlines()}


def pids(host: Host) -> list[str]:
    return [
        host.root(f"cat /sys/fs/cgroup/system.slice/vm-limit-{number}.service/cgroup.procs") for number in range(COUNT)
    ]


def work(host: Host, units: list[int]) -> int:
    """A little more memory in each of these units; how many came to their end in time. What sleeps does not notice that
    it is frozen.
    """
    group = "/sys/fs/cgroup/system.slice/vm-limit-$n.service/cgroup.procs"
    inside = 'echo $$ > "$0" && head -c 512K /dev/zero | tail -n 1 >/dev/null'
    return len(
        host.root(
            f"for n in {' '.join(map(str, units))}; do timeout 15 sh -c '{inside}' {group} && echo done; done; :"
        ).split()
    )


def test_a_limit_below_use_is_refused(host: Host) -> None:
    rng = random.Random(host.suite)
    # tail keeps what it has read until it may write, and nobody reads: memory without a Python for each.
    command = 'ExecStart=/bin/sh -c "head -c %dM /dev/zero | tail -n 1 | sleep infinity"'
    sizes = [rng.randint(4, 9) for _number in range(COUNT)]
    units = [f"[Service]\\n{command % mib}\\nOOMPolicy=continue\\n" for mib in sizes]
    host.root(
        "; ".join(
            f"printf '{text}' > /etc/systemd/system/vm-limit-{number}.service" for number, text in enumerate(units)
        ).replace("%", "%%")
    )
    names = " ".join(f"vm-limit-{number}.service" for number in range(COUNT))
    host.root(f"systemctl daemon-reload; systemctl start {names}")
    try:
        used, lived, killed = settled(host, sizes), pids(host), int(host.root("grep ^oom_kill /proc/vmstat").split()[1])
        services: list[dict[str, Any]] = []
        for number in range(COUNT):
            fits = number // 2 % 2 == 0
            limit = int(used[number] * (rng.uniform(1.3, 2.0) if fits else rng.uniform(0.3, 0.9)))
            services.append(
                {"name": f"vm-limit-{number}.service", ("memory_max", "memory_high")[number % 2]: str(limit)}
            )
        fit = [number // 2 % 2 == 0 for number in range(COUNT)]
        for check in (True, False):
            result = host.module("service_memory", services=services, fails=True, check=check)
            allowed = [row["status"] == "changed" for row in result["services"]]
            say(
                f"{host.name}: {'check' if check else 'real'}: {sum(a == f for a, f in zip(allowed, fit))} of {COUNT} limits judged right"
            )
            wrong = [
                (services[n], used[n], row["status"], row["error"])
                for n, row in enumerate(result["services"])
                if allowed[n] != fit[n]
            ]
            assert not wrong, f"limits judged wrong: {wrong}; all in {host.folder}"
        assert pids(host) == lived, f"a process has died: {pids(host)}, before {lived}"
        assert int(host.root("grep ^oom_kill /proc/vmstat").split()[1]) == killed
        fitting = [number for number in range(COUNT) if fit[number]]
        assert work(host, fitting) == len(fitting), "a unit is frozen"
        frozen = [number for number in range(COUNT) if events(host, number)["high"] or events(host, number)["max"]]
        assert not frozen, f"slowed down: {[(number, events(host, number)) for number in frozen]}"
        rows = [row for row in result["services"] if row["status"] == "changed"]
        assert all(row["verified"] and not row["gaps"] for row in rows), [
            (row["name"], row["gaps"]) for row in rows if not row["verified"]
        ]
        limits = [
            host.root(
                f"cat /sys/fs/cgroup/system.slice/vm-limit-{n}.service/{('memory.max', 'memory.high')[n % 2]}"
            ).strip()
            for n in range(COUNT)
        ]
        assert [limit != "max" for limit in limits] == fit, limits
        # The guard guards from something: by force, the same limits kill and slow down.
        forced = [dict(services[number], memory_swap_max="0") for number in (2, 3)]
        forced[0]["memory_max"] = str(used[2] // 4)
        forced[1]["memory_high"] = str(used[3] // 4)
        comms = dict(
            line.split(" ", 1)
            for line in host.root(
                f"for p in {' '.join(lived[2].split())}; do echo $p $(cat /proc/$p/comm); done"
            ).splitlines()
        )
        since = time.time()
        host.agent("watch")
        host.module("service_memory", services=forced, allow_limits=True, fails=None)  # the dead cannot be verified
        host.root("sleep 3")
        (victims,) = host.agent("marked")
        told = {
            "stage": "forced limit",
            "killer": "kernel",
            "scope": "memcg",
            "trigger": "fault",
            "uid": 0,
            "adj": 0,
            "since": since,
            "until": time.time(),
        }
        group = "/system.slice/vm-limit-2.service"
        told.update(unit="vm-limit-2.service", oom_memcg=group, cgroup=group.encode().hex())
        host.truth += [dict(told, pid=pid, comm=comms[str(pid)].encode().hex()) for pid in victims]
        assert victims, "a limit of a quarter of what is used killed no process"
        work(host, [3])
        assert events(host, 3)["high"] >= 1, events(host, 3)
    finally:
        host.root(
            f"systemctl stop {names}; rm -rf /etc/systemd/system/vm-limit-*; systemctl daemon-reload; systemctl reset-failed",
            check=False,
        )


#: Each kind of unit with its cgroup; those in vm-a-b.slice and of the template lie in slices where nothing else starts.
KINDS = {
    "vm-in.service": "/system.slice/vm-in.service",
    "vm-delegated.service": "/system.slice/vm-delegated.service",
    "vm-a.slice": "/vm.slice/vm-a.slice",
    "vm-a-b.slice": "/vm.slice/vm-a.slice/vm-a-b.slice",
    "vm-nested.service": "/vm.slice/vm-a.slice/vm-a-b.slice/vm-nested.service",
    "vm-scope.scope": "/system.slice/vm-scope.scope",
    "vm-inst@.service": "/system.slice/system-vm\\x2dinst.slice/vm-inst@one.service",
}
#: option -> the kernel's file, what is asked for, what is then in the file, and what is there without
LIMITS = {
    "memory_max": ("max", "24M", str(24 * MIB), "max"),
    "memory_high": ("high", "20M", str(20 * MIB), "max"),
    "memory_low": ("low", "2M", str(2 * MIB), "0"),
    "memory_min": ("min", "1M", str(MIB), "0"),
    "memory_swap_max": ("swap.max", "0", "0", "max"),
}


def held(host: Host, files: list[str]) -> dict[str, list[str]]:
    """What the kernel holds for each unit."""
    return {
        unit: host.root(" ".join(["cat", *(f"'/sys/fs/cgroup{group}/memory.{file}'" for file in files)])).split()
        for unit, group in KINDS.items()
    }


def test_limits_of_what_runs(host: Host) -> None:
    """They come into force and go without a restart, by systemd's own hand, and nothing is left that was not there."""
    units = {
        "vm-in.service": "",
        "vm-delegated.service": "Delegate=yes\\n",
        "vm-nested.service": "Slice=vm-a-b.slice\\n",
        "vm-inst@.service": "",
    }
    for name, text in units.items():
        host.root(f"printf '[Service]\\nExecStart=/bin/sleep infinity\\n{text}' > /etc/systemd/system/{name}")
    names = "vm-in.service vm-delegated.service vm-nested.service vm-inst@one.service vm-inst@two.service"
    host.root(
        f"systemctl daemon-reload; systemctl start {names}; systemd-run --unit=vm-holder systemd-run --scope --unit=vm-scope sleep infinity; sleep 1"
    )
    look = f"systemctl show -p MainPID,NRestarts {names}; systemctl list-units --all --plain --no-legend 'run-*' 'vm*' | cut -d' ' -f1 | sort"
    known = host.root("ls /sys/fs/cgroup/system.slice").split()  # Debian 11 counts no swap
    limits = {option: row for option, row in LIMITS.items() if f"memory.{row[0]}" in known}
    assert host.suite == "bullseye" or limits == LIMITS
    files, there, gone = (
        [row[0] for row in limits.values()],
        [row[2] for row in limits.values()],
        [row[3] for row in limits.values()],
    )
    services: list[dict[str, Any]] = [
        {"name": name, **{option: row[1] for option, row in limits.items()}} for name in KINDS
    ]
    services[0]["oom_policy"] = "kill"
    group = "/sys/fs/cgroup/system.slice/vm-in.service/memory.oom.group"
    try:
        before = host.root(look)
        # The scope's own process is not ours: what the module starts beside the units is gone when it answers.
        foretold = host.module("service_memory", services=services, check=True)
        done = host.module("service_memory", services=services)
        assert [row["steps"] for row in foretold["services"]] == [row["steps"] for row in done["services"]]
        assert done["verified"] and held(host, files) == dict.fromkeys(KINDS, there), (done["msg"], held(host, files))
        assert host.root(f"cat {group}").strip() == "1"
        assert not host.module("service_memory", services=services)["changed"]
        # Somebody writes into the cgroups.
        for place in KINDS.values():
            host.root(f"echo max > '/sys/fs/cgroup{place}/memory.max'")
        foretold = host.module("service_memory", services=services, check=True)
        assert (
            foretold["changed"]
            and not foretold["verified"]
            and {row["status"] for row in foretold["services"]} == {"changed"}
        )
        done = host.module("service_memory", services=services)
        assert done["changed"] and done["verified"] and held(host, files) == dict.fromkeys(KINDS, there), (
            done["msg"],
            held(host, files),
        )
        # What waits for the next start.
        waits = host.module("service_memory", unit=["vm-in"], memory_max="26M", apply="next_start")
        applied = host.root(f"cat {group.replace('oom.group', 'max')}").strip() == str(26 * MIB)
        assert waits["verified"] == applied and waits["restart_required"] == (not applied), waits["msg"]
        assert applied == (host.suite != "trixie"), "this systemd does something else than it did"
        host.root("systemctl restart vm-in.service")
        assert host.module("service_memory", unit=["vm-in"], memory_max="26M", apply="next_start")["verified"]
        taken = host.module("service_memory", services=[{"name": name, "state": "absent"} for name in KINDS])
        assert taken["verified"] and held(host, files) == dict.fromkeys(KINDS, gone), (taken["msg"], held(host, files))
        assert host.root(f"cat {group}").strip() == "0"
        after = host.root(look)
        assert after.splitlines()[2:] == before.splitlines()[2:], "something was left, or something was restarted"
    finally:
        stop = f"systemctl stop {names} vm-scope.scope vm-holder.service vm-a-b.slice vm-a.slice vm.slice"
        host.root(
            f"{stop}; rm -rf /etc/systemd/system/vm-*; systemctl daemon-reload; systemctl reset-failed", check=False
        )


def test_swapoff_without_room_is_refused(host: Host) -> None:
    total = int(host.root("awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo"))
    rows = []
    with host.talk("hold") as ask:
        for share in SHARES[image.SUITES.index(host.suite) :: len(image.SUITES)]:
            host.module("swap_file", path=SWAP, size="512M", min_free="256M", persistent=False)
            kills = host.root("grep ^oom_kill /proc/vmstat")
            out = 0.05 if share < 0.8 else share * 0.6  # a little of it lies in swap, or most
            assert ask(f"hold {total * share:.0f} {total * out:.0f}")["held"], "no memory for the holder"
            used = int(host.root("tail -n 1 /proc/swaps").split()[3]) << 10
            room = int(host.root("awk '/MemAvailable/ { print $2 }' /proc/meminfo")) << 10
            result = host.module("swap_file", path=SWAP, state="absent", persistent=False, fails=None)
            left = host.root("tail -n +2 /proc/swaps").strip()
            row = {
                "share": share,
                "used": used,
                "room": room,
                "done": not result["failed"],
                "left": left,
                "msg": result["msg"],
            }
            rows.append(row)
            say(
                f"{host.name}: {share:.0%} of RAM held, {used >> 20} MiB in swap, room for {room >> 20} MiB: {'done' if row['done'] else 'refused'}"
            )
            assert host.root("grep ^oom_kill /proc/vmstat") == kills, f"a kill: {row}"
            assert ask("drop")["lived"], f"the holder has died: {row}"
            assert row["done"] == (not left), f"said, and in /proc/swaps: {row}"
            sure = room - max(64 * MIB, room // 10) - used
            # The module itself takes some 20 MiB of what was available a moment ago.
            assert (
                sure > -8 * MIB if row["done"] else sure < 32 * MIB
            ), f"room for {sure >> 20} MiB more than needed: {row}"
    host.module("swap_file", path=SWAP, state="absent")
    host.save("swapoff", rows)
    assert not host.panicked()


#: Reserves in shares of RAM, admin's and users', set together with the limit or after it.
#: Each is a run of Ansible, which takes ten seconds here.
RESERVES = [(0.0, 0.0, False), (0.4, 0.0, False), (0.3, 0.3, True)]


def least(message: str) -> int:
    """Kilobytes that a refusal asks for, without reserves."""
    (committed,) = re.findall(r"and ([0-9.]+) MiB are committed", message)
    return int(float(committed) * 1.2 * 1024) + 1024


def at_the_least_limit(host: Host, need: int, reserves: dict[str, int], later: bool) -> int:
    """Each call comes in by ssh under what the one before has set. What is committed changes by some MiB meanwhile."""
    for _turn in range(4):
        limit = {"overcommit_memory": 2, "overcommit_kbytes": need + sum(reserves.values())}
        for settings in [limit, reserves] if later else [{**limit, **reserves}]:
            result = host.module("vm_settings", settings=settings, fails=None)
            if result["failed"]:
                need = max(least(result["msg"]), need + 1024)
                break
        else:
            assert result["verified"], result["msg"]
            return need
    raise AssertionError(f"refused again and again: {result['msg']}")


def test_what_overcommit_accepts_lets_somebody_in(host: Host) -> None:
    """At the least limit that is accepted, with whatever reserves, one can log in, become root and run Ansible."""
    total = int(host.root("awk '/^MemTotal/ { print $2 }' /proc/meminfo"))
    before = host.root("sysctl vm.admin_reserve_kbytes vm.user_reserve_kbytes")
    asked = {"overcommit_memory": 2, "overcommit_kbytes": 1024, "admin_reserve_kbytes": 0, "user_reserve_kbytes": 0}
    try:
        refused = host.module("vm_settings", settings=asked, fails=True)
        assert host.root("cat /proc/sys/vm/overcommit_memory").strip() == "0", refused["msg"]
        need = least(refused["msg"])
        for admin, user, later in RESERVES:
            reserves = {"admin_reserve_kbytes": int(total * admin), "user_reserve_kbytes": int(total * user)}
            need = at_the_least_limit(host, need, reserves, later)
            assert host.root("id -u; cat /proc/sys/vm/overcommit_memory").split() == ["0", "2"]
            numbers = host.root("grep -E '^(CommitLimit|Committed_AS)' /proc/meminfo").split()
            told = f"limit {numbers[1]} kB, committed {numbers[4]} kB"
            say(f"{host.name}: reserves {admin:.0%} and {user:.0%} of RAM: somebody is in; {told}")
    finally:
        values = " ".join(line.replace(" ", "") for line in before.splitlines())
        back = "sysctl -w vm.overcommit_memory=0 vm.overcommit_ratio=50"
        host.root(f"rm -f /etc/sysctl.d/90-memops.conf; {back} {values}")
    assert host.root("cat /proc/sys/vm/overcommit_memory").strip() == "0"
