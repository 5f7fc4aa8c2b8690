# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person asked for: one request for each unit, checked before anything is read."""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._size import parse_share
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import check_dropin_name
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import SETTINGS, normalize_settings
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import UnitName, parse_unit_name

UNTOUCHED = "Nothing was changed."


class ParamsError(ValueError):
    """An option is wrong; the text says which and how to write it."""


class Request(NamedTuple):
    """settings -- option -> text of the drop-in, in systemd's own spelling; fallback -- another request for the same
    unit wins

    given -- option -> the text as the person wrote it
    """

    unit: UnitName
    settings: Dict[str, str]
    state: str = "present"
    dropin: str = "50-memops.conf"
    apply: str = "live"
    missing: str = "fail"
    fallback: bool = False
    given: Mapping[str, str] = {}


class Overrides(NamedTuple):
    """What the person takes upon themselves. min_killable -- hundredths of a percent of RAM that the OOM killer must be
    able to free
    """

    allow_limits: bool = False
    unkillable: bool = False
    broad: bool = False
    overcommit: bool = False
    weakening: bool = False
    shadowed: bool = False
    unsupported: bool = False
    restart: bool = False
    min_killable: int = 5000
    settle: float = 10.0
    restart_timeout: float = 90.0


def _parse_request(entry: Dict[str, Any], top: Dict[str, Any], where: str) -> Request:
    def refuse(text: str) -> ParamsError:
        return ParamsError("%s%s. %s" % (where, text, UNTOUCHED))

    if not entry.get("name"):
        raise refuse("name is missing")
    try:
        unit = parse_unit_name(str(entry["name"]))
        dropin = check_dropin_name(entry.get("dropin") or top["dropin"])
    except ValueError as exc:
        raise refuse(str(exc))
    settings = normalize_settings(entry, refuse)
    state = entry.get("state") or top["state"]
    if state == "present" and not settings:
        raise refuse(
            "no setting is given for %s; give one such as oom_score_adjust, or state=absent to remove our drop-in"
            % unit.name
        )
    apply, missing = entry.get("apply") or top["apply"], entry.get("missing") or top["missing"]
    given = {option: str(entry[option]).strip() for option in settings}
    return Request(unit, settings, state, dropin, apply, missing, bool(entry.get("fallback")), given)


def parse_requests(params: Dict[str, Any]) -> List[Request]:
    """From ``name`` with settings at the top, from ``services``, or both. Raises ParamsError."""
    found = []  # type: List[Request]
    for name in params.get("name") or ():
        found.append(_parse_request(dict(params, name=name), params, ""))
    for number, entry in enumerate(params.get("services") or ()):
        found.append(_parse_request(entry, params, "services[%d]: " % number))
    if not found:
        raise ParamsError("no service is named: give name or services. %s" % UNTOUCHED)
    at_top = [setting.option for setting in SETTINGS if params.get(setting.option) is not None]
    if at_top and not params.get("name"):
        raise ParamsError(
            "top-level %s cannot be combined with services; set it in each entry. %s" % (", ".join(at_top), UNTOUCHED)
        )
    message = conflict([request for request in found if not request.fallback])
    if message:
        raise ParamsError(message)
    return found


def parse_overrides(params: Dict[str, Any]) -> Overrides:
    """Raises ParamsError."""
    try:
        killable = parse_share(params["min_killable"])
    except ValueError as exc:
        raise ParamsError("min_killable: %s. %s" % (exc, UNTOUCHED))
    if killable is None:
        raise ParamsError(
            "min_killable: %r is not a percentage of RAM; write one such as 50%%. %s"
            % (params["min_killable"], UNTOUCHED)
        )
    for option in ("settle", "restart_timeout"):
        if not 0 <= params[option] <= 3600:
            raise ParamsError("%s: %g is outside 0 to 3600 seconds. %s" % (option, params[option], UNTOUCHED))
    return Overrides(
        allow_limits=params["allow_limits"],
        unkillable=params["allow_unkillable"],
        broad=params["allow_broad"],
        overcommit=params["allow_overcommit"],
        weakening=params["allow_weaker"],
        shadowed=params["allow_shadowed"],
        unsupported=params["allow_unsupported"],
        restart=params["force_restart"],
        min_killable=killable,
        settle=params["settle"],
        restart_timeout=params["restart_timeout"],
    )


def effective_entries(requests: Sequence[Request], ids: Sequence[Optional[str]]) -> List[int]:
    """Positions of the requests that count: one that fallback does not where the same unit, under any of its names, has
    another.
    """
    units = [unit_id or request.unit.name for request, unit_id in zip(requests, ids)]
    explicit = {unit for request, unit in zip(requests, units) if not request.fallback}
    return [
        at
        for at, (request, unit) in enumerate(zip(requests, units))
        if not request.fallback or (unit not in explicit and unit not in units[:at])
    ]


def conflict(requests: Sequence[Request], ids: Sequence[Optional[str]] = ()) -> Optional[str]:
    """Two requests for one unit that cannot both be; ``ids``: their units' own names, as far as they are known."""
    seen = {}  # type: Dict[str, List[Request]]
    for at, request in enumerate(requests):
        unit = (ids[at] if ids else None) or request.unit.name
        for other in seen.setdefault(unit, []):
            message = _contradiction(other, request)
            if message:
                names = (other.unit.name, request.unit.name)
                who = (
                    "%s is named twice" % unit
                    if names == (unit, unit)
                    else "%s and %s are the same unit, %s" % (names + (unit,))
                )
                return "%s: %s. %s" % (who, message, UNTOUCHED)
        seen[unit].append(request)
    return None


def _contradiction(one: Request, two: Request) -> Optional[str]:
    """One file can have one content; and of two files, the later one's value would be in force."""
    if one.dropin == two.dropin:
        return "once with %s, once with %s; name it once" % (_described(one), _described(two))
    for option in one.settings if one.state == two.state == "present" else ():
        if two.settings.get(option, one.settings[option]) != one.settings[option]:
            wanted = (option, one.settings[option], one.dropin, two.settings[option], two.dropin)
            return "%s is %s for %s and %s for %s, and only one of them can be in force" % wanted
    return None


def _described(request: Request) -> str:
    return (
        " ".join("%s=%s" % pair for pair in request.settings.items()) if request.state == "present" else "state=absent"
    )
