# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kernels print -> kills. Add a kernel's form as one row of KILLS: id, text, what must come out.

Lines of eras that none of our machines runs are written after the kernel's own format strings.
"""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.plugins.module_utils._oom import kernel
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser, parse
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.model import KMSG_USER, LogLine
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

K = 1024
MODERN = "total-vm:%dkB, anon-rss:%dkB, file-rss:%dkB, shmem-rss:0kB, UID:%d pgtables:%dkB oom_score_adj:%d" % (
    18600,
    16228,
    4,
    1000,
    68,
    300,
)


def events(text, **options):
    log = TextLog("test", lambda stamp: (None, "unknown"))
    return list(parse(log.lines(text.encode("utf-8", "surrogateescape")), **options))


def kills(text, **options):
    return [event for event in events(text, **options) if isinstance(event, Kill)]


def field(kill, name):
    for part in (kill.victim, kill.invoker, kill):
        rest = name.partition("invoker_")[2]
        if rest and part is kill.invoker:
            return getattr(part, rest)
        if not rest and part is not kill.invoker and hasattr(part, name):
            return getattr(part, name)
    raise AssertionError(name)


def test_the_newest_line_first():
    """journalctl -r, and web consoles: without kernel seconds nothing but the stamps brings a report together."""
    lines = (
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=java,pid=7,uid=5",
        "Memory cgroup out of memory: Killed process 7 (java) " + MODERN,
    )
    text = "".join("2026-11-22T20:06:32+00:00 vm1 kernel: %s\n" % line for line in lines[::-1])
    log, ledger = TextLog("test", Clock(1795377980.0).stamp), Ledger(10)
    for event in parse(log.lines(text.encode("ascii"))):
        ledger.add(event)
    ((kill, seen_in, _proof),) = ledger.entries()
    assert (kill.partial, kill.victim.pid, kill.victim.total_vm, kill.task_memcg, kill.oom_memcg) == (
        False,
        7,
        18600 * K,
        "/a/b",
        "/a",
    )
    assert (kill.constraint, kill.repeats, seen_in) == ("CONSTRAINT_MEMCG", 0, ("test",))


def test_a_new_row_needs_only_the_usual_fields(monkeypatch):
    """CONTRIBUTING.md says so: no new handler, and none of the groups that only our patterns have."""
    pattern = regex(r"Memory is gone: ended task (?P<pid>\d{1,20}) \{(?P<comm>.*)\} total-vm:(?P<total_vm>\d{1,20})kB")
    row = ("ended task ", (pattern,), kernel.Kernel._on_killed)
    monkeypatch.setattr(kernel, "_ROWS", (row,) + kernel._ROWS)
    (kill,) = kills("Jun 20 12:47:04 db kernel: [7.1] Memory is gone: ended task 42 {mysqld} total-vm:8kB\n")
    assert (kill.victim.pid, kill.victim.comm, kill.victim.total_vm, kill.scope) == (42, "mysqld", 8 * K, "unknown")


# (id, text, [expected fields of each kill])
KILLS = [
    (
        "article: chosen line alone",
        "May 10 18:07:27 server1 kernel: Out of memory: Kill process 202647 (program01) score 982 or sacrifice child\n",
        [dict(pid=202647, comm="program01", oom_score=982, partial=True, scope="global", total_vm=None, uid=None)],
    ),
    (
        "2.6.9",
        "Mar 1 00:00:01 host kernel: Out of Memory: Killed process 3154 (mysqld).\n",
        [dict(pid=3154, comm="mysqld", scope="global", partial=False)],
    ),
    (
        "2.6.18: chosen and killed",
        "kernel: oom-killer: gfp_mask=0x201d2, order=0\n"
        "kernel: Out of Memory: Kill process 2500 (httpd) score 10 and children.\n"
        "kernel: Out of memory: Killed process 2501 (httpd).\n",
        [dict(pid=2501, comm="httpd", oom_score=10, partial=False, invoker_gfp_mask="0x201d2", invoker_comm=None)],
    ),
    (
        "EL5: UID before the name, no sizes",
        "kernel: Out of memory: Killed process 4921, UID 501, (httpd).\n",
        [dict(pid=4921, uid=501, comm="httpd", scope="global", total_vm=None, partial=False)],
    ),
    (
        "2.6.33 to 2.6.35: vsz",
        "kernel: Out of memory: kill process 5429 (chrome) score 12 or a child\n"
        "kernel: Killed process 5429 (chrome) vsz:123456kB, anon-rss:2345kB, file-rss:34kB\n",
        [dict(pid=5429, comm="chrome", oom_score=12, total_vm=123456 * K, anon_rss=2345 * K, file_rss=34 * K)],
    ),
    (
        "Virtuozzo 7",
        'kernel: Killed process 665104 (mem)fill) in VE "101" total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB\n',
        [dict(pid=665104, comm="mem)fill", total_vm=K, shmem_rss=4 * K)],
    ),
    (
        "4.19 to 5.0: the score of a group is its first victim's",
        "[9.1] Memory cgroup out of memory: Kill process 70 (a) score 996 or sacrifice child\n"
        "[9.1] Killed process 70 (a) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB\n"
        "[9.1] Tasks in /a are going to be killed due to memory.oom.group set\n"
        "[9.1] Killed process 70 (a) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB\n"
        "[9.1] Killed process 71 (b) total-vm:5kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB\n",
        [dict(pid=70, oom_score=996, trigger="fault"), dict(pid=71, oom_score=None, trigger="group")],
    ),
    (
        "2.6.35 to 4.2: whoever shares the memory is killed, too",
        "[9.1] Out of memory: Kill process 42 (java) score 9 or sacrifice child\n"
        "[9.1] Killed process 42 (java) total-vm:1kB, anon-rss:2kB, file-rss:3kB\n"
        "[9.1] Kill process 43 (helper) sharing same memory\n",
        [
            dict(pid=42, oom_score=9, partial=False),
            dict(pid=43, comm="helper", oom_score=None, partial=False, scope="global", trigger="unknown"),
        ],
    ),
    (
        "Virtuozzo 8 and 9 name the container, and rage",
        'kernel: Memory cgroup out of memory: Killed process 665104 (mem)fill) VE "101" total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB\n'
        "kernel: Rage kill process 665105 (next)\n",
        [dict(pid=665104, comm="mem)fill", total_vm=K, scope="memcg"), dict(pid=665105, comm="next", scope="unknown")],
    ),
    (
        "Virtuozzo 6 rages, too",
        "kernel: Out of memory: OOM killed process 21 (php) score 7 vm:8kB, rss:4kB, swap:0kB\nkernel: OOM kill in rage task 22 (php) score 6 in ub 101\n",
        [dict(pid=21, oom_score=7, total_vm=8 * K, scope="global"), dict(pid=22, oom_score=6, total_vm=None)],
    ),
    (
        "2.6.18: page fault without pid",
        "kernel: VM: killing process firefox\n",
        [dict(pid=None, comm="firefox", scope="global")],
    ),
    (
        "2.6.32",
        "kernel: Out of memory: kill process 700 (java) score 5000 or a child\nkernel: Killed process 701 (java)\n",
        [dict(pid=701, comm="java", oom_score=5000, scope="global", partial=False)],
    ),
    (
        "EL6: UID before the name, uid and adjustment known",
        "Jun 20 12:47:04 db kernel: [15180286.180369] Killed process 40738, UID 27, (mysqld) total-vm:6424316kB, anon-rss:13128kB, file-rss:4kB\n",
        [dict(pid=40738, uid=27, comm="mysqld", total_vm=6424316 * K, file_rss=4 * K, shmem_rss=None, scope="unknown")],
    ),
    (
        "EL7: UID behind the name",
        "Apr 26 19:58:39 hybrid kernel: Killed process 26982 (impalad), UID 980, total-vm:114kB, anon-rss:40kB, file-rss:0kB, shmem-rss:4kB\n",
        [dict(pid=26982, uid=980, shmem_rss=4 * K)],
    ),
    (
        "3.x: uid and adjustment from the table, cgroups from Task in",
        "[1.0] hog invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
        "[1.0] hog cpuset=/ mems_allowed=0\n"
        "[1.0] CPU: 5 PID: 13536 Comm: hog Tainted: P           OX 3.13.0-43-generic #72-Ubuntu\n"
        "[1.0] Task in /a/b killed as a result of limit of /a\n"
        "[1.0] [ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
        "[1.0] [13536] 275858 13536  8389663      343   16267  8324326           -17 hog\n"
        "[1.1] Memory cgroup out of memory: Kill process 13536 (hog) score 996 or sacrifice child\n"
        "[1.1] Killed process 13536 (hog) total-vm:33558652kB, anon-rss:920kB, file-rss:452kB\n",
        [
            dict(
                pid=13536,
                uid=275858,
                oom_score_adj=-17,
                oom_score=996,
                scope="memcg",
                oom_memcg="/a",
                task_memcg="/a/b",
                kernel="3.13.0-43-generic",
                invoker_pid=13536,
                trigger="fault",
                constraint=None,
            )
        ],
    ),
    (
        "3.x to 5.0: the victim is a child or a thread of the chosen",
        "kernel: Out of memory (oom_kill_allocating_task): Kill process 6344 (sh) score 0 or sacrifice child\n"
        "kernel: Killed process 6345 (sleep) total-vm:1736kB, anon-rss:44kB, file-rss:200kB\n",
        [dict(pid=6345, comm="sleep", oom_score=0, scope="global")],
    ),
    (
        "5.1: one line, no UID",
        "May 15 23:09:27 u kernel: [  514.682838] Memory cgroup out of memory: Killed process 15617 (python3) "
        "total-vm:11892kB, anon-rss:4292kB, file-rss:3428kB, shmem-rss:0kB\n",
        [dict(pid=15617, scope="memcg", uid=None, shmem_rss=0, trigger="fault")],
    ),
    (
        "EL8 4.18.0-240: UID and nothing more",
        "kernel: Out of memory: Killed process 9 (a) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:5\n",
        [dict(pid=9, uid=5, pgtables=None, oom_score_adj=None)],
    ),
    (
        "5.4 to 6.18: global, summary line",
        "[5.5] oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=0-1,3,cpuset=/,mems_allowed=0-2,4,global_oom,"
        "task_memcg=/system.slice/a.service,task=a,b,pid=7,uid=33\n[5.5] Out of memory: Killed process 7 (a,b) "
        + MODERN
        + "\n",
        [
            dict(
                pid=7,
                comm="a,b",
                uid=1000,
                pgtables=68 * K,
                oom_score_adj=300,
                scope="global",
                oom_memcg=None,
                task_memcg="/system.slice/a.service",
                constraint="CONSTRAINT_MEMORY_POLICY",
            )
        ],
    ),
    (
        "constraint NONE with a memcg limit is a memcg kill",
        "kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/k,task_memcg=/k/c,"
        "task=php,pid=7,uid=0\nkernel: Memory cgroup out of memory: Killed process 7 (php) " + MODERN + "\n",
        [dict(scope="memcg", constraint="CONSTRAINT_NONE", oom_memcg="/k", task_memcg="/k/c")],
    ),
    (
        "no CONFIG_CPUSETS",
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),global_oom,task_memcg=/,task=a,pid=3,uid=0\n"
        "Out of memory: Killed process 3 (a) " + MODERN + "\n",
        [dict(scope="global", task_memcg="/")],
    ),
    (
        "summary alone is a weaker kill",
        "6,22743,6115623303887,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0-1,"
        "oom_memcg=/p,task_memcg=/p/c,task=prometheus-conf,pid=3401999,uid=5\n",
        [dict(pid=3401999, comm="prometheus-conf", uid=5, partial=True, scope="memcg", total_vm=None)],
    ),
    (
        "bare kill lines of a burst are one kill each",
        "".join(
            "[7.%d] Memory cgroup out of memory: Killed process %d (adb) %s\n" % (n, 100 + n, MODERN) for n in range(5)
        ),
        [dict(pid=100 + n, scope="memcg", trigger="fault", constraint=None) for n in range(5)],
    ),
    (
        "sysrq",
        "[9.0] sysrq: Manual OOM execution\n"
        "[9.1] kworker/0:2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0\n"
        "[9.2] Out of memory: Killed process 5 (x) " + MODERN + "\n",
        [dict(trigger="sysrq", invoker_order=-1)],
    ),
    (
        "memory.oom.group: each member once, the first victim though printed twice",
        "[3.0] Memory cgroup out of memory: Killed process 385 (g) %s\n"
        "[3.0] Tasks in /system.slice/g.service are going to be killed due to memory.oom.group set\n"
        "[3.0] Memory cgroup out of memory: Killed process 382 (g) %s\n"
        "[3.0] Memory cgroup out of memory: Killed process 385 (g) %s\n"
        "[3.0] Memory cgroup out of memory: Killed process 386 (g) %s\n"
        "[9.0] Memory cgroup out of memory: Killed process 999 (later) %s\n" % ((MODERN,) * 5),
        [
            dict(pid=385, repeats=1, trigger="fault", group_memcg="/system.slice/g.service"),
            dict(pid=382, trigger="group", group_memcg="/system.slice/g.service"),
            dict(pid=386, trigger="group"),
            dict(pid=999, trigger="fault", group_memcg=None),
        ],
    ),
    (
        "announced but already exiting is no kill",
        "[1.0] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=a,pid=3,uid=0\n"
        "[1.0] Out of memory: OOM victim 3 (a) is already exiting. Skip killing the task\n",
        [],
    ),
    (
        "a report that is cut off before its kill gives nothing",
        "[1.0] nfsd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
        "[1.0] CPU: 0 PID: 1874 Comm: nfsd Kdump: loaded Tainted: G            E      6.1.119-1.el9.x86_64 #1\n",
        [],
    ),
    (
        "6.12: UID in the CPU line",
        "[1.0] CPU 2/KVM invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=872\n"
        "[1.0] CPU: 1 UID: 0 PID: 74 Comm: CPU 2/KVM Kdump: loaded Not tainted 6.12.0-211.el10.ppc64le #1 VOLUNTARY\n"
        "[1.0] Out of memory: Killed process 5 (x) " + MODERN + "\n",
        [dict(invoker_pid=74, invoker_comm="CPU 2/KVM", kernel="6.12.0-211.el10.ppc64le", invoker_gfp_mask="0x0")],
    ),
    (
        "OpenVZ 6",
        "kernel: Out of memory in UB 1234: OOM killed process 21738 (php-cgi) score 0 vm:281988kB, rss:17004kB, swap:0kB\n",
        [dict(pid=21738, comm="php-cgi", oom_score=0, total_vm=281988 * K)],
    ),
    (
        "4.1 to 4.19: sysrq says it twice, and the order is 0 as in any fault",
        "[9.0] sysrq: SysRq : Manual OOM execution\n"
        "[9.1] kworker/3:1 invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
        "[9.2] Out of memory: Kill process 5 (x) score 90 or sacrifice child\n"
        "[9.2] Killed process 5 (x) total-vm:1kB, anon-rss:2kB, file-rss:3kB\n",
        [dict(trigger="sysrq", pid=5, oom_score=90)],
    ),
    (
        "a patched kernel says where memory was short",
        "[9.1] Out of memory (in lowmem): kill process 29 (hog) score 4323 or a child\n"
        "[9.1] Killed process 29 (hog) vsz:144kB, anon-rss:31kB, file-rss:14kB lowmem 13kB\n",
        [dict(pid=29, oom_score=4323, scope="global", total_vm=144 * K, file_rss=14 * K)],
    ),
    (
        "quoted by hand: a comma before the adjustment",
        "[9.1] Out of memory: Killed process 6 (web) total-vm:9kB, anon-rss:8kB, file-rss:4kB, shmem-rss:0kB, UID:3 pgtables:7kB, oom_score_adj:-5\n",
        [dict(pid=6, uid=3, pgtables=7 * K, oom_score_adj=-5)],
    ),
    (
        "quoted by hand: no blank before the name",
        "Out of memory: Kill process 968(mysqld) score 9 or sacrifice child\n\nKilled process 968, UID 27,(mysqld) total-vm:47kB, anon-rss:3kB, file-rss:8kB\n",
        [dict(pid=968, uid=27, comm="mysqld", oom_score=9, total_vm=47 * K, file_rss=8 * K, partial=False)],
    ),
    (
        "quoted by hand: the last letter is missing",
        "[9.1] Killed process 26 (tab) total-vm:1498kB, anon-rss:721kB, file-rss:42k\n",
        [dict(pid=26, total_vm=1498 * K, anon_rss=721 * K, file_rss=42 * K)],
    ),
    (
        "quoted by hand: blanks in the summary",
        "[5.5] oom-kill:constraint=CONSTRAINT_MEMCG, oom_memcg=/jobs/a, task_memcg=/jobs/a/b, task=sim, pid=22, uid=4\n"
        "[5.5] Memory cgroup out of memory: Killed process 22 (sim) total-vm:31kB, anon-rss:13kB, file-rss:11kB\n",
        [
            dict(
                pid=22, uid=4, oom_memcg="/jobs/a", task_memcg="/jobs/a/b", constraint="CONSTRAINT_MEMCG", partial=False
            )
        ],
    ),
    (
        "a mail as it was sent has no constraint that a kernel knows",
        "[5.5] oom-kill:constraint=3DCONSTRAINT_MEMCG,nodemask=3D(null),task=3Dsim,pid=3D22,uid=3D4\n"
        "[5.5] Memory cgroup out of memory: Killed process 22 (sim) total-vm:31kB, anon-rss:13kB, file-rss:11kB\n",
        [dict(pid=22, constraint=None, scope="memcg", partial=False)],
    ),
    (
        "an announcement behind a choice is of another report",
        "Memory cgroup out of memory: Kill process 186 (app) score 933 or sacrifice child\n"
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/p,task_memcg=/p/c,task=job,pid=331,uid=5\n",
        [dict(pid=186, partial=True, oom_score=933), dict(pid=331, partial=True, oom_score=None, task_memcg="/p/c")],
    ),
    (
        "EL8: the choice is the announced one, a child of it died",
        "[5.5] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/p,task_memcg=/p/c,task=init,pid=128,uid=0\n"
        "[5.5] Memory cgroup out of memory: Kill process 128 (init) score 997 or sacrifice child\n"
        "[5.5] Killed process 127 (init) total-vm:600kB, anon-rss:3kB, file-rss:2kB, shmem-rss:1kB\n",
        [dict(pid=127, oom_score=997, oom_memcg="/p", task_memcg="/p/c", partial=False)],
    ),
    (
        "a choice long behind a header is of another report",
        "[100.0] agent invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=-250\n"
        "[9000.0] Memory cgroup out of memory: Kill process 62 (sh) score 0 or sacrifice child\n"
        "[9000.1] Killed process 63 (cp) total-vm:17kB, anon-rss:3kB, file-rss:1kB, shmem-rss:0kB\n",
        [dict(pid=63, oom_score=0, scope="memcg", invoker_comm=None)],
    ),
    (
        "a panic, and what was announced before it",
        "Memory cgroup out of memory: Kill process 186 (app) score 933 or sacrifice child\n"
        "Kernel panic - not syncing: Out of memory and no killable processes...\n"
        "Memory cgroup out of memory: Kill process 187 (app) score 933 or sacrifice child\n",
        [dict(pid=186, partial=True), dict(pid=187, partial=True)],
    ),
    (
        "several pastes in one file, with tags and without",
        "[700.1] Memory cgroup out of memory: Kill process 62 (sh) score 7 or sacrifice child\n"
        "[700.1] Killed process 63 (cp) total-vm:17kB, anon-rss:3kB, file-rss:1kB, shmem-rss:0kB\n"
        "kern:     err: [2026-11-22T20:06:24Z]: Out of memory: Killed process 9 (apid) %s\n"
        "[9.5] systemd[1]: Started something.\n"
        "memory: usage 2047kB, limit 2047kB, failcnt 23\n"
        "Memory cgroup out of memory: Kill process 186 (app) score 933 or sacrifice child\n" % MODERN,
        [
            dict(pid=63, oom_score=7, scope="memcg"),
            dict(pid=9, scope="global", oom_score=None),
            dict(pid=186, oom_score=933, partial=True),
        ],
    ),
]


@pytest.mark.parametrize("text, expected", [row[1:] for row in KILLS], ids=[row[0] for row in KILLS])
def test_kills(text, expected):
    found = kills(text)
    assert len(found) == len(expected)
    for kill, fields in zip(found, expected):
        assert {name: field(kill, name) for name in fields} == fields
        assert not kill.line.trusted


# What may stand before the message.
PREFIXES = [
    "", "[  599.515700][T23028] ", "[71073.562094] [T13546] ", "[   12.000001][    C0] ", "<3>[  600.1] ", "\t[73963.996160]  ",
    "kern  :err   : [  600.200000] ", "[  600.300000 <    0.000001>] ", "[<    0.000001>] ", "[  +0.000001] ", "[Mar11 10:16] ",
    "[Tue Mar 11 10:16:36 2025] ", "[ven. nov. 28 07:26:44 2025] ", "[Di Aug 12 03:54:03 2025] ", "2025-01-21T08:41:30,287197+00:00 ",
    "апр 28 01:23:30 PC kernel: ", "avril 16 21:08:50 kernel: ", "Mon Apr 12 18:29:48 2021 kern.err kernel: [  267.720081] ",
    "[  638074.1] host kernel: ", "[638074.104526] kernel: ", "kernel: ", "2026-08-27T15:51:41+1000 host kernel: ",
    "2026-11-22T18:11:23.601615+00:00 vm1 kernel: [  191.916420] ", "Apr  9 01:02:03 h kernel: [    5.123456] ", "Apr 9 01:02:03 h kernel: ",
    "Aug 30 06:58:55.050705 h kernel: ", "<4>May 10 18:07:27 h kernel: ", "/var/log/messages-20240101:May 10 18:07:27 h kernel: ",
    "> May 10 18:07:27 h kernel: ", "1234:May 10 18:07:27 h kernel: ", "  96 [ 1234.500000] ", "3,463,47655328,-;", "3,463,47655328,-,caller=T12;",
    "96 Jan  1 00:00:00 h kernel: ",
    "96: Jan  1 00:00:00 h kernel: ",
    "Sun 2026-11-22 20:03:28 UTC vm1 kernel: ",
    "1795377808.722591 vm1 kernel: ",
    "2026-11-22T20:03:28.722591+00:00 vm1 kernel[-]: ",
    "<3>1 2026-11-22T20:03:28.722591+00:00 vm1 kernel - - - [   47.538897] ",
    '1 2026-11-22T20:03:28Z vm1 kernel - - [meta sequenceId="1"] ',
    "Creating journal (262144 blocks): [   34.739137] ", "Aug 18 03:19:11 169 kernel: ",
]  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefix(prefix):
    (kill,) = kills(prefix + "Out of memory: Killed process 7 (a) " + MODERN + "\n")
    assert (kill.victim.pid, kill.victim.uid, kill.scope) == (7, 1000, "global")


@pytest.mark.parametrize("prefix", ["Nov 22 20:03:41 h kernel: ", "Nov 22 20:03:41 h kernel: [   59.9] "])
def test_rsyslog_escapes(prefix):
    (kill,) = kills(prefix + "Out of memory: Killed process 7 (a#012b#033[0m) " + MODERN + "\n")
    assert kill.victim.comm == "a\nb\x1b[0m"


@pytest.mark.parametrize(
    "prefix, time", [("1795377808.722591 vm1 kernel: ", 1795377808.722591), ("[@i Aug 12 03:54:03 2025] ", None)]
)
def test_a_stamp_in_seconds_is_known_by_its_form_alone(prefix, time):
    (kill,) = kills(prefix + "Out of memory: Killed process 7 (a) " + MODERN + "\n")
    assert kill.line.time == time


def test_message_repeated():
    (kill,) = kills(
        "Jan  1 00:00:00 h kernel: message repeated 2 times: [Out of memory: Killed process 7 (a) " + MODERN + "]\n"
    )
    assert (kill.victim.pid, kill.victim.oom_score_adj) == (7, 300)


def test_a_whole_report_in_one_message():
    (kill,) = kills(
        "Jun  1 00:00:00 h kernel: hog invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0#012CPU: 1 PID: 5 Comm: hog Not tainted 5.4.0 #1"
        "#012Out of memory: Killed process 9 (a) " + MODERN + "\n"
    )
    assert (kill.victim.pid, kill.invoker.comm, kill.invoker.pid, kill.kernel) == (9, "hog", 5, "5.4.0")


# Names are chosen by the user who runs the process: at most 15 bytes of anything.
NAMES = [
    "x) total-vm:1kB", "a,pid=1,uid=0", "Killed process", "(sd-pam)", "a) (b", "", "  lead", "trail  ", "%s%n%d 100%",
    "it's \"q\"", "{{7*7}}", "<b>x</b>", "=cmd|x", "a,task=b", "12345", "caf\u00e9 \u2615", "\udcff\udcfe", "\x1b[31m",
    "), UID 0, (", "] Task in /x",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_hostile_name(name):
    text = (
        "[1.0] {n} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
        "[1.0] CPU: 0 PID: 42 Comm: {n} Not tainted 6.1.0-56-cloud-amd64 #1  Debian 6.1.192-2\n"
        "[1.0] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/l,task_memcg=/l,task={n},pid=42,uid=7\n"
        "[1.0] Memory cgroup out of memory: Killed process 42 ({n}) {m}\n"
    ).format(n=name, m=MODERN)
    (kill,) = kills(text)
    assert (kill.victim.pid, kill.victim.comm, kill.victim.total_vm) == (42, name, 18600 * K)
    assert (kill.oom_memcg, kill.task_memcg, kill.partial) == ("/l", "/l", False)
    assert kill.invoker.pid == 42


# A newline splits the record: text logs repeat the stamp, dmesg indents.
@pytest.mark.parametrize("rest", ["[1.000001] ", "           "], ids=["stamp again", "indented"])
@pytest.mark.parametrize("name", ["line\nbreak", "z\nOut of memory", "\nKilled process"])
def test_newline_in_name(name, rest):
    text = "[1.000001] Memory cgroup out of memory: Killed process 42 (%s) %s\n" % (
        name.replace("\n", "\n" + rest),
        MODERN,
    )
    (kill,) = kills(text)
    assert (kill.victim.pid, kill.victim.comm, kill.victim.uid) == (42, name, 1000)


CGROUPS = [
    ("/user.slice/u", "/user.slice/u/a,task=init,pid=1,uid=0 (x)"),
    ("/user.slice/u", "/user.slice/u/x,task_memcg=/system.slice/sshd.service"),
    ("/user.slice/u/x,task_memcg=/s/sshd.service", "/user.slice/u/x,task_memcg=/s/sshd.service"),
    ("/a,oom_memcg=/b", "/a,oom_memcg=/b/c"),
]


@pytest.mark.parametrize("limit, task", CGROUPS)
def test_hostile_cgroup(limit, task):
    text = (
        "kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=z,mems_allowed=0,global_oom,mems_allowed=0,"
        "oom_memcg=%s,task_memcg=%s,task=hog,pid=42,uid=7\n"
        "kernel: Memory cgroup out of memory: Killed process 42 (hog) %s\n" % (limit, task, MODERN)
    )
    (kill,) = kills(text)
    assert (kill.oom_memcg, kill.task_memcg, kill.scope) == (limit, task, "memcg")
    assert (kill.victim.pid, kill.victim.uid) == (42, 1000)


NOT_KILLS = [
    "May 10 18:07:27 s mallory[999]: kernel: Out of memory: Killed process 1 (systemd) " + MODERN,
    'May 10 18:07:27 s kernel: audit: type=1309 audit(1.1:4): argc=3 a0="grep" a1="Killed process 42 (java)"',
    'May 10 18:07:27 s kernel: EXT4-fs (vda): Unrecognized mount option "Killed process 42 (java) %s"' % MODERN,
    "May 10 18:07:27 s kernel: Killed process[3002]: segfault at 0 ip 0 sp 0 error 4",
    "May 10 18:07:27 s kernel: OOM killer disabled.",
    "[1.0] Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF",
    "[1.0] oom_reaper: reaped process 42 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    "May 10 18:07:27 s systemd[1]: app.service: Killing process 4821 (java) with signal SIGKILL.",
    "May 10 18:07:27 s earlyoom[7]: sending SIGTERM when mem <=  4.00% and swap <= 10.00%,",
    "May 10 18:07:27 s postgres[7]: ERROR:  out of memory",
    '{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"1","MESSAGE":"Memory cgroup out of memory: Killed process 1 (h) %s"}'
    % MODERN,
    "4,22,33,-;ok\n14,23,33,-;Out of memory: Killed process 1 (h) " + MODERN,
]


@pytest.mark.parametrize("line", NOT_KILLS)
def test_no_kill(line):
    assert kills(line + "\n") == []


def of_kmsg(*lines):
    """What a scan of the journal or of /dev/kmsg gives: the kernel's lines, and a process's."""
    parser = Parser(untrusted=True)
    found = [event for line in lines for event in parser.feed(line)] + parser.finish()
    return [event for event in found if isinstance(event, Kill)], parser.unparsed.count


def kmsg(text, trusted=True, uptime=5.0):
    return LogLine(text, "/dev/kmsg", tag="kernel" if trusted else KMSG_USER, uptime=uptime, trusted=trusted)


def test_a_process_that_writes_to_dev_kmsg_is_shown_and_not_believed():
    found, unparsed = of_kmsg(
        kmsg("Out of memory: Killed process 1 (h) " + MODERN, trusted=False), kmsg("oom-kill: nonsense", trusted=False)
    )
    assert [(kill.victim.pid, kill.line.trusted, kill.scope) for kill in found] == [(1, False, "global")]
    assert unparsed == 0  # whoever may write there cannot make the kernel look strange


def test_a_process_that_writes_to_dev_kmsg_changes_nothing():
    """Its lines and the kernel's are two reports, however they are mixed."""
    summary = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/%s,task_memcg=/%s,task=hog,pid=42,uid=7"
    kernel = [
        kmsg("a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"),
        kmsg(summary % ("x", "x")),
    ]
    kernel.append(kmsg("Memory cgroup out of memory: Killed process 42 (hog) " + MODERN))
    forged = [
        line._replace(text=line.text.replace("a invoked", "b invoked"), tag=KMSG_USER, trusted=False) for line in kernel
    ]
    forged[1] = kmsg(summary % ("y", "y"), trusted=False)
    mixed = [line for pair in zip(forged, kernel) for line in pair] + forged
    found, _unparsed = of_kmsg(*mixed)
    alone, _unparsed = of_kmsg(*kernel)
    assert [kill for kill in found if kill.line.trusted] == alone
    assert {(kill.task_memcg, kill.invoker.comm) for kill in found if not kill.line.trusted} == {("/y", "b")}


