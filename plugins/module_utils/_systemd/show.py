# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd has loaded: units that were killed or protected, and whether a userspace killer runs.

One ``systemctl show``: about 0.6 ms of CPU a unit here and as much in pid 1 (systemd 247 to 257).
"""

import os
import shlex
from typing import AbstractSet, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._host import CommandFailed, Host
from ansible_collections.memops.linux.plugins.module_utils._procfs import parse_counter
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .unit_name import parse_unit_name

#: What the facts contract calls the daemon -> its units.
DAEMONS = {
    "systemd-oomd": ("systemd-oomd.service",),
    "earlyoom": ("earlyoom.service",),
    "nohang": ("nohang.service", "nohang-desktop.service"),
    "oomd": ("oomd.service",),
}

_PROPERTIES = (
    "Id",
    "Names",
    "LoadState",
    "ActiveState",
    "ActiveEnterTimestampMonotonic",
    "Result",
    "OOMScoreAdjust",
    "OOMPolicy",
    "MemoryCurrent",
    "MemoryHigh",
    "MemoryMax",
    "MemoryLimit",  # systemd 219 and cgroup v1
    "ControlGroup",
    "ExecMainCode",
    "ExecMainStatus",
    "ExecMainExitTimestampMonotonic",
    "DropInPaths",
    "OOMKills",  # systemd 259, as is the next
    "ManagedOOMKills",
)
_MAX_UNITS = 200
_QUOTED = 60
#: A unit in one of these has processes, or may have some in a moment.
ACTIVE_STATES = ("active", "activating", "reloading", "deactivating", "refreshing")
#: CLD_EXITED, CLD_KILLED and CLD_DUMPED of siginfo_t.
_ENDS = {"1": "exited", "2": "killed", "3": "dumped"}
_UNSET = 2**64 - 1  # how systemd says "not set" or "infinity" in a number

Properties = Dict[str, str]


class SystemdView(NamedTuple):
    """units -- dicts of the facts contract, None: systemd could not be asked; daemons -- active, inactive, absent or
    None

    reason -- why nothing could be asked; left_out -- how many units more there are to tell of
    """

    units: Optional[List[Dict[str, Any]]]
    daemons: Dict[str, Optional[str]]
    reason: Optional[str] = None
    left_out: int = 0


def parse_show(text: str) -> Iterator[Properties]:
    """Blocks of ``Name=value`` with an empty line between them. A value never has a newline for these properties."""
    block = {}  # type: Properties
    for line in text.split("\n"):
        if not line:
            if block:
                yield block
            block = {}
            continue
        name, equals, value = line.partition("=")
        if equals:
            block[name] = value
    if block:
        yield block


class NotAnAnswer(ValueError):
    """What systemctl printed is not what it prints; the text quotes how it begins."""


def parse_units(text: str) -> List[Properties]:
    """The blocks of units, each with its name. Raises NotAnAnswer: an exit code of 0 makes no answer of
    anything else.
    """
    blocks = list(parse_show(text))
    if any(not block.get("Id") for block in blocks) or (text.strip() and not blocks):
        raise NotAnAnswer("systemctl printed something else than properties of units: %r" % text.strip()[:_QUOTED])
    return blocks


def number(text: Optional[str]) -> Optional[int]:
    """None for what is not there, ``[not set]``, ``infinity`` and the number that means either."""
    try:
        value = int(text or "")
    except ValueError:
        return None
    return None if value == _UNSET else value


def _seconds(text: Optional[str]) -> Optional[float]:
    """Since boot; None for never and for not known."""
    microseconds = number(text)
    return microseconds / 1e6 if microseconds else None


def oom_kills(host: Host, cgroup: Optional[str]) -> Optional[int]:
    """Kills in a unit's cgroup and below since it was made; None where this kernel does not say.

    cgroup v2 counts in memory.events, v1 (4.13 and newer) in memory.oom_control.
    """
    if not cgroup or not cgroup.startswith("/") or ".." in cgroup.split("/"):
        return None
    for path in ("/sys/fs/cgroup%s/memory.events", "/sys/fs/cgroup/memory%s/memory.oom_control"):
        data = host.read(path % ("" if cgroup == "/" else cgroup))
        if data is not None:
            return parse_counter(to_text(data), "oom_kill")
    return None


def _words(text: str) -> List[str]:
    """A name with a backslash is printed in quotes as for a shell, but not in Id=."""
    return shlex.split(text) if '"' in text else text.split()


def main_exit(block: Properties) -> Optional[Dict[str, Any]]:
    """How the main process ended; None while it runs, and where it ended well."""
    code, status = _ENDS.get(block.get("ExecMainCode") or ""), number(block.get("ExecMainStatus"))
    if code is None or status is None or (code == "exited" and status == 0):
        return None
    return {"code": code, "status": status, "uptime": _seconds(block.get("ExecMainExitTimestampMonotonic"))}


def _was_killed(unit: Dict[str, Any]) -> bool:
    """By SIGKILL, or with the exit code that passes it on."""
    ended = unit["main_exit"]
    return ended is not None and (ended["code"], ended["status"]) in (("killed", 9), ("exited", 137))


def unit_facts(host: Host, block: Properties) -> Dict[str, Any]:
    """One unit of the facts contract. memory_max None is no limit as well as unknown."""
    limit = number(block.get("MemoryMax"))
    return {
        "name": block["Id"],
        "names": [name for name in _words(block.get("Names", "")) if name != block["Id"]],
        "load_state": block.get("LoadState") or None,
        "result": block.get("Result") or None,
        "oom_kills": oom_kills(host, block.get("ControlGroup")),
        "oom_kills_by_systemd": number(block.get("OOMKills")),
        "managed_oom_kills": number(block.get("ManagedOOMKills")),
        "oom_score_adjust": number(block.get("OOMScoreAdjust")),
        "main_exit": main_exit(block),
        "active_state": block.get("ActiveState") or None,
        "active_since_uptime": _seconds(block.get("ActiveEnterTimestampMonotonic")),
        "memory_current": number(block.get("MemoryCurrent")),
        "memory_max": number(block.get("MemoryLimit")) if limit is None else limit,
        "memory_high": number(block.get("MemoryHigh")),
        "oom_policy": block.get("OOMPolicy") or None,
    }


def _tells(unit: Dict[str, Any], drop_ins: str) -> bool:
    """Killed, protected, limited, or with a drop-in of this collection's."""
    limited = unit["memory_max"] is not None or unit["memory_high"] is not None
    return (
        unit["result"] == "oom-kill"
        or _was_killed(unit)
        or any(unit[counter] for counter in ("oom_kills", "oom_kills_by_systemd", "managed_oom_kills"))
        or bool(unit["oom_score_adjust"])
        or limited
        or "memops" in drop_ins
    )


