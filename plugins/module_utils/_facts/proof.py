# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks for a kill (the facts contract): the kernel's own record, a text log with a sign that nobody can write, a
text log alone, or a text log that a trusted source gives the lie.
"""

from typing import Callable, Iterable, List, NamedTuple, Optional, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Verdict
from ansible_collections.memops.linux.plugins.module_utils._sources.journal_file import JournalFile
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .unit_moments import UnitMoments, units_of

KERNEL, CONFIRMED, LOGGED, DISPUTED = "kernel", "confirmed", "logged", "disputed"
#: The strongest first.
GRADES = (KERNEL, CONFIRMED, LOGGED, DISPUTED)
#: Which of them are kills.
COUNTED = (KERNEL, CONFIRMED, LOGGED)

#: Two files of a journal follow each other at once. Between them lies a reboot, or a file that is gone, where more time
#: lies.
_ROTATION = 5.0
#: A stamp in a text log has no fraction, and the last records before a crash never reached the disk.
_ROUNDED = 1.0
#: How long after a kill pid 1 may speak of it.
_MINUTE = 60.0


class Span(NamedTuple):
    """A time of which a trusted source would have shown every kill. kernel_only -- it hears nobody else's"""

    first: float
    last: float
    kernel_only: bool = False


def journal_spans(files: Iterable[JournalFile]) -> List[Span]:
    """From the first to the last entry of each file; what lies between two files that follow each other at once is
    covered as well.
    """
    ends = sorted(
        (file.first, file.last)
        for file in files
        if file.status == "read" and file.first is not None and file.last is not None
    )
    spans = []  # type: List[Span]
    for first, last in ends:
        if spans and first <= spans[-1].last + _ROTATION:
            spans[-1] = Span(spans[-1].first, max(spans[-1].last, last))
        else:
            spans.append(Span(first, last))
    return spans


class TrustedSpans:
    """All that trusted sources cover.

    hosts -- whose it is, where the logs are from elsewhere: a text log of another host is not covered. None for this
        host, of which a text log that tells more than journal and ring buffer is forged, or tells of another machine
    """

    def __init__(self, spans: Sequence[Span] = (), hosts: Optional[Set[str]] = None) -> None:
        self._spans = list(spans)
        self._hosts = hosts

    def covers(self, line: LogLine, of_kernel: bool = True) -> bool:
        if line.time is None:
            return False
        if self._hosts is not None and (line.host is None or line.host.split(".")[0].lower() not in self._hosts):
            return False
        return any(
            span.first <= line.time <= span.last - _ROUNDED for span in self._spans if of_kernel or not span.kernel_only
        )

    def before(self, moment: Optional[float]) -> "TrustedSpans":
        """Without what lies behind: there a source was found to have a flaw."""
        if moment is None:
            return TrustedSpans((), self._hosts)
        return TrustedSpans([span._replace(last=min(span.last, moment)) for span in self._spans], self._hosts)


class Grades:
    """The grade of each kill and of each shortage without one.

    spans -- what trusted sources cover without a flaw
    is_counted -- whether a counter of the kernel, or of a cgroup, has that kill
    """

    def __init__(
        self, spans: TrustedSpans = TrustedSpans(), is_counted: Optional[Callable[[Kill], bool]] = None
    ) -> None:
        self.spans = spans
        self.is_counted = is_counted
        self._verdicts = UnitMoments()

    def confirm_by_pid_1(self, verdicts: Iterable[Verdict], kills: Sequence[Kill]) -> None:
        """Trusted verdicts confirm what a text log tells of that unit, unless a trusted kill of it is what they speak
        of.
        """
        sure = UnitMoments()
        sure.add_kills(kill for kill in kills if kill.line.trusted)
        for verdict in verdicts:
            time = verdict.line.time
            if verdict.line.trusted and time is not None and not sure.has(verdict.unit, time - _MINUTE, time + _MINUTE):
                self._verdicts.add(verdict.unit, time)

    def of_kill(self, kill: Kill) -> str:
        line = kill.line
        if line.trusted:
            return KERNEL
        if line.disproved:
            return DISPUTED
        if self._is_confirmed(kill):
            return CONFIRMED
        return DISPUTED if self.spans.covers(line, kill.killer == "kernel") else LOGGED

    def of_line(self, line: LogLine) -> str:
        """Of what the kernel says without a kill."""
        if line.trusted:
            return KERNEL
        return DISPUTED if line.disproved or self.spans.covers(line) else LOGGED

    def _is_confirmed(self, kill: Kill) -> bool:
        if self.is_counted is not None and self.is_counted(kill):
            return True
        time = kill.line.time
        return time is not None and any(
            self._verdicts.has(unit, time - _MINUTE, time + _MINUTE) for unit in units_of(kill)
        )


def rank(grade: str) -> int:
    """For sorting: what speaks loudest is kept longest."""
    return {KERNEL: 2, DISPUTED: 0}.get(grade, 1)
