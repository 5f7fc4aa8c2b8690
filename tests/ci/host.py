# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates that use this host for what it is: its file systems, its kernel, its logs."""

from __future__ import annotations

import os
import re

from ci.gate import ANSIBLE_TEST, HOST, gate
from ci.machine import Machine
from ci.places import CACHE
from ci.pythons import CORE_PYTHONS, NEW_ENOUGH, minor


@gate("faults", "kill -9, a full disk, I/O errors in the middle of every write; many writers of one fstab")
def faults(m: Machine) -> str:
    oldest = m.pythons[min(m.pythons, key=minor)]
    return "; ".join(
        [
            "drop-ins: " + m.script(m.python(*NEW_ENOUGH), "tests/fault/protect_sweep.py"),
            "fstab and sysctl: " + m.script(oldest, "tests/fault/config_crash.py"),
            "writers: " + m.script(oldest, "tests/fault/fstab_writers.py"),
        ]
    )


@gate(
    "environments",
    "what the modules say where PATH, locale, limits, /proc, /sys, /etc, /run, systemctl or journalctl are not as they"
    " should be",
    shares=(HOST,),
)
def environments(m: Machine) -> str:
    bins = m.core(m.newest_core())
    return m.script(bins / "python", "tests/fault/environments.py", bins=bins)


@gate(
    "swap",
    "swap files on ext4, xfs and btrfs in loop devices: their life, and faults at every step of it",
    shares=(HOST,),
)
def swap(m: Machine) -> str:
    bins = m.core(m.newest_core())
    life = m.script(bins / "python", "tests/fault/swap_life.py", bins=bins)
    return f"life: {life}; faults: " + m.script(m.python(*NEW_ENOUGH), "tests/fault/swap_sweep.py", "--share", "0.15")


@gate(
    "contests",
    "who dies: the kernel's choice in a cgroup, and in every recorded task table, against ours",
    shares=(HOST,),
)
def contests(m: Machine) -> str:
    python = m.python(*NEW_ENOUGH)
    output = m.call(python, "tests/benchmark/choice.py", PYTHONPATH=str(CACHE))
    tables = re.findall(r"^(.+): (\d+) tables, (\d+) unexplained", output, re.M)
    notes = [f"{count} tables of {name}, {bad} unexplained" for name, count, bad in tables]
    if os.geteuid():
        return "; ".join([*notes, "live: SKIPPED, a cgroup of one's own needs root"])
    output = m.call(python, "tests/fault/oom_contests.py", "--count", "60", "--strict", PYTHONPATH=str(CACHE))
    return "; ".join([*notes, *re.findall(r"^named.*", output, re.M)])


@gate("integration", "the modules on this host, as a user calls them, newest core", shares=(ANSIBLE_TEST, HOST))
def integration(m: Machine) -> None:
    version = m.newest_core()
    _integrate(m, version, next(python for python in CORE_PYTHONS[version] if python in m.pythons))


@gate("integration-3.6", "the same with core 2.16 and modules on Python 3.6", shares=(ANSIBLE_TEST, HOST))
def integration_oldest(m: Machine) -> None:
    m.python("3.6")
    _integrate(m, "2.16", "3.6")


def _integrate(m: Machine, core: str, python: str) -> None:
    flags = ("--venv", "--python", python, "--allow-destructive", "--color", "no", "-v")
    m.call("ansible-test", "integration", *flags, bins=m.core(core))
