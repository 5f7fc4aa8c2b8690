# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything, judge it, and make the steps of each unit. Nothing is changed here; check mode ends here."""

from typing import Dict, FrozenSet, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._badness.forecast import forecast
from ansible_collections.memops.linux.plugins.module_utils._badness.procfs import memory
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup, manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.layers import Origin, UnitFile, mistyped, origins
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, Value, unsupported
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import parse_show

from . import guards
from .case import ABSENT, CHANGED, MASKED, Case
from .earlier import default_score, earlier_scores
from .plan import managed, steps, wanted_file
from .proof import shadowing
from .restart import connection_units, refusal
from .scores import Score, apply_scores, may_lower
from .survey import Current, survey
from .wish import UNTOUCHED, Allow, Wish, WishError, alias_conflict, standing


class Ground:
    """What is the same for all units of a call."""

    def __init__(self, host: Host, allow: Allow) -> None:
        self.host = host
        self.allow = allow
        self.ram = memory(host).total
        self.layout = cgroup.layout(host)
        self.booted = manager.runs(host)
        self.version = manager.version(host) if self.booted else None
        self.manager_may_lower = may_lower(host, "1")
        self._connection = None  # type: Optional[FrozenSet[str]]

    @property
    def connection(self) -> FrozenSet[str]:
        if self._connection is None:
            self._connection = connection_units(self.host)
        return self._connection

    def pids(self, state: UnitState) -> List[int]:
        return cgroup.pids(self.host, self.layout, state.control_group)


def prepare(host: Host, wishes: Sequence[Wish], allow: Allow) -> List[Case]:
    """A case for each wish, with its steps or its error. Raises WishError, ManagerError, UnsafePath, OSError."""
    return prepare_on(Ground(host, allow), wishes)


def prepare_on(ground: Ground, wishes: Sequence[Wish]) -> List[Case]:
    currents = survey(ground.host, wishes)
    ids = [current.unit.name if current.exists else None for current in currents]
    left = standing(wishes, ids)
    conflict = alias_conflict([wishes[at] for at in left], [ids[at] for at in left])
    if conflict:
        raise WishError(conflict)
    named = frozenset((currents[at].unit.name, wishes[at].dropin) for at in left if wishes[at].state == "present")
    cases = [Case(wishes[at], currents[at].without(named)) for at in left]
    for case in cases:
        _judge(ground, case)
    _judge_together(ground, [case for case in cases if case.goes_on])
    for case in cases:
        if case.goes_on and case.steps:
            case.status = CHANGED
    return cases


def _missing(case: Case) -> bool:
    """True where there is nothing to do for a unit that is not there or masked."""
    wish, current = case.wish, case.current
    if wish.state == "absent":
        return False
    if not current.exists:
        status, text = ABSENT, "it is not installed"
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
    said = guards.ownership(current) or guards.breadth(current, wish, allow)
    said = said or guards.consistency(wish, ground.ram, allow) or guards.inheritance(current, wish, allow)
    if said:
        return said
    said = guards.loosening(current, wish, current.files(ground.host, None), ground.ram, allow)
    if said:
        return said
    for state in current.running:
        used = cgroup.usage(ground.host, ground.layout, state.control_group)
        if used is None:
            used = state.number("MemoryCurrent")
        swapped = cgroup.swap_usage(ground.host, ground.layout, state.control_group)
        said = guards.room(state, wish, used, swapped, ground.ram, allow)
        if said:
            return said
    return None


def _judge(ground: Ground, case: Case) -> None:
    case.ram = ground.ram
    if _missing(case):
        return
    unknown = guards.support(case.current, case.wish, ground.version)
    if unknown and not ground.allow.unsupported:
        case.fail("%s. %s ignore_unsupported=true leaves it out" % ("; ".join(unknown.values()), UNTOUCHED))
        return
    if unknown:
        case.notes += ["left out: %s" % reason for reason in unknown.values()]
        kept = {option: text for option, text in case.wish.settings.items() if option not in unknown}
        case.wish = case.wish._replace(settings=kept)
        if not kept:
            case.notes.append("nothing is left to set")
            case.status = ABSENT
            return
    said = _refused(ground, case)
    if said:
        case.fail("%s. %s" % (said, UNTOUCHED))
        return
    after = wanted_file(case.current, case.wish)
    files = look(ground, case, after)
    case.notes += [
        "%s, line %d, %r does nothing: %s" % (path, line.line, line.text, line.reason) for path, line in mistyped(files, case.current.unit.type)
    ]
    case.notes += guards.cautions(case.wish, ground.ram)
    if case.wish.state == "present":
        _shadows(ground, case)
        if not case.goes_on:
            return
    _plan(ground, case)


