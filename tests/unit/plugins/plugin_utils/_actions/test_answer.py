# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken of the answer of a host: nothing that steers, nothing without bounds."""

from __future__ import annotations

import json
import sys
from unittest.mock import MagicMock

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.memops.linux.plugins.action import (
    oom_facts,
    oom_score_info,
    service_memory,
    swap_file,
    vm_settings,
)
from ansible_collections.memops.linux.plugins.plugin_utils._actions import answer, bounds
from ansible_collections.memops.linux.plugins.plugin_utils._actions.caps import MOST_KILLS, MOST_REASONS
from ansible_collections.memops.linux.plugins.plugin_utils._actions.facts import shaped_facts

ACTIONS = [oom_facts, oom_score_info, service_memory, swap_file, vm_settings]
CLEAR = {"state": "clear", "since": 1.0, "reasons": []}


def action(module):
    made = module.ActionModule(
        MagicMock(args={}, async_val=0), MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock()
    )
    made._used_interpreter = None
    return made


def taken(module, said):
    return json.loads(action(module)._taken(json.dumps(said)))


STEERS = [
    pytest.param({"ansible_facts": {"oom_compliance_enforce": False}}, id="a variable"),
    pytest.param(
        {"ansible_facts": {"oom": {"schema": 1}, "ansible_python_interpreter": "/evil"}},
        id="a variable beside the facts",
    ),
    pytest.param({"ansible_facts": ["oom"]}, id="facts of another type"),
    pytest.param({"add_host": {"host_name": "x"}}, id="a host"),
    pytest.param({"add_group": "x"}, id="a group"),
    pytest.param({"_ansible_facts_cacheable": True}, id="a key of Ansible"),
    pytest.param({"_ansible_delegated_vars": {"ansible_delegated_host": "localhost"}}, id="facts of another host"),
    pytest.param({"unreachable": True}, id="unreachable"),
    pytest.param({"results": [{"ansible_facts": {"a": 1}}]}, id="results of a loop"),
    pytest.param({"ansible_stats": {"data": {"a": 1}}}, id="set_stats"),
    pytest.param({"invocation": {"module_args": {"dest": "/"}}}, id="invocation"),
    pytest.param({"diff": "odd"}, id="a diff of odd shape"),
    pytest.param({"diff": [{"before": {"a": 1}, "after": 5, "other": "x"}]}, id="a diff of odd values"),
    pytest.param({"warnings": {"a": 1}, "deprecations": 7}, id="warnings of odd shape"),
]


@pytest.mark.parametrize("module", ACTIONS, ids=lambda module: module.__name__.rpartition(".")[2])
@pytest.mark.parametrize("said", STEERS)
def test_nothing_that_ansible_acts_on_comes_through(module, said):
    found = taken(module, said)
    facts = found.pop("ansible_facts", {})
    assert found == {"changed": False}
    assert set(facts) <= ({"oom"} if module is oom_facts else set())


def test_keys_of_a_module_are_those_of_its_documentation():
    assert taken(
        swap_file, {"changed": True, "plan": [], "swap_file": {"path": "/swap"}, "msg": "made", "other": 1}
    ) == {
        "changed": True,
        "plan": [],
        "swap_file": {"path": "/swap"},
        "msg": "made",
    }
    of_one = {"drop_in": "/etc/x", "effective": {"memory_max": "infinity"}, "shadowed_by": None, "processes": []}
    assert taken(service_memory, {**of_one, "services": [], "verified": True}) == {
        "changed": False,
        "services": [],
        "verified": True,
        **of_one,
    }


def test_a_value_of_another_type_is_left_out_and_told():
    found = taken(vm_settings, {"verified": "yes", "plan": "none"})
    assert found == {
        "changed": False,
        "warnings": ["plan, verified of the answer are not in their shape and were left out"],
    }


def test_what_a_host_says_is_printable_and_bounded():
    found = taken(
        swap_file, {"failed": 1, "msg": "\x1b[31mred", "warnings": ["w\x07"] * 1000, "exception": "a\r\nb", "rc": 3}
    )
    assert found["failed"] is True and found["rc"] == 3
    assert (found["msg"], found["exception"]) == ("\\x1b[31mred", "a\nb")
    assert found["warnings"] == ["w\\x07"] * 20


