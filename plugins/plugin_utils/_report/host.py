# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of one host, made whole: whatever came back over ssh or out of an old cache becomes the facts contract, or
says why not.

Nothing in here may fail: the facts are data from another machine.
"""

from functools import lru_cache
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._actions.caps import few, within_caps

Json = Dict[str, Any]

SCHEMA = 1
_MAX_TEXT = 1024
_MAX_DEPTH = 20
_MAX_REASONS = 6
#: What a host's shortages are; the worst first.
VERDICTS = ("chronic", "unknown", "transient", "none")
_MAX_NUMBER = 1 << 63
#: 9999-12-31; a time beyond it cannot be written as a date
_MAX_TIME = 253402300799.0


class HostReport(NamedTuple):
    """What one host contributes.

    state -- ok, blind, unreachable or failed
    partial -- an ok host that saw less than everything
    reasons -- why it is blind or partial
    since -- how far back it sees, epoch seconds
    oom -- its facts, whole; None where there are none
    stale -- they are too old to speak of today
    """

    state: str
    message: Optional[str] = None
    partial: bool = False
    reasons: Tuple[str, ...] = ()
    since: Optional[float] = None
    oom: Optional[Json] = None
    stale: bool = False


@lru_cache(maxsize=16384)
def _bounded(value: str) -> Optional[str]:
    clean = printable(value[: _MAX_TEXT + 1])
    if len(clean) > _MAX_TEXT:
        return clean[: _MAX_TEXT - 3] + "..."
    return clean or None


def text(value: Any) -> Optional[str]:
    """A bounded string that is safe to print; None for anything that is no text."""
    if isinstance(value, str):
        return _bounded(value)
    found = number(value)
    return None if found is None else str(found)


def number(value: Any) -> Optional[float]:
    """A finite number below 2**63; None for the rest (a bool is not an integer)."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if -_MAX_NUMBER < value < _MAX_NUMBER else None


def whole(value: Any) -> Optional[int]:
    """A number without its fraction."""
    found = number(value)
    return None if found is None else int(found)


def time(value: Any) -> Optional[float]:
    """Epoch seconds that a calendar has a date for."""
    found = number(value)
    return found if found is not None and 0 <= found <= _MAX_TIME else None


def flag(value: Any) -> bool:
    """True only for a real true; the string "false" of a mangled cache is not one."""
    return value is True


def texts(value: Any) -> List[str]:
    """A list of strings; one string alone counts as a list of one."""
    found = value if isinstance(value, (list, tuple)) else [value]
    return [item for item in (text(v) for v in found) if item is not None]


def plain(value: Any, depth: int = 0) -> Any:
    """The same structure in builtin types, printable, and shallow enough to walk."""
    if isinstance(value, str):
        return text(value) or ""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return number(value)
    if depth >= _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {text(k) or "": plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v, depth + 1) for v in value]
    return text(str(value))


_PROCESS = (
    ("pid", whole),
    ("comm", text),
    ("uid", whole),
    ("total_vm", whole),
    ("anon_rss", whole),
    ("file_rss", whole),
    ("shmem_rss", whole),
    ("pgtables", whole),
    ("oom_score_adj", whole),
    ("oom_score", whole),
)  # type: Tuple[Tuple[str, Callable[[Any], Any]], ...]
_INVOKER = (("pid", whole), ("comm", text), ("gfp_mask", text), ("order", whole))
_CONTAINER = (("id", text), ("name", text), ("image", text), ("pod", text), ("namespace", text), ("engine", text))
#: the facts contract: the strongest first. All but the last are kills.
GRADES = ("kernel", "confirmed", "logged", "disputed")
_SOURCE = (("name", text), ("trusted", flag), ("reason", text), ("seen_in", texts))
_KILL = (
    ("id", text),
    ("time", time),
    ("time_quality", text),
    ("host", text),
    ("boot_id", text),
    ("uptime", number),
    ("killer", text),
    ("scope", text),
    ("trigger", text),
    ("constraint", text),
    ("victim", lambda value: _shaped(value, _PROCESS)),
    ("invoker", lambda value: _shaped(value, _INVOKER)),
    ("oom_memcg", text),
    ("task_memcg", text),
    ("unit", text),
    ("container_id", text),
    ("container", lambda value: _shaped(value, _CONTAINER)),
    ("kernel", text),
    ("partial", flag),
    ("proof", text),
    ("why", text),
    ("source", lambda value: _shaped(value, _SOURCE)),
)  # type: Tuple[Tuple[str, Callable[[Any], Any]], ...]


def _shaped(value: Any, shape: Tuple[Tuple[str, Callable[[Any], Any]], ...]) -> Json:
    """Every key of the shape, and whatever else a newer gatherer added."""
    given = value if isinstance(value, dict) else {}
    made = {key: read(given.get(key)) for key, read in shape}
    for key in sorted(given.keys() - made.keys(), key=str):
        made[text(key) or ""] = plain(given[key])
    return made


