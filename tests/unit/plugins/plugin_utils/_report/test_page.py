# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""index.html: nothing that a host says becomes markup, and the page says what the report says."""

from __future__ import annotations

import base64
import html.parser
import itertools
import json
import re
import zlib

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import markdown, page, page_data
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.plugins.plugin_utils._report.markup import digest, tag
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    PAYLOADS,
    facts,
    kill,
    panic,
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


def unpacked(text):
    """What the script of the page reads: table -> column -> one value for each row."""
    packed = found(r'<script type="text/plain" id="data">(.*?)</script>', text)
    data = json.loads(zlib.decompress(base64.b64decode(packed)))
    return {
        table: {column["key"]: list(values(column)) for column in data[table]["columns"]}
        for table in ("kills", "hosts")
    }


def values(column):
    if "values" in column:
        return column["values"]
    if "steps" in column:
        known = itertools.accumulate(step for step in column["steps"] if step is not None)
        return [None if step is None else next(known) / 1000 for step in column["steps"]]
    texts = [None if which < 0 else column["texts"][which] for which in column["rows"]]
    if "numbers" not in column:
        return texts
    gaps = [iter(numbers.split(" ")) for numbers in column["numbers"]]
    return [
        None if text is None else re.sub("\0", lambda _match, gap=gap: next(gap), text)
        for text, gap in zip(texts, gaps, strict=True)
    ]


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
    links = re.findall(r"<a [^>]*>", hostile_page)
    assert {node for node in nodes if node[0] == "a"} == {
        ("a", ("class", "href")),
        ("a", ("data-hosts", "href")),
        ("a", ("data-kills", "href")),
    }
    assert len(links) == 5 and all(re.search(r' href="#(kills|hosts)"', link) for link in links)
    assert (
        hostile_page.count("href=") - hostile_page.count("rel=stylesheet href=") - hostile_page.count("base href=")
        == 5 + SCRIPTED
    )
    assert '<a href="#kills" class="skip">Skip to the kills</a>' in hostile_page


#: "href=" in the script itself
SCRIPTED = page.script().count("href=")


def test_the_policy_admits_exactly_what_is_there(hostile_page):
    raw = parsed(hostile_page).raw
    policy = found(r'http-equiv="Content-Security-Policy" content="([^"]*)"', hostile_page).replace("&#x27;", "'")
    data, script = raw["script"]
    assert policy == (
        f"default-src 'none'; style-src {digest(raw['style'][0])}; script-src {digest(script)}; base-uri 'none'; form-action 'none'"
    )
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", data)


def test_what_the_script_reads_is_what_the_facts_tell(hostile, hostile_page):
    """Every text of a host arrives as it is, and nothing of it is markup on the way."""
    kills = unpacked(hostile_page)["kills"]
    told = [(name, kill) for name, entry in hostile["hosts"].items() if entry["oom"] for kill in entry["oom"]["kills"]]
    given = {
        "host": [name for name, _kill in told],
        "comm": [kill["victim"]["comm"] for _name, kill in told],
        "why": [kill["why"] for _name, kill in told],
        "unit": [kill["unit"] for _name, kill in told],
        "oom_memcg": [kill["oom_memcg"] for _name, kill in told],
        "image": [kill["container"]["image"] for _name, kill in told],
        "id": [kill["id"] for _name, kill in told],
    }
    assert {key: sorted(map(str, kills[key])) for key in given} == {key: sorted(map(str, given[key])) for key in given}


def test_times_and_sizes_arrive(small):
    kills = unpacked(page.render(small, "Kills"))["kills"]
    told = [kill for entry in small["hosts"].values() if entry["oom"] for kill in entry["oom"]["kills"]]
    assert [when for when in kills["time"] if when is not None] == pytest.approx(
        sorted((kill["time"] for kill in told if kill["time"] is not None), reverse=True), abs=0.001
    )
    assert kills["time"][-1] is None
    assert sorted(kills["anon_rss"]) == sorted(kill["victim"]["anon_rss"] for kill in told)


@pytest.mark.parametrize(
    "text",
    ["", "no number", "1", "007 of 7", "a1b22c", "\u0664 is no digit here", "4" * 400, "</script>12<!--"],
)
def test_a_sentence_comes_back_as_it_was(text):
    report = build({"a": HostInput(facts([kill(1, why=text), kill(2, why=None), kill(3, why="1 2")]))}, NOW)
    assert sorted(map(str, unpacked(page.render(report, "x"))["kills"]["why"])) == sorted(
        ["None", "1 2", text or "None"]
    )


