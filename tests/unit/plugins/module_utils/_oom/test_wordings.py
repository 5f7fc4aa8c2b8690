# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every killer, every release, in every shape: a bare line, the journal's short form, its JSON, and in the middle of a
large file.
"""

import json
import random
import re

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import text_files
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._line_kinds import needles
from ansible_collections.memops.linux.plugins.module_utils._line_kinds.daemons import DAEMONS
from ansible_collections.memops.linux.plugins.module_utils._line_kinds.kernel import KERNEL
from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser, parse
from ansible_collections.memops.linux.plugins.module_utils._sources import scan
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.test_parser import KILLS
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.wordings import ROWS

IDS = ["%s %s" % (row[1] or "echo", row[0]) for row in ROWS]


def bare(tag, lines):
    return "".join(line + "\n" for line in lines)


def short(tag, lines):
    pid = "" if tag in (None, "kernel") else "[621]"
    prefix = "" if tag is None else "Nov 22 20:06:24 vm1 %s%s: " % (tag, pid)
    return "".join(prefix + line + "\n" for line in lines)


def as_json(tag, lines):
    fields = {"__REALTIME_TIMESTAMP": "1795377984000000", "_HOSTNAME": "vm1", "SYSLOG_IDENTIFIER": tag or "app"}
    if tag == "kernel":
        fields.update(_TRANSPORT="kernel", SYSLOG_FACILITY="0", _SOURCE_MONOTONIC_TIMESTAMP="191930507")
    elif tag == "systemd":
        fields.update(_TRANSPORT="journal", _PID="1", _UID="0")
    else:
        fields.update(_TRANSPORT="stdout", _SYSTEMD_UNIT="%s.service" % tag)
    return "".join(json.dumps(dict(fields, MESSAGE=line)) + "\n" for line in lines)


SHAPES = [bare, short, as_json]


def noise(rng, count):
    """Lines of a busy host; some hold the words that a scan looks for."""
    words = (
        "session opened for user root",
        "GET /kill/switch 200",
        "Killing time",
        "connection from 10.0.0.7",
        "job 12 ok",
    )
    tags = ("sshd", "nginx", "cron", "CRON", "app")
    return "".join(
        "Nov 22 20:06:%02d vm1 %s[%d]: %s\n"
        % (rng.randrange(60), rng.choice(tags), rng.randrange(9999), rng.choice(words))
        for _line in range(count)
    )


NOISE = noise(random.Random(1), 400)


def parsed(text):
    parser = Parser()
    lines = TextLog("test", lambda stamp: (1795377984.0, "exact")).lines(text.encode("utf-8"))
    events = [event for line in join_records(lines) for event in parser.feed(line)] + parser.finish()
    return events, parser.unparsed


def large_from_the_first_byte(monkeypatch):
    """The thresholds above which a file is looked through for anchors only, 256 KB and 64 MB, brought down to nothing."""
    monkeypatch.setattr(scan, "_SMALL", 0)
    monkeypatch.setattr(text_files, "_DEEP_FILE", 0)
    monkeypatch.setattr(text_files, "_EVERY_LINE", 0)


def in_large_file(path, text, killers="all"):
    """What a file that is far larger than its kills gives: anchors only, excerpts only."""
    path.write_text(NOISE + text + NOISE)
    files = text_files.TextFiles(Host(), Wish(paths=(str(path),), sources=("files",), killers=killers), None)
    parser = Parser()
    events = [
        event for lines in files.each() for line in join_records(lines) for event in parser.feed(line)
    ] + parser.finish()
    return events, parser.unparsed


def value(kill, name):
    if name == "invoker":
        return kill.invoker.comm
    return getattr(kill.victim, name) if hasattr(kill.victim, name) else getattr(kill, name)


def check(events, unparsed, outcome):
    kills = [event for event in events if isinstance(event, Kill)]
    wanted = outcome.get("kills", [])
    assert [{name: value(kill, name) for name in fields} for kill, fields in zip(kills, wanted)] == wanted
    assert len(kills) == len(wanted)
    assert [event.outcome for event in events if isinstance(event, Unresolved)] == outcome.get("unresolved", [])
    assert [event.unit for event in events if isinstance(event, Verdict)] == outcome.get("units", [])
    assert (unparsed.count, unparsed.samples) == (0, [])


@pytest.mark.parametrize("name, tag, lines, outcome", ROWS, ids=IDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_wording(shape, name, tag, lines, outcome):
    if shape is bare and not outcome.get("bare", True):
        outcome = {}
    check(*parsed(shape(tag, lines)), outcome=outcome)


@pytest.mark.slow
@pytest.mark.parametrize("name, tag, lines, outcome", ROWS, ids=IDS)
def test_every_wording_in_a_large_file(monkeypatch, tmp_path, name, tag, lines, outcome):
    large_from_the_first_byte(monkeypatch)
    check(*in_large_file(tmp_path / "messages", short(tag, lines)), outcome=outcome)


def test_no_row_needs_more_lines_before_it_than_an_excerpt_has():
    kinds = [kind for _tags, rows in DAEMONS for kind in rows] + list(KERNEL)
    assert max(kind.before for kind in kinds) == needles.LINES_BEFORE


# What it must be for every kernel line: one row in KILLS, and it is found wherever a kernel's lines stand.

KERNEL_TEXTS = [(row[0], row[1]) for row in KILLS]


def summary_of(events):
    """What must be the same from every source."""
    kills = [event for event in events if isinstance(event, Kill)]
    return sorted(
        (str(kill.victim.pid), kill.victim.comm or "", kill.partial, kill.scope, str(kill.oom_memcg)) for kill in kills
    )


def kernel_lines(text):
    """The messages of a row, and when."""
    lines = list(
        join_records(TextLog("test", lambda stamp: (None, "unknown")).lines(text.encode("utf-8", "surrogateescape")))
    )
    return [line for line in lines if line.text]


@pytest.mark.slow
@pytest.mark.parametrize("text", [row[1] for row in KERNEL_TEXTS], ids=[row[0] for row in KERNEL_TEXTS])
def test_every_row_of_kills_from_every_source(text, tmp_path, monkeypatch):
    lines = kernel_lines(text)
    events, doubts = parsed(text)
    wanted = summary_of(events)
    # the journal and /dev/kmsg: whole records, those that may matter
    records = [
        line
        for line in lines
        if needles.may_matter(line.text.encode("utf-8", "surrogateescape")) or line.text.startswith("[")
    ]
    assert summary_of(list(parse(records))) == wanted
    assert all(re.search(needles.pattern(), line.text) for line in records if not line.text.startswith("["))
    # a text log of megabytes
    large_from_the_first_byte(monkeypatch)
    events, unparsed = in_large_file(tmp_path / "kern.log", text)
    assert (summary_of(events), unparsed.count) == (wanted, doubts.count)
