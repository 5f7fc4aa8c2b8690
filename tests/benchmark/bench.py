# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What measures: small programs, commands in turn, and the rows of the table."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

# What is measured, as small programs, so that another stage of the pipeline is one more entry. argv: the file and
# options as a dict. Each prints what it has found, and its own peak memory: the kernel's rusage would count the
# runner's too.
_TAIL = """
peak = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
sys.stdout.write("%s %d" % (found, peak))
"""
PROGRAMS = {
    "nothing": "pass",
    # what every Ansible module has imported before it begins
    "imports": "import collections, ctypes, datetime, json, re, subprocess, typing",
    "scan": """
import sys
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan
options = eval(sys.argv[2])
scan = FileScan(sys.argv[1], **options)
found = 0
for excerpt in scan:
    at = excerpt.data.find(b" Killed process ")
    while at >= 0:
        found += 1
        at = excerpt.data.find(b" Killed process ", at + 1)
if scan.report.status != "read":
    raise SystemExit(str(scan.report))
"""
    + _TAIL,
    "facts": """
import sys
options = eval(sys.argv[2])
if options.pop("engine", "") == "find":
    sys.modules["ctypes"] = None
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
oom = gather(Host(), Wish(subset=("kills",), sources=("files",), paths=(sys.argv[1],), killers="kernel", **options))
if any(source["status"] != "read" for source in oom["sources"]):
    raise SystemExit(str(oom["sources"]))
found = oom["summary"]["total"]
"""
    + _TAIL,
    "journal": """
import sys
options = eval(sys.argv[2])
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import Wish, gather
from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan
found = 0
if options.pop("scan_only", False):
    found = sum(1 for line in JournalScan(Host(), directory=sys.argv[1], whole_blocks=True))
elif sys.argv[1] != ".":
    oom = gather(Host(), Wish(subset=("kills",), sources=("journal",), journal_directory=sys.argv[1], **options))
    if [source["status"] for source in oom["sources"]] != ["read"]:
        raise SystemExit(str(oom["sources"]))
    found = oom["summary"]["total"]
"""
    + _TAIL,
    # as AnsiballZ calls it; what it prints goes to a file, then its size and its kills are read there
    "module": """
import json, os, sys, tempfile
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": dict(eval(sys.argv[2]), paths=[sys.argv[1]])}).encode()
if hasattr(basic, "_ANSIBLE_PROFILE"):
    basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.memops.linux.plugins.modules import oom_facts
terminal = os.dup(1)
with tempfile.TemporaryFile() as result:
    os.dup2(result.fileno(), 1)
    try:
        oom_facts.main()
    except SystemExit:
        sys.stdout.flush()
    os.dup2(terminal, 1)
    peak = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
    result.seek(0)
    said = result.read()
oom = json.loads(said.decode())["ansible_facts"]["oom"]
if any(source["status"] != "read" for source in oom["sources"]):
    raise SystemExit(str(oom["sources"]))
sys.stdout.write("%d/%d/%d %d" % (oom["summary"]["total"], len(oom["kills"]), len(said), peak))
""",
}


@dataclass
class Command:
    """One thing to measure. cpu and wall in seconds, peak in MiB; found is what it printed."""

    argv: list[str]
    env: dict[str, str]
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak: float = 0.0
    found: str = ""

    def run(self) -> None:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            before = os.times().elapsed
            # a file, not /dev/null: grep notices that and stops at its first match; cat copies, so it gets /dev/null
            stdout = subprocess.DEVNULL if self.argv[0] == "cat" else out
            child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=errors, env=self.env)
            _pid, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.wall.append(os.times().elapsed - before)
            self.cpu.append(usage.ru_utime + usage.ru_stime)
            if child.returncode and self.argv[0] != "grep":
                errors.seek(0)
                raise SystemExit(
                    f"{self.argv}: exit {child.returncode}: {errors.read()[-2000:].decode(errors='replace')}"
                )
            out.seek(0)
            said = out.read(200).decode(errors="replace").split()
            if self.argv[1:2] == ["-c"] and len(said) == 2:
                self.found, self.peak = said[0], max(self.peak, int(said[1]) / 1024)

    @property
    def seconds(self) -> float:
        return statistics.median(self.cpu)


@dataclass
class Figure:
    """A row of the table. measured is a ratio, seconds or MiB, whatever the target is given in."""

    name: str
    target: float
    measured: float
    unit: str
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.measured <= self.target


class Bench:
    """Runs groups of commands in turn, so that whatever else the machine does hits all of them."""

    def __init__(self, arguments: argparse.Namespace, collections: str) -> None:
        self.arguments = arguments
        self.collections = collections
        self.figures: list[Figure] = []

    def python(self, interpreter: str, program: str, path: Path | str = "", **options: object) -> Command:
        env = dict(os.environ, PYTHONPATH=self.collections, TZ="UTC")
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        return Command([interpreter, "-c", PROGRAMS[program], str(path), repr(options)], env)

    def tool(self, *argv: str) -> Command:
        return Command(list(argv), dict(os.environ, LC_ALL="C"))

    def measure(self, *commands: Command, rounds: int | None = None) -> None:
        for command in commands:
            command.run()  # warms the page cache and the bytecode
            command.cpu.clear()
            command.wall.clear()
        for _round in range(rounds or self.arguments.rounds):
            for command in commands:
                command.run()

    def say(self, name: str, target: float, measured: float, unit: str, note: str = "") -> None:
        figure = Figure(name, target, measured, unit, note)
        self.figures.append(figure)
        print(
            f"{name:58} {target:8.3f} {measured:8.3f} {unit:5} {'yes' if figure.holds else 'NO':4} {note}", flush=True
        )

    def check(self, name: str, command: Command, kills: int) -> None:
        if command.found != str(kills):
            raise SystemExit(f"{name}: found {command.found}, there are {kills}")


def version(interpreter: str) -> str:
    return subprocess.run(
        [interpreter, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
