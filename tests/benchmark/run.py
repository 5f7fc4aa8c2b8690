# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of issue 2, measured: CPU of whole processes against the tools people use, in the same run, medians.

    python tests/benchmark/run.py [--quick] [--rounds 5] [--pythons python3.6:python3.13] [--engine memmem] [--only PATTERN]

Interpreters come from --pythons, $MEMOPS_PYTHONS, or are those on PATH that really run.
Nothing here decides a test: a figure that does not hold is printed, and the exit code stays 0 unless --strict.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import generate
from generate import END, MEBI, Log

ROOT = Path(__file__).resolve().parents[2]
GIBI = 1024 * MEBI

# What is measured, as small programs, so that another stage of the pipeline is one more entry. argv: the file and options as
# a dict. Each prints what it has found, and its own peak memory: the kernel's rusage would count the runner's too.
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
from ansible_collections.memops.linux.plugins.module_utils._oom.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._oom.wish import Wish
oom = gather(Host(), Wish(subset=("kills",), sources=("files",), paths=(sys.argv[1],), killers="kernel", **options))
if any(source["status"] != "read" for source in oom["sources"]):
    raise SystemExit(str(oom["sources"]))
found = oom["summary"]["total"]
"""
    + _TAIL,
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
                raise SystemExit(f"{self.argv}: exit {child.returncode}: {errors.read()[-2000:].decode(errors='replace')}")
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
        print(f"{name:58} {target:8.3f} {measured:8.3f} {unit:5} {'yes' if figure.holds else 'NO':4} {note}", flush=True)

    def check(self, name: str, command: Command, kills: int) -> None:
        if command.found != str(kills):
            raise SystemExit(f"{name}: found {command.found}, there are {kills}")


def plain_file(bench: Bench) -> None:
    """1 GB of syslog with 1,000 kills, on every interpreter, with and without ctypes."""
    log = Log("syslog", 100 * MEBI, 100) if bench.arguments.quick else Log("syslog", 1000 * MEBI, 1000)
    path = generate.plain(log)
    grep, grep_kill, cat = (
        bench.tool("grep", "-F", "Out of memory", str(path)),
        bench.tool("grep", "-i", "kill", str(path)),
        bench.tool("cat", str(path)),
    )
    runs: dict[str, tuple[Command, Command, Command]] = {}
    for interpreter in bench.arguments.pythons:
        runs[interpreter] = (
            bench.python(interpreter, "nothing"),
            bench.python(interpreter, bench.arguments.program, path),
            bench.python(interpreter, bench.arguments.program, path, engine="find"),
        )
    bench.measure(grep, grep_kill, cat, *(command for commands in runs.values() for command in commands))
    size = path.stat().st_size / GIBI
    print(f"  {path.name}: grep -F {grep.seconds:.3f} s, grep -i kill {grep_kill.seconds:.3f} s, cat {cat.seconds:.3f} s")
    for interpreter, (nothing, scan, find) in runs.items():
        short = version(interpreter)
        net = scan.seconds - nothing.seconds
        note = f"{scan.seconds:.3f} s, of it interpreter {nothing.seconds:.3f}; {net / size:.3f} s/GiB net; wall {statistics.median(scan.wall):.3f}"
        bench.check(short, scan, log.kills)
        bench.say(f"{short}: net CPU of 1 GB / grep -F 'Out of memory'", 1.2, net / grep.seconds, "x", note)
        bench.say(f"{short}: net CPU of 1 GB / grep -i kill", 0.5, net / grep_kill.seconds, "x")
        bench.say(f"{short}: peak memory", 45, scan.peak, "MiB")
        bench.say(f"{short}: without ctypes / grep -F", 2.8, (find.seconds - nothing.seconds) / grep.seconds, "x", f"{find.seconds:.3f} s")


def large_file(bench: Bench) -> None:
    """4 GB: no more memory than 1 GB takes; windows of time; the same lines unsorted."""
    scale = MEBI // 10 if bench.arguments.quick else MEBI
    one, four = Log("iso", 1000 * scale, 1000, "iso", 30.0), Log("iso", 4000 * scale, 4000, "iso", 30.0)
    small, path = generate.plain(one), generate.plain(four)
    interpreter, program = bench.arguments.pythons[-1], bench.arguments.program
    grep = bench.tool("grep", "-F", "Out of memory", str(path))
    nothing, imports = bench.python(interpreter, "nothing"), bench.python(interpreter, "imports")
    first, whole = bench.python(interpreter, program, small), bench.python(interpreter, program, path)
    hour, day = bench.python(interpreter, program, path, since=END - 3600), bench.python(interpreter, program, path, since=END - 86400)
    bench.measure(grep, nothing, first, whole)
    bench.measure(nothing, imports, hour, day, rounds=max(11, bench.arguments.rounds))
    bench.check("4 GB", whole, four.kills)
    bench.say("4 GB: net CPU / grep -F", 1.2, (whole.seconds - nothing.seconds) / grep.seconds, "x", f"{whole.seconds:.3f} s")
    bench.say("4 GB: peak memory above that of 1 GB", 5, whole.peak - first.peak, "MiB", f"{whole.peak:.1f} MiB")
    window = path.stat().st_size / GIBI / 30
    for name, target, run, note in (
        ("since=1h", 20, hour, ""),
        ("since=24h", 20 + 450 * window, day, f", {window * 1024:.0f} MiB of window"),
    ):
        strict = (run.seconds - nothing.seconds) * 1000
        bench.say(
            f"4 GB sorted, {name}: net CPU",
            target,
            (run.seconds - imports.seconds) * 1000,
            "ms",
            f"{strict:.1f} with the imports of a module{note}, kills: {run.found}",
        )
    mixed = generate.swapped(small)
    since = END - 10 * 86400
    sorted_run, mixed_run = bench.python(interpreter, program, small, since=since), bench.python(interpreter, program, mixed, since=since)
    bench.measure(sorted_run, mixed_run, rounds=1)
    bench.say(
        "unsorted, since=10d: kills missing",
        0,
        max(0, int(sorted_run.found) - int(mixed_run.found)),
        "",
        f"{sorted_run.found} of the window in the sorted file",
    )


def storm(bench: Bench) -> None:
    """100,000 kills."""
    log = Log("storm", 100 * MEBI, 10_000, storm=True) if bench.arguments.quick else Log("storm", 1000 * MEBI, 100_000, storm=True)
    path = generate.plain(log)
    interpreter = bench.arguments.pythons[-1]
    grep, nothing, scan = (
        bench.tool("grep", "-F", "Out of memory", str(path)),
        bench.python(interpreter, "nothing"),
        bench.python(interpreter, bench.arguments.program, path),
    )
    bench.measure(grep, nothing, scan)
    if bench.arguments.program == "scan":
        bench.check("storm", scan, log.kills)
    bench.say(
        f"{log.kills} kills: net CPU / grep -F",
        4.0,
        (scan.seconds - nothing.seconds) / grep.seconds,
        "x",
        f"{scan.seconds:.3f} s, grep {grep.seconds:.3f} s",
    )
    bench.say(f"{log.kills} kills: peak memory", 64, scan.peak, "MiB")


def compressed(bench: Bench) -> None:
    """100 MB in every compression, against the tool that made it."""
    log = Log("syslog", (25 if bench.arguments.quick else 100) * MEBI, 25 if bench.arguments.quick else 100)
    source = generate.plain(log)
    interpreter = bench.arguments.pythons[-1]
    for program, suffix, target in (("gzip", ".gz", 0.75), ("xz", ".xz", 1.1), ("bzip2", ".bz2", 1.1), ("zstd", ".zst", 2.2)):
        if not shutil.which(program):
            print(f"  skipped: {program}, which is not installed here")
            continue
        path = generate.packed(source, program, suffix)
        tool, nothing, scan = (
            bench.tool(program, "-dc", str(path)),
            bench.python(interpreter, "nothing"),
            bench.python(interpreter, bench.arguments.program, path),
        )
        bench.measure(tool, nothing, scan, rounds=min(5, bench.arguments.rounds))
        bench.check(program, scan, log.kills)
        bench.say(
            f"{suffix[1:]}: net CPU / {program} -dc",
            target,
            (scan.seconds - nothing.seconds) / tool.seconds,
            "x",
            f"{scan.seconds:.3f} s, peak {scan.peak:.1f} MiB",
        )


GROUPS: tuple[Callable[[Bench], None], ...] = (plain_file, large_file, storm, compressed)


def version(interpreter: str) -> str:
    return subprocess.run(
        [interpreter, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


def interpreters(given: str | None) -> list[str]:
    """Those named, else those on PATH; the paths behind shims, which would cost a second each."""
    names = [name for name in (given or os.environ.get("MEMOPS_PYTHONS", "")).split(":") if name]
    found: dict[str, str] = {}
    for name in names or [f"python3.{minor}" for minor in (6, 9, 11, 13, 14)]:
        real = shutil.which(name)
        asked = real and subprocess.run(
            [real, "-c", "import sys; print(sys.executable)"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
        if asked and asked.returncode == 0:
            found[version(asked.stdout.strip())] = asked.stdout.strip()
        elif names:
            raise SystemExit(f"{name} does not run here")
    return list(found.values()) or [sys.executable]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--rounds", type=int, default=0, help="default 7, quick 5")
    parser.add_argument("--pythons", help="interpreters, separated by colons")
    parser.add_argument("--program", default="scan", choices=[name for name in PROGRAMS if name != "nothing"])
    parser.add_argument("--only", default="*", help="groups: " + ", ".join(group.__name__ for group in GROUPS))
    parser.add_argument("--strict", action="store_true", help="exit 1 if a figure does not hold")
    arguments = parser.parse_args(argv)
    arguments.rounds = arguments.rounds or (5 if arguments.quick else 7)
    arguments.pythons = interpreters(arguments.pythons)
    with tempfile.TemporaryDirectory() as collections:
        # a copy: modules import each other by the collection's name, and bytecode is kept without touching the checkout
        above = Path(collections, "ansible_collections", "memops")
        shutil.copytree(ROOT / "plugins" / "module_utils", above / "linux" / "plugins" / "module_utils")
        bench = Bench(arguments, collections)
        print(f"{'figure':58} {'target':>8} {'measured':>8} {'':5} holds", flush=True)
        for group in GROUPS:
            if fnmatch.fnmatch(group.__name__, arguments.only):
                group(bench)
    missed = [figure for figure in bench.figures if not figure.holds]
    print(f"{len(bench.figures) - len(missed)} of {len(bench.figures)} hold, load {os.getloadavg()[0]:.1f}")
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
