# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would hurt: each guard is a function of what is known, gives a sentence or None, and names the option that
overrides it.
"""

import re
from itertools import combinations
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import is_ours
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin, UnitFile, origins
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import (
    BY_OPTION,
    INFINITY,
    Value,
    unsupported,
)

from .limits import Limit
from .params import Overrides, Request
from .state import CurrentUnit

#: Services whose work is to start other people's programs: -1000 would be inherited by every one of them.
_STARTS_OTHERS = re.compile(
    r"^(?:sshd?|dropbear|cron|crond|cronie|anacron|atd|getty|serial-getty|console-getty|user|docker|containerd|crio"
    r"|podman|kubelet|libvirtd|virtqemud|"
    r"supervisor|supervisord|runsvdir|gdm3?|sddm|lightdm|systemd-logind|jenkins|gitlab-runner|actions\.runner\..*"
    r"|slurmd|pbs_mom|inetd|xinetd)"
    r"(?:@.*)?\.service$"
)
_MARGIN = 10  # per cent above what is used now


def _number(option: str, text: str, ram: Optional[int]) -> Optional[Value]:
    return BY_OPTION[option].expected(text, ram)


def ownership(current: CurrentUnit) -> Optional[str]:
    """A file of our name that we did not write is a person's; an empty one is nobody's."""
    if current.before is None or is_ours(current.before.data) or not current.before.data.strip(b"\0\r\n\t "):
        return None
    return "%s was not written by this module. Take it away, or give dropin another name" % current.path


def breadth(current: CurrentUnit, request: Request, overrides: Overrides) -> Optional[str]:
    limits = [option for option in request.settings if option in ("memory_high", "memory_max", "memory_swap_max")]
    if current.unit.is_root and limits and request.state == "present":
        return "it holds every process of this machine: %s there is never set" % limits[0]
    if current.unit.is_broad and not overrides.broad:
        return "it affects units that were not named; allow_broad=true sets it anyway"
    return None


def support(current: CurrentUnit, request: Request, version: Optional[int]) -> Dict[str, str]:
    """Option -> why this systemd would ignore it."""
    found = {}  # type: Dict[str, str]
    for option in request.settings if request.state == "present" else ():
        reason = unsupported(BY_OPTION[option], current.unit.type, version)
        if reason:
            found[option] = reason
    return found


def consistency(request: Request, theirs: Dict[str, Origin], ram: Optional[int], overrides: Overrides) -> Optional[str]:
    """memory_min <= memory_low <= memory_high <= memory_max: systemd takes anything else without a word. ``theirs``: of
    the files without ours.
    """
    if overrides.allow_limits or request.state != "present":
        return None
    known = []  # type: List[Tuple[str, str, Optional[Value]]]
    for option in ("memory_min", "memory_low", "memory_high", "memory_max"):
        if option in request.settings:
            known.append(
                (option, "%s=%s" % (option, request.settings[option]), _number(option, request.settings[option], ram))
            )
        elif option in theirs and theirs[option].value not in ("", INFINITY):
            origin = theirs[option]
            known.append(
                (
                    option,
                    "%s=%s of %s" % (BY_OPTION[option].key, origin.value, origin.path),
                    _number(option, origin.value, ram),
                )
            )
    for (low, message, smaller), (high, limit, larger) in combinations(known, 2):
        lifted = (
            low == "memory_high" and smaller == INFINITY and high not in request.settings
        )  # ours is none, which contradicts nothing
        if lifted or not isinstance(larger, int) or not (low in request.settings or high in request.settings):
            continue
        if smaller == INFINITY or (isinstance(smaller, int) and smaller > larger):
            return "%s is more than %s; allow_limits=true sets it anyway" % (message, limit)
    return None


#: Less than this is no limit that a program can live under: somebody meant MiB.
_SMALLEST = 1 << 20


def smallness(request: Request, overrides: Overrides) -> Optional[str]:
    """``memory_max: 512`` is 512 bytes for systemd, and for nobody who writes it."""
    if overrides.allow_limits or request.state != "present":
        return None
    for option, text in request.settings.items():
        if BY_OPTION[option].kind != "memory" or text.endswith("%"):
            continue
        size = _number(option, text, None)
        if not isinstance(size, int) or not 0 < size < _SMALLEST:
            continue
        given = request.given.get(option, text)
        number = re.sub(r"[^0-9.].*", "", given)
        amount = "%d bytes" % size if given.isdigit() else "less than 1 MiB"
        return "%s=%s is %s; write %sM if MiB are meant, or allow_limits=true" % (option, given, amount, number)
    return None


#: systemd 244 and newer start a one-shot job again after a failure; older ones refuse any Restart= in its unit
#: (src/core/service.c).
_ONESHOT_RESTARTS = 244


def startability(current: CurrentUnit, request: Request, unit_type: str, version: Optional[int]) -> Optional[str]:
    """What systemd would refuse to load: the drop-in would keep the service from ever starting again. ``unit_type``:
    Type= of the service.
    """
    restart = request.settings.get("restart", "no") if request.state == "present" else "no"
    if unit_type != "oneshot" or restart == "no" or current.unit.type != "service":
        return None
    old = version is not None and version < _ONESHOT_RESTARTS
    if not old and restart not in ("always", "on-success"):
        return None
    way_out = (
        "this is systemd %s, where a one-shot job has restart=no only" % version
        if old
        else "restart=on-failure works there"
    )
    return "its Type=oneshot does not go with restart=%s: systemd would not load the unit any more; %s" % (
        restart,
        way_out,
    )


def headroom(
    limits: Sequence[Limit], used: Optional[int], swapped: Optional[int], overrides: Overrides
) -> Optional[str]:
    """A limit below what is used now works without any restart: the kernel kills (max) or freezes (high) the unit.
    ``limits``: all of one unit.
    """
    if overrides.allow_limits or used is None:
        return None
    swap = next((limit.wanted for limit in limits if limit.option == "memory_swap_max"), None)
    needs = used + (max(swapped - swap, 0) if isinstance(swap, int) and swapped else 0)
    for limit in limits:
        if limit.restricts and isinstance(limit.wanted, int) and needs * (100 + _MARGIN) > limit.wanted * 100:
            effect = "the kernel would kill it" if limit.option == "memory_max" else "it would be slowed to a stop"
            return (
                "%s uses %s now, page cache included; with %s=%s %s at the reload, before any restart. Give at least"
                " %s, or allow_limits=true"
                % (
                    limit.unit,
                    human(needs),
                    limit.option,
                    human(limit.wanted),
                    effect,
                    human(needs * (100 + _MARGIN) // 100),
                )
            )
    return None


#: What one more login, and the module of Ansible that it starts, may need.
_FOR_A_LOGIN = 64 << 20


def way_in(limits: Sequence[Limit], used: Optional[int]) -> Optional[str]:
    """A limit of what this connection hangs on: where it kills, the run ends halfway and its host may be lost. Nothing
    overrides this. ``limits``: all of one unit.
    """
    needs = (used or 0) + _FOR_A_LOGIN
    for limit in limits:
        if limit.restricts and isinstance(limit.wanted, int) and needs > limit.wanted:
            return (
                "this connection hangs on %s, which uses %s now: %s=%s could end it and keep out the next one. Give at"
                " least %s"
                % (
                    limit.unit,
                    "an unknown amount" if used is None else human(used),
                    limit.option,
                    human(limit.wanted),
                    human(needs),
                )
            )
    return None


def inheritance(current: CurrentUnit, request: Request, overrides: Overrides) -> Optional[str]:
    """-1000 passes to everything that the unit starts, other users' programs too, and nothing can free their memory."""
    if overrides.unkillable or request.state != "present" or request.settings.get("oom_score_adjust") != "-1000":
        return None
    state, name = current.shown, current.unit.name
    reason = None
    if _STARTS_OTHERS.match(name):
        reason = "it starts other people's programs"
    elif state is not None and state.get("Delegate") == "yes":
        reason = "it manages cgroups of its own (Delegate=yes)"
    elif state is not None and state.get("KillMode") in ("process", "none"):
        reason = "what it starts outlives it (KillMode=%s)" % state.get("KillMode")
    if reason is None:
        return None
    return (
        "not -1000: %s, and every one would inherit it and could never be killed. "
        "A moderate score such as -200 still puts it behind others; allow_unkillable=true sets -1000" % reason
    )