def _is_named(unit: Dict[str, Any], asked: AbstractSet[str]) -> bool:
    """By one of its names, or by the name of a pattern that stands for it."""
    names = {unit["name"], *unit["names"]}
    return bool(asked & names) or any(
        pattern.stands_for(name) for pattern in map(parse_unit_name, asked) if pattern.is_pattern for name in names
    )


def _rank(unit: Dict[str, Any]) -> Any:
    return (unit["result"] != "oom-kill", -(unit["oom_kills"] or 0), unit["oom_score_adjust"] or 0, unit["name"])


def daemon_states(host: Host, blocks: Dict[str, Properties]) -> Dict[str, Optional[str]]:
    """A daemon that systemd has not loaded does not run, and its files say whether it is installed.

    To ask for it would load it, and systemd 257 then puts limits into force that a daemon-reload had left for later:
    facts change nothing.
    """
    states = {}  # type: Dict[str, Optional[str]]
    for daemon, names in DAEMONS.items():
        loaded = [blocks[name] for name in names if name in blocks and blocks[name].get("LoadState") != "not-found"]
        if any(block.get("ActiveState") in ACTIVE_STATES for block in loaded):
            states[daemon] = "active"
        else:
            states[daemon] = "inactive" if loaded or _are_installed(host, names) else "absent"
    return states


def _are_installed(host: Host, names: Sequence[str]) -> bool:
    from .precedence import fragment_path

    return any(fragment_path(host, name) is not None for name in names)


def _template(host: Host, name: str) -> Dict[str, Any]:
    """It is no unit: systemd cannot be asked for it."""
    from .precedence import fragment_path, is_mask

    path = fragment_path(host, name)
    state = "template" if path is not None or parse_unit_name(name).is_prefix else "not-found"
    return unit_facts(host, {"Id": name, "LoadState": "masked" if is_mask(host, path) else state})


def _ask(host: Host, argv: List[str], timeout: float) -> str:
    ran = host.run(argv, timeout)
    if ran.returncode is None:
        raise CommandFailed(ran.stderr)
    if ran.returncode or not ran.stdout:  # at the first name that it does not like it stops, and shows no more
        message = ran.stderr.strip().split("\n")[-1]
        raise CommandFailed("systemctl failed: %s" % (message or "exit code %s" % ran.returncode))
    return ran.stdout


def systemd_view(
    host: Host,
    units: bool = True,
    daemons: bool = True,
    timeout: float = 15,
    program: str = "systemctl",
    named: Sequence[str] = (),
) -> SystemdView:
    """Never an exception: of a host without systemd, or whose systemd does not answer, no units are known, and it says
    why.

    ``named`` units are always among them, also when they are not there; of a template its loaded instances too.
    """
    nothing = {daemon: None for daemon in DAEMONS}  # type: Dict[str, Optional[str]]
    if not os.path.isdir(host.path("/run/systemd/system")):
        return SystemdView(None, nothing, "systemd does not run here")
    wanted = ["*.service", "*.scope"] if units else []
    if (
        daemons and not units
    ):  # as patterns: those that are loaded. init.scope always is, so that an answer is never empty
        wanted += ["init.scope"] + [name[:-1] + "[e]" for names in DAEMONS.values() for name in names]
    templates = [name for name in named if units and parse_unit_name(name).is_pattern]
    wanted += [name for name in named if units and name not in wanted and name not in templates]
    if not wanted:
        return SystemdView([], nothing)
    try:
        text = _ask(
            host, [program, "show", "--no-pager", "--property=" + ",".join(_PROPERTIES), "--"] + wanted, timeout
        )
        blocks = {block["Id"]: block for block in parse_units(text)}
    except (CommandFailed, NotAnAnswer) as exc:
        return SystemdView(None, nothing, str(exc))
    found = []  # type: List[Dict[str, Any]]
    if units:
        asked = set(named)
        found += [_template(host, name) for name in templates]
        for block in blocks.values():
            unit = unit_facts(host, block)
            if _is_named(unit, asked) or (
                _tells(unit, block.get("DropInPaths", "")) and unit["load_state"] != "not-found"
            ):
                found.append(unit)
        found.sort(key=lambda unit: (not _is_named(unit, asked), _rank(unit)))
    return SystemdView(
        found[:_MAX_UNITS], daemon_states(host, blocks) if daemons else nothing, None, max(len(found) - _MAX_UNITS, 0)
    )
