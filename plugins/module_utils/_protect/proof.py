# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in force, layer by layer: the file, what systemd believes, what the kernel holds. Exit codes prove nothing.

A gap is a layer that does not say what was wished, with its cause.
"""

import os
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.layers import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, INFINITY, Value

from .plan import agrees
from .scores import Score
from .survey import Current

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Gap(NamedTuple):
    """cause -- one word for programs; text -- a sentence for people"""

    cause: str
    text: str


def shadowing(current: Current, settings: Dict[str, str], files: Dict[str, Origin], ram: Optional[int]) -> Dict[str, Origin]:
    """Option -> the later file that gives it another value."""
    found = {}  # type: Dict[str, Origin]
    for option, text in settings.items():
        origin = files.get(option)
        if origin is not None and origin.path != current.path and not _same(option, text, origin.value, ram):
            found[option] = origin
    return found


def _same(option: str, ours: str, theirs: str, ram: Optional[int]) -> bool:
    setting = BY_OPTION[option]
    if not theirs:
        return False
    return setting.expected(ours, ram) == setting.expected(theirs, ram) if ours != theirs else True


def file_gaps(current: Current, after: Optional[bytes], now: Optional[bytes]) -> List[Gap]:
    if now == after:
        return []
    return [Gap("not_written", "%s is not what was written" % current.path)]


def systemd_gaps(current: Current, settings: Dict[str, str], origins_of: Callable[[UnitState], Dict[str, Origin]], ram: Optional[int]) -> List[Gap]:
    """Between the files and what `systemctl show` prints after the reload."""
    if not current.booted:
        return [Gap("systemd_not_running", "systemd does not run here: the drop-in counts from the next boot on")]
    if current.shown is None:
        return [Gap("no_instance", "no instance of %s is loaded, so systemd cannot be asked" % current.unit.name)]
    if not current.exists:
        return [Gap("absent", "%s is not installed: the drop-in waits for it" % current.unit.name)]
    if current.is_masked:
        return [Gap("masked", "%s is masked: nothing of it can start" % current.unit.name)]
    found = []  # type: List[Gap]
    for state in current.asked:
        of_whom = "" if current.state is not None else " of %s" % state.id
        shadows = shadowing(current, settings, origins_of(state), ram)
        for option, text in settings.items():
            key, believed = BY_OPTION[option].key, state.believed(option)
            if option in shadows:
                value, path = shadows[option].value or "its default", shadows[option].path
                found.append(Gap("shadowed", "%s%s is set to %s by %s, which systemd reads after ours" % (key, of_whom, value, path)))
            elif believed is None:
                found.append(Gap("not_shown", "this systemd does not show %s=" % key))
            elif not agrees(option, text, believed, ram):
                found.append(Gap("not_read", "systemd believes %s=%s%s, the drop-in says %s" % (key, believed, of_whom, text)))
    return list(dict.fromkeys(found))


def kernel_gaps(host: Host, where: cgroup.Layout, state: UnitState, settings: Dict[str, str]) -> List[Gap]:
    """Limits of a running unit: what is in the kernel's files."""
    found = []  # type: List[Gap]
    for option in settings:
        setting = BY_OPTION[option]
        if setting.cgroup is None:
            continue
        believed = state.believed(option)
        if where.memory is None:
            found.append(Gap("no_memory_controller", "%s= is not enforced: this system has no memory controller for it" % setting.key))
            continue
        if not where.memory_is_v2 and setting.v1 is None:
            if option != "oom_policy" or believed == "kill":
                found.append(Gap("cgroup_v1", "%s= is not enforced: cgroup %s ignores it" % (setting.key, where.version)))
            continue
        held = cgroup.enforced(host, where, state.control_group, setting)
        wanted = (1 if believed == "kill" else 0) if option == "oom_policy" else _paged(believed)
        if held == wanted or (held is None and wanted in (INFINITY, 0)):
            continue
        cause = "older_than_drop_in" if option == "oom_policy" else "not_enforced"
        shown = "nothing" if held is None else held
        found.append(Gap(cause, "the kernel holds %s for %s of %s, systemd believes %s" % (shown, setting.cgroup, state.id, believed)))
    return found


def _paged(value: Optional[Value]) -> Optional[Value]:
    return value // _PAGE * _PAGE if isinstance(value, int) else value


def score_gaps(name: str, rows: Sequence[Score], wanted: int, settled: bool, capable: bool) -> List[Gap]:
    """Processes that do not have the unit's score, one gap a cause."""
    texts = {
        "own_score": "%s of %s set a score of its own and keeps it",
        "denied": "%s of %s keeps its score: the kernel refused" + ("" if capable else ", for CAP_SYS_RESOURCE is missing here"),
        "older": "%s of %s still has the score of its start",
    }
    found = []  # type: List[Gap]
    for state, text in texts.items():
        those = ["%s (pid %d: %d)" % (row.comm, row.pid, row.after) for row in rows if row.state == state and row.after != wanted]
        if those:
            more = " and %d more" % (len(those) - 3) if len(those) > 3 else ""
            cause = {"older": "older_than_drop_in", "denied": "denied" if capable else "no_cap_sys_resource"}.get(state, state)
            found.append(Gap(cause, text % (", ".join(those[:3]) + more, name)))
    if not settled:
        found.append(Gap("unsettled", "%s starts processes faster than they can be looked at" % name))
    return found
