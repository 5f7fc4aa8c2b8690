# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one line, and how rhythms, times and causes are said."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import problem_words as say
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import panic
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.synthetic_fleets import (
    DAY,
    HOUR,
    MONDAY,
    build_accident,
    died,
    every,
    fleet,
    postgres,
    week,
)

DOWN = HostInput(None, "unreachable", "Failed to connect to the host via ssh: Connection timed out")
NO_PYTHON = HostInput(None, "failed", "/bin/sh: /usr/bin/python3: not found")


def six_hours(before=0):
    """Every 6 h since Thursday 01:00, and so many in the week before."""
    return every("postgresql.service", "postgres", 6 * HOUR, 17) + every(
        "postgresql.service", "postgres", 9.7 * HOUR, before, 7.5 * DAY
    )


def log(ended):
    """A text log whose last line is so old."""
    return {"name": "/srv/kern.log", "status": "read", "first": MONDAY - 21 * DAY, "last": MONDAY - ended}


def undated(name, number=0):
    """As dmesg without stamps tells it."""
    return died(f"{name}.service", name, 0, number) | {"time": None, "time_quality": None}


@pytest.mark.parametrize(
    "hosts, line, mood",
    [
        pytest.param(
            {"db1": week(six_hours(3))},
            "Worse: 17 kills in 7 days, 3 in the 7 before; postgresql on db1 every 6 h since Thursday.",
            "bad",
            id="the example of the issue",
        ),
        pytest.param(
            {"db1": week(six_hours())},
            "New: 17 kills in 7 days, none in the 7 before; postgresql on db1 every 6 h since Thursday.",
            "bad",
            id="new",
        ),
        pytest.param(
            {"db1": week(postgres())},
            "As before: 8 kills in 7 days, 5 in the 7 before;"
            " postgresql@15-main on db1 every 22 h since 2026-11-19.",
            "bad",
            id="as before is not good",
        ),
        pytest.param(
            {"db1": week(postgres(1)), "ci": week(build_accident(9 * DAY))},
            "Better: 1 kill in 7 days, 25 in the 7 before; postgresql@15-main on db1 2 h ago.",
            "warn",
            id="an accident of last week",
        ),
        pytest.param(
            {"db1": week(every("a.service", "a", 5 * HOUR, 20, 7.2 * DAY) + [died("a.service", "a", DAY)])},
            "Better: 1 kill in 7 days, 20 in the 7 before; a on db1 every 5 h from 2026-11-19 to 2026-11-23, last 24 h ago.",
            "bad",
            id="better",
        ),
        pytest.param(
            {"db1": week(every("a.service", "a", 11 * HOUR, 9, 8 * DAY))},
            "Quiet: no kill in 7 days, 9 in the 7 before.",
            "warn",
            id="quiet",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", 18 * DAY)])},
            "Quiet: nothing in the last 7 days; 1 kill before that.",
            "warn",
            id="long ago",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", HOUR)], days=0.01)},
            "1 kill on 1 host, and no time before it to compare with; a on db1 1 h ago.",
            "warn",
            id="a quarter of an hour is seen",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", HOUR)], days=1)},
            "New: 1 kill in 12 hours, none in the 12 before; a on db1 1 h ago.",
            "bad",
            id="since 24h",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", HOUR)]), "down": DOWN, "old": NO_PYTHON},
            "New: 1 kill in 7 days, none in the 7 before; a on db1 1 h ago; 2 hosts are not known.",
            "bad",
            id="what is not known is in it",
        ),
        pytest.param(
            {**{f"a{n}": week() for n in range(3)}, "b": week([died("a.service", "a", HOUR)], days=1)},
            "1 kill on 1 host, and no time before it to compare with; a on b 1 h ago.",
            "warn",
            id="the host that has them does not see so far",
        ),
        pytest.param(
            {
                **{f"a{n}": week([died("a.service", "a", (8 + n) * DAY)]) for n in range(3)},
                "c": week([died("a.service", "a", DAY + HOUR * n, n) for n in range(3)]),
                "b": week([died("a.service", "a", HOUR)], days=1),
            },
            "As before: 3 kills in 7 days, 3 in the 7 before (on the 4 of 5 hosts that see back so far; 1 more elsewhere);"
            " a on c 24 h ago.",
            "warn",
            id="one more host does not see so far",
        ),
        pytest.param(
            {"e": week(unresolved=[panic(time=MONDAY - 26 * HOUR)]), "db1": week(six_hours(3))},
            "New: kernel panic for lack of memory on e 26 h ago; 17 kills in 7 days, 3 in the 7 before;"
            " postgresql on db1 every 6 h since Thursday.",
            "bad",
            id="a panic comes first",
        ),
        pytest.param(
            {"db1": week(six_hours(3), gathered_at=MONDAY - 60)},
            "Worse: 17 kills in 7 days, 3 in the 7 before; postgresql on db1 every 6 h since Thursday.",
            "bad",
            id="fresh facts need no date",
        ),
        pytest.param(
            {"db1": week(), "down": DOWN},
            "No kill in 21 days on the 1 of 2 hosts that could be read; 1 host is not known.",
            "warn",
            id="silence is not good news",
        ),
        pytest.param({"db1": week(), "db2": week(days=9)}, "No kill in 9 days on 2 hosts.", "good", id="clean"),
        pytest.param(
            {"down": DOWN}, "Nothing is known about 1 host: none could be read.", "warn", id="nothing is known"
        ),
        pytest.param(
            {"a": week(visibility={"state": "clear", "since": None, "reasons": []}), "b": week()},
            "No kill on 2 hosts.",
            "warn",
            id="since when is not known",
        ),
        pytest.param({}, "No hosts in this report.", "warn", id="no hosts"),
        pytest.param(
            {"db1": week(unresolved=[panic(time=MONDAY - 40 * DAY, outcome="unseen")], days=60)},
            "Quiet: nothing in the last 7 days; 1 shortage without a known victim before that.",
            "warn",
            id="a shortage long ago",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", 9 * DAY)], sources=[log(9 * DAY)])},
            "New: 1 kill in 3 days, none in the 3 before; a on db1 9 days ago. As of 9 days ago.",
            "bad",
            id="a log that ends at its kill is not quiet since",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", 9 * DAY)], sources=[log(9 * DAY), {**log(0), "status": "denied"}])},
            "New: 1 kill in 3 days, none in the 3 before; a on db1 9 days ago. As of 9 days ago.",
            "bad",
            id="and another that was not read does not make it so",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", 9 * DAY)], sources=[log(9 * DAY), log(HOUR)])},
            "Quiet: no kill in 7 days, 1 in the 7 before.",
            "warn",
            id="another log goes on",
        ),
        pytest.param(
            {"db1": week(sources=[log(9 * DAY)])},
            "No kill in 12 days on 1 host. As of 9 days ago.",
            "good",
            id="a log without a kill speaks until it ends",
        ),
        pytest.param(
            {"db1": week([undated("b")])},
            "1 kill on 1 host, at an unknown time; b on db1 at an unknown time.",
            "warn",
            id="the only one has no time",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", 18 * DAY), undated("b")])},
            "2 kills on 1 host, 1 of them at an unknown time; b on db1 at an unknown time.",
            "warn",
            id="a kill without a time is not long ago",
        ),
        pytest.param(
            {"db1": week([died("a.service", "a", 18 * DAY), *(undated("a", n) for n in range(3))])},
            "4 kills on 1 host, 3 of them at an unknown time; a on db1 18 days ago and 3 times at an unknown time.",
            "warn",
            id="the newest of a problem may be one without a time",
        ),
        pytest.param(
            {"db1": week([*every("a.service", "a", 11 * HOUR, 9, 8 * DAY), undated("b")])},
            "10 kills on 1 host, 1 of them at an unknown time; b on db1 at an unknown time.",
            "warn",
            id="not quiet",
        ),
        pytest.param(
            {"db1": week([*six_hours(), undated("b")])},
            "18 kills on 1 host, 1 of them at an unknown time; postgresql on db1 every 6 h since Thursday.",
            "bad",
            id="new, unless that one was before",
        ),
        pytest.param(
            {"db1": week([*six_hours(3), undated("b")])},
            "Worse: 17 kills in 7 days, 3 in the 7 before; 1 more kill at an unknown time;"
            " postgresql on db1 every 6 h since Thursday.",
            "bad",
            id="worse whenever that one was",
        ),
        pytest.param(
            {"db1": week(state="partial", reasons=["no root"])},
            "No kill in 21 days on 1 host; 1 host was seen in part.",
            "warn",
            id="seen in part is not good",
        ),
    ],
)
def test_the_line(hosts, line, mood):
    report = fleet(hosts)
    assert (say.verdict_line(report), say.mood(report)) == (line, mood)


