# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people paste: lines that a mail program or a terminal wrapped, that a pager or an author cut, that stand on one
line. Every line is tried at every place.
"""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

SIZES = "total-vm:900kB, anon-rss:800kB, file-rss:40kB"
NEW = SIZES + ", shmem-rss:4kB, UID:1001 pgtables:64kB oom_score_adj:300"
OOMD = " due to memory pressure for /user.slice being 61.33% > 50.00% for > 20s with reclaim activity"
RECORDS = {
    "memcg": ("kernel", "Memory cgroup out of memory: Killed process 7100 (hog) " + NEW),
    "global": ("kernel", "Out of memory: Killed process 7100 (hog) " + NEW),
    "el7": ("kernel", "Killed process 7100 (hog), UID 1001, " + SIZES + ", shmem-rss:4kB"),
    "el6": ("kernel", "Killed process 7100, UID 1001, (hog) " + SIZES),
    "chosen": ("kernel", "Memory cgroup out of memory: Kill process 7100 (hog) score 900 or sacrifice child"),
    "earlyoom": ("earlyoom[5]", 'sending SIGTERM to process 7100 uid 1001 "hog": badness 866, VmRSS 5 MiB'),
    "earlyoom 1.9": (
        "earlyoom[5]",
        'sending SIGKILL to process 7100 uid 1001 "hog": oom_score 866, oom_score_adj 300, VmRSS 5 MiB, cmdline "hog"',
    ),
    "oomd": ("systemd-oomd[5]", "Killed /user.slice/user-1.slice/hog.scope" + OOMD),
    "oomd since 260": ("systemd-oomd[5]", "Marked /user.slice/user-1.slice/hog.scope for killing" + OOMD),
    "oomd, swap": (
        "systemd-oomd[5]",
        "Killed /a.slice/hog.scope due to memory used (12) / total (13) and swap used (14) / total (15) being more than 9%",
    ),
    "systemd": ("systemd[1]", "hog.service: A process of this unit has been killed by the OOM killer."),
    "systemd since 259": ("systemd[1]", "hog.service: The kernel OOM killer killed some processes in this unit."),
    "systemd, result": ("systemd[1]", "hog.service: Failed with result 'oom-kill'."),
    "systemd, oomd": ("systemd[1]", "hog.service: systemd-oomd killed 3 process(es) in this unit."),
}
PREFIXES = {"bare": "", "syslog": "Nov 22 20:06:24 vm1 %s: ", "quoted": "> "}
#: The first characters of a line may be anybody's. Behind them nothing is lost without a word.
LEAST = {
    "memcg": len("Memory cgroup o"),
    "global": len("Out of memory: "),
    "el7": len("Killed process 7"),
    "el6": len("Killed process 7"),
    "chosen": len("Memory cgroup o"),
    "earlyoom": len("sending SIGTERM to process 7"),
    "earlyoom 1.9": len("sending SIGKILL to process 7"),
    "oomd": len("Killed /user.slice/"),
    "oomd since 260": len("Marked /user.slice/"),
    "oomd, swap": len("Killed /a.slice/hog.scope d"),
    "systemd": len("hog.service: A process of this unit has been k"),
    "systemd since 259": len("hog.service: The kernel OOM killer k"),
    "systemd, result": len("hog.service: Failed with result 'oom"),
    "systemd, oomd": len("hog.service: systemd-oomd killed"),
}


def read(text):
    parser = Parser()
    lines = TextLog("paste", Clock(1795377980.0).stamp).lines(text.encode("utf-8"))
    found = [event for line in join_records(lines) for event in parser.feed(line)] + parser.finish()
    return found, parser.unparsed.count


def told(event):
    if isinstance(event, Verdict):
        return event.unit, event.kind, event.killer, event.processes
    return event.victim, event.killer, event.scope, event.task_memcg


def cases():
    for name, (tag, text) in RECORDS.items():
        for shape, prefix in PREFIXES.items():
            yield pytest.param(name, prefix % tag if "%" in prefix else prefix, text, id="%s-%s" % (name, shape))


def rest_of(prefix):
    return prefix if prefix == "> " else ""


@pytest.mark.parametrize("name, prefix, text", list(cases()))
def test_wrapped_at_any_blank(name, prefix, text):
    """A mail program takes the blank."""
    (whole,), unparsed = read(prefix + text + "\n")
    assert not unparsed
    for at in (at for at, letter in enumerate(text) if letter == " "):
        found, unparsed = read("%s%s\n%s%s\n" % (prefix, text[:at], rest_of(prefix), text[at + 1 :]))
        assert ([told(event) for event in found], unparsed) == ([told(whole)], 0), text[:at]


@pytest.mark.parametrize("width", [12, 20, 33, 47, 61, 72])
@pytest.mark.parametrize("name", sorted(RECORDS))
def test_wrapped_more_than_once(name, width):
    tag, text = RECORDS[name]
    (whole,), _unparsed = read(PREFIXES["syslog"] % tag + text + "\n")
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) >= max(width, len(text) // 5):
            lines.append(line)
            line = ""
        line = line + " " + word if line else word
    found, unparsed = read(PREFIXES["syslog"] % tag + "\n".join([*lines, line]) + "\n")
    assert ([told(event) for event in found], unparsed) == ([told(whole)], 0)


@pytest.mark.parametrize("mark", ["", ">", "...", "\u2026"])
@pytest.mark.parametrize("name, prefix, text", list(cases()))
def test_cut_anywhere_it_is_never_silent_and_what_it_says_is_true(name, prefix, text, mark):
    """journalctl in a pager cuts at the width of the terminal."""
    (whole,), _unparsed = read(prefix + text + "\n")
    least = LEAST[name] + (prefix != PREFIXES["syslog"] % RECORDS[name][0]) * 12
    for at in range(least, len(text)):
        found, unparsed = read(prefix + text[:at] + mark + "\n")
        assert found or unparsed, text[:at]
        if mark and isinstance(whole, Kill):
            for event in found:
                assert isinstance(event, Unresolved) or agrees(event, whole), text[:at]


def agrees(cut, whole):
    """What the cut line still says."""
    pairs = list(zip(cut.victim, whole.victim)) + [(cut.task_memcg, whole.task_memcg), (cut.killer, whole.killer)]
    return all(one is None or one == other for one, other in pairs)


CUT = [
    ("in the name", "Out of memory: Killed process 7100 (ho>", (7100, None, "global")),
    ("behind the name", "Memory cgroup out of memory: Killed process 7100 (hog) total-v>", (7100, "hog", "memcg")),
    ("in the number", "Out of memory: Killed process 71>", (None, None, "global")),
    ("no mark", "Out of memory: Killed process 7100 (hog) total", (7100, "hog", "global")),
    ("the user", "Killed process 7100 (hog), UID 10>", (7100, "hog", "unknown")),
    ("by hand", "out of memory: killed process 7100 (hog)", (7100, "hog", "global")),
    ("by hand, with sizes", "killed process 7100 (hog) " + SIZES, (7100, "hog", "unknown")),
    ("a blank behind it", "Out of memory: Killed process 7100 (hog) ", (7100, "hog", "global")),
    ("a quotation's end", "Out of memory: Killed process 7100 (hog)`", (7100, "hog", "global")),
]


@pytest.mark.parametrize("text, expected", [row[1:] for row in CUT], ids=[row[0] for row in CUT])
def test_what_is_left_is_a_kill(text, expected):
    (kill,), unparsed = read("[   12.345678] " + text + "\n")
    assert (kill.victim.pid, kill.victim.comm, kill.scope, unparsed) == (*expected, 0)


def test_the_summary_says_what_the_cut_line_does_not():
    summary = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=hog,pid=7100,uid=5"
    for left in ("Killed process 71>", "Killed process 7100 (h>"):
        (kill,), unparsed = read("[1.000001] %s\n[1.000002] Memory cgroup out of memory: %s\n" % (summary, left))
        assert (kill.victim.pid, kill.victim.comm, kill.victim.uid, kill.task_memcg) == (7100, "hog", 5, "/a/b")
        assert not unparsed


def test_a_name_in_which_a_line_was_wrapped_is_read_as_the_summary_has_it():
    summary = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a,task=Web Content,pid=71,uid=5"
    (kill,), _unparsed = read(
        "[1.000001] %s\n[1.000002] Out of memory: Killed process 71 (Web\nContent) %s\n" % (summary, NEW)
    )
    assert kill.victim.comm == "Web Content"


def test_two_cut_lines_are_two_kills_and_one_told_twice_is_one():
    line = "Nov 22 20:06:%02d vm1 kernel: Out of memory: Killed process %d (ho>\n"
    assert len(read(line % (24, 71) + line % (25, 72))[0]) == 2
    assert len(read(line % (24, 71) * 2)[0]) == 1


ONE_LINE = [
    ("blanks", " ", "Nov 22 20:06:24 vm1 kernel: %s"),
    ("the newlines of a string", "\\n", "Nov 22 20:06:24 vm1 kernel: %s"),
    ("a web page", "<br>", "Nov 22 20:06:24 vm1 kernel: %s"),
    ("kernel seconds", " ", "[   12.345678] %s"),
    ("dmesg -T", " ", "[Sun Nov 22 20:06:24 2026] %s"),
    ("without prefixes", " ", "%s"),
    ("ISO stamps", "\\n", "2026-11-22T20:06:24.123456+00:00 vm1 kernel: [   12.345678] %s"),
]


@pytest.mark.parametrize("gap, prefix", [row[1:] for row in ONE_LINE], ids=[row[0] for row in ONE_LINE])
def test_several_lines_on_one(gap, prefix):
    texts = [
        "Out of memory: Killed process 71 (hog) " + NEW,
        "oom_reaper: reaped process 71 (hog), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
        "Memory cgroup out of memory: Kill process 72 (pig) score 900 or sacrifice child",
        "Killed process 72 (pig), UID 5, " + SIZES,
    ]
    kills, unparsed = read(gap.join(prefix % text for text in texts) + "\n")
    assert [(kill.victim.pid, kill.victim.comm, kill.scope) for kill in kills] == [
        (71, "hog", "global"),
        (72, "pig", "memcg"),
    ]
    assert not unparsed


def test_what_a_program_quotes_is_not_taken_apart():
    line = "[   12.345678] Out of memory: Killed process 71 (hog) " + NEW
    for text in (
        "Nov 22 20:06:24 vm1 app[1]: dmesg says %s %s\n" % (line, line.replace("71", "72")),
        'Nov 22 20:06:24 vm1 app[1]: "%s\\n%s"\n' % (line, line.replace("71", "72")),
    ):
        found, _unparsed = read(text)
        assert len([event for event in found if isinstance(event, Kill)]) == 0, text


def test_a_name_takes_no_line_apart():
    """15 bytes are enough for the first word of a record."""
    found, unparsed = read("[1.000001] Out of memory: Killed process 71 (Killed process ) %s\n" % NEW)
    assert ([kill.victim.comm for kill in found], unparsed) == (["Killed process "], 0)


def test_ten_thousand_lines_on_one():
    line = "Nov 22 20:06:24 vm1 kernel: Out of memory: Killed process %d (hog) " + SIZES
    kills, _unparsed = read(" ".join(line % pid for pid in range(1, 2001)))
    assert len(kills) == 2000
