# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""suggestions.yml: a list for oom_protect_services, out of kills, restarts and peaks. To be read by a person; nothing
applies it.

Names out of the facts are chosen by the user who runs the process, and Ansible runs templates out of variable files.
So only names of letters, digits and a few signs get through, and every comment is made of numbers and of such names.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import exact, human
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json, whole
from ansible_collections.memops.linux.plugins.plugin_utils._report.words import some

from .context import context

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}\.service")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
#: What Ansible comes in by, where it is not ssh: connection plugin -> the units of its agent.
AGENTS = {
    "aws_ssm": ("amazon-ssm-agent.service",),
    "salt": ("salt-minion.service",),
    "saltstack": ("salt-minion.service",),
    "qubes": ("qubes-qrexec-agent.service",),
    "proxmox_qemu_api": ("qemu-guest-agent.service",),
    "libvirt_qemu": ("qemu-guest-agent.service",),
    "vmware_tools": ("open-vm-tools.service",),
    "podman": (),
    "docker": (),
    "local": (),
}  # type: dict[str, tuple[str, ...]]
_SSH = ("ssh.service", "sshd.service")
_MIB = 1 << 20
#: A victim with less than this share of the memory did not cause the shortage.
_SMALL = 0.1
_BACK = ("on-failure", "on-abnormal", "always")
_SPARE_UNITS = re.compile(r"(?:user@|session-|run-|init\.)")


class Line(t.NamedTuple):
    """One setting and why."""

    option: str
    value: str
    reason: str


