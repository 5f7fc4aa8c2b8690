# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd as it is asked and told: what it has loaded of units, its version, daemon-reload, restart."""

import os
import re
import shlex
import stat
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran

from .setting import BY_OPTION, SETTINGS, Value
from .show import ACTIVE_STATES, NotAnAnswer, Properties, number, parse_units
from .unit_name import UnitName, parse_unit_name

_PROPERTIES = (
    "Id Names LoadState ActiveState SubState FragmentPath SourcePath DropInPaths NeedDaemonReload Transient Type"
    " RemainAfterExit KillMode Delegate RefuseManualStart RefuseManualStop MainPID ControlGroup InvocationID"
    " ActiveEnterTimestampMonotonic ExecMainStartTimestampMonotonic NRestarts Result MemoryCurrent MemoryPeak"
    " MemoryLimit ConditionResult ManagedOOMMemoryPressureLimit ManagedOOMMemoryPressureLimitPercent"
).split()
_SHOWN = ",".join(_PROPERTIES + [setting.key for setting in SETTINGS])
_VERSION = re.compile(r"^systemd (\d+)", re.MULTILINE)
#: systemd-run --collect.
_COLLECT = 236
_QUOTED = 60
#: Of the column LOAD: others want such a unit, and nothing of it can run.
_NOT_THERE = ("not-found", "masked")
#: In front of units that failed or are not found, also with --plain before 246.
_BULLETS = " \t*\u25cf\u25cb\u00d7\u21bb"


class ManagerError(Exception):
    """systemd could not be asked or refused; the text says what it said."""


class UnitState(NamedTuple):
    """A unit as systemd has loaded it to be."""

    id: str
    properties: Dict[str, str]

    def get(self, name: str) -> str:
        return self.properties.get(name, "")

    @property
    def names(self) -> Tuple[str, ...]:
        return tuple(dict.fromkeys([self.id] + self._words("Names")))

    def _words(self, name: str) -> List[str]:
        """A word with a backslash is printed in quotes as for a shell, but not in Id=."""
        return [shlex.split(word)[0] if word.startswith('"') else word for word in self.get(name).split()]

    @property
    def drop_ins(self) -> List[str]:
        """Those that it has read."""
        return self._words("DropInPaths")

    @property
    def units(self) -> List[UnitName]:
        """The same, its own name first."""
        return [parse_unit_name(name) for name in self.names]

    def number(self, name: str) -> Optional[int]:
        """A property that is a count or a size; None where it is not set."""
        return number(self.get(name))

    @property
    def exists(self) -> bool:
        return self.get("LoadState") not in ("not-found", "")

    @property
    def is_masked(self) -> bool:
        return self.get("LoadState") == "masked"

    @property
    def is_broken(self) -> bool:
        """It is there and nothing of it can start; with ``error`` systemd reads no drop-in either, and with both it may
        want a reload for ever.
        """
        return self.get("LoadState") in ("error", "bad-setting")

    @property
    def is_active(self) -> bool:
        return self.get("ActiveState") in ACTIVE_STATES

    @property
    def needs_reload(self) -> bool:
        return self.get("NeedDaemonReload") == "yes"

    @property
    def fragment(self) -> Optional[str]:
        return self.get("FragmentPath") or None

    @property
    def main_pid(self) -> Optional[int]:
        return int(self.get("MainPID") or 0) or None

    @property
    def control_group(self) -> Optional[str]:
        return self.get("ControlGroup") or None

    @property
    def started(self) -> Optional[float]:
        """Seconds since boot at which its present processes began; None where nothing runs."""
        text = self.get("ExecMainStartTimestampMonotonic") or "0"
        if text == "0":
            text = self.get("ActiveEnterTimestampMonotonic") or "0"
        return int(text) / 1e6 if text.isdigit() and text != "0" else None

    def loaded(self, option: str) -> Optional[Value]:
        setting = BY_OPTION[option]
        value = setting.loaded(self.properties.get(setting.key))
        if option == "memory_max" and value in (None, "infinity"):  # MemoryLimit= of cgroup 1 and systemd before 231
            return setting.loaded(self.properties.get("MemoryLimit")) or value
        return value


def runs(host: Host) -> bool:
    """Whether systemd is pid 1 here. `systemctl` may be installed in a chroot or a container without it."""
    try:
        return stat.S_ISDIR(os.stat(host.path("/run/systemd/system")).st_mode)
    except (FileNotFoundError, NotADirectoryError):  # any other error is none of "it does not run"
        return False


def _systemctl(host: Host, *argv: str, **keywords: float) -> Ran:
    return host.run(("systemctl", argv[0], "--no-pager") + argv[1:], **keywords)


def _message_of(ran: Ran) -> str:
    lines = [line for line in ran.stderr.strip().split("\n") if line]
    return lines[0] if lines else "exit code %s" % ran.returncode


def version(host: Host) -> int:
    """Raises ManagerError: a systemctl that cannot tell its version cannot be loaded anything else either."""
    ran = _systemctl(host, "--version", timeout=15)
    found = _VERSION.search(ran.stdout)
    if found is None:
        raise ManagerError("systemctl --version failed: %s" % _unanswered(ran))
    return int(found.group(1))


def _unanswered(ran: Ran) -> str:
    """Why there is no answer, also where the exit code says that there is one."""
    if ran.returncode == 0 and not ran.stderr.strip():
        return "it printed %r" % ran.stdout.strip()[:_QUOTED]
    return _message_of(ran)


def _units(ran: Ran) -> List[Properties]:
    """The blocks of a `systemctl show`. Raises ManagerError."""
    if ran.returncode is None:
        raise ManagerError("systemctl show failed: %s" % _message_of(ran))
    try:
        return parse_units(ran.stdout)
    except NotAnAnswer as exc:
        raise ManagerError(str(exc))


