# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of earlier runs: bounded, one line per run, and whatever stands in them is data."""

from __future__ import annotations

import copy
import json
import os
import random
import threading

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import (
    archive,
    first_screen,
    history,
    markdown,
    table,
)
from ansible_collections.memops.linux.plugins.plugin_utils._report.files import ReportFilesError
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import PAYLOADS
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.synthetic_fleets import (
    DAY,
    HOUR,
    MONDAY,
    every,
    fleet,
    postgres,
    week,
)


@pytest.fixture(scope="module", name="report")
def fixture_report():
    return fleet({"db1": week(postgres()), "down": HostInput(None, "unreachable", "x")})


@pytest.fixture(name="dest")
def fixture_dest(tmp_path):
    return str(tmp_path)


def lines_of(dest):
    with open(os.path.join(dest, "history.jsonl"), encoding="ascii") as stream:
        return stream.read().splitlines()


def put(dest, name, data):
    path = os.path.join(dest, name)
    with open(path, "wb") as stream:
        stream.write(data if isinstance(data, bytes) else data.encode())
    return path


def test_a_line_is_small_and_tells_of_the_run(report):
    text = history.line(report)
    told = json.loads(text)
    assert len(text) < 1000
    assert (told["hosts"], told["ok"], told["kills"], told["problems"]) == (2, 1, 13, 1)
    assert told["last"] == {"604800": [8, 8], "86400": [1, 1]}


def test_nothing_known_is_null_and_not_zero():
    told = json.loads(history.line(fleet({"a": HostInput(None, "failed", "x")})))
    assert (told["kills"], told["unresolved"], told["as_of"], told["last"]) == (None, None, None, {})


def test_long_names_make_no_long_line():
    hosts = {f"a{n}": week(every("\u65e5" * 1000 + f"{n}x.service", "u", DAY, 3)) for n in "abcdefgh"}
    assert len(history.line(fleet(hosts))) < 4096


def test_one_line_for_each_look(dest, report):
    assert history.note(dest, report, dry_run=True) == ["history.jsonl"] and os.listdir(dest) == []
    assert history.note(dest, report, dry_run=False) == ["history.jsonl"]
    assert history.note(dest, {**report, "generated_at": MONDAY + HOUR}, dry_run=False) == []
    later = fleet({"db1": week(postgres(), gathered_at=MONDAY + DAY)}, at=MONDAY + DAY)
    assert history.note(dest, later, dry_run=False) == ["history.jsonl"]
    assert len(lines_of(dest)) == 2
    assert os.stat(os.path.join(dest, "history.jsonl")).st_mode & 0o777 == 0o640 & ~current_umask()
    runs, broken = history.read_runs(dest)
    assert broken == 0 and [(run.as_of, run.period, run.kills) for run in runs][:2] == [
        (MONDAY - 60, 604800.0, 8),
        (MONDAY - 60, 86400.0, 1),
    ]


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_torn_line_stays_alone(dest, report):
    put(dest, "history.jsonl", history.line(report) + "\n" + history.line(report)[:50])
    history.append(dest, history.line(report))
    assert len(lines_of(dest)) == 3
    runs, broken = history.read_runs(dest)
    assert (len(runs), broken) == (4, 1)


def test_the_history_is_bounded(dest, report):
    text = history.line(report)
    put(dest, "history.jsonl", "".join(text[:-1] + f',"n":{n}}}\n' for n in range(2000)))
    history.append(dest, text[:-1] + ',"n":2000}')
    kept = [json.loads(line)["n"] for line in lines_of(dest)]
    assert kept == list(range(1001, 2001))
    assert sorted(os.listdir(dest)) == ["history.jsonl"]


