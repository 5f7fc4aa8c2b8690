# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who takes part, out of how much memory, and what is said where not everybody is seen or nobody will be killed."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._badness.memcg import (
    Memcg,
    find,
    group_of,
    parents,
    read,
    total,
    within,
)
from ansible_collections.memops.linux.plugins.module_utils._badness.processes import snapshot
from ansible_collections.memops.linux.plugins.module_utils._badness.score import era_of
from ansible_collections.memops.linux.plugins.module_utils._badness.selection import measured, read_selection
from ansible_collections.memops.linux.plugins.module_utils._systemd.cgroup import layout
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._badness.proc_tree import (
    PAGE,
    V1_UNLIMITED,
    Machine,
)

MIB = 1 << 20
A = "/system.slice/a.service"


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path, memory=1_000_000, swap=250_000)


def selection(machine, name=None):
    os.makedirs(machine.root + "/proc/99999", exist_ok=True)  # one that has ended: a /proc without any is none
    return read_selection(machine.host, snapshot(machine.host), name)


def test_the_whole_machine(machine):
    machine.process(1, anon=5)
    machine.process(7, anon=5, adj=-1000)
    found = selection(machine)
    assert (found.totalpages, found.memory_total, found.memcg, found.init, found.outcome) == (
        1_250_000,
        1_000_000 * PAGE,
        None,
        1,
        "kill",
    )
    assert (
        [process.pid for process in found.processes] == [1, 7] and found.complete and found.reasons == found.notes == ()
    )
    assert found.era == era_of("6.1.0-56-cloud-amd64")


def test_no_meminfo(machine):
    machine.write("/proc/meminfo", "")
    with pytest.raises(ValueError, match="/proc/meminfo cannot be read"):
        selection(machine)


@pytest.mark.parametrize(
    "release, score, negative",
    [
        ("4.18.0-553.el8_10", "667", True),
        ("4.18.0-553.el8_10", "1", False),
        ("6.1.0", "0", False),
        ("6.1.0", "666", True),
        ("5.9.0", "", True),
    ],
)
def test_the_running_kernel_counts_more_than_its_version(machine, release, score, negative):
    """A small process without adjustment reads 666 since 5.9, and 0 before: wherever that was brought to."""
    machine.process(9, anon=5, oom_score=None if not score else int(score))
    machine.process(10, anon=5, adj=200, oom_score=1)
    machine.process(11, anon=900_000, oom_score=900)
    assert (
        measured(machine.host, era_of(release), snapshot(machine.host).processes, 1_000_000 * PAGE).negative_points
        is negative
    )


def test_an_unknown_kernel(tmp_path):
    machine = Machine(tmp_path, release=None)
    assert selection(machine).notes == ("the kernel's version is unknown: the rules of the newest are used",)


def test_a_kernel_too_old(tmp_path):
    assert selection(Machine(tmp_path, release="2.6.18-419.el5")).notes == (
        "kernel 2.6.18-419.el5 chose its victim by an older heuristic, which is not computed here",
    )


# id: (files, words of the reason)
HIDDEN = {
    "hidepid=2": ({"/proc/mounts": "proc /proc proc rw,nosuid,hidepid=2 0 0\n"}, "hidepid=2"),
    "hidepid=invisible": (
        {"/proc/mounts": "sysfs /sys sysfs rw 0 0\nproc /proc proc rw,hidepid=invisible,gid=424242 0 0\n"},
        "hidepid=invisible",
    ),
    "lxcfs": ({"/proc/mounts": "lxcfs /proc/meminfo fuse.lxcfs rw 0 0\n"}, "lxcfs"),
}


def a_common_user(monkeypatch, groups=(1000,)):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.getegid", lambda: 1000)
    monkeypatch.setattr("os.getgroups", lambda: list(groups))


@pytest.mark.parametrize("case", HIDDEN)
def test_what_hides_processes_is_said(machine, monkeypatch, case):
    """Nobody here is a common user with a /proc of that kind, so geteuid() says so."""
    a_common_user(monkeypatch)
    files, words = HIDDEN[case]
    for path, text in files.items():
        machine.write(path, text)
    found = selection(machine)
    assert not found.complete and len(found.reasons) == 1 and words in found.reasons[0]


@pytest.mark.parametrize("options", ["rw,nosuid", "rw,hidepid=0", "rw,hidepid=off"])
def test_what_hides_nothing(machine, monkeypatch, options):
    a_common_user(monkeypatch)
    machine.write("/proc/mounts", "proc /proc proc %s 0 0\n" % options)
    assert selection(machine).complete


def test_root_and_the_group_that_may_look_see_everything(machine, monkeypatch):
    machine.write("/proc/mounts", "proc /proc proc rw,hidepid=2,gid=77 0 0\n")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert selection(machine).complete
    a_common_user(monkeypatch, (5, 77))
    assert selection(machine).complete
    machine.write("/proc/mounts", "proc /proc proc rw,hidepid=2 0 0\n")  # gid=0
    assert not selection(machine).complete
    a_common_user(monkeypatch, (5, 0))
    assert selection(machine).complete


