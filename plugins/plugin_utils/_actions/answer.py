# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of a host becomes the result of a task: a new one, of what is known to be needed. Whatever else it holds
stays behind.

Ansible makes variables of ansible_facts, hosts of add_host, groups of add_group, and acts on every _ansible_*.
"""

from __future__ import annotations

import re
import typing as t

from . import bounds
from .documented import Keys, shaped

_MOST_WARNINGS = 20
_MOST_DIFFS = 100
_JOB = re.compile(r"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*", re.ASCII)
_DIFF = ("before", "after", "before_header", "after_header", "prepared")


def _warning(given: t.Any) -> str | None:
    """A text, a mapping as ansible-core up to 2.18 has deprecations, an object of later ones."""
    if isinstance(given, dict):
        given = given.get("msg")
    elif not isinstance(given, str):
        given = getattr(getattr(given, "event", None), "msg", None)
    return bounds.line(given)


def _warnings(given: t.Any) -> list[str]:
    found = [_warning(one) for one in given[:_MOST_WARNINGS]] if isinstance(given, (list, tuple)) else []
    return [one for one in found if one]


def _diff(given: t.Any) -> list[dict[str, str]]:
    """Texts to be compared, nothing else: callbacks join and print them as they are."""
    many = given if isinstance(given, list) else [given]
    found = []
    for one in many[:_MOST_DIFFS]:
        if isinstance(one, dict):
            texts = {key: bounds.lines(one[key]) for key in _DIFF if isinstance(one.get(key), str)}
            if texts:
                found.append(t.cast("dict[str, str]", texts))
    return found


def job_of(given: t.Mapping[str, t.Any]) -> str | None:
    """The name of a file on the host, for async_status."""
    job = given.get("ansible_job_id")
    return str(job) if isinstance(job, str) and len(job) < 64 and _JOB.fullmatch(job) else None


def _state(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """How it went. A host cannot say that it is unreachable, for then it was not asked."""
    found = {"changed": given.get("changed") is True}  # type: dict[str, t.Any]
    if given.get("failed"):
        found["failed"] = True
    if given.get("skipped"):
        found["skipped"] = True
    code = given.get("rc")
    if isinstance(code, int) and not isinstance(code, bool):
        found["rc"] = code
    return found


def _said(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    found = {
        "msg": bounds.lines(given.get("msg")),
        "module_stdout": bounds.end_of(given.get("module_stdout")),
        "module_stderr": bounds.end_of(given.get("module_stderr")),
        "exception": bounds.end_of(given.get("exception")),
        "warnings": _warnings(given.get("warnings")) + _warnings(given.get("deprecations")),
        "diff": _diff(given.get("diff")),
    }
    return {key: value for key, value in found.items() if value}


def _job(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Of a module that runs on when the call has ended."""
    job = job_of(given)
    if job is None:
        return {}
    return {
        "ansible_job_id": job,
        "results_file": bounds.line(given.get("results_file")),
        "started": bool(given.get("started")),
        "finished": bool(given.get("finished")),
    }


def taken(given: t.Mapping[str, t.Any], keys: Keys) -> dict[str, t.Any]:
    """What is taken of an answer, but for its facts."""
    found, strange = shaped(given, keys)
    made = {**found, **_state(given), **_said(given), **_job(given)}
    if strange:
        made["warnings"] = [
            *made.get("warnings", []),
            f"{', '.join(strange)} of the answer are not in their shape and were left out",
        ]
    return made


def result(given: t.Mapping[str, t.Any], keys: Keys) -> dict[str, t.Any]:
    """The same after Ansible had it in its hands, which adds objects of its own."""
    return {**{name: given[name] for name in keys if name in given}, **_state(given), **_said(given), **_job(given)}
