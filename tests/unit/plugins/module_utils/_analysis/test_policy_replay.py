# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A past kill under another policy, from its facts alone, after a way through JSON."""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._analysis.policy_replay import replay
from ansible_collections.memops.linux.plugins.module_utils._facts import facts
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.table_replay import kills_in
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import decompress, kills_of


@pytest.fixture(scope="module")
def kills(fixtures):
    found = {}
    for log in ("causes-dmesg.txt", "bookworm-kern.log", "bookworm-syslog"):
        oom, _kernel = kills_of(sources=("files",), paths=(os.path.join(fixtures, "kernel", log),), include_tasks=True)
        found.update((kill["victim"]["comm"], kill) for kill in json.loads(json.dumps(oom["kills"])))
    return found


def test_the_same_policy_kills_the_same(kills):
    for comm, kill in kills.items():
        if kill["killer"] != "kernel" or kill["contest"]["exception"]:
            continue
        again = replay(kill, {})
        assert (again.known, again.changed, again.pid) == (True, False, kill["victim"]["pid"]), comm
        assert again.badness == kill["contest"]["winner"]["badness"]
        assert again.text.startswith("even with this policy, ")


def test_protected_by_name(kills):
    spared = replay(kills["hog-tmpfs"], {"hog-tmpfs": -1000})
    assert (spared.known, spared.changed, spared.comm, spared.unmatched) == (True, True, "sshd", ())
    assert spared.text == "with this policy sshd[174] (badness 5.9 MiB) would have died instead of hog-tmpfs[202]"
    assert spared.badness == kills["hog-tmpfs"]["contest"]["second"]["badness"]


