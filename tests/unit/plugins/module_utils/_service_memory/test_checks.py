# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._safe_file import FileNow
from ansible_collections.memops.linux.plugins.module_utils._service_memory import checks
from ansible_collections.memops.linux.plugins.module_utils._service_memory.limits import Limit
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import Overrides, Request
from ansible_collections.memops.linux.plugins.module_utils._service_memory.state import CurrentUnit
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import render
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin, UnitFile
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name

G = 1 << 30
M = 1 << 20


def current(name="web", before=None, **shown):
    unit = parse_unit_name(name)
    return CurrentUnit(
        unit, "50-memops.conf", True, True, UnitState(unit.name, dict(shown, LoadState="loaded")), before=before
    )


def request(name="web", state="present", **settings):
    return Request(parse_unit_name(name), settings, state)


BROAD = [
    ("system.slice", dict(memory_max="1G"), Overrides(), "allow_broad=true"),
    ("system.slice", dict(memory_max="1G"), Overrides(broad=True), None),
    ("-.slice", dict(memory_max="1G"), Overrides(broad=True), "is never set"),
    ("init.scope", dict(memory_high="1G"), Overrides(broad=True), "is never set"),
    ("-.slice", dict(memory_low="1G"), Overrides(broad=True), None),
    ("app-.service", dict(oom_score_adjust="5"), Overrides(), "allow_broad"),
    ("web", dict(memory_max="1G"), Overrides(), None),
]


@pytest.mark.parametrize("name, settings, overrides, words", BROAD)
def test_breadth(name, settings, overrides, words):
    message = checks.breadth(current(name), request(name, **settings), overrides)
    assert (message is None) if words is None else (message is not None and words in message)


CONSISTENT = [
    (dict(memory_high="2G", memory_max="1G"), True),
    (dict(memory_high="1G", memory_max="2G"), False),
    (dict(memory_low="2G", memory_max="1G"), True),
    (dict(memory_min="1G", memory_low="1G"), False),
    (dict(memory_high="infinity", memory_max="1G"), True),
    (dict(memory_high="1G", memory_max="infinity"), False),
    (dict(memory_high="50%", memory_max="1G"), True),
    (dict(memory_low="10%", memory_max="1G"), False),
    (dict(memory_min="2G", memory_swap_max="0"), False),
]


@pytest.mark.parametrize("settings, refused", CONSISTENT)
def test_limits_that_contradict_each_other(settings, refused):
    message = checks.consistency(request(**settings), {}, 4 * G, Overrides())
    assert (message is not None and "allow_limits" in message) == refused
    assert checks.consistency(request(**settings), {}, 4 * G, Overrides(allow_limits=True)) is None


# (requested, what another file sets, words)
CONTRADICTED = [
    (
        dict(memory_high="1G"),
        dict(memory_max="512M"),
        "memory_high=1G is more than MemoryMax=512M of /usr/lib/x.service",
    ),
    (dict(memory_high="256M"), dict(memory_max="512M"), None),
    (dict(memory_high="infinity"), dict(memory_max="512M"), None),
    (dict(memory_min="infinity"), dict(memory_max="512M"), "memory_min=infinity is more than MemoryMax=512M"),
    (
        dict(memory_min="1G"),
        dict(memory_high="infinity", memory_max="512M"),
        "memory_min=1G is more than MemoryMax=512M",
    ),
    (dict(memory_max="1G"), dict(memory_low="2G"), "MemoryLow=2G of /usr/lib/x.service is more than memory_max=1G"),
    (dict(memory_high="1G", memory_max="2G"), dict(memory_max="512M"), None),
    (dict(memory_high="1G"), dict(memory_max=""), None),
    (dict(memory_swap_max="0"), dict(memory_high="1G", memory_max="512M"), None),
]


@pytest.mark.parametrize("settings, theirs, words", CONTRADICTED)
def test_a_limit_that_contradicts_one_of_another_file(settings, theirs, words):
    found = {option: Origin(value, "/usr/lib/x.service") for option, value in theirs.items()}
    message = checks.consistency(request(**settings), found, 4 * G, Overrides())
    assert (message is None) if words is None else (message is not None and words in message)
    assert checks.consistency(request(**settings), found, 4 * G, Overrides(allow_limits=True)) is None


def limit(option, wanted, kernel_value="infinity"):
    return Limit("web.service", option, option.replace("_", ".", 1), kernel_value, wanted)


