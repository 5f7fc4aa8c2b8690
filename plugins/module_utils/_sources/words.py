# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words by which a kernel message may belong to an out-of-memory report: a sieve for whole records, no parser.

It lets too much through rather than too little; the parser anchors, this only spares it the firewall's lines.
"""

import re
from typing import Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

#: Kill and announcement lines of every era, the invoker's ``CPU: .. Comm:`` line, cgroup lines, panics, lost reports.
KERNEL_WORDS = (
    b"ill process ",  # "Kill process", 2.6.32 "kill process"
    b"illed process ",
    b"illing process ",  # 2.6.18 "VM: killing process"
    b"oom-kill",  # "invoked oom-killer", "oom-kill:constraint="
    b"ut of memory",
    b"ut of Memory",  # 2.6.9 and 2.6.18
    b"omm: ",  # "Comm: " and RHEL 6 "comm: "
    b"killed as a result of limit",
    b"limit reached of cgroup",
    b"memory.oom.group",
    b"OOM execution",  # sysrq-f
    b"OOM request ignored",
    b"OOM victim ",
    b"OOM kill",  # OpenVZ "OOM killed process", "OOM killer in rage"
    b"deadlocked on memory",
    b"oom_kill_process: ",  # "callbacks suppressed"
)  # type: Tuple[bytes, ...]

#: A report's beginning, after which the task table comes, and its end.
BLOCK_BEGIN = "oom-killer: "
BLOCK_END = "illed process "

_SIEVE = regex(b"|".join(re.escape(word) for word in KERNEL_WORDS))


def may_matter(message: bytes) -> bool:
    """True for every kernel message that an OOM parser could want, and for few others."""
    return _SIEVE.search(message) is not None


def pattern() -> str:
    """The same sieve for ``journalctl --grep``. It has upper-case letters, so journalctl compares case too."""
    return "|".join(re.escape(word.decode("ascii")).replace("\\ ", " ") for word in KERNEL_WORDS)
