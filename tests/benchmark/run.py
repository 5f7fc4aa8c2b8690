# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the issues, measured: CPU of whole processes against the tools people use, in the same run, medians.

    python tests/benchmark/run.py [--quick] [--rounds 5] [--pythons python3.6:python3.13] [--engine memmem] [--only
    PATTERN]

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
from pathlib import Path

import generate
from bench import Bench, Command, version
from choice import choice
from figures import journal, module
from generate import END, MEBI, Log
from protect import protect
from victims import victims

ROOT = Path(__file__).resolve().parents[2]
GIBI = 1024 * MEBI


def size_of(size: int) -> str:
    """What a figure calls a log: its real size, also where --quick makes it smaller."""
    return f"{size / MEBI / 1000:.3g} GB"


def plain_file(bench: Bench) -> None:
    """1 GB of syslog with 1,000 kills, on every interpreter, with and without ctypes."""
    log = Log("syslog", 100 * MEBI, 100) if bench.arguments.quick else Log("syslog", 1000 * MEBI, 1000)
    path = generate.plain(log)
    name = size_of(log.size)
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
    print(
        f"  {path.name}: grep -F {grep.seconds:.3f} s, grep -i kill {grep_kill.seconds:.3f} s, cat {cat.seconds:.3f} s"
    )
    for interpreter, (nothing, scan, find) in runs.items():
        short = version(interpreter)
        net = scan.seconds - nothing.seconds
        note = f"{scan.seconds:.3f} s, of it interpreter {nothing.seconds:.3f}; {net / size:.3f} s/GiB net; wall {statistics.median(scan.wall):.3f}"
        bench.check(short, scan, log.kills)
        bench.say(f"{short}: net CPU of {name} / grep -F 'Out of memory'", 1.2, net / grep.seconds, "x", note)
        bench.say(f"{short}: net CPU of {name} / grep -i kill", 0.5, net / grep_kill.seconds, "x")
        bench.say(f"{short}: peak memory", 45, scan.peak, "MiB")
        bench.say(
            f"{short}: without ctypes / grep -F",
            2.8,
            (find.seconds - nothing.seconds) / grep.seconds,
            "x",
            f"{find.seconds:.3f} s",
        )


def large_file(bench: Bench) -> None:
    """4 GB: no more memory than 1 GB takes; windows of time; the same lines unsorted."""
    scale = MEBI // 10 if bench.arguments.quick else MEBI
    one, four = Log("iso", 1000 * scale, 1000, "iso", 30.0), Log("iso", 4000 * scale, 4000, "iso", 30.0)
    small, path = generate.plain(one), generate.plain(four)
    interpreter, program = bench.arguments.pythons[-1], bench.arguments.program
    grep = bench.tool("grep", "-F", "Out of memory", str(path))
    nothing, imports = bench.python(interpreter, "nothing"), bench.python(interpreter, "imports")
    first, whole = bench.python(interpreter, program, small), bench.python(interpreter, program, path)
    hour, day = bench.python(interpreter, program, path, since=END - 3600), bench.python(
        interpreter, program, path, since=END - 86400
    )
    bench.measure(grep, nothing, first, whole)
    bench.measure(nothing, imports, hour, day, rounds=max(11, bench.arguments.rounds))
    name = size_of(four.size)
    bench.check(name, whole, four.kills)
    bench.say(
        f"{name}: net CPU / grep -F",
        1.2,
        (whole.seconds - nothing.seconds) / grep.seconds,
        "x",
        f"{whole.seconds:.3f} s",
    )
    bench.say(
        f"{name}: peak memory above that of {size_of(one.size)}",
        5,
        whole.peak - first.peak,
        "MiB",
        f"{whole.peak:.1f} MiB",
    )
    window = path.stat().st_size / GIBI / 30
    for option, target, run, note in (
        ("since=1h", 20, hour, ""),
        ("since=24h", 20 + 450 * window, day, f", {window * 1024:.0f} MiB of window"),
    ):
        strict = (run.seconds - nothing.seconds) * 1000
        bench.say(
            f"{name} sorted, {option}: net CPU",
            target,
            (run.seconds - imports.seconds) * 1000,
            "ms",
            f"{strict:.1f} with the imports of a module{note}, kills: {run.found}",
        )
    mixed = generate.swapped(small)
    since = END - 10 * 86400
    sorted_run, mixed_run = bench.python(interpreter, program, small, since=since), bench.python(
        interpreter, program, mixed, since=since
    )
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
    log = (
        Log("storm", 100 * MEBI, 10_000, storm=True)
        if bench.arguments.quick
        else Log("storm", 1000 * MEBI, 100_000, storm=True)
    )
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
    for program, suffix, target in (
        ("gzip", ".gz", 0.75),
        ("xz", ".xz", 1.1),
        ("bzip2", ".bz2", 1.1),
        ("zstd", ".zst", 2.2),
    ):
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


GROUPS: tuple[Callable[[Bench], None], ...] = (
    plain_file,
    large_file,
    storm,
    compressed,
    journal,
    module,
    protect,
    choice,
    victims,
)


def interpreters(given: str | None) -> list[str]:
    """Those named, else those on PATH; the paths behind shims, which would cost a second each."""
    names = [name for name in (given or os.environ.get("MEMOPS_PYTHONS", "")).split(":") if name]
    found: dict[str, str] = {}
    for name in names or [f"python3.{minor}" for minor in (6, 9, 11, 13, 14)]:
        real = shutil.which(name)
        asked = real and subprocess.run(
            [real, "-c", "import sys; print(sys.executable)"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
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
    parser.add_argument("--program", default="scan", choices=("scan", "facts"))
    parser.add_argument(
        "--ansible", default="", help="the ansible of the group module; else the one on PATH or beside this Python"
    )
    parser.add_argument("--only", default="*", help="groups: " + ", ".join(group.__name__ for group in GROUPS))
    parser.add_argument("--strict", action="store_true", help="exit 1 if a figure does not hold")
    arguments = parser.parse_args(argv)
    arguments.rounds = arguments.rounds or (5 if arguments.quick else 7)
    arguments.pythons = interpreters(arguments.pythons)
    with tempfile.TemporaryDirectory() as collections:
        # a copy: modules import each other by the collection's name, and bytecode is kept without touching the checkout
        above = Path(collections, "ansible_collections", "memops")
        for part in ("plugins", "meta"):
            shutil.copytree(ROOT / part, above / "linux" / part, ignore=shutil.ignore_patterns("__pycache__"))
        bench = Bench(arguments, collections)
        scale = "a tenth of the full scale: make bench-full measures all of it" if arguments.quick else "full scale"
        print(f"{scale}; targets are those of the full scale", flush=True)
        print(f"{'figure':58} {'target':>8} {'measured':>8} {'':5} holds", flush=True)
        for group in GROUPS:
            if fnmatch.fnmatch(group.__name__, arguments.only):
                group(bench)
    missed = [figure for figure in bench.figures if not figure.holds]
    print(f"{len(bench.figures) - len(missed)} of {len(bench.figures)} hold, load {os.getloadavg()[0]:.1f}")
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
