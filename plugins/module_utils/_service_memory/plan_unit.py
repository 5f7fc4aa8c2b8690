# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything, judge it, and make the steps of each unit. Nothing is changed here; check mode ends here."""

from typing import Dict, FrozenSet, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import is_ours
from ansible_collections.memops.linux.plugins.module_utils._systemd.layers import Planned, UnitFile, last_value, mistyped
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

from . import checks as guards
from .context import Ground
from .cross_unit_checks import judge_together
from .expected_scores import earlier_of, known, rows_of, score_in, score_is_ours, wanted_score
from .hints import not_installed, socket_names_its_service
from .limits import Limit, limits
from .loaded import shadowing
from .params import UNTOUCHED, Wish, WishError, conflict, standing
from .plan import reload_due, steps, wanted_file
from .restart import refusal
from .run_record import recorded_options
from .scores import as_it_stays
from .state import Current, survey
from .unit_run import ABSENT, CHANGED, MASKED, Case
from .verify import Gap

#: Where a unit sets none, DefaultMemoryMin= or DefaultMemoryLow= of a slice above counts, and systemd shows 0 all the same.
_INHERITED = ("memory_min", "memory_low")
#: systemd that reads limits at a reload and leaves the control groups of running units for later; 252 and earlier do not (measured).
_LEAVES_LIMITS = 257


def prepare_on(ground: Ground, wishes: Sequence[Wish]) -> List[Case]:
    """A case for each wish, with its steps or its error. Raises WishError, ManagerError, UnsafePath, OSError."""
    currents = survey(ground.host, wishes)
    ids = [current.unit.name if current.exists else None for current in currents]
    left = standing(wishes, ids)
    said = conflict([wishes[at] for at in left], [ids[at] for at in left])
    if said:
        raise WishError(said)
    named = frozenset((currents[at].unit.name, wishes[at].dropin) for at in left if wishes[at].state == "present")
    cases = [Case(wishes[at], currents[at].without(named)) for at in left]
    for case in cases:
        _admit(ground, case)
    admitted = [case for case in cases if case.goes_on]
    # A template, its instance and a second drop-in of one unit may stand in one call: each is judged as it will be after all of them.
    planned = {case.current.path: wanted_file(case.current, case.wish) for case in admitted}
    for case in admitted:
        _judge(ground, case, _of_kin(case.current, planned))
    judge_together(ground, [case for case in cases if case.goes_on])
    for case in cases:
        if case.goes_on and case.steps:
            case.status = CHANGED
    return cases


def _missing(ground: Ground, case: Case) -> bool:
    """True where there is nothing to do for a unit that is not there, masked, or cannot be loaded."""
    wish, current = case.wish, case.current
    if wish.state == "absent":
        return False
    # With a file of ours there, that may be what keeps it from loading, and what this change mends.
    if current.state is not None and current.state.is_broken and wish.missing != "stage" and current.before is None:
        said = "systemd cannot load it (%s); `systemd-analyze verify %s` says why. %s missing=stage writes the drop-in all the same"
        case.fail(said % (current.state.get("LoadState"), case.name, UNTOUCHED))
        return True
    if not current.exists:
        status, text = ABSENT, not_installed(ground.host, current.unit)
    elif current.is_masked:
        status, text = MASKED, "it is masked: nothing of it can start"
    else:
        return False
    if wish.missing == "skip":
        case.status = status
        case.notes.append(text)
        return True
    if wish.missing == "fail":
        case.fail("%s. %s missing=skip goes on without it, missing=stage writes the drop-in all the same" % (text, UNTOUCHED))
        return True
    return False


