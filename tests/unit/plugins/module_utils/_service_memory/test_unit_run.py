# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan stays as it is, a run is told what was done, and ``changed`` is the plan."""

import ast
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory import unit_run
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import act

ROOM = os.path.dirname(unit_run.__file__)
CHANGES_A_LIST = {"append", "extend", "insert", "remove", "pop", "clear", "update", "add", "discard", "setdefault"}


def writes(path):
    """Attributes of something else than self that this file assigns to, or changes in place."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        targets = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES_A_LIST:
            targets = [node.func.value]
        for target in targets:
            while isinstance(target, ast.Subscript):
                target = target.value
            if isinstance(target, ast.Attribute) and not (
                isinstance(target.value, ast.Name) and target.value.id == "self"
            ):
                yield "%s, line %d: %s" % (os.path.basename(path), node.lineno, target.attr)


@pytest.mark.parametrize("name", sorted(name for name in os.listdir(ROOM) if name.endswith(".py")))
def test_attributes_are_written_in_their_own_file_only(name):
    assert list(writes(os.path.join(ROOM, name))) == []


def test_the_look_finds_what_it_is_for(tmp_path):
    path = tmp_path / "x.py"
    path.write_text("run.a = 1\nrun.b += 1\nrun.c.append(1)\nrun.d['x'] = 1\nself.e = 1\nfound.append(1)\n")
    assert sorted(text.split(": ")[1] for text in writes(str(path))) == ["a", "b", "c", "d"]


def test_a_late_restart_is_a_second_plan(make):
    """systemd 257 that does not hand a limit to the kernel, whatever starts beside the unit: only the reload brings it
    to light.
    """
    machine = make(version=257)
    machine.start("web.service", 1)
    machine._realize = lambda slice_: None
    result = act(machine, name=["web"], memory_max="1G", apply="restart")
    service = result["services"][0]
    assert (
        result["changed"] and service["restarted"] == ["web.service"] and service["steps"][-1] == "restart web.service"
    )
