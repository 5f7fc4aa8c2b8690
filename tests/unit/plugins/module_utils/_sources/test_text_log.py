# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prefixes come off, whatever wrote the log and whatever tool it went through; a name that no tool wrote stays."""

import calendar
import time
from datetime import timezone

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.model import QUOTED
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

TEXT = "Killed process 5 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB"
NOON = calendar.timegm((2025, 11, 10, 3, 4, 5))


def line(raw):
    return TextLog("log", Clock(NOON + 86400.0, timezone.utc).stamp).line(
        raw if isinstance(raw, bytes) else raw.encode("utf-8")
    )


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
    ("Talos", "kern:     err: [2025-11-10T03:04:05.000000000Z]: ", None, "kernel", None),
    ("Talos, a node", "10.5.0.2: kern: warning: [2025-11-10T03:04:05Z]: ", "10.5.0.2", "kernel", None),
    ("minikube logs", "* Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("CRI", "2025-11-10T03:04:05Z stdout F Nov 10 03:04:04 web01 kernel: [   12.123456] ", "web01", "kernel", 12.123456),
    ("CloudWatch", "2025-11-10T03:04:05.000Z Nov 10 03:04:04 web01 kernel: ", "web01", "kernel", None),
    ("CloudWatch, a stream", "2025-11-10T03:04:05+00:00 i-0a1b2c Nov 10 03:04:04 web01 kernel: ", "web01", "kernel", None),
    ("a receiver", "Received message  <4>Nov 10 03:04:05 web01 kernel: [   12.123456] ", "web01", "kernel", 12.123456),
    ("a router's page", "[W] Nov 10 03:04:05 kernel: ", None, "kernel", None),
    ("rsyslog, pri-text", "kern.err<3>Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("a hypervisor's log", "2025-11-10T03:04:05Z In(05) vcpu-1 - Guest: <6>[   12.123456] ", None, None, 12.123456),
    ("Loki", '2025-11-10T03:04:05Z {job="journal", instance="web01:9100"} kernel: ', "web01", "kernel", None),
    ("columns", "2025-11-10 03:04:05+00:00 | web01 | kernel: ", None, "kernel", None),
    ("a stamp alone", "2025-11-10T03:04:05Z ", None, None, None),
    ("a stamp and a host", "Nov 10 03:04:05 web01 ", "web01", None, None),
    ("a stamp, a host, seconds", "Nov 10 03:04:05 web01 [   12.123456] ", "web01", None, 12.123456),
    ("pod, container, stamp", "agent-x7 agent 2025-11-10T03:04:05Z ", None, None, None),
    ("a console server", "[Mon Nov 10 03:04:05 2025][   12.123456] ", None, None, 12.123456),
    ("a level for a host", "2025-11-10T03:04:05Z ERR kernel: ", None, "kernel", None),
    ("host and level", "Nov 10 03:04:05 web01 err kernel: ", "web01", "kernel", None),
    ("a stamp, seconds, and a word with a colon", "2025-11-10T03:04:05Z [   12.123456] ", None, None, 12.123456),
    ("dmesg -T of a container", "2025-11-10T03:04:05Z stdout F [Mo Nov 10 03:04:05 2025] ", None, None, None),
    ("a zone behind a blank", "2025-11-10 03:04:05.000 +0000 kernel: ", None, "kernel", None),
    ("the year behind the day", "Nov 10 2025 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("the year first", "2025 Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("Loki, a host's name", '2025-11-10T03:04:05Z {hostname="web01", transport="kernel"} ', "web01", "kernel", None),
    ("Loki, a unit", '2025-11-10T03:04:05Z {host="web01", unit="earlyoom.service"} ', "web01", "earlyoom", None),
    ("Loki, nanoseconds", '1762743845000000000 {host="web01", transport="kernel"} ', "web01", "kernel", None),
    ("tabs", "Nov 10 03:04:05\tweb01\tkernel:\t", "web01", "kernel", None),
    ("tabs and seconds", "2025-11-10T03:04:05Z\tweb01\tkernel:\t[   12.123456] ", "web01", "kernel", 12.123456),
    ("a list's bullet", "- Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("a numbered list", "12. Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("a round bullet", "\u2022 Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("a web page", "<p><code>Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("svlogd -t", "@%x00000000 kern.err: [   12.123456] " % (NOON + 10 + (1 << 62)), None, "kernel", 12.123456),
    ("multilog", "@%x00000000 Nov 10 03:04:05 web01 kernel: " % (NOON + 10 + (1 << 62)), "web01", "kernel", None),
    ("RFC 5424", "<3>1 2025-11-10T03:04:05Z web01 kernel - - - ", "web01", "kernel", None),
    ("RFC 5424, a bracket in its data", '<3>1 2025-11-10T03:04:05Z web01 kernel - - [a b="c\\]d"][e f="g"] ', "web01", "kernel", None),
    ("RFC 5424 with its length", "301 <3>1 2025-11-10T03:04:05Z web01 kernel - - - [   12.123456] ", "web01", "kernel", 12.123456),
    ("journalctl -o with-unit", "Mon 2025-11-10 03:04:05 UTC web01 earlyoom.service[768]: ", "web01", "earlyoom", None),
    ("journalctl -o with-unit, pid 1", "Mon 2025-11-10 03:04:05 UTC web01 init.scope[1]: ", "web01", "systemd", None),
    ("pdsh and dmesg -T", "node12: [Mon Nov 10 03:04:05 2025] ", "node12", None, None),
    ("a node and its log", "node12: Nov 10 03:04:05 web01 kernel: ", "web01", "kernel", None),
    ("a tag with empty brackets", "Nov 10 03:04:05 web01 kernel[]: ", "web01", "kernel", None),
]  # fmt: skip


@pytest.mark.parametrize("prefix, host, tag, uptime", [row[1:] for row in PREFIXES], ids=[row[0] for row in PREFIXES])
def test_prefix(prefix, host, tag, uptime):
    found = line(prefix + TEXT)
    assert (found.text, found.host, found.tag, found.uptime, found.time) == (TEXT, host, tag, uptime, NOON)


def test_dmesg_in_a_file_that_grep_names():
    assert (line("dmesg.0:[   12.123456] " + TEXT).text, line("dmesg.0:[   12.123456] " + TEXT).uptime) == (
        TEXT,
        12.123456,
    )


# (id, prefix, kernel seconds)
SECONDS = [
    ("the first bracket is missing", "12.123456] ", 12.123456),
    ("quoted, and it is missing", "> 12.123456] ", 12.123456),
    ("compose", "node-1  | [   12.123456] ", 12.123456),
    ("login:", "web01 login: [   12.123456] ", 12.123456),
    ("a prompt on a console", "# [   12.123456] ", 12.123456),
    ("pdsh", "node12: [   12.123456] ", 12.123456),
    ("LuCI", "kern.warn kernel: [   12.123456] ", 12.123456),
    ("dmesg -x in colours", "\x1b[32mkern  :err   : \x1b[0m\x1b[32m[   12.123456] \x1b[0m", 12.123456),
    ("markdown", "- `[   12.123456] ", 12.123456),
    ("a bullet", "* [  +0.000003] ", None),
    ("netconsole", "10.0.0.5 6,339,12123456,-;", 12.123456),
    ("netconsole with the release", "6.12.1-custom,6,339,12123456,-;", 12.123456),
    ("a telephone: processor, process, pid", "<3>[   12.123456]  [2:   kworker/2:1:  234] ", 12.123456),
    ("a telephone: processor in parentheses", "[   12.123456] (2)[234:kswapd0]", 12.123456),
    ("logcat -b kernel, the kernel's seconds", "11-10 03:04:05.678     0     0 E [   12.123456] ", 12.123456),
    ("logcat -b kernel", "11-10 03:04:05.678     0     0 E ", None),
    ("a quoted mail", "> > ", None),
    ("a long line", "node-1  | [   12.123456] ", 12.123456),
]


@pytest.mark.parametrize("prefix, uptime", [row[1:] for row in SECONDS], ids=[row[0] for row in SECONDS])
def test_prefix_without_a_stamp(prefix, uptime):
    text = TEXT + " " * 900
    assert (line(prefix + text).text, line(prefix + text).uptime) == (text, uptime)


def test_a_word_with_a_colon_is_no_tag_behind_seconds():
    found = line("2025-11-10T03:04:05Z [   12.123456] CPU: 1 UID: 0 PID: 7 Comm: a")
    assert (found.text, found.tag, found.uptime) == ("CPU: 1 UID: 0 PID: 7 Comm: a", None, 12.123456)


def test_a_stamp_and_no_tag():
    """Most lines of a report begin with no word that is known, and belong to it."""
    assert line("2025-11-10T03:04:05Z active_anon:1 inactive_anon:2").text == "active_anon:1 inactive_anon:2"
    assert line("Nov 10 03:04:05 mallory: " + TEXT).text != TEXT


def test_blanks_before_a_bare_line():
    for text in (
        "[  pid  ]   uid  tgid total_vm rss name",
        "Node 0 DMA: 1*4kB = 4kB",
        "kworker/0:2 invoked oom-killer: gfp_mask=0x1",
        'sending SIGTERM to "a"',
    ):
        assert line("    " + text).text == text and line("\t" + text).text == text
    assert (
        line("Nov 10 03:04:05 web01 kernel:   lead invoked oom-killer: gfp_mask=0x1").text
        == "  lead invoked oom-killer: gfp_mask=0x1"
    )


def test_daemons_in_short_monotonic():
    found = line("[   77.749670] web01 systemd-oomd[659]: Marked /a for killing")
    assert (found.text, found.host, found.tag, found.uptime) == (
        "Marked /a for killing",
        "web01",
        "systemd-oomd",
        77.74967,
    )
    assert line("[   77.749670] polling.rb[25]: x").text == "polling.rb[25]: x"  # the kernel's own words, perhaps


def test_rows_behind_a_prefix_that_nobody_knows():
    """The whole report comes through, not its kill alone."""
    for row in (
        "[  pid  ]   uid  tgid total_vm      rss name",
        "[   1234]     0  1234     5678      901 a b",
        "Node 0 DMA: 1*4kB = 4kB",
    ):
        for prefix in (
            "agent-x7 agent 2025-11-10T03:04:05Z ",
            "2025-11-10T03:04:05Z stdout F [   12.123456] ",
            "[W] Nov 10 03:04:05 kernel: ",
        ):
            assert line(prefix + row).text == row


@pytest.mark.parametrize(
    "prefix",
    [
        "mallory: Nov 10 03:04:05 ",
        "mallory:",
        "a b:Nov 10 03:04:05 web01 kernel: ",
        "2025-11-10 03:04:05,678 INFO watcher: kernel: ",
        "2025-11-10T03:04:05Z ERROR line='kernel: ",
        'level=info msg="[   12.123456] ',
        'level=info msg="Nov 10 03:04:05 web01 kernel: ',
        "  Warning  OOMKilling  4m  kernel-monitor, web01  ",
        "user: warning: [2025-11-10T03:04:05Z]: found ",
        "11-10 03:04:05.678  1234  1240 E bob: ",
    ],
)
def test_no_tool_writes_this(prefix):
    found = line(prefix + TEXT)
    assert found.text != TEXT or found.tag == "line='kernel"


@pytest.mark.parametrize("begin", ["# ", "#", "// ", "//", "; ", "-- ", "  # ", "<!-- ", "% "])
@pytest.mark.parametrize(
    "own", ["Nov 10 03:04:05 web01 kernel: ", "2025-11-10T03:04:05Z web01 kernel: ", "kernel: ", ""]
)
def test_a_comment_is_nobodys_line(begin, own):
    assert line(begin + own + TEXT).tag == QUOTED


ROWS = [
    ('"2025-11-10T03:04:05.000Z","web01","kernel","%s"', "web01", "kernel", NOON),
    ('2025-11-10T03:04:05Z,web01,kern,err,kernel:,"%s"', "web01", "kernel", NOON),
    ('1762743845,web01,kernel[0]:,"%s"', "web01", "kernel", NOON),
    ('"1762743845123";"web01";"kernel";"%s"', "web01", "kernel", NOON + 0.123),
    ('"Nov 10 03:04:05 web01 kernel: %s","2025-11-10T03:04:05.000Z",collector,syslog', "web01", "kernel", NOON),
    ('"2025-11-10 03:04:05","web01","bob","%s"', "web01", "bob", NOON),
    ('"2025-11-10 03:04:05","web01","%s"', "web01", None, NOON),
]  # fmt: skip


@pytest.mark.parametrize("row, host, tag, time_", ROWS, ids=[str(number) for number in range(len(ROWS))])
def test_a_row_of_a_table(row, host, tag, time_):
    found = line(row % TEXT)
    assert (found.text, found.host, found.tag, found.time) == (TEXT, host, tag, time_)


def test_two_nodes_are_two_hosts():
    assert [line(node + ": [   12.123456] " + TEXT).host for node in ("node12", "node13.example.org", "10.0.0.7")] == [
        "node12",
        "node13.example.org",
        "10.0.0.7",
    ]
    assert [line(name + ": [   12.123456] " + TEXT).host for name in ("kernel", "kern.log", "syslog")] == [
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("end", ["<br />", "<br>", "</code></p>", " <br/>\r"])
def test_marks_of_a_web_page_behind_a_line(end):
    assert line("Nov 10 03:04:05 web01 kernel: " + TEXT + end).text == TEXT


@pytest.mark.parametrize(
    "piece",
    [
        "<br>",
        "<p>",
        "- ",
        "@40",
        '"a",',
        "# ",
        '{a="b",',
        "2025-11-10T03:04:05Z ",
        "kernel: ",
        "[ ",
        "6,1,1,-",
        '"',
        "> ",
        "a: ",
        "(2)[",
        "Nov 10 03:04:05 ",
        '"x',
        "{",
    ],
)
def test_no_prefix_takes_long(piece):
    began = time.process_time()
    for end in ("", "]", '"', ";", "x"):
        line(piece * (16000 // len(piece)) + end)
    assert time.process_time() - began < 1.0


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


FRONT = "Nov 10 03:04:05 web01 kernel: "
NUMBERS = "[  71]     0    71     1000      100    40960        0             0 "


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(FRONT + "[   12.123457] " + NUMBERS + "sshd", id="a row"),
        pytest.param(FRONT + "[   12.123457] " + NUMBERS + "(sd-pam)", id="brackets"),
        pytest.param(FRONT + "[   12.123457] " + NUMBERS + "a>", id="HTML"),
        pytest.param(FRONT + "[   12.123457] " + NUMBERS + "a#012b", id="an escape"),
        pytest.param(FRONT + "[   12.123457] " + NUMBERS + "\udcff", id="no UTF-8"),
        pytest.param(
            FRONT + "[   12.123457] [  T71] [   71]     0    71     1000      100    40960        0             0 a",
            id="a caller",
        ),
        pytest.param(
            FRONT + "[   12.123457] Killed process 5 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB", id="no row"
        ),
        pytest.param("Nov 10 03:04:06 web01 kernel: [   13.123457] " + NUMBERS + "a", id="a second later"),
        pytest.param("Nov 10 03:04:05 web02 kernel: [   13.123457] " + NUMBERS + "a", id="another host"),
    ],
)
def test_a_line_behind_one_that_begins_alike_is_read_as_if_alone(raw):
    data = raw.encode("utf-8", "surrogateescape")
    log = TextLog("log", Clock(NOON + 86400.0, timezone.utc).stamp)
    first = (
        FRONT + "[   12.123456] [  70]     0    70     1000      100    40960        0             0 init"
    ).encode()
    assert list(log.each([first, data])) == [line(first), line(data)]
