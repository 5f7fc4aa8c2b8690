# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``oom-kill:`` line: read from both ends, for every name in it is chosen by somebody.

``oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=java,\
pid=7,uid=5`` (one line)
"""

from typing import List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .model import NODES_ALLOWED_BY


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


_SUMMARY_HEAD = regex(
    r"oom-kill:\s*constraint=(?P<constraint>[A-Z]\w*),(?:nodemask=(?P<nodemask>[\d,-]{1,256}),cpuset=)?"
)
# The kernel's own: a cpuset is a leaf name, which may hold commas and no slash.
_MEMS_ALLOWED = regex(r",mems_allowed=(?P<nodes>[\d,-]{1,256}),(?:oom_memcg=/|global_oom|task_memcg=/|task=)")
# Whoever quotes the line likes to put blanks behind its commas.
_QUOTED = regex(r"oom-kill:\s*constraint=\w+,\s")
# What an author left out of it.
_ELIDED = regex(r"(?<=[A-Z)\d])\s*(?:\.{2,3}|\u2026),?\s*(?=(?:oom_memcg|task_memcg|task|pid)=|global_oom)")
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
    """The ``oom-kill:`` line, from both ends: every name in it is chosen by somebody. A cut line gives what is
    whole.
    """
    if _QUOTED.match(text) or (", oom_memcg=/" in text and ",oom_memcg=/" not in text):
        text = _SPACED.sub(",", text)
    if ".." in text or "\u2026" in text:
        text = _ELIDED.sub(",", text)
    head = _SUMMARY_HEAD.match(text)
    if not head:
        return None
    tail = _SUMMARY_TAIL.search(text)
    middle = text[head.end("constraint") : tail.start() if tail else len(text)]
    # Only where these nodes were what was short.
    allowed = _MEMS_ALLOWED.search(middle) if head.group("constraint") in NODES_ALLOWED_BY else None
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
