# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast contract, from a machine in a folder and from this one, with processes whose scores are really raised."""

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.memops.linux.plugins.module_utils._badness.result import score_info
from ansible_collections.memops.linux.plugins.module_utils._badness.score import era_of, oom_score
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import safe
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._badness.proc_tree import PAGE, Machine

CONTRACT = "rank pid comm unit uid anon_rss file_rss shmem_rss swap pgtables oom_score oom_score_adj badness".split()


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    machine.process(1, "systemd", ppid=0, anon=1000)
    machine.service(
        400, "mysql.service", "mysqld", anon=200_000, file=9, shmem=8, swap=7, pte=6, uid=112, oom_score=799
    )
    machine.service(500, "nginx.service", "nginx", anon=3000, adj=-5)
    machine.service(501, "nginx.service", "nginx", anon=2000, adj=-5)
    machine.service(600, "ssh.service", "sshd", anon=900, adj=-1000)
    return machine


def test_the_contract(machine):
    found = score_info(machine.host)
    row = dict(
        rank=1, pid=400, comm="mysqld", unit="mysql.service", container_id=None, uid=112, anon_rss=200_000 * PAGE, file_rss=9 * PAGE,
        shmem_rss=8 * PAGE, swap=7 * PAGE, pgtables=6 * PAGE, oom_score=799, oom_score_adj=0, badness=200_030, connection=False,
    )  # fmt: skip
    assert found["processes"][0] == row and set(CONTRACT) < set(row)
    assert found["next_victim"] == dict(
        row,
        margin=202_030 * PAGE,
        over=dict(pid=500, comm="nginx", unit="nginx.service"),
        parent=None,
        group=None,
        itself=False,
    )
    assert (found["killable_memory"], found["unkillable_memory"]) == ((200_021 + 5000) * PAGE, 1900 * PAGE)
    assert [
        (group["name"], group["rank"], group["processes"], group["oom_score_adj"]) for group in found["by_unit"]
    ] == [
        ("mysql.service", 1, 1, [0]),
        ("nginx.service", 2, 2, [-5]),
    ]
    assert [group["name"] for group in found["unkillable"]] == ["systemd", "ssh.service"]
    assert (
        found["contest"]["contenders"] == 3
        and found["contest"]["scope"] == "global"
        and found["contest"]["rules"] == "6.1"
    )
    assert (found["complete"], found["reasons"], found["notes"], "what_if" in found) == (True, [], [], False)
    json.dumps(safe(found))


def test_the_table(machine):
    assert score_info(machine.host, 2)["table"] == [
        "RANK      PID     MEMORY   ADJ  NAME             UNIT",
        "   1      400    781 MiB     0  mysqld           mysql.service",
        "   2      500     12 MiB    -5  nginx            nginx.service",
    ]


def test_a_score_that_proc_does_not_tell_is_computed(machine):
    assert [row["oom_score"] for row in score_info(machine.host)["processes"]] == [
        799,
        665,
        664,
    ]  # -2000 and -3000 of a million: (1000 - 2) * 2 / 3


@pytest.mark.parametrize("top, pids", [(1, [400]), (2, [400, 500]), (0, [400, 500, 501, 1, 600])])
def test_as_many_as_asked(machine, top, pids):
    found = score_info(machine.host, top)
    assert [row["pid"] for row in found["processes"]] == pids and len(found["by_unit"]) == min(top or 2, 2)
    assert [row["rank"] for row in found["processes"]][3:] == [None] * (len(pids) - 3)


def test_what_if(machine):
    found = score_info(machine.host, adjustments={"mysql": -900, "java": 5})["what_if"]
    assert (
        [row["pid"] for row in found["processes"]] == [500, 501, 400]
        and found["unmatched"] == ["java"]
        and found["warnings"] == []
    )
    assert found["moved"] == [
        dict(
            pid=400,
            comm="mysqld",
            unit="mysql.service",
            oom_score_adj=dict(before=0, after=-900),
            rank=dict(before=1, after=3),
        ),
    ]
    assert (found["moved_total"], found["next_victim"]["pid"], found["kept"]) == (1, 500, [])
    row = found["processes"][2]
    assert (row["oom_score_adj"], row["badness"], row["oom_score"]) == (
        -900,
        200_030 - 900_000,
        oom_score(200_030 - 900_000, 1_000_000, era_of("6.1")),
    )


def test_what_if_in_the_line(machine):
    found = score_info(machine.host, adjustments={"mysql": -900})
    assert found["msg"].endswith("; under the proposed scores nginx (pid 500, nginx.service)")


