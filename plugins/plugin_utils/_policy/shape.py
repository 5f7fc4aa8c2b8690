# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy file may say, key by key. Every mistake is told with the path of its key, all of them at once."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._size import parse_share, parse_size
from ansible_collections.memops.linux.plugins.module_utils._when import parse_when

_MISSING = object()


class Problems:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.found = []  # type: list[str]

    def add(self, path: str, said: str) -> None:
        self.found.append(f"{path}: {said}" if path else said)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _kind(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)


class Place:
    """One mapping of the policy: takes keys out of it by what they have to be, and tells of those that nobody took."""

    def __init__(self, value: t.Any, path: str, problems: Problems, what: str) -> None:
        self.path, self.problems, self.what = path, problems, what
        self.given = value if isinstance(value, dict) else {}
        self._is_mapping = isinstance(value, dict)
        self._known = []  # type: list[str]
        if not isinstance(value, dict):
            problems.add(path, f"has to be a mapping, not {_kind(value)}")

    def at(self, key: object) -> str:
        return f"{self.path}.{key}" if self.path else str(key)

    def wrong(self, key: str, said: str) -> None:
        self.problems.add(self.at(key), said)

    def take(self, key: str, required: bool = False) -> t.Any:
        """The value; None where it is not there."""
        self._known.append(key)
        value = self.given.get(key, _MISSING)
        if value is _MISSING or value is None:
            if required and self._is_mapping:
                self.wrong(key, "is missing" if value is _MISSING else "is empty")
            return None
        return value

    def text(self, key: str, required: bool = False) -> str | None:
        value = self.take(key, required)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, f"has to be a text, not {_shown(value)}")
            return None
        return " ".join(value.split())

    def label(self, key: str) -> str | None:
        """A text, or a number that stands for one."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, (dict, list)):
            self.wrong(key, f"has to be a text, not {_shown(value)}")
            return None
        return " ".join(str(value).split())

    def word(self, key: str, words: t.Sequence[str], default: str | None = None, required: bool = False) -> str | None:
        value = self.take(key, required)
        if value is None:
            return default
        if value not in words:
            self.wrong(key, f"{_shown(value)} is none of {', '.join(words)}")
            return default
        return str(value)

    def number(self, key: str, required: bool = False, least: int = 0, most: int | None = None) -> int | None:
        value = self.take(key, required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.wrong(key, f"has to be a whole number of {least} or more, not {_shown(value)}")
            return None
        if most is not None and value > most:
            self.wrong(key, f"{value} is more than {most}")
            return None
        return value

    def flag(self, key: str) -> bool | None:
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            self.wrong(key, f"has to be true or false, not {_shown(value)}")
            return None
        return value

    def age(self, key: str, required: bool = False) -> float | None:
        """Seconds of ``24h``, ``7d``."""
        value = self.take(key, required)
        if value is None:
            return None
        try:
            seconds = -parse_when(str(value), 0.0)
            if re.match(r"\d{4}-", str(value)) or seconds <= 0:
                raise ValueError
        except ValueError:
            self.wrong(key, f"{_shown(value)} is not a valid age; write one such as 24h, 7d or 2w")
            return None
        return seconds

    def size(self, key: str) -> str | None:
        """Bytes or a share of RAM, as text."""
        value = self.take(key)
        if value is None:
            return None
        try:
            if isinstance(value, bool):
                raise ValueError(f"{value!r} is not a valid size")
            if parse_share(str(value)) is None:
                parse_size(str(value))
        except ValueError as exc:
            self.wrong(key, str(exc))
            return None
        return str(value)

    def texts(self, key: str) -> list[str]:
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(key, f"has to be a list of texts, not {_shown(value)}")
            return []
        return value

    def places(self, key: str, what: str) -> list[Place]:
        """The mappings of a list."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, f"has to be a list, not {_kind(value)}")
            return []
        return [Place(item, f"{self.at(key)}[{number}]", self.problems, what) for number, item in enumerate(value)]

    def place(self, key: str, what: str) -> Place | None:
        value = self.take(key)
        return None if value is None else Place(value, self.at(key), self.problems, what)

    def end(self) -> None:
        """Whatever was not taken is a mistake."""
        for key in self.given:
            if key not in self._known:
                near = difflib.get_close_matches(str(key), self._known, 1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._known)}"
                self.problems.add(self.at(key), f"is not a key of {self.what}; {hint}")


def bytes_of(text: str, ram: int | None) -> int | None:
    """Of what size() took; None for a share of unknown RAM."""
    share = parse_share(text)
    if share is None:
        return parse_size(text)
    return None if ram is None else ram * share // 10_000
