# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work tree: the files of the checkout, tracked or new, as a real directory at the place where the tools want it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ci.places import ROOT, SHARED, TREE

#: Never part of a checkout, and looked at only where there is no git to ask.
_NOT_OURS = {".git", ".cache", ".venv", ".ansible", "oom-report", "__pycache__"}


def sync_tree() -> None:
    """Make the work tree equal to the checkout. Files that did not change are left alone, for the tools' caches."""
    names = _checkout()
    TREE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(TREE / "tests/output", ignore_errors=True)
    _remove_others(names)
    for name in names:
        source, target = ROOT / name, TREE / name
        if not _same(source, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    _remove_empty()
    # Without a .git of its own, the tools would find the one above, whose .gitignore hides all of .cache: nothing to
    # test. What git knows of is what reuse looks at, whatever ansible-test makes below tests/output in the other lane.
    if shutil.which("git"):
        if not (TREE / ".git").exists():
            subprocess.run(["git", "init", "--quiet", "--template=", str(TREE)], check=True)
        (TREE / "tests/output").mkdir(parents=True, exist_ok=True)
        (TREE / "tests/output/ignored").touch()
        subprocess.run(["git", "add", "--all"], cwd=TREE, check=True)
    # The tests find the recorded logs beside the checkout; ansible-test lets no variable through that would tell them.
    link = TREE.parent / "shared"
    if link.is_symlink():
        link.unlink()
    if SHARED.is_dir():
        link.symlink_to(SHARED)


def files(*patterns: str) -> list[Path]:
    """Files of the work tree by pattern, relative to it."""
    found = {p.relative_to(TREE) for pattern in patterns for p in TREE.glob(pattern) if p.is_file()}
    return sorted(p for p in found if p.parts[0] != ".git" and p.parts[:2] != ("tests", "output"))


def _checkout() -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked tarball
        return _walked()
    return {name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()}


def _walked() -> set[str]:
    names = set()
    for directory, subdirectories, found in os.walk(ROOT):
        subdirectories[:] = [name for name in subdirectories if name not in _NOT_OURS]
        wanted = [name for name in found if not name.endswith((".pyc", ".tar.gz"))]
        names |= {os.path.relpath(os.path.join(directory, name), ROOT) for name in wanted}
    return names


def _same(source: Path, target: Path) -> bool:
    if target.is_symlink() or not target.is_file():
        return False
    here, there = source.stat(), target.stat()
    return here.st_mtime_ns == there.st_mtime_ns and here.st_size == there.st_size


def _remove_others(names: set[str]) -> None:
    for directory, subdirectories, found in os.walk(TREE):
        relative = os.path.relpath(directory, TREE)
        subdirectories[:] = [
            name for name in subdirectories if os.path.normpath(os.path.join(relative, name)) != ".git"
        ]
        for name in found:
            if os.path.normpath(os.path.join(relative, name)) not in names:
                os.unlink(os.path.join(directory, name))


def _remove_empty() -> None:
    for directory, _subdirectories, _found in sorted(os.walk(TREE), reverse=True):
        if "/.git" not in directory and not os.listdir(directory):
            os.rmdir(directory)