def look(ground: Ground, case: Case, after: Optional[bytes]) -> List[UnitFile]:
    """The unit's files, and which of them gives each setting that this systemd knows; with ours as it will be."""
    current = case.current
    files = current.files(ground.host, after)
    case.files = _known(ground, files, current)
    if current.state is None:
        case.of_instance = {state.id: _known(ground, current.files(ground.host, after, state), current) for state in current.running}
    return files


def _known(ground: Ground, files: List[UnitFile], current: Current) -> Dict[str, Origin]:
    kind = current.unit.type
    return {option: origin for option, origin in origins(files, kind).items() if unsupported(BY_OPTION[option], kind, ground.version) is None}


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


def earlier_of(ground: Ground, case: Case, state: UnitState, score: int) -> FrozenSet[int]:
    """Scores that tell: this process has what systemd gave it at its start, not one of its own.

    What the plan found stays true until the unit is restarted.
    """
    restarted = state.id in case.restarted
    if state.id in case.earlier and not restarted:
        return case.earlier[state.id] - {score}
    origin = case.origins_of(state).get("oom_score_adjust")
    if not restarted and origin is not None and origin.path == case.current.path and case.current.before is None:
        # Our file comes only now: whoever runs was started under another one, or under none.
        instance = state if case.current.state is None else None
        origin = _known(ground, case.current.files(ground.host, None, instance), case.current).get("oom_score_adjust")
    found = earlier_scores(ground.host, state, score, origin.path if origin is not None else None, ground.manager_may_lower)
    if origin is None and not restarted:
        found |= {default_score(None)}
    return found - {score}


def _score_in(files: Dict[str, Origin]) -> int:
    origin = files.get("oom_score_adjust")
    return default_score(origin.value if origin is not None else None)


def wanted_score(case: Case, state: UnitState) -> int:
    """What the files give this unit, or this instance."""
    return _score_in(case.origins_of(state))


def _plan(ground: Ground, case: Case) -> None:
    score = None  # type: Optional[int]
    if "oom_score_adjust" in managed(case.current, case.wish):
        score = _score_in(case.files)
        for state in case.current.running:
            wanted = wanted_score(case, state)
            # Now: once our file is written, every running process is older than it.
            case.earlier[state.id] = earlier_of(ground, case, state, wanted)
            case.rows[state.id] = _rows(ground, state, wanted, case.earlier[state.id])
    case.steps = steps(case.current, case.wish, case.origins_of, ground.ram, score, case.rows)
    if case.wish.apply == "next_start":
        case.rows = {name: [_as_it_stays(row) for row in rows] for name, rows in case.rows.items()}
    if case.steps.write and case.current.before is None:
        case.hidden = _hidden(ground, case)
    if case.steps.restart:
        _spare(ground, case)


def _as_it_stays(row: Score) -> Score:
    return row._replace(after=row.before, state="older") if row.before != row.after else row


def _hidden(ground: Ground, case: Case) -> FrozenSet[str]:
    """What a file of our name in a folder of lower rank sets: systemd does not read it any more."""
    current = case.current
    files = current.files(ground.host, None, current.shown if current.state is None else None)
    return frozenset(_known(ground, [file for file in files if file.path.endswith("/" + current.dropin)], current))


def _rows(ground: Ground, state: UnitState, score: int, earlier: FrozenSet[int]) -> List[Score]:
    group = state.control_group
    if group is None:
        return []
    return apply_scores(ground.host, group, lambda: ground.pids(state), score, earlier, False)[0]


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


def _judge_together(ground: Ground, cases: List[Case]) -> None:
    present = [case for case in cases if case.wish.state == "present" and case.steps]
    for option in ("memory_max", "memory_min"):
        new = {}  # type: Dict[str, Value]
        for case in present:
            text = case.wish.settings.get(option)
            value = BY_OPTION[option].expected(text, ground.ram) if text is not None else None
            if isinstance(value, int):
                new[case.name] = value
        if new and ground.booted:
            said = guards.total(_limits(ground.host, option), new, ground.ram, ground.allow, option)
            for case in cases:
                if said and case.name in new:
                    case.fail("%s. %s" % (said, UNTOUCHED))
    _forecast(ground, [case for case in present if case.goes_on])


def _limits(host: Host, option: str) -> Dict[str, Optional[Value]]:
    key = BY_OPTION[option].key
    ran = host.run(["systemctl", "--no-pager", "show", "--property=Id," + key, "*.service"])
    return {block.get("Id", ""): BY_OPTION[option].believed(block.get(key)) for block in parse_show(ran.stdout)}


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
