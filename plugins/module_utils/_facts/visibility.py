# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the sources let us see. Zero kills on a host that cannot see is unknown, not clean."""

import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport
from ansible_collections.memops.linux.plugins.module_utils._text import printable

#: The rest of such a source was read.
_PART_READ = ("corrupt", "truncated", "rotated", "timeout", "too_big")
_SEEN = ("read",) + _PART_READ
#: A log begins some time after the boot that it belongs to.
_SLACK = 300.0
_MAX_REASONS = 12


class Sight(NamedTuple):
    """Everything that tells how much was seen.

    journal, kmsg -- None where not asked for
    files -- reports of text logs
    since, until -- the window asked for, epoch seconds
    boot_time -- epoch seconds
    unexplained -- kills that the kernel counted and no source tells; None where it cannot be known
    lost -- kernel messages that were overwritten or dropped before they were stored
    """

    journal: Optional[SourceReport] = None
    files: Sequence[SourceReport] = ()
    kmsg: Optional[SourceReport] = None
    since: Optional[float] = None
    boot_time: Optional[float] = None
    unexplained: Optional[int] = None
    lost: int = 0
    unparsed: int = 0
    volatile: bool = False
    container: Optional[str] = None
    local: bool = True
    counter_is_readable: bool = True


def _utc(moment: float) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    except (ValueError, OverflowError, OSError):
        return "%r" % moment


def _said(report: SourceReport) -> str:
    reason = ": %s" % printable(report.reason) if report.reason else ""
    status = "empty" if report.status == "read" and report.bytes == 0 else report.status
    return "%s is %s%s" % (printable(report.name), status, reason)


def _seen(report: Optional[SourceReport]) -> bool:
    """An empty file says nothing, and neither does one that was skipped because it is older than what was asked for."""
    return report is not None and report.status in _SEEN and not (report.status == "read" and report.bytes == 0)


def reach(sight: Sight) -> Optional[float]:
    """The oldest moment that a source still tells of; None where nothing was read."""
    files = [r for r in sight.files if _seen(r)]
    firsts = [r.first for r in files if r.first is not None]
    if sight.journal is not None and _seen(sight.journal) and sight.journal.first is not None:
        firsts.append(sight.journal.first)
    if not firsts and sight.kmsg is not None and _seen(sight.kmsg) and sight.kmsg.first is not None:
        firsts.append(sight.kmsg.first)
    return min(firsts) if firsts else None


def visibility(sight: Sight) -> Dict[str, Any]:
    """state, since and the reasons why it is not clear."""
    blind = []  # type: List[str]
    partial = []  # type: List[str]
    persistent = _seen(sight.journal) or any(_seen(r) for r in sight.files)
    since = reach(sight)
    if not persistent and not _seen(sight.kmsg):
        asked = [r for r in [sight.journal, sight.kmsg] + list(sight.files) if r is not None]
        blind += [_said(r) for r in asked] or ["no source was asked for"]
    elif not persistent:
        partial.append("only the kernel's ring buffer could be read: nothing from before this boot")
        partial += [_said(r) for r in [sight.journal] + list(sight.files) if r is not None and not _seen(r)]
    else:
        partial += _gaps(sight)
    if sight.since is not None and since is not None and since > sight.since + _SLACK and not blind:
        partial.append("the sources reach back to %s, asked for was %s" % (_utc(since), _utc(sight.since)))
    if sight.since is not None and since is None and not blind:
        partial.append("no source tells how far it reaches back, asked for was %s" % _utc(sight.since))
    if sight.volatile and persistent and not any(_seen(r) for r in sight.files):
        if sight.since is None or (sight.boot_time is not None and sight.since < sight.boot_time):
            partial.append("the journal is kept in memory only: nothing from before this boot")
    if sight.lost:
        partial.append("%d kernel messages were lost before they were stored" % sight.lost)
    if sight.unparsed:
        partial.append("%d lines look like OOM kills and no pattern took them" % sight.unparsed)
    if sight.container:
        partial.append("runs in a container (%s): kernel log and counters are the host's" % printable(sight.container))
    if not sight.counter_is_readable:
        partial.append("/proc/vmstat cannot be read: whether the kernel counted more kills than the logs tell is not known")
    if sight.unexplained:
        text = "the kernel counted %d kills this boot that no source tells of" % sight.unexplained
        covered = sight.since is not None and since is not None and since <= sight.since
        (partial if covered and not sight.lost else blind).append(text)
    reasons = blind + partial
    if len(reasons) > _MAX_REASONS:
        reasons = reasons[: _MAX_REASONS - 1] + ["and %d more reasons" % (len(reasons) - _MAX_REASONS + 1)]
    return {"state": "blind" if blind else ("partial" if partial else "clear"), "since": since, "reasons": reasons}


def _gaps(sight: Sight) -> List[str]:
    """What is missing beside a source that was read."""
    reasons = []  # type: List[str]
    if sight.journal is not None and sight.journal.status in _PART_READ + ("denied", "error", "unsupported"):
        reasons.append(_said(sight.journal))
    if not (_seen(sight.journal) and sight.local):
        # Without the journal a text log that could not be read is a hole; beside it, it is a copy.
        reasons += [_said(r) for r in sight.files if r.status not in ("read", "skipped")]
    else:
        reasons += [_said(r) for r in sight.files if r.status in _PART_READ]
    return reasons