# E1, E2: (what the kernel holds and will hold, used, swapped, is refused)
ROOM = [
    ([limit("memory_max", 64 * M)], 100 * M, 0, True),
    ([limit("memory_max", 64 * M)], 10 * M, 0, False),
    ([limit("memory_max", 64 * M)], 60 * M, 0, True),
    ([limit("memory_max", 64 * M, 64 * M)], 100 * M, 0, False),
    ([limit("memory_max", 64 * M, None)], 100 * M, 0, True),
    ([limit("memory_high", 64 * M)], 100 * M, 0, True),
    ([limit("memory_high", 64 * M, 32 * M)], 100 * M, 0, False),
    ([limit("memory_high", 64 * M, 96 * M)], 100 * M, 0, True),
    ([limit("memory_max", "infinity", 64 * M)], 100 * M, 0, False),
    ([limit("memory_low", 64 * M, 0)], 10 * M, 0, False),
    ([limit("memory_max", 64 * M)], None, None, False),
    ([limit("memory_max", 64 * M), limit("memory_swap_max", 0)], 40 * M, 60 * M, True),
    ([limit("memory_max", 64 * M), limit("memory_swap_max", 0, 0)], 40 * M, 0, False),
    ([limit("memory_max", 64 * M)], 40 * M, 60 * M, False),
]


@pytest.mark.parametrize("limits, used, swapped, refused", ROOM)
def test_a_limit_below_what_is_used(limits, used, swapped, refused):
    message = checks.headroom(limits, used, swapped, Overrides())
    assert (message is not None) == refused
    if message:
        assert "at the reload" in message and "allow_limits=true" in message
    assert checks.headroom(limits, used, swapped, Overrides(allow_limits=True)) is None


# D8
UNKILLABLE = [
    ("sshd", {}, "other people"),
    ("ssh", {}, "other people"),
    ("cron", {}, "other people"),
    ("docker", {}, "other people"),
    ("user@1000.service", {}, "other people"),
    ("getty@tty1", {}, "other people"),
    ("containerd", {}, "other people"),
    ("mine", dict(Delegate="yes"), "Delegate"),
    ("mine", dict(KillMode="process"), "KillMode"),
    ("mine", {}, None),
    ("postgresql", {}, None),
    ("sshd-helper", {}, None),
]


@pytest.mark.parametrize("name, shown, words", UNKILLABLE)
def test_minus_1000_is_inherited(name, shown, words):
    message = checks.inheritance(current(name, **shown), request(name, oom_score_adjust="-1000"), Overrides())
    assert (
        (message is None)
        if words is None
        else (message is not None and words in message and "allow_unkillable" in message)
    )
    assert checks.inheritance(current(name, **shown), request(name, oom_score_adjust="-999"), Overrides()) is None
    assert (
        checks.inheritance(current(name, **shown), request(name, oom_score_adjust="-1000"), Overrides(unkillable=True))
        is None
    )


LOOSER = [
    ("OOMScoreAdjust=-900", dict(oom_score_adjust="-500"), True),
    ("OOMScoreAdjust=-500", dict(oom_score_adjust="-900"), False),
    ("OOMScoreAdjust=500", dict(oom_score_adjust="0"), False),
    ("OOMScoreAdjust=0", dict(oom_score_adjust="300"), False),
    ("MemoryMax=1G", dict(memory_max="2G"), True),
    ("MemoryMax=1G", dict(memory_max="infinity"), True),
    ("MemoryMax=2G", dict(memory_max="1G"), False),
    ("MemoryMax=1G512M", dict(memory_max="2G"), True),
    ("MemoryLow=1G", dict(memory_low="512M"), True),
    ("MemoryLow=512M", dict(memory_low="1G"), False),
    ("MemoryMin=infinity", dict(memory_min="1G"), True),
    ("MemoryMax=64m", dict(memory_max="2G"), False),
    ("Restart=always", dict(restart="no"), False),
    ("MemoryMax=", dict(memory_max="2G"), False),
]


