# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything, judge it, and make the steps of each unit. Nothing is changed here; check mode ends here."""

from typing import Dict, FrozenSet, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import is_ours
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import (
    Planned,
    UnitFile,
    invalid_lines,
    last_value,
)

from . import checks
from .context import RunContext
from .cross_unit_checks import check_together
from .expected_scores import instance_origins, known, previous_scores_of, rows_of, score_in, score_is_ours, wanted_score
from .gaps import Gap
from .hints import not_installed, socket_names_its_service
from .limits import Limit, limits
from .params import UNTOUCHED, ParamsError, Request, conflict, effective_entries
from .plan import Steps, reload_due, steps, wanted_file
from .restart import carries_connection, refusal
from .run_record import recorded_options
from .scores import Score
from .state import CurrentUnit, read_state, reload_is_pending, shadowing
from .unit_plan import ABSENT, CHANGED, MASKED, UnitPlan, as_they_stay

#: Where a unit sets none, DefaultMemoryMin= or DefaultMemoryLow= of a slice above counts, and systemd shows 0 all the
#: same.
_INHERITED = ("memory_min", "memory_low")
#: systemd that reads limits at a reload and leaves the control groups of running units for later; 252 and earlier do
#: not (measured).
_LEAVES_LIMITS = 257


def prepare_on(context: RunContext, requests: Sequence[Request]) -> List[UnitPlan]:
    """A plan for each request, with its steps or its error. Raises ParamsError, ManagerError, UnsafePath, OSError."""
    currents = read_state(context.host, requests)
    ids = [current.unit.name if current.exists else None for current in currents]
    left = effective_entries(requests, ids)
    message = conflict([requests[at] for at in left], [ids[at] for at in left])
    if message:
        raise ParamsError(message)
    named = frozenset((currents[at].unit.name, requests[at].dropin) for at in left if requests[at].state == "present")
    plans = [_accept(context, _blank(context, requests[at], currents[at].without(named))) for at in left]
    # A template, its instance and a second drop-in of one unit may stand in one call: each is judged as it will be
    # after all of them.
    planned = {plan.current.path: wanted_file(plan.current, plan.request) for plan in plans if plan.continues}
    plans = [
        _plan_one(context, plan, _related_files(plan.current, planned)) if plan.continues else plan for plan in plans
    ]
    plans = check_together(context, plans)
    return [plan._replace(status=CHANGED) if plan.continues and plan.steps else plan for plan in plans]


def _blank(context: RunContext, request: Request, current: CurrentUnit) -> UnitPlan:
    return UnitPlan(request, current, Steps(current.path, None), context.ram)


def _missing(context: RunContext, plan: UnitPlan) -> Optional[UnitPlan]:
    """The plan for a unit that is not there, masked, or cannot be loaded; None: there is something to do."""
    request, current = plan.request, plan.current
    if request.state == "absent":
        return None
    # With a file of ours there, that may be what keeps it from loading, and what this change mends.
    if current.state is not None and current.state.is_broken and request.missing != "stage" and current.before is None:
        message = (
            "systemd cannot load it (%s); `systemd-analyze verify %s` says why. %s Use missing=stage to write the"
            " drop-in anyway"
        )
        return plan.refused(message % (current.state.get("LoadState"), plan.name, UNTOUCHED))
    if not current.exists:
        status, text = ABSENT, not_installed(context.host, current.unit, current.gone)
    elif current.is_masked:
        status, text = MASKED, "it is masked: nothing of it can start"
    else:
        return None
    if request.missing == "skip":
        return plan._replace(status=status).noted([text])
    if request.missing == "fail":
        return plan.refused(
            "%s. %s Use missing=skip to ignore it, or missing=stage to write the drop-in anyway" % (text, UNTOUCHED)
        )
    return None


def _refused(context: RunContext, plan: UnitPlan) -> Optional[str]:
    """The first guard of this unit alone that says no."""
    request, current, overrides = plan.request, plan.current, context.overrides
    message = (
        checks.ownership(current) or checks.breadth(current, request, overrides) or checks.smallness(request, overrides)
    )
    if message:
        return message
    files = current.files(context.host, None)
    shown = current.shown.get("Type") if current.shown is not None else ""
    message = checks.startability(current, request, shown or last_value(files, "Service", "Type"), context.version)
    if message:
        return message
    message = checks.consistency(request, known(context, files, current), context.ram, overrides) or checks.inheritance(
        current, request, overrides
    )
    return message or checks.weakening(current, request, files, context.ram, overrides)


