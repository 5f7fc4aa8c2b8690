# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role is run for real, with modules that write down how they were called: whatever a variable was typed as, it
means the same.
"""

import json
import os

import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.plugins.modules import swap_file  # noqa: E402
from ansible_collections.memops.linux.tests.unit.roles.role_machine import HERE, PLAYBOOK, RoleMachine  # noqa: E402

ROLE = os.path.join(HERE, "roles", "oom_swap")


def options():
    with open(os.path.join(ROLE, "meta/argument_specs.yml"), encoding="utf-8") as stream:
        return yaml.safe_load(stream)["argument_specs"]


def defaults():
    with open(os.path.join(ROLE, "defaults/main.yml"), encoding="utf-8") as stream:
        return yaml.safe_load(stream)


@pytest.fixture(name="machine")
def fixture_machine(tmp_path):
    if PLAYBOOK is None:
        pytest.skip("no ansible-playbook beside this Python")
    return RoleMachine(tmp_path)


@pytest.mark.slow
def test_the_opposite_as_a_string(machine):
    code, calls, said = machine.run("oom_swap", *["%s=%s" % (name, text) for name, text in (
        ("oom_swap_state", "absent"), ("oom_swap_files", "'path=/swapfile size=2G'"), ("oom_swap_vm_settings", "page-cluster=0"),
        ("oom_swap_allow_panic", "no"), ("oom_swap_allow_low_commit_limit", "false"), ("oom_swap_allow_shared_kernel", "False"),
        ("oom_swap_fail_if_shadowed", "true"),
    )])  # fmt: skip
    assert code == 2 and "vm.x=1 will not outlast a boot: y." in said
    (call,) = [call for name, call in calls if name == "vm_settings"]
    assert (
        not call["allow_panic"]
        and not call["allow_low_commit_limit"]
        and not call["allow_shared_kernel"]
        and call["state"] == "absent"
    )


WRONG = [
    (
        "the same path twice",
        "oom_swap_files=" + json.dumps([{"path": "/a", "size": "1G"}, {"path": "/a", "size": "2G"}]),
        "names a path twice: /a, /a",
    ),
    ("an option that there is not", "oom_swap_files=" + json.dumps([{"path": "/a", "sizze": "1G"}]), "sizze"),
    ("no path", "oom_swap_files=" + json.dumps([{"size": "1G"}]), "missing required arguments: path"),
]


@pytest.mark.slow
@pytest.mark.parametrize("word, words", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_told_before_anything_is_done(machine, word, words):
    code, calls, said = machine.run("oom_swap", "{%s: %s}" % tuple(word.split("=", 1)))
    assert code == 2 and calls == [] and words in said, said


def test_an_entry_has_the_options_of_the_module():
    def what_counts(spec):
        return {name: (option["type"], option.get("choices")) for name, option in spec.items()}

    entry = options()["files"]["options"]["oom_swap_files"]["options"]
    assert what_counts(entry) == what_counts(swap_file.argument_spec())
    with open(os.path.join(ROLE, "tasks/files.yml"), encoding="utf-8") as stream:
        assert set(yaml.safe_load(stream)[0]["memops.linux.swap_file"]) == set(entry)


def test_defaults_are_those_of_the_specification():
    assert defaults() == {
        name: option["default"] for name, option in options()["main"]["options"].items() if "default" in option
    }
