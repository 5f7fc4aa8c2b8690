# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that were gathered before, by whoever: files, folders of reports, a fact cache. No host is touched.

What stands there may have been written by anybody. It is shaped and capped by what shapes the answer of a host, and a
file that cannot be read is a host of which nothing is known: it never vanishes.
"""

from __future__ import annotations

import json
import os
import re
import stat
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._actions.facts import shaped_facts

from . import words
from .fleet import STATES, HostInput
from .host import Json, number, text, texts, time

REPORT = "report.json"
#: A report of 1,000 hosts with 100 kills each takes 200 MB.
MOST_BYTES = 1 << 30
MOST_FILES = 10_000
_MOST_DEPTH = 4
_MOST_NAMED = 5
#: What we write ourselves beside a report.
_NOT_FACTS = ("findings.json", "summary.json", "report.schema.json")
#: What the plugins of caches wrap facts in, since ansible-core 2.19.
_PAYLOAD = "__payload__"
#: How a message ends that says when a host was in that state.
_AS_OF = re.compile(r" \(as of [0-9-]{10} [0-9:]{5}Z\)\Z")


class IntakeError(Exception):
    """Nothing can be read where a person said; the text says what to do."""


class Found(t.NamedTuple):
    """One host as one source has it. origin -- which source, for a name that several have"""

    name: str
    given: HostInput
    origin: str

    @property
    def gathered_at(self) -> float:
        oom = self.given.oom
        found = time(oom.get("gathered_at")) if isinstance(oom, dict) else None
        return -1.0 if found is None else found


class Taken(t.NamedTuple):
    """hosts -- name -> what is known of it. notes -- what a person has to know of the sources"""

    hosts: dict[str, HostInput]
    notes: list[str]


#: (name or True, connection, prefix) -> what a fact cache has of each host, and what else there is to say
ReadCache = t.Callable[[t.Any, t.Optional[str], str], t.Tuple[t.Iterable[t.Tuple[str, t.Any]], t.List[str]]]


def take(given: t.Any, read_cache: ReadCache) -> Taken:
    """Everything that the option `from` names."""
    found, notes, newest = [], [], False  # type: list[Found], list[str], bool
    for source in given if isinstance(given, list) else [given]:
        wish = source if isinstance(source, dict) else {"path": source}
        _check(wish)
        newest = newest or wish.get("newest") is True
        if "cache" in wish:
            rows, told = read_cache(wish["cache"], wish.get("connection"), str(wish.get("prefix") or ""))
            notes += told
            found += [Found(name, _of_variables(value), "the fact cache") for name, value in rows]
        else:
            found += _of_path(os.path.expanduser(str(wish["path"])))
    if not found:
        raise IntakeError("from: there are no facts of any host in there. Nothing was written.")
    hosts, told = _by_name(found, newest)
    return Taken(hosts, notes + told)


def _check(wish: Json) -> None:
    unknown = sorted(str(key) for key in wish.keys() - {"path", "cache", "connection", "prefix", "newest"})
    if unknown:
        raise IntakeError(
            f"from: {', '.join(unknown)} is not known there; give path, or cache with connection and prefix, and"
            " newest. Nothing was written."
        )
    if ("path" in wish) is ("cache" in wish) or not (wish.get("path") or wish.get("cache")):
        raise IntakeError("from: give a path, or a cache. Nothing was written.")


def _by_name(found: list[Found], newest: bool) -> tuple[dict[str, HostInput], list[str]]:
    """Two hosts of one name are two, with their origin behind it, unless a person says that they are one."""
    by_name = {}  # type: dict[str, list[Found]]
    for one in found:
        by_name.setdefault(one.name, []).append(one)
    hosts = {}  # type: dict[str, HostInput]
    twins = []
    for name, several in by_name.items():
        if len(several) == 1 or newest:
            hosts[name] = max(several, key=lambda one: one.gathered_at).given
            continue
        twins.append(name)
        for one in several:
            hosts[_free(f"{name} ({one.origin})", hosts)] = one.given
    return hosts, _clashes(twins)


def _clashes(names: list[str]) -> list[str]:
    if not names:
        return []
    return [
        f"from: {words.first_of([printable(name) for name in names], _MOST_NAMED)}: several sources have a host of that"
        " name. Each is shown, with its source behind the name. Where they are runs of one fleet, newest: true takes"
        " the newest of each."
    ]


def _free(name: str, taken: t.Container[str]) -> str:
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name} ({count})"
    return free


def _of_path(path: str) -> list[Found]:
    if os.path.isdir(path):
        found = [one for file, origin in _files(path) for one in _of_file(file, origin, sure=False)]
        if not found:
            raise IntakeError(
                f"from: {printable(path)} holds no {REPORT}, and no facts of a host. Nothing was written."
            )
        return found
    try:
        return _of_file(path, _label(path, os.path.dirname(path) or os.curdir), sure=True)
    except OSError as exc:
        raise IntakeError(f"from: {printable(path)}: {exc.strerror}. Nothing was written.") from exc


def _label(path: str, folder: str) -> str:
    """Where it is from: berlin/report.json is berlin, berlin.json too, and report.json is as its folder."""
    name = os.path.relpath(path, folder)
    if name == REPORT:
        return os.path.basename(os.path.abspath(folder))
    label = name[: -len(".json")] if name.endswith(".json") else name
    return label[: -len("/report")] if label.endswith("/report") else label


def _files(folder: str) -> t.Iterator[tuple[str, str]]:
    """(path, origin) of what may hold facts: JSON some folders deep, and what stands in the folder itself, as
    --tree and the cache jsonfile name it: by the host.
    """
    count = 0
    for at, folders, names in os.walk(folder):
        inner = os.path.relpath(at, folder)
        depth = 0 if inner == os.curdir else inner.count(os.sep) + 1
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _MOST_DEPTH else []
        for name in sorted(names):
            is_json = name.endswith(".json")
            if name.startswith(".") or name in _NOT_FACTS or not (is_json or depth == 0):
                continue
            count += 1
            if count > MOST_FILES:
                raise IntakeError(
                    f"from: {printable(folder)} holds more than {MOST_FILES:,} files. Nothing was written."
                )
            path = os.path.join(at, name)
            yield path, _label(path, folder)


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as stream:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        if status.st_size > MOST_BYTES:
            raise ValueError(f"it takes {status.st_size >> 20:,} MiB, and at most {MOST_BYTES >> 20:,} MiB are read")
        return stream.read(MOST_BYTES)


def _of_file(path: str, origin: str, sure: bool) -> list[Found]:
    """sure -- a person named this very file; in a folder, what is no JSON by its name and its look is passed over"""
    try:
        data = _read(path)
        if not sure and not path.endswith(".json") and data.lstrip()[:1] != b"{":
            return []
        content = json.loads(data.decode("utf-8", "replace"))
        del data
        found = _hosts(content, origin)
    except OSError as exc:
        if sure:
            raise
        return [_unread(origin, str(exc.strerror))]
    except RecursionError:
        return [_unread(origin, "it is nested too deep")]
    except ValueError as exc:
        return [_unread(origin, f"no JSON that can be read: {exc}")]
    if found or (not sure and not path.endswith(REPORT)):
        return found
    return [_unread(origin, "no report of this collection, and no facts of a host")]


def _unread(origin: str, why: str) -> Found:
    """What stands in that file is not known, of whichever host it is."""
    return Found(f"({printable(origin)})", HostInput(None, "failed", f"{printable(origin)}: {printable(why)}"), origin)


def _hosts(content: t.Any, origin: str) -> list[Found]:
    """A report, the facts of one host in any of their wrappings, or a mapping of hosts to those."""
    if not isinstance(content, dict):
        return []
    hosts = content.get("hosts")
    if isinstance(hosts, dict) and ("fleet" in content or "generated_at" in content):
        made = time(content.get("generated_at"))
        return [
            Found(name, _of_entry(entry, made), origin)
            for name, entry in ((str(name), hosts.pop(name)) for name in list(hosts))
        ]
    if _is_of_host(content):
        return [Found(origin.rpartition("/")[2], _of_variables(content), origin)]
    named = {name: value for name, value in content.items() if isinstance(value, dict) and _is_of_host(value)}
    rest = content.keys() - named.keys()
    if not named or any(content[name] not in (None, {}) for name in rest):
        return []
    return [Found(str(name), _of_variables(value or {}), origin) for name, value in content.items()]


def _is_of_host(value: Json) -> bool:
    if _oom(value) is not None or isinstance(value.get("ansible_facts"), dict) or _PAYLOAD in value:
        return True
    return value.get("unreachable") is True or value.get("failed") is True


def _oom(value: Json) -> t.Any:
    """ansible_facts.oom, from a result, from variables, from a cache, or bare."""
    facts = value.get("ansible_facts")
    for held in (facts, value):
        if isinstance(held, dict) and held.get("oom") is not None:
            return held["oom"]
    return value if "visibility" in value or ("schema" in value and "kills" in value) else None


def _of_variables(value: t.Any) -> HostInput:
    """The result of oom_facts, or what a cache has of a host. Only a result says that it failed."""
    if not isinstance(value, dict):
        return HostInput(None, None, "what is kept of it is not a mapping")
    for state in ("unreachable", "failed"):
        if value.get(state) is True and "oom" not in value:
            return HostInput(None, state, text(value.get("msg")) or "no reason was given")
    oom = _oom(value)
    if oom is None and _PAYLOAD in value:
        return HostInput(None, None, "a fact cache holds it in a form of its ansible-core: give it to from as a cache")
    return HostInput(
        shaped_facts(oom), None, "no OOM facts were gathered" if oom is None else "these are not OOM facts"
    )


def _of_entry(entry: t.Any, made: float | None) -> HostInput:
    """A host in a report: its state is what it was, and never better."""
    if not isinstance(entry, dict) or entry.get("state") not in STATES:
        return HostInput(None, "failed", "the report does not say in which state it was")
    state, message = entry["state"], text(entry.get("message"))
    if state in ("unreachable", "failed"):
        said = message or state
        if made is not None and not _AS_OF.search(said):
            said = f"{said} (as of {words.utc_minute(made)})"
        return HostInput(None, state, said)
    oom = shaped_facts(entry.get("oom"))
    if oom is None:
        return HostInput(None, None, message or "the report holds no facts of it")
    reasons = texts(entry.get("reasons") or [])
    if entry.get("stale") is True:
        reasons = reasons[1:]  # how old they are is said anew
    return HostInput({**oom, "visibility": _no_better(oom.get("visibility"), entry, reasons)}, None, message)


def _no_better(sight: t.Any, entry: Json, reasons: list[str]) -> Json:
    found = dict(sight) if isinstance(sight, dict) else {"state": "blind"}
    told = [reason for reason in texts(found.get("reasons") or []) if reason not in reasons]
    found["reasons"] = reasons + told
    if entry["state"] == "blind":
        found["state"] = "blind"
        if not found["reasons"]:
            found["reasons"] = texts(entry.get("message")) or ["the report says that it was blind"]
    elif found.get("state") == "clear" and entry.get("partial") is not False and not _only_old(entry):
        found["state"] = "partial"
    if number(found.get("since")) is None:
        found["since"] = time(entry.get("since"))
    return found


def _only_old(entry: Json) -> bool:
    """Was it seen in part for nothing but the age of its facts? Their age is judged anew."""
    return entry.get("stale") is True and len(texts(entry.get("reasons") or [])) == 1
