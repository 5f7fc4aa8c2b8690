# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates of examples/: every file is used as its reader would use it."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

from ci.gate import Failed, Skip, gate
from ci.machine import Machine
from ci.places import TREE
from ci.pythons import NEW_ENOUGH

EXAMPLES = TREE / "examples"
#: Takes the variables of every host of the example for what the roles say they take.
_CHECK_VARIABLES = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.validate_argument_spec:
        argument_spec: "{{ (lookup('file', spec) | from_yaml).argument_specs.main.options }}"
        provided_arguments: "{{ dict(vars | dict2items | selectattr('key', 'match', role ~ '_') | items2dict) }}"
      loop: [oom_protect, oom_swap, oom_report]
      loop_control: {loop_var: role}
      vars: {spec: "{{ roles }}/{{ role }}/meta/argument_specs.yml"}
"""


@gate("examples", "the files of examples/: inventory, policy, CI jobs, units of systemd, and a rulebook that is played")
def examples(m: Machine) -> str:
    bins = m.venv("scale", *NEW_ENOUGH)
    _versions()
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        _variables(m, bins, work)
        jobs = _jobs(m, bins, work)
        _units(m)
        seconds = _rulebook(m, bins, work)
    return f"{jobs} jobs of CI; from an alert to the report {seconds:.0f} s"


def _versions() -> None:
    """What the examples ask for is what this checkout is, or older."""
    version = re.search(r"^version: (\S+)", (TREE / "galaxy.yml").read_text(), re.M)
    wanted = re.findall(r'version: ">=([\d.]+)"', "".join(path.read_text() for path in EXAMPLES.rglob("*.yml")))
    if not version or not wanted:
        raise Failed("galaxy.yml or examples/ names no version")
    too_new = [one for one in wanted if _numbers(one) > _numbers(version[1])]
    if too_new:
        raise Failed(f"examples/ wants memops.linux {too_new[0]}, galaxy.yml has {version[1]}")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _variables(m: Machine, bins: Path, work: Path) -> None:
    (work / "variables.yml").write_text(_CHECK_VARIABLES)
    command = ("ansible-playbook", "-i", EXAMPLES / "fleet/hosts.yml", work / "variables.yml")
    output = m.call(*command, "-e", "ansible_connection=local", "-e", f"roles={TREE / 'roles'}", bins=bins, cwd=work)
    if len(re.findall(r"^\S+\.example\.com\s+: ok=1 ", output, re.M)) != 6:
        raise Failed("not all of the six hosts of examples/fleet had their variables checked")


def _jobs(m: Machine, bins: Path, work: Path) -> int:
    """The command of every CI job, as it is printed, on the hosts of the demonstration."""
    shutil.copytree(EXAMPLES / "demo", work / "examples/demo")
    (work / "tests").symlink_to(TREE / "tests")
    (work / "hosts.yml").write_text((EXAMPLES / "demo/hosts.yml").read_text().replace("/../../tests", "/tests"))
    shutil.copy(EXAMPLES / "fleet/policy.yml", work / "policy.yml")
    files = sorted((EXAMPLES / "ci").iterdir())
    for path in files:
        printed = re.search(r"(ansible-playbook -i hosts\.yml .*?)'?$", path.read_text(), re.M)
        if not printed:
            raise Failed(f"{path.name} calls no ansible-playbook")
        shutil.rmtree(work / "oom-compliance", ignore_errors=True)
        # The hosts of the demonstration cannot speak for their services: the verdict is not known, which ends with 2.
        m.call("sh", "-c", f"{printed[1]}; test $? = 2", bins=bins, cwd=work)
        named = set(re.findall(r"oom-compliance/([\w.]+\w)", path.read_text()))
        missing = [name for name in named if not (work / "oom-compliance" / name).is_file()]
        if missing or not named:
            raise Failed(f"{path.name} wants {', '.join(missing) or 'no file'} of the verdict")
    return len(files)


def _units(m: Machine) -> None:
    if not shutil.which("systemd-analyze", path=m.env["PATH"]):
        raise Skip("no systemd-analyze here: apt install systemd")
    units = sorted((EXAMPLES / "systemd").iterdir())
    complaints = m.call("systemd-analyze", "verify", "--man=no", *units)
    if any(unit.name in line for unit in units for line in complaints.splitlines()):
        raise Failed(f"systemd-analyze verify complains: {complaints.splitlines()[0]}")
    for calendar in re.findall(r"^OnCalendar=(.+)", "".join(unit.read_text() for unit in units), re.M):
        m.call("systemd-analyze", "calendar", calendar)


def _rulebook(m: Machine, bins: Path, work: Path) -> float:
    """Seconds from an alert, as Alertmanager posts it, to the page."""
    if not shutil.which("java", path=m.env["PATH"]):
        raise Skip("no Java here, which ansible-rulebook needs: apt install openjdk-17-jre-headless")
    text = (EXAMPLES / "rulebook/report_after_kill.yml").read_text()
    for there, here in (("/var/lib/memops/oom-report", str(work / "report")), ("port: 5000", f"port: {_PORT}")):
        if there not in text:
            raise Failed(f"the rulebook no longer says {there}")
        text = text.replace(there, here)
    (work / "rulebook.yml").write_text(text)
    page = work / "report/index.html"
    environ = {**m.env, "PATH": f"{bins}:{m.env['PATH']}"}
    command = ["ansible-rulebook", "--rulebook", "rulebook.yml", "-i", "hosts.yml"]
    with m.log.open("a", encoding="utf-8") as log:
        running = subprocess.Popen(command, cwd=work, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(lambda: _post({"alertname": "SomethingElse", "instance": "web1"}), "ansible-rulebook to listen")
            _post({"alertname": "OomKill", "instance": "db1"})
            began = time.monotonic()
            _wait(page.is_file, "the report of the host that the alert names")
            seconds = time.monotonic() - began
        finally:
            running.terminate()
            running.wait(30)
    hosts = json.loads(page.with_name("report.json").read_text())["hosts"]
    if list(hosts) != ["db1"]:
        raise Failed(f"the report is of {', '.join(hosts) or 'no host'}, the alert was of db1")
    return seconds


_PORT = 15321


def _post(labels: dict[str, str]) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=5)
    try:
        body = json.dumps({"commonLabels": labels})
        connection.request("POST", "/endpoint", body, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _wait(done: Callable[[], bool], what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)
