# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pid 1's word is enough: what systemd says of a unit, and no killer's own record does, is a kill by itself."""

from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Verdict, kill_of

from .unit_moments import UnitMoments

#: How long after a kill pid 1 may speak of it, on a host without memory; and how long a unit may take to fail after
#: that.
_LATE = 120.0
_FAILED = 600.0
_EARLY = 5.0
#: It says so of each cgroup whose counter moved, and may look twice at one death.
_AGAIN = 10.0
#: Slices repeat what their units say.
_UNITS = (".service", ".scope")


def kills_of_verdicts(verdicts: Iterable[Verdict], kills: Sequence[Kill], since: Optional[float] = None) -> List[Kill]:
    """A kill for each death that systemd tells of and no kill accounts for.

    since -- kills before that are not among these: nothing can be said of what systemd says there
    """
    told = UnitMoments()
    told.add_kills(kills)
    spoken = {}  # type: Dict[Tuple[str, Optional[str], str], Optional[float]]
    found = []  # type: List[Kill]
    for verdict in sorted(verdicts, key=lambda one: (one.line.time or 0.0, one.kind != "killed")):
        time = verdict.line.time
        if not verdict.unit.endswith(_UNITS) or (since is not None and (time is None or time < since)):
            continue
        key = (verdict.line.source, verdict.line.host, verdict.unit)
        if not _is_told(told, verdict) and not (key in spoken and _is_again(spoken[key], verdict)):
            found.append(kill_of(verdict))
        spoken[key] = time
    return found


def _is_again(before: Optional[float], verdict: Verdict) -> bool:
    """Is it the death that systemd spoke of before? First it says that processes were killed, then with which result
    the unit failed.
    """
    time = verdict.line.time
    return before is None or time is None or time - before <= (_FAILED if verdict.kind == "result" else _AGAIN)


def _is_told(told: UnitMoments, verdict: Verdict) -> bool:
    time = verdict.line.time
    if time is None:
        return told.has_any(verdict.unit) or told.has_any(None)
    patience = _FAILED if verdict.kind == "result" else _LATE
    if told.is_timeless(verdict.unit) or told.has(verdict.unit, time - patience, time + _EARLY):
        return True
    # A kill of which nobody says the unit may be this one, but only one.
    return told.take(None, time - _LATE, time + _EARLY)
