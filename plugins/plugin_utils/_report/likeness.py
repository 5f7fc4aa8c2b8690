# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kills are one problem: the same subject, on hosts whose names differ in numbers only, for want of the same
memory.

Names that are made anew for every start (a session, a container, a transient unit) are alike when they differ in what
was made.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from functools import lru_cache

from .host import Json

#: killers that watch from user space: what they go by is no limit of the kernel's
WATCHERS = ("systemd-oomd", "earlyoom", "nohang", "oomd")
#: a hash, as engines, pods and systemd-run make them: hexadecimal, with a digit in it
_MADE = re.compile(
    r"(?<![0-9A-Za-z])(?=[a-f]*[0-9])[0-9a-f]{8,64}(?![0-9A-Za-z])"
    r"|(?<=pod)[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+")
#: units and cgroups that live for one login, one command or one container
_FLEETING = re.compile(r"(?:session-|run-|docker-|libpod-|crio-|cri-containerd-|machine-|vte-spawn-|app-|kubepods)")


class Likeness(t.NamedTuple):
    """What the kills of one problem share.

    kind -- what the subject is: unit, container, process, cgroup, outcome (of a shortage without a victim) or unknown
    limit -- the cgroup that was full; None for the host, and where the log does not say which
    watcher -- the killer, where it is none of the kernel's
    by_hand -- the kill was asked for (sysrq)
    """

    kind: str
    subject: str
    host_group: str
    scope: str
    limit: str | None
    watcher: str | None = None
    by_hand: bool = False

    def id(self) -> str:
        """The same for the same problem in every report."""
        return hashlib.sha256(repr(tuple(self)).encode("utf-8", "backslashreplace")).hexdigest()[:16]


@lru_cache(maxsize=16384)
def host_group(name: str) -> str:
    """web07.dc1.example.net and web12.dc1.example.net are web*.dc*.example.net."""
    return _NUMBER.sub("*", _MADE.sub("*", name))


@lru_cache(maxsize=16384)
def lasting(name: str) -> str:
    """A unit or a cgroup by the part of its name that outlives a restart. user@1000.service keeps its number."""
    return "/".join(_lasting_part(part) for part in name.split("/"))


def _lasting_part(part: str) -> str:
    part = _MADE.sub("*", part)
    return _NUMBER.sub("*", part) if _FLEETING.match(part) else part


def _container(kill: Json) -> str | None:
    """Its name, as far as it is the same after a restart; without one, what ran in it."""
    identity = kill["container_id"]
    if not identity or (kill["unit"] and identity not in kill["unit"]):
        return None
    named = kill["container"]
    name, space = named.get("name"), named.get("namespace")
    if name:
        return f"{space}/{name}" if space else str(name)
    image = named.get("image")
    return str(image) if image else f"{kill['victim']['comm'] or '?'} in a container"


def _subject(kill: Json) -> tuple[str, str]:
    """(kind, name)"""
    container = _container(kill)
    if container is not None:
        return "container", container
    if kill["unit"]:
        return "unit", lasting(kill["unit"])
    if kill["victim"]["comm"]:
        return "process", str(kill["victim"]["comm"])
    if kill["task_memcg"]:
        return "cgroup", lasting(kill["task_memcg"])
    return "unknown", "?"


def of_kill(host: str, kill: Json) -> Likeness:
    kind, name = _subject(kill)
    limit = lasting(kill["oom_memcg"]) if kill["scope"] == "memcg" and kill["oom_memcg"] else None
    watcher = kill["killer"] if kill["killer"] in WATCHERS else None
    return Likeness(kind, name, host_group(host), kill["scope"], limit, watcher, kill["trigger"] == "sysrq")


def of_shortage(host: str, event: Json) -> Likeness:
    """A shortage of which no victim is known: its outcome is its name."""
    memcg = event.get("oom_memcg")
    limit = lasting(memcg) if isinstance(memcg, str) and memcg else None
    scope = event.get("scope")
    known = scope if scope in ("global", "memcg") else "unknown"
    return Likeness("outcome", str(event["outcome"]), host_group(host), "memcg" if limit else known, limit)
