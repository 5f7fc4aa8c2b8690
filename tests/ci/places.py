# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything is. Nothing is written outside .cache, but by the tools that keep a cache in the user's home."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
#: ansible-test and mypy want real files below .../ansible_collections/NAMESPACE/NAME.
TREE = CACHE / "ansible_collections" / "memops" / "linux"
VENVS = CACHE / "venvs"
PYTHONS = CACHE / "pythons"
LOGS = CACHE / "logs"
#: Recorded logs and scripts for test machines that reach little; a plain clone has none, and the tests use their own
#: fixtures.
SHARED = Path(os.environ.get("MEMOPS_SHARED") or ROOT.parent / "shared").resolve()


def shared_script(name: str) -> Path | None:
    """A script for test machines that reach no registry, where there is one."""
    script = SHARED / "ci" / name
    return script if script.is_file() else None
