# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Against an earlier report: what is new, worse, the same, gone, and what was not looked at; and the week before, out of
the history.
"""

from __future__ import annotations

import copy
import json

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import archive, history, origin, previous_runs
from ansible_collections.memops.linux.plugins.plugin_utils._report import problem_words as say
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput
from ansible_collections.memops.linux.plugins.plugin_utils._report.previous_runs import Past
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.synthetic_fleets import (
    DAY,
    HOUR,
    MONDAY,
    died,
    every,
    fleet,
    postgres,
    week,
)

WEEK = 7 * DAY


def shifted(oom, back):
    """The same host, asked so much earlier: later kills had not happened."""
    now = MONDAY - back
    made = copy.deepcopy(oom)
    made["gathered_at"] = now - 60
    made["kills"] = [kill for kill in oom["kills"] if kill["time"] < now - 60]
    made["visibility"]["since"] -= back
    return made


def past_of(report):
    """As it is read from the disk."""
    return Past(previous_runs.baselines(json.loads(archive.render(report))))


def weekly(hosts, **back):
    """This Monday's report, compared with the one of a week ago."""
    before = {name: shifted(oom, WEEK) for name, oom in (back.get("before") or hosts).items()}
    return fleet(hosts, past=past_of(fleet(before, at=MONDAY - WEEK)))


@pytest.mark.parametrize(
    "hosts, before, state",
    [
        pytest.param({"a": week(every("u.service", "u", DAY, 3))}, None, "new", id="began since"),
        pytest.param({"a": week(postgres(20, DAY), days=60)}, None, "same", id="one a day, then and now"),
        pytest.param(
            {"a": week(every("u.service", "u", 4 * HOUR, 40) + every("u.service", "u", DAY, 9, 8 * DAY), days=60)},
            None,
            "worse",
            id="one a day, and now every 4 h",
        ),
        pytest.param({"a": week(postgres(5, DAY, 9 * DAY), days=60)}, None, "gone", id="none for nine days"),
        pytest.param(
            {"a": week([died("u.service", "u", 20 * DAY)], days=60)},
            {"a": week([], days=60)},
            "gone",
            id="told later, but long over",
        ),
    ],
)
def test_a_problem_against_the_report_of_last_week(hosts, before, state):
    report = weekly(hosts, before=before)
    (problem,) = report["problems"]
    assert (problem["state"], problem["state_by"]) == (state, "previous")
    assert report["trend"]["states"][state] == 1


def test_short_windows_are_compared_by_the_previous_report():
    """A daily job with since=24h: what it sees is never two periods, and still it knows."""

    def day(times, seconds, back):
        kills = [
            kill
            for kill in every("u.service", "u", seconds, times)
            if MONDAY - back - DAY < kill["time"] < MONDAY - back - 60
        ]
        return week(
            kills, days=30, gathered_at=MONDAY - back - 60, window={"since": MONDAY - back - DAY, "until": None}
        )

    yesterday = fleet({"a": day(60, 6 * HOUR, DAY)}, at=MONDAY - DAY)
    same = fleet({"a": day(60, 6 * HOUR, 0)}, past=past_of(yesterday))["problems"][0]
    assert (same["state"], same["state_by"]) == ("same", "previous")
    assert same["known_since"] == yesterday["problems"][0]["first"] < same["first"]
    worse = fleet({"a": day(600, HOUR / 2, 0)}, past=past_of(yesterday))["problems"][0]
    assert worse["state"] == "worse"
    gone = fleet({"a": day(0, 1, 0)}, past=past_of(yesterday))
    assert [one["subject"] for one in gone["trend"]["gone"]] == ["u.service"]
    assert gone["trend"]["states"]["gone"] == 1 and gone["problems"] == []


def test_what_could_not_be_looked_at_is_not_gone():
    hosts = {
        "a": week(postgres(3)),
        "b1": week(every("u.service", "u", DAY, 3)),
        "c": week(every("v.service", "v", 9, 1)),
    }
    base = past_of(fleet({name: shifted(oom, HOUR) for name, oom in hosts.items()}, at=MONDAY - HOUR))
    now = {
        "a": HostInput(None, "unreachable", "timed out"),
        "b1": week([], days=0.02),  # sees half an hour
        "c": week([]),
    }
    trend = fleet(now, past=base)["trend"]
    assert [one["subject"] for one in trend["gone"]] == ["v.service"]
    assert sorted(one["subject"] for one in trend["not_known"]) == ["postgresql@15-main.service", "u.service"]
    assert trend["not_known_total"] == 2
    assert "1 gone, 2 not looked at" in say.change_words(fleet(now, past=base))


