# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts contract: kills and reports of sources as ``ansible_facts.oom``. Every string leaves here printable."""

import json
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Task, Unresolved, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import container_of, leaf_unit_of, unit_of
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name
from ansible_collections.memops.linux.plugins.module_utils._text import optional_printable, printable

from .ledger import Entry, Ledger, kill_id
from .proof import KERNEL, LOGGED, rank
from .rows import LIST_BYTES, MAX_COMM, invoker_facts, source_of
from .totals import Totals

if TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.module_utils._analysis.explain import Explanation

    from .params import Only

SCHEMA = 1
#: What comes back over ssh costs the controller more than the scan costs the host.
RESULT_BYTES = 250_000
_MAX_COUNTED = 200
#: What is left of a kill's reason beside its sentence where the result has no room.
#: Percent of the room in which the newest keep theirs, though more kills would have room without.
_DETAILED = 60
_NO_DETAILS = {"cause": [], "contest": None, "ledger": None}  # type: Dict[str, Any]
_MAX_SOURCES = 200


def unit_facts(kill: Kill) -> Kill:
    """The kill with unit and container id from the victim's cgroup, or the group's."""
    cgroup = kill.task_memcg or kill.group_memcg
    if cgroup is None and kill.scope == "memcg" and kill.trigger == "group":
        cgroup = kill.oom_memcg
    if cgroup is None:
        return kill
    if kill.killer == "systemd-oomd":
        kill = kill._replace(unit=leaf_unit_of(cgroup))  # it kills a whole cgroup, and that is a unit
    return kill._replace(unit=kill.unit or unit_of(cgroup), container_id=kill.container_id or container_of(cgroup))


def _task(task: Task, badness: Dict[int, int]) -> Dict[str, Any]:
    fields = dict(zip(Task._fields, task))  # type: Dict[str, Any]
    fields["comm"] = optional_printable(task.comm, MAX_COMM)
    fields["badness"] = badness.get(task.pid)
    return fields


def _container(identity: Optional[str]) -> Optional[Dict[str, Optional[str]]]:
    """What the log alone tells of it; the names are on the disk of the host, where anybody has them."""
    if identity is None:
        return None
    return {"id": identity, "name": None, "image": None, "pod": None, "namespace": None, "engine": None}


def kill_facts(entry: Entry, identity: str, explanation: Optional["Explanation"] = None) -> Dict[str, Any]:
    """One kill as the facts contract has it, and why."""
    kill = entry.kill
    victim = dict(kill.victim._asdict())
    victim["comm"] = optional_printable(kill.victim.comm, MAX_COMM)
    facts = {
        "id": identity,
        "time": kill.line.time,
        "time_quality": kill.line.time_quality,
        "host": optional_printable(kill.line.host),
        "boot_id": optional_printable(kill.line.boot_id),
        "uptime": kill.line.uptime,
        "killer": kill.killer,
        "scope": kill.scope,
        "trigger": kill.trigger,
        "constraint": optional_printable(kill.constraint),
        "victim": victim,
        "invoker": invoker_facts(kill.invoker),
        "oom_memcg": optional_printable(kill.oom_memcg),
        "task_memcg": optional_printable(kill.task_memcg),
        "unit": optional_printable(kill.unit),
        "container_id": optional_printable(kill.container_id),
        "container": _container(optional_printable(kill.container_id)),
        "kernel": optional_printable(kill.kernel),
        "partial": kill.partial,
        "proof": entry.proof or (KERNEL if kill.line.trusted else LOGGED),
        "source": source_of(kill.line, entry.seen_in),
    }  # type: Dict[str, Any]
    if explanation is not None:
        facts.update(explanation.as_facts())
    if kill.tasks is not None:
        badness = explanation.selection.badness if explanation is not None and explanation.selection is not None else {}
        facts["tasks"] = [_task(task, badness) for task in kill.tasks]
        facts["page_size"] = kill.page_size
    return facts