class Evidence:
    """What all hosts tell of one unit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hosts = set()  # type: set[str]
        self.own_limit = self.shortage = self.elsewhere = self.restarts = self.running = 0
        self.small = True
        self.is_volunteer = False
        self.floor = 0
        self.has_unknown_peak = False
        self.held = {}  # type: dict[str, int]
        self.lost = {}  # type: dict[str, int]
        self.peak = None  # type: int | None
        self.peak_host = ""
        self.limits = []  # type: list[t.Any]
        self.scores = set()  # type: set[int]
        self.restart = set()  # type: set[str]
        self.total = None  # type: int | None
        self.unlimited = False
        self.is_oneshot = False

    @property
    def kills(self) -> int:
        return self.own_limit + self.shortage + self.elsewhere

    def needs(self, host: str) -> int:
        """All of its instances at their peak, or what one had when it was killed."""
        return max(self.held.get(host, 0), self.lost.get(host, 0))

    def leaves_room(self, size: int) -> bool:
        """For limits of 1.2 and 1.5 times that: above what it is guaranteed, below what the host has."""
        return size * 1.2 >= self.floor and (self.total is None or size * 1.5 <= self.total)

    def see_kill(self, host: str, kill: Json, total: int | None) -> None:
        self.hosts.add(host)
        if (
            kill.get("scope") == "memcg"
            and str(kill.get("oom_memcg") or kill["unit"]).rpartition("/")[2] == kill["unit"]
        ):
            self.own_limit += 1
        elif kill.get("scope") == "global":
            self.shortage += 1
        else:
            self.elsewhere += 1  # a slice or a container around it, or nobody knows
        victim = kill["victim"]
        sizes = [whole(victim.get(key)) for key in ("anon_rss", "file_rss", "shmem_rss")]
        held = sum(size or 0 for size in sizes)
        if total is None or any(size is None for size in sizes) or held > _SMALL * total:
            self.small = False
        self.lost[host] = max(self.lost.get(host, 0), held)
        self.is_volunteer = self.is_volunteer or (whole(victim.get("oom_score_adj")) or 0) > 0

    def see_unit(self, host: str, unit: Json, total: int | None) -> None:
        if unit["load_state"] not in (None, "loaded"):
            return
        self.hosts.add(host)
        self.running += unit["active_state"] == "active"
        self.restarts = max(self.restarts, whole(unit["restarts"]) or 0)
        if unit["type"] == "oneshot":
            self.is_oneshot = True
        if isinstance(unit["restart"], str):
            self.restart.add(unit["restart"])
        score = whole(unit["oom_score_adjust"])
        if score is not None:
            self.scores.add(score)
            self.is_volunteer = self.is_volunteer or score > 0
        self.floor = max(self.floor, *(whole(unit[option]) or 0 for option in ("memory_min", "memory_low")))
        peak = whole(unit["memory_peak"])
        self.has_unknown_peak = self.has_unknown_peak or (peak is None and unit["active_state"] == "active")
        self.held[host] = self.held.get(host, 0) + (peak or whole(unit["memory_current"]) or 0)
        if peak is not None and (self.peak is None or peak > self.peak):
            self.peak, self.peak_host = peak, host
        if unit["memory_max"] is not None:
            self.limits.append(unit["memory_max"])
        if total is not None:
            self.total = total if self.total is None else min(self.total, total)


def _limit(size: float) -> str:
    """Up to a whole number of 16 MiB."""
    step = 16 * _MIB
    return exact(-(-int(size) // step) * step)


def _where(evidence: Evidence) -> str:
    names = sorted(name for name in evidence.hosts if _HOST.fullmatch(name))
    if len(evidence.hosts) == 1 and names:
        return f"on {names[0]}"
    return f"on {some(len(evidence.hosts), 'host')}"


def _restart(found: Evidence, why: str) -> t.Iterator[Line]:
    bad = sorted(word for word in found.restart if word not in _BACK and re.fullmatch(r"[a-z-]{1,20}", word))
    if bad and not found.is_oneshot:
        yield Line("restart", "on-failure", f"{why}; Restart={bad[0]} does not bring it back after an OOM kill")


def _sized(found: Evidence) -> t.Iterator[Line]:
    """Limits from what was seen. A peak that a limit cut off says only that more is needed."""
    numbers = [limit for limit in found.limits if isinstance(limit, int)]
    limit = max(numbers) if numbers else None
    if found.own_limit and limit is not None and found.leaves_room(limit):
        cut = f"killed {some(found.own_limit, 'time')} at its own limit of {human(limit)} {_where(found)}"
        yield Line("memory_high", _limit(limit * 1.2), f"{cut}; slow it down before the new limit")
        yield Line("memory_max", _limit(limit * 1.5), f"{cut}; 1.5 times that, unless it leaks")
    elif found.peak is not None and found.peak >= 16 * _MIB and not found.has_unknown_peak:
        yield from _sized_by_peak(found, found.peak, limit)


def _sized_by_peak(found: Evidence, peak: int, limit: int | None) -> t.Iterator[Line]:
    if not found.leaves_room(peak):
        return
    if limit is None:
        before = f", and no limit; killed in {some(found.shortage, 'shortage')} of the host"
        is_wanted = found.shortage > 0
    else:
        before = f", the limit is {human(limit)}"
        is_wanted = limit > 4 * peak
    if is_wanted:
        seen = f"MemoryPeak {human(peak)}"
        if _HOST.fullmatch(found.peak_host):
            seen += f" on {found.peak_host}"
        yield Line("memory_high", _limit(peak * 1.2), f"{seen}{before}; 1.2 times the peak")
        yield Line("memory_max", _limit(peak * 1.5), f"{seen}; 1.5 times the peak")


class _Budget:
    """What is spared has to be less than what can be taken: half of a host's memory is protected at most."""

    def __init__(self, totals: dict[str, int], found: t.Iterable[Evidence]) -> None:
        self._left = {host: total // 2 for host, total in totals.items()}
        self.refused = 0
        for one in found:
            if any(score < 0 for score in one.scores):
                self._take(one)

    def _take(self, one: Evidence) -> None:
        for host in one.hosts & self._left.keys():
            self._left[host] -= one.needs(host)

    def takes(self, one: Evidence) -> bool:
        fits = all(one.needs(host) <= self._left.get(host, 0) for host in one.hosts)
        if fits:
            self._take(one)
        else:
            self.refused += 1
        return fits


def _victim(found: Evidence, budget: _Budget) -> list[Line]:
    lines = []
    # Who has a score above 0 is meant to die.
    if (
        found.shortage
        and found.small
        and not found.is_volunteer
        and not any(score < 0 for score in found.scores)
        and budget.takes(found)
    ):
        why = (
            f"killed {some(found.shortage, 'time')} in a shortage of the host {_where(found)}, each time with less than"
            " 10 % of its memory"
        )
        lines.append(Line("oom_score_adjust", "-500", why))
    if found.kills:
        lines += _restart(found, f"killed {some(found.kills, 'time')} {_where(found)}")
    elif found.restarts >= 3:
        lines += _restart(found, f"restarted {some(found.restarts, 'time')}")
    return lines + list(_sized(found))


def _way_in(found: Evidence, connection: str) -> list[Line]:
    """sshd keeps its listener at -1000 itself, and what it is given every login inherits: no more than a little below
    0.
    """
    lines = []
    score = -200 if found.name in _SSH else -500
    if not found.scores or max(found.scores) > score:
        killed = f"killed {some(found.kills, 'time')}; " if found.kills else ""
        inherits = (
            "every login inherits it, and the listener keeps its -1000"
            if found.name in _SSH
            else "what it starts inherits it"
        )
        lines.append(
            Line("oom_score_adjust", str(score), f"{killed}the way in ({connection}) {_where(found)}; {inherits}")
        )
    return lines + list(_restart(found, "the way in"))


def _collect(report: Json) -> tuple[dict[str, Evidence], dict[str, int], int]:
    """Units by name, all instances of a template together; the memory of each host; and how many names were refused."""
    found = {}  # type: dict[str, Evidence]
    totals = {}  # type: dict[str, int]
    refused = set()  # type: set[str]

    def evidence(name: t.Any) -> Evidence | None:
        if not isinstance(name, str) or not name.endswith(".service"):
            return None
        try:
            unit = parse_unit_name(name) if _NAME.fullmatch(name) else None
        except ValueError:
            unit = None
        if unit is None or unit.name != name:
            refused.add(name)
            return None
        key = unit.template or name
        return None if _SPARE_UNITS.match(name) else found.setdefault(key, Evidence(key))

    for host, entry in report["hosts"].items():
        if entry["oom"] is None:
            continue
        facts = context(entry["oom"])
        total = whole(facts["memory"].get("total"))
        if total is not None:
            totals[host] = total
        for kill in facts["kills"] or ():
            one = evidence(kill["unit"])
            if one is not None and kill.get("trigger") != "sysrq":
                one.see_kill(host, kill, total)
        for unit in facts["units"] or ():
            one = evidence(unit["name"])
            if one is not None:
                one.see_unit(host, unit, total)
    return found, totals, len(refused)


def suggest(report: Json, connections: t.Mapping[str, str]) -> tuple[list[tuple[str, list[Line]]], int, int]:
    """(unit, lines), the way in first, then what was killed most; how many names were refused; how many would be too
    much to protect.

    connections -- connection plugin by host
    """
    found, totals, refused = _collect(report)
    ways = {}  # type: dict[str, str]
    for host in report["hosts"]:
        kind = str(connections.get(host) or "ssh").rpartition(".")[2]
        for name in AGENTS.get(kind, _SSH):
            ways.setdefault(name, kind if re.fullmatch(r"[a-z_]{1,30}", kind) else "ssh")
    for name in _SSH:  # people come in by it, whatever Ansible does
        ways.setdefault(name, "ssh")
    # ssh first: it is what a person uses when nothing else answers
    made = [
        (name, _way_in(found[name], ways[name]))
        for name in sorted(ways, key=lambda one: (one not in _SSH, one))
        if name in found and found[name].hosts
    ]
    rest = sorted(
        (one for name, one in found.items() if name not in ways), key=lambda one: (-one.kills, -one.restarts, one.name)
    )
    budget = _Budget(totals, found.values())
    made += [(one.name, _victim(one, budget)) for one in rest]
    return [(name, lines) for name, lines in made if lines], refused, budget.refused


def render(report: Json, connections: t.Mapping[str, str]) -> str:
    """The YAML text."""
    made, refused, heavy = suggest(report, connections)
    known = sum(entry["oom"] is not None for entry in report["hosts"].values())
    lines = [
        "---",
        (
            "# Proposed by memops.linux from what the hosts tell: kills, restarts and peaks. Read it, change it, then"
            " use it"
        ),
        "# with the role memops.linux.oom_protect. Nothing applies it by itself.",
        f"# {some(known, 'host')} of {len(report['hosts']):,} could be read.",
    ]
    if refused:
        lines.append(
            f"# {some(refused, 'unit')} left out: the name has signs that do not belong into a file of variables."
        )
    if heavy:
        lines.append(
            f"# {some(heavy, 'unit')} killed in a shortage left as they are: together they would spare more than half"
            " of the memory of a host."
        )
    if not made:
        return "\n".join([*lines, "oom_protect_services: []", ""])
    lines.append("oom_protect_services:")
    for name, settings in made:
        lines += [f"  - name: '{name}'", "    missing: skip"]
        for option, value, reason in settings:
            shown = value if option == "oom_score_adjust" else f"'{value}'"
            lines += [f"    # {reason}", f"    {option}: {shown}"]
    return "\n".join([*lines, ""])
