# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only all units of a call together can break: more promised than there is RAM, too little left that may be killed."""

from typing import Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._badness.forecast import forecast
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, Value

from . import checks
from .context import RunContext
from .params import UNTOUCHED
from .unit_run import Case

#: Limits whose sum over all services may be more than RAM.
_SUMS = ("memory_max", "memory_min")


def check_together(context: RunContext, cases: List[Case]) -> None:
    present = [case for case in cases if case.request.state == "present" and case.steps]
    loaded = _believed(context.host) if context.booted and any(option in case.request.settings for case in present for option in _SUMS) else {}
    for option in _SUMS:
        new, whose = {}, {}  # type: Dict[str, Value], Dict[str, Case]
        for case in present:
            text = case.request.settings.get(option)
            value = BY_OPTION[option].expected(text, context.ram) if text is not None else None
            if isinstance(value, int) and case.current.unit.type == "service":  # a slice's limit holds what is in it, it adds nothing
                for name in [state.id for state in case.current.running] or [case.name]:
                    new[name], whose[name] = value, case
        if new and context.booted:
            message = checks.total(loaded[option], new, context.ram, context.overrides, option)
            for case in dict.fromkeys(whose.values()) if message else ():
                case.fail("%s. %s" % (message, UNTOUCHED))
    _forecast(context, [case for case in present if case.continues])


def _believed(host: Host) -> Dict[str, Dict[str, Optional[Value]]]:
    """Option -> service -> what systemd has loaded, asked once. Raises ManagerError."""
    blocks = manager.show_services(host, [BY_OPTION[option].key for option in _SUMS])
    return {option: {block.get("Id", ""): BY_OPTION[option].loaded(block.get(BY_OPTION[option].key)) for block in blocks} for option in _SUMS}


def _forecast(context: RunContext, cases: List[Case]) -> None:
    """Who would die next with the new scores: said in check mode and before a real change alike."""
    wanted = {case.name: case.steps.score for case in cases if case.steps.score is not None and any(case.rows.values())}
    if not wanted:
        return
    given = {}  # type: Dict[str, int]
    for case in cases:
        loaded = case.current.shown.loaded("oom_score_adjust") if case.current.shown is not None else None
        if case.name in wanted and isinstance(loaded, int):
            given[case.name] = loaded
    try:
        seen = forecast(context.host, {name: score for name, score in wanted.items() if score is not None}, given)
    except (OSError, ValueError) as exc:
        cases[0].notes.append("who would be the next victim with these scores cannot be told: %s" % exc)
        return
    message = checks.killable(
        seen.unkillable_share, [(case.name, case.request.settings.get("oom_score_adjust", "")) for case in cases], context.overrides
    )
    for case in cases:
        if message and case.request.settings.get("oom_score_adjust") == "-1000":
            case.fail("%s. %s" % (message, UNTOUCHED))
    for case in cases[:1]:
        case.notes += seen.warnings