def test_why_and_whether_it_comes_again(small, big):
    text = page.render(small, "Kills")
    below = re.findall(r'<tr class="said"><td colspan="\d+">([^<]*)', text)
    assert len(below) == 1 and below[0].startswith("mysqld[401] had the highest badness of 9 processes")
    assert (
        '<span class="badge chronic">chronic</span> <small>mysqld.service was killed in 3 shortages within 2 d</small>'
        in text
    )
    assert "<b>1</b><span>host where it comes again</span>" in text
    # Facts without the task tables have no sentence.
    text = page.render(big, "Kills")
    assert set(unpacked(text)["kills"]["why"]) == {None}
    assert 'class="said"' not in text and "<b>0</b><span>hosts where it comes again</span>" in text


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
    kills = unpacked(text)["kills"]
    assert set(zip(kills["container"], kills["image"], kills["engine"], strict=True)) == {
        ("container web of pod shop/web-0", "nginx:1.25", "crio"),
        (None, None, None),
    }
    # Facts without a name make no column.
    assert "container" not in unpacked(page.render(big, "Kills"))["kills"]


def test_what_systemd_made_of_the_unit():
    unit = {
        "name": "mysqld.service",
        "active_state": "failed",
        "result": "oom-kill",
        "restarts": 13,
        "restart": "on-failure",
        "oom_policy": "continue",
        "memory_max": 1500 << 20,
    }
    said = (
        "failed, result oom-kill, started again 13 times, Restart=on-failure, OOMPolicy=continue, MemoryMax=1,500 MiB"
    )
    for units, expected in (
        ([unit], [said, None]),
        ([{"name": "mysqld.service", "restarts": "</script>"}], None),
        ("x", None),
    ):
        report = build({"a": HostInput(facts([kill(1), kill(2)], units=units))}, NOW)
        kills = unpacked(page.render(report, "Kills"))["kills"]
        assert sorted(map(str, kills.get("systemd", []))) == sorted(map(str, expected or kills.get("systemd", [])))
        assert expected or set(kills.get("systemd", [""])) <= {"", None}


def test_a_ledger_that_is_none_is_none():
    """A host may send anything there."""
    ledgers = [
        {"of": "limit", "total": 100, "rows": {"anon": 60, "file": -1, "shmem": "x", "</script>": 7}},
        {"rows": [1]},
        "x",
        None,
        {"total": True, "rows": {"anon": True}},
    ]
    kills = [kill(n, time=NOW - n * 60.0, ledger=ledger) for n, ledger in enumerate(ledgers)]
    rows = page_data.grouped(page.kill_rows(build({"a": HostInput(facts(kills))}, NOW)))
    found = page_data.collect(rows, [])["kills"]["ledger"]
    assert found["total"] == [100, None, None, None, None]
    assert found["parts"] == [{"title": "processes (anon)", "values": [60, None, None, None, None]}]


def test_older_kills_are_counted_together():
    """Beyond so many a page would not open at once; no kill is lost in the counts, and the page says so."""
    kills = [kill(n, time=NOW - n * 60.0, victim_pid=n) for n in range(1, 101)]
    report = build({"a": HostInput(facts(kills)), "b": HostInput(facts([kill(200, time=NOW - 7200.0)]))}, NOW)
    every = page.kill_rows(report)
    rows = page_data.grouped(every, 20)
    assert rows.kills[:20] == every[:20] and sum(rows.times) == 101 and rows.left_out == 0
    groups = list(zip(rows.kills, rows.times, strict=True))[20:]
    assert len(groups) == 5 and {(row.host, row.kill["unit"]) for row, _n in groups} == {
        (row.host, row.kill["unit"]) for row in every[20:]
    }
    for row, times in groups:
        same = [one for one in every[20:] if (one.host, one.kill["unit"]) == (row.host, row.kill["unit"])]
        assert times == len(same)
        assert row.kill["time"] == max(one.kill["time"] for one in same)
        assert times == 1 or (row.kill["why"].startswith(f"{times} kills, ") and row.kill["victim"]["pid"] is None)
    least = page_data.grouped(every, 3)
    assert len(least.kills) == 6 and sum(least.times) + least.left_out == 101 and least.left_out > 0


def test_tag_escapes_children_and_attributes():
    assert tag("td", "<b>", tag("b", "x"), title='"\x1b', hidden=True, class_=None) == (
        '<td title="&quot;\\x1b" hidden>&lt;b&gt;<b>x</b></td>'
    )


def test_what_is_loud_comes_first(small):
    text = page.render(small, "Kills")
    order = [
        text.index(part)
        for part in ('class="headline', "Do first</h2>", "Kills that no log", "When</h2>", 'id="hosts"', 'id="kills"')
    ]
    assert order == sorted(order)
    assert "Once memory ran out and no victim is known. 3 kills on 2 of 5 hosts. 1 more is disputed" in text
    assert "2 hosts are unknown, not clean." in text


