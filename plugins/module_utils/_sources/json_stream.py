# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON that is spread over many lines, line by line: the elements of its lists come out as they end, and nothing grows.

What ``json.loads`` wants whole may be an hour of a cloud's log service, and an excerpt of a file begins inside an
object. So each line becomes tokens, and a stack of open objects and lists takes them. An object in a list is handed out
when it ends, with the scalars of what it lies in; what somebody opened and never closed is given up with the first line
that is no JSON.
"""

from json import JSONDecoder
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

_LITERAL = regex(r"-?\d{1,24}(?:\.\d{1,24})?(?:[eE][+-]?\d{1,4})?(?![\w.])|true\b|false\b|null\b")
#: One ends and the next begins; in a text, such a comma has no brace before it as a rule.
_OBJECT = regex(rb"([}\]])\s{0,8},\s{0,8}([{\[])")
#: Of one line: more than a record of journalctl -o json has with a message that is a list of numbers.
_MAX_TOKENS = 1_000_000
_STRINGS = JSONDecoder(strict=False)
_WORDS = {"true": True, "false": False, "null": None}
_MAX_DEPTH = 64
#: Members of one object or list that are kept: a record has some 40, and a name written as numbers is no longer than 8
#: KiB.
_MAX_MEMBERS = 8192
#: "[1, 2, 3]" and "[12.345678] text" begin alike.
_MAY_BEGIN = regex(r'\s*(?:\{\s*(?:"|\}|$)|\[\s*(?:[{\["]|\]|$)|"[^"\\]{1,128}"\s*:\s*(?:[\[{"\d-]|true|false|null))')

Token = Tuple[str, Any]
Container = Union[Dict[str, Any], List[Any]]


class Element(NamedTuple):
    """value -- an object, or an item of a list; around -- the scalars and objects of what it lies in, the
    nearest last
    """

    value: Any
    around: Tuple[Dict[str, Any], ...]


def tokens_of(text: str) -> Optional[List[Token]]:
    """Braces, brackets, keys and values of a line; None where it is no JSON."""
    tokens = []  # type: List[Token]
    at = 0
    end = len(text)
    while at < end:
        if len(tokens) > _MAX_TOKENS:
            return None
        char = text[at]
        if char in " \t\r\n,":
            at += 1
        elif char in "{}[]":
            tokens.append((char, None))
            at += 1
        elif char == '"':
            try:
                value, at = _STRINGS.raw_decode(text, at)
            except ValueError:
                return None
            rest = at
            while rest < end and text[rest] in " \t":
                rest += 1
            if text[rest : rest + 1] == ":":
                tokens.append(("key", value))
                at = rest + 1
            else:
                tokens.append(("value", value))
        else:
            literal = _LITERAL.match(text, at)
            if literal is None:
                return None
            word = literal.group()
            tokens.append(("value", _WORDS[word] if word in _WORDS else _number(word)))
            at = literal.end()
    return tokens


def _number(word: str) -> Union[int, float]:
    """As a double where it has more digits than 64 bits hold: no arithmetic fails on it, and infinity is no time of
    anybody's.
    """
    return int(word) if len(word) < 20 and word.lstrip("-").isdigit() else float(word)


#: json.loads, with such numbers.
loads = JSONDecoder(parse_int=_number).decode


class DocumentLines:
    """A document on one line, piece by piece, as lines that begin with its objects: what is no longer than a record
    fits into each.
    """

    _MAX_REST = 1 << 20

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> List[bytes]:
        """The lines that are complete."""
        lines = _OBJECT.sub(b"\\1,\n\\2", self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > self._MAX_REST:
            lines.append(self._rest)
            self._rest = b""
        return lines

    def rest(self) -> List[bytes]:
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


class JsonStream:
    """feed() takes a line and says whether it was JSON; taken() hands out what has ended since."""

    def __init__(self) -> None:
        self._stack = []  # type: List[Container]
        self._keys = []  # type: List[Optional[str]]  # under which the next value of each goes
        self._done = []  # type: List[Element]

    @property
    def open(self) -> bool:
        return bool(self._stack)

    def feed(self, text: str) -> bool:
        """False leaves everything as it was."""
        if not self._stack and not _MAY_BEGIN.match(text):
            return False
        tokens = tokens_of(text)
        if tokens is None or not self._fits(tokens):
            return False
        for kind, value in tokens:
            self._take(kind, value)
        return True

    def _fits(self, tokens: List[Token]) -> bool:
        """Is this what may come next? An object has keys, a list has none."""
        if not tokens:
            return bool(self._stack)
        if not self._stack:
            return True
        kind = tokens[0][0]
        if isinstance(self._stack[-1], dict):
            return kind in ("key", "}") or self._keys[-1] is not None
        return kind not in ("key", "}")

    def _take(self, kind: str, value: Any) -> None:
        if kind == "key":
            if not self._stack:
                self._push({})  # an excerpt that begins inside an object
            self._keys[-1] = value
        elif kind == "value":
            self._put(value)
        elif kind in "{[":
            self._push({} if kind == "{" else [])
        elif self._stack:
            self._pop()

    def _push(self, container: Container) -> None:
        self._stack.append(container)
        self._keys.append(None)
        if len(self._stack) > _MAX_DEPTH:
            self.give_up()

    def _put(self, value: Any) -> None:
        if not self._stack:
            return
        top = self._stack[-1]
        if (
            isinstance(top, list)
            and is_line(value)
            and not (len(top) == 1 and isinstance(top[0], str) and top[0].isdigit())
        ):
            self._hand_out(value)  # a log as a list of its lines
            return
        if len(top) >= _MAX_MEMBERS:
            return
        if isinstance(top, dict):
            if self._keys[-1] is not None:
                top[self._keys[-1]] = value
                self._keys[-1] = None
        else:
            top.append(value)

    def _pop(self) -> None:
        ended = self._stack.pop()
        self._keys.pop()
        if not self._stack:
            self._hand_out(ended)
            return
        in_list = isinstance(self._stack[-1], list)
        if in_list and (isinstance(ended, dict) or is_pair(ended)) and not is_property(ended):
            self._hand_out(ended)
        else:
            self._put(ended)

    def _hand_out(self, value: Any) -> None:
        self._done.extend(elements_of(value, tuple([one for one in self._stack if isinstance(one, dict)])))

    def give_up(self) -> None:
        """What is open will not end: it is handed out as far as it came."""
        while self._stack:
            ended = self._stack.pop()
            self._keys.pop()
            if ended:
                self._hand_out(ended)

    def taken(self) -> List[Element]:
        done, self._done = self._done, []
        return done


def is_line(value: Any) -> bool:
    """May a text in a list be a line of a log, with its own prefix?"""
    return isinstance(value, str) and len(value) >= 24 and " " in value


def is_pair(value: Any) -> bool:
    """Loki's way to write a line: its time in nanoseconds, its text."""
    return (
        isinstance(value, list)
        and 2 <= len(value) <= 3
        and all(isinstance(one, str) for one in value[:2])
        and value[0].isdigit()
    )


def is_property(value: Any) -> bool:
    """A name and a value as an object of its own: OpenTelemetry, CloudWatch Insights."""
    return isinstance(value, dict) and len(value) == 2 and "value" in value and ("key" in value or "field" in value)


def properties(values: List[Any]) -> Dict[str, Any]:
    """Names and values as one object."""
    return {str(one.get("key", one.get("field"))): one["value"] for one in values}


def elements_of(value: Any, around: Tuple[Dict[str, Any], ...] = ()) -> Iterator[Element]:
    """What may be a record or a line in a value, with what lies around it."""
    pending = [value]
    while pending:
        inner = pending.pop()
        if isinstance(inner, dict) or is_pair(inner) or is_line(inner):
            yield Element(inner, around)
        elif isinstance(inner, list) and inner and all(is_property(one) for one in inner):
            yield Element(properties(inner), around)
        elif isinstance(inner, list):
            pending.extend(reversed(inner))
