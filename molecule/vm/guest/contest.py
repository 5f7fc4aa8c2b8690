# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random contests for the OOM killer. Who asks gives the word: a line `new SEED SWAP`, then `kill alloc` or `kill
sysrq`.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time
from typing import Any

from memory import (
    MIB,
    allocate_until_a_kill,
    fork,
    kernel_kills,
    meminfo,
    nothing_to_reclaim,
    read,
    run,
    sysrq,
    take,
    take_page_tables,
)
from truth import alive, facts, marked

NAMES = [
    b"java",
    b"nginx",
    b"postgres",
    b"my app",
    b"a) (b",
    b"(sd-pam)",
    "caf\u00e9".encode(),
    b"worker/0:1",
    b"bad\xff",
    b"x",
]
SWAP = "/var/vm-contest.swap"


def plan(rng: random.Random, swap: bool) -> list[dict[str, Any]]:
    """Four to eight processes; in every other contest their points nearly cancel."""
    info = meminfo()
    thousandth = (info["MemTotal"] + info["SwapTotal"]) // 4096 // 1000
    total = min(info["MemAvailable"] / MIB * rng.uniform(0.35, 0.55), 300)
    weights = [rng.random() ** 1.5 + 0.1 for _number in range(rng.randint(4, 8))]
    tight, goal, rows = rng.random() < 0.5, 0.0, []  # type: bool, float, list[dict[str, Any]]
    for number, weight in enumerate(weights):
        mib = max(3.0, total * weight / sum(weights))
        row = {
            "mib": mib,
            "shared": 0.0,
            "tables": 0,
            "out": 0.0,
            "name": rng.choice(NAMES),
            "uid": rng.choice([0, 1001, 1002]),
        }
        if rng.random() < 0.25:
            row["shared"], row["mib"] = mib / 3, mib * 2 / 3
        if rng.random() < 0.3:
            row["tables"] = rng.choice([1, 2, 8])
        if swap and rng.random() < 0.6:
            row["out"] = row["mib"] * rng.random()
        pages = (mib + row["tables"]) * 256
        if number == 0:  # one stands above the services of the machine, which have 0
            row["adj"] = rng.randint(100, 400)
            goal = pages + row["adj"] * thousandth
        elif tight:
            row["adj"] = max(-999, min(1000, round((goal - pages) / thousandth) + rng.randint(-2, 2)))
        else:
            row["adj"] = rng.choice(
                [0, rng.randint(-200, 400), rng.randint(-900, 900), rng.choice([-1000, -999, 1000])]
            )
        rows.append(row)
    return rows


def begin(row: dict[str, Any]) -> int:
    ready, told = os.pipe()

    def work() -> Any:
        held = take(row["mib"])
        tables = take_page_tables(row["tables"]) if row["tables"] else None
        left = row["out"] * MIB
        for area in held:
            if left > 0:
                area.madvise(21)  # MADV_PAGEOUT
                left -= len(area)
        shared = take(row["shared"], shared=True)
        os.write(told, b"y")
        return (held, shared, tables)

    pid = fork(work, name=row["name"], adj=row["adj"], uid=row["uid"])
    os.close(told)
    if os.read(ready, 1) != b"y":
        raise RuntimeError("no memory for a contestant")
    os.close(ready)
    return pid


def field(status: str, name: str) -> int:
    found = re.search(r"^%s:\s+(\d+)" % name, status, re.M)
    return int(found.group(1)) // 4 if found else 0


def look() -> dict[int, dict[str, Any]]:
    """Every process with memory: pages that count, the score that /proc shows, and who it is."""
    rows = {}
    for name in os.listdir("/proc"):
        try:
            status = read("/proc/%s/status" % name) if name.isdigit() else ""
            if "VmRSS:" not in status:
                continue
            size = {key: field(status, "Vm" + key) for key in ("RSS", "Swap", "PTE")}
            rows[int(name)] = dict(
                facts(int(name)),
                rss=size["RSS"],
                pages=sum(size.values()),
                oom_score=int(read("/proc/%s/oom_score" % name)),
            )
        except (OSError, AssertionError):
            continue  # it has ended meanwhile
    return rows


def kill(mode: str) -> dict[str, Any]:
    marked()
    before, started = kernel_kills(), time.time()
    if mode == "sysrq":
        seen = look()
        sysrq()
    else:
        with nothing_to_reclaim() as outside:
            seen = look()
            allocate_until_a_kill(outside)
    while kernel_kills() == before:
        if time.time() - started > 60:
            raise RuntimeError("no kill in 60 s")
        time.sleep(0.02)
    time.sleep(0.3)
    pids = list(dict.fromkeys(marked()))
    victims = victim_rows("contest, " + mode, pids, seen, started, "sysrq" if mode == "sysrq" else "fault")
    return {"victims": victims, "seen": seen, "gone": [pid for pid in pids if not alive(pid)]}


def victim_rows(
    stage: str, pids: list[int], seen: dict[int, dict[str, Any]], started: float, trigger: str
) -> list[dict[str, Any]]:
    """The truth of a shortage of the whole machine, where anybody may have been chosen."""
    rows = []
    for pid in dict.fromkeys(pids):
        if pid not in seen:
            raise RuntimeError("pid %d was killed, and was not there before" % pid)
        path = bytes.fromhex(seen[pid]["cgroup"]).decode("utf-8", "surrogateescape")
        unit = next((part for part in path.split("/") if part.endswith((".service", ".scope"))), None)
        told = {
            "stage": stage,
            "killer": "kernel",
            "scope": "global",
            "trigger": trigger,
            "oom_memcg": None,
            "unit": unit,
        }
        rows.append(
            dict(
                told,
                since=started,
                until=time.time(),
                **{key: seen[pid][key] for key in ("pid", "comm", "uid", "cgroup", "adj")},
            )
        )
    return rows


def serve() -> None:
    pids: list[int] = []
    swapping = False
    for line in sys.stdin:
        what, *words = line.split()
        if what == "new":
            wanted = words[1] == "swap"
            if wanted and not swapping:
                run(
                    "sh",
                    "-c",
                    "fallocate -l 128M %s && chmod 600 %s && mkswap %s && swapon %s" % (SWAP, SWAP, SWAP, SWAP),
                )
            elif swapping and not wanted:
                run("sh", "-c", "swapoff %s && rm %s" % (SWAP, SWAP))
            swapping = wanted
            rows = plan(random.Random(int(words[0])), swapping)
            pids = [begin(row) for row in rows]
            print(
                json.dumps({"plan": [dict(row, name=row["name"].hex(), pid=pid) for row, pid in zip(rows, pids)]}),
                flush=True,
            )
        elif what == "kill":
            result = kill(words[0])
            result["statuses"] = {}
            for pid in pids:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    result["statuses"][pid] = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -1
                else:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
            pids = []
            print(json.dumps(result), flush=True)
    if swapping:
        run("sh", "-c", "swapoff %s && rm %s" % (SWAP, SWAP))
