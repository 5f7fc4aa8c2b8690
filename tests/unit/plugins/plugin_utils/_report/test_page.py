# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""index.html: nothing that a host says becomes markup, and the page says what the report says."""

from __future__ import annotations

import html.parser
import json
import re

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import markdown, page
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.plugins.plugin_utils._report.markup import digest, island, tag
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    PAYLOADS,
    facts,
    kill,
)


def found(pattern, text):
    match = re.search(pattern, text, re.S)
    assert match is not None
    return match.group(1)


class Structure(html.parser.HTMLParser):
    """Elements with the names of their attributes, and the text of scripts and styles."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.nodes = []
        self.raw = {}
        self.words = []
        self._open = []

    def handle_starttag(self, tag, attrs):
        self.nodes.append((tag, tuple(sorted(key for key, _value in attrs))))
        self._open.append(tag)
        if tag in ("script", "style"):
            self.raw.setdefault(tag, []).append("")
        self.words.extend(value for key, value in attrs if key in ("title", "data-find"))

    def handle_startendtag(self, tag, attrs):
        self.nodes.append((tag, tuple(sorted(key for key, _value in attrs))))

    def handle_endtag(self, tag):
        self.nodes.append(("/" + tag, ()))
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1] in ("script", "style"):
            self.raw[self._open[-1]][-1] += data
        else:
            self.words.append(data)

    def handle_comment(self, data):
        self.nodes.append(("comment", ()))


def parsed(text):
    structure = Structure()
    structure.feed(text)
    structure.close()
    return structure


@pytest.fixture(scope="module")
def hostile_page(hostile):
    return page.render(hostile, PAYLOADS[0])


def opened(report, title):
    """<br> and <meta> are never closed: only what opens counts. Without the problems, which names decide: these are in
    test_first_screen.py.
    """
    return [node for node in parsed(page.render({**report, "problems": []}, title)).nodes if node[0][0] != "/"]


def test_payloads_add_no_node_and_no_attribute(hostile, harmless):
    nodes, expected = opened(hostile, PAYLOADS[0]), opened(harmless, "harmless")
    assert nodes == expected
    assert len(nodes) > 1000


def test_there_are_as_many_payloads_as_promised(hostile_page):
    text = "\n".join(parsed(hostile_page).words)
    assert len(PAYLOADS) >= 30
    assert sum(f"alert({i + 1})" in text for i in range(31)) >= 27


def test_no_event_handlers_no_addresses_no_comments(hostile_page):
    nodes = parsed(hostile_page).nodes
    assert not [node for node in nodes if node[0] in ("comment", "iframe", "object", "base", "link", "img", "form")]
    assert not [
        key for _name, keys in nodes for key in keys if key.startswith("on") or key in ("src", "style", "srcdoc")
    ]
    assert [node for node in nodes if "href" in node[1] or node[0] == "a"] == [("a", ("class", "href"))]
    assert (
        hostile_page.count("href=") - hostile_page.count("rel=stylesheet href=") - hostile_page.count("base href=") == 1
    )
    assert '<a href="#kills" class="skip">Skip to the kills</a>' in hostile_page


def test_the_policy_admits_exactly_what_is_there(hostile_page):
    raw = parsed(hostile_page).raw
    policy = found(r'http-equiv="Content-Security-Policy" content="([^"]*)"', hostile_page).replace("&#x27;", "'")
    data, script = raw["script"]
    assert policy == (
        f"default-src 'none'; style-src {digest(raw['style'][0])}; script-src {digest(script)}; base-uri 'none'; form-action 'none'"
    )
    assert json.loads(data)["rows"]


def test_the_island_cannot_be_left(hostile, hostile_page):
    data = found(r'<script type="application/json" id="data">(.*?)</script>', hostile_page)
    assert not re.search("[<>&'\u2028\u2029\x00-\x1f]", data)
    read = json.loads(data)
    kinds = dict(zip(read["columns"], read["kinds"], strict=True))
    comm = read["columns"].index("comm")
    assert kinds["comm"] == "s"
    shown = {read["strings"][row[comm]] for row in read["rows"]}
    assert {
        kill["victim"]["comm"] for entry in hostile["hosts"].values() if entry["oom"] for kill in entry["oom"]["kills"]
    } == shown


@pytest.mark.slow
def test_why_and_whether_it_comes_again(small, big):
    text = page.render(small, "Kills")
    assert text.count('<tr class="said"><td colspan="10">mysqld[401] had the highest badness of 9 processes') == 1
    assert (
        '<span class="badge chronic">chronic</span> <small>mysqld.service was killed in 3 shortages within 2 d</small>'
        in text
    )
    assert "<b>1</b><span>hosts where it comes again</span>" in text
    island = json.loads(found(r'<script type="application/json" id="data">(.*?)</script>', text))
    assert island["columns"][-1] == "why" and len(island["columns"]) == len(island["kinds"]) == len(island["rows"][0])
    # Facts without the task tables make no column.
    text = page.render(big, "Kills")
    assert "why" not in json.loads(found(r'<script type="application/json" id="data">(.*?)</script>', text))["columns"]
    assert 'class="said"' not in text and "hosts where it comes again</span>" not in text


def test_what_the_engine_calls_a_container(big):
    named = {
        "id": "6b" * 32,
        "name": "web",
        "image": "nginx:1.25",
        "pod": "web-0",
        "namespace": "shop",
        "engine": "crio",
    }
    report = build({"a": HostInput(facts([kill(1, unit=None, container_id="6b" * 32, container=named), kill(2)]))}, NOW)
    text = page.render(report, "Kills")
    assert "container web of pod shop/web-0" in text
    data = json.loads(found(r'<script type="application/json" id="data">(.*?)</script>', text))
    columns = [data["columns"].index(name) for name in ("container_name", "image", "pod", "namespace", "engine")]
    shown = {tuple(None if row[at] is None else data["strings"][row[at]] for at in columns) for row in data["rows"]}
    assert shown == {("web", "nginx:1.25", "web-0", "shop", "crio"), (None,) * 5}
    # Facts without a name make no column.
    assert (
        "container_name"
        not in json.loads(
            found(r'<script type="application/json" id="data">(.*?)</script>', page.render(big, "Kills"))
        )["columns"]
    )


@pytest.mark.parametrize("value", ["</script>", "<!--", "&amp;", "it's", "a\u2028b\u2029c", {"</script>": ["<"]}])
def test_island_round_trip(value):
    assert json.loads(island(value)) == value
    assert "<" not in island(value)


def test_tag_escapes_children_and_attributes():
    assert tag("td", "<b>", tag("b", "x"), title='"\x1b', hidden=True, class_=None) == (
        '<td title="&quot;\\x1b" hidden>&lt;b&gt;<b>x</b></td>'
    )


def test_what_is_loud_comes_first(small):
    text = page.render(small, "Kills")
    order = [
        text.index(part)
        for part in ("and no victim is known</h2>", "Unknown, not clean</h2>", "When</h2>", 'id="hosts"', 'id="kills"')
    ]
    assert order == sorted(order)
    assert "Once memory ran out and no victim is known. 3 kills on 2 of 5 hosts. 1 more is disputed" in text
    assert "2 hosts are unknown, not clean." in text


def test_a_time_that_was_inferred_is_marked(small):
    text = page.render(small, "Kills")
    assert 'Z<span class="mark" title="the log names no year; it was inferred"> ~</span>' in text
    assert "1 kill without a time." in text


def test_every_table_has_heads_with_a_scope(small):
    text = page.render(small, "Kills")
    assert text.count("<th ") == text.count('scope="col"') + text.count('scope="row"')
    assert "<th>" not in text


def test_no_hosts_no_kills(empty):
    text = page.render(empty, "Kills")
    assert "No hosts in this report." in text
    assert "<script" not in text
    assert 'class="good"' not in text and "<b>0</b>" not in text and "None found" not in text


def tiles(hosts):
    text = page.render(build(hosts, NOW), "Kills")
    assert "None found" not in text
    return {
        label: (number, mood)
        for mood, number, label in re.findall(r'<li(?: class="(\w+)")?><b>([^<]*)</b><span>([^<]*)</span>', text)
    }


def test_zero_is_shown_only_where_it_was_measured():
    found = tiles({"a": HostInput(None, "unreachable", "no route"), "b": HostInput()})
    assert found["kills"] == ("?", "") and found["hosts unknown"] == ("2", "bad")
    assert [number for number, _mood in found.values() if number != "2"] == ["?"] * (len(found) - 1)
    assert tiles({"a": HostInput(facts())})["kills"] == ("0", "good")


@pytest.mark.parametrize(
    "other",
    [
        HostInput(None, "unreachable", "no route"),
        HostInput(facts(state="partial")),
        HostInput(facts(gathered_at=NOW - 21 * 86400)),
        HostInput(facts(unparsed=1)),
        HostInput(facts(counters={"unexplained": 1})),
    ],
    ids=["unreachable", "partial", "old", "not understood", "unexplained"],
)
def test_no_kills_is_green_only_where_all_was_measured(other):
    assert tiles({"a": HostInput(facts()), "b": other})["kills"] == ("0", "")


@pytest.mark.parametrize("render", [page.render, markdown.render], ids=["page", "markdown"])
@pytest.mark.parametrize(
    "days, said", [(0, ""), (0.5, "asked 12 hours ago"), (21, "are older than a day"), (21, "21 days old")]
)
def test_old_facts_do_not_look_fresh(render, days, said):
    text, fresh = (
        render(build({"a": HostInput(facts(gathered_at=NOW - 86400 * age))}, NOW), "Kills") for age in (days, 0.001)
    )
    assert said in text and text != fresh
    if said:
        assert said not in fresh


def test_a_page_without_kills_has_the_script_of_the_host_filter():
    text = page.render(build({f"h{i}": HostInput(facts()) for i in range(30)}, NOW), "Kills")
    assert text.count("<script") == 1 and 'id="host-search"' in text


def test_a_thousand_hosts_with_fifty_kills_fit_into_20_mb(big):
    text = page.render(big, "Kills")
    assert len(text.encode()) * 5 < 20e6
    assert text.count('<tr class="row">') == 200
    assert len(json.loads(found(r'id="data">(.*?)</script>', text))["rows"]) == 10000


def test_every_icon_and_style_is_in_the_page(small):
    assert not re.search(r"(?i)url\(|@import|https?:", page.render(small, "Kills"))


def luminance(colour):
    parts = [
        int(colour[i : i + len(colour) // 3] * (2 if len(colour) == 3 else 1), 16) / 255
        for i in range(0, len(colour), len(colour) // 3)
    ]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast(theme):
    """WCAG 2.1: 4.5 for text, 3 for what a figure is drawn with."""
    block = re.findall(r":root \{(.*?)\}", page.asset("page.css"), re.S)[theme]
    colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]+);", block))
    for text, grounds in (
        ("text", ("card", "bg", "zebra", "line")),
        ("muted", ("card", "bg", "zebra")),
        ("link", ("card", "zebra")),
        ("bad", ("card", "bad-bg")),
        ("warn", ("card", "zebra", "warn-bg")),
        ("good", ("card", "good-bg")),
    ):
        for ground in grounds:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for drawn in ("kill", "unresolved"):
        assert contrast(colours[drawn], colours["card"]) >= 3
