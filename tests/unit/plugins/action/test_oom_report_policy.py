# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_report with a policy: what it writes, and how it ends."""

from __future__ import annotations

import json
import os
import time
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleError

from ansible_collections.memops.linux.plugins.action import oom_report
from ansible_collections.memops.linux.plugins.action.oom_report import NAMES, ActionModule
from ansible_collections.memops.linux.plugins.plugin_utils._policy import expression
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import host

POLICY = {"settings": {"vm.panic_on_oom": 0}}


def now(**changes):
    return host(gathered_at=time.time(), **changes)


@pytest.fixture(name="run")
def fixture_run(monkeypatch, tmp_path):
    monkeypatch.setattr(oom_report.display, "display", lambda *args, **kwargs: None)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763835100")

    def run(check_mode=False, task_vars=None, **args):
        args.setdefault("dest", str(tmp_path / "report"))
        task, loader = MagicMock(args=args, async_val=0, check_mode=check_mode), MagicMock()
        loader.get_basedir.return_value = str(tmp_path)
        action = ActionModule(task, MagicMock(), MagicMock(), loader, MagicMock(), MagicMock())
        action._load_name = "oom_report"
        return action.run(task_vars=task_vars or {})

    return run


ON_REQUEST = ("metrics", "summary")


def test_all_documents_are_written_beside_the_report(run, tmp_path):
    result = run(facts={"h": now()}, policy=POLICY)
    names = [name for kind, name in NAMES.items() if kind not in ON_REQUEST]
    assert sorted(os.listdir(tmp_path / "report")) == sorted([*names, "history.jsonl"])
    assert (result["verdict"], result.get("failed"), result.get("unreachable")) == ("pass", None, None)
    assert "Is it as declared: policy" in (tmp_path / "report/index.html").read_text()


def test_a_failure_fails_after_everything_is_written(run, tmp_path):
    result = run(facts={"h": now(settings__panic_on_oom=1), "down": None}, policy=POLICY)
    assert (result["verdict"], result["failed"], result.get("unreachable")) == ("fail", True, None)
    assert (
        result["msg"]
        == "Policy policy on 2 hosts: 1 failure on 1 host, 1 unknown on 1 host, which does not count as a pass, 2 passed."
    )
    assert not {"fleet", "states", "table"} & set(result), "the fleet is in the files, not in the error"
    assert json.loads((tmp_path / "report/findings.json").read_text())["totals"]["fail"] == 1
    json.dumps(result)


def test_what_is_not_known_fails_and_says_so(run):
    result = run(facts={"h": now(), "down": None}, policy=POLICY)
    assert (result["verdict"], result["failed"], result.get("unreachable")) == ("incomplete", True, None)
    assert "no failures, 1 unknown on 1 host, which does not count as a pass" in result["msg"]


def test_what_is_not_known_may_be_a_warning(run):
    result = run(facts={"h": now(), "down": None}, policy=POLICY, unknown="warn")
    assert (result["verdict"], result.get("failed"), result["warnings"]) == ("incomplete", None, [result["msg"]])


def test_a_failure_is_one_whatever_unknown_is(run):
    assert (
        run(facts={"h": now(settings__panic_on_oom=1), "down": None}, policy=POLICY, unknown="warn")["failed"] is True
    )


def test_no_host_is_no_pass(run):
    assert run(facts={}, policy=POLICY)["verdict"] == "incomplete"


def test_enforce_false_only_tells(run):
    result = run(facts={"h": now(settings__panic_on_oom=1)}, policy=POLICY, enforce=False)
    assert (result["verdict"], result.get("failed")) == ("fail", None)


def test_check_mode_writes_nothing_and_ends_the_same(run, tmp_path):
    told = run(check_mode=True, facts={"h": now(settings__panic_on_oom=1)}, policy=POLICY)
    assert not (tmp_path / "report").exists()
    done = run(facts={"h": now(settings__panic_on_oom=1)}, policy=POLICY)
    assert told == done and done["failed"] is True


