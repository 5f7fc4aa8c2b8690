# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of this machine, and which of them drives what."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Iterator

from ci.places import PYTHONS

TARGET_PYTHONS = ("3.6", "3.9", "3.11", "3.13")
NEW_ENOUGH = ("3.12", "3.13", "3.14", "3.11")  # for the tools, best first
CORE_PYTHONS = {"2.16": ("3.11", "3.12", "3.10"), "2.21": ("3.12", "3.13", "3.14")}
#: The core that tests a target Python: the oldest one where there is a choice, so that it tests the controller code
#: too.
CORE_OF = {"3.6": "2.16", "3.11": "2.16"}


def minor(version: str) -> int:
    return int(version.split(".")[1])


def find_pythons() -> dict[str, str]:
    """Every Python that really starts, by version, and links to them in .cache/pythons: ansible-test looks for
    pythonX.Y on PATH.
    """
    directories = list(_directories())
    found: dict[str, str] = {}
    for number in range(6, 16):
        version = f"3.{number}"
        candidates = (directory / f"python{version}" for directory in directories)
        python = next((path for path in candidates if path.exists() and _starts(path)), None)
        if python:
            found[version] = str(python)
    # Other runs of this checkout may be looking them up now: replaced one by one, not removed first.
    PYTHONS.mkdir(parents=True, exist_ok=True)
    for version, path in found.items():
        # To the real file: a Python found through a link looks for its library beside the link.
        link, real = PYTHONS / f"python{version}", os.path.realpath(path)
        if not (link.is_symlink() and os.readlink(link) == real):
            link.unlink(missing_ok=True)
            link.symlink_to(real)
    for link in PYTHONS.iterdir():
        if link.name.removeprefix("python") not in found:
            link.unlink()
    return found


def _directories() -> Iterator[Path]:
    for name in os.environ.get("PATH", "").split(":"):
        if name and Path(name) != PYTHONS:
            yield Path(name)
    try:
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return  # no pyenv: what is on PATH is all there is
    yield from sorted(Path(root).glob("versions/*/bin"), reverse=True)


def _starts(python: Path) -> bool:
    """A shim of a version manager that has no such Python does not; neither does one without ssl, which pip needs."""
    return subprocess.run([python, "-c", "import ssl, venv"], capture_output=True, check=False).returncode == 0