def test_raised_by_name(kills):
    """+1000 is the whole memory: 335 MiB here."""
    raised = replay(kills["hog-tmpfs"], {"sshd": 1000, "nobody-here": 5})
    assert (raised.changed, raised.comm, raised.unmatched) == (True, "sshd", ("nobody-here",))
    assert raised.badness == kills["hog-tmpfs"]["contest"]["second"]["badness"] + 1000 * (85761 // 1000) * 4096


def test_a_unit_reaches_the_victim_and_the_names_that_the_caller_knows(kills):
    kill = dict(kills["hog-tmpfs"], unit="hog.service")
    assert replay(kill, {"hog.service": -1000}).comm == "sshd"
    both = replay(kill, {"hog.service": -1000, "ssh.service": -1000}, units={"ssh.service": ["sshd"]})
    assert both.unmatched == () and both.comm not in ("hog-tmpfs", "sshd")
    named = replay(kill, {"hog.service": -1000}, units={"ssh.service": ["sshd"]})
    assert named.unit == "ssh.service"
    assert named.text.endswith(
        "sshd[174] of ssh.service (badness 5.9 MiB) would have died instead of hog-tmpfs[202] of hog.service"
    )
    assert replay(kill, {"ssh.service": -1000}).unmatched == ("ssh.service",)


def test_what_is_nearer_decides(kills):
    kill = dict(kills["hog-tmpfs"], unit="hog.service")
    for adjustments in ({"hog.service": 300, "hog-tmpfs": -1000}, {"hog-tmpfs": -1000, "hog.service": 300}):
        assert not replay(kill, adjustments).changed


def test_in_a_unit_everybody_is_reached(kills):
    """The cgroup that was out of memory lies in the unit: then so does every row of its table."""
    kill = kills["groupie"]
    assert kill["contest"]["exception"] == "group"  # a later member; the first one is asked below
    assert replay(kill, {}).text.startswith(
        "cannot be replayed: the kernel's choice does not follow from its own task table (group)"
    )
    alone = replay(kills["shmhog"], {"shmhog.service": -1000})
    assert (alone.known, alone.changed, alone.pid) == (True, True, None)
    assert (
        alone.text
        == "with this policy nothing could have been killed instead of shmhog[211]: its processes would have hung at the limit"
    )


def test_nobody_left_is_a_panic(kills):
    kill = kills["hog-tmpfs"]
    everybody = {task["comm"]: -1000 for task in kill["tasks"]}
    assert replay(kill, everybody).text.endswith("the kernel would have panicked")


def test_one_of_the_same_name_may_be_of_the_same_unit(kills):
    kill = dict(kills["worker"], unit="workers.service")
    spared = replay(kill, {"workers.service": -1000})
    assert spared.comm == "worker" and spared.unit is None
    assert spared.text.endswith("(it may be of the same unit: the table does not tell, the parameter units does)")
    assert replay(kill, {"workers.service": -1000}, units={"workers.service": ["worker"]}).comm != "worker"


def test_what_cannot_be_known(kills):
    assert "include_tasks" in replay(dict(kills["hog-tmpfs"], tasks=None), {}).text
    assert "earlyoom chose" in replay(next(kill for kill in kills.values() if kill["killer"] == "earlyoom"), {}).text
    kill = kills["hog-tmpfs"]
    blind = dict(kill, contest=dict(kill["contest"], totalpages=None))
    assert not replay(blind, {}).known
    other = dict(kill, tasks=kill["tasks"][:3])
    assert "is not the one that" in replay(other, {}).text


@pytest.mark.parametrize(
    "junk",
    [
        None,
        "x",
        [],
        {"contest": 1},
        {"contest": {}, "tasks": [1, None, {"pid": "x"}]},
        {"victim": 7, "contest": {"winner": {}}},
    ],
)
def test_facts_may_be_anything(kills, junk):
    kill = (
        dict(kills["hog-tmpfs"], **junk)
        if isinstance(junk, dict)
        else {"killer": "kernel", "contest": junk, "tasks": junk, "victim": junk}
    )
    assert not replay(kill, {"a": 1, "b.service": 2}).known


def test_comm_is_cut_at_15_bytes(kills):
    kill = dict(kills["hog-tmpfs"])
    kill["tasks"] = [
        dict(task, comm="a-very-long-nam" if task["comm"] == "sshd" else task["comm"]) for task in kill["tasks"]
    ]
    assert replay(kill, {"a-very-long-name-indeed": 1000}).comm == "a-very-long-nam"
    kill["tasks"] = [
        dict(task, comm="abcdefghijklm\\xe2\\x82" if task["pid"] == 174 else task["comm"]) for task in kill["tasks"]
    ]
    assert replay(kill, {"abcdefghijklm\u20ac": 1000}).pid == 174  # in the middle of a letter, as the facts write it


def test_every_kill_of_the_virtual_machines_under_its_own_policy(shared, tmp_path):
    """And with the victim protected the second dies, as the machines' own contests did afterwards."""
    decompress(shared, "bookworm", str(tmp_path))
    oom, kills = kills_of(sources=("files",), paths=(str(tmp_path / "syslog"),), include_tasks=True, max_kills=1000)
    checked = 0
    for kill in kills:
        if kill["contest"]["exception"] is None:
            again = replay(kill, {})
            assert (again.known, again.changed) == (True, False)
            checked += 1
            if kill["contest"]["second"] is not None and kill["contest"]["second"]["comm"] != kill["victim"]["comm"]:
                assert replay(kill, {kill["victim"]["comm"]: -1000}).comm == kill["contest"]["second"]["comm"]
    assert checked == 47
    by_name = {kill["victim"]["comm"]: kill for kill in kills}
    for first, next_one in (("first", "second"), ("second", "third")):
        assert replay(by_name[first], {first: -1000}).comm == next_one


@pytest.mark.parametrize("name, checked", [("003", 1), ("006", 1), ("012", 1), ("005", 1), ("007", 2)])
def test_old_kernels(shared, name, checked):
    """Kernels that spared root, and cgroups of version 1: the rule is found again from the numbers."""
    folder = os.path.join(shared, "corpus")
    (log,) = [log for log in os.listdir(folder) if log.startswith(name)]
    ledger = Ledger(100)
    with open(os.path.join(folder, log), "rb") as stream:
        for kill in kills_in(stream.read(), log):
            ledger.add(kill)
    found = [kill for kill in facts.kills_facts(ledger.entries(), include_tasks=True) if "tasks" in kill]
    assert [replay(kill, {}).changed for kill in found] == [False] * checked
    assert all(replay(kill, {}).known for kill in found)
