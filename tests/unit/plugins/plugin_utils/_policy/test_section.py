# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings on the page and in the Markdown: a row for each problem, with its hosts."""

from __future__ import annotations

import html
import re

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy import section
from ansible_collections.memops.linux.plugins.plugin_utils._policy.compliance import judge
from ansible_collections.memops.linux.plugins.plugin_utils._policy.finding import PASS, Finding
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import host
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW


def swap(hosts, **changes):
    one = Finding("swap", "error", "fail", "host", "Too little swap", declared=9, remedy="Add some")
    return [one._replace(host=f"h{n:02d}", **changes) for n in range(hosts)]


def rows(made):
    body = made[made.index("<tbody>") : made.index("</tbody>")]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)]


def test_a_row_names_ten_hosts_and_says_how_many_more():
    (row,) = rows(section.html(swap(41), "p"))
    assert row[4] == "41 hosts: h00, h01, h02, h03, h04, h05, h06, h07, h08, h09 and 31 more"
    assert row[3].count("<li>") == 41 and "<summary>41 findings</summary>" in row[3] and "h40: Too little" in row[3]
    text = "\n".join(section.markdown(swap(41), "p"))
    assert "* **Failed** (error) swap on 41 hosts: h00, h01, " in text and "h09 and 31 more. Too little swap" in text
    assert "What each host says is in findings.json." in text


def test_what_the_row_says_is_not_folded():
    assert "<details" not in section.html(swap(10), "p")
    assert rows(section.html(swap(1), "p"))[0][4] == "h00"


def test_what_each_host_says_is_behind_a_fold():
    given = [one._replace(effective=n) for n, one in enumerate(swap(2))]
    (row,) = rows(section.html(given, "p"))
    assert row[3].startswith("Too little swap: 0; 1 (declared: 9)")
    assert "<li>h01: Too little swap: 1 (declared: 9) (swap)</li>" in row[3]


def test_the_numbers_are_those_of_the_findings():
    made = section.html([*swap(41), *swap(3, status="unknown"), *swap(2, status="pass")], "p")
    assert "41 failures, 3 unknown, 2 passed. What is unknown has not passed. The 44 are 2 problems, each told" in made
    assert "problem" not in section.html(swap(1), "p")


def test_folds_do_not_grow_with_the_fleet():
    many = [one for n in range(40) for one in swap(300, id=f"r{n}")]
    made = section.html(many, "p")
    assert len(rows(made)) == 40
    assert made.count("<li>") == 2000 + 40  # and in each fold, how many are not in it
    assert made.count("200 more are in findings.json.") == 20 and made.count("300 more are in findings.json.") == 20


def test_rows_that_are_left_out_are_counted_by_their_findings():
    made = section.html([one for n in range(503) for one in swap(2, id=f"r{n}")], "p")
    assert len(rows(made)) == 500 and '<p class="muted">6 more are in findings.json.</p>' in made
    assert "* 606 more are in findings.json." in section.markdown(
        [one for n in range(503) for one in swap(2, id=f"r{n}")], "p"
    )


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "'\"><img src=x>", "\x1b[31m"])
def test_no_value_is_markup(text):
    given = swap(2, subject=text, message=text, remedy=text, evidence={"why": text}, id="r")
    given = [one._replace(host=f"{n}{text}", effective=f"{n}{text}") for n, one in enumerate(given)]
    made = section.html(given, text)
    assert set(re.findall(r"<(\w+)", made)) <= set(
        "section h2 p div table thead tr th tbody td span small details summary ul li".split()
    )
    assert "\x1b" not in made and html.escape(text.replace("\x1b", "\\x1b")) in made
    assert not re.search(r"<|\x1b", "\n".join(section.markdown(given, text)))


def test_a_fleet_without_units_is_a_few_rows():
    """Twenty rules that ask for what no host tells are one problem."""
    report = build({f"h{n}": HostInput(host(units=None, settings__panic_on_oom=1)) for n in range(4)}, NOW)
    found = judge("baseline", ".", report, {}, NOW)
    loud = [one for one in found.findings if one.status != PASS]
    made = rows(found.html())
    assert len(loud) > 60 and len(made) <= 10
    assert sum(int(n) for n in re.findall(r"<summary>(\d+) findings", found.html())) + 4 >= len(loud)