def test_again_changes_nothing_at_any_other_time(run, monkeypatch):
    facts = {"h": now(settings__panic_on_oom=1)}
    run(facts=facts, policy=POLICY)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763999999")
    assert run(facts=facts, policy=POLICY)["changed"] is False


def test_the_units_that_a_policy_needs(run, tmp_path):
    (tmp_path / "site.yml").write_text("services: [{name: nginx, oom_score_adjust: -100}]\n")
    result = run(hosts=[], formats=[], enforce=False, policy="site.yml")
    assert result["policy_units"] == ["nginx.service", "ssh.service", "sshd.service"]
    assert not (tmp_path / "report").exists()


def test_a_relative_path_begins_where_the_command_was_started(run, tmp_path, monkeypatch):
    (tmp_path / "started").mkdir()
    for folder, unit in (("started", "a"), ("", "b")):
        (tmp_path / folder / "site.yml").write_text(f"services: [{{name: {unit}, oom_score_adjust: -100}}]\n")
    monkeypatch.chdir(tmp_path / "started")
    for policy in ("site.yml", {"extends": "site.yml"}):
        assert "a.service" in run(hosts=[], formats=[], enforce=False, policy=policy)["policy_units"]


def test_a_policy_that_is_nowhere_is_named_where_the_command_was_started(run, tmp_path, monkeypatch):
    (tmp_path / "started").mkdir()
    monkeypatch.chdir(tmp_path / "started")
    with pytest.raises(AnsibleError, match="the policy %s/started/none.yml could not be read" % tmp_path):
        run(hosts=[], formats=[], enforce=False, policy="none.yml")


def test_without_a_policy_all_is_as_before(run, tmp_path):
    result = run(facts={"h": now()})
    assert sorted(os.listdir(tmp_path / "report")) == [
        "history.jsonl",
        "index.html",
        "kills.csv",
        "report.json",
        "report.md",
    ]
    assert "verdict" not in result and "msg" not in result


class HostVars(dict):
    def raw_get(self, name):
        return dict.__getitem__(self, name)


def test_the_connection_of_a_host_names_its_way_in(run, tmp_path):
    unit = dict(now()["units"][0], name="amazon-ssm-agent.service")
    hostvars = HostVars(w={"ansible_connection": "community.aws.aws_ssm", "ansible_facts": {"oom": now(units=[unit])}})
    run(hosts=["w"], task_vars={"hostvars": hostvars, "ansible_play_hosts": ["w"]}, policy=POLICY)
    assert "amazon-ssm-agent.service" in (tmp_path / "report/suggestions.yml").read_text()


@pytest.mark.parametrize(
    "args, said",
    [
        (
            {"policy": {"rules": [{"id": "x", "severity": "fatal"}]}},
            r"policy: rules\[0\].severity: 'fatal' is none of .* Nothing was written",
        ),
        ({"formats": ["junit"]}, "formats junit need a policy"),
        ({"formats": ["sarif"], "policy": POLICY}, "Add findings to formats"),
        ({"dest": "/srv/group_vars/x", "policy": POLICY}, "Choose another dest"),
    ],
)
def test_a_wrong_option_is_named(run, tmp_path, args, said):
    with pytest.raises(AnsibleError, match=said):
        run(facts={"h": now()}, **args)
    assert not (tmp_path / "report").exists()


def test_without_jmespath_a_policy_says_what_is_missing(run, monkeypatch):
    monkeypatch.setattr(expression, "MISSING", ImportError("No module named 'jmespath'"))
    rule = {"id": "r", "severity": "info", "message": "m", "assert": "length(unresolved) == `0`", "remedy": "r"}
    with pytest.raises(AnsibleError, match="needs jmespath on the controller"):
        run(facts={"h": now()}, policy={"rules": [rule]})
    assert run(facts={"h": now()})["states"] == {"h": "ok"}
