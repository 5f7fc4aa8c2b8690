# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a policy on one host."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json

from .checks import status_of
from .expression import Expression, JMESPathError
from .finding import PASS, UNKNOWN, Finding, shown
from .kills import holes
from .model import Policy, Rule

_GATHER = "Let memops.linux.oom_facts gather it; some of it needs root"
#: what a blind host says too little of, whatever it says
_SEEN = ("kills", "unresolved", "summary")
#: sizes in bytes, by the names that the facts have for them
_SIZE = re.compile(r"(?:^|\.)memory(?:_[a-z]+|\.(?:total|available|swap_total|swap_free))$")
_SHOWN = 1 << 20
_NAMES = ("name", "path", "unit", "id")


def _brief(value: t.Any) -> t.Any:
    """A list is told by its length, unless it is short and simple."""
    if isinstance(value, list) and (len(value) > 8 or any(isinstance(item, (dict, list)) for item in value)):
        return f"{len(value)} entries"
    return f"{len(value)} keys" if isinstance(value, dict) and len(value) > 8 else value


def _taken(expressions: t.Iterable[Expression | None], facts: Json) -> Json:
    found = {}  # type: Json
    for expression in expressions:
        if expression is not None:
            for path, value in expression.taken(facts).items():
                found[path[5:] if path.startswith("item.") else path] = _brief(value)
    return found


def _effective(rule: Rule, facts: Json) -> Json:
    """What the host has of that which has to be true, for eyes."""
    found = _taken((rule.holds,), facts)
    return {
        path: human(value) if _SIZE.search(path) and isinstance(value, int) and value >= _SHOWN else value
        for path, value in found.items()
    }


def _subject(rule: Rule, facts: Json, item: t.Any) -> str:
    if rule.subject is not None:
        try:
            value = rule.subject.value(facts)
        except JMESPathError:
            value = None
        if value is not None:
            return str(value)
    if isinstance(item, dict):
        return next((str(item[key]) for key in _NAMES if item.get(key) is not None), "?")
    return "host" if rule.each is None else str(item)


def _finding(
    rule: Rule, status: str, subject: str, taken: Json, why: str = "", key: str = "", effective: Json | None = None
) -> Finding:
    evidence = dict(taken, why=why) if why else dict(taken)
    unknown = status == UNKNOWN
    told = taken if effective is None else effective
    return Finding(
        rule.id,
        rule.severity,
        status,
        subject,
        f"Unknown whether: {rule.message}" if unknown else rule.message,
        rule.expect or rule.holds.text,
        None if unknown else told or None,
        evidence,
        _GATHER if unknown else rule.remedy,
        key=key,
    )


def _of_elements(rule: Rule) -> str:
    texts = [expression.text for expression in (rule.holds, rule.when, *rule.needs) if expression is not None]
    return (
        " of every element what a filter or a projection asks"
        if any("[" in text or "*" in text for text in texts)
        else ""
    )


def _judge(rule: Rule, facts: Json, item: t.Any = None) -> Finding | None:
    """None where the rule does not concern this one."""
    why = ""
    concerns, holds = True, None  # type: bool | None, bool | None
    try:
        concerns = True if rule.when is None else rule.when.holds(facts)
        if concerns is False:
            return None
        holds = rule.holds.holds(facts)
        answer = rule.holds.answer(facts)
        if answer is not None:
            holds = None
            why = f"assert tells {shown(_brief(answer))}, which is neither true nor false"
        if holds and any(need.value(facts) is None for need in rule.needs):
            holds = None
    except JMESPathError as exc:
        holds = None
        why = "the rule cannot be applied to these facts: " + " ".join(str(exc).split())
    if concerns is None and holds is not True:
        holds = None
    status = status_of(holds)
    # Of elements that are right nobody reads more than their number.
    silent = status == PASS and rule.each is not None
    taken = {} if silent else _taken((rule.holds, rule.when, *rule.needs), facts)
    if status == UNKNOWN and not why:
        missing = [path for path, value in taken.items() if value is None]
        why = f"the facts do not tell {', '.join(missing)}" if missing else "the facts do not tell" + _of_elements(rule)
    key = str(item["id"]) if isinstance(item, dict) and item.get("id") is not None else ""
    return _finding(
        rule, status, _subject(rule, facts, item), taken, why, key, {} if silent else _effective(rule, facts)
    )


def _each(rule: Rule, facts: Json) -> t.Iterator[Finding]:
    """A finding for each element that is not right, or one that all are."""
    judged = 0
    sound = True
    try:
        items, whole = rule.each.elements(facts) if rule.each is not None else (None, False)
    except JMESPathError as exc:
        yield _finding(rule, UNKNOWN, "host", {}, "the list of the rule cannot be had: " + " ".join(str(exc).split()))
        return
    if not isinstance(items, list):
        path = rule.each.text if rule.each is not None else ""
        why = f"the facts do not tell {path}" if items is None else f"{path} is not a list"
        yield _finding(rule, UNKNOWN, "host", {}, why)
        return
    for item in items:
        facts["item"] = item
        found = _judge(rule, facts, item)
        if found is None:
            continue
        judged += 1
        if found.status != PASS:
            sound = False
            yield found
    facts.pop("item", None)
    if not whole:
        path = rule.each.text if rule.each is not None else ""
        yield _finding(rule, UNKNOWN, "host", {}, f"the facts do not tell all of {path}")
    elif sound:
        yield _finding(rule, PASS, "host", {"judged": judged})


def _is_about(rule: Rule, keys: t.Container[str]) -> bool:
    """Whether it takes one of these from the facts."""
    expressions = [expression for expression in (rule.each, rule.when, rule.holds) if expression is not None]
    return any(path.split(".")[0].split("[")[0] in keys for expression in expressions for path in expression.paths)


def _host(rule: Rule, facts: Json) -> t.Iterator[Finding]:
    found = _judge(rule, facts)
    yield found if found is not None else _finding(rule, PASS, "host", {"judged": 0})


def judge_rules(policy: Policy, facts: Json) -> t.Iterator[Finding]:
    """Every rule has at least one finding. The facts are those of context()."""
    facts = dict(facts)
    blind = facts["visibility"].get("state") not in ("clear", "partial")
    left_out, doubts = facts.get("units_truncated"), "; ".join(holes(facts))
    for rule in policy.rules:
        doubt = ""
        if blind and _is_about(rule, _SEEN):
            doubt = "the host cannot see its kills"
        elif doubts and _is_about(rule, _SEEN):
            doubt = doubts
        elif left_out and _is_about(rule, ("units",)):
            doubt = f"{left_out} units are counted and not listed"
        for found in _host(rule, facts) if rule.each is None else _each(rule, facts):
            yield _finding(rule, UNKNOWN, found.subject, {}, doubt) if doubt and found.status == PASS else found