def test_unparsed_lines_of_anybody_do_not_blind_a_host():
    """A text log takes what a user writes; the journal of the same time would have the kernel's lines, too."""
    parser = Parser()
    for time, trusted in ((100.0, False), (200.0, False), (300.0, True)):
        parser.feed(LogLine("oom-kill: nonsense", "x", tag="kernel", time=time, trusted=trusted))
    unparsed = Unparsed()
    unparsed.absorb(parser.unparsed)
    assert unparsed.count == 3
    assert unparsed.doubts(None) == 3  # no source that can be trusted
    assert unparsed.doubts(100.0) == 1  # covered: the kernel's own alone
    assert unparsed.doubts(150.0) == 3  # older lines than the journal has
    parser.feed(LogLine("oom-kill: nonsense", "x", tag="kernel"))
    assert parser.unparsed.doubts(100.0) == 4  # of no time that is known


@pytest.mark.parametrize(
    "text, outcomes",
    [
        ("kernel: Out of memory and no killable processes...\n", ["no_victim"]),
        (
            "[1.0] Out of memory and no killable processes...\n[1.0] Kernel panic - not syncing: System is deadlocked on memory\n",
            ["panic"],
        ),
        ("[1.0] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled\n", ["panic"]),
        ("[1.0] Kernel panic - not syncing: Out of memory and no killable processes...\n", ["panic"]),
        ("Memory limit reached of cgroup /syz0\nmemory: usage 205168kB, limit 204800kB, failcnt 6909\n", ["no_victim"]),
        ("[1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\n", []),
    ],
)
def test_unresolved(text, outcomes):
    found = events(text)
    assert [event.outcome for event in found if isinstance(event, Unresolved)] == outcomes
    assert not [event for event in found if isinstance(event, Kill)]


