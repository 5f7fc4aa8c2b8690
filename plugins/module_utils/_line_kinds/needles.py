# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to look for, derived from the rows of the table: a sieve for whole kernel records, and anchors for the bytes of
large files.

Both let too much through rather than too little; the parser anchors, this only spares it the firewall's lines.
"""

import re
from typing import Iterable, List, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .kernel import KERNEL

#: Words of no row: what kernels of tomorrow may say, and what other programs write to the kernel's log.
_DRIFT = (
    "ill process ",
    "illed process ",
    "illing process ",
    "ut of memory",
    "ut of Memory",
    "OOM kill",
    "OOM-kill",
    " killer:",
    "SIGKILL to cgroup ",
)


def fewest(needles: Iterable[str]) -> Tuple[str, ...]:
    """The needles without those that hold another one: where the longer stands, the shorter stands."""
    found = []  # type: List[str]
    for needle in sorted(set(needles), key=len):
        if not any(shorter in needle for shorter in found):
            found.append(needle)
    return tuple(found)


#: One of them stands in every kernel line that the parser could want.
NEEDLES = fewest([needle for kind in KERNEL if kind.handler for needle in kind.needles] + list(_DRIFT))

#: A report's beginning, after which the task table comes, and its end.
BLOCK_BEGIN = "oom-killer: "
BLOCK_END = "illed process "

_SIEVE = regex(b"|".join(re.escape(needle.encode("ascii")) for needle in NEEDLES))


def may_matter(message: bytes) -> bool:
    """True for every kernel message that an OOM parser could want, and for few others."""
    return _SIEVE.search(message) is not None


def pattern() -> str:
    """The same sieve for ``journalctl --grep``. It has upper-case letters, so journalctl compares case too."""
    return "|".join(re.escape(needle).replace("\\ ", " ") for needle in NEEDLES)


def _anchors(words: Iterable[str]) -> Tuple[bytes, ...]:
    return tuple(word.encode("ascii") for word in words if word)


#: Every kernel since 2.6.19 that killed or wanted to kill prints one of these: of a kill, of its summary, of a report.
KERNEL_ANCHORS = _anchors(kind.anchor for kind in KERNEL)
#: What ends a report without a kill; a large file is looked through for it behind heads only.
ENDS = _anchors(kind.end for kind in KERNEL)
#: All killers, all eras, lines that stand alone. Short needles: half as fast again. By their tags: killers that say
#: little, in any words.
ALL_ANCHORS = (b"Kill", b"kill", b"ending SIG", b"not syncing: ", b"to the victim", b"systemd-oomd", b"bustd[")
#: The most lines that a row needs before it: nohang's signal, whose victim was named further up.
LINES_BEFORE = 48
