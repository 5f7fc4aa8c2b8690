# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json, report.md and kills.csv."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import archive, markdown, sheet
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import PAYLOADS

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "|calc",
    "%0A",
    "  =1",
    "\uff1d1",
    "'=1",
]


@pytest.mark.parametrize("value", FORMULAS)
def test_a_formula_is_text(value):
    assert sheet.cell(value).startswith(("'", "\\"))


@pytest.mark.parametrize(
    "value, expected",
    [(None, ""), (True, "true"), (-500, "-500"), ("mysqld", "mysqld"), (1.5, "1.5"), ("a\x1b", "a\\x1b")],
)
def test_the_rest_is_left_alone(value, expected):
    assert sheet.cell(value) == expected


def test_csv_has_a_row_for_every_kill(hostile):
    text = sheet.render(hostile)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) == 2 * len(PAYLOADS)
    for row in rows:
        assert tuple(row) == tuple(column.key for column in sheet.in_order())
        for value in row.values():
            assert not value.startswith(tuple("=+-@\t\r\n")) or re.fullmatch(r"-?\d+(\.\d+)?", value)
    assert {row["trusted"] for row in rows} == {"true", "false"}


def test_csv_times_and_sizes(small):
    rows = list(csv.DictReader(io.StringIO(sheet.render(small), newline="")))
    row = [row for row in rows if row["pid"] == "401"][0]
    assert (row["host"], row["time"], row["anon_rss"], row["seen_in"]) == (
        "db1",
        "2025-11-18T12:29:08.625643Z",
        "66617344",
        "journal /var/log/kern.log",
    )
    assert [row["time"] for row in rows if row["pid"] == "404"] == [""]


@pytest.mark.slow
def test_json_is_the_report(hostile, small, big, empty):
    for report in (hostile, small, big, empty):
        text = archive.render(report)
        assert json.loads(text) == json.loads(json.dumps(report))
        text.encode("utf-8")


def test_json_can_be_compared_line_by_line(small):
    lines = archive.render(small).splitlines()
    assert lines[1:3] == ['"schema": 1,', '"generated_at": 1763835100,']
    assert sum(line.startswith('    {"boot_id"') for line in lines) == 4


def test_markdown_rows_have_their_cells_and_no_markup(hostile):
    text = markdown.render(hostile, PAYLOADS[0])
    assert not re.search(r"<(?!br>)|\]\(|!\[", text)
    assert not re.search(r"(?<!&#96;)`", text)
    heads = [line for line in text.splitlines() if line.startswith("| ---")]
    assert len(heads) == 2
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {11}
    assert "@" not in text and "http:" not in text


def test_markdown_tells_why(small):
    text = markdown.render(small, "Kills")
    assert "| chronic: mysqld.service was killed in 3 shortages within 2 d |" in text
    assert text.count("had the highest badness of 9 processes") == 2  # of the problem, and of the kill


def test_markdown_begins_with_the_verdict_and_what_to_do_first(small):
    text = markdown.render(small, "Kills")
    assert text.splitlines()[4].startswith(
        "**New: kernel panic for lack of memory on db1 1 h ago; 1 shortage in 3 days,"
    )
    assert "2 hosts are not known: 1 not reachable, 1 that may not read its logs." in text
    assert text.index("## Do first") < text.index("1. **kernel panic") < text.index("## Hosts")
    assert "\n   ```console\n   $ ansible-playbook memops.linux.victims -e memops_hosts=db1\n   ```\n" in text


def test_markdown_names_stay_readable():
    assert markdown.plain("postgresql-15.service") == "postgresql-15.service"
    assert markdown.plain("2025-11-22 18:41:52Z").count("-") == 2


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-22 18:41:52Z",
        "2025-11-22 18:41:52Z ~",
        "mysqld[401] had the highest badness: 5 GiB (88 %), 4 GiB more than the next, java[7]",
        "/system.slice/docker-6b40.scope: limit 512 MiB - reached!",
        "-500",
        "0xcc0(GFP_KERNEL)",
        'a & b; c * d; it\'s "so"',
        "/etc/systemd/journald.conf, 10.0.0.1, fe80::1, \\x1b",
    ],
)
def test_markdown_leaves_alone_what_is_no_markup(text):
    assert markdown.plain(text) == text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[a](b)", "&#91;a&#93;(b)"),
        ("x [a](b)", "x [a&#93;(b)"),
        ("![a](b)", "&#33;[a&#93;(b)"),
        ("[a]: b", "&#91;a]: b"),
        ("a|b", "a&#124;b"),
        ("`a`", "&#96;a&#96;"),
        ("*a* ~b~ __c__ d_e", "&#42;a&#42; &#126;b&#126; &#95;&#95;c&#95;&#95; d_e"),
        ("<b> &amp; &#64;", "&lt;b> &amp;amp; &amp;&#35;64;"),
        ("\\*", "&#92;&#42;"),
        ("\\_a", "&#92;&#95;a"),
        ("@all a@b.c", "&#64;all a&#64;b.c"),
        ("http://a WWW.b.c mailto:d", "http&#58;//a WWW&#46;b.c mailto&#58;d"),
        (":tada: 18:100:", "&#58;tada: 18&#58;100:"),
        ("$x$ #1 !2", "&#36;x$ &#35;1 &#33;2"),
        ("# a", "&#35; a"),
        ("   > a", "&#62; a"),
        ("- a", "&#45; a"),
        ("---", "&#45;--"),
        ("===", "&#61;=="),
        ("+ a", "&#43; a"),
        ("12. a", "12&#46; a"),
        ("3)", "3&#41;"),
    ],
)
def test_markdown_escapes_markup_where_it_stands(text, expected):
    assert markdown.plain(text) == expected


def test_markdown_takes_linear_time():
    for text in (":" * 100_000, ":a" * 50_000, "_" * 100_000, "\\" * 100_000, " " * 100_000, "1" * 100_000):
        markdown.plain(text)


def test_markdown_without_anything(empty, small):
    text = markdown.render(empty, "Kills")
    assert "Nothing is known: there are no hosts in this report." in text and "None found" not in text
    assert "**Out of memory, nothing killed** (panic): db1" in markdown.render(small, "Kills")


PROGRAM = """
import hashlib
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.plugins.plugin_utils._report import archive, markdown, page, sheet, table
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import many
hosts = many(30, 10)
for oom in hosts.values():
    for kill in oom["kills"]:
        kill.update(new_field={"b": 1, "a": 2}, newer=1, newest=2)
report = build({name: HostInput(hosts[name]) for name in set(hosts)}, 1700000000)
made = [page.render(report, "x"), archive.render(report), markdown.render(report, "x"), sheet.render(report), repr(table.lines(report))]
print(hashlib.sha256("".join(made).encode()).hexdigest())
"""


@pytest.mark.slow
def test_two_runs_give_the_same_bytes():
    found = set()
    for seed in ("1", "2", "3"):
        env = dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=archive.__file__.partition("ansible_collections")[0])
        found.add(
            subprocess.run([sys.executable, "-c", PROGRAM], env=env, check=True, capture_output=True, text=True).stdout
        )
    assert len(found) == 1
    assert len(found.pop().strip()) == hashlib.sha256().digest_size * 2
