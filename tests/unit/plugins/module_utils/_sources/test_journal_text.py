# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""journalctl -o verbose, json-pretty and export, written to a text file: the same kill as in the journal, never
believed.
"""

import gzip
import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.journal_text import is_exported
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

TEXT = "Out of memory: Killed process 41 (loader) total-vm:96kB, anon-rss:64kB, file-rss:4kB, shmem-rss:0kB, UID:7 pgtables:44kB oom_score_adj:5"
REAL, MONO, BOOT = 1795377984123456, 191916420, "c0ffee00c0ffee00c0ffee00c0ffee00"
KERNEL = {
    "_TRANSPORT": "kernel",
    "SYSLOG_FACILITY": "0",
    "_HOSTNAME": "web7",
    "_SOURCE_MONOTONIC_TIMESTAMP": str(MONO),
    "_BOOT_ID": BOOT,
}
BOB = {"_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "bob", "_HOSTNAME": "web7", "_BOOT_ID": BOOT}


def verbose(fields, message):
    head = "Sun 2026-11-22 20:06:24.123456 UTC [s=5b6d;i=3f1;b=%s;m=%x;t=%x;x=9c]" % (BOOT, MONO, REAL)
    return "\n".join([head, "    MESSAGE=" + message] + ["    %s=%s" % pair for pair in sorted(fields.items())]) + "\n"


def pretty(fields, message):
    entry = dict(fields, __REALTIME_TIMESTAMP=str(REAL), MESSAGE=message)
    rows = ["\t%s : %s" % (json.dumps(name), json.dumps(value)) for name, value in sorted(entry.items())]
    return "{\n%s\n}\n" % ",\n".join(rows)


def export(fields, message):
    head = ["__CURSOR=s=5b6d;i=3f1;b=%s;m=%x;t=%x;x=9c" % (BOOT, MONO, REAL), "__REALTIME_TIMESTAMP=%d" % REAL]
    return "\n".join(head + ["%s=%s" % pair for pair in sorted(fields.items())] + ["MESSAGE=" + message, "", ""])


FORMS = [verbose, pretty, export]


def lines(text):
    log = TextLog("saved", Clock(REAL / 1e6 + 9).stamp)
    return [line for line in log.lines(text.encode("utf-8")) if line.text and line.tag is not None]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("form", FORMS)
def test_what_the_record_says(form, newline):
    (found,) = lines((form(BOB, "hello") + form(KERNEL, TEXT)).replace("\n", newline))[1:]
    assert (found.text, found.tag, found.host, found.boot_id, found.trusted) == (TEXT, "kernel", "web7", BOOT, False)
    assert (found.time, found.time_quality, found.uptime) == (REAL / 1e6, "exact", MONO / 1e6)


@pytest.mark.parametrize("form", FORMS)
def test_whoever_wrote_it(form):
    """Nobody becomes the kernel by what he says."""
    first, last = lines(form(BOB, TEXT) + form(dict(KERNEL, SYSLOG_FACILITY="1"), TEXT))
    assert first.tag == "bob" and last.tag == "kmsg-user"


EARLYOOM = 'sending SIGTERM to process 5 uid 0 "x": oom_score 5, VmRSS 4 MiB'
WRITERS = [
    (dict(KERNEL, SYSLOG_IDENTIFIER="kernel"), TEXT, False),
    (dict(BOB, SYSLOG_IDENTIFIER="kernel"), TEXT, True),
    (dict(BOB, SYSLOG_IDENTIFIER="kernel", _TRANSPORT="journal", SYSLOG_FACILITY="0"), TEXT, True),
    (dict(BOB, SYSLOG_IDENTIFIER="earlyoom", _COMM="logger", _UID="0"), EARLYOOM, True),
    (dict(BOB, SYSLOG_IDENTIFIER="earlyoom", _COMM="earlyoom", _UID="61184", _TRANSPORT="stdout"), EARLYOOM, False),
    (
        dict(BOB, SYSLOG_IDENTIFIER="systemd", _COMM="logger", _UID="0"),
        "a.service: Failed with result 'oom-kill'.",
        True,
    ),
    (
        dict(BOB, SYSLOG_IDENTIFIER="systemd", _COMM="systemd", _UID="0", _PID="1", _TRANSPORT="journal"),
        "a.service: Failed with result 'oom-kill'.",
        False,
    ),
]


@pytest.mark.parametrize("fields, text, disproved", WRITERS, ids=[str(number) for number in range(len(WRITERS))])
@pytest.mark.parametrize("form", FORMS)
def test_a_record_that_proves_another_writer(form, fields, text, disproved):
    """In every form alike."""
    (found,) = [line for line in lines(form(fields, text)) if line.text == text]
    assert found.disproved is disproved


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_large_file_is_read_in_whole_records(form, tmp_path):
    path = tmp_path / "journal.txt"
    path.write_text(form(BOB, "x" * 300) * 800 + form(KERNEL, TEXT) + form(BOB, "x" * 300) * 800)
    assert os.stat(str(path)).st_size > 256 << 10 and is_exported(path.read_bytes()[:4096])
    (kill,) = gather(Host(), Wish(subset=("kills",), sources=("files",), paths=(str(path),)))["kills"]
    assert (kill["victim"]["pid"], kill["host"], kill["time"], kill["boot_id"]) == (41, "web7", REAL / 1e6, BOOT)


@pytest.mark.parametrize("form", FORMS)
def test_a_small_archive_that_somebody_names(form, tmp_path):
    """In an archive, too, every line of a paste counts: the kill is wrapped, or it is a record of many lines."""
    path = tmp_path / "paste.gz"
    path.write_bytes(
        gzip.compress(
            (form(BOB, "hello") + form(KERNEL, TEXT) + "\n" + TEXT.replace("41", "42").replace(") ", ")\n")).encode(
                "utf-8"
            )
        )
    )
    kills = gather(Host(), Wish(subset=("kills",), sources=("files",), paths=(str(path),)))["kills"]
    assert sorted((kill["victim"]["pid"], kill["host"]) for kill in kills) == [(41, "web7"), (42, None)]


def test_a_message_of_several_lines():
    (found,) = lines(verbose(KERNEL, "one\n           two"))
    assert found.text == "one\ntwo"


@pytest.mark.parametrize("opened", ["__CURSOR=s=1\nMESSAGE=x\n", '\t"MESSAGE" : "x",\n', verbose({}, "x")])
def test_what_somebody_opened_takes_no_line_of_the_log(opened):
    syslog = "Nov 22 20:06:24 web7 kernel: " + TEXT + "\n"
    assert TEXT in [line.text for line in lines(opened + syslog)]


@pytest.mark.parametrize("form", FORMS)
def test_neither_the_record_nor_the_line_behind_it_is_lost(form):
    syslog = "Nov 22 20:06:25 web8 kernel: " + TEXT + "\n"
    found = lines((form(KERNEL, TEXT).rstrip("\n") + "\n" + syslog) * 3)
    assert sorted(line.host for line in found if line.text == TEXT) == ["web7"] * 3 + ["web8"] * 3


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{\n",
        b"Nov 22 20:06:24 web7 kernel: a\n",
        b'{\n    "dmesg": [\n',
        b"Sun 2026-11-22 20:06:24 UTC web7 kernel: a\n",
    ],
    ids=["nothing", "brace", "syslog", "dmesg --json", "short-full"],
)
def test_no_exported_journal(head):
    assert not is_exported(head)


@pytest.mark.parametrize("row", ["    X=%s\n", '\t"X" : "%s",\n', "X=%s\n"])
def test_a_record_without_an_end_is_given_up(row):
    """Nothing grows, and the log goes on behind it."""
    begin = {"    X=%s\n": verbose({}, "x"), "X=%s\n": "__CURSOR=s=1\n"}.get(row, "")
    endless = begin + row % ("y" * 999) * 3000
    assert [line.text for line in lines(endless + "Nov 22 20:06:24 web7 kernel: " + TEXT + "\n")][-1] == TEXT
