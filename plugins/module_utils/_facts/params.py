# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asked for."""

from typing import Any, Dict, NamedTuple, Optional, Tuple

SUBSETS = ("kills", "counters", "memory", "settings", "units", "daemons", "swap")
#: What V(all) does not mean: it looks twice at a cgroup that is short, a second apart.
ON_REQUEST = ("pressure",)
SOURCES = ("journal", "files", "kmsg")


class Only(NamedTuple):
    """Asked for one. Each that is given has to fit; containers by the beginning of their id."""

    units: Tuple[str, ...] = ()
    comms: Tuple[str, ...] = ()
    containers: Tuple[str, ...] = ()
    id: Optional[str] = None

    def as_facts(self) -> Dict[str, Any]:
        return {
            "units": list(self.units),
            "comms": list(self.comms),
            "containers": list(self.containers),
            "id": self.id,
        }


class Wish(NamedTuple):
    """What the task asked for. Times are epoch seconds; None is the default of each."""

    subset: Tuple[str, ...] = SUBSETS
    since: Optional[float] = None
    until: Optional[float] = None
    sources: Optional[Tuple[str, ...]] = None
    paths: Optional[Tuple[str, ...]] = None
    journal_directory: Optional[str] = None
    max_kills: Optional[int] = None
    include_tasks: bool = False
    killers: str = "auto"
    units: Tuple[str, ...] = ()
    only: Optional[Only] = None
