# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that a page of documentation names, and the files that it shows beside them.

Commands are the lines that begin with "$ " in a ```console block of Markdown, or below ".. code-block:: console" in a
guide. Files are yaml blocks whose first line names one: "# policy.yml".
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Iterator, NamedTuple

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.M | re.S)
_DIRECTIVE = re.compile(r"^( *)\.\. code-block:: (\w+)\n((?:\1 {3,}\S.*\n|\s*\n)*)", re.M)
_HEADING = re.compile(r"^(?:## (?P<markdown>.+)|(?P<rst>\S.*)\n[=~-]{3,}$)", re.M)
_FILE = re.compile(r"# ((?:\w+/)*\w+\.yml)\b")


class Command(NamedTuple):
    """One command as printed, without the prompt, and the section of the page that it stands in."""

    page: str
    line: int
    text: str
    section: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def _blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """Blocks of a language: the line that each begins in, and its text without indentation."""
    text = page.read_text(encoding="utf-8")
    for match in (_DIRECTIVE if page.suffix == ".rst" else _FENCE).finditer(text):
        if match.group(2) == language:
            block = textwrap.dedent(match.group(3))
            blank = len(block) - len(block.lstrip("\n"))
            yield text.count("\n", 0, match.start(3)) + 1 + blank, block.strip("\n")


def _sections(text: str) -> list[tuple[int, str]]:
    """The line of every heading, and what it says."""
    return [
        (text.count("\n", 0, match.start()) + 1, match.group("markdown") or match.group("rst"))
        for match in _HEADING.finditer(text)
    ]


def commands(page: Path, root: Path) -> list[Command]:
    found = []
    name = str(page.relative_to(root))
    sections = _sections(page.read_text(encoding="utf-8"))
    for first, block in _blocks(page, "console"):
        section = next((title for line, title in reversed(sections) if line < first), "")
        lines = iter(enumerate(block.splitlines(), first))
        for number, line in lines:
            if not line.startswith("$ "):
                continue
            text = line[2:]
            while text.endswith("\\"):
                text += "\n" + next(lines)[1]
            found.append(Command(name, number, text, section))
    return found


def files(page: Path) -> dict[str, str]:
    """Path -> content of every file that the page shows whole."""
    found = {}
    for _first, block in _blocks(page, "yaml"):
        named = _FILE.match(block)
        if named:
            found[named.group(1)] = f"---\n{block}\n"
    return found


def without_comment(text: str) -> str:
    """A command as the table of commands names it: without the remark behind it."""
    return re.sub(r"\s+#\s.*$", "", text).strip()