@pytest.mark.parametrize(
    "filler",
    [b"\0" * (5 << 20), b"x" * 100 + b"\n", b"[" * (3 << 20), b"\n" * (3 << 20)],
    ids=["zeros", "x", "[", "nl"],
)
def test_a_file_of_anything_is_cut_and_used(dest, report, filler):
    size = 4 << 20
    put(dest, "history.jsonl", (filler * (size // len(filler) + 1))[:size] + b"\n")
    history.append(dest, history.line(report))
    assert os.path.getsize(os.path.join(dest, "history.jsonl")) < 2 << 20
    assert len(history.read_runs(dest)[0]) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"schema": 1}',
        b'{"schema": true, "as_of": 1, "ok": 1, "last": {"604800": [1, 1]}}',
        b'{"schema": 1, "as_of": "1", "ok": 1, "last": {"604800": [1, 1]}}',
        b'{"schema": 1, "as_of": NaN, "ok": 1, "last": {"604800": [1, 1]}}',
        b'{"schema": 1, "as_of": 1, "ok": -1, "last": {"604800": [1, 1]}}',
        b'{"schema": 1, "as_of": 1, "ok": 1, "last": {"604800": [1]}}',
        b'{"schema": 1, "as_of": 1, "ok": 1, "last": {"604800": [1, -1]}}',
        b'{"schema": 1, "as_of": 1, "ok": 1, "last": {"604800": [1e999, 1]}}',
        b'{"schema": 1, "as_of": 1, "ok": 1, "last": {"x": [1, 1]}}',
        b'{"schema": 1, "as_of": 1, "ok": 1, "last": [[1, 1]]}',
        b'{"schema": 1, "as_of": 1, "ok": ' + b"9" * 5000 + b', "last": {"604800": [1, 1]}}',
        b"[" * 4000,
        b"\xff\xfe\x00",
        b"x" * 5000,
    ],
    ids=range(17),
)
def test_a_line_that_is_none_is_passed_over(dest, report, line):
    put(dest, "history.jsonl", line + b"\n" + history.line(report).encode() + b"\n")
    runs, broken = history.read_runs(dest)
    assert (len(runs), broken) == (2, 1)


def test_many_write_at_once(dest, report):
    text = history.line(report)
    writers = [
        threading.Thread(target=lambda n=n: [history.append(dest, text[:-1] + f',"n":{n}}}') for _try in range(5)])
        for n in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(lines_of(dest)) == 30 and all(json.loads(line) for line in lines_of(dest))


def test_what_is_no_file_is_neither_read_nor_written(dest, report):
    path = os.path.join(dest, "history.jsonl")
    for make in (os.mkfifo, os.mkdir, lambda at: os.symlink("/etc/hostname", at)):
        make(path)
        assert history.read_runs(dest) == ([], 1)
        with pytest.raises(ReportFilesError, match="its line in the history is not"):
            history.append(dest, history.line(report))
        (os.rmdir if os.path.isdir(path) else os.unlink)(path)


# -- the report of an earlier run


def test_a_report_is_read_without_its_hosts(dest, report):
    path = put(dest, "report.json", archive.render(report))
    document, reason = history.read_report(path)
    assert (document["hosts"], reason) == ({}, "")
    past = history.read_past(dest, None)
    assert [len(base.problems) for base in past.baselines] == [1]
    assert history.read_past("/nowhere", path) == history.read_past("/nowhere", dest)


def test_a_report_that_was_written_anew_is_read_whole(dest, report):
    path = put(dest, "report.json", json.dumps(report, indent=4))
    assert len(history.read_report(path)[0]["hosts"]) == 2


NONE_OF_OURS = {
    "nothing": (b"", "is not a report.json of this collection"),
    "no JSON": (b'{"schema": 1,\n"hosts": {', "is not a report.json of this collection"),
    "a list": (b"[1]", "is not a report.json of this collection"),
    "another document": (b'{"a": 1}', "is not a report.json of this collection"),
    "another schema": (b'{"schema": 2, "generated_at": 1, "fleet": {}}', "is not a report.json of this collection"),
    "deep": (b"[" * 200_000, "is not a report.json of this collection"),
    "an older one": (b'{"schema": 1, "generated_at": 1, "fleet": {}}', "an older version of this collection wrote it"),
    "a secret": (b"root:$6$abc:19000:0:99999:7:::", "is not a report.json of this collection"),
}


@pytest.mark.parametrize("data, reason", NONE_OF_OURS.values(), ids=NONE_OF_OURS)
def test_a_file_that_is_none_of_ours(dest, data, reason):
    path = put(dest, "report.json", data)
    with pytest.raises(ReportFilesError, match=reason) as caught:
        history.read_past("/nowhere", path)
    assert "$6$" not in str(caught.value) and "nothing was written" in str(caught.value)
    assert history.read_past(dest, None).baselines == ()  # what lies in dest by chance is only left out


def test_what_is_there_to_be_waited_for_is_not(dest):
    os.mkfifo(os.path.join(dest, "report.json"))
    assert history.read_past(dest, None).baselines == ()
    with pytest.raises(ReportFilesError, match="cannot be read"):
        history.read_past("/nowhere", os.path.join(dest, "report.json"))
    with pytest.raises(ReportFilesError, match="is not there"):
        history.read_past("/nowhere", "/nowhere/report.json")
    with pytest.raises(ReportFilesError, match="not a path"):
        history.read_past("/nowhere", "/now\0here")


@pytest.mark.slow
def test_too_much_is_not_taken(dest, report):
    path = os.path.join(dest, "report.json")
    with open(path, "wb") as stream:
        stream.truncate(1 << 40)
    assert history.read_report(path)[0] is None


HOSTILE = [None, True, -1, 1e400, 10**400, "x" * 100_000, [], {}, [[]], "{{ 7 * 7 }}", "\x1b[2J", *PAYLOADS[:6]]


def mangled(document, rng):
    """One thing in it is something else."""
    made = copy.deepcopy(document)
    places = []

    def walk(value):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], (dict, list)):
                walk(value[key])

    walk(made["problems"])
    walk(made["trend"])
    places += [(made, "problems"), (made, "trend"), (made, "generated_at")]
    holder, key = rng.choice(places)
    holder[key] = rng.choice(HOSTILE)
    return made


