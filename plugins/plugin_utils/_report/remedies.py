# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a problem: a sentence, and a command to paste that only looks (--check) until a person takes that
away.

Names out of the facts are chosen by whoever runs the process. A name gets into a command only when it is made of
letters, digits and a few signs that no shell and no template reads; otherwise there is the sentence alone.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import exact, human

from .host import Json, number, whole
from .likeness import WATCHERS
from .origin import is_elsewhere

_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}\.(?:service|slice)")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_GROUP = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._*-]{0,100}")
_COMM = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@-]{0,30}")
_MOST_HOSTS = 8
_STEP = 64 << 20
#: The next limit, by the last one; and the share of the host that it may not exceed.
_MORE, _ROOM = 1.5, 0.8
_SCORE = {"high": -500, "normal": -100}
_LOOK = "--check --diff"
#: constraint -> what helps: a score would only choose another victim, and swap is not what a node is short of.
_NODES = {
    "CONSTRAINT_CPUSET": (
        "The memory nodes that the cpuset allows were full; the others may have had room. Allow it more of them"
        " (AllowedMemoryNodes= of the unit, or cpuset.mems of the cgroup or container)."
    ),
    "CONSTRAINT_MEMORY_POLICY": (
        "The memory nodes that the memory policy allows were full; the others may have had room. Allow it more of them"
        " (NUMAPolicy= and NUMAMask= of the unit, or what numactl starts it with)."
    ),
}


def _hosts(problem: Json) -> str | None:
    """For -e memops_hosts=: the names, or the pattern that they share."""
    names = list(problem["hosts"])
    if problem["hosts_total"] == len(names) <= _MOST_HOSTS:
        return ",".join(names) if all(_HOST.fullmatch(name) for name in names) else None
    return f"'{problem['host_group']}'" if _GROUP.fullmatch(problem["host_group"]) else None


def _playbook(name: str, problem: Json, *more: str) -> str | None:
    hosts = _hosts(problem)
    if hosts is None:
        return None
    return " ".join([f"ansible-playbook memops.linux.{name} -e memops_hosts={hosts}", *more])


def _protect(problem: Json, **settings: t.Any) -> str | None:
    """The role's variable on the command line: JSON in single quotes, of names that hold none."""
    service = {"name": problem["subject"], **settings}
    if not _UNIT.fullmatch(problem["subject"]):
        return None
    return _playbook("protect", problem, f"-e '{json.dumps({'oom_protect_services': [service]})}'", _LOOK)


def _swap(problem: Json) -> str | None:
    # As JSON: of path=... size=..., typed after -e, Ansible makes two variables.
    files = json.dumps({"oom_swap_files": [{"path": "/swapfile", "size": "auto"}]})
    return _playbook("swap", problem, f"-e '{files}'", _LOOK)


def _victims(problem: Json) -> str | None:
    return _playbook("victims", problem)


def _facts(entries: t.Mapping[str, Json], problem: Json) -> list[Json]:
    """Of its hosts; memory and settings beside another machine's log are not those of that machine."""
    found = [entries[host]["oom"] for host in problem["hosts"] if host in entries]
    return [oom for oom in found if oom and not is_elsewhere(oom)]


def _is_elsewhere(entries: t.Mapping[str, Json], problem: Json) -> bool:
    return any(is_elsewhere(entries[host]["oom"]) for host in problem["hosts"] if host in entries)


def _look_again(entries: t.Mapping[str, Json], problem: Json, said: str) -> tuple[str, str | None]:
    """A log that was brought here has no more for root."""
    if _is_elsewhere(entries, problem):
        return f"{said} See whether there is more of it.", None
    return f"{said} Look again, as root.", _playbook("facts", problem, "--become")


def _memory(entries: t.Mapping[str, Json], problem: Json) -> int | None:
    """Of the smallest of its hosts."""
    memories = [oom.get("memory") for oom in _facts(entries, problem)]
    totals = [whole(number(memory.get("total"))) for memory in memories if isinstance(memory, dict)]
    return min((total for total in totals if total), default=None)


