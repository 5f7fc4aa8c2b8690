# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs to measure with: seeded, as large as you like, with real OOM reports of the kernel in them. Written once, then
kept.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

#: the last second of every log; since= counts back from here
END = 1_795_000_000
MEBI = 1 << 20
_VERSION = 6
_BLOCKS = Path(__file__).with_name("kernel-blocks.txt")


@dataclass(frozen=True)
class Log:
    """What a log looks like.

    stamp -- rfc3164 or iso; days -- how far back it reaches; storm -- most kills are bare lines, as under the kernel's
        rate limit
    """

    name: str
    size: int
    kills: int
    stamp: str = "rfc3164"
    days: float = 7.0
    storm: bool = False


def folder() -> Path:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / "memops-benchmark"
    path.mkdir(parents=True, exist_ok=True)
    return path


def plain(log: Log) -> Path:
    """The log as a file."""
    path = folder() / f"{log.name}-{log.size // MEBI}m-{log.kills}-v{_VERSION}"
    if not path.exists():
        _write(log, path)
    return path


def packed(source: Path, program: str, suffix: str) -> Path:
    """The same file compressed by the program that logrotate would call."""
    path = source.with_name(source.name + suffix)
    if not path.exists():
        partial = path.with_name(path.name + ".partial")
        with source.open("rb") as stdin, partial.open("wb") as stdout:
            subprocess.run([program, "-c"], stdin=stdin, stdout=stdout, check=True)
        shutil.copystat(source, partial)
        partial.rename(path)
    return path


def swapped(source: Path) -> Path:
    """The same lines, the second half first: a log that is not sorted."""
    path = source.with_name(source.name + ".swapped")
    if not path.exists():
        data = source.read_bytes()
        middle = data.index(b"\n", len(data) // 2) + 1
        path.write_bytes(data[middle:] + data[:middle])
        shutil.copystat(source, path)
    return path


def _noise(rand: random.Random) -> list[bytes]:
    """What else is in a syslog, among it what looks like a kill to a careless pattern."""
    words = (
        "session opened closed for user root connection from accepted publickey request timeout cache room zoom bloom started reloaded"
        " unit slice job index shard GET POST process processes memory kernel error failed to load the of in is not found no such file"
        " or directory warning info level=debug status=200 status=404 10.0.0.17 192.168.1.254 eth0 link becomes ready device entered"
        " promiscuous mode postfix relay=mail queued as removed client=unknown message-id DHCPREQUEST DHCPACK bound renewal seconds"
        " killed worker exited code signal Starting Stopped Daily apt upgrade and clean activities CPU usage above threshold"
    ).split()
    lines = []
    for number in range(100_000):  # more than the dictionary of xz holds
        tag = rand.choice(
            ("sshd", "systemd", "nginx", "app", "postfix/smtpd", "dhclient", "CRON", "kernel", "dockerd", "kubelet")
        )
        text = " ".join(rand.choice(words) for _word in range(rand.randint(4, 16)))
        prefix = (
            "kernel: [%d.%06d] " % (rand.randint(1, 999_999), rand.randint(0, 999_999))
            if tag == "kernel"
            else "%s[%d]: " % (tag, rand.randint(300, 99_999))
        )
        lines.append(f"{prefix}{text} id={rand.getrandbits(64):016x} took={rand.randint(1, 9999)}ms\n".encode())
        if number % 2_000 == 7:
            lines[-1] = b"systemd[1]: app.service: Main process exited, code=killed, status=9/KILL\n"
        if number % 4_000 == 9:
            lines[-1] = b"app[77]: java.lang.OutOfMemoryError: Out of memory in worker 3, request killed\n"
    return lines


def _blocks(rand: random.Random) -> list[list[bytes]]:
    """The real reports with task tables of the size of a real server."""
    made = []
    for block in _BLOCKS.read_bytes().split(b"\n\n"):
        lines = block.splitlines()
        for _variant in range(20):
            rows = [
                b"[%7d] %5d %7d %8d %8d %8d %8d %13d %s"
                % (
                    pid,
                    rand.choice((0, 33, 1000)),
                    pid,
                    rand.randint(500, 99_999),
                    rand.randint(1, 9_999),
                    4096 * rand.randint(10, 200),
                    0,
                    rand.choice((0, -1000, 200)),
                    name,
                )
                for pid, name in (
                    (
                        rand.randint(300, 99_999),
                        rand.choice((b"sshd", b"nginx", b"python3", b"(sd-pam)", b"Web Content")),
                    )
                    for _row in range(rand.randint(100, 250))
                )
            ]
            made.append(lines[:-3] + rows + lines[-3:])
    return made


def _incident(rand: random.Random, blocks: list[list[bytes]], uptime: float, number: int, storm: bool) -> list[bytes]:
    """Messages of one kill. Every victim has a pid of its own, the one in the block is replaced."""
    block = rand.choice(blocks)
    if storm and number % 5 < 3:
        block = block[-1:]
    elif storm:
        block = block[:30] + block[-12:]
    pid, comm = 100_000 + number, rand.choice((b"java", b"postgres: 9/mai", b"node", b"(sd-pam)", b"a) (b"))
    head, last = block[:-1], block[-1]
    start = last.index(b"Killed process ") + 15
    stop = last.rindex(b") total-vm")
    out = [b"kernel: [%.6f] %s\n" % (uptime + n / 1e5, line) for n, line in enumerate(head)]
    if head:
        summary = head[-1]
        out[-1] = b"kernel: [%.6f] %s,task=%s,pid=%d,uid=%d\n" % (
            uptime + 0.01,
            summary[: summary.rindex(b",task=")],
            comm,
            pid,
            1000,
        )
    out.append(b"kernel: [%.6f] %s%d (%s%s\n" % (uptime + 0.02, last[:start], pid, comm, last[stop:]))
    return out


def _write(log: Log, path: Path) -> None:
    rand = random.Random(log.name)
    noise, blocks = _noise(rand), _blocks(rand)
    begin = END - log.days * 86_400
    partial = path.with_name(path.name + ".partial")
    batches = max(1, log.size // MEBI)
    written = killed = 0
    with partial.open("wb") as stream:
        for batch in range(batches):
            # every batch is one stretch of time with its share of the kills at random places
            due = log.kills * (batch + 1) // batches - killed
            room = log.size * (batch + 1) // batches - written
            incidents = [_incident(rand, blocks, 1000 + killed + n, killed + n, log.storm) for n in range(due)]
            killed += due
            room -= sum(len(line) + 30 for lines in incidents for line in lines)
            count = max(due, room // 165)
            groups = [[line] for line in rand.choices(noise, k=count)]
            for place, lines in zip(sorted(rand.sample(range(count), due)), incidents):
                groups[place] = lines
            data = []
            second, prefix = -1, b""
            for place, lines in enumerate(groups):
                now = begin + log.days * 86_400 * (batch + place / count) / batches
                if int(now) != second:
                    second = int(now)
                    prefix = _prefix(second, log.stamp)
                for line in lines:
                    data.append(prefix)
                    data.append(line)
            written += stream.write(b"".join(data))
    os.utime(partial, (END, END))
    partial.rename(path)


def _prefix(second: int, stamp: str) -> bytes:
    moment = time.gmtime(second)
    if stamp == "iso":
        return time.strftime("%Y-%m-%dT%H:%M:%S.123456+00:00 server1 ", moment).encode()
    return (
        time.strftime("%b ", moment) + "%2d" % moment.tm_mday + time.strftime(" %H:%M:%S server1 ", moment)
    ).encode()
