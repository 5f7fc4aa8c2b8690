# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table on the terminal."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.plugin_utils._report import markdown, page, table
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    disputed,
    facts,
    kill,
    panic,
)

#: As in the fixture.
WHY = "mysqld[401] had the highest badness of 9 processes: 5 GiB, 4 GiB more than the next, java[7]"


def test_the_whole_table(small):
    assert [line.text for line in table.lines(small, 120)] == [
        "New: kernel panic for lack of memory on db1 1 h ago; 1 shortage in 3 days, 2 in the 3 before; 1 more kill at an unknown",
        "time; postgresql@15-main on web1 at an unknown time; 2 hosts are not known.",
        "Once memory ran out and no victim is known. 3 kills on 2 of 5 hosts. 1 more is disputed: the journal has none of it, so",
        "it is forged or another machine's. 2 hosts are unknown, not clean.",
        "All hosts that could be read see back to 2025-11-13 02:13Z; asked within the last two hours.",
        "2 hosts are not known: 1 not reachable, 1 that may not read its logs.",
        "",
        "Do first",
        "1. kernel panic for lack of memory on db1 (new): once, last 1 h ago",
        "   The kernel found nothing that it may kill, and panicked. See who may be killed, and take back scores of -1000.",
        "   $ ansible-playbook memops.linux.victims -e memops_hosts=db1",
        "2. postgresql@15-main on web1: 1 kill, last at an unknown time; out of memory: its own limit",
        "   Its own limit was reached. Raise memory_max above what it needs, or find out what grows in it.",
        "   $ ansible-playbook memops.linux.victims -e memops_hosts=web1",
        "3. mysqld on db1 (as before): 1 kill, last 4 days ago; out of memory: its own limit",
        "   Its own limit was reached. Raise memory_max above what it needs, or find out what grows in it.",
        "   $ ansible-playbook memops.linux.victims -e memops_hosts=db1",
        "",
        "OUT OF MEMORY, NOTHING KILLED (panic): db1 at 2025-11-22 17:05:00Z",
        "",
        "Host   State        Kills  Disputed  Lost most           Last kill         Sees since        Asked",
        "down   unreachable      ?",
        "    no route to host",
        "blind  blind            ?                                                                    2025-11-22 18:10",
        "    journal: denied",
        "db1    ok               2         1  mysqld, php-fpm     2025-11-18 12:29  2025-11-13 02:13  2025-11-22 18:10",
        "web1   partial          1            postgresql@15-main                    2025-11-13 02:13  2025-11-22 18:10",
        "    the kernel counted 2 kills more than the logs tell; journal is volatile",
        "clean  ok               0                                                  2025-11-13 02:13  2025-11-22 18:10",
        "",
        "Time (UTC)         Host  Victim         Unit or cgroup      Anon MiB  Out of memory  Killer  Proof",
        "2025-11-20 00:52   db1   chrome[403]    user@1000               63.5  memcg          kernel  disputed",
        "2025-11-18 12:29   db1   mysqld[401]    mysqld                  63.5  memcg          kernel  kernel",
        "    " + WHY,
        "2025-11-18 00:26~  db1   php-fpm[402]   php-fpm                 63.5  memcg          kernel  kernel",
        "unknown            web1  postgres[404]  postgresql@15-main      63.5  memcg          kernel  kernel",
        "~ after a time: the log does not say it in full (no year, or uptime only)",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100, 109, 110, 120, 132, 160])
def test_lines_fit_and_hold_no_controls(hostile, big, small, width):
    for report in (hostile, big, small):
        for line in table.lines(report, width):
            assert table.cells(line.text) <= width or line.text.startswith("   $ ansible-playbook ")
            assert line.text == printable(line.text)
            assert line.text == line.text.rstrip()


@pytest.mark.parametrize("asked, used", [(20, 80), (1000, 160)])
def test_width_has_limits(hostile, asked, used):
    assert table.lines(hostile, asked) == table.lines(hostile, used)


@pytest.mark.parametrize("width", [80, 109, 120, 160])
def test_the_missing_proof_is_never_cut(width):
    long = disputed(
        1,
        victim_comm="x" * 15,
        unit="u" * 200 + ".service",
        victim_pid=4194304,
        victim_anon_rss=1 << 43,
        killer="systemd-oomd",
    )
    report = build({"h" * 60: HostInput(facts([long]))}, NOW)
    assert [(line.text.split() or [""])[-1] for line in table.lines(report, width)].count("disputed") == 1


def test_a_big_fleet_lists_who_has_something_to_say():
    hosts = {f"clean{i}": HostInput(facts()) for i in range(900)}
    hosts["lost"] = HostInput(facts([kill(1)]))
    hosts["gone"] = HostInput(None, "unreachable", "no route")
    text = [line.text for line in table.lines(build(hosts, NOW), 100)]
    start = next(at for at, line in enumerate(text) if line.startswith("Host "))
    assert text[start + 1].startswith("gone") and text[start + 3].startswith("lost")
    assert text[start + 4] == "900 hosts could be read and showed no kill"
    assert len(text) == start + 8


def test_a_big_fleet_is_green_only_where_it_was_measured():
    hosts = {f"clean{i}": HostInput(facts()) for i in range(30)}
    hosts.update({f"half{i}": HostInput(facts(state="partial", reasons=["journal: denied"])) for i in range(20)})
    hosts["old"] = HostInput(facts(gathered_at=NOW - 21 * 86400))
    lines = table.lines(build(hosts, NOW), 120)
    assert [line.text for line in lines if line.mood == "good"] == ["30 hosts could be read and showed no kill"]
    assert ("20 hosts could be read in part and showed no kill there; the report says why", "warn") in lines
    assert any(line.text.startswith("old") and line.text.endswith("2025-11-01 18:11") for line in lines)
    assert "    the facts are 21 days old: gather them again" in [line.text for line in lines]
    assert "The facts of 1 host are older than a day" in " ".join(line.text for line in lines[:4])


def test_a_shortage_without_a_victim_says_where_the_memory_was():
    why = "the kernel panicked and killed no process; <pages> that no counter knows held 874 MiB (88 %)"
    report = build({"a": HostInput(facts(unresolved=[panic(why=why), panic(time=NOW - 9000.0)]))}, NOW)
    assert [line.text for line in table.lines(report, 160) if "874 MiB" in line.text] == ["    " + why]
    assert markdown.render(report, "Kills").count("874 MiB") == 1
    assert (
        "<small>the kernel panicked and killed no process; &lt;pages&gt; that no counter knows held 874 MiB (88 %)</small>"
        in page.render(report, "Kills")
    )


def test_nothing_known():
    report = build({"a": HostInput(None, "failed", "no python"), "b": HostInput()}, NOW)
    assert table.lines(report)[0] == ("Nothing is known about 2 hosts: none could be read.", "bad")


def test_clean():
    report = build({"a": HostInput(facts())}, NOW)
    assert table.lines(report)[0] == ("No kill in 10 days on 1 host.", "good")


def test_no_hosts(empty):
    assert [line.text for line in table.lines(empty)] == ["No hosts in this report."]


@pytest.mark.parametrize("text, size", [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\U0001f600", 2)])
def test_cells(text, size):
    assert table.cells(text) == size


@pytest.mark.parametrize("text, expected", [("日本語日本語", "日..."), ("abcdefgh", "abc..."), ("abc", "abc   ")])
def test_fit(text, expected):
    fitted = table.fit(text, 6)
    assert fitted.rstrip() == expected.rstrip()
    assert table.cells(fitted) == 6
