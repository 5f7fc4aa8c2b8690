# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killers of few words: Talos, bustd; and systemd, which tells what became of its units."""

from typing import Dict, List, Match, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import daemons as kinds
from ansible_collections.memops.linux.plugins.module_utils._sources.model import OOMD_KILL, UNIT_OOM, LogLine

from .daemon import MAX_PENDING, Daemon, number
from .model import Event, Kill, Process, Verdict


class Talos(Daemon):
    """The OOM controller of Talos kills a cgroup."""

    KINDS = kinds.TALOS

    def _on_kill(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        cgroup = found.group("cgroup")
        root = "/sys/fs/cgroup/"
        cgroup = cgroup[len(root) - 1 :] if cgroup.startswith(root) else cgroup
        return [Kill(line=line, victim=Process(), killer="talos", scope="global", task_memcg=cgroup)]


class Bustd(Daemon):
    """Names the victim, and says once more that it is gone."""

    KINDS = kinds.BUSTD

    def __init__(self) -> None:
        self._named = {}  # type: Dict[Tuple[Optional[str], str, int], None]

    def _on_kill(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        field = found.groupdict()
        key = (line.host, line.source, int(field["pid"]))
        if field.get("comm") is None and key in self._named:
            del self._named[key]
            return []
        if len(self._named) >= MAX_PENDING:
            self._named.clear()
        if field.get("comm") is not None:
            self._named[key] = None
        victim = Process(pid=key[2], comm=field.get("comm"), oom_score=number(field.get("score")))
        return [Kill(line=line, victim=victim, killer="bustd", scope="global")]


class Systemd(Daemon):
    """What systemd says of a unit that lost processes; parents' slices repeat it."""

    KINDS = kinds.SYSTEMD

    def feed(self, line: LogLine, own: bool) -> Tuple[List[Event], bool]:
        events, known = super().feed(line, own)
        if known or not line.unit:
            return events, known
        if line.message_id == OOMD_KILL:
            return [Verdict(line=line, unit=line.unit, killer="systemd-oomd")], True
        if line.message_id == UNIT_OOM:
            return [Verdict(line=line, unit=line.unit)], True
        return events, known

    def _on_oomd(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        count = found.group("count")
        unit = line.unit or found.group("unit")
        return [Verdict(line=line, unit=unit, killer="systemd-oomd", processes=int(count) if count.isdigit() else None)]

    def _on_oom(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        return [Verdict(line=line, unit=line.unit or found.group("unit"))]

    def _on_cut(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        field = found.groupdict()
        if field.get("oomd"):
            return self._on_oomd(line, found, own)
        return self._on_result(line, found, own) if field.get("result") else self._on_oom(line, found, own)

    def _on_result(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        return [Verdict(line=line, unit=found.group("unit"), kind="result")]
