# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates of what is shipped: the tarball, what Ansible's own checks say of it, and a fresh clone of the checkout."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Iterator

from ci.gate import ANSIBLE_TEST, Failed, gate
from ci.machine import Machine
from ci.places import ROOT, TREE
from ci.pythons import NEW_ENOUGH
from ci.tree import files


@gate("sanity-2.16", "ansible-test sanity, core 2.16", shares=(ANSIBLE_TEST,))
def sanity_oldest(m: Machine) -> None:
    _sanity(m, "2.16")


@gate("sanity-2.21", "ansible-test sanity, core 2.21", shares=(ANSIBLE_TEST,))
def sanity_newest(m: Machine) -> None:
    _sanity(m, "2.21")


def _sanity(m: Machine, version: str) -> None:
    output = m.call("ansible-test", "sanity", "--color", "no", bins=m.core(version))
    if "All targets skipped" in output:
        raise Failed("ansible-test saw no files")


#: What people keep in a checkout, and what the playbooks write there.
USERS_OWN = (
    "hosts.yml",
    "policy.yml",
    "group_vars/all.yml",
    "oom-compliance/junit.xml",
    "notes.md",
    "oom-report/report.json",
)


@gate("galaxy", "build the collection, import it as galaxy would")
def galaxy(m: Machine) -> str:
    bins = m.venv("galaxy", *NEW_ENOUGH)
    with tempfile.TemporaryDirectory() as directory:
        checkout = Path(directory) / "checkout"
        shutil.copytree(TREE, checkout, ignore=shutil.ignore_patterns("output", ".git"))
        for name in USERS_OWN:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text("the user's own\n")
        m.call("ansible-galaxy", "collection", "build", "--force", "--output-path", directory, bins=bins, cwd=checkout)
        (archive,) = Path(directory).glob("*.tar.gz")
        _check_contents(archive)
        config = Path(directory) / "importer.cfg"
        config.write_text(
            "[galaxy-importer]\nrun_ansible_test = False\nansible_local_tmp = /tmp/\noffline_ansible_lint = True\n"
        )
        m.call(
            "python",
            "-m",
            "galaxy_importer.main",
            archive,
            bins=bins,
            cwd=Path(directory),
            GALAXY_IMPORTER_CONFIG=str(config),
        )
        return f"{archive.stat().st_size / 1000:.0f} KB"


def _check_contents(archive: Path) -> None:
    """Nothing of the user's is in it, every plugin, role and playbook is."""
    with tarfile.open(archive) as tar:
        packed = {name for name in tar.getnames() if tar.getmember(name).isfile()}
    shipped = {
        str(path) for path in files("plugins/**/*", "roles/**/*", "playbooks/*", "meta/*") if path.suffix != ".pyc"
    }
    missing = sorted(shipped - packed)
    if missing:
        raise Failed(f"galaxy.yml leaves out {', '.join(missing[:5])}")
    extra = sorted(packed - {"MANIFEST.json", "FILES.json"} - {str(path) for path in files("**/*")})
    if extra:
        raise Failed(f"the tarball holds what is the user's own: {', '.join(extra[:5])}")


def copy_of_checkout(m: Machine, target: Path) -> str:
    """A git clone, or a copy of the work tree where the checkout has changes; which one it is."""
    status = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    if status.returncode == 0 and not status.stdout:
        m.call("git", "clone", "--quiet", ROOT, target, cwd=target.parent)
        return "git clone"
    shutil.copytree(TREE, target, ignore=shutil.ignore_patterns("output", ".git"))
    return "copy of a work tree with changes"


@gate("clone", "`make report` in a fresh clone whose path has a space, twice, as you and as nobody")
def clone(m: Machine) -> str:
    users = [pwd.getpwuid(os.getuid()).pw_name]
    note = ""
    if os.getuid() == 0:
        if subprocess.run(["/usr/bin/python3", "-c", "import ensurepip"], capture_output=True, check=False).returncode:
            note = "; as nobody: SKIPPED, /usr/bin/python3 has no venv"
        else:
            users.append("nobody")
    for user in users:
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            checkout = Path(directory) / "my checkout"
            what = copy_of_checkout(m, checkout)
            for page in _reports(m, checkout, user):
                _check_report(page, user)
    return f"{what}; as {' and '.join(users)}{note}"


def _reports(m: Machine, checkout: Path, user: str) -> Iterator[Path]:
    """The pages that `make report` names, in a clone just made and again."""
    env, prefix = {"PATH": os.environ["PATH"]}, []
    if user == "nobody":
        m.call("chown", "-R", "nobody", checkout)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}
        prefix = ["runuser", "-u", "nobody", "--"]
    for _again in ("built", "again"):
        output = m.call(*prefix, "make", "-C", checkout, "report", cwd=checkout.parent, **env)
        page = Path(*re.findall(r"^Written to (/.*): index\.html", output, re.M)[-1:], "index.html")
        if not page.is_absolute() or not page.is_file():
            raise Failed(f"as {user}: make report named no page that is there")
        yield page
    others = [path.name for path in checkout.parent.iterdir() if path != checkout]
    if others:
        raise Failed(f"as {user}: make report left {', '.join(others)} beside the checkout")


def _check_report(page: Path, user: str) -> None:
    hosts = json.loads(page.with_name("report.json").read_text())["hosts"]
    states = {host["state"] for host in hosts.values()}
    if not states or states - {"ok", "blind"}:
        raise Failed(f"as {user}: make report says this host is {states}")