def _accept(context: RunContext, plan: UnitPlan) -> UnitPlan:
    """Whether anything is done for this unit, and what."""
    missing = _missing(context, plan)
    if missing is not None:
        return missing
    if plan.current.unsafe is not None:
        return plan.refused("%s. %s" % (plan.current.unsafe, UNTOUCHED))
    unknown = checks.support(plan.current, plan.request, context.version)
    if unknown and not context.overrides.unsupported:
        return plan.refused("%s. %s allow_unsupported=true leaves it out" % ("; ".join(unknown.values()), UNTOUCHED))
    if unknown:
        plan = plan.noted("left out: %s" % reason for reason in unknown.values())
        kept = {option: text for option, text in plan.request.settings.items() if option not in unknown}
        if not kept:
            return plan._replace(
                noop=True, gaps=(Gap("unsupported", "%s: no supported setting remains" % "; ".join(unknown.values())),)
            )
        plan = plan._replace(request=plan.request._replace(settings=kept))
    message = _refused(context, plan)
    return plan.refused("%s. %s" % (message, UNTOUCHED)) if message else plan


def _related_files(current: CurrentUnit, planned: Planned) -> Planned:
    """The files of other requests that systemd reads for this unit too, or for an instance of the template."""
    units = current.names + [unit for state in current.running if current.state is None for unit in state.units]
    folders = {name + ".d" for unit in units for name in unit.dropin_names()}
    return {path: data for path, data in planned.items() if path != current.path and path.rsplit("/", 2)[1] in folders}


def _plan_one(context: RunContext, plan: UnitPlan, planned: Planned) -> UnitPlan:
    request, current = plan.request, plan.current
    after = wanted_file(current, request)
    files = current.files(context.host, after, None, planned)
    plan = plan._replace(
        files=known(context, files, current),
        instance_origins=instance_origins(context, current, after, planned),
        overridden=_overridden(context, plan, planned),
    )
    plan = plan.noted(
        "%s, line %d, %r does nothing: %s" % (path, line.line, line.text, line.reason)
        for path, line in invalid_lines(files, current.unit.type)
    )
    plan = plan.noted(checks.cautions(current, request, context.ram)).noted(_hints(context, plan, files))
    if request.state == "present":
        plan = _shadows(context, plan)
        if not plan.continues:
            return plan
    due = reload_due(current, request, reload_is_pending(context.host, current), plan.origins_of, context.ram)
    plan = plan._replace(
        options={state.id: _own_limits(context, plan, state, due) for state in current.running if current.asked}
    )
    found = {state.id: _limits(context, plan, state, due) for state in current.running if current.asked}
    message = _no_headroom(context, plan, found) if due or request.apply != "next_start" else None
    if message:
        return plan.refused("%s. %s" % (message, UNTOUCHED))
    return _with_steps(context, plan, due, [limit for of_unit in found.values() for limit in of_unit if limit.differs])


def _hints(context: RunContext, plan: UnitPlan, files: Sequence[UnitFile]) -> List[str]:
    """What is probably not meant, of a unit that is set all the same."""
    if plan.request.state != "present":
        return []
    socket = socket_names_its_service(context.host, plan.current.unit)
    own_folder = plan.current.path.rsplit("/", 1)[0] + "/"
    others = [
        file.path
        for file in files
        if file.path.startswith(own_folder) and file.path != plan.current.path and is_ours(file.data)
    ]
    message = (
        "%s, which this module wrote under another dropin name, still counts; state=absent with dropin=%s removes it"
    )
    return ([socket] if socket else []) + [message % (path, path.rsplit("/", 1)[1]) for path in others]


def _own_limits(context: RunContext, plan: UnitPlan, state: UnitState, due: bool) -> List[str]:
    """Options of the limits of a running unit that are ours."""
    options = plan.own_limits(recorded_options(context.host, state))
    if due:
        return options
    requested = plan.request.settings if plan.request.state == "present" else {}
    return [
        option for option in options if option in requested or option not in _INHERITED or state.loaded(option) != 0
    ]


def _limits(context: RunContext, plan: UnitPlan, state: UnitState, due: bool) -> List[Limit]:
    """Our limits of a running unit as the kernel has them, and as systemd has loaded them or will after the reload that
    is due.
    """
    options = plan.options[state.id]
    values = {option: plan.expected_after_reload(state, option) if due else state.loaded(option) for option in options}
    return limits(context.host, context.layout, state, values)


