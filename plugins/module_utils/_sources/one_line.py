# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several lines of a log on one line: a web page took the newlines, a form made a blank of each, a program wrote them
as ``\\n``.

Taken apart only where the first of them is the kernel's or a killer's by itself, and each of the others begins as such
a line does: what a program quotes within its own message stays that program's.
"""

from typing import List, Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

_RECORD = (
    rb"(?:(?:Memory cgroup out of memory|[Oo]ut of [mM]emory)(?: \([^()]{1,40}\))?: )?"
    rb"[Kk]ill(?:ed)? process \d{1,20}(?: \(|, UID )"
    rb"|oom-kill:constraint=[A-Z]|oom_reaper: reaped process \d|[^\s:]\S{0,14} invoked oom-killer: gfp_mask="
    rb"|sending SIG[A-Z]{1,8} to process \d|Killed /\S|Marked /\S"
)
_STAMP = (
    rb"(?:[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d"
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
)
_PREFIX = (
    rb"(?:" + _STAMP + rb" (?:\S{1,255} )?(?:kernel|systemd-oomd\[\d{1,10}\]|earlyoom\[\d{1,10}\]): )?"
    rb"(?:kernel: )?(?:<\d{1,3}>)?(?:\[ {0,11}\d{1,12}\.\d{1,9}\] ?"
    rb"|\[[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4}\] ?)?"
)
#: A line begins: at the beginning, or behind what a newline became.
_BEGINS = regex(
    rb"(?:^|(?:(?:\\r)?\\n|<br ?/?>|[ \t])(?:[ \t]|<br ?/?>|(?:\\r)?\\n){0,8})(?:"
    + _PREFIX
    + rb"(?:"
    + _RECORD
    + rb")|(?<!^)"
    + _STAMP
    + rb" \S{1,255} kernel: )"
)
#: More than one of them: anything else is looked at no further.
_MARKS = regex(rb"ill(?:ed)? process \d|oom-kill:c|oom-killer: g|ing SIG[A-Z]{1,8} to p|(?:Killed|Marked) /")
#: A name is not longer: what follows within it is a part of it.
_NAME = 15
_MAX_RECORDS = 4096
_ENDS = regex(
    rb"(?:\)|kB|child|children\.?|uid=\d{1,20}|oom_score_adj:-?\d{1,20}"
    rb"|order=-?\d{1,20}|MiB|activity|\d%|[.,;>])\s{0,4}$"
)


def lines_of(raw: bytes) -> Optional[List[bytes]]:
    """The lines that were put on one; None where it is one line, as nearly every one is."""
    first = _MARKS.search(raw)
    if first is None or _MARKS.search(raw, first.end()) is None:
        return None
    starts = []  # type: List[int]
    for found in _BEGINS.finditer(raw):
        if len(starts) >= _MAX_RECORDS:
            break
        if not starts:
            if found.start():
                return None  # somebody speaks before it
            starts.append(0)
        elif _ENDS.search(raw, starts[-1], found.start()):
            starts.append(found.start())
    if len(starts) < 2:
        return None
    return [_cleaned(raw[start:end]) for start, end in zip(starts, starts[1:] + [len(raw)])]


def _cleaned(line: bytes) -> bytes:
    """Without what became of the newlines around it."""
    before = None  # type: Optional[bytes]
    while before != line:
        before = line
        line = line.strip()
        for gap in (b"\\n", b"\\r", b"<br>", b"<br/>", b"<br />"):
            line = line[len(gap) :] if line.startswith(gap) else line
            line = line[: -len(gap)] if line.endswith(gap) else line
    return line
