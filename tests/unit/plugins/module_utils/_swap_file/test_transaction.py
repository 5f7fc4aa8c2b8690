# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wish becomes numbers for this host, and a run becomes a result. What runs really do is in tests/fault/swap_life.py."""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
from ansible_collections.memops.linux.plugins.module_utils._swap_file import transaction
from ansible_collections.memops.linux.plugins.module_utils._swap_file.areas import Area
from ansible_collections.memops.linux.plugins.module_utils._swap_file.execute import StepContext, Timer, run_step
from ansible_collections.memops.linux.plugins.module_utils._swap_file.file_system import Disk
from ansible_collections.memops.linux.plugins.module_utils._swap_file.params import Params
from ansible_collections.memops.linux.plugins.module_utils._swap_file.plan import Step, Target, plan
from ansible_collections.memops.linux.plugins.module_utils._swap_file.result import Outcome, before_and_after, result
from ansible_collections.memops.linux.plugins.module_utils._swap_file.size import DEFAULT_RESERVE, Reserve, SizeParam
from ansible_collections.memops.linux.plugins.module_utils._swap_file.target import choose_plan, target_of
from ansible_collections.memops.linux.plugins.module_utils._swap_file.transaction import run
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._swap_file.swap_states import (
    FSTAB,
    LINE,
    PATH,
    G,
    M,
    area,
    state,
    swap_file,
)

NOW = 1795377980.0
OURS = FSTAB + LINE
WISH = Params(PATH, size=SizeParam("bytes", 2 * G), reserve=DEFAULT_RESERVE)


def with_options(options):
    return FSTAB + LINE.replace(b"nofail,pri=10", options)


# (id, state, wish, priority, options)
PRIORITIES = [
    ("a new one", state(), WISH, 10, "nofail,pri=10"),
    ("as wished", state(swap_file(), area(), fstab=OURS), WISH._replace(priority=0), 0, "nofail,pri=0"),
    ("what fstab says", state(fstab=with_options(b"sw,pri=55")), WISH, 55, "sw,nofail,pri=55"),
    ("what the kernel says", state(swap_file(), area(priority=7)), WISH, 7, "nofail,pri=7"),
    ("the kernel gave it out itself", state(swap_file(), area(priority=-3)), WISH, None, "nofail"),
    ("fstab before the kernel", state(swap_file(), area(priority=7), fstab=OURS), WISH, 10, "nofail,pri=10"),
    ("nonsense in fstab", state(fstab=with_options(b"pri=x,pri=99999")), WISH, 10, "nofail,pri=10"),
    ("options in another order stay", state(fstab=with_options(b"pri=10,nofail")), WISH, 10, "pri=10,nofail"),
    ("not persistent", state(fstab=OURS), WISH._replace(persistent=False), 10, None),
]


@pytest.mark.parametrize(
    "now, wish, priority, options", [row[1:] for row in PRIORITIES], ids=[row[0] for row in PRIORITIES]
)
def test_priority_and_options(now, wish, priority, options):
    target = target_of(wish, now, NOW)
    assert (target.priority, target.options) == (priority, options)


def test_target():
    wish = WISH._replace(size=SizeParam("share", 5000), discard="once", expires="2d")
    assert target_of(wish, state(), NOW) == Target(
        True, 2 * G, 10, "once", "nofail,pri=10,discard=once", NOW + 2 * 86400
    )
    assert target_of(Params(PATH, present=False), state(expires_at=5.0), NOW) == Target(present=False)


def test_auto_keeps_what_is_there_and_fills_a_quarter():
    wish = WISH._replace(size=SizeParam("auto"))
    assert target_of(wish, state(swap_file(3 * G), area(3 * G)), NOW).size == 3 * G
    assert target_of(wish, state(), NOW).size == 4 * G
    assert target_of(wish._replace(reserve=Reserve(22 * G, 0)), state(), NOW).size == 2 * G
    with pytest.raises(PreconditionError, match="quarter"):
        target_of(wish, state(disk=Disk(50 * G, G)), NOW)


# (id, other area, is there a bridge); the disk is too full for one
OTHERS = [
    ("no other area", (), True),
    ("one that can hold it", (Area("/dev/vdb", "partition", 4 * G, 0, -2),), False),
    ("one that is full", (Area("/dev/vdb", "partition", 4 * G, 4 * G, -2),), True),
    ("one that is too small", (Area("/dev/vdb", "partition", 512 * M, 0, -2),), True),
]


