# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proposed scores of units and names, and the processes that would get them."""

import os
import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import parse_show
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .processes import Process
from .score import ADJ_MAX, ADJ_MIN, UNKILLABLE

_NUMBER = re.compile(r"^[+-]?[0-9]{1,4}$")
_TYPES = (".service", ".scope", ".slice", ".socket", ".mount", ".swap")

#: Name -> oom_score_adj.
Adjustments = Dict[str, int]


class Applied(NamedTuple):
    """scores -- by pid; unmatched -- names that no process has; kept -- pids of the named units that have a score of their own"""

    scores: Dict[int, int]
    unmatched: List[str]
    kept: List[int]


def _score(name: str, value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (_NUMBER.match(text) and ADJ_MIN <= int(text) <= ADJ_MAX):
        raise ValueError("%s: %r is no score; give a whole number from %d to %d" % (name, value, ADJ_MIN, ADJ_MAX))
    return int(text)


def adjustments_of(adjustments: Optional[Mapping[str, Any]], services: Optional[Sequence[Mapping[str, Any]]]) -> Adjustments:
    """Both options as one; what `adjustments` names counts more. Raises ValueError that names the wrong value."""
    found = {}  # type: Adjustments
    for service in services or ():
        names = service.get("name")
        if not names:
            raise ValueError("services: every entry needs a name")
        if service.get("oom_score_adjust") is None or service.get("state") == "absent":
            continue  # only limits, or our drop-in goes: the unit's own value then holds, which nobody here knows
        for name in names if isinstance(names, (list, tuple)) else [names]:
            found[str(name)] = _score("services: %s" % name, service["oom_score_adjust"])
    for name, value in (adjustments or {}).items():
        found[str(name)] = _score("adjustments: %s" % name, value)
    return found


def _unit(name: str) -> str:
    return name if name.endswith(_TYPES) else name + ".service"


class _Index:
    """Processes by the parts of their cgroup's path and by name; ten thousand of them share a few of both."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._paths = {}  # type: Dict[str, List[Process]]
        self._comms = {}  # type: Dict[str, List[Process]]
        for process in processes:
            self._paths.setdefault(process.place.path or "", []).append(process)
            self._comms.setdefault(process.comm, []).append(process)

    def of_unit(self, unit: str) -> List[Process]:
        return [process for path, found in self._paths.items() if unit in path.split("/") for process in found]

    def of_name(self, name: str) -> List[Process]:
        return [process for comm, found in self._comms.items() if name in (comm, printable(comm)) for process in found]


def given_scores(host: Host, units: Iterable[str]) -> Dict[str, int]:
    """What each unit gives its processes now, as systemd says; without systemd nothing."""
    wanted = sorted(units)
    if not wanted or not os.path.isdir(host.path("/run/systemd/system")):
        return {}
    ran = host.run(["systemctl", "show", "--no-pager", "--property=Id,LoadState,OOMScoreAdjust", "--"] + wanted, timeout=15)
    given = {}  # type: Dict[str, int]
    for name, block in zip(wanted, parse_show(ran.stdout)):
        score = block.get("OOMScoreAdjust", "")
        if block.get("LoadState") == "loaded" and _NUMBER.match(score):
            given[name] = int(score)
    return given


def apply(host: Host, adjustments: Adjustments, processes: Sequence[Process], given: Optional[Mapping[str, int]] = None) -> Applied:
    """Units first, then names of processes.

    A new value of a unit reaches the processes that carry the unit's present one: sshd at -1000 has set that itself and keeps it.
    Where systemd cannot be asked, all that are not at -1000.
    """
    index = _Index(processes)
    members = {name: index.of_unit(_unit(name)) for name in adjustments}
    known = given_scores(host, {_unit(name) for name, found in members.items() if found}) if given is None else given
    scores = {}  # type: Dict[int, int]
    unmatched, kept = [], []  # type: List[str], List[int]
    for name, score in adjustments.items():
        present = known.get(_unit(name))
        named = [] if members[name] else index.of_name(name)
        scores.update((process.pid, score) for process in named)
        for process in members[name]:
            follows = process.oom_score_adj == present if present is not None else process.oom_score_adj > UNKILLABLE
            if follows:
                scores[process.pid] = score
            else:
                kept.append(process.pid)
        if not members[name] and not named:
            unmatched.append(name)
    return Applied(scores, unmatched, kept)
