# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of dying, under other scores too; what can be freed; services; the line about it."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._badness.processes import snapshot, started
from ansible_collections.memops.linux.plugins.module_utils._badness.proposed_scores import (
    adjustments_of,
    apply,
    unit_in_path,
)
from ansible_collections.memops.linux.plugins.module_utils._badness.ranking import margin, memory_of, rank, units
from ansible_collections.memops.linux.plugins.module_utils._badness.selection import read_selection
from ansible_collections.memops.linux.plugins.module_utils._badness.summary import comparison, headline
from ansible_collections.memops.linux.plugins.module_utils._host import Ran
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._badness.proc_tree import PAGE, Machine

MIB = 1 << 20


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path, memory=1_000_000)


def ranking(machine, scores=None, top=0, name=None):
    selection = read_selection(machine.host, snapshot(machine.host), name)
    return selection, rank(selection, lambda pid: started(machine.host, pid), scores, top)


def order(found):
    return [place.process.pid for place in found.places]


def a_server(machine):
    machine.process(1, "systemd", ppid=0, anon=1000)
    machine.service(300, "ssh.service", "sshd", anon=900, adj=-1000)
    machine.service(400, "mysql.service", "mysqld", anon=200_000, swap=50_000, pte=500, file=8000)
    machine.service(500, "nginx.service", "nginx", anon=3000, shmem=4000, ppid=1)
    machine.service(501, "nginx.service", "nginx", anon=2000, shmem=4000, ppid=500)
    machine.process(600, "java", anon=240_000, adj=-50, cgroup="0::/user.slice/user-7.slice/session-1.scope\n")


def test_the_order_of_dying(machine):
    a_server(machine)
    _arena, found = ranking(machine)
    # 200000 + 50000 + 500 + 8000; 240000 - 50 * 1000; 3000 + 4000; 2000 + 4000
    assert [(place.rank, place.badness, place.process.pid) for place in found.places] == [
        (1, 258_500, 400),
        (2, 190_000, 600),
        (3, 7000, 500),
        (4, 6000, 501),
    ]
    assert [process.pid for process in found.unkillable] == [1, 300] and found.next is found.chosen is found.places[0]
    assert found.second is found.places[1] and margin(_arena, found) == 68_500 * PAGE


def test_what_killing_gives_back(machine):
    """File pages do not count, shared memory once a service."""
    a_server(machine)
    _arena, found = ranking(machine)
    assert memory_of(place.process for place in found.places) == (250_500 + 240_000 + 5000 + 4000) * PAGE
    assert memory_of(found.unkillable) == 1900 * PAGE


