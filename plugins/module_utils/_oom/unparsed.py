# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looked like a kill and was none: it tells of a form that nobody here has seen, or of somebody who plays."""

from typing import List, Optional

from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.plugins.module_utils._text import printable

#: How many lines are shown, and how many characters of each.
MAX_SAMPLES = 5
_SAMPLE = 200


class Unparsed:
    """Lines that look like a kill and that no pattern took.

    trusted -- how many of them are in records that only the kernel can have written
    oldest -- time of the oldest of the others
    samples -- the first of them, printable
    quoted -- lines that hold the words of a kill and are deliberately none: another program's message that quotes the kernel's
    """

    def __init__(self) -> None:
        self.count = 0
        self.quoted = 0
        self.samples = []  # type: List[str]
        self.trusted = 0
        self.oldest = None  # type: Optional[float]

    def add(self, line: LogLine) -> None:
        self.count += 1
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(printable(line.text)[:_SAMPLE])
        if line.trusted:
            self.trusted += 1
        else:
            self._reach(float("-inf") if line.time is None else line.time)

    def _reach(self, time: Optional[float]) -> None:
        if time is not None:
            self.oldest = time if self.oldest is None else min(self.oldest, time)

    def absorb(self, other: "Unparsed") -> None:
        self.count += other.count
        self.quoted += other.quoted
        self.samples += other.samples[: MAX_SAMPLES - len(self.samples)]
        self.trusted += other.trusted
        self._reach(other.oldest)

    def doubts(self, since: Optional[float]) -> int:
        """How many of them tell that a form is not known.

        since -- from then on a source was read in which nobody but the kernel writes: it has the same lines. Anybody can write
            something that looks like a kill to a text log, and must not make a host look blind.
        """
        covered = since is not None and (self.oldest is None or self.oldest >= since)
        return self.trusted if covered else self.count