def identities(entries: Sequence[Entry]) -> List[str]:
    """Their ids; two that print the same numbers get different ones, by their clock."""
    found = []  # type: List[str]
    used = set()  # type: Set[str]
    twins = {}  # type: Dict[str, int]
    for entry in entries:
        identity = kill_id(entry.kill)
        if identity in used:
            line = entry.kill.line
            again = line.uptime if line.uptime is not None else line.time
            identity = kill_id(entry.kill._replace(killer="%s %r" % (entry.kill.killer, again)))
        if identity in used:  # at the same moment, too
            twins[identity] = twins.get(identity, 0) + 1
            identity = kill_id(entry.kill._replace(killer="%s %r %d" % (entry.kill.killer, again, twins[identity])))
        used.add(identity)
        found.append(identity)
    return found


def kills_facts(
    entries: Sequence[Entry],
    include_tasks: bool = False,
    swap_total: Optional[int] = None,
    room: Optional[int] = None,
    ids: Optional[Sequence[str]] = None,
) -> List[Dict[str, Any]]:
    """All kills and why.

    include_tasks -- with the task tables that they have
    swap_total -- the swap of the host that they are from, where it is known
    room -- what the task tables may take, in bytes; those of the oldest kills are left out first
    ids -- theirs, where they are known already
    """
    explanations = ()  # type: Sequence[Explanation]
    if entries:
        from .explanations import explanations_of, without_old_tables

        explanations = explanations_of(entries, swap_total)
        if room is not None or not include_tasks:
            entries = without_old_tables(entries, (room or 0) if include_tasks else 0)
    ids = identities(entries) if ids is None else ids
    return [
        kill_facts(entry, identity, explanation) for entry, identity, explanation in zip(entries, ids, explanations)
    ]


def _most(counts: Dict[str, int], names: bool = False) -> Dict[str, int]:
    """The biggest counts, with printable names; equal names after that add up."""
    merged = {}  # type: Dict[str, int]
    for name, count in counts.items():
        shown = printable(name[:MAX_COMM] if names else name[:1024])
        merged[shown] = merged.get(shown, 0) + count
    ranked = sorted(merged.items(), key=lambda item: (-item[1], item[0]))
    kept = {}  # type: Dict[str, int]
    room = LIST_BYTES
    for shown, count in ranked[:_MAX_COUNTED]:
        room -= len(json.dumps(shown)) + 12
        if room >= 0:
            kept[shown] = count
    return kept


def summary_facts(totals: Totals) -> Dict[str, Any]:
    return {
        "total": totals.kills,
        "untrusted": totals.untrusted,
        "by_proof": dict(totals.by_proof),
        "by_unit": _most(totals.by_unit),
        "by_comm": _most(totals.by_comm, names=True),
        "by_killer": _most(totals.by_killer),
        "first": totals.first,
        "last": totals.last,
    }


def source_facts(reports: Sequence[SourceReport]) -> List[Dict[str, Any]]:
    found = []
    for report in reports[:_MAX_SOURCES]:
        fields = dict(report._asdict())
        fields["name"] = printable(report.name)
        fields["reason"] = optional_printable(report.reason or fields["left_out"])
        del fields["left_out"]
        found.append(fields)
    if len(reports) > _MAX_SOURCES:
        found.append(
            {"name": "%d more" % (len(reports) - _MAX_SOURCES), "status": "skipped", "reason": "not listed here"}
        )
    return found


def fit(facts: Dict[str, Any], limit: int = RESULT_BYTES) -> None:
    """Let the oldest kills go until the result fits, those first for which least speaks; `truncated` counts them.

    Task tables go before any kill does, then what a reason is made of, again the oldest first; `tables_truncated` and
    `details_truncated` count those. The sentence stays.
    """
    kills = facts.pop("kills")
    tables = {at: {"tasks": kills[at].pop("tasks")} for at in range(len(kills)) if "tasks" in kills[at]}
    details = {
        at: {name: kill[name] for name in _NO_DETAILS}
        for at, kill in enumerate(kills)
        if any(map(kill.get, _NO_DETAILS))
    }
    for at in details:
        kills[at].update(_NO_DETAILS)
    room = limit - len(json.dumps(facts)) - 32
    newest_first = sorted(range(len(kills)), key=lambda at: (rank(kills[at]["proof"]), at), reverse=True)
    kept = []  # type: List[int]
    detailed = room * _DETAILED // 100
    for at in newest_first:
        size, more = len(json.dumps(kills[at])) + 2, len(json.dumps(details[at])) if at in details else 0
        if more and size + more <= detailed:
            kills[at].update(details.pop(at))
            size += more
        detailed -= size
        room -= size
        if room < 0:
            break
        kept.append(at)
    room = _put_back(kills, kept, details, room)
    _put_back(kills, kept, tables, room)
    without = sum(1 for at in kept if at in details)
    if without:
        facts["details_truncated"] = without
    if tables:
        facts["tables_truncated"] = facts.get("tables_truncated", 0) + len(tables)
    facts["kills"] = [kills[at] for at in sorted(kept)]
    facts["truncated"] = facts.get("truncated", 0) + len(kills) - len(kept)


