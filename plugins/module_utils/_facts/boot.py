# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel counts its kills. What the sources tell of this boot is held against that."""

from typing import Dict, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils import _procfs as procfs
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .ledger import kill_id

#: btime of /proc/stat moves with the clock.
_CLOCK_SLACK = 5.0


class Boot:
    """What the sources tell of this boot, against the kernel's own count."""

    def __init__(self, host: Host, local: bool) -> None:
        self.time = procfs.boot_time(host) if local else None
        self.container = procfs.container(host) if local else None
        self._id = procfs.boot_id(host) if local else None
        self._counter = procfs.oom_kill_counter(host)
        self._local = local
        self._lines = {}  # type: Dict[str, Tuple[int, bool]]

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
        if kill.killer != "kernel" or kill.partial or not self._is_this(kill.line):
            return
        identity = kill_id(kill)
        lines, trusted = self._lines.get(identity, (0, False))
        self._lines[identity] = (max(lines, kill.repeats + 1), trusted or kill.line.trusted)

    def counters(self, trusted_source: bool, complete: bool = True) -> Dict[str, Optional[int]]:
        """The counters of contract 1.

        trusted_source -- journal or ring buffer were read: then forged lines explain nothing
        complete -- the sources were read to this moment
        """
        told = sum(lines for lines, trusted in self._lines.values() if trusted or not trusted_source)
        known = self._counter is not None and self._local and not self.container and complete
        return {
            "vmstat_oom_kill": self._counter,
            "kernel_kills_this_boot": told if self._local else None,
            "unexplained": max(0, self._counter - told) if known and self._counter is not None else None,
        }
