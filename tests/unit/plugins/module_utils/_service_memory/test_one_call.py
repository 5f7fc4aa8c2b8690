# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several requests that reach one unit in one call: each is judged as it will be after all of them."""

import pytest

from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import act

TEMPLATE = dict(name="pg@", oom_score_adjust=60)
INSTANCE = dict(name="pg@a", oom_score_adjust=61)


def rows(result):
    return [
        [(row["unit"], row["before"], row["after"], row["state"]) for row in service["processes"]]
        for service in result["services"]
    ]


def steps(result):
    return [service["steps"] for service in result["services"]]


def started(make):
    machine = make()
    machine.unit("pg@.service")
    return machine, machine.start("pg@a.service") + machine.start("pg@b@c.service")


def both(machine, services):
    """The prediction and what was done."""
    return act(machine, True, services=services), act(machine, services=services)


CALLS = [
    ("both go", [dict(name="pg@", state="absent"), dict(name="pg@a", state="absent")], [0, 0]),
    ("both go, the instance first", [dict(name="pg@a", state="absent"), dict(name="pg@", state="absent")], [0, 0]),
    ("the template goes", [dict(name="pg@", state="absent"), dict(INSTANCE, oom_score_adjust=65)], [65, 0]),
    ("the instance goes", [dict(TEMPLATE, oom_score_adjust=66), dict(name="pg@a", state="absent")], [66, 66]),
    ("both change", [dict(TEMPLATE, oom_score_adjust=66), dict(INSTANCE, oom_score_adjust=65)], [65, 66]),
]


@pytest.mark.slow
@pytest.mark.parametrize("services, scores", [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
def test_a_template_and_its_instance(make, services, scores):
    machine, pids = started(make)
    assert act(machine, services=[TEMPLATE, INSTANCE])["verified"]
    assert [machine.score(pid) for pid in pids] == [61, 60]
    message, done = both(machine, services)
    assert done["verified"] and [machine.score(pid) for pid in pids] == scores
    assert (
        rows(message) == rows(done) and steps(message) == steps(done) and not act(machine, services=services)["changed"]
    )


def test_an_instance_with_a_second_at_belongs_to_its_template(make):
    machine, pids = started(make)
    result = act(machine, name=["pg@"], oom_score_adjust=7)
    assert result["verified"] and [row["unit"] for row in result["processes"]] == ["pg@a.service", "pg@b@c.service"]
    result = act(machine, name=["pg@b@c"], oom_score_adjust=8)
    assert result["drop_in"] == "/etc/systemd/system/pg@b@c.service.d/50-memops.conf"
    assert result["verified"] and [machine.score(pid) for pid in pids] == [7, 8]


def test_the_drop_in_gets_another_name(make):
    machine = make()
    pid = machine.start("web.service")[0]
    act(machine, name=["web"], oom_score_adjust=10, memory_high="1G")
    services = [dict(name="web", state="absent"), dict(name="web", dropin="60-new.conf", oom_score_adjust=20)]
    message, done = both(machine, services)
    assert done["verified"] and machine.score(pid) == 20
    assert [path for path in machine.tree("/etc") if path.endswith(".conf")] == [
        "/etc/systemd/system/web.service.d/60-new.conf"
    ]
    assert [service["effective"] for service in message["services"]] == [
        service["effective"] for service in done["services"]
    ]
    assert done["services"][0]["effective"]["memory_high"] == "infinity"
    assert not act(machine, services=services)["changed"]


def test_of_a_call_that_is_refused_in_part_nothing_is_foreseen(make):
    """The template's request is refused: the instance goes back to what the template's file says today."""
    machine, pids = started(make)
    act(machine, services=[TEMPLATE, INSTANCE])
    machine.write(
        "/etc/systemd/system/pg@.service.d/50-memops.conf", "[Service]\nOOMScoreAdjust=60\n"
    )  # a person's now
    services = [dict(name="pg@", state="absent"), dict(name="pg@a", state="absent")]
    message, done = both(machine, services)
    assert done["failed"] and "was not written by this module" in done["msg"]
    assert rows(message)[1] == rows(done)[1] and [machine.score(pid) for pid in pids] == [60, 60]
