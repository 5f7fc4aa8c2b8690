# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that came back from a host, whatever shape they are in."""

import json
from typing import Any, List

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report.host import (
    number,
    plain,
    read_facts,
    read_host,
    read_verdict,
    text,
    time,
)
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import facts, kill, panic

WRONG = [
    None,
    "",
    "x",
    0,
    1,
    -1,
    True,
    1.5,
    float("nan"),
    float("inf"),
    10**400,
    10**5000,
    [],
    [None],
    ["x"],
    {},
    {"x": None},
    {1: 2},
    (),
    b"\xff",
    object(),
]


@pytest.mark.parametrize(
    "oom, message",
    [
        (None, "no OOM facts"),
        ({}, "no OOM facts"),
        ([], "the OOM facts are not a mapping"),
        ("kills", "the OOM facts are not a mapping"),
        ({"schema": 2, "kills": []}, "facts of schema 2; this report reads schema 1"),
        ({"schema": "1", "kills": []}, "facts of schema 1; this report reads schema 1"),
        ({"kills": []}, "the facts do not say what the host can see"),
        ({"kills": [], "visibility": None}, "the facts do not say what the host can see"),
        ({"kills": [], "visibility": {"state": "sunny"}}, "the facts do not say what the host can see"),
        ({"visibility": {"state": "clear"}}, "the facts hold no kills: they were not gathered"),
        ({"kills": "none", "visibility": {"state": "clear"}}, "the facts hold no list of kills"),
        ({"kills": [], "visibility": {"state": "blind"}}, "no source could be read"),
        ({"kills": [], "visibility": {"state": "blind", "reasons": ["journal: denied", None]}}, "journal: denied"),
    ],
)
def test_what_cannot_speak_is_blind(oom, message):
    host = read_facts(oom)
    assert (host.state, host.message) == ("blind", message)


def kills_of(oom):
    whole = read_facts(oom).oom
    assert whole is not None
    return whole["kills"]


def test_a_host_of_schema_1_without_the_word_is_read():
    oom = facts([kill()])
    del oom["schema"]
    assert read_facts(oom).state == "ok"


def test_partial_stays_ok_with_its_reasons():
    host = read_facts(facts(state="partial", reasons=["/var/log/kern.log: denied"]))
    assert (host.state, host.partial, host.reasons, host.message) == ("ok", True, ("/var/log/kern.log: denied",), None)


def test_an_entry_that_is_no_kill_makes_the_host_partial():
    oom = facts([kill(1), None, 5, "kill"])
    host = read_facts(oom)
    assert (host.state, host.partial, len(kills_of(oom))) == ("ok", True, 1)
    assert host.reasons == ("3 of 4 entries in kills could not be read",)


def test_a_kill_without_anything_has_every_key():
    made = kills_of(facts([{}]))[0]
    assert set(kill()) | {"why"} == set(made)
    assert set(kill()["victim"]) == set(made["victim"])
    assert (made["killer"], made["scope"], made["time_quality"], made["source"]["trusted"]) == (
        "unknown",
        "unknown",
        "unknown",
        False,
    )


@pytest.mark.parametrize(
    "verdict, expected",
    [
        (
            {"state": "chronic", "reasons": ["a\x1b", 5], "trusted": True},
            {"state": "chronic", "reasons": ["a\\x1b", "5"], "trusted": True},
        ),
        ({"state": "transient"}, {"state": "transient", "reasons": [], "trusted": False}),
        ({"state": "<b>"}, None),
        ({"state": ["chronic"]}, None),
        ({}, None),
        ("chronic", None),
        (None, None),
    ],
)
def test_a_verdict_is_one_of_four_words(verdict, expected):
    assert read_verdict(read_facts(facts([kill()], summary={"verdict": verdict})).oom) == expected
    assert read_verdict(None) is None and read_verdict({"summary": 5}) is None


@pytest.mark.parametrize("trusted", [1, "true", "True", "false", [True], None, 0])
def test_only_true_is_trusted(trusted):
    assert kills_of(facts([kill(source_trusted=trusted)]))[0]["source"]["trusted"] is False


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: type(value).__name__)
def test_no_value_anywhere_breaks_it(wrong):
    def replaced(value):
        """Every way to put the wrong value in place of one part."""
        yield wrong
        if isinstance(value, dict):
            for key in value:
                for part in replaced(value[key]):
                    changed = dict(value)
                    changed[key] = part
                    yield changed
        elif isinstance(value, list):
            for i in range(len(value)):
                for part in replaced(value[i]):
                    yield value[:i] + [part] + value[i + 1 :]

    count = 0
    for oom in replaced(facts([kill()], unresolved=[panic()])):
        host = read_facts(oom)
        assert host.state in ("ok", "blind")
        json.dumps(host.oom, allow_nan=False).encode("utf-8")
        count += 1
    assert count == 83


def test_kills_are_oldest_first_and_those_without_a_time_before_all():
    kills = [kill(1, time=30.0), kill(2, time=None), kill(3, time=10.0), kill(4, time="soon")]
    assert [k["time"] for k in kills_of(facts(kills))] == [None, None, 10.0, 30.0]


def test_unreachable_comes_before_old_facts():
    host = read_host("unreachable", "ssh:\x1b[31m no route", facts([kill()]))
    assert (host.state, host.message, host.oom) == ("unreachable", "ssh:\\x1b[31m no route", None)
    assert read_host("failed", None, None).message == "failed"


@pytest.mark.parametrize(
    "value, expected",
    [
        ("a\x1bb", "a\\x1bb"),
        ("\u202ea", "\\u202ea"),
        ("\udcff", "\\xff"),
        ("", None),
        (5, "5"),
        (True, None),
        ([], None),
        ("x" * 5000, "x" * 1021 + "..."),
    ],
)
def test_text(value, expected):
    assert text(value) == expected


def test_numbers_and_times_have_limits():
    assert [number(v) for v in (1, 1.5, True, "1", float("nan"), 1 << 70)] == [1, 1.5, None, None, None, None]
    assert [time(v) for v in (0, 1e11, 1e12, -1)] == [0, 1e11, None, None]


def test_plain_ends_where_the_depth_does():
    value = []  # type: List[Any]
    for _i in range(500):
        value = [value]
    assert "None" in repr(plain(value))


@pytest.mark.parametrize(
    "given, kills, told",
    [
        pytest.param(
            {"kills": [{"id": str(n)} for n in range(100_000)], "truncated": 3}, 3000, "97,000 more kills", id="kills"
        ),
        pytest.param(
            {"kills": [], "visibility": {"state": "clear", "reasons": ["r"] * 20_000}},
            0,
            "19,989 more reasons",
            id="reasons",
        ),
    ],
)
def test_one_host_fills_no_controller(given, kills, told):
    """Also where it stands in a fact cache, which no action of ours has filled."""
    host = read_facts({"schema": 1, "unresolved": [], "visibility": {"state": "clear", "reasons": []}, **given})
    assert (len(host.oom["kills"]), len(host.reasons) <= 12, host.partial) == (kills, True, True)
    assert told in host.reasons[-1]
    assert host.oom.get("truncated") in (None, 97_003)
    assert len(host.oom["visibility"]["reasons"]) <= 12
