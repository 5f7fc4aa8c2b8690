# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of scores would do, before it is made: the next victim then, and whether that is one nobody wants."""

import os
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host

from .processes import ancestors, snapshot, started
from .proposed_scores import apply
from .ranking import memory_of, rank
from .selection import read_selection
from .summary import named
from .warnings import share, warnings_of, without

_TOP = 10


class Forecast(NamedTuple):
    """Strings name processes: ``mysqld (pid 812, mysql.service)``; None is nobody.

    order_before, order_after -- the first ten to die
    unkillable_share -- of RAM, by processes that could not be killed any more; None where it cannot be known
    complete -- all processes were seen
    """

    before: Optional[str]
    after: Optional[str]
    order_before: List[str]
    order_after: List[str]
    unkillable_share: Optional[float]
    warnings: List[str]
    unmatched: List[str]
    complete: bool = True


def forecast(host: Host, adjustments: Mapping[str, int], assumed: Optional[Mapping[str, int]] = None) -> Forecast:
    """The machine's next victim now and with these scores of units or names (-1000 to 1000). Reads only.

    given -- what the units give their processes now, unit -> score; without it systemd is asked
    Raises ValueError or OSError where /proc cannot be read.
    """
    seen = snapshot(host)
    selection = read_selection(host, seen)
    wanted = dict(adjustments)  # type: Dict[str, int]
    applied = apply(host, wanted, seen.processes, assumed)
    own = os.getpid()

    def when(pid: int) -> Tuple[int, int]:
        return started(host, pid)

    before, after = rank(selection, when, top=_TOP), rank(selection, when, applied.scores, _TOP)
    warnings = warnings_of(before, after, selection, ancestors(seen.processes, own), wanted, own, applied)
    if warnings and not selection.complete:
        warnings.append("not every process was seen: %s" % "; ".join(selection.reasons))
    lists = [[named(process) for process in without(ranking, own)[:_TOP]] for ranking in (before, after)]
    return Forecast(
        before=lists[0][0] if lists[0] else None,
        after=lists[1][0] if lists[1] else None,
        order_before=lists[0],
        order_after=lists[1],
        unkillable_share=share(memory_of(after.unkillable), selection.memory_total),
        warnings=warnings,
        unmatched=applied.unmatched,
        complete=selection.complete,
    )