def test_services(machine):
    a_server(machine)
    groups = units(ranking(machine)[1])
    assert [
        (group.name, group.unit, len(group.processes), group.memory // PAGE, group.first and group.first.rank)
        for group in groups
    ] == [
        ("mysql.service", "mysql.service", 1, 250_500, 1),
        ("session-1.scope", "session-1.scope", 1, 240_000, 2),
        ("nginx.service", "nginx.service", 2, 9000, 3),
        ("systemd", None, 1, 1000, None),
        ("ssh.service", "ssh.service", 1, 900, None),
    ]


@pytest.mark.parametrize("release, first", [("6.1.0", 300), ("4.19.0", 32_000)])
def test_a_tie_is_decided_by_the_time_of_start(tmp_path, release, first):
    """Pids began anew: 300 is younger than 32000. A lower pid of the same tick is older."""
    machine = Machine(tmp_path, release=release)
    for pid, start in ((300, 9000), (32_000, 100), (299, 9000)):
        machine.process(pid, anon=50, start=start)
    for top in (0, 1):
        selection, found = ranking(machine, top=top)
        assert order(found)[0] == first and margin(selection, found) == 0


def test_a_child_in_place_of_its_parent(tmp_path):
    machine = Machine(tmp_path, release="4.19.0-27-amd64")
    machine.process(10, "supervisor", anon=900)
    machine.process(11, "worker", anon=100, ppid=10)
    machine.process(12, "other", anon=500)
    selection, found = ranking(machine)
    assert (found.chosen.process.pid, found.next.process.pid, found.next.rank) == (10, 11, 3)
    assert margin(selection, found) == 400 * PAGE and found.second.process.pid == 12
    assert headline(
        selection, found
    ) == "next victim: worker (pid 11), the worst child of supervisor (pid 10), %s of 5.9 MiB killable; then supervisor, other" % (
        "400 KiB"
    )


def test_other_scores(machine):
    a_server(machine)
    _arena, found = ranking(machine, {400: -1000, 300: 900})
    assert order(found) == [300, 600, 500, 501] and [process.pid for process in found.unkillable] == [1, 400]


def test_nobody(machine):
    machine.process(1, anon=5)
    machine.process(7, "only", anon=5, adj=-1000)
    selection, found = ranking(machine)
    assert found.next is found.second is margin(selection, found) is None
    assert (
        headline(selection, found)
        == "no process can be killed, and without one the kernel panics; 40 KiB unkillable: x, only"
    )


def test_the_first_process_of_a_container_can_be_killed(machine):
    machine.process(1, "node", anon=500)
    machine.link("/proc/self/ns/pid", "pid:[4026532201]")
    selection, found = ranking(machine)
    assert order(found) == [1]
    assert headline(selection, found).startswith(
        "next victim as far as can be seen: node (pid 1), 2.0 MiB of 2.0 MiB killable; incomplete: this is a container"
    )


def test_the_line(machine):
    a_server(machine)
    assert headline(*ranking(machine)) == (
        "next victim: mysqld (pid 400, mysql.service), 979 MiB of 1.9 GiB killable; then java, nginx; 7.4 MiB unkillable: systemd, sshd"
    )


def test_the_line_about_a_limit(machine):
    machine.cgroup2("/system.slice/nginx.service", max=64 * MIB, oom_group=1)
    a_server(machine)
    selection, found = ranking(machine, name="nginx")
    line = headline(selection, found, group="/system.slice/nginx.service")
    assert line == (
        "in /system.slice/nginx.service: next victim: nginx (pid 500, nginx.service), 12 MiB of 35 MiB killable, "
        "with all of /system.slice/nginx.service (memory.oom.group); then nginx"
    )


@pytest.mark.parametrize(
    "sysctl, value, words",
    [
        (
            "panic_on_oom",
            1,
            "no process would be killed: the kernel panics (vm.panic_on_oom); the highest badness has mysqld (pid 400, mysql.service)",
        ),
        (
            "oom_kill_allocating_task",
            1,
            "the process that asks for memory dies (vm.oom_kill_allocating_task); the highest badness has mysqld (pid 400, mysql.service)",
        ),
    ],
)
def test_the_line_where_nobody_is_chosen(machine, sysctl, value, words):
    a_server(machine)
    machine.write("/proc/sys/vm/" + sysctl, "%d\n" % value)
    assert headline(*ranking(machine)).startswith(words)


def test_a_close_race_is_no_certainty(tmp_path):
    """6.18: /proc adds up what each CPU holds back, the kernel's own choice does not. 64 pages on one CPU, at least."""
    for release, words in (("6.18.3", ", too close to call against b (pid 10)"), ("6.12.0", "")):
        machine = Machine(tmp_path / release, release=release)
        machine.process(10, "b", anon=5000)
        machine.process(11, "a", anon=5001)
        assert headline(*ranking(machine)) == "next victim: a (pid 11)%s, 20 MiB of 39 MiB killable; then b" % words


def test_a_tie_is_said(machine):
    machine.process(10, "b", anon=50)
    machine.process(11, "a", anon=50)
    assert "next victim: a (pid 11), level with b (pid 10), " in headline(*ranking(machine))


def test_this_module_is_named_as_such(machine):
    machine.process(10, "python3", anon=5000)
    machine.process(11, "b", anon=50)
    selection, found = ranking(machine)
    line = headline(selection, found, found.places[0])
    assert line == "next victim: python3 (pid 10), this module itself, 20 MiB of 20 MiB killable; then b"


def test_names_that_lie_are_visible(machine):
    machine.process(10, b"x\\n\x1b[31m\xff", anon=50)
    assert headline(*ranking(machine)).startswith("next victim: x\\x0a\\x1b[31m\\xff (pid 10), ")
    machine.process(10, b"", anon=50)
    assert headline(*ranking(machine)).startswith("next victim: no name (pid 10), ")


def test_a_change_in_a_few_words(machine):
    a_server(machine)
    before = ranking(machine)[1]
    assert comparison(before, ranking(machine, {500: -10})[1]) == "the same under the proposed scores"
    assert (
        comparison(before, ranking(machine, {400: -1000})[1])
        == "under the proposed scores java (pid 600, session-1.scope)"
    )
    assert (
        comparison(before, ranking(machine, dict.fromkeys((400, 500, 501, 600), -1000))[1])
        == "under the proposed scores no process can be killed"
    )


def test_a_misspelt_name_is_no_answer(machine):
    a_server(machine)
    now = ranking(machine)[1]
    assert (
        comparison(now, now, ["ngnix", "a\x1b"], ["ngnix", "a\x1b"])
        == "the proposed scores reach no process: nothing runs under ngnix, a\\x1b"
    )
    assert (
        comparison(now, now, ["ngnix", "java"], ["ngnix"])
        == "the same under the proposed scores (nothing runs under ngnix)"
    )
    assert comparison(now, now, ["x"] * 9, ["x"] * 8).endswith("scores (nothing runs under 8 of the 9 names)")


def test_adjustments_of_both_options():
    services = [
        {"name": "a", "oom_score_adjust": -5, "memory_max": "1G"},
        {"name": ["b", "c"], "oom_score_adjust": "300"},
        {"name": "limits only", "memory_max": "1G"},
        {"name": "gone", "oom_score_adjust": 4, "state": "absent"},
    ]
    assert adjustments_of({"c": 1, "java": "-1000"}, services) == {
        "a.service": -5,
        "b.service": 300,
        "c": 1,
        "java": -1000,
    }
    assert adjustments_of(None, None) == {}


@pytest.mark.parametrize("value", [1001, -1001, "abc", "", "1.5", 1.5, True, None, [], "- 5", "\u0665"])
def test_a_wrong_score(value):
    with pytest.raises(ValueError) as caught:
        adjustments_of({"java": value}, None)
    assert str(caught.value).startswith("adjustments: java: ") and "from -1000 to 1000" in str(caught.value)


def test_a_service_without_a_name():
    with pytest.raises(ValueError, match="services: every entry needs a name"):
        adjustments_of(None, [{"oom_score_adjust": 5}])


@pytest.mark.parametrize("name", [{"x": 1}, [["a"]], 5, " ", ["a", ""]])
def test_a_service_whose_name_is_none(name):
    with pytest.raises(ValueError, match="services: .* is not a unit name"):
        adjustments_of(None, [{"name": name, "oom_score_adjust": 5}])


def test_an_empty_name():
    with pytest.raises(ValueError, match="adjustments: a name is empty"):
        adjustments_of({" ": 5}, None)


def test_the_later_of_two_services_is_applied_later():
    services = [
        {"name": "mysql", "oom_score_adjust": -800},
        {"name": "mariadb", "oom_score_adjust": -900},
        {"name": "mysql.service", "oom_score_adjust": 5},
    ]
    assert list(adjustments_of(None, services).items()) == [("mariadb.service", -900), ("mysql.service", 5)]


def test_a_wrong_score_of_a_service():
    with pytest.raises(ValueError, match="services: a: 'x' is not a valid score"):
        adjustments_of(None, [{"name": "a", "oom_score_adjust": "x"}])


def applied(machine, adjustments, **units):
    host = machine.systemd(**units) if units else machine.host
    return apply(host, adjustments, snapshot(host).processes)[:3]


def test_a_unit_reaches_what_has_its_present_score(machine):
    """sshd.service gives 0; its listener has set -1000 itself; a child has set 100."""
    machine.service(10, "sshd.service", "sshd", adj=-1000, anon=1)
    machine.service(11, "sshd.service", "helper", anon=1)
    machine.service(12, "sshd.service", "helper", adj=100, anon=1)
    assert applied(machine, {"sshd": -900}, sshd=0) == ({11: -900}, [], [10, 12])
    assert applied(machine, {"sshd.service": -900}, sshd=-1000) == ({10: -900}, [], [11, 12])


def test_without_systemd_all_but_the_unkillable(machine):
    machine.service(10, "sshd.service", "sshd", adj=-1000, anon=1)
    machine.service(11, "sshd.service", "helper", adj=100, anon=1)
    assert applied(machine, {"sshd": -900}) == ({11: -900}, [], [10])


def test_a_unit_of_a_user_is_another_one(machine):
    """A user's own nginx.service lies below user@UID.service; a container's below its scope."""
    machine.process(10, "nginx", cgroup="0::/system.slice/nginx.service\n", anon=1)
    machine.process(11, "nginx", cgroup="0::/user.slice/user-7.slice/user@7.service/app.slice/nginx.service\n", anon=1)
    machine.process(12, "nginx", cgroup="0::/machine.slice/machine-c1.scope/system.slice/nginx.service\n", anon=1)
    assert applied(machine, {"nginx": 500}, nginx=0) == ({10: 500}, [], [])
    machine.process(
        13, "app", adj=200, cgroup="0::/user.slice/user-7.slice/user@7.service/app.slice/app.service\n", anon=1
    )
    assert applied(machine, {"app.service": 500}, other=0) == ({}, ["app.service"], [])
    assert applied(machine, {"user@7.service": 400}, other=0)[0] == {11: 400, 13: 400}
    assert applied(machine, {"user@.service": 400}, other=0)[0] == {11: 400, 13: 400}


@pytest.mark.parametrize(
    "path, unit, found",
    [
        ("/a.slice/a-b.slice/x.service", "x.service", "x.service"),
        ("/a.slice/a-b.slice/x.service/sub/y.service", "y.service", None),
        ("/a.slice/a-b.slice/x.service", "a-b.slice", "a-b.slice"),
        ("/user.slice/user-7.slice/session-1.scope", "user-.slice", "user-7.slice"),
        ("/system.slice/app-x.service", "app-.service", "app-x.service"),
        ("/system.slice/apple.service", "app-.service", None),
        ("/docker/0123/system.slice/x.service", "x.service", "x.service"),
        ("/a b", "a b", "a b"),
    ],
)
def test_the_unit_in_a_path(path, unit, found):
    assert unit_in_path(path, unit) == found


def test_a_template_reaches_its_instances(machine):
    """As in the presets of oom_protect."""
    group = "0::/system.slice/system-postgresql.slice/postgresql@%s.service\n"
    machine.process(10, "postgres", cgroup=group % "15-main", adj=-900, anon=1)
    machine.process(11, "postgres", cgroup=group % "15-main", anon=1)
    machine.process(12, "postgres", cgroup=group % "16-main", anon=1)
    machine.process(13, "postgres", cgroup="0::/system.slice/postgresql.service\n", anon=1)
    found = applied(machine, {"postgresql@.service": -500}, **{"postgresql@15-main": -900, "postgresql@16-main": 0})
    assert found == ({10: -500, 12: -500}, [], [11])


def test_another_name_of_a_unit_is_that_unit(machine):
    """sshd.service is ssh.service on Debian. By the name of the process the listener at -1000 would get the score."""
    machine.service(10, "ssh.service", "sshd", adj=-1000, anon=1)
    machine.service(11, "ssh.service", "sshd", anon=1)
    asked = []

    def run(argv, **_keywords):
        asked.append(argv[argv.index("--") + 1 :])
        return Ran(0, "\n".join("Id=ssh.service\nLoadState=loaded\nOOMScoreAdjust=0\n" for _unit in asked[-1]))

    machine.write("/run/systemd/system/x", "")
    host = machine.host._replace(run=run)
    for name in ("sshd", "sshd.service"):
        assert apply(host, {name: -200, "a b": 1}, snapshot(host).processes) == ({11: -200}, ["a b"], [10], None)
    assert asked == [["sshd.service"], ["sshd.service"]]


def test_units_first_then_names(machine):
    machine.service(10, "nginx.service", "nginx", anon=1)
    machine.process(11, "nginx", anon=1)
    machine.process(12, "java", anon=1, adj=-5)
    machine.process(13, b"a\xff", anon=1)
    assert applied(machine, {"nginx": 5, "java": 6, "a\\xff": 7, "none": 8}, nginx=0) == (
        {10: 5, 12: 6, 13: 7},
        ["none"],
        [],
    )


def test_a_systemctl_that_fails(machine):
    machine.service(10, "a.service", anon=1)
    machine.write("/run/systemd/system/x", "")
    assert applied(machine, {"a": 5}) == ({10: 5}, [], [])
    for answer in (Ran(None, "", "no such command"), Ran(0, ""), Ran(0, "garbage\n"), Ran(0, "a=b\n")):
        host = machine.host._replace(run=lambda argv, answer=answer, **_keywords: answer)
        assert apply(host, {"a": 5}, snapshot(host).processes).doubt
