# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line above a cgroup's counters names the cgroup, where nothing else in the report does."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.facts import unit_facts
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

SIZES = "total-vm:96kB, anon-rss:64kB, file-rss:4kB, shmem-rss:0kB"
KILL = "Memory cgroup out of memory: Killed process 41 (loader) " + SIZES
GLOBAL = "Out of memory: Killed process 41 (loader) " + SIZES
HEADER = "loader invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
ID = "7f399a191dea38b318f7e9419a85423dbde2229c5ef7cc972154f53a3b648b66"
SCOPE = "/system.slice/docker-%s.scope" % ID
SUMMARY = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b.service,task=loader,pid=41,uid=0"


def kills(*texts):
    data = "\n".join("[    1.%06d] %s" % row for row in enumerate(texts)).encode("utf-8")
    return [unit_facts(event) for event in parse(TextLog("log", lambda stamp: (None, "unknown")).lines(data)) if isinstance(event, Kill)]


STATS = [
    ("since 5.4", "Memory cgroup stats for %s:" % SCOPE, SCOPE, "docker-%s.scope" % ID, ID),
    ("a colon in the name", "Memory cgroup stats for /a.slice/b:c.service:", "/a.slice/b:c.service", "b:c.service", None),
    ("to 5.3", "Memory cgroup stats for /docker/%s: cache:12KB rss:5KB mapped_file:0KB" % ID, "/docker/" + ID, None, ID),
    ("a slice", "Memory cgroup stats for /kubepods.slice:", "/kubepods.slice", None, None),
    ("cut by a pager", "Memory cgroup stats for /system.slice/dock...", None, None, None),
]


@pytest.mark.parametrize("line, oom_memcg, unit, container", [row[1:] for row in STATS], ids=[row[0] for row in STATS])
def test_the_cgroup_of_a_report_without_a_summary(line, oom_memcg, unit, container):
    (kill,) = kills(HEADER, "memory: usage 51200kB, limit 51200kB, failcnt 37", line, "anon 1234", KILL)
    assert (kill.oom_memcg, kill.unit, kill.container_id, kill.task_memcg) == (oom_memcg, unit, container, None)


def test_the_first_one_counts():
    """To 5.3 each cgroup below has a line of its own."""
    (kill,) = kills(HEADER, "Memory cgroup stats for /a: cache:12KB rss:5KB", "Memory cgroup stats for /a/b.service: cache:1KB rss:5KB", KILL)
    assert kill.oom_memcg == "/a"


def test_a_summary_says_more():
    (kill,) = kills(HEADER, "Memory cgroup stats for /x:", SUMMARY, KILL)
    assert (kill.oom_memcg, kill.task_memcg, kill.unit) == ("/a", "/a/b.service", "b.service")


def test_the_next_report_has_its_own():
    first, second = kills(HEADER, "Memory cgroup stats for /x:", KILL, HEADER, GLOBAL.replace("41", "42"))
    assert (first.oom_memcg, second.oom_memcg, second.scope) == ("/x", None, "global")
