# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads that the whole machine feels: one that is the same every time, and one that lies in swap until it is told to
go.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from contest import look, victim_rows
from memory import MIB, fork, kernel_kills, nothing_to_reclaim, take
from truth import marked


def load(mib: float) -> None:
    """Take so much, outside of everything that is guarded from reclaim; who died of it? Itself cannot be chosen."""
    marked()
    before, started = kernel_kills(), time.time()
    with nothing_to_reclaim() as outside:
        seen = look()
        pid = fork(lambda: take(mib, stop_after_kill=True) and None, name=b"load", adj=-1000, cgroup=outside)
        os.waitpid(pid, 0)
    time.sleep(0.3)
    victims = victim_rows("the load", marked(), seen, started, "fault")
    print(json.dumps({"victims": victims, "kills": kernel_kills() - before, "pid": pid}))


def serve() -> None:
    """`hold MIB OUT`: so much memory, of which OUT are put into swap; `drop` ends it and says whether it lived."""
    pid = 0
    for line in sys.stdin:
        what, *words = line.split()
        if what == "hold":
            mib, out = float(words[0]), float(words[1])
            ready, told = os.pipe()

            def work(mib: float = mib, out: float = out, told: int = told) -> object:
                held = []
                for step in range(int(mib / 4)):
                    held += take(4)
                    if step * 4 < out:
                        held[-1].madvise(21)  # MADV_PAGEOUT
                os.write(told, b"y")
                return held

            pid = fork(work, name=b"holder", uid=1001)
            os.close(told)
            answer = os.read(ready, 1)
            os.close(ready)
            print(json.dumps({"held": answer == b"y"}), flush=True)
        else:
            ended, _status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            print(json.dumps({"lived": not ended, "mib": MIB}), flush=True)