@pytest.mark.parametrize("others, temporary", [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_a_full_disk(others, temporary):
    now = state(swap_file(G), area(G, used=900 * M), fstab=OURS, others=others, disk=Disk(50 * G, 3 * G))
    steps = choose_plan(WISH, now, target_of(WISH, now, NOW))
    assert (steps[0].action == "make") == temporary


# (id, state; the disk is too full for two files, is the old one removed first)
FULL = [
    ("not in use", state(swap_file(3 * G), fstab=OURS), True),
    ("in use", state(swap_file(3 * G), area(3 * G), fstab=OURS), False),
    ("nothing there", state(fstab=OURS), False),
    ("a bridge is in use", state(swap_file(3 * G), None, swap_file(G, 13), area(G, 13), fstab=OURS), False),
]


@pytest.mark.parametrize("now, in_place", [row[1:] for row in FULL], ids=[row[0] for row in FULL])
def test_a_full_disk_has_one_file_only_where_nobody_swaps_to_it(now, in_place):
    now = now._replace(disk=Disk(50 * G, 3 * G))
    steps = choose_plan(WISH, now, target_of(WISH, now, NOW))
    assert ([step.action for step in steps[:2]] == ["fstab", "remove"]) == in_place
    roomy = now._replace(disk=Disk(50 * G, 30 * G))
    assert "remove" not in [
        step.action for step in choose_plan(WISH, roomy, target_of(WISH, roomy, NOW)) if step.path == PATH
    ]


def test_diff_shows_only_our_lines():
    now = state(
        swap_file(G),
        area(G, priority=3),
        fstab=OURS.replace(b"pri=10", b"pri=3") + b"//server/x /x cifs password=secret 0 0\n",
    )
    before, after = before_and_after(now, target_of(WISH._replace(priority=10, expires="2d"), now, NOW))
    assert before == "/swapfile: 1G, active, priority 3\n/swapfile none swap nofail,pri=3 0 0\n"
    assert (
        after
        == "/swapfile: 2G, active, priority 10\nuntil 2026-11-24T20:06:20Z\n/swapfile none swap nofail,pri=10 0 0\n"
    )
    before, after = before_and_after(state(swap_file(), fstab=OURS), Target(present=False))
    assert before == "/swapfile: 2G, not in use\n/swapfile none swap nofail,pri=10 0 0\n" and after == ""
    assert before_and_after(state(), Target(present=False)) == ("", "")


def test_diff_is_empty_where_nothing_changes():
    now = state(swap_file(), area(priority=-2), fstab=FSTAB + LINE.replace(b",pri=10", b""))
    before, after = before_and_after(now, target_of(WISH, now, NOW))
    assert before == after


def test_result():
    now = state(swap_file(), area(used=5 * M), fstab=OURS, expires_at=NOW)
    target = Target(size=G, priority=10, options="nofail,pri=10", expires_at=NOW)
    told = result(Outcome(plan(now, target), now, target, "a\n", "b\nc\n"), True)
    assert told["changed"] and told["msg"].startswith("/swapfile: would make /.swapfile.memops-bridge")
    assert told["diff"] == {"before_header": PATH, "after_header": PATH, "before": "a\n", "after": "b\nc\n"}
    assert told["plan"][0] == {
        "action": "make",
        "path": "/.swapfile.memops-bridge",
        "text": told["msg"].split("would ")[1].split(";")[0],
    }
    assert told["swap_file"] == {
        "path": PATH,
        "size": 2 * G,
        "active": True,
        "used": 5 * M,
        "priority": 10,
        "persistent": True,
        "filesystem": "ext4",
        "expires_at": NOW,
    }
    json.dumps(told)
    nothing = result(Outcome([], state(), Target(present=False), "", ""), False)
    assert (
        not nothing["changed"]
        and nothing["msg"] == "/swapfile is as requested."
        and nothing["swap_file"]["size"] is None
    )


def test_what_is_sent_is_printable_and_the_diff_has_lines():
    now = state(swap_file(), area(), fstab=OURS)._replace(path="/swap\x1b\udcff")
    target = Target(size=G, priority=10, options="nofail,pri=10")
    told = result(Outcome(plan(now, target), now, target, *before_and_after(now, target)), False)
    assert (
        told["diff"]["before"] == "/swap\\x1b\\xff: 2G, active, priority 10\n"
        and told["diff"]["after"].count("\n") == 2
    )
    assert told["diff"]["after_header"] == told["swap_file"]["path"] == "/swap\\x1b\\xff"
    assert json.dumps(told, ensure_ascii=False).encode("utf-8")


NO_TIMER = Timer(lambda host, path: None, lambda host, path, when: None, lambda host, path: False)


@pytest.fixture
def root(tmp_path):
    for path, text in (
        ("proc/swaps", "Filename Type Size Used Priority\n"),
        ("etc/fstab", FSTAB.decode()),
        ("proc/meminfo", ""),
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_no_folder_is_refused_and_no_lock_is_taken_in_check_mode(root):
    with pytest.raises(PreconditionError, match="directory /nowhere is not there. Nothing was changed"):
        run(Host(root=str(root)), WISH._replace(path="/nowhere/swapfile"), True, NO_TIMER)
    assert not (root / "run").exists()


def test_absent_where_there_is_nothing(root):
    outcome = run(Host(root=str(root)), Params("/nowhere/swapfile", present=False), True, NO_TIMER)
    assert outcome.steps == [] and not result(outcome, True)["changed"]


def test_a_folder_that_users_can_write_is_refused(root):
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    with pytest.raises(PreconditionError, match=r"/tmp may be written by others \(mode 01777\)\. Nothing was changed"):
        run(Host(root=str(root)), WISH._replace(path="/tmp/swapfile"), True, NO_TIMER)


def test_who_forgot_to_become_root_is_told(root, monkeypatch):
    """Mocked: root is never denied."""

    def denied(path, root):
        raise PermissionError(13, "Permission denied", "lock")

    monkeypatch.setattr(transaction, "open_folder", denied)
    with pytest.raises(PreconditionError, match="^/swapfile: Permission denied. Nothing was changed; become root.$"):
        run(Host(root=str(root)), WISH, True, NO_TIMER)


def test_a_step_that_fails_is_told_once(root):
    with Folder(os.open(str(root), os.O_RDONLY), "/") as folder:
        context = StepContext(Host(root=str(root)), folder, PATH, Target(), "ext4", NO_TIMER)
        with pytest.raises(ExecutionError, match="^/swapfile: No such file or directory$"):
            run_step(context, Step("secure", PATH, "let only root read /swapfile"))
