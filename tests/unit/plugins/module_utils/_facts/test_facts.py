# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves the host: small enough, printable, with ids that last."""

import json
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import facts
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Entry, Ledger
from ansible_collections.memops.linux.plugins.module_utils._facts.oom_without_kill import unresolved_facts
from ansible_collections.memops.linux.plugins.module_utils._facts.totals import Totals
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Invoker, Kill, Process, Task, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine, SourceReport
from ansible_collections.memops.linux.plugins.module_utils._text import printable

NASTY = "\x1b[31m\udcff\u202e\u2028\n{{ 7*7 }}<b>=cmd|x"


def kill(number=1, **more):
    line = LogLine(
        "", "kern.log", host="vm1", tag="kernel", time=1000.0 + number, time_quality="exact", reason="a text log"
    )
    victim = Process(pid=number, comm="c%d" % number, uid=0, total_vm=4096 * number, anon_rss=1, file_rss=1)
    return Kill(line=more.pop("line", line), victim=more.pop("victim", victim), **more)


def section(kills, unresolved=(), keep=100000):
    ledger = Ledger(keep)
    for one in kills:
        ledger.add(facts.unit_facts(one))
    return facts.kill_section(ledger, unresolved, Unparsed())


def strings(value):
    if isinstance(value, dict):
        return [s for item in list(value) + list(value.values()) for s in strings(item)]
    if isinstance(value, list):
        return [s for item in value for s in strings(item)]
    return [value] if isinstance(value, str) else []


# -- fit ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_newest_fit():
    oom = section([kill(number) for number in range(1, 3001)])
    facts.fit(oom)
    assert 245_000 < len(json.dumps(oom)) <= 250_000  # with the envelope of a result still under 256 KiB
    pids = [one["victim"]["pid"] for one in oom["kills"]]
    assert pids == list(range(3001 - len(pids), 3001)) and oom["truncated"] == 3000 - len(pids)
    assert oom["summary"]["total"] == 3000


def test_what_fits_stays():
    oom = section([kill(number) for number in range(1, 101)])
    facts.fit(oom)
    assert len(oom["kills"]) == 100 and oom["truncated"] == 0


def test_truncated_adds_up():
    oom = section([kill(number) for number in range(1, 3001)], keep=2000)
    facts.fit(oom)
    assert len(oom["kills"]) + oom["truncated"] == 3000


def test_one_long_forgery_hides_nothing():
    """Whoever writes the newest line chooses its length: he must not push out what others wrote."""
    long = "\udcff" * 16000
    forged = kill(
        9000,
        victim=Process(pid=1, comm=long),
        oom_memcg="/" + long,
        task_memcg="/" + long + ".service",
        constraint=long,
    )
    oom = section(
        [kill(number) for number in range(1, 101)] + [forged, forged._replace(line=forged.line._replace(time=9.0e6))]
    )
    facts.fit(oom)
    assert len(json.dumps(oom)) <= 256 * 1024
    assert len(oom["kills"]) == 102


@pytest.mark.slow
@pytest.mark.parametrize("field", ["comm", "unit", "oom_memcg"])
def test_names_that_somebody_chose_leave_room_for_kills(field):
    hostile = []
    for number in range(1, 2001):
        name = ("%d" % number) + "\udcff" * 250
        one = kill(number)
        if field == "comm":
            one = one._replace(victim=one.victim._replace(comm=name))
        elif field == "unit":
            one = one._replace(task_memcg="/%s.service" % name)
        hostile.append(one)
    panics = [
        Unresolved(
            LogLine("", "kern.log", time=100.0 * number), "no_victim", oom_memcg="/%d" % number + "\udcff" * 2000
        )
        for number in range(300)
    ]
    oom = section(hostile, panics)
    oom["confirmed_units"] = facts.verdict_units("u%d" % number + "x" * 200 + ".service" for number in range(5000))
    facts.fit(oom)
    assert len(json.dumps(oom)) <= 256 * 1024
    assert len(oom["kills"]) >= 30
    assert oom["unresolved"] and oom["unresolved_truncated"] + len(oom["unresolved"]) == 300
    assert oom["unresolved"][-1]["time"] == 29900.0


# -- ids ------------------------------------------------------------------------------------------------------


def test_ids_are_unique_also_where_the_numbers_are_the_same():
    same = [kill(1)._replace(line=LogLine("", "kern.log", time=1000.0 + 3600 * number)) for number in range(5)]
    ids = [one["id"] for one in section(same)["kills"]]
    assert len(set(ids)) == 5


def test_ids_do_not_depend_on_what_else_was_found():
    twins = [kill(1)._replace(line=LogLine("", "kern.log", time=1000.0 + 3600 * number)) for number in range(3)]
    alone = [one["id"] for one in section(twins)["kills"]]
    between = section([kill(number) for number in range(50, 90)] + twins)["kills"]
    assert [one["id"] for one in between if one["victim"]["pid"] == 1] == alone


def test_twins_at_the_same_moment():
    entry = Entry(kill(1), ("kern.log",))
    ids = [one["id"] for one in facts.kills_facts([entry] * 4)]
    assert len(set(ids)) == 4 and all(len(one) == 16 for one in ids)


# -- shortages without a victim ----------------------------------------------------------------------------------


