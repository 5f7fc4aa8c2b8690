# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills become problems: which are one, since when, how often, and what comes first."""

from __future__ import annotations

import copy
import json
import random

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput
from ansible_collections.memops.linux.plugins.plugin_utils._report.likeness import host_group, lasting
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import disputed, logged, panic
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


def problems(hosts, **how):
    return fleet(hosts, **how)["problems"]


def one(hosts):
    found = problems(hosts)
    assert len(found) == 1, [made["subject"] for made in found]
    return found[0]


@pytest.mark.parametrize(
    "name, group",
    [
        ("db1", "db*"),
        ("web07.dc1.example.net", "web*.dc*.example.net"),
        ("ip-10-0-3-17", "ip-*-*-*-*"),
        ("node-0a1b2c3d4e5f6789", "node-*"),
        ("database", "database"),
        ("deadbeef", "deadbeef"),
        ("10.0.0.1", "*.*.*.*"),
    ],
)
def test_hosts_whose_names_differ_in_numbers_are_a_group(name, group):
    assert host_group(name) == group


ID = "6b40c5e1f0a29d8734b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6071"
POD = "0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9"


@pytest.mark.parametrize(
    "name, part",
    [
        ("nginx.service", "nginx.service"),
        ("user@1000.service", "user@1000.service"),
        ("postgresql@15-main.service", "postgresql@15-main.service"),
        ("session-42.scope", "session-*.scope"),
        ("run-u1234.service", "run-u*.service"),
        (f"docker-{ID}.scope", "docker-*.scope"),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD}.slice/cri-containerd-{ID}.scope",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod*.slice/cri-containerd-*.scope",
        ),
    ],
)
def test_what_outlives_a_restart(name, part):
    assert lasting(name) == part


def container(n, **named):
    """Container n of the same thing, with an id and a scope of its own."""
    identity = f"{n:02x}{ID[2:]}"
    names = dict.fromkeys(("name", "image", "pod", "namespace", "engine"))
    return died(
        f"docker-{identity}.scope",
        "java",
        n * DAY + HOUR,
        n,
        container_id=identity,
        container={**names, "id": identity, **named},
    )


@pytest.mark.parametrize(
    "kills, subjects",
    [
        pytest.param(
            [died("a.service", "a", HOUR * n, n) for n in range(25)], {"a.service": 25}, id="25 times the same"
        ),
        pytest.param(
            [died(f"session-{n}.scope", "make", DAY * n, n, oom_memcg=None, scope="global") for n in range(1, 9)],
            {"session-*.scope": 8},
            id="logins",
        ),
        pytest.param(
            [container(n, name="shop", namespace="prod") for n in range(1, 5)], {"prod/shop": 4}, id="a pod's container"
        ),
        pytest.param(
            [container(n, image="shop:1") for n in range(1, 5)], {"shop:1": 4}, id="a container without a name"
        ),
        pytest.param([container(n) for n in range(1, 5)], {"java in a container": 4}, id="a container nobody names"),
        pytest.param(
            [died(None, "java", HOUR, 1, task_memcg=None), died(None, "java", 2 * HOUR, 2, task_memcg=None)],
            {"java": 2},
            id="no unit: the process",
        ),
        pytest.param(
            [died("a.service", "a", 60, 1), died("a.service", "a", 90, 2, oom_memcg=None, scope="global")],
            {"a.service": 2},
            id="its own limit and the host are two",
        ),
        pytest.param(
            [died("a.service", "a", 60, 1), died("a.service", "a", 90, 2, oom_memcg=None, scope="unknown")],
            {"a.service": 2},
            id="a kill whose limit is not told belongs to the one that is known",
        ),
        pytest.param([disputed(n) for n in range(5)], {}, id="disputed kills are no problem"),
        pytest.param([logged(1, time=MONDAY - 60)], {"mysqld.service": 1}, id="a kill in a text log is one"),
    ],
)
def test_what_is_one_problem(kills, subjects):
    found = problems({"h1": week(kills)})
    told = {}
    for made in found:
        told[made["subject"]] = told.get(made["subject"], 0) + made["kills"]
    assert told == subjects
    if "are_two" in str(subjects):
        assert len(found) == 2


def test_the_lowest_score_is_that_of_all_its_kills():
    protected = died("a.service", "a", 120, 3, oom_memcg=None, scope="unknown")
    protected["victim"]["oom_score_adj"] = -500
    (made,) = fleet({"h1": week([died("a.service", "a", 60, 1), protected])})["problems"]
    assert (made["lowest_adj"], made["criticality"]) == (-500, "high")


def test_a_limit_and_the_host_are_two_problems_and_an_unknown_limit_none():
    own = died("a.service", "a", 60, 1)
    whole = died("a.service", "a", 90, 2, oom_memcg=None, scope="global")
    untold = died("a.service", "a", 120, 3, oom_memcg=None, scope="unknown")
    assert sorted(made["kills"] for made in problems({"h1": week([own, untold])})) == [2]
    assert sorted(made["kills"] for made in problems({"h1": week([own, whole])})) == [1, 1]
    assert sorted(made["kills"] for made in problems({"h1": week([own, whole, untold])})) == [1, 1, 1]


