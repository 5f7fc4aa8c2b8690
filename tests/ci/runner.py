# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs gates in two lanes: the fast ones first, and never two at a time that share something.

A virtual machine and containers mostly wait, and so does a package index: the second core works meanwhile.
"""

from __future__ import annotations

import re
import threading
import time
import traceback
from pathlib import Path

from ci.gate import ANSIBLE_TEST, Failed, Gate, Result, Skip
from ci.machine import Machine
from ci.places import LOGS

_PRINTING = threading.Lock()
#: How the tools begin a line that names an error.
_ERROR = re.compile(r"ERROR: |(\S+ +)?FAILED |fatal: |(\S+ +)?E   |.*: error: ")


def show(line: str) -> None:
    """A line of progress, whole, whichever lane says it."""
    with _PRINTING:
        print(line, flush=True)


class Runner:
    """The gates that wait, and what the running ones use."""

    def __init__(self, gates: list[Gate], machine: Machine, again: bool) -> None:
        """
        :param again: a gate that failed runs once more
        """
        self._machine = machine
        self._again = again
        # What ansible-test does is the longest chain, one after the other: it begins first, and the other lane does the
        # rest.
        self._waiting = sorted(
            gates, key=lambda gate: (not gate.fast, gate.fast and gate.usual, ANSIBLE_TEST not in gate.shares)
        )
        self._order = {gate.name: number for number, gate in enumerate(gates)}
        self._in_use: set[str] = set()
        self._results: list[Result] = []
        self._changed = threading.Condition()

    def run(self, lanes: int) -> list[Result]:
        """The results in the order of the gates."""
        threads = [threading.Thread(target=self._lane) for _number in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(self._results, key=lambda result: self._order[result.gate.name])

    def _lane(self) -> None:
        while True:
            gate = self._take()
            if gate is None:
                return
            show(f"  start    {gate.name}")
            result = self._run(gate)
            show(f"  {result.state:8} {gate.name} {result.seconds:.1f} s {result.note}")
            with self._changed:
                self._results.append(result)
                self._in_use -= gate.shares
                self._changed.notify_all()

    def _take(self) -> Gate | None:
        """The first gate that may run now, None when no gate is left."""
        with self._changed:
            while self._waiting:
                for gate in self._waiting:
                    if not gate.shares & self._in_use:
                        self._waiting.remove(gate)
                        self._in_use |= gate.shares
                        return gate
                self._changed.wait()
            return None

    def _run(self, gate: Gate) -> Result:
        started, found = time.monotonic(), ""
        log = LOGS / f"{gate.name}.log"
        state, note = _attempt(gate, self._machine.with_log(log))
        if state == "FAILED":
            found = f"{note}\n{tail(log)}"
            if self._again:
                show(f"  failed   {gate.name}, once more: {note}")
                second, said = _attempt(gate, self._machine.with_log(LOGS / f"{gate.name}.second.log"))
                if second == "passed":
                    state, note = "FLAKY", said
        return Result(gate, state, time.monotonic() - started, note, found)


def _attempt(gate: Gate, machine: Machine) -> tuple[str, str]:
    machine.log.write_text("")
    try:
        return "passed", gate.run(machine) or ""
    except Skip as exc:
        return "SKIPPED", str(exc)
    except Failed as exc:
        return "FAILED", str(exc)
    except Exception as exc:  # the gate itself is wrong; the others still run
        with machine.log.open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        return "FAILED", repr(exc)


def tail(log: Path, lines: int = 40) -> str:
    """The errors that a tool named, wherever they stand, else the end of the log."""
    text = [line[:400] for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    named = [line for line in text if _ERROR.match(line)]
    return "\n".join(named[:lines] if named else text[-lines:])
