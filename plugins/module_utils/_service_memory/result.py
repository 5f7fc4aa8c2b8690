# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases as the module's answer: one line for people, the rest for programs."""

from typing import Any, Dict, List, Sequence

from ansible_collections.memops.linux.plugins.module_utils._text import safe

from .unit_run import ABSENT, MASKED, Case

_NAMED = 5
#: For one service its fields stand at the top as well: `ansible -m service_memory -a name=nginx` reads without an index.
_AT_TOP = ("drop_in", "effective", "shadowed_by", "processes")


def _line(case: Case, check: bool) -> str:
    if case.error is not None:
        return case.error
    if case.status in (ABSENT, MASKED):
        return "%s: skipped, %s" % (case.name, "; ".join(case.notes))
    steps = ", ".join(case.steps.texts())
    if check and steps:
        return "%s: would %s" % (case.name, steps)
    wished = " ".join("%s=%s" % pair for pair in case.request.settings.items()) if case.request.state == "present" else "our drop-in is gone"
    done = "%s: %s%s" % (case.name, wished, " (%s)" % steps if steps else "")
    if case.gaps:
        return "%s; NOT in force: %s" % (done, "; ".join(gap.text for gap in case.gaps))
    count = sum(len(rows) for rows in case.rows.values())
    return "%s, in force%s" % (done, " in %d process%s" % (count, "" if count == 1 else "es") if count else "")


def _message(cases: Sequence[Case], check: bool) -> str:
    """The cases that want attention first, all of them, and a few of the others."""
    if not cases:
        return "none of the named units is installed"
    ranked = sorted(cases, key=lambda case: (case.error is None, not case.gaps, not case.changed))
    loud = len([case for case in cases if case.error is not None or case.gaps])
    lines = ". ".join(_line(case, check).rstrip(".") for case in ranked[: max(_NAMED, loud)])
    if len(cases) <= max(_NAMED, loud):
        return lines
    return "%d services, %d verified. %s" % (len(cases), len([case for case in cases if case.verified]), lines)


def warnings(cases: Sequence[Case]) -> List[str]:
    """What is not in force although nothing failed, and what was noted on the way to a change."""
    found = []  # type: List[str]
    for case in cases:
        if case.error is None and case.gaps:
            found.append("%s: not in force: %s" % (case.name, "; ".join(gap.text for gap in case.gaps)))
        if case.steps and case.status not in (ABSENT, MASKED):
            found += ["%s: %s" % (case.name, note) for note in case.notes]
    return found


def outcome(cases: Sequence[Case], check: bool) -> Dict[str, Any]:
    """The unit contract. Defaults for units that are not here are not worth a word."""
    cases = [case for case in cases if not (case.request.fallback and case.status in (ABSENT, MASKED))]
    services = [case.result(check) for case in cases]
    result = {
        "changed": any(bool(case.steps) and case.error is None for case in cases) if check else any(case.changed for case in cases),
        "failed": any(case.error is not None for case in cases),
        "msg": _message(cases, check),
        "services": services,
        "verified": all(service["verified"] for service in services if service["status"] not in (ABSENT, MASKED)),
        "restart_required": any(service["restart_required"] for service in services),
    }  # type: Dict[str, Any]
    if len(services) == 1:
        result.update({name: services[0][name] for name in _AT_TOP})
    answer = safe(result)  # type: Dict[str, Any]
    for case, service in zip(cases, answer["services"]):
        # A drop-in has lines; printable() would show their ends as escapes.
        service["diff"] = {key: "\n".join(safe(text.split("\n"))) for key, text in case.diff().items()}
    answer["diff"] = [service["diff"] for service in answer["services"]]
    return answer