def _put_back(kills: List[Dict[str, Any]], kept: Sequence[int], parts: Dict[int, Dict[str, Any]], room: int) -> int:
    """What there is room for, the newest first; what is left over stays in parts. The room that is left then."""
    for at in kept:
        if at in parts:
            room -= len(json.dumps(parts[at])) + 2
            if room < 0:
                return 0
            kills[at].update(parts.pop(at))
    return max(room, 0)


def kill_section(  # noqa: PLR0913 # what was found, and how to show it
    ledger: Ledger,
    unresolved: Sequence[Unresolved],
    unparsed: Unparsed,
    verdicts: Sequence[Verdict] = (),
    include_tasks: bool = False,
    swap_total: Optional[int] = None,
    room: Optional[int] = None,
    only: "Optional[Tuple[Only, int]]" = None,
) -> Dict[str, Any]:
    """The kills and what goes with them.

    include_tasks, swap_total -- as for kills_facts()
    room -- what the task tables may take of the result, in bytes; None is no limit
    only -- which of them were asked for, and how many of those at most
    """
    told = [entry.kill for entry in ledger.kept()]
    first = next((kill.line.time for kill in told if kill.line.time is not None), None)
    named = ledger.kept()
    if verdicts:  # most hosts have none, and do not load what reads them
        from .unit_results import name_units
        from .verdict_kills import kills_of_verdicts

        for kill in kills_of_verdicts(verdicts, told, first if ledger.truncated else None):
            ledger.add(kill)
        ledger.grades.confirm_by_pid_1(verdicts, told)
        named = name_units(ledger.kept(), verdicts)
    ids = identities(named)
    chosen = list(zip(named, ids))
    if only is not None:
        from .only import wants

        wanted, most = only
        chosen = [(entry, identity) for entry, identity in chosen if wants(wanted, entry.kill, identity)]
        chosen = chosen[max(0, len(chosen) - most) :]
        others = ledger.leave_out(len(named) - len(chosen))
    entries = ledger.close([entry for entry, _identity in chosen])
    rows, left_out = [], 0  # type: List[Dict[str, Any]], int
    if unresolved:
        from .oom_without_kill import unresolved_facts, without_found

        rows, left_out = unresolved_facts(without_found(unresolved, [entry.kill for entry in named]), ledger.grades)
    kills = kills_facts(entries, include_tasks, swap_total, room, [identity for _entry, identity in chosen])
    section = {
        "kills": kills,
        "truncated": ledger.truncated,
        "unresolved": rows,
        "unresolved_truncated": left_out,
        "summary": summary_facts(ledger.totals),
        "unparsed": unparsed.count,
        "unparsed_samples": [printable(sample) for sample in unparsed.samples],
        "quoted": unparsed.quoted,
        "confirmed_units": verdict_units(verdict.unit for verdict in verdicts),
    }  # type: Dict[str, Any]
    if only is not None:
        section["only"] = dict(only[0].as_facts(), left_out=others)
    tables = sum(entry.kill.tasks is not None for entry in entries) - sum("tasks" in kill for kill in kills)
    if tables and include_tasks:
        section["tables_truncated"] = tables
    return section


def verdict_units(units: Iterable[Optional[str]]) -> List[str]:
    """Units that systemd says lost a process to the OOM killer, each once, sorted; not more than a list may hold.

    What is no unit's name is left out: a line of a text log may hold anything.
    """
    names = sorted({unit for unit in units if unit and _is_unit_name(unit)})
    room = LIST_BYTES
    for count, name in enumerate(names):
        room -= len(json.dumps(name)) + 2
        if room < 0:
            return names[:count]
    return names


def _is_unit_name(text: str) -> bool:
    try:
        return parse_unit_name(text).name == text
    except ValueError:
        return False