def test_denied_processes_are_a_reason(machine):
    os.makedirs(machine.root + "/proc/99999")
    found = read_selection(
        machine.host, snapshot(machine.host)._replace(skipped=snapshot(machine.host).skipped._replace(denied=2))
    )
    assert found.reasons == ("2 processes may not be read (become: true may help)",)


def test_a_container_sees_itself_only_and_its_first_process_can_be_killed(machine):
    machine.process(1, anon=5)
    machine.link("/proc/self/ns/pid", "pid:[4026532201]")
    found = selection(machine)
    assert found.init is None and found.reasons == (
        "this is a container: processes of its host take part and are not seen",
    )


def test_the_initial_pid_namespace_is_no_container(machine):
    machine.link("/proc/self/ns/pid", "pid:[4026531836]")
    assert selection(machine).complete and selection(machine).init == 1


def test_the_limit_of_a_container_is_fought_out_inside_it(machine):
    machine.process(1, anon=5)
    machine.link("/proc/self/ns/pid", "pid:[4026532201]")
    machine.cgroup2("", max=64 * MIB)
    found = selection(machine, "/")
    assert (
        found.complete
        and found.memcg.path == "/"
        and found.totalpages == 64 * MIB // PAGE + 250_000
        and len(found.processes) == 1
    )


