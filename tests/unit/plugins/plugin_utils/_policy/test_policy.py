# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy is data, and a wrong one names its keys."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy.model import RENAMED, PolicyError, Range
from ansible_collections.memops.linux.plugins.plugin_utils._policy.source import load_policy

RULE = {"id": "a-rule", "severity": "error", "message": "m", "remedy": "r", "assert": "a == `1`"}
WRONG = [
    (
        {"rules": [RULE, dict(RULE, id="b"), dict(RULE, id="c"), dict(RULE, id="d", severity="fatal")]},
        "rules[3].severity: 'fatal' is none of info, warning, error",
    ),
    ({"rules": [dict(RULE, sevrity="x")]}, "rules[0].sevrity: is not a key of a rule; did you mean severity?"),
    ({"rules": [{}]}, "rules[0].id: is missing"),
    ({"rules": [dict(RULE, remedy="")]}, "rules[0].remedy: has to be a text, not ''"),
    ({"rules": [RULE, RULE]}, "rules[1].id: 'a-rule' is there twice"),
    ({"rules": [dict(RULE, id="A b")]}, "rules[0].id: 'A b' has to be words"),
    ({"rules": [dict(RULE, id="kills")]}, "rules[0].id: 'kills' is the id of a check"),
    (
        {"rules": [dict(RULE, **{"assert": "nope(a)"})]},
        "rules[0].assert: is not valid JMESPath: there is no such function: nope()",
    ),
    ({"rules": [dict(RULE, needs=["foo["])]}, "rules[0].needs[0]: is not valid JMESPath"),
    ({"rules": {}}, "rules: has to be a list, not a mapping"),
    ({"rules": ["x"]}, "rules[0]: has to be a mapping, not a text"),
    (
        {"services": [{"name": "a", "oom_score_adjust": 1001}]},
        "services[0].oom_score_adjust: 1001 is outside -1000 to 1000",
    ),
    (
        {"services": [{"name": "a", "oom_score_adjust": "low"}]},
        "services[0].oom_score_adjust: 'low' is not an integer",
    ),
    (
        {"services": [{"name": "a", "memory_max": "64m"}]},
        "services[0].memory_max: '64m' is not a valid size; write 64M",
    ),
    ({"services": [{"name": "a", "restart": True}]}, "services[0].restart: True is not a valid value"),
    ({"services": [{"name": "../a"}]}, "services[0].name: '../a' is not a valid unit name"),
    ({"services": [{"name": "a"}, {"name": "a.service"}]}, "services[1].name: a.service stands there twice"),
    ({"services": [{"memory_max": "1G"}]}, "services[0].name: is missing"),
    ({"settings": {"vm.swappines": 1}}, "settings.vm.swappines: is not a vm setting"),
    ({"settings": {"swappiness": "many"}}, "settings.swappiness: has to be a whole number"),
    ({"settings": {"swappiness": {"mni": 1}}}, "settings.swappiness.mni: is not a key of a setting; did you mean min?"),
    ({"settings": {"vm.swappiness": {}}}, "settings.vm.swappiness: expects nothing; give min, max or both"),
    ({"settings": {"swappiness": {"min": None}}}, "settings.swappiness: expects nothing"),
    ({"settings": {"swappiness": {"min": 60, "max": 1}}}, "settings.swappiness: no value is at least 60 and at most 1"),
    (
        {"settings": {"vm.swappiness": 1, "swappiness": 2}},
        "settings.swappiness: swappiness stands there twice, as vm.swappiness too",
    ),
    ({"swap": {"min": "4G", "max": "1G"}}, "swap.min: no swap is at least 4G and at most 1G"),
    ({"swap": {"min": "40%", "max": "10%"}}, "swap.min: no swap is at least 40% and at most 10%"),
    ({"kills": {"max": 0, "units": ["a", "b c"]}}, "kills.units[1]: 'b c' is not a valid unit name"),
    ({"services": []}, "the policy expects nothing"),
    ({"services": [], "swap": {}, "settings": {}, "killers": {}, "rules": []}, "the policy expects nothing"),
    ({"killers": {"earlyoom": "running"}}, "killers.earlyoom: 'running' is none of active, inactive, absent"),
    ({"killers": {"earlyom": "active"}}, "killers.earlyom: is not a killer"),
    ({"kills": {"max": -1}}, "kills.max: has to be a whole number of 0 or more, not -1"),
    ({"kills": {"window": "7d"}}, "kills.max: is missing"),
    ({"kills": {"max": 0, "window": "2026-01-01"}}, "kills.window: '2026-01-01' is not a valid age"),
    ({"kills": {"max": 0, "scopes": ["host"]}}, "kills.scopes[0]: 'host' is none of"),
    ({"swap": {"min": "2gb"}}, "swap.min: '2gb' is not a valid size"),
    ({"swap": {"files": [{"size": "1G"}]}}, "swap.files[0].path: is missing"),
    ({"swap": {"files": [{"path": "/s", "persistent": "yes"}]}}, "swap.files[0].persistent: has to be true or false"),
    ({"visibility": "full"}, "visibility: 'full' is none of clear, partial"),
    ({"visibility": {"state": "clear", "since": "x"}}, "visibility.since: 'x' is not a valid age"),
    ({"sevices": []}, "sevices: is not a key of a policy; did you mean services?"),
    ({"schema": True, "visibility": "clear"}, "schema: is True; this collection reads 1"),
    (
        {"services": [{"name": "a", "memory_high": "2G", "memory_max": "1G"}]},
        "services[0].memory_high: 2G is more than memory_max, 1G",
    ),
    (
        {"services": [{"name": "a", "memory_high": "infinity", "memory_max": "1G"}]},
        "services[0].memory_high: infinity is more than memory_max, 1G",
    ),
    (
        {"services": [{"name": "a", "dropin": "../x.conf"}]},
        "services[0].dropin: '../x.conf' is not a valid drop-in file name",
    ),
    ({"swap": {"files": [{"path": "/a"}, {"path": "/a"}]}}, "swap.files[1].path: /a stands there twice"),
    ({"swap": {"files": [{"path": "a"}]}}, "swap.files[0].path: 'a' has to begin with /"),
    ({"swap": {"files": [{"path": "/a", "priority": 32768}]}}, "swap.files[0].priority: 32768 is more than 32767"),
    ({"settings": {"vm.panic_on_oom": 3}}, "settings.vm.panic_on_oom: 3 is not within 0 to 2"),
    ({"settings": {"swappiness": [1, -1]}}, "settings.swappiness: -1 is not within 0 to 200"),
    ({"extends": "baseline", "severities": {"two-killers": None}}, "severities.two-killers: is empty"),
    (
        {"rules": [dict(RULE, **{"assert": "item.a == `1`"})]},
        "rules[0].assert: there is an item only where `for` names a list",
    ),
    ({"rules": [dict(RULE, when="item == `1`")]}, "rules[0].when: there is an item only"),
    ({"rules": [dict(RULE, needs=["a", "length(item)"])]}, "rules[0].needs[1]: there is an item only"),
    ({"rules": [dict(RULE, **{"for": "item.a"})]}, "rules[0].for: there is an item only"),
    ({"rules": [dict(RULE, **{"assert": "`5` < `3`"})]}, "rules[0].assert: takes nothing from the facts"),
    ({"rules": [dict(RULE, **{"assert": "length('x') > `0`"})]}, "rules[0].assert: takes nothing from the facts"),
    ({"rules": [dict(RULE, **{"assert": "length(`5`) > `0`"})]}, "rules[0].assert: takes nothing from the facts"),
    (
        {"rules": [dict(RULE, **{"assert": "a != `None`"})]},
        "rules[0].assert: is not valid JMESPath: `None` is not valid JSON",
    ),
    ({"schema": 2, "visibility": "clear"}, "schema: is 2; this collection reads 1"),
    ({"extends": "baseline", "disable": ["nope"]}, "disable[0]: 'nope' is the id of no check and no rule"),
    ({"extends": "baseline", "disable": ["facts"]}, "disable[0]: a host that was not read is never passed over"),
    ({"extends": "baseline", "severities": {"chronic": "high"}}, "severities.chronic: 'high' is none of"),
    ({"extends": "nope.yml"}, "extends: the policy"),
    ({}, "the policy expects nothing"),
    ([], "a policy is a mapping, the path of a YAML file, or baseline, not list"),
    ("nope.yml", "could not be read: No such file or directory"),
]


