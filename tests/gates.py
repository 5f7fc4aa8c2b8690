# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test`: every check that can run on this machine, the fast ones first, and a table that says loudly what did not
run.

A gate is a function in tests/ci, and raises Skip with the reason when this machine lacks what it needs; a command that
fails is a failure. Whatever a gate prints goes to .cache/logs/GATE.log.

When all of them run, a gate that failed runs once more: a package index that does not answer must not cost half an
hour. The table calls a gate that needed it FLAKY, and what its first try said stands below.
"""

from __future__ import annotations

import argparse
import sys
import time

if sys.version_info < (3, 11):
    print(
        f"make test: Python 3.11 or newer drives the tests, this is {sys.version.split()[0]}: make test"
        " PYTHON=python3.12",
        file=sys.stderr,
    )
    sys.exit(1)

# The order in which gates start is the order of these, and of the functions in them.
from ci import lint, fleet, units, host  # noqa: F401, I001  # pylint: disable=unused-import
from ci import commands, docs, examples, scale, package, metrics  # noqa: F401, I001  # pylint: disable=unused-import
from ci.gate import GATES, Failed, Gate
from ci.machine import Machine
from ci.places import CACHE, LOGS, ROOT
from ci.runner import Runner, show
from ci.sessions import nox
from ci.table import summary
from ci.tree import sync_tree

LANES = 2


def main() -> int:
    options = _parser().parse_args()
    if options.list:
        print("\n".join(f"{g.name:16} {'fast  ' if g.fast else '      '}{g.what}" for g in GATES))
        return 0
    try:
        wanted = _wanted(options)
    except ValueError as exc:
        print(f"make test: {exc}", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    (CACHE / "ansible.cfg").write_text("")  # not the user's own settings
    started = time.monotonic()
    machine = Machine(show)
    if options.format:
        return _format(machine)
    sync_tree()
    if options.metrics:
        print(metrics.report(machine.with_log(LOGS / "metrics.log")))
        return 0
    if options.tests:
        return _tests(machine, options.tests)
    show(f"make test: {len(wanted)} gates, Pythons {', '.join(machine.pythons)}, logs in {LOGS.relative_to(ROOT)}/")
    everything = not (options.fast or options.only)
    results = Runner(wanted, machine, again=everything).run(LANES)
    print(summary(results, time.monotonic() - started))
    return 1 if any(result.state == "FAILED" for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="lint, and the unit tests once")
    parser.add_argument("--only", metavar="GATE,...", help="these gates, and no others")
    parser.add_argument(
        "--tests", metavar="PATH", nargs="+", help="these unit tests with plain pytest, and nothing else"
    )
    parser.add_argument("--metrics", action="store_true", help="how simple the code is, in figures, and stop")
    parser.add_argument("--format", action="store_true", help="write the one format into the checkout and stop")
    parser.add_argument("--list", action="store_true", help="name the gates and stop")
    return parser


def _wanted(options: argparse.Namespace) -> list[Gate]:
    if options.fast:
        return [gate for gate in GATES if gate.fast]
    if not options.only:
        return [gate for gate in GATES if gate.usual]
    names = options.only.split(",")
    unknown = sorted(set(names) - {gate.name for gate in GATES})
    if unknown:
        raise ValueError(f"there is no gate {', '.join(unknown)}; there are {', '.join(gate.name for gate in GATES)}")
    return [gate for gate in GATES if gate.name in names]


def _format(machine: Machine) -> int:
    machine.log = LOGS / "format.log"
    for command in (("ruff", "check", "--fix", "--exit-zero", "."), ("black", ".")):
        print(machine.call(*command, cwd=ROOT, bins=machine.lint_tools()))
    return 0


def _tests(machine: Machine, paths: list[str]) -> int:
    """A contributor's loop: the output of pytest as it is."""
    log = LOGS / "tests.log"
    machine = machine.with_log(log)
    log.write_text("")
    try:
        nox(machine, "units", *paths)
        code = 0
    except Failed:
        code = 1
    print(log.read_text(encoding="utf-8", errors="replace"), end="")
    return code


if __name__ == "__main__":
    sys.exit(main())
