# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same kill is one kill, two kills are two; the newest are kept and all are counted."""

import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger, kill_id
from ansible_collections.memops.linux.plugins.module_utils._facts.totals import Totals
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Process
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine


def kill(pid=7, source="kern.log", comm="java", total_vm=4096, at=1000.0, uptime=None, **more):
    line = {name: more.pop(name) for name in ("host", "boot_id", "trusted", "time_quality") if name in more}
    victim = {name: more.pop(name) for name in ("uid", "oom_score", "anon_rss") if name in more}
    return Kill(
        line=LogLine("", source, time=at, uptime=uptime, **line),
        victim=Process(pid=pid, comm=comm, total_vm=total_vm, **victim),
        **more,
    )


def entries(*kills, **options):
    ledger = Ledger(options.get("keep", 1000))
    for one in kills:
        ledger.add(one)
    return ledger.entries()


SAME = [
    ("text logs lag", kill(), kill(source="journal", at=1500.0)),
    ("kernel seconds are the better clock", kill(uptime=5.0, at=1000.0), kill(source="journal", uptime=5.0000004, at=9000.0)),
    ("a source without a clock", kill(), kill(source="dmesg", at=None)),
    ("a source with kernel seconds only", kill(uptime=5.0), kill(source="dmesg", at=None, uptime=5.001)),
    ("hosts, short and long", kill(host="db1.example.org"), kill(source="journal", host="DB1")),
    ("a renamed host", kill(host="vm1"), kill(source="journal", host="localhost", trusted=True, at=1004.0)),
    ("announced, then killed", kill(partial=True, total_vm=None, uptime=5.0), kill(source="journal", uptime=7.0)),
    ("clocks on both sides of a step", kill(at=599.9), kill(source="journal", at=600.1)),
    ("uptimes on both sides of a step", kill(at=None, uptime=4.9995), kill(source="journal", at=None, uptime=5.0)),
    ("killed, then announced: the newest line first", kill(), kill(partial=True, total_vm=None, at=998.0)),
    ("systemd-oomd says it again", kill(pid=None, killer="systemd-oomd", task_memcg="/a", total_vm=None),
     kill(pid=None, killer="systemd-oomd", task_memcg="/a", total_vm=None, at=1009.0)),
]  # fmt: skip
TWO = [
    ("another pid", kill(), kill(pid=8, source="journal")),
    ("another size", kill(), kill(source="journal", total_vm=8192)),
    ("another boot", kill(boot_id="a"), kill(source="journal", boot_id="b")),
    ("another host", kill(host="a"), kill(source="journal", host="b")),
    ("another host in a trusted journal, much later", kill(host="a"), kill(source="journal", host="b", trusted=True, at=1100.0)),
    ("another time", kill(), kill(source="journal", at=1700.0)),
    ("another kernel second", kill(uptime=5.0), kill(source="journal", uptime=6.0)),
    ("the same file says it twice", kill(), kill()),
    ("announced, and killed later", kill(partial=True, total_vm=None), kill(at=1006.0)),
    ("a forged announcement", kill(trusted=True), kill(partial=True, total_vm=None)),
    ("another killer", kill(), kill(source="journal", killer="earlyoom")),
    ("another attempt of earlyoom", kill(killer="earlyoom", total_vm=None, oom_score=1), kill(killer="earlyoom", total_vm=None, source="journal", oom_score=2)),
    ("another cgroup of systemd-oomd", kill(pid=None, killer="systemd-oomd", task_memcg="/a", total_vm=None),
     kill(pid=None, killer="systemd-oomd", task_memcg="/b", total_vm=None, source="journal")),
    ("systemd-oomd an hour later", kill(pid=None, killer="systemd-oomd", task_memcg="/a", total_vm=None),
     kill(pid=None, killer="systemd-oomd", task_memcg="/a", total_vm=None, at=4600.0)),
]  # fmt: skip


