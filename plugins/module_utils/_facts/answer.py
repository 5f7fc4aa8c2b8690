# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts in one line, for a person who reads one line a host: what died last, or what was looked at, or why nothing
is known.
"""

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._oom.model import NODES_ALLOWED_BY
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .proof import DISPUTED
from .visibility import iso

_MOST = 1200
_NAMES = 3
_REASONS = 3
_MAX_NAME = 80
_WHILES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def _at(moment: Optional[float]) -> str:
    return (None if moment is None else iso(moment)) or "an unknown time"


def answer(oom: Dict[str, Any]) -> str:
    """What the facts of one host say, safe to print."""
    if "kills" not in oom:
        names = sorted(name for name in oom if name not in ("schema", "gathered_at"))
        return "kills were not asked for; gathered: %s" % (", ".join(names) or "nothing")
    sight = oom["visibility"]
    said = _found(oom)
    if sight["state"] == "blind" and not said:
        said = ["could not look: %s" % (few(sight["reasons"]) or "no source could be read")]
    else:
        said = said or [_none(oom)]
        said.append(not_seen(sight["state"], sight["reasons"]))
        said.append("sees since %s" % _at(sight["since"]) if sight["since"] is not None else _unknown_reach(sight))
    text = printable("; ".join(part for part in said if part))
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."


def _unknown_reach(sight: Dict[str, Any]) -> str:
    return "" if sight["state"] == "blind" else "since when it sees is not known"


def not_seen(state: str, reasons: Sequence[str]) -> str:
    """What the line says of gaps; empty where there are none."""
    if state == "clear":
        return ""
    how = "this is not all: " if state == "partial" else "the rest could not be seen: "
    return how + (few(reasons) or "the sources have gaps")


def few(reasons: Sequence[str]) -> str:
    more = ["and %d more" % (len(reasons) - _REASONS)] if len(reasons) > _REASONS else []
    return "; ".join(list(reasons[:_REASONS]) + more)


def _some(count: int, noun: str) -> str:
    return "%d %s%s" % (count, noun, "" if count == 1 else "s")


def _found(oom: Dict[str, Any]) -> List[str]:
    """Shortages without a victim first: they are the loudest."""
    said = []  # type: List[str]
    events = [event for event in oom["unresolved"] if event["proof"] != DISPUTED]
    if events:
        times = sum(event["count"] for event in events)
        last = events[-1]
        said.append(
            "memory ran out %s and no victim is known, last at %s (%s)"
            % ("once" if times == 1 else "%d times" % times, _at(last["time"]), last["outcome"])
        )
    summary = oom["summary"]
    if summary["total"]:
        said.append("%s%s: %s" % (_some(summary["total"], "kill"), _period(oom), _newest(oom)))
        units = summary["by_unit"]
        if len(units) > 1:
            said.append(_most(units))
    disputed = summary["by_proof"][DISPUTED]
    if disputed and said:
        verb = "is" if disputed == 1 else "are"
        said.append(
            "%d more %s told by a text log alone, which a better source of that time does not have" % (disputed, verb)
        )
    elif disputed:
        said.append("no kill%s that counts; %d disputed, told by a text log alone" % (_period(oom), disputed))
    return said


def _most(units: Dict[str, int]) -> str:
    named = ["%s %d" % (_short(name), units[name]) for name in list(units)[:_NAMES]]
    more = ["%d more units" % (len(units) - _NAMES)] if len(units) > _NAMES else []
    return "by unit: " + ", ".join(named + more)


def _short(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 3] + "..."


def _newest(oom: Dict[str, Any]) -> str:
    """The last kill that counts: who, where, when, against which limit."""
    kills = [kill for kill in oom["kills"] if kill["proof"] != DISPUTED]
    if not kills:
        return "the last at %s (not listed)" % _at(oom["summary"]["last"])
    kill = max(kills, key=lambda one: -1.0 if one["time"] is None else one["time"])
    comm, unit = kill["victim"]["comm"], kill["unit"]
    if comm is None:
        who = unit or "a process whose name is not known"
    else:
        who = "%s (%s)" % (_short(comm), _short(unit)) if unit else _short(comm)
    return "%s%s at %s%s" % ("the last " if len(kills) > 1 else "", who, _at(kill["time"]), _limit(kill))


def _limit(kill: Dict[str, Any]) -> str:
    if kill["scope"] == "global":
        allowed = NODES_ALLOWED_BY.get(kill.get("constraint") or "")
        return ", the memory nodes of its %s were full" % allowed if allowed else ", the host was out of memory"
    ledger = kill.get("ledger")
    if kill["scope"] == "memcg" and ledger and ledger["of"] == "limit" and ledger["total"] is not None:
        return ", limit %s" % human(ledger["total"])
    return ", a limit was reached" if kill["scope"] == "memcg" else ""


def _period(oom: Dict[str, Any]) -> str:
    """`` in 24 h``: of the window that was asked for."""
    window = oom["window"]
    since, until = window["since"], window["until"]
    only = " of those asked for" if "only" in oom else ""
    if since is None:
        return only + (" until %s" % _at(until) if until is not None else "")
    if until is not None:
        return only + " from %s until %s" % (_at(since), _at(until))
    return only + " in %s" % _while(oom["gathered_at"] - since)


def _while(seconds: float) -> str:
    for size, unit in _WHILES:
        if seconds >= 2 * size or size == 60.0:
            return "%d %s" % (round(seconds / size), unit)
    return ""


def _none(oom: Dict[str, Any]) -> str:
    """The all-clear says what was looked at."""
    said = "no kill%s" % _period(oom)
    if oom["visibility"]["state"] != "clear":
        said = "no kill%s was found" % _period(oom)
    return "%s; looked at %s" % (said, _looked_at(oom["sources"]))


def _looked_at(sources: List[Dict[str, Any]]) -> str:
    read = [source for source in sources if source.get("status") == "read"]
    files = [source for source in read if source["name"].startswith("/") and source["name"] != "/dev/kmsg"]
    named = [source["name"] for source in read if source not in files]
    if len(files) == 1:
        named.append(_short(files[0]["name"]))
    elif files:
        named.append("%d log files" % len(files))
    lines = [source["lines"] for source in read if isinstance(source.get("lines"), int)]
    return "%s (%s)" % (", ".join(named), _some(sum(lines), "line")) if named else "nothing that could be read whole"
