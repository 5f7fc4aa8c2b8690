# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates of the documentation, of roles and playbooks."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from ci.gate import Failed, gate
from ci.machine import Machine
from ci.places import CACHE, TREE

#: The builder of the site: no theme that needs a package of its own, and no inventory of other sites, which may be out
#: of reach.
CONF = """
project = "memops.linux"
extensions = ["sphinx_antsibull_ext"]
html_theme = "alabaster"
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
"""
#: A label of Ansible's own documentation. References to plugins are checked by the gate docs.
_ELSEWHERE = re.compile(r"WARNING: undefined label: '(?!ansible_collections\.memops\.linux\.)[\w.-]+' \[ref\.ref\]$")


@gate("docs", "documentation of every plugin and role")
def docs(m: Machine) -> None:
    flags = ("--plugin-docs", "--skip-rstcheck", "--validate-collection-refs", "all")
    m.call("antsibull-docs", "lint-collection-docs", *flags, ".", bins=m.lint_tools())


@gate("ansible-lint", "playbooks and roles, profile production")
def ansible_lint(m: Machine) -> None:
    m.call(
        "ansible-lint", "--offline", "--strict", "--nocolor", bins=m.lint_tools(), ANSIBLE_HOME=str(CACHE / "ansible")
    )


@gate("docsite", "the documentation site builds, guides and plugin pages, without a warning")
def docsite(m: Machine) -> str:
    bins = m.lint_tools()
    with tempfile.TemporaryDirectory() as directory:
        pages, site = Path(directory) / "rst", Path(directory) / "html"
        pages.mkdir(mode=0o755)
        (Path(directory) / "conf.py").write_text(CONF)
        flags = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", pages)
        # Alone on the path: with other collections beside it, antsibull-docs leaves out the roles.
        alone = Path(directory) / "collections/ansible_collections/memops"
        alone.mkdir(parents=True)
        (alone / "linux").symlink_to(TREE)
        path = {"ANSIBLE_COLLECTIONS_PATH": str(alone.parent.parent)}
        m.call("antsibull-docs", "collection", *flags, "memops.linux", bins=bins, cwd=Path(directory), **path)
        build = ("sphinx-build", "-q", "--keep-going", "-c", directory, "-b", "html", pages, site)
        output = m.call(*build, bins=bins, cwd=Path(directory))
        warnings = [
            line for line in output.splitlines() if re.search("WARNING|ERROR", line) and not _ELSEWHERE.search(line)
        ]
        if warnings:
            raise Failed(f"{len(warnings)} warnings, the first: {warnings[0]}")
        return f"{len(list(site.rglob('*.html')))} pages"
