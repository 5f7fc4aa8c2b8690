# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What oom_facts tells of a unit in detail: the kernel's layer, and the properties that systemd-oomd goes by."""

import json
import os
import shutil

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import unit_facts
from ansible_collections.memops.linux.plugins.module_utils._facts.unit_facts import add_details
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

GROUP = "/system.slice/web.service"
V2 = "/sys/fs/cgroup" + GROUP + "/"
LIMITS = "MemoryMin=1M\nMemoryLow=2M\nMemoryHigh=4M\nMemoryMax=8M\nMemorySwapMax=0\nOOMPolicy=kill\n"
NOTHING = dict.fromkeys(
    ["memory_min", "memory_low", "memory_high", "memory_max", "memory_swap_max", "oom_group", "controller"]
)
MIB = 1 << 20


def told(machine):
    units = [{"name": "web.service", "load_state": "loaded"}]
    add_details(machine.host, units)
    return units[0]


def started(make, controllers="cpu memory pids\n", text=LIMITS, **keywords):
    machine = make(text, **keywords)
    machine.start("web.service")
    if controllers is not None:
        machine.write(V2 + "cgroup.controllers", controllers)
    return machine


def test_what_the_kernel_holds(make):
    assert told(started(make))["kernel"] == {
        "memory_min": MIB,
        "memory_low": 2 * MIB,
        "memory_high": 4 * MIB,
        "memory_max": 8 * MIB,
        "memory_swap_max": 0,
        "oom_group": True,
        "controller": "v2",
    }


def test_no_limit_is_a_word_and_no_group_is_false(make):
    kernel = told(started(make, text=""))["kernel"]
    assert (kernel["memory_high"], kernel["memory_max"], kernel["memory_min"], kernel["oom_group"]) == (
        "infinity",
        "infinity",
        0,
        False,
    )


def test_systemd_believes_and_the_kernel_holds_another(make):
    """systemd 257 after a daemon-reload."""
    machine = started(make)
    machine.write(V2 + "memory.max", "max\n")
    unit = told(machine)
    assert (unit["memory_max"], unit["kernel"]["memory_max"]) == (8 * MIB, "infinity")


def test_nothing_runs(make):
    assert told(make(LIMITS))["kernel"] == dict(NOTHING, controller="no_cgroup")


def test_without_the_memory_controller(make):
    machine = started(make, controllers="cpu pids\n")
    for name in ("min", "low", "high", "max", "swap.max", "oom.group"):
        os.unlink(machine.root + V2 + "memory." + name)
    assert told(machine)["kernel"] == dict(NOTHING, controller="none")


def test_what_this_kernel_has_no_file_for_is_told_from_what_cannot_be_read(make):
    machine = started(make)
    os.unlink(machine.root + V2 + "memory.swap.max")
    machine.write(V2 + "memory.oom.group", "garbage\n")
    kernel = told(machine)["kernel"]
    assert (kernel["memory_swap_max"], kernel["oom_group"], kernel["absent"]) == (None, None, ["memory_swap_max"])


def test_a_tree_that_cannot_be_seen_is_unknown(make):
    """A container that sees systemd and not its control groups."""
    machine = started(make)
    shutil.rmtree(machine.root + "/sys/fs/cgroup/system.slice")
    unit = told(machine)
    assert unit["kernel"] == NOTHING
    assert unit["scores"] is None


def test_controllers_that_cannot_be_read_are_unknown(make):
    assert told(started(make, controllers=None))["kernel"]["controller"] is None


def test_cgroup_1_holds_the_maximum_only(make):
    machine = started(make, controllers=None, cgroups="1")
    assert told(machine)["kernel"] == dict(NOTHING, memory_max=8 * MIB, controller="v1")


def test_cgroup_1_without_a_memory_group(make):
    machine = started(make, controllers=None, cgroups="1", text="")
    shutil.rmtree(machine.root + "/sys/fs/cgroup/memory" + GROUP)
    assert told(machine)["kernel"] == dict(NOTHING, controller="none")


def test_processes_that_proc_hides_are_unknown(make):
    machine = started(make)
    assert told(machine)["scores"] == {"0": 1}
    shutil.rmtree(machine.root + "/proc/%d" % machine.running["web.service"].main_pid)
    assert told(machine)["scores"] is None


def test_processes_of_another_user_that_proc_hides_make_the_scores_unknown(make):
    machine = started(make)
    hidden = machine.spawn("web.service", score=7)
    assert told(machine)["scores"] == {"0": 1, "7": 1}
    shutil.rmtree(machine.root + "/proc/%d" % hidden)
    assert (told(machine)["scores"], told(machine)["processes"]) == (None, [])


