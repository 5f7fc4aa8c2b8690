# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a variable means that was typed on the command line: after ``-e NAME=`` every value is a string."""

from __future__ import annotations

import re
import typing as t

import yaml
from ansible.module_utils.parsing.convert_bool import boolean

#: between commas, or as JSON or YAML have a list
_WORDS = re.compile(r"""[^][\s,"']+""")


def words(value: t.Any) -> t.Any:
    """``html,csv``, ``["html", "csv"]`` and ``- html`` line by line are a list. What is none of a string stays."""
    if not isinstance(value, str):
        return value
    return [word for word in _WORDS.findall(value) if word != "-"]


def yaml_or_text(value: t.Any) -> t.Any:
    """A mapping or a list in JSON or YAML; any other string, such as a path, stays. Raises ValueError."""
    if not isinstance(value, str) or not (value.lstrip().startswith(("{", "[")) or "\n" in value.strip()):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as exc:
        raise ValueError(f"it looks like JSON or YAML and is neither: {' '.join(str(exc).split())}") from None


def switch(value: t.Any) -> bool:
    """``false``, ``no``, ``off`` and ``0`` are false as a text, too. Raises ValueError."""
    try:
        return bool(boolean(value))
    except TypeError:
        raise ValueError(f"{value!r} is neither true nor false") from None
