# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath with three answers."""

from __future__ import annotations

import pytest
from jmespath.exceptions import JMESPathError

from ansible_collections.memops.linux.plugins.plugin_utils._policy.expression import Expression, ExpressionError

HELD = [
    ("null is not false", "!(settings.p)", {}, None),
    ("a comparison with what is missing", "settings.p == `0`", {}, None),
    ("a comparison", "settings.p == `0`", {"settings": {"p": 0}}, True),
    ("or: one true is enough", "memory.s == `0` || item.m != 'infinity'", {"memory": {"s": 0}}, True),
    ("or: false and unknown", "memory.s == `0` || item.m != 'infinity'", {"memory": {"s": 1}}, None),
    ("and: one false is enough", "a == `1` && b == `1`", {"a": 2}, False),
    ("and: true and unknown", "a == `1` && b == `1`", {"a": 1}, None),
    ("asked for with null", "memory.psi != `null`", {"memory": {}}, False),
    ("asked for with type()", "type(m) == 'number'", {}, False),
    ("a sum of a list that is missing", "sum(units[*].m) <= `1`", {}, None),
    ("a sum of an empty list", "sum(units[*].m) <= `1`", {"units": []}, True),
    ("a share", "ratio(a, b) <= `0.5`", {"a": 1, "b": 2}, True),
    ("a share of nothing", "ratio(a, b) <= `0.5`", {"a": 1, "b": 0}, None),
    ("no order among lists", "a < b", {"a": [], "b": []}, None),
    ("a filter sees the elements", "length(units[?x == 'y'].z) == `0`", {"units": [{"x": "y", "z": 1}]}, False),
    ("a filter that an element does not answer", "length(units[?x == 'y']) == `0`", {"units": [{"x": "z"}, {}]}, None),
    (
        "and: false decides in a filter, too",
        "length(units[?n == 'a' && x > `1`]) == `0`",
        {"units": [{"n": "b"}]},
        True,
    ),
    ("asked for in a filter", "length(units[?x == `null`]) == `1`", {"units": [{"x": None}, {"x": 1}]}, True),
    ("asked for with type() in a filter", "sum(units[?type(x) == 'number'].x) == `1`", {"units": [{}, {"x": 1}]}, True),
    ("an element that is null", "length(values(d)[?@ == 'active']) < `2`", {"d": {"a": None}}, None),
    ("a filter behind a projection", "length(units[*].p[?s == 'old'][]) == `0`", {"units": [{"p": [{}]}]}, None),
    ("a filter in a filter", "length(units[?length(p[?s == 'old']) > `0`]) == `0`", {"units": [{"p": [{}]}]}, None),
    ("a filter behind a pipe", "units | length([?s == 'old']) == `0`", {"units": [{}]}, None),
    ("a filter in not_null()", "not_null(units[?s == 'old'], `true`)", {"units": [{}]}, None),
    ("or: true decides beside a filter", "a || length(units[?s == 'old']) == `0`", {"a": True, "units": [{}]}, True),
    (
        "a filter takes what is true",
        'units[?a && !b].n == `["x"]`',
        {"units": [{"a": 1, "b": False, "n": "x"}, {"a": 2, "b": True}]},
        True,
    ),
    ("a filter with not", "length(units[?!b]) == `1`", {"units": [{"b": False}, {"b": True}]}, True),
    ("not takes what is in brackets", "!(a.b)", {"a": {"b": False}}, True),
    ("a projection drops nothing that is not told", "sum(units[].m) <= `1`", {"units": [{"m": 1}, {}]}, None),
    ("a projection in which all is told", "sum(units[].m) <= `1`", {"units": [{"m": 1}, {"m": 0}]}, True),
    ("a projection of values", "length(d.*) == `1`", {"d": {"a": 1, "b": None}}, None),
    ("a projection of lists", "length(units[].p[]) == `1`", {"units": [{"p": [1]}, {"p": None}]}, None),
    ("a slice", "length(units[:2].m) == `2`", {"units": [{"m": 1}, {}]}, None),
    (
        "what is asked for in a filter goes into a projection",
        "sum(units[?m != `null`].m) == `1`",
        {"units": [{"m": 1}, {}]},
        True,
    ),
    ("a filter takes one that does not tell", "length(units[?x == 'y'].z) == `0`", {"units": [{"x": "y"}]}, None),
    ("a pipe sees what came before", "kills[*].unit | length(@) == `0`", {"kills": []}, True),
    ("a list is true when it is not empty", "kills && a", {"kills": [], "a": True}, False),
    ("a default inside of a function", "contains(['a'], x || 'a')", {}, True),
    ("a quoted key", "daemons.\"systemd-oomd\" != 'active'", {"daemons": {"systemd-oomd": "active"}}, False),
]


