# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kernels print, one pattern per line kind and era, anchored at the start of the message.

A message never matches in its middle: kernel lines quote user text (audit, mount options).
comm is up to 15 bytes of anything, so every pattern takes it greedily up to the last
delimiter that only the kernel can have written there.

A line may be written by somebody who wants to stop the parser: numbers end at 20 digits (int() of 5,000 is an error
since Python 3.11), and no pattern holds two open-ended parts, of which each would be tried against each.
"""

import re
from typing import List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

# The allocation context before "Kill process" (to 5.0) and "Killed process" (since 5.1).
_CONTEXT = (
    r"(?P<context>Memory cgroup out of memory|Out of [mM]emory(?: \([^()]{1,40}\))?"
    r"|No available memory \(MPOL_BIND\)|No available memory in cpuset): "
)
_KB = r"kB,?\s*"
# vsz to 2.6.35, total-vm in every form since; the rest came one by one: shmem-rss 4.5, UID and what follows 5.4 (EL8 earlier).
_SIZES = (
    r"(?:total-vm|vsz):\s?(?P<total_vm>\d{1,20})" + _KB + r"(?:anon-rss:(?P<anon_rss>\d{1,20})" + _KB + r")?(?:file-rss:(?P<file_rss>\d{1,20})kB?)?"
    r"(?:,?\s*shmem-rss:(?P<shmem_rss>\d{1,20})kB)?(?:,?\s*UID:(?P<uid>\d{1,20}))?"
    r"(?:,?\s*pgtables:(?P<pgtables>\d{1,20})kB)?(?:,?\s*oom_score_adj:(?P<oom_score_adj>-?\d{1,20}))?"
)

KILLED = (
    # 2.6.33 to 6.18, EL7 before 3.10.0-700, EL8, EL9, EL10; Virtuozzo names the container
    regex(r"(?:" + _CONTEXT + r")?Killed process (?P<pid>\d{1,20})\s*\((?P<comm>.*)\)(?: in VE \"[^\"\n]{0,64}\")?\s*" + _SIZES, re.DOTALL),
    # EL7 3.10.0-862 and later
    regex(r"(?:" + _CONTEXT + r")?Killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\), UID (?P<task_uid>\d{1,20}), " + _SIZES, re.DOTALL),
    # EL6 2.6.32-642
    regex(r"(?:" + _CONTEXT + r")?Killed process (?P<pid>\d{1,20}), UID (?P<task_uid>\d{1,20}),\s*\((?P<comm>.*)\)\s*" + _SIZES, re.DOTALL),
    # EL5
    regex(r"(?:" + _CONTEXT + r")?Killed process (?P<pid>\d{1,20}), UID (?P<task_uid>\d{1,20}),\s*\((?P<comm>.*)\)\.?$", re.DOTALL),
    # 2.6.9 to 2.6.32: no sizes; 2.6.18 ends with a dot
    regex(r"(?:" + _CONTEXT + r")?Killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\)\.?$", re.DOTALL),
)
# 2.6.18 on x86, from a page fault: no pid.
VM_KILLING = regex(r"VM: killing process (?P<comm>.*)$", re.DOTALL)

# 2.6.18 (capital M, "and children"), 2.6.32 (lower-case k, "or a child"), 2.6.36 to 5.0, EL6, EL7.
CHOSEN = regex(
    _CONTEXT + r"[Kk]ill process (?P<pid>\d{1,20})\s*\((?P<comm>.*)\)\s*score (?P<score>\d{1,20})"
    r"(?:\s*(?:or sacrifice child|or a child|and children\.?))?\s*$",
    re.DOTALL,
)

# 2.6.19 to 6.18; nodemask= in 4.15 to 4.20 and EL8; order=-1 is sysrq-f; gfp_mask=0x0() is BPF or sysrq.
HEADER = regex(
    r"(?P<comm>.*) invoked\s*oom-killer:\s*gfp_mask=(?P<gfp_mask>0x[0-9a-fA-F]+)(?:\([^)]{0,800}\))?,.{0,800}?\border=(?P<order>-?\d{1,20})",
    re.DOTALL,
)
# 2.6.18 named nobody.
HEADER_ANONYMOUS = regex(r"oom-killer: gfp_mask=(?P<gfp_mask>0x[0-9a-fA-F]+), order=(?P<order>-?\d{1,20})")

# 3.10 to 6.18; UID: since 6.12. The release is the first word after the taint flags.
CPU_LINE = regex(
    r"CPU: \d+ (?:UID: \d+ )?PID: (?P<pid>\d{1,20}) Comm: (?P<comm>.{0,160}?)(?: Kdump: loaded)? "
    r"(?:Not tainted|Tainted: [A-Z() \-\n]{1,80}?)\s{0,80}(?P<release>\d\S*)",
    re.DOTALL,
)
# 2.6.32, EL6
PID_LINE = regex(r"Pid: (?P<pid>\d{1,20}), comm: (?P<comm>.{0,160}?) (?:Not tainted|Tainted: [A-Z() \-]{1,80}?)\s{1,80}(?P<release>\d\S*)", re.DOTALL)

# 2.6.32 to 4.20, EL6, EL7: the first is the task's cgroup, the second the one whose limit was hit.
MEMCG_LIMIT = regex(r"Task in (?P<task_memcg>/.*) killed as a result of limit of (?P<oom_memcg>/.*)$", re.DOTALL)
# 4.4 to 4.20, when there is no victim.
MEMCG_REACHED = regex(r"Memory limit reached of cgroup (?P<oom_memcg>/.*)$", re.DOTALL)
# 4.19 and later
GROUP = regex(r"Tasks in (?P<memcg>/.*) are going to be killed due to memory\.oom\.group set\s*$", re.DOTALL)

# 4.1 to 4.19 say it twice: "sysrq: SysRq : Manual OOM execution".
SYSRQ = regex(r"(?:sysrq: )?(?:sysrq|SysRq) ?: Manual OOM execution")
# All eras: the victim was dying by itself. No kill.
ALREADY_EXITING = regex(r"(?:" + _CONTEXT + r")?OOM victim (?P<pid>\d{1,20}) \(.*\) is already exiting", re.DOTALL)

# To 4.18 a panic, since 4.19 a warning (and a panic when global).
NO_VICTIM = regex(r"Out of memory and no killable processes\.\.\.")
PANIC = regex(r"(?:Kernel panic - not syncing: )(?:Out of memory\b|out of memory\b|System is deadlocked on memory)", re.IGNORECASE)

# The task table: 2.6.32 to 6.12; columns are read by name. "[ pid ]" to 4.18, "[  pid  ]" since 4.19.
TABLE_HEADER = regex(r"\[ *pid *\] +(?P<columns>uid +tgid +total_vm .*\bname)\s*$")
# The same, broken by a mail program or a terminal.
TABLE_HEADER_BROKEN = regex(r"\[ *pid *\] +uid +tgid +total_vm ")
TABLE_ROW = regex(r"\[ *(?P<pid>\d{1,20})\] +(?P<rest>\d+ +\d+ +\d+ .*)$", re.DOTALL)
PAGE_SIZE = regex(r"Node \d+ (?:DMA|DMA32|Normal|Movable|Device): (?:\d+\*(?P<kb>\d{1,20})kB)")

# Containers and cloud hypervisors: OpenVZ 6.
OPENVZ = regex(
    r"Out of memory in UB (?P<ub>\d{1,20}): OOM killed process (?P<pid>\d{1,20}) \((?P<comm>.*)\) score (?P<score>-?\d{1,20}) "
    r"vm:(?P<total_vm>\d{1,20})kB, rss:(?P<rss>\d{1,20})kB, swap:(?P<swap>\d{1,20})kB",
    re.DOTALL,
)

# A kernel line that looks like a kill and that no pattern took: format drift.
SUSPICIOUS = regex(r"(?:[^:]{0,60}: )?(?:Killed process \d|[Kk]ill process \d+ \(|oom-kill:|OOM killed process)")
# Known kernel lines that mention killing and are none: 2.6.32 EL6 wording.
NOT_A_KILL = regex(r"(?:[Kk]ill process \d+ \(.*\) sharing same memory|Would have killed process)", re.DOTALL)


class Summary(NamedTuple):
    """The ``oom-kill:`` line, 5.0 to 6.18 and EL8: printed before the kill."""

    constraint: str
    scope: str
    oom_memcg: Optional[str]
    task_memcg: Optional[str]
    comm: Optional[str]
    pid: Optional[int]
    uid: Optional[int]
    nodes: Optional[str] = None


_SUMMARY_HEAD = regex(r"oom-kill:\s*constraint=(?P<constraint>[A-Z]\w*),(?:nodemask=(?P<nodemask>[\d,-]{1,256}),cpuset=)?")
# The kernel's own: a cpuset is a leaf name, which may hold commas and no slash.
_MEMS_ALLOWED = regex(r",mems_allowed=(?P<nodes>[\d,-]{1,256}),(?:oom_memcg=/|global_oom|task_memcg=/|task=)")
# Whoever quotes the line likes to put blanks behind its commas.
_SPACED = regex(r",\s+(?=(?:nodemask|cpuset|mems_allowed|oom_memcg|task_memcg|task|pid|uid)=|global_oom)")
_SUMMARY_TAIL = regex(r",\s*pid=(?P<pid>\d{1,20}),\s*uid=(?P<uid>\d{1,20})\s*$")


def _occurrences(text: str, needle: str) -> List[int]:
    found = []  # type: List[int]
    at = text.find(needle)
    while at >= 0:
        found.append(at)
        at = text.find(needle, at + 1)
    return found


def _split_memcgs(text: str) -> Tuple[str, Optional[str], Optional[str]]:
    """scope, oom_memcg, task_memcg of the middle part.

    cpuset= is a leaf without slashes, so the first ``,oom_memcg=/`` is the kernel's. cgroup names may
    hold anything else; the kernel's split is the one where the task lies below the limit.
    """
    limit = text.find(",oom_memcg=/")
    tasks = _occurrences(text, ",task_memcg=/")
    if limit < 0 or (tasks and tasks[0] < limit):
        task = text[tasks[0] + 12 :] if tasks else None
        return ("global" if ",global_oom" in text or task else "unknown"), None, task
    below = [at for at in tasks if at > limit]
    for at in below:
        oom_memcg, task_memcg = text[limit + 11 : at], text[at + 12 :]
        if oom_memcg == "/" or task_memcg == oom_memcg or task_memcg.startswith(oom_memcg + "/"):
            return "memcg", oom_memcg, task_memcg
    if below:
        return "memcg", text[limit + 11 : below[0]], text[below[0] + 12 :]
    return "memcg", text[limit + 11 :].rstrip(), None


def parse_summary(text: str) -> Optional[Summary]:
    """The ``oom-kill:`` line, from both ends: every name in it is chosen by somebody. A cut line gives what is whole."""
    if ", oom_memcg=/" in text and ",oom_memcg=/" not in text:
        text = _SPACED.sub(",", text)
    head = _SUMMARY_HEAD.match(text)
    if not head:
        return None
    tail = _SUMMARY_TAIL.search(text)
    middle = text[head.end("constraint") : tail.start() if tail else len(text)]
    # Only where these nodes were what was short.
    allowed = _MEMS_ALLOWED.search(middle) if head.group("constraint") in ("CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY") else None
    comm = None  # type: Optional[str]
    if tail:
        at = middle.rfind(",task=")
        if at >= 0:
            middle, comm = middle[:at], middle[at + 6 :]
    scope, oom_memcg, task_memcg = _split_memcgs(middle)
    if not tail:
        task_memcg = None  # cut somewhere in the name
        if ",task_memcg=" not in middle:
            oom_memcg = None
    return Summary(
        constraint=head.group("constraint"),
        scope=scope,
        oom_memcg=oom_memcg,
        task_memcg=task_memcg,
        comm=comm,
        pid=int(tail.group("pid")) if tail else None,
        uid=int(tail.group("uid")) if tail else None,
        nodes=head.group("nodemask") or (allowed.group("nodes") if allowed else None),
    )
