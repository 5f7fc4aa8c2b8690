# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the report says things: one wording of times, sizes, states and headlines for page, table and Markdown."""

from __future__ import annotations

import datetime
import re
import typing as t

from .fleet import is_counted
from .host import Json

#: time_quality -> the mark behind a time, and what it means
QUALITY = {
    "exact": ("", "as logged"),
    "year_inferred": ("~", "the log names no year; it was inferred"),
    "from_uptime": ("\u2248", "reckoned from the kernel's uptime clock, which stops in suspend"),
    "unknown": ("?", "the log does not say when"),
}
_LAST = 253402300799


def date(when: float) -> datetime.datetime:
    """In UTC; what lies beyond the calendar is its last second."""
    return datetime.datetime.fromtimestamp(min(int(when), _LAST), datetime.timezone.utc)


def utc(when: float | None, unknown: str = "unknown") -> str:
    """2026-11-22 18:41:52Z"""
    if when is None:
        return unknown
    return date(when).strftime("%Y-%m-%d %H:%M:%SZ")


def utc_minute(when: float | None, unknown: str = "unknown") -> str:
    """2026-11-22 18:41Z"""
    return unknown if when is None else utc(when)[:16] + "Z"


def iso(when: float | None) -> str:
    """2026-11-22T18:41:52.272345Z, nothing for None: for machines."""
    if when is None:
        return ""
    moment = date(when).strftime("%Y-%m-%dT%H:%M:%S")
    micro = round((when - int(when)) * 1e6)
    return f"{moment}.{min(micro, 999999):06d}Z" if micro else f"{moment}Z"


def quality_mark(kill: Json) -> str:
    return QUALITY.get(kill["time_quality"], QUALITY["unknown"])[0]


def mebibytes(size: float | None, unknown: str = "") -> str:
    """Bytes as MiB: 63.5, 1,024."""
    if size is None:
        return unknown
    found = size / 1048576
    return f"{found:,.0f}" if found >= 100 else f"{found:.1f}"


def some(count: int, noun: str, plural: str | None = None) -> str:
    """1 kill, 2 kills, 1,000 kills"""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def first_of(names: t.Sequence[str], most: int, between: str = ", ") -> str:
    """a, b and 31 more"""
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def without_host(said: str, host: str) -> str:
    """A reason that names the host that it is of, as ssh does, is the same for all hosts."""
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "(the host)", said)


def state_word(entry: Json) -> str:
    """The state as a person reads it: an ok host that saw less than everything is partial."""
    return "partial" if entry["state"] == "ok" and entry["partial"] else str(entry["state"])


def why(entry: Json) -> str:
    """Everything that makes this host's numbers less than certain, in one line."""
    parts = [entry["message"]] if entry["message"] else list(entry["reasons"])
    if entry["unexplained"]:
        parts.insert(0, f"the kernel counted {some(entry['unexplained'], 'kill')} more than the logs tell")
    if entry["unparsed"]:
        parts.append(
            some(
                entry["unparsed"],
                "line looks like OOM and was not understood",
                "lines look like OOM and were not understood",
            )
        )
    unlisted = entry["unlisted"]["kills"] + entry["unlisted"]["disputed"]
    if unlisted:
        parts.append(f"{some(unlisted, 'older kill')} counted and not listed (max_kills)")
    return "; ".join(parts)


def verdict(entry: Json) -> tuple[str, str]:
    """Whether it will come again, and why that is thought; empty where there is nothing to judge."""
    found = entry["verdict"]
    if found is None or found["state"] == "none":
        return "", ""
    return str(found["state"]), "; ".join(found["reasons"])


def container_words(kill: Json) -> str:
    """By its name and its pod where the host has them, else by the first 12 digits of its id, as engines show it."""
    named = kill.get("container") or {}
    name, pod = named.get("name"), named.get("pod")
    if pod and named.get("namespace"):
        pod = f"{named['namespace']}/{pod}"
    of_pod = f" of pod {pod}" if pod else ""
    return f"container {name or str(kill['container_id'])[:12]}{of_pod}"


def where(kill: Json) -> str:
    """Unit, else container, else cgroup of the victim. A unit that is named after its container says the same at
    length.
    """
    unit, container = kill["unit"], kill["container_id"]
    if container and (not unit or container in unit):
        return container_words(kill)
    return str(unit or kill["task_memcg"] or "")


def unit_now(unit: Json) -> str:
    """What systemd made of a unit, as far as the facts tell: it runs or not, how often it was started, its settings."""
    state, result, restarts = (unit.get(key) for key in ("active_state", "result", "restarts"))
    said = [state] if isinstance(state, str) and state else []
    if isinstance(result, str) and result not in ("", "success"):
        said.append(f"result {result}")
    if isinstance(restarts, int) and restarts > 0:
        said.append(f"started again {some(restarts, 'time')}")
    for key, name in (("restart", "Restart"), ("oom_policy", "OOMPolicy")):
        if isinstance(unit.get(key), str) and unit[key]:
            said.append(f"{name}={unit[key]}")
    limit = unit.get("memory_max")
    if isinstance(limit, int) and not isinstance(limit, bool):
        said.append(f"MemoryMax={mebibytes(limit)} MiB")
    return ", ".join(said)


