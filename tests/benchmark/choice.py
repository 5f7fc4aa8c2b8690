# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of the replay: every task table that we have, its winner recomputed, against the process that died.

    python tests/benchmark/choice.py [FOLDER ...]

Folders with logs (*.log, syslog); without any, those of the shared corpus beside the checkout, and our own extracts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench import Bench

ROOT = Path(__file__).resolve().parents[2]


def shared() -> Path:
    return Path(os.environ.get("MEMOPS_SHARED") or ROOT.parent / "shared")


def logs(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.glob("*")
        if path.suffix == ".log"
        or path.name == "syslog"
        or path.name.startswith(("bookworm-", "bullseye-", "causes-", "numa-"))
    )


def count(folder: Path) -> tuple[Counter[str], int, int]:
    """Exceptions of the tables in a folder (what is as printed is one of them), printed scores, and those that are
    ours.
    """
    from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.table_replay import contests

    told: Counter[str] = Counter()
    scores = ours = 0
    for _name, kill, contest in contests(str(folder), [name for name in logs(folder) if not name.endswith(".license")]):
        told[contest.exception or "as printed"] += 1
        if kill.victim.oom_score is not None and contest.exception is None and contest.totalpages:
            scores += 1
            ours += contest.winner.badness * 1000 // contest.totalpages == kill.victim.oom_score
    return told, scores, ours


def rows(work: Path) -> list[tuple[str, Path]]:
    """What there is to look at; logs that are packed are unpacked into a folder of ours."""
    found = [("own extracts", ROOT / "tests/unit/fixtures/kernel")]
    if (shared() / "corpus").is_dir():
        found.append(("corpus", shared() / "corpus"))
    for packed in sorted((shared() / "vmlogs").glob("*/syslog.zst")) if shutil.which("zstd") else ():
        target = work / packed.parent.name
        target.mkdir()
        subprocess.run(["zstd", "-qdf", str(packed), "-o", str(target / "syslog")], check=True)
        found.append((f"virtual machine {packed.parent.name}", target))
    return found


def choice(bench: Bench) -> None:
    """The recomputed winner is the printed victim, or a written rule says why not: nothing else may be left over."""
    sys.path.insert(0, bench.collections)
    beside = Path(bench.collections, "ansible_collections/memops/linux/tests")
    if not beside.exists():
        shutil.copytree(ROOT / "tests/unit", beside / "unit", ignore=shutil.ignore_patterns("__pycache__"))
    with tempfile.TemporaryDirectory() as work:
        for name, folder in rows(Path(work)):
            told, scores, ours = count(folder)
            note = f"{told.total()} tables: " + ", ".join(f"{number} {rule}" for rule, number in told.most_common())
            bench.say(f"{name}: victims that no rule explains", 0, told["unexplained"], "", note)
            if scores:
                bench.say(f"{name}: printed scores that are not ours", 0, scores - ours, "", f"of {scores}")


def main(folders: list[str]) -> int:
    left = 0
    with tempfile.TemporaryDirectory() as work:
        for name, folder in [(folder, Path(folder)) for folder in folders] or rows(Path(work)):
            told, scores, ours = count(folder)
            left += told["unexplained"] + scores - ours
            print(
                f"{name}: {told.total()} tables, {told['unexplained']} unexplained; printed scores that are ours {ours} of {scores}"
            )
            for rule, number in told.most_common():
                print(f"  {number:5} {rule}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
