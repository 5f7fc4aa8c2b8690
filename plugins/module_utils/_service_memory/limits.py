# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of running units: what the kernel holds for each, and what it should."""

import os
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, INFINITY, Value

_NAMED = 3


class Limit(NamedTuple):
    """One of the kernel's files of a unit's control group.

    held -- what the kernel holds; None: it has no such file
    wanted -- what it should hold
    """

    unit: str
    option: str
    file: str
    kernel_value: Optional[Value]
    wanted: Value

    @property
    def in_force(self) -> bool:
        nothing = 0 if self.option == "oom_policy" else BY_OPTION[self.option].default
        return self.kernel_value == self.wanted or (self.kernel_value is None and self.wanted == nothing)

    @property
    def differs(self) -> bool:
        """The kernel could hold it, and holds something else."""
        return self.kernel_value is not None and self.kernel_value != self.wanted

    @property
    def restricts(self) -> bool:
        """Whether memory may have to go for it; to raise or to lift a limit hurts nobody."""
        if self.option not in ("memory_max", "memory_high") or not isinstance(self.wanted, int):
            return False
        return not (isinstance(self.kernel_value, int) and self.kernel_value <= self.wanted)


def limit_options(options: Iterable[str]) -> List[str]:
    """Those that systemd hands to the kernel in a file of the control group."""
    return [option for option in options if BY_OPTION[option].cgroup is not None]


def _in_kernel(where: cgroup.Layout, option: str, value: Value) -> Value:
    if option == "oom_policy":
        return 1 if value == "kill" else 0
    return cgroup.as_held(where, value) if isinstance(value, int) else value


def limits(host: Host, where: cgroup.Layout, state: UnitState, values: Dict[str, Optional[Value]]) -> List[Limit]:
    """``values``: option -> what systemd has loaded, or will. What this kernel has no file for by its version of
    cgroups is left out.

    Nothing of a unit without a control group: none of its processes is left that could be limited.
    """
    found = []  # type: List[Limit]
    for option, value in values.items() if where.memory is not None and state.control_group is not None else ():
        setting = BY_OPTION[option]
        file = setting.cgroup if where.memory_is_v2 else setting.v1
        if file is not None and value is not None:
            kernel_value = cgroup.enforced(host, where, state.control_group, setting)
            found.append(Limit(state.id, option, file, kernel_value, _in_kernel(where, option, value)))
    return found


def pending(host: Host, where: cgroup.Layout, state: UnitState, options: Iterable[str]) -> List[Limit]:
    """Limits that systemd has loaded and has not handed to the kernel. A file that this kernel does not have can wait
    for ever.
    """
    found = limits(host, where, state, {option: state.loaded(option) for option in options})
    off = (
        any(limit.kernel_value is None and not limit.in_force for limit in found)
        and cgroup.usage(host, where, state.control_group) is None
    )
    return [limit for limit in found if not limit.in_force and (limit.kernel_value is not None or off)]


def texts(found: Sequence[Limit]) -> List[str]:
    """One for each value, whatever the number of its units."""
    units = {}  # type: Dict[str, List[str]]
    for limit in found:
        value = "max" if limit.wanted == INFINITY else limit.wanted
        units.setdefault("set %s of %%s to %s" % (limit.file, value), []).append(limit.unit)
    return [
        text % (", ".join(names) if len(names) <= _NAMED else "%d units" % len(names)) for text, names in units.items()
    ]


def slices_of(groups: Iterable[Optional[str]]) -> List[str]:
    """The slices that hold these control groups, without those above another of them; at the top "": any slice
    will do.
    """
    parents = {os.path.basename(os.path.dirname(group)) for group in groups if group}
    slices = {name for name in parents if name.endswith(".slice")}
    above = {name for name in slices for other in slices if other.startswith(name[: -len(".slice")] + "-")}
    return sorted(slices - above) or [""] * bool(parents)
