# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Venvs of the tools, each made from a file in tests/requirements when it is first needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ci.gate import Failed
from ci.places import ROOT, VENVS

if TYPE_CHECKING:
    from ci.machine import Machine


class Venvs:
    """One at a time: two gates that need the same one must not both make it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uv: str | None = None

    def bins(self, machine: Machine, name: str, python: str) -> Path:
        """The bin directory of the venv NAME, made again when its requirements or the Python changed."""
        home, stamp = VENVS / name, VENVS / name / ".made-from"
        requirements = ROOT / "tests/requirements" / f"{name}.txt"
        texts = [path.read_text() for path in (requirements, ROOT / "requirements.txt")]
        want = hashlib.sha256("\0".join([os.path.realpath(python), *texts]).encode()).hexdigest()
        with self._lock:
            made = stamp.is_file() and stamp.read_text() == want and (home / "bin/python").exists()
            if not made:
                shutil.rmtree(home, ignore_errors=True)
                self._install(machine, python, home, "-r", str(requirements))
                stamp.write_text(want)
        return home / "bin"

    def _install(self, machine: Machine, python: str, home: Path, *packages: str) -> None:
        """uv where the index has it, else venv and pip: slower, same result."""
        if self._uv is None:
            self._uv = self._find_uv(machine)
        if self._uv:
            machine.call(self._uv, "venv", "--quiet", "--python", python, home, cwd=ROOT)
            machine.call(self._uv, "pip", "install", "--quiet", "--python", home / "bin/python", *packages, cwd=ROOT)
        else:
            machine.call(python, "-m", "venv", home, cwd=ROOT)
            quiet = ("--quiet", "--disable-pip-version-check")
            machine.call(home / "bin/python", "-m", "pip", "install", *quiet, *packages, cwd=ROOT)

    def _find_uv(self, machine: Machine) -> str:
        """The one on PATH, or one of our own; empty where there is none."""
        found = shutil.which("uv", path=machine.env["PATH"])
        # A shim of a version manager is no uv.
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
        own = VENVS / "uv/bin/uv"
        if not own.exists():
            try:
                machine.call(sys.executable, "-m", "venv", VENVS / "uv", cwd=ROOT)
                machine.call(VENVS / "uv/bin/python", "-m", "pip", "install", "--quiet", "uv", cwd=ROOT)
            except Failed:
                return ""
        return str(own) if own.exists() else ""