def test_the_same_facts_again_are_compared_with_the_same():
    facts = {"a": week(postgres(20, DAY), days=60)}
    first = fleet(facts, past=past_of(fleet({"a": shifted(facts["a"], WEEK)}, at=MONDAY - WEEK)))
    again = fleet(facts, at=MONDAY + HOUR, past=past_of(first))
    for key in ("problems", "trend"):
        assert again[key] == first[key]
    third = fleet(facts, at=MONDAY + 2 * HOUR, past=past_of(again))
    assert third["trend"] == first["trend"]


def test_the_next_batch_of_a_play_is_the_same_look():
    before = fleet({"a": shifted(week(postgres(9)), DAY), "b": week([], gathered_at=MONDAY - DAY)}, at=MONDAY - DAY)
    batch1 = fleet({"a": week(postgres(9)), "b": HostInput()}, past=past_of(before))
    batch2 = fleet(
        {"a": week(postgres(9)), "b": week(every("u.service", "u", DAY, 9), gathered_at=MONDAY + 300)},
        at=MONDAY + 310,
        past=past_of(batch1),
    )
    assert batch2["trend"]["previous"]["as_of"] == before["trend"]["as_of"]


def test_words_of_the_change():
    hosts = {
        "a": week(every("new.service", "x", DAY, 2)),
        "b": week(postgres(20, DAY), days=60),
        "c": week(every("old.service", "x", DAY, 4, 9 * DAY), days=60),
    }
    assert say.change_words(weekly(hosts)) == "Since the report of 2026-11-23 09:00Z: 1 new, 1 as before, 1 gone."
    assert say.change_words(fleet(hosts)) == ""


def line_at(back, kills, ok=1, period="604800"):
    made = {"schema": 1, "as_of": MONDAY - back, "ok": ok, "last": {period: [kills, kills]}}
    return previous_runs.runs(json.loads(json.dumps(made)))


def seven_days(kills):
    return week(kills, days=60, window={"since": MONDAY - WEEK - 60, "until": None})


@pytest.mark.parametrize(
    "runs, line",
    [
        pytest.param(line_at(WEEK, 11), "Worse: 39 kills in 7 days, 11 in the 7 before; ", id="a week ago"),
        pytest.param(line_at(WEEK + 10 * HOUR, 40), "As before: 39 kills in 7 days, 40 in the 7 before; ", id="about"),
        pytest.param(
            line_at(5 * DAY, 1) + line_at(WEEK, 11) + line_at(WEEK + 5 * HOUR, 900),
            "Worse: 39 kills in 7 days, 11 in the 7 before; ",
            id="the nearest",
        ),
        pytest.param(line_at(5 * DAY, 11), "As before: 27 kills in 3 days, 12 in the 3 before; ", id="not near enough"),
        pytest.param(line_at(WEEK, 11, ok=2), "As before: 27 kills", id="of other hosts"),
        pytest.param([], "As before: 27 kills", id="no history"),
    ],
)
def test_a_weekly_job_knows_the_week_before(runs, line):
    """since=7d: the hosts tell of one week, the history of the one before."""
    kills = every("u.service", "u", 2.7 * HOUR, 27, HOUR) + every("u.service", "u", 6 * HOUR, 12, 3.2 * DAY)
    told = say.verdict_line(fleet({"db1": seven_days(kills)}, past=Past((), runs)))
    if line.startswith("As before: 27"):
        line = line.replace("As before", "Worse")
    assert told.startswith(line), told


def test_a_line_of_the_history_feeds_the_next_run(tmp_path):
    """Three Mondays of a job that asks for seven days."""
    said = []
    for monday, times in ((2, 11), (1, 39), (0, 12)):
        now = MONDAY - monday * WEEK
        kills = [dict(kill, time=kill["time"] - monday * WEEK) for kill in every("u.service", "u", 4 * HOUR, times)]
        oom = week(kills, days=60, gathered_at=now - 60)
        oom["visibility"]["since"] = now - 30 * DAY
        oom["window"] = {"since": now - 60 - WEEK, "until": None}
        report = fleet({"db1": oom}, at=now, past=history.read_past(str(tmp_path), None))
        (tmp_path / "report.json").write_text(archive.render(report), encoding="utf-8")
        assert history.note(str(tmp_path), report, dry_run=False) == ["history.jsonl"]
        said.append(say.verdict_line(report).partition(";")[0])
    assert said[1:] == [
        "Worse: 39 kills in 7 days, 11 in the 7 before",
        "Better: 12 kills in 7 days, 39 in the 7 before",
    ]


