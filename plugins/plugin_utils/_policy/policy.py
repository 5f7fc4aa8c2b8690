# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy: what is expected of every host, read out of YAML or a dict and checked before any host is judged."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import check_dropin_name
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import DAEMONS
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.keys import KEYS, limits

from .declarable import DECLARABLE
from .expression import Expression, ExpressionError
from .model import (
    CHECKS,
    PROOFS,
    RENAMED,
    SEVERITIES,
    Kills,
    Policy,
    PolicyError,
    Range,
    Rule,
    Service,
    Swap,
    SwapFile,
    Visibility,
)
from .shape import Place, Problems, bytes_of

DAEMON_STATES = ("active", "inactive", "absent")
#: systemd takes anything else without a word.
_RISING = ("memory_min", "memory_low", "memory_high", "memory_max")
_HIGHEST_PRIORITY = 32767
SCOPES = ("global", "memcg", "unknown")
#: A policy with none of them would pass every host that was read.
_EXPECTING = ("services", "swap", "settings", "killers", "kills", "visibility", "rules", "extends")
_ITEM = re.compile(r"item(?:[.\[]|$)")
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def _canonical(place: Place, path: str, option: str, value: t.Any, canonical: t.Callable[[t.Any], str]) -> str | None:
    if option == "restart" and value is False:
        value = "no"  # what YAML makes of an unquoted no
    try:
        if isinstance(value, (bool, float, list, dict)):
            raise ValueError(f"{value!r} is not a valid value for it")
        if option == "oom_score_adjust" and not re.fullmatch(r"-?\d+", str(value)):
            raise ValueError(f"{value!r} is not an integer")
        return canonical(value)
    except ValueError as exc:
        place.problems.add(path, str(exc))
        return None


def _service(place: Place) -> Service | None:
    name = place.text("name", required=True)
    settings = {}  # type: dict[str, str]
    for setting in DECLARABLE:
        value = place.take(setting.option)
        text = (
            None
            if value is None
            else _canonical(place, place.at(setting.option), setting.option, value, setting.normalize)
        )
        if text is not None:
            settings[setting.option] = text
    state = place.word("state", ("present", "absent"), "present")
    missing = place.word("missing", ("fail", "skip", "stage"), "fail")
    own_score = place.word("own_score", ("fail", "lower", "allow"), "fail")
    dropin = place.text("dropin") or "50-memops.conf"
    try:
        check_dropin_name(dropin)
    except ValueError as exc:
        place.wrong("dropin", str(exc).replace("dropin: ", "", 1))
    for low, high in zip(_RISING, _RISING[1:]):
        if low in settings and high in settings and _is_more(settings[low], settings[high]):
            place.wrong(low, f"{settings[low]} is more than {high}, {settings[high]}")
    place.word("apply", ("live", "restart", "next_start"))
    place.end()
    if name is None:
        return None
    try:
        unit = parse_unit_name(name)
    except ValueError as exc:
        place.wrong("name", str(exc))
        return None
    return Service(unit, settings, state == "present", str(missing), str(own_score), dropin)


def _services(top: Place) -> tuple[Service, ...]:
    found = []  # type: list[Service]
    places = top.places("services", "a service")
    names = set()  # type: set[tuple[str, str]]
    for place in places:
        service = _service(place)
        if service is None:
            continue
        if (service.unit.name, service.dropin) in names:
            place.wrong("name", f"{service.unit.name} stands there twice")
        names.add((service.unit.name, service.dropin))
        found.append(service)
    return tuple(found)


def _is_more(least: str, most: str) -> bool:
    """A size and a share of RAM differ from host to host."""
    if least.strip().endswith("%") != most.strip().endswith("%"):
        return False
    if "infinity" in (least, most):
        return least == "infinity" != most
    one, other = bytes_of(least, 1 << 60), bytes_of(most, 1 << 60)
    return one is not None and other is not None and one > other


def _swap(top: Place) -> Swap | None:
    place = top.place("swap", "swap")
    if place is None:
        return None
    least, most = place.size("min"), place.size("max")
    if least is not None and most is not None and _is_more(least, most):
        place.wrong("min", f"no swap is at least {least} and at most {most}")
    files = {}  # type: dict[str, SwapFile]
    for inner in place.places("files", "a swap file"):
        path = inner.text("path", required=True)
        priority = inner.number("priority", least=-1, most=_HIGHEST_PRIORITY)
        size, persistent = inner.size("size"), inner.flag("persistent")
        state = inner.word("state", ("present", "absent"), "present")
        inner.end()
        if path is None:
            continue
        if not path.startswith("/"):
            inner.wrong("path", f"{path!r} has to begin with /")
        elif path in files:
            inner.wrong("path", f"{path} stands there twice")
        files[path] = SwapFile(path, size, priority, persistent, state == "present")
    place.end()
    return Swap(least, most, tuple(files.values()))


