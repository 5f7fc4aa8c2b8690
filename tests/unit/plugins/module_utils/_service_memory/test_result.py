# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

from ansible_collections.memops.linux.plugins.module_utils._service_memory.execute import protect
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import parse_overrides, parse_requests
from ansible_collections.memops.linux.plugins.module_utils._service_memory.result import outcome, warnings
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import act, params


def test_one_service_has_its_fields_at_the_top(make):
    machine = make()
    machine.start("web.service")
    result = act(machine, name=["web"], oom_score_adjust=-5)
    for name in ("drop_in", "effective", "shadowed_by", "processes"):
        assert result[name] == result["services"][0][name]
    assert result["diff"][0]["before"] == "" and result["diff"][0]["after"].endswith("[Service]\nOOMScoreAdjust=-5\n")
    assert result["msg"].endswith("in force in 1 process")
    assert json.loads(json.dumps(result)) == result


def test_two_services_do_not(make):
    machine = make()
    machine.unit("two.service")
    machine.boot()
    result = act(machine, name=["web", "two"], oom_score_adjust=-5)
    assert "drop_in" not in result and [service["name"] for service in result["services"]] == [
        "web.service",
        "two.service",
    ]


def test_check_mode_says_would_and_proves_nothing(make):
    machine = make()
    result = act(machine, True, name=["web"], oom_score_adjust=-5)
    assert result["changed"] and not result["verified"] and "would write /etc/systemd" in result["msg"]
    act(machine, name=["web"], oom_score_adjust=-5)
    again = act(machine, True, name=["web"], oom_score_adjust=-5)
    assert not again["changed"] and again["verified"]


def test_many_services_are_counted_and_the_loud_ones_named_first(make):
    machine = make()
    for number in range(9):
        machine.unit("s%d.service" % number)
    machine.boot()
    machine.start("s7.service")
    machine.spawn("s7.service", 99)
    result = act(machine, name=["s%d" % number for number in range(9)], oom_score_adjust=-5)
    assert result["msg"].startswith("9 services, 8 verified. s7.service") and len(result["msg"]) < 1500


def test_warnings_are_of_what_is_not_in_force(make):
    machine = make()
    machine.start("web.service")
    machine.spawn("web.service", 99)
    wanted = params(name=["web"], oom_score_adjust=-5, memory_max="1G")
    cases = protect(machine.host, parse_requests(wanted), parse_overrides(wanted), False)
    message = warnings(cases)
    assert len(message) == 2 and "not in force" in message[0] and "memory_swap_max" in message[1]
    assert (
        len(warnings(protect(machine.host, parse_requests(wanted), parse_overrides(wanted), False))) == 1
    )  # notes once, gaps each time
    assert outcome(cases, False)["restart_required"] is False
