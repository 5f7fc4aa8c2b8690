# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks of a kill and that no reader took: a form that nobody here has seen, or somebody who plays.

It is the net under everything, so it looks anywhere in what is left of a raw line, whatever its tag:

* the kernel's words, said by the kernel, by nobody (no prefix that we know), or by what carries the kernel's lines;
* a killer of user space by its tag: whatever it says of killing, beside the closed list of its harmless lines;
* systemd by its tag: whatever it says of the OOM killer.

The same words in another program's message, in an application's JSON, behind an open quotation mark or in an event of a
cluster are a quotation. It is counted apart: whoever has read of a kill need not have lost anything.
"""

from typing import List, Optional

from ansible_collections.memops.linux.plugins.module_utils._line_kinds.model import CUT
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._sources.model import KMSG_USER, LogLine
from ansible_collections.memops.linux.plugins.module_utils._text import printable

#: How many lines are shown, and how many characters of each.
MAX_SAMPLES = 5
_SAMPLE = 200
#: None of the lines that are looked for does without one of these.
_STEMS = ("ill", "SIG", "oom", "OOM", "action", "ermina", "Path", "emory:", "Marked /")

# What the kernel says when it kills, in any era and with some drift.
_KERNEL_WORDS = regex(
    r"(?P<context>(?:Memory cgroup out of memory|[Oo]ut of [mM]emory)(?: \([^()]{1,40}\)| in [^:]{1,40})?: ?)?"
    r"(?:Killed (?:process|task|child) \d|[Kk]ill(?:ed)? (?:process|task|child) \d{1,9},? ?(?:\(|UID)"
    r"|OOM[ -][Kk]ill(?:ed|ing)\b.{0,12}\d|oom-kill:|invoked oom-killer|oom_reaper: reaped )"
)
# What is left of the kernel's words where somebody cut them, said by the kernel.
_KERNEL_LEFT = regex(
    r"(?:Out of [mM]emory:|Memory cgroup(?: o\w{0,2}.{0,16})?|Killed process\b.{0,24}|oom-kill\b.{0,24})" + CUT
)
# The context alone says it where a word of killing follows.
_KERNEL_CONTEXT = regex(
    r"(?:Memory cgroup out of memory|Out of [mM]emory)(?: \([^()]{1,40}\))?:"
    r" .{0,80}\b(?:[Kk]ill|SIGKILL|[Tt]erminat|victim)"
)
# Killers of user space without a tag. What systemd's debug line says of a control group, another line of it tells.
_DAEMON_WORDS = regex(
    r"sending SIG[A-Z]+ to process \d|(?:Killed|Marked|Terminated) /\S{1,1024} .{0,64}memory (?:pressure|used)"
    r"|(?:Killed|Marked) /(?:user|system|machine)\.slice/|taking"
    r" action kill"
    r"|(?<!control group was )killed by the OOM killer|OOM killer killed|systemd-oomd killed|oomd kill: \d"
    r"|(?:Killing|killing) process \d{1,9} (?:uid|\")|Failed with result 'oom"
)
# By its tag: whatever a killer says of killing.
_KILLING = regex(r"\b[Kk]ill(?:ed|ing|s)?\b|SIG[A-Z]{3}|taking action|[Tt]erminat|\b[Vv]ictim|OOM")
# By its tag: what systemd says of the OOM killer.
_VERDICT = regex(r"\b(?:OOM|oom)\b.{0,64}\b[Kk]ill(?:ed)?\b|\b[Kk]illed\b.{0,64}\b(?:OOM|oom)\b|\boom-kill|oomd killed")
_KILLER_TAGS = frozenset(("earlyoom", "systemd-oomd", "nohang", "nohang-desktop", "oomd", "talos", "bustd"))
#: Programs that hand on what the kernel says.
_CARRIERS = frozenset(("klogd", "kern", "vmunix", "dmesg", "netconsole", "printk", "unknown", "-"))
# In front of the words: the kernel is named, and nothing but punctuation and stamps follows.
_KERNEL_NAMED = regex(
    r"(?:^|[^\w.-])(?:kernel|kern)(?:\[\d{1,10}\])?[\s\"'\]\[:,;|=>{}().\d+TCZ-]*(?:\"(?:message|msg|log|text"
    r"|MESSAGE)\"[:=\s]{1,8}\")?$"
)
# The killer itself, behind a stamp that is cut.
_KILLER_NAMED = regex(
    r"(?:^|[^\w.-])(?:systemd|systemd-oomd|earlyoom|nohang(?:-desktop)?|oomd)(?:\.service)?(?:\[\d{1,10}\])?:\s"
    r"(?:\S{1,255}: )?$"
)
# The second half of a line that was wrapped within the kernel's words.
_CONTEXT = "memory cgroup out of memory"
_PID_1 = regex(r"(?:^|[\s|,;\"])(?:systemd(?:\[\d{1,10}\])?|\w{0,6}\[1\]):\s\S{1,255}\.(?:service|scope|slice): ")
_UNIT_NAMED = regex(r"[\s:|,;\"\]]{0,8}[^\s:|,;\"\]]{0,255}\.(?:service|scope|slice): ")
# Who tells it of somebody else.
_ECHO = regex(
    r"OOMKilling|SystemOOM|System OOM|TaskOOM|oomkill|kmsg: |COMMAND=|audit|\bgrep\b|\bmsg=|Triggered by PID|message"
    r" repeated"
)
_SPEAKER = regex(r"[A-Za-z][\w./-]{0,64}(?:\[\d{1,10}\])?: ")
_COMMENT = regex(r"\s{0,64}(?://|#|/\*|\* |--|let |assert|const |return )")

# A text in a program, which a quotation mark opens.
_CODE = regex(r"(?:\w\s= |\(|\b(?:echo|return|assert) )[rbf]?[\"'][^\"']*$")


def is_quoted(front: str) -> bool:
    """Do the words stand in somebody's message? front -- what stands before them"""
    if front.count('"') % 2 or front.rstrip()[-1:] in ("'", "=", '"', "`", "("):
        return True
    return (
        front.lstrip()[:1] == "{"
        or _CODE.search(front) is not None
        or _ECHO.search(front) is not None
        or _SPEAKER.search(front) is not None
        or _COMMENT.match(front) is not None
    )


