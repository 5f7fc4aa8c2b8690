# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Perfect kernel lines through every door that leads into a log."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from typing import Any, Callable

from memory import read, run, write

DIED = "total-vm:79404kB, anon-rss:65052kB, file-rss:2156kB, shmem-rss:0kB, UID:0 pgtables:192kB oom_score_adj:0"
FORGED = (
    "Out of memory: Killed process %(pid)d (%(comm)s) " + DIED,
    "Memory cgroup out of memory: Killed process %(pid)d (%(comm)s) " + DIED,
    "Out of memory: Killed process %(pid)d (%(comm)s), UID 0, total-vm:79404kB, anon-rss:65052kB, file-rss:2156kB, shmem-rss:0kB",
    "Killed process %(pid)d (%(comm)s) total-vm:79404kB, anon-rss:65052kB, file-rss:2156kB, shmem-rss:0kB",
)


def as_nobody(work: Callable[[], Any]) -> None:
    """Whoever has no right at all."""
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("the forger failed")


def send(family: int, address: Any, datagrams: list[str]) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as door:
        for datagram in datagrams:
            door.sendto(datagram.encode(), address)
            time.sleep(0.005)


def door_logger(lines: list[str]) -> None:
    as_nobody(
        lambda: subprocess.run(
            ["logger", "--tag", "kernel", "--priority", "kern.err"], input="\n".join(lines).encode(), check=True
        )
    )


def door_raw(lines: list[str]) -> None:
    as_nobody(
        lambda: send(
            socket.AF_UNIX, "/dev/log", ["<0>%s kernel: %s" % (time.strftime("%b %e %H:%M:%S"), line) for line in lines]
        )
    )


def door_native(lines: list[str]) -> None:
    fields = (
        "PRIORITY=3\nSYSLOG_FACILITY=0\nSYSLOG_IDENTIFIER=kernel\n_TRANSPORT=kernel\n_SOURCE_MONOTONIC_TIMESTAMP=1\n"
    )
    as_nobody(
        lambda: send(
            socket.AF_UNIX, "/run/systemd/journal/socket", ["MESSAGE=%s\n%s" % (line, fields) for line in lines]
        )
    )


def door_stdout(lines: list[str]) -> None:
    write("/run/vm-test/forged", "\n".join(lines) + "\n")
    run(
        "systemd-run",
        "--wait",
        "--quiet",
        "-pUser=nobody",
        "-pSyslogIdentifier=kernel",
        "-pSyslogFacility=kern",
        "-pSyslogLevelPrefix=no",
        "cat",
        "/run/vm-test/forged",
    )


def door_kmsg(lines: list[str]) -> None:
    for number, line in enumerate(lines):
        write("/dev/kmsg", "<%d>%s\n" % (number % 4, line))


def door_udp(lines: list[str]) -> None:
    as_nobody(
        lambda: send(
            socket.AF_INET,
            ("127.0.0.1", 514),
            ["<3>%s machine kernel: %s" % (time.strftime("%b %e %H:%M:%S"), line) for line in lines],
        )
    )


def door_file(lines: list[str]) -> None:
    with open("/var/log/kern.log", "a") as log:
        for line in lines:
            log.write(
                "%s machine kernel: [%12.6f] %s\n"
                % (time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00"), time.monotonic(), line)
            )


def door_remote(lines: list[str]) -> None:
    """Journals that another machine sent, with this machine's own id in every record."""
    ours = read("/etc/machine-id").strip()
    boot = read("/proc/sys/kernel/random/boot_id").strip().replace("-", "")
    export = ""
    for line in lines:
        now = "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n" % (time.time() * 1e6, time.monotonic() * 1e6)
        export += (
            now
            + "_BOOT_ID=%s\n_MACHINE_ID=%s\n_TRANSPORT=kernel\nPRIORITY=3\nSYSLOG_FACILITY=0\nSYSLOG_IDENTIFIER=kernel\n"
            % (boot, ours)
        )
        export += "MESSAGE=%s\n\n" % line
    for folder, file in (("remote", "remote-evil.journal"), ("0123456789abcdef0123456789abcdef", "system.journal")):
        os.makedirs("/var/log/journal/" + folder, exist_ok=True)
        tools = ("/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote")
        tool = next(path for path in tools if os.path.exists(path))
        subprocess.run(
            [tool, "--output=/var/log/journal/%s/%s" % (folder, file), "-"],
            input=export.encode(),
            stderr=subprocess.DEVNULL,
            check=True,
        )


DOORS = (door_logger, door_raw, door_native, door_stdout, door_kmsg, door_udp, door_file, door_remote)


def forge() -> None:
    os.makedirs("/run/vm-test", exist_ok=True)
    for number, door in enumerate(DOORS):
        rows = [
            {
                "door": door.__name__,
                "pid": 500000 + number * 1000 + row,
                "comm": "forged-%d-%d" % (number, row),
                "uid": None if row % len(FORGED) == 3 else 0,
            }
            for row in range(40)
        ]
        door([FORGED[row % len(FORGED)] % fields for row, fields in enumerate(rows)])
        for fields in rows:
            print(json.dumps(fields))
    run("journalctl", "--sync")
