# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in force, layer by layer: the file, what systemd has loaded, what the kernel holds. Exit codes prove nothing.

A gap is a layer that does not say what was requested, with its cause.
"""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION

from .limits import limit_options, limits
from .scores import Score
from .state import CurrentUnit, shadowing, unread


class Gap(NamedTuple):
    """cause -- one word for programs; text -- a sentence for people"""

    cause: str
    text: str


def file_gaps(current: CurrentUnit, after: Optional[bytes], now: Optional[bytes]) -> List[Gap]:
    if now == after:
        return []
    return [Gap("not_written", "%s is not what was written" % current.path)]


def systemd_gaps(
    current: CurrentUnit,
    settings: Dict[str, str],
    origins_of: Callable[[UnitState], Dict[str, Origin]],
    ram: Optional[int],
) -> List[Gap]:
    """Between the files and what `systemctl show` prints after the reload."""
    if not current.booted:
        return [
            Gap("systemd_not_running", "systemd does not run here: what its files say counts from the next boot on")
        ]
    if current.shown is None:
        return [Gap("no_instance", "no instance of %s is loaded, so systemd cannot be asked" % current.unit.name)]
    if not current.exists:
        return [Gap("absent", "%s is not installed: the drop-in waits for it" % current.unit.name)]
    if current.is_masked:
        return [Gap("masked", "%s is masked: nothing of it can start" % current.unit.name)]
    if current.state is not None and current.state.is_broken:
        message = "systemd cannot load %s (%s): the drop-in takes effect once its unit file is repaired"
        return [Gap("not_read", message % (current.unit.name, current.state.get("LoadState")))]
    found = []  # type: List[Gap]
    for state in current.asked:
        shadows = shadowing(current, settings, origins_of(state), ram)
        for option in settings:
            key = BY_OPTION[option].key
            if option in shadows:
                value, path = shadows[option].value or "its default", shadows[option].path
                found.append(
                    Gap(
                        "shadowed",
                        "%s%s is set to %s by %s, which systemd reads after ours"
                        % (key, _of_whom(current, state), value, path),
                    )
                )
            elif state.loaded(option) is None:
                found.append(Gap("not_shown", "this systemd does not show %s=" % key))
    return list(dict.fromkeys(found + not_read_gaps(current, settings, origins_of, ram)))


def not_read_gaps(
    current: CurrentUnit,
    settings: Dict[str, str],
    origins_of: Callable[[UnitState], Dict[str, Origin]],
    ram: Optional[int],
) -> List[Gap]:
    message = "systemd has loaded %s=%s%s, the drop-in says %s"
    return [
        Gap("not_read", message % (BY_OPTION[item.option].key, item.loaded, _of_whom(current, item.state), item.text))
        for item in unread(current, settings, origins_of, ram)
    ]


def _of_whom(current: CurrentUnit, state: UnitState) -> str:
    return "" if current.state is not None else " of %s" % state.id


def kernel_gaps(
    host: Host,
    where: cgroup.Layout,
    state: UnitState,
    settings: Dict[str, str],
    options: Sequence[str] = (),
    deferred: bool = False,
) -> List[Gap]:
    """Limits of a running unit: what is in the kernel's files. ``options``: ours too, though not requested any more.

    ``waits``: they were to come with its next start.
    """
    found = []  # type: List[Gap]
    for option in limit_options(settings):
        setting = BY_OPTION[option]
        if setting.default is not None and state.loaded(option) == setting.default:  # nothing is to be enforced
            continue
        if not where.is_mounted:
            found.append(
                Gap(
                    "not_readable",
                    "whether %s= is enforced cannot be read: nothing is mounted at /sys/fs/cgroup" % setting.key,
                )
            )
        elif where.memory is None:
            found.append(
                Gap(
                    "no_memory_controller",
                    "%s= is not enforced: this system has no memory controller for it" % setting.key,
                )
            )
        elif (
            not where.memory_is_v2 and setting.v1 is None and (option != "oom_policy" or state.loaded(option) == "kill")
        ):
            found.append(Gap("cgroup_v1", "%s= is not enforced: cgroup %s ignores it" % (setting.key, where.version)))
    loaded = {
        option: state.loaded(option)
        for option in list(settings) + [option for option in options if option not in settings]
    }
    for limit in limits(host, where, state, loaded):
        if not limit.in_force:
            shown = "nothing" if limit.kernel_value is None else limit.kernel_value
            text = "the kernel holds %s for %s of %s, systemd has loaded %s" % (
                shown,
                limit.file,
                state.id,
                loaded[limit.option],
            )
            found.append(Gap("older_than_drop_in" if deferred and limit.differs else "not_enforced", text))
    return found


def score_gaps(name: str, rows: Sequence[Score], wanted: int, capable: bool) -> List[Gap]:
    """Processes that do not have the unit's score, one gap a cause."""
    texts = {
        "own_score": "%s of %s set a score of its own and keeps it",
        "denied": (
            "%s of %s keeps its score: the kernel refused"
            + ("" if capable else ", for CAP_SYS_RESOURCE is missing here")
        ),
        "older": "%s of %s still has the score of its start",
    }
    found = []  # type: List[Gap]
    for state, text in texts.items():
        those = [
            "%s (pid %d: %d)" % (row.comm, row.pid, row.after)
            for row in rows
            if row.state == state and row.after != wanted
        ]
        if those:
            more = " and %d more" % (len(those) - 3) if len(those) > 3 else ""
            cause = {"older": "older_than_drop_in", "denied": "denied" if capable else "no_cap_sys_resource"}.get(
                state, state
            )
            found.append(Gap(cause, text % (", ".join(those[:3]) + more, name)))
    return found
