# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes out of /proc: what each kernel writes, names that lie, processes that end meanwhile, threads that outlive
the first.
"""

import ctypes
import os
import subprocess
import sys
import textwrap
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._badness import processes
from ansible_collections.memops.linux.plugins.module_utils._badness.processes import (
    Place,
    Skipped,
    ancestors,
    place_of,
    snapshot,
    started,
)
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._badness.proc_tree import PAGE, Machine


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_process(machine):
    machine.process(
        812,
        b"mysqld",
        adj=-5,
        uid=112,
        ppid=7,
        anon=500,
        file=20,
        shmem=3,
        swap=40,
        pte=9,
        mems=b"0-1",
        cgroup="0::/system.slice/mysql.service\n",
    )
    place = Place("/system.slice/mysql.service", "/system.slice/mysql.service", "mysql.service", None)
    expected = (
        812,
        7,
        "mysqld",
        112,
        523 * PAGE,
        500 * PAGE,
        20 * PAGE,
        3 * PAGE,
        40 * PAGE,
        9 * PAGE,
        -5,
        False,
        "0-1",
        place,
    )
    assert snapshot(machine.host).processes == [expected]


def test_4_9_has_page_middle_directories_of_their_own(machine):
    machine.process(5, anon=10, pte=4, pmd=3)
    assert snapshot(machine.host).processes[0].pgtables == 7 * PAGE


def test_3_10_does_not_divide_rss_so_statm_does(machine):
    machine.process(5, anon=70, file=30, kinds=False)
    machine.write("/proc/5/statm", "9000 100 30 5 0 60 0\n")
    process = snapshot(machine.host).processes[0]
    assert (process.rss, process.anon_rss, process.file_rss, process.shmem_rss) == (
        100 * PAGE,
        70 * PAGE,
        30 * PAGE,
        None,
    )


def test_3_10_without_statm(machine):
    machine.process(5, anon=70, file=30, kinds=False)
    process = snapshot(machine.host).processes[0]
    assert (process.rss, process.anon_rss, process.file_rss) == (100 * PAGE, None, None)


def test_capabilities(machine):
    machine.process(5, caps=b"000001ffffffffff")
    machine.process(6, caps=b"00000000a80425fb")  # docker's default: no CAP_SYS_ADMIN
    assert [process.privileged for process in snapshot(machine.host).processes] == [True, False]


# id: (the Name line, the name)
NAMES = {
    "plain": (b"mysqld", "mysqld"),
    "blanks and brackets": (b"a) R 1 (b", "a) R 1 (b"),
    "newline, as the kernel writes it": (b"a\\nVmRSS:\\t1", "a\nVmRSS:\\t1"),
    "backslash": (b"a\\\\n", "a\\n"),
    "backslash, then newline": (b"\\\\\\n", "\\\n"),
    "tab": (b"a\tb", "a\tb"),
    "not UTF-8": (b"caf\xe9\xff", "caf\udce9\udcff"),
    "cut in the middle of a letter": (b"caf\xc3", "caf\udcc3"),
    "looks like a line": (b"VmRSS: 9 kB", "VmRSS: 9 kB"),
    "empty": (b"", ""),
}


@pytest.mark.parametrize("case", NAMES)
def test_names_of_any_kind(machine, case):
    line, name = NAMES[case]
    machine.process(9, line, anon=3, pte=1)
    process = snapshot(machine.host).processes[0]
    assert (process.comm, process.rss, process.pgtables, process.ppid) == (name, 3 * PAGE, PAGE, 1)


def test_many_groups(machine):
    """65,536 supplementary groups, before the memory lines and longer than one read."""
    machine.process(9, anon=3, groups=b" ".join(b"%d" % number for number in range(100_000, 165_536)))
    assert snapshot(machine.host).processes[0].rss == 3 * PAGE


def test_what_has_no_memory_is_counted(machine):
    machine.process(2, b"kthreadd", ppid=0, memory=False)
    machine.process(3, b"rcu_gp", ppid=2, memory=False)
    machine.process(4, b"kworker/0:0", ppid=1, memory=False, kthread=1)
    machine.process(5, b"dead", ppid=1, memory=False, state=b"Z (zombie)", threads=1, kthread=0)
    machine.process(6, b"exiting", ppid=1, memory=False, state=b"R (running)")
    machine.process(7, b"alive", anon=1)
    found = snapshot(machine.host)
    assert [process.comm for process in found.processes] == ["alive"] and found.skipped == Skipped(3, 2, 0, 0)


def test_the_first_thread_has_ended_and_the_others_hold_the_memory(machine):
    machine.process(50, b"java", memory=False, state=b"Z (zombie)", threads=3)
    machine.write("/proc/50/task/50/status", machine.status(50, b"java", memory=False))
    machine.write("/proc/50/task/51/status", machine.status(51, b"worker", anon=900))
    found = snapshot(machine.host)
    assert [(process.pid, process.rss) for process in found.processes] == [
        (50, 900 * PAGE)
    ] and found.skipped.exiting == 0


def test_a_zombie_whose_threads_are_gone_too(machine):
    machine.process(50, b"java", memory=False, state=b"Z (zombie)", threads=3)
    assert snapshot(machine.host).skipped == Skipped(exiting=1)


@pytest.mark.parametrize("gone", ["status", "oom_score_adj", "cgroup"])
def test_a_process_that_ends_meanwhile_is_no_error(machine, gone):
    machine.process(5, anon=1)
    machine.process(6, anon=1)
    os.remove("%s/proc/5/%s" % (machine.root, gone))
    found = snapshot(machine.host)
    assert [process.pid for process in found.processes] == [6] and found.skipped == Skipped(vanished=1)


@pytest.mark.parametrize(
    "file, data",
    [
        ("oom_score_adj", b""),
        ("status", b""),
        ("status", b"Name:\tx\nVmPeak:\t1 kB\nVmSwap:\t 1 kB\n"),
        ("status", b"Na"),
    ],
)
def test_half_a_file_is_one_that_ended(machine, file, data):
    machine.process(5, anon=1)
    machine.write("/proc/5/" + file, data)
    assert snapshot(machine.host) == ([], Skipped(vanished=1))


def test_what_may_not_be_read_is_counted(machine, monkeypatch):
    """hidepid=1: the folder is listed and its files answer EPERM. The rights of root cannot be dropped here, so open()
    says it.
    """
    machine.process(5, anon=1)
    machine.process(6, anon=1)
    real = os.open

    def refuse(path, flags, **keywords):
        if path == "5/status":
            raise PermissionError(1, "Operation not permitted")
        return real(path, flags, **keywords)

    monkeypatch.setattr(processes.os, "open", refuse)
    found = snapshot(machine.host)
    assert [process.pid for process in found.processes] == [6] and found.skipped == Skipped(denied=1)


def test_no_proc_at_all(tmp_path):
    with pytest.raises(OSError):
        snapshot(Host(root=str(tmp_path)))


HEX = "3f" * 32
# id: (/proc/PID/cgroup, where it belongs)
CGROUPS = {
    "v2": ("0::/system.slice/a.service\n", Place("/system.slice/a.service", "/system.slice/a.service", "a.service")),
    "v1": (
        "9:memory:/system.slice/a.service\n8:cpu,cpuacct:/\n1:name=systemd:/system.slice/a.service\n",
        Place("/system.slice/a.service", "/system.slice/a.service", "a.service"),
    ),
    "hybrid": (
        "4:memory:/user.slice\n1:name=systemd:/user.slice/session-1.scope\n0::/user.slice/session-1.scope\n",
        Place("/user.slice/session-1.scope", "/user.slice", "session-1.scope"),
    ),
    "hybrid without systemd": ("9:name=systemd:/\n4:memory:/process_api/8f\n0::/\n", Place("/", "/process_api/8f")),
    "docker on v2": (
        "0::/system.slice/docker-%s.scope\n" % HEX,
        Place("/system.slice/docker-%s.scope" % HEX, "/system.slice/docker-%s.scope" % HEX, "docker-%s.scope" % HEX, HEX),
    ),
    "kubernetes on v1": (
        "4:memory:/kubepods/pod1/%s\n1:name=systemd:/kubepods/pod1/%s\n" % (HEX, HEX),
        Place("/kubepods/pod1/%s" % HEX, "/kubepods/pod1/%s" % HEX, None, HEX),
    ),
    "a colon in the path": ("0::/system.slice/a:b.service\n", Place("/system.slice/a:b.service", "/system.slice/a:b.service", "a:b.service")),
    "mounted together": ("4:cpuset,memory:/a\n0::/b\n", Place("/b", "/a")),
    "nothing": ("", Place()),
    "outside of the namespace": ("0::/../../other.service\n", Place("/../../other.service", "/../../other.service", "other.service")),
}  # fmt: skip


@pytest.mark.parametrize("case", CGROUPS)
def test_cgroups(case):
    data, place = CGROUPS[case]
    assert place_of(data.encode("ascii")) == place


def test_the_order_of_the_task_list(machine):
    """Pid 300 began anew after 32768: it is the younger one."""
    machine.process(300, start=9000)
    machine.process(32000, start=100)
    machine.process(301, start=9000)
    assert sorted([300, 301, 32000, 1], key=lambda pid: started(machine.host, pid)) == [1, 32000, 300, 301]


def test_ancestors(machine):
    for pid, ppid in ((1, 0), (100, 1), (200, 100), (300, 200), (301, 200), (400, 999), (500, 501), (501, 500)):
        machine.process(pid, ppid=ppid)
    found = snapshot(machine.host).processes
    assert ancestors(found, 300) == {300, 200, 100} and ancestors(found, 400) == {400} and ancestors(found, 77) == set()
    assert ancestors(found, 500) == {500, 501}  # a child took a parent's pid in between


def test_this_machine():
    """Ourselves, as the kernel tells it now."""
    found = {process.pid: process for process in snapshot(Host()).processes}
    me = found[os.getpid()]
    assert (
        me.ppid == os.getppid()
        and me.uid == os.getuid()
        and me.rss > 4 << 20
        and me.anon_rss + me.file_rss + me.shmem_rss == me.rss
    )


def test_a_real_process_whose_first_thread_has_ended():
    program = """
        import ctypes, threading, time
        memory = bytearray(b"x") * (30 << 20)
        threading.Thread(target=lambda: time.sleep(60)).start()
        print("ready", flush=True)
        ctypes.CDLL(None).syscall(%d, 0)  # exit(), of this thread alone
    """
    number = {"x86_64": 60, "aarch64": 93}.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of exit() is not known for this machine")
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program % number)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        deadline = time.monotonic() + 10
        while (
            b"Z (zombie)" not in (Host().read("/proc/%d/status" % process.pid) or b"") and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        found = [one for one in snapshot(Host()).processes if one.pid == process.pid]
        assert found and found[0].rss > 30 << 20
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_real_name_with_every_trap():
    name = b"a\nb)\\ \xff(\tc"
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # PR_SET_NAME
        time.sleep(60)
        os._exit(0)
    try:
        deadline = time.monotonic() + 10
        found = ""
        while found != "a\nb)\\ \udcff(\tc" and time.monotonic() < deadline:
            found = {process.pid: process.comm for process in snapshot(Host()).processes}[child]
        assert found == "a\nb)\\ \udcff(\tc"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
