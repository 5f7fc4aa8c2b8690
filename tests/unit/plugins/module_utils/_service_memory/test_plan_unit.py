# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory import cross_unit_checks as together
from ansible_collections.memops.linux.plugins.module_utils._service_memory.context import RunContext
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import (
    ParamsError,
    parse_overrides,
    parse_requests,
)
from ansible_collections.memops.linux.plugins.module_utils._service_memory.plan_unit import prepare_on
from ansible_collections.memops.linux.plugins.module_utils._service_memory.unit_run import UnitRun
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import params


def prepared(machine, **given):
    wanted = params(**dict(dict(name=["web"]), **given))
    return prepare_on(RunContext(machine.host, parse_overrides(wanted)), parse_requests(wanted))


def test_nothing_is_written_and_nothing_is_told(make):
    machine = make()
    machine.start("web.service", 2)
    before = machine.tree("/etc", "/usr", "/run", "/proc", "/sys")
    (plan,) = prepared(machine, oom_score_adjust=-500)
    assert (
        plan.steps.write
        and plan.steps.setting == 2
        and plan.status == "changed"
        and machine.tree("/etc", "/usr", "/run", "/proc", "/sys") == before
    )
    assert all(" show" in text or "--version" in text for text in machine.asked)


def test_next_start_leaves_the_processes(make):
    machine = make()
    machine.start("web.service", 2)
    (plan,) = prepared(machine, oom_score_adjust=-500, apply="next_start")
    assert plan.steps.setting == 0 and {(row.after, row.state) for row in plan.rows["web.service"]} == {(0, "older")}


def test_what_is_spared_from_a_restart_gets_its_score_live(make):
    machine = make("Type=oneshot\n")
    machine.start("web.service", 2)
    (plan,) = prepared(machine, oom_score_adjust=-500, apply="restart")
    assert plan.steps.restart == () and plan.steps.setting == 2 and "run its job again" in plan.notes[0]
    (forced,) = prepared(machine, oom_score_adjust=-500, apply="restart", force_restart=True)
    assert forced.steps.restart == ("web.service",) and forced.steps.setting == 0


def test_a_sum_is_of_all_units_of_the_call(make):
    machine = make()
    machine.unit("two.service")
    machine.boot()
    services = [dict(name="web", memory_max="3G"), dict(name="two", memory_max="2G")]
    plans = prepared(machine, name=None, services=services)
    assert all("add up to 5.0 GiB" in (plan.error or "") for plan in plans)
    assert not any(plan.error for plan in prepared(machine, name=None, services=services, allow_overcommit=True))


def test_a_template_counts_once_for_each_of_its_instances(make):
    machine = make()
    machine.unit("pg@.service")
    assert not prepared(machine, name=["pg@"], memory_max="3G")[0].error
    for number in (1, 2):
        machine.start("pg@%d.service" % number)
    assert not prepared(machine, name=["pg@"], memory_max="2G")[0].error
    (plan,) = prepared(machine, name=["pg@"], memory_max="3G")
    assert "memory_max of all services would add up to 6.0 GiB" in (plan.error or "") and not plan.steps
    services = [dict(name="pg@", memory_max="1G"), dict(name="pg@2", memory_max="3G")]
    assert not any(plan.error for plan in prepared(machine, name=None, services=services))


def test_a_slice_holds_its_services_and_adds_nothing(make):
    machine = make()
    machine.unit("batch.slice")
    machine.boot()
    assert not any(
        plan.error
        for plan in prepared(
            machine, name=None, services=[dict(name="batch.slice", memory_max="3G"), dict(name="web", memory_max="2G")]
        )
    )


def test_minus_1000_for_too_much_of_ram(make, monkeypatch):
    """D9; the forecast has tests of its own"""

    class Seen:
        unkillable_share = 0.9
        warnings = ["mysqld (pid 3) would be the next victim"]

    monkeypatch.setattr(together, "forecast", lambda *_arguments: Seen)
    machine = make()
    machine.start("web.service")
    (plan,) = prepared(machine, oom_score_adjust=-1000, min_killable="50%")
    assert "90 % of RAM could not be killed" in (plan.error or "")
    (plan,) = prepared(machine, oom_score_adjust=-900, min_killable="50%")
    assert plan.error is None and list(plan.notes) == Seen.warnings


def test_a_file_of_our_name_that_ours_will_hide(make):
    machine = make()
    machine.drop_in("web.service", "50-memops.conf", "[Service]\nMemoryMax=1G\n", "/usr/lib/systemd/system")
    machine.load("web.service")
    (plan,) = prepared(machine, oom_score_adjust=5)
    assert (
        plan.overridden == frozenset(["memory_max"])
        and UnitRun(plan).result(True)["effective"]["memory_max"] == "infinity"
    )


def test_check_mode_says_what_systemd_would_believe(make):
    machine = make()
    (plan,) = prepared(machine, memory_max="50%", oom_score_adjust=5)
    effective = UnitRun(plan).result(True)["effective"]
    assert (
        effective["memory_max"] == machine.ram // 2
        and effective["oom_score_adjust"] == 5
        and effective["restart"] == "no"
    )


def test_two_names_of_one_unit(make):
    machine = make()
    machine.link("/etc/systemd/system/www.service", "/usr/lib/systemd/system/web.service")
    machine.boot()
    with pytest.raises(ParamsError):
        prepared(machine, name=["web", "www"], oom_score_adjust=1)
