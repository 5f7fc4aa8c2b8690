# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that something broke over several lines become one record again.

A newline in a process name tears them (split_records.py); mail programs, serial consoles and terminals wrap them: the
rest has no prefix.
"""

import re
from typing import Iterable, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from . import split_records
from .records import is_bare, is_finished, is_name, is_wrapped, matched, name_in, opens
from .respace import goes_on, respaced

_MAX_PARTS = 8
# A record of which only the prefix is left: the rest was wrapped to the next line.
# More than the 15 bytes of a name.
_BEGINS = regex(
    r"(?:[A-Z][^:]{0,60}: )?Killed process \d{1,20} \(.{0,64}\) total-vm:|oom-kill:constraint=\w+,|.{0,64} invoked"
    r" oom-killer: gfp_mask="
)
# dmesg prints the rest of a name behind a newline without a stamp, as mail programs do with any rest.
_OPEN_NAME = regex(
    r"(?:[A-Z][^:]{0,60}: )?Killed process \d+ \([^)]*$|oom-kill:.*,task=[^,]*$|CPU: .* Comm: [^:]{0,15}$", re.DOTALL
)
# A group's line needs its blanks.
_BETWEEN_WORDS = regex(
    r"Tasks in /.*(?: are| going| to| be| killed| due| memory\.oom\.group)$",
    re.DOTALL,
)


def _inside_name(text: str) -> bool:
    return _OPEN_NAME.match(text) is not None


def _join(parts: List[LogLine]) -> Optional[str]:
    """The text of the parts as one record, or None where they do not make one."""
    text = parts[0].text
    reached = matched(text)
    used = 1
    for wanted in range(2, len(parts) + 1):
        wrapped = parts[0].text
        for part in parts[1:wanted]:
            if _inside_name(wrapped):
                wrapped += "\n" + part.text.lstrip(" ")
            elif _BETWEEN_WORDS.match(wrapped) or (wrapped.startswith("Tasks in /") and part.text.startswith("are ")):
                wrapped += " " + part.text.lstrip()
            else:
                if wrapped.rstrip().endswith("\\"):
                    wrapped = wrapped.rstrip("\\ ")
                wrapped += part.text.lstrip() if wrapped.startswith("oom-kill:") else part.text
        whole = respaced(wrapped)
        end = matched(whole)
        if end > reached and end > len(text) and is_name(name_in(whole)):
            text, reached, used = whole, end, wanted
    del parts[1:used]
    return text if used > 1 else None


def _apart(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """A whole report in one message (rsyslog writes its newlines as #012) becomes lines; a newline in a name stays."""
    for line in lines:
        parts = line.text.split("\n") if "\n" in line.text else []
        if any(_BEGINS.match(part) for part in parts[1:]):
            for part in parts:
                yield line._replace(text=part)
        else:
            yield line


def _unwrapped(lines: Iterable[LogLine]) -> Iterator[Tuple[LogLine, bool]]:
    """Lines, and whether each begins a record that is not finished yet."""
    pending = []  # type: List[LogLine]
    for line in lines:
        if pending:
            if len(pending) < _MAX_PARTS and is_bare(line) and _may_follow(pending, line.text):
                pending.append(line)
                continue
            yield from _release(pending)
            pending = []
        if _is_unfinished(line):
            pending = [line]
        else:
            yield line, False
    yield from _release(pending)


def _is_unfinished(line: LogLine) -> bool:
    if opens(line.text):
        return not is_finished(line.text)
    return is_wrapped(line)


def _may_follow(pending: List[LogLine], text: str) -> bool:
    return not opens(text) or goes_on([line.text for line in pending], text)


def _release(pending: List[LogLine]) -> Iterator[Tuple[LogLine, bool]]:
    text = _join(pending) if len(pending) > 1 else None
    for number, line in enumerate(pending):
        if number == 0 and text is not None:
            yield line._replace(text=text), False
        else:
            yield line, number == 0 and not is_bare(line) and opens(line.text)


def join_records(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Lines with broken records made whole; everything else as it came."""
    return split_records.mend(_unwrapped(_apart(lines)))
