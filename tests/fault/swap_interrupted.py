# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that fail, runs that die after a step, and power cuts after it: the host has swap, and the next run ends as
wished.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_lab as lab  # noqa: E402
from swap_cases import M, alone, case, check, do, failed, line_of, whole  # noqa: E402


@case
def without_a_nameless_file(where: Path) -> None:
    """As on kernels without O_TMPFILE (mocked: this one has it), and after a kill in the middle of that."""
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import make

    path = where / "swapfile"
    with mock.patch.object(make, "_without_name", lambda folder: None):
        do(path, size="16M")
        do(path, size="24M")
    whole(path, 24 * M, 10)
    for name in (make.partial_name("swapfile"), make.temporary_name("swapfile")):
        (where / name).write_bytes(bytes(8 * M))
        (where / name).chmod(0o600)
    subprocess.check_call(["mkswap", where / name], stdout=subprocess.DEVNULL)
    check([step["action"] for step in do(path, size="24M")["plan"]] == ["remove", "remove"], "left-overs")
    subprocess.check_call(["swapoff", path])
    os.link(path, where / make.partial_name("swapfile"))  # killed between the link and the unlink
    try:
        do(path, size="24M")
    finally:
        check(sorted(os.listdir(where))[-1] == "swapfile", os.listdir(where))
    whole(path, 24 * M, 10)


@case
def holes_that_only_the_kernel_sees(where: Path) -> None:
    """swapon says EINVAL: every block is written, once. (The file system's own allocation is replaced by a sparse
    file.)
    """
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import make

    def sparse(fd: int, size: int, zeros: bool) -> None:
        if zeros:
            make._write_zeros(fd, size)
        else:
            os.ftruncate(fd, size)

    path = where / "swapfile"
    with mock.patch.object(make, "_allocate", sparse), mock.patch.object(
        make.extents, "has_holes", lambda fd, size: False
    ):
        do(path, size="16M")
    whole(path, 16 * M, 10)
    do(path, state="absent")
    with mock.patch.object(make, "_allocate", sparse):  # and holes that the map shows are filled before
        do(path, size="16M")
    whole(path, 16 * M, 10)
    do(path, state="absent")
    if where.name == "btrfs":
        with mock.patch.object(make.extents, "stop_copy_on_write", lambda fd: None):
            failed("Invalid argument", path, size="16M")
        check(not path.exists() and not line_of(path), "left after a failed activation")


@case
def failed_steps_go_back(where: Path) -> None:
    """A step fails: the host has the swap that it had, and the next run ends as wished."""
    from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import execute as steps

    path = where / "swapfile"
    do(path, size="16M")

    @contextmanager
    def broken(name: str, number: int) -> Iterator[None]:
        real, calls = getattr(steps, name), []

        def instead(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            if len(calls) == number:
                raise ExecutionError("made to fail")
            return real(*args, **kwargs)

        with mock.patch.object(steps, name, instead):
            yield

    for name, number, bridge_stays in (
        ("make", 1, False),
        ("activate", 1, False),
        ("deactivate", 1, False),
        ("make", 2, True),
        ("activate", 2, False),
    ):
        size = "24M" if path.stat().st_size == 16 * M else "16M"
        with broken(name, number):
            failed("made to fail", path, size=size)
        active = lab.ours()
        check(
            active == [str(where / ".swapfile.memops-bridge")] if bridge_stays else active == [str(path)],
            name,
            number,
            active,
        )
        do(path, size=size)
        check(
            os.listdir(where) == ["swapfile"] or sorted(os.listdir(where)) == ["lost+found", "swapfile"],
            os.listdir(where),
        )
    do(path, state="absent")


class Died(BaseException):
    """No error that anything would go back for."""


def dies_after(number: int) -> Callable[[int], None]:
    def act(done: int) -> None:
        if done == number:
            raise Died

    return act


@contextmanager
def after_each_step(act: Callable[[int], None]) -> Iterator[None]:
    """act is given how many steps are done."""
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import transaction

    real, done = transaction.run_step, []

    def instead(context: Any, step: Any) -> None:
        real(context, step)
        done.append(step)
        act(len(done))

    with mock.patch.object(transaction, "run_step", instead):
        yield


@case
def dead_after_each_step(where: Path) -> None:
    """A resize dies after each of its steps, or the power is cut and a boot swaps to what fstab names. The next run
    ends it, or removes it all.
    """
    path = where / "swapfile"
    names = set(os.listdir(where))
    do(path, size="16M")
    steps = len(do(path, True, size="24M")["plan"])
    check(steps == 8, steps)
    wishes: tuple[dict[str, Any], ...] = ({"size": "24M"}, {"state": "absent"})
    for after, boot, wish in itertools.product(range(1, steps + 1), (False, True), wishes):
        do(path, size="16M")
        with suppress(Died), after_each_step(dies_after(after)):
            do(path, size="24M")
        check(lab.ours() != [], "no swap", after)
        check(lab.whole_size(path) in (16 * M, 24 * M), "fstab names what is no swap file", after, os.listdir(where))
        if boot:
            lab.swap_off()
            subprocess.check_call(["swapon", path])
        do(path, **wish)
        check(
            set(os.listdir(where)) - names == (set() if "state" in wish else {path.name}),
            "left",
            after,
            os.listdir(where),
        )
        if "size" in wish:
            whole(path, 24 * M, 10)
            check(not do(path, **wish)["changed"], "second run")
    do(path, state="absent")


def keep(seen: list[tuple[Path, bool, list[str]]], kind: str, path: Path, _number: int) -> None:
    """A copy of the disk as a power cut leaves it now, and what the host had in use."""
    seen.append((lab.cut_power(kind, f"cut-{len(seen)}"), bool(line_of(path)), lab.ours()))


@alone
def power_cuts_after_each_step() -> None:
    """What each file system gave to its disk after each step of a life: the line in fstab names a whole swap file, if
    there is a line.
    """
    for kind in lab.SIZES:
        seen: list[tuple[Path, bool, list[str]]] = []
        with lab.file_system(kind) as where:
            path = where / "swapfile"
            with after_each_step(partial(keep, seen, kind, path)):
                for wish in ({"size": "16M"}, {"size": "24M"}, {"size": "8M"}, {"size": "8M", "priority": 3}):
                    do(path, **wish)
                subprocess.check_call(["swapoff", path])
                do(path, size="12M")
                do(path, state="absent")
        check(len(seen) == 3 + 8 + 8 + 7 + 2 + 3, kind, len(seen))
        for number, (copy, line, active) in enumerate(seen):
            with lab.after_power_cut(copy, kind) as after:
                size = lab.whole_size(after / "swapfile")
                check(size is not None or not line, kind, number, active, sorted(os.listdir(after)))
            copy.unlink()
