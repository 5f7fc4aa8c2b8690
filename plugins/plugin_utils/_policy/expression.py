# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath with three answers: true, false, and unknown. What a host did not tell is unknown, whatever stands around
it.

JMESPath itself calls null false, so `!(settings.panic_on_oom)` would be true of a host that told nothing. Here AND, OR,
NOT and comparisons know the third value, also in a filter: of a list of which it is not known what belongs to it,
nothing is known. So it is with a projection, out of which JMESPath drops null: of a list of which one element is not
told, nothing is known. Everything else is plain JMESPath.

This room is in plugin_utils because only the controller judges, and managed hosts have no jmespath.
"""

from __future__ import annotations

import json
import re
import typing as t
from functools import lru_cache

try:
    from jmespath import exceptions, functions, lexer, parser, visitor
except ImportError as exc:
    MISSING = exc  # type: ImportError | None
    JMESPathError = ValueError  # type: type[Exception]
else:
    MISSING = None
    JMESPathError = exceptions.JMESPathError

Node = t.Dict[str, t.Any]

#: whose first child is taken from the facts, and whose others see what came of it only
_FIRST_ONLY = ("projection", "filter_projection", "value_projection", "pipe", "subexpression", "index_expression")
#: what takes something out of its first child
_TAKES_OUT = tuple(kind for kind in _FIRST_ONLY if kind != "pipe")
#: functions that ask whether something is there
_ASKS = ("type", "not_null")
_CHAIN = ("field", "index", "current", "identity")


_LITERAL = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL)


class ExpressionError(ValueError):
    """It cannot be compiled; the text says why."""


class _Doubt(Exception):
    """Whether a filter takes an element, or what a projection makes of one, is not known."""


#: What jmespath lets Python stumble over: `1 < 'infinity'`, ceil() of a number that has no end.
_STUMBLES = (TypeError, ValueError, ArithmeticError, AttributeError, KeyError, IndexError)


@lru_cache(maxsize=None)
def _kinds() -> t.Any:
    """The interpreter, its options, and the functions by name."""

    class Functions(functions.Functions):
        """Those of JMESPath, and the one division that a share of memory needs."""

        @functions.signature({"types": ["number"]}, {"types": ["number"]})
        def _func_ratio(self, part: float, whole: float) -> float | None:
            return part / whole if whole else None

    class Interpreter(visitor.TreeInterpreter):
        """With filters and projections that know the third value."""

        #: whether to go on without those elements of which it is not known
        memops_lenient = False

        def __init__(self, options: t.Any, holds: t.Callable[[Node, t.Any], bool | None]) -> None:
            super().__init__(options)
            self._memops_holds = holds

        def _memops_each(self, node: t.Any, elements: t.Iterable[t.Any]) -> list[t.Any]:
            taken = [self.visit(node, element) for element in elements]
            if None in taken:
                if not self.memops_lenient:
                    raise _Doubt
                return [one for one in taken if one is not None]
            return taken

        def visit_projection(self, node: t.Any, value: t.Any) -> t.Any:
            base = self.visit(node["children"][0], value)
            return self._memops_each(node["children"][1], base) if isinstance(base, list) else None

        def visit_value_projection(self, node: t.Any, value: t.Any) -> t.Any:
            base = self.visit(node["children"][0], value)
            return self._memops_each(node["children"][1], base.values()) if isinstance(base, dict) else None

        def visit_filter_projection(self, node: t.Any, value: t.Any) -> t.Any:
            elements, each, condition = node["children"]
            base = self.visit(elements, value)
            if not isinstance(base, list):
                return None
            told = [self._memops_holds(condition, element) for element in base]
            if None in told and not self.memops_lenient:
                raise _Doubt
            return self._memops_each(each, [element for element, holds in zip(base, told) if holds])

    # Its type stubs know trees and methods by names that are not those of the package.
    return Interpreter, visitor.Options(custom_functions=Functions()), Functions.FUNCTION_TABLE


def _see(interpreter: t.Any, node: Node, facts: t.Any) -> t.Any:
    """Null where a filter or a projection is in doubt. Raises JMESPathError, also where jmespath lets Python
    stumble.
    """
    try:
        return interpreter.visit(node, facts)
    except _Doubt:
        return None
    except JMESPathError:
        raise
    except _STUMBLES as exc:
        raise JMESPathError(" ".join(str(exc).split())) from exc


def _check_calls(node: Node) -> None:
    """jmespath itself finds an unknown function only when it is called, and takes a bare `true` for the name of
    a key.
    """
    if node["type"] == "field" and node["value"] in ("true", "false", "null"):
        raise ExpressionError(
            f"{node['value']} is the name of a key here; the value is written `{node['value']}`, in backticks"
        )
    if node["children"] and node["type"] in _TAKES_OUT and node["children"][0]["type"] == "not_expression":
        raise ExpressionError(
            "! belongs to what stands right behind it: !a.b is (!a).b, which there never is; write !(a.b)"
        )
    if node["type"] == "function_expression":
        known = _kinds()[2].get(node["value"])
        if known is None:
            raise ExpressionError(f"there is no such function: {node['value']}()")
        wanted = known["signature"]
        count = len(node["children"])
        variadic = bool(wanted) and wanted[-1].get("variadic")
        if count < len(wanted) or (count > len(wanted) and not variadic):
            raise ExpressionError(
                f"{node['value']}() takes {len(wanted)}{' or more' if variadic else ''} arguments, not {count}"
            )
    for child in node["children"]:
        if isinstance(child, dict):
            _check_calls(child)


def _check_literals(text: str) -> None:
    """jmespath takes `True` for the text "True", which equals nothing that the facts tell."""
    for token in lexer.Lexer().tokenize(text):
        written = _LITERAL.match(text, token["start"]) if token["type"] == "literal" else None
        if written is not None:
            inner = written[1].replace("\\`", "`")
            try:
                json.loads(inner)
            except ValueError as exc:
                raise ExpressionError(
                    f"{written[0]} is not valid JSON; a text is written '{inner}', and true, false and null in small"
                    " letters"
                ) from exc


def _is_chain(node: Node) -> bool:
    """``settings.swappiness``, ``units[0].name``: a way to one value."""
    if node["type"] in ("subexpression", "index_expression"):
        return all(_is_chain(child) for child in node["children"])
    return node["type"] in _CHAIN


def _text(node: Node) -> str:
    """A chain as it was written."""
    if node["type"] == "field":
        return str(node["value"])
    if node["type"] == "index":
        return f"[{node['value']}]"
    if node["type"] in ("current", "identity"):
        return "@"
    parts = [_text(child) for child in node["children"] if child["type"] != "identity"]
    return ".".join(parts).replace(".[", "[")


def _keys(node: Node) -> tuple[str, ...] | None:
    """The keys of a chain that has no index: most have none, and to walk them is ten times as fast as jmespath."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] == "subexpression":
        parts = [_keys(child) for child in node["children"]]
        return None if None in parts else tuple(key for part in parts if part is not None for key in part)
    return None


