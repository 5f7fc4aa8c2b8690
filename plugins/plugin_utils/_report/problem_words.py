# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a problem is said: its name and hosts, its rhythm, when it was last, and whether it gets worse. One wording for
page, Markdown and terminal.
"""

from __future__ import annotations

from ansible_collections.memops.linux.plugins.module_utils._oom.model import NODES_ALLOWED_BY
from ansible_collections.memops.linux.plugins.module_utils._size import human

from . import words
from .fleet import is_counted
from .host import Json
from .likeness import of_shortage
from .time_coverage import DAY, HOUR, SPARK_DAYS, WEEK

_OUTCOMES = {
    "panic": "kernel panic for lack of memory",
    "no_victim": "out of memory, and nothing may be killed",
    "unseen": "out of memory, the victim is not in the log",
    "rule_fired": "a rule of systemd-oomd that killed nothing",
}
#: state -> what is shown of it
STATES = {"new": "new", "worse": "worse", "same": "as before", "gone": "gone"}
_MOST_NAMED = 2
#: That many are to be looked at first.
MOST_FIRST = 5
#: A rhythm that is this near to a whole number of units is one.
_NEAR = 0.06


def subject(problem: Json) -> str:
    if problem["kind"] == "shortage":
        return _OUTCOMES.get(problem["subject"], "out of memory, no victim is known")
    name = str(problem["subject"]).removesuffix(".service")
    # A login or a transient unit says nothing; what ran in it does.
    return f"{problem['comms'][0]} in {name}" if "*" in name and problem.get("comms") else name


def hosts(problem: Json) -> str:
    """db1; web1 and web2; 60 hosts (web*)"""
    names = list(problem["hosts"])
    total = problem["hosts_total"]
    if total <= _MOST_NAMED:
        return " and ".join(names)
    group = problem.get("host_group")
    return words.some(total, "host") + (f" ({group})" if group else "")


def title(problem: Json) -> str:
    return f"{subject(problem)} on {hosts(problem)}"


def each(seconds: float) -> str:
    """every 6 h, every day, every 5 min"""
    for length, unit, one in ((WEEK, "weeks", "week"), (DAY, "days", "day"), (HOUR, "h", "hour"), (60.0, "min", "")):
        many = round(seconds / length)
        if many >= 1 and abs(seconds / length - many) <= _NEAR * many and (length != 60.0 or many < 90):
            return f"every {one}" if many == 1 and one else f"every {many} {unit}"
    if seconds >= 2 * DAY:
        return f"every {seconds / DAY:.1f} days"
    if seconds >= 1.5 * HOUR:
        return f"every {seconds / HOUR:.1f} h".replace(".0 h", " h")
    return f"every {seconds / 60:.0f} min" if seconds >= 60 else f"every {seconds:.0f} s"


def day(when: float, now: float) -> str:
    """Thursday, yesterday, 04:12Z of today, or the date; all of them UTC."""
    back = int(now // DAY) - int(when // DAY)
    if back == 0:
        return words.utc(when)[11:16] + "Z"
    if back == 1:
        return "yesterday"
    return words.date(when).strftime("%A") if 1 < back < 7 else words.utc(when)[:10]


def pace(problem: Json, now: float) -> str:
    """At which rhythm it comes; without one, on how many days it came; empty where there is neither."""
    rhythm = problem["rhythm"]
    if rhythm is not None:
        where = f" on {rhythm['host']}" if problem["hosts_total"] > 1 else ""
        since, until = day(rhythm["since"], now), day(rhythm["until"], now)
        if rhythm["goes_on"]:
            return f"{each(rhythm['every'])}{where} since {since}"
        return f"{each(rhythm['every'])}{where} from {since} to {until}"
    seen = [count for count in problem["days"] if count is not None]
    hit = sum(count > 0 for count in seen)
    return f"on {hit} of the last {len(seen)} days" if hit > 2 else ""


def ago(when: float | None, now: float) -> str:
    """2 h ago; in whole hours, so that the same facts give the same words for a while."""
    if when is None:
        return "at an unknown time"
    age = max(now - when, 0.0)
    if age < HOUR:
        return "within the last hour"
    return f"{int(age // HOUR)} h ago" if age < 2 * DAY else f"{int(age // DAY)} days ago"


def last(problem: Json, now: float) -> str:
    """2 h ago; 9 days ago and 3 times at an unknown time: what has no time may be the newest."""
    said, undated = ago(problem["last"], now), problem["undated"]
    if problem["last"] is None or not undated:
        return said
    return f"{said} and {'once' if undated == 1 else f'{undated:,} times'} at an unknown time"


def tally(problem: Json) -> str:
    """13 kills in 2 shortages on 12 days"""
    if problem["kind"] == "shortage":
        return "once" if problem["events"] == 1 else f"{problem['events']:,} times"
    said = words.some(problem["kills"], "kill")
    if problem["shortages"] < problem["kills"]:
        said += f" in {words.some(problem['shortages'], 'shortage')}"
    return said + (f" on {problem['dates']} days" if problem["dates"] > 1 else "")


def limit(problem: Json) -> str:
    """What was full."""
    if problem["killers"] and problem["killers"][0] not in ("kernel", "unknown"):
        return f"killed by {problem['killers'][0]}"
    if problem["scope"] == "global":
        allowed = NODES_ALLOWED_BY.get(problem["constraint"])
        return f"the memory nodes that the {allowed} allows" if allowed else "the whole host"
    if problem["scope"] != "memcg":
        return "not told"
    size = f" ({human(problem['limit_size'])})" if problem["limit_size"] else ""
    name = str(problem["limit"] or "").rpartition("/")[2]
    if name == problem["subject"]:
        return f"its own limit{size}"
    return f"the limit of {name or 'a cgroup'}{size}"


def state(problem: Json) -> str:
    return STATES.get(problem["state"], "")


def first(report: Json) -> list[Json]:
    """The problems to begin with: what is over and what was asked for are none of them."""
    live = [problem for problem in report["problems"] if problem["state"] != "gone" and not problem["by_hand"]]
    return live[:MOST_FIRST]


def shortages(report: Json) -> tuple[list[tuple[str, Json]], list[tuple[str, Json]]]:
    """(host, event) of the shortages without a known victim that the problems to begin with count, and of all others:
    a disputed one is in no problem.
    """
    chosen = {problem["id"] for problem in first(report)}
    counted, others = [], []  # type: tuple[list[tuple[str, Json]], list[tuple[str, Json]]]
    for host, event in words.unresolved(report):
        is_told = is_counted(event) and of_shortage(host, event).id() in chosen
        (counted if is_told else others).append((host, event))
    return counted, others


def spoken(problem: Json, now: float) -> str:
    """postgresql on db1 every 6 h since Thursday"""
    told = pace(problem, now)
    when = last(problem, now)
    if told.startswith("every") and problem["rhythm"]["goes_on"]:
        return f"{title(problem)} {told}"
    return f"{title(problem)} {told}, last {when}" if told else f"{title(problem)} {when}"


_LENGTHS = {
    WEEK: ("7 days", "the 7 before"),
    3 * DAY: ("3 days", "the 3 before"),
    DAY: ("24 hours", "the 24 before"),
    12 * HOUR: ("12 hours", "the 12 before"),
    3 * HOUR: ("3 hours", "the 3 before"),
    HOUR: ("an hour", "the hour before"),
}
_DIRECTIONS = {"worse": "Worse", "better": "Better", "same": "As before", "new": "New", "quiet": "Quiet"}


def _numbers(trend: Json) -> str:
    """39 kills in 7 days, 11 in the 7 before"""
    noun, now, before = "kill", trend["kills"], trend["kills_before"]
    change = trend["shortages"] - trend["shortages_before"]
    # One shortage may have many victims, or none that is known: then their number misleads.
    is_misleading = bool(change) and (now > before) != (change > 0)
    if is_misleading or (not now and trend["shortages"]):
        noun, now, before = "shortage", trend["shortages"], trend["shortages_before"]
    length, earlier = _LENGTHS[trend["period"]]
    counted = words.some(now, noun) if now else f"no {noun}"
    return f"{counted} in {length}, {f'{before:,}' if before else 'none'} in {earlier}"


def _partly(report: Json) -> str:
    """Of how many hosts the numbers are, where it is not all that were read."""
    trend, read = report["trend"], report["fleet"]["totals"]["ok"]
    if trend["by"] != "window" or trend["hosts"] >= read:
        return ""
    more = f"; {trend['elsewhere']:,} more elsewhere" if trend["elsewhere"] else ""
    return f" (on the {trend['hosts']:,} of {words.some(read, 'host')} that see back so far{more})"


def _change(report: Json) -> tuple[str, str]:
    """(the word, the numbers); without a time before, what there is."""
    trend, totals = report["trend"], report["fleet"]["totals"]
    if trend["direction"] in _DIRECTIONS:
        return _DIRECTIONS[trend["direction"]], _numbers(trend) + _partly(report) + _more(trend)
    if trend["direction"] == "none":
        length, _earlier = _LENGTHS[trend["period"]]
        kills, shortages = totals["kills"], totals["unresolved"]
        earlier = words.some(kills, "kill") if kills else words.some(shortages, "shortage") + " without a known victim"
        return "Quiet", f"nothing in the last {length}; {earlier} before that"
    if not totals["kills"]:
        return "", f"{words.some(totals['unresolved'], 'shortage')} without a known victim"
    counted = f"{words.some(totals['kills'], 'kill')} on {words.some(totals['hosts_with_kills'], 'host')}"
    undated = trend["undated_kills"]
    if undated:
        part = "" if undated == totals["kills"] == 1 else f"{undated:,} of them "
        return "", f"{counted}, {part}at an unknown time"
    return "", f"{counted}, and no time before it to compare with"


def _more(trend: Json) -> str:
    """What is in none of the periods."""
    undated = trend["undated_kills"]
    return f"; {words.some(undated, 'more kill')} at an unknown time" if undated else ""


def _seen_for(report: Json) -> str:
    """Of how long a time all hosts that were read tell; empty where one cannot say."""
    fleet, as_of = report["fleet"], report["trend"]["as_of"]
    if fleet["since"] is None or as_of is None:
        return ""
    start = max(fleet["since"], fleet["window"]["since"] or 0.0)
    hours = round((min(as_of, fleet["window"]["until"] or as_of) - start) / HOUR)
    if hours < 1:
        return ""
    return f" in {words.some(hours, 'hour')}" if hours < 48 else f" in {round(hours / 24):,} days"


def _calm(report: Json) -> str:
    """No kill: of which time, on which hosts, and what is not known."""
    totals = report["fleet"]["totals"]
    unknown = totals["hosts"] - totals["ok"]
    which = f"the {totals['ok']:,} of {words.some(totals['hosts'], 'host')} that could be read"
    said = [f"No kill{_seen_for(report)} on {which if unknown else words.some(totals['ok'], 'host')}"]
    if totals["partial"]:
        said.append(f"{words.some(totals['partial'], 'host was', 'hosts were')} seen in part")
    if unknown:
        said.append(f"{words.some(unknown, 'host is', 'hosts are')} not known")
    return f"{'; '.join(said)}.{_stale(report)}"


def _stale(report: Json) -> str:
    now, as_of = report["generated_at"], report["trend"]["as_of"]
    return f" As of {words.ago(now - as_of)}." if as_of is not None and now - as_of >= 2 * HOUR else ""


def verdict_line(report: Json) -> str:
    """One sentence for the fleet: does it get worse, and what is worst. It holds what is not known."""
    totals = report["fleet"]["totals"]
    if not totals["ok"]:
        return words.gist(report)
    if not (totals["kills"] or totals["unresolved"]) and report["trend"]["direction"] != "quiet":
        return _calm(report)
    now = report["generated_at"]
    word, numbers = _change(report)
    worst = first(report)
    said = [numbers] + [spoken(problem, now) for problem in worst[:1]]
    if worst and worst[0]["kind"] == "shortage":
        # A host that stood still comes before all numbers, and the next problem after them.
        said = [said[1], said[0]] + [spoken(problem, now) for problem in worst[1:2]]
        word = _DIRECTIONS.get(worst[0]["state"], word)
    unknown = totals["hosts"] - totals["ok"]
    if unknown:
        said.append(f"{words.some(unknown, 'host is', 'hosts are')} not known")
    return f"{word + ': ' if word else ''}{'; '.join(said)}.{_stale(report)}"


def mood(report: Json) -> str:
    """good only for what was measured on every host and is good."""
    if words.is_clean(report):
        return "good"
    live = [problem for problem in first(report) if problem["verdict"] == "chronic" or problem["kind"] == "shortage"]
    if live or report["trend"]["direction"] in ("worse", "new"):
        return "bad"
    return "warn"


#: part of what Ansible, ssh or the gatherer says -> the cause, for one host and for many
_CAUSES = (
    (("timed out", "timeout", "time-out"), "time-out", "time-outs"),
    (("permission denied (", "authentication fail", "publickey"), "refused our login", "refused our login"),
    (("host key",), "with an unknown host key", "with an unknown host key"),
    (("no route", "refused", "unreachable", "reset by peer"), "not reachable", "not reachable"),
    (("resolve", "name or service", "nodename nor"), "without an address", "without an address"),
    (("sudo", "become", "a password is required", "su:"), "where we cannot become root", "where we cannot become root"),
    (("python is too old",), "with a Python that is too old", "with a Python that is too old"),
    (("python", "interpreter"), "without Python", "without Python"),
    (("no oom facts", "not gathered", "was skipped"), "not asked", "not asked"),
    (("denied", "permission", "root"), "that may not read its logs", "that may not read their logs"),
    (("not in the inventory",), "not in the inventory", "not in the inventory"),
)


def _cause(entry: Json) -> tuple[str, str]:
    said = str(words.why(entry)).lower()
    for parts, one, many in _CAUSES:
        if any(part in said for part in parts):
            prefix = "ssh " if one == "time-out" and entry["state"] == "unreachable" else ""
            return prefix + one, prefix + many
    return {
        "unreachable": ("not reachable", "not reachable"),
        "blind": ("without a log that could be read", "without a log that could be read"),
    }.get(entry["state"], ("failed", "failed"))


def not_known(report: Json) -> str:
    """4 hosts are not known: 3 ssh time-outs, 1 without Python. Empty where all are."""
    causes = {}  # type: dict[tuple[str, str], int]
    for entry in report["hosts"].values():
        if entry["state"] != "ok":
            cause = _cause(entry)
            causes[cause] = causes.get(cause, 0) + 1
    if not causes:
        return ""
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{count:,} {one if count == 1 else many}" for (one, many), count in ranked)
    total = sum(causes.values())
    return f"{words.some(total, 'host is', 'hosts are')} not known: {told}."


def told(problem: Json, now: float) -> str:
    """13 kills on 12 days, every 22 h since Thursday, last 2 h ago; its own limit (512 MiB)"""
    parts = [tally(problem), pace(problem, now), f"last {last(problem, now)}"]
    said = ", ".join(part for part in parts if part)
    return f"{said}; out of memory: {limit(problem)}" if problem["kind"] == "kill" else said


def below(report: Json) -> list[str]:
    """What stands below the line: the whole in numbers, the period and its age, what changed, who is not known."""
    lines = (gist(report), words.period(report), change_words(report), not_known(report))
    return [line for line in lines if line]


def gist(report: Json) -> str:
    """The whole in numbers, where the line above does not say it all."""
    told = words.gist(report)
    return "" if words.is_clean(report) or told == verdict_line(report) else told


def gone(report: Json) -> list[Json]:
    """What an earlier report had and this one has no more, as far as it was looked for."""
    found: list[Json] = report["trend"]["gone"]
    return found


def change_words(report: Json) -> str:
    """Since the report of 2026-11-23: 1 new, 1 worse, 3 as before, 2 gone. Empty without an earlier one."""
    trend = report["trend"]
    if trend["previous"] is None:
        return ""
    told = [f"{count:,} {STATES[name]}" for name, count in trend["states"].items() if count]
    if trend["not_known_total"]:
        told.append(f"{trend['not_known_total']:,} not looked at")
    when = words.utc_minute(trend["previous"]["generated_at"])
    return f"Since the report of {when}: {', '.join(told) or 'nothing'}."


def sparkline(problem: Json) -> str:
    """For a text: the counts per day, oldest first, ? for a day that was not seen."""
    return " ".join("?" if count is None else str(count) for count in problem["days"])


def sparkline_label(problem: Json) -> str:
    return f"Per day, the last {SPARK_DAYS}, oldest first: {sparkline(problem)}"
