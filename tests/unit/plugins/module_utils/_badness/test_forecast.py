# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of scores would make worse, before it is made."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._badness.forecast import forecast
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._badness.proc_tree import Machine


@pytest.fixture
def machine(tmp_path):
    """A database, a small web server, sshd with its session, and this module under it."""
    machine = Machine(tmp_path, memory=1_000_000)
    machine.process(1, "systemd", ppid=0, anon=1000)
    machine.service(300, "ssh.service", "sshd", anon=1500, adj=-1000)
    machine.process(310, "sshd", anon=1600, ppid=300, cgroup="0::/user.slice/user-0.slice/session-1.scope\n")
    machine.process(os.getpid(), "python3", anon=9000, ppid=310, cgroup="0::/user.slice/user-0.slice/session-1.scope\n")
    machine.service(400, "mysql.service", "mysqld", anon=600_000)
    machine.service(500, "nginx.service", "nginx", anon=5000)
    return machine


MYSQL, NGINX, SSHD = (
    "mysqld (pid 400, mysql.service)",
    "nginx (pid 500, nginx.service)",
    "sshd (pid 310, session-1.scope)",
)


def test_nothing_proposed(machine):
    found = forecast(machine.host, {})
    assert (found.before, found.after, found.warnings, found.unmatched, found.complete) == (MYSQL, MYSQL, [], [], True)
    assert (
        found.order_before == found.order_after == [MYSQL, NGINX, SSHD]
    )  # without this process, which is gone by then
    assert found.unkillable_share == 0.0025


def test_a_good_change(machine):
    found = forecast(machine.host, {"mysql": -800})
    assert (found.before, found.after, found.warnings) == (MYSQL, NGINX, [])
    assert found.order_after == [NGINX, SSHD, MYSQL]


def test_sshd_would_be_next(machine):
    found = forecast(machine.host, {"mysql": -800, "nginx": -900})
    assert found.after == SSHD and found.warnings == ["sshd would be the next victim: %s" % SSHD]


def test_the_chain_that_connects_would_be_next(machine):
    machine.process(310, "dropbear", anon=1600, ppid=300)
    assert forecast(machine.host, {"mysql": -800, "nginx": -900}).warnings == [
        "dropbear (pid 310), which holds the connection to this host, would be the next victim"
    ]


def test_a_protected_service_would_be_next(machine):
    """nginx protected a little, mysql much: nginx is now the first."""
    found = forecast(machine.host, {"mysql": -800, "nginx": -1})
    assert found.after == NGINX and found.warnings == [
        "%s would be the next victim, although it is to be protected" % NGINX
    ]


def test_too_little_protection(machine):
    found = forecast(machine.host, {"mysql": -100})
    assert found.before == found.after == MYSQL and found.warnings == [
        "%s would still be the next victim: -100 is not enough" % MYSQL
    ]


def test_a_protected_unit_whose_process_has_a_score_of_its_own(machine):
    """The new value does not reach it, and it is the next all the same."""
    machine.service(500, "nginx.service", "nginx", anon=5000, adj=7)
    host = machine.systemd(mysql=0, nginx=0)
    found = forecast(host, {"mysql": -800, "nginx": -900})
    assert found.warnings == ["%s would be the next victim, although it is to be protected" % NGINX]


def test_what_is_so_already_is_no_news(machine):
    machine.service(400, "mysql.service", "mysqld", anon=600_000, adj=-800)
    machine.service(500, "nginx.service", "nginx", anon=5000, adj=-900)
    found = forecast(machine.host, {"nginx": -950})
    assert found.before == found.after == SSHD and found.warnings == []


def test_more_than_half_of_memory_out_of_reach(machine):
    found = forecast(machine.host, {"mysql": -1000})
    assert found.unkillable_share == 0.6025 and found.after == NGINX
    assert found.warnings == [
        "processes that cannot be killed (-1000) would hold 2.3 GiB, 60 % of RAM: the kernel may find no victim, and panic"
    ]


def test_half_is_not_more_than_half(machine):
    machine.service(400, "mysql.service", "mysqld", anon=497_500)
    assert (
        forecast(machine.host, {"mysql": -1000}).unkillable_share == 0.5
        and forecast(machine.host, {"mysql": -1000}).warnings == []
    )


def test_nobody_left(machine):
    found = forecast(machine.host, {"mysqld": -1000, "nginx": -1000, "sshd": -1000})
    assert found.after is None and found.order_after == []
    assert (
        found.warnings[0] == "no process could be killed any more: the kernel would panic when memory runs out"
        and len(found.warnings) == 2
    )


def test_names_that_match_nothing(machine):
    assert forecast(machine.host, {"postgresql": -900, "mysql": -5}).unmatched == ["postgresql"]


def test_what_units_give_now_may_be_told(machine):
    """service_memory has asked systemd already."""
    machine.service(401, "mysql.service", "helper", anon=10, adj=300)
    told = forecast(machine.host, {"mysql": -1000}, assumed={"mysql.service": 300})
    assert told.after == MYSQL and told.unkillable_share < 0.01


def test_a_warning_without_a_full_view_says_so(machine):
    machine.link("/proc/self/ns/pid", "pid:[4026532201]")
    found = forecast(machine.host, {"mysql": -800, "nginx": -900})
    assert not found.complete and found.warnings[-1].startswith("not every process was seen: this is a container")


def test_this_machine():
    found = forecast(Host(), {"no such unit": -5})
    assert (
        found.unmatched == ["no such unit"]
        and found.before == found.after
        and found.warnings == []
        and found.order_before
    )
