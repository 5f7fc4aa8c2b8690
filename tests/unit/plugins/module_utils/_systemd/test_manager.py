# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
from ansible_collections.memops.linux.plugins.module_utils._systemd import manager
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import ManagerError, UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import parse_show
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name


def host_that_says(*answers, **keywords):
    """run() gives these answers in turn and keeps what it was asked."""
    asked, left = [], list(answers)

    def run(argv, timeout=90):
        asked.append(list(argv))
        return left.pop(0)

    return Host(run=run, **keywords), asked


def recorded(fixtures, version):
    with open(os.path.join(fixtures, "systemd", "show-unit-%d.txt" % version)) as file:
        return file.read()


@pytest.mark.parametrize("version", [247, 252, 257])
def test_recorded_units(fixtures, version):
    host, asked = host_that_says(Ran(0, recorded(fixtures, version)))
    unit, ghost = manager.states(host, ["rec.service", "ghost.service"])
    assert asked[0][-3:] == ["--", "rec.service", "ghost.service"] and asked[0][:3] == [
        "systemctl",
        "show",
        "--no-pager",
    ]
    assert (
        unit.exists
        and unit.is_active
        and not unit.is_masked
        and not unit.needs_reload
        and unit.id == "rec.service"
        and unit.names == ("rec.service",)
    )
    assert (
        unit.fragment == "/run/systemd/system/rec.service"
        and unit.control_group == "/system.slice/rec.service"
        and unit.main_pid
    )
    assert unit.started is not None and 1000 < unit.started < 1000000 and len(unit.get("InvocationID")) == 32
    loaded = {
        option: unit.loaded(option)
        for option in ("oom_score_adjust", "memory_max", "memory_low", "memory_high", "restart", "oom_policy")
    }
    assert loaded == dict(
        oom_score_adjust=300,
        memory_max=64 << 20,
        memory_low=1 << 20,
        memory_high="infinity",
        restart="on-failure",
        oom_policy="stop",
    )
    assert unit.loaded("managed_oom_preference") == (None if version == 247 else "none")
    assert (
        not ghost.exists
        and not ghost.is_active
        and ghost.fragment is None
        and ghost.control_group is None
        and ghost.main_pid is None
    )
    assert ghost.started is None and ghost.id == "ghost.service"


# Lines in the form that older ones print (their documentation and bug reports; no such host was at hand).
OLD = {
    219: "Id=web.service\nNames=web.service\nLoadState=loaded\nActiveState=active\nMainPID=812\nControlGroup=/system.slice/web.service\nOOMScoreAdjust=-500\n"
    "MemoryLimit=18446744073709551615\nMemoryCurrent=18446744073709551615\nRestart=no\nNeedDaemonReload=no\nExecMainStartTimestampMonotonic=5000000\n",
    239: "Id=web.service\nNames=web.service www.service\nLoadState=masked\nActiveState=inactive\nMainPID=0\nControlGroup=\nOOMScoreAdjust=0\n"
    "MemoryMax=1073741824\nMemoryLimit=infinity\nMemoryHigh=infinity\nRestart=always\nNeedDaemonReload=yes\nExecMainStartTimestampMonotonic=0\n",
}


def test_219():
    (unit,) = manager.states(host_that_says(Ran(0, OLD[219]))[0], ["web.service"])
    assert (
        unit.loaded("memory_max") == "infinity"
        and unit.loaded("memory_high") is None
        and unit.loaded("oom_policy") is None
    )
    assert unit.loaded("oom_score_adjust") == -500 and unit.started == 5.0 and unit.main_pid == 812
    limited = UnitState("web.service", dict(unit.properties, MemoryLimit="1048576"))
    assert limited.loaded("memory_max") == 1 << 20


def test_239():
    (unit,) = manager.states(host_that_says(Ran(0, OLD[239]))[0], ["www.service"])
    assert (
        unit.is_masked
        and unit.exists
        and unit.needs_reload
        and unit.names == ("web.service", "www.service")
        and unit.started is None
    )
    assert unit.loaded("memory_max") == 1 << 30 and unit.control_group is None


