# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of issue 5: ranking 10,000 processes against reading the same files of /proc with cat."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import PROGRAMS, Bench, version

_FILES = ("status", "oom_score_adj", "cgroup")
_NEEDED = 512 << 10  # bytes a sleeping process, with room
PROGRAMS["victims"] = """
import sys
options = eval(sys.argv[2])
from ansible_collections.memops.linux.plugins.module_utils._badness.result import score_info
from ansible_collections.memops.linux.plugins.module_utils._host import Host
found = 0
if options.get("run", True):
    options.pop("run", None)
    found = score_info(Host(), **options)["contest"]["contenders"]
peak = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
sys.stdout.write("%s %d" % (found, peak))
"""
# A small interpreter forks them: their page tables, not ours, make the kernel's work.
_CROWD = """
import os, signal, sys
os.setpgrp()
for number in range(int(sys.argv[1])):
    if os.fork() == 0:
        signal.pause()
        os._exit(0)
sys.stdout.write("ready\\n")
sys.stdout.flush()
signal.pause()
"""


@contextmanager
def crowd(count: int) -> Iterator[list[int]]:
    """So many sleeping processes; they end with the block."""
    parent = subprocess.Popen([sys.executable, "-S", "-E", "-c", _CROWD, str(count)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    try:
        if parent.stdout.readline() != b"ready\n":
            raise SystemExit(f"{count} processes could not be started")
        yield [int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()


def _available() -> int:
    return next(
        int(line.split()[1]) << 10
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable")
    )


def victims(bench: Bench) -> None:
    """oom_score_info without Ansible, and cat, on 10,000 processes (1,000 with --quick)."""
    count = 1_000 if bench.arguments.quick else 10_000
    if _available() < count * _NEEDED:
        print(f"  skipped: victims, because {count} processes want {count * _NEEDED >> 30} GiB")
        return
    with crowd(count) as pids, tempfile.NamedTemporaryFile("w") as names:
        names.writelines(f"/proc/{pid}/{name}\n" for pid in pids for name in _FILES)
        names.flush()
        cat = bench.tool("sh", "-c", 'xargs -a "$0" -s 1900000 cat >/dev/null', names.name)
        runs = {}
        for interpreter in bench.arguments.pythons:
            runs[interpreter] = (
                bench.python(interpreter, "victims", run=False),
                bench.python(interpreter, "victims", run=True),
                bench.python(interpreter, "victims", run=True, adjustments={"python3": 5, "nobody": -5}),
            )
        bench.measure(cat, *(command for commands in runs.values() for command in commands))
    print(f"  {len(pids)} processes: cat of {', '.join(_FILES)} {cat.seconds:.3f} s")
    for interpreter, (nothing, ranked, what_if) in runs.items():
        note = f"{ranked.seconds:.3f} s, of it interpreter and imports {nothing.seconds:.3f}; peak {ranked.peak:.1f} MiB, ranked {ranked.found}"
        short = f"{version(interpreter)}: {count} processes"
        bench.say(f"{short}, ranked / cat", 1.5, (ranked.seconds - nothing.seconds) / cat.seconds, "x", note)
        bench.say(f"{short}, ranked and what if / cat", 2.0, (what_if.seconds - nothing.seconds) / cat.seconds, "x")
