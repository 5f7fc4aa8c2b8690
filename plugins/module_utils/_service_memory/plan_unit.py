# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything, judge it, and make the steps of each unit. Nothing is changed here; check mode ends here."""

from typing import Dict, FrozenSet, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import is_ours
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Planned, UnitFile, invalid_lines, last_value

from . import checks
from .context import RunContext
from .cross_unit_checks import check_together
from .expected_scores import known, previous_scores_of, rows_of, score_in, score_is_ours, wanted_score
from .hints import not_installed, socket_names_its_service
from .limits import Limit, limits
from .loaded import shadowing
from .params import UNTOUCHED, ParamsError, Request, conflict, effective_entries
from .plan import reload_due, steps, wanted_file
from .restart import refusal
from .run_record import recorded_options
from .scores import as_it_stays
from .state import CurrentUnit, read_state
from .unit_run import ABSENT, CHANGED, MASKED, Case
from .verify import Gap

#: Where a unit sets none, DefaultMemoryMin= or DefaultMemoryLow= of a slice above counts, and systemd shows 0 all the same.
_INHERITED = ("memory_min", "memory_low")
#: systemd that reads limits at a reload and leaves the control groups of running units for later; 252 and earlier do not (measured).
_LEAVES_LIMITS = 257


def prepare_on(context: RunContext, requests: Sequence[Request]) -> List[Case]:
    """A case for each request, with its steps or its error. Raises ParamsError, ManagerError, UnsafePath, OSError."""
    currents = read_state(context.host, requests)
    ids = [current.unit.name if current.exists else None for current in currents]
    left = effective_entries(requests, ids)
    message = conflict([requests[at] for at in left], [ids[at] for at in left])
    if message:
        raise ParamsError(message)
    named = frozenset((currents[at].unit.name, requests[at].dropin) for at in left if requests[at].state == "present")
    cases = [Case(requests[at], currents[at].without(named)) for at in left]
    for case in cases:
        _accept(context, case)
    admitted = [case for case in cases if case.continues]
    # A template, its instance and a second drop-in of one unit may stand in one call: each is judged as it will be after all of them.
    planned = {case.current.path: wanted_file(case.current, case.request) for case in admitted}
    for case in admitted:
        _plan_one(context, case, _related_files(case.current, planned))
    check_together(context, [case for case in cases if case.continues])
    for case in cases:
        if case.continues and case.steps:
            case.status = CHANGED
    return cases


def _missing(context: RunContext, case: Case) -> bool:
    """True where there is nothing to do for a unit that is not there, masked, or cannot be loaded."""
    request, current = case.request, case.current
    if request.state == "absent":
        return False
    # With a file of ours there, that may be what keeps it from loading, and what this change mends.
    if current.state is not None and current.state.is_broken and request.missing != "stage" and current.before is None:
        message = "systemd cannot load it (%s); `systemd-analyze verify %s` says why. %s missing=stage writes the drop-in all the same"
        case.fail(message % (current.state.get("LoadState"), case.name, UNTOUCHED))
        return True
    if not current.exists:
        status, text = ABSENT, not_installed(context.host, current.unit)
    elif current.is_masked:
        status, text = MASKED, "it is masked: nothing of it can start"
    else:
        return False
    if request.missing == "skip":
        case.status = status
        case.notes.append(text)
        return True
    if request.missing == "fail":
        case.fail("%s. %s missing=skip goes on without it, missing=stage writes the drop-in all the same" % (text, UNTOUCHED))
        return True
    return False


def _refused(context: RunContext, case: Case) -> Optional[str]:
    """The first guard of this unit alone that says no."""
    request, current, overrides = case.request, case.current, context.overrides
    message = checks.ownership(current) or checks.breadth(current, request, overrides) or checks.smallness(request, overrides)
    if message:
        return message
    files = current.files(context.host, None)
    shown = current.shown.get("Type") if current.shown is not None else ""
    message = checks.startability(current, request, shown or last_value(files, "Service", "Type"), context.version)
    if message:
        return message
    message = checks.consistency(request, known(context, files, current), context.ram, overrides) or checks.inheritance(current, request, overrides)
    return message or checks.weakening(current, request, files, context.ram, overrides)


def _accept(context: RunContext, case: Case) -> None:
    """Whether anything is done for this unit, and what."""
    case.ram = context.ram
    if _missing(context, case):
        return
    if case.current.unsafe is not None:
        case.fail("%s. %s" % (case.current.unsafe, UNTOUCHED))
        return
    unknown = checks.support(case.current, case.request, context.version)
    if unknown and not context.overrides.unsupported:
        case.fail("%s. %s allow_unsupported=true leaves it out" % ("; ".join(unknown.values()), UNTOUCHED))
        return
    if unknown:
        case.notes += ["left out: %s" % reason for reason in unknown.values()]
        kept = {option: text for option, text in case.request.settings.items() if option not in unknown}
        if not kept:
            case.gaps.append(Gap("unsupported", "%s: nothing is left to set" % "; ".join(unknown.values())))
            case.noop = True
            return
        case.request = case.request._replace(settings=kept)
    message = _refused(context, case)
    if message:
        case.fail("%s. %s" % (message, UNTOUCHED))


def _related_files(current: CurrentUnit, planned: Planned) -> Planned:
    """The files of other requests that systemd reads for this unit too, or for an instance of the template."""
    units = current.names + [unit for state in current.running if current.state is None for unit in state.units]
    folders = {name + ".d" for unit in units for name in unit.dropin_names()}
    return {path: data for path, data in planned.items() if path != current.path and path.rsplit("/", 2)[1] in folders}


