# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prefixes come off, whatever wrote the log and whatever tool it went through; a name that no tool wrote stays."""

import calendar
from datetime import timezone

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

TEXT = "Killed process 5 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB"
NOON = calendar.timegm((2025, 11, 10, 3, 4, 5))


def line(raw):
    return TextLog("log", Clock(NOON + 86400.0, timezone.utc).stamp).line(raw if isinstance(raw, bytes) else raw.encode("utf-8"))


# (id, prefix, host, tag, kernel seconds)
PREFIXES = [
    ("grep of one folder", "messages-20251109:Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("grep -r", "./log/syslog:Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("grep -rn", "log/syslog.1:1234:Nov 10 03:04:05 web01 kernel: [   12.123456] ", "web01", "kernel", 12.123456),
    ("grep -H, ISO", "kern.log:2025-11-10T03:04:05.000000+00:00 web01 kernel: ", "web01", "kernel", None),
    ("grep -H of logread", "log:Mon Nov 10 03:04:05 2025 kern.warn kernel: ", None, "kernel", None),
    ("Chinese and Japanese", "11月 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("Korean", "11월 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("grep --color -H", "\x1b[35m\x1b[Kkern.log\x1b[m\x1b[K\x1b[36m\x1b[K:\x1b[m\x1b[KNov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("NULs of a crash", "\0" * 40000 + "Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("a byte order mark", "\ufeffNov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("NULs and a mark", "\0\0\ufeffNov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("busybox", "Nov 10 03:04:05 web01 kern.err kernel: ", "web01", "kernel", None),
    ("busybox, kernel seconds", "Nov 10 03:04:05 web01 kern.warn kernel: [   12.123456] ", "web01", "kernel", 12.123456),
    ("rsyslog with facility", "2025-11-10T03:04:05.000000+00:00 web01 kern.warning kernel: ", "web01", "kernel", None),
]  # fmt: skip


@pytest.mark.parametrize("prefix, host, tag, uptime", [row[1:] for row in PREFIXES], ids=[row[0] for row in PREFIXES])
def test_prefix(prefix, host, tag, uptime):
    found = line(prefix + TEXT)
    assert (found.text, found.host, found.tag, found.uptime, found.time) == (TEXT, host, tag, uptime, NOON)


def test_dmesg_in_a_file_that_grep_names():
    assert (line("dmesg.0:[   12.123456] " + TEXT).text, line("dmesg.0:[   12.123456] " + TEXT).uptime) == (TEXT, 12.123456)


@pytest.mark.parametrize("prefix", ["mallory: Nov 10 03:04:05 ", "mallory:", "a b:Nov 10 03:04:05 web01 kernel: "])
def test_no_tool_writes_this(prefix):
    assert line(prefix + TEXT).text != TEXT


COLOURED = [
    ("dmesg", "\x1b[32m[   12.123456] \x1b[0m\x1b[33moom\x1b[0m: hello", "oom: hello"),
    ("dmesg, a red line", "\x1b[32m[   12.123456] \x1b[0m\x1b[1m\x1b[31mKilled process 5 (a)\x1b[0m", "Killed process 5 (a)"),
    ("grep", "[   12.123456] \x1b[01;31m\x1b[KKilled\x1b[m\x1b[K process 5 (a)", "Killed process 5 (a)"),
    ("journalctl", "Nov 10 03:04:05 web01 kernel: \x1b[0;1;31mKilled process 5 (a)\x1b[0m", "Killed process 5 (a)"),
    ("a name", "Nov 10 03:04:05 web01 kernel: Killed process 5 (a\x1b[31mb)", "Killed process 5 (a\x1b[31mb)"),
    ("a name in colours", "Nov 10 03:04:05 web01 kernel: \x1b[0;1;31mKilled process 5 (a\x1b[31mb)\x1b[0m", "Killed process 5 (a\x1b[31mb)"),
]  # fmt: skip


@pytest.mark.parametrize("raw, text", [row[1:] for row in COLOURED], ids=[row[0] for row in COLOURED])
def test_colours_are_no_text(raw, text):
    assert line(raw).text == text
