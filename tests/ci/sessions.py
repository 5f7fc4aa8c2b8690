# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a gate calls a session of noxfile.py."""

from __future__ import annotations

from ci.machine import Machine
from ci.places import ROOT


def nox(m: Machine, session: str, *posargs: str, **env: str) -> str:
    """A session of noxfile.py, with the tools of our venv instead of one that nox would make."""
    command = ["nox", "--no-venv", "--session", session]
    if posargs:
        command += ["--", *posargs]
    return m.call(*command, cwd=ROOT, bins=m.lint_tools(), MEMOPS_TREE_IS_CURRENT="1", **env)
