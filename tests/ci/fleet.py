# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates that need machines or services besides this host: containers, virtual machines, a cache of facts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ci.gate import HOST, Failed, Skip, gate
from ci.machine import Machine
from ci.places import CACHE, TREE, shared_script
from ci.pythons import NEW_ENOUGH


@gate("vm", "real kernels in virtual machines: kills, forecasts, protection below 0, guards, swap, a reboot")
def vm(m: Machine) -> str:
    needed = ("qemu-system-x86_64", "qemu-img", "ssh", "mmdebstrap")
    missing = [name for name in needed if not shutil.which(name, path=m.env["PATH"])]
    if missing:
        raise Skip(f"no {', '.join(missing)} here: apt install qemu-system-x86 qemu-utils openssh-client mmdebstrap")
    if os.geteuid():
        raise Skip("the images are built by root")
    env = {"MEMOPS_VM_CACHE": os.environ.get("MEMOPS_VM_CACHE") or str(CACHE / "vm")}
    # One kernel tells most. `make test-vm` asks all of them.
    for name, default in (("VM_SUITES", "bookworm"), ("VM_TESTS", "facts,contest,article,guards")):
        env[name] = os.environ.get(name) or default
    progress = r" \d\d:\d\d:\d\d |^vm: | (PASSED|FAILED|ERROR)\b"
    output = m.call(
        "python", "molecule/vm/run.py", bins=m.venv("vm", "3.12", "3.11"), timeout=5400, progress=progress, **env
    )
    said = re.findall(r"\S+: (\d+ contests, .*|.*limits judged right)", output)
    return "; ".join([env["VM_SUITES"], *said[:12], output.strip().splitlines()[-1]])


MOLECULE = (
    "systemd containers, Debian 11, 12, 13: what is trusted and seen, twenty situations of protection, swap's refusals"
    " and expiry"
)


@gate("molecule", MOLECULE, shares=(HOST,))
def molecule(m: Machine) -> str:
    wrap = podman(m)
    bins = m.venv("molecule", *NEW_ENOUGH)
    m.collections()
    env = {"MOLECULE_GLOB": "molecule/*/molecule.yml", "ANSIBLE_HOME": str(CACHE / "ansible")}
    base_image = shared_script("base-image")
    # Scripts of this test machine make Debian images without a registry; where one is reached, other families are
    # tested too.
    if base_image:
        env["MEMOPS_BASE_IMAGE"] = str(base_image)
    else:
        env["MEMOPS_PLATFORMS"] = "all"
    # vm has a gate of its own
    command = ("molecule", "--base-config", "molecule/config.yml", "test", "--all", "--exclude", "vm")
    output = m.call(*wrap, *command, bins=bins, **env)
    return f"{len(re.findall(r'ok=[0-9]+', output))} play recaps"


def podman(m: Machine) -> list[Path]:
    """What has to stand before a command so that podman runs systemd here."""
    if not shutil.which("podman", path=m.env["PATH"]):
        raise Skip("no container engine here: apt install podman crun")
    enter = shared_script("enter")
    wrap = [enter] if enter else []
    probe = subprocess.run([*wrap, "podman", "info"], env=m.env, capture_output=True, text=True, check=False)
    if probe.returncode:
        raise Skip("podman does not start here: " + (probe.stderr.strip().splitlines() or ["?"])[-1])
    return wrap


@gate("compliance", "1,000 hosts x 30 rules in time; the role on facts in a real Redis")
def compliance(m: Machine) -> str:
    speed = m.script("python", "tests/benchmark/compliance.py", bins=m.lint_tools(), PYTHONPATH=str(CACHE)).strip()
    if not shutil.which("redis-server", path=m.env["PATH"]):
        return f"{speed}; redis: SKIPPED, no redis-server here: apt install redis-server"
    bins = m.venv("redis", *NEW_ENOUGH)
    m.collections()
    target = TREE / "tests/integration/targets/oom_compliance"
    with tempfile.TemporaryDirectory() as out:
        output = m.call("./runme.sh", cwd=target, bins=bins, OUTPUT_DIR=out, MEMOPS_REDIS="1")
    if "NOT TESTED" in output:
        raise Failed("the redis cache was not tested")
    return f"{speed}; redis: read"
