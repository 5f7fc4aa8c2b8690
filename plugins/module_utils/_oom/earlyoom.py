# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""earlyoom: it prints its line before it kills, so that the next lines may take the kill back."""

from typing import Dict, List, Match, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import daemons as kinds
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .daemon import MAX_PENDING, Daemon, number
from .model import Event, Kill, Process

#: So many lines of its own, such as a script's of -N, may stand between the kill and what takes it back.
_HELD_LINES = 12
#: The same: whoever calls himself so in somebody's journal does not take a kill away that is trusted.
_Key = Tuple[Optional[str], str, bool]


class Earlyoom(Daemon):
    """Holds a kill while the same earlyoom may still say that it was a dry run, or that it failed."""

    KINDS = kinds.EARLYOOM

    def __init__(self) -> None:
        self._held = {}  # type: Dict[_Key, Tuple[Kill, int]]

    def finish(self) -> List[Event]:
        kills = [kill for kill, _left in self._held.values()]  # type: List[Event]
        self._held.clear()
        return kills

    def _on_kill(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        key = _key(line)
        before, _left = self._held.pop(key, (None, 0))
        events = [] if before is None else [before]  # type: List[Event]
        if len(self._held) >= MAX_PENDING:
            events += self.finish()
        self._held[key] = (_kill(line, found), _HELD_LINES)
        return events

    def _on_old_kill(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        return self._on_kill(line, found, own) if own else None

    def _on_taken_back(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        before, _left = self._held.pop(_key(line), (None, 0))
        return [] if own or before is not None else None

    def _others(self, line: LogLine, own: bool, known: bool) -> List[Event]:
        key = _key(line)
        before, left = self._held.get(key, (None, 0))
        if before is None or before.line is line:
            return []
        if left > 0 and not kinds.EARLYOOM_SENT.match(line.text):
            self._held[key] = (before, left - 1)
            return []
        del self._held[key]
        return [before]


def _key(line: LogLine) -> _Key:
    return (line.host, line.source, line.trusted)


def _kill(line: LogLine, found: Match[str]) -> Kill:
    field = found.groupdict()
    victim = Process(
        pid=int(field["pid"]),
        comm=field.get("comm"),
        uid=number(field.get("uid")),
        oom_score=number(field.get("score")),
        oom_score_adj=number(field.get("adj")),
    )
    return Kill(line=line, victim=victim, killer="earlyoom", scope="global")