def _no_headroom(context: RunContext, plan: UnitPlan, found: Dict[str, List[Limit]]) -> Optional[str]:
    for state in plan.current.running:
        used = cgroup.usage(context.host, context.layout, state.control_group)
        if used is None:
            used = state.number("MemoryCurrent")
        if carries_connection(state.control_group, context.connection_groups):
            message = checks.way_in(found.get(state.id, ()), used)
            if message:
                return message
        swapped = cgroup.swap_usage(context.host, context.layout, state.control_group)
        message = checks.headroom(found.get(state.id, ()), used, swapped, context.overrides)
        if message:
            return message
    return None


def _shadows(context: RunContext, plan: UnitPlan) -> UnitPlan:
    shadows = shadowing(plan.current, plan.request.settings, plan.files, context.ram)
    if not shadows:
        return plan
    option, origin = next(iter(shadows.items()))
    plan = plan._replace(shadowed_by=origin.path)
    if context.overrides.shadowed:
        return plan
    wanted = "%s=%s" % (option, plan.request.settings[option])
    if is_ours(context.host.read(origin.path) or b""):
        own = (
            "%s would have no effect: %s, which this module wrote under another dropin name, sets it to %s. %s Remove"
            " that with state=absent dropin=%s"
        )
        return plan.refused(
            own % (wanted, origin.path, origin.value or "its default", UNTOUCHED, origin.path.rsplit("/", 1)[1])
        )
    return plan.refused(
        "%s would have no effect: %s sets it to %s and is read after %s. %s Take the line out of that file, give"
        " dropin a later name, or allow_shadowed=true"
        % (wanted, origin.path, origin.value or "its default", plan.current.path, UNTOUCHED)
    )


def _with_scores(context: RunContext, plan: UnitPlan) -> UnitPlan:
    """Who of its processes has which score, and will have."""
    previous = {}  # type: Dict[str, FrozenSet[int]]
    rows = {}  # type: Dict[str, List[Score]]
    for state in plan.current.running:
        wanted = wanted_score(plan, state)
        # Now: once our file is written, every running process is older than it.
        previous[state.id] = previous_scores_of(context, plan, state, wanted)
        rows[state.id] = rows_of(context, state, wanted, previous[state.id])
    return plan._replace(previous=previous, rows=rows)


def _with_steps(context: RunContext, plan: UnitPlan, due: bool, differing: Sequence[Limit]) -> UnitPlan:
    score = None  # type: Optional[int]
    if score_is_ours(context, plan) and not plan.current.is_masked:  # systemd gives scores no more there than it starts
        score = score_in(plan.files)
        plan = _with_scores(context, plan)
    plan = plan._replace(steps=steps(plan.current, plan.request, due, score, plan.rows, differing))
    if plan.request.apply == "next_start":
        older = any(row.before != row.after for rows in plan.rows.values() for row in rows)
        waits = bool(differing) and (not due or (context.version or 0) >= _LEAVES_LIMITS)
        plan = plan._replace(deferred=older or waits, rows=as_they_stay(plan.rows))
    return _skip_restart(context, plan) if plan.steps.restart else plan


def _overridden(context: RunContext, plan: UnitPlan, planned: Planned) -> FrozenSet[str]:
    """What systemd does not read any more: files of our name in a folder of lower rank, and those that go or change in
    this call.
    """
    current = plan.current
    new = current.before is None and plan.request.state == "present"
    if not planned and not new:
        return frozenset()
    files = current.files(
        context.host,
        current.before.data if current.before is not None else None,
        current.shown if current.state is None else None,
    )
    ours = [file for file in files if file.path in planned]
    if new:
        ours += [file for file in files if file.path.endswith("/" + current.dropin)]
    return frozenset(known(context, ours, current))


def _skip_restart(context: RunContext, plan: UnitPlan) -> UnitPlan:
    """What must not be restarted gets its score through /proc."""
    left = []  # type: List[str]
    by_name = {state.id: state for state in plan.current.running}
    setting = 0
    for name in plan.steps.restart:
        reason = refusal(by_name[name], context.connection, context.overrides.restart)
        if reason is None:
            left.append(name)
            continue
        plan = plan.noted(["%s is not restarted: %s; its processes get the score through /proc" % (name, reason)])
        setting += len([row for row in plan.rows[name] if row.before != row.after])
    return plan._replace(steps=plan.steps._replace(restart=tuple(left), setting=setting))
