# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asked for one: what comes, and that the rest is counted."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Only, Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host

C1 = "6b4013ef254b" + "0" * 52
GROUPS = [
    "/system.slice/a.service",
    "/system.slice/b.service",
    "/system.slice/docker-%s.scope" % C1,
    "/user.slice/user@1.service/app.slice/x.scope",
]


@pytest.fixture
def told(tmp_path):
    def ask(**wish):
        lines = []
        for number, group in enumerate(GROUPS + GROUPS[:1]):
            head = "Nov 22 20:%02d:00 vm1 kernel: " % number
            where = "oom_memcg=%s,task_memcg=%s,task=c%d,pid=%d,uid=0" % (group, group, number, 100 + number)
            lines.append(head + "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0," + where)
            sizes = "total-vm:%dkB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:0" % (
                100 + number
            )
            lines.append(
                head + "Memory cgroup out of memory: Killed process %d (c%d) %s" % (100 + number, number, sizes)
            )
        (tmp_path / "messages").write_text("\n".join(lines) + "\n")
        return gather(Host(), Wish(subset=("kills",), paths=(str(tmp_path / "messages"),), **wish))

    return ask


@pytest.mark.parametrize(
    "only, pids",
    [
        (Only(units=("a.service",)), [100, 104]),
        (Only(units=("a.service", "b.service")), [100, 101, 104]),
        (Only(units=("x.scope",)), [103]),
        (Only(units=("a.service",), comms=("c4",)), [104]),
        (Only(comms=("c1", "c9")), [101]),
        (Only(containers=("6b40",)), [102]),
        (Only(units=("nobody.service",)), []),
    ],
)
def test_only_these(told, only, pids):
    oom = told(only=only)
    assert [kill["victim"]["pid"] for kill in oom["kills"]] == pids
    assert (oom["summary"]["total"], oom["only"]["left_out"], oom["truncated"]) == (len(pids), 5 - len(pids), 0)


def test_one_by_its_id(told):
    wanted = told()["kills"][2]
    oom = told(only=Only(id=wanted["id"]))
    assert [kill["victim"] for kill in oom["kills"]] == [wanted["victim"]] and oom["kills"][0]["id"] == wanted["id"]


def test_at_most(told):
    oom = told(only=Only(units=("a.service",)), max_kills=1)
    assert [kill["victim"]["pid"] for kill in oom["kills"]] == [104] and oom["only"]["left_out"] == 4


def test_nobody_asked(told):
    assert "only" not in told()
