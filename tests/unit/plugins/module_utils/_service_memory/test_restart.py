# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import shutil

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory import restart
from ansible_collections.memops.linux.plugins.module_utils._service_memory.restart import (
    carries_connection,
    connection_groups,
    connection_units,
    refusal,
    restart_and_watch,
)
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState


def state(name, **shown):
    return UnitState(name, shown)


# F8, F9, F10: (unit, what systemd shows, words; None: it is restarted), without force
REFUSALS = [
    ("web.service", {}, None),
    ("postgresql@15-main.service", {}, None),
    ("mine.service", {}, "connection"),
    ("system.slice", {}, "slice cannot be restarted"),
    ("session-1.scope", {}, "scope cannot be restarted"),
    ("web.service", dict(RefuseManualStart="yes"), "by hand"),
    ("web.service", dict(RefuseManualStop="yes"), "by hand"),
    ("web.service", dict(Type="oneshot"), "job again"),
    ("web.service", dict(RemainAfterExit="yes"), "job again"),
    ("dbus.service", {}, "sessions"),
    ("systemd-journald.service", {}, "sessions"),
    ("NetworkManager.service", {}, "network"),
    ("docker.service", {}, "containers"),
    ("getty@tty1.service", {}, "sessions"),
    ("user@1000.service", {}, "sessions"),
    ("ssh.service", {}, "sessions"),
    ("dbus-like.service", {}, None),
]


@pytest.mark.parametrize("name, shown, words", REFUSALS)
def test_what_is_not_restarted(name, shown, words):
    message = refusal(state(name, **shown), frozenset(["mine.service"]), False)
    assert (message is None) if words is None else (message is not None and words in message)


FORCED = [
    ("dbus.service", {}, False),
    ("x.service", dict(Type="oneshot"), False),
    ("mine.service", {}, True),
    ("a.slice", {}, True),
    ("x.service", dict(RefuseManualStop="yes"), True),
]


@pytest.mark.parametrize("name, shown, refused", FORCED)
def test_what_force_does_not_force(name, shown, refused):
    assert (refusal(state(name, **shown), frozenset(["mine.service"]), True) is not None) is refused


def test_what_the_connection_hangs_on(make):
    """python, sh and sshd's child in a session, sshd itself in its service"""
    machine = make()
    me = os.getpid()
    machine._process(me, "python3", "/user.slice/user-0.slice/session-3.scope", 0, ppid=600)
    machine._process(600, "sshd", "/user.slice/user-0.slice/session-3.scope", 0, ppid=601)
    machine._process(601, "sshd", "/system.slice/ssh.service", 0, ppid=1)
    assert connection_units(connection_groups(machine.host)) == frozenset(["session-3.scope", "ssh.service"])


def test_it_lives(make):
    machine = make()
    machine.start("web.service")
    assert restart_and_watch(machine.host, ["web.service"], 0.05, 5) == [None]


JOBS = [
    (dict(Type="oneshot", ActiveState="inactive", ConditionResult="yes"), None),
    (dict(Type="oneshot", ActiveState="inactive", ConditionResult="no"), "Condition...= lines does not hold"),
    (dict(Type="oneshot", ActiveState="failed", ConditionResult="yes"), "it is failed"),
    (dict(Type="oneshot", ActiveState="inactive", ConditionResult="yes", Result="timeout"), "result timeout"),
    (dict(Type="oneshot", ActiveState="active", SubState="exited", ConditionResult="yes"), None),
    (dict(Type="simple", ActiveState="inactive", ConditionResult="yes"), "it is inactive"),
]


@pytest.mark.parametrize("shown, words", JOBS)
def test_a_job_that_is_done_is_not_ill(make, monkeypatch, shown, words):
    """The first look counts: systemd forgets what ended, and whether its conditions held"""
    looks = []

    def states(_host, names):
        looks.append(names)
        return [state(names[0], **dict(shown, ConditionResult=shown["ConditionResult"] if len(looks) == 1 else "no"))]

    machine = make()
    machine.start("web.service")
    monkeypatch.setattr(restart.manager, "states", states)
    (failure,) = restart_and_watch(machine.host, ["web.service"], 0.05, 5)
    assert (failure is None) if words is None else (words in (failure or ""))


def test_one_of_two_dies(make):
    machine = make()
    machine.unit("bad.service")
    machine.start("web.service")
    machine.start("bad.service")

    def dies(running):
        running.active, running.result = "failed", "core-dump"

    machine.after_restart["bad.service"] = dies
    well, failure = restart_and_watch(machine.host, ["web.service", "bad.service"], 0.0, 5)
    assert well is None and "core-dump" in (failure or "")


@pytest.mark.parametrize("change", ["restarts", "main_pid"])
def test_it_dies_later_and_is_started_again(make, monkeypatch, change):
    """F2, F3"""
    machine = make()
    machine.start("web.service")
    looks = []

    def sleep(_seconds):
        looks.append(1)
        setattr(machine.running["web.service"], change, 4242)

    monkeypatch.setattr(restart.time, "sleep", sleep)
    (failure,) = restart_and_watch(machine.host, ["web.service"], 0.05, 5)
    assert looks and "died and was started again" in (failure or "")


@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_restarted_where_the_connection_cannot_be_read(make, force):
    """Somebody's ssh session may hang on just this unit."""
    machine = make()
    shutil.rmtree(machine.root + "/proc/%d" % os.getpid())
    assert connection_units(connection_groups(machine.host)) is None
    assert refusal(state("web.service"), None, force) == "what this connection hangs on cannot be read in /proc"


@pytest.mark.parametrize(
    "group, carries",
    [
        ("/system.slice/ssh.service", True),
        ("/user.slice/user-0.slice/session-3.scope", True),
        ("/user.slice/user-0.slice", True),
        ("/user.slice", True),
        ("/", True),
        ("/user.slice/user-0.slice/session-30.scope", False),
        ("/user.slice/user-1000.slice", False),
        ("/system.slice/web.service", False),
        (None, False),
    ],
)
def test_what_carries_the_connection(group, carries):
    groups = frozenset(["/user.slice/user-0.slice/session-3.scope", "/system.slice/ssh.service"])
    assert carries_connection(group, groups) is carries
    assert not carries_connection(group, None)
