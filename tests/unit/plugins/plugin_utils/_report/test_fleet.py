# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All hosts, one dict."""

import json
import random

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import (
    HostInput,
    build,
    each_kill,
    generation_time,
    urgency,
)
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    disputed,
    facts,
    kill,
    logged,
    many,
    panic,
)


def report_of(**hosts):
    return build({name: HostInput(oom) if isinstance(oom, dict) else oom for name, oom in hosts.items()}, NOW)


@pytest.fixture(name="report")
def fixture_report():
    return report_of(
        db1=facts([kill(1), kill(2), disputed(3)], unresolved=[panic(), panic(count=3), panic(source=None)]),
        db2=facts([kill(5)], state="partial", reasons=["journal is volatile"], counters={"unexplained": 4}, unparsed=2),
        web1=facts(since=1763500000.0),
        blind1=facts(state="blind", since=None, reasons=["denied"]),
        down1=HostInput(None, "unreachable", "no route"),
        nopy=HostInput(None, "failed", "no python"),
    )


def test_contract_5(report):
    assert list(report) == ["schema", "generated_at", "hosts", "fleet", "problems", "trend"]
    assert (report["schema"], report["generated_at"]) == (1, NOW)
    assert {name: entry["state"] for name, entry in report["hosts"].items()} == {
        "blind1": "blind",
        "db1": "ok",
        "db2": "ok",
        "down1": "unreachable",
        "nopy": "failed",
        "web1": "ok",
    }
    assert report["hosts"]["down1"]["oom"] is None
    assert report["hosts"]["db1"]["oom"]["memory"]["total"] == 8589934592


def test_totals(report):
    assert report["fleet"]["totals"] == {
        "hosts": 6,
        "ok": 3,
        "partial": 1,
        "blind": 1,
        "unreachable": 1,
        "failed": 1,
        "kills": 3,
        "untrusted": 0,
        "disputed": 1,
        "by_proof": {"kernel": 3, "confirmed": 0, "logged": 0, "disputed": 1},
        "copies": 0,
        "unresolved": 5,
        "unresolved_disputed": 0,
        "unexplained": 4,
        "unparsed": 2,
        "quoted": 0,
        "chronic": 0,
        "hosts_with_kills": 2,
    }


def test_disputed_kills_are_counted_apart(report):
    assert report["fleet"]["by_host"] == {"db1": 2, "db2": 1}
    assert report["fleet"]["disputed"]["by_host"] == {"db1": 1}
    assert sum(report["fleet"]["by_unit"].values()) == 3
    assert (report["hosts"]["db1"]["kills"], report["hosts"]["db1"]["disputed"]) == (2, 1)


def test_what_text_logs_alone_tell_are_kills():
    report = report_of(a=facts([logged(1), logged(2), kill(3)]))
    assert (report["hosts"]["a"]["kills"], report["hosts"]["a"]["untrusted"]) == (3, 2)
    assert sum(report["fleet"]["by_comm"].values()) == 3 and report["fleet"]["totals"]["by_proof"]["logged"] == 2


@pytest.mark.parametrize("trusted, proof", [(True, "kernel"), (False, "logged")])
def test_facts_that_are_older_than_the_grades(trusted, proof):
    old = kill(1, source_trusted=trusted)
    del old["proof"]
    assert report_of(a=facts([old]))["fleet"]["totals"]["by_proof"][proof] == 1


def test_the_fleet_sees_since_its_worst_host_does(report):
    assert report["fleet"]["since"] == 1763500000.0
    assert report_of(a=facts(), b=facts(since=None))["fleet"]["since"] is None


@pytest.mark.parametrize("days, partial", [(0, False), (0.9, False), (3, True), (-1, False), (None, False)])
def test_old_facts_say_nothing_of_today(days, partial):
    entry = report_of(a=facts(gathered_at=None if days is None else NOW - days * 86400))["hosts"]["a"]
    assert entry["partial"] is partial
    assert [reason for reason in entry["reasons"] if "days old: gather them again" in reason] == entry["reasons"]


def test_a_fleet_is_as_old_as_the_oldest_facts_of_a_host_that_answered():
    old = facts(gathered_at=NOW - 21 * 86400)
    down = HostInput(facts(gathered_at=1.0), "unreachable", "no route")
    fleet = report_of(a=facts(), b=old, c=facts(gathered_at=None), d=down)["fleet"]
    assert (fleet["gathered_at"], fleet["stale"]) == (NOW - 21 * 86400, 1)
    assert report_of(a=facts(gathered_at=None))["fleet"]["gathered_at"] is None


