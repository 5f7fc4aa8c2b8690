# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd made of a kill, in the kill's own sentence."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.aftermath import aftermath, tell_aftermath
from ansible_collections.memops.linux.plugins.module_utils._host import Host

BOOT = "2b6e0123456789abcdef0123456789ab"


def kill(**more):
    fields = dict(unit="a.service", uptime=100.0, boot_id=BOOT, why="a[1] died", oom_memcg="/system.slice/a.service", trigger="fault",
                  contest={"candidates": 4})  # fmt: skip
    return dict(fields, **more)


def unit(**more):
    fields = dict(
        name="a.service",
        active_state="failed",
        result="oom-kill",
        oom_policy="stop",
        restarts=0,
        restart="no",
        active_since_uptime=5.0,
    )
    return dict(fields, **more)


CASES = [
    ("stopped, and down", kill(), unit(), "OOMPolicy=stop took 3 more processes of a.service (OOMPolicy=continue keeps them); a.service is down (Restart=no)"),
    ("nobody else was in it", kill(contest={"candidates": 1}), unit(restart="always"), "a.service is down"),
    ("no whole table", kill(contest=None), unit(), "a.service is down (Restart=no)"),
    ("a slice was short: who was in the unit is not known", kill(oom_memcg="/system.slice"), unit(), "a.service is down (Restart=no)"),
    ("the group died, whatever systemd wanted", kill(trigger="group"), unit(oom_policy="kill"), "a.service is down (Restart=no)"),
    ("started again", kill(contest={"candidates": 2}), unit(active_state="active", result="success", active_since_uptime=103.2, restarts=7),
     "OOMPolicy=stop took 1 more process of a.service (OOMPolicy=continue keeps them); systemd started a.service again after 3 s "
     "(7 restarts since it was started by hand)"),
    ("went on", kill(), unit(active_state="active", result="success", oom_policy="continue"), "a.service went on (OOMPolicy=continue)"),
    ("started by somebody, much later", kill(), unit(active_state="active", result="success", active_since_uptime=9000.0), None),
    ("when it started is not known", kill(), unit(active_state="active", active_since_uptime=None), None),
    ("in between", kill(), unit(active_state="activating", restarts=1), "systemd is starting a.service again (1 restart since it was started by hand)"),
    ("given up", kill(), unit(result="start-limit-hit", restarts=5),
     "a.service is down: it was started too often, and systemd gave up (start limit) (5 restarts since it was started by hand)"),
    ("stopped by somebody", kill(), unit(active_state="inactive", result="success"), None),
    ("unknown", kill(), unit(active_state=None), None),
]  # fmt: skip


@pytest.mark.parametrize("told, state, clause", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_clause(told, state, clause):
    assert aftermath(told, state) == clause


@pytest.mark.parametrize(
    "kills, told",
    [
        ([kill(), kill(uptime=200.0)], [False, True]),
        ([kill(boot_id="another")], [False]),
        ([kill(boot_id=None)], [False]),
        ([kill(uptime=None)], [False]),
        ([kill(unit=None), kill(unit="b.service")], [False, False]),
        # the last is of another boot: the unit's state is not that of the kill before
        ([kill(), kill(boot_id="another")], [False, False]),
    ],
)
def test_only_the_last_kill_of_this_boot(tmp_path, kills, told):
    random = tmp_path / "proc" / "sys" / "kernel" / "random"
    random.mkdir(parents=True)
    (random / "boot_id").write_text("2b6e0123-4567-89ab-cdef-0123456789ab\n")
    rows = [dict(row) for row in kills]
    tell_aftermath(Host(root=str(tmp_path)), rows, [unit()])
    assert [row["why"] != "a[1] died" for row in rows] == told
