# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemctl says, recorded, and what is made of it."""

import os
import stat

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import (
    DAEMONS,
    SystemdView,
    daemon_states,
    oom_kills,
    parse_show,
    systemd_view,
    unit_facts,
)

UNKNOWN = dict.fromkeys(DAEMONS)


@pytest.fixture
def booted(tmp_path):
    root = tmp_path / "root"
    (root / "run" / "systemd" / "system").mkdir(parents=True)
    return root


@pytest.fixture
def systemctl(tmp_path):
    def write(script):
        path = tmp_path / "systemctl"
        path.write_text('#!/bin/sh\necho "$@" >> "$0.log"\n%s\n' % script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return write


def cgroup(root, path, text):
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


BLOCKS = """Id=mariadb.service
Names=mariadb.service mysql.service
LoadState=loaded
ActiveState=active

Id=nonesuch.service
LoadState=not-found

Id=limited.service
LoadState=loaded
MemoryMax=536870912

Id=slowed.service
LoadState=loaded
MemoryHigh=1048576

Id=ours.service
LoadState=loaded
DropInPaths=/etc/systemd/system/ours.service.d/50-memops.conf

Id=plain.service
LoadState=loaded
MemoryMax=infinity
MemoryHigh=18446744073709551615
"""


def test_named_units_are_told_of_whatever_they_say(booted, systemctl):
    program = systemctl("cat <<'E'\n%sE" % BLOCKS)
    view = systemd_view(Host(root=str(booted)), program=program, named=["mysql.service", "nonesuch.service"])
    assert [unit["name"] for unit in view.units] == [
        "mariadb.service",
        "nonesuch.service",
        "limited.service",
        "ours.service",
        "slowed.service",
    ]
    assert view.units[0]["names"] == ["mysql.service"] and view.units[1]["load_state"] == "not-found"
    with open(program + ".log") as stream:
        assert stream.read().rstrip().endswith("mysql.service nonesuch.service")


def test_a_named_template_brings_its_instances(booted, systemctl):
    """Those without any setting are what a policy wants to know of."""
    blocks = [
        block("pg@15-a.service"),
        block("pg.service"),
        block("pga@15.service"),
        block("pg@1.socket"),
        block("pg@b@c.service"),
    ]
    program = systemctl("cat <<'EOF'\n%s\nEOF" % shown(blocks))
    units = systemd_view(Host(root=str(booted)), program=program, named=["pg@.service"]).units
    assert [(unit["name"], unit["load_state"]) for unit in units] == [
        ("pg@.service", "not-found"),
        ("pg@15-a.service", "loaded"),
        ("pg@b@c.service", "loaded"),
    ]
    with open(program + ".log") as stream:
        assert (
            "pg@" not in stream.read()
        )  # systemctl would stop there and show nothing more (measured on 247, 252 and 257)


def test_a_name_with_a_backslash_is_quoted_in_names_only():
    """Recorded from 257."""
    unit = unit_facts(Host(root="/nonexistent"), block("pg@a\\x20b.service", Names='"pg@a\\\\x20b.service" pg.service'))
    assert (unit["name"], unit["names"]) == ("pg@a\\x20b.service", ["pg.service"])


@pytest.mark.parametrize("there, state", [("file", "template"), ("mask", "masked"), (None, "not-found")])
def test_a_named_template_is_told_of(there, state, booted, systemctl):
    path = booted / "etc" / "systemd" / "system" / "pg@.service"
    path.parent.mkdir(parents=True)
    if there == "file":
        path.write_text("[Service]\n")
    elif there == "mask":
        path.symlink_to("/dev/null")
    (unit,) = systemd_view(
        Host(root=str(booted)), program=systemctl("echo Id=dbus.service"), named=["pg@.service"]
    ).units
    assert (unit["name"], unit["load_state"]) == ("pg@.service", state)


def test_recorded(fixtures, booted, systemctl):
    program = systemctl("cat '%s'" % os.path.join(fixtures, "systemd", "show-252.txt"))
    view = systemd_view(Host(root=str(booted)), program=program)
    assert view.reason is None
    assert view.daemons == dict.fromkeys(DAEMONS, "absent")
    assert view.units == [
        {
            "name": "dbus.service",
            "names": [],
            "load_state": "loaded",
            "result": "success",
            "oom_kills": None,
            "oom_kills_by_systemd": None,
            "managed_oom_kills": None,
            "main_exit": None,
            "oom_score_adjust": -900,
            "active_state": "active",
            "active_since_uptime": None,
            "memory_current": None,
            "memory_max": None,
            "memory_high": None,
            "oom_policy": "stop",
        },
        {
            "name": "systemd-journald.service",
            "names": [],
            "load_state": "loaded",
            "result": "success",
            "oom_kills": None,
            "oom_kills_by_systemd": None,
            "managed_oom_kills": None,
            "main_exit": None,
            "oom_score_adjust": -250,
            "active_state": "active",
            "active_since_uptime": None,
            "memory_current": None,
            "memory_max": None,
            "memory_high": None,
            "oom_policy": "stop",
        },
    ]
    with open(program + ".log") as stream:
        calls = stream.read().splitlines()
    assert len(calls) == 1 and calls[0].startswith("show --no-pager --property=Id,") and "*.service *.scope" in calls[0]


def block(name, **properties):
    return dict(
        {"Id": name, "LoadState": "loaded", "ActiveState": "active", "Result": "success", "OOMScoreAdjust": "0"},
        **properties,
    )


def shown(blocks):
    return "\n\n".join("\n".join("%s=%s" % item for item in sorted(b.items())) for b in blocks)


def test_kills_and_results(booted, systemctl):
    cgroup(
        booted, "/sys/fs/cgroup/system.slice/a.service/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n"
    )
    cgroup(booted, "/sys/fs/cgroup/system.slice/b.service/memory.events", "oom_kill 0\n")
    cgroup(
        booted,
        "/sys/fs/cgroup/memory/system.slice/v1.service/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    )
    blocks = [
        block("b.service", ControlGroup="/system.slice/b.service"),
        block(
            "v1.service",
            ControlGroup="/system.slice/v1.service",
            MemoryLimit="1048576",
            MemoryCurrent="18446744073709551615",
        ),
        block("a.service", ControlGroup="/system.slice/a.service", MemoryMax="67108864", MemoryCurrent="4096"),
        block("dead.service", Result="oom-kill", ActiveState="failed", ControlGroup=""),
        block("protected.service", OOMScoreAdjust="-1000"),
    ]
    program = systemctl("cat <<'EOF'\n%s\nEOF" % shown(blocks))
    units = systemd_view(Host(root=str(booted)), program=program).units
    assert [(u["name"], u["result"], u["oom_kills"]) for u in units] == [
        ("dead.service", "oom-kill", None),
        ("a.service", "success", 2),
        ("v1.service", "success", 1),
        ("protected.service", "success", None),
    ]
    assert (units[1]["memory_max"], units[1]["memory_current"]) == (67108864, 4096)
    assert (units[2]["memory_max"], units[2]["memory_current"]) == (1048576, None)


@pytest.mark.parametrize(
    "value, expected",
    [
        ("infinity", None),
        ("[not set]", None),
        ("18446744073709551615", None),
        ("", None),
        ("no-data", None),
        ("0", 0),
        ("-500", -500),
    ],
)
def test_numbers(value, expected):
    unit = unit_facts(Host(root="/nonexistent"), block("x.service", OOMScoreAdjust=value, MemoryMax=value))
    assert unit["oom_score_adjust"] == expected and unit["memory_max"] == expected


@pytest.mark.parametrize(
    "states, state",
    [
        ([("not-found", "inactive")], "absent"),
        ([("loaded", "active")], "active"),
        ([("loaded", "activating")], "active"),
        ([("loaded", "inactive")], "inactive"),
        ([("loaded", "failed")], "inactive"),
        ([("masked", "inactive")], "inactive"),
        ([("not-found", "inactive"), ("loaded", "active")], "active"),
        ([], "absent"),
    ],
)
def test_daemons(states, state, tmp_path):
    names = ["nohang.service", "nohang-desktop.service"]
    blocks = {name: block(name, LoadState=load, ActiveState=active) for name, (load, active) in zip(names, states)}
    assert daemon_states(Host(root=str(tmp_path)), blocks)["nohang"] == state


def test_a_daemon_is_never_loaded_to_be_asked(booted, systemctl):
    """To load a unit has effects (systemd 257 puts pending limits of others into force): installed and not loaded is
    inactive.
    """
    path = booted / "usr" / "lib" / "systemd" / "system" / "earlyoom.service"
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\n")
    program = systemctl("echo Id=init.scope")
    for units in (True, False):
        daemons = systemd_view(Host(root=str(booted)), units=units, program=program).daemons
        assert daemons == dict(dict.fromkeys(DAEMONS, "absent"), earlyoom="inactive")
    with open(program + ".log") as stream:
        assert "earlyoom.service" not in stream.read()


def test_without_systemd(tmp_path, systemctl):
    program = systemctl("exit 9")
    assert systemd_view(Host(root=str(tmp_path)), program=program) == SystemdView(
        None, UNKNOWN, "systemd does not run here"
    )
    assert not os.path.exists(program + ".log")


@pytest.mark.parametrize(
    "script, reason",
    [
        (
            "echo 'Failed to connect to bus: No such file or directory' >&2; exit 1",
            "systemctl failed: Failed to connect",
        ),
        ("exit 3", "systemctl failed: exit code 3"),
        (
            "echo Id=a.service; echo OOMScoreAdjust=5; echo 'Unit name b@.service is no name' >&2; exit 1",
            "Unit name b@.service is no name",
        ),
        ("exec sleep 30", "did not end within 0.5 s"),
    ],
)
def test_systemctl_that_fails(booted, systemctl, script, reason):
    view = systemd_view(Host(root=str(booted)), program=systemctl(script), timeout=0.5 if "sleep" in script else 15)
    assert (view.units, view.daemons) == (None, UNKNOWN) and view.reason is not None and reason in view.reason


def test_no_systemctl(booted):
    view = systemd_view(Host(root=str(booted)), program="/nonexistent/systemctl")
    assert (view.units, view.daemons) == (None, UNKNOWN) and "could not be started" in str(view.reason)


def test_only_what_is_wanted(booted, systemctl):
    program = systemctl("echo Id=x.service; echo OOMScoreAdjust=5")
    host = Host(root=str(booted))
    assert systemd_view(host, units=True, daemons=False, program=program).daemons == UNKNOWN
    assert systemd_view(host, units=False, daemons=True, program=program).units == []
    assert systemd_view(host, units=False, daemons=False, program=program) == SystemdView([], UNKNOWN)
    with open(program + ".log") as stream:
        calls = stream.read().splitlines()
    assert len(calls) == 2 and "earlyoom" not in calls[0] and "*.service" not in calls[1]


def test_asked_and_none_matched_is_no_unknown(booted, systemctl):
    view = systemd_view(
        Host(root=str(booted)), program=systemctl("echo Id=plain.service; echo LoadState=loaded; echo OOMScoreAdjust=0")
    )
    assert view.units == [] and view.reason is None


def test_bounded(booted, systemctl):
    blocks = [block("u%04d.service" % n, OOMScoreAdjust="100") for n in range(300)] + [
        block("hit.service", Result="oom-kill")
    ]
    view = systemd_view(Host(root=str(booted)), program=systemctl("cat <<'EOF'\n%s\nEOF" % shown(blocks)))
    assert len(view.units) == 200 and view.units[0]["name"] == "hit.service" and view.left_out == 101


@pytest.mark.parametrize("path", [None, "", "relative", "/../etc", "/a/../../b"])
def test_odd_cgroup_paths(path, tmp_path):
    assert oom_kills(Host(root=str(tmp_path)), path) is None


def test_blocks():
    assert list(parse_show("\nId=a\nX=1=2\n\n\nnonsense\nId=b\n")) == [{"Id": "a", "X": "1=2"}, {"Id": "b"}]
    assert list(parse_show("")) == []


@pytest.mark.parametrize(
    "script", ["echo garbage", "echo a=b", "printf 'Id=a.service\\n\\nb=c\\n'"], ids=["garbage", "no names", "half"]
)
def test_a_systemctl_that_prints_something_else_tells_of_nobody(booted, systemctl, script):
    """Its exit code is 0; no unit and no daemon is known all the same."""
    view = systemd_view(Host(root=str(booted)), program=systemctl(script))
    assert (view.units, view.daemons) == (None, UNKNOWN) and "something else than properties of units" in str(
        view.reason
    )