def _stricter(option: str, theirs: Optional[Value], ours: Optional[Value]) -> bool:
    """Whether a person's value asks for more care than ours: a smaller limit, a larger guarantee, a better
    protection.
    """
    if option == "oom_score_adjust":
        return isinstance(theirs, int) and isinstance(ours, int) and theirs < 0 and ours > theirs
    if option in ("memory_high", "memory_max", "memory_swap_max"):
        return isinstance(theirs, int) and (ours == INFINITY or (isinstance(ours, int) and ours > theirs))
    if option in ("memory_min", "memory_low"):
        return isinstance(ours, int) and (theirs == INFINITY or (isinstance(theirs, int) and theirs > ours))
    return False


def weakening(
    current: CurrentUnit, request: Request, files: List[UnitFile], ram: Optional[int], overrides: Overrides
) -> Optional[str]:
    """``files`` without ours, of whatever name. Vendors' values are defaults; what stands below /etc a person meant."""
    if overrides.weakening or request.state != "present":
        return None
    local = [
        file
        for file in files
        if file.is_local and file.path not in (current.path, current.fragment) and not is_ours(file.data)
    ]
    theirs = origins(local, current.unit.type)
    for option, text in request.settings.items():
        origin = theirs.get(option)
        if origin is None or not origin.value or origin.value == current.kept.get(option):
            continue
        if _stricter(option, _number(option, origin.value, ram), _number(option, text, ram)):
            return "%s=%s would weaken %s=%s that a person set in %s; allow_weaker=true does it" % (
                option,
                text,
                BY_OPTION[option].key,
                origin.value,
                origin.path,
            )
    return None


