# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that systemd has read and that are not there any more, or cannot be looked at."""

import os

import pytest

from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import act

PATH = "/etc/systemd/system/web.service.d/50-memops.conf"
FRAGMENT = "/usr/lib/systemd/system/web.service"


@pytest.fixture(name="machine")
def fixture_machine(make):
    machine = make()
    machine.start("web.service", 2)
    return machine


def scores(result):
    return [row["after"] for row in result["services"][0]["processes"]]


@pytest.mark.parametrize("check", [True, False])
def test_a_unit_file_that_was_deleted_while_its_unit_runs(machine, check):
    os.unlink(machine.root + FRAGMENT)
    before = machine.tree()
    result = act(machine, check=check, name=["web"], oom_score_adjust=300)
    assert result["failed"] and not result["changed"] and machine.tree() == before
    assert "its unit file %s is gone since systemd read it" % FRAGMENT in result["msg"]
    assert not any("daemon-reload" in text for text in machine.asked)
    skipped = act(machine, check=check, name=["web"], oom_score_adjust=300, missing="skip")
    assert not skipped["failed"] and skipped["services"][0]["status"] == "absent"


def test_state_absent_where_the_unit_file_was_deleted(machine):
    act(machine, name=["web"], oom_score_adjust=300)
    os.unlink(machine.root + FRAGMENT)
    gone = act(machine, name=["web"], state="absent")
    assert not gone["failed"] and scores(gone) == [0, 0] and not os.path.exists(machine.root + PATH)
    assert not act(machine, name=["web"], state="absent")["changed"]


def test_a_file_of_lower_rank_takes_its_place(machine):
    machine.unit("web.service", "OOMScoreAdjust=5\n", "/etc/systemd/system")
    machine.run(["systemctl", "daemon-reload"])
    os.unlink(machine.root + "/etc/systemd/system/web.service")
    result = act(machine, name=["web"], oom_score_adjust=300)
    assert result["verified"] and scores(result) == [300, 300]


def test_a_generator_that_leaves_the_unit_out_at_the_reload(machine):
    """The script that it makes it of is gone, its file is not yet."""
    real = machine._daemon_reload

    def reload():
        os.unlink(machine.root + FRAGMENT)
        return real()

    machine._daemon_reload = reload
    result = act(machine, name=["web"], oom_score_adjust=300)
    assert result["failed"] and not os.path.exists(machine.root + PATH)
    assert "the reload left nothing of web.service" in result["msg"] and "generator" in result["msg"]


def source_is_gone(machine):
    machine.sources["web.service"] = "/etc/init.d/web"


def link_to_nowhere(machine):
    machine.link("/etc/systemd/system/web.service.d/zz.conf", "/nowhere")


@pytest.mark.parametrize("what", [source_is_gone, link_to_nowhere])
def test_systemd_that_wants_a_reload_for_ever(machine, what):
    what(machine)
    machine.run(["systemctl", "daemon-reload"])
    assert machine._needs_reload(machine.loaded["web.service"])
    assert act(machine, name=["web"], oom_score_adjust=300)["changed"]
    assert machine._needs_reload(machine.loaded["web.service"])
    again = act(machine, name=["web"], oom_score_adjust=300)
    assert not again["changed"] and again["verified"] and again["services"][0]["steps"] == []
    # what is really new is still seen
    machine.drop_in("web.service", "60-x.conf", "[Service]\nOOMScoreAdjust=7\n")
    os.unlink(machine.root + PATH)
    assert act(machine, name=["web"], oom_score_adjust=300, allow_shadowed=True)["changed"]


def test_a_socket_without_a_control_group_has_no_process(make):
    machine = make()
    machine.unit("web.socket")
    machine.start("web.socket", 0)
    os.unlink(machine.root + "/sys/fs/cgroup" + machine.running["web.socket"].cgroup + "/cgroup.procs")
    blind = act(machine, name=["web.socket"], oom_score_adjust=300)
    assert [gap["cause"] for gap in blind["services"][0]["gaps"]] == ["not_readable"]
    machine.stop_group("web.socket")
    result = act(machine, name=["web.socket"], oom_score_adjust=300)
    assert result["services"][0]["gaps"] == [] and result["verified"]


@pytest.mark.parametrize("version", [247, 252, 257])
def test_what_runs_of_a_masked_unit_is_left_alone(make, version):
    machine = make(version=version)
    machine.start("web.service", 1)
    machine.link("/etc/systemd/system/web.service", "/dev/null")
    machine.run(["systemctl", "daemon-reload"])
    result = act(machine, name=["web"], oom_score_adjust=300, missing="stage")
    assert not any(step.startswith("set ") for step in result["services"][0]["steps"])
    assert [gap["cause"] for gap in result["services"][0]["gaps"]] == ["masked"] and result["processes"] == []