# id: (sysctls, memcg, outcome)
OUTCOMES = {
    "panic_on_oom=1": ({"panic_on_oom": 1}, None, "panic"),
    "panic_on_oom=1 is not for limits": ({"panic_on_oom": 1}, A, "kill"),
    "panic_on_oom=2 is": ({"panic_on_oom": 2}, A, "panic"),
    "oom_kill_allocating_task": ({"oom_kill_allocating_task": 1}, None, "allocating_task"),
    "oom_kill_allocating_task is not for limits": ({"oom_kill_allocating_task": 1}, A, "kill"),
    "both": ({"panic_on_oom": 1, "oom_kill_allocating_task": 1}, None, "panic"),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_settings_that_decide_otherwise(machine, case):
    sysctls, name, outcome = OUTCOMES[case]
    for sysctl, value in sysctls.items():
        machine.write("/proc/sys/vm/" + sysctl, "%d\n" % value)
    machine.cgroup2(A, max=MIB)
    found = selection(machine, name)
    assert found.outcome == outcome and len(found.notes) == (outcome != "kill")


def test_nodes_of_numa(machine):
    for pid, mems in ((10, b"0-1"), (11, b"0-1"), (12, b"1")):
        machine.process(pid, anon=1, mems=mems)
    machine.process(13, anon=1, mems=b"0", adj=-1000)  # is not killed on any node
    assert selection(machine).notes == (
        "processes are bound to different memory nodes: 0-1 (2 processes), 1 (1 processes). "
        "A shortage of one node alone is fought out among those that may use it",
    )


@pytest.mark.parametrize(
    "comm, word", [("earlyoom", "earlyoom"), ("systemd-oomd", "systemd-oomd"), ("swapoff", "swapoff")]
)
def test_rivals_of_the_kernel_are_named(machine, comm, word):
    machine.process(5, comm, anon=1)
    assert len(selection(machine).notes) == 1 and word in selection(machine).notes[0]


# id: (memcg, swap of the machine, bytes)
TOTALS = {
    "no limit": (Memcg("/a"), 100, None),
    "no swap": (Memcg("/a", 50), 0, 50),
    "all swap": (Memcg("/a", 50), 100, 150),
    "memory.swap.max": (Memcg("/a", 50, 30), 100, 80),
    "memory.swap.max above what there is": (Memcg("/a", 50, 300), 100, 150),
    "memory.swap.max=0": (Memcg("/a", 50, 0), 100, 50),
    "swappiness 0": (Memcg("/a", 50, 30, 0), 100, 50),
}


@pytest.mark.parametrize("case", TOTALS)
def test_mem_cgroup_get_max(case):
    memcg, swap, size = TOTALS[case]
    assert total(memcg, swap) == size


def test_version_2(machine):
    machine.cgroup2("/a", max=64 * MIB, swap_max="max")
    machine.cgroup2("/b", max="max", swap_max=0)
    where = layout(machine.host)
    assert read(machine.host, where, "/a") == Memcg("/a", 64 * MIB, None, 60) and read(
        machine.host, where, "/b"
    ) == Memcg("/b", None, 0, 60)


def test_version_1(machine):
    """memsw is the sum of both; swappiness is each cgroup's own."""
    machine.cgroup1("/a", limit_in_bytes=64 * MIB, memsw__limit_in_bytes=96 * MIB, swappiness=0)
    machine.cgroup1("/b", limit_in_bytes=V1_UNLIMITED, memsw__limit_in_bytes=V1_UNLIMITED, swappiness=60)
    machine.cgroup1("/c", limit_in_bytes=64 * MIB, memsw__limit_in_bytes=V1_UNLIMITED)
    where = layout(machine.host)
    found = [read(machine.host, where, path) for path in ("/a", "/b", "/c")]
    assert found == [Memcg("/a", 64 * MIB, 32 * MIB, 0), Memcg("/b", None, None, 60), Memcg("/c", 64 * MIB, None, 60)]


def test_paths():
    assert (
        within("/a/b", "/a")
        and within("/a", "/a")
        and within("/x", "/")
        and not within("/ab", "/a")
        and not within(None, "/a")
    )
    assert list(parents("/a/b/c")) == ["/a/b", "/a"] and list(parents("/a")) == [] == list(parents("/"))


def test_inside_one_cgroup(machine):
    machine.cgroup2(A, max=64 * MIB, swap_max=0)
    machine.service(10, "a.service", anon=1)
    machine.process(11, "child", cgroup="0::%s/inner\n" % A, anon=1)
    machine.service(12, "ab.service", anon=1)
    found = selection(machine, "a")
    assert [process.pid for process in found.processes] == [10, 11]
    assert (found.totalpages, found.memcg, found.notes) == (64 * MIB // PAGE, Memcg(A, 64 * MIB, 0, 60), ())


@pytest.mark.parametrize("name", ["a", "a.service", A, A + "/", "/sys/fs/cgroup" + A])
def test_a_cgroup_is_named_by_unit_or_path(machine, name):
    machine.cgroup2(A)
    machine.service(10, "a.service", anon=1)
    assert find(machine.host, layout(machine.host), name, snapshot(machine.host).processes) == A


def test_a_slice(machine):
    machine.cgroup2("/system.slice")
    machine.service(10, "a.service", anon=1)
    assert find(machine.host, layout(machine.host), "system.slice", snapshot(machine.host).processes) == "/system.slice"


WRONG = {
    "no such unit": ("b", "no process runs in a cgroup named b"),
    "no such path": ("/b", "/b is not a memory cgroup"),
    "out of the tree": ("/../../etc", "is not a memory cgroup"),
    "a NUL": ("/a\0", "is not a memory cgroup"),
    "two users have it": (
        "app.service",
        "more than one cgroup, give one of the paths: /user.slice/1/app.service, /user.slice/2/app.service",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cgroup(machine, case):
    name, words = WRONG[case]
    machine.cgroup2(A)
    for pid, user in ((10, 1), (11, 2)):
        machine.process(pid, cgroup="0::/user.slice/%d/app.service\n" % user, anon=1)
    with pytest.raises(ValueError) as caught:
        selection(machine, name)
    assert words in str(caught.value) and str(caught.value).startswith("memcg: ")


def test_no_memory_controller(machine):
    machine.write("/sys/fs/cgroup/cgroup.controllers", "cpu pids\n")
    with pytest.raises(ValueError, match="no memory controller"):
        selection(machine, "a")


def test_limits_further_out(machine):
    machine.cgroup2("/system.slice", max=32 * MIB)
    machine.cgroup2(A, max=64 * MIB)
    machine.cgroup2("/user.slice", max="max")
    machine.cgroup2("/system.slice/b.service", max="max")
    machine.cgroup2("/system.slice/c.service", max=MIB)
    notes = {
        name: selection(machine, name).notes
        for name in (A, "/user.slice", "/system.slice/b.service", "/system.slice/c.service")
    }
    assert notes == {
        A: ("%s has a higher limit: the 32 MiB of /system.slice come first, and everything below that takes part" % A,),
        "/user.slice": (
            "/user.slice has no limit: it runs out with the whole machine, where every process takes part",
        ),
        "/system.slice/b.service": (
            "/system.slice/b.service has no limit of its own: the 32 MiB of /system.slice come first, and everything below that takes part",
        ),
        "/system.slice/c.service": (),
    }


def test_a_cgroup_1_that_kills_nobody(machine):
    machine.cgroup1("/a", limit_in_bytes=MIB, oom_control="oom_kill_disable 1\nunder_oom 0")
    assert (
        selection(machine, "/a").outcome == "none"
        and "those that ask for memory wait" in selection(machine, "/a").notes[0]
    )


def test_who_dies_together(machine):
    """memory.oom.group: the outermost below the one that is out of memory."""
    machine.cgroup2("/a", oom_group=1)
    machine.cgroup2("/a/b", oom_group=0)
    machine.cgroup2("/a/b/c", oom_group=1)
    where = layout(machine.host)
    assert group_of(machine.host, where, "/a/b/c", "/") == "/a"
    assert group_of(machine.host, where, "/a/b/c", "/a/b") == "/a/b/c"
    assert group_of(machine.host, where, "/a/b", "/a/b") is None
    assert group_of(machine.host, where, None, "/") is None


def test_a_proc_without_processes_is_an_error(machine):
    with pytest.raises(OSError, match="no process is in it"):
        snapshot(machine.host)


def test_settings_that_cannot_be_read_are_a_note(machine):
    os.unlink(machine.root + "/proc/sys/vm/panic_on_oom")
    found = selection(machine)
    assert (
        found.outcome == "kill"
        and found.notes[0] == "vm.panic_on_oom cannot be read: that the kernel kills the worst is assumed"
    )
