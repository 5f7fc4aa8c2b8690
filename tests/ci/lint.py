# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates that read and run nothing: formats, types, licences, documentation."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from ci.gate import Skip, gate
from ci.machine import Machine
from ci.places import TREE
from ci.sessions import nox
from ci.tree import files


@gate("lint", "YAML, format, imports, likely bugs, simple functions, licences, changelog fragments", fast=True)
def lint(m: Machine) -> None:
    nox(m, "lint")


@gate("mypy", "types, strict", fast=True)
def mypy(m: Machine) -> None:
    nox(m, "mypy")


@gate("py36-syntax", "modules and module_utils compile on Python 3.6", fast=True)
def py36_syntax(m: Machine) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for part in ("plugins/modules", "plugins/module_utils"):
            shutil.copytree(TREE / part, Path(directory) / part)
        m.call(m.python("3.6"), "-m", "compileall", "-q", directory)


@gate("shellcheck", "shell scripts", fast=True)
def shellcheck(m: Machine) -> None:
    if not shutil.which("shellcheck", path=m.env["PATH"]):
        raise Skip("no shellcheck here: apt install shellcheck")
    scripts = [path for path in files("**/*") if re.match(rb"#!.*\b(ba)?sh\b", (TREE / path).read_bytes()[:40])]
    m.call("shellcheck", *scripts)