def _refused(ground: Ground, case: Case) -> Optional[str]:
    """The first guard of this unit alone that says no."""
    wish, current, allow = case.wish, case.current, ground.allow
    said = guards.ownership(current) or guards.breadth(current, wish, allow) or guards.smallness(wish, allow)
    if said:
        return said
    files = current.files(ground.host, None)
    shown = current.shown.get("Type") if current.shown is not None else ""
    said = guards.startability(current, wish, shown or last_value(files, "Service", "Type"), ground.version)
    if said:
        return said
    said = guards.consistency(wish, known(ground, files, current), ground.ram, allow) or guards.inheritance(current, wish, allow)
    return said or guards.loosening(current, wish, files, ground.ram, allow)


def _admit(ground: Ground, case: Case) -> None:
    """Whether anything is done for this unit, and what."""
    case.ram = ground.ram
    if _missing(ground, case):
        return
    if case.current.unsafe is not None:
        case.fail("%s. %s" % (case.current.unsafe, UNTOUCHED))
        return
    unknown = guards.support(case.current, case.wish, ground.version)
    if unknown and not ground.allow.unsupported:
        case.fail("%s. %s allow_unsupported=true leaves it out" % ("; ".join(unknown.values()), UNTOUCHED))
        return
    if unknown:
        case.notes += ["left out: %s" % reason for reason in unknown.values()]
        kept = {option: text for option, text in case.wish.settings.items() if option not in unknown}
        if not kept:
            case.gaps.append(Gap("unsupported", "%s: nothing is left to set" % "; ".join(unknown.values())))
            case.idle = True
            return
        case.wish = case.wish._replace(settings=kept)
    said = _refused(ground, case)
    if said:
        case.fail("%s. %s" % (said, UNTOUCHED))


def _of_kin(current: Current, planned: Planned) -> Planned:
    """The files of other wishes that systemd reads for this unit too, or for an instance of the template."""
    units = current.names + [unit for state in current.running if current.state is None for unit in state.units]
    folders = {name + ".d" for unit in units for name in unit.dropin_names()}
    return {path: data for path, data in planned.items() if path != current.path and path.rsplit("/", 2)[1] in folders}


def _judge(ground: Ground, case: Case, planned: Planned) -> None:
    after = wanted_file(case.current, case.wish)
    files = look(ground, case, after, planned)
    case.notes += [
        "%s, line %d, %r does nothing: %s" % (path, line.line, line.text, line.reason) for path, line in mistyped(files, case.current.unit.type)
    ]
    case.notes += guards.cautions(case.current, case.wish, ground.ram)
    case.notes += _hints(ground, case, files)
    case.hidden = _hidden(ground, case, planned)
    if case.wish.state == "present":
        _shadows(ground, case)
        if not case.goes_on:
            return
    due = reload_due(case.current, case.wish, case.origins_of, ground.ram)
    found = {state.id: _limits(ground, case, state, due) for state in case.current.running if case.current.asked}
    said = _no_room(ground, case, found) if due or case.wish.apply != "next_start" else None
    if said:
        case.fail("%s. %s" % (said, UNTOUCHED))
        return
    _plan(ground, case, due, [limit for of_unit in found.values() for limit in of_unit if limit.drifted])


def _hints(ground: Ground, case: Case, files: Sequence[UnitFile]) -> List[str]:
    """What is probably not meant, of a unit that is set all the same."""
    if case.wish.state != "present":
        return []
    socket = socket_names_its_service(ground.host, case.current.unit)
    own_folder = case.current.path.rsplit("/", 1)[0] + "/"
    others = [file.path for file in files if file.path.startswith(own_folder) and file.path != case.current.path and is_ours(file.data)]
    said = "%s, which this module wrote under another dropin name, still counts; state=absent with dropin=%s removes it"
    return ([socket] if socket else []) + [said % (path, path.rsplit("/", 1)[1]) for path in others]


def _limits(ground: Ground, case: Case, state: UnitState, due: bool) -> List[Limit]:
    """Our limits of a running unit as the kernel has them, and as systemd believes them or will after the reload that is due."""
    options = case.own_limits(recorded_options(ground.host, state))
    if not due:
        wished = case.wish.settings if case.wish.state == "present" else {}
        options = [option for option in options if option in wished or option not in _INHERITED or state.believed(option) != 0]
    case.options[state.id] = options
    values = {option: case.foreseen(state, option) if due else state.believed(option) for option in options}
    return limits(ground.host, ground.layout, state, values)


