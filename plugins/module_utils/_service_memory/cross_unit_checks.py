# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only all units of a call together can break: more promised than there is RAM, too little left that may be
killed.
"""

from typing import Dict, List, Optional, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._badness.forecast import forecast
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, Value

from . import checks
from .context import RunContext
from .params import UNTOUCHED
from .unit_plan import UnitPlan

#: Limits whose sum over all services may be more than RAM.
_SUMS = ("memory_max", "memory_min")


def check_together(context: RunContext, plans: Sequence[UnitPlan]) -> List[UnitPlan]:
    """The same plans, those refused that are too much together."""
    reasons = _sums(context, [plan for plan in plans if _counts(plan)])
    plans = [
        plan.refused("%s. %s" % (reasons[plan.current.path], UNTOUCHED)) if plan.current.path in reasons else plan
        for plan in plans
    ]
    return _forecast(context, plans)


def _counts(plan: UnitPlan) -> bool:
    return plan.continues and plan.request.state == "present" and bool(plan.steps)


def _sums(context: RunContext, plans: Sequence[UnitPlan]) -> Dict[str, str]:
    """Drop-in -> why its limit is too much beside those of the others."""
    reasons = {}  # type: Dict[str, str]
    if not context.booted or not any(option in plan.request.settings for plan in plans for option in _SUMS):
        return reasons
    loaded = _loaded_limits(context.host)
    for option in _SUMS:
        new = {}  # type: Dict[str, Value]
        paths = set()  # type: Set[str]
        for plan in plans:
            text = plan.request.settings.get(option)
            value = BY_OPTION[option].expected(text, context.ram) if text is not None else None
            if (
                not isinstance(value, int) or plan.current.unit.type != "service"
            ):  # a slice's limit holds what is in it, it adds nothing
                continue
            paths.add(plan.current.path)
            for name in [state.id for state in plan.current.running] or [plan.name]:
                new[name] = value
        message = checks.total(loaded[option], new, context.ram, context.overrides, option) if new else None
        if message:
            reasons.update((path, message) for path in paths if path not in reasons)
    return reasons


def _loaded_limits(host: Host) -> Dict[str, Dict[str, Optional[Value]]]:
    """Option -> service -> what systemd has loaded, asked once. Raises ManagerError."""
    blocks = manager.show_services(host, [BY_OPTION[option].key for option in _SUMS])
    return {
        option: {block.get("Id", ""): BY_OPTION[option].loaded(block.get(BY_OPTION[option].key)) for block in blocks}
        for option in _SUMS
    }


def _forecast(context: RunContext, plans: Sequence[UnitPlan]) -> List[UnitPlan]:
    """Who would die next with the new scores: said in check mode and before a real change alike."""
    here = [plan for plan in plans if _counts(plan)]
    wanted = {plan.name: plan.steps.score for plan in here if plan.steps.score is not None and any(plan.rows.values())}
    if not wanted:
        return list(plans)
    shown = {plan.name: plan.current.shown for plan in here if plan.name in wanted}
    given = {name: state.loaded("oom_score_adjust") for name, state in shown.items() if state is not None}
    assumed = {name: score for name, score in given.items() if isinstance(score, int)}
    try:
        seen = forecast(context.host, {name: score for name, score in wanted.items() if score is not None}, assumed)
    except (OSError, ValueError) as exc:
        return _note_first(plans, here[0], ["who would be the next victim with these scores cannot be told: %s" % exc])
    scores = [(plan.name, plan.request.settings.get("oom_score_adjust", "")) for plan in here]
    message = checks.killable(seen.unkillable_share, scores, context.overrides)
    plans = _note_first(plans, here[0], seen.warnings)
    return [
        plan.refused("%s. %s" % (message, UNTOUCHED)) if message and _counts(plan) and _is_unkillable(plan) else plan
        for plan in plans
    ]


def _is_unkillable(plan: UnitPlan) -> bool:
    return plan.request.settings.get("oom_score_adjust") == "-1000"


def _note_first(plans: Sequence[UnitPlan], first: UnitPlan, texts: Sequence[str]) -> List[UnitPlan]:
    return [plan.noted(texts) if plan is first else plan for plan in plans]
