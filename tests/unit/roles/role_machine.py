# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs roles for real, with modules that write down how they were called.

What runs on hosts has the argument_spec of the real module and does nothing; oom_report is the real action plugin up to
where it would write.
"""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PLAYBOOK = shutil.which("ansible-playbook", path=os.path.dirname(sys.executable)) or shutil.which("ansible-playbook")
ON_HOSTS = ("oom_facts", "oom_score_info", "service_memory", "swap_file", "vm_settings")
#: what a task of a role looks at in an answer
ANSWERS = {"vm_settings": {"shadowed": ["vm.x=1 will not outlast a boot: y"]}, "oom_score_info": {"notes": []}}

MODULE = """#!/usr/bin/python
import json
from ansible.module_utils.basic import AnsibleModule

RETURN = %r

def main():
    module = AnsibleModule(argument_spec=json.loads(%r), supports_check_mode=True)
    with open(%r, "a") as stream:
        stream.write(json.dumps([%r, module.params], sort_keys=True) + "\\n")
    module.exit_json(changed=False, **json.loads(%r))

if __name__ == "__main__":
    main()
"""

ACTION = """
import json
from ansible_collections.memops.linux.plugins.plugin_utils.real_oom_report import ActionModule as Real

class ActionModule(Real):
    def _report(self, options, task_vars):
        with open(%r, "a") as stream:
            stream.write(json.dumps(["oom_report", options], sort_keys=True, default=str) + "\\n")
        return {"changed": False, "policy_units": [], "verdict": "pass"}
"""


class RoleMachine:
    """A collection with the real roles and playbooks, below a directory of the test's own."""

    def __init__(self, root):
        self.root, self.log = root, root / "calls"
        here = root / "ansible_collections" / "memops" / "linux"
        for part in ("roles", "playbooks", "plugins/module_utils", "plugins/plugin_utils"):
            shutil.copytree(os.path.join(HERE, part), str(here / part), ignore=shutil.ignore_patterns("*.pyc"))
        (here / "galaxy.yml").write_text("namespace: memops\nname: linux\nversion: 0.1.0\nreadme: x\nauthors: [x]\n")
        for folder in ("modules", "action"):
            (here / "plugins" / folder).mkdir()
        for name in ON_HOSTS:
            real = importlib.import_module("ansible_collections.memops.linux.plugins.modules." + name)
            answer = json.dumps(ANSWERS.get(name, {}))
            text = MODULE % (real.RETURN, json.dumps(real.argument_spec()), str(self.log), name, answer)
            (here / "plugins" / "modules" / (name + ".py")).write_text(text)
        plugins = os.path.join(HERE, "plugins")
        shutil.copy(os.path.join(plugins, "modules/oom_report.py"), str(here / "plugins/modules"))
        shutil.copy(
            os.path.join(plugins, "action/oom_report.py"), str(here / "plugins/plugin_utils/real_oom_report.py")
        )
        (here / "plugins/action/oom_report.py").write_text(ACTION % str(self.log))

    def run(self, role, *words, **play_variables):
        """The exit code, what the modules were asked for, and what was printed. ``words``: each one -e."""
        play = {"hosts": "localhost", "gather_facts": False, "vars": play_variables}
        play["tasks"] = [{"ansible.builtin.import_role": {"name": "memops.linux." + role}}]
        (self.root / "play.yml").write_text(json.dumps([play]))
        return self.play(str(self.root / "play.yml"), *words)

    def plays(self, role, variables):
        """The same for several plays with these variables in one run: the calls of each."""
        mark = {"ansible.builtin.shell": "echo '[\"play\", {}]' >>" + str(self.log)}
        plays = []
        for values in variables:
            tasks = [mark, {"ansible.builtin.import_role": {"name": "memops.linux." + role}}]
            plays.append({"hosts": "localhost", "gather_facts": False, "vars": values, "tasks": tasks})
        (self.root / "play.yml").write_text(json.dumps(plays))
        code, calls, said = self.play(str(self.root / "play.yml"))
        found = []
        for name, call in calls:
            if name == "play":
                found.append([])
            else:
                found[-1].append([name, call])
        return code, found, said

    def hosts(self, role, variables):
        """The same for several hosts in one run, each with variables of its own: what was printed of each."""
        names = ["host%d" % at for at in range(len(variables))]
        play = {"hosts": "all", "gather_facts": False}
        play["tasks"] = [{"ansible.builtin.import_role": {"name": "memops.linux." + role}}]
        inventory = {"all": {"hosts": dict(zip(names, variables))}}
        (self.root / "play.yml").write_text(json.dumps([play]))
        (self.root / "hosts.yml").write_text(json.dumps(inventory))
        code, calls, said = self.play(str(self.root / "play.yml"), inventory=str(self.root / "hosts.yml"))
        return code, calls, ["".join(re.findall("(?m)^(?:fatal|failed): \\[%s\\].*$" % name, said)) for name in names]

    def play(self, playbook, *words, **more):
        if self.log.exists():
            self.log.unlink()
        argv = [
            PLAYBOOK,
            "-i",
            more.get("inventory", "localhost,"),
            "-c",
            "local",
            "-e",
            "ansible_python_interpreter=" + sys.executable,
        ]
        for word in words:
            argv += ["-e", word]
        env = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(self.root),
            ANSIBLE_LOCALHOST_WARNING="0",
            ANSIBLE_HOME=str(self.root / "home"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_FORKS="2",
        )
        ran = subprocess.run(
            argv + [playbook],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=str(self.root),
            check=False,
        )
        calls = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return ran.returncode, calls, ran.stdout.decode()