def _no_room(ground: Ground, case: Case, found: Dict[str, List[Limit]]) -> Optional[str]:
    for state in case.current.running:
        used = cgroup.usage(ground.host, ground.layout, state.control_group)
        if used is None:
            used = state.number("MemoryCurrent")
        swapped = cgroup.swap_usage(ground.host, ground.layout, state.control_group)
        said = guards.room(found.get(state.id, ()), used, swapped, ground.allow)
        if said:
            return said
    return None


def look(ground: Ground, case: Case, after: Optional[bytes], planned: Optional[Planned] = None) -> List[UnitFile]:
    """The unit's files, and which of them gives each setting that this systemd knows; with ours as it will be."""
    current = case.current
    files = current.files(ground.host, after, None, planned)
    case.files = known(ground, files, current)
    if current.state is None:
        case.of_instance = {state.id: known(ground, current.files(ground.host, after, state, planned), current) for state in current.running}
    return files


def _shadows(ground: Ground, case: Case) -> None:
    shadows = shadowing(case.current, case.wish.settings, case.files, ground.ram)
    for option, origin in shadows.items():
        case.shadowed_by = case.shadowed_by or origin.path
        if not ground.allow.shadowed:
            case.fail(
                "%s=%s would have no effect: %s sets it to %s and is read after %s. %s Take the line out there, give dropin a later name, "
                "or allow_shadowed=true"
                % (option, case.wish.settings[option], origin.path, origin.value or "its default", case.current.path, UNTOUCHED)
            )
            return


def _plan(ground: Ground, case: Case, due: bool, drifted: Sequence[Limit]) -> None:
    score = None  # type: Optional[int]
    if score_is_ours(ground, case):
        score = score_in(case.files)
        for state in case.current.running:
            wanted = wanted_score(case, state)
            # Now: once our file is written, every running process is older than it.
            case.earlier[state.id] = earlier_of(ground, case, state, wanted)
            case.rows[state.id] = rows_of(ground, state, wanted, case.earlier[state.id])
    case.steps = steps(case.current, case.wish, due, score, case.rows, drifted)
    if case.wish.apply == "next_start":
        older = any(row.before != row.after for rows in case.rows.values() for row in rows)
        case.waits = older or bool(drifted and (not due or (ground.version or 0) >= _LEAVES_LIMITS))
        case.rows = {name: [as_it_stays(row) for row in rows] for name, rows in case.rows.items()}
    if case.steps.restart:
        _spare(ground, case)


def _hidden(ground: Ground, case: Case, planned: Planned) -> FrozenSet[str]:
    """What systemd does not read any more: files of our name in a folder of lower rank, and those that go or change in this call."""
    current = case.current
    new = current.before is None and case.wish.state == "present"
    if not planned and not new:
        return frozenset()
    files = current.files(ground.host, current.before.data if current.before is not None else None, current.shown if current.state is None else None)
    ours = [file for file in files if file.path in planned]
    if new:
        ours += [file for file in files if file.path.endswith("/" + current.dropin)]
    return frozenset(known(ground, ours, current))


def _spare(ground: Ground, case: Case) -> None:
    """What must not be restarted gets its score through /proc."""
    left = []  # type: List[str]
    by_name = {state.id: state for state in case.current.running}
    setting = 0
    for name in case.steps.restart:
        reason = refusal(by_name[name], ground.connection, ground.allow.restart)
        if reason is None:
            left.append(name)
            continue
        case.notes.append("%s is not restarted: %s; its processes get the score through /proc" % (name, reason))
        setting += len([row for row in case.rows[name] if row.before != row.after])
    case.steps = case.steps._replace(restart=tuple(left), setting=setting)
