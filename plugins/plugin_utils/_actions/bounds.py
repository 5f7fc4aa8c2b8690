# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answered, as bounded values of builtin types: no depth, length or type is taken on trust. Nothing in here
may fail.
"""

from __future__ import annotations

import sys
import typing as t
from functools import lru_cache
from itertools import islice

from ansible_collections.memops.linux.plugins.module_utils._text import printable

#: An answer is measured before it is parsed. The default ones take 256 KB; parsed, a value takes some hundred bytes.
MOST_BYTES = 8 << 20
MOST_VALUES = 300_000

MOST_TEXT = 65_536
_MOST_NAME = 1024
_MOST_END = 8192
_MOST_KEYS = 1024
_MOST_ITEMS = 5000
_MOST_DEPTH = 16
_MOST_NUMBER = 1 << 64
#: Ansible acts on keys that begin so, and its decoders make objects of them.
_RESERVED = ("_ansible", "__ansible")


def too_much(answer: str) -> str | None:
    """Why this answer is not parsed; None where it may be."""
    size = sys.getsizeof(answer)
    if size > MOST_BYTES:
        return f"the answer takes {size >> 20} MiB, and at most {MOST_BYTES >> 20} MiB are taken from a host"
    values = sum(map(answer.count, "{[,"))
    if values > MOST_VALUES:
        return f"the answer holds about {values:,} values, and at most {MOST_VALUES:,} are taken from a host"
    return None


def line(value: t.Any) -> str | None:
    """A text of one line that is safe to print; None for anything that is no text."""
    return printable(value[:MOST_TEXT]) if isinstance(value, str) else None


def _is_plain(text: str) -> bool:
    """Nearly all are: letters, digits and signs of ASCII."""
    return text.isascii() and text.isprintable()


def lines(value: t.Any) -> str | None:
    """A text of several lines, as a diff has them: line feeds and tabs stay."""
    if not isinstance(value, str):
        return None
    if len(value) <= MOST_TEXT and _is_plain(value):
        return value
    return "\n".join("\t".join(map(printable, part.split("\t"))) for part in value[:MOST_TEXT].split("\n"))


def end_of(value: t.Any) -> str | None:
    """The last lines of what a command said."""
    return "\n".join(map(printable, value[-_MOST_END:].splitlines())) if isinstance(value, str) else None


def number(value: t.Any) -> int | float | None:
    """A finite number of 64 bits; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if -_MOST_NUMBER < value < _MOST_NUMBER else None


def flag(value: t.Any) -> bool | None:
    return value if isinstance(value, bool) else None


def plain(value: t.Any, depth: int = 0) -> t.Any:
    """The same structure, as far as it stays within the bounds: what does not is null, keys and items beyond them are
    left out.
    """
    if isinstance(value, str):
        return lines(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if -_MOST_NUMBER < value < _MOST_NUMBER else None
    if depth < _MOST_DEPTH:
        if isinstance(value, dict):
            return mapping(value, depth)
        if isinstance(value, (list, tuple)):
            return [plain(item, depth + 1) for item in value[:_MOST_ITEMS]]
    return None


@lru_cache(maxsize=4096)
def _name(key: t.Any) -> str | None:
    """A key that is safe to print; None for what is no key to us. The same few come again and again."""
    return printable(key[:_MOST_NAME]) if isinstance(key, str) and not key.startswith(_RESERVED) else None


def mapping(value: t.Any, depth: int = 0) -> dict[str, t.Any] | None:
    if not isinstance(value, dict):
        return None
    found = {}
    for key, inner in islice(value.items(), _MOST_KEYS):
        name = _name(key)
        if name is not None:
            found[name] = None if inner is None else plain(inner, depth + 1)
    return found


def items(value: t.Any) -> list[t.Any] | None:
    return [plain(item, 1) for item in value[:_MOST_ITEMS]] if isinstance(value, (list, tuple)) else None