def test_four_victims_of_a_group_are_one_shortage():
    slice_ = "/work.slice"
    kills = [
        died("a.service", "a", 100.0, 1, oom_memcg=slice_),
        died("b.service", "b", 99.5, 2, oom_memcg=slice_, trigger="group"),
        died("c.service", "c", 99.0, 3, oom_memcg=slice_, trigger="group"),
        died("c.service", "c", 98.5, 4, oom_memcg=slice_, trigger="group"),
    ]
    made = one({"h1": week(kills)})
    assert (made["kills"], made["shortages"], made["comms"]) == (4, 1, ["c", "a", "b"])


def test_the_same_kill_on_two_hosts_counts_once():
    kills = postgres(3)
    for number, kill in enumerate(kills):
        kill["boot_id"] = f"boot{number}"
    assert one({"db1": week(kills), "db1-alias": week(copy.deepcopy(kills))})["kills"] == 3


def test_hosts_that_differ_in_numbers_are_one_problem_and_others_are_not():
    hosts = {f"web{n}": week([died("app.service", "java", HOUR * n, n)]) for n in range(1, 61)}
    hosts["batch"] = week([died("app.service", "java", HOUR, 99)])
    group, other = sorted(problems(hosts), key=lambda made: -made["kills"])
    assert (group["kills"], group["hosts_total"], len(group["hosts"]), group["host_group"]) == (60, 60, 50, "web*")
    assert other["hosts"] == {"batch": 1}


def test_times_shape_a_problem():
    made = one({"db1": week(every("db.service", "db", 6 * HOUR, 17))})
    assert (made["kills"], made["shortages"], made["dates"]) == (17, 17, 5)
    assert (made["first"], made["last"]) == (MONDAY - 98 * HOUR, MONDAY - 2 * HOUR)
    assert made["rhythm"]["every"] == pytest.approx(6 * HOUR)
    assert (made["rhythm"]["since"], made["rhythm"]["goes_on"], made["rhythm"]["host"]) == (made["first"], True, "db1")
    assert made["days"] == [0] * 9 + [1, 4, 4, 4, 4]
    assert (made["verdict"], made["state"], made["criticality"]) == ("chronic", "new", "normal")


def test_days_that_were_not_seen_are_not_zero():
    made = one({"db1": week([died("db.service", "db", HOUR)], days=3)})
    assert made["days"] == [None] * 11 + [0, 0, 1]


def test_kills_without_a_time_are_counted_and_nothing_is_made_up():
    made = one({"db1": week([died("db.service", "db", 0, n) | {"time": None} for n in range(3)])})
    assert (made["kills"], made["first"], made["last"], made["rhythm"], made["state"]) == (3, None, None, None, None)
    assert made["verdict"] == "unknown"


@pytest.mark.parametrize(
    "kills, days, state, verdict",
    [
        pytest.param(postgres(), 21, "same", "chronic", id="13 times on 12 days"),
        pytest.param(postgres(39, 8 * HOUR), 21, "same", "chronic", id="three times a day for two weeks"),
        pytest.param(postgres(30, 4 * HOUR), 21, "new", "chronic", id="every 4 h, for five days"),
        pytest.param(postgres(30, 4 * HOUR) + postgres(3, DAY, 9 * DAY), 21, "worse", "chronic", id="more than before"),
        pytest.param(postgres(3, 9 * HOUR, 9 * DAY), 21, "gone", "transient", id="not for nine days"),
        pytest.param(postgres(4, 7 * DAY, 6 * DAY), 60, "same", "chronic", id="every Monday, and not for six days"),
        pytest.param(postgres(4, 7 * DAY, 9 * DAY), 60, "same", "chronic", id="every Monday, and the last was missed"),
        pytest.param(postgres(4, 7 * DAY, 20 * DAY), 60, "gone", "chronic", id="every Monday, and not for three weeks"),
        pytest.param(postgres(5, DAY), 5, "same", "chronic", id="five days are seen"),
        pytest.param(postgres(1, last=600), 0.02, None, "unknown", id="half an hour is seen"),
        pytest.param(postgres(1, last=3 * DAY), 21, "new", "transient", id="once, three days ago"),
        pytest.param(build_accident(), 21, "new", "transient", id="an afternoon, five days ago"),
        pytest.param(build_accident(3 * HOUR), 21, "new", "unknown", id="an afternoon, just now"),
    ],
)
def test_state_and_verdict(kills, days, state, verdict):
    made = one({"db1": week(kills, days)})
    assert (made["state"], made["verdict"]) == (state, verdict)


def test_a_host_whose_older_kills_are_not_listed_is_not_worse():
    listed = postgres(30, 4 * HOUR)
    told = one({"db1": week(listed, truncated=200)})
    assert told["state"] != "worse" and told["state"] != "new"
    assert one({"db1": week(listed)})["state"] == "new"


