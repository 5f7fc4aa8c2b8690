# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in a folder: /proc as kernels write it (lines and order of 3.10, 4.9 and 6.18), cgroup files of both
versions.
"""

import os

from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran

PAGE = os.sysconf("SC_PAGE_SIZE")
KB = PAGE // 1024
V1_UNLIMITED = 9223372036854771712

_HEAD = b"""Name:\t%(comm)s
Umask:\t0022
State:\t%(state)s
Tgid:\t%(pid)d
Ngid:\t0
Pid:\t%(pid)d
PPid:\t%(ppid)d
TracerPid:\t0
Uid:\t%(uid)d\t0\t0\t0
Gid:\t0\t0\t0\t0
FDSize:\t64
Groups:\t%(groups)s
NSpid:\t%(pid)d
"""
_MEMORY = b"""VmPeak:\t  999999 kB
VmSize:\t  888888 kB
VmLck:\t       0 kB
VmPin:\t       0 kB
VmHWM:\t  777777 kB
VmRSS:\t%(rss)8d kB
%(rss_kinds)sVmData:\t   35932 kB
VmStk:\t     132 kB
VmExe:\t    5360 kB
VmLib:\t       8 kB
VmPTE:\t%(pte)8d kB
%(pmd)sVmSwap:\t%(swap)8d kB
"""
_TAIL = b"""Threads:\t%(threads)d
SigQ:\t0/96364
CapEff:\t%(caps)s
Cpus_allowed_list:\t0-1
Mems_allowed:\t00000000,00000001
Mems_allowed_list:\t%(mems)s
voluntary_ctxt_switches:\t1
"""


class Machine:
    """Everything in pages."""

    def __init__(self, root, memory=1_000_000, swap=0, release="6.1.0-56-cloud-amd64"):
        self.root = str(root)
        self.commands = {}
        self.write(
            "/proc/meminfo",
            "MemTotal: %d kB\nMemFree: 1 kB\nSwapTotal: %d kB\nSwapFree: 0 kB\n" % (memory * KB, swap * KB),
        )
        if release:
            self.write("/proc/sys/kernel/osrelease", release + "\n")
        self.write("/proc/sys/vm/swappiness", "60\n")
        self.write("/proc/sys/vm/panic_on_oom", "0\n")
        self.write("/proc/sys/vm/oom_kill_allocating_task", "0\n")

    @property
    def host(self):
        return Host(
            root=self.root,
            run=lambda argv, **_keywords: self.commands.get(tuple(argv), Ran(None, stderr="no such command")),
        )

    def write(self, path, data):
        target = self.root + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode("utf-8"))

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        os.symlink(target, self.root + path)

    def status(self, pid, comm=b"x", anon=0, file=0, shmem=0, swap=0, pte=0, pmd=None, **other):
        """pages; memory=False is a task without memory of its own, kinds=False a kernel before 4.5"""
        named = dict(
            pid=pid, comm=comm if isinstance(comm, bytes) else comm.encode("utf-8"), rss=(anon + file + shmem) * KB, swap=swap * KB, pte=pte * KB,
            ppid=other.get("ppid", 1), uid=other.get("uid", 0), groups=other.get("groups", b" "), threads=other.get("threads", 1),
            state=other.get("state", b"S (sleeping)"), mems=other.get("mems", b"0"), caps=other.get("caps", b"0000000000000000"),
            pmd=b"" if pmd is None else b"VmPMD:\t%8d kB\n" % (pmd * KB),
            rss_kinds=b"RssAnon:\t%8d kB\nRssFile:\t%8d kB\nRssShmem:\t%8d kB\n" % (anon * KB, file * KB, shmem * KB) if other.get("kinds", True) else b"",
        )  # fmt: skip
        values = {name.encode("ascii"): value for name, value in named.items()}  # what % of bytes wants
        kernel_thread = b"Kthread:\t%d\n" % other["kthread"] if "kthread" in other else b""
        return (
            _HEAD % values + kernel_thread + (_MEMORY % values if other.get("memory", True) else b"") + _TAIL % values
        )

    def process(self, pid, comm=b"x", adj=0, cgroup="0::/\n", start=None, oom_score=None, **sizes):
        base = "/proc/%d/" % pid
        self.write(base + "status", self.status(pid, comm, **sizes))
        self.write(base + "oom_score_adj", "%d\n" % adj)
        self.write(base + "cgroup", cgroup)
        self.write(
            base + "stat", "%d (a) b) S %s %d 0\n" % (pid, " ".join(["0"] * 18), pid * 100 if start is None else start)
        )
        if oom_score is not None:
            self.write(base + "oom_score", "%d\n" % oom_score)

    def service(self, pid, unit, comm=None, **other):
        """A process of a systemd service on cgroup 2."""
        self.process(pid, comm or unit.partition(".")[0], cgroup="0::/system.slice/%s\n" % unit, **other)

    def cgroup2(self, path="", **files):
        """max=… becomes memory.max, oom_group=… memory.oom.group"""
        if not os.path.exists(self.root + "/sys/fs/cgroup/cgroup.controllers"):
            self.write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n")
        os.makedirs(self.root + "/sys/fs/cgroup" + path, exist_ok=True)
        for name, value in files.items():
            self.write("/sys/fs/cgroup%s/memory.%s" % (path, name.replace("_", ".")), "%s\n" % value)

    def cgroup1(self, path="", **files):
        os.makedirs(self.root + "/sys/fs/cgroup/memory" + path, exist_ok=True)
        for name, value in files.items():
            self.write("/sys/fs/cgroup/memory%s/memory.%s" % (path, name.replace("__", ".")), "%s\n" % value)

    def systemd(self, **scores):
        """`systemctl show` answers for these units, and for no others."""
        os.makedirs(self.root + "/run/systemd/system", exist_ok=True)
        self._units = scores

        def run(argv, **_keywords):
            blocks = []
            for unit in argv[argv.index("--") + 1 :]:
                known = unit.partition(".")[0] in scores
                score = scores.get(unit.partition(".")[0], 0)
                blocks.append(
                    "Id=%s\nLoadState=%s\nOOMScoreAdjust=%d\n" % (unit, "loaded" if known else "not-found", score)
                )
            return Ran(0, "\n".join(blocks))

        return Host(root=self.root, run=run)