def victim(kill: Json) -> str:
    """comm[pid], as the kernel and systemd write it; systemd-oomd kills a cgroup and names nobody in it."""
    comm, pid = kill["victim"]["comm"], kill["victim"]["pid"]
    if comm is None and pid is None:
        return "(whole cgroup)"
    return f"{'?' if comm is None else comm}[{'?' if pid is None else pid}]"


def shortage(kill: Json) -> str:
    """Who was out of memory: the host, the victim's own cgroup, or, by its path, one above it."""
    if kill["scope"] == "memcg" and kill["oom_memcg"] not in (None, kill["task_memcg"]):
        return f"memcg {kill['oom_memcg']}"
    return str(kill["scope"])


def seen_in(kill: Json) -> str:
    """The first of the sources that show it, and how many more do."""
    seen = kill["source"]["seen_in"] or [kill["source"]["name"] or ""]
    return f"{seen[0]} +{len(seen) - 1}" if len(seen) > 1 else str(seen[0])


#: What a shortage without a known victim ended in; the kernel's own outcomes killed nothing.
_OUTCOMES = {
    "unseen": "Out of memory, the victim is not in the log",
    "rule_fired": "A rule of systemd-oomd fired, nothing was killed",
}


def shortage_title(event: Json) -> str:
    return _OUTCOMES.get(event["outcome"], "Out of memory, nothing killed")


#: Where a form of log line that nobody here knows is reported.
ISSUES = "https://example.com/memops/linux/issues"


def unparsed(report: Json) -> list[tuple[str, str]]:
    """(host, line) of what speaks of a kill and was not understood, as far as the facts show it."""
    found = []
    for name, entry in report["hosts"].items():
        samples = entry["oom"].get("unparsed_samples") if entry["oom"] else None
        found += [(name, line) for line in samples if isinstance(line, str)] if isinstance(samples, list) else []
    return found


def please_report(report: Json) -> str:
    """What to do with them; empty where there is none."""
    count = report["fleet"]["totals"]["unparsed"]
    if not count:
        return ""
    lines = some(count, "line speaks of a kill and was not understood", "lines speak of kills and were not understood")
    return (
        f"{lines}. Each may be a kill that is missing here. Please report it at {ISSUES} with the line and the version"
        " of what wrote it."
    )


def quoted(report: Json) -> str:
    count = report["fleet"]["totals"]["quoted"]
    return (
        f"{some(count, 'line quotes a kill and is', 'lines quote kills and are')} none: other programs' messages."
        if count
        else ""
    )


_MOST_QUOTING = 10


def quoted_on(report: Json) -> str:
    """Which hosts have them: On web1 (12), web2 (3) and 2 more."""
    found = sorted((-entry["quoted"], name) for name, entry in report["hosts"].items() if entry["quoted"])
    if not found:
        return ""
    named = ", ".join(f"{name} ({-count:,})" for count, name in found[:_MOST_QUOTING])
    more = len(found) - _MOST_QUOTING
    return f"On {named} and {more:,} more." if more > 0 else f"On {named}."


def unresolved(report: Json) -> t.Iterator[tuple[str, Json]]:
    """(host, event) of every shortage without a victim: disputed ones last, newest first."""
    found = [
        (name, event) for name, entry in report["hosts"].items() if entry["oom"] for event in entry["oom"]["unresolved"]
    ]
    found.sort(key=lambda item: (not is_counted(item[1]), -(item[1]["time"] or 0.0), item[0]))
    yield from found


#: What a policy, a dashboard and a reader may want to know of `logged`.
PERSISTENT = "a persistent journal (Storage=persistent in /etc/systemd/journald.conf) would"


def _logged(count: int, kills: int) -> str:
    """What nothing but a text log tells, and how to have more."""
    if kills == 1:
        of_them = "It stands"
    elif count == kills:
        of_them = "All of them stand"
    else:
        of_them = f"{count:,} of them {'stands' if count == 1 else 'stand'}"
    return f"{of_them} in text logs alone: no trusted source covers that time; {PERSISTENT}."


_HOUR, _DAY = 3600, 86400
#: a host's clock may be that much ahead of the controller's before it is said
_AHEAD = 600


def ago(seconds: float) -> str:
    """Whole hours or days, so that the same facts give the same words for a while."""
    if seconds >= 2 * _DAY:
        return f"{int(seconds // _DAY)} days ago"
    if seconds >= 2 * _HOUR:
        return f"{int(seconds // _HOUR)} hours ago"
    return "within the last two hours"


def _span(seconds: float) -> str:
    """24 h, 7 d: of a window that was asked for."""
    if seconds >= 2 * _DAY:
        return f"{round(seconds / _DAY)} d"
    if seconds >= 2 * _HOUR:
        return f"{round(seconds / _HOUR)} h"
    return f"{round(seconds / 60)} min"


def _answered(report: Json) -> list[Json]:
    return [entry for entry in report["hosts"].values() if entry["state"] == "ok"]


