# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a record begins and whether it is whole: what the lines of the kernel and of earlyoom look like from
outside.
"""

import re

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import kernel as patterns
from ansible_collections.memops.linux.plugins.module_utils._line_kinds.daemons import (
    EARLYOOM_KILL,
    OOMD_KILL,
    VERDICT_OOM,
    VERDICT_OOMD,
    VERDICT_RESULT,
)
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .respace import HEADS, is_left, is_left_of_verdict

_OPENS = regex(
    r"(?:[A-Z][^:]{0,60}: )?(?:Killed process \d|[Kk]ill process \d)|oom-kill:\s*constraint=|CPU: \d+ |Pid: \d+, comm:"
    r"|sending SIG|.* invoked(?: oom-killer:)?\s*$|.* invoked oom-killer: |Tasks in /"
    r"|[A-Z][^:]{0,60}: [Kk]ill(?:ed)?(?: process)?\s*$|[Kk]ill(?:ed)? process\s*$"
)
_SUMMARY = regex(r"oom-kill:.*,\s*pid=\d+,\s*uid=\d+\s*$", re.DOTALL)
_NAMED = patterns.KILLED + (patterns.CHOSEN, patterns.HEADER, patterns.CPU_LINE, patterns.PID_LINE) + EARLYOOM_KILL[:3]
_WHOLE = _NAMED + (_SUMMARY, patterns.GROUP, VERDICT_OOM, VERDICT_OOMD, VERDICT_RESULT) + OOMD_KILL
_ESCAPED = regex(r"\\x[0-9a-f]{2}")

#: Bytes of a process's name.
NAME = 15


def is_bare(line: LogLine) -> bool:
    """No prefix at all: the whole paste has none, or it is the rest of a wrapped line."""
    return line.tag is None and line.host is None and line.time is None and line.uptime is None


# What systemd-oomd says, while its end may be on the next line.
_MAY_GO_ON = regex(r"(?:Killed|Marked) /(?!.{0,1200} being )")
#: How those begin that may go on.
_BEGINNINGS = frozenset(head[:3] for head in HEADS)
_SYSTEMD = (None, "systemd")


def is_wrapped(line: LogLine) -> bool:
    """Less than a record, of which the rest may come without a prefix."""
    text = line.text
    if not text:
        return not is_bare(line)
    if text[:3] in _BEGINNINGS:
        return is_left(text) or _MAY_GO_ON.match(text) is not None
    return line.tag in _SYSTEMD and is_left_of_verdict(text)


def opens(text: str) -> bool:
    """A record begins here."""
    return text[:1] != "[" and _OPENS.match(text) is not None


def matched(text: str) -> int:
    """How far the best pattern reaches; 0 for none."""
    return max((found.end() for found in (pattern.match(text) for pattern in _WHOLE) if found), default=0)


def name_in(text: str) -> str:
    """The name in a whole record; of several readings, the longest."""
    names = [found.group("comm") for found in (pattern.match(text) for pattern in _NAMED) if found]
    if text.startswith("oom-kill:"):
        names.append(text[text.rfind(",task=") + 6 : text.rfind(",pid=")] if ",task=" in text else "")
    return max(names, key=len) if names else ""


def is_name(text: str) -> bool:
    """May a process be called so? What was escaped on the way is one byte."""
    return len(_ESCAPED.sub("?", text) if "\\" in text else text) <= NAME


def is_certain(text: str) -> bool:
    """What stands behind the name is more than could be a part of it."""
    for pattern in _NAMED:
        found = pattern.match(text)
        if found and found.end() - found.end("comm") > NAME:
            return True
    return text.startswith("oom-kill:") and is_finished(text)


def is_finished(text: str) -> bool:
    """Nothing can follow: the last field of its kind is there, and no name can hold all of what stands behind the name.

    Looked at from the right: whoever names a process may write a field's name, too.
    """
    at = text.rfind("oom_score_adj:", -24)
    if at >= 0 and text[at + 14 :].strip().lstrip("-").isdigit():
        return True
    if text.startswith("oom-kill:"):
        # ",pid=1,uid=0" may be the first line of a name.
        return _SUMMARY.match(text) is not None and len(text) - text.find(",task=") - 6 > NAME
    if text.startswith("Tasks in /"):
        return patterns.GROUP.match(text) is not None
    if "invoked" in text and patterns.HEADER.match(text):
        return True
    if text.startswith(("CPU:", "Pid:")):
        return (patterns.CPU_LINE.match(text) or patterns.PID_LINE.match(text)) is not None
    if text.startswith("sending SIG"):
        return any(pattern.match(text) for pattern in EARLYOOM_KILL[:3])
    return " score " in text and is_certain(text)
