# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One log file, plain or compressed, as excerpts around what was looked for. It never raises, waits or grows."""

import os
import time
from typing import Iterator, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds.needles import KERNEL_ANCHORS
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from . import time_bisect
from .clock import Clock
from .compressed import Archive, Caps, kind_of, unsupported_format
from .context import ContextExtractor, Excerpt, Limits
from .model import SourceReport
from .plain_file import GROWTH, PlainFile
from .safe_open import Opened, open_regular
from .stream import Damage, Fill, Unsupported
from .utf16 import Utf16, encoding_of

#: The head of a block; every kill; and the summary of a block (5.0 and newer).
HEAD = next(anchor for anchor in KERNEL_ANCHORS if anchor.startswith(b"oom-killer: "))
ANCHORS = tuple(b" " + anchor if anchor.startswith(b"Killed ") else anchor for anchor in KERNEL_ANCHORS)
#: What always has a head before it, unless it was lost. In a large file it is looked for behind heads only.
NEAR = tuple(anchor for anchor in KERNEL_ANCHORS if anchor.startswith(b"oom-kill:"))

#: Up to this size every anchor is looked for everywhere (0.07 s/GB more) and lines are counted (0.35 s/GB).
_SMALL = 64 << 20
#: A guess, before a compressed file is read.
_COMPRESSION = 8
#: So many of the first bytes are looked at whether they are a text; a log with a few of a crash's bytes in it is one.
_HEAD = 4096
_CONTROL = bytes(range(1, 9)) + bytes(range(14, 27)) + bytes(range(28, 32)) + b"\x7f"
#: messages-20250412, kern.log-20250412.gz, syslog.2025-04-12
_DATE_IN_NAME = regex(r"[.-](20\d\d)-?(\d\d)-?(\d\d)(?=[.-]|$)")


