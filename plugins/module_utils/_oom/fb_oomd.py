# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oomd of Facebook: it says whom it tries, then which processes died, then once more in one line to the
kernel's log.
"""

from itertools import islice
from typing import Dict, List, Match, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import daemons as kinds
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .daemon import MAX_PENDING, Daemon
from .model import Event, Kill, Process

#: Processes of one cgroup that one line of oomd may name: each becomes a kill.
_MAX_NAMED = 128
_Key = Tuple[Optional[str], str]


class FbOomd(Daemon):
    """Knows which cgroup was tried last, and whether its kill is told already."""

    KINDS = kinds.FB_OOMD

    def __init__(self) -> None:
        self._tried = {}  # type: Dict[_Key, str]
        self._told = {}  # type: Dict[_Key, str]

    def feed(self, line: LogLine, own: bool) -> Tuple[List[Event], bool]:
        if len(self._tried) + len(self._told) > MAX_PENDING:
            self._tried.clear()
            self._told.clear()
        return super().feed(line, own)

    def _on_trying(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        self._tried[_key(line)] = found.group("cgroup")
        self._told.pop(_key(line), None)
        return []

    def _on_cgroup_kill(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        self._told[_key(line)] = cgroup = found.group("cgroup")
        return [_kill(line, cgroup)]

    def _on_killed(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        named = list(islice(kinds.FB_MEMBER.finditer(found.group("rest")), _MAX_NAMED))
        if not named or (not own and not any(one.group("comm") is not None for one in named)):
            return None
        cgroup = self._tried.get(_key(line))
        self._told[_key(line)] = cgroup or ""
        victims = {one.group("pid"): one.group("comm") for one in named if one.group("failed") is None}
        return [_kill(line, cgroup, Process(pid=int(pid), comm=comm)) for pid, comm in victims.items()]

    def _on_line(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        """A kill only where nothing told of it before."""
        cgroup = found.group("cgroup")
        told = self._told.pop(_key(line), None)
        if found.group("dry") or told in ("", cgroup, "/" + cgroup):
            return []
        return [_kill(line, cgroup if cgroup.startswith("/") else "/" + cgroup)]

    def _on_restarted(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        return [_kill(line, None)._replace(unit=found.group("unit"), partial=True)]


def _kill(line: LogLine, cgroup: Optional[str], victim: Process = Process()) -> Kill:
    return Kill(line=line, victim=victim, killer="oomd", task_memcg=cgroup)


def _key(line: LogLine) -> _Key:
    return (line.host, line.source)
