# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates of the documentation, of roles and playbooks."""

from __future__ import annotations

from ci.gate import gate
from ci.machine import Machine
from ci.places import CACHE


@gate("docs", "documentation of every plugin and role")
def docs(m: Machine) -> None:
    flags = ("--plugin-docs", "--skip-rstcheck", "--validate-collection-refs", "all")
    m.call("antsibull-docs", "lint-collection-docs", *flags, ".", bins=m.lint_tools())


@gate("ansible-lint", "playbooks and roles, profile production")
def ansible_lint(m: Machine) -> None:
    m.call("ansible-lint", "--offline", "--strict", "--nocolor", bins=m.lint_tools(), ANSIBLE_HOME=str(CACHE / "ansible"))
