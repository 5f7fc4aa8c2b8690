# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that a log shipper put into JSON: taken out where they are a log's lines, left where somebody only tells of
them.
"""

import calendar
import json

import pytest

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

TEXT = "Out of memory: Killed process 41 (loader) total-vm:96kB, anon-rss:64kB, file-rss:4kB, shmem-rss:0kB, UID:7 pgtables:44kB oom_score_adj:5"
SYSLOG = "Nov 22 20:06:24 web7 kernel: " + TEXT
AT = calendar.timegm((2026, 11, 22, 20, 6, 24))
ISO = "2026-11-22T20:06:24Z"


def line(raw):
    return TextLog("shipped", Clock(AT + 9.0).stamp).line(raw.encode("utf-8"))


# (id, the object, host, kernel seconds)
SHIPPED = [
    ("docker json-file", {"log": "[   12.345678] %s\n" % TEXT, "stream": "stdout", "time": ISO}, None, 12.345678),
    ("fluentd, ident", {"host": "web7", "ident": "kernel", "message": TEXT, "@timestamp": ISO}, "web7", None),
    ("promtail", {"line": TEXT, "syslog_identifier": "kernel", "hostname": "web7", "time": ISO}, "web7", None),
    ("Elasticsearch", {"_source": {"message": SYSLOG, "@timestamp": ISO, "host": {"name": "x"}}}, "web7", None),
    ("Google, text", {"textPayload": "[   12.345678] " + TEXT, "timestamp": ISO}, None, 12.345678),
    (
        "Google, journal",
        {"jsonPayload": {"MESSAGE": TEXT, "SYSLOG_IDENTIFIER": "kernel", "_HOSTNAME": "web7"}, "timestamp": ISO},
        "web7",
        None,
    ),
    ("milliseconds", {"message": SYSLOG, "timestamp": AT * 1000}, "web7", None),
    ("Fluent Bit", {"date": AT, "MESSAGE": TEXT, "SYSLOG_IDENTIFIER": "kernel", "_HOSTNAME": "web7"}, "web7", None),
]


@pytest.mark.parametrize("entry, host, uptime", [row[1:] for row in SHIPPED], ids=[row[0] for row in SHIPPED])
def test_a_line_of_the_kernel(entry, host, uptime):
    found = line(json.dumps(entry))
    assert (found.text, found.host, found.uptime, found.time, found.time_quality) == (TEXT, host, uptime, AT, "exact")
    assert found.tag in ("kernel", None) and not found.trusted


def test_behind_a_stamp_and_a_tag():
    found = line(
        ISO.replace("Z", "+00:00") + ' kernel: {"host":"web7","message":%s}' % json.dumps("[   12.345678] " + TEXT)
    )
    assert (found.text, found.tag, found.host, found.time) == (TEXT, "kernel", "web7", AT)


@pytest.mark.parametrize(
    "time", ["9" * 24, "9" * 400, "-" + "9" * 400, "9" * 5000, "1e999"], ids=lambda text: "%d letters" % len(text)
)
@pytest.mark.parametrize(
    "form",
    ['{"message": "%s", "timestamp": %s}', '2026-11-22T20:06:24Z web7 kernel: {"message": "%s", "timestamp": %s}'],
)
def test_a_number_beyond_any_time(form, time):
    found = line(form % (SYSLOG, time))
    assert (found.text, found.host, found.time) == (TEXT, "web7", AT)


def test_an_element_of_a_list():
    found = line('            "%s",' % SYSLOG)
    assert (found.text, found.tag, found.host) == (TEXT, "kernel", "web7")


TOLD = [
    {"reason": "OOMKilling", "message": TEXT, "source": {"component": "kernel-monitor"}},
    {"log": TEXT + "\n", "stream": "stdout", "time": ISO},
    {"message": "watcher: found " + SYSLOG},
    {"program": "bob", "message": TEXT},
    {"message": [TEXT]},
    [TEXT],
]


@pytest.mark.parametrize("entry", TOLD, ids=[str(number) for number in range(len(TOLD))])
def test_somebody_tells_of_it(entry):
    assert not [event for event in parse([line(json.dumps(entry))]) if isinstance(event, Kill)]


def test_a_program_that_says_so_is_not_the_kernel():
    (found,) = [line(json.dumps({"message": "Nov 22 20:06:24 web7 bob: " + TEXT}))]
    assert found.tag == "bob"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"a":' * 9999,
        '{"message": 5}',
        '"x"',
        '{"time": 1e999, "message": "x"}',
        "[1, 2]",
        '{"a": [[["1"]]]}',
    ],
)
def test_what_is_none(text):
    """Nothing fails, nothing is told, and the log goes on behind it."""
    log = TextLog("shipped", Clock(AT + 9.0).stamp)
    found = list(log.lines((text + "\n" + SYSLOG + "\n").encode("utf-8")))
    assert [one.text for one in found if "Killed" in one.text] == [TEXT]
