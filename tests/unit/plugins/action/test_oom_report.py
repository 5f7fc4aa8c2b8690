# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_report as an action: what it takes from the play, what it writes, what it says."""

from __future__ import annotations

import json
import os
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.loader import cache_loader

from ansible_collections.memops.linux.plugins.action import oom_report
from ansible_collections.memops.linux.plugins.action.oom_report import ActionModule, terminal_width
from ansible_collections.memops.linux.plugins.modules.oom_report import DOCUMENTATION, argument_spec
from ansible_collections.memops.linux.plugins.plugin_utils._report.results import message_of, read_variables
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import facts, kill

SSH = "Failed to connect to the host via ssh: no route\r\nto host"


class HostVars(dict):
    """Raw variables only: whoever asks for templated ones fails."""

    def raw_get(self, name):
        return dict.__getitem__(self, name)

    def __getitem__(self, name):
        raise AssertionError("values of hosts were given to the template engine")


HOSTVARS = HostVars(
    db1={
        "ansible_facts": {"oom": facts([kill(1, victim_comm="{{ lookup('pipe', 'id') }}")])},
        "oom_report_gathered": {"changed": False},
    },
    down={"ansible_facts": {"oom": facts()}, "oom_report_gathered": {"unreachable": True, "msg": SSH}},
    nopy={
        "oom_report_gathered": {
            "failed": True,
            "msg": "MODULE FAILURE\nSee stdout",
            "module_stderr": "Trace\nImportError: no json\n",
        }
    },
    never={},
)
TASK_VARS = {
    "hostvars": HOSTVARS,
    "ansible_play_hosts_all": ["db1", "down", "nopy", "never"],
    "ansible_play_hosts": ["db1", "down", "never"],
}


@pytest.fixture(name="printed")
def fixture_printed(monkeypatch):
    lines = []
    monkeypatch.setattr(
        oom_report.display, "display", lambda text, color=None, stderr=False: lines.append((text, color, stderr))
    )
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763835100")
    return lines


@pytest.fixture(name="run")
def fixture_run(printed, tmp_path):
    def run(check_mode=False, task_vars=None, **args):
        args.setdefault("dest", str(tmp_path / "report"))
        task = MagicMock(args=args, async_val=0, check_mode=check_mode)
        action = ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
        action._load_name = "oom_report"
        return action.run(task_vars=task_vars or TASK_VARS)

    return run


def test_every_host_of_the_play_has_its_true_state(run, tmp_path):
    result = run()
    assert result["states"] == {"db1": "ok", "down": "unreachable", "never": "blind", "nopy": "failed"}
    with open(tmp_path / "report" / "report.json", encoding="utf-8") as stream:
        written = json.load(stream)
    assert written["generated_at"] == 1763835100
    assert {name: entry["message"] for name, entry in written["hosts"].items()} == {
        "db1": None,
        "down": "Failed to connect to the host via ssh: no route to host",
        "never": "no OOM facts were gathered",
        "nopy": "MODULE FAILURE ImportError: no json",
    }
    assert written["hosts"]["db1"]["by_comm"] == {"{{ lookup('pipe', 'id') }}": 1}


NOT_JSON = "Module result deserialization failed: No start of json char found"
LATE = (
    "time-out: it did not answer within 120 s. What it hangs in is not known; the keyword timeout of the task"
    " (oom_report_timeout of the role) gives it longer"
)
CLOSED = "Shared connection to db1 closed.\r\n"


@pytest.mark.parametrize(
    "result, said",
    [
        pytest.param(
            {"msg": NOT_JSON, "module_stderr": "/bin/sh: 1: sudo: not found\n"},
            f"{NOT_JSON} /bin/sh: 1: sudo: not found",
            id="no sudo, core 2.19",
        ),
        pytest.param(
            {"msg": NOT_JSON, "module_stdout": "Traceback\r\nOSError: disk full\r\n", "module_stderr": CLOSED},
            f"{NOT_JSON} OSError: disk full",
            id="over ssh with a terminal the module's words are in stdout",
        ),
        pytest.param(
            {"msg": NOT_JSON, "module_stderr": "    ^\nSyntaxError: future feature annotations is not defined\n"},
            "its Python is too old for this ansible-core: 2.16 takes 3.6, 2.17 3.7, 2.18 and 2.19 3.8, later ones 3.9",
            id="Python 3.6 on the host, core 2.17 or newer here",
        ),
        pytest.param({"msg": NOT_JSON}, NOT_JSON, id="nothing more is known"),
        pytest.param({"msg": "Task failed: Timed out after 120 second(s)."}, LATE, id="a time-out, core 2.21"),
        pytest.param(
            {
                "msg": "The memops.linux.oom_facts action failed to execute in the expected time frame (120) and was"
                " terminated"
            },
            LATE,
            id="a time-out, core 2.16",
        ),
        pytest.param({"module_stderr": CLOSED}, "no reason was given", id="the connection closed"),
        pytest.param(
            {"msg": "Module failed: since: no", "module_stderr": "noise"}, "since: no", id="a module that answered"
        ),
    ],
)
def test_why_a_host_could_not_tell_anything(result, said):
    assert message_of(result) == said


