# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All tests, a pytest for each machine, two at a time: more would only wait for each other's processors.

VM_TESTS=facts,contest VM_SUITES=bookworm,v1 python3 molecule/vm/run.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import image

HERE = Path(__file__).resolve().parent
MACHINES = (*image.SUITES, "v1")
NO_TESTS = 5  # pytest's exit code where VM_TESTS leaves nothing for this machine


def judge(name: str) -> tuple[str, int, str]:
    """The exit code of one machine's pytest, and its last line."""
    command = [sys.executable, "-B", "-m", "pytest", "-v", "--tb=short", "-p", "no:cacheprovider", str(HERE)]
    last = ""
    with subprocess.Popen(
        command,
        cwd=HERE.parent.parent,
        env=dict(os.environ, VM_SUITES=name),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as test:
        assert test.stdout
        for line in test.stdout:
            if line.strip():
                last = line.strip("= \n")
                print(f"{name:8} {line}", end="", flush=True)
    return name, test.returncode, last


def main() -> int:
    wanted = os.environ.get("VM_SUITES", ",".join(MACHINES)).split(",")
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(judge, wanted))
    print("\n".join(f"{name:8} {last}" for name, _code, last in results))
    codes = {code for _name, code, _last in results}
    good = codes <= {0, NO_TESTS} and 0 in codes
    print(
        f"{'passed' if good else 'FAILED'} on {', '.join(wanted)} in {time.monotonic() - started:.0f} s; logs in {image.CACHE / 'logs'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