def test_old_facts_say_how_old():
    line = say.verdict_line(fleet({"db1": week(six_hours(3))}, at=MONDAY + 21 * DAY))
    assert line.startswith("Worse: 17 kills in 7 days, 3 in the 7 before;") and line.endswith(" As of 21 days ago.")


@pytest.mark.parametrize(
    "seconds, words",
    [
        (6 * HOUR, "every 6 h"),
        (6.2 * HOUR, "every 6 h"),
        (HOUR, "every hour"),
        (DAY, "every day"),
        (23.8 * HOUR, "every day"),
        (7 * DAY, "every week"),
        (3 * DAY, "every 3 days"),
        (300, "every 5 min"),
        (61, "every 1 min"),
        (5400, "every 1.5 h"),
        (2.5 * DAY, "every 60 h"),
        (20, "every 20 s"),
    ],
)
def test_a_rhythm_in_words(seconds, words):
    assert say.each(seconds) == words


@pytest.mark.parametrize(
    "back, words",
    [
        (HOUR, "08:00Z"),
        (10 * HOUR, "yesterday"),
        (2 * DAY, "Saturday"),
        (6 * DAY, "Tuesday"),
        (7 * DAY, "2026-11-23"),
        (-DAY, "2026-12-01"),
    ],
)
def test_a_day_in_words(back, words):
    assert say.day(MONDAY - back, MONDAY) == words


