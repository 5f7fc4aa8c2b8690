# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible_facts.oom as a host may send it: known keys of their types, the newest of what is too much, and the rest counted."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.modules import oom_facts

from . import bounds
from .documented import documented, shaped

MOST_KILLS = 3000
MOST_REASONS = 12
_MOST_UNRESOLVED = 1000
_MOST_UNITS = 1000
_MOST_SOURCES = 250
_SIGHTS = ("clear", "partial", "blind")

_KEYS = documented(oom_facts.RETURN, "ansible_facts", "oom")


def _add(oom: dict[str, t.Any], counter: str, more: int) -> None:
    before = oom.get(counter)
    oom[counter] = (int(before) if isinstance(before, (int, float)) else 0) + more


def _visibility(given: t.Any, reasons: list[str]) -> dict[str, t.Any]:
    """Unknown keys of a newer gatherer stay; what was left out here makes clear sight a partial one."""
    found = bounds.mapping(given) or {}
    told = given.get("reasons") if isinstance(given, dict) else None
    texts = [*(told if isinstance(told, list) else []), *reasons]
    if len(texts) > MOST_REASONS:
        texts = [*texts[: MOST_REASONS - 1], f"{len(texts) - MOST_REASONS + 1:,} more reasons"]
    texts = [text for text in map(bounds.line, texts) if text]
    state = found.get("state")
    if state not in _SIGHTS:
        state = "blind"
    return {**found, "state": "partial" if reasons and state == "clear" else state, "reasons": texts}


def shaped_facts(given: t.Any) -> dict[str, t.Any] | None:
    """None for what is no facts at all."""
    if not isinstance(given, dict):
        return None
    cut, reasons = dict(given), []
    for name, most, counter in (("kills", MOST_KILLS, "truncated"), ("units", _MOST_UNITS, "units_truncated")):
        if isinstance(cut.get(name), list) and len(cut[name]) > most:
            more = len(cut[name]) - most
            cut[name] = cut[name][-most:]
            _add(cut, counter, more)
            reasons.append(f"{more:,} more {name} than are taken from one host")
    for name, most in (("unresolved", _MOST_UNRESOLVED), ("sources", _MOST_SOURCES)):
        if isinstance(cut.get(name), list) and len(cut[name]) > most:
            reasons.append(f"{len(cut[name]) - most:,} more {name} than are taken from one host")
            cut[name] = cut[name][-most:]
    oom, strange = shaped(cut, _KEYS)
    unknown = len([name for name in given if name not in _KEYS])
    if strange:
        reasons.append(f"{', '.join(strange)} of the facts are not in their shape")
    if unknown:
        reasons.append(f"{unknown:,} keys of the facts are not known here")
    if "visibility" in given or reasons:
        oom["visibility"] = _visibility(given.get("visibility"), reasons)
    return oom
