# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's modules at work on a disk whose power is cut, and a look at what the cut left.

/etc is on that disk, so that real paths, real systemd and the real kernel take part.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import time
from typing import Any

from memory import read, run

LIBRARY = "/opt/vm-test/library"
DISK, AFTER, BASE = "/mnt", "/media", "/opt/vm-test/etc-before"
SWAP_NAME = "/swap/file"
SWAP = DISK + SWAP_NAME
SYSCTL = "sysctl.d/90-memops.conf"
DROP_IN = "systemd/system/vm-writer.service.d/50-memops.conf"
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n"


def module(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """One run of a module as Ansible makes it, without the ten seconds that ssh and a new Python take here."""
    pid, answer = os.getpid(), "/run/vm-test/answer"
    if os.fork() == 0:
        basic = importlib.import_module("ansible.module_utils.basic")
        vars(basic).update(
            _ANSIBLE_ARGS=json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode(), _ANSIBLE_PROFILE="legacy"
        )
        os.dup2(os.open(answer, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        try:
            importlib.import_module("ansible_collections.memops.linux.plugins.modules." + name).main()
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.wait()
    assert pid == os.getpid()
    result: dict[str, Any] = json.loads(read(answer))
    return result


def prepare(file_system: str) -> None:
    """/etc and a place for swap on a fresh disk; what /etc is before anybody writes."""
    subprocess.run(
        "swapoff %s; umount -l /etc; umount -l %s; rm -rf %s" % (SWAP, DISK, BASE),
        shell=True,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    run("mkfs." + file_system, "-q", {"ext4": "-F", "xfs": "-f"}[file_system], "/dev/vdb")
    run("mount", "-t", file_system, "/dev/vdb", DISK)
    with open("/etc/systemd/system/vm-writer.service", "w") as file:
        file.write(UNIT)
    run("cp", "-a", "/etc", DISK + "/etc")
    run("cp", "-a", "/etc", BASE)
    os.mkdir(DISK + "/swap", 0o700)
    run("mount", "--bind", DISK + "/etc", "/etc")
    run("sync")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "vm-writer.service")


def wish(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A module and what it is to do. The sysctl file is written most often, because that takes no reload of systemd."""
    away = rng.random() < 0.2
    name = rng.choice(["vm_settings"] * 6 + ["service_memory"] * 2 + ["swap_file"] * 2)
    if name == "vm_settings":
        return name, {
            "settings": {"swappiness": rng.randint(0, 100), "vfs_cache_pressure": rng.randint(50, 200)},
            "state": "absent" if away else "present",
        }
    if name == "service_memory":
        values: dict[str, Any] = {
            "oom_score_adjust": rng.randint(-900, 900),
            "memory_max": "%dM" % rng.randint(100, 200),
        }
        return name, dict({"state": "absent"} if away else values, name=["vm-writer.service"])
    values = {"size": "%dM" % rng.randint(4, 24), "priority": rng.randint(0, 99), "min_free": "1M"}
    return name, dict({"state": "absent"} if away else values, path=SWAP)


def write_for_ever(file_system: str, seed: str) -> None:
    sys.path.insert(0, LIBRARY)
    importlib.import_module("ansible.module_utils.basic")
    for name in ("service_memory", "swap_file", "vm_settings"):
        importlib.import_module("ansible_collections.memops.linux.plugins.modules." + name)
    prepare(file_system)
    rng = random.Random(seed)
    print(json.dumps({"ready": True}), flush=True)
    while True:
        name, options = wish(rng)
        result = module(name, options)
        print(
            json.dumps(
                {
                    "failed": result.get("failed", False),
                    "changed": result.get("changed"),
                    "msg": result.get("msg"),
                    "options": options,
                }
            ),
            flush=True,
        )


def files(top: str) -> dict[str, bytes]:
    found = {}
    for folder, _folders, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                found[os.path.relpath(path, top)] = os.readlink(path).encode()
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, top)] = file.read()
    return found


#: All lines of a whole file but the comments.
WHOLE = {
    DROP_IN: re.compile(r"\[Service\]\nOOMScoreAdjust=-?\d+\nMemoryMax=\d+M?\n"),
    SYSCTL: re.compile(r"vm.swappiness *= *\d+\nvm.vfs_cache_pressure *= *\d+\n"),
}


def whole(name: str, data: bytes) -> bool:
    lines = data.decode("utf-8", "replace").splitlines(True)
    return (
        WHOLE[name].fullmatch("".join(line for line in lines if line.strip() and not line.startswith("#"))) is not None
    )


def sound_swap(path: str) -> bool:
    """Whether swapon would take all of it. The name may be a link to the file that stands in."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        head, now = file.read(4096), os.fstat(file.fileno())
        recorded = (struct.unpack_from("=I", head, 1028)[0] + 1) * 4096 if len(head) == 4096 else 0
        return head[4086:] == b"SWAPSPACE2" and recorded == now.st_size <= now.st_blocks * 512
    return False


def print_torn() -> None:
    """Mount what the cut left (the kernel replays its log), compare /etc with what it may be."""
    kind = run("blkid", "-o", "value", "-s", "TYPE", "/dev/vdc").strip()
    run("mount", "-t", kind, *(["-o", "nouuid"] if kind == "xfs" else []), "/dev/vdc", AFTER)
    torn, left = [], []
    try:
        before, now = files(BASE), files(AFTER + "/etc")
        for name in sorted(set(before) | set(now)):
            data = now.get(name)
            if data == before.get(name):
                continue
            if data is None:
                torn.append("%s is gone" % name)
            elif name == "fstab":
                ours = [line for line in data.splitlines(True) if line.startswith(SWAP.encode())]
                others = b"".join(line for line in data.splitlines(True) if line not in ours)
                sound = all(re.match(rb"\S+\s+none\s+swap\s+\S+\s+0\s+0\n$", line) for line in ours)
                if others != before[name] or len(ours) > 1 or not sound:
                    torn.append("fstab: %r" % data)
                if ours and not sound_swap(AFTER + SWAP_NAME):
                    torn.append("fstab names what is no swap file: %r" % os.listdir(AFTER + "/swap"))
            elif name in WHOLE:
                if not whole(name, data):
                    torn.append("%s: %r" % (name, data))
            elif name.endswith(".conf") or not os.path.basename(name).startswith("."):
                torn.append("%s has come: %r" % (name, data[:100]))
            else:
                left.append(name)
    finally:
        run("umount", AFTER)
    print(json.dumps({"kind": kind, "torn": torn, "left": left, "at": time.time()}))
