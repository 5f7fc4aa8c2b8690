# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that something broke over several lines become one record again.

A newline in a process name splits the record in text logs (each part carries the same stamp);
mail programs, serial consoles and terminals wrap it (the rest carries no stamp at all).
"""

import re
from typing import Iterable, Iterator, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from . import patterns
from .model import LogLine

_MAX_PARTS = 6
_OPENS = regex(
    r"(?:[A-Z][^:]{0,60}: )?(?:Killed process \d|[Kk]ill process \d)|oom-kill:\s*constraint=|CPU: \d+ |Pid: \d+, comm:"
    r"|sending SIG|.* invoked(?: oom-killer:)?\s*$|.* invoked oom-killer: "
)
# A record of which only the prefix is left: the rest was wrapped to the next line.
# More than the 15 bytes of a name.
_BEGINS = regex(r"(?:[A-Z][^:]{0,60}: )?Killed process \d{1,20} \(.{0,64}\) total-vm:|oom-kill:constraint=\w+,|.{0,64} invoked oom-killer: gfp_mask=")
_WHOLE = patterns.KILLED + (
    patterns.CHOSEN,
    patterns.HEADER,
    patterns.CPU_LINE,
    patterns.PID_LINE,
    regex(r"oom-kill:.*,\s*pid=\d+,\s*uid=\d+\s*$", re.DOTALL),
    regex(r"sending SIG\w{1,20} to process [^\"]{1,60}\".*\": [^\"]{0,80}VmRSS", re.DOTALL),
)


def _matched(text: str) -> int:
    """How far the best pattern reaches; 0 for none."""
    return max((found.end() for found in (pattern.match(text) for pattern in _WHOLE) if found), default=0)


def is_bare(line: LogLine) -> bool:
    """No prefix at all: the whole paste has none, or it is the rest of a wrapped line."""
    return line.tag is None and line.host is None and line.time is None and line.uptime is None


def _same_record(first: LogLine, other: LogLine) -> bool:
    if (first.host, first.tag, first.uptime) != (other.host, other.tag, other.uptime):
        return False
    if first.tag == "earlyoom" and first.time is not None and other.time is not None:
        return abs(other.time - first.time) <= 1.0  # its output is read line by line, each with its own stamp
    # rsyslog stamps the parts of one record some microseconds apart; the kernel's own seconds are equal.
    return first.uptime is not None or first.time == other.time


# dmesg prints the rest of a name behind a newline without a stamp, as mail programs do with any rest.
_OPEN_NAME = regex(r"(?:[A-Z][^:]{0,60}: )?Killed process \d+ \([^)]*$|oom-kill:.*,task=[^,]*$|CPU: .* Comm: [^:]{0,15}$", re.DOTALL)


def _inside_name(text: str) -> bool:
    return _OPEN_NAME.match(text) is not None


def _join(parts: List[LogLine]) -> Optional[str]:
    """The text of the parts as one record, or None where they do not make one."""
    text = parts[0].text
    reached = _matched(text)
    used = 1
    for wanted in range(2, len(parts) + 1):
        wrapped = parts[0].text
        for part in parts[1:wanted]:
            if not is_bare(part) or _inside_name(wrapped):
                wrapped += "\n" + (part.text.lstrip(" ") if is_bare(part) else part.text)
            else:
                wrapped = wrapped.rstrip("\\") + (part.text.lstrip() if wrapped.startswith("oom-kill:") else part.text)
        end = _matched(wrapped)
        if end > reached and end > len(text):
            text, reached, used = wrapped, end, wanted
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


def join_records(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Lines with broken records made whole; everything else as it came."""
    pending = []  # type: List[LogLine]
    for line in _apart(lines):
        if pending:
            first = pending[0]
            if len(pending) < _MAX_PARTS and (is_bare(line) or _same_record(first, line)) and not _OPENS.match(line.text):
                pending.append(line)
                continue
            yield from _release(pending)
            pending = []
        if line.text[:1] != "[" and _OPENS.match(line.text) and not _finished(line.text):
            pending = [line]
        else:
            yield line
    yield from _release(pending)


def _finished(text: str) -> bool:
    """Nothing can follow: the last field of its kind is there."""
    if "oom_score_adj" in text[-24:]:
        return True
    if text.startswith("oom-kill:"):
        return _WHOLE[-2].match(text) is not None
    if "invoked" in text and patterns.HEADER.match(text):
        return True
    if "oom_score_adj:" in text or " score " in text:
        return True
    if text.startswith(("CPU:", "Pid:")):
        return (patterns.CPU_LINE.match(text) or patterns.PID_LINE.match(text)) is not None
    return False


def _release(pending: List[LogLine]) -> List[LogLine]:
    if len(pending) > 1:
        text = _join(pending)
        if text is not None:
            pending[0] = pending[0]._replace(text=text)
    return pending
