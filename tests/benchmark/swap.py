# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long swap_file takes for 1 GiB, against fallocate, chmod, mkswap and swapon by hand: python
tests/benchmark/swap.py [TIMES]

Ours has all checks, the lock, every fsync and the look afterwards. The start of Python and Ansible's own share come on
top. Needs root and loop devices. Ends with 1 where ours takes more than 1.2 times as long on ext4, xfs or btrfs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fault"))
import swap_lab as lab  # noqa: E402
import swap_sweep as driver  # noqa: E402

LIMIT = 1.2
BY_HAND = "fallocate -l 1G {0} && chmod 600 {0} && mkswap {0} >/dev/null && swapon -p 10 {0}"


def by_hand(path: Path) -> None:
    if path.parent.name == "btrfs":
        subprocess.run(["sh", "-c", f"truncate -s 0 {path} && chattr +C {path} && " + BY_HAND.format(path)], check=True)
    else:
        subprocess.run(["sh", "-c", BY_HAND.format(path)], check=True)


def ours(path: Path) -> None:
    driver.do(path, {"size": "1G", "persistent": False})


def ours_in_fstab(path: Path) -> None:
    driver.do(path, {"size": "1G"})


def seconds(act: Callable[[Path], None], path: Path) -> float:
    subprocess.run(["sync", "-f", str(path.parent)], check=True)
    begin = time.perf_counter()
    act(path)
    taken = time.perf_counter() - begin
    driver.do(path, {"state": "absent"})
    return taken


def main(times: int = 9) -> int:
    missing = lab.why_not("fallocate", "chattr", "mkfs.xfs", "mkfs.btrfs")
    if missing:
        print(f"SKIPPED: {missing}")
        return 77
    lab.enter()
    lab.prepare()
    slow = []
    with tempfile.TemporaryDirectory(prefix="memops-tree-") as tree:
        driver.use_tree(Path(tree))
        for kind in ("ext4", "xfs", "btrfs"):
            with lab.file_system(kind, 2048) as where:
                path = where / "swapfile"
                acts = (by_hand, ours, ours_in_fstab)
                rounds = [[seconds(act, path) for act in acts] for _round in range(times + 1)][1:]
            hand, plain, table = (statistics.median(column) for column in zip(*rounds, strict=True))
            times_ours = f"ours {plain * 1000:6.1f} ms ({plain / hand:4.2f})   with fstab {table * 1000:6.1f} ms ({table / hand:4.2f})"
            print(f"{kind:6} by hand {hand * 1000:6.1f} ms   {times_ours}")
            if plain > LIMIT * hand:
                slow.append(kind)
    print(f"too slow: {', '.join(slow)}" if slow else f"all within {LIMIT}")
    return 1 if slow else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main(*map(int, sys.argv[1:])))
