# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: every command that README, CONTRIBUTING, the READMEs of roles and the guides print runs as printed, in a
fresh clone. A command that a guide repeats from another page runs once.

The clone has a home of its own, the files that the page shows (policy.yml, group_vars/all.yml), and a hosts.yml whose
two hosts are containers with systemd: nothing here is written on this host. A command that cannot run so stands in a
table below with the reason; one that no page prints any more must go from there, and a new one runs without being
listed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from ci import console
from ci.fleet import podman
from ci.gate import HOST, Failed, Skip, gate
from ci.machine import Machine
from ci.package import copy_of_checkout
from ci.places import CACHE, TREE, VENVS, shared_script
from ci.pythons import NEW_ENOUGH

GUIDES = "docs/docsite/rst/*.rst"
PAGES = ("README.md", "CONTRIBUTING.md", "roles/*/README.md", GUIDES)
SANDBOX = Path("tests/ci/sandbox")

_SWAP = "no swap file can be in a container's file system: the gates swap and vm do this"
#: Not run -> why. Names are commands as printed, without the remark behind them.
NOT_RUN = {
    "sudo apt install git make python3-venv": "packages of this host are its own",
    "ansible db1 -i hosts.yml --become -m memops.linux.swap_file -a 'path=/swapfile size=2G'": _SWAP,
    "ansible db1 -i hosts.yml --become -m memops.linux.swap_file -a 'path=/swapfile size=4G'": _SWAP,
    "ansible db1 -i hosts.yml --become -m memops.linux.swap_file -a 'path=/var/swap-import size=8G expires=2d'": _SWAP,
    "ansible db1 -i hosts.yml --become -m memops.linux.swap_file -a 'path=/swapfile size=2G' --check": _SWAP,
}
#: May end with these, too. A container has no kernel log of its own, so a policy cannot pass there.
_JUDGED = (0, 2)
MAY_END = {
    "ansible-playbook -i hosts.yml --become memops.linux.compliance": _JUDGED,
    "ansible-playbook -i hosts.yml -b memops.linux.compliance": _JUDGED,
    "ansible-playbook -i hosts.yml -b memops.linux.compliance -e oom_compliance_policy=policy.yml -e memops_hosts=db": (
        _JUDGED
    ),
}
#: Printed by a command that did not work. A policy's verdict is printed as an error, and is what was asked for.
_BROKEN = re.compile(
    r"Traceback \(most recent call last\)|MODULE FAILURE|^ERROR!|^\[ERROR\](?!: Task failed: Action failed: Policy"
    r" )|provided hosts list is empty",
    re.M,
)


class Ran(NamedTuple):
    command: console.Command
    code: int
    output: str

    @property
    def problem(self) -> str:
        """Why this is not what the page promises, or an empty text."""
        if self.code not in MAY_END.get(console.without_comment(self.command.text), (0,)):
            return f"ended with {self.code}"
        broken = _BROKEN.search(self.output)
        return f"printed {broken.group()!r}" if broken else ""


def printed() -> list[console.Command]:
    """In the order in which they run. A page's reader installs first, wherever the page says how."""
    pages = [path for pattern in PAGES for path in sorted(TREE.glob(pattern))]
    found = []
    for page in pages:
        found += sorted(console.commands(page, TREE), key=lambda command: command.section != "Installation")
    return found


def once(commands: list[console.Command]) -> list[console.Command]:
    """Without what a guide repeats: the hosts are the same ones, and so is what they answer."""
    guides = GUIDES.rpartition("/")[0]
    seen = set()  # type: set[str]
    found = []
    for command in commands:
        text = console.without_comment(command.text)
        if text not in seen or not command.page.startswith(guides):
            found.append(command)
        seen.add(text)
    return found


def outdated(commands: list[console.Command]) -> list[str]:
    """Commands of the tables above that no page prints any more."""
    there = {console.without_comment(command.text) for command in commands}
    return sorted((set(NOT_RUN) | set(MAY_END)) - there)


@gate(
    "commands",
    "every command of README, CONTRIBUTING, the roles' READMEs and the guides, as printed, in a fresh clone",
    shares=(HOST,),
)
def commands(m: Machine) -> str:
    found = printed()
    gone = outdated(found)
    if gone:
        raise Failed(f"tests/ci/commands.py lists what no page prints: {gone[0]}")
    able = [command for command in found if console.without_comment(command.text) not in NOT_RUN]
    wanted = once(able)
    notes = [f"{len(found) - len(able)} in the table of those that cannot", f"{len(able) - len(wanted)} repeated"]
    try:
        wrap = podman(m)
        fleet = os.geteuid() == 0
        why = "only root starts systemd containers"
    except Skip as exc:
        wrap, fleet, why = [], False, str(exc)
    if not fleet:
        alone = [command for command in wanted if not re.search(r"\bhosts\.yml\b|/srv/", command.text)]
        notes.append(f"{len(wanted) - len(alone)} SKIPPED for want of a fleet: {why}")
        wanted = alone
    with tempfile.TemporaryDirectory() as directory:
        box = Path(directory)
        copy_of_checkout(m, box / "checkout")
        ran = _run(m, box, wanted, wrap, fleet)
    wrong = [f"{one.command} {one.problem}" for one in ran if one.problem]
    if len(ran) < len(wanted):
        wrong.append(f"{wanted[len(ran)]} did not end")
    if wrong:
        with m.log.open("a", encoding="utf-8") as log:
            log.writelines(f"\nERROR: {line}" for line in wrong)
        raise Failed("; ".join(wrong)[:400])
    return "; ".join([f"{len(ran)} commands ran", *notes])


