# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills by user-space killers, and systemd's own verdicts, from what the daemons print."""

import re
from itertools import islice
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.model import OOMD_KILL, UNIT_OOM, LogLine

from .model import Kill, Process, Verdict

# --- earlyoom: one pattern per spelling, newest first. The start-up banner ("sending SIGTERM when mem <=") has no pid.
EARLYOOM = (
    # 1.8, 1.9
    regex(
        r"sending SIG\w+ to process (?P<pid>\d{1,20}) uid (?P<uid>\d{1,20}) \"(?P<comm>.*)\": oom_score (?P<score>-?\d{1,20})"
        r"(?:, oom_score_adj (?P<adj>-?\d{1,20}))?, VmRSS (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.4 to 1.7
    regex(
        r"sending SIG\w+ to process (?P<pid>\d{1,20}) uid (?P<uid>\d{1,20}) \"(?P<comm>.*)\": badness (?P<score>-?\d{1,20}), VmRSS (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.3
    regex(
        r"sending SIG\w+ to process (?P<pid>\d{1,20}) \"(?P<comm>.*)\": badness (?P<score>-?\d{1,20}), VmRSS (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.3-rc
    regex(
        r"killing process (?P<pid>\d{1,20}) \"(?P<comm>.*)\" with signal \d+: badness:? (?P<score>-?\d{1,20}), VmRSS:? (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.2
    regex(
        r"Killing process '(?P<comm>.*)' with signal \d+, pid: (?P<pid>\d{1,20}), badness: (?P<score>-?\d{1,20}), VmRSS: (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # to 1.1; the tag is needed, the words are anybody's
    regex(r"Killing process (?P<pid>\d{1,20}) (?P<comm>\S.*)$", re.DOTALL),
)
# 1.0 and later, with --dryrun: after the line that names the process, and after what a script of -N (1.8) prints.
EARLYOOM_DRYRUN = "dryrun, not actually sending any signal"
_DRYRUN_LINES = 12
# What it says only behind a signal, or when it looks at the memory again.
_EARLYOOM_SENT = regex(r"process (?:\d{1,20} )?exited|escalating to SIG|kill failed|killing whole process group|low memory!|mem avail")

# --- systemd-oomd: "Killed" to v256, "Marked … for killing" since; the tail tells it from everybody else's "Killed /…".
OOMD = (
    regex(r"(?:Killed|Marked) (?P<cgroup>/.*?)(?: for killing)? due to memory pressure for (?P<pressed>/.*)$", re.DOTALL),
    regex(r"(?:Killed|Marked) (?P<cgroup>/.*?)(?: for killing)? due to memory used \(\d+\) / total \(\d+\) and swap used", re.DOTALL),
)
# What follows the second cgroup; a pager cuts the line at the width of the terminal.
_OOMD_TAIL = regex(r" being |\sb?e?>?$")
# --- facebook oomd: BaseKillPlugin.cpp; its log has the place in the source before each line, and the cgroup as a path of files.
_FB_PLACE = r"(?:\[[^\]\s]{1,128}:\d{1,6}\] )?"
FB_TRYING = regex(_FB_PLACE + r"Trying to kill (?:/sys/fs/cgroup(?=/))?(?P<cgroup>/\S{1,1024})\s*$")
FB_KILLED = regex(_FB_PLACE + r"Killed (?P<count>\d{1,20}): (?P<rest>\d+\(.*)$", re.DOTALL)
FB_MEMBER = regex(r"(?<!\d)(?P<pid>\d{1,20})\((?P<comm>.{0,64}?)\)(?= \d{1,20}\(|\s*$)", re.DOTALL)
FB_KMSG = regex(
    r"[\d.]{1,20} [\d.]{1,20} [\d.]{1,20} (?P<cgroup>\S{1,1024}) \d{1,20} ruleset:\[[^\]]{0,256}\] detectorgroup:\[[^\]]{0,256}\] killer:\S"
)
# --- nohang: the pid and the name come lines before the signal.
NOHANG_VICTIM = regex(r"\s*(?:PID|Pid|pid): *(?P<pid>\d{1,20}), *(?:Name|name): *(?P<comm>.*?)(?:, badness: *(?P<score>-?\d{1,20}).*)?$", re.DOTALL)
NOHANG_SIGNAL = regex(r"\s*(?:\[ OK \] )?(?:Sending|Send) (?P<signal>SIG\w+)(?: to the victim|\s*$|;)", re.DOTALL)
NOHANG_ONE_LINE = regex(r"\s*(?:Sending|Send) SIG\w+ to (?P<comm>.+?), Pid: ?(?P<pid>\d{1,20})(?:, Badness: ?(?P<score>-?\d{1,20}))?", re.DOTALL)
# --- systemd: pid 1, and the manager of a user
# 243 to 258; since 259
VERDICT_OOM = regex(
    r"(?P<unit>\S+\.\w+): (?:A process of this unit has been killed by the OOM killer|The kernel OOM killer killed some processes in this unit)\."
)
# services since 243, scopes since 252
VERDICT_RESULT = regex(r"(?P<unit>\S+\.\w+): Failed with result 'oom-kill'\.")
# since 247; without a number since 251
VERDICT_OOMD = regex(r"(?P<unit>\S+\.\w+): systemd-oomd killed (?P<count>\d{1,9}|some) process\(es\) in this unit\.")

_MAX_PENDING = 1024
#: Processes of one cgroup that one line of oomd may name: each becomes a kill.
_MAX_NAMED = 128


def _int(text: Optional[str]) -> Optional[int]:
    return None if text is None else int(text)


class Victim(NamedTuple):
    """nohang names its victim lines before the signal."""

    pid: int
    comm: str
    score: Optional[int]


class EarlyoomState:
    """Holds a kill while the same earlyoom may still say that it was a dry run: what its -N script prints comes between.

    The same: whoever calls himself so in somebody's journal does not take a kill away that is trusted.
    """

    def __init__(self) -> None:
        self._held = {}  # type: Dict[Tuple[Optional[str], str, bool], Tuple[Kill, int]]

    def feed(self, line: LogLine) -> Tuple[List[Kill], bool]:
        """Kills that are certain now; whether the line is one of earlyoom's."""
        key = (line.host, line.source, line.trusted)
        before, left = self._held.pop(key, (None, 0))
        if before is not None and line.text.startswith(EARLYOOM_DRYRUN):
            return [], True
        kill = earlyoom_kill(line)
        if kill is None:
            if before is None or left == 0 or _EARLYOOM_SENT.match(line.text):
                return [] if before is None else [before], False
            self._held[key] = (before, left - 1)
            return [], False
        kills = [] if before is None else [before]
        if len(self._held) >= _MAX_PENDING:
            kills += self.finish()
        self._held[key] = (kill, _DRYRUN_LINES)
        return kills, True

    def finish(self) -> List[Kill]:
        kills = [kill for kill, _left in self._held.values()]
        self._held.clear()
        return kills


def earlyoom_kill(line: LogLine) -> Optional[Kill]:
    for pattern in EARLYOOM[: None if line.tag == "earlyoom" else -1]:
        found = pattern.match(line.text)
        if found:
            field = found.groupdict()
            victim = Process(
                pid=int(field["pid"]),
                comm=field["comm"],
                uid=_int(field.get("uid")),
                oom_score=_int(field.get("score")),
                oom_score_adj=_int(field.get("adj")),
            )
            return Kill(line=line, victim=victim, killer="earlyoom", scope="global")
    return None


def systemd_oomd_kill(line: LogLine) -> Optional[Kill]:
    for pattern in OOMD:
        found = pattern.match(line.text)
        pressed = found.groupdict().get("pressed") if found else None
        if found and (pressed is None or _OOMD_TAIL.search(pressed)):
            scope = "global" if pressed is None else "memcg"
            return Kill(line=line, victim=Process(), killer="systemd-oomd", scope=scope, task_memcg=found.group("cgroup"))
    return None


class FbOomdState:
    """oomd says whom it tries, then which processes died, then once more in one line to the kernel log."""

    def __init__(self) -> None:
        self._tried = {}  # type: Dict[Tuple[Optional[str], str], str]
        self._told = {}  # type: Dict[Tuple[Optional[str], str], str]

    def feed(self, line: LogLine) -> Tuple[Kill, ...]:
        key = (line.host, line.source)
        if len(self._tried) + len(self._told) > _MAX_PENDING:
            self._tried.clear()
            self._told.clear()
        tried = FB_TRYING.match(line.text)
        if tried:
            self._tried[key] = tried.group("cgroup")
            self._told.pop(key, None)
            return ()
        died = FB_KILLED.match(line.text)
        if died:
            cgroup = self._tried.get(key)
            self._told[key] = cgroup or ""
            named = islice(FB_MEMBER.finditer(died.group("rest")), _MAX_NAMED)
            victims = {one.group("pid"): one.group("comm") for one in named}
            return tuple(Kill(line=line, victim=Process(pid=int(pid), comm=comm), killer="oomd", task_memcg=cgroup) for pid, comm in victims.items())
        return self.kernel_log(line)

    def kernel_log(self, line: LogLine) -> Tuple[Kill, ...]:
        """The one line is a kill only where nothing told of the processes before."""
        found = FB_KMSG.match(line.text)
        if not found:
            return ()
        told = self._told.pop((line.host, line.source), None)
        cgroup = found.group("cgroup")
        if told is not None and told in ("", cgroup):
            return ()
        return (Kill(line=line, victim=Process(), killer="oomd", task_memcg=cgroup if cgroup.startswith("/") else "/" + cgroup),)


class NohangState:
    """Remembers the victim that nohang names before it says that it sends a signal."""

    def __init__(self) -> None:
        self._victims = {}  # type: Dict[Tuple[Optional[str], str], Victim]
        self._stamped = None  # type: Optional[LogLine]

    def feed(self, line: LogLine) -> Optional[Kill]:
        if line.time is not None:
            self._stamped = line
        at_once = NOHANG_ONE_LINE.match(line.text)
        if at_once:
            return self._kill(line, Victim(int(at_once.group("pid")), at_once.group("comm"), _int(at_once.group("score"))))
        key = (line.host, line.source)
        named = NOHANG_VICTIM.match(line.text)
        if named:
            if len(self._victims) >= _MAX_PENDING:
                self._victims.clear()
            self._victims[key] = Victim(int(named.group("pid")), named.group("comm"), _int(named.group("score")))
        elif NOHANG_SIGNAL.match(line.text) and key in self._victims:
            return self._kill(line, self._victims.pop(key))
        return None

    def _kill(self, line: LogLine, victim: Victim) -> Kill:
        """Its own log has a stamp before the first line of each message only."""
        before = self._stamped
        if line.time is None and before is not None and (before.host, before.source) == (line.host, line.source):
            line = line._replace(time=before.time, time_quality=before.time_quality)
        process = Process(pid=victim.pid, comm=victim.comm, oom_score=victim.score)
        return Kill(line=line, victim=process, killer="nohang", scope="global")


def systemd_verdict(line: LogLine) -> Optional[Verdict]:
    """What systemd says of a unit that lost processes; parents' slices repeat it."""
    of_oomd = VERDICT_OOMD.match(line.text)
    if of_oomd is not None:
        count = of_oomd.group("count")
        return Verdict(line=line, unit=line.unit or of_oomd.group("unit"), killer="systemd-oomd", processes=int(count) if count.isdigit() else None)
    if line.unit and line.message_id == OOMD_KILL:
        return Verdict(line=line, unit=line.unit, killer="systemd-oomd")
    if line.unit and line.message_id == UNIT_OOM:
        return Verdict(line=line, unit=line.unit)
    for kind, pattern in (("killed", VERDICT_OOM), ("result", VERDICT_RESULT)):
        found = pattern.match(line.text)
        if found is not None:
            return Verdict(line=line, unit=found.group("unit"), kind=kind)
    return None