class Chain:
    """The way to one value of the facts."""

    def __init__(self, node: Node, interpreter: t.Any) -> None:
        self._node, self._keys, self._interpreter = node, _keys(node), interpreter

    def value(self, facts: t.Any) -> t.Any:
        if self._keys is None:
            return _see(self._interpreter, self._node, facts)
        for key in self._keys:
            if not isinstance(facts, dict):
                return None
            facts = facts.get(key)
        return facts


def _is_null(node: Node) -> bool:
    return node["type"] == "literal" and node["value"] is None


def _wants(node: Node, asked: bool = False) -> t.Iterator[tuple[str, Node, bool]]:
    """(text, chain, needed) of every value that the expression takes from the facts. One that it only asks for need not
    be there.
    """
    if _is_chain(node):
        yield _text(node), node, not asked
        return
    kind, children = node["type"], [child for child in node["children"] if isinstance(child, dict)]
    if kind == "expref":
        return
    if kind in _FIRST_ONLY:
        children = children[:1]
    elif kind == "function_expression":
        asked = asked or node["value"] in _ASKS
    elif kind == "comparator":
        asked = asked or any(_is_null(child) for child in children)
    for child in children:
        # `a || b` inside of a function: b is there for the case that a is not.
        yield from _wants(child, asked or (kind == "or_expression" and child is not children[-1]))


