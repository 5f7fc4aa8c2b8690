# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd journal: kernel records and the words of systemd and the userspace killers, of all boots.

Theory of operation
-------------------

*Where.* journal_paths finds the files first, ours and not journalctl's: a file that is there and is not read is a hole,
whatever journalctl thinks. This host's journal lies below its machine-id. What lies beside it, or was received by
systemd-journal-remote, is ``remote``: shown, never believed. A copied journal is named by a directory or a file.

*What the files say* (journal_file, journal_verify). Headers tell the span and the count of entries. Of files that
overlap the window the kernel's entries are looked at one by one, with a small read each, the way journalctl would go:
field, value, bucket, arrays, entries. A damaged file is reported before journalctl is asked, because journalctl reads
over damage without a word: an entry whose number is too high makes it pass over those behind it, a field without its
equals sign makes it stop.

*Two questions* (journalctl), each with matches, never ``-k``: it means ``-b`` and forgets earlier boots. First
``_TRANSPORT=kernel``, with a ``--grep`` for the words that a report may hold; then what systemd, the killers and those
who call themselves so have said. systemd 219 knows neither ``--grep`` nor ``--output-fields``, and is asked again
without. Measured on a journal of 263,000 records, 13,460 of them the kernel's: kills 0.2, whole blocks 0.6 of the CPU
of ``journalctl -o json _TRANSPORT=kernel``.

*The answer* (journal_record) is the export format, decoded piece by piece in constant memory. Records of text stay
bytes until one matters, and one that differs from the record before in message and stamps only is read by a pattern
made of that (Origin.like_before). What is no record is no empty answer: it ends the source with ``error``, or
``corrupt`` where records came before.

*Who wrote it* (journal_origin). Only fields that journald sets itself decide: ``_TRANSPORT=kernel`` with facility 0,
the unit of a killer, pid 1. A record whose own fields name another writer than its text does is ``disproved``.