@pytest.mark.parametrize("data, said", WRONG, ids=[row[1][:40] for row in WRONG])
def test_a_wrong_policy_names_the_key(data, said):
    with pytest.raises(PolicyError) as error:
        load_policy(data)
    assert said in str(error.value)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(PolicyError) as error:
        load_policy({"kills": {"max": -1}, "visibility": "full", "rules": [{}]})
    assert str(error.value).count("; ") >= 6


def test_the_words_of_service_memory_and_what_yaml_makes_of_no():
    (service,) = load_policy(
        {"services": [{"name": "nginx", "restart": False, "memory_max": "512M", "apply": "live", "missing": "skip"}]}
    ).services
    assert (service.unit.name, service.settings, service.missing) == (
        "nginx.service",
        {"memory_max": "512M", "restart": "no"},
        "skip",
    )


def test_a_policy_builds_on_another(tmp_path):
    (tmp_path / "site.yml").write_text(
        "extends: baseline\nsettings: {vm.swappiness: [1, 10]}\ndisable: [chronic]\nkills: {max: 3, window: 7d}\n"
    )
    (tmp_path / "db.yml").write_text(
        "extends: site.yml\nsettings: {overcommit_memory: {min: 1}}\nseverities: {two-killers: error}\n"
    )
    policy = load_policy(str(tmp_path / "db.yml"))
    assert policy.settings == {"swappiness": Range((1, 10)), "overcommit_memory": Range((), 1, None)}
    assert policy.kills.max == 3
    assert {rule.id: rule.severity for rule in policy.rules}["two-killers"] == "error"
    assert "chronic" not in {rule.id for rule in policy.rules}
    assert policy.max_age == 86400.0


