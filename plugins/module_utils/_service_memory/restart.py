# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart what was asked for, look whether it lives, and know what is never restarted."""

import re
import time
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import unit_of
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

_STEP = 0.5
_DEEP = 64
#: What carries the machine, its sessions, its network or other people's containers.
_CARRIES = re.compile(
    r"^(?:dbus|dbus-broker|systemd-[a-z-]+|NetworkManager|networking|network|wpa_supplicant|firewalld|polkit|sshd?"
    r"|dropbear|docker|containerd|crio|podman|"
    r"libvirtd|virtqemud|user|getty|serial-getty|console-getty|container-getty|gdm3?|sddm|lightdm|display-manager"
    r"|multipathd|iscsid|rpcbind|lvm2-[a-z]+)"
    r"(?:@.*)?\.(?:service|socket)$"
)


class Health(NamedTuple):
    """What is compared before and after a restart."""

    restarts: str
    main_pid: Optional[int]


def connection_groups(host: Host) -> Optional[FrozenSet[str]]:
    """Control groups of our own process and of those that started it: sshd, an agent, a session. None: that cannot be
    read.
    """
    found = set()  # type: Set[str]
    pid = "self"
    for _turn in range(_DEEP):
        cgroups = host.read("/proc/%s/cgroup" % pid)
        if cgroups is None:
            return None
        found.update(line.split(":", 2)[-1] for line in to_text(cgroups).split("\n") if line)
        status = re.search(r"^PPid:\s*(\d+)$", to_text(host.read("/proc/%s/status" % pid) or b""), re.MULTILINE)
        if status is None or status.group(1) in ("0", "1"):
            break
        pid = status.group(1)
    return frozenset(found)


def connection_units(groups: Optional[FrozenSet[str]]) -> Optional[FrozenSet[str]]:
    if groups is None:
        return None
    return frozenset(unit for unit in map(unit_of, groups) if unit)


def carries_connection(group: Optional[str], groups: Optional[FrozenSet[str]]) -> bool:
    """Whether what a limit of this control group kills may be the connection: it is in it, or in a slice of it."""
    if group is None or groups is None:
        return False
    inside = group.rstrip("/") + "/"
    return any(other == group or other.startswith(inside) for other in groups)


def refusal(state: UnitState, connection: Optional[FrozenSet[str]], force: bool) -> Optional[str]:
    """Why this unit is not restarted; None: it may be. What the connection hangs on never is."""
    if connection is None:
        return "what this connection hangs on cannot be read in /proc"
    if state.id in connection:
        return "this connection hangs on it"
    if state.id.endswith((".slice", ".scope")):
        return "a %s cannot be restarted" % state.id.rpartition(".")[2]
    if state.get("RefuseManualStart") == "yes" or state.get("RefuseManualStop") == "yes":
        return "it refuses to be started or stopped by hand; a reboot does it"
    if force:
        return None
    if state.get("Type") == "oneshot" or state.get("RemainAfterExit") == "yes":
        return "a restart would run its job again"
    if _CARRIES.match(state.id):
        return "sessions, the network or containers hang on it"
    return None


def _has_ended_well(state: UnitState) -> bool:
    """A one-shot job that is done; a failed one stays loaded as failed, and one that its conditions kept back
    says so.
    """
    return (
        state.get("Type") == "oneshot"
        and state.get("ActiveState") == "inactive"
        and state.get("ConditionResult") == "yes"
    )


def _failure(state: UnitState, first: Optional[Health]) -> Optional[str]:
    """What is wrong with a unit that was restarted."""
    sub = state.get("SubState")
    if state.get("ActiveState") == "failed" or state.get("Result") not in ("", "success"):
        return "it is %s (%s), result %s" % (state.get("ActiveState"), sub, state.get("Result"))
    if _has_ended_well(state):
        return None
    if not state.is_active:
        # systemd forgets a stopped unit soon, and with it whether its conditions were looked at
        perhaps = (
            ": it ended by itself, or one of its Condition...= lines does not hold"
            if state.get("ConditionResult") == "no"
            else ""
        )
        return "it is %s (%s)%s" % (state.get("ActiveState"), sub, perhaps)
    if sub == "auto-restart":
        return "it died and waits for its next start"
    if first is not None and Health(state.get("NRestarts"), state.main_pid) != first:
        return "it died and was started again"
    return None


def restart_and_watch(host: Host, names: Sequence[str], settle: float, timeout: float) -> List[Optional[str]]:
    """What is wrong with each after its restart and ``settle`` seconds; None: it lives. Raises ManagerError."""
    failures = [manager.try_restart(host, name, timeout) for name in names]  # type: List[Optional[str]]
    first = {}  # type: Dict[str, Health]
    done = set()  # type: Set[str]
    deadline = time.monotonic() + settle
    while True:
        living = [name for name, failure in zip(names, failures) if failure is None and name not in done]
        if not living:
            break
        for state in manager.states(host, living):
            at = names.index(state.id)
            failures[at] = _failure(state, first.get(state.id))
            if failures[at] is None and _has_ended_well(state):  # systemd may forget it soon
                done.add(state.id)
            first.setdefault(state.id, Health(state.get("NRestarts"), state.main_pid))
        if time.monotonic() >= deadline:
            break
        time.sleep(_STEP)
    return failures
