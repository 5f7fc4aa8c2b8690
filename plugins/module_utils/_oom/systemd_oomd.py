# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-oomd: it kills cgroups, and names no process above debug level."""

from typing import Dict, List, Match, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._line_kinds import daemons as kinds
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

from .daemon import MAX_PENDING, Daemon
from .model import Event, Kill, Process, Unresolved
from .oom_report import within

#: The dump of ten candidates has some 80 lines.
_HELD_LINES = 96
#: Seconds between a signal and the line that tells of the kill, or the other way round.
_SIGNAL_SPAN = 30.0
_MAX_SIGNALS = 256
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
        self._signals = {}  # type: Dict[_Key, List[Kill]]  # processes of which no line told yet that they were killed
        self._told = {}  # type: Dict[_Key, LogLine]  # the last line that told of a kill

    def finish(self) -> List[Event]:
        events = [_outcome(decision) for decision in self._open.values()]
        self._open.clear()
        for key in list(self._signals):
            events += self._signalled(key)
        return events

    def _on_attempt(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        """At debug level only. Where no other line tells of the kill, this is its only trace."""
        key = _key(line)
        told = self._told.get(key)
        if key in self._open or (told is not None and within(told, line, _SIGNAL_SPAN)):
            return []
        kills = self._signals.setdefault(key, [])
        events = self._signalled(key) if kills and not within(kills[-1].line, line, _SIGNAL_SPAN) else []
        kills = self._signals.setdefault(key, [])
        pid = int(found.group("pid"))
        if (
            len(kills) < _MAX_SIGNALS
            and len(self._signals) < MAX_PENDING
            and all(kill.victim.pid != pid for kill in kills)
        ):
            kills.append(Kill(line=line, victim=Process(pid=pid), killer="systemd-oomd", scope="unknown", partial=True))
        return events

    def _signalled(self, key: _Key, told: Optional[LogLine] = None) -> List[Event]:
        """Those of which no line told. told -- a line that tells of the last ones"""
        kills = self._signals.pop(key, [])
        return [kill for kill in kills if told is None or not within(kill.line, told, _SIGNAL_SPAN)]

    def _tell(self, line: LogLine) -> List[Event]:
        """A kill is told: the signals right before it belong to it."""
        key = _key(line)
        self._open.pop(key, None)  # what was decided is told now
        if len(self._told) >= MAX_PENDING:
            self._told.clear()
        self._told[key] = line
        return self._signalled(key, line)

    def _on_kill(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        pressed = found.groupdict().get("pressed")
        if pressed is not None and not kinds.OOMD_TAIL.search(pressed):
            return None
        before = self._tell(line)
        scope = "global" if pressed is None else "memcg"
        kill = Kill(line=line, victim=Process(), killer="systemd-oomd", scope=scope, task_memcg=found.group("cgroup"))
        return before + [kill]

    def _on_cut(self, line: LogLine, found: Match[str], own: bool) -> Optional[List[Event]]:
        """The words that are left must tell whose they are."""
        cgroup = found.groupdict().get("cgroup")
        if cgroup is None and not own:
            return None
        before = self._tell(line)
        scope = "unknown"
        if " pressure" in line.text:
            scope = "memcg"
        elif " used" in line.text:
            scope = "global"
        return before + [Kill(line=line, victim=Process(), killer="systemd-oomd", scope=scope, task_memcg=cgroup)]

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
        signalled = self._signalled(_key(line))
        if decision is None:
            return signalled if own or signalled else None
        return signalled + [_nobody_died(decision.kill)]

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
