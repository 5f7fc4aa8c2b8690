# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record that was put together from wrapped lines, with the blanks again that the wrapping took.

Mail programs and web forms take the blank at which they break a line, terminals break anywhere and take none. Nothing
tells which it was, and none of the records needs its blanks to be understood, except those within a name.
"""

from typing import Iterable, Match

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

#: How records begin. What is left of a wrapped line is a beginning of one of these.
HEADS = (
    "Memory cgroup out of memory: Killed process ",
    "Memory cgroup out of memory: Kill process ",
    "Out of memory: Killed process ",
    "Out of memory: Kill process ",
    "Killed process ",
    "oom-kill:constraint=",
    "sending SIGTERM to process ",
    "sending SIGKILL to process ",
    "Killed /",
    "Marked /",
)
#: Less may be anything.
_LEAST = 3
_MOST = 64


def _loosely(words: str) -> str:
    """An expression for the words with or without the blanks between them."""
    return r"\s?".join(words.split(" "))


_CONTEXT = regex(
    r"(?P<context>Memory\s?cgroup\s?out\s?of\s?memory:|Out\s?of\s?memory:)\s?(?=Kill)"
    r"|(?P<kill>Kill(?:ed)?)\s?process\s?(?=\d)"
)
_CONTEXTS = {"Memorycgroupoutofmemory:": "Memory cgroup out of memory: ", "Outofmemory:": "Out of memory: "}
_KILLED = regex(
    r"(?P<head>(?:Memory cgroup out of memory: |Out of memory: )?Killed process \d{1,20})"
    r"(?P<uid>,\s?UID\s?\d{1,20},)?\s?"
    r"\((?P<comm>.{0,64})\)(?P<uid_behind>,\s?UID\s?\d{1,20},)?\s?(?=total-vm:)"
)
_CHOSEN = regex(
    r"(?P<head>.{0,64}Kill process \d{1,20})\s?\((?P<comm>.{0,64})\)\s?score\s?(?P<score>\d{1,20})\s?(?P<tail>"
    + _loosely("or sacrifice child")
    + "|"
    + _loosely("or a child")
    + "|"
    + _loosely("and children")
    + r"\.?)\s*$"
)
_TAILS = {"orsacrificechild": "or sacrifice child", "orachild": "or a child"}
_SENDING = regex(
    r"sending\s?SIG(?P<signal>TERM|KILL)\s?to\s?process\s?(?P<pid>\d{1,20})\s?"
    r"(?:uid\s?(?P<uid>\d{1,20}))?\s?\"(?P<comm>.{0,64})\":\s?"
    r"(?P<word>badness|oom_score)\s?(?P<score>-?\d{1,20}),\s?(?:oom_score_adj\s?(?P<adj>-?\d{1,20}),\s?)?"
    r"VmRSS\s?(?P<rss>\d{1,20})\s?MiB"
)
_OOMD = regex(
    r"(?P<word>Killed|Marked)\s?(?P<cgroup>/.{1,1024}?)\s?(?P<marked>"
    + _loosely("for killing")
    + r"\s?)?due\s?to\s?(?:memory\s?pressure\s?for\s?(?P<pressed>/.{1,1024}?)\s?being\s?"
    r"|(?P<what>memory|swap)\s?used\s?(?=\())"
)
_USED = regex(r"(?P<used>\(\d{1,20}\))\s?/\s?total\s?(?P<total>\(\d{1,20}\))\s?and\s?swap\s?used\s?\(")
_UNIT = r"(?P<unit>\S{1,255}\.(?:service|scope|slice)):\s?"
_WORDS = (
    "A process of this unit has been killed by the OOM killer.",
    "The kernel OOM killer killed some processes in this unit.",
    "Failed with result 'oom-kill'.",
)
_VERDICTS = tuple((regex(_UNIT + _loosely(words.replace(".", r"\.")) + r"\s*$"), words) for words in _WORDS)
_BY_OOMD = regex(
    _UNIT + r"systemd-oomd\s?killed\s?(?P<count>\d{1,9}|some)\s?" + _loosely(r"process\(es\) in this unit\.") + r"\s*$"
)
_BEHIND_UNIT = regex(_UNIT + r"(?P<rest>.*)$")
_OOMD_WORDS = regex(r"systemd-oomd(?: killed(?: \d{1,9}| some)?(?: p[^.]*)?)?$")


def is_left(text: str) -> bool:
    """Is it a beginning of a record, too short for any pattern?"""
    left = text.rstrip() if len(text) < _MOST else ""
    return len(left) >= _LEAST and any(head.startswith(left) for head in HEADS)


def is_left_of_verdict(text: str) -> bool:
    """Is it a beginning of what systemd says of a unit that lost a process?"""
    found = _BEHIND_UNIT.match(text)
    if found is None:
        return False
    left = found.group("rest").rstrip()
    return any(words != left and words.startswith(left) for words in _WORDS) or _OOMD_WORDS.match(left) is not None


def goes_on(left: Iterable[str], text: str) -> bool:
    """Does the text, which could begin a record, go on with what is left of one?

    left -- the lines of it
    """
    parts = [part.strip() for part in left]
    return text.startswith("Kill") and parts[-1].endswith(":") and (is_left(" ".join(parts)) or is_left("".join(parts)))


def respaced(text: str) -> str:
    """The record with its blanks."""
    for pattern, words in _VERDICTS:
        verdict = pattern.match(text)
        if verdict:
            return "%s: %s" % (verdict.group("unit"), words)
    by_oomd = _BY_OOMD.match(text)
    if by_oomd:
        return "%s: systemd-oomd killed %s process(es) in this unit." % by_oomd.group("unit", "count")
    text = _SENDING.sub(_sending, _CONTEXT.sub(_context, text), 1)
    text = _USED.sub(_used, text, 1)
    return _OOMD.sub(_oomd, _CHOSEN.sub(_chosen, _KILLED.sub(_killed, text, 1), 1), 1)


def _used(found: Match[str]) -> str:
    return "%s / total %s and swap used (" % found.group("used", "total")


def _without(text: str) -> str:
    return "".join(text.split())


def _context(found: Match[str]) -> str:
    context = found.group("context")
    return found.group("kill") + " process " if context is None else _CONTEXTS[_without(context)]


def _uid(text: str) -> str:
    return ", UID %s," % _without(text)[4:-1] if text else ""


def _killed(found: Match[str]) -> str:
    return "%s%s (%s)%s " % (
        found.group("head"),
        _uid(found.group("uid")),
        found.group("comm"),
        _uid(found.group("uid_behind")),
    )


def _chosen(found: Match[str]) -> str:
    tail = _without(found.group("tail"))
    return "%s (%s) score %s %s" % (
        found.group("head"),
        found.group("comm"),
        found.group("score"),
        _TAILS.get(tail, "and children."),
    )


def _sending(found: Match[str]) -> str:
    field = found.groupdict()
    return 'sending SIG%s to process %s %s"%s": %s %s, %sVmRSS %s MiB' % (
        field["signal"],
        field["pid"],
        "" if field["uid"] is None else "uid %s " % field["uid"],
        field["comm"],
        field["word"],
        field["score"],
        "" if field["adj"] is None else "oom_score_adj %s, " % field["adj"],
        field["rss"],
    )


def _oomd(found: Match[str]) -> str:
    marked = " for killing" if found.group("marked") else ""
    begin = "%s %s%s due to " % (found.group("word"), found.group("cgroup"), marked)
    if found.group("pressed"):
        return begin + "memory pressure for %s being " % found.group("pressed")
    return begin + "%s used " % found.group("what")
