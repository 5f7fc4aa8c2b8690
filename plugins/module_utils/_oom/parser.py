# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in, kills out. Text in, values out: nothing here opens, runs, warns or fails."""

from typing import Iterable, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._sources.model import KMSG_USER, LogLine

from . import killers
from .blocks import join_records
from .kernel import Kernel
from .model import Event
from .unparsed import Unparsed

#: A kernel's record ends at 2 KiB; what is longer is somebody's text, and only its beginning is looked at.
_MAX_TEXT = 8192
_KERNEL_TAGS = (None, "kernel")  # type: Tuple[Optional[str], ...]


class Parser:
    """feed() takes lines of one source in order; finish() gives what is still open.

    include_tasks -- keep the kernel's task table with each kill
    forged -- tell, too, what a process wrote to /dev/kmsg in the kernel's words; never trusted
    """

    def __init__(self, include_tasks: bool = False, forged: bool = False) -> None:
        self._kernel = Kernel(include_tasks)
        self._kernel_tags = _KERNEL_TAGS + ((KMSG_USER,) if forged else ())
        self._earlyoom = killers.EarlyoomState()
        self._nohang = killers.NohangState()
        self._fb_oomd = killers.FbOomdState()

    @property
    def unparsed(self) -> Unparsed:
        """What looked like a kill and was none of the known forms."""
        return self._kernel.unparsed

    def feed(self, line: LogLine) -> List[Event]:
        """Events that this line completes."""
        if len(line.text) > _MAX_TEXT:
            line = line._replace(text=line.text[:_MAX_TEXT])
        if line.tag in self._kernel_tags:
            events, taken = self._kernel.feed(line)
            return events if taken else events + self._userspace(line)
        return self._userspace(line)

    def finish(self) -> List[Event]:
        return self._kernel.finish() + list(self._earlyoom.finish())

    def _userspace(self, line: LogLine) -> List[Event]:
        tag = line.tag
        events = []  # type: List[Event]
        found = None  # type: Optional[Event]
        if tag == "earlyoom" or tag is None:
            kills, taken = self._earlyoom.feed(line)
            events += kills
            if taken:
                return events
        if tag == "systemd-oomd" or tag is None:
            found = killers.systemd_oomd_kill(line)
        if found is None and (tag is None or tag.startswith("nohang")):
            found = self._nohang.feed(line)
        if found is None and (tag in ("systemd", None) or line.message_id is not None):
            found = killers.systemd_verdict(line)
        if found is not None:
            return events + [found]
        if tag in ("oomd", None):
            return events + list(self._fb_oomd.feed(line))
        return list(self._fb_oomd.kernel_log(line)) if tag in ("kernel", KMSG_USER) else events


def parse(lines: Iterable[LogLine], include_tasks: bool = False) -> Iterator[Event]:
    """Every kill, unresolved shortage and verdict in the lines of one source."""
    parser = Parser(include_tasks=include_tasks)
    for line in join_records(lines):
        yield from parser.feed(line)
    yield from parser.finish()
