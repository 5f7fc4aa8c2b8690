# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every killer prints, by release: rendered after the format strings of their sources.

A row is (id, tag, lines, what comes out): ``kills`` with the fields that the lines tell, ``unresolved`` outcomes,
``units`` that systemd names. What is not mentioned must not come out. ``bare: False`` where nothing but the tag tells
whose words they are.
"""

MEMCG = "Memory cgroup out of memory"
OLD = "total-vm:900kB, anon-rss:800kB, file-rss:40kB"
SHM = OLD + ", shmem-rss:4kB"
NEW = SHM + ", UID:1001 pgtables:64kB oom_score_adj:300"
HEAD = "hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
SUMMARY = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b.service,task=hog,pid=71,uid=1001"
UNSEEN = dict(unresolved=["unseen"])
NOTHING = {}


def kill(pid=71, comm="hog", **more):
    return dict(pid=pid, comm=comm, **more)


def one(pid=71, comm="hog", **more):
    return dict(kills=[kill(pid, comm, **more)])


def cgroup(killer, path, **more):
    return dict(kills=[dict(killer=killer, task_memcg=path, pid=None, **more)])


KERNEL = [
    ("k01", ["Out of Memory: Killed process 71 (hog)."], one(scope="global")),
    ("k02", ["Out of memory: Killed process 71 (hog)."], one(scope="global")),
    ("k03", ["No available memory in cpuset: Killed process 71 (hog)."], one()),
    ("k03 policy", ["No available memory (MPOL_BIND): Killed process 71 (hog)."], one()),
    ("k04", ["Out of memory: Killed process 71, UID 1001, (hog)."], one(uid=1001)),
    ("k05", ["Killed process 71 (hog)"], one(scope="unknown")),
    (
        "k06",
        ["Killed process 71 (hog) vsz:900kB, anon-rss:800kB, file-rss:40kB"],
        one(total_vm=900 << 10, anon_rss=800 << 10),
    ),
    ("k07", ["Killed process 71 (hog) " + OLD], one(total_vm=900 << 10, file_rss=40 << 10)),
    ("k08", ["Killed process 71, UID 1001, (hog) " + OLD], one(uid=1001, anon_rss=800 << 10)),
    ("k09", ["Killed process 71 (hog) " + SHM], one(shmem_rss=4 << 10)),
    ("k10", ["Killed process 71 (hog), UID 1001, " + SHM], one(uid=1001, shmem_rss=4 << 10)),
    ("k11", [MEMCG + ": Killed process 71 (hog) " + SHM], one(scope="memcg")),
    ("k12", [MEMCG + ": Killed process 71 (hog) " + SHM + ", UID:1001"], one(scope="memcg", uid=1001)),
    (
        "k13",
        [MEMCG + ": Killed process 71 (hog) " + NEW],
        one(scope="memcg", uid=1001, pgtables=64 << 10, oom_score_adj=300),
    ),
    ("k14", ["Out of memory (oom_kill_allocating_task): Killed process 71 (hog) " + NEW], one(scope="global")),
    ("k15", ["Out of memory (Killing remote allocating task): Killed process 71 (hog) " + NEW], one(scope="global")),
    ("k16", ["VM: killing process hog"], one(pid=None)),
    ("k17", [MEMCG + ': Killed process 71 (hog) in VE "101" ' + SHM], one(scope="memcg", total_vm=900 << 10)),
    ("k18", [MEMCG + ': Killed process 71 (hog) VE "101" ' + NEW], one(scope="memcg", oom_score_adj=300)),
    ("k19", ["Rage kill process 71 (hog)"], one()),
    ("k20", ["OOM killer in rage 3: 4 tasks killed"], UNSEEN),
    (
        "k21",
        ["Out of memory in UB 101: OOM killed process 71 (hog) score 7 vm:900kB, rss:800kB, swap:0kB"],
        one(scope="memcg", oom_score=7),
    ),
    (
        "k22",
        ["Out of memory: OOM killed process 71 (hog) score 7 vm:900kB, rss:800kB, swap:0kB"],
        one(scope="global", oom_score=7, total_vm=900 << 10),
    ),
    ("k22 memcg", [MEMCG + ": OOM killed process 71 (hog) score 7 vm:900kB, rss:800kB, swap:0kB"], one(scope="memcg")),
    ("k23", ["OOM kill in rage task 71 (hog) score 7 in ub 101"], one(oom_score=7)),
    ("k24", ["Out of memory: Kill child of process 70 (parent) score 7"], UNSEEN),
    ("k25", ["71 (hog) invoked oom-killer in ub 101 generation 2 gfp 0x200da"], UNSEEN),
    ("k26", ["OOM killer in rage, 4 tasks killed in ub 101"], UNSEEN),
    ("k30", [SUMMARY], one(partial=True, oom_memcg="/a", task_memcg="/a/b.service", uid=1001, scope="memcg")),
    (
        "k31",
        [
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),global_oom,task_memcg=/a/b.service,task=hog,pid=71,uid=0"
        ],
        one(partial=True, scope="global"),
    ),
    (
        "k32",
        ["oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,task=hog,pid=71,uid=0"],
        one(partial=True, uid=0),
    ),
    ("k33", ["oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=hog,pid=71,uid=0"], one(partial=True, uid=0)),
    (
        "k34",
        [SUMMARY.replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF_PSI_MEM")],
        one(partial=True, constraint="CONSTRAINT_BPF_PSI_MEM"),
    ),
    ("k35", ["Out of Memory: Kill process 71 (hog) score 9 and children."], one(partial=True, oom_score=9)),
    ("k36", ["Out of memory: kill process 71 (hog) score 9 or a child"], one(partial=True, oom_score=9)),
    (
        "k37",
        [MEMCG + ": Kill process 71 (hog) score 9 or sacrifice child"],
        one(partial=True, oom_score=9, scope="memcg"),
    ),
    ("k38", ["Tasks in /a/b.service are going to be killed due to memory.oom.group set"], UNSEEN),
    ("k39", ["Task in /a/b killed as a result of limit of /a"], UNSEEN),
    (
        "k40",
        ["Memory limit reached of cgroup /a", "Out of memory and no killable processes..."],
        dict(unresolved=["no_victim"]),
    ),
    ("k41", [HEAD], UNSEEN),
    ("k41 cut", ["hog invoked oom-killer:"], UNSEEN),
    ("k42", ["oom-killer: gfp_mask=0x201d2, order=0"], UNSEEN),
    (
        "k43",
        ["hog invoked oom-killer: gfp_mask=0x201d2, order=0, oomkilladj=0", "Killed process 71 (hog)"],
        one(invoker="hog"),
    ),
    (
        "k44",
        [
            "hog invoked oom-killer: gfp_mask=0x14280ca(GFP_HIGHUSER), nodemask=(null),  order=0, oom_score_adj=0",
            "Killed process 71 (hog) " + SHM,
        ],
        one(invoker="hog"),
    ),
    ("k45", [HEAD, SUMMARY], one(partial=True, invoker="hog", oom_memcg="/a")),
    ("k46", ["OOM_NOTIFIER: oom type 2"], NOTHING),
    (
        "k47",
        ["Kernel panic - not syncing: Out of memory, panic by sysctl_enable_oom_killer"],
        dict(unresolved=["panic"]),
    ),
    (
        "k48",
        ["Out of Memory: Kill process 70 (top) score 9 and children.", "Out of memory: Killed process 71 (hog)."],
        one(oom_score=9),
    ),
    (
        "k49",
        [
            MEMCG + ": Killed process 71 (hog) " + NEW,
            "Tasks in /a are going to be killed due to memory.oom.group set",
            MEMCG + ": Killed process 71 (hog) " + NEW,
            MEMCG + ": Killed process 72 (pig) " + NEW.replace("900", "901"),
        ],
        dict(kills=[kill(71, trigger="fault"), kill(72, "pig", trigger="group")]),
    ),
    (
        "k50 behind its kill",
        [
            MEMCG + ": Killed process 71 (hog) " + NEW,
            "oom_reaper: reaped process 71 (hog), now anon-rss:0kB, file-rss:0kB",
        ],
        one(),
    ),
    ("k51", ["oom_reaper: unable to reap pid:71 (hog)"], NOTHING),
    ("k52", [MEMCG + ": OOM victim 71 (hog) is already exiting. Skip killing the task"], NOTHING),
    (
        "k52 in a report",
        [HEAD, SUMMARY, MEMCG + ": OOM victim 71 (hog) is already exiting. Skip killing the task"],
        NOTHING,
    ),
    ("k53", ["oom killer 71 (hog) has mm pinned by 72 (pig)"], NOTHING),
    (
        "k54",
        ["Killed process 70 (top) " + OLD, "Kill process 71 (hog) sharing same memory"],
        dict(kills=[kill(70, "top"), kill()]),
    ),
    ("k54 alone", ["Kill process 71 (hog) sharing same memory"], one()),
    ("k55", ["Would have killed process 71 (hog). But continuing instead."], NOTHING),
    ("k56", ["OOM killer disabled.", "OOM killer enabled."], NOTHING),
    ("k57", ["Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF"], NOTHING),
    ("k58", ["Out of memory and no killable processes..."], dict(unresolved=["no_victim"])),
    ("k59", ["Kernel panic - not syncing: Out of memory and no killable processes..."], dict(unresolved=["panic"])),
    ("k60", ["Kernel panic - not syncing: System is deadlocked on memory"], dict(unresolved=["panic"])),
    (
        "k61",
        ["Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled"],
        dict(unresolved=["panic"]),
    ),
    ("k62", ["Kernel panic - not syncing: out of memory. panic_on_oom is selected"], dict(unresolved=["panic"])),
    ("k63", ["sysrq: OOM request ignored. No task eligible"], NOTHING),
    (
        "k63 in a report",
        [
            "sysrq: Manual OOM execution",
            HEAD.replace("order=0", "order=-1"),
            "sysrq: OOM request ignored. No task eligible",
        ],
        NOTHING,
    ),
    ("k64", ["sysrq: OOM request ignored because killer is disabled"], NOTHING),
    (
        "k65",
        ["hog: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0"],
        NOTHING,
    ),
    ("k66", ["Memory cgroup min protection 0kB -- low protection 1024kB"], NOTHING),
    ("k67", ["Memory failure: 0x2b4: Sending SIGBUS to hog:71 due to hardware memory corruption"], NOTHING),
    ("k67 killing", ["MCE 0x2b4: Killing hog:71 due to hardware memory corruption"], NOTHING),
    ("k68", ["lowmemorykiller: Killing 'hog' (71), adj 900, to free 80kB on behalf of 'kswapd0' (40)"], NOTHING),
    ("k69", ["lowmemorykiller: send sigkill to 71 (hog), adj 12, size 800"], NOTHING),
    ("k70", ["oom_kill_process: 12 callbacks suppressed"], NOTHING),
    (
        "k71",
        [
            HEAD,
            "Memory cgroup min protection 0kB -- low protection 0kB",
            SUMMARY,
            MEMCG + ": Killed process 71 (hog) " + NEW,
        ],
        one(oom_memcg="/a"),
    ),
    ("v01", ['oom killer 71 (hog) in VE "101" has mm pinned by 72 (pig)'], NOTHING),
    (
        "f02",
        ["oomd kill: 81.2 80.1 42.7 work.slice/a.service 4123 ruleset:[r s] detectorgroup:[d 60] killer:by_size v2"],
        cgroup("oomd", "/work.slice/a.service"),
    ),
    (
        "f11",
        ["oomd kill: 81.2 80.1 42.7 work.slice/a.service 4123 ruleset:[r s] detectorgroup:[d] killer:(dry)by_size v0"],
        NOTHING,
    ),
    (
        "f07 in the kernel's log",
        ["oomd kill: restarted systemd service=web.service"],
        dict(kills=[dict(killer="oomd", unit="web.service", partial=True)]),
    ),
    ("x11", ['audit: type=1309 audit(1.1:4): argc=3 a0="grep" a1="Out of memory: Killed process 71 (hog)"'], NOTHING),
]

SYSTEMD = [
    ("s01", ["web.service: A process of this unit has been killed by the OOM killer."], dict(units=["web.service"])),
    ("s02", ["web.service: The kernel OOM killer killed some processes in this unit."], dict(units=["web.service"])),
    ("s03", ["web.service: Failed with result 'oom-kill'."], dict(units=["web.service"])),
    ("s04", ["web.service: systemd-oomd killed 3 process(es) in this unit."], dict(units=["web.service"])),
    ("s05", ["web.service: systemd-oomd killed some process(es) in this unit."], dict(units=["web.service"])),
    ("s06", ["web.service: Process of control group was killed by the OOM killer."], NOTHING),
    ("s07", ["web.service: Process(es) of control group were killed by systemd-oomd."], NOTHING),
    (
        "s08",
        ["web.service: Main process exited, code=killed, status=9/KILL", "web.service: Failed with result 'signal'."],
        NOTHING,
    ),
    ("s09", ["web.service: Killing process 71 (hog) with signal SIGKILL."], NOTHING),
    (
        "s12",
        ["web.service: main process exited, code=killed, status=9/KILL", "Unit web.service entered failed state."],
        NOTHING,
    ),
    (
        "its own units",
        ["Started Userspace Out-Of-Memory (OOM) Killer.", "Listening on Userspace Out-Of-Memory (OOM) Killer Socket."],
        NOTHING,
    ),
    (
        "a stop",
        [
            "web.service: State 'stop-sigterm' timed out. Killing.",
            "web.service: Sent signal SIGKILL to main process 71 (hog).",
        ],
        NOTHING,
    ),
]

PRESSURE = "due to memory pressure for /work.slice being 61.53% > 50.00% for > 20s with reclaim activity"
DUMP = [
    "Considered 12 cgroups for killing, top candidates were:",
    "\tPath: /work.slice/kept.service",
    "\t\tMemory Pressure Limit: 0.00%",
    "\t\tPressure: Avg10: 61.53 Avg60: 20.11 Avg300: 5.01 Total: 31s",
    "\t\tCurrent Memory Usage: 1.2G",
    "\t\tMemory Min: 0B",
    "\t\tMemory Low: 0B",
    "\t\tPgscan: 55123",
    "\t\tLast Pgscan: 50001",
    "\tPath: /work.slice/kill me.service",
    "\t\tPgscan: 45123",
]
RULE = "Rule 'r' conditions met for cgroup /work.slice (lasting 30s), taking action "
OOMD = [
    (
        "o01",
        ["Memory pressure for /work.slice is greater than 60 for more than 10 seconds and there was reclaim activity"],
        dict(kills=[dict(killer="systemd-oomd", pid=None, oom_memcg="/work.slice", partial=True)]),
    ),
    (
        "o01 in vain",
        [
            "Memory pressure for /w is greater than 60 for more than 10 seconds and there was reclaim activity",
            "Failed to kill any cgroup(s) under /w",
        ],
        dict(unresolved=["rule_fired"]),
    ),
    (
        "o02",
        ["Swap used (123456) / total (234567) is more than 90%"],
        dict(kills=[dict(killer="systemd-oomd", pid=None, partial=True)]),
    ),
    (
        "o03",
        ["Killed /work.slice/a.service due to swap used (123456) / total (234567) being more than 90.00%"],
        cgroup("systemd-oomd", "/work.slice/a.service"),
    ),
    (
        "o04",
        [
            "Killed /work.slice/a.service due to memory used (1) / total (2) and swap used (123456) / total (234567) being more than 90.00%"
        ],
        cgroup("systemd-oomd", "/work.slice/a.service", scope="global"),
    ),
    (
        "o05",
        ["Killed /work.slice/a.service " + PRESSURE],
        cgroup("systemd-oomd", "/work.slice/a.service", scope="memcg"),
    ),
    (
        "o05 behind its dump",
        DUMP + ["Killed /work.slice/kill me.service " + PRESSURE],
        cgroup("systemd-oomd", "/work.slice/kill me.service"),
    ),
    (
        "o06",
        ["Marked /work.slice/a.service for killing " + PRESSURE],
        cgroup("systemd-oomd", "/work.slice/a.service", scope="memcg"),
    ),
    (
        "o07",
        [
            "Marked /work.slice/a.service for killing due to memory used (1) / total (2) and swap used (3) / total (4) being more than 90.00%"
        ],
        cgroup("systemd-oomd", "/work.slice/a.service", scope="global"),
    ),
    ("o08", [RULE + "kill-all"], cgroup("systemd-oomd", "/work.slice")),
    (
        "o09",
        ["Rule 'r' conditions met for cgroup /work.slice, taking action kill-all"],
        cgroup("systemd-oomd", "/work.slice"),
    ),
    (
        "o10",
        [RULE + "kill-by-pgscan"] + DUMP,
        cgroup("systemd-oomd", "/work.slice/kill me.service", oom_memcg="/work.slice"),
    ),
    ("o10 by swap", [RULE + "kill-by-swap"] + DUMP, cgroup("systemd-oomd", "/work.slice/kill me.service")),
    ("o10 without a victim", [RULE + "kill-by-pgscan"], dict(unresolved=["rule_fired"])),
    (
        "o10 in vain",
        [RULE + "kill-by-pgscan", "Failed to kill any cgroup(s) under /work.slice based on rule: No such process"],
        dict(unresolved=["rule_fired"]),
    ),
    (
        "o08 in vain",
        [RULE + "kill-all", "Failed to kill all processes in /work.slice: Operation not permitted"],
        dict(unresolved=["rule_fired"]),
    ),
    (
        "o10 in a dry run",
        [RULE + "kill-by-swap"]
        + DUMP
        + ["oomd dry-run: Would have tried to kill /work.slice/kill me.service and all its descendants"],
        NOTHING,
    ),
    ("o11", DUMP, NOTHING),
    ("o12", ["oomd dry-run: Would have tried to kill /work.slice with recurse=true"], NOTHING),
    ("o13", ["oomd dry-run: Would have tried to kill /work.slice and all its descendants"], NOTHING),
    ("o14", ["Invoking oomd prekill hook h for cgroup /work.slice", "oomd prekill hook h finished"], NOTHING),
    ("o15", ["Failed to kill any cgroup(s) under /work.slice based on pressure: No such process"], NOTHING),
    ("o16", ["Failed to kill all processes in /work.slice: Operation not permitted"], NOTHING),
    ("o17", ["oomd attempting to kill 71 with KILL"], one(comm=None, killer="systemd-oomd", partial=True)),
]

EARLY = 'sending SIGTERM to process 71 uid 1001 "hog": badness 866, VmRSS 5 MiB'
EARLYOOM = [
    ("e01", ["Killing process 71 hog"], dict(kills=[kill(killer="earlyoom")], bare=False)),
    ("e02", ["Killing process: hog, pid: 71, badness: 12, VmRSS: 5 MiB"], one(killer="earlyoom", oom_score=12)),
    (
        "e03",
        ["Killing process 'hog' with signal 15, pid: 71, badness: 12, VmRSS: 5 MiB"],
        one(killer="earlyoom", oom_score=12),
    ),
    ("e04", ['killing process 71 "hog" with signal 15: badness 12, VmRSS 5 MiB'], one(killer="earlyoom", oom_score=12)),
    ("e05", ['sending SIGKILL to process 71 "hog": badness 12, VmRSS 5 MiB'], one(killer="earlyoom", oom_score=12)),
    ("e06", [EARLY], one(killer="earlyoom", uid=1001, oom_score=866)),
    ("e06 in a list", ["- " + EARLY], one(killer="earlyoom", uid=1001)),
    (
        "e07",
        ['sending SIGTERM to process 71 uid 1001 "hog": oom_score 12, VmRSS 5 MiB, cmdline "hog -x"'],
        one(killer="earlyoom", oom_score=12),
    ),
    (
        "e08",
        ['sending SIGTERM to process 71 uid 1001 "hog": oom_score 12, oom_score_adj 3, VmRSS 5 MiB, cmdline "hog -x"'],
        one(killer="earlyoom", oom_score=12, oom_score_adj=3),
    ),
    ("e09", ["trigger_kernel_oom: successfully triggered kernel OOM killer"], NOTHING),
    ("e10", ["Invoking oom killer: done"], NOTHING),
    ("e11", [EARLY, "escalating to SIGKILL after 2.5 seconds"], one(killer="earlyoom")),
    ("e12", ["low memory! at or below SIGTERM limits: mem 10.00%, swap 10.00%"], NOTHING),
    (
        "e13",
        [
            "sending SIGTERM when mem <= 10.00% and swap <= 10.00%,",
            "        SIGKILL when mem <=  5.00% and swap <=  5.00%",
        ],
        NOTHING,
    ),
    ("e14", [EARLY, "kill failed: Operation not permitted"], NOTHING),
    ("e14, but sent", [EARLY, "kill failed: Timer expired"], one(killer="earlyoom")),
    ("e15", [EARLY, "dryrun, not actually sending any signal"], NOTHING),
    ("e16", ["OOM: Currently available: 12 < minimum: 13 (kiB)"], NOTHING),
    ("e17", [EARLY, "killing whole process group 71 (-g flag is active)"], one(killer="earlyoom")),
    (
        "e18",
        [
            "Killing process 'hog' with signal 15, pid: 71, badness: 12, VmRSS: 5 MiB",
            "kill() failed: Operation not permitted. Sleeping 1 second",
        ],
        NOTHING,
    ),
    (
        "e18 of 1.1",
        [
            "Killing process: hog, pid: 71, badness: 12, VmRSS: 5 MiB",
            "userspace_kill: kill() failed, sleeping 1 second",
        ],
        NOTHING,
    ),
    ("e18 to 1.0", ["Killing process 71 hog", "Could not kill process: Operation not permitted"], NOTHING),
    (
        "start",
        [
            "Preferring to kill process names that match regex '^(hog)$'",
            "Will avoid killing process names that match regex '^init$'",
        ],
        NOTHING,
    ),
]

NOHANG = [
    (
        "n01",
        ["Process with highest badness (found in 4 ms):", "  PID: 71, Name: hog, badness: 12", "Recheck memory levels...",
         "Implementing a corrective action:", "  Sending SIGTERM to the victim", "  OK; total response time: 5 ms"],
        one(killer="nohang", oom_score=12),
    ),
    (
        "n02",
        ["TOP printed in 4ms; process with highest badness:", "  PID: 71, name: hog, badness: 12", "Implementing a corrective action:",
         "  Sending SIGKILL to the victim"],
        one(killer="nohang"),
    ),
    ("n03", ["  PID: 71, Name: hog, badness: 12", "Implement a corrective action:", "  Send SIGTERM to the victim; response: 5 ms"], one(killer="nohang")),
    (
        "n04",
        ["Finding the process with the highest badness", "Victim is hog, pid: 71, badness: 12, VmRSS: 5 MiB, VmSwap: 0 MiB",
         "Sending SIGTERM to the victim; response time: 5 ms"],
        one(killer="nohang", oom_score=12),
    ),
    (
        "n05",
        ["Found a process with highest badness:", "  Name: hog", "  PID: 71", "  Badness: 12", "  VmRSS: 5 MiB", "  Send SIGTERM to the victim; 5 ms"],
        one(killer="nohang"),
    ),
    ("n06", ["  PID: 71, Name: hog, badness: 12", "Implementing a corrective action:", "  Executing the command: systemctl restart hog"], NOTHING),
    ("n06 kill", ["  PID: 71, Name: hog, badness: 12", "Implement an action:", "  Run the command: kill -TERM 71"], one(killer="nohang", oom_score=12)),
    ("n07", ["kmsg: Out of memory: Killed process 71 (hog) " + NEW], NOTHING),
    ("n08", ["Total stat (what happened in the last 26 sec):", "  [ OK ] Sending SIGTERM to hog: 1"], NOTHING),
]  # fmt: skip

PLACE = "[../src/oomd/plugins/BaseKillPlugin.cpp:210] "
FB_OOMD = [
    (
        "f01",
        [PLACE + "Trying to kill /sys/fs/cgroup/work.slice/a.scope", PLACE + "Killed 2: 71(hog) 72(pig) "],
        dict(kills=[kill(killer="oomd", task_memcg="/work.slice/a.scope"), kill(72, "pig", killer="oomd")]),
    ),
    (
        "f03",
        ["[Log.cpp:12] 81.2 80.1 42.7 work.slice/a.service 4123 ruleset:[r] detectorgroup:[d] killer:by_size v2"],
        cgroup("oomd", "/work.slice/a.service"),
    ),
    (
        "f03 told twice",
        [
            PLACE + "Trying to kill /sys/fs/cgroup/w/a",
            PLACE + "Killed 1: 71(hog)",
            "[Log.cpp:12] 81.2 80.1 42.7 w/a 4123 ruleset:[r] detectorgroup:[d] killer:x v2",
        ],
        one(killer="oomd", task_memcg="/w/a"),
    ),
    (
        "f04",
        [
            PLACE + "OOMD: In dry-run mode; would have tried to kill /sys/fs/cgroup/w/a",
            "[Log.cpp:12] 81.2 80.1 42.7 w/a 4 ruleset:[r] detectorgroup:[d] killer:(dry)x v2",
        ],
        NOTHING,
    ),
    ("f05", [PLACE + "Trying to kill /sys/fs/cgroup/w/a with cgroup.freeze and cgroup.kill"], cgroup("oomd", "/w/a")),
    ("f06", [PLACE + "Killed 2: 71 72(pig)[E1]"], dict(kills=[kill(71, None, killer="oomd")])),
    (
        "f07",
        [PLACE + "oomd kill: restarted systemd service=web.service"],
        dict(kills=[dict(killer="oomd", unit="web.service", partial=True)]),
    ),
    (
        "f08",
        [PLACE + "Trying to kill /sys/fs/cgroup/w/a", PLACE + "No processed killed from /sys/fs/cgroup/w/a"],
        NOTHING,
    ),
    ("f08 failed", [PLACE + "Failed to kill cgroup /sys/fs/cgroup/w/a: Operation not permitted"], NOTHING),
    ("f09", ["Killed 1: 71(hog)"], one(killer="oomd")),
    (
        "f10",
        [
            "0213 12:12:12 " + PLACE + "Trying to kill /sys/fs/cgroup/w/a",
            "0213 12:12:12 " + PLACE + "Killed 1: 71(hog)",
        ],
        one(killer="oomd", task_memcg="/w/a"),
    ),
]

TALOS = [
    (
        "t01",
        [
            'Sending SIGKILL to cgroup {"component": "controller-runtime", "controller": "runtime.OOMController", "cgroup": "/sys/fs/cgroup/kubepods/pod1"}'
        ],
        cgroup("talos", "/kubepods/pod1"),
    ),
]

BUSTD = [
    ("t03", ["warning: Successfully sent SIGTERM to process 71"], dict(kills=[kill(71, None, killer="bustd")])),
    ("t04", ["[LOG] Process with PID 71 has exited."], dict(kills=[kill(71, None, killer="bustd")])),
    ("t08", ["[LOG] Victim => pid: 71, comm: hog, oom_score: 12"], one(killer="bustd", oom_score=12)),
    (
        "t08 and t04",
        ["[LOG] Victim => pid: 71, comm: hog, oom_score: 12", "[LOG] Process with PID 71 has exited."],
        one(killer="bustd"),
    ),
]

ECHOES = [
    ("x01", "kubelet", ["W0101 oomwatcher_linux.go:93] System OOM encountered, victim process: hog, pid: 71"]),
    ("x02", "kubelet", ["I0101 Got sys oom event: &{71 hog 2026-01-01 00:00:00 /a /a/b}"]),
    (
        "x03",
        "node-problem-detector",
        ['reason OOMKilling: "Memory cgroup out of memory: Killed process 71 (hog) %s"' % NEW],
    ),
    (
        "x04",
        None,
        ["12m  Warning  OOMKilling  node/n1  (Memory cgroup out of memory: Killed process 71 (hog) %s)" % NEW],
    ),
    (
        "x04 plain",
        None,
        ["default  12m  Warning  OOMKilling  node/n1  Memory cgroup out of memory: Killed process 71 (hog) " + NEW],
    ),
    (
        "x05",
        "containerd",
        ['level=info msg="TaskOOM event container_id:\\"c1\\""', "TaskOOM event &TaskOOM{ContainerID:c1,}"],
    ),
    ("x06", "conmon", ["conmon c1 <ninfo>: OOM received", "conmon c1 <ninfo>: OOM event received"]),
    ("x07", "dockerd", ["container init was OOM-killed (memory limit too low?)"]),
    ("x08", "ecs-agent", ["DockerGoClient: process within container c1 died due to OOM"]),
    ("x09", "nomad", ["[ERROR] client.driver_mgr.docker: OOM Killed: container_id=c1"]),
    ("x10", "gpud", ["OOM encountered", "System OOM encountered, victim process: hog, pid: 71"]),
    (
        "x12",
        None,
        [
            '12:00:01 Triggered by PID 70 ("top"), OOM kill of PID 71 ("hog"), 12 pages, loadavg: 1.88 1.70 1.24 3/479 10508'
        ],
    ),
    (
        "x13",
        "slurmstepd",
        ["error: Detected 1 oom_kill event(s) in StepId=1.0. Some of the step tasks have been OOM Killed."],
    ),
    ("x14", "slurmd", ["error: StepId=1.0 exceeded memory limit (12 > 11), being killed"]),
    ("s11", "systemd-journald", ["Under memory pressure, flushing caches."]),
    ("t05", "psi-notify", ["Memory alert: active"]),
    ("t06", "low-memory-monitor", ["debug: Above threshold limit, killing task and pausing for recovery"]),
    (
        "t07",
        "lmkd",
        ["Kill 'hog' (71), uid 1001, oom_score_adj 900 to free 80kB rss, 0kB swap; reason: low watermark is breached"],
    ),
]

_BY_TAG = (
    ("kernel", KERNEL), ("systemd", SYSTEMD), ("systemd-oomd", OOMD), ("earlyoom", EARLYOOM), ("nohang", NOHANG), ("oomd", FB_OOMD),
    ("talos", TALOS), ("bustd", BUSTD),
)  # fmt: skip

#: (id, tag, lines, outcome)
ROWS = [(name, tag, lines, outcome) for tag, rows in _BY_TAG for name, lines, outcome in rows]
ROWS += [(name, tag, lines, NOTHING) for name, tag, lines in ECHOES]