def test_an_error_is_said_once(run):
    with pytest.raises(AnsibleError) as caught:
        run(dest=" ")
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_files_and_results(run, tmp_path):
    result = run()
    names = {"html": "index.html", "json": "report.json", "md": "report.md", "csv": "kills.csv"}
    assert {key: os.path.basename(result[key]) for key in names} == names
    assert sorted(os.listdir(tmp_path / "report")) == sorted([*names.values(), "history.jsonl"])
    assert result["history"] == str(tmp_path / "report/history.jsonl")
    assert result["changed"] is True
    assert result["fleet"]["totals"]["kills"] == 1
    assert "1 kill on 1 of 4 hosts. 3 hosts are unknown, not clean." in result["table"]
    assert " ".join(result["table"]).startswith(result["headline"])
    assert [problem["kills"] for problem in result["problems"]] == [1]
    json.dumps(result)


def test_again_changes_nothing_a_minute_later(run, monkeypatch):
    run()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763835160")
    assert run()["changed"] is False


def test_check_mode_tells_what_a_run_then_does(run, printed, tmp_path):
    told = run(check_mode=True)
    assert not (tmp_path / "report").exists()
    assert any(text.startswith("Would write to ") for text, _color, _stderr in printed)
    done = run()
    assert (told["changed"], told["changed_files"], told["table"]) == (
        done["changed"],
        done["changed_files"],
        done["table"],
    )
    assert run(check_mode=True)["changed"] is False


def test_formats_leave_the_rest_out(run, tmp_path):
    result = run(formats=["json"])
    assert sorted(os.listdir(tmp_path / "report")) == ["history.jsonl", "report.json"]
    assert (result["html"], result["md"], result["csv"]) == (None, None, None)


def test_given_facts_and_hosts(run):
    assert run(facts={"x": facts(), "y": None})["states"] == {"x": "ok", "y": "blind"}
    assert run(facts={"x": facts()}, hosts=["x", "down", "nobody"])["states"] == {
        "down": "unreachable",
        "nobody": "failed",
        "x": "ok",
    }
    assert run(hosts=["db1"])["states"] == {"db1": "ok"}
    assert run(facts={})["states"] == {}


ALONE = {"ansible_play_hosts_all": ["localhost"]}


def test_facts_of_before_and_hosts_of_the_play_that_are_not_among_them(run, tmp_path):
    path = tmp_path / "site.json"
    path.write_text(json.dumps({"db1": facts(), "db9": {"unreachable": True, "msg": "no route"}}))
    result = run(**{"from": str(path)})
    assert result["states"] == {"db1": "ok", "db9": "unreachable", "down": "blind", "never": "blind", "nopy": "blind"}
    assert run(**{"from": str(path), "hosts": ["db1"]})["states"] == {"db1": "ok"}
    alone = run(task_vars=ALONE, **{"from": {"path": str(path)}})
    assert alone["states"] == {"db1": "ok", "db9": "unreachable"}


def test_a_clash_is_a_warning(run, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(oom_report.display, "warning", said.append)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps({"fleet": {}, "hosts": {"db1": {"state": "failed"}}}))
    states = run(task_vars=ALONE, **{"from": [str(tmp_path / "a"), str(tmp_path / "b" / "report.json")]})["states"]
    assert states == {"db1 (a)": "failed", "db1 (b)": "failed"}
    assert len(said) == 1 and "several sources have a host of that name" in said[0]


CACHED = {"db1": {"oom": facts([kill(1)])}, "db2": {"distribution": "Debian"}}


def test_the_cache_jsonfile_is_read_by_its_plugin_and_left_as_it_is(run, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir()
    writer = cache_loader.get("jsonfile", _uri=str(folder))
    for name, value in CACHED.items():
        writer.set(name, value)
    (torn,) = [path for path in folder.iterdir() if path.name.endswith("db2")]
    (folder / torn.name.replace("db2", "torn")).write_text('{"oom":')
    for path in folder.iterdir():
        os.utime(path, (0, 0))  # expired long ago: the report says how old the facts are, and they do not vanish
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = run(task_vars=ALONE, **{"from": {"cache": "jsonfile", "connection": str(folder)}})
    assert result["states"] == {"db1": "ok", "db2": "blind", "torn": "failed"}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "source, message",
    [
        ({"cache": "memory"}, "the cache memory ends with each run"),
        ({"cache": "jsonfile", "connection": "/nonexistent/cache"}, "is not a directory"),
        ({"cache": "no.such.cache"}, "no.such.cache"),
        ("/nonexistent/report.json", "No such file"),
    ],
)
def test_a_source_that_is_not_there_is_no_empty_report(run, source, message, tmp_path):
    with pytest.raises(AnsibleError, match=message):
        run(**{"from": source})
    assert not (tmp_path / "report").exists() and not os.path.exists("/nonexistent")


def test_the_table_is_printed_once_and_not_into_json(run, printed, monkeypatch):
    run()
    assert not any(stderr for _text, _color, stderr in printed)
    printed.clear()
    run(print_table=False)
    assert printed == []
    monkeypatch.setattr(oom_report.C.config, "get_config_value", lambda name: "ansible.posix.json")
    run()
    assert printed and all(stderr for _text, _color, stderr in printed)