*How it went.* journalctl runs with debug messages, because part of what it says of damage is said there only. Its exit
code tells little: 1 is also "nothing matched". Every trouble becomes a problem with a status; the worst names the
status of the report, and where everything was asked for, the records that came are compared with those that the files
count.
"""

from typing import Dict, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import CommandFailed, Host
from ansible_collections.memops.linux.plugins.module_utils._line_kinds import needles
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .journal_file import JournalFile
from .journal_origin import KILLER_UNITS, MISSED, Origin
from .journal_paths import Place, is_without_files, local_place, offline_place, remote_place
from .journal_record import BrokenStream, Record, text_record
from .journal_verify import check
from .journalctl import Batch, Journalctl
from .model import OOMD_KILL, UNIT_OOM, LogLine, SourceReport

_KERNEL_MATCHES = ("_TRANSPORT=kernel",)
_OTHER_MATCHES = (
    tuple("MESSAGE_ID=%s" % message_id for message_id in (UNIT_OOM, OOMD_KILL, MISSED))
    + ("+", "UNIT_RESULT=oom-kill", "+")
    + tuple("_SYSTEMD_UNIT=%s" % unit for unit in sorted(KILLER_UNITS))
    + ("+",)
    + tuple("SYSLOG_IDENTIFIER=%s" % tag for tag in ("earlyoom", "nohang", "oomd", "systemd-oomd"))
    # What somebody else wrote in the kernel's name: shown, never believed.
    + ("+", "SYSLOG_IDENTIFIER=kernel", "_TRANSPORT=journal", "_TRANSPORT=stdout", "_TRANSPORT=syslog")
)
_OTHER_FIELDS = (
    "MESSAGE,MESSAGE_ID,SYSLOG_IDENTIFIER,UNIT,USER_UNIT,_HOSTNAME,_MACHINE_ID,_PID,_SOURCE_REALTIME_TIMESTAMP,"
    "_SYSTEMD_UNIT,_TRANSPORT,_UID"
)
#: earlyoom's status line comes every second where nobody asked it not to.
_CHATTER = "mem avail"
_NO_CHATTER = "^(?!%s)" % _CHATTER

_MISSED = regex(rb"^Missed (\d{1,18}) kernel messages")
_NO_FILE = "there is no journal file"
_MAX_CHECKED = 256  # files, the newest
_MAX_BLOCK = 40000  # lines of one report: more processes than fit on a host that runs out of memory
#: Which problem names the status, where there are several.
_WORST_FIRST = ("timeout", "corrupt", "denied", "unsupported", "error", "not_regular", "absent")


def _not_started(place: Place, text: str) -> Tuple[str, str]:
    """Status and sentence where journalctl could not be started: a journal that exists and was not read is a hole."""
    if not place.files:
        return "absent", text
    return "error", "%s, and the journal was not read (%s): install systemd's journalctl on this host" % (
        text,
        place.files[0].path,
    )


class JournalScan:
    """Iterate for LogLines, kernel records first, then read report, lost, volatile, undecodable.

    since, until -- epoch seconds, None is no limit
    directory -- an offline journal: a directory of journal files, or one file
    remote -- the journals beside this host's own, or in the directory, which are not believed
    whole_blocks -- every kernel line from a report's header to its kill, not just the telling ones
    lost -- kernel messages that journald said it missed
    undecodable -- records without a message
    files -- the journal files that it stands in; doubt -- why none of them is believed
    """

    def __init__(
        self,
        host: Host,
        since: Optional[float] = None,
        until: Optional[float] = None,
        directory: Optional[str] = None,
        whole_blocks: bool = False,
        timeout: float = 60,
        program: str = "journalctl",
        remote: bool = False,
    ) -> None:
        self.host = host
        self.since = since
        self.until = until
        self.directory = directory
        self.whole_blocks = whole_blocks
        self.timeout = timeout
        self.program = program
        self.remote = remote
        self.lost = 0
        self.undecodable = 0
        self.volatile = False
        self.source = self.name  # what its lines say that they are from
        self.files = ()  # type: Tuple[JournalFile, ...]
        self.doubt = None  # type: Optional[str]
        self.report = SourceReport(self.name, "skipped")
        self._block_left = 0
        self._problems = {}  # type: Dict[str, str]

    @property
    def name(self) -> str:
        if self.remote:
            return "other journals"
        return "journal" if self.directory is None else "journal %s" % self.directory

    def _place(self) -> Place:
        if self.directory is not None:
            return offline_place(self.host, self.directory, sent=self.remote)
        return remote_place(self.host, self.since, self.until) if self.remote else local_place(self.host)

    def __iter__(self) -> Iterator[LogLine]:
        place = self._place()
        self.volatile, self.files, self.doubt = place.volatile, place.files, place.judge.doubt
        self.source = place.judge.source
        if place.status is not None:
            self.report = SourceReport(self.name, place.status, reason=place.reason)
            return
        if self.directory is None and not self.remote and is_without_files(self.host):
            self._problem("absent", _NO_FILE)
            self.report = self._summary(place, 0)
            return
        kernel_records = self._check(place)
        journalctl = Journalctl(self._problem, place.where, self.since, self.until, self.timeout, self.program)
        try:
            pattern = None if self.whole_blocks else needles.pattern()
            for batch in journalctl.ask(_KERNEL_MATCHES, pattern):
                yield from self._kernel_lines(batch, place.judge)
            self._compare(place, kernel_records, journalctl)
            for batch in journalctl.ask(_OTHER_MATCHES, _NO_CHATTER, _OTHER_FIELDS):
                yield from self._other_lines(batch, place.judge)
        except CommandFailed as exc:
            self._problem(*_not_started(place, str(exc)))
        except BrokenStream as exc:
            self._problem(
                "corrupt" if journalctl.records else "error",
                "journalctl sent %s: what it did not send is not known" % exc,
            )
        if not place.files and not journalctl.records:
            self._problem("absent", _NO_FILE)
        self.report = self._summary(place, kernel_records)

    def _problem(self, status: str, reason: str) -> None:
        self._problems.setdefault(status, reason)

    def reports(self, since: float, until: float) -> Iterator[LogLine]:
        """Every kernel line of a short time, from a report's header to its kill: once the scan has told that there is
        one.
        """
        place = self._place()
        if place.status is not None:
            return
        whole, self.whole_blocks = self.whole_blocks, True
        journalctl = Journalctl(self._problem, place.where, since, until, self.timeout, self.program)
        try:
            for batch in journalctl.ask(_KERNEL_MATCHES):
                yield from self._kernel_lines(batch, place.judge)
        except (CommandFailed, BrokenStream):
            return  # what the first look has found stays
        finally:
            self.whole_blocks, self._block_left = whole, 0

    # Before: what the files say

    def _check(self, place: Place) -> int:
        """How many kernel records the files of the window hold; damage becomes a problem."""
        for status, said in (("denied", "may not be read"), ("corrupt", "have no journal header")):
            paths = [f.path for f in place.files if f.status == status]
            if paths:
                self._problem(status, "%d of %d journal files %s: %s" % (len(paths), len(place.files), said, paths[0]))
        kernel_records = 0
        for file in [f for f in place.files if f.overlaps(self.since, self.until)][-_MAX_CHECKED:]:
            finding = check(file.path)
            kernel_records += finding.records or 0
            if finding.damage:
                self._problem("corrupt", "%s: %s" % (file.path, finding.damage))
        return kernel_records

    def _compare(self, place: Place, kernel_records: int, journalctl: Journalctl) -> None:
        """Where everything was asked for, everything that the files count must have come. A copy of a file
        counts once.
        """
        limited = journalctl.chosen or self.since is not None or self.until is not None
        different = {(f.first, f.entries) for f in place.files}
        if limited or len(different) < len(place.files) or len(place.files) > _MAX_CHECKED:
            return
        if journalctl.records < kernel_records:
            self._problem(
                "corrupt",
                "journalctl sent %d of the %d kernel records that the files count"
                % (journalctl.records, kernel_records),
            )

    # What came back

    def _inside(self, line: LogLine) -> bool:
        if line.time is None:
            return True
        too_old = self.since is not None and line.time < self.since
        return not too_old and not (self.until is not None and line.time > self.until)

    def _kernel_lines(self, batch: Batch, judge: Origin) -> Iterator[LogLine]:
        for record in batch:
            if isinstance(record, bytes):
                if not self._block_left and not needles.may_matter(record):
                    continue
                line = judge.like_before(record)
                if line is None:
                    yield from self._slowly(text_record(record), judge, record)
                    continue
                self._follow(line.text)
                if self._inside(line):
                    yield line
            else:
                yield from self._slowly(record, judge)

    def _slowly(self, record: Record, judge: Origin, piece: Optional[bytes] = None) -> Iterator[LogLine]:
        if record.fields.get(b"_TRANSPORT") != b"kernel":
            return
        self.undecodable += not record.messages
        for message in record.messages:
            if not self._block_left and not needles.may_matter(message):
                continue
            line = judge.kernel_line(record.fields, message)
            if piece is not None:
                judge.remember(piece, line)
            self._follow(line.text)
            if self._inside(line):
                yield line

    def _follow(self, text: str) -> None:
        """Is a report going on?"""
        if self._block_left:
            self._block_left = 0 if needles.BLOCK_END in text else self._block_left - 1
        elif self.whole_blocks and needles.BLOCK_BEGIN in text:
            self._block_left = _MAX_BLOCK

    def _other_lines(self, batch: Batch, judge: Origin) -> Iterator[LogLine]:
        for item in batch:
            record = text_record(item) if isinstance(item, bytes) else item
            if record.fields.get(b"_TRANSPORT") == b"kernel":
                continue
            self.undecodable += not record.messages
            if record.fields.get(b"MESSAGE_ID") == MISSED.encode("ascii"):
                self._count_missed(record)
                continue
            for message in record.messages:
                line = judge.other_line(record.fields, message)
                if self._inside(line) and not line.text.startswith(_CHATTER):
                    yield line

    def _count_missed(self, record: Record) -> None:
        missed = _MISSED.match(record.messages[0]) if record.messages else None
        if missed and record.fields.get(b"_TRANSPORT") == b"driver":
            self.lost += int(missed.group(1))

    # After: what is said of it

    def _summary(self, place: Place, kernel_records: int) -> SourceReport:
        readable = [f for f in place.files if f.status == "read"]
        firsts = [f.first for f in readable if f.first is not None]
        lasts = [f.last for f in readable if f.last is not None]
        status = next((status for status in _WORST_FIRST if status in self._problems), "read")
        reasons = [self._problems[status]] if status in self._problems else []  # type: List[str]
        if place.volatile:
            reasons.append("the journal is volatile and begins with this boot")
        if self.lost:
            reasons.append("journald missed %d kernel messages" % self.lost)
        if self.undecodable:
            reasons.append("%d records had no message" % self.undecodable)
        return SourceReport(
            name=self.name,
            status=status,
            lines=kernel_records if readable else None,
            first=min(firsts) if firsts else None,
            last=max(lasts) if lasts else None,
            bytes=sum(f.size for f in readable) if readable else None,
            reason="; ".join(reasons) or None,
        )
