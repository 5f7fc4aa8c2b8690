# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of issue 3: one call of service_memory for 20 services, against ping and against the playbook that people
write by hand.

Real: Ansible, the module, the drop-ins, 60 processes in cgroups of their own and the change of their scores. Not real:
systemctl is a script that answers from files, for a benchmark must not reload the machine's systemd; the real
daemon-reload (0.1 to 0.5 s of pid 1) comes on top of all of them, once for our call and 20 times for the playbook. All
runs in mount namespaces with a /run and an /etc/systemd/system of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import Bench, Command

_COUNT = 20
_EACH = 3
_TARGET_PING = 1.5
_TARGET_PLAYBOOK = 0.05
_ROUNDS = 5
_INSIDE = """#!/bin/sh
# usage: inside HOME COMMAND...
set -e
home=$1
shift
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system
mount --bind "$home/etc" /etc/systemd/system
mount -t cgroup2 cgroup2 /sys/fs/cgroup
rm -rf "$home"/etc/*
cp "$home/before" "$home/now"
while read -r pid; do echo 0 >"/proc/$pid/oom_score_adj"; done <"$home/pids"
exec "$@"
"""
_SYSTEMCTL = """#!/bin/sh
home=%s
case "$*" in
*--version*) echo "systemd 252 (a stand-in)" ;;
*daemon-reload*) cp "$home/after" "$home/now" ;;
*Id,NeedDaemonReload*) ;;
*show*) cat "$home/now" ;;
esac
"""
_PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - include_tasks: one.yml
      loop: "{{ services }}"
      loop_control: {loop_var: service}
"""
_TASKS = """
- file: {path: "/etc/systemd/system/{{ service.name }}.d", state: directory, mode: "0755"}
- copy: {content: "[Service]\\nOOMScoreAdjust=300\\n", dest: "/etc/systemd/system/{{ service.name }}.d/override.conf", mode: "0644"}
- systemd_service: {daemon_reload: true}
- slurp: {src: "/etc/systemd/system/{{ service.name }}.d/override.conf"}
  register: written
- command: {cmd: "cat /proc/{{ service.pid }}/oom_score_adj"}
  changed_when: false
  register: score
- assert:
    that:
      - "'OOMScoreAdjust=300' in written.content | b64decode"
      - score.stdout | length > 0