UNKNOWN = {
    "ssh time-out": DOWN,
    "refused our login": HostInput(None, "unreachable", "root@h: Permission denied (publickey,password)."),
    "not reachable": HostInput(None, "unreachable", "ssh: connect to host h port 22: Connection refused"),
    "without an address": HostInput(None, "unreachable", "Could not resolve hostname h: Name or service not known"),
    "without Python": NO_PYTHON,
    "where we cannot become root": HostInput(None, "failed", "/bin/sh: 1: sudo: not found"),
    "with a Python that is too old": HostInput(None, "failed", "its Python is too old for this ansible-core: ..."),
    "not asked": HostInput(None, None, "no OOM facts were gathered"),
    "that may not read its logs": HostInput(week(state="blind", reasons=["journal: denied"])),
    "failed": HostInput(None, "failed", "disk full"),
}


@pytest.mark.parametrize("cause, host", UNKNOWN.items(), ids=UNKNOWN)
def test_why_a_host_is_not_known(cause, host):
    assert say.not_known(fleet({"h": host, "ok": week()})) == f"1 host is not known: 1 {cause}."


def test_causes_are_counted():
    hosts = {"a": DOWN, "b": DOWN, "c": DOWN, "d": NO_PYTHON}
    assert say.not_known(fleet(hosts)) == "4 hosts are not known: 3 ssh time-outs, 1 without Python."
    assert say.not_known(fleet({"a": week()})) == ""


@pytest.mark.parametrize(
    "problem, words",
    [
        ({"a": week(postgres(2))}, "postgresql@15-main on a"),
        ({"a1": week(postgres(2)), "a2": week(postgres(1))}, "postgresql@15-main on a1 and a2"),
        ({f"a{n}": week(postgres(1)) for n in range(9)}, "postgresql@15-main on 9 hosts (a*)"),
        ({"ci": week(build_accident())}, "cc1plus in session-*.scope on ci"),
        ({"x": week(unresolved=[panic(outcome="new thing", time=MONDAY)])}, "out of memory, no victim is known on x"),
    ],
)
def test_a_problem_by_name(problem, words):
    assert say.title(fleet(problem)["problems"][0]) == words