def _new_limit(entries: t.Mapping[str, Json], problem: Json) -> int | None:
    """Half as much again, in whole steps; None where the last one is not known, or the host has no such room."""
    if problem["limit_size"] is None:
        return None
    wanted = -int(-problem["limit_size"] * _MORE // _STEP) * _STEP
    total = _memory(entries, problem)
    return wanted if total is None or wanted <= _ROOM * total else None


def _own_limit(entries: t.Mapping[str, Json], problem: Json) -> tuple[str, str | None]:
    was = f" of {human(problem['limit_size'])}" if problem["limit_size"] else ""
    wanted = _new_limit(entries, problem)
    if wanted is not None:
        said = f"Its own limit{was} was reached. Give it {human(wanted)}, or find out what grows in it."
        return said, _protect(problem, memory_max=exact(wanted))
    if problem["limit_size"] is not None:
        said = (
            f"Its own limit{was} was reached, and half as much again would leave the host little. Find out what grows"
            " in it."
        )
        return said, _victims(problem)
    return "Its own limit was reached. Raise memory_max above what it needs, or find out what grows in it.", _victims(
        problem
    )


def _limit(entries: t.Mapping[str, Json], problem: Json) -> tuple[str, str | None]:
    """A cgroup was full: the unit's own, a slice above it, or a container's."""
    last = str(problem["limit"] or "").rpartition("/")[2]
    if problem["subject_kind"] == "container":
        return (
            "The limit of the container was reached. Raise it where the container is defined (memory of the engine,"
            " resources.limits.memory of the pod), or find out what grows in it.",
            None,
        )
    if last == problem["subject"] and problem["subject_kind"] == "unit":
        return _own_limit(entries, problem)
    if not last:
        return "A memory limit was reached, and the log does not say whose.", _victims(problem)
    if last.endswith(".slice"):
        wanted = _new_limit(entries, problem)
        settings = {"memory_max": exact(wanted)} if wanted else None
        command = _protect({**problem, "subject": last}, **settings) if settings else None
        return (
            f"The limit of {last}, which it shares with others, was reached. Raise that one, or give the greedy ones a"
            " limit of their own.",
            command or _victims(problem),
        )
    return f"The limit of {problem['limit']} was reached. Raise it where it is set, or find out what grows in it.", None


def _global(entries: t.Mapping[str, Json], problem: Json) -> tuple[str, str | None]:
    """The whole host was short, or the part of its memory that a cpuset or a policy leaves."""
    nodes = _NODES.get(problem["constraint"])
    if nodes is not None:
        return nodes, None
    if problem["criticality"] != "low" and problem["subject_kind"] == "unit":
        score = _SCORE[problem["criticality"]]
        if problem["lowest_adj"] is not None and problem["lowest_adj"] <= score:
            return "The whole host was short of memory, and its score was low already. Give the host room.", _swap(
                problem
            )
        command = _protect(problem, oom_score_adjust=score)
        if command is not None:
            return (
                "The whole host was short of memory. Let others die before it, and give the host room (the playbook"
                " memops.linux.swap).",
                command,
            )
    # Of a process without a unit nothing says what it is worth.
    cheap = ", and this was the cheapest to lose" if problem["criticality"] == "low" else ""
    return f"The whole host was short of memory{cheap}. Give the host room.", _swap(problem)


def _watched(entries: t.Mapping[str, Json], problem: Json) -> tuple[str, str | None]:
    """A killer in user space chose it before the kernel had to."""
    killer = problem["killers"][0] if problem["killers"] else "a daemon"
    if killer == "systemd-oomd":
        return (
            "systemd-oomd killed it for swap or for memory pressure. Let it avoid this unit, or give the host room.",
            _protect(problem, managed_oom_preference="avoid") or _swap(problem),
        )
    return (
        f"{killer} killed it before the kernel had to. Give the host room, or name it in what {killer} avoids.",
        _swap(problem),
    )


def _unresolved(entries: t.Mapping[str, Json], problem: Json) -> tuple[str, str | None]:
    if problem["subject"] == "panic":
        settings = [oom.get("settings") for oom in _facts(entries, problem)]
        values = [found.get("panic_on_oom") for found in settings if isinstance(found, dict)]
        if any(value not in (0, None) for value in values):
            command = _playbook("swap", problem, "-e oom_swap_vm_settings=panic_on_oom=0", _LOOK)
            return "The kernel panics where it could kill one process: vm.panic_on_oom is set. Set it to 0.", command
        return (
            "The kernel found nothing that it may kill, and panicked. See who may be killed, and take back scores of"
            " -1000.",
            _victims(problem),
        )
    if problem["subject"] == "no_victim":
        return "Nothing may be killed there. See who may, and take back scores of -1000.", _victims(problem)
    if problem["subject"] == "rule_fired":
        return "A rule of systemd-oomd fired and killed nothing. Give the host room.", _swap(problem)
    return _look_again(entries, problem, "The log has the beginning of the kernel's report and not its end.")


def _told(entries: t.Mapping[str, Json], problem: Json) -> tuple[str, str | None]:
    if problem["kind"] == "shortage":
        return _unresolved(entries, problem)
    if problem["by_hand"]:
        return "It was asked for by hand (sysrq-f). Nothing needs to be done.", None
    if problem["killers"] and problem["killers"][0] in WATCHERS:
        return _watched(entries, problem)
    if problem["scope"] == "memcg":
        return _limit(entries, problem)
    if problem["scope"] == "global":
        return _global(entries, problem)
    return _look_again(entries, problem, "The log does not say who was short of memory.")


def remedy(problem: Json, entries: t.Mapping[str, Json]) -> Json:
    """text -- what to do; command -- what to paste, None where there is none; looks -- it changes nothing as it is"""
    said, command = _told(entries, problem)
    if _is_elsewhere(entries, problem):
        # A command would name the machine that read the log.
        todo = "" if problem["by_hand"] else " That is to be done on the machine that the log is of."
        return {"text": said + todo, "command": None}
    return {"text": said, "command": command}