def _plan_one(context: RunContext, case: Case, planned: Planned) -> None:
    after = wanted_file(case.current, case.request)
    files = look(context, case, after, planned)
    case.notes += [
        "%s, line %d, %r does nothing: %s" % (path, line.line, line.text, line.reason) for path, line in invalid_lines(files, case.current.unit.type)
    ]
    case.notes += checks.cautions(case.current, case.request, context.ram)
    case.notes += _hints(context, case, files)
    case.overridden = _overridden(context, case, planned)
    if case.request.state == "present":
        _shadows(context, case)
        if not case.continues:
            return
    due = reload_due(case.current, case.request, case.origins_of, context.ram)
    found = {state.id: _limits(context, case, state, due) for state in case.current.running if case.current.asked}
    message = _no_headroom(context, case, found) if due or case.request.apply != "next_start" else None
    if message:
        case.fail("%s. %s" % (message, UNTOUCHED))
        return
    _plan(context, case, due, [limit for of_unit in found.values() for limit in of_unit if limit.differs])


def _hints(context: RunContext, case: Case, files: Sequence[UnitFile]) -> List[str]:
    """What is probably not meant, of a unit that is set all the same."""
    if case.request.state != "present":
        return []
    socket = socket_names_its_service(context.host, case.current.unit)
    own_folder = case.current.path.rsplit("/", 1)[0] + "/"
    others = [file.path for file in files if file.path.startswith(own_folder) and file.path != case.current.path and is_ours(file.data)]
    message = "%s, which this module wrote under another dropin name, still counts; state=absent with dropin=%s removes it"
    return ([socket] if socket else []) + [message % (path, path.rsplit("/", 1)[1]) for path in others]


def _limits(context: RunContext, case: Case, state: UnitState, due: bool) -> List[Limit]:
    """Our limits of a running unit as the kernel has them, and as systemd has loaded them or will after the reload that is due."""
    options = case.own_limits(recorded_options(context.host, state))
    if not due:
        wished = case.request.settings if case.request.state == "present" else {}
        options = [option for option in options if option in wished or option not in _INHERITED or state.loaded(option) != 0]
    case.options[state.id] = options
    values = {option: case.expected_after_reload(state, option) if due else state.loaded(option) for option in options}
    return limits(context.host, context.layout, state, values)


def _no_headroom(context: RunContext, case: Case, found: Dict[str, List[Limit]]) -> Optional[str]:
    for state in case.current.running:
        used = cgroup.usage(context.host, context.layout, state.control_group)
        if used is None:
            used = state.number("MemoryCurrent")
        swapped = cgroup.swap_usage(context.host, context.layout, state.control_group)
        message = checks.headroom(found.get(state.id, ()), used, swapped, context.overrides)
        if message:
            return message
    return None


def look(context: RunContext, case: Case, after: Optional[bytes], planned: Optional[Planned] = None) -> List[UnitFile]:
    """The unit's files, and which of them gives each setting that this systemd knows; with ours as it will be."""
    current = case.current
    files = current.files(context.host, after, None, planned)
    case.files = known(context, files, current)
    if current.state is None:
        case.instance_origins = {state.id: known(context, current.files(context.host, after, state, planned), current) for state in current.running}
    return files


def _shadows(context: RunContext, case: Case) -> None:
    shadows = shadowing(case.current, case.request.settings, case.files, context.ram)
    for option, origin in shadows.items():
        case.shadowed_by = case.shadowed_by or origin.path
        if not context.overrides.shadowed:
            case.fail(
                "%s=%s would have no effect: %s sets it to %s and is read after %s. %s Take the line out there, give dropin a later name, "
                "or allow_shadowed=true"
                % (option, case.request.settings[option], origin.path, origin.value or "its default", case.current.path, UNTOUCHED)
            )
            return


def _plan(context: RunContext, case: Case, due: bool, differs: Sequence[Limit]) -> None:
    score = None  # type: Optional[int]
    if score_is_ours(context, case):
        score = score_in(case.files)
        for state in case.current.running:
            wanted = wanted_score(case, state)
            # Now: once our file is written, every running process is older than it.
            case.previous[state.id] = previous_scores_of(context, case, state, wanted)
            case.rows[state.id] = rows_of(context, state, wanted, case.previous[state.id])
    case.steps = steps(case.current, case.request, due, score, case.rows, differs)
    if case.request.apply == "next_start":
        older = any(row.before != row.after for rows in case.rows.values() for row in rows)
        case.deferred = older or bool(differs and (not due or (context.version or 0) >= _LEAVES_LIMITS))
        case.rows = {name: [as_it_stays(row) for row in rows] for name, rows in case.rows.items()}
    if case.steps.restart:
        _skip_restart(context, case)


def _overridden(context: RunContext, case: Case, planned: Planned) -> FrozenSet[str]:
    """What systemd does not read any more: files of our name in a folder of lower rank, and those that go or change in this call."""
    current = case.current
    new = current.before is None and case.request.state == "present"
    if not planned and not new:
        return frozenset()
    files = current.files(context.host, current.before.data if current.before is not None else None, current.shown if current.state is None else None)
    ours = [file for file in files if file.path in planned]
    if new:
        ours += [file for file in files if file.path.endswith("/" + current.dropin)]
    return frozenset(known(context, ours, current))


def _skip_restart(context: RunContext, case: Case) -> None:
    """What must not be restarted gets its score through /proc."""
    left = []  # type: List[str]
    by_name = {state.id: state for state in case.current.running}
    setting = 0
    for name in case.steps.restart:
        reason = refusal(by_name[name], context.connection, context.overrides.restart)
        if reason is None:
            left.append(name)
            continue
        case.notes.append("%s is not restarted: %s; its processes get the score through /proc" % (name, reason))
        setting += len([row for row in case.rows[name] if row.before != row.after])
    case.steps = case.steps._replace(restart=tuple(left), setting=setting)