"""


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "it needs root for a mount namespace"
    if not Path("/etc/systemd/system").is_dir():
        return "there is no /etc/systemd/system to cover"
    tried = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", "mount -t cgroup2 cgroup2 /sys/fs/cgroup"],
        check=False,
        capture_output=True,
    )
    return "no mount namespace with cgroup 2 can be made" if tried.returncode else None


@contextmanager
def _sleepers(home: Path) -> Iterator[list[tuple[str, list[int]]]]:
    """The processes of each service, in cgroups that end with the block."""
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit("ended"))  # so that the block below ends too
    mount = home / "cgroup2"
    mount.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(mount)], check=True)
    top = mount / f"memops-bench-{os.getpid()}"
    children: list[subprocess.Popen[bytes]] = []
    try:
        found = []
        for number in range(_COUNT):
            group = top / f"bench{number}.service"
            group.mkdir(parents=True)
            mine = [subprocess.Popen(["sleep", "86400"]) for _process in range(_EACH)]
            children += mine
            for child in mine:
                (group / "cgroup.procs").write_text(str(child.pid))
            found.append((f"/{top.name}/{group.name}", [child.pid for child in mine]))
        yield found
    finally:
        for child in children:
            child.send_signal(signal.SIGKILL)
            child.wait()
        for folder, _inner, _files in sorted(os.walk(top), reverse=True):
            os.rmdir(folder)
        subprocess.run(["umount", str(mount)], check=False)


def _show(services: list[tuple[str, list[int]]], score: int) -> str:
    """20 units as `systemctl show` of 252 prints them."""
    blocks = []
    for group, pids in services:
        name = group.rpartition("/")[2]
        block = {
            "Id": name, "Names": name, "LoadState": "loaded", "ActiveState": "active", "SubState": "running", "FragmentPath": f"/usr/lib/systemd/system/{name}",
            "NeedDaemonReload": "no", "Type": "simple", "RemainAfterExit": "no", "KillMode": "control-group", "Delegate": "no", "MainPID": pids[0],
            "ControlGroup": group, "InvocationID": f"{pids[0]:032x}", "ExecMainStartTimestampMonotonic": 5_000_000, "NRestarts": 0, "Result": "success",
            "MemoryCurrent": "[not set]", "OOMScoreAdjust": score, "OOMPolicy": "stop", "MemoryMin": 0, "MemoryLow": 0, "MemoryHigh": "infinity",
            "MemoryMax": "infinity", "MemorySwapMax": "infinity", "ManagedOOMSwap": "auto", "ManagedOOMMemoryPressure": "auto",
            "ManagedOOMPreference": "none", "Restart": "on-failure",
        }  # fmt: skip
        blocks.append("".join(f"{key}={value}\n" for key, value in block.items()))
    return "\n".join(blocks)


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def protect(bench: Bench) -> None:
    """20 services with 3 processes each: one call, changed and unchanged, against ping and 120 tasks."""
    beside = Path(sys.executable).with_name("ansible")
    ansible = shutil.which(bench.arguments.ansible or "ansible") or (
        str(beside) if os.access(beside, os.X_OK) else None
    )
    reason = _why_not() if ansible else "ansible is neither on PATH nor beside this Python"
    if reason or not ansible:
        print(f"  skipped: protect, because {reason}")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in ("bin", "etc", "ansible"):
            (home / name).mkdir(mode=0o755)
        with _sleepers(home) as services:
            _measure(bench, ansible, home, services)


def _measure(bench: Bench, ansible: str, home: Path, services: list[tuple[str, list[int]]]) -> None:
    names = [group.rpartition("/")[2] for group, _pids in services]
    _script(home / "inside", _INSIDE)
    _script(home / "bin/systemctl", _SYSTEMCTL % home)
    _script(home / "bin/systemd-analyze", "#!/bin/sh\n")
    (home / "before").write_text(_show(services, 0))
    (home / "after").write_text(_show(services, 300))
    (home / "pids").write_text("".join(f"{pid}\n" for _group, pids in services for pid in pids))
    (home / "play.yml").write_text(_PLAYBOOK)
    (home / "one.yml").write_text(_TASKS)
    (home / "ansible.cfg").touch()
    env = dict(
        os.environ,
        ANSIBLE_COLLECTIONS_PATH=bench.collections,
        ANSIBLE_CONFIG=str(home / "ansible.cfg"),
        ANSIBLE_HOME=str(home / "ansible"),
    )
    env.update(
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
        LC_ALL="C.UTF-8",
        ANSIBLE_NOCOLOR="1",
    )
    env.update(ANSIBLE_REMOTE_TEMP=str(home / "ansible"), PATH=f"{home}/bin:{env['PATH']}")
    within = ["unshare", "--mount", "--propagation", "private", str(home / "inside"), str(home)]
    wished = json.dumps({"services": [{"name": name, "oom_score_adjust": 300} for name in names]})
    call = [ansible, "localhost", "-m"]
    ping = Command([*within, *call, "ansible.builtin.ping"], env)
    ours = Command([*within, *call, "memops.linux.service_memory", "-a", wished], env)
    given = json.dumps({"services": [{"name": name, "pid": pids[0]} for name, (_group, pids) in zip(names, services)]})
    playbook = Command([*within, f"{ansible}-playbook", str(home / "play.yml"), "-e", given], env)
    said = subprocess.run(ours.argv, stdout=subprocess.PIPE, env=env, text=True, check=True).stdout
    result = json.loads(said[said.index("{") :])
    rows = [row for service in result["services"] for row in service["processes"]]
    if (
        not result["changed"]
        or not result["verified"]
        or len(rows) != _COUNT * _EACH
        or {row["after"] for row in rows} != {300}
    ):
        raise SystemExit(f"protect: the call did not do its work: {said[:3000]}")
    rounds = max(_ROUNDS, bench.arguments.rounds)
    bench.measure(ping, ours, rounds=rounds)
    playbook.run()
    note = f"{ours.seconds:.3f} s, {min(ours.cpu):.3f} to {max(ours.cpu):.3f}; ping {ping.seconds:.3f}; {len(said) / 1024:.0f} KiB come back"
    bench.say(
        f"service_memory, {_COUNT} services, {len(rows)} processes: CPU / ping",
        _TARGET_PING,
        ours.seconds / ping.seconds,
        "x",
        note,
    )
    note = f"{playbook.seconds:.1f} s, wall {playbook.wall[0]:.1f} s, against wall {sorted(ours.wall)[len(ours.wall) // 2]:.1f} s"
    bench.say(
        f"the same by hand, {_COUNT * 6} tasks: ours / theirs",
        _TARGET_PLAYBOOK,
        ours.seconds / playbook.seconds,
        "x",
        note,
    )