def _range(place: Place, key: str) -> Range | None:
    value = place.take(key)
    if isinstance(value, dict):
        inner = Place(value, place.at(key), place.problems, "a setting")
        least, most = inner.number("min"), inner.number("max")
        inner.end()
        if all(one is None for one in value.values()):
            place.wrong(key, "expects nothing; give min, max or both")
        elif least is not None and most is not None and least > most:
            place.wrong(key, f"no value is at least {least} and at most {most}")
        return Range((), least, most)
    values = value if isinstance(value, list) and value else [value]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in values):
        place.wrong(key, f"has to be a whole number, a list of them, or {{min, max}}, not {value!r}")
        return None
    return Range(tuple(values))


def _settings(top: Place) -> dict[str, Range]:
    place = top.place("settings", "settings")
    found, seen = {}, {}  # type: tuple[dict[str, Range], dict[str, t.Any]]
    if place is None:
        return found
    for given in list(place.given):
        key = re.sub(r"^vm[./]", "", str(given))
        wanted = _range(place, given)
        if key not in KEYS:
            place.wrong(given, f"is not a vm setting of this collection; valid ones are {', '.join(sorted(KEYS))}")
        elif key in seen:
            place.wrong(given, f"{key} stands there twice, as {seen[key]} too")
        elif wanted is not None:
            found[key] = wanted
            smallest, largest = limits(key, None, None)
            for value in wanted.values:
                if not smallest <= value <= largest:
                    place.wrong(given, f"{value} is not within {smallest} to {largest}")
        seen.setdefault(key, given)
    return found


def _killers(top: Place) -> dict[str, tuple[str, ...]]:
    place = top.place("killers", "killers")
    found = {}  # type: dict[str, tuple[str, ...]]
    if place is None:
        return found
    for name in list(place.given):
        value = place.take(name)
        states = value if isinstance(value, list) else [value]
        if name not in DAEMONS:
            place.wrong(name, f"is not a killer known to the facts; known ones are {', '.join(sorted(DAEMONS))}")
        elif not states or any(state not in DAEMON_STATES for state in states):
            place.wrong(name, f"{value!r} is none of {', '.join(DAEMON_STATES)}")
        else:
            found[name] = tuple(states)
    return found


def _kills(top: Place) -> Kills | None:
    place = top.place("kills", "kills")
    if place is None:
        return None
    most = place.number("max", required=True)
    window = place.age("window")
    proof = place.word("proof", PROOFS, PROOFS[-1])
    scopes, units = place.texts("scopes"), []
    for number, name in enumerate(place.texts("units")):
        try:
            units.append(parse_unit_name(name))
        except ValueError as exc:
            place.wrong(f"units[{number}]", str(exc))
    for number, scope in enumerate(scopes):
        if scope not in SCOPES:
            place.wrong(f"scopes[{number}]", f"{scope!r} is none of {', '.join(SCOPES)}")
    place.end()
    return (
        None
        if most is None
        else Kills(most, window, str(place.given.get("window") or ""), tuple(scopes), tuple(units), str(proof))
    )


def _visibility(top: Place) -> Visibility:
    value = top.given.get("visibility")
    if not isinstance(value, dict):
        return Visibility(str(top.word("visibility", ("clear", "partial"), "partial")))
    place = top.place("visibility", "visibility") or top
    state, since = place.word("state", ("clear", "partial"), "partial"), place.age("since")
    place.end()
    return Visibility(str(state), since, str(place.given.get("since") or ""))


def _expression(place: Place, key: str, required: bool = False) -> Expression | None:
    value = place.take(key, required)
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ExpressionError(f"{value!r} is not a text")
        return Expression(value)
    except ExpressionError as exc:
        place.wrong(key, f"is not valid JMESPath: {exc}")
        return None


def _needs(place: Place) -> tuple[Expression, ...]:
    found = []
    for number, text in enumerate(place.texts("needs")):
        try:
            found.append(Expression(text))
        except ExpressionError as exc:
            place.wrong(f"needs[{number}]", f"is not valid JMESPath: {exc}")
    return tuple(found)


def _rule(place: Place) -> Rule | None:
    name = _rule_id(place)
    severity = place.word("severity", SEVERITIES, required=True)
    message, remedy = place.text("message", required=True), place.text("remedy", required=True)
    holds = _expression(place, "assert", required=True)
    reason, expect = place.text("reason") or "", place.label("expect") or ""
    each, when, subject = (_expression(place, key) for key in ("for", "when", "subject"))
    needs = _needs(place)
    of_item = {"when": when, "assert": holds, "subject": subject, **{f"needs[{n}]": one for n, one in enumerate(needs)}}
    _check_items(place, each, of_item)
    if holds is not None and holds.is_constant and not holds.is_outright:
        place.wrong("assert", "takes nothing from the facts, so it would tell nothing of a host")
    place.end()
    if name is None or severity is None or message is None or remedy is None or holds is None:
        return None
    return Rule(name, severity, message, remedy, holds, reason, each, when, needs, subject, expect)


