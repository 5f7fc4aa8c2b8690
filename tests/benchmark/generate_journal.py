# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A big journal to measure with: seeded, two boots, real OOM reports among the chatter of services. Written once, then
kept.

systemd-journal-remote turns an export stream into journal files; Debian has it in a package of that name.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generate import END, _blocks, _incident, folder

_VERSION = 1
_PLACES = ("/usr/lib/systemd", "/lib/systemd")
_BOOTS = ("a" * 32, "b" * 32)
_STEP = 200_000  # microseconds between two entries
_SAME = {"_MACHINE_ID": b"1e19a13aef3540628e74939d26c67901", "_HOSTNAME": b"server1"}
_KERNEL = {"_TRANSPORT": b"kernel", "SYSLOG_FACILITY": b"0", "SYSLOG_IDENTIFIER": b"kernel", "PRIORITY": b"6", **_SAME}


@dataclass(frozen=True)
class Journal:
    """What a journal looks like. others -- entries of services; firewall -- kernel messages that are no part of a
    report.
    """

    others: int = 237_000
    firewall: int = 1_000
    kills: int = 50


def writer() -> str | None:
    """The program, which is on nobody's PATH."""
    found = [shutil.which("systemd-journal-remote", path=place) for place in (None, *_PLACES)]
    return next((program for program in found if program), None)


def directory(journal: Journal, program: str) -> Path:
    """The journal as a directory of journal files."""
    path = folder() / f"journal-{journal.others}-{journal.firewall}-{journal.kills}-v{_VERSION}"
    if not path.exists():
        partial = path.with_name(path.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write(journal, program, partial)
        partial.rename(path)
    return path


def _write(journal: Journal, program: str, path: Path) -> None:
    command = [program, "--output", str(path / "system.journal"), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as remote:
        assert remote.stdin and remote.stderr
        try:
            remote.stdin.writelines(_entries(journal))
            remote.stdin.close()
        except BrokenPipeError:
            pass  # it says why
        said = remote.stderr.read().decode(errors="replace")
    if remote.returncode:
        raise SystemExit(f"{program}: exit {remote.returncode}: {said}")


def _entries(journal: Journal) -> Iterator[bytes]:
    rand = random.Random("journal")
    blocks = _blocks(rand)
    places = rand.sample(range(journal.others), journal.kills + journal.firewall)
    kills = {place: number for number, place in enumerate(sorted(places[: journal.kills]))}
    firewall = set(places[journal.kills :])
    begin = END * 1_000_000 - journal.others * _STEP
    for number in range(journal.others):
        boot, since_boot = (1, number - journal.others // 3) if number >= journal.others // 3 else (0, number)
        now, uptime = begin + number * _STEP, since_boot * _STEP + 5_000_000
        messages = []
        if number in kills:
            incident = _incident(rand, blocks, 0, kills[number], storm=False)
            messages = [line[line.index(b"] ") + 2 : -1] for line in incident]
        elif number in firewall:
            source = b"203.0.113.%d" % rand.randrange(256)
            messages = [
                b"DROP IN=eth0 OUT= SRC=%s DST=192.0.2.1 LEN=40 TTL=244 ID=%d PROTO=TCP DPT=23"
                % (source, rand.randrange(65536))
            ]
        for offset, message in enumerate(messages):
            stamp = b"%d" % (uptime + offset)
            yield _entry(
                now + offset,
                uptime + offset,
                boot,
                {**_KERNEL, "_SOURCE_MONOTONIC_TIMESTAMP": stamp, "MESSAGE": message},
            )
        yield _entry(now + 1_000, uptime + 1_000, boot, _service(rand, number))


def _service(rand: random.Random, number: int) -> dict[str, bytes]:
    which = rand.randrange(40)
    name = b"app%d" % which
    address = b"10.0.%d.%d" % (rand.randrange(255), rand.randrange(255))
    took, path = rand.randrange(999), rand.getrandbits(64)
    return {
        "_TRANSPORT": b"stdout",
        "SYSLOG_FACILITY": b"3",
        "SYSLOG_IDENTIFIER": name,
        "PRIORITY": b"6",
        "_PID": b"%d" % (1000 + which),
        "_UID": b"0",
        "_COMM": name,
        "_EXE": b"/usr/bin/" + name,
        "_SYSTEMD_CGROUP": b"/system.slice/%s.service" % name,
        "_SYSTEMD_UNIT": name + b".service",
        **_SAME,
        # a careless pattern takes it for a kill
        "MESSAGE": b"request %d took %d ms from %s path /a/%x out of memoryless room" % (number, took, address, path),
    }


def _entry(now: int, uptime: int, boot: int, fields: dict[str, bytes]) -> bytes:
    """One entry of the export format: binary values carry their length."""
    out = [b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n" % (now, uptime, _BOOTS[boot].encode())]
    for name, value in fields.items():
        if value.isascii() and value.decode().isprintable():
            out.append(b"%s=%s\n" % (name.encode(), value))
        else:
            out.append(b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value))
    return b"".join(out) + b"\n"
