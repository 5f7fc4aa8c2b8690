# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cause is, and what holders of memory have in common."""

from typing import NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._size import human


class Cause(NamedTuple):
    """kind -- one of the words of the documentation; size -- bytes; share -- of the memory that was short; text -- a
    clause
    """

    kind: str
    text: str
    size: Optional[int] = None
    share: Optional[float] = None


def percent(size: int, total: int) -> str:
    """``50 %``; a share that rounds to nothing or to all says so."""
    return "%.0f %%" % (100.0 * size / total)


def held(kind: str, what: str, size: int, total: int, more: str = "") -> Cause:
    """more -- what else is to be said of it"""
    return Cause(
        kind, "%s held %s (%s)%s" % (what, human(size), percent(size, total), more), size, round(size / total, 3)
    )