def _records(oom: Json, name: str, reasons: List[str]) -> List[Json]:
    """The mappings of a list; what is none of these becomes a reason."""
    found = oom.get(name)
    if found is None:
        return []
    if not isinstance(found, (list, tuple)):
        reasons.append("the facts hold no list of %s" % name)
        return []
    good = [item for item in found if isinstance(item, dict)]
    if len(good) < len(found):
        reasons.append("%d of %d entries in %s could not be read" % (len(found) - len(good), len(found), name))
    return good


def _proof(event: Json) -> str:
    """What speaks for it. Facts that are older than the grades only know whether a source is trusted."""
    if event.get("proof") in GRADES:
        return str(event["proof"])
    return "kernel" if event["source"]["trusted"] else "logged"


def _kill(value: Json) -> Json:
    kill = _shaped(value, _KILL)
    kill["proof"] = _proof(kill)
    for key in ("time_quality", "killer", "scope", "trigger"):
        kill[key] = kill[key] or "unknown"
    if kill["time"] is None:
        kill["time_quality"] = "unknown"
    return kill


def _unresolved(value: Json) -> Json:
    event = plain(value)  # type: Json
    event["time"] = time(value.get("time"))
    event["outcome"] = text(value.get("outcome")) or "unknown"
    event["why"] = text(value.get("why"))
    event["count"] = max(whole(value.get("count")) or 1, 1)
    event["source"] = _shaped(value.get("source"), _SOURCE)
    event["proof"] = _proof(event)
    return event


def read_verdict(oom: Optional[Json]) -> Optional[Json]:
    """summary.verdict; None where the facts are older than it, or hold none that is one."""
    summary = oom.get("summary") if oom else None
    given = summary.get("verdict") if isinstance(summary, dict) else None
    state = given.get("state") if isinstance(given, dict) else None
    if not isinstance(given, dict) or state not in VERDICTS:
        return None
    return {
        "state": state,
        "reasons": texts(given.get("reasons") or [])[:_MAX_REASONS],
        "trusted": flag(given.get("trusted")),
    }


def _oldest_first(event: Json) -> Tuple[float, str]:
    return (-1.0 if event["time"] is None else event["time"], str(event.get("id")))


def read_facts(oom: Any) -> HostReport:
    """``ansible_facts.oom`` of a host that answered."""
    if not isinstance(oom, dict) or not oom:
        return HostReport("blind", "no OOM facts" if oom in (None, {}) else "the OOM facts are not a mapping")
    schema = oom.get("schema", SCHEMA)
    if isinstance(schema, bool) or schema != SCHEMA:
        return HostReport("blind", "facts of schema %s; this report reads schema %d" % (text(schema), SCHEMA))
    oom, beyond = within_caps(oom)
    given = oom.get("visibility")
    visibility = given if isinstance(given, dict) else {}
    reasons = few(texts(visibility.get("reasons")) + beyond)
    whole_facts = plain({k: v for k, v in oom.items() if k not in ("kills", "unresolved")})  # type: Json
    whole_facts["kills"] = sorted((_kill(kill) for kill in _records(oom, "kills", reasons)), key=_oldest_first)
    whole_facts["unresolved"] = sorted(
        (_unresolved(event) for event in _records(oom, "unresolved", reasons)), key=_oldest_first
    )
    if "local" in whole_facts and not isinstance(whole_facts["local"], bool):
        whole_facts["local"] = None
    sight = text(visibility.get("state"))
    since = time(visibility.get("since"))
    if oom.get("kills") is None:
        reasons.append("the facts hold no kills: they were not gathered")
    if sight not in ("clear", "partial", "blind"):
        reasons.append("the facts do not say what the host can see")
    if reasons and (sight not in ("clear", "partial") or not isinstance(oom.get("kills"), (list, tuple))):
        sight = "blind"
    if sight == "blind":
        message = "; ".join(reasons) or "no source could be read"
        return HostReport("blind", message, False, tuple(reasons), since, whole_facts)
    if oom.get("unresolved") is None:
        reasons.append("the facts hold no list of unresolved")  # none would be an empty one
    partial = sight == "partial" or bool(reasons)
    return HostReport("ok", None, partial, tuple(reasons), since, whole_facts)


#: Facts that are older than this say nothing of today.
_MAX_AGE = 86400.0


def of_today(host: HostReport, now: float) -> HostReport:
    """A host whose facts come out of an old cache is seen in part: what happened since is not among them."""
    gathered = time(host.oom.get("gathered_at")) if host.oom else None
    if host.state != "ok" or gathered is None or now - gathered <= _MAX_AGE:
        return host
    old = "the facts are %.0f days old: gather them again" % ((now - gathered) / _MAX_AGE)
    return host._replace(partial=True, stale=True, reasons=(old,) + host.reasons)


def read_host(state: Optional[str], message: Any, oom: Any) -> HostReport:
    """A host as the play left it: unreachable and failed are facts of their own, whatever an old cache still holds."""
    if state in ("unreachable", "failed"):
        return HostReport(state, text(message) or state)
    host = read_facts(oom)
    if host.state == "blind" and host.oom is None and text(message):
        return host._replace(message=text(message))
    return host
