# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of the baseline: a host that it catches, a host that comes near and is right, and a host that does not
tell.
"""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.memops.linux.plugins.plugin_utils._policy import source
from ansible_collections.memops.linux.plugins.plugin_utils._policy.source import load_policy
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import (
    BEFORE_POLICY,
    GIB,
    LIMITS,
    held,
    held_by,
    host,
    judged,
    statuses,
    unit,
)
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import disputed, kill, panic

MIB = 1 << 20


def chronic(state, trusted=True):
    return {"total": 3, "untrusted": 0, "verdict": {"state": state, "reasons": ["x"], "trusted": trusted}}


#: id -> caught, near miss, and a host of which it cannot be known
LINT = {
    "oom-without-kill": (
        host(unresolved=[panic()]),
        host(unresolved=[panic(proof="disputed")]),
        host(kills=None),
    ),
    "unexplained-kills": (
        host(counters__unexplained=1),
        host(counters__unexplained=0),
        host(counters__unexplained=None),
    ),
    "unit-missing-after-kill": (
        host(units=[unit(result="oom-kill", active_state="failed")]),
        host(units=[unit(result="oom-kill", active_state="active")]),
        host(units=[unit(result="oom-kill", active_state=None)]),
    ),
    "login-service-killed": (
        host(kills=[kill(1, unit="ssh.service")]),
        host(kills=[disputed(1, unit="ssh.service")]),
        host(kills=None),
    ),
    "chronic": (host(summary=chronic("chronic")), host(summary=chronic("transient")), host(summary={"total": 0})),
    "panic-on-oom": (host(settings__panic_on_oom=1), host(settings__panic_on_oom=0), host(settings__panic_on_oom=None)),
    "overcommit-never": (
        host(settings__overcommit_memory=2, memory__swap_total=0),
        host(settings__overcommit_memory=2, settings__overcommit_ratio=80, memory__swap_total=0),
        host(settings__overcommit_memory=2, memory__swap_total=None),
    ),
    "allocating-task": (
        host(settings__oom_kill_allocating_task=1),
        host(),
        host(settings__oom_kill_allocating_task=None),
    ),
    "swappiness-zero": (
        host(settings__swappiness=0),
        host(settings__swappiness=0, memory__swap_total=0),
        host(settings__swappiness=None),
    ),
    "min-free-large": (
        host(settings__min_free_kbytes=8 * 1024 * 1024 // 19),
        host(settings__min_free_kbytes=8 * 1024 * 1024 // 21),
        host(memory__total=None),
    ),
    "sysctl-conf-unread": (
        host(settings_at_boot={"values": {}, "ignored": {"swappiness": "/etc/sysctl.conf"}}),
        host(
            settings_at_boot={
                "values": {"swappiness": {"value": 10, "file": "/etc/sysctl.d/99-sysctl.conf"}},
                "ignored": {},
            }
        ),
        host(settings_at_boot=None),
    ),
    "limits-exceed-memory": (
        host(units=[unit("a.service", memory_max=5 * GIB), unit("b.service", memory_max=4 * GIB)]),
        host(units=[unit("a.service", memory_max=5 * GIB), unit("b.service", memory_max=3 * GIB), unit("c.service")]),
        host(memory__total=None),
    ),
    "guarantees-exceed-memory": (
        host(units=[unit("a.service", memory_min=5 * GIB), unit("b.service", memory_min=2 * GIB)]),
        host(units=[unit("a.service", memory_min=4 * GIB), unit("b.service", memory_min=2 * GIB)]),
        host(units=None),
    ),
    "high-not-below-max": (
        host(units=[unit(memory_high=GIB, memory_max=GIB)]),
        host(units=[unit(memory_high=GIB - 1, memory_max=GIB)]),
        host(units=None),
    ),
    "max-without-swap-max": (
        host(units=[unit(memory_max=GIB)]),
        host(units=[unit("earlyoom.service", memory_max=50 * MIB)]),
        host(units=[unit(memory_max=GIB, unlimited=["memory_high"])]),
    ),
    "memory-high-without-swap": (
        host(units=[unit(memory_high=GIB)], memory__swap_total=0),
        host(units=[unit(memory_high=GIB)]),
        host(units=[unit(memory_high=GIB)], memory__swap_total=None),
    ),
    "delegate-unkillable": (
        host(units=[unit(oom_score_adjust=-1000, type="forking")]),
        host(
            units=[
                unit(oom_score_adjust=-999, type="forking"),
                unit("b.service", oom_score_adjust=-1000, type="simple"),
                unit("systemd-udevd.service", oom_score_adjust=-1000, delegate=True, kill_mode="mixed"),
            ]
        ),
        host(units=[unit(oom_score_adjust=-1000, delegate=None)]),
    ),
    "unkillable-memory": (
        host(units=[unit(oom_score_adjust=-1000, memory_current=4 * GIB + 1)]),
        host(
            units=[
                unit(oom_score_adjust=-999, memory_current=6 * GIB),
                unit("b.service", oom_score_adjust=-1000, memory_current=4 * GIB),
            ]
        ),
        host(units=None),
    ),
    "group-kill-spares": (
        host(units=[unit(oom_policy="kill", oom_score_adjust=-1000)]),
        host(units=[unit(oom_policy="kill", oom_score_adjust=-999)]),
        host(units=[unit(oom_policy="kill", oom_score_adjust=None)]),
    ),
    "killed-not-restarted": (
        host(units=[unit(oom_kills=1, restart="on-abort")]),
        host(
            units=[
                unit(oom_kills=1, restart="on-abnormal"),
                unit("b.service", restart="no"),
                unit("c.service", oom_kills=1, restart="no", type="oneshot"),
            ]
        ),
        host(units=[unit(oom_kills=1, restart=None)]),
    ),
    "restart-loop": (
        host(units=[unit(oom_kills=4, restarts=10)]),
        host(units=[unit(restarts=500)]),
        host(units=[unit(oom_kills=4, restarts=None)]),
    ),
    "needs-reload": (
        host(units=[unit(needs_reload=True)]),
        host(units=[unit(needs_reload=False)]),
        host(units=[unit(needs_reload=None)]),
    ),
    "not-in-the-kernel": (
        host(units=[unit(memory_max=GIB, kernel=held())]),
        host(
            units=[
                unit(memory_max=GIB + 1, kernel=held(memory_max=GIB)),
                unit("docker-1.scope", memory_max=GIB, kernel=held()),
            ]
        ),
        host(units=[unit(memory_max=GIB, kernel=held_by(None))]),
    ),
    "limit-ignored": (
        host(units=[unit(memory_high=GIB, kernel=held_by("v1", memory_max="infinity"))]),
        host(units=[unit(memory_max=GIB, kernel=held_by("v1", memory_max=GIB))]),
        host(units=[unit(memory_high=GIB, kernel=None)]),
    ),
    "older-than-drop-in": (
        host(units=[unit(processes=[{"pid": 1, "comm": "a", "oom_score_adj": 0, "state": "older"}])]),
        host(units=[unit(processes=[{"pid": 1, "comm": "a", "oom_score_adj": 0, "state": "own_score"}])]),
        host(units=None),
    ),
    "own-score": (
        host(
            units=[
                unit(
                    set_by={"oom_score_adjust": "/etc/systemd/system/a.d/x.conf"},
                    processes=[{"pid": 1, "state": "own_score"}],
                )
            ]
        ),
        host(
            units=[
                unit(
                    set_by={"oom_score_adjust": "/lib/systemd/system/a.service"},
                    processes=[{"pid": 1, "state": "own_score"}],
                )
            ]
        ),
        host(units=None),
    ),
    "swap-not-persistent": (
        host(swap=[{"path": "/s", "type": "file", "in_fstab": False}]),
        host(swap=[{"path": "/dev/zram0", "type": "zram", "in_fstab": False}]),
        host(swap=[{"path": "/s", "type": "file", "in_fstab": None}]),
    ),
    "two-killers": (
        host(daemons__systemd_oomd="active", daemons__earlyoom="active"),
        host(daemons__systemd_oomd="active", daemons__earlyoom="inactive"),
        host(daemons__systemd_oomd="active", daemons__earlyoom=None),
    ),
    "oomd-without-pressure": (
        host(daemons__systemd_oomd="active", memory__psi=None),
        host(daemons__systemd_oomd="inactive", memory__psi=None),
        host(daemons__systemd_oomd=None, memory__psi=None),
    ),
    "oomd-without-swap": (
        host(daemons__nohang="active", memory__swap_total=0),
        host(daemons__earlyoom="active", memory__swap_total=0),
        host(daemons__nohang=None, memory__swap_total=0),
    ),
}


def test_without_swap_there_is_none_to_go_on_in():
    assert statuses(host(units=[unit(memory_max=GIB)], memory__swap_total=0), "baseline", "max-without-swap-max") == {
        "pass"
    }


def test_every_rule_is_in_the_table():
    assert sorted(LINT) == sorted(rule.id for rule in load_policy("baseline").rules)


@pytest.mark.parametrize("name", sorted(LINT))
def test_the_rule_catches_its_host(name):
    assert "fail" in statuses(LINT[name][0], "baseline", name)


@pytest.mark.parametrize("name", sorted(LINT))
def test_the_near_miss_passes(name):
    assert statuses(LINT[name][1], "baseline", name) == {"pass"}


@pytest.mark.parametrize("name", sorted(LINT))
def test_what_is_not_told_is_unknown(name):
    assert statuses(LINT[name][2], "baseline", name) == {"unknown"}


def test_a_sound_host_passes_every_rule():
    assert [one for one in judged(host()) if one.status != "pass"] == []


def test_a_host_that_tells_nothing_passes_no_rule():
    bare = {"schema": 1, "gathered_at": judged.__defaults__[1]}
    assert {one.status for one in judged(bare)} == {"unknown"}


ABOUT_UNITS = {
    rule.id for rule in load_policy("baseline").rules if "units" in (rule.each.text if rule.each else rule.holds.text)
}
NO_DAEMONS = {"systemd-oomd": None, "earlyoom": None, "nohang": None, "oomd": None}


@pytest.mark.parametrize(
    "dark",
    [host(units=None), host(units=[], daemons=NO_DAEMONS), host(units_truncated=1)],
    ids=["null", "as older versions told it", "left out"],
)
def test_units_that_are_not_told_pass_no_rule_about_them(dark):
    assert len(ABOUT_UNITS) >= 14
    assert {one.status for one in judged(dark) if one.id in ABOUT_UNITS} == {"unknown"}


def test_asked_and_none_matched_is_known():
    assert {one.status for one in judged(host(units=[])) if one.id in ABOUT_UNITS} == {"pass"}


def test_a_unit_that_is_told_fails_whatever_was_left_out():
    assert statuses(host(units=[unit(needs_reload=True)], units_truncated=1), "baseline", "needs-reload") == {"fail"}


def test_a_unit_that_is_not_installed_breaks_no_rule():
    """As oom_facts tells of a unit that was asked for and is not there."""
    absent = dict.fromkeys(unit(), None)
    absent.update(
        name="nope.service", names=[], load_state="not-found", active_state="inactive", result="success", unlimited=[]
    )
    assert [one for one in judged(host(units=[absent, unit()])) if one.status != "pass"] == []


def test_a_unit_without_a_cgroup_counts_no_kills():
    assert [
        one
        for one in judged(host(units=[unit(active_state="inactive", oom_kills=None, scores=None)]))
        if one.status != "pass"
    ] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"assert": "length(memory.total) == `1`"},
        {"assert": "memory.total > `1`", "needs": ["length(memory.total)"]},
        {"assert": "memory.total > `1`", "when": "length(memory.total) == `1`"},
        {"assert": "item > `1`", "for": "memory"},
        {"assert": "item > `1`", "for": "length(memory.total)"},
        {"assert": "settings.nothing_of_the_kind"},
        {"assert": "memory.total"},
        {"assert": "length(units)"},
        {"assert": "visibility.state"},
    ],
)
def test_a_rule_that_does_not_fit_the_facts_is_unknown(changes):
    rule = {"id": "mine", "severity": "info", "message": "m", "remedy": "r", **changes}
    assert statuses(host(), {"rules": [rule]}, "mine") == {"unknown"}


EXITED = held_by("no_cgroup")
OF_UNITS = [
    ("unkillable-memory", unit(oom_score_adjust=-1000, memory_current=None), "unknown"),
    ("unkillable-memory", unit(oom_score_adjust=None), "unknown"),
    ("unkillable-memory", unit(memory_current=None), "pass"),
    ("unkillable-memory", unit(oom_score_adjust=-1000, memory_current=None, active_state="failed"), "pass"),
    ("unkillable-memory", unit(oom_score_adjust=-1000, memory_current=None, kernel=EXITED), "pass"),
    ("limits-exceed-memory", unit(unlimited=[]), "unknown"),
    ("limits-exceed-memory", unit(unlimited=[], active_state="inactive"), "unknown"),  # it may be started
    ("guarantees-exceed-memory", unit(memory_min=None, **BEFORE_POLICY), "pass"),  # an older systemd
    ("guarantees-exceed-memory", unit(memory_min=None), "unknown"),
    ("guarantees-exceed-memory", unit(memory_min=None, unlimited=[]), "unknown"),
]


@pytest.mark.parametrize("name, one, wanted", OF_UNITS)
def test_what_a_running_unit_does_not_tell_is_in_no_sum(name, one, wanted):
    template = unit(
        "x@.service",
        load_state="template",
        active_state=None,
        oom_score_adjust=None,
        memory_current=None,
        unlimited=[],
        kernel=None,
    )
    assert statuses(host(units=[one, template]), "baseline", name) == {wanted}
    over = unit("over.service", oom_score_adjust=-1000, memory_current=9 * GIB, memory_max=9 * GIB, memory_min=9 * GIB)
    assert statuses(host(units=[one, over]), "baseline", name) == {"fail"}


BY_HAND = [{"pid": 1, "comm": "a", "oom_score_adj": 5, "state": "own_score"}]
OF_PROCESSES = [
    ("older-than-drop-in", unit(processes=None), "unknown"),
    (
        "older-than-drop-in",
        unit(scores=None, processes=[]),
        "unknown",
    ),  # as oom_facts tells of processes that it cannot see
    ("older-than-drop-in", unit(scores=None, processes=[], active_state=None), "unknown"),
    ("older-than-drop-in", unit(scores=None, processes=[], active_state="inactive"), "pass"),
    ("older-than-drop-in", unit(scores=None, processes=[], kernel=EXITED), "pass"),
    ("older-than-drop-in", unit(scores={"0": 1, "7": 1}, processes=[]), "unknown"),  # who has 7 is not among the listed
    (
        "older-than-drop-in",
        unit(scores={"0": 1, "5": 40}, processes=BY_HAND),
        "pass",
    ),  # why one has 5 is why all have it
    ("older-than-drop-in", unit("a.slice", scores=None, processes=[], oom_score_adjust=None, oom_policy=None), "pass"),
    ("own-score", unit(set_by=None, scores={"0": 1, "5": 1}, processes=BY_HAND), "unknown"),
    ("own-score", unit(set_by={"oom_score_adjust": "/etc/a.conf"}, scores=None, processes=[]), "unknown"),
    ("own-score", unit(set_by={"oom_score_adjust": "/etc/a.conf"}, scores={"0": 1, "5": 1}, processes=BY_HAND), "fail"),
]


@pytest.mark.parametrize("name, one, wanted", OF_PROCESSES)
def test_processes_that_were_not_seen_have_no_score(name, one, wanted):
    assert statuses(host(units=[one, unit("b.service")]), "baseline", name) == {wanted}


OF_KILLS = [
    (kill(1, unit="sshd@7-10.0.0.1.service"), "fail"),
    (kill(1, unit="hog.service", victim_comm="sshd"), "pass"),
    (kill(1, unit=None, task_memcg="/user.slice/user-0.slice/session-3.scope", victim_comm="sshd"), "pass"),
    (kill(1, unit=None, task_memcg=None, victim_comm="java"), "pass"),
    (kill(1, unit=None, task_memcg=None, victim_comm="sshd"), "unknown"),
    (kill(1, unit=None, task_memcg=None, victim_comm=None), "unknown"),
]


@pytest.mark.parametrize("one, wanted", OF_KILLS)
def test_who_was_the_way_in(one, wanted):
    assert statuses(host(kills=[one]), "baseline", "login-service-killed") == {wanted}


def test_all_memory_guaranteed_to_one_is_too_much():
    """MemoryMin=infinity is not an integer that a sum would hold."""
    assert statuses(
        host(units=[unit(memory_min=None, unlimited=["memory_min", *LIMITS[2:]])]),
        "baseline",
        "guarantees-exceed-memory",
    ) == {"fail"}


def test_of_a_list_that_is_not_told_whole_the_rest_is_judged():
    rule = {
        "id": "mine",
        "severity": "info",
        "message": "m",
        "remedy": "r",
        "for": "units[?restart == 'no']",
        "assert": "item.restarts < `5`",
    }
    told = unit("a.service", restart="no", restarts=9)
    assert statuses(host(units=[told, unit(restart=None)]), {"rules": [rule]}, "mine") == {"fail", "unknown"}
    assert statuses(host(units=[unit(restart=None)]), {"rules": [rule]}, "mine") == {"unknown"}


def test_two_that_run_are_two_whatever_the_third_does():
    found = host(daemons__systemd_oomd="active", daemons__earlyoom="active", daemons__nohang=None)
    assert statuses(found, "baseline", "two-killers") == {"fail"}


def test_events_that_were_not_told_are_not_none():
    mangled = host()
    del mangled["unresolved"]
    assert statuses(mangled, "baseline", "oom-without-kill") == {"unknown"}


MANGLED = [
    {"visibility__reasons": 5},
    {"units": [unit(unlimited=[[]])]},
    {"units": [unit(), None]},
    {"units": [unit(processes=[[]])]},
    {"swap": [1]},
]


@pytest.mark.parametrize("changes", MANGLED, ids=["reasons", "unlimited", "units", "processes", "swap"])
def test_facts_of_a_mangled_cache_are_judged_as_far_as_they_go(changes):
    found = judged(host(**changes))
    assert len(found) > 20 and "facts" not in {one.id for one in found}
    gone = {"units": "needs-reload", "swap": "swap-not-persistent"}
    for key, name in gone.items():
        if None in changes.get(key, ()) or 1 in changes.get(key, ()):
            assert statuses(host(**changes), "baseline", name) == {"unknown"}


def test_every_rule_has_a_reason():
    assert [rule.id for rule in load_policy("baseline").rules if len(rule.reason) < 40] == []


def test_the_file_is_plain_yaml():
    path = source.__file__.replace("source.py", "baseline.yml")
    with open(path, encoding="utf-8") as stream:
        assert yaml.safe_load(stream)["name"] == "baseline"


def test_a_finding_tells_what_has_to_be_true_in_sizes_for_eyes():
    over = host(units=[unit(memory_high=2 * GIB, memory_max=GIB)])
    (found,) = [one for one in judged(over) if one.id == "high-not-below-max"]
    assert found.effective == {"memory_high": "2.0 GiB", "memory_max": "1.0 GiB"}
    assert (found.evidence["memory_high"], found.evidence["load_state"]) == (2 * GIB, "loaded")
    (found,) = [
        one for one in judged(host(memory__total=GIB, settings__min_free_kbytes=100_000)) if one.id == "min-free-large"
    ]
    assert found.effective == {"settings.min_free_kbytes": 100_000, "memory.total": "1.0 GiB"}


SEEN = ("oom-without-kill", "login-service-killed", "chronic")
SIGHT = [
    ("clear", [], "pass"),
    ("partial", ["the sources reach back to x"], "pass"),
    ("partial", ["9 kernel messages were lost before they were stored"], "unknown"),
    ("partial", ["runs in a container (docker): kernel log and counters are the host's"], "unknown"),
    ("partial", [], "unknown"),
    ("blind", ["x"], "unknown"),
]


@pytest.mark.parametrize("state, reasons, wanted", SIGHT)
@pytest.mark.parametrize("name", SEEN)
def test_no_kill_was_seen_where_none_could_be(name, state, reasons, wanted):
    assert statuses(host(visibility__state=state, visibility__reasons=reasons), "baseline", name) == {wanted}
    assert statuses(host(counters__unexplained=1), "baseline", name) == {"unknown"}


def test_a_kill_that_was_seen_fails_whatever_else_there_was():
    dim = host(
        visibility__state="partial",
        visibility__reasons=["9 kernel messages were lost"],
        kills=[kill(1, unit="sshd.service")],
    )
    assert statuses(dim, "baseline", "login-service-killed") == {"fail"}


OF_COUNTERS = [
    (unit(restart="no", oom_kills=None), "unknown"),
    (unit(restart="no", oom_kills=None, kernel=held_by("v1", memory_max="infinity")), "unknown"),  # before Linux 4.13
    (
        unit(restart="no", oom_kills=None, kernel=held_by("none")),
        "pass",
    ),  # no memory cgroup: podman, cgroup 1 without accounting
    (unit(restart="no", oom_kills=None, kernel=EXITED), "pass"),
    (unit(restart="no", oom_kills=None, result="oom-kill", kernel=held_by("none")), "fail"),
    (unit("dbus.socket", restart=None, restarts=None, oom_kills=None, oom_policy=None), "pass"),
]


@pytest.mark.parametrize("one, wanted", OF_COUNTERS)
@pytest.mark.parametrize("name", ["killed-not-restarted", "restart-loop"])
def test_kills_that_nobody_counts(name, one, wanted):
    one = dict(one, restarts=99 if one["restarts"] == 0 else one["restarts"])
    assert statuses(host(units=[one]), "baseline", name) == {wanted}


def test_an_old_systemd_is_no_unknown_one():
    """Of systemd 219 (EL 7) and 239 (EL 8): what they do not have limits nothing."""
    newer = dict(BEFORE_POLICY, memory_min=None, memory_low=None, memory_high=None, memory_swap_max=None)
    old = unit("a.service", **newer, memory_max=GIB, unlimited=[], kernel=held_by("v1", memory_max=GIB))
    older = unit("b.service", **newer, unlimited=["memory_max"], kernel=held_by("none"))
    el8 = unit("c.service", **BEFORE_POLICY, memory_min=None, kernel=held_by("v1", memory_max="infinity"))
    found = judged(host(units=[old, older, el8]))
    assert [(one.id, one.subject, one.status) for one in found if one.status != "pass"] == []
    assert statuses(
        host(units=[dict(el8, memory_max=GIB, memory_swap_max=None)]), "baseline", "max-without-swap-max"
    ) == {"pass"}
    assert statuses(host(units=[unit(memory_max=GIB, kernel=None)]), "baseline", "max-without-swap-max") == {"fail"}
