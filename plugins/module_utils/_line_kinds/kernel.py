# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kernels print of a shortage of memory: one row per kind of line, its patterns under the kernels that print them.

A new kernel line is a row here and a row in KILLS of the parser's test. comm is up to 15 bytes of anything, so every
pattern takes it greedily up to the last delimiter that only the kernel can have written there.

A line may be written by somebody who wants to stop the parser: numbers end at 20 digits (int() of 5,000 is an error
since Python 3.11), and no pattern holds two open-ended parts, of which each would be tried against each.
"""

import re

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .model import CUT, LineKind, beginning_of

# The allocation context before "Kill process" (to 5.0) and "Killed process" (since 5.1).
_CONTEXT = (
    r"(?P<context>Memory cgroup out of memory|[Oo]ut of [mM]emory(?: \([^()]{1,40}\))?"
    r"|No available memory \(MPOL_BIND\)|No available memory in cpuset): "
)
_MAYBE_CONTEXT = r"(?:" + _CONTEXT + r")?"
_KB = r"kB,?\s*"
# vsz to 2.6.35, total-vm in every form since; the rest came one by one: shmem-rss 4.5, UID and what follows 5.4 (EL8
# earlier).
_SIZES = (
    r"(?:total-vm|vsz):\s?(?P<total_vm>\d{1,20})"
    + _KB
    + r"(?:anon-rss:(?P<anon_rss>\d{1,20})"
    + _KB
    + r")?(?:file-rss:(?P<file_rss>\d{1,20})kB?)?"
    r"(?:,?\s*shmem-rss:(?P<shmem_rss>\d{1,20})kB)?(?:,?\s*UID:(?P<uid>\d{1,20}))?"
    r"(?:,?\s*pgtables:(?P<pgtables>\d{1,20})kB)?(?:,?\s*oom_score_adj:(?P<oom_score_adj>-?\d{1,20}))?"
)

KILLED = (
    # 2.6.33 to 7.0, EL7 before 3.10.0-700, EL8, EL9, EL10; Virtuozzo 7 ("in VE") and 8, 9 ("VE") name the container
    regex(
        _MAYBE_CONTEXT
        + r"Killed process (?P<pid>\d{1,20})\s*\((?P<comm>.*)\)(?: (?:in )?VE \"[^\"\n]{0,64}\")?\s*"
        + _SIZES,
        re.DOTALL,
    ),
    # EL7 3.10.0-862 and later
    regex(
        _MAYBE_CONTEXT + r"Killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\), UID (?P<task_uid>\d{1,20}), " + _SIZES,
        re.DOTALL,
    ),
    # EL6 2.6.32-642
    regex(
        _MAYBE_CONTEXT
        + r"Killed process (?P<pid>\d{1,20}), UID (?P<task_uid>\d{1,20}),\s*\((?P<comm>.*)\)\s*"
        + _SIZES,
        re.DOTALL,
    ),
    # EL5
    regex(
        _MAYBE_CONTEXT + r"Killed process (?P<pid>\d{1,20}), UID (?P<task_uid>\d{1,20}),\s*\((?P<comm>.*)\)\.?$",
        re.DOTALL,
    ),
    # what an author left of a newer one
    regex(
        _MAYBE_CONTEXT + r"Killed process (?P<pid>\d{1,20})"
        r" \((?P<comm>.*)\)\s*anon-rss:(?P<anon_rss>\d{1,20})kB(?:,?\s*file-rss:(?P<file_rss>\d{1,20})kB)?"
        r"(?:,?\s*shmem-rss:(?P<shmem_rss>\d{1,20})kB)?(?:,?\s*UID:(?P<uid>\d{1,20}))?(?:,?\s*oom_score_adj:"
        r"(?P<oom_score_adj>-?\d{1,20}))?",
        re.DOTALL,
    ),
    # 2.6.9 to 2.6.32: no sizes; 2.6.18 ends with a dot; whoever pastes it may close a quotation
    regex(_MAYBE_CONTEXT + r"Killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\)[.,;:!*`\"']{0,3}\s*$", re.DOTALL),
)
# Typed by hand: without capitals; the words alone are anybody's.
KILLED_TYPED = (
    regex(r"(?:" + _CONTEXT + r")killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\)\s*(?:" + _SIZES + r"|[.,;:]?\s*$)"),
    regex(_MAYBE_CONTEXT + r"killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\)\s*" + _SIZES),
)
# Cut before the first size: behind the name, in the name (which is not known then), in the number (the context tells).
KILLED_CUT = (
    regex(
        _MAYBE_CONTEXT
        + r"Killed process (?P<pid>\d{1,20})(?:, UID (?P<task_uid>\d{1,20}),)? \((?P<comm>[^\n]{0,60})\)"
        + r"(?:, UID (?P<uid>\d{1,20}),)?(?:, UI?D? ?\d{0,20}|,? ?"
        + beginning_of("total-vm:")
        + r"\d{0,20}k?)"
        + CUT
    ),
    regex(_MAYBE_CONTEXT + r"Killed process (?P<pid>\d{1,20}),? (?:UID (?P<task_uid>\d{1,20}), )?\([^)\n]{0,60}$"),
    regex(_MAYBE_CONTEXT + r"Killed process (?P<pid>\d{1,20}), ?(?:UI?D? ?\d{0,20},? ?)?" + CUT),
    regex(_CONTEXT + r"Killed process \d{0,20}" + CUT),
)
# 2.6.35 to 4.2: a process with the same mm gets its SIGKILL right behind this line.
SHARING = regex(
    _MAYBE_CONTEXT + r"[Kk]ill process (?P<pid>\d{1,20}) \((?P<comm>.*)\) sharing same memory\s*$", re.DOTALL
)
# 2.6.18 on x86, from a page fault: no pid.
VM_KILLING = regex(r"VM: killing process (?P<comm>.*)$", re.DOTALL)
OPENVZ = (
    # Virtuozzo 6: 042stab141 (the context as in mainline), another build (the beancounter)
    regex(
        r"(?:(?P<context>Memory cgroup out of memory|Out of memory(?: in UB \d{1,20}| \([^()]{1,40}\))?): )?"
        r"OOM killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\) score (?P<score>-?\d{1,20}) "
        r"vm:(?P<total_vm>\d{1,20})kB, rss:(?P<rss>\d{1,20})kB, swap:(?P<swap>\d{1,20})kB",
        re.DOTALL,
    ),
    # Virtuozzo 6: one process after the other, without a new report
    regex(r"OOM kill in rage task (?P<pid>\d{1,20}) \((?P<comm>.*)\) score (?P<score>-?\d{1,20}) in ub ", re.DOTALL),
    # Virtuozzo 8 and 9: the same
    regex(r"Rage kill process (?P<pid>\d{1,20}) \((?P<comm>.*)\)\s*$", re.DOTALL),
)

# 2.6.18 (capital M, "and children"), 2.6.32 (lower-case k, "or a child"), 2.6.36 to 5.0, EL6, EL7.
CHOSEN = regex(
    _CONTEXT + r"[Kk]ill process (?P<pid>\d{1,20})\s*\((?P<comm>.*)\)\s*score (?P<score>\d{1,20})"
    r"(?:\s*(?:or sacrifice child|or a child|and children\.?)(?:[.,;:!*`\"' ]{1,4}[^\n]{0,24})?)?\s*$",
    re.DOTALL,
)
# The same, cut.
CHOSEN_CUT = (
    regex(
        _CONTEXT
        + r"[Kk]ill process (?P<pid>\d{1,20}) \((?P<comm>[^\n]{0,60})\) score (?P<score>\d{1,20}) (?:"
        + beginning_of("or sacrifice child")
        + "|"
        + beginning_of("and children")
        + r")"
        + CUT
    ),
    regex(
        _CONTEXT
        + r"[Kk]ill process (?P<pid>\d{1,20}) \((?P<comm>[^\n]{0,60})\) ?"
        + beginning_of("score ")
        + r"\d{0,20}"
        + CUT
    ),
    regex(_CONTEXT + r"[Kk]ill process (?P<pid>\d{1,20}) \([^)\n]{0,60}$"),
)
# What is left when the cut fell into the context, or right behind it.
CONTEXT_CUT = regex(
    r"(?:Memory cgroup o"
    + beginning_of("ut of memory: Killed process")
    + r"|Out of memory: ?(?=[K>.\u2026])"
    + beginning_of("Killed process")
    + r"|Out of memory: Kill process \d{0,20}|Memory cgroup out of memory: Kill process \d{0,20})"
    + CUT
)

# 2.6.19 to 7.0; nodemask= in 4.15 to 4.20 and EL8; order=-1 is sysrq-f; gfp_mask=0x0() is BPF or sysrq.
HEADER = regex(
    r"(?P<comm>.*)"
    r" invoked\s*oom-killer:\s*gfp_mask=(?P<gfp_mask>0x[0-9a-fA-F]+)(?:\([^)]{0,800}\))?,.{0,800}?\border="
    r"(?P<order>-?\d{1,20})",
    re.DOTALL,
)
# 2.6.18 named nobody.
HEADER_ANONYMOUS = regex(r"oom-killer: gfp_mask=(?P<gfp_mask>0x[0-9a-fA-F]+), order=(?P<order>-?\d{1,20})")
# Virtuozzo 6; and any header of which the rest was lost.
HEADER_CUT = (
    regex(r"\d{1,20} \((?P<comm>.{0,64})\) invoked oom-killer in ub ", re.DOTALL),
    regex(r"(?P<comm>.{0,64}) invoked oom-killer:(?: gfp_mask=(?P<gfp_mask>0x[0-9a-fA-F]+))?", re.DOTALL),
)

# 5.0 to 7.0 and EL8: printed before the kill. Read from both ends by parse_summary().
SUMMARY = regex(r"oom-kill:\s*constraint=[A-Z]")

# 3.10 to 7.0; UID: since 6.12. The release is the first word after the taint flags.
CPU_LINE = regex(
    r"CPU: \d+ (?:UID: \d+ )?PID: (?P<pid>\d{1,20}) Comm: (?P<comm>.{0,160}?)(?: Kdump: loaded)? "
    r"(?:Not tainted|Tainted: [A-Z() \-\n]{1,80}?)\s{0,80}(?P<release>\d\S*)",
    re.DOTALL,
)
# 2.6.32, EL6
PID_LINE = regex(
    r"Pid: (?P<pid>\d{1,20}), comm: (?P<comm>.{0,160}?) (?:Not tainted|Tainted: [A-Z()"
    r" \-]{1,80}?)\s{1,80}(?P<release>\d\S*)",
    re.DOTALL,
)

# 2.6.32 to 4.20, EL6, EL7: the first is the task's cgroup, the second the one whose limit was hit.
MEMCG_LIMIT = regex(r"Task in (?P<task_memcg>/.*) killed as a result of limit of (?P<oom_memcg>/.*)$", re.DOTALL)
# 4.4 to 4.20, when there is no victim.
MEMCG_REACHED = regex(r"Memory limit reached of cgroup (?P<oom_memcg>/.*)$", re.DOTALL)
# 4.19 and later
GROUP = regex(r"Tasks in (?P<memcg>/.*) are going to be killed due to memory\.oom\.group set\s*$", re.DOTALL)

# 4.1 to 4.19 say it twice: "sysrq: SysRq : Manual OOM execution".
SYSRQ = regex(r"(?:sysrq: )?(?:sysrq|SysRq) ?: Manual OOM execution")
# 4.10 and later: nothing was to be done.
SYSRQ_IGNORED = regex(r"(?:sysrq: )?OOM request ignored")
# 5.10 and later: the victim was dying by itself. No kill.
EXITING = (
    regex(_MAYBE_CONTEXT + r"OOM victim (?P<pid>\d{1,20}) \(.*\) is already exiting", re.DOTALL),
    # EL6, Virtuozzo 6
    regex(r"Would have killed process (?P<pid>\d{1,20}) \(", re.DOTALL),
)

# To 4.18 a panic, since 4.19 a warning (and a panic when global).
NO_VICTIM = regex(r"Out of memory and no killable processes\.\.\.")
PANIC = regex(
    r"(?:Kernel panic - not syncing: )(?:Out of memory\b|out of memory\b|System is deadlocked on memory)", re.IGNORECASE
)

# 4.6 and later: who is reaped was killed before.
REAPED = regex(r"oom_reaper: reaped process (?P<pid>\d{1,20}) \((?P<comm>.*)\), now anon-rss:", re.DOTALL)
# Virtuozzo 6, 8, 9: how many, and whose child.
RAGE = (
    regex(r"OOM killer in rage\b"),
    regex(_MAYBE_CONTEXT + r"Kill child of process \d{1,20} \(", re.DOTALL),
)

# Lines that are known and tell of no kill.
HARMLESS = (
    # 4.6 and later
    regex(r"oom_reaper: (?:unable to reap|attempted to reap)"),
    regex(r"oom killer \d{1,20} \(.{0,64}\) (?:in VE \"[^\"\n]{0,64}\" )?has mm pinned by \d", re.DOTALL),
    # suspend and hibernation
    regex(r"OOM killer (?:disabled|enabled)\."),
    # printk's rate limit
    regex(r"oom_kill_process: \d{1,20} callbacks suppressed"),
    # 5.10 and later
    regex(r"Huh VM_FAULT_OOM leaked out"),
    # openEuler 4.19
    regex(r"OOM_NOTIFIER: oom type \d"),
)

# The task table: 2.6.32 to 6.12; columns are read by name. "[ pid ]" to 4.18, "[  pid  ]" since 4.19.
TABLE_HEADER = regex(r"\[ *pid *\] +(?P<columns>uid +tgid +total_vm .*\boom_(?:score_)?adj +name)\s*$")
# The same, broken by a mail program or a terminal.
TABLE_HEADER_BROKEN = regex(r"\[ *pid *\] +uid +tgid +total_vm ")
TABLE_ROW = regex(r"\[ *(?P<pid>\d{1,20})\] +(?P<rest>\d+ +\d+ +\d+ .*)$", re.DOTALL)
PAGE_SIZE = regex(r"Node \d+ (?:DMA|DMA32|Normal|Movable|Device): (?:\d+\*(?P<kb>\d{1,20})kB)")

#: In the order in which they are tried. The handlers are methods of Kernel.
KERNEL = (
    LineKind("a process was killed", ("Killed process ",), KILLED, "killed", anchor="Killed process "),
    LineKind("summary of a report", ("oom-kill",), (SUMMARY,), "summary", anchor="oom-kill:constraint=CONSTRAINT_"),
    LineKind(
        "beginning of a report", ("oom-kill",), (HEADER, HEADER_ANONYMOUS), "header", anchor="oom-killer: gfp_mask=0x"
    ),
    LineKind("beginning of a report, cut", ("oom-kill",), HEADER_CUT, "trace"),
    LineKind("one more that shares the memory", ("ill process ",), (SHARING,), "sharing"),
    LineKind("a process was chosen", ("ill process ",), (CHOSEN,), "chosen"),
    LineKind("the task that asked, and the kernel", ("omm: ",), (CPU_LINE, PID_LINE), "cpu_line"),
    LineKind(
        "cgroups of a report",
        ("killed as a result of limit", "limit reached of cgroup"),
        (MEMCG_LIMIT, MEMCG_REACHED),
        "memcg_limit",
    ),
    LineKind("a whole group is killed", ("memory.oom.group",), (GROUP,), "group"),
    LineKind("the victim was dying already", ("OOM victim ", "illed process "), EXITING, "exiting"),
    LineKind("no process could be killed", ("ut of memory",), (NO_VICTIM,), "no_victim", end="no killable processes"),
    LineKind("panic", ("ut of memory", "deadlocked on memory"), (PANIC,), "no_victim", end="not syncing: "),
    LineKind("sysrq", ("OOM execution",), (SYSRQ,), "sysrq"),
    LineKind("sysrq, in vain", ("OOM request ignored",), (SYSRQ_IGNORED,), "ignored"),
    LineKind("page fault of 2.6.18", ("illing process ",), (VM_KILLING,), "page_fault"),
    LineKind("Virtuozzo", ("OOM kill", "ill process "), OPENVZ, "openvz"),
    LineKind("Virtuozzo, more of them", ("OOM kill", "Kill child of process"), RAGE, "trace"),
    LineKind("the victim's memory is free", ("oom_reaper: reaped process",), (REAPED,), "reaped"),
    LineKind(
        "known and harmless",
        ("oom_reaper: ", "oom killer ", "OOM killer ", "oom_kill_process: ", "VM_FAULT_OOM", "OOM_NOTIFIER"),
        HARMLESS,
    ),
)
#: What people leave of a line; the parser tries it last, and no large file is searched for it.
KERNEL_LEFT = (
    LineKind("a process was killed, typed by hand", ("killed process ",), KILLED_TYPED, "killed"),
    LineKind("a process was killed, cut", ("Killed process ",), KILLED_CUT, "killed_cut"),
    LineKind("a process was chosen, cut", ("ill process ",), CHOSEN_CUT, "chosen_cut"),
    LineKind("a context, cut", ("ut of m", "emory cgroup o"), (CONTEXT_CUT,), "trace"),
)