def _bounds(report: Json) -> str:
    """The kills of which time were asked for; without a wish, how far back the hosts see."""
    fleet = report["fleet"]
    since, until = fleet["window"]["since"], fleet["window"]["until"]
    end = f" until {utc_minute(until)}" if until is not None else ""
    if since is not None:
        asked = [entry["gathered_at"] for entry in _answered(report) if entry["gathered_at"] is not None]
        newest = until if until is not None else max(asked, default=None)
        length = f" ({_span(newest - since)})" if newest is not None and newest > since else ""
        return f"Only kills since {utc_minute(since)}{end}{length} were asked for"
    if end:
        return f"Only kills{end} were asked for"
    if fleet["since"] is not None:
        return f"All hosts that could be read see back to {utc_minute(fleet['since'])}"
    return "How far back it was seen is not known of every host"


def _age(report: Json) -> str:
    """When the hosts were asked: what happened since is on no page."""
    oldest = report["fleet"]["gathered_at"]
    asked = [entry["gathered_at"] for entry in _answered(report) if entry["gathered_at"] is not None]
    undated = report["fleet"]["totals"]["ok"] - len(asked)
    if oldest is None:
        return "when they were asked is not known"
    seconds = report["generated_at"] - oldest
    if seconds < -_AHEAD:
        return f"asked at {utc_minute(oldest)} by their own clocks, which is later than this report"
    first, last = ago(max(seconds, 0)), ago(max(report["generated_at"] - max(asked), 0))
    told = f"asked {last}" if first == last else f"asked {last}, the first of them {first}"
    told += f", at {utc_minute(oldest)}" if seconds >= 2 * _HOUR else ""
    return told + (f", {some(undated, 'host', 'hosts')} at an unknown time" if undated else "")


def period(report: Json) -> str:
    """Of which time the report speaks, and how old it is; empty where no host could be read."""
    if not report["fleet"]["totals"]["ok"]:
        return ""
    said = f"{_bounds(report)}; {_age(report)}."
    stale = report["fleet"]["stale"]
    if stale:
        said += f" The facts of {some(stale, 'host')} are older than a day: what happened there since is not known."
    return said


def no_kills(report: Json) -> str:
    """What it means that none is listed: that nobody looked is no good news."""
    totals = report["fleet"]["totals"]
    if not totals["hosts"]:
        return "Nothing is known: there are no hosts in this report."
    if not totals["ok"]:
        return "Nothing is known: no host could be read."
    said = [f"No kill was found on the {some(totals['ok'], 'host')} that could be read."]
    if totals["partial"]:
        said.append(f"{totals['partial']:,} of them {'was' if totals['partial'] == 1 else 'were'} seen in part.")
    if totals["hosts"] > totals["ok"]:
        said.append(f"Of {some(totals['hosts'] - totals['ok'], 'host')} nothing is known.")
    return " ".join(said)


def is_clean(report: Json) -> bool:
    """Was all of it measured, and is all of it good? Nothing else is green."""
    totals = report["fleet"]["totals"]
    if not totals["hosts"] or totals["ok"] != totals["hosts"] or totals["partial"]:
        return False
    if any(entry["gathered_at"] is None for entry in report["hosts"].values()):
        return False  # facts of an unknown age
    if report["fleet"]["since"] is None:
        return False  # nothing was found, and of which time is not known
    return not any(
        totals[key] for key in ("kills", "disputed", "unresolved", "unresolved_disputed", "unexplained", "unparsed")
    )


def headline(report: Json) -> str:
    """What is wrong, of which time that is said, and how old it is."""
    return f"{gist(report)} {period(report)}".rstrip()


def gist(report: Json) -> str:
    """One sentence that is true of the whole fleet, with what is not known in it."""
    totals = report["fleet"]["totals"]
    if not totals["hosts"]:
        return "No hosts in this report."
    answered = totals["ok"]
    unknown = totals["hosts"] - answered
    if not answered:
        return f"Nothing is known about {some(totals['hosts'], 'host')}: none could be read."
    said = []
    if totals["unresolved"]:
        said.append(
            f"{'Once' if totals['unresolved'] == 1 else some(totals['unresolved'], 'time')} memory ran out and no"
            " victim is known."
        )
    if totals["kills"]:
        said.append(
            f"{some(totals['kills'], 'kill')} on {totals['hosts_with_kills']:,} of {some(totals['hosts'], 'host')}."
        )
    else:
        said.append(f"No kill was found on the {some(answered, 'host')} that could be read.")
    if totals["by_proof"]["logged"]:
        said.append(_logged(totals["by_proof"]["logged"], totals["kills"]))
    doubted = totals["disputed"] + totals["unresolved_disputed"]
    if doubted:
        said.append(
            f"{some(doubted, 'more is', 'more are')} disputed: the journal has none of it, so it is forged or another"
            " machine's."
        )
    if unknown:
        said.append(f"{some(unknown, 'host is', 'hosts are')} unknown, not clean.")
    if totals["partial"] and not totals["kills"]:
        said.append(f"{some(totals['partial'], 'host was', 'hosts were')} seen in part.")
    return " ".join(said)
