# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The net under everything: what no reader took and speaks of a kill counts; a quotation is counted apart; ordinary
lines are neither.
"""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import MAX_SAMPLES
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

P = "Nov 21 05:24:41 dmz "
SIZES = "total-vm:115232kB, anon-rss:520kB"


def judged(text):
    parser = Parser()
    lines = TextLog("test", lambda stamp: (1.0, "exact")).lines(text.encode("utf-8"))
    events = [event for line in join_records(lines) for event in parser.feed(line)] + parser.finish()
    return len(events), parser.unparsed


# Forms of tomorrow, by the program whose they are.
DRIFT = [
    ("systemd-oomd", P + "systemd-oomd[659]: Terminated /system.slice/x.service because memory pressure for / being 85.03% > 60%"),
    ("systemd-oomd acts", P + "systemd-oomd[659]: Limit of /x exceeded, taking action freeze"),
    ("earlyoom", P + 'earlyoom[77]: sending SIGKILL to process 997 uid 1000 "x": score=1146, rss=12'),
    ("nohang", P + "nohang[12]: Terminating the chosen one"),
    ("oomd", P + "oomd[12]: [a.cpp:12] Ended 2 processes: killed 12"),
    ("the kernel", P + "kernel: Out of memory: OOM-killed task 265 (plymouthd) " + SIZES),
    ("the kernel, new fields", P + "kernel: Out of memory: Killed process 265 <plymouthd> " + SIZES),
    ("the kernel, cut", P + "kernel: [   12.300000] Killed process 26"),
    ("the kernel, cut early", P + "kernel: [   12.300000] Out of memory:"),
    ("systemd", P + "systemd[1]: x.service: Some processes were killed by the OOM policy."),
    ("handed on by klogd", P + "klogd[9]: <3>Out of memory: Killed process 265 <plymouthd> " + SIZES),
    ("no prefix that we know", "web-1  | Out of memory: Killed process 265 <plymouthd> " + SIZES),
]  # fmt: skip


@pytest.mark.parametrize("text", [row[1] for row in DRIFT], ids=[row[0] for row in DRIFT])
def test_a_form_of_tomorrow_counts(text):
    events, unparsed = judged(text + "\n")
    assert (events, unparsed.count, unparsed.quoted, len(unparsed.samples)) == (0, 1, 0, 1)


# Carriers that somebody may learn to read: then it is a kill, and never nothing.
CARRIED = [
    "Nov 21 05:24:41\tdmz\tkernel:\tOut of memory: Killed process 265 (plymouthd) " + SIZES,
    '"2025-11-21T05:24:41.000Z","dmz","kernel","Out of memory: Killed process 265 (plymouthd) total-vm:115232kB"',
    "dmz;kern;err;kernel;Out of memory: Killed process 265 (plymouthd) " + SIZES,
]


@pytest.mark.parametrize("text", CARRIED)
def test_a_carrier_that_is_not_known_never_reads_as_nothing(text):
    events, unparsed = judged(text + "\n")
    assert events + unparsed.count == 1


QUOTED = [
    P + "mallory[999]: kernel: Out of memory: Killed process 1 (systemd) " + SIZES,
    P + "sudo[3]: root : COMMAND=/bin/grep 'Killed process 12 (a)' /var/log/messages",
    P + 'kernel: audit: type=1309 audit(1.1:4): argc=3 a0="grep" a1="Killed process 42 (java)"',
    P + 'kernel: EXT4-fs (vda): Unrecognized mount option "Killed process 42 (java) %s"' % SIZES,
    '12m  Warning  OOMKilling  node/n1  "Memory cgroup out of memory: Killed process 71 (hog)"',
    '        let line = "Out of memory: Killed process 71 (hog)";',
    '    text = "Sep 10 08:00:00 host kernel: Out of memory: Killed process 1234 (myapp)"',
    'echo "$(date) web1 kernel: Out of memory: Killed process 1234 (gunicorn)" >> /var/log/messages',
]


@pytest.mark.parametrize("text", QUOTED)
def test_a_quotation_is_counted_apart(text):
    events, unparsed = judged(text + "\n")
    assert (events, unparsed.count, unparsed.quoted) == (0, 0, 1)


ORDINARY = [
    P + "supervisord[1]: killed process id=31cc took=12ms",
    P + "systemd[1]: web.service: Killing process 71 (hog) with signal SIGKILL.",
    P + "systemd[1]: Started Userspace Out-Of-Memory (OOM) Killer.",
    P + "systemd[64905]: is room started, usage killed, zoom",
    P + "sshd[7]: Received signal 15; terminating.",
    P + "game[7]: You killed the boss! Kill count: 12",
    P + "postgres[7]: ERROR:  out of memory",
    P + "kernel: hog[71]: segfault at 0 ip 0 sp 0 error 4",
    P + "kernel: OOM killer disabled.",
    P + "earlyoom[7]: mem avail:   607 of   950 MiB (63.93%), swap free: 1009 of 1023 MiB (98.61%)",
    P + "earlyoom[7]: sending SIGTERM when mem <= 10.00% and swap <= 10.00%,",
    P + "nohang[7]: Process with highest badness (found in 4 ms):",
    P + "systemd-oomd[7]: Failed to kill any cgroup(s) under /x based on pressure: No such process",
    "Killing process 71 hog",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines_full_of_killing_are_nothing(text):
    events, unparsed = judged(text + "\n")
    assert (events, unparsed.count, unparsed.quoted) == (0, 0, 0)


def test_the_first_samples_are_kept_and_safe():
    lines = "".join(P + "earlyoom[7]: killed \x1b[31m number %d %s\n" % (number, "x" * 300) for number in range(9))
    _events, unparsed = judged(lines)
    assert unparsed.count == 9 and len(unparsed.samples) == MAX_SAMPLES
    assert "number 0" in unparsed.samples[0] and all(
        len(sample) <= 200 and "\x1b" not in sample for sample in unparsed.samples
    )
