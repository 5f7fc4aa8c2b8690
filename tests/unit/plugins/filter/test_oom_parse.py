# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter: the parser of oom_facts over a text, on the controller."""

from __future__ import annotations

import json
import os

import pytest

pytest.importorskip("ansible.errors")

from ansible.errors import AnsibleFilterError  # noqa: E402

from ansible_collections.memops.linux.plugins.filter import oom_parse as module  # noqa: E402
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.test_parser import KILLS  # noqa: E402
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import expected  # noqa: E402

oom_parse = module.FilterModule().filters()["oom_parse"]
ARTICLE = (
    "May 10 18:07:27 server1 kernel: Out of memory: Kill process 202647 (program01) score 982 or sacrifice child\n"
)
NOW = 1795377980.0


def test_the_article():
    (kill,) = oom_parse(ARTICLE, anchor=NOW)
    assert (kill["victim"]["pid"], kill["victim"]["comm"], kill["victim"]["oom_score"]) == (202647, "program01", 982)
    assert (kill["host"], kill["time_quality"], kill["partial"], kill["scope"]) == (
        "server1",
        "year_inferred",
        True,
        "global",
    )
    assert kill["source"] == {"name": "text", "trusted": False, "reason": kill["source"]["reason"], "seen_in": ["text"]}


def test_the_year_fits_the_anchor():
    years = [oom_parse(ARTICLE, anchor=NOW - n * 365.25 * 86400)[0]["time"] for n in range(3)]
    assert years[0] > years[1] > years[2] and years[0] < NOW


@pytest.mark.parametrize("log", ["bookworm-kern.log", "bookworm-syslog", "bullseye-dmesg-T.txt", "bullseye-kmsg.bin"])
def test_our_extracts(fixtures, log):
    with open(os.path.join(fixtures, "kernel", "truth.json"), encoding="utf-8") as stream:
        truth = [expected(record) for record in json.load(stream)[log] if record["killer"] == "kernel"]
    with open(os.path.join(fixtures, "kernel", log), "rb") as stream:
        data = stream.read()
    for text in (data, data.decode("utf-8", "surrogateescape")):
        kills = [kill for kill in oom_parse(text, name=log, anchor=NOW) if kill["killer"] == "kernel"]
        found = [
            (k["victim"]["pid"], k["victim"]["comm"], k["victim"]["uid"], k["victim"]["oom_score_adj"], k["unit"])
            for k in kills
        ]
        assert sorted(found) == sorted(truth)
        assert json.dumps(kills, ensure_ascii=False, allow_nan=False).encode("utf-8")


def test_task_tables_on_request(fixtures):
    with open(os.path.join(fixtures, "kernel", "bookworm-kern.log"), "rb") as stream:
        data = stream.read()
    assert not any("tasks" in kill for kill in oom_parse(data))
    assert all(kill["tasks"] for kill in oom_parse(data, include_tasks=True))


@pytest.mark.parametrize("text", ["", "\n", "nothing to see", "Killed process", "\0" * 100, b"\xff\xfe", "x" * 100000])
def test_texts_without_kills(text):
    assert oom_parse(text) == []


@pytest.mark.parametrize("value", [None, 7, ["a"], {"a": 1}, 1.5])
def test_what_is_no_text(value):
    with pytest.raises(
        AnsibleFilterError, match="takes the text of a log, not %s; nothing was parsed" % type(value).__name__
    ):
        oom_parse(value)


@pytest.mark.parametrize("anchor", ["soon", [1], "1e", float("nan"), float("inf")])
def test_a_wrong_anchor(anchor):
    with pytest.raises(AnsibleFilterError, match="anchor takes seconds since 1970-01-01 UTC"):
        oom_parse(ARTICLE, anchor=anchor)


def test_hostile_names_come_out_printable():
    text = "kernel: Out of memory: Killed process 7 (\x1b[31m\u202e{{ x }}) total-vm:1kB, anon-rss:1kB, file-rss:1kB\n"
    (kill,) = oom_parse(text, name="na\nme")
    assert kill["victim"]["comm"] == "\\x1b[31m\\u202e{{ x }}"
    assert kill["source"]["name"] == "na\\x0ame"


@pytest.mark.parametrize("text, kills", [row[1:] for row in KILLS], ids=[row[0] for row in KILLS])
def test_every_kernel_line_that_the_parser_knows(text, kills):
    """One row in KILLS is enough. The ledger takes two lines of one kill for one, so no row may count on two."""
    found = {str(kill["victim"]["pid"]) for kill in oom_parse(text)}
    assert found >= {str(fields.get("pid")) for fields in kills if "pid" in fields}
    assert bool(found) == bool(kills)
