# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the play knows of a host after the task that gathered: its facts, or why there are none."""

from __future__ import annotations

import re
import typing as t

from .fleet import HostInput

#: a module that never began: ansible-core up to 2.18, and later ones
_VAGUE = ("MODULE FAILURE", "Module result deserialization failed")
#: the last word of ssh, also where the module had some
_CLOSED = re.compile(r"(?:Shared c|C)onnection to \S+ closed\.?")
#: what a Python says to the first line of a module that needs a newer one
_OLD_PYTHON = "future feature annotations is not defined"


#: what a task says whose keyword `timeout` ended it: ansible-core up to 2.18, and later ones
_TIME_OUTS = (
    re.compile(r"The \S+ action failed to execute in the expected time frame \((\d+)\) and was terminated\Z"),
    re.compile(r"Timed out after (\d+) second\(s\)\.?\Z"),
)


def _time_out(said: str) -> str | None:
    for pattern in _TIME_OUTS:
        found = pattern.match(said)
        if found:
            return (
                f"time-out: it did not answer within {found.group(1)} s. What it hangs in is not known; the keyword"
                " timeout of the task (oom_report_timeout of the role) gives it longer"
            )
    return None


def message_of(result: t.Mapping[str, t.Any]) -> str:
    """Why a task could not tell anything, in one line."""
    said = str(result.get("msg") or "")
    for prefix in ("Task failed: ", "Module failed: ", "Action failed: "):
        said = said.removeprefix(prefix)
    late = _time_out(said)
    if late:
        return late
    vague = not said or said.startswith(_VAGUE) or "See stdout/stderr" in said
    streams = (
        [str(result.get(stream) or "").splitlines() for stream in ("module_stdout", "module_stderr")] if vague else []
    )
    trace = [
        line.strip() for lines in streams for line in lines if line.strip() and not _CLOSED.fullmatch(line.strip())
    ]
    if trace and _OLD_PYTHON in trace[-1]:
        said = (
            "its Python is too old for this ansible-core: 2.16 takes 3.6, 2.17 3.7, 2.18 and 2.19 3.8, later ones 3.9"
        )
    elif trace:
        said = f"{said.splitlines()[0].partition(' See stdout/stderr')[0]} {trace[-1]}" if said else trace[-1]
    return " ".join(said.split()) or "no reason was given"


def read_variables(variables: t.Any, gathered: str, in_play: bool) -> HostInput:
    """What a host's raw variables say. The registered result of this run comes before facts of any other."""
    if not isinstance(variables, t.Mapping):
        return HostInput(None, "failed", "not in the inventory")
    result = variables.get(gathered)
    result = result if isinstance(result, t.Mapping) else {}
    if result.get("unreachable"):
        return HostInput(None, "unreachable", message_of(result))
    if result.get("failed"):
        return HostInput(None, "failed", message_of(result))
    if not result and not in_play:
        return HostInput(None, "failed", "failed or unreachable earlier in this play")
    for facts in (result.get("ansible_facts"), variables.get("ansible_facts")):
        if isinstance(facts, t.Mapping) and facts.get("oom") is not None:
            return HostInput(facts["oom"])
    return HostInput(
        None, None, "the gathering task was skipped" if result.get("skipped") else "no OOM facts were gathered"
    )
