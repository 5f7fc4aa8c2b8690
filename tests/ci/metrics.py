# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make metrics`: how simple the code is, in figures that can be compared with other projects. Nothing here fails a
gate.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, NamedTuple

from ci.machine import Machine
from ci.places import CACHE, ROOT

WIDTH = 120


class Figure(NamedTuple):
    name: str
    measured: str
    aim: str


def plugin_files() -> list[Path]:
    return sorted(ROOT.glob("plugins/**/*.py"))


def trees() -> Iterator[ast.Module]:
    for path in plugin_files():
        yield ast.parse(path.read_text(encoding="utf-8"))


def complexity(m: Machine) -> Iterator[Figure]:
    output = m.call("radon", "cc", "--average", "--show-complexity", "plugins", cwd=ROOT, bins=m.lint_tools())
    average = re.findall(r"Average complexity: \w \(([\d.]+)\)", output)
    grades = re.findall(r" - ([A-F]) \(\d+\)", output)
    yield Figure("radon, average complexity of a block", f"{float(average[-1]):.2f}" if average else "?", "4.0")
    yield Figure("radon, blocks graded D or worse", str(sum(grade in "DEF" for grade in grades)), "5")


def statements() -> Iterator[Figure]:
    count = conditionals = nodes = 0
    for tree in trees():
        for node in ast.walk(tree):
            nodes += 1
            count += isinstance(node, ast.stmt)
            conditionals += isinstance(node, ast.IfExp)
    yield Figure("conditional expressions per 100 statements", f"{100 * conditionals / count:.1f}", "3.0")
    yield Figure("nodes of the syntax tree per statement", f"{nodes / count:.1f}", "12")


def width() -> Iterator[Figure]:
    lines = [len(line) for path in plugin_files() for line in path.read_text(encoding="utf-8").splitlines()]
    for limit, aim in ((100, "2 %"), (WIDTH, "0 %")):
        wide = sum(length > limit for length in lines)
        yield Figure(f"lines over {limit} columns", f"{100 * wide / len(lines):.1f} %", aim)
    yield Figure("lines of plugins", f"{len(lines):,}", "")


def files() -> Iterator[Figure]:
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in plugin_files())
    yield Figure(
        "files, and lines of the median and the longest",
        f"{len(lengths)}: {lengths[len(lengths) // 2]}, {lengths[-1]}",
        "",
    )


def imports(m: Machine) -> Iterator[Figure]:
    """What Ansible packs for each module: its imports, and theirs."""
    root = "ansible_collections.memops.linux.plugins"
    script = f"""
import grimp
graph = grimp.build_graph({root!r}, cache_dir=None)
modules = [name for name in graph.modules if name.startswith({root!r} + ".modules.")]
for name in sorted(modules):
    print("packed", name.rpartition(".")[2], 1 + len(graph.find_upstream_modules(name)))
print("imports", graph.count_imports())
"""
    output = m.call("python", "-c", script, bins=m.lint_tools(), PYTHONPATH=str(CACHE))
    yield Figure("imports between files", *re.findall(r"^imports (\d+)", output, re.M), "")
    for name, count in re.findall(r"^packed (\w+) (\d+)", output, re.M):
        yield Figure(f"files that travel with {name}", count, "45" if name == "oom_facts" else "")


def report(m: Machine) -> str:
    figures = [*complexity(m), *statements(), *width(), *files(), *imports(m)]
    rows = [
        f"{figure.name:50} {figure.measured:>16}   {'at most ' + figure.aim if figure.aim else ''}".rstrip()
        for figure in figures
    ]
    return "\n".join(rows)
