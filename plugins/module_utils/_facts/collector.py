# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sources tell, put together while it is read: kills into the ledger, and what else there is."""

from itertools import chain
from typing import Iterable, List, Set

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from . import facts
from .boot import Boot
from .ledger import Ledger
from .params import Wish

DEFAULT_MAX_KILLS = 1000
_MAX_HOSTS = 64


class Collector:
    """Takes the events of every source."""

    def __init__(self, wish: Wish, boot: Boot) -> None:
        self._wish = wish
        self.ledger = Ledger(DEFAULT_MAX_KILLS if wish.max_kills is None else wish.max_kills)
        self.unresolved = []  # type: List[Unresolved]
        self.verdicts = []  # type: List[Verdict]
        self.boot = boot
        self.unparsed = Unparsed()
        self.hosts = set()  # type: Set[str]  # as trusted records call themselves

    def read(self, lines: Iterable[LogLine], forged: bool = False) -> None:
        """forged -- the source knows what a process wrote in the kernel's words: that is shown, too"""
        several = iter(lines)
        first = next(several, None)
        if first is None:
            return  # nothing of interest, as on most hosts: the parser is not even loaded
        from ansible_collections.memops.linux.plugins.module_utils._oom.blocks import join_records
        from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser

        parser = Parser(include_tasks=self._wish.include_tasks, forged=forged)
        for line in join_records(chain([first], several)):
            for event in parser.feed(line):
                self._take(event)
        for event in parser.finish():
            self._take(event)
        self.unparsed.absorb(parser.unparsed)

    def _inside(self, line: LogLine) -> bool:
        if line.time is None:
            return True
        since, until = self._wish.since, self._wish.until
        return (since is None or line.time >= since) and (until is None or line.time <= until)

    def _note_host(self, line: LogLine) -> None:
        if line.trusted and line.host is not None and len(self.hosts) < _MAX_HOSTS:
            self.hosts.add(line.host.split(".")[0])

    def _take(self, event: object) -> None:
        if isinstance(event, Kill):
            self._note_host(event.line)
            kill = facts.unit_facts(event._replace(line=_without_text(event.line)))
            self.boot.count(kill)
            if self._inside(kill.line):
                self.ledger.add(kill)
        elif isinstance(event, Unresolved):
            if self._inside(event.line) and len(self.unresolved) < 10_000:
                self.unresolved.append(event._replace(line=_without_text(event.line)))
        elif isinstance(event, Verdict) and self._inside(event.line) and len(self.verdicts) < 10_000:
            self.verdicts.append(event._replace(line=_without_text(event.line)))


def _without_text(line: LogLine) -> LogLine:
    """What is kept of a line once it is parsed: thousands are held, and each may be long."""
    return line._replace(text="")
