# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines made by chance, and requests for them: what a fleet has after years of hands."""

import os
import random
import time

from ansible_collections.memops.linux.plugins.module_utils._service_memory.execute import protect
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import parse_overrides, parse_requests
from ansible_collections.memops.linux.plugins.module_utils._service_memory.result import outcome
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import MARK
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.fake_machine import (
    MIB,
    FakeMachine,
)

OURS = "50-memops.conf"
DEFAULTS = dict(
    name=None, services=None, state="present", dropin=OURS, apply="live", missing="fail", settle=0.0, restart_timeout=5.0, min_killable="50%",
    allow_limits=False, allow_unkillable=False, allow_overcommit=False, allow_weaker=False, allow_shadowed=False, allow_broad=False,
    allow_unsupported=False, force_restart=False,
)  # fmt: skip
#: unit -> the folders whose drop-ins count for it
FOLDERS = {
    "web.service": ["web.service"],
    "db-main.service": ["db-main.service", "db-.service"],
    "mariadb.service": ["mariadb.service", "mysql.service"],
    "pg@.service": ["pg@.service"],
    "pg@15.service": ["pg@15.service", "pg@.service"],
    "batch.slice": ["batch.slice"],
    "user-.slice": ["user-.slice", "user-1001.slice"],
    "job.service": ["job.service"],
    "dead.service": ["dead.service"],
    "ghost.service": ["ghost.service"],
}
_LINES = [
    "OOMScoreAdjust=-300", "OOMScoreAdjust=-900", "OOMScoreAdjust=200", "OOMScoreAdjust=", "OOMScoreAdjust=-500", "MemoryMax=1G", "MemoryMax=3G",
    "MemoryHigh=512M", "MemoryMax=64m", "OOMScoreAdj=5", "Restart=always", "Restart=no", "OOMPolicy=continue", "MemoryLow=10%", "# OOMScoreAdjust=1",
    "MemoryMax=infinity",
]  # fmt: skip


def params(**given):
    values = dict(DEFAULTS)
    values.update(given)
    return values


def act(machine, check=False, **given):
    """The module's result on this machine."""
    wanted = params(**given)
    return outcome(protect(machine.host, parse_requests(wanted), parse_overrides(wanted), check), check)


def _kind(name):
    return name.rsplit(".", 1)[1].capitalize()


def _text(chance, name):
    return "[%s]\n%s\n" % (_kind(name), "\n".join(chance.choice(_LINES) for _line in range(chance.randint(1, 3))))


def machine_of(chance, root):
    made = FakeMachine(
        root, version=chance.choice([219, 239, 247, 252, 257, 257]), capable=chance.random() < 0.7, not_loaded=chance.random() < 0.5,
        booted=chance.random() < 0.93, cgroups=chance.choice(["2", "2", "1"]),
    )  # fmt: skip
    for name in ("web", "db-main", "mariadb", "pg@"):
        made.unit(
            name + ".service",
            chance.choice(["", "OOMScoreAdjust=-300\n", "Restart=on-failure\n", "OOMScoreAdjust=100\nMemoryMax=2G\n"]),
        )
    made.unit("batch.slice")
    made.unit("job.service", "Type=oneshot\n" + chance.choice(["", "Restart=no\n", "RemainAfterExit=yes\n"]))
    for name in ("user-1000.slice", "user-1001.slice"):
        made.unit(name)
    made.unit("dead.service")
    made.link("/etc/systemd/system/dead.service", "/dev/null")
    made.link("/etc/systemd/system/mysql.service", "/usr/lib/systemd/system/mariadb.service")
    for name, folders in sorted(FOLDERS.items()):
        for _number in range(chance.choice([0, 0, 0, 1, 1, 2])):
            file = chance.choice(["override.conf", "10-a.conf", "50-m.conf", "90-late.conf", "README", OURS])
            place = chance.choice(
                ["/etc/systemd/system", "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"]
            )
            if file == OURS and place.startswith("/etc"):
                continue
            made.drop_in(chance.choice(folders), file, _text(chance, name), place, old=chance.random() < 0.8)
    return made