def shortage(at=1000.0, source="kern.log", outcome="panic", uptime=None, memcg=None, **line):
    return Unresolved(
        LogLine("", source, time=at, uptime=uptime, **line), outcome, oom_memcg=memcg, invoker=Invoker(comm=NASTY)
    )


def rows(*events):
    found, left_out = unresolved_facts(events)
    assert left_out == 0
    return [(row["count"], sorted(row["source"]["seen_in"])) for row in found]


def test_a_shortage_in_several_sources_is_one():
    assert rows(shortage(), shortage(source="journal"), shortage(source="syslog")) == [
        (1, ["journal", "kern.log", "syslog"])
    ]


def test_sources_with_other_clocks():
    assert rows(shortage(uptime=5.0), shortage(source="dmesg", at=None, uptime=5.0)) == [(1, ["dmesg", "kern.log"])]
    assert rows(shortage(at=999.9), shortage(source="journal", at=1020.1)) == [(1, ["journal", "kern.log"])]


def test_repeats_within_a_minute_are_counted_once_per_source():
    events = [shortage(at=1000.0 + n, source=source) for n in range(3) for source in ("journal", "kern.log")]
    assert rows(*events) == [(3, ["journal", "kern.log"])]


def test_each_boot_panics_by_itself():
    """panic_on_oom in a loop: the same second after every boot."""
    assert len(rows(*[shortage(at=1000.0 + 300 * n, uptime=100.0) for n in range(5)])) == 5


def test_other_shortages_are_others():
    assert len(rows(shortage(), shortage(outcome="no_victim"), shortage(memcg="/a"), shortage(at=1061.0))) == 4
    assert len(rows(shortage(host="a"), shortage(host="b", source="journal"))) == 2
    assert len(rows(shortage(boot_id="a"), shortage(boot_id="b"))) == 2


def test_the_trusted_source_speaks():
    found, _left_out = unresolved_facts([shortage(at=1000.0), shortage(at=1000.5, source="journal", trusted=True)])
    assert (found[0]["source"]["name"], found[0]["source"]["trusted"]) == ("journal", True)


@pytest.mark.slow
def test_many_shortages_take_linear_time():
    began = time.process_time()
    found, left_out = unresolved_facts([shortage(at=100.0 * n, outcome="no_victim") for n in range(10000)])
    assert time.process_time() - began < 10.0
    assert len(found) + left_out == 10000 and len(found) <= 100 and found[-1]["time"] == 999900.0


def test_a_source_with_a_nasty_name_counts_as_itself():
    assert rows(shortage(source="/a\n"), shortage(source="/a\n", at=1001.0)) == [(2, ["/a\\x0a"])]


# -- strings --------------------------------------------------------------------------------------------------


def test_every_string_is_printable():
    line = LogLine("", NASTY, host=NASTY, time=1.0, time_quality="exact", boot_id=NASTY, reason=NASTY)
    nasty = Kill(
        line=line, victim=Process(pid=1, comm=NASTY), invoker=Invoker(comm=NASTY), constraint=NASTY, oom_memcg="/" + NASTY,
        task_memcg="/%s/x.service" % NASTY, unit=None, kernel=NASTY, tasks=(Task(1, 1, 1, NASTY),), page_size=4096,
    )  # fmt: skip
    oom = section([nasty], [shortage(source=NASTY, memcg=NASTY, host=NASTY)])
    oom["sources"] = facts.source_facts([SourceReport(NASTY, "error", reason=NASTY)])
    oom["confirmed_units"] = facts.verdict_units([NASTY, None])
    for text in strings(oom):
        assert printable(text) == text
    assert json.dumps(oom, ensure_ascii=False).encode("utf-8")
    assert oom["kills"][0]["victim"]["comm"] == "\\x1b[31m\\xff\\u202e\\u2028\\x0a{{ 7*7 }}<b>=cmd|x"


def test_equal_names_after_that_add_up():
    totals = Totals()
    totals.count("a\x01", None)
    totals.count("a\\x01", None)
    assert facts.summary_facts(totals)["by_comm"] == {"a\\x01": 2}


def test_many_sources_are_cut_and_said_so():
    found = facts.source_facts([SourceReport("/%d" % number, "read") for number in range(500)])
    assert len(found) == 201 and found[-1]["name"] == "300 more"


def test_unknown_is_null():
    (one,) = section([Kill(line=LogLine("", "x"), victim=Process(pid=1))])["kills"]
    for name in (
        "time",
        "host",
        "boot_id",
        "uptime",
        "constraint",
        "oom_memcg",
        "task_memcg",
        "unit",
        "container_id",
        "kernel",
    ):
        assert one[name] is None
    assert one["time_quality"] == one["scope"] == one["trigger"] == "unknown"
    assert set(one["victim"].values()) == {1, None} and set(one["invoker"].values()) == {None}
    assert "tasks" not in one


@pytest.mark.parametrize(
    "more, unit",
    [
        (dict(task_memcg="/system.slice/a.service/b.scope"), "a.service"),
        (dict(task_memcg="/user.slice"), None),
        (dict(group_memcg="/system.slice/g.service"), "g.service"),
        (dict(scope="memcg", trigger="group", oom_memcg="/system.slice/o.service"), "o.service"),
        (dict(killer="systemd-oomd", task_memcg="/user.slice/user@1.service/app.slice/x.scope"), "x.scope"),
        (dict(), None),
    ],
)
def test_units(more, unit):
    assert facts.unit_facts(kill(**more)).unit == unit
