# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.cgroup import Layout
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION

TOP = "/sys/fs/cgroup"
V2 = Layout("2", TOP, TOP)
V1 = Layout("1", TOP + "/systemd", TOP + "/memory")


@pytest.fixture(name="tree")
def fixture_tree(tmp_path):
    class Tree:
        host = Host(root=str(tmp_path))

        @staticmethod
        def write(path, text):
            os.makedirs(os.path.dirname(str(tmp_path) + path), exist_ok=True)
            with open(str(tmp_path) + path, "w") as file:
                file.write(text)

    return Tree()


LAYOUTS = [
    ("2", {TOP + "/cgroup.controllers": "cpuset cpu io memory pids\n"}, V2),
    ("2 without memory", {TOP + "/cgroup.controllers": "cpu\n"}, Layout("2", TOP, None)),
    ("2 with memory_recursiveprot alone", {TOP + "/cgroup.controllers": "memory_x\n"}, Layout("2", TOP, None)),
    ("1", {TOP + "/memory/tasks": "", TOP + "/systemd/tasks": ""}, V1),
    ("1 without memory", {TOP + "/systemd/tasks": ""}, Layout("1", TOP + "/systemd", None)),
    (
        "hybrid",
        {TOP + "/memory/tasks": "", TOP + "/unified/cgroup.controllers": ""},
        Layout("hybrid", TOP + "/systemd", TOP + "/memory"),
    ),
    ("none", {}, Layout("none", TOP + "/systemd", None)),
    ("covered by a tmpfs", {TOP + "/x": ""}, Layout("none", TOP + "/systemd", None)),
]


@pytest.mark.parametrize("files, layout", [row[1:] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS])
def test_layout(tree, files, layout):
    for path, text in files.items():
        tree.write(path, text)
    assert cgroup.layout(tree.host) == layout


@pytest.mark.parametrize("where", [V2, V1])
def test_every_process_in_it_and_below(tree, where):
    top = where.processes + "/system.slice/web.service"
    tree.write(top + "/cgroup.procs", "12\n10\n0\n")
    tree.write(top + "/a/cgroup.procs", "11\n12\n")
    tree.write(top + "/a/b/c/cgroup.procs", "13\n")
    tree.write(where.processes + "/system.slice/idle.service/cgroup.procs", "")
    tree.write(where.processes + "/system.slice/web2.service/cgroup.procs", "99\n")
    assert cgroup.pids(tree.host, where, "/system.slice/idle.service") == []
    assert cgroup.pids(tree.host, where, "/system.slice/web.service") == [10, 11, 12, 13]
    assert cgroup.pids(tree.host, where, "/system.slice/gone.service") is None  # no list is not an empty one


@pytest.mark.parametrize("group", [None, "", "relative", "/../../etc", "/a/../b"])
def test_a_path_that_is_none(tree, group):
    tree.write("/etc/cgroup.procs", "1\n")
    tree.write(TOP + "/b/cgroup.procs", "1\n")
    assert (
        cgroup.pids(tree.host, V2, group) is None
        and cgroup.usage(tree.host, V2, group) is None
        and cgroup.swap_usage(tree.host, V2, group) is None
    )
    assert (
        cgroup.enforced(tree.host, V2, group, BY_OPTION["memory_max"]) is None
        and cgroup.counter(tree.host, V2, group, "oom") is None
    )


def test_links_are_not_followed_and_threads_cannot_be_listed(tree):
    tree.write(TOP + "/w/cgroup.procs", "5\n")
    os.symlink(TOP, tree.host.root + TOP + "/w/loop")
    assert cgroup.pids(tree.host, V2, "/w") == [5]


def test_usage(tree):
    tree.write(TOP + "/w/memory.current", "1048576\n")
    tree.write(TOP + "/w/memory.swap.current", "4096\n")
    tree.write(TOP + "/memory/w/memory.usage_in_bytes", "2097152\n")
    assert cgroup.usage(tree.host, V2, "/w") == 1 << 20 and cgroup.swap_usage(tree.host, V2, "/w") == 4096
    assert cgroup.usage(tree.host, V1, "/w") == 2 << 20 and cgroup.swap_usage(tree.host, V1, "/w") is None
    assert cgroup.usage(tree.host, Layout("2", TOP, None), "/w") is None


ENFORCED = [
    (V2, "memory_max", "memory.max", "max\n", "infinity"),
    (V2, "memory_max", "memory.max", "4096\n", 4096),
    (V2, "memory_low", "memory.low", "0\n", 0),
    (V2, "memory_swap_max", "memory.swap.max", "max\n", "infinity"),
    (V2, "oom_policy", "memory.oom.group", "1\n", 1),
    (V2, "memory_high", "memory.high", "x\n", None),
    (V1, "memory_max", "memory.limit_in_bytes", "4096\n", 4096),
    (V1, "memory_max", "memory.limit_in_bytes", "9223372036854771712\n", "infinity"),
    (V1, "memory_high", "memory.high", "4096\n", None),
    (V1, "oom_policy", "memory.oom.group", "1\n", None),
]


@pytest.mark.parametrize("where, option, file, text, kernel_value", ENFORCED)
def test_what_the_kernel_holds(tree, where, option, file, text, kernel_value):
    assert cgroup.enforced(tree.host, where, "/w", BY_OPTION[option]) is None
    tree.write("%s/w/%s" % (where.memory, file), text)
    assert cgroup.enforced(tree.host, where, "/w", BY_OPTION[option]) == kernel_value


def test_settings_without_a_file_of_the_kernel(tree):
    for option in ("oom_score_adjust", "restart", "managed_oom_swap"):
        assert cgroup.enforced(tree.host, V2, "/w", BY_OPTION[option]) is None


def test_counter(tree):
    tree.write(TOP + "/w/memory.events", "low 0\nhigh 7\nmax 2\noom 1\noom_kill 1\n")
    assert cgroup.counter(tree.host, V2, "/w", "high") == 7 and cgroup.counter(tree.host, V2, "/w", "oom_kill") == 1
    assert cgroup.counter(tree.host, V2, "/w", "hig") is None and cgroup.counter(tree.host, V1, "/w", "high") is None


HELD = [
    ("2", 4096 * 3 + 1, 4096 * 3),
    ("2", (1 << 63) - 4097, (1 << 63) - 8192),
    ("2", (1 << 63) - 4096, "infinity"),
    ("2", 1 << 63, "infinity"),
    ("1", 4097, 4096),
    ("1", 1 << 62, "infinity"),
]


@pytest.mark.parametrize("version, limit, kernel_value", HELD)
def test_how_the_kernel_shows_a_limit(monkeypatch, version, limit, kernel_value):
    monkeypatch.setattr(cgroup, "_PAGE", 4096)
    monkeypatch.setattr(cgroup, "_V2_UNLIMITED", (1 << 63) - 4096)
    where = V2 if version == "2" else Layout("1", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/memory")
    assert cgroup.as_held(where, limit) == kernel_value