def _is_first_hand(front: str) -> bool:
    """Is it the kernel, a killer or pid 1 that speaks? front -- what stands before the words"""
    named = _KERNEL_NAMED.search(front) or _KILLER_NAMED.search(front) or _PID_1.search(front)
    return named is not None or _is_half_said(front)


def _is_half_said(front: str) -> bool:
    """The second half of a line that was wrapped within the kernel's words, or what pid 1 says, without its prefix."""
    half = front.strip()
    return (half.endswith(":") and _CONTEXT.endswith(half[:-1].lower())) or _UNIT_NAMED.match(front) is not None


def _words_at(text: str, tag: Optional[str]) -> Optional[int]:
    """Where the words of a kill begin: the kernel's, whoever says them; a daemon's where no tag is."""
    found = _KERNEL_WORDS.search(text) or _KERNEL_CONTEXT.search(text)
    if found is None and tag == "kernel":
        found = _KERNEL_LEFT.match(text)
    elif found is None and tag is None:
        found = _DAEMON_WORDS.search(text)
    return None if found is None else found.start()


class Unparsed:
    """Lines that look like a kill and that no pattern took.

    trusted -- how many of them are in records that only the kernel can have written
    oldest -- time of the oldest of the others
    samples -- the first of them, printable
    quoted -- lines that hold the words of a kill and are deliberately none: another program's message that quotes the
        kernel's
    """

    def __init__(self) -> None:
        self.count = 0
        self.quoted = 0
        self.samples = []  # type: List[str]
        self.trusted = 0
        self.oldest = None  # type: Optional[float]

    def judge(self, line: LogLine) -> None:
        """A line that no reader took."""
        text = line.text
        if line.tag == KMSG_USER or not any(stem in text for stem in _STEMS):
            return  # whoever may write to /dev/kmsg cannot make the kernel look strange
        tag = _program(line.tag)
        if tag in _KILLER_TAGS:
            if _KILLING.search(text):
                self.add(line)
            return
        if tag == "systemd":
            if _VERDICT.search(text):
                self.add(line)
            return
        at = _words_at(text, tag)
        if at is None:
            return
        front = text[:at]
        if _is_first_hand(front) and (tag is None or tag in _CARRIERS) and not _CODE.search(front):
            self.add(line)
        elif tag is not None and tag != "kernel" and tag not in _CARRIERS or is_quoted(front):
            self.quoted += 1
        else:
            self.add(line)

    def add(self, line: LogLine) -> None:
        self.count += 1
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(printable(line.text[:_SAMPLE])[:_SAMPLE])
        if line.trusted:
            self.trusted += 1
        else:
            self._reach(float("-inf") if line.time is None else line.time)

    def _reach(self, time: Optional[float]) -> None:
        if time is not None:
            self.oldest = time if self.oldest is None else min(self.oldest, time)

    def absorb(self, other: "Unparsed") -> None:
        self.count += other.count
        self.quoted += other.quoted
        self.samples += other.samples[: MAX_SAMPLES - len(self.samples)]
        self.trusted += other.trusted
        self._reach(other.oldest)

    def doubts(self, since: Optional[float]) -> int:
        """How many of them tell that a form is not known.

        since -- from then on a source was read in which nobody but the kernel writes: it has the same lines. Anybody
            can write something that looks like a kill to a text log, and must not make a host look blind.
        """
        covered = since is not None and (self.oldest is None or self.oldest >= since)
        return self.trusted if covered else self.count


def _program(tag: Optional[str]) -> Optional[str]:
    """The program of a tag; journalctl -o with-unit names its unit there."""
    if tag is None:
        return None
    name = tag[: -len(".service")] if tag.endswith(".service") else tag
    return "nohang" if name.startswith("nohang") else name
