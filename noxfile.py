# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions that the gates of `make test` call, and those of antsibull-nox.toml where antsibull-nox is installed.

`pipx run nox -s lint` needs nothing else; the gates of tests/ci bring a venv of their own, with --no-venv.
"""

import os
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests"))

from ci.places import CACHE, TREE  # noqa: E402
from ci.tree import files, sync_tree  # noqa: E402

try:
    import antsibull_nox
except ImportError:
    pass
else:
    antsibull_nox.load_antsibull_nox_toml()

nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "mypy", "units"]
nox.options.envdir = str(CACHE / "nox")


def prepare(session: nox.Session) -> None:
    """The tools, where nox has made a venv for them, and the copy of the checkout that they read."""
    if session.venv_backend != "none":
        session.install("-r", "tests/requirements/lint.txt")
    if not os.environ.get("MEMOPS_TREE_IS_CURRENT"):
        sync_tree()
    session.chdir(TREE)


@nox.session
def lint(session: nox.Session) -> None:
    """YAML, format, imports, likely bugs, simple functions, licences, changelog fragments."""
    prepare(session)
    session.run("ruff", "check", "--no-cache", ".", external=True)
    session.run("python", "tests/ci/own_lint.py", external=True)
    session.run("lint-imports", "--no-cache", external=True, env={"PYTHONPATH": str(CACHE)})
    session.run("black", "--check", "--diff", "--quiet", ".", external=True)
    session.run("yamllint", "--strict", ".", external=True)
    session.run("antsibull-changelog", "lint", external=True)
    session.run("reuse", "--root", str(TREE), "lint", external=True)


@nox.session
def mypy(session: nox.Session) -> None:
    """Types of the plugins, strict."""
    prepare(session)
    paths = [str(Path("ansible_collections/memops/linux") / name) for name in files("plugins/**/*.py")]
    session.chdir(CACHE)
    flags = ("--config-file", str(TREE / "pyproject.toml"), "--cache-dir", str(CACHE / "mypy"))
    session.run("mypy", *flags, *paths, external=True, env={"MYPYPATH": str(CACHE)})


@nox.session
def units(session: nox.Session) -> None:
    """Unit tests with plain pytest, without the slow ones; `nox -s units -- PATH` runs all that are below PATH."""
    prepare(session)
    env = {"PYTHONPATH": str(CACHE), "PYTHONDONTWRITEBYTECODE": "1"}
    # Test files of two directories may have one name.
    flags = ["-q", "-rfEs", "--durations=15", "-p", "no:cacheprovider", "--import-mode=importlib"]
    if session.posargs:
        flags += session.posargs
    else:
        flags += ["-n", "2", "--dist", "worksteal", "-m", "not slow", "tests/unit"]
    session.run("python", "-m", "pytest", *flags, external=True, env=env)


if __name__ == "__main__":
    nox.main()
