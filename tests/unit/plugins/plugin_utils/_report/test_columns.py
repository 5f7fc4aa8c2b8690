# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One table of columns for page, terminal, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import re

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import columns, markdown, page, sheet, table
from ansible_collections.memops.linux.plugins.plugin_utils._report.columns import Column, HostRow, KillRow
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, facts, kill

#: What programs read by its place.
OLD_HEADER = (
    "host log_host time time_quality trusted proof counted pid comm uid total_vm anon_rss file_rss shmem_rss pgtables"
    " oom_score_adj oom_score killer scope trigger constraint unit container_id oom_memcg task_memcg kernel boot_id id"
    " invoker_pid invoker_comm gfp_mask order partial source seen_in"
).split()


def test_the_places_in_the_csv_stay():
    header = [column.key for column in sheet.in_order()]
    assert header[: len(OLD_HEADER)] == OLD_HEADER
    assert {"container", "why"} <= set(header[len(OLD_HEADER) :])


@pytest.mark.parametrize("which", [columns.KILLS, columns.HOSTS], ids=["kills", "hosts"])
def test_a_name_stands_once(which):
    assert len({column.key for column in which}) == len(which) == len({column.title.lower() for column in which})
    assert all(set(column.formats) <= set(columns.FORMATS) and column.formats for column in which)


def titles(report):
    """Format -> the titles of its two tables."""
    html, text = page.render(report, "x"), markdown.render(report, "x")
    lines = [line.text for line in table.lines(report, 160) if line.mood == "head"]
    return {
        columns.PAGE: re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', html),
        columns.MARKDOWN: [
            cell for line in re.findall(r"^\| (.*) \|\n\| --", text, re.M) for cell in line.split(" | ")
        ],
        columns.TERMINAL: [cell for line in lines for cell in re.split(r" {2,}", line)],
    }


def test_titles_are_the_same_in_every_format():
    report = build({"a": HostInput(facts([kill(1)], "partial", reasons=["volatile"]))}, NOW)
    known = {column.title for column in columns.HOSTS + columns.KILLS}
    for format_, found in titles(report).items():
        assert len(found) > 12 and set(found) <= known, format_


def test_a_new_column_is_one_row(monkeypatch):
    """Whoever adds one writes it down once: the formats follow."""
    added = Column("shift", "Shift", lambda row: f"{row.host}-{row.kill['victim']['pid']}", columns.FORMATS)
    monkeypatch.setattr(columns, "KILLS", (*columns.KILLS, added))
    report = build({"a": HostInput(facts([kill(1)]))}, NOW)
    for made in (
        page.render(report, "x"),
        markdown.render(report, "x"),
        "\n".join(line.text for line in table.lines(report, 160)),
        sheet.render(report).replace("shift", "Shift"),
    ):
        assert made.count("a-401") >= 1 <= made.count("Shift")


@pytest.mark.parametrize(
    "key, changes, expected",
    [
        ("victim", {}, "mysqld[401]"),
        ("victim", {"victim_comm": None, "victim_pid": None}, "(whole cgroup)"),
        ("uid", {"victim_uid": None}, ""),
        ("uid", {"victim_uid": 0}, "0"),
        ("anon_rss", {"victim_anon_rss": 1 << 31}, "2,048"),
        ("time", {"time": None}, "unknown"),
        ("where", {"unit": None}, "/system.slice/mysqld.service"),
        ("shortage", {"oom_memcg": "/system.slice"}, "memcg /system.slice"),
        ("why", {"why": "it leaked"}, "it leaked"),
        ("container", {}, ""),
        ("container", {"container_id": "6b" * 32}, "container 6b6b6b6b6b6b"),
    ],
)
def test_kills(key, changes, expected):
    report = build({"a": HostInput(facts([kill(1, **changes)]))}, NOW)
    row = KillRow("a", report["hosts"]["a"]["oom"]["kills"][0], True)
    assert columns.shown(next(column for column in columns.KILLS if column.key == key), row) == expected


@pytest.mark.parametrize(
    "key, given, expected",
    [
        ("kills", HostInput(facts()), "0"),
        ("kills", HostInput(None, "unreachable", "no route"), "?"),
        ("since", HostInput(facts(since=None)), "unknown"),
        ("since", HostInput(None, "unreachable", "no route"), ""),
        (
            "worst",
            HostInput(facts([kill(n) for n in (1, 5, 2, 3, 4)])),
            "mysqld.service \u00d72, php-fpm.service, postgresql@15-main.service, 1 more",
        ),
        ("disputed", HostInput(facts()), ""),
        ("why", HostInput(None, "unreachable", "no route"), "no route"),
    ],
)
def test_hosts(key, given, expected):
    entry = build({"a": given}, NOW)["hosts"]["a"]
    assert columns.shown(next(column for column in columns.HOSTS if column.key == key), HostRow("a", entry)) == expected


def test_the_csv_tells_why_and_in_which_container():
    named = {"id": "6b" * 32, "name": "web", "pod": "web-0", "namespace": "shop"}
    report = build({"a": HostInput(facts([kill(1, why="=it leaked", container_id="6b" * 32, container=named)]))}, NOW)
    (row,) = csv.DictReader(io.StringIO(sheet.render(report), newline=""))
    assert (row["why"], row["container"]) == ("'=it leaked", "container web of pod shop/web-0")