def _state(name: str, block: Properties) -> UnitState:
    """Raises ManagerError where the block is not one of a unit."""
    state = UnitState(block["Id"], block)
    try:
        names = state.units
        known = bool(state.get("LoadState")) and bool(names)
        int(state.get("MainPID") or 0)
    except ValueError:
        known = False
    if not known:
        raise ManagerError(
            "systemctl show printed something else than the properties of %s: %r" % (name, str(block)[:_QUOTED])
        )
    return state


def show_services(host: Host, keys: Sequence[str]) -> List[Properties]:
    """These properties of every loaded service, with Id. Raises ManagerError."""
    ran = _systemctl(host, "show", "--property=" + ",".join(["Id"] + list(keys)), "*.service")
    if ran.returncode != 0:
        raise ManagerError("systemctl show failed: %s" % _message_of(ran))
    return _units(ran)


def states(host: Host, names: Sequence[str]) -> List[UnitState]:
    """One for each name, in their order, in one call. Raises ManagerError."""
    if not names:
        return []
    ran = _systemctl(host, "show", "--property=" + _SHOWN, "--", *names)
    blocks = _units(ran)
    if len(blocks) != len(names):
        raise ManagerError("systemctl show failed: %s" % _unanswered(ran))
    return [_state(name, block) for name, block in zip(names, blocks)]


def instances(host: Host, pattern: UnitName) -> List[str]:
    """The loaded instances of a template, or units of a prefix such as ``user-.slice``. Raises ManagerError."""
    ran = _systemctl(host, "list-units", "--all", "--plain", "--no-legend", "--full", "--", pattern.glob)
    if ran.returncode != 0:
        raise ManagerError("systemctl list-units failed: %s" % _message_of(ran))
    found = []  # type: List[str]
    for line in filter(None, ran.stdout.split("\n")):
        words = line.lstrip(_BULLETS).split()
        if len(words) < 4 or not words[0].endswith("." + pattern.type):
            raise ManagerError("systemctl list-units printed something else than units: %r" % line[:_QUOTED])
        if pattern.stands_for(words[0]) and words[1] not in _NOT_THERE:
            found.append(words[0])
    return found


def pending_reload(host: Host) -> List[str]:
    """Units whose files were changed and not yet read again: our reload brings other people's edits into force too.
    Raises ManagerError.
    """
    ran = _systemctl(host, "show", "--property=Id,NeedDaemonReload", "*")
    return sorted(block["Id"] for block in _units(ran) if block.get("NeedDaemonReload") == "yes")


def reload(host: Host) -> None:
    """daemon-reload. Raises ManagerError, also where systemd refuses because /run is full."""
    ran = _systemctl(host, "daemon-reload")
    if ran.returncode != 0:
        raise ManagerError("systemctl daemon-reload failed: %s" % _message_of(ran))


def complaints(host: Host, names: Sequence[str], paths: Sequence[str]) -> Dict[str, str]:
    """Path -> the first line in which `systemd-analyze verify` names it; its exit code says nothing (measured
    on 252).
    """
    ran = host.run(["systemd-analyze", "verify", "--no-pager", "--man=no", "--"] + list(names), timeout=60)
    found = {}  # type: Dict[str, str]
    for line in ran.stderr.split("\n"):
        for path in paths:
            if path + ":" in line:
                found.setdefault(path, line.strip())
    return found


def try_restart(host: Host, name: str, timeout: float) -> Optional[str]:
    """Restart it if it runs: `restart` would start a stopped one. What systemd said, None: nothing."""
    return _started_again(host, "try-restart", name, timeout)


def reset_failed(host: Host, name: str) -> None:
    """So that the restart of a rollback is not refused by StartLimitBurst=."""
    _systemctl(host, "reset-failed", "--", name, timeout=15)


def restart(host: Host, name: str, timeout: float) -> Optional[str]:
    """Stopped, dying or running: afterwards it was started once. What systemd said, None: nothing."""
    return _started_again(host, "restart", name, timeout)


def _started_again(host: Host, verb: str, name: str, timeout: float) -> Optional[str]:
    ran = _systemctl(host, verb, "--", name, timeout=timeout)
    if ran.returncode == 0:
        return None
    if ran.returncode is not None:
        return _message_of(ran)
    try:  # its stop or its start takes longer, or never ends: Type=notify without READY=1
        state = states(host, [name])[0]
    except ManagerError as exc:
        return str(exc)
    where = "%s (%s)" % (state.get("ActiveState"), state.get("SubState"))
    return "it did not come up within %g s (restart_timeout), it was still %s" % (timeout, where)


def realize(host: Host, slices: Sequence[str], version_here: Optional[int]) -> List[str]:
    """A scope in each slice, whose process ends at once; "": in any slice. What went wrong.

    systemd 257 marks the control groups of running units at a reload and does not look at them again (systemd pull
    request 38190). Whatever starts makes it hand the limits that it has loaded to the kernel, for all units of its
    slice and of the slices above (measured on 257.13). Nothing is left behind. Earlier versions did it at the reload.
    """
    found = []  # type: List[str]
    for name in slices:
        argv = ["systemd-run", "--scope", "--quiet", "--no-ask-password"] + (
            ["--collect"] if (version_here or 0) >= _COLLECT else []
        )
        ran = host.run(argv + (["--slice=" + name] if name else []) + ["--", "true"], timeout=15)
        if ran.returncode != 0:
            found.append("systemd-run failed: %s" % _message_of(ran))
    return found
