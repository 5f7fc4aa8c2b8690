# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A remedy names what exists, looks before it changes anything, and holds no name that a shell or a template reads."""

from __future__ import annotations

import json
import os
import re
import shlex

import pytest
import yaml

from ansible_collections.memops.linux.plugins.module_utils._size import parse_size
from ansible_collections.memops.linux.plugins.modules.service_memory import argument_spec
from ansible_collections.memops.linux.plugins.plugin_utils._report import problem_words as say
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import PAYLOADS, panic
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.synthetic_fleets import (
    HOUR,
    MIB,
    MONDAY,
    died,
    fleet,
    week,
)

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[".."] * 5))
GIB = 1024 * MIB


def limited(unit="web.service", size=512 * MIB, **changes):
    return died(unit, "web", HOUR, 1, ledger={"of": "limit", "total": size} if size else None, **changes)


def whole_host(unit="web.service", **changes):
    return died(unit, "web", HOUR, 1, scope="global", oom_memcg=None, **changes)


def short(outcome, **oom):
    return week(unresolved=[panic(outcome=outcome, time=MONDAY - HOUR)], **oom)


#: id -> facts of host h1, and what the remedy holds
CASES = {
    "its own limit": (week([limited()], memory={"total": 8 * GIB}), "memory_max: 768M"),
    "its own limit, of a size nobody knows": (week([limited(size=None)]), "victims"),
    "a limit that the host has no room for": (week([limited(size=4 * GIB)], memory={"total": 5 * GIB}), "victims"),
    "the limit of a slice": (week([limited(oom_memcg="/batch.slice")]), "batch.slice memory_max: 768M"),
    "the limit of a slice, of no size": (week([limited(size=None, oom_memcg="/batch.slice")]), "victims"),
    "the limit of another cgroup": (week([limited(oom_memcg="/x/y")]), None),
    "a limit whose cgroup is not told": (week([limited(oom_memcg=None)]), "victims"),
    "a container": (week([limited(unit=None, container_id="f" * 64)]), None),
    "the whole host, a service": (week([whole_host()]), "oom_score_adjust: -100"),
    "the whole host, a database": (week([whole_host("mysql.service")]), "oom_score_adjust: -500"),
    "the whole host, a login": (week([whole_host("session-1.scope")]), "oom_swap_files"),
    "the whole host, a process": (week([whole_host(None, task_memcg=None)]), "oom_swap_files"),
    "the nodes of a cpuset": (week([whole_host("mysql.service", constraint="CONSTRAINT_CPUSET")]), None),
    "the nodes of a memory policy": (week([whole_host(constraint="CONSTRAINT_MEMORY_POLICY")]), None),
    "nobody knows who was short": (week([whole_host(None) | {"scope": "unknown"}]), "facts"),
    "systemd-oomd": (week([limited(killer="systemd-oomd")]), "managed_oom_preference: avoid"),
    "earlyoom": (week([whole_host(killer="earlyoom")]), "oom_swap_files"),
    "asked for": (week([whole_host(trigger="sysrq")]), None),
    "a panic that was asked for": (short("panic", settings={"panic_on_oom": 1}), "panic_on_oom=0"),
    "a panic for want of a victim": (short("panic", settings={"panic_on_oom": 0}), "victims"),
    "no victim": (short("no_victim"), "victims"),
    "the end is not in the log": (short("unseen"), "facts"),
    "a rule of oomd": (short("rule_fired"), "oom_swap_files"),
    "an outcome of tomorrow": (short("melted"), "facts"),
}


def remedy_of(facts, host="h1"):
    (problem,) = fleet({host: facts})["problems"]
    return problem["remedy"]


def parts(command):
    """(playbook, extra variables, switches)"""
    words = shlex.split(command)
    assert words[0] == "ansible-playbook" and words[1].startswith("memops.linux.")
    variables, switches = {}, []
    rest = iter(words[2:])
    for word in rest:
        if word != "-e":
            switches.append(word)
            continue
        value = next(rest)
        if value.startswith("{"):
            variables.update(json.loads(value))
        else:
            (name, text), *more = (one.partition("=")[::2] for one in value.split())  # as Ansible reads it
            assert not more, "Ansible makes two variables of it"
            variables[name] = text
    return words[1].rpartition(".")[2], variables, switches


@pytest.mark.parametrize("facts, holds", CASES.values(), ids=CASES)
def test_what_is_to_be_done(facts, holds):
    remedy = remedy_of(facts)
    assert remedy["text"].endswith(".")
    if holds is None:
        assert remedy["command"] is None
    else:
        said = re.sub(r'[",{}\[\]]', "", remedy["command"])
        assert all(word in said for word in holds.split()), said


@pytest.mark.parametrize(
    "comm, adj, is_cheap",
    [("mysqld", 0, False), ("alpha", 0, False), ("alpha", 300, True)],
    ids=["a database", "a process of which nothing is known", "it asked to go first"],
)
def test_what_it_is_worth_is_said_where_it_is_known(comm, adj, is_cheap):
    killed = died(None, comm, HOUR, scope="global", oom_memcg=None, task_memcg=None, victim_oom_score_adj=adj)
    remedy = remedy_of(week([killed]))
    assert ("cheapest to lose" in remedy["text"], "oom_swap_files" in remedy["command"]) == (is_cheap, True)