class FileScan:
    """Iterate over it once: excerpts. Then, or whenever the loop is left, `report` says how it went.

    A window (since, until) is a promise not to lose, not a filter: lines outside it may come along.

    anchors -- what to look for; none: the whole file comes
    head -- the anchor that begins a block of lines
    near -- those of the anchors that are looked for only behind a head where the file is large
    line_time -- reads the stamp of a raw line; by default `clock`, which is set when the file is open
    follow -- the user named this path, so a link may lead anywhere
    root -- what /var/log lies under, for links that nobody named
    timeout -- seconds for this file
    name -- of the file in the report
    newest -- no line is younger than this, where that is known of the machine that the log is from
    """

    def __init__(
        self,
        path: str,
        anchors: Tuple[bytes, ...] = ANCHORS,
        head: Optional[bytes] = HEAD,
        near: Tuple[bytes, ...] = NEAR,
        since: Optional[float] = None,
        until: Optional[float] = None,
        line_time: Optional[time_bisect.LineTime] = None,
        follow: bool = True,
        root: str = "/",
        limits: Limits = Limits(),
        caps: Caps = Caps(),
        timeout: Optional[float] = 300.0,
        engine: str = "auto",
        name: Optional[str] = None,
        newest: Optional[float] = None,
    ) -> None:
        self.path = path
        self.report = SourceReport(path if name is None else name, "error", reason="not read yet")
        self.mtime = None  # type: Optional[float]
        self.clock = None  # type: Optional[Clock]  # anchored at the file's mtime, or the date in its name
        self._anchors, self._head, self._near = anchors, head, near if head in anchors else ()
        self._limits, self._caps = limits, caps
        self._since, self._until, self._line_time = since, until, line_time
        self._follow, self._root, self._timeout, self._engine = follow, root, timeout, engine
        self._newest = newest
        self._front = self._back = b""

    def __iter__(self) -> Iterator[Excerpt]:
        opened = Opened()
        try:
            opened = open_regular(self.path, self._follow, self._root)
            if opened.fd < 0:
                self._say(opened.status, opened.reason)
                return
            yield from self._read(opened)
        except Unsupported as exc:
            self._say("unsupported", str(exc))
        except Exception as exc:  # pylint: disable=broad-except
            # one broken file must not hide what the others have to say
            self._say("error", "%s: %s" % (type(exc).__name__, exc))
        finally:
            if opened.fd >= 0:
                os.close(opened.fd)

    def _say(self, status: str, reason: Optional[str] = None) -> None:
        self.report = self.report._replace(status=status, reason=reason)

    def _read(self, opened: Opened) -> Iterator[Excerpt]:
        self.mtime = opened.mtime
        if self._since is not None and opened.mtime < self._since:
            self._say("skipped", "last written before the time asked for")
            return
        self._say("error", "not read to its end")
        anchor = anchor_of(self.path, opened.mtime)
        self.clock = Clock(anchor if self._newest is None else min(anchor, self._newest))
        line_time = self._line_time or self.clock.line_time
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        magic = os.pread(opened.fd, 16, 0)
        kind = kind_of(magic)
        unread = unsupported_format(magic)
        encoding = encoding_of(magic)
        if unread:
            self._say("unsupported", unread)
        elif encoding:
            plain = PlainFile(opened, 0, opened.size + GROWTH, deadline)
            yield from self._read_text(Utf16(plain.fill, encoding), plain, line_time)
        elif kind:
            archive = Archive(opened.fd, kind, self._caps, deadline)
            cutter = self._cutter(1 << 40, opened.size * _COMPRESSION <= _SMALL)
            try:
                yield from self._read_archive(archive, cutter, line_time)
            finally:
                archive.close()
        else:
            yield from self._read_plain(opened, line_time, deadline)

    def _read_text(self, text: Utf16, plain: PlainFile, line_time: time_bisect.LineTime) -> Iterator[Excerpt]:
        cutter = self._cutter(1 << 40, True)
        cutter.lines = 0
        try:
            yield from cutter.cut(self._remembering(text.fill))
        finally:
            first, last = time_bisect.first_time(self._front, line_time), time_bisect.last_time(
                self._back, line_time, text.produced <= len(self._back)
            )
            self.report = self.report._replace(bytes=plain.produced, first=first, last=last, lines=cutter.lines)
        self._finish(plain.damage)

    def _cutter(self, size: int, everywhere: bool) -> ContextExtractor:
        near = () if everywhere else tuple([anchor for anchor in self._anchors if anchor in self._near])
        anchors = tuple([anchor for anchor in self._anchors if anchor not in near])
        return ContextExtractor(anchors, self._head, near, self._limits, self._engine, size)

    def _read_archive(
        self, archive: Archive, cutter: ContextExtractor, line_time: time_bisect.LineTime
    ) -> Iterator[Excerpt]:
        try:
            yield from cutter.cut(self._remembering(archive.fill))
        finally:
            self.report = self.report._replace(
                bytes=archive.produced,
                first=time_bisect.first_time(self._front, line_time),
                last=time_bisect.last_time(self._back, line_time, archive.produced <= len(self._back)),
            )
        self._finish(archive.damage)

    def _remembering(self, fill: Fill) -> Fill:
        """The same fill; keeps the first and the last bytes, where the first and last time are looked for."""
        keep = 16 << 10

        def filled(view: memoryview) -> int:
            got = fill(view)
            unread = None if self._front else unsupported_format(bytes(view[: min(got, 16)]))
            if unread:
                raise Unsupported("compressed, and what is in it is %s" % unread)
            if len(self._front) < keep:
                self._front += bytes(view[: min(got, keep - len(self._front))])
            if got >= keep:
                self._back = bytes(view[got - keep : got])
            elif got:
                self._back = (self._back + bytes(view[:got]))[-keep:]
            return got

        return filled

    def _read_plain(
        self, opened: Opened, line_time: time_bisect.LineTime, deadline: Optional[float]
    ) -> Iterator[Excerpt]:
        def read(size: int, offset: int) -> bytes:
            return os.pread(opened.fd, size, offset)

        reach = time_bisect.ends(read, opened.size, line_time)
        self.report = self.report._replace(first=reach.first, last=reach.last)
        # a file in /proc has no size, and reading some of them takes the text away from others
        start, end = 0, opened.size + GROWTH if opened.size else 0
        if self._since is not None or self._until is not None:
            stretch = time_bisect.window(read, opened.size, self._since, self._until, line_time)
            if stretch:
                start = _line_start(read, stretch[0])
                end = stretch[1] if stretch[1] < opened.size else end
        cutter = self._cutter(end - start, end - start <= _SMALL)
        if start == 0 and end >= opened.size and opened.size <= _SMALL:
            cutter.lines = 0
        plain = PlainFile(opened, start, end, deadline)
        try:
            while plain.more():
                yield from cutter.cut(plain.fill, plain.base)
        finally:
            self.report = self.report._replace(bytes=plain.produced, lines=cutter.lines)
        self._finish(plain.damage)
        if plain.damage:
            return
        if plain.produced and _is_no_text(os.pread(opened.fd, _HEAD, 0)):
            self._say("corrupt", "no text: it looks like a binary file, in which no line could be told from another")
        elif self._renamed(opened):
            self._say("rotated", "it was renamed while it was read")
            yield from self._successor(cutter, plain.end(), deadline)

    def _renamed(self, opened: Opened) -> bool:
        """Is the file that has been read another one than that which now has its name?"""
        try:
            now = os.stat(self.path)
        except OSError:
            return True
        return (now.st_dev, now.st_ino) != opened.identity

    def _successor(self, cutter: ContextExtractor, base: int, deadline: Optional[float]) -> Iterator[Excerpt]:
        """What has been written under the same name since."""
        opened = open_regular(self.path, self._follow, self._root)
        if opened.fd < 0:
            return
        try:
            plain = PlainFile(opened, 0, opened.size + GROWTH, deadline, base)
            while plain.more():
                yield from cutter.cut(plain.fill, plain.base)
            self.report = self.report._replace(bytes=(self.report.bytes or 0) + plain.produced, lines=None)
        finally:
            os.close(opened.fd)

    def _finish(self, damage: Optional[Damage]) -> None:
        if damage:
            self._say(damage.status, damage.reason)
        else:
            self._say("read")


def _is_no_text(head: bytes) -> bool:
    """More than one in sixteen of the bytes is of no text, or the file is nothing but zeros; a crash, or a rotation
    that truncates, leaves zeros before the lines.
    """
    text = head.lstrip(b"\0")
    if not text:
        # Nothing at all: it was truncated after it had been read.
        return 0 < len(head) < _HEAD
    return 16 * (len(text) - len(text.translate(None, _CONTROL))) > len(text)


def _line_start(read: time_bisect.Read, offset: int) -> int:
    """The next start of a line; the offset itself if there is none near."""
    if offset == 0:
        return 0
    return offset + read(64 << 10, offset - 1).find(b"\n")


def anchor_of(path: str, mtime: float) -> float:
    """No line of the file is much younger than this: mtime, or the date that logrotate put into the name.

    A copied archive has the mtime of the copy, and years without a number would be counted from there.
    """
    for year, month, day in _DATE_IN_NAME.findall(os.path.basename(path)):
        try:
            named = time.mktime((int(year), int(month), int(day), 24, 0, 0, 0, 0, -1))
        except (ValueError, OverflowError):
            continue
        if 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
            return min(mtime, named)
    return mtime


def open_log(path: str, **options: object) -> FileScan:
    """A FileScan; the options are its own."""
    return FileScan(path, **options)  # type: ignore[arg-type]
