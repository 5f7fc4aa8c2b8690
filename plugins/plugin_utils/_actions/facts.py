# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible_facts.oom as a host may send it: known keys of their types, the newest of what is too much, and the rest
counted.
"""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.modules import oom_facts

from . import bounds
from .caps import within_caps
from .documented import documented, shaped

_SIGHTS = ("clear", "partial", "blind")
_KEYS = documented(oom_facts.RETURN, "ansible_facts", "oom")


def _visibility(given: t.Any, reasons: list[str]) -> dict[str, t.Any]:
    """Unknown keys of a newer gatherer stay; what was left out here makes clear sight a partial one."""
    found = bounds.mapping(given) or {}
    told = found.get("reasons")
    texts = [text for text in (told if isinstance(told, list) else []) if isinstance(text, str)]
    state = found.get("state")
    if state not in _SIGHTS:
        state = "blind"
    return {**found, "state": "partial" if reasons and state == "clear" else state, "reasons": texts + reasons}


def shaped_facts(given: t.Any) -> dict[str, t.Any] | None:
    """None for what is no facts at all."""
    if not isinstance(given, dict):
        return None
    cut, reasons = within_caps(given)
    oom, strange = shaped(cut, _KEYS)
    unknown = len([name for name in given if name not in _KEYS])
    if strange:
        reasons.append(f"{', '.join(strange)} of the facts are not in their shape")
    if unknown:
        reasons.append(f"{unknown:,} keys of the facts are not known here")
    if "visibility" in cut or reasons:
        oom["visibility"] = _visibility(cut.get("visibility"), reasons)
    return oom
