# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""summary.json: what fits a webhook, and the numbers that Ansible keeps of a run (set_stats)."""

from __future__ import annotations

import json
import re
import typing as t

from . import problem_words, words
from .fleet import urgency
from .host import Json

MOST_BYTES = 4096
_MOST_LISTED = 5
_MAX_NAME = 120
_MAX_TEXT = 1200
_HOSTS = ("hosts", "ok", "partial", "blind", "unreachable", "failed")
#: Null where no host could be read: then nothing was counted.
_COUNTED = ("kills", "hosts_with_kills", "disputed", "unresolved", "unexplained", "unparsed", "chronic")
#: What a chat makes markup, a link or a mention of, and a playbook a template.
_MARKUP = re.compile(r"[<>`*|~\[\]{}$\\]|(?<!\w)@|(?<=:)//|(?<!\w)[_#](?=\w)|&(?=#?\w+;)|%(?=})")


def harmless(said: str, most: int) -> str:
    """A text that a chat shows as it is."""
    clean = _MARKUP.sub("?", said)
    return clean if len(clean) <= most else clean[: most - 3] + "..."


def numbers(report: Json) -> Json:
    """No word of a host is in here: Ansible, and AWX for the jobs that follow, make variables of it."""
    totals, fleet = report["fleet"]["totals"], report["fleet"]
    return {
        "verdict": verdict(report),
        "generated_at": report["generated_at"],
        **{name: totals[name] for name in _HOSTS},
        **{name: totals[name] if totals["ok"] else None for name in _COUNTED},
        "stale": fleet["stale"],
        "first": fleet["first"],
        "last": fleet["last"],
    }


def verdict(report: Json) -> str:
    """kills, unknown or clean. Clean is what was measured on every host in full."""
    totals = report["fleet"]["totals"]
    if totals["kills"] or totals["unresolved"] or totals["unexplained"]:
        return "kills"
    return "clean" if words.is_clean(report) else "unknown"


def render(report: Json, title: str) -> str:
    """At most 4 KB, ready for a webhook: chats show the key `text`."""
    fleet = report["fleet"]
    made = {
        "schema": 1,
        "text": harmless(f"{title}: {_told(report)}", _MAX_TEXT),
        "title": harmless(title, _MAX_NAME),
        **numbers(report),
        "generated": words.iso(report["generated_at"]),
        "window": fleet["window"],
        "gathered_at": fleet["gathered_at"],
        "do_first": [
            {
                "problem": harmless(problem_words.title(problem), _MAX_NAME),
                "told": harmless(problem_words.told(problem, report["generated_at"]), _MAX_NAME),
                "state": problem["state"],
            }
            for problem in problem_words.first(report)[:_MOST_LISTED]
        ],
        "by_unit": _top(fleet["by_unit"]),
        "by_host": _top(fleet["by_host"]),
        "unknown_hosts": [
            {"host": harmless(name, _MAX_NAME), "state": entry["state"]}
            for name, entry in sorted(report["hosts"].items(), key=urgency)[:_MOST_LISTED]
            if entry["state"] != "ok"
        ],
    }  # type: Json
    return _fitting(made)


def _told(report: Json) -> str:
    """The verdict, who is not known, of which time it is, and how old."""
    parts = (problem_words.verdict_line(report), problem_words.not_known(report), words.period(report))
    return " ".join(part for part in parts if part)


def _top(counts: t.Mapping[str, int]) -> list[Json]:
    return [{"name": harmless(name, _MAX_NAME), "kills": count} for name, count in list(counts.items())[:_MOST_LISTED]]


def _fitting(made: Json) -> str:
    """Names of many bytes may not fit: then the lists give, the last of each first."""
    lists = ("unknown_hosts", "by_host", "by_unit", "do_first")
    while True:
        said = json.dumps(made, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        longest = max(lists, key=lambda name: len(made[name]))
        if len(said.encode()) <= MOST_BYTES:
            return said
        if made[longest]:
            made[longest].pop()
        else:
            made["text"] = made["text"][: len(made["text"]) // 2]
            made["title"] = made["title"][: len(made["title"]) // 2]