def _ours(chance, made, unit):
    """Our file as an earlier run left it, as somebody edited it, or as a person wrote one of the same name."""
    kind = chance.choice(["", "", "", "ours", "ours", "edited", "mode", "empty", "person", "torn"])
    text = {
        "ours": "%s\n[%s]\n%s\n"
        % (
            MARK,
            _kind(unit),
            chance.choice(["OOMScoreAdjust=-500", "OOMScoreAdjust=-200\nRestart=always", "MemoryMax=2G"]),
        ),
        "edited": "%s\n[%s]\nOOMScoreAdjust=7\n# a person was here\n" % (MARK, _kind(unit)),
        "empty": "",
        "person": _text(chance, unit),
    }
    if kind == "torn":
        made.write("/etc/systemd/system/%s.d/.%s.memops~" % (unit, OURS), "[Ser")
    elif kind:
        path = made.drop_in(unit, OURS, text.get(kind, text["ours"]), old=chance.random() < 0.7)
        if kind == "mode":
            os.chmod(made.root + path, 0o600)
    return kind


def _drift(chance, made, name, unit):
    """The kernel holds something else than systemd has loaded: by somebody's hand, or because 257 has not handed it
    over yet.
    """
    kind = chance.choice(["", "", "", "hand", "hand", "reload"])
    if kind == "hand":
        file = (
            chance.choice(["memory.max", "memory.high", "memory.oom.group"])
            if made.cgroups == "2"
            else "memory.limit_in_bytes"
        )
        tree = "/sys/fs/cgroup" if made.cgroups == "2" else "/sys/fs/cgroup/memory"
        made.write(
            "%s%s/%s" % (tree, made.running[name].cgroup, file),
            "1\n" if file.endswith("group") else "%d\n" % (1536 * MIB),
        )
    elif kind == "reload":
        made.drop_in(unit, "40-reloaded.conf", "[%s]\nMemoryMax=1792M\n" % _kind(unit))
        made.run(["systemctl", "daemon-reload"])
        made.asked = []


def state_of(chance, root):
    """A machine and the options of a call."""
    made = machine_of(chance, root)
    asked = chance.choice(
        [
            "web",
            "web",
            "db-main.service",
            "mariadb",
            "mysql",
            "pg@.service",
            "pg@15",
            "batch.slice",
            "user-.slice",
            "job",
            "dead",
            "ghost",
        ]
    )
    unit = {"mysql": "mariadb.service"}.get(asked, asked if "." in asked else asked + ".service")
    kind = _ours(chance, made, unit if asked != "mysql" else "mariadb.service")
    made.boot()
    instances = {
        "pg@.service": ["pg@15.service", "pg@16.service"],
        "user-.slice": ["user-1000.slice", "user-1001.slice"],
    }
    for name in instances.get(unit, [unit]):
        if chance.random() < 0.75 and unit not in ("dead.service", "ghost.service"):
            made.start(
                name,
                chance.randint(1, 3),
                used=chance.choice([None, 64 * MIB, 900 * MIB]),
                started=time.monotonic() * chance.choice([0.3, 1.0]),
            )
            for _own in range(chance.choice([0, 0, 1])):
                made.spawn(name, score=chance.choice([0, -77, 300]), comm="worker")
    if chance.random() < 0.25:  # edited after systemd read it
        made.drop_in(unit, "60-new.conf", _text(chance, unit), old=chance.random() < 0.3)
    for name in sorted(made.running):
        _drift(chance, made, name, unit)
    settings = {}
    for option, values in (
        ("oom_score_adjust", [-500, -900, 300, 0, -1000, None]), ("memory_max", ["1G", "50%", "256M", "infinity", None, None]),
        ("memory_high", ["512M", None, None, None]), ("restart", ["always", "on-failure", None, None, None]), ("oom_policy", ["continue", None, None, None]),
    ):  # fmt: skip
        value = chance.choice(values)
        if value is not None:
            settings[option] = value
    if unit.endswith(".slice"):
        for option in ("oom_score_adjust", "restart", "oom_policy"):
            settings.pop(option, None)
    if not settings:
        settings["memory_max" if unit.endswith(".slice") else "oom_score_adjust"] = (
            "2G" if unit.endswith(".slice") else -400
        )
    call = dict(
        settings, name=[asked], apply=chance.choice(["live", "live", "next_start", "restart"]), missing=chance.choice(["fail", "skip", "stage"]),
        allow_shadowed=chance.random() < 0.5, allow_weaker=chance.random() < 0.7, allow_limits=chance.random() < 0.5,
        allow_unsupported=chance.random() < 0.7, allow_overcommit=True, allow_broad=unit.startswith("user-"), min_killable="0%",
    )  # fmt: skip
    if chance.random() < 0.2:
        for option in settings:
            call.pop(option)
        call["state"] = "absent"
    return made, call, unit, kind


def generated(seed, root):
    return state_of(random.Random(seed), root)
