# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role is run for real, with modules that write down how they were called: whatever a variable was typed as, it
means the same.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.plugins.modules import swap_file, vm_settings  # noqa: E402

ROLE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "roles", "oom_swap"))
PLAYBOOK = shutil.which("ansible-playbook", path=os.path.dirname(sys.executable)) or shutil.which("ansible-playbook")

MODULE = """#!/usr/bin/python
import json, os
from ansible.module_utils.basic import AnsibleModule

def main():
    module = AnsibleModule(argument_spec=%r, supports_check_mode=True)
    with open(%r, "a") as stream:
        stream.write(json.dumps([%r, module.params], sort_keys=True) + "\\n")
    module.exit_json(changed=False, shadowed=["vm.x=1 will not outlast a boot: y"])

if __name__ == "__main__":
    main()
"""


def options():
    with open(os.path.join(ROLE, "meta/argument_specs.yml"), encoding="utf-8") as stream:
        return yaml.safe_load(stream)["argument_specs"]


def defaults():
    with open(os.path.join(ROLE, "defaults/main.yml"), encoding="utf-8") as stream:
        return yaml.safe_load(stream)


class Machine:
    def __init__(self, root):
        self.root = root
        self.log = root / "calls"
        here = root / "ansible_collections" / "memops" / "linux"
        (here / "plugins" / "modules").mkdir(parents=True)
        shutil.copytree(ROLE, str(here / "roles" / "oom_swap"))
        (here / "galaxy.yml").write_text("namespace: memops\nname: linux\nversion: 0.1.0\nreadme: x\nauthors: [x]\n")
        for name, module in (("swap_file", swap_file), ("vm_settings", vm_settings)):
            (here / "plugins" / "modules" / (name + ".py")).write_text(
                MODULE % (module.argument_spec(), str(self.log), name)
            )
        (root / "play.yml").write_text(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.import_role: {name: memops.linux.oom_swap}\n"
        )

    def run(self, *words):
        """What the modules were asked for, and what was printed. Other variables have defaults that fail nothing."""
        if self.log.exists():
            self.log.unlink()
        argv = [
            PLAYBOOK,
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            "ansible_python_interpreter=" + sys.executable,
            str(self.root / "play.yml"),
        ]
        for word in words:
            argv += ["-e", word]
        env = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(self.root),
            ANSIBLE_LOCALHOST_WARNING="0",
            ANSIBLE_HOME=str(self.root / "home"),
        )
        ran = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, check=False)
        calls = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return ran.returncode, calls, ran.stdout.decode()


@pytest.fixture(name="machine")
def fixture_machine(tmp_path):
    if PLAYBOOK is None:
        pytest.skip("no ansible-playbook beside this Python")
    return Machine(tmp_path)


FILES = [{"path": "/swapfile", "size": "2G", "persistent": False}, {"path": "/old", "state": "absent"}]
#: Each variable as a string, and what it means. The strings of one column are given together: a run takes seconds.
STRINGS = [
    ("oom_swap_state", ["present"], "present"),
    (
        "oom_swap_files",
        [json.dumps(FILES), "[{path: /swapfile, size: 2G, persistent: false}, {path: /old, state: absent}]"],
        FILES,
    ),
    ("oom_swap_swappiness", ["10"], 10),
    (
        "oom_swap_vm_settings",
        ['{"page-cluster": 0, "panic_on_oom": 0}', "page-cluster=0 panic_on_oom=0"],
        {"page-cluster": 0, "panic_on_oom": 0},
    ),
    ("oom_swap_settle", ["3"], 3),
    ("oom_swap_allow_panic", ["true", "yes"], True),
    ("oom_swap_allow_low_commit_limit", ["true", "1"], True),
    ("oom_swap_allow_shared_kernel", ["yes", "on"], True),
    ("oom_swap_fail_if_shadowed", ["false", "no"], False),
    ("oom_swap_accept_panic", ["yes"], True),
    ("oom_swap_accept_low_commit_limit", ["yes"], True),
]


def test_the_table_has_every_variable():
    assert sorted(row[0] for row in STRINGS) == sorted(options()["main"]["options"])


def numbers(calls):
    """The settings as vm_settings reads them: 10 and "10" are the same."""
    return [
        [
            name,
            (
                dict(call, settings={key: int(value) for key, value in call["settings"].items()})
                if "settings" in call
                else call
            ),
        ]
        for name, call in calls
    ]


@pytest.mark.slow
@pytest.mark.parametrize("column", [0, 1])
def test_every_variable_as_a_string_means_the_same(machine, column):
    native = machine.run(json.dumps({name: value for name, _texts, value in STRINGS}))
    assert native[0] == 0, native[2]
    assert [name for name, _call in native[1]] == ["swap_file", "swap_file", "vm_settings"]
    typed = machine.run(
        *["%s=%s" % (name, json.dumps(texts[min(column, len(texts) - 1)])) for name, texts, _value in STRINGS]
    )
    assert typed[0] == 0, typed[2]
    assert numbers(typed[1]) == numbers(native[1])


@pytest.mark.slow
def test_the_opposite_as_a_string(machine):
    code, calls, said = machine.run(*["%s=%s" % (name, text) for name, text in (
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
    code, calls, said = machine.run("{%s: %s}" % tuple(word.split("=", 1)))
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