class Expression:
    """One expression, compiled once for all hosts."""

    def __init__(self, text: str) -> None:
        """Raises ExpressionError, and ImportError where the controller has no jmespath."""
        if MISSING is not None:
            raise ImportError(f"it needs jmespath on the controller: {MISSING}")
        self.text = " ".join(text.split())
        try:
            parsed = parser.Parser().parse(text).parsed  # type: t.Any
        except (JMESPathError, ValueError, RecursionError) as exc:
            raise ExpressionError(" ".join(str(exc).split())) from exc
        _check_literals(text)
        self._tree = parsed  # type: Node
        _check_calls(self._tree)
        interpreter, options, _functions = _kinds()
        self._interpreter = interpreter(options, self._holds)
        self._needed = {}  # type: dict[int, list[Chain]]
        self.paths = {text: Chain(node, self._interpreter) for text, node, _needed in _wants(self._tree) if text != "@"}

    def _known(self, node: Node, facts: t.Any) -> bool:
        needed = self._needed.get(id(node))
        if needed is None:
            needed = self._needed[id(node)] = [
                Chain(chain, self._interpreter) for _text_, chain, wanted in _wants(node) if wanted
            ]
        return all(chain.value(facts) is not None for chain in needed)

    def value(self, facts: t.Any) -> t.Any:
        """As JMESPath has it; null where something it takes is missing. Raises JMESPathError for values it cannot work
        with.
        """
        return _see(self._interpreter, self._tree, facts) if self._known(self._tree, facts) else None

    def elements(self, facts: t.Any) -> tuple[t.Any, bool]:
        """The value, and whether it is all: elements of which it is not known whether they belong to it are left out.
        Raises JMESPathError.
        """
        found = self.value(facts)
        if found is not None:
            return found, True
        self._interpreter.memops_lenient = True
        try:
            return self.value(facts), False
        finally:
            self._interpreter.memops_lenient = False

    def holds(self, facts: t.Any) -> bool | None:
        """True, False, or None for unknown. Raises JMESPathError."""
        return self._holds(self._tree, facts)

    def _holds(self, node: Node, facts: t.Any) -> bool | None:
        kind, children = node["type"], node["children"]
        if kind == "not_expression":
            found = self._holds(children[0], facts)
            return None if found is None else not found
        if kind in ("and_expression", "or_expression"):
            decides = kind == "or_expression"
            unknown = False
            for child in children:
                found = self._holds(child, facts)
                if found is decides:
                    return decides
                unknown = unknown or found is None
            return None if unknown else not decides
        if not self._known(node, facts):
            return None
        found = _see(self._interpreter, node, facts)
        if found is None:
            return None
        return found if isinstance(found, bool) else found not in ({}, [], "")

    @property
    def is_constant(self) -> bool:
        """It takes nothing from the facts."""
        return next(_wants(self._tree), None) is None

    @property
    def is_outright(self) -> bool:
        """It is `true` or `false` itself, so it is meant to take nothing."""
        return self._tree["type"] == "literal" and isinstance(self._tree["value"], bool)

    def answer(self, facts: t.Any) -> t.Any:
        """A number or a text, of which JMESPath says true, even of 0; null for what is an answer."""
        if self._tree["type"] in ("comparator", "and_expression", "or_expression", "not_expression"):
            return None
        found = self.value(facts)
        return found if isinstance(found, (int, float, str)) and not isinstance(found, bool) else None

    def taken(self, facts: t.Any) -> dict[str, t.Any]:
        """What the expression was decided by: every value that it took."""
        return {text: chain.value(facts) for text, chain in self.paths.items()}