def _rule_id(place: Place) -> str | None:
    name = place.text("id", required=True)
    if name is not None and not _ID.fullmatch(name):
        place.wrong("id", f"{name!r} has to be words of small letters and digits with dashes between them")
    elif name in CHECKS:
        place.wrong("id", f"{name!r} is the id of a check; choose another one")
    return name


def _check_items(place: Place, each: Expression | None, of_item: dict[str, Expression | None]) -> None:
    """`item` is what `for` goes over: not known in itself, and nowhere without it."""
    places = {"for": each} if each is not None else of_item
    for key, expression in places.items():
        if expression is not None and any(_ITEM.match(path) for path in expression.paths):
            place.wrong(key, "there is an item only where `for` names a list")


def _rules(top: Place) -> tuple[Rule, ...]:
    found = {}  # type: dict[str, Rule]
    for place in top.places("rules", "a rule"):
        rule = _rule(place)
        if rule is None:
            continue
        if rule.id in found:
            place.wrong("id", f"{rule.id!r} is there twice")
        found[rule.id] = rule
    return tuple(found.values())


class _Ids:
    """Ids of checks and rules as they are now, and the old ones that were met."""

    def __init__(self, known: t.Container[str]) -> None:
        self.known = known
        self.met = {}  # type: dict[str, str]

    def current(self, name: str) -> str:
        new = RENAMED.get(name, name)
        if name in self.known or new not in self.known:
            return name
        if new != name:
            self.met[name] = new
        return new


def _severities(top: Place, ids: _Ids) -> dict[str, str]:
    place = top.place("severities", "severities")
    found = {}  # type: dict[str, str]
    if place is None:
        return found
    for name in list(place.given):
        severity = place.word(name, SEVERITIES, required=True)
        current = ids.current(name)
        if current not in ids.known:
            place.wrong(name, "is the id of no check and no rule")
        elif severity is not None:
            found[current] = severity
    return found


def read_policy(data: t.Any, name: str = "policy", base: t.Callable[[str], Policy] | None = None) -> Policy:
    """The policy of a mapping. Raises PolicyError with every mistake and its path.

    base -- gives the policy that `extends` names
    """
    problems = Problems()
    top = Place(data, "", problems, "a policy")
    schema = top.take("schema")
    if schema is not None and (schema != 1 or isinstance(schema, bool)):
        top.wrong("schema", f"is {schema!r}; this collection reads 1")
    given_name, _description = top.text("name"), top.text("description")
    below = _extended(top, name, base)
    own = Policy(
        given_name or name,
        _services(top),
        _swap(top),
        _settings(top),
        _killers(top),
        _kills(top),
        _visibility(top) if top.take("visibility") is not None else below.visibility,
        top.age("max_age"),
        _rules(top),
    )
    of_below = _Ids({rule.id for rule in below.rules})
    replaced = [rule._replace(id=of_below.current(rule.id)) for rule in own.rules]
    rules = {rule.id: rule for rule in [*below.rules, *replaced]}
    ids = _Ids(set(rules) | set(CHECKS))
    own = own._replace(
        rules=tuple(rules.values()),
        severities={**below.severities, **_severities(top, ids)},
        disabled=below.disabled | _disabled(top, ids),
        renamed=tuple(sorted({*below.renamed, *of_below.met.items(), *ids.met.items()})),
    )
    top.end()
    if not problems.found and not any(top.given.get(key) not in (None, [], {}) for key in _EXPECTING):
        problems.add("", f"the policy expects nothing; give {', '.join(_EXPECTING[:-2])} or {_EXPECTING[-2]}")
    if problems.found:
        raise PolicyError("; ".join(problems.found))
    return _on_top(own, below)


def _extended(top: Place, name: str, base: t.Callable[[str], Policy] | None) -> Policy:
    extends = top.text("extends")
    if extends is None:
        return Policy(name)
    try:
        if base is None:
            raise PolicyError("there is no policy to build on")
        return base(extends)
    except PolicyError as exc:
        top.wrong("extends", str(exc))
        return Policy(name)


def _disabled(top: Place, ids: _Ids) -> frozenset[str]:
    disabled = [ids.current(name) for name in top.texts("disable")]
    for number, one in enumerate(disabled):
        if one not in ids.known:
            top.wrong(f"disable[{number}]", f"{one!r} is the id of no check and no rule")
        elif one == "facts":
            top.wrong(f"disable[{number}]", "a host that was not read is never passed over")
    return frozenset(disabled)


def _on_top(own: Policy, below: Policy) -> Policy:
    """What it says itself wins over what it extends; its rules are those of both already."""
    services = {(one.unit.name, one.dropin): one for one in below.services + own.services}
    rules = [rule for rule in own.rules if rule.id not in own.disabled]
    return own._replace(
        services=tuple(services.values()),
        swap=own.swap or below.swap,
        settings={**below.settings, **own.settings},
        killers={**below.killers, **own.killers},
        kills=own.kills or below.kills,
        max_age=own.max_age or below.max_age,
        rules=tuple(rule._replace(severity=own.severities.get(rule.id, rule.severity)) for rule in rules),
    )
