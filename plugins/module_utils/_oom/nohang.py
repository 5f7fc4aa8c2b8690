# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nohang: it names its victim some lines before it says that it sends a signal."""

from typing import Dict, List, Match, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import daemons as kinds
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .daemon import MAX_PENDING, Daemon, number
from .model import Event, Kill, Process

_Key = Tuple[Optional[str], str]


class Victim(NamedTuple):
    """Whom it named."""

    pid: Optional[int] = None
    comm: Optional[str] = None
    score: Optional[int] = None


class Nohang(Daemon):
    """Remembers the victim until the signal."""

    KINDS = kinds.NOHANG

    def __init__(self) -> None:
        self._victims = {}  # type: Dict[_Key, Victim]
        self._signalled = {}  # type: Dict[_Key, None]  # whom it named last was sent a signal
        self._stamped = None  # type: Optional[LogLine]

    def feed(self, line: LogLine, own: bool) -> Tuple[List[Event], bool]:
        if line.time is not None:
            self._stamped = line
        return super().feed(line, own)

    def _on_one_line(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        victim = Victim(int(found.group("pid")), found.group("comm"), number(found.group("score")))
        return list(self._kill(line, victim))

    def _on_victim(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        self._remember(line, Victim(int(found.group("pid")), found.group("comm"), number(found.group("score"))))
        return []

    def _on_field(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        field, value = found.group("field").lower(), found.group("value")
        victim = self._victims.get(_key(line), Victim())
        if field == "name":
            victim = Victim(victim.pid if victim.comm is None else None, value)
        elif not value.isdigit() or len(value) > 18:
            return None
        elif field == "pid":
            victim = Victim(int(value), victim.comm if victim.pid is None else None)
        else:
            victim = victim._replace(score=int(value))
        self._remember(line, victim)
        return [] if own else None

    def _on_signal(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        victim = self._victims.pop(_key(line), None)
        if victim is not None and victim.pid is not None:
            return list(self._kill(line, victim))
        if _key(line) in self._signalled:
            return []  # once more to the same
        kills = self._kill(line, Victim())
        return [kill._replace(partial=True) for kill in kills]

    def _on_command(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        victim = self._victims.pop(_key(line), None)
        if victim is None or victim.pid != int(found.group("pid")):
            return None
        return list(self._kill(line, victim))

    def _remember(self, line: LogLine, victim: Victim) -> None:
        if len(self._victims) >= MAX_PENDING:
            self._victims.clear()
        self._victims[_key(line)] = victim
        self._signalled.pop(_key(line), None)

    def _kill(self, line: LogLine, victim: Victim) -> List[Kill]:
        """Its own log has a stamp before the first line of each message only."""
        if len(self._signalled) >= MAX_PENDING:
            self._signalled.clear()
        self._signalled[_key(line)] = None
        before = self._stamped
        if line.time is None and before is not None and (before.host, before.source) == (line.host, line.source):
            line = line._replace(time=before.time, time_quality=before.time_quality)
        process = Process(pid=victim.pid, comm=victim.comm, oom_score=victim.score)
        return [Kill(line=line, victim=process, killer="nohang", scope="global")]


def _key(line: LogLine) -> _Key:
    return (line.host, line.source)