@pytest.mark.slow
def test_a_mangled_report_harms_nothing(dest):
    """What is in it has its type, or is left out; never does it meet a template, a terminal or a page as it is."""
    hosts = {"db1": week(postgres()), "web": week(every("u.service", "u", DAY, 9, 8 * DAY))}
    document = json.loads(archive.render(fleet(hosts, past=history.read_past("/nowhere", None))))
    before = fleet({"db1": week(postgres())}, at=MONDAY - 7 * DAY)
    document["trend"]["previous"] = json.loads(archive.render(before))["trend"] | {
        "generated_at": 1,
        "as_of": 2,
        "problems": copy.deepcopy(document["problems"]),
    }
    rng = random.Random(2)
    for _case in range(150):
        put(dest, "report.json", json.dumps(mangled(document, rng)))
        past = history.read_past(dest, None)
        report = fleet({"db1": week(postgres(), gathered_at=MONDAY + DAY), "web": week()}, at=MONDAY + DAY, past=past)
        shown = first_screen.verdict(report) + first_screen.first(report) + first_screen.problems(report)
        assert "<script" not in shown and "<img" not in shown and "<svg/" not in shown.lower()
        assert "\x1b" not in shown + markdown.render(report, "t") + "".join(line.text for line in table.lines(report))
        json.loads(archive.render(report))
        assert len(shown) < 60_000


def test_hostile_names_of_an_earlier_report_are_text(dest):
    names = {f"gone{n}": week(every(name + "x.service", "u", DAY, 2)) for n, name in enumerate(PAYLOADS)}
    base = fleet(names, at=MONDAY)
    put(dest, "report.json", archive.render(base))
    later = {name: week([], gathered_at=MONDAY + 9 * DAY, days=30) for name in names}
    report = fleet(later, at=MONDAY + 9 * DAY, past=history.read_past(dest, None))
    assert report["trend"]["states"]["gone"] > 20
    shown = first_screen.problems(report)
    assert "gone" in shown.lower() and "<script" not in shown and "<img" not in shown