@pytest.mark.parametrize(
    "answer, words",
    [
        (Ran(None, "", "systemctl: no such file"), "no such file"),
        (
            Ran(1, "", "Failed to connect to bus: No such file or directory\nmore"),
            "Failed to connect to bus: No such file or directory",
        ),
        (Ran(0, "Id=a.service\nLoadState=loaded\n"), "it printed 'Id=a.service"),
        (Ran(0, ""), "it printed ''"),
        (Ran(0, "garbage\n"), "something else than properties of units: 'garbage'"),
        (Ran(0, "a=b\n\nc=d\n"), "something else than properties of units"),
        (Ran(0, "Id=a.service\nLoadState=loaded\n\nId=b.service\n"), "something else than the properties of b.service"),
        (
            Ran(0, "Id=a.service\nLoadState=loaded\nMainPID=x\n\nId=b.service\nLoadState=loaded\n"),
            "the properties of a.service",
        ),
        (
            Ran(0, 'Id=a.service\nLoadState=loaded\nNames="a\n\nId=b.service\nLoadState=loaded\n'),
            "the properties of a.service",
        ),
        (Ran(0, "Id=/etc/x\nLoadState=loaded\n\nId=b.service\nLoadState=loaded\n"), "the properties of a.service"),
    ],
    ids=[
        "not there",
        "no bus",
        "one of two",
        "nothing",
        "garbage",
        "no names",
        "no state",
        "odd pid",
        "half a name",
        "odd name",
    ],
)
def test_systemd_that_does_not_answer_is_an_error_not_an_empty_host(answer, words):
    with pytest.raises(ManagerError) as caught:
        manager.states(host_that_says(answer)[0], ["a.service", "b.service"])
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_nobody_is_asked_for_nothing():
    assert manager.states(host_that_says()[0], []) == []


@pytest.mark.parametrize(
    "message, version",
    [
        ("systemd 252 (252.39-1~deb12u2)\n+PAM\n", 252),
        ("systemd 219\n+PAM\n", 219),
        ("systemd 257~rc1\n", 257),
        ("warning\nsystemd 252\n", 252),
    ],
)
def test_version(message, version):
    assert manager.version(host_that_says(Ran(0, message))[0]) == version


@pytest.mark.parametrize(
    "answer", [Ran(0, ""), Ran(0, "System V init\n"), Ran(None, "", "no such file"), Ran(1, "", "no")]
)
def test_a_systemctl_without_a_version_is_none(answer):
    with pytest.raises(ManagerError, match="systemctl --version failed"):
        manager.version(host_that_says(answer)[0])


def test_instances_without_bullets_and_neighbours():
    message = (
        "getty@tty1.service loaded active running Getty\n* getty@tty2.service loaded failed failed Getty\ngetty@tty3.service loaded inactive dead x\n"
        "\nserial-getty@a.service loaded active running x\n"
    )
    host, asked = host_that_says(Ran(0, message))
    assert manager.instances(host, parse_unit_name("getty@")) == [
        "getty@tty1.service",
        "getty@tty2.service",
        "getty@tty3.service",
    ]
    assert asked[0][-2:] == ["--", "getty@*.service"]
    with pytest.raises(ManagerError):
        manager.instances(host_that_says(Ran(None, "", "timeout"))[0], parse_unit_name("getty@"))
    for garbage in ("garbage\n", "a b c d e\n", "Id=getty@x.service\n"):
        with pytest.raises(ManagerError, match="something else than units"):
            manager.instances(host_that_says(Ran(0, garbage))[0], parse_unit_name("getty@"))
    with pytest.raises(ManagerError):
        manager.instances(host_that_says(Ran(1, "", "Failed to connect to bus"))[0], parse_unit_name("getty@"))