@pytest.mark.parametrize(
    "args, message",
    [
        ({"dest": ""}, "dest is empty"),
        ({"dest": "/srv/group_vars/x"}, "Choose another dest"),
        ({"formats": ["pdf"]}, "formats"),
        ({"facts": "x"}, "facts"),
        ({"since": "24h"}, "since"),
    ],
)
def test_a_wrong_option_is_named(run, args, message):
    with pytest.raises(AnsibleError, match=message):
        run(**args)


def test_no_dest():
    action = ActionModule(
        MagicMock(args={}, async_val=0, check_mode=False),
        MagicMock(),
        MagicMock(),
        MagicMock(),
        MagicMock(),
        MagicMock(),
    )
    with pytest.raises(AnsibleError, match="dest"):
        action.run(task_vars=TASK_VARS)


@pytest.mark.parametrize(
    "variables, in_play, state, message",
    [
        (None, True, "failed", "not in the inventory"),
        ({}, False, "failed", "failed or unreachable earlier in this play"),
        ({"ansible_facts": {"oom": {}}}, False, "failed", "failed or unreachable earlier in this play"),
        ({"g": {"skipped": True}}, True, None, "the gathering task was skipped"),
        ({"g": "text"}, True, None, "no OOM facts were gathered"),
        ({"g": {"failed": True}}, True, "failed", "no reason was given"),
        ({"g": {"failed": True, "msg": "Task failed: since: x"}}, True, "failed", "since: x"),
        ({"g": {"unreachable": True, "msg": None}}, True, "unreachable", "no reason was given"),
    ],
)
def test_read_variables(variables, in_play, state, message):
    found = read_variables(variables, "g", in_play)
    assert (found.oom, found.state, found.message) == (None, state, message)


def test_the_result_of_this_run_comes_before_the_cache():
    old, new = facts(), facts([kill(1)])
    assert read_variables({"ansible_facts": {"oom": old}, "g": {"ansible_facts": {"oom": new}}}, "g", True).oom is new
    assert read_variables({"ansible_facts": {"oom": old}}, "g", True).oom is old


@pytest.mark.parametrize("columns, width", [("132", 132), ("", 120), ("wide", 120)])
def test_terminal_width(monkeypatch, columns, width):
    monkeypatch.setattr(oom_report.os, "get_terminal_size", MagicMock(side_effect=OSError))
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_width() == width


def test_the_documentation_names_every_option():
    for name in argument_spec():
        assert f"\n  {name}:\n" in DOCUMENTATION


def written(folder):
    with open(folder / "report.json", encoding="utf-8") as stream:
        return json.load(stream)


def test_the_next_report_is_compared_with_the_one_that_lies_there(run, tmp_path, monkeypatch):
    def asked(back, *kills):
        return {"db1": facts(kills, gathered_at=1763835040.0 - back)}

    old, new = kill(1, time=1763835000.0 - 3 * 86400), kill(2, time=1763835000.0)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1763835100 - 86400))
    first = run(facts=asked(86400, old))
    assert first["changed_files"][-1] == "history.jsonl"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763835100")
    told = run(facts=asked(0, old, new), check_mode=True)
    done = run(facts=asked(0, old, new))
    assert told["changed_files"] == done["changed_files"] and "history.jsonl" in done["changed_files"]
    states = {one["subject"]: (one["state"], one["state_by"]) for one in written(tmp_path / "report")["problems"]}
    assert states == {"mysqld.service": ("same", "previous"), "php-fpm.service": ("new", "previous")}
    assert any(line.startswith("Since the report of 2025-11-21") for line in done["table"])
    again = run(facts=asked(0, old, new))
    assert (again["changed"], again["changed_files"]) == (False, [])
    assert len((tmp_path / "report/history.jsonl").read_text().splitlines()) == 2


def test_a_report_that_is_named_is_taken(run, tmp_path):
    run(facts={"db1": facts([kill(1)], gathered_at=1763735000.0)}, dest=str(tmp_path / "old"))
    for previous in (tmp_path / "old", tmp_path / "old/report.json"):
        run(facts={"db1": facts([kill(1)])}, previous=str(previous))
        assert written(tmp_path / "report")["trend"]["previous"]["as_of"] == 1763735000.0
    run(facts={"db1": facts([kill(1)])}, dest=str(tmp_path / "new"))
    assert written(tmp_path / "new")["trend"]["previous"] is None


def test_a_report_that_is_named_and_is_none_ends_it_before_a_host_is_asked(run, tmp_path):
    (tmp_path / "secret").write_text("token: abc123\n")
    with pytest.raises(AnsibleError, match="previous: .*secret is not a report.json") as caught:
        run(hosts=[], formats=[], previous=str(tmp_path / "secret"))
    assert "abc123" not in str(caught.value)
    assert not (tmp_path / "report").exists()


def test_the_check_of_a_role_leaves_no_line(run, tmp_path):
    run(hosts=[], formats=[])
    assert not (tmp_path / "report").exists()