def test_a_line_that_no_pattern_takes_is_counted():
    parser = Parser()
    parser.feed(LogLine("Out of memory: Killed process 12 <java> in a way of the future", "test", tag="kernel"))
    parser.feed(LogLine("Out of memory: Killed process 12 (java) " + MODERN, "test", tag="kernel"))
    assert parser.unparsed.count == 1


def test_task_table_in_bytes():
    text = (
        "[1.0] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
        "[1.0] Node 0 DMA: 1*64kB (M) 2*128kB (M) = 320kB\n"
        "[1.0] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n"
        "[1.0] [   1122]     5  1122   179935   130854   130720      134        0  1097728        2          -500 Web Content [x]\n"
        "[1.0] Out of memory: Killed process 1122 (Web Content [x]) " + MODERN + "\n"
    )
    (kill,) = kills(text, include_tasks=True)
    (task,) = kill.tasks
    assert kill.page_size == 65536
    assert (task.pid, task.uid, task.comm, task.oom_score_adj) == (1122, 5, "Web Content [x]", -500)
    assert (task.total_vm, task.rss_anon, task.pgtables, task.swap) == (179935 * 65536, 130720 * 65536, 1097728, 131072)
    assert kills(text)[0].tasks is None


WRAPPED = [
    "[   95.2] Killed process\n7637 (syz) total-vm:37044kB, anon-rss:76kB,\nfile-rss:632kB, shmem-rss:0kB\n",
    "> Out of memory: Killed\n> process 7637 (syz) total-vm:37044kB, anon-rss:76kB,\n> file-rss:632kB, shmem-rss:0kB\n",
    "[   95.2] Killed process 7637 (syz) total-vm:37044kB, \nanon-rss:76kB, file-rss:632kB, shmem-rss:0kB\n",
    (
        "[   95.2] Out of memory: Killed process 7637 (syz)\n"
        "total-vm:37044kB, anon-rss:76kB, file-rss:632kB, shmem-rss:0kB,\nUID:0\npgtables:60kB oom_score_adj:0\n"
    ),
    (
        "[   95.2] Memory cgroup out of memory: Killed process 7637 (syz) \n"
        "total-vm:37044kB, anon-rss:76kB, file-rss\n:632kB, shmem-rss:0kB, UID:0 pgtables:1072kB oom_score_adj:0\n"
    ),
]