def test_old_facts_do_not_say_that_it_is_gone():
    old = week(postgres(3, last=9 * DAY), gathered_at=MONDAY - 8 * DAY)
    assert one({"db1": old, "web": week()})["state"] != "gone"


URGENT_FLEETS = [
    pytest.param(
        {"db1": week(postgres()), "ci": week(build_accident(ago))},
        "postgresql@15-main.service",
        id=f"a database on 12 days is above 25 kills of a build, {ago / DAY:.1f} days ago",
    )
    for ago in (3 * HOUR, DAY, 5 * DAY, 12 * DAY)
] + [
    pytest.param(
        {"db1": week(postgres()), "web1": week(unresolved=[panic(time=MONDAY - 3 * DAY)])},
        "panic",
        id="a panic is above all",
    ),
    pytest.param(
        {"db1": week(unresolved=[panic(outcome="no_victim", time=MONDAY - 60)]), "db9": week(postgres())},
        "no_victim",
        id="and so is a host where nothing may be killed",
    ),
    pytest.param(
        {
            "db1": week(every("mysql.service", "mysqld", DAY, 5)),
            "web1": week(every("thumbs.service", "convert", DAY, 9)),
        },
        "mysql.service",
        id="what others depend on",
    ),
    pytest.param(
        {
            "a": week(every("one.service", "one", DAY, 5, last=HOUR)),
            "b": week(every("two.service", "two", DAY, 5, 9 * DAY)),
        },
        "one.service",
        id="what still happens",
    ),
    pytest.param(
        {"a": week([died("one.service", "x", HOUR, n, trigger="sysrq") for n in range(9)]), "b": week(postgres(1))},
        "postgresql@15-main.service",
        id="not what somebody asked for",
    ),
    pytest.param(
        {"a": week(every("one.service", "a", DAY, 6)), "b": week(every("two.service", "b", DAY, 7))},
        "two.service",
        id="at last the count",
    ),
]


@pytest.mark.parametrize("hosts, first", URGENT_FLEETS)
def test_what_comes_first(hosts, first):
    for order in (hosts, dict(reversed(hosts.items()))):
        found = problems(order)
        assert found[0]["subject"] == first, [(made["subject"], made["urgency"]) for made in found]


def test_the_example_of_the_issue_in_numbers():
    found = problems({"db1": week(postgres()), "ci": week(build_accident())})
    assert [(made["kills"], made["shortages"] > 5, made["dates"]) for made in found] == [(13, True, 12), (25, True, 1)]


def test_a_disputed_shortage_is_no_problem():
    assert problems({"h": week(unresolved=[panic(proof="disputed", time=MONDAY - 60)])}) == []


def test_a_known_problem_keeps_its_name():
    before = one({"db1": week(postgres(3))})
    after = one({"db2": week(postgres(9, HOUR))})
    assert before["id"] == after["id"]
    assert before["id"] != one({"mail1": week(postgres(3))})["id"]


def test_weeks_of_a_fleet():
    """Twelve units, each with a rhythm of its own, on thirty hosts: every one is found again."""
    rng = random.Random(11)
    hosts, truth = {}, {}
    for number in range(30):
        unit, period = f"job-{'abcdefghijkl'[number % 12]}.service", rng.choice((2, 6, 8, 12, 24)) * HOUR
        times = max(int(14 * DAY / period), 4)
        kills = [died(unit, "worker", HOUR + n * period + rng.uniform(-0.04, 0.04) * period, n) for n in range(times)]
        name = f"{'red green blue'.split()[number // 12]}-{'abcdefghijkl'[number % 12]}"
        hosts[name] = week(kills)
        truth[name] = (unit, period, times)
    found = problems(hosts)
    assert len(found) == 30
    for made in found:
        (host,) = made["hosts"]
        unit, period, times = truth[host]
        assert (made["subject"], made["kills"]) == (unit, times)
        assert made["rhythm"]["every"] == pytest.approx(period, rel=0.02)
        assert made["verdict"] == "chronic"


def test_problems_are_json_and_the_same_each_time():
    hosts = {"db1": week(postgres()), "ci": week(build_accident()), "down": HostInput(None, "unreachable", "x")}
    first, again = fleet(hosts), fleet(dict(reversed(hosts.items())))
    assert json.dumps(first["problems"]) == json.dumps(again["problems"])
    assert json.dumps(first["trend"]) == json.dumps(again["trend"])


@pytest.mark.slow
def test_many_kills_take_linear_time():
    import time

    spent = []
    for size in (20, 160):
        hosts = {
            f"h{n}": week([died(f"u{m % 9}.service", "x", m * 997.0 + n, m) for m in range(100)]) for n in range(size)
        }
        began = time.process_time()
        fleet(hosts)
        spent.append(time.process_time() - began)
    assert spent[1] < 20 * spent[0]
