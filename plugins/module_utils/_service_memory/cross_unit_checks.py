# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only all units of a call together can break: more promised than there is RAM, too little left that may be killed."""

from typing import Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._badness.forecast import forecast
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, Value

from . import checks as guards
from .context import Ground
from .params import UNTOUCHED
from .unit_run import Case

#: Limits whose sum over all services may be more than RAM.
_SUMS = ("memory_max", "memory_min")


def judge_together(ground: Ground, cases: List[Case]) -> None:
    present = [case for case in cases if case.wish.state == "present" and case.steps]
    believed = _believed(ground.host) if ground.booted and any(option in case.wish.settings for case in present for option in _SUMS) else {}
    for option in _SUMS:
        new, whose = {}, {}  # type: Dict[str, Value], Dict[str, Case]
        for case in present:
            text = case.wish.settings.get(option)
            value = BY_OPTION[option].expected(text, ground.ram) if text is not None else None
            if isinstance(value, int) and case.current.unit.type == "service":  # a slice's limit holds what is in it, it adds nothing
                for name in [state.id for state in case.current.running] or [case.name]:
                    new[name], whose[name] = value, case
        if new and ground.booted:
            said = guards.total(believed[option], new, ground.ram, ground.allow, option)
            for case in dict.fromkeys(whose.values()) if said else ():
                case.fail("%s. %s" % (said, UNTOUCHED))
    _forecast(ground, [case for case in present if case.goes_on])


def _believed(host: Host) -> Dict[str, Dict[str, Optional[Value]]]:
    """Option -> service -> what systemd believes, asked once. Raises ManagerError."""
    blocks = manager.show_services(host, [BY_OPTION[option].key for option in _SUMS])
    return {option: {block.get("Id", ""): BY_OPTION[option].believed(block.get(BY_OPTION[option].key)) for block in blocks} for option in _SUMS}


def _forecast(ground: Ground, cases: List[Case]) -> None:
    """Who would die next with the new scores: said in check mode and before a real change alike."""
    wanted = {case.name: case.steps.score for case in cases if case.steps.score is not None and any(case.rows.values())}
    if not wanted:
        return
    given = {}  # type: Dict[str, int]
    for case in cases:
        believed = case.current.shown.believed("oom_score_adjust") if case.current.shown is not None else None
        if case.name in wanted and isinstance(believed, int):
            given[case.name] = believed
    try:
        seen = forecast(ground.host, {name: score for name, score in wanted.items() if score is not None}, given)
    except (OSError, ValueError) as exc:
        cases[0].notes.append("who would be the next victim with these scores cannot be told: %s" % exc)
        return
    said = guards.killable(seen.unkillable_share, [(case.name, case.wish.settings.get("oom_score_adjust", "")) for case in cases], ground.allow)
    for case in cases:
        if said and case.wish.settings.get("oom_score_adjust") == "-1000":
            case.fail("%s. %s" % (said, UNTOUCHED))
    for case in cases[:1]:
        case.notes += seen.warnings