def _run(m: Machine, box: Path, wanted: list[console.Command], wrap: list[Path], fleet: bool) -> list[Ran]:
    """Make the box ready, run everything in one shell per page, and read what each command said."""
    checkout = box / "checkout"
    (box / "home").mkdir()
    for page in {command.page for command in wanted}:
        for name, text in console.files(TREE / page).items():
            if name != "hosts.yml":  # ours has the hosts that are there
                target = box / "shown" / page / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
    # What the tools download is downloaded already; nothing of the clone lies there.
    (checkout / ".cache").mkdir()
    (checkout / ".cache/venvs").symlink_to(VENVS)
    if fleet:
        m.collections()
        for place in (checkout / ".cache/collections", box / "home/.ansible/collections"):
            shutil.copytree(CACHE / "deps", place)
        shutil.copy(TREE / SANDBOX / "hosts.yml", checkout / "hosts.yml")
    script = box / "run.sh"
    script.write_text("\n".join(_script(m, box, wanted, fleet)) + "\n")
    command: list[str | Path] = [*wrap, "bash", script]
    if fleet:
        command = [*wrap, "unshare", "--mount", "--propagation", "private", "bash", script]
    output = m.call(*command, cwd=checkout, timeout=1800)
    pattern = re.compile(r"^@@begin (\d+)\n(.*?)^@@end \1 (\d+)$", re.M | re.S)
    return [Ran(wanted[int(number)], int(code), said) for number, said, code in pattern.findall(output)]


def _script(m: Machine, box: Path, wanted: list[console.Command], fleet: bool) -> list[str]:
    checkout = box / "checkout"
    path = [checkout / ".venv/bin", Path(m.python(*NEW_ENOUGH)).parent, *os.environ["PATH"].split(":")]
    env = {"HOME": box / "home", "PATH": ":".join(map(str, path)), "LANG": "C.UTF-8"}
    clean = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in env.items())
    lines = ["cd " + shlex.quote(str(checkout))]
    if fleet:
        lines += _fleet(m, checkout)
    for page in dict.fromkeys(command.page for command in wanted):
        shown = box / "shown" / page
        if shown.is_dir():
            lines.append(f"cp -r {shlex.quote(str(shown))}/. .")
        # One shell for a page, without the environment of the tests: what it exports holds for what follows.
        lines.append(f"env -i {clean} bash --noprofile --norc <<'END_OF_PAGE'")
        for number, command in enumerate(wanted):
            if command.page == page:
                said = shlex.quote(str(command))
                lines += [f"echo; echo '@@begin {number}'; echo {said}", command.text]
                lines.append(f"code=$?; echo; echo '@@end {number}' $code")
        lines.append("END_OF_PAGE")
    return lines


def _fleet(m: Machine, checkout: Path) -> list[str]:
    """Two containers with systemd, and a /srv that only these commands see, with a log and facts in it."""
    playbook = m.venv("molecule", *NEW_ENOUGH) / "ansible-playbook"
    tests = TREE / SANDBOX
    base = shared_script("base-image")
    with_base = f"MEMOPS_BASE_IMAGE={shlex.quote(str(base))} " if base else ""
    logs = "/srv/sosreport/var/log"
    return [
        "trap 'podman rm --force --time 0 memops-web1 memops-db1 >/dev/null 2>&1' EXIT",
        (
            f"{with_base}{playbook} -i {shlex.quote(str(tests / 'hosts.yml'))}"
            f" {shlex.quote(str(TREE / 'molecule/create.yml'))} || exit 1"
        ),
        (
            f"for host in web1 db1; do podman exec -i memops-$host sh < {shlex.quote(str(tests / 'units.sh'))} || exit"
            " 1; done"
        ),
        "mount -t tmpfs tmpfs /srv || exit 1",
        (
            'mkdir -p /srv/reports/berlin && echo \'{"fleet": {}, "hosts": {"db1": {"state": "unreachable"}}}\''
            " > /srv/reports/berlin/report.json"
        ),
        f"mkdir -p {logs}/journal && cp tests/integration/targets/oom_facts/files/kern.log {logs}/messages",
        """mkdir /srv/reports && echo '{"ansible_facts": {"oom": {"schema": 1, "kills": []}}}' >/srv/reports/web1""",
    ]