def total(
    limits: Dict[str, Optional[Value]],
    new: Dict[str, Value],
    ram: Optional[int],
    overrides: Overrides,
    option: str = "memory_max",
) -> Optional[str]:
    """``limits``: unit -> what systemd has loaded; ``new``: unit -> what it will be. Only a sum that grows is
    refused.
    """
    if overrides.overcommit or ram is None or not new:
        return None
    before = sum(value for value in limits.values() if isinstance(value, int))
    merged = dict(limits)
    merged.update(new)
    after = sum(value for value in merged.values() if isinstance(value, int))
    if after <= ram or (after <= before and not any(limits.get(name) == INFINITY for name in new)):
        return None
    return "%s of all services would add up to %s, RAM is %s; allow_overcommit=true sets it anyway" % (
        option,
        human(after),
        human(ram),
    )


def killable(unkillable_share: Optional[float], requests: List[Tuple[str, str]], overrides: Overrides) -> Optional[str]:
    """With too little that may be killed, the kernel panics: "Out of memory and no killable processes"."""
    if unkillable_share is None or not any(score == "-1000" for _name, score in requests):
        return None
    if unkillable_share <= 1 - overrides.min_killable / 10_000.0:
        return None
    names = ", ".join(name for name, score in requests if score == "-1000")
    return (
        "with -1000 for %s, %.0f %% of RAM could not be killed any more: a panic takes the place of a kill. "
        "Use -900, or a smaller min_killable (now %g%%)"
        % (names, unkillable_share * 100, overrides.min_killable / 100.0)
    )


def cautions(current: CurrentUnit, request: Request, ram: Optional[int]) -> List[str]:
    """Not refused, but said."""
    found = []  # type: List[str]
    settings = request.settings if request.state == "present" else {}
    if settings and current.state is not None and current.state.get("Transient") == "yes" and not current.unit.is_root:
        found.append(
            "it is transient: our drop-in stays when the unit ends, and applies again to the next unit of this name"
        )
    if settings.get("oom_policy") == "kill" and settings.get("oom_score_adjust") == "-1000":
        found.append("oom_policy=kill spares processes with -1000: the group would not die together")
    if settings.get("memory_swap_max") == "0" and isinstance(
        _number("memory_high", settings.get("memory_high", INFINITY), ram), int
    ):
        found.append("memory_high without swap (memory_swap_max=0) can slow the unit to a stop that looks like life")
    if "memory_max" in settings and settings["memory_max"] != INFINITY and "memory_swap_max" not in settings:
        found.append("memory_max without memory_swap_max: the unit may go on in swap where the kill was expected")
    return found