def test_pending_reload_names_others():
    message = (
        "Id=a.service\nNeedDaemonReload=no\n\nId=b.service\nNeedDaemonReload=yes\n\nId=c.mount\nNeedDaemonReload=yes\n"
    )
    assert manager.pending_reload(host_that_says(Ran(0, message))[0]) == ["b.service", "c.mount"]
    for answer in (Ran(None), Ran(0, "garbage\n")):
        with pytest.raises(ManagerError):
            manager.pending_reload(host_that_says(answer)[0])


def test_reload_that_is_refused():
    """systemd refuses to reload while /run is nearly full."""
    message = "Failed to reload daemon: Refusing to reload, not enough space available on /run/systemd.\nCurrently, 2M are free"
    with pytest.raises(ManagerError) as caught:
        manager.reload(host_that_says(Ran(1, "", message))[0])
    assert "not enough space available on /run/systemd" in str(caught.value)
    manager.reload(host_that_says(Ran(0))[0])


def test_complaints_are_those_of_our_files():
    """systemd-analyze verify ends with 0 for a bad drop-in."""
    ours, other = "/etc/systemd/system/a.service.d/50-memops.conf", "/etc/systemd/system/a.service.d/60-x.conf"
    message = (
        "%s:4: Failed to parse OOM score adjust value, ignoring: x\n%s:5: second\n%s:1: Unknown key\nUnit x not found\n"
        % (ours, ours, other)
    )
    found = manager.complaints(host_that_says(Ran(0, "", message))[0], ["a.service"], [ours])
    assert found == {ours: ours + ":4: Failed to parse OOM score adjust value, ignoring: x"}


def test_restart_is_try_restart():
    """F1: restart would start a stopped unit"""
    host, asked = host_that_says(
        Ran(0),
        Ran(1, "", "Job for a.service failed.\nSee journal"),
        Ran(None, "", "systemctl try-restart did not end within 5 s"),
        Ran(0, "Id=a.service\nLoadState=loaded\nActiveState=activating\nSubState=start\n"),
        Ran(None, "", "systemctl try-restart did not end within 5 s"),
        Ran(None, "", "systemctl show did not end within 5 s"),
    )
    assert manager.try_restart(host, "a.service", 5) is None
    assert manager.try_restart(host, "a.service", 5) == "Job for a.service failed."
    message = "it did not come up within 5 s (restart_timeout), it was still activating (start)"
    assert manager.try_restart(host, "a.service", 5) == message
    assert manager.try_restart(host, "a.service", 5) == "systemctl show failed: systemctl show did not end within 5 s"
    assert [call[1:] for call in asked if call[1] != "show"] == [["try-restart", "--no-pager", "--", "a.service"]] * 4


REALIZE = [
    (257, ["a.slice", ""], [["--collect", "--slice=a.slice"], ["--collect"]]),
    (219, ["a.slice"], [["--slice=a.slice"]]),
    (None, [""], [[]]),
    (257, [], []),
]


@pytest.mark.parametrize("version, slices, options", REALIZE)
def test_a_scope_in_each_slice(version, slices, options):
    host, asked = host_that_says(*[Ran(0) for _slice in slices])
    assert manager.realize(host, slices, version) == []
    assert [call[4:-2] for call in asked] == options and all(
        call[:2] == ["systemd-run", "--scope"] and call[-2:] == ["--", "true"] for call in asked
    )


def test_a_scope_that_systemd_refuses():
    assert manager.realize(host_that_says(Ran(1, "", "Access denied\nx"))[0], ["a.slice"], 257) == [
        "systemd-run failed: Access denied"
    ]


def test_whether_systemd_runs(tmp_path, monkeypatch):
    host = Host(root=str(tmp_path))
    assert not manager.runs(host)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/systemd").write_text("")
    assert not manager.runs(host)
    (tmp_path / "run/systemd").unlink()
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert manager.runs(host)

    def broken(_path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "stat", broken)  # a broken disk cannot be had here; found by tests/fault/protect_sweep.py
    with pytest.raises(OSError):
        manager.runs(host)


def test_a_recorded_unit_is_what_parse_show_gives(fixtures):
    assert [block["Id"] for block in parse_show(recorded(fixtures, 252))] == ["rec.service", "ghost.service"]
