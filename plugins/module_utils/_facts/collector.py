# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sources tell, put together while it is read: kills into the ledger, and what else there is."""

from itertools import chain
from typing import TYPE_CHECKING, Iterable, Iterator, List, Optional, Set

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from . import facts
from .boot import Boot
from .ledger import Ledger
from .params import Wish

if TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.module_utils._oom.model import Event

    from .explanations import Explainer

DEFAULT_MAX_KILLS = 1000
_MAX_HOSTS = 64


def most_kills(wish: Wish) -> int:
    return DEFAULT_MAX_KILLS if wish.max_kills is None else wish.max_kills


def _looked_at(wish: Wish) -> int:
    if wish.only is None:
        return most_kills(wish)
    from .only import LOOKED_AT

    return LOOKED_AT


class Collector:
    """Takes the events of every source."""

    def __init__(self, wish: Wish, boot: Boot, swap_total: Optional[int] = None) -> None:
        """swap_total -- of the host that the kills are from, where it is known"""
        self._wish = wish
        self._swap_total = swap_total
        self.ledger = Ledger(_looked_at(wish))
        self.unresolved = []  # type: List[Unresolved]
        self.verdicts = []  # type: List[Verdict]
        self.boot = boot
        self.unparsed = Unparsed()
        self.hosts = set()  # type: Set[str]  # as trusted records call themselves

    def read(self, lines: Iterable[LogLine], untrusted: bool = False) -> None:
        """untrusted -- the source knows what a process wrote in the kernel's words: that is shown, too"""
        for event in self._events(lines, untrusted, self.unparsed):
            self._take(event)

    def explain(self, lines: Iterable[LogLine]) -> None:
        """The same kills once more, with all that their source says of them: nothing is counted."""
        for event in self._events(lines, True, Unparsed()):
            if isinstance(event, Kill):
                self.ledger.explain(event)
            elif isinstance(event, Unresolved):
                self._explain_unresolved(event)

    def _events(self, lines: Iterable[LogLine], untrusted: bool, unparsed: Unparsed) -> Iterator["Event"]:
        several = iter(lines)
        first = next(several, None)
        if first is None:
            return  # nothing of interest, as on most hosts: the parser is not even loaded
        from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records
        from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser

        from .explanations import Explainer

        parser = Parser(include_tasks=True, untrusted=untrusted)
        explainer = None if self._wish.include_tasks else Explainer(self._swap_total)
        for line in join_records(chain([first], several)):
            for event in parser.feed(line):
                yield _explained(event, explainer)
        for event in parser.finish():
            yield _explained(event, explainer)
        unparsed.absorb(parser.unparsed)

    def _explain_unresolved(self, event: Unresolved) -> None:
        for at, known in enumerate(self.unresolved):
            same = (known.line.source, known.line.time, known.outcome) == (
                event.line.source,
                event.line.time,
                event.outcome,
            )
            if same and known.line.uptime == event.line.uptime:
                self.unresolved[at] = known._replace(
                    explanation=event.explanation, report=event.report, tasks=event.tasks, page_size=event.page_size
                )

    def _inside(self, line: LogLine) -> bool:
        if line.time is None:
            return True
        since, until = self._wish.since, self._wish.until
        return (since is None or line.time >= since) and (until is None or line.time <= until)

    def _note_host(self, line: LogLine) -> None:
        if line.trusted and line.host is not None and len(self.hosts) < _MAX_HOSTS:
            self.hosts.add(line.host.split(".")[0].lower())

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


def _explained(event: "Event", explainer: "Optional[Explainer]") -> "Event":
    """Why, and without the table that says so; with it where somebody asked for the tables."""
    if explainer is not None and isinstance(event, Kill):
        return explainer.kill(event)
    if isinstance(event, Unresolved):
        from .explanations import unresolved_explained

        return unresolved_explained(event)
    return event


def _without_text(line: LogLine) -> LogLine:
    """What is kept of a line once it is parsed: thousands are held, and each may be long."""
    return line._replace(text="")
