# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates of the unit tests: quickly with plain pytest, and all of them on every Python that a managed host may have."""

from __future__ import annotations

import os
import re
import shutil
from xml.etree import ElementTree

from ci.gate import ANSIBLE_TEST, Skip, gate
from ci.machine import Machine
from ci.places import SHARED, TREE
from ci.pythons import CORE_OF, TARGET_PYTHONS, minor
from ci.sessions import nox


@gate(
    "unit-fast",
    "unit tests with plain pytest, without the slow ones, on the Python of the tools",
    fast=True,
    usual=False,
)
def unit_fast(m: Machine) -> str:
    return counts(nox(m, "units"))


def counts(output: str) -> str:
    """What pytest says of itself, in a line."""
    said = re.findall(r"^(?:=+ )?(\d+ (?:passed|failed|skipped|error).*?)(?: =+)?$", output, re.M)
    return said[-1] if said else "?"


@gate("browser", "the report's page in Chromium: axe-core, sizes and times of 60,000 kills, on the Python of the tools")
def browser(m: Machine) -> str:
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"))):
        raise Skip("no Chromium (apt install chromium)")
    return counts(nox(m, "units", "tests/unit/plugins/plugin_utils/_report/browser_checks.py"))


def unit(m: Machine, target: str) -> str:
    m.python(target)
    version = CORE_OF.get(target) or m.newest_core()
    junit = TREE / "tests/output/junit"
    shutil.rmtree(junit, ignore_errors=True)
    output = m.call("ansible-test", "units", "--venv", "--python", target, "--color", "no", "-v", bins=m.core(version))
    totals = re.findall(r"^=+ (.*(?:passed|skipped|failed).*?) in .*=+$", output, re.M)
    skips = (skip for report in junit.glob("*.xml") for skip in ElementTree.parse(report).iter("skipped"))
    reasons = {skip.get("message") or "?" for skip in skips}
    return "; ".join([f"core {version}", *totals, *(f"skipped: {reason}" for reason in sorted(reasons))])


for _target in TARGET_PYTHONS:
    # 3.9 finds nothing that 3.6 and 3.11 do not; GATES=unit-3.9 runs it.
    gate(f"unit-{_target}", f"unit tests on Python {_target}", shares=(ANSIBLE_TEST,), usual=_target != "3.9")(
        lambda m, target=_target: unit(m, target)  # type: ignore[misc]
    )


@gate(
    "mutilation",
    "incidents with lines, fields and boots taken away: none that still tells of a kill reads as clean; 50 ordinary"
    " days stay clear",
)
def mutilation(m: Machine) -> str:
    output = m.call(
        m.pythons[min(m.pythons, key=minor)], "tests/fault/mutilate.py", "--count", "3000", "--shared", str(SHARED)
    )
    return str(output.strip().splitlines()[-1].split(": ", 1)[-1])


@gate(
    "fuzz",
    "20,000 mutated logs, half of them on the oldest Python here and half on the newest; `make test-fuzz` takes"
    " 100,000",
)
def fuzz(m: Machine) -> str:
    notes = []
    half = int(os.environ.get("FUZZ_CASES", "20000")) // 2
    for number, python in enumerate((min(m.pythons, key=minor), max(m.pythons, key=minor))):
        flags = ("--count", str(half), "--first", str(number * half), "--seed", "1", "--shared", str(SHARED))
        output = m.call(m.pythons[python], "tests/fault/fuzz_parser.py", *flags)
        notes.append(f"{python}: {output.strip().splitlines()[-1].split(': ', 1)[-1]}")
    return "; ".join(notes)