MERGED = """
settings:
  vm.swappiness: &base {min: 1, max: 10}
  vm.page-cluster:
    <<: *base
    max: 5
services:
  - &one {name: a, oom_score_adjust: 1}
  - {<<: *one, name: b}
"""


def test_merge_keys_of_yaml(tmp_path):
    (tmp_path / "a.yml").write_text(MERGED)
    policy = load_policy(str(tmp_path / "a.yml"))
    assert policy.settings == {"swappiness": Range((), 1, 10), "page-cluster": Range((), 1, 5)}
    assert [(one.unit.name, one.settings) for one in policy.services] == [
        (name, {"oom_score_adjust": "1"}) for name in ("a.service", "b.service")
    ]


def test_a_share_and_a_size_differ_from_host_to_host():
    assert load_policy({"swap": {"min": "50%", "max": "1G"}}).swap.max == "1G"


@pytest.mark.parametrize(
    "text, said",
    [
        ("kills: {max: 1}\nkills: {max: 2}\n", "line 2: the key 'kills' is there twice"),
        ("kills: [\n", "is not valid YAML"),
        ("extends: a.yml\n", "in a circle"),
        ("!!python/object/apply:os.system [id]\n", "it has none of the keys of a policy (services, "),
        (
            "kills: !!python/object/apply:os.system [id]\n",
            "is not valid YAML: line 1, column 8: could not determine a constructor for the tag ...",
        ),
        ("kills: {max: {{ most }}}\n", "a key has to be a word"),
        ("settings:\n  <<: {}\n  <<: {}\n", "line 3: the key '<<' is there twice"),
        ("kills: {max: 2026-13-99}\n", "is not valid YAML"),
        ("root:$6$secret:1:\n", "it has none of the keys of a policy"),
        ("password: secret\nuser: [a, a]\n", "it has none of the keys of a policy"),
        ("password: secret\npassword: secret\n", "it has none of the keys of a policy"),
        ("[secret]\n", "it has none of the keys of a policy"),
        ("a: 'secret\n", "is not valid YAML: line 2, column 1: found unexpected end of stream"),
        ("*secret\n", "is not valid YAML: line 1, column 1: found undefined alias ..."),
        ("a: &secret x\nb: &secret y\nkills: @secret\n", "is not valid YAML: line 2, column 4: second occurrence"),
    ],
)
def test_a_wrong_file(tmp_path, text, said):
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(PolicyError) as error:
        load_policy(str(tmp_path / "a.yml"))
    assert said in str(error.value) and str(tmp_path / "a.yml") in str(error.value)
    assert "secret" not in str(error.value).replace(str(tmp_path), ""), "a file that is no policy is named, not quoted"


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.yml")
    with pytest.raises(PolicyError, match=r"a.yml is not a file. Give the path of a file"):
        load_policy(str(tmp_path / "a.yml"))


