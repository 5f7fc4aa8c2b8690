# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts out of named logs are of the machine that wrote them, not of the host that was asked: which logs they were, so
that a report is compared only with one of the same.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from .host import Json, text

_DIGEST = re.compile(r"[0-9a-f]{16}")
_MOST_NAMES, _MOST_HOSTS = 20, 2000


def is_elsewhere(oom: Json | None) -> bool:
    """Do they say that they are of another machine's logs? Facts of an older version do not say whose they are."""
    return oom is not None and oom.get("local") is False


def _digest(value: t.Any) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _origin(oom: Json) -> Json:
    sources = oom.get("sources")
    listed = [source for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []
    names = {str(event.get("host")) for event in oom["kills"] + oom["unresolved"] if event.get("host")}
    return {
        "sources": _digest(sorted(str(source.get("name")) for source in listed)),
        "hosts": sorted(names)[:_MOST_NAMES],
    }


def origins(entries: t.Mapping[str, Json]) -> dict[str, Json]:
    """host -> its logs, for those whose facts are of another machine's"""
    found = [name for name, entry in entries.items() if entry["state"] == "ok" and is_elsewhere(entry["oom"])]
    return {name: _origin(entries[name]["oom"]) for name in found[:_MOST_HOSTS]}


def read_origins(value: t.Any) -> dict[str, Json]:
    """As an earlier report has them; what is none is left out."""
    found = {}
    for name, given in list(value.items())[:_MOST_HOSTS] if isinstance(value, dict) else ():
        sources = given.get("sources") if isinstance(given, dict) else None
        hosts = given.get("hosts") if isinstance(given, dict) else None
        if isinstance(sources, str) and _DIGEST.fullmatch(sources) and isinstance(hosts, list):
            names = [said for said in map(text, hosts[:_MOST_NAMES]) if said is not None]
            found[text(name) or ""] = {"sources": sources, "hosts": names}
    return found


def is_same(now: Json | None, before: Json | None) -> bool:
    """None -- a host's own logs"""
    if now is None or before is None:
        return now is before
    if now["sources"] != before["sources"]:
        return False
    # A log without a kill names no machine.
    named = now["hosts"] and before["hosts"]
    return not named or not set(now["hosts"]).isdisjoint(before["hosts"])


def mark(found: t.Mapping[str, Json]) -> str | None:
    """For a line of the history; None where every host told of itself."""
    return _digest(sorted((name, one["sources"], one["hosts"]) for name, one in found.items())) if found else None


def read_mark(value: t.Any) -> str | None:
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else None
