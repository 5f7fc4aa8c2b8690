# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs as the module's answer: one line for people, the rest for programs."""

from typing import Any, Dict, List, Sequence

from ansible_collections.memops.linux.plugins.module_utils._text import safe

from .unit_run import UnitRun

_NAMED = 5
#: For one service its fields stand at the top as well: `ansible -m service_memory -a name=nginx` reads without an
#: index.
_AT_TOP = ("drop_in", "effective", "shadowed_by", "processes")


def _line(run: UnitRun, check: bool) -> str:
    if run.error is not None:
        return run.error
    if run.was_skipped:
        return "%s: skipped, %s" % (run.name, "; ".join(run.notes))
    steps = ", ".join(run.steps.texts())
    if check and steps:
        return "%s: would %s" % (run.name, steps)
    wished = (
        " ".join("%s=%s" % pair for pair in run.request.settings.items())
        if run.request.state == "present"
        else "our drop-in is gone"
    )
    done = "%s: %s%s" % (run.name, wished, " (%s)" % steps if steps else "")
    if run.gaps:
        return "%s; NOT in force: %s" % (done, "; ".join(gap.text for gap in run.gaps))
    count = sum(len(rows) for rows in run.rows.values())
    if not count:
        return "%s, in force" % done
    return "%s, in force in %d process%s" % (done, count, "" if count == 1 else "es")


def _message(runs: Sequence[UnitRun], check: bool) -> str:
    """The runs that want attention first, all of them, and a few of the others."""
    if not runs:
        return "none of the named units is installed"
    ranked = sorted(runs, key=lambda run: (run.error is None, not run.gaps, not run.changed))
    loud = len([run for run in runs if run.error is not None or run.gaps])
    lines = ". ".join(_line(run, check).rstrip(".") for run in ranked[: max(_NAMED, loud)])
    if len(runs) <= max(_NAMED, loud):
        return lines
    return "%d services, %d verified. %s" % (len(runs), len([run for run in runs if run.verified]), lines)


def warnings(runs: Sequence[UnitRun]) -> List[str]:
    """What is not in force although nothing failed, and what was noted on the way to a change."""
    found = []  # type: List[str]
    for run in runs:
        if run.error is None and run.gaps:
            found.append("%s: not in force: %s" % (run.name, "; ".join(gap.text for gap in run.gaps)))
        if run.steps and not run.was_skipped:
            found += ["%s: %s" % (run.name, note) for note in run.notes]
    return found


def outcome(runs: Sequence[UnitRun], check: bool) -> Dict[str, Any]:
    """The unit contract. Defaults for units that are not here are not worth a word."""
    runs = [run for run in runs if not (run.request.fallback and run.was_skipped)]
    services = [run.result(check) for run in runs]
    result = {
        "changed": any(run.changed for run in runs),
        "failed": any(run.error is not None for run in runs),
        "msg": _message(runs, check),
        "services": services,
        "verified": all(service["verified"] for run, service in zip(runs, services) if not run.was_skipped),
        "restart_required": any(service["restart_required"] for service in services),
    }  # type: Dict[str, Any]
    if len(services) == 1:
        result.update({name: services[0][name] for name in _AT_TOP})
    answer = safe(result)  # type: Dict[str, Any]
    for run, service in zip(runs, answer["services"]):
        # A drop-in has lines; printable() would show their ends as escapes.
        service["diff"] = {key: "\n".join(safe(text.split("\n"))) for key, text in run.diff().items()}
    answer["diff"] = [service["diff"] for service in answer["services"]]
    return answer