@pytest.mark.parametrize("text, facts, wanted", [row[1:] for row in HELD], ids=[row[0] for row in HELD])
def test_holds(text, facts, wanted):
    assert Expression(text).holds(facts) is wanted


@pytest.mark.parametrize(
    "text, said",
    [
        ("foo[", "Incomplete expression"),
        ("nope(a)", "there is no such function: nope()"),
        ("length(a, b)", "length() takes 1 arguments, not 2"),
        ("a == true", "the value is written `true`"),
        ("!a.b", "write !(a.b)"),
        ("a && !item.x == `true`", "write !(a.b)"),
        ("units[?!a.b]", "write !(a.b)"),
        ("a != `True`", "`True` is not valid JSON; a text is written 'True'"),
        ("a == `{`", "`{` is not valid JSON"),
        ("a == `x\\`y` || b", "is not valid JSON; a text is written 'x`y'"),
        ("a == `1", "Unclosed ` delimiter"),
        ("not_null()", "takes 1 or more arguments, not 0"),
        ("", "cannot be empty"),
    ],
)
def test_a_wrong_expression_is_refused_before_any_host(text, said):
    with pytest.raises(ExpressionError) as error:
        Expression(text)
    assert said in str(error.value)


def test_elements_that_are_not_known_are_left_out_and_it_is_said():
    assert Expression("units[?x == 'y']").elements({"units": [{"x": "y"}, {}]}) == ([{"x": "y"}], False)
    assert Expression("units[].p[]").elements({"units": [{"p": [1]}, {}]}) == ([1], False)
    assert Expression("units[?x == 'y']").elements({"units": [{"x": "y"}, {"x": 1}]}) == ([{"x": "y"}], True)
    assert Expression("units").elements({}) == (None, False)
    strict = Expression("units[].p")
    strict.elements({"units": [{}]})
    assert strict.value({"units": [{}]}) is None


@pytest.mark.parametrize(
    "text", ["a == `1`", 'a == `"x"`', "a == ` null `", 'a == `[1, {"b": true}]`', "a == '`True`'", 'a == "`x`"']
)
def test_a_literal_in_backticks_is_json(text):
    assert Expression(text).paths


@pytest.mark.parametrize(
    "text, facts, wanted",
    [
        ("length(a)", {"a": []}, 0),
        ("a.b", {"a": {"b": "no"}}, "no"),
        ("a.b", {"a": {"b": False}}, None),
        ("contains(a, 'b')", {"a": "b"}, None),
        ("a || b", {"a": 5}, None),
        ("a.b", {}, None),
        ("a[?b == `1`]", {"a": [{"b": 1}]}, None),
    ],
)
def test_an_answer_that_is_neither_true_nor_false(text, facts, wanted):
    assert Expression(text).answer(facts) == wanted


def test_taken_is_what_decided():
    assert Expression("a.b < c && units[?x].y").taken({"a": {"b": 1}, "units": [{"x": 1}]}) == {
        "a.b": 1,
        "c": None,
        "units": [{"x": 1}],
    }


def test_values_that_cannot_be_compared_are_an_error_of_jmespath():
    with pytest.raises(JMESPathError, match="not supported between"):
        Expression("a < b").holds({"a": "infinity", "b": 1})
    with pytest.raises(JMESPathError, match="infinity"):
        Expression("ceil(`1e999`) > `1`").holds({})
