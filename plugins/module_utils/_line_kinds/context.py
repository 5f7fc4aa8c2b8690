# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines around a hit in a large file are kept, derived from the rows of the table. Loaded where there is a hit,
which is rare.
"""

import re
from typing import Dict, List, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .daemons import DAEMONS
from .kernel import KERNEL
from .needles import fewest

_STANDING_ALONE = [
    kind
    for _tags, kinds in DAEMONS + ((("kernel",), KERNEL),)
    for kind in kinds
    if kind.handler and kind.before + kind.after
]
_MAY_COME = ("OOM", "taking action")


def _one_of(words: Tuple[str, ...]) -> bytes:
    """An expression for all of them, by their first letters: three times as fast as the words in a row."""
    rest = {}  # type: Dict[str, List[str]]
    for word in words:
        rest.setdefault(word[0], []).append(re.escape(word[1:]))
    return "|".join("%s(?:%s)" % (re.escape(first), "|".join(ends)) for first, ends in sorted(rest.items())).encode(
        "ascii"
    )


#: What may come as well, but no row of a call trace: every report has some, with a name such as oom_kill_process in
#: them.
_NO_TRACE = rb"\ oom(?![\w.]{1,64}\+0x)"

#: What a line says that is kept because an anchor stands in it: words of a row, or of what may come.
WORDS = regex(
    _one_of(fewest([needle for kind in _STANDING_ALONE for needle in kind.needles] + list(_MAY_COME)))
    + b"|"
    + _NO_TRACE
)


def around(line: bytes) -> Tuple[int, int]:
    """How many lines before and after it a line needs."""
    before = after = 1
    for kind in _STANDING_ALONE:
        wide = kind.before > before or kind.after > after
        if wide and any(needle.encode("ascii") in line for needle in kind.needles):
            before, after = max(before, kind.before), max(after, kind.after)
    return before, after
