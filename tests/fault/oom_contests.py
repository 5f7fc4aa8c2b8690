# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the kernel kill whom oom_score_info names? Randomised contests in a memory cgroup of this machine. Needs root
and /dev/kmsg.

    PYTHONPATH=<above ansible_collections> python tests/fault/oom_contests.py [--count 100] [--seed 1] [--strict]

A few processes of random sizes and scores share a cgroup whose limit lies 1 MiB above what they use; one more asks for
memory. Half of the contests are tight: size and score nearly cancel. Only processes of this script are in that cgroup.

judge() is for contests that were held elsewhere: the module's result, and the pid of the kernel's first victim.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAME = "memops-contest"
_MIB = 1 << 20
_ROOM = 1 * _MIB
_KILLED = re.compile(r"Killed process (\d+) ")
_HOG = """
import sys
open(sys.argv[3], "w").write("0")
open("/proc/self/oom_score_adj", "w").write(sys.argv[2])
data = bytearray(b"x") * int(sys.argv[1])
print("ready", flush=True)
more = []
while sys.stdin.readline():
    while True:
        more.append(bytearray(b"y") * 65536)
"""


@dataclass(frozen=True)
class Verdict:
    """named -- the module named the victim; margin -- bytes by which its first led; decided -- more than `growth`

    rank -- of the victim, None: the module did not know it; by_score -- sorted by /proc/PID/oom_score the victim came
        first as well
    """

    named: bool
    margin: int | None
    decided: bool
    rank: int | None
    by_score: bool


def judge(result: dict[str, Any], killed: int, growth: int = 0) -> Verdict:
    """result -- of oom_score_info with top=0, taken before; growth -- bytes that anybody may have grown by since."""
    rows = [row for row in result["processes"] if row["rank"] is not None]
    first = result["next_victim"]
    margin = first["margin"] if first else None
    best = max(rows, key=lambda row: row["oom_score"])["pid"] if rows else None
    return Verdict(
        named=first is not None and first["pid"] == killed,
        margin=margin,
        decided=margin is None or margin > growth,
        rank=next((row["rank"] for row in rows if row["pid"] == killed), None),
        by_score=best == killed,
    )


class Cgroup:
    """One of either version, without swap: the contest is about memory."""

    def __init__(self) -> None:
        self.is_v2 = not Path("/sys/fs/cgroup/memory").is_dir()
        above = Path("/sys/fs/cgroup" if self.is_v2 else "/sys/fs/cgroup/memory")
        if self.is_v2:
            (above / "cgroup.subtree_control").write_text("+memory")
        self.path = above / _NAME
        self.path.mkdir()
        if self.is_v2:
            (self.path / "memory.swap.max").write_text("0")
        else:
            (self.path / "memory.swappiness").write_text("0")

    @property
    def usage(self) -> int:
        return int((self.path / ("memory.current" if self.is_v2 else "memory.usage_in_bytes")).read_text())

    def limit(self, size: int | None) -> None:
        nothing = "max" if self.is_v2 else "-1"
        (self.path / ("memory.max" if self.is_v2 else "memory.limit_in_bytes")).write_text(
            nothing if size is None else str(size)
        )

    def remove(self) -> None:
        for _attempt in range(100):
            try:
                return self.path.rmdir()
            except OSError:  # the dead leave it a little later
                time.sleep(0.05)
        print(f"{self.path} could not be removed", file=sys.stderr)


def plan(rng: random.Random) -> list[tuple[int, int]]:
    """(bytes, oom_score_adj): raised only, so that no right is needed for it."""
    sizes = [int(rng.uniform(3, 18) * _MIB) for _number in range(rng.randint(3, 7))]
    if rng.random() < 0.5:
        return [(size, rng.choice([0, 0, 100, 300, rng.randint(0, 1000)])) for size in sizes]
    share = (sum(sizes) + len(sizes) * 9 * _MIB) / 1000  # about what one of oom_score_adj is worth then
    level = sizes[0] + rng.randint(200, 500) * share
    return [(size, max(0, min(1000, round((level - size) / share) + rng.randint(-3, 3)))) for size in sizes]


@contextmanager
def hogs(cgroup: Cgroup, sizes: Sequence[tuple[int, int]]) -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    try:
        for size, adj in sizes:
            argv = [sys.executable, "-S", "-c", _HOG, str(size), str(adj), str(cgroup.path / "cgroup.procs")]
            started.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        for process in started:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise SystemExit("a process could not be started in the cgroup")
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def first_victim(kmsg: int, pids: set[int], seconds: float = 20) -> int | None:
    """The first of these pids that the kernel says it killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = _KILLED.search(os.read(kmsg, 8192).decode("utf-8", "replace"))
        except BlockingIOError:
            time.sleep(0.005)
            continue
        except BrokenPipeError:  # records were overwritten before they were read
            continue
        if found and int(found.group(1)) in pids:
            return int(found.group(1))
    return None


def hold(cgroup: Cgroup, rng: random.Random) -> Verdict | None:
    """One contest; None where nobody died in time."""
    from ansible_collections.memops.linux.plugins.module_utils._badness.ranking import inexact
    from ansible_collections.memops.linux.plugins.module_utils._badness.result import (
        read_selection,
        score_info,
        snapshot,
    )
    from ansible_collections.memops.linux.plugins.module_utils._host import Host

    cgroup.limit(None)
    with hogs(cgroup, plan(rng) + [(_MIB, 0)]) as running:
        cgroup.limit(cgroup.usage + _ROOM)
        kmsg = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        try:
            os.lseek(kmsg, 0, os.SEEK_END)
            result = score_info(Host(), 0, "/" + _NAME)
            asks = running[-1].stdin
            if asks is not None:
                asks.write(b"now\n")
                asks.flush()
            killed = first_victim(kmsg, {process.pid for process in running})
        finally:
            os.close(kmsg)
    if killed is None:
        return None
    return judge(result, killed, inexact(read_selection(Host(), snapshot(Host()))))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--strict", action="store_true", help="exit 1 if a decided contest was not won by the one named"
    )
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("root is needed to make a cgroup and to read /dev/kmsg")
    rng = random.Random(arguments.seed)
    cgroup = Cgroup()
    try:
        held = [hold(cgroup, rng) for _number in range(arguments.count)]
    finally:
        cgroup.remove()
    verdicts = [verdict for verdict in held if verdict]
    decided = [verdict for verdict in verdicts if verdict.decided]
    print(
        f"{os.uname().release}, cgroup {2 if cgroup.is_v2 else 1}: {len(verdicts)} contests with a kill of {arguments.count}"
    )
    print(f"named: {sum(verdict.named for verdict in verdicts)}")
    print(
        f"named where the margin exceeds what /proc and the kernel may differ by: {sum(verdict.named for verdict in decided)} of {len(decided)}"
    )
    print(f"first by /proc/PID/oom_score: {sum(verdict.by_score for verdict in verdicts)}")
    for verdict in verdicts:
        if not verdict.named:
            print(f"  missed: the victim was number {verdict.rank}, the first led by {verdict.margin} bytes")
    return 1 if arguments.strict and sum(verdict.named for verdict in decided) < max(len(decided), 1) else 0


if __name__ == "__main__":
    sys.exit(main())
