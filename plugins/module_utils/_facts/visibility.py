# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the sources let us see. Zero kills on a host that cannot see is unknown, not clean: clear has to be earned.

Every reason says what to do about it, where something can be done.
"""

import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport
from ansible_collections.memops.linux.plugins.module_utils._text import printable

#: The rest of such a source was read.
_PART_READ = ("corrupt", "truncated", "rotated", "timeout", "too_big")
_SEEN = ("read",) + _PART_READ
#: A log begins some time after the boot that it belongs to.
_SLACK = 300.0
_MAX_REASONS = 12
_MAX_UNITS = 3
#: Even an idle host writes a line a day.
_QUIET = 86400.0 + _SLACK


class Coverage(NamedTuple):
    """Everything that tells how much was seen.

    journal, kmsg -- None where not asked for
    files -- reports of text logs
    since, until -- the window asked for, epoch seconds
    boot_time -- epoch seconds
    unexplained -- kills that the kernel counted and no source tells; None where it cannot be known
    lost -- kernel messages that were overwritten or dropped before they were stored
    journal_unread -- there are journal files, and nobody asked for the journal
    unseen -- reports of the kernel that have no end in the logs
    of_pid_1 -- units of which systemd alone says that they lost processes
    of_units -- unit -> kills that its cgroup counted and no source tells
    now -- until when the sources should reach; None where that says nothing, as for logs of another host
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
    journal_unread: bool = False
    unseen: int = 0
    of_pid_1: Sequence[str] = ()
    of_units: Mapping[str, int] = {}
    now: Optional[float] = None
    counter_is_readable: bool = True


