# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gate is: a function with a name, that raises Skip or Failed, and what it shares with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple

if TYPE_CHECKING:
    from ci.machine import Machine

    Run = Callable[[Machine], "str | None"]

#: What only one gate may use at a time.
ANSIBLE_TEST = "ansible-test"  # tests/output of the work tree, and the venvs that ansible-test makes
HOST = "host"  # this host itself: its kernel's log and counters, its swap areas, its cgroups, its container engine


class Skip(Exception):
    """This machine lacks something; the text says what."""


class Failed(Exception):
    """The gate found something; the log says what."""


class Gate(NamedTuple):
    """A check: run by its name, listed with what it checks.

    fast -- runs before all others, and is what `make test-fast` runs
    usual -- part of `make test` without GATES
    shares -- two gates that share something run one after the other
    """

    name: str
    what: str
    run: Run
    fast: bool = False
    usual: bool = True
    shares: frozenset[str] = frozenset()


class Result(NamedTuple):
    gate: Gate
    state: str  # passed | FLAKY | FAILED | SKIPPED
    seconds: float
    note: str
    found: str = ""  # of a try that failed: the lines that say why


GATES: list[Gate] = []


def gate(
    name: str, what: str, *, fast: bool = False, usual: bool = True, shares: tuple[str, ...] = ()
) -> Callable[[Run], Run]:
    """Register the function below as a gate. Gates start in the order in which they are registered."""

    def register(run: Run) -> Run:
        GATES.append(Gate(name, what, run, fast, usual, frozenset(shares)))
        return run

    return register