@pytest.mark.parametrize(
    "path, said",
    [
        ("/dev/zero", "the policy /dev/zero is not a file"),
        ("/", "the policy / could not be read: Is a directory"),
        ("a\0b", "embedded null"),
    ],
)
def test_what_is_no_file_is_no_policy(path, said):
    with pytest.raises(PolicyError) as error:
        load_policy(path)
    assert said in str(error.value)


def test_a_policy_has_an_end(tmp_path):
    (tmp_path / "a.yml").write_text("# " + "x" * (5 << 20))
    with pytest.raises(PolicyError, match="larger than 4 MiB"):
        load_policy(str(tmp_path / "a.yml"))


def test_no_file_left_says_the_way_out(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(
        PolicyError, match=r"a.yml could not be read: Too many open files. Raise the limit of open files \(ulimit -n\)"
    ):
        load_policy(str(tmp_path / "a.yml"))


NUMBERS = [
    (
        "services: [{name: a, oom_score_adjust: -0100}]",
        "services[0].oom_score_adjust: -0100 is -64 to YAML; write -64, or a text in quotes",
    ),
    ("settings: {swappiness: {min: 1_0}}", "settings.swappiness.min: 1_0 is 10 to YAML"),
    ("kills: {max: 1:30}", "kills.max: 1:30 is 90 to YAML"),
    ("kills: {max: 0b11}", "kills.max: 0b11 is 3 to YAML"),
]


@pytest.mark.parametrize("text, said", NUMBERS)
def test_a_number_that_is_another_one_to_yaml(tmp_path, text, said):
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(PolicyError) as error:
        load_policy(str(tmp_path / "a.yml"))
    assert said in str(error.value)


def test_numbers_as_they_are_written(tmp_path):
    text = "kills: {max: 0x10}\nservices: [{name: a, oom_score_adjust: +10}, {name: b, oom_score_adjust: '-0100'}]\nmax_age: 2d"
    (tmp_path / "a.yml").write_text(text)
    policy = load_policy(str(tmp_path / "a.yml"))
    assert policy.kills.max == 16 and [one.settings["oom_score_adjust"] for one in policy.services] == ["10", "-100"]


@pytest.mark.parametrize("word", ["true", "false"])
def test_what_when_chose_may_be_right_or_wrong_outright(word):
    policy = load_policy({"rules": [dict(RULE, when="counters.unexplained > `0`", **{"assert": f"`{word}`"})]})
    assert policy.rules[0].holds.holds({}) is (word == "true")


@pytest.mark.slow
@pytest.mark.parametrize("old, new", RENAMED.items())
def test_an_old_id_of_a_rule_is_taken_and_told(old, new):
    policy = load_policy({"extends": "baseline", "disable": [old]})
    assert new in policy.disabled and new not in {rule.id for rule in policy.rules}
    assert policy.renamed == ((old, new),)
    assert policy.notes() == [f"policy policy: the rule {old} is called {new} now; the old id is deprecated"]
    weighed = load_policy({"extends": "baseline", "severities": {old: "info"}})
    assert {rule.id: rule.severity for rule in weighed.rules}[new] == "info"


def test_a_rule_that_replaces_one_by_its_old_id_still_does():
    policy = load_policy({"extends": "baseline", "rules": [dict(RULE, id="way-in-killed")]})
    assert [rule.message for rule in policy.rules if rule.id == "login-service-killed"] == ["m"]
    assert "way-in-killed" not in {rule.id for rule in policy.rules}


def test_an_old_id_is_free_for_rules_of_ones_own():
    policy = load_policy({"rules": [dict(RULE, id="way-in-killed")], "severities": {"way-in-killed": "info"}})
    assert [(rule.id, rule.severity) for rule in policy.rules] == [("way-in-killed", "info")]
    assert policy.renamed == ()
