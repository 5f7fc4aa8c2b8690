# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of user space that kills: its lines in, events out."""

from typing import ClassVar, List, Match, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds.model import LineKind
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .model import Event

#: What is remembered of one program: kills that may be taken back, victims that were named.
MAX_PENDING = 1024


class Daemon:
    """feed() takes lines in their order; finish() gives what is still open.

    KINDS -- the rows of the table for this program; a row's handler is the method ``_on_HANDLER``, which returns None
        where the line is none of its kind after all
    """

    KINDS = ()  # type: ClassVar[Tuple[LineKind, ...]]

    def feed(self, line: LogLine, own: bool) -> Tuple[List[Event], bool]:
        """Events that the line completes, and whether it is known.

        own -- the line is this program's by its tag; else the words alone must tell
        """
        for kind in self.KINDS:
            if kind.handler is None and not own:
                continue
            found = kind.match(line.text)
            if found is None:
                continue
            events = [] if kind.handler is None else self._handle(kind.handler, line, found, own)
            if events is not None:
                return self._others(line, own, True) + events, True
        return self._others(line, own, False), False

    def finish(self) -> List[Event]:
        return []

    def _handle(self, handler: str, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        events = getattr(self, "_on_" + handler)(line, found, own)  # type: Optional[List[Event]]
        return events

    def _others(self, line: LogLine, own: bool, known: bool) -> List[Event]:
        """What waited for a line that is none of its own."""
        return []


def number(text: Optional[str]) -> Optional[int]:
    return None if text is None else int(text)
