# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""summary.json: small, harmless in a chat, and true."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import problem_words, summary
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, facts, kill


def test_a_fleet(small):
    said = json.loads(summary.render(small, "Kills"))
    assert said["text"].startswith(f"Kills: {problem_words.verdict_line(small)} 2 hosts are not known")
    assert "asked within the last two hours" in said["text"]
    assert [one["problem"] for one in said["do_first"]] == [
        problem_words.title(problem) for problem in problem_words.first(small)[:5]
    ]
    assert (said["verdict"], said["hosts"], said["kills"], said["unreachable"]) == ("kills", 5, 3, 1)
    assert said["by_host"] == [{"name": "db1", "kills": 2}, {"name": "web1", "kills": 1}]
    assert {one["host"]: one["state"] for one in said["unknown_hosts"]} == {"down": "unreachable", "blind": "blind"}
    assert said["generated"] == "2025-11-22T18:11:40Z"


VERDICTS = [
    ({"a": HostInput(facts())}, "clean"),
    ({"a": HostInput(facts([kill(1)]))}, "kills"),
    ({"a": HostInput(facts()), "b": HostInput(None, "unreachable", "x")}, "unknown"),
    ({"a": HostInput(facts(state="partial", reasons=["a gap"]))}, "unknown"),
    ({}, "unknown"),
]


@pytest.mark.parametrize("hosts, verdict", VERDICTS)
def test_the_verdict(hosts, verdict):
    assert summary.numbers(build(hosts, NOW))["verdict"] == verdict


def test_where_nobody_looked_nothing_was_counted(empty):
    for report in (empty, build({"a": HostInput(None, "unreachable", "x")}, NOW)):
        said = json.loads(summary.render(report, "x"))
        assert (said["kills"], said["unresolved"], said["verdict"]) == (None, None, "unknown")


@pytest.mark.parametrize("fleet", ["hostile", "small", "big", "empty"])
def test_it_fits_a_webhook(fleet, request):
    said = summary.render(request.getfixturevalue(fleet), "\U0001f4a5" * 2000)
    assert len(said.encode()) <= 4096
    assert json.loads(said)["schema"] == 1


def test_no_name_is_markup_a_mention_or_a_template(hostile):
    said = json.loads(summary.render(hostile, "x"))
    names = [one["name"] for key in ("by_unit", "by_host") for one in said[key]]
    names += [one[key] for one in said["do_first"] for key in ("problem", "told")]
    for name in [*names, said["text"], *(one["host"] for one in said["unknown_hosts"])]:
        assert not re.search(r"[<>`*|{}\[\]]|(?<!\w)@", name), name


CHAT = [
    ("<!channel> user@1000.service", "?!channel? user@1000.service"),
    ("@here *bold* _it_", "?here ?bold? ?it_"),
    ("{{ x }} {% y %}", "?? x ?? ?% y ??"),
    ("https://evil.example/", "https:?evil.example/"),
]


@pytest.mark.parametrize("said, shown", CHAT)
def test_harmless(said, shown):
    assert summary.harmless(said, 100) == shown


def test_what_ansible_keeps_has_no_word_of_a_host(hostile):
    for key, value in summary.numbers(hostile).items():
        assert value is None or isinstance(value, (int, float)) or (key == "verdict" and value == "kills"), key
