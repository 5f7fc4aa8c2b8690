# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's ring buffer through /dev/kmsg, where each record still says whether the kernel or a process wrote it."""

import errno
import os
import stat
import time
from typing import Callable, Iterator, List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._line_kinds import needles
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .model import KMSG_USER, LogLine, SourceReport

_PATH = "/dev/kmsg"
_MAX_RECORD = 16384  # the kernel's own limit is 8192; a shorter buffer gets EINVAL
_MAX_RECORDS = 1 << 20  # a ring of 16 MiB; also the end where messages come faster than they are read

#: ``6,339,5140900,-,caller=T123;text``: priority, sequence number, microseconds since boot, flags and what may follow.
_HEAD = regex(rb"^(\d+),(\d+),(\d+),([^,;]*)[^;]*;")
_ESCAPE = regex(rb"\\x([0-9a-fA-F]{2})")


class Record(NamedTuple):
    """One record. text -- as the kernel wrote it, without the dictionary of ``KEY=value`` lines after it."""

    facility: int
    level: int
    seq: int
    usec: int
    flags: bytes
    text: bytes


def parse_record(data: bytes) -> Optional[Record]:
    """What one read() of /dev/kmsg gave; None where it is no record.

    The kernel writes control characters, bytes above 126 and the backslash as ``\\xNN``: a newline in a process's name
    does not end the record, and nothing is lost.
    """
    match = _HEAD.match(data)
    if match is None:
        return None
    text = data[match.end() :].split(b"\n", 1)[0]
    if b"\\" in text:
        text = _ESCAPE.sub(lambda found: bytes((int(found.group(1), 16),)), text)
    priority = int(match.group(1))
    return Record(priority >> 3, priority & 7, int(match.group(2)), int(match.group(3)), match.group(4), text)


def parse_records(data: bytes) -> Iterator[Record]:
    """The records of a dump (``cat /dev/kmsg``): a line that begins with a blank belongs to the one before."""
    for line in data.split(b"\n"):
        if line and not line.startswith(b" "):
            record = parse_record(line)
            if record is not None:
                yield record


class KmsgScan:
    """Iterate for LogLines, then read report, lost, overwritten.

    lost -- records overwritten while we read
    overwritten -- the ring no longer reaches back to the boot
    boot_time -- epoch seconds of the kernel clock's zero, as far as the clocks of today can tell
    """

    def __init__(
        self,
        host: Host,
        since: Optional[float] = None,
        until: Optional[float] = None,
        whole_blocks: bool = False,
        boot_time: Optional[float] = None,
        read: Callable[[int, int], bytes] = os.read,
    ) -> None:
        self.host = host
        self.since = since
        self.until = until
        self.whole_blocks = whole_blocks
        self.boot_time = time.time() - time.monotonic() if boot_time is None else boot_time
        self.lost = 0
        self.overwritten = False
        self.report = SourceReport(_PATH, "skipped")
        self._read = read
        self._boot_id = self._read_boot_id()
        self._count = 0
        self._first = None  # type: Optional[Record]
        self._last = None  # type: Optional[Record]

    def _read_boot_id(self) -> Optional[str]:
        data = self.host.read("/proc/sys/kernel/random/boot_id")
        return to_text(data).strip().replace("-", "") or None if data else None

    def __iter__(self) -> Iterator[LogLine]:
        try:
            fd = os.open(self.host.path(_PATH), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            denied = exc.errno in (errno.EACCES, errno.EPERM)
            self.report = SourceReport(_PATH, "denied" if denied else "absent", reason=exc.strerror)
            return
        try:
            if not stat.S_ISCHR(os.fstat(fd).st_mode):
                self.report = SourceReport(_PATH, "not_regular", reason="not the kernel's device")
                return
            yield from self._lines(self._records(fd))
            self.report = self._summary(None)
            if not self._count:  # a container's stand-in, such as /dev/null
                self.report = SourceReport(_PATH, "absent", reason="the device holds no kernel records")
        except OSError as exc:
            denied = exc.errno in (errno.EACCES, errno.EPERM)
            self.report = self._summary(exc.strerror)._replace(status="denied" if denied else "error")
        finally:
            os.close(fd)

    def _records(self, fd: int) -> Iterator[Record]:
        for _unused in range(_MAX_RECORDS):
            try:
                data = self._read(fd, _MAX_RECORD)
            except OSError as exc:
                if exc.errno == errno.EPIPE:  # overwritten before we came; the next read goes on with the oldest left
                    continue
                if exc.errno == errno.EAGAIN:
                    return
                raise
            if not data:
                return
            record = parse_record(data)
            if record is not None:
                yield record

    def _lines(self, records: Iterator[Record]) -> Iterator[LogLine]:
        in_block = False
        for record in records:
            self._follow(record)
            if not in_block and not needles.may_matter(record.text):
                continue
            line = self.line_of(record)
            if self.whole_blocks:
                in_block = needles.BLOCK_END not in line.text and (in_block or needles.BLOCK_BEGIN in line.text)
            if self.since is not None and line.time is not None and line.time < self.since:
                continue
            if self.until is not None and line.time is not None and line.time > self.until:
                continue
            yield line

    def _follow(self, record: Record) -> None:
        if self._last is None:
            self._first = record
            self.overwritten = record.seq > 0
        elif record.seq > self._last.seq + 1:
            self.lost += record.seq - self._last.seq - 1
        self._last = record
        self._count += 1

    def line_of(self, record: Record) -> LogLine:
        """The record as a LogLine. A process that writes to /dev/kmsg cannot choose facility 0."""
        from_kernel = record.facility == 0
        return LogLine(
            text=to_text(record.text),
            source=_PATH,
            tag="kernel" if from_kernel else KMSG_USER,
            time=self.boot_time + record.usec / 1e6,
            time_quality="from_uptime",
            uptime=record.usec / 1e6,
            boot_id=self._boot_id,
            trusted=from_kernel,
            reason="kernel facility in /dev/kmsg" if from_kernel else "written to /dev/kmsg by a process",
            disproved=not from_kernel,
        )

    def _time(self, record: Optional[Record]) -> Optional[float]:
        return None if record is None else self.boot_time + record.usec / 1e6

    def _summary(self, problem: Optional[str]) -> SourceReport:
        reasons = [problem] if problem else []  # type: List[str]
        if self.overwritten:
            reasons.append(
                "the ring has overwritten the first %d records of this boot" % (self._first.seq if self._first else 0)
            )
        if self.lost:
            reasons.append("%d records were overwritten while reading" % self.lost)
        return SourceReport(
            _PATH,
            "read",
            lines=self._count,
            first=self._time(self._first),
            last=self._time(self._last),
            reason="; ".join(reasons) or None,
        )
