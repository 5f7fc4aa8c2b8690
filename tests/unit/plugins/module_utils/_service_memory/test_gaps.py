# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory.gaps import (
    file_gaps,
    kernel_gaps,
    score_gaps,
    systemd_gaps,
)
from ansible_collections.memops.linux.plugins.module_utils._service_memory.scores import Score
from ansible_collections.memops.linux.plugins.module_utils._service_memory.state import CurrentUnit, shadowing
from ansible_collections.memops.linux.plugins.module_utils._systemd import cgroup
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name

G = 1 << 30
PATH = "/etc/systemd/system/web.service.d/50-memops.conf"
LATER = "/etc/systemd/system/web.service.d/zz.conf"


def current(booted=True, exists=True, **shown):
    state = UnitState("web.service", dict(dict(LoadState="loaded"), **shown)) if booted else None
    return CurrentUnit(parse_unit_name("web"), "50-memops.conf", booted, exists, state)


SHADOWS = [
    (dict(memory_max="1G"), Origin("2G", LATER), True),
    (dict(memory_max="1G"), Origin("1024M", LATER), False),
    (dict(memory_max="1G"), Origin("", LATER), True),
    (dict(memory_max="1G"), Origin("2G", PATH), False),
    (dict(memory_max="50%"), Origin("2G", LATER), False),
    (dict(memory_max="1G"), Origin("1G1M", LATER), True),
]


@pytest.mark.parametrize("settings, origin, shadowed", SHADOWS)
def test_a_later_file_with_another_value(settings, origin, shadowed):
    assert (shadowing(current(), settings, {"memory_max": origin}, 4 * G) == {"memory_max": origin}) is shadowed


BELIEFS = [
    (current(MemoryMax=str(G)), []),
    (current(MemoryMax="infinity"), ["not_read"]),
    (current(), ["not_shown"]),
    (current(booted=False), ["systemd_not_running"]),
    (current(exists=False, LoadState="not-found"), ["absent"]),
    (current(LoadState="masked", MemoryMax="infinity"), ["masked"]),
    (current(booted=False)._replace(booted=True), ["no_instance"]),
]


@pytest.mark.parametrize("now, causes", BELIEFS)
def test_what_systemd_believes(now, causes):
    assert [
        gap.cause
        for gap in systemd_gaps(now, {"memory_max": "1G"}, lambda _state: {"memory_max": Origin("1G", PATH)}, 4 * G)
    ] == causes


def test_every_instance_is_asked_and_one_sentence_is_said_once():
    states = tuple(
        UnitState("pg@%d.service" % number, dict(MemoryMax=value))
        for number, value in ((1, str(G)), (2, "infinity"), (3, "5"))
    )
    now = CurrentUnit(parse_unit_name("pg@"), "50-memops.conf", True, True, None, states)
    gaps = systemd_gaps(now, {"memory_max": "1G", "restart": "no"}, lambda _state: {}, 4 * G)
    assert (
        [gap.cause for gap in gaps] == ["not_shown", "not_read", "not_read"]
        and "pg@2.service" in gaps[1].text
        and "pg@3.service" in gaps[2].text
    )


def test_the_file():
    assert file_gaps(current(), b"a", b"a") == [] and file_gaps(current(), None, None) == []
    assert [
        gap.cause
        for after, now in ((b"a", b""), (b"a", None), (None, b"a"))
        for gap in file_gaps(current(), after, now)
    ] == ["not_written"] * 3


KERNEL = [
    ("2", dict(memory_max="1G"), dict(MemoryMax=str(G)), {"memory.max": "%d" % G}, []),
    ("2", dict(memory_max="1G"), dict(MemoryMax=str(G)), {"memory.max": "max"}, ["not_enforced"]),
    ("2", dict(memory_max="1G"), dict(MemoryMax=str(G)), {}, ["not_enforced"]),
    ("2", dict(memory_max="infinity"), dict(MemoryMax="infinity"), {}, []),
    ("2", dict(memory_max="5000"), dict(MemoryMax="5000"), {"memory.max": "4096"}, []),
    ("2", dict(oom_score_adjust="1"), {}, {}, []),
    ("2", dict(oom_policy="kill"), dict(OOMPolicy="kill"), {"memory.oom.group": "0"}, ["not_enforced"]),
    ("2", dict(oom_policy="stop"), dict(OOMPolicy="stop"), {"memory.oom.group": "0"}, []),
    ("1", dict(memory_high="1G"), dict(MemoryHigh=str(G)), {}, ["cgroup_v1"]),
    ("1", dict(memory_max="1G"), dict(MemoryMax=str(G)), {"memory.limit_in_bytes": "%d" % G}, []),
    ("1", dict(oom_policy="kill"), dict(OOMPolicy="kill"), {}, ["cgroup_v1"]),
    ("1", dict(oom_policy="stop"), dict(OOMPolicy="stop"), {}, []),
    ("none", dict(memory_max="1G"), dict(MemoryMax=str(G)), {}, ["no_memory_controller"]),
    ("none", dict(memory_max="infinity", memory_low="0"), dict(MemoryMax="infinity", MemoryLow="0"), {}, []),
    ("none", dict(memory_max="infinity"), dict(MemoryMax=str(G)), {}, ["no_memory_controller"]),
    ("1", dict(memory_high="infinity"), dict(MemoryHigh="infinity"), {}, []),
]


@pytest.mark.parametrize("version, settings, shown, files, causes", KERNEL)
def test_what_the_kernel_holds(make, monkeypatch, version, settings, shown, files, causes):
    monkeypatch.setattr(cgroup, "_PAGE", 4096)
    machine = make(cgroups="1" if version == "1" else "2")
    if version == "none":
        machine.write("/sys/fs/cgroup/cgroup.controllers", "cpu\n")
    where = cgroup.layout(machine.host)
    for name, text in files.items():
        machine.write("%s/w/%s" % (where.memory, name), text + "\n")
    state = UnitState("web.service", dict(shown, ControlGroup="/w"))
    assert [gap.cause for gap in kernel_gaps(machine.host, where, state, settings)] == causes


ROWS = [
    ([Score(1, "a", 0, -5, "as_wanted")], True, []),
    ([Score(1, "a", 7, 7, "own_score")], True, ["own_score"]),
    ([Score(1, "a", 0, 0, "older")], True, ["older_than_drop_in"]),
    ([Score(1, "a", 0, 0, "denied")], True, ["denied"]),
    ([Score(1, "a", 0, 0, "denied")], False, ["no_cap_sys_resource"]),
    ([], True, []),
]


@pytest.mark.parametrize("rows, capable, causes", ROWS)
def test_what_the_processes_have(rows, capable, causes):
    assert [gap.cause for gap in score_gaps("web.service", rows, -5, capable)] == causes


def test_three_are_named_and_the_rest_counted():
    (gap,) = score_gaps("web.service", [Score(number, "a", 7, 7, "own_score") for number in range(5)], -5, True)
    assert "pid 2" in gap.text and "pid 3" not in gap.text and "and 2 more" in gap.text