@pytest.mark.parametrize("text", WRAPPED)
def test_wrapped_record(text):
    (kill,) = kills(text)
    assert (kill.victim.pid, kill.victim.anon_rss, kill.victim.file_rss) == (7637, 76 * K, 632 * K)
    assert kill.victim.oom_score_adj == (0 if "oom_score_adj" in text else None)


def test_a_group_whose_announcement_is_wrapped():
    member = "Memory cgroup out of memory: Killed process %d (b) " + MODERN
    for broken in (
        "due\nto memory.oom.group set",
        "are going to be killed due to memory.oom.group\nset",
        "/build\nare",
    ):
        group = "[9.2] Tasks in /build are going to be killed due to memory.oom.group set".replace(
            broken.replace("\n", " "), broken
        )
        found = kills("[9.1] %s\n%s\n[9.3] %s\n" % (member % 1, group, member % 2))
        assert "\n" in group and [(kill.victim.pid, kill.trigger, kill.group_memcg) for kill in found] == [
            (1, "fault", "/build"),
            (2, "group", "/build"),
        ]


def test_interleaved_hosts_do_not_mix():
    text = (
        "May 10 18:07:27 a kernel: x invoked oom-killer: gfp_mask=0x1, order=0, oom_score_adj=0\n"
        "May 10 18:07:27 b kernel: y invoked oom-killer: gfp_mask=0x2, order=0, oom_score_adj=0\n"
        "May 10 18:07:27 a kernel: Out of memory: Killed process 1 (p) {m}\n"
        "May 10 18:07:27 b kernel: Out of memory: Killed process 2 (q) {m}\n"
    ).format(m=MODERN)
    assert [(k.line.host, k.victim.pid, k.invoker.comm) for k in kills(text)] == [("a", 1, "x"), ("b", 2, "y")]


def test_release_from_a_later_warning_of_the_same_minute_only():
    text = (
        "[ 599.5] Memory cgroup out of memory: Killed process 1 (p) {m}\n"
        "[ 599.9] CPU: 1 PID: 23028 Comm: q Tainted: G        W         5.17.0-syzkaller #0\n"
        "[ 700.5] Memory cgroup out of memory: Killed process 2 (p) {m}\n"
        "[ 999.9] CPU: 1 PID: 23028 Comm: q Tainted: G        W         6.0.0 #0\n"
    ).format(m=MODERN)
    assert [k.kernel for k in kills(text)] == ["5.17.0-syzkaller", None]
