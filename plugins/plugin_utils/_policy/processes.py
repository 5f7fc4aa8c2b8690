# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of a unit that do not have its score, and why.

The facts count all processes by score, and list some of them. Why a process has its score depends on nothing but the
score, so one of each tells.
"""

from __future__ import annotations

from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json

from .kernel import without_cgroup

#: Why a process has another score than systemd has loaded, in the words of oom_facts.
STATES = ("older", "own_score", "denied")


def strays(unit: Json, idle: bool) -> dict[str, bool | None]:
    """State -> whether a process of the unit is in it; None: not known. The unit is one of context(), idle where it is
    not active.
    """
    if idle or without_cgroup(unit) or unit["load_state"] == "template":
        return dict.fromkeys(STATES, False)
    wanted, scores, listed = unit["oom_score_adjust"], unit["scores"], unit["processes"]
    seen = {str(row.get("oom_score_adj")): row.get("state") for row in listed or ()}
    whole = wanted is not None and scores is not None and listed is not None
    whole = whole and all(state in (*STATES, "as_wanted") for state in seen.values())
    whole = whole and all(seen.get(str(score)) in STATES for score in scores if str(score) != str(wanted))
    unseen = False if whole else None
    return {state: True if state in seen.values() else unseen for state in STATES}