def test_a_problem_with_a_kill_without_a_time_is_not_over():
    """Neither gone nor without a kill on any day: that one may have been today."""
    timeless = died("u.service", "u", 0) | {"time": None, "time_quality": None}
    report = fleet({"a": week([*every("u.service", "u", DAY, 3, 12 * DAY), timeless], days=60)})
    (problem,) = report["problems"]
    assert (problem["state"], problem["verdict"], problem["undated"]) == (None, "chronic", 1)
    assert (problem["days"][1], problem["days"][-1]) == (1, None)
    assert (report["trend"]["direction"], report["trend"]["undated"], report["trend"]["undated_kills"]) == (None, 1, 1)
    assert json.loads(history.line(report))["last"] == {}  # no zero for the next run to be compared with


def test_older_kills_that_are_only_counted_are_older_than_any_that_has_a_time():
    timeless = died("u.service", "u", 0) | {"time": None, "time_quality": None}
    report = fleet({"a": week([timeless, died("u.service", "u", HOUR)], truncated=5)})
    assert report["trend"]["period"] is None


def log(name, machine, kills, **changes):
    """What host a says of a log that was brought there."""
    kills = [{**kill, "host": machine} for kill in kills]
    source = {"name": name, "status": "read", "lines": 9, "first": MONDAY - 60 * DAY, "last": MONDAY - 60}
    return week(kills, days=60, local=False, sources=[source], **changes)


def after(now, before):
    return fleet({"a": now}, past=past_of(fleet({"a": shifted(before, WEEK)}, at=MONDAY - WEEK)))


OLD = every("v.service", "v", DAY, 9, 9 * DAY)
NEW = every("u.service", "u", DAY, 3)


@pytest.mark.parametrize(
    "now, before",
    [
        pytest.param(log("/b.log", "vm2", NEW), log("/a.log", "vm1", OLD), id="another file"),
        pytest.param(log("/a.log", "vm2", NEW), log("/a.log", "vm1", OLD), id="another machine under the same name"),
        pytest.param(log("/a.log", "vm1", NEW), week(OLD, days=60), id="a log after the host itself"),
        pytest.param(week(NEW, days=60), log("/a.log", "vm1", OLD), id="the host itself after a log"),
    ],
)
def test_another_log_is_not_compared(now, before):
    report = after(now, before)
    (problem,) = report["problems"]
    assert problem["state"] not in ("new", "gone")
    assert report["trend"]["states"] == {"new": 0, "worse": 0, "same": 0, "gone": 0}
    assert report["trend"]["not_known_total"] == 1 and report["trend"]["direction"] is None
    line = say.verdict_line(report)
    assert line.startswith("3 kills on 1 host") and "New" not in line
    assert say.change_words(report).endswith(": 1 not looked at.")


@pytest.mark.parametrize("machine", ["vm1", None], ids=["that names its machine", "that names none"])
def test_the_same_log_is_compared(machine):
    report = after(log("/a.log", machine, NEW), log("/a.log", machine, OLD))
    assert report["problems"][0]["state"] == "new" and report["trend"]["states"]["gone"] == 1
    assert report["trend"]["direction"] is not None


def test_another_log_in_a_fleet_leaves_the_others_compared():
    before = {"a": log("/a.log", "vm1", OLD), "b1": week(postgres(20, DAY), days=60)}
    hosts = {"a": log("/b.log", "vm2", NEW), "b1": before["b1"]}
    report = weekly(hosts, before=before)
    assert {tuple(one["hosts"]): one["state"] for one in report["problems"]} == {("a",): None, ("b1",): "same"}
    assert report["trend"]["direction"] is not None


@pytest.mark.parametrize(
    "value",
    [None, [], "x", {"a": None}, {"a": {"sources": "../x", "hosts": []}}, {"a": {"sources": "0" * 16, "hosts": {}}}],
)
def test_origins_that_are_none_are_left_out(value):
    assert origin.read_origins(value) == {}


def test_a_line_of_another_log_is_no_time_before():
    """origin -- of the logs that the line tells of"""
    run = previous_runs.Run(MONDAY - DAY, 1, DAY, 5, 5, "0" * 16)
    past = Past(runs=[run])
    assert past.run(MONDAY - DAY, DAY, 60.0) is None and past.run(MONDAY - DAY, DAY, 60.0, "0" * 16) is run


def test_the_line_of_a_run_holds_the_mark_of_its_logs():
    of_log, own = (json.loads(history.line(fleet({"a": oom}))) for oom in (log("/a.log", "vm1", NEW), week(NEW)))
    assert own["origin"] is None
    assert {run.origin for run in previous_runs.runs(of_log)} == {of_log["origin"]} != {None}
