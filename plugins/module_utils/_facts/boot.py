# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel counts its kills. What the sources tell of this boot is held against that."""

from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils import _procfs as procfs
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .ledger import kill_id

#: btime of /proc/stat moves with the clock.
_CLOCK_SLACK = 5.0


class _Told(NamedTuple):
    """One kill: how many lines tell of it, whether one of them is trusted, and whose it was."""

    lines: int = 0
    trusted: bool = False
    unit: Optional[str] = None


class Boot:
    """What the sources tell of this boot, against the kernel's own count."""

    def __init__(self, host: Host, local: bool) -> None:
        self.time = procfs.boot_time(host) if local else None
        self.container = procfs.container(host) if local else None
        self._id = procfs.boot_id(host) if local else None
        self._counter = procfs.oom_kill_counter(host)
        #: /proc is there: a kernel before 4.13 has a /proc/vmstat that does not count kills, but no kernel has none.
        self.counter_is_readable = bool(host.read("/proc/vmstat")) or not local
        self._local = local
        self._lines = {}  # type: Dict[str, _Told]

    def since(self, wanted: Optional[float]) -> Optional[float]:
        """Where to begin so that the count can be checked: at the boot, if the kernel counted kills at all."""
        if wanted is None or not self._counter or self.time is None or self.container or not self._local:
            return wanted
        return min(wanted, self.time - _CLOCK_SLACK)

    def _is_this(self, line: LogLine) -> bool:
        if line.boot_id is not None:
            return line.boot_id.replace("-", "") == self._id
        return self.time is not None and line.time is not None and line.time >= self.time - _CLOCK_SLACK

    def count(self, kill: Kill) -> None:
        if not self.is_countable(kill) or kill.line.disproved:
            return
        identity = kill_id(kill)
        before = self._lines.get(identity, _Told())
        self._lines[identity] = _Told(
            max(before.lines, kill.repeats + 1), before.trusted or kill.line.trusted, kill.unit or before.unit
        )

    def is_countable(self, kill: Kill) -> bool:
        """One that the kernel counted since it started."""
        return kill.killer == "kernel" and not kill.partial and self._is_this(kill.line)

    def _told(self, trusted_only: bool) -> int:
        return sum(told.lines for told in self._lines.values() if told.trusted or not trusted_only)

    def _is_known(self, complete: bool = True) -> bool:
        return self._counter is not None and self._local and not self.container and complete

    def is_counted(self, kill: Kill) -> bool:
        """Has the kernel's own counter all that the sources tell of this boot, and so this one as well?"""
        return (
            self._is_known() and self.is_countable(kill) and 0 < self._told(trusted_only=False) <= (self._counter or 0)
        )

    def of_unit(self, unit: str) -> Tuple[int, int]:
        """What is told of a unit in this boot, and of nobody's unit."""
        own = sum(told.lines for told in self._lines.values() if told.unit == unit)
        return own, sum(told.lines for told in self._lines.values() if told.unit is None)

    def counters(self, trusted_source: bool, complete: bool = True) -> Dict[str, Optional[int]]:
        """The counters of the facts contract.

        trusted_source -- journal or ring buffer were read: then lines of text logs explain nothing, unless the kernel
            counted all of them
        complete -- the sources were read to this moment
        """
        told = self._told(trusted_only=False)
        if trusted_source and self._counter is not None and told > self._counter:
            told = self._told(trusted_only=True)
        known = self._is_known(complete)
        return {
            "vmstat_oom_kill": self._counter,
            "kernel_kills_this_boot": told if self._local else None,
            "unexplained": max(0, self._counter - told) if known and self._counter is not None else None,
        }
