# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof: what the kernel has, what our file says, and who has the last word at the next boot."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .dropin import settings_in
from .keys import names_of
from .params import Params
from .plan import Step
from .precedence import OURS, Assignment, assignments, effective_assignment, masked, shadow
from .state import VmState
from .tuned import final_values


def _planned(steps: List[Step], conf: Optional[bytes]) -> Optional[bytes]:
    """What our file holds when all is done."""
    for step in steps:
        if step.action != "live":
            conf = step.data
    return conf


def verify(
    host: Host, before: VmState, after: VmState, params: Params, steps: List[Step]
) -> Tuple[Dict[str, Dict[str, Any]], List[str]]:
    """For each setting what the kernel has, what our file says and who has the last word at boot; and a sentence where
    that is not ours.

    Check mode tells what is, and of shadows what will be: the file that wins over ours is there before ours is.
    """
    assigned = assignments(host)
    ours = settings_in(after.conf)
    conf = _planned(steps, before.conf)
    then, planned = (assignments(host, conf), settings_in(conf)) if conf != after.conf else (assigned, ours)
    found = {}  # type: Dict[str, Dict[str, Any]]
    shadowed = []  # type: List[str]
    for key, value in sorted(names_of(params.settings).items()):
        wanted = int(value) if params.present else None
        last = effective_assignment(assigned, key)
        hider = _hider(host, then, key, wanted) if wanted is not None and planned.get(key) == wanted else None
        persistent = wanted is not None and ours.get(key) == wanted and hider is None
        found[key] = {
            "before": before.live.get(key),
            "live": after.live.get(key),
            "wanted": wanted,
            "at_boot": {"value": last.value, "file": last.path} if last is not None else None,
            "shadowed_by": hider.where if hider is not None else None,
            "persistent": persistent,
            "verified": (after.live.get(key) == wanted and persistent) if params.present else key not in ours,
        }
        if hider is not None:
            shadowed.append("vm.%s=%s will not outlast a boot: %s" % (key, wanted, hider.sentence))
    return found, shadowed


class _Hider(NamedTuple):
    """What keeps our value from a boot, and a sentence with the way out."""

    where: str
    sentence: str


def _hider(host: Host, assigned: List[Assignment], key: str, wanted: int) -> Optional[_Hider]:
    unit = masked(host)
    if unit is not None:
        text = "systemd-sysctl is masked (%s), so nothing reads %s; unmask it (systemctl unmask systemd-sysctl)"
        return _Hider(unit, text % (unit, OURS))
    word = shadow(assigned, key, wanted)
    if word is not None:
        who = (printable(word.where), word.key.replace("/", "."), printable(word.value), OURS)
        return _Hider(word.where, "%s sets %s to %s later than %s; take it out there" % who)
    later = final_values(host).get(key)
    if later is not None and later.value != str(wanted):
        text = "tuned sets it to %s (%s), later than %s; take it out of the profile"
        return _Hider(later.path, text % (printable(later.value[:80]), printable(later.path), OURS))
    return None
