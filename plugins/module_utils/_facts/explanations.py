# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why, for all kills of a host: what one kill tells of the next, and for how many of them the table can be sent
along.
"""

from collections import deque
from typing import Deque, FrozenSet, Iterable, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._analysis.explain import (
    Explanation,
    explain,
    explain_unresolved,
)
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .ledger import Entry

#: How many kills back one may still be going away, and for how many seconds.
_NEAR_ROWS = 64
_NEAR = 60.0
#: A row of a table as JSON takes at least that.
_ROW = 160


def _shortly_before(one: LogLine, other: LogLine) -> bool:
    if (one.host, one.boot_id) != (other.host, other.boot_id):
        return False
    if one.uptime is not None and other.uptime is not None:
        return 0 <= other.uptime - one.uptime <= _NEAR
    return one.time is not None and other.time is not None and 0 <= other.time - one.time <= _NEAR


def _dying(kill: Kill, before: Iterable[Kill]) -> FrozenSet[int]:
    """Those that were killed shortly before it on the same boot may have been still going away."""
    if not kill.tasks:
        return frozenset()
    return frozenset(
        other.victim.pid
        for other in before
        if other.victim.pid is not None
        and other.victim.pid != kill.victim.pid
        and _shortly_before(other.line, kill.line)
    )


class Explainer:
    """Takes the kills of one source in their order, says why and lets their tables go: thousands of kills may come.

    swap_total -- of the host that they are from, where it is known
    """

    def __init__(self, swap_total: Optional[int] = None) -> None:
        self._swap_total = swap_total
        self._before = deque(maxlen=_NEAR_ROWS)  # type: Deque[Kill]

    def kill(self, kill: Kill) -> Kill:
        """A kill of which the log has no more than its line is left as it is: another source may have more."""
        dying = _dying(kill, self._before)
        self._before.append(kill._replace(tasks=None, report=None))
        report = kill.report
        if report is None or (report.memory is None and report.memcg is None and len(kill.tasks or ()) < 2):
            return kill
        told = explain(kill, dying, self._swap_total)
        if told.selection is not None:
            told = told._replace(selection=told.selection._replace(badness={}))
        return kill._replace(explanation=told, tasks=None, page_size=None, report=None)


def unresolved_explained(event: Unresolved) -> Unresolved:
    return event._replace(explanation=explain_unresolved(event), tasks=None, page_size=None, report=None)


def explanations_of(entries: Sequence[Entry], swap_total: Optional[int] = None) -> List[Explanation]:
    """Why each kill, where nobody said so yet."""
    found = []  # type: List[Explanation]
    for at, entry in enumerate(entries):
        before = [other.kill for other in entries[max(0, at - _NEAR_ROWS) : at]]
        found.append(entry.kill.explanation or explain(entry.kill, _dying(entry.kill, before), swap_total))
    return found


def without_old_tables(entries: Sequence[Entry], room: int) -> List[Entry]:
    """The entries, of which the newest keep their tables: those that surely do not fit need not be written out.

    room -- bytes
    """
    found = list(entries)
    for at in sorted(range(len(found)), key=lambda at: (found[at].kill.line.trusted, at), reverse=True):
        room -= len(found[at].kill.tasks or ()) * _ROW
        if room < 0:
            found[at] = found[at]._replace(kill=found[at].kill._replace(tasks=None))
    return found
