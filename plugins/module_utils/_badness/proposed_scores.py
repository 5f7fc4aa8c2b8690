# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proposed scores of units and names, and the processes that would get them."""

import os
import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import NotAnAnswer, parse_units
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .processes import Process
from .score import ADJ_MAX, ADJ_MIN, UNKILLABLE

_NUMBER = re.compile(r"^[+-]?[0-9]{1,4}$")
_TYPES = (".service", ".scope", ".slice", ".socket", ".mount", ".swap")

#: Name -> oom_score_adj.
Adjustments = Dict[str, int]


class Applied(NamedTuple):
    """scores -- by pid; unmatched -- names that no process has; kept -- pids of the named units that have a score of
    their own

    doubt -- why it is a guess which processes follow their unit; None: systemd told
    """

    scores: Dict[int, int]
    unmatched: List[str]
    kept: List[int]
    doubt: Optional[str] = None


def _score(name: str, value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (_NUMBER.match(text) and ADJ_MIN <= int(text) <= ADJ_MAX):
        raise ValueError("%s: %r is not a valid score; give an integer from %d to %d" % (name, value, ADJ_MIN, ADJ_MAX))
    return int(text)


def adjustments_of(
    adjustments: Optional[Mapping[str, Any]], services: Optional[Sequence[Mapping[str, Any]]]
) -> Adjustments:
    """Both options as one; what `adjustments` names counts more. Raises ValueError that names the wrong value."""
    found = {}  # type: Adjustments
    for service in services or ():
        assumed = service.get("name")
        if not assumed:
            raise ValueError("services: every entry needs a name")
        names = assumed if isinstance(assumed, (list, tuple)) else [assumed]
        for name in names:
            if not isinstance(name, str) or not name.strip():
                raise ValueError("services: %r is not a unit name" % (name,))
        if service.get("oom_score_adjust") is None or service.get("state") == "absent":
            continue  # only limits, or our drop-in goes: the unit's own value then holds, which nobody here knows
        for name in names:
            score = _score("services: %s" % name, service["oom_score_adjust"])
            found.pop(_unit(name), None)  # a later entry is also the later one to be applied
            found[_unit(name)] = score
    for name, value in (adjustments or {}).items():
        if not str(name).strip():
            raise ValueError("adjustments: a name is empty; name a unit or a process")
        score = _score("adjustments: %s" % name, value)
        found.pop(_unit(str(name)), None)
        found[str(name)] = score
    return found


def _unit(name: str) -> str:
    return name if name.endswith(_TYPES) else name + ".service"


def unit_in_path(path: str, unit: str) -> Optional[str]:
    """The unit of that name, or one that the pattern of that name stands for, in a control group's path.

    pid 1's units lie in slices alone: what lies in a service or a scope is another manager's, as a user's own
    nginx.service below user@1000.service, and has a name of its own there.
    """
    try:
        wanted = parse_unit_name(unit)
    except ValueError:
        wanted = None
    for part in path.split("/"):
        if part == unit or (wanted is not None and wanted.is_pattern and wanted.stands_for(part)):
            return part
        if part.endswith((".service", ".scope")):
            return None
    return None


class _Index:
    """Processes by the parts of their cgroup's path and by name; ten thousand of them share a few of both."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._paths = {}  # type: Dict[str, List[Process]]
        self._comms = {}  # type: Dict[str, List[Process]]
        for process in processes:
            self._paths.setdefault(process.place.path or "", []).append(process)
            self._comms.setdefault(process.comm, []).append(process)

    def of_unit(self, unit: str) -> List[Tuple[str, Process]]:
        """With the unit, which is an instance where the name is that of a template."""
        found = []  # type: List[Tuple[str, Process]]
        for path, processes in self._paths.items():
            part = unit_in_path(path, unit)
            if part is not None:
                found += [(part, process) for process in processes]
        return found

    def of_name(self, name: str) -> List[Process]:
        return [process for comm, found in self._comms.items() if name in (comm, printable(comm)) for process in found]


class _Known(NamedTuple):
    """What systemd tells: scores -- unit -> what it gives its processes now; names -- any name -> the unit's own

    doubt -- why it tells nothing although it runs here
    """

    scores: Dict[str, int]
    names: Dict[str, str]
    doubt: Optional[str] = None


def _can_be_asked(name: str) -> bool:
    """One name that is none would end the answer about all."""
    try:
        return not parse_unit_name(name).is_pattern
    except ValueError:
        return False


def _ask(host: Host, units: Iterable[str]) -> _Known:
    """Without systemd nothing is known."""
    wanted, known = sorted(set(filter(_can_be_asked, units))), _Known({}, {})
    if not wanted or not os.path.isdir(host.path("/run/systemd/system")):
        return known
    ran = host.run(
        ["systemctl", "show", "--no-pager", "--property=Id,LoadState,OOMScoreAdjust", "--"] + wanted, timeout=15
    )
    try:
        blocks = parse_units(ran.stdout)
    except NotAnAnswer as exc:
        return known._replace(doubt=str(exc))
    if len(blocks) != len(wanted):
        return known._replace(
            doubt="systemctl show failed: %s" % (ran.stderr.strip().split("\n")[0] or "exit code %s" % ran.returncode)
        )
    for name, block in zip(wanted, blocks):
        score, own = block.get("OOMScoreAdjust", ""), block.get("Id") or name
        if block.get("LoadState") == "loaded":
            known.names[name] = own
            if _NUMBER.match(score):
                known.scores[name] = known.scores[own] = int(score)
    return known


def apply(
    host: Host, adjustments: Adjustments, processes: Sequence[Process], assumed: Optional[Mapping[str, int]] = None
) -> Applied:
    """Units first, then names of processes.

    A new value of a unit reaches the processes that carry the unit's present one: sshd at -1000 has set that itself and
    keeps it. Where systemd cannot be asked, all that are not at -1000.
    """
    index = _Index(processes)
    members = {name: index.of_unit(_unit(name)) for name in adjustments}
    instances = {unit for found in members.values() for unit, _process in found}
    known = _ask(host, instances.union(map(_unit, adjustments))) if assumed is None else _Known(dict(assumed), {})
    scores = {}  # type: Dict[int, int]
    unmatched, kept = [], {}  # type: List[str], Dict[int, None]
    for name, score in adjustments.items():
        own = known.names.get(_unit(name), _unit(name))
        found = members[name] or (index.of_unit(own) if own != _unit(name) else [])
        named = [] if found else index.of_name(name)
        scores.update((process.pid, score) for process in named)
        for unit, process in found:
            present = known.scores.get(unit)
            follows = process.oom_score_adj == present if present is not None else process.oom_score_adj > UNKILLABLE
            if follows:
                scores[process.pid] = score
            else:
                kept[process.pid] = None
        if not found and not named:
            unmatched.append(name)
    return Applied(scores, unmatched, list(kept), known.doubt)