@pytest.mark.parametrize("adj, holds", [(0, "oom_score_adjust"), (-100, "oom_score_adjust"), (-500, "oom_swap_files")])
def test_a_score_that_it_had_when_it_died_is_no_remedy(adj, holds):
    assert holds in remedy_of(week([whole_host("mysql.service", victim_oom_score_adj=adj)]))["command"]


def options_of(role):
    with open(os.path.join(ROOT, "roles", role, "meta/argument_specs.yml"), encoding="utf-8") as stream:
        return yaml.safe_load(stream)["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("facts", [facts for facts, holds in CASES.values() if holds], ids=str)
def test_it_names_what_exists(facts):
    playbook, variables, switches = parts(remedy_of(facts)["command"])
    with open(os.path.join(ROOT, "playbooks", f"{playbook}.yml"), encoding="utf-8") as stream:
        text = stream.read()
    assert "memops_hosts" in text and variables.pop("memops_hosts") == "h1"
    known = {**options_of("oom_protect"), **options_of("oom_swap")}
    for name, value in variables.items():
        assert name in known and f"memops.linux.{name[: name.index('_', 4)]}" in text
        if name == "oom_swap_files":
            assert {"path", "size"} == set(value[0])
        if name == "oom_protect_services":
            (service,) = value
            assert set(service) <= set(argument_spec()["services"]["options"])
            assert "memory_max" not in service or parse_size(service["memory_max"]) > 512 * MIB
    changes = playbook in ("protect", "swap")
    assert (switches == ["--check", "--diff"]) is changes  # a paste changes nothing


def test_every_name_of_ours_in_a_sentence_exists():
    texts = " ".join(remedy_of(facts)["text"] for facts, _holds in CASES.values())
    names = re.findall(r"memops\.linux\.(\w+)", texts)
    assert names and all(os.path.exists(os.path.join(ROOT, "playbooks", f"{name}.yml")) for name in names)


SWAP = '-e \'{"oom_swap_files": [{"path": "/swapfile", "size": "auto"}]}\' --check --diff'
VICTIMS = "ansible-playbook memops.linux.victims -e memops_hosts=h1"
HOSTILE = [*PAYLOADS, "$(id)", "a;id", "`id`", "a b", "a\nb", "{{ 1 }}", "'", "-e", "a,b", "a'.service", "x.service;y"]


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_a_hostile_name_gets_into_no_command(name):
    for unit in (name, name + ".service"):
        for facts in (week([limited(unit)]), week([whole_host(unit)]), week([limited(unit, killer="systemd-oomd")])):
            command = remedy_of(facts)["command"]
            assert command in (None, f"ansible-playbook memops.linux.swap -e memops_hosts=h1 {SWAP}", VICTIMS)
    assert remedy_of(week([limited(oom_memcg=f"/{name}.slice")]))["command"] in (None, VICTIMS)
    for facts, _holds in list(CASES.values()):
        assert remedy_of(facts, f"{name}.example.net")["command"] is None


@pytest.mark.parametrize(
    "names, said",
    [
        (["db1"], "memops_hosts=db1 "),
        (["db1", "db2"], "memops_hosts=db1,db2 "),
        ([f"db{n}" for n in range(9)], "memops_hosts='db*' "),
    ],
)
def test_its_hosts(names, said):
    (problem,) = fleet({name: week([whole_host()]) for name in names})["problems"]
    assert said in problem["remedy"]["command"]


@pytest.mark.parametrize(
    "constraint, told, said, advice",
    [
        ("CONSTRAINT_CPUSET", "the memory nodes that the cpuset allows", "AllowedMemoryNodes=", "cpuset.mems"),
        ("CONSTRAINT_MEMORY_POLICY", "the memory nodes that the memory policy allows", "NUMAMask=", "numactl"),
    ],
)
def test_full_memory_nodes_are_not_the_whole_host(constraint, told, said, advice):
    (problem,) = fleet({"h1": week([whole_host("mysql.service", constraint=constraint)])})["problems"]
    assert (problem["constraint"], say.limit(problem)) == (constraint, told)
    text = problem["remedy"]["text"]
    assert said in text and advice in text and "whole host" not in text and problem["remedy"]["command"] is None


@pytest.mark.parametrize("constraint", ["CONSTRAINT_NONE", None, "<b>"])
def test_without_such_a_constraint_it_is_the_whole_host(constraint):
    (problem,) = fleet({"h1": week([whole_host(constraint=constraint)])})["problems"]
    assert say.limit(problem) == "the whole host" and "The whole host" in problem["remedy"]["text"]


@pytest.mark.parametrize("case", CASES)
def test_a_log_of_another_machine_gives_no_command_for_this_one(case):
    remedy = remedy_of({**CASES[case][0], "local": False})
    assert remedy["command"] is None and "as root" not in remedy["text"]
    assert ("machine that the log is of" in remedy["text"]) is (case != "asked for")


def test_the_memory_of_the_reader_is_not_that_of_the_log():
    """5 GiB have no room for more than 4 GiB; of the other machine that is not known."""
    remedy = remedy_of(week([limited(size=4 * GIB)], memory={"total": 5 * GIB}, local=False))
    assert "Give it 6" in remedy["text"]


@pytest.mark.parametrize("local", [True, None, "no"])
def test_facts_that_do_not_say_so_are_of_the_host(local):
    assert remedy_of(week([limited()], local=local))["command"]
