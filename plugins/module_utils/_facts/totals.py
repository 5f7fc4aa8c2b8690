# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the summary counts."""

from typing import Dict, Optional

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill

from .proof import DISPUTED, GRADES, KERNEL, LOGGED

#: Distinct names that are counted, and how much of each: comm has 15 bytes, cgroup names end at 255.
_MAX_NAMES = 10_000
_MAX_NAME = 256


class Totals:
    """What summary counts, also of kills that are no longer kept. What is disputed is no kill, and is counted in
    by_proof alone.
    """

    def __init__(self) -> None:
        self.by_proof = dict.fromkeys(GRADES, 0)
        self.by_unit = {}  # type: Dict[str, int]
        self.by_comm = {}  # type: Dict[str, int]
        self.by_killer = {}  # type: Dict[str, int]
        self.first = None  # type: Optional[float]
        self.last = None  # type: Optional[float]

    @property
    def kills(self) -> int:
        return sum(self.by_proof.values()) - self.by_proof[DISPUTED]

    @property
    def untrusted(self) -> int:
        """Kills that text logs tell."""
        return self.kills - self.by_proof[KERNEL]

    @staticmethod
    def _name(counts: Dict[str, int], name: Optional[str], count: int = 1) -> None:
        if name is not None:
            name = name[:_MAX_NAME]
            if name in counts or len(counts) < _MAX_NAMES:
                counts[name] = counts.get(name, 0) + count

    def count(self, comm: str, unit: Optional[str], kills: int = 1) -> None:
        """Kills of the kernel in a text log, of which no more is known."""
        self.by_proof[LOGGED] += kills
        for counts, name in ((self.by_comm, comm), (self.by_unit, unit), (self.by_killer, "kernel")):
            self._name(counts, name, kills)

    def name_unit(self, unit: Optional[str]) -> None:
        """The unit of a kill that was counted without one."""
        self._name(self.by_unit, unit)

    def span(self, time: Optional[float]) -> None:
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)

    def absorb(self, other: "Totals") -> None:
        for grade, count in other.by_proof.items():
            self.by_proof[grade] += count
        for mine, theirs in (
            (self.by_unit, other.by_unit),
            (self.by_comm, other.by_comm),
            (self.by_killer, other.by_killer),
        ):
            for name, count in theirs.items():
                self._name(mine, name, count)
        self.span(other.first)
        self.span(other.last)

    def add(self, kill: Kill, proof: Optional[str] = None) -> None:
        proof = proof or (KERNEL if kill.line.trusted else LOGGED)
        self.by_proof[proof] += 1
        if proof == DISPUTED:
            return
        for counts, name in (
            (self.by_unit, kill.unit),
            (self.by_comm, kill.victim.comm),
            (self.by_killer, kill.killer),
        ):
            self._name(counts, name)
        self.span(kill.line.time)