def test_the_window_is_what_every_host_was_asked_for():
    report = report_of(
        a=facts(window={"since": 5.0, "until": None}), b=facts(window={"since": 7.0, "until": 9}), c=facts(window=[1])
    )
    assert report["fleet"]["window"] == {"since": 7.0, "until": 9}
    assert report["hosts"]["c"]["window"] == {"since": None, "until": None}


def test_names_that_are_shown_alike_are_two_hosts():
    report = build(
        {"a\x00": HostInput(facts([kill(1)])), "a\\x00": HostInput(facts([kill(2)])), "a\\x00 (2)": HostInput(facts())},
        NOW,
    )
    assert list(report["hosts"]) == ["a\\x00", "a\\x00 (2)", "a\\x00 (2) (2)"]
    assert report["fleet"]["totals"]["hosts"] == 3 and report["fleet"]["totals"]["kills"] == 2


def test_a_thousand_names_that_are_shown_alike_take_linear_time():
    report = build({"a" * 2000 + str(i): HostInput(None, "unreachable", "x") for i in range(1000)}, NOW)
    assert len(report["hosts"]) == 1000


def test_most_first_then_by_name():
    report = report_of(b=facts([kill(1)]), a=facts([kill(2)]), c=facts([kill(3), kill(4)]))
    assert list(report["fleet"]["by_host"]) == ["c", "a", "b"]


def test_what_nobody_can_speak_for_comes_first(report):
    order = [name for name, _entry in sorted(report["hosts"].items(), key=urgency)]
    assert order == ["down1", "nopy", "blind1", "db1", "db2", "web1"]


def test_one_kill_on_two_hosts_counts_once_and_the_trusted_copy_wins():
    forged = disputed(7)
    report = report_of(a=facts([forged]), container=facts([kill(7)]), host=facts([kill(7)]))
    totals = report["fleet"]["totals"]
    assert (totals["kills"], totals["disputed"], totals["copies"]) == (1, 0, 2)
    assert [counts for _name, _kill, counts in each_kill(report)].count(True) == 1
    assert report["hosts"]["host"]["kills"] == 1


def test_kills_without_a_boot_are_never_taken_for_copies():
    report = report_of(a=facts([disputed(7, boot_id=None)]), b=facts([disputed(7, boot_id=None)]))
    assert report["fleet"]["totals"]["disputed"] == 2


def test_kills_that_the_facts_only_count_are_in_the_totals():
    by_proof = {"kernel": 5, "confirmed": 1, "logged": 2, "disputed": 4}
    oom = facts([kill(1), disputed(2)], truncated=10, summary={"total": 8, "by_proof": by_proof})
    report = report_of(a=oom)
    unlisted = report["hosts"]["a"]["unlisted"]
    assert (unlisted["kills"], unlisted["disputed"]) == (7, 3)
    totals = report["fleet"]["totals"]
    assert (totals["kills"], totals["disputed"], totals["by_proof"]) == (8, 4, by_proof)


@pytest.mark.parametrize("summary", [None, [], {"untrusted": "4"}, {"untrusted": -4}, {"untrusted": 10**9}])
def test_a_broken_summary_adds_no_more_than_was_left_out(summary):
    totals = report_of(a=facts([kill(1)], truncated=10, summary=summary))["fleet"]["totals"]
    assert totals["kills"] == sum(totals["by_proof"].values()) == 11


def test_no_hosts():
    assert report_of()["fleet"]["totals"]["hosts"] == 0


def test_the_order_of_the_input_does_not_matter():
    hosts = many(20, 5)
    names = list(hosts)
    random.Random(1).shuffle(names)
    first = build({name: HostInput(hosts[name]) for name in hosts}, NOW)
    second = build({name: HostInput(dict(reversed(list(hosts[name].items())))) for name in names}, NOW)
    assert json.dumps(first["fleet"]) == json.dumps(second["fleet"])
    assert list(first["hosts"]) == list(second["hosts"])


@pytest.mark.parametrize(
    "environ, expected",
    [
        ({}, 77),
        ({"SOURCE_DATE_EPOCH": "1700000000"}, 1700000000),
        ({"SOURCE_DATE_EPOCH": "soon"}, 77),
        ({"SOURCE_DATE_EPOCH": "9" * 30}, 77),
    ],
)
def test_generation_time(environ, expected):
    assert generation_time(environ, 77.9) == expected