@pytest.mark.parametrize("one, other", [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_one_kill(one, other):
    for first, second in ((one, other), (other, one)):
        (entry,) = entries(first, second)
        assert set(entry.seen_in) == {one.line.source, other.line.source}


@pytest.mark.parametrize("one, other", [row[1:] for row in TWO], ids=[row[0] for row in TWO])
def test_two_kills(one, other):
    assert len(entries(one, other)) == len(entries(other, one)) == 2


def test_a_trusted_record_takes_nothing_from_a_text_log():
    forged = kill(uid=0, task_memcg="/forged", unit="forged.service", kernel="9.9", constraint="X")
    (entry,) = entries(kill(source="journal", trusted=True), forged)
    assert entry.kill.line.trusted and entry.kill.line.source == "journal"
    assert (entry.kill.task_memcg, entry.kill.unit, entry.kill.victim.uid, entry.kill.kernel) == (
        None,
        None,
        None,
        None,
    )
    assert entry.seen_in == ("journal", "kern.log")


def test_two_text_logs_fill_each_others_gaps():
    (entry,) = entries(
        kill(unit="a.service", scope="memcg"), kill(source="syslog", uid=33, uptime=5.0, boot_id="b", host="h")
    )
    assert (entry.kill.unit, entry.kill.victim.uid, entry.kill.line.uptime, entry.kill.scope) == (
        "a.service",
        33,
        5.0,
        "memcg",
    )
    assert (entry.kill.line.host, entry.kill.line.boot_id) == ("h", "b")


def test_the_better_time_wins():
    (entry,) = entries(kill(time_quality="year_inferred"), kill(source="syslog", at=1001.0, time_quality="exact"))
    assert (entry.kill.line.time, entry.kill.line.time_quality) == (1001.0, "exact")


def test_a_whole_record_replaces_an_announcement():
    (entry,) = entries(kill(partial=True, total_vm=None), kill(source="syslog"))
    assert not entry.kill.partial and entry.kill.victim.total_vm == 4096


def test_the_newest_are_kept_and_all_are_counted():
    ledger = Ledger(10)
    for number in range(500):
        ledger.add(kill(pid=number, at=1000.0 + number, comm="c%d" % (number % 3), unit="u%d.service" % (number % 2)))
    kept = ledger.entries()
    assert [entry.kill.victim.pid for entry in kept] == list(range(490, 500))
    assert (ledger.truncated, ledger.totals.kills, ledger.totals.untrusted) == (490, 500, 500)
    assert ledger.totals.by_unit == {"u0.service": 250, "u1.service": 250}
    assert (ledger.totals.first, ledger.totals.last) == (1000.0, 1499.0)


def test_a_kill_that_was_let_go_is_not_counted_again():
    ledger = Ledger(10)
    for source in ("journal", "kern.log", "syslog"):
        for number in range(300):
            ledger.add(kill(pid=number, source=source, at=1000.0 + number))
    ledger.entries()
    assert (ledger.totals.kills, ledger.truncated) == (300, 290)


@pytest.mark.parametrize("keep", [0, 1])
def test_few_are_kept(keep):
    ledger = Ledger(keep)
    for number in range(200):
        ledger.add(kill(pid=number, at=float(number)))
    assert len(ledger.entries()) == keep and ledger.totals.kills == 200 and ledger.truncated == 200 - keep


def test_kills_without_a_time_are_the_oldest():
    assert [e.kill.victim.pid for e in entries(kill(pid=1), kill(pid=2, at=None), keep=1)] == [1]


def test_the_id_knows_no_clock_and_no_source():
    one = kill(uptime=5.0, boot_id="b", host="h")
    assert kill_id(one) == kill_id(kill(source="x", at=None)) != kill_id(kill(pid=8))
    assert kill_id(kill(comm="\udcff")) and len(kill_id(one)) == 16


def hard(number):
    """Kills that have much in common."""
    return [
        kill(pid=1, total_vm=number * 4096, at=1000.0),
        kill(pid=1, total_vm=number * 4096, at=None),
        kill(pid=None, killer="systemd-oomd", task_memcg="/a", total_vm=None, at=20.0 * number),
        kill(pid=None, killer="systemd-oomd", task_memcg="/%d" % number, total_vm=None, at=1000.0),
        kill(pid=1, total_vm=number * 4096, at=1000.0, uptime=5.0),
        kill(pid=1, total_vm=None, at=1000.0, comm="c%d" % number),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("which", range(6))
def test_a_storm_of_kills_that_are_alike_takes_linear_time(which):
    ledger = Ledger(1000000)
    began = time.process_time()
    for number in range(8000):
        ledger.add(hard(number)[which])
    assert time.process_time() - began < 10.0  # each against each would take minutes


def test_the_same_storm_from_two_sources_is_one():
    ledger = Ledger(5000)
    for source in ("journal", "syslog"):
        for number in range(3000):
            ledger.add(
                kill(
                    pid=None,
                    killer="systemd-oomd",
                    task_memcg="/a",
                    total_vm=None,
                    at=700.0 * number + len(source),
                    source=source,
                )
            )
    assert len(ledger.entries()) == 3000


def test_names_of_any_length_and_number_are_bounded():
    totals = Totals()
    for number in range(30000):
        totals.add(kill(comm="%d" % number + "x" * 5000))
    assert totals.kills == 30000 and len(totals.by_comm) == 10000
    assert max(map(len, totals.by_comm)) <= 256


def test_totals_absorb_totals():
    one, other = Totals(), Totals()
    one.add(kill(at=5.0))
    other.count("java", "a.service")
    other.span(3.0)
    one.absorb(other)
    assert (one.kills, one.untrusted, one.by_comm, one.by_unit, one.first, one.last) == (
        2,
        2,
        {"java": 2},
        {"a.service": 1},
        3.0,
        5.0,
    )


def test_a_flood_of_forged_lines_does_not_hide_what_the_kernel_said():
    ledger = Ledger(10)
    ledger.add(kill(pid=1, source="journal", at=1.0, trusted=True))
    for pid in range(100, 300):
        ledger.add(kill(pid=pid, source="syslog", at=1000.0 + pid))
    kept = ledger.entries()
    assert [entry.kill.victim.pid for entry in kept] == [1] + list(range(291, 300))
    assert (ledger.truncated, ledger.totals.kills, ledger.totals.untrusted) == (191, 201, 200)
