# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why, for all kills of a host: what one kill tells of the next, and for how many of them the table can be sent along."""

from typing import List, Optional, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._analysis.explain import Explanation, explain
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


def explanations_of(entries: Sequence[Entry], swap_total: Optional[int] = None) -> List[Explanation]:
    """Why each kill; those shortly before it on the same boot may have been still going away."""
    found = []  # type: List[Explanation]
    for at, entry in enumerate(entries):
        dying = set()  # type: Set[int]
        for other in entries[max(0, at - _NEAR_ROWS) : at] if entry.kill.tasks else ():
            pid = other.kill.victim.pid
            if pid is not None and pid != entry.kill.victim.pid and _shortly_before(other.kill.line, entry.kill.line):
                dying.add(pid)
        found.append(explain(entry.kill, frozenset(dying), swap_total))
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
