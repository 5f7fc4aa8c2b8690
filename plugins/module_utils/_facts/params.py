# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asked for."""

from typing import NamedTuple, Optional, Tuple

from .only import Only

SUBSETS = ("kills", "counters", "memory", "settings", "units", "daemons", "swap")
SOURCES = ("journal", "files", "kmsg")


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
