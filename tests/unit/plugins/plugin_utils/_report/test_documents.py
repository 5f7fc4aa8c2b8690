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

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "|calc", "%0A", "  =1", "\uff1d1", "'=1"]


@pytest.mark.parametrize("value", FORMULAS)
def test_a_formula_is_text(value):
    assert sheet.cell(value).startswith(("'", "\\"))


@pytest.mark.parametrize("value, expected", [(None, ""), (True, "true"), (-500, "-500"), ("mysqld", "mysqld"), (1.5, "1.5"), ("a\x1b", "a\\x1b")])
def test_the_rest_is_left_alone(value, expected):
    assert sheet.cell(value) == expected


def test_csv_has_a_row_for_every_kill(hostile):
    text = sheet.render(hostile)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) == 2 * len(PAYLOADS)
    for row in rows:
        assert set(row) == set(sheet.HEADER)
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
    assert "| chronic |" in text
    assert text.count("had the highest badness of 9 processes") == 1


def test_markdown_names_stay_readable():
    assert markdown.plain("postgresql-15.service") == "postgresql-15.service"
    assert markdown.plain("2025-11-22 18:41:52Z").count("-") == 2


def test_markdown_without_anything(empty, small):
    text = markdown.render(empty, "Kills")
    assert "Nothing is known: there are no hosts in this report." in text.replace("&#58;", ":").replace("&#46;", ".") and "None found" not in text
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


def test_two_runs_give_the_same_bytes():
    found = set()
    for seed in ("1", "2", "3"):
        env = dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=archive.__file__.partition("ansible_collections")[0])
        found.add(subprocess.run([sys.executable, "-c", PROGRAM], env=env, check=True, capture_output=True, text=True).stdout)
    assert len(found) == 1
    assert len(found.pop().strip()) == hashlib.sha256().digest_size * 2
