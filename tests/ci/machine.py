# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine has: Pythons, venvs made when they are first needed, and the log of the running gate."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

from ci.gate import Failed, Skip
from ci.places import CACHE, LOGS, PYTHONS, ROOT, SHARED, TREE, shared_script
from ci.pythons import CORE_PYTHONS, NEW_ENOUGH, find_pythons
from ci.venvs import Venvs


class Machine:
    """Given to every gate: a copy with a log of its own, for two gates run at a time."""

    def __init__(self, show: Callable[[str], None] = print) -> None:
        """
        :param show: prints a line of progress
        """
        self.pythons = find_pythons()
        self.log = LOGS / "setup.log"
        self.show = show
        self.env = _environment()
        self._venvs = Venvs()
        self._collections_lock = threading.Lock()

    def with_log(self, log: Path) -> Machine:
        """This machine for one gate. Pythons and venvs are shared."""
        other = copy.copy(self)
        other.log = log
        return other

    def python(self, *versions: str) -> str:
        """The first of these Pythons that is here."""
        for version in versions:
            if version in self.pythons:
                return self.pythons[version]
        raise Skip(f"no Python {' or '.join(versions)} here")

    def call(
        self,
        *argv: str | Path,
        cwd: Path = TREE,
        bins: Path | None = None,
        timeout: float = 3600,
        progress: str = "",
        **env: str,
    ) -> str:
        """Run a command into the log of this gate; its output comes back.

        :param bins: a directory that comes first on PATH
        :param progress: lines of the output that hold this expression are shown as they come
        :param env: more environment variables
        """
        environ = {**self.env, **env}
        if bins:
            environ["PATH"] = f"{bins}:{environ['PATH']}"
        with self.log.open("a+", encoding="utf-8", errors="replace") as log:
            log.write(f"$ {' '.join(map(str, argv))}\n")
            log.flush()
            start = log.tell()
            command = [shutil.which(str(argv[0]), path=environ["PATH"]) or str(argv[0]), *map(str, argv[1:])]
            try:
                with _following(self.log, start, progress, self.show):
                    done = subprocess.run(
                        command,
                        cwd=cwd,
                        env=environ,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        timeout=timeout,
                        check=False,
                    )
            except subprocess.TimeoutExpired:
                raise Failed(f"no end after {timeout:.0f} s: {argv[0]}") from None
            log.seek(start)
            output = log.read()
        if done.returncode:
            raise Failed(f"exit code {done.returncode}: {' '.join(map(str, argv))}"[:200])
        return output

    def script(self, *argv: str | Path, **keywords: Any) -> str:
        """The last line of a test script's output. It ends with 77 where it cannot run here, and says why in that line."""
        start = self.log.stat().st_size
        try:
            self.call(*argv, **keywords)
        except Failed as exc:
            if str(exc).startswith("exit code 77:"):
                raise Skip(self._last_line(start).removeprefix("SKIPPED: ")) from None
            raise
        return self._last_line(start)

    def _last_line(self, start: int) -> str:
        return self.log.read_bytes()[start:].decode("utf-8", "replace").strip().splitlines()[-1]

    def venv(self, name: str, *versions: str) -> Path:
        """The bin directory of a venv with tests/requirements/NAME.txt, made again when the file or the Python changed."""
        return self._venvs.bins(self, name, self.python(*versions))

    def lint_tools(self) -> Path:
        return self.venv("lint", *NEW_ENOUGH)

    def core(self, version: str) -> Path:
        """ansible-core VERSION, and pip for the venvs that its ansible-test makes."""
        bins = self.venv(f"core-{version}", *CORE_PYTHONS[version])
        if shared_script("seed-get-pip"):
            self.call(SHARED / "ci/seed-get-pip", cwd=ROOT, PYTHON=self.python(*NEW_ENOUGH))
        return bins

    def newest_core(self) -> str:
        """Debian 12 has no Python for the newest core."""
        return "2.21" if set(CORE_PYTHONS["2.21"]) & set(self.pythons) else "2.16"

    def collections(self) -> None:
        """The collections of tests/requirements/collections.yml in .cache/deps; a file of their own, for nothing else
        needs them.
        """
        wanted = ROOT / "tests/requirements/collections.yml"
        names = re.findall(r"^ *- name: (\S+)", wanted.read_text(), re.M)
        with self._collections_lock:
            if all((CACHE / "deps/ansible_collections" / name.replace(".", "/")).is_dir() for name in names):
                return
            bundled = shared_script("bundled-collections")
            if bundled:
                self.call(self.python(*NEW_ENOUGH), bundled, CACHE / "deps", "14.5.0", *names, cwd=ROOT)
            else:
                galaxy = self.venv("molecule", *NEW_ENOUGH) / "ansible-galaxy"
                self.call(galaxy, "collection", "install", "-r", wanted, "-p", CACHE / "deps", cwd=ROOT)


def _environment() -> dict[str, str]:
    """No settings of the user, no colours, our Pythons first."""
    env = dict(os.environ)
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        env.pop(name, None)
    env.update(ANSIBLE_NOCOLOR="1", PY_COLORS="0", NO_COLOR="1")
    env["MEMOPS_SHARED"] = str(SHARED)
    env["ANSIBLE_COLLECTIONS_PATH"] = f"{CACHE}:{CACHE / 'deps'}"
    env["ANSIBLE_CONFIG"] = str(CACHE / "ansible.cfg")
    env["PATH"] = f"{PYTHONS}:{env['PATH']}"
    return env


@contextlib.contextmanager
def _following(log: Path, start: int, wanted: str, show: Callable[[str], None]) -> Iterator[None]:
    """Show the lines of a growing log that hold this expression."""
    if not wanted:
        yield
        return
    ended = threading.Event()

    def follow() -> None:
        with log.open(encoding="utf-8", errors="replace") as lines:
            lines.seek(start)
            last = False
            while not last:
                last = ended.wait(1)
                for line in lines:
                    if re.search(wanted, line):
                        show(f"         {log.stem}: {line.rstrip()[:150]}")

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