def iso(moment: float) -> Optional[str]:
    """2026-11-22T18:41:52Z, as people and machines read it; None where no calendar has that moment."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    except (ValueError, OverflowError, OSError):
        return None


def _utc(moment: float) -> str:
    return iso(moment) or "%r" % moment


_ADVICE = {"denied": "run with become, or as a member of the groups systemd-journal and adm"}
#: What a reader may set to see more the next time.
PERSISTENT = "Storage=persistent in /etc/systemd/journald.conf keeps more"


def _said(report: SourceReport) -> str:
    reason = ": %s" % printable(report.reason) if report.reason else ""
    status = "empty" if report.status == "read" and report.bytes == 0 else report.status
    advice = "; %s" % _ADVICE[status] if status in _ADVICE else ""
    return "%s is %s%s%s" % (printable(report.name), status, reason, advice)


def _seen(report: Optional[SourceReport]) -> bool:
    """An empty file says nothing, and neither does one that was skipped because it is older than what was asked for."""
    return report is not None and report.status in _SEEN and not (report.status == "read" and report.bytes == 0)


def reach(coverage: Coverage) -> Optional[float]:
    """The oldest moment that a source still tells of; None where nothing was read."""
    files = [r for r in coverage.files if _seen(r)]
    firsts = [r.first for r in files if r.first is not None]
    if coverage.journal is not None and _seen(coverage.journal) and coverage.journal.first is not None:
        firsts.append(coverage.journal.first)
    if not firsts and coverage.kmsg is not None and _seen(coverage.kmsg) and coverage.kmsg.first is not None:
        firsts.append(coverage.kmsg.first)
    return min(firsts) if firsts else None


def _unparsed(count: int) -> str:
    if count == 1:
        return "1 line looks like an OOM kill and no pattern took it: see unparsed_samples, and please report it"
    return "%d lines look like OOM kills and no pattern took them: see unparsed_samples, and please report them" % count


def visibility(coverage: Coverage) -> Dict[str, Any]:
    """state, since and the reasons why it is not clear."""
    since = reach(coverage)
    blind = _unread(coverage)
    partial = [] if blind else _holes(coverage) + _too_short(coverage, since)
    partial += _unexplained(coverage)
    if coverage.unexplained:
        text = "the kernel counted %d kills this boot that no source tells of" % coverage.unexplained
        covered = coverage.since is not None and since is not None and since <= coverage.since
        (partial if covered and not coverage.lost else blind).append(text)
    reasons = blind + partial
    if len(reasons) > _MAX_REASONS:
        reasons = reasons[: _MAX_REASONS - 1] + ["and %d more reasons" % (len(reasons) - _MAX_REASONS + 1)]
    state = "partial" if partial else "clear"
    return {"state": "blind" if blind else state, "since": since, "reasons": reasons}


def _persistent(coverage: Coverage) -> bool:
    return _seen(coverage.journal) or any(_seen(report) for report in coverage.files)


def _unread(coverage: Coverage) -> List[str]:
    """Why nothing was read at all."""
    if _persistent(coverage) or _seen(coverage.kmsg):
        return []
    asked = [report for report in [coverage.journal, coverage.kmsg] + list(coverage.files) if report is not None]
    return [_said(report) for report in asked] or ["no source was asked for"]


def _holes(coverage: Coverage) -> List[str]:
    """What was not read of that which was there."""
    if _persistent(coverage):
        reasons = _gaps(coverage)
    else:
        reasons = [
            "only the kernel's ring buffer could be read: nothing from before this boot, and nothing of user-space"
            " killers; " + PERSISTENT
        ]
        reasons += [
            _said(report)
            for report in [coverage.journal] + list(coverage.files)
            if report is not None and not _seen(report)
        ]
    if coverage.journal_unread:
        reasons.append("there are journal files, and the journal was not read: name it among the sources")
    if coverage.local:
        reasons += _missing_rotations(coverage.files)
    return reasons


def _too_short(coverage: Coverage, since: Optional[float]) -> List[str]:
    """Times of which no source tells."""
    reasons = []  # type: List[str]
    wanted = coverage.since
    if wanted is not None and since is not None and since > wanted + _SLACK:
        reasons.append("the sources reach back to %s, asked for was %s; %s" % (_utc(since), _utc(wanted), PERSISTENT))
    if wanted is not None and since is None:
        reasons.append("no source tells how far it reaches back, asked for was %s" % _utc(wanted))
    files_seen = any(_seen(report) for report in coverage.files)
    if coverage.volatile and _seen(coverage.journal) and not files_seen:
        if wanted is None or (coverage.boot_time is not None and wanted < coverage.boot_time):
            reasons.append("the journal is kept in memory only: nothing from before this boot; " + PERSISTENT)
    if (
        coverage.journal is not None
        and coverage.journal.lines == 0
        and wanted is None
        and not files_seen
        and _seen(coverage.journal)
    ):
        reasons.append("the journal holds no record of the kernel: see ReadKMsg= in /etc/systemd/journald.conf")
    return reasons + _ends_early(coverage)


def _ends_early(coverage: Coverage) -> List[str]:
    """A log that nobody writes any more looks like a quiet host."""
    lasts = [
        report.last
        for report in [coverage.journal] + list(coverage.files)
        if report is not None and _seen(report) and report.last is not None
    ]
    if coverage.now is None or not lasts or coverage.now - max(lasts) <= _QUIET:
        return []
    ring = coverage.kmsg
    if ring is not None and _seen(ring) and ring.first is not None and ring.first <= max(lasts) + _SLACK:
        return []  # goes on where they end
    return ["the logs end at %s: do systemd-journald and the syslog daemon run?" % _utc(max(lasts))]


_NUMBERED = regex(r"(?P<log>.*)\.(?P<number>[0-9]{1,4})(?:\.(?:gz|xz|bz2|zst|lzma))?\Z")


def _missing_rotations(files: Sequence[SourceReport]) -> List[str]:
    """kern.log.1 and kern.log.3 without the one between them."""
    numbers = {}  # type: Dict[str, Set[int]]
    for report in files:
        found = _NUMBERED.match(report.name)
        if found:
            numbers.setdefault(found.group("log"), set()).add(int(found.group("number")))
    reasons = []
    for log, known in sorted(numbers.items()):
        missing = sorted(set(range(min(known), max(known))) - known)
        if missing:
            reasons.append(
                "%s.%d is not there, and older ones are: what stood in it is not known" % (printable(log), missing[0])
            )
    return reasons


def _unexplained(coverage: Coverage) -> List[str]:
    """What was read, and leaves a kill possible that nobody tells of."""
    reasons = []  # type: List[str]
    if coverage.lost:
        reasons.append(
            "%d kernel messages were lost before they were stored; a larger log_buf_len= on the kernel's command line"
            " keeps more" % coverage.lost
        )
    if coverage.unparsed:
        reasons.append(_unparsed(coverage.unparsed))
    if coverage.unseen:
        reasons.append(
            "%d reports of the kernel have no end in the logs: whom it killed is not known" % coverage.unseen
        )
    if coverage.of_pid_1:
        names = ", ".join(printable(unit) for unit in coverage.of_pid_1[:_MAX_UNITS])
        more = " and %d more" % (len(coverage.of_pid_1) - _MAX_UNITS) if len(coverage.of_pid_1) > _MAX_UNITS else ""
        reasons.append(
            "systemd says that %s%s lost processes to an OOM killer, and no killer's own record tells whom"
            % (names, more)
        )
    for unit, count in sorted(coverage.of_units.items())[:_MAX_UNITS]:
        reasons.append("the cgroup of %s counted %d kills that no source tells of" % (printable(unit), count))
    if coverage.container:
        reasons.append(
            "runs in a container (%s): kernel log and counters are the host's; gather there as well"
            % printable(coverage.container)
        )
    if not coverage.counter_is_readable:
        reasons.append(
            "/proc/vmstat cannot be read: whether the kernel counted more kills than the logs tell is not known"
        )
    return reasons


def _gaps(coverage: Coverage) -> List[str]:
    """What is missing beside a source that was read."""
    reasons = []  # type: List[str]
    if coverage.journal is not None and coverage.journal.status in _PART_READ + ("denied", "error", "unsupported"):
        reasons.append(_said(coverage.journal))
    if not (_seen(coverage.journal) and coverage.local):
        # Without the journal a text log that could not be read is a hole; beside it, it is a copy.
        reasons += [_said(r) for r in coverage.files if r.status not in ("read", "skipped")]
    else:
        reasons += [_said(r) for r in coverage.files if r.status in _PART_READ]
    reasons += ["%s %s" % (printable(r.name), r.left_out) for r in coverage.files if r.left_out]
    return reasons
