# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that were gathered before: every form that they stand in, every state, and what cannot be read."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import archive, fact_cache, intake
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.plugins.plugin_utils._report.intake import IntakeError, take
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    PAYLOADS,
    disputed,
    facts,
    kill,
    panic,
)

DAY = 86400
FLEET = {
    "db1": HostInput(facts([kill(1), kill(2), disputed(3)], unresolved=[panic()])),
    "part": HostInput(facts([kill(4)], "partial", reasons=["the journal is volatile"])),
    "quiet": HostInput(facts()),
    "blind": HostInput(facts(state="blind", since=None, reasons=["journal: denied"])),
    "empty": HostInput(None),
    "odd": HostInput({"schema": 1, "visibility": {"state": "clear", "since": 1.0, "reasons": []}, "kills": []}),
    "down": HostInput(None, "unreachable", "no route to host"),
    "nopy": HostInput(None, "failed", "no Python"),
}
AS_OF = " (as of 2025-11-22 18:11Z)"


def no_cache(name, connection, prefix):
    raise AssertionError("no cache was asked for")


def report_of(given, now=NOW):
    return build(take(given, no_cache).hosts, now)


def entry_of(report, name="db1"):
    return {key: value for key, value in report["hosts"][name].items() if key != "message"}


@pytest.fixture(name="report_json")
def fixture_report_json(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(archive.render(build(FLEET, NOW)))
    return path


@pytest.mark.parametrize("path_of", [str, lambda path: str(path.parent)], ids=["the file", "its folder"])
def test_a_report_says_the_same_when_it_is_read_again(report_json, path_of):
    before, after = build(FLEET, NOW), report_of(path_of(report_json))
    assert {name: entry["state"] for name, entry in after["hosts"].items()} == {
        "blind": "blind",
        "db1": "ok",
        "down": "unreachable",
        "empty": "blind",
        "nopy": "failed",
        "odd": "ok",
        "part": "ok",
        "quiet": "ok",
    }
    after["hosts"]["odd"]["oom"]["visibility"] = before["hosts"]["odd"]["oom"]["visibility"]  # has its reason now
    for name in before["hosts"]:
        assert entry_of(after, name) == entry_of(before, name), name
    said = {name: entry["message"] for name, entry in after["hosts"].items()}
    assert (said["down"], said["nopy"]) == ("no route to host" + AS_OF, "no Python" + AS_OF)
    assert said["blind"] == "journal: denied" and said["empty"] == "no OOM facts"
    assert after["fleet"] == before["fleet"]


def test_and_again(report_json, tmp_path):
    once = report_of(str(report_json), NOW + DAY)
    again = tmp_path / "again.json"
    again.write_text(archive.render(once))
    assert archive.render(report_of(str(again), NOW + DAY)) == again.read_text()


def test_old_facts_say_how_old_they_are_once(report_json, tmp_path):
    older = report_of(str(report_json), NOW + 3 * DAY)["hosts"]["quiet"]
    assert (older["stale"], older["partial"], older["reasons"]) == (
        True,
        True,
        ["the facts are 3 days old: gather them again"],
    )
    path = tmp_path / "older.json"
    path.write_text(archive.render(report_of(str(report_json), NOW + 3 * DAY)))
    much_older = report_of(str(path), NOW + 9 * DAY)["hosts"]
    assert much_older["quiet"]["reasons"] == ["the facts are 9 days old: gather them again"]
    assert much_older["part"]["reasons"] == ["the facts are 9 days old: gather them again", "the journal is volatile"]


BETTER = [
    pytest.param({"state": "blind", "message": "not allowed"}, "blind", False, ["not allowed"], id="it was blind"),
    pytest.param({"state": "ok", "partial": True, "reasons": ["a gap"]}, "ok", True, ["a gap"], id="it was partial"),
    pytest.param({"state": "ok"}, "ok", True, [], id="whether it was partial is not said"),
]


@pytest.mark.parametrize("entry, state, partial, reasons", BETTER)
def test_no_state_gets_better(tmp_path, entry, state, partial, reasons):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema": 1, "fleet": {}, "hosts": {"db1": {**entry, "oom": facts()}}}))
    made = report_of(str(path))["hosts"]["db1"]
    assert (made["state"], made["partial"], made["reasons"]) == (state, partial, reasons)


ONE = facts([kill(1)])
FORMS = [
    pytest.param("db1", {"changed": False, "ansible_facts": {"oom": ONE}}, id="--tree writes results, named by host"),
    pytest.param("db1", {"oom": ONE, "distribution": "Debian"}, id="a file of the cache jsonfile"),
    pytest.param("db1.json", {"oom": ONE}, id="variables"),
    pytest.param("db1.json", ONE, id="bare facts"),
    pytest.param("all.json", {"db1": ONE}, id="hosts and their facts"),
    pytest.param("all.json", {"db1": {"ansible_facts": {"oom": ONE}}}, id="hosts and their results"),
]


@pytest.mark.parametrize("name, content", FORMS)
@pytest.mark.parametrize("folder", [False, True], ids=["as a file", "in a folder"])
def test_every_form(tmp_path, name, content, folder):
    (tmp_path / name).write_text(json.dumps(content))
    made = report_of(str(tmp_path if folder else tmp_path / name))
    assert entry_of(made) == entry_of(build({"db1": HostInput(ONE)}, NOW))
    assert list(made["hosts"]) == ["db1"]


STATES = [
    ({"unreachable": True, "msg": "no route"}, "unreachable", "no route"),
    ({"failed": True, "msg": "no Python"}, "failed", "no Python"),
    ({"ansible_facts": {}}, "blind", "no OOM facts were gathered"),
    ({"ansible_facts": {"oom": "x"}}, "blind", "these are not OOM facts"),
    ({"__payload__": "{}"}, "blind", "give it to from as a cache"),
]


@pytest.mark.parametrize("content, state, message", STATES)
def test_results_that_hold_no_facts(tmp_path, content, state, message):
    (tmp_path / "good").write_text(json.dumps({"oom": ONE}))
    (tmp_path / "all.json").write_text(json.dumps({"db1": content, "db2": {"oom": ONE}}))
    entry = report_of(str(tmp_path))["hosts"]["db1"]
    assert entry["state"] == state and message in entry["message"]


UNREADABLE = [
    ("report.json", b'{"hosts": {"db1": {"sta', "no JSON that can be read"),
    ("report.json", b"[]", "no report of this collection"),
    ("report.json", b"[" * 100_000, "nested too deep"),
    ("cut", b'{"oom": {"sch', "no JSON that can be read"),
    ("site.json", b"\xff\xfe", "no JSON that can be read"),
    ("report.json", b'{"schema": %s, "visibility": {}}' % (b"9" * 5000), "no JSON that can be read"),
]


@pytest.mark.parametrize("name, data, why", UNREADABLE)
def test_what_cannot_be_read_is_unknown_and_not_gone(tmp_path, name, data, why):
    (tmp_path / "berlin").mkdir()
    (tmp_path / "berlin" / "report.json").write_text(archive.render(build(FLEET, NOW)))
    (tmp_path / name).write_bytes(data)
    made = report_of(str(tmp_path))
    (lost,) = [entry for host, entry in made["hosts"].items() if host.startswith("(")]
    assert lost["state"] == "failed" and why in lost["message"]
    assert made["fleet"]["totals"]["failed"] == 2


def test_what_is_no_facts_by_its_name_and_look_is_passed_over(tmp_path):
    (tmp_path / "db1.json").write_text(json.dumps(ONE))
    for name in ("summary.json", "findings.json", "README", ".hidden.json", "kills.csv", "package.json"):
        (tmp_path / name).write_text('{"name": "x"}' if name == "package.json" else "text")
    assert list(report_of(str(tmp_path))["hosts"]) == ["db1"]


def test_pipes_and_links_are_not_waited_for(tmp_path):
    (tmp_path / "db1.json").write_text(json.dumps(ONE))
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    made = report_of(str(tmp_path))
    assert {name: entry["state"] for name, entry in made["hosts"].items()} == {
        "(gone)": "failed",
        "(pipe)": "failed",
        "db1": "ok",
    }


def test_hosts_of_one_name_are_both_there_and_it_is_said(tmp_path):
    for site, number in (("berlin", 1), ("paris", 2)):
        (tmp_path / site).mkdir()
        (tmp_path / site / "report.json").write_text(
            archive.render(build({"db1": HostInput(facts([kill(number)])), site: HostInput(facts())}, NOW))
        )
    taken = take(str(tmp_path), no_cache)
    assert sorted(taken.hosts) == ["berlin", "db1 (berlin)", "db1 (paris)", "paris"]
    (note,) = taken.notes
    assert "from: db1: several sources have a host of that name" in note
    assert build(taken.hosts, NOW)["fleet"]["totals"]["kills"] == 2


def test_the_newest_of_each_name(tmp_path):
    for run, when in (("monday", NOW - 9000), ("tuesday", NOW - 60)):
        (tmp_path / f"{run}.json").write_text(json.dumps({"db1": facts(gathered_at=when)}))
    taken = take({"path": str(tmp_path), "newest": True}, no_cache)
    assert {name: given.oom["gathered_at"] for name, given in taken.hosts.items()} == {"db1": NOW - 60}
    assert taken.notes == []


def test_hostile_facts_are_shaped_as_an_answer_is(tmp_path):
    huge = facts([kill(n) for n in range(3500)], memory={f"k{n}": n for n in range(5000)}, surprise={"a": 1})
    content = {"schema": 1, "fleet": {}, "hosts": {"db1": {"state": "ok", "partial": False, "oom": huge}}}
    for number, text in enumerate(PAYLOADS):
        content["hosts"][text] = {"state": "down" if number % 2 else "unreachable", "message": text, "oom": text}
    path = tmp_path / "report.json"
    path.write_text(json.dumps(content))
    made = report_of(str(path))
    entry = made["hosts"]["db1"]
    assert (len(entry["oom"]["kills"]), entry["unlisted"]["kills"], entry["partial"]) == (3000, 500, True)
    assert len(entry["oom"]["memory"]) == 1024 and "surprise" not in entry["oom"]
    assert not set("\x00\u2028\u202e\ud83d") & set("".join(str(made["hosts"])))
    archive.render(made).encode()


WRONG = [
    ("/nonexistent/x.json", "No such file"),
    ({"path": "/x", "cache": "jsonfile"}, "give a path, or a cache"),
    ({"connection": "/x"}, "give a path, or a cache"),
    ({"path": "/x", "newst": True}, "newst is not known there"),
    ([], "no facts of any host"),
    ("", "give a path, or a cache"),
]


@pytest.mark.parametrize("given, message", WRONG)
def test_a_wrong_source_is_named(given, message):
    with pytest.raises(IntakeError, match=message):
        take(given, no_cache)


def test_a_folder_without_facts(tmp_path):
    with pytest.raises(IntakeError, match="holds no report.json"):
        take(str(tmp_path), no_cache)


def test_bounds_of_size(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text(json.dumps(ONE))
    (tmp_path / "b.json").write_text(json.dumps(ONE))
    monkeypatch.setattr(intake, "MOST_BYTES", 100)
    assert {entry["state"] for entry in report_of(str(tmp_path))["hosts"].values()} == {"failed"}
    monkeypatch.setattr(intake, "MOST_FILES", 1)
    with pytest.raises(IntakeError, match="more than 1 files"):
        take(str(tmp_path), no_cache)


def test_a_cache(tmp_path):
    asked = []

    def cache(*args):
        asked.append(args)
        return [("db1", {"oom": ONE}), ("db2", {"x": 1}), ("db3", {"failed": True, "msg": "it is cut off"})], ["a note"]

    (tmp_path / "db1.json").write_text(json.dumps(ONE))
    taken = take([{"cache": "jsonfile", "connection": "/c", "prefix": "p"}, str(tmp_path / "db1.json")], cache)
    assert asked == [("jsonfile", "/c", "p")] and taken.notes[0] == "a note"
    states = {name: entry["state"] for name, entry in build(taken.hosts, NOW)["hosts"].items()}
    assert states == {"db1 (db1)": "ok", "db1 (the fact cache)": "ok", "db2": "blind", "db3": "failed"}


def test_a_cache_whose_keys_are_bytes(monkeypatch):
    """As those of Redis are, and behind what Ansible 2.19 and later put around a plugin."""

    class Redis:
        def keys(self):
            return [b"s1_db1", b"x"]

    class Wrapper:
        def __init__(self):
            self.__wrapped__ = Redis()

        def keys(self):
            return [key[3:] for key in list(self.__wrapped__.keys()) if key.startswith("s1_")]

        def get(self, name):
            return {"oom": ONE} if name == "db1" else None

    monkeypatch.setattr(fact_cache, "_plugin", lambda *_args: Wrapper())
    rows, notes = fact_cache.read_cache("redis", None, "")
    assert [name for name, _value in rows] == ["db1"] and len(notes) == 1


def test_facts_of_an_old_version_without_sources(tmp_path):
    old = {key: value for key, value in ONE.items() if key != "sources"}
    (tmp_path / "db1.json").write_text(json.dumps(old))
    taken = take(str(tmp_path / "db1.json"), no_cache)
    assert list(build(taken.hosts, NOW)["hosts"]) == ["db1"]
