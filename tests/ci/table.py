# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands at the end: a table of all gates, what the failed ones said, and one line that counts."""

from __future__ import annotations

from ci.gate import Result


def summary(results: list[Result], seconds: float) -> str:
    """The last thing printed. Who sees only the end of it sees what failed."""
    states = [result.state for result in results]
    flaky = [result.gate.name for result in results if result.state == "FLAKY"]
    parts = [table(results)]
    if "SKIPPED" in states:
        parts.append("NOT everything ran here: what says SKIPPED was not tested.")
    if flaky:
        parts.append(f"FLAKY, passed at the second try only: {', '.join(flaky)}")
    parts += [f"{r.gate.name}: {r.state}, its first try said:\n{r.found[:3000]}" for r in results if r.found]
    parts.append(
        f"took {seconds / 60:.1f} minutes, one gate after the other {sum(r.seconds for r in results) / 60:.1f}"
    )
    passed = states.count("passed") + len(flaky)
    parts.append(f"{passed} passed, {states.count('FAILED')} failed, {states.count('SKIPPED')} skipped")
    return "\n\n".join(["", *parts])


def table(results: list[Result]) -> str:
    width = max(len(result.gate.name) for result in results)
    rows = [f"{'gate':{width}}  result       time  what"]
    for gate, state, seconds, note, _found in results:
        what = f"{gate.what}: {note}" if note else gate.what
        rows.append(f"{gate.name:{width}}  {state:8} {seconds:6.1f} s  {what}")
    return "\n".join(rows)
