# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy can declare of a service: all that service_memory sets, and what it does not set and oom_facts
tells.
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import parse_share
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import SETTINGS, Setting


class _Pressure(Setting):
    """ManagedOOMMemoryPressureLimit=, a share of time. The facts tell it in percent."""

    __slots__ = ()

    def canonical(self, value: t.Any) -> str:
        share = parse_share(str(value))
        if share is None:
            raise ValueError(f"{value!r} is not a percentage such as 60%")
        return f"{share / 100:g}%"

    def expected(self, text: str, ram: int | None) -> t.Any:
        share = parse_share(text)
        return None if share is None else share / 100


_PRESSURE = _Pressure(
    "managed_oom_memory_pressure_limit", "ManagedOOMMemoryPressureLimit", "share", ("service", "slice", "scope"), 247
)
DECLARABLE = (*SETTINGS, _PRESSURE)  # type: tuple[Setting, ...]
BY_NAME = {setting.option: setting for setting in DECLARABLE}
#: What service_memory does not set.
JUDGED_ONLY = (_PRESSURE.option,)
