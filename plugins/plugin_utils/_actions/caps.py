# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of one host's facts is taken. The newest of what is too much, and the rest is counted and told."""

from __future__ import annotations

import typing as t

MOST_KILLS = 3000
MOST_REASONS = 12

#: list -> how many of it are taken, and the key that counts the others
_LISTS = {
    "kills": (MOST_KILLS, "truncated"),
    "units": (1000, "units_truncated"),
    "unresolved": (1000, "unresolved_truncated"),
    "sources": (250, None),
    "swap": (250, None),
    "confirmed_units": (1000, None),
}  # type: dict[str, tuple[int, str | None]]


def within_caps(facts: t.Mapping[t.Any, t.Any]) -> tuple[dict[t.Any, t.Any], list[str]]:
    """The facts with the newest entries of each list, and what was left out."""
    cut, reasons = dict(facts), []
    for name, (most, counter) in _LISTS.items():
        given = cut.get(name)
        if not isinstance(given, (list, tuple)) or len(given) <= most:
            continue
        more = len(given) - most
        cut[name] = given[-most:]
        reasons.append(f"{more:,} more {name} than are taken from one host")
        if counter:
            before = cut.get(counter)
            cut[counter] = (before if isinstance(before, int) and before > 0 else 0) + more
    sight = cut.get("visibility")
    if isinstance(sight, dict) and isinstance(sight.get("reasons"), (list, tuple)):
        cut["visibility"] = {**sight, "reasons": few(sight["reasons"])}
    return cut, reasons


def few(reasons: t.Sequence[t.Any]) -> list[t.Any]:
    """Some of many reasons, and how many more there are."""
    if len(reasons) <= MOST_REASONS:
        return list(reasons)
    return [*reasons[: MOST_REASONS - 1], f"{len(reasons) - MOST_REASONS + 1:,} more reasons"]
