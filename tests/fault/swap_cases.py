# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cases of swap_file have in common: how they run it, and what they look at."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_lab as lab  # noqa: E402
import swap_sweep as driver  # noqa: E402

M = 1 << 20
CASES: list[Callable[[Path], None]] = []
ALONE: list[Callable[[], None]] = []


def case(run: Callable[[Path], None]) -> Callable[[Path], None]:
    CASES.append(run)
    return run


def alone(run: Callable[[], None]) -> Callable[[], None]:
    ALONE.append(run)
    return run


def check(truth: bool, *seen: object) -> None:
    if not truth:
        raise AssertionError(*seen)


def do(path: Path, check_mode: bool = False, host: Any = None, **wish: Any) -> dict[str, Any]:
    return driver.do(path, wish, check_mode, host)


def refused(words: str, path: Path, **wish: Any) -> None:
    """By check mode and by a real run, with the same words, and nothing is another than before."""
    before = everything(path)
    for check_mode in (True, False):
        try:
            do(path, check_mode, **wish)
        except Exception as exc:
            check(words in str(exc), words, str(exc))
        else:
            raise AssertionError(f"not refused: {words}")
    check(everything(path) == before, "changed though refused", before, everything(path))


def failed(words: str, path: Path, **wish: Any) -> None:
    try:
        do(path, **wish)
    except Exception as exc:
        check(words in str(exc), words, str(exc))
    else:
        raise AssertionError(f"did not fail: {words}")


def everything(path: Path) -> list[object]:
    names = (
        sorted((name, os.lstat(path.parent / name)[:7]) for name in os.listdir(path.parent))
        if path.parent.is_dir()
        else []
    )
    swaps = [
        line
        for line in Path("/proc/swaps").read_text(encoding="utf-8").splitlines()
        if line.startswith(str(lab.MOUNTS))
    ]
    return [names, swaps, Path("/etc/fstab").read_bytes(), sorted(os.listdir("/etc"))]


def area(path: Path) -> tuple[int, int]:
    """Size and priority, as the kernel says."""
    name = str(path).replace(" ", "\\040")
    for line in Path("/proc/swaps").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[0] == name:
            return int(fields[2]) * 1024, int(fields[4])
    raise AssertionError(f"not active: {path}")


def whole(path: Path, size: int, priority: int) -> None:
    now = path.lstat()
    check(
        stat.S_ISREG(now.st_mode)
        and stat.S_IMODE(now.st_mode) == 0o600
        and (now.st_uid, now.st_gid, now.st_nlink) == (0, 0, 1),
        now,
    )
    check(now.st_size == size and now.st_blocks * 512 >= size, now)
    kernel, its_priority = area(path)
    # a page for the header; with blocks of 1 KiB the ends of each extent as well
    check(size - 64 * 4096 <= kernel <= size - 4096 and its_priority == priority, kernel, its_priority)


def line_of(path: Path) -> list[str]:
    name = str(path).replace(" ", "\\040")
    lines = Path("/etc/fstab").read_text(encoding="utf-8").splitlines()
    check(lines[:3] == lab.FSTAB.splitlines(), "other lines changed", lines)
    return [line for line in lines if line.startswith(name)]