def test_a_process_that_ended_meanwhile_hides_nothing(make, monkeypatch):
    machine = started(make)
    looks = []

    def pids(*_place):
        looks.append(1)
        return [machine.running["web.service"].main_pid] + ([4_000_000] if len(looks) == 1 else [])

    monkeypatch.setattr(unit_facts.cgroup, "pids", pids)
    assert (told(machine)["scores"], len(looks)) == ({"0": 1}, 2)


def test_of_many_processes_one_of_each_score_is_listed(make):
    machine = started(make)
    for score in [5] * 12 + [6]:
        machine.spawn("web.service", score=score)
    listed = told(machine)["processes"]
    assert len(listed) == 10 and [row["oom_score_adj"] for row in listed] == [5, 6] + [5] * 8


def test_what_oomd_goes_by(make):
    unit = told(started(make, text="ManagedOOMSwap=kill\nManagedOOMPreference=avoid\n"))
    assert (unit["managed_oom_swap"], unit["managed_oom_memory_pressure"], unit["managed_oom_preference"]) == (
        "kill",
        "auto",
        "avoid",
    )


def test_systemd_before_247_does_not_know_oomd(make):
    old = told(started(make, version=246))
    assert (old["managed_oom_swap"], old["managed_oom_memory_pressure"], old["managed_oom_preference"]) == (
        None,
        None,
        None,
    )


# Recorded from systemd 247.3, 252.39 and 257.13 with ManagedOOMMemoryPressureLimit=62.5%, and without.
LIMIT = [
    ({"ManagedOOMMemoryPressureLimitPercent": "62%"}, 62.0),
    ({"ManagedOOMMemoryPressureLimitPercent": "0%"}, 0.0),
    ({"ManagedOOMMemoryPressureLimit": "2684354559"}, 62.5),
    ({"ManagedOOMMemoryPressureLimit": "0"}, 0.0),
    ({}, None),
    ({"ManagedOOMMemoryPressureLimitPercent": "200%"}, None),
]


@pytest.mark.parametrize("properties, wanted", LIMIT)
def test_the_limit_of_pressure(properties, wanted):
    assert unit_facts._pressure_limit(UnitState("a.service", properties)) == wanted


def test_systemd_that_does_not_answer_leaves_the_unit_as_it_is(make):
    machine = make()
    machine.refuses_show = True
    assert told(machine) == {"name": "web.service", "load_state": "loaded"}


def test_a_template_tells_its_files_and_its_instance_everything(make):
    """systemctl shows no template, and nothing of those that are named after it."""
    machine = make()
    fragment = machine.unit("db@.service")
    ours = machine.drop_in("db@.service", "50-memops.conf", "[Service]\nOOMScoreAdjust=100\n")
    machine.start("db@1.service")
    units = [{"name": "db@.service", "load_state": "template"}, {"name": "db@1.service", "load_state": "loaded"}]
    assert add_details(machine.host, units) == 0
    told = {"drop_ins": [ours], "set_by": {"oom_score_adjust": ours}, "fragment": fragment}
    assert units[0] == dict(told, name="db@.service", load_state="template")
    assert (units[1]["drop_ins"], units[1]["scores"]) == ([ours], {"100": 1})


def many(count, processes=10, name="docker-%064d.scope"):
    row = {"pid": 4194304, "comm": "fifteen-letters", "oom_score_adj": -1000, "state": "as_wanted"}
    odd = dict(row, state="own_score")
    kernel = dict.fromkeys(NOTHING, 1 << 40)
    found = []
    for n in range(count):
        drop_in = "/run/systemd/transient/%s.d/50-MemoryMax.conf" % name % n
        found.append(
            {"name": name % n, "drop_ins": [drop_in] * 4, "kernel": kernel, "processes": [odd] + [row] * processes}
        )
    return found


def test_what_fits_stays_as_it_is():
    units = many(20)
    assert unit_facts._fit(units) == 0 and units == many(20)


def test_processes_that_are_as_wanted_go_before_any_unit():
    units = many(120)
    assert len(json.dumps(units)) > unit_facts._ROOM
    assert unit_facts._fit(units) == 0 and len(units) == 120
    assert [row["state"] for row in units[0]["processes"]] == ["own_score"]


def test_the_last_units_are_left_out_and_counted():
    units = many(200)
    gone = unit_facts._fit(units)
    assert gone and len(units) == 200 - gone and units[0]["name"] == many(1)[0]["name"]
    assert len(json.dumps(units)) <= unit_facts._ROOM
