# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_findings: facts and a policy in, findings out."""

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.memops.linux.plugins.filter.oom_findings import FilterModule
from ansible_collections.memops.linux.plugins.plugin_utils._policy import expression
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import host
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW

oom_findings = FilterModule().filters()["oom_findings"]
KEYS = {"id", "severity", "subject", "declared", "effective", "evidence", "remedy", "status", "message"}


def test_every_finding_has_the_keys_of_the_contract():
    found = oom_findings(host(), "baseline", now=NOW)
    assert len(found) >= 28
    assert {frozenset(one) for one in found} == {frozenset(KEYS)}
    json.dumps(found)


def test_host_is_named():
    assert {one["host"] for one in oom_findings(host(), {"visibility": "clear"}, host="db1", now=NOW)} == {"db1"}


def test_what_failed_comes_first():
    found = oom_findings(host(settings__panic_on_oom=2), now=NOW)
    assert (found[0]["id"], found[0]["status"], found[0]["effective"]) == (
        "panic-on-oom",
        "fail",
        {"settings.panic_on_oom": 2},
    )


@pytest.mark.parametrize("nothing", [None, "", [], {}, {"schema": 7}, "Undefined"])
def test_no_facts_are_unknown(nothing):
    assert [one["status"] for one in oom_findings(nothing)] == ["unknown"]


class Tagged(str):
    """As Ansible wraps what came from a host."""

    def __str__(self):  # pylint: disable=invalid-str-returned  # a subclass of str, as Ansible's are
        return Tagged(self)


def test_strings_of_ansible_are_strings_for_jmespath():
    oom = host()
    oom["units"][0] = {
        Tagged(key): Tagged(value) if isinstance(value, str) else value for key, value in oom["units"][0].items()
    }
    assert {one["status"] for one in oom_findings(oom, now=NOW)} == {"pass"}


@pytest.mark.parametrize(
    "args, said",
    [(({"kils": {}},), "kils: is not a key of a policy"), (("nope.yml",), "could not be read"), ((7,), "not int")],
)
def test_a_wrong_policy(args, said):
    with pytest.raises(AnsibleFilterError, match=said):
        oom_findings(host(), *args)


def test_a_wrong_time():
    with pytest.raises(AnsibleFilterError, match="now takes seconds"):
        oom_findings(host(), now="today")


def test_without_jmespath_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(expression, "MISSING", ImportError("No module named 'jmespath'"))
    rule = {"id": "r", "severity": "info", "message": "m", "assert": "length(unresolved) == `0`", "remedy": "r"}
    with pytest.raises(AnsibleFilterError, match="needs jmespath on the controller"):
        oom_findings(host(), {"rules": [rule]})