def test_a_diff_keeps_its_lines():
    assert taken(swap_file, {"diff": {"before": "", "after": "a\tb\n\x1b\n"}})["diff"] == [
        {"before": "", "after": "a\tb\n\\x1b\n"}
    ]


@pytest.mark.parametrize(
    "said, kept",
    [
        ({"ansible_job_id": "j1.2", "started": 1}, "j1.2"),
        ({"ansible_job_id": "../../etc/passwd"}, None),
        ({"ansible_job_id": "j1; reboot"}, None),
        ({"ansible_job_id": "j1\n"}, None),
        ({"ansible_job_id": "{{ 1 }}"}, None),
        ({"ansible_job_id": "j" * 64}, None),
    ],
)
def test_the_name_of_a_job_is_one(said, kept):
    assert answer.taken(said, {}).get("ansible_job_id") == kept


@pytest.mark.parametrize(
    "said, why",
    [
        pytest.param('{"a": "' + "x" * bounds.MOST_BYTES + '"}', "MiB are taken from a host", id="long"),
        pytest.param("[" * 400_000, "values, and at most", id="many values"),
        pytest.param('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep", id="deep"),
    ],
)
def test_an_answer_out_of_bounds_is_not_parsed(monkeypatch, said, why):
    if "deep" in why and sys.version_info >= (3, 14):
        pytest.skip("this Python's parser takes it")
    seen = []
    monkeypatch.setattr(ActionBase, "_parse_returned_data", lambda self, res, *args: seen.append(res) or {})
    made = action(oom_facts)
    made._parse_returned_data({"stdout": said, "stderr": "", "rc": 0})
    assert seen[0]["stdout"] == ""
    found = made._result({"ansible_facts": {"oom": {}}, "changed": True})
    assert found["failed"] and why in found["msg"] and "ansible_facts" not in found


def test_what_is_no_json_is_left_to_ansible():
    assert action(oom_facts)._taken("sudo: a password is required") == "sudo: a password is required"


def test_facts_are_of_the_schema():
    found = shaped_facts(
        {
            "schema": 1,
            "kills": "many",
            "unparsed": True,
            "steer": 1,
            "counters": {"_ansible_x": 1, "a": 1},
            "visibility": CLEAR,
        }
    )
    assert found == {
        "schema": 1,
        "counters": {"a": 1},
        "visibility": {
            "state": "partial",
            "since": 1.0,
            "reasons": [
                "kills, unparsed of the facts are not in their shape",
                "1 keys of the facts are not known here",
            ],
        },
    }


def test_good_facts_stay_as_they_are():
    container = {
        "id": "6b" * 32,
        "name": "web",
        "image": "nginx:1.25",
        "pod": None,
        "namespace": None,
        "engine": "podman",
    }
    kills = [{"id": "a", "victim": {"comm": "x", "pid": 1}, "container": container}]
    good = {"schema": 1, "kills": kills, "units": None, "truncated": 0, "visibility": CLEAR}
    assert shaped_facts(good) == good


def test_the_newest_of_too_many_are_taken_and_the_rest_is_counted():
    kills = [{"id": str(number)} for number in range(MOST_KILLS + 7)]
    found = shaped_facts({"kills": kills, "truncated": 5, "visibility": {**CLEAR, "reasons": ["x"] * 20_000}})
    assert (len(found["kills"]), found["kills"][-1], found["truncated"]) == (MOST_KILLS, kills[-1], 12)
    assert found["visibility"]["state"] == "partial"
    *_told, more, kills_more = found["visibility"]["reasons"]
    assert len(found["visibility"]["reasons"]) == MOST_REASONS + 1
    assert (more, kills_more) == ("19,989 more reasons", "7 more kills than are taken from one host")


@pytest.mark.parametrize("value", [None, [], "oom", 5])
def test_no_facts(value):
    assert shaped_facts(value) is None


@pytest.mark.parametrize(
    "value, kept",
    [
        (float("nan"), None),
        (float("inf"), None),
        (1 << 70, None),
        (1.5, 1.5),
        ({"__ansible_unsafe": "x", "__ansible_vault": "y", 5: 1, "a": 1}, {"a": 1}),
        ("\u202e", "\\u202e"),
    ],
)
def test_values_are_plain(value, kept):
    assert bounds.plain(value) == kept


def test_depth_ends():
    deep = []  # type: list
    for _level in range(100):
        deep = [deep]
    assert len(json.dumps(bounds.plain(deep))) < 60
