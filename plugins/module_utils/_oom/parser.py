# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in, kills out. Text in, values out: nothing here opens, runs, warns or fails.

How it works
============
A parser reads the lines of one source in their order. A line has its prefix off and knows its host, its tag and who
vouches for it.

1. **Records.** join_lines.py makes whole again what was broken on the way: a report in one message, a record that a
  mail program or a
   terminal wrapped, and (split_records.py) one that a newline in a process's name tore. Everything else passes as it
   came.
2. **The kernel.** kernel.py looks each line up in the table of line kinds: the first row with a needle in the line and
  a pattern that takes
   it decides, and its handler changes the report that is open for that source and host:

       header ──► (cpu line, cgroups, task table) ──► summary ──► chosen ──► killed ──► (group ──► killed …) ──► reaped
         │                                               │          │
         └── no_victim, panic: unresolved                └──────────┴── alone: a kill that is partial
         └── nothing more: unresolved, unseen

   "Killed process" is the kill: the only line that every kernel prints for every victim. What came before it in the
   same report adds to it. Reports are rate-limited, so it often comes alone. A report is closed, and its events are
   told, when a line belongs to the next one.
3. **Daemons.** A line with a killer's tag is that killer's, one without a tag is shown to all of them. Each is a small
  class with rows of its
   own (daemon.py). Some decide late: earlyoom prints before it kills, so the next lines may take it back;
   systemd-oomd's rule is a kill when the dump behind it names a victim, and a rule that fired for nothing when none
   does; nohang named its victim lines before.
4. **systemd** tells units, as verdicts: whoever puts the sources together finds the kill that belongs to one, or makes
  it a kill.
5. **The net.** What nobody took is looked at once more (unparsed.py): a line that speaks of a kill counts, or it is a
  quotation.

Two rules hold everywhere. What somebody else wrote never changes what a trusted record says: states are kept by source,
host and trust. And every state is bounded: whoever may write to a log may write a million reports without an end.
"""

from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.model import KMSG_USER, LogLine

from .daemon import Daemon
from .earlyoom import Earlyoom
from .fb_oomd import FbOomd
from .join_lines import join_records
from .kernel import Kernel
from .model import Event
from .nohang import Nohang
from .other_killers import Bustd, Systemd, Talos
from .systemd_oomd import SystemdOomd
from .unparsed import Unparsed

#: A kernel's record ends at 2 KiB; what is longer is somebody's text, and only its beginning is looked at.
_MAX_TEXT = 8192
_KERNEL_LOG = ("kernel", KMSG_USER)
_KERNEL_TAGS = (None, "kernel")  # type: Tuple[Optional[str], ...]
#: journalctl -o with-unit names the unit where the tag stands.
_UNIT = ".service"
# An element of a list that somebody pasted.
_BULLET = regex(r"[-*+\u2022\u2013] {1,4}(?=\S)")


class Parser:
    """feed() takes lines of one source in order; finish() gives what is still open.

    include_tasks -- keep the kernel's task table with each kill
    untrusted -- tell, too, what a process wrote to /dev/kmsg in the kernel's words; never trusted
    unparsed -- what speaks of a kill and is none of the known forms
    """

    def __init__(self, include_tasks: bool = False, untrusted: bool = False) -> None:
        self.unparsed = Unparsed()
        self._kernel = Kernel(include_tasks)
        self._kernel_tags = _KERNEL_TAGS + ((KMSG_USER,) if untrusted else ())
        oomd, systemd, fb_oomd = SystemdOomd(), Systemd(), FbOomd()
        earlyoom, nohang, talos = Earlyoom(), Nohang(), Talos()
        # In the order in which a line without a tag is shown to them.
        self._daemons = (earlyoom, oomd, nohang, systemd, talos, Bustd(), fb_oomd)  # type: Tuple[Daemon, ...]
        # What reaches the kernel's log from outside: oomd writes there, and all of Talos.
        self._beside_kernel = (fb_oomd, talos)  # type: Tuple[Daemon, ...]
        self._systemd = systemd
        self._by_tag = {
            "earlyoom": earlyoom,
            "systemd-oomd": oomd,
            "nohang": nohang,
            "nohang-desktop": nohang,
            "oomd": fb_oomd,
            "talos": talos,
            "bustd": self._daemons[5],
            "systemd": systemd,
        }  # type: Dict[str, Daemon]

    def feed(self, line: LogLine) -> List[Event]:
        """Events that this line completes."""
        if len(line.text) > _MAX_TEXT:
            line = line._replace(text=line.text[:_MAX_TEXT])
        if line.tag not in _KERNEL_LOG and _BULLET.match(line.text):
            line = line._replace(text=line.text[2:].lstrip(" "))
        events = []  # type: List[Event]
        if line.tag in self._kernel_tags:
            events, taken = self._kernel.feed(line)
            if taken:
                return events
        more, taken = self._userspace(line)
        if not taken:
            self.unparsed.judge(line)
        return events + more

    def finish(self) -> List[Event]:
        events = self._kernel.finish()
        for daemon in self._daemons:
            events += daemon.finish()
        return events

    def _userspace(self, line: LogLine) -> Tuple[List[Event], bool]:
        tag = line.tag
        if tag is None:
            return _first_that_knows(self._daemons, line, False)
        if tag in _KERNEL_LOG:
            return _first_that_knows(self._beside_kernel, line, False)
        daemon = self._by_tag.get(tag[: -len(_UNIT)] if tag.endswith(_UNIT) else tag)
        if daemon is None and tag.startswith("nohang"):
            daemon = self._by_tag["nohang"]
        if daemon is not None:
            return daemon.feed(line, True)
        return self._systemd.feed(line, False) if line.message_id is not None else ([], False)


def _first_that_knows(daemons: Tuple[Daemon, ...], line: LogLine, own: bool) -> Tuple[List[Event], bool]:
    events = []  # type: List[Event]
    for daemon in daemons:
        more, taken = daemon.feed(line, own)
        events += more
        if taken:
            return events, True
    return events, False


def parse(lines: Iterable[LogLine], include_tasks: bool = False) -> Iterator[Event]:
    """Every kill, unresolved shortage and verdict in the lines of one source."""
    parser = Parser(include_tasks=include_tasks)
    for line in join_records(lines):
        yield from parser.feed(line)
    yield from parser.finish()