def test_to_unkillable_and_back(machine):
    found = score_info(machine.host, adjustments={"mysql": -1000, "sshd": 0})["what_if"]
    assert [(row["pid"], row["rank"]) for row in found["moved"]] == [
        (600, dict(before=None, after=1)),
        (400, dict(before=1, after=None)),
    ]
    assert found["unkillable_memory"] == (1000 + 200_021) * PAGE and [
        group["name"] for group in found["unkillable"]
    ] == ["mysql.service", "systemd"]


def test_no_score_proposed(machine):
    assert "what_if" not in score_info(machine.host, adjustments={})


def test_the_same_score_moves_nobody(machine):
    found = score_info(machine.host, adjustments={"mysql": 0})["what_if"]
    assert (found["moved"], found["moved_total"], found["msg"]) == ([], 0, "the same under the proposed scores")


def test_many_that_move_are_counted(machine):
    for pid in range(1000, 1030):
        machine.process(pid, "worker", anon=pid)
    found = score_info(machine.host, 3, adjustments={"worker": 500})["what_if"]
    assert len(found["moved"]) == 3 and found["moved_total"] == 30 and found["moved"][0]["pid"] == 1029


def test_all_of_a_cgroup_die(machine):
    machine.cgroup2("/system.slice/mysql.service", oom_group=1)
    machine.service(401, "mysql.service", "helper", anon=10)
    machine.service(402, "mysql.service", "spared", anon=10, adj=-1000)
    found = score_info(machine.host)
    assert found["next_victim"]["group"] == dict(
        cgroup="/system.slice/mysql.service", processes=2, memory=200_031 * PAGE
    )  # sic: -1000 is spared
    assert "with all of /system.slice/mysql.service (memory.oom.group)" in found["msg"]


def test_inside_one_cgroup(machine):
    machine.cgroup2("/system.slice/nginx.service", max=64 << 20, swap_max=0)
    found = score_info(machine.host, memcg="nginx", adjustments={"mysql": 5})
    assert [row["badness"] for row in found["processes"]] == [3000 - 5 * 16, 2000 - 5 * 16]  # 16384 pages
    assert found["contest"]["limit"] == 64 << 20 and found["what_if"]["unmatched"] == ["mysql"]


def test_this_process_is_part_of_the_connection(machine):
    machine.process(os.getpid(), "python3", anon=400_000, ppid=600)
    found = score_info(machine.host)
    assert (
        found["next_victim"]["itself"]
        and found["next_victim"]["connection"]
        and "python3 (pid %d), this module itself, " % os.getpid() in found["msg"]
    )
    assert [row["pid"] for row in score_info(machine.host, 0)["processes"] if row["connection"]] == [os.getpid(), 600]


HOG = """
import sys
open("/proc/self/oom_score_adj", "w").write(sys.argv[2])
data = bytearray(b"x") * (int(sys.argv[1]) << 20)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hogs():
    """Real processes of a few MiB with raised scores. Two differ by size only, two by score only."""
    wanted = [(4, 1000), (20, 990), (24, 990), (8, 500), (8, 501), (12, 3), (4, 0)]
    running = [
        (
            subprocess.Popen(
                [sys.executable, "-c", HOG, str(size), str(adj)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ),
            adj,
        )
        for size, adj in wanted
    ]
    try:
        for process, _adj in running:
            assert process.stdout.readline() == b"ready\n"
        yield running
    finally:
        for process, _adj in running:
            process.kill()
            process.communicate()


def test_the_kernels_own_number_for_real_processes(hogs):
    """/proc/PID/oom_score is oom_badness() of the running kernel, rounded: our sum gives the same, and its order is
    finer.
    """
    found = score_info(Host(), 0)
    era, total = era_of(os.uname().release), found["contest"]["totalpages"]
    rows = {row["pid"]: row for row in found["processes"]}
    for process, adj in hogs:
        row = rows[process.pid]
        with open("/proc/%d/oom_score" % process.pid) as file:
            shown = int(file.read())
        assert row["oom_score_adj"] == adj and row["oom_score"] == shown
        assert abs(oom_score(row["badness"], total, era) - shown) <= 1
    ranks = [rows[process.pid]["rank"] for process, _adj in hogs]
    assert ranks[0] < ranks[2] < ranks[1] < ranks[4] < ranks[3] < ranks[5]
    shown = [row["oom_score"] for row in found["processes"] if row["rank"]]
    assert all(later <= earlier + 1 for earlier, later in zip(shown, shown[1:]))


def test_all_eligible_processes_of_this_machine_agree_with_the_kernel():
    found = score_info(Host(), 0)
    era, total = era_of(os.uname().release), found["contest"]["totalpages"]
    differences = [
        abs(oom_score(row["badness"], total, era) - row["oom_score"]) for row in found["processes"] if row["rank"]
    ]
    assert (
        differences and sum(difference > 1 for difference in differences) <= len(differences) // 10
    )  # what grew between two looks
