# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd names the unit of a kill that the kernel, rate-limited, printed without its cgroup."""

from typing import Dict, Iterable, List, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Verdict

from .ledger import Entry

#: systemd notices a kill some moments after it, later on a host without memory.
_BEFORE = 1.0
_AFTER = 5.0
_MAX_OPEN = 512


def _moments(verdicts: Iterable[Verdict]) -> List[Tuple[float, str]]:
    """When each unit was said to have lost a process. Slices repeat what their units say."""
    found = {}  # type: Dict[Tuple[str, int], float]
    for verdict in verdicts:
        time = verdict.line.time
        if verdict.line.trusted and time is not None and verdict.unit.endswith((".service", ".scope")):
            found.setdefault((verdict.unit, int(time // _AFTER)), time)
    return sorted((time, unit) for (unit, _tick), time in found.items())


def name_units(entries: Sequence[Entry], verdicts: Iterable[Verdict]) -> List[Entry]:
    """The entries, with a unit where only one kill and only one unit can belong to each other; never a guess among
    several.
    """
    named = list(entries)
    bare = {
        at: entry.kill.line.time
        for at, entry in enumerate(named)
        if entry.kill.killer == "kernel"
        and entry.kill.line.trusted
        and entry.kill.unit is None
        and entry.kill.line.time is not None
    }
    if not bare or len(bare) > _MAX_OPEN:
        return named
    told = [
        (entry.kill.line.time, entry.kill.unit)
        for entry in named
        if entry.kill.unit is not None and entry.kill.line.time is not None
    ]

    def fits(kill: float, verdict: float) -> bool:
        return -_BEFORE <= verdict - kill <= _AFTER

    open_units = [
        (time, unit)
        for time, unit in _moments(verdicts)
        if any(fits(kill, time) for kill in bare.values() if kill is not None)
        and not any(name == unit and kill is not None and fits(kill, time) for kill, name in told)
    ]
    changed = len(open_units) <= _MAX_OPEN
    while changed:
        changed = False
        for time, unit in list(open_units):
            kills = [at for at, kill in bare.items() if kill is not None and fits(kill, time)]
            if len(kills) != 1:
                continue
            kill_time = bare[kills[0]]
            rivals = {name for moment, name in open_units if kill_time is not None and fits(kill_time, moment)}
            if rivals != {unit}:
                continue
            at = kills[0]
            named[at] = named[at]._replace(kill=named[at].kill._replace(unit=unit))
            del bare[at]
            open_units.remove((time, unit))
            changed = True
    return named
