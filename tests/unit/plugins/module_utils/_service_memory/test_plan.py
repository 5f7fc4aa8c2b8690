# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._safe_file import FileNow
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import Request
from ansible_collections.memops.linux.plugins.module_utils._service_memory.plan import (
    file_changes,
    managed,
    reload_due,
    steps,
)
from ansible_collections.memops.linux.plugins.module_utils._service_memory.scores import Score
from ansible_collections.memops.linux.plugins.module_utils._service_memory.state import CurrentUnit, agrees
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import render
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name

PATH = "/etc/systemd/system/web.service.d/50-memops.conf"
OURS = render("service", {"oom_score_adjust": "-500"})
OLDER = {"web.service": [Score(1, "a", 0, -500, "as_wanted"), Score(2, "a", 77, 77, "own_score")]}


class Mode:
    def __init__(self, mode):
        self.st_mode = mode


def current(before=None, mode=0o100644, booted=True, leftovers=False, name="web", **shown):
    unit = parse_unit_name(name)
    state = UnitState(unit.name, dict(dict(LoadState="loaded", OOMScoreAdjust="-500"), **shown)) if booted else None
    file = None if before is None else FileNow(before, Mode(mode))
    return CurrentUnit(unit, "50-memops.conf", booted, True, state, before=file, leftovers=leftovers)


def request(state="present", apply="live", **settings):
    return Request(parse_unit_name("web"), settings, state, apply=apply)


def planned(now, wanted, rows=None, origin=Origin("-500", PATH)):
    waiting = any(state.needs_reload for state in now.asked)
    due = reload_due(now, wanted, waiting, lambda _state: {"oom_score_adjust": origin}, None)
    found = steps(now, wanted, due, -500, rows or {})
    return [word for word in ("write", "remove", "clear", "reload", "setting", "restart") if getattr(found, word)]


PLANS = [
    (
        "nothing there",
        current(OOMScoreAdjust="0"),
        request(oom_score_adjust="-500"),
        OLDER,
        ["write", "reload", "setting"],
    ),
    ("all as requested", current(OURS), request(oom_score_adjust="-500"), {}, []),
    ("other bytes", current(OURS + b"# x\n"), request(oom_score_adjust="-500"), {}, ["write", "reload"]),
    ("another mode", current(OURS, 0o100600), request(oom_score_adjust="-500"), {}, ["write", "reload"]),
    ("systemd did not read it", current(OURS, OOMScoreAdjust="0"), request(oom_score_adjust="-500"), {}, ["reload"]),
    ("systemd says so itself", current(OURS, NeedDaemonReload="yes"), request(oom_score_adjust="-500"), {}, ["reload"]),
    (
        "masked wants a reload for ever",
        current(OURS, LoadState="masked", NeedDaemonReload="yes"),
        request(oom_score_adjust="-500"),
        {},
        [],
    ),
    ("older processes", current(OURS), request(oom_score_adjust="-500"), OLDER, ["setting"]),
    ("older processes, restart", current(OURS), request(apply="restart", oom_score_adjust="-500"), OLDER, ["restart"]),
    ("older processes, next start", current(OURS), request(apply="next_start", oom_score_adjust="-500"), OLDER, []),
    ("absent and gone", current(), request("absent"), {}, []),
    ("absent and there", current(OURS), request("absent"), {}, ["remove", "reload"]),
    ("left over, file right", current(OURS, leftovers=True), request(oom_score_adjust="-500"), {}, ["clear"]),
    ("left over, to be written", current(leftovers=True), request(oom_score_adjust="-500"), {}, ["write", "reload"]),
    ("an empty folder, absent", current(leftovers=True), request("absent"), {}, ["clear"]),
    ("no systemd", current(booted=False), request(oom_score_adjust="-500"), {}, ["write"]),
]


@pytest.mark.parametrize("now, wanted, rows, expected", [row[1:] for row in PLANS], ids=[row[0] for row in PLANS])
def test_a_plan(now, wanted, rows, expected):
    assert planned(now, wanted, rows) == expected


def test_another_file_wins_and_systemd_believes_it():
    zz = "/etc/systemd/system/web.service.d/zz.conf"
    assert planned(current(OURS, OOMScoreAdjust="9"), request(oom_score_adjust="-500"), origin=Origin("9", zz)) == []
    assert planned(current(OURS, OOMScoreAdjust="9"), request(oom_score_adjust="-500"), origin=Origin("-500", zz)) == [
        "reload"
    ]


def test_texts():
    found = steps(current(OOMScoreAdjust="0"), request(oom_score_adjust="-500"), True, -500, OLDER)
    assert found.texts() == ["write " + PATH, "daemon-reload", "set oom_score_adj of 1 process to -500"] and bool(found)
    assert steps(current(OURS, leftovers=True), request("absent"), True, None, {}).texts() == [
        "remove " + PATH,
        "daemon-reload",
    ]


def test_what_is_managed_is_what_our_file_has_or_will_have():
    now = current(render("service", {"oom_score_adjust": "5", "restart": "no"}))
    assert managed(now, request(memory_max="1G")) == ["oom_score_adjust", "memory_max", "restart"]
    assert managed(now, request("absent")) == ["oom_score_adjust", "restart"]


def test_file_changes():
    assert (
        not file_changes(current(), None)
        and file_changes(current(), b"x")
        and file_changes(current(b"x"), None)
        and not file_changes(current(b"x"), b"x")
    )


AGREE = [
    ("memory_max", "1G", 1 << 30, True),
    ("memory_max", "1G", "infinity", False),
    ("memory_max", "50%", 1 << 30, True),
    ("memory_max", "50%", "infinity", False),
    ("memory_max", "50%", 3 << 30, False),
    ("oom_score_adjust", "-5", -5, True),
    ("oom_score_adjust", "-5", None, False),
    ("restart", "no", "no", True),
]


@pytest.mark.parametrize("option, text, loaded, same", AGREE)
def test_whether_systemd_agrees(option, text, loaded, same):
    assert agrees(option, text, loaded, 2 << 30) is same
