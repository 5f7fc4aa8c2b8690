# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings with one rule, cause and remedy are one problem."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy.causes import causes
from ansible_collections.memops.linux.plugins.plugin_utils._policy.finding import Finding


def finding(host="h1", **changes):
    return Finding("swap", "error", "fail", "host", "Too little swap", host=host, remedy="Add some")._replace(**changes)


def unknown(host="h1", why="", **changes):
    return finding(host, status="unknown", evidence={"why": why} if why else {}, **changes)


ONE = [
    ("the same of two hosts", [finding(), finding("h2")], "Too little swap"),
    ("two values", [finding(effective=1), finding("h2", effective=2)], "Too little swap: 1; 2"),
    (
        "many values of one declaration",
        [finding(f"h{n}", effective=n, declared=9) for n in range(5)],
        "Too little swap: 0; 1; 2 and 2 more (declared: 9)",
    ),
    (
        "rules that ask for the same",
        [unknown(why="no units", id="a", message="A"), unknown(why="no units", id="b", message="B")],
        "no units",
    ),
    (
        "times",
        [unknown(why="gathered 3 hours ago"), unknown("h2", why="gathered 14 hours ago")],
        "gathered 3 hours ago",
    ),
    (
        "hosts that ssh names",
        [unknown(h, why=f"ssh: connect to host {h} port 22: timed out") for h in ("db.net", "web.net")],
        "ssh: connect to host (the host) port 22: timed out",
    ),
    ("one", [finding(effective=1, declared=2)], "Too little swap: 1 (declared: 2)"),
]


@pytest.mark.parametrize("given, text", [case[1:] for case in ONE], ids=[case[0] for case in ONE])
def test_one_problem(given, text):
    (cause,) = causes(given)
    assert (cause.findings, cause.text) == (given, text)


APART = [
    ("rule", finding(id="other")),
    ("severity", finding(severity="warning")),
    ("status", unknown()),
    ("message", finding(message="No swap")),
    ("cause", finding(evidence={"why": "shadowed by b.conf"})),
    ("remedy", finding(remedy="Buy memory")),
]


@pytest.mark.parametrize("other", [case[1] for case in APART], ids=[case[0] for case in APART])
def test_what_differs_is_a_problem_of_its_own(other):
    assert [cause.findings for cause in causes([finding(), other])] == [[finding()], [other]]


def test_what_is_not_known_for_no_told_reason_is_apart_by_rule():
    assert len(causes([unknown(id="a"), unknown(id="b")])) == 2


def test_none_is_lost_and_what_passed_is_none():
    given = [finding(f"h{n % 3}", id=f"r{n % 4}") for n in range(24)] + [unknown("h9", why="x")]
    found = causes([*given, finding(status="pass")])
    assert len(found) == 5 and sorted(one for cause in found for one in cause.findings) == sorted(given)
    assert found[0].hosts == ["h0", "h1", "h2"]


def test_subjects_are_named_where_the_text_does_not():
    (cause,) = causes([finding(subject="a.service"), finding(subject="b.service"), finding("h2", subject="a.service")])
    assert cause.subjects == ["a.service", "b.service"]
    (cause,) = causes([finding(subject="swap")])
    assert cause.subjects == []