def test_what_is_not_known_is_told_once_and_no_host_vanishes(small):
    text = page.render(small, "Kills")
    assert "<h2>Unknown, not clean" not in text and "victim is known</h2>" not in text
    fold = found(r'<details class="fold not-known">(.*?)</details>', text)
    assert fold.startswith("<summary>2 hosts are not known: 1 not reachable, 1 that may not read its logs.</summary>")
    assert re.findall(r"<strong>(\w+)</strong>", fold) == ["down", "blind"]
    assert "no route to host" in fold and "journal: denied" in fold
    told = found(r'<details class="fold">(<summary>Out of memory.*?)</details>', text)
    assert told.startswith("<summary>Out of memory, no victim known: 1 entry of the logs</summary>")
    assert "<strong>db1</strong>" in told and text.count('<span class="badge panic">panic</span>') == 1


def shortages(text, start):
    return re.findall(r"<li><strong>a</strong>.*?</li>", found(start + r".*?(<ul>.*?</ul>)", text))


DOUBTED = panic(proof="disputed", source={"name": "kern.log", "trusted": False})


@pytest.mark.parametrize(
    "given, folded, title",
    [
        ([DOUBTED], 0, "alarm unknown"),
        ([panic(oom_memcg=f"/{name}") for name in "abcdefg"], 5, "alarm"),
    ],
    ids=["disputed", "more than there are cards"],
)
def test_a_shortage_of_no_card_keeps_its_alarm(given, folded, title):
    """What stands in none of the problems to begin with is told on its own; each is told once."""
    text = page.render(build({"a": HostInput(facts(unresolved=given))}, NOW), "Kills")
    told = shortages(text, f'<section class="{title}"><h2>Out of memory, and no victim is known</h2>')
    told += shortages(text, "<summary>Out of memory, no victim known") if folded else []
    assert len(told) == len(set(told)) == len(given) and text.count("<summary>Out of memory") == (folded > 0)


@pytest.mark.parametrize("kills", [[], [kill(1)]], ids=["no kill", "a kill"])
def test_lines_that_quote_kills_are_named_with_their_hosts(kills):
    hosts = {f"web{n:02d}": HostInput(facts(kills, quoted=n)) for n in range(13)}
    text = page.render(build(hosts, NOW), "Kills")
    said = found(r'<p class="muted quoted">(.*?)</p>', text)
    assert said.startswith(
        "78 lines quote kills and are none: other programs&#x27; messages. On web12 (12), web11 (11),"
    )
    assert said.endswith("web03 (3) and 2 more.")
    assert "muted quoted" not in page.render(build({"a": HostInput(facts(kills))}, NOW), "Kills")


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
        for mood, number, label in re.findall(
            r'<li(?: class="(\w+)")?><a [^>]*><b>([^<]*)</b><span>([^<]*)</span>', text
        )
    }


def test_zero_is_shown_only_where_it_was_measured():
    found = tiles({"a": HostInput(None, "unreachable", "no route"), "b": HostInput()})
    assert found["kills on 0 of 2 hosts"] == ("?", "") and found["hosts unknown"] == ("2", "bad")
    assert [number for number, _mood in found.values() if number != "2"] == ["?"] * (len(found) - 1)
    assert tiles({"a": HostInput(facts())})["kills on 0 of 1 host"] == ("0", "good")


def test_one_host_is_said_in_the_singular():
    found = tiles({"a": HostInput(None, "failed", "no"), "b": HostInput(facts(state="partial"))})
    assert found["host unknown"] == ("1", "bad") and found["host seen in part"] == ("1", "warn")
    assert "hosts where it comes again" in found


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
    assert tiles({"a": HostInput(facts()), "b": other})["kills on 0 of 2 hosts"] == ("0", "")


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
    assert text.count("<script") == 2 and 'id="host-search"' in text
    assert len(unpacked(text)["hosts"]["host"]) == 30


def test_without_script_the_first_rows_and_the_rest_as_a_number(big):
    text = page.render(big, "Kills")
    assert text.count('<tr class="row">') == 50 and text.count('<th scope="row"') == 50
    assert "Without script this table shows the newest 50 of 10,000 kills; all are in report.json." in text
    assert "Without script this table shows the most urgent 50 of 200 hosts; all are in report.json." in text
    every = unpacked(text)
    assert len(every["kills"]["host"]) == 10000 and len(every["hosts"]["host"]) == 200


def test_a_big_fleet_makes_a_small_page(big):
    """A twentieth of a fleet of 1,000 hosts with 200 kills each; what stands there once is in it, too."""
    assert len(page.render(big, "Kills").encode()) < 900_000


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
