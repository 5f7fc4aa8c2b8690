# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Near misses: cgroups with a limit, the worst first."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._badness.pressure import pressure
from ansible_collections.memops.linux.plugins.module_utils._badness.processes import Place, Process, Skipped, Snapshot
from ansible_collections.memops.linux.plugins.module_utils._host import Host

M = 1 << 20
PSI = "some avg10=%s avg60=0.00 avg300=0.00 total=1\nfull avg10=%s avg60=0.00 avg300=0.00 total=1\n"
EVENTS = "low 0\nhigh %d\nmax 7\noom 0\noom_kill 2\noom_group_kill 0\nsock_throttled 9\n"


class Tree:
    def __init__(self, root):
        self.host = Host(root=str(root))
        self.root = str(root)
        self.write("/proc/meminfo", "MemTotal: 1000000 kB\nSwapTotal: 0 kB\n")
        self.write("/proc/sys/kernel/osrelease", "6.12.0\n")

    def write(self, path, text):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as stream:
            stream.write(text)

    def v2(self, path="", **files):
        self.write("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
        for name, text in files.items():
            self.write("/sys/fs/cgroup%s/memory.%s" % (path, name.replace("_", ".")), str(text) + "\n")


def process(pid, comm, memcg, rss):
    return Process(pid, 1, comm, 0, rss * M, rss * M, 0, 0, 0, 0, 0, False, "0", Place(memcg, memcg))


def rows_of(tree, processes=(), **more):
    waits = []
    rows = pressure(tree.host, Snapshot(list(processes), Skipped()), wait=waits.append, **more)
    return rows, waits


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_no_memory_controller(tree):
    assert pressure(tree.host) is None


def test_no_limit_anywhere(tree):
    tree.v2("/system.slice/a.service", max="max", high="max", current=9)
    assert rows_of(tree) == ([], [])


def test_a_frozen_service_comes_first(tree):
    tree.v2("/system.slice/full.service", max=100 * M, high="max", current=99 * M, events=EVENTS % 0)
    tree.v2("/system.slice/ok.service", max=100 * M, high="max", current=10 * M, events=EVENTS % 0)
    tree.v2("/system.slice/web.service", max=64 * M, high=48 * M, current=48 * M, pressure=PSI % ("95.10", "93.20"),
            events=EVENTS % 1234, events_local=EVENTS % 1200)  # fmt: skip
    tree.v2("/system.slice/slow.service", max="max", high=48 * M, current=47 * M, pressure=PSI % ("12.00", "3.00"), events=EVENTS % 5)  # fmt: skip
    rows, waits = rows_of(tree, [process(5, "web", "/system.slice/web.service", 40), process(6, "sh", "/system.slice/web.service", 1)])  # fmt: skip
    assert [(row["unit"], row["state"]) for row in rows] == [
        ("web.service", "frozen"),
        ("slow.service", "throttled"),
        ("full.service", "at_limit"),
        ("ok.service", "ok"),
    ]
    first = rows[0]
    assert first["text"] == (
        "web.service is frozen at MemoryHigh=48 MiB: it holds 48 MiB, and for 93 % of the last 10 s none of its processes"
        " came on; the kernel held it back 1234 times and never kills for that"
    )
    assert first["processes"] == 2 and first["next_victim"]["comm"] == "web" and first["more_high"] == 0
    assert first["events"] == {"low": 0, "high": 1234, "max": 7, "oom": 0, "oom_kill": 2, "oom_group_kill": 0}
    assert first["events_local"]["high"] == 1200 and first["psi"]["full"]["avg10"] == 93.2
    assert rows[3]["text"] is None and rows[3]["psi"] is None and rows[3]["memory_high"] is None
    assert waits == [1.0]


def test_the_count_climbs(tree):
    tree.v2("/a.slice/b.service", max="max", high=48 * M, current=48 * M, events=EVENTS % 10)

    def wait(_time):
        tree.v2("/a.slice/b.service", events=EVENTS % 13)

    (row,) = pressure(tree.host, Snapshot([], Skipped()), wait=wait)
    assert row["state"] == "throttled" and row["more_high"] == 3 and "(3 more while we looked)" in row["text"]


def test_at_high_and_at_ease(tree):
    """A cgroup full of page cache stays at its MemoryHigh for ever."""
    tree.v2("/b.service", max="max", high=48 * M, current=48 * M, events=EVENTS % 10,
            stat="inactive_file %d\nactive_file 0\nslab_reclaimable 0" % (40 * M))  # fmt: skip
    rows, _waits = rows_of(tree)
    assert [(row["state"], row["share"], row["reclaimable"]) for row in rows] == [("ok", 0.167, 40 * M)]


def test_nobody_waits_where_no_cgroup_is_at_its_high(tree):
    tree.v2("/b.service", max=48 * M, high="max", current=48 * M, events=EVENTS % 10)
    assert rows_of(tree)[1] == []


def test_version_1(tree):
    folder = "/sys/fs/cgroup/memory/docker/" + "a" * 64
    tree.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    tree.write(folder + "/memory.limit_in_bytes", "%d\n" % (100 * M))
    tree.write(folder + "/memory.usage_in_bytes", "%d\n" % (98 * M))
    tree.write(folder + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    tree.write(folder + "/memory.stat", "total_inactive_file %d\ntotal_active_file 0\ninactive_file 1\n" % M)
    rows, _waits = rows_of(tree)
    assert [(row["container_id"], row["state"], row["events"], row["memory_high"]) for row in rows] == [
        ("a" * 64, "at_limit", {"oom_kill": 3}, None)
    ]


def test_at_most_so_many_and_below_one(tree):
    for number in range(60):
        tree.v2("/x.slice/s%02d.service" % number, max=100 * M, high="max", current=number * M)
    rows, _waits = rows_of(tree)
    assert len(rows) == 50 and rows[0]["unit"] == "s59.service"
    assert len(rows_of(tree, most=3)[0]) == 3
    assert [row["unit"] for row in rows_of(tree, below="/x.slice/s07.service")[0]] == ["s07.service"]
    assert rows_of(tree, below="/y.slice") == ([], [])
