# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of large fleets' ways: an execution environment, and a job that is sent to it, as AWX does it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

from ci.fleet import podman
from ci.gate import HOST, Failed, gate
from ci.machine import Machine
from ci.places import CACHE, TREE, shared_script
from ci.pythons import NEW_ENOUGH

IMAGE = "localhost/memops-ee"
_LOGS = {"db1": "bookworm-kern.log", "build1": "causes-dmesg.txt"}
#: How Debian differs from the example's base, whose Python brings pip.
_DEBIAN = """
options:
  package_manager_path: /usr/bin/apt-get
  skip_pip_install: true
additional_build_steps:
  prepend_base:
    - ENV PIP_BREAK_SYSTEM_PACKAGES=1
    - RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3 python3-pip python3-venv
"""


@gate("scale", "a job of ansible-runner in the execution environment of examples/: its report arrives", shares=(HOST,))
def scale(m: Machine) -> str:
    wrap = podman(m)
    bins = m.venv("scale", *NEW_ENOUGH)
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        _build(m, wrap, bins, work)
        _send_a_job(m, wrap, bins, work)
        return f"{_kills(work)} kills in the report, out of the image's artifacts"


def _build(m: Machine, wrap: list[Path], bins: Path, work: Path) -> None:
    """The image of the example, with this checkout as its collection."""
    tools = m.venv("galaxy", *NEW_ENOUGH)
    checkout = work / "checkout"
    shutil.copytree(TREE, checkout, ignore=shutil.ignore_patterns("output", ".git"))
    m.call("ansible-galaxy", "collection", "build", "--output-path", work, bins=tools, cwd=checkout)
    (archive,) = work.glob("*.tar.gz")
    text = (TREE / "examples/execution-environment/execution-environment.yml").read_text()
    collection = f"      - name: {archive.name}\n        type: file\n"
    text, count = re.subn(r"      - name: memops\.linux\n        version: .*\n", collection, text)
    if count != 1:
        raise Failed("the example no longer installs memops.linux")
    text += f"additional_build_files:\n  - src: {work / archive.name}\n    dest: .\n"
    base = shared_script("base-image")
    options = "--network=host"
    if base:
        image = m.call(*wrap, base, "bookworm", cwd=work).strip().splitlines()[-1]
        text = re.sub(r"name: quay\.io\S+", f"name: {image}", text).replace("python3.12", "python3") + _DEBIAN
        options += " --volume=/etc/ssl/certs:/etc/ssl/certs:ro"
    (work / "execution-environment.yml").write_text(text)
    command = ("ansible-builder", "build", "-f", "execution-environment.yml", "-c", "context", "-t", IMAGE)
    m.call(
        *wrap, *command, "--container-runtime=podman", f"--extra-build-cli-args={options}", bins=bins, cwd=work, timeout=900
    )  # fmt: skip


def _send_a_job(m: Machine, wrap: list[Path], bins: Path, work: Path) -> None:
    """transmit | worker | process: what stays in the image is lost, as with AWX."""
    job = work / "job"
    for name in ("project", "inventory"):
        (job / name).mkdir(parents=True)
    for log in _LOGS.values():
        shutil.copy(TREE / "tests/unit/fixtures/kernel" / log, job / "project" / log)
    hosts = {name: {"oom_report_paths": [f"/runner/project/{log}"]} for name, log in _LOGS.items()}
    reach = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    (job / "inventory/hosts.json").write_text(json.dumps({"all": {"vars": reach, "hosts": hosts}}))
    # Without CAP_SYS_RESOURCE, podman starts only what is privileged.
    privileged = "--privileged" if wrap else "--security-opt=label=disable"
    image = f"{' '.join(map(str, wrap))} podman run --rm -i --network=none {privileged} {IMAGE}"
    worker = f"{image} ansible-runner worker --private-data-dir=/runner"
    line = f"ansible-runner transmit job -p memops.linux.report | {worker} | ansible-runner process job"
    m.call("bash", "-o", "pipefail", "-c", line, bins=bins, cwd=work, ANSIBLE_HOME=str(CACHE / "ansible"))


def _kills(work: Path) -> int:
    report = work / "job/artifacts/oom-report"
    if not (report / "index.html").is_file():
        raise Failed("the report stayed in the image")
    hosts = json.loads((report / "report.json").read_text())["hosts"]
    if set(hosts) != set(_LOGS):
        raise Failed(f"the report is of {', '.join(hosts)}")
    kills = sum(len(host["oom"]["kills"]) for host in hosts.values())
    if not kills:
        raise Failed("no kill of the logs is in the report")
    return kills
