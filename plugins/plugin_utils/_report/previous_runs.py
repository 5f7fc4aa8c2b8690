# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier runs left behind, as values: their report and the lines of their history.

Both lie in files that anybody who may write there can have made. Everything is bounded, has its type, and is text to
those who show it.
"""

from __future__ import annotations

import re
import types
import typing as t

from .host import SCHEMA, Json, text, time, whole
from .origin import is_same, read_mark, read_origins

_ID = re.compile(r"[0-9a-f]{16}")
_KINDS = ("kill", "shortage")
MOST_PROBLEMS = 1000
_MOST_HOSTS = 50
_MOST_COUNT = 1 << 40
#: What was seen within half an hour is one look.
_SAME_LOOK = 1800.0


class PreviousProblem(t.NamedTuple):
    """A problem as an earlier report had it."""

    id: str
    kind: str
    subject: str
    hosts: t.Mapping[str, int]
    hosts_total: int
    events: int
    shortages: int
    first: float | None
    last: float | None
    known_since: float | None

    def as_json(self) -> Json:
        return {**self._asdict(), "hosts": dict(self.hosts)}


class Baseline(t.NamedTuple):
    """An earlier report.

    as_of -- the moment of which it could speak
    origins -- host -> its logs, where these were another machine's
    """

    generated_at: float
    as_of: float
    problems: t.Mapping[str, PreviousProblem]
    origins: t.Mapping[str, Json] = types.MappingProxyType({})

    def is_of_the_same(self, hosts: t.Iterable[str], origins: t.Mapping[str, Json]) -> bool:
        """Was it of the logs that these hosts tell of now?"""
        return all(is_same(origins.get(host), self.origins.get(host)) for host in hosts)

    def as_json(self) -> Json:
        return {
            "generated_at": self.generated_at,
            "as_of": self.as_of,
            "problems": [known.as_json() for known in self.problems.values()],
            "origins": dict(self.origins),
        }


class Run(t.NamedTuple):
    """One line of the history, about one period.

    ok -- how many hosts could be read
    origin -- a mark of the logs, where any were another machine's
    """

    as_of: float
    ok: int
    period: float
    kills: int
    shortages: int
    origin: str | None = None


class Past(t.NamedTuple):
    """baselines -- the earlier report, and the one that it was compared with itself; note -- why there is none;
    broken -- lines of the history that could not be read
    """

    baselines: t.Sequence[Baseline] = ()
    runs: t.Sequence[Run] = ()
    note: str = ""
    broken: int = 0

    def baseline(self, as_of: float) -> Baseline | None:
        """The same look shown again, or its next batch of hosts, is compared with what it was compared with the
        first time.
        """
        return next((base for base in self.baselines if base.as_of < as_of - _SAME_LOOK), None)

    def run(self, target: float, period: float, near: float, origin: str | None = None) -> Run | None:
        """The run that looked at this period of the same logs nearest to the target."""
        alike = [run for run in self.runs if run.period == period and run.origin == origin]
        found = [run for run in alike if abs(run.as_of - target) <= near]
        return min(found, key=lambda run: (abs(run.as_of - target), run.as_of), default=None)


def compact(problem: Json) -> Json:
    """What a later report needs of a problem."""
    return {key: problem[key] for key in PreviousProblem._fields}


def count(value: t.Any) -> int | None:
    """A number of things."""
    found = whole(value)
    return found if found is not None and 0 <= found <= _MOST_COUNT else None


def _hosts(value: t.Any) -> dict[str, int] | None:
    if not isinstance(value, dict) or len(value) > _MOST_HOSTS:
        return None
    found = {text(name): count(number) for name, number in value.items()}
    return {name: number for name, number in found.items() if name is not None and number is not None}


def _problem(value: t.Any) -> PreviousProblem | None:
    """None for what is no problem of a report."""
    if not isinstance(value, dict):
        return None
    identity, kind, subject = value.get("id"), value.get("kind"), text(value.get("subject"))
    if not isinstance(identity, str) or not _ID.fullmatch(identity) or kind not in _KINDS or subject is None:
        return None
    hosts, events, shortages = _hosts(value.get("hosts")), count(value.get("events")), count(value.get("shortages"))
    if not hosts or not events or not shortages:
        return None
    total = count(value.get("hosts_total"))
    moments = [time(value.get(key)) for key in ("first", "last", "known_since")]
    return PreviousProblem(identity, kind, subject, hosts, max(total or 0, len(hosts)), events, shortages, *moments)


def _baseline(generated_at: t.Any, as_of: t.Any, problems: t.Any, origins: t.Any) -> Baseline | None:
    when, seen = time(generated_at), time(as_of)
    if when is None or seen is None or not isinstance(problems, list):
        return None
    found = [known for known in map(_problem, problems[:MOST_PROBLEMS]) if known is not None]
    return Baseline(when, seen, {known.id: known for known in found}, read_origins(origins))


def _is_ours(document: t.Any) -> bool:
    schema = document.get("schema") if isinstance(document, dict) else None
    return isinstance(schema, int) and not isinstance(schema, bool) and schema == SCHEMA


def is_report(document: t.Any) -> bool:
    """Is it one of ours?"""
    return (
        _is_ours(document)
        and time(document.get("generated_at")) is not None
        and isinstance(document.get("fleet"), dict)
    )


def baselines(document: Json) -> list[Baseline]:
    """Of a report: itself, and the one before it."""
    trend = document.get("trend")
    trend = trend if isinstance(trend, dict) else {}
    before = trend.get("previous")
    before = before if isinstance(before, dict) else {}
    found = (
        _baseline(document.get("generated_at"), trend.get("as_of"), document.get("problems"), trend.get("origins")),
        _baseline(before.get("generated_at"), before.get("as_of"), before.get("problems"), before.get("origins")),
    )
    return [base for base in found if base is not None]


def runs(line: t.Any) -> list[Run]:
    """Of a line of the history; none where it is no such line."""
    if not _is_ours(line):
        return []
    as_of, ok, lately = time(line.get("as_of")), count(line.get("ok")), line.get("last")
    if as_of is None or ok is None or not isinstance(lately, dict):
        return []
    made = []
    for period, found in list(lately.items())[:8]:
        numbers = [count(value) for value in found] if isinstance(found, list) and len(found) == 2 else []
        if isinstance(period, str) and re.fullmatch(r"[0-9]{1,9}", period) and None not in numbers and numbers:
            kills, shortages = (value or 0 for value in numbers)
            made.append(Run(as_of, ok, float(period), kills, shortages, read_mark(line.get("origin"))))
    return made
