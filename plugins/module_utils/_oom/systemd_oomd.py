# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-oomd: it kills cgroups, and names no process above debug level."""

from typing import Dict, List, Match, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import daemons as kinds
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .daemon import MAX_PENDING, Daemon
from .model import Event, Kill, Process, Unresolved

#: The dump of ten candidates has some 80 lines.
_HELD_LINES = 96
_Key = Tuple[Optional[str], str, bool]


class _Decision(NamedTuple):
    """A decision to kill of which the outcome is not known yet.

    kill -- what it comes to, if nothing takes it back; its cgroup may come with the dump
    whole -- the cgroup itself was to die; else one below it, which the dump names last
    left -- how many lines are waited for
    """

    kill: Kill
    whole: bool
    left: int


class SystemdOomd(Daemon):
    """A rule (since 261) or a notice (247) waits for the lines behind it: whom it was, whether it failed, whether it
    was a dry run.
    """

    KINDS = kinds.SYSTEMD_OOMD

    def __init__(self) -> None:
        self._open = {}  # type: Dict[_Key, _Decision]

    def finish(self) -> List[Event]:
        events = [_outcome(decision) for decision in self._open.values()]
        self._open.clear()
        return events

    def _on_kill(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        pressed = found.groupdict().get("pressed")
        if pressed is not None and not kinds.OOMD_TAIL.search(pressed):
            return None
        self._open.pop(_key(line), None)  # what was decided is told now
        scope = "global" if pressed is None else "memcg"
        return [Kill(line=line, victim=Process(), killer="systemd-oomd", scope=scope, task_memcg=found.group("cgroup"))]

    def _on_cut(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        """The words that are left must tell whose they are."""
        cgroup = found.groupdict().get("cgroup")
        if cgroup is None and not own:
            return None
        self._open.pop(_key(line), None)
        scope = "memcg" if "pressure" in line.text else "unknown"
        return [Kill(line=line, victim=Process(), killer="systemd-oomd", scope=scope, task_memcg=cgroup)]

    def _on_rule(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        whole = found.group("action") == "kill-all"
        cgroup = found.group("cgroup")
        kill = Kill(
            line=line,
            victim=Process(),
            killer="systemd-oomd",
            scope="memcg",
            oom_memcg=cgroup,
            task_memcg=cgroup if whole else None,
        )
        return self._decide(line, _Decision(kill, whole, _HELD_LINES))

    def _on_announced(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        pressed = found.groupdict().get("pressed")
        scope = "global" if pressed is None else "memcg"
        kill = Kill(line=line, victim=Process(), killer="systemd-oomd", scope=scope, oom_memcg=pressed, partial=True)
        return self._decide(line, _Decision(kill, True, _HELD_LINES))

    def _decide(self, line: LogLine, decision: _Decision) -> List[Event]:
        key = _key(line)
        before = self._open.pop(key, None)
        events = [] if before is None else [_outcome(before)]
        if len(self._open) >= MAX_PENDING:
            events += self.finish()
        self._open[key] = decision
        return events

    def _on_path(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        decision = self._open.get(_key(line))
        if decision is None:
            return [] if own else None
        if not decision.whole:
            self._open[_key(line)] = decision._replace(kill=decision.kill._replace(task_memcg=found.group("cgroup")))
        return []

    def _on_dump(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        return [] if own or _key(line) in self._open else None

    def _on_failed(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        decision = self._open.pop(_key(line), None)
        if decision is None:
            return [] if own else None
        return [_nobody_died(decision.kill)]

    def _on_dry_run(self, line: LogLine, found: Match[str], own: bool) -> List[Event]:
        self._open.pop(_key(line), None)
        return []

    def _others(self, line: LogLine, own: bool, known: bool) -> List[Event]:
        key = _key(line)
        decision = self._open.get(key)
        if decision is None or decision.kill.line is line:
            return []
        waits = known or not own
        if waits and decision.left > 0:
            self._open[key] = decision._replace(left=decision.left - 1)
            return []
        del self._open[key]
        return [_outcome(decision)]


def _key(line: LogLine) -> _Key:
    return (line.host, line.source, line.trusted)


def _outcome(decision: _Decision) -> Event:
    kill = decision.kill
    return kill if decision.whole or kill.task_memcg is not None else _nobody_died(kill)


def _nobody_died(kill: Kill) -> Unresolved:
    return Unresolved(line=kill.line, outcome="rule_fired", scope=kill.scope, oom_memcg=kill.oom_memcg)