@pytest.mark.parametrize("line, settings, refused", LOOSER)
def test_what_a_person_set_is_not_loosened(line, settings, refused):
    data = ("[Service]\n%s\n" % line).encode("ascii")
    files = [UnitFile("/etc/systemd/system/web.service.d/10-a.conf", data)]
    message = checks.weakening(current(), request(**settings), files, 4 * G, Overrides())
    assert (message is not None) == refused
    if message:
        assert "10-a.conf" in message and "allow_weaker" in message
    assert checks.weakening(current(), request(**settings), files, 4 * G, Overrides(weakening=True)) is None
    assert (
        checks.weakening(
            current(),
            request(**settings),
            [UnitFile("/usr/lib/systemd/system/web.service.d/10-a.conf", data)],
            4 * G,
            Overrides(),
        )
        is None
    )


def test_our_own_file_of_another_name_is_no_persons():
    files = [
        UnitFile("/etc/systemd/system/web.service.d/40-team.conf", render("service", {"oom_score_adjust": "-900"}))
    ]
    assert checks.weakening(current(), request(oom_score_adjust="-100"), files, 4 * G, Overrides()) is None
    files.append(UnitFile("/etc/systemd/system/web.service.d/10-a.conf", b"[Service]\nOOMScoreAdjust=-900\n"))
    assert "10-a.conf" in (
        checks.weakening(current(), request(oom_score_adjust="-100"), files, 4 * G, Overrides()) or ""
    )


# (before, new, RAM, is refused)
TOTAL = [
    ({"a": 3 * G, "b": G}, {"b": 2 * G}, 4 * G, True),
    ({"a": 3 * G, "b": G}, {"b": G}, 4 * G, False),
    ({"a": 6 * G, "b": 2 * G}, {"b": G}, 4 * G, False),
    ({"a": 3 * G, "b": "infinity"}, {"b": 2 * G}, 4 * G, True),
    ({}, {"b": 5 * G}, 4 * G, True),
    ({"a": 3 * G}, {"b": 2 * G}, None, False),
    ({"a": 9 * G}, {}, 4 * G, False),
    ({"a": None, "b": "infinity"}, {"c": 3 * G}, 4 * G, False),
]


@pytest.mark.parametrize("limits, new, ram, refused", TOTAL)
def test_limits_that_add_up_to_more_than_ram(limits, new, ram, refused):
    assert (checks.total(limits, new, ram, Overrides()) is not None) == refused
    assert checks.total(limits, new, ram, Overrides(overcommit=True)) is None


KILLABLE = [(0.6, 5000, True), (0.5, 5000, False), (0.6, 3000, False), (0.95, 0, False), (None, 5000, False)]


@pytest.mark.parametrize("share, least, refused", KILLABLE)
def test_enough_must_be_left_to_kill(share, least, refused):
    """D9: "no killable processes" is a panic"""
    message = checks.killable(share, [("a.service", "-1000"), ("b.service", "-5")], Overrides(min_killable=least))
    assert (message is not None) == refused
    if message:
        assert "a.service" in message and "b.service" not in message and "min_killable" in message
    assert checks.killable(share, [("b.service", "-5")], Overrides(min_killable=least)) is None


OWNERS = [
    (b"# Managed by memops.linux.service_memory\n[Service]\n", False),
    (b"", False),
    (b"\0\0\n \n", False),
    (b"[Service]\nMemoryMax=1G\n", True),
    (b"# mine\n", True),
]


@pytest.mark.parametrize("data, refused", OWNERS)
def test_a_persons_file_of_our_name(data, refused):
    message = checks.ownership(current(before=FileNow(data, None)))
    assert (message is not None and "was not written by this module" in message) == refused
    assert checks.ownership(current()) is None


def test_support_and_cautions():
    assert set(checks.support(current(), request(oom_policy="kill", memory_max="1G", restart="no"), 219)) == {
        "oom_policy",
        "memory_max",
    }
    assert checks.support(current(), request(state="absent", oom_policy="kill"), 219) == {}
    here = current()
    assert len(checks.cautions(here, request(oom_policy="kill", oom_score_adjust="-1000"), G)) == 1
    assert len(checks.cautions(here, request(memory_high="1G", memory_swap_max="0"), G)) == 1
    assert (
        len(checks.cautions(here, request(memory_max="1G"), G)) == 1
        and checks.cautions(here, request(memory_max="1G", memory_swap_max="0"), G) == []
    )
    passing = current(Transient="yes")
    assert "stays when the unit ends" in checks.cautions(passing, request(restart="no"), G)[0]
    assert checks.cautions(passing, request(state="absent"), G) == []
    assert checks.cautions(current("init.scope", Transient="yes"), request("init.scope", memory_low="1G"), G) == []
