# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""junit.xml, findings.sarif, findings.json, the page and the message: what others read has to be readable, whatever a
name holds.
"""

from __future__ import annotations

import html.parser
import json
from xml.etree import ElementTree

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy import judge as judge_room
from ansible_collections.memops.linux.plugins.plugin_utils._policy import junit
from ansible_collections.memops.linux.plugins.plugin_utils._policy.compliance import judge
from ansible_collections.memops.linux.plugins.plugin_utils._policy.finding import Finding
from ansible_collections.memops.linux.plugins.plugin_utils._policy.outcome import details, headline, verdict
from ansible_collections.memops.linux.plugins.plugin_utils._report import markdown, page
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import host, unit
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, PAYLOADS, kill

EVIL = [
    *PAYLOADS,
    "\x00",
    "\x1b[31m",
    "\ufffe",
    "\ud800",
    "]]>",
    "&#0;",
    "a\nb",
    "'; DROP",
    "{{ lookup('pipe', 'id') }}",
    "\u0085",
    "\U0001f600",
]
POLICY = {
    "extends": "baseline",
    "name": "\x1b<policy>&'\"]]>",
    "kills": {"max": 0, "window": "7d"},
    "services": [{"name": "nginx", "oom_score_adjust": -500}],
    "settings": {"swappiness": 10},
}


def fleet(hosts, policy=None):
    return judge(
        POLICY if policy is None else policy,
        ".",
        build({name: HostInput(*given) for name, given in hosts.items()}, NOW),
        {},
        NOW,
    )


def evil(text):
    process = {"pid": 1, "comm": text, "oom_score_adj": 0, "state": text}
    one = unit(
        text + ".service",
        oom_kills=1,
        restart="no",
        result="oom-kill",
        active_state="failed",
        set_by={"oom_score_adjust": text},
    )
    nginx = unit(set_by={"oom_score_adjust": text}, drop_ins=[text], processes=[process], scores={"0": 1})
    swap = [{"path": text, "type": "file", "in_fstab": False}]
    facts = host(
        kills=[kill(1, unit=text, victim_comm=text)],
        units=[one, nginx],
        swap=swap,
        visibility__reasons=[text],
        visibility__state="partial",
    )
    return {"web" + text: (facts,), "gone" + text: (None, "unreachable", text)}


@pytest.fixture(scope="module", name="plain")
def fixture_plain():
    return fleet(
        {
            "good": (host(),),
            "bad": (host(settings__panic_on_oom=1, units=[unit(restart="no", oom_kills=1)]),),
            "down": (None, "unreachable", "no route"),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("text", EVIL, ids=[repr(text)[:30] for text in EVIL])
def test_no_name_makes_a_file_unreadable(text):
    found = fleet(evil(text))
    root = ElementTree.fromstring(found.junit().encode())
    assert sum(1 for _case in root.iter("testcase")) == len(found.findings)
    assert len(json.loads(found.sarif())["runs"][0]["results"]) == sum(one.status != "pass" for one in found.findings)
    assert len(json.loads(found.listing())["findings"]) == len(found.findings)
    for document in (found.junit(), found.sarif(), found.listing(), "\n".join(found.details)):
        assert not set(document.encode("utf-8").decode("utf-8")) & set("\x00\x1b\x85\u2028\u2029\u202e\ufffe")


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, sorted(name for name, _value in attrs)))


def tags(document):
    parser = Tags()
    parser.feed(document)
    return parser.seen


@pytest.mark.slow
def test_no_name_adds_an_element_to_the_page():
    harmless = fleet(evil("x"))
    wanted = tags(page.render(harmless.report, "t", harmless.html()))
    for text in EVIL:
        found = fleet(evil(text))
        made = tags(page.render(found.report, "t", found.html()))
        assert {tag for tag, _names in made} == {tag for tag, _names in wanted}
        assert [item for item in made if item[0] in ("tr", "td")].__len__() == [
            item for item in wanted if item[0] in ("tr", "td")
        ].__len__()
        assert "<script>alert" not in page.render(found.report, "t", found.html())


def test_the_markdown_has_the_findings_above_the_hosts(plain):
    text = markdown.render(plain.report, "t", plain.markdown())
    assert text.index("Is it as declared") < text.index("## Hosts")
    assert "* **Failed** (error) panic-on-oom on bad. The kernel panics where it could kill one process: " in text


def test_junit_tells_a_failure_from_what_is_not_known(plain):
    root = ElementTree.fromstring(plain.junit())
    suites = {suite.get("name"): suite for suite in root}
    assert sorted(suites) == ["bad", "down", "good"]
    assert [len(suites["good"].findall(f"testcase/{kind}")) for kind in ("failure", "error")] == [
        4,
        0,
    ]  # nginx without -500 in two layers, swappiness now and at boot
    assert [len(suites["down"].findall(f"testcase/{kind}")) for kind in ("failure", "error")] == [0, 1]
    for element in (root, *suites.values()):
        assert int(element.get("failures")) == len(list(element.iter("failure")))
        assert int(element.get("errors")) == len(list(element.iter("error")))
        assert int(element.get("tests")) == len(list(element.iter("testcase")))


def test_junit_has_what_its_schemas_know(plain):
    """Jenkins (junit-10.xsd) has no skipped and no timestamp of the whole; Ant (JUnit.xsd) wants a timestamp of each
    suite.
    """
    root = ElementTree.fromstring(plain.junit())
    assert sorted(root.attrib) == ["errors", "failures", "name", "tests", "time"]
    for suite in root:
        assert sorted(suite.attrib) == [
            "errors",
            "failures",
            "hostname",
            "name",
            "skipped",
            "tests",
            "time",
            "timestamp",
        ]
        assert suite.get("timestamp") == "2025-11-22T18:11:40"


EACH_KILL = {"id": "each-kill", "severity": "error", "message": "m", "remedy": "r", "for": "kills", "assert": "`false`"}
TWICE = [
    ({"swap": {"min": "9G", "max": "10%"}}, host()),
    ({"rules": [EACH_KILL]}, host(kills=[kill(1, unit="a.service"), kill(5, unit="a.service")])),
    ({"rules": [EACH_KILL]}, host(kills=[kill(1, unit="a.service"), kill(1, unit="a.service")])),
    ({"rules": [dict(EACH_KILL, **{"for": "settings.*"})]}, host()),
]


@pytest.mark.parametrize("policy, oom", TWICE)
def test_no_two_findings_have_one_name(policy, oom):
    found = fleet({"h": (oom,)}, policy)
    names = [case.get("name") for case in ElementTree.fromstring(found.junit()).iter("testcase")]
    marks = [
        result["partialFingerprints"]["memopsFinding/v1"] for result in json.loads(found.sarif())["runs"][0]["results"]
    ]
    assert len(names) == len(set(names)) >= 3
    assert len(marks) == len(set(marks)) >= 2


def test_the_fingerprint_of_a_kill_outlasts_the_other_one():
    both, one = [kill(1, unit="a.service", time=NOW - 90), kill(5, unit="a.service", time=NOW - 60)], [
        kill(5, unit="a.service", time=NOW - 60)
    ]
    marks = [
        {
            result["partialFingerprints"]["memopsFinding/v1"]
            for result in json.loads(found.sarif())["runs"][0]["results"]
        }
        for found in (fleet({"h": (host(kills=kills),)}, {"rules": [EACH_KILL]}) for kills in (both, one))
    ]
    assert marks[1] < marks[0]


def test_a_host_that_cannot_be_judged_leaves_the_others(monkeypatch):
    """No facts are known that break the code; those that did are in other tests."""

    real = judge_room.judge_host

    def broken(policy, facts, now):
        if facts["memory"] == {"broken": True}:
            raise TypeError("of a kind\n nobody thought of")
        return real(policy, facts, now)

    monkeypatch.setattr(judge_room, "judge_host", broken)
    found = fleet({"bad": (host(memory={"broken": True}),), "good": (host(),)}, {"settings": {"swappiness": 60}})
    assert [(one.host, one.id, one.status) for one in found.findings if one.host == "bad"] == [
        ("bad", "facts", "unknown")
    ]
    assert {one.status for one in found.findings if one.host == "good"} == {"pass"}
    assert any(
        "UNKNOWN facts on bad" in line and "(TypeError: of a kind nobody thought of)" in line for line in found.details
    )


def test_a_long_reason_is_cut():
    rule = dict(EACH_KILL, **{"for": "[`1`]", "assert": "join(',', units)"})
    (line,) = [
        line for line in fleet({"h": (host(units=[unit()] * 9),)}, {"rules": [rule]}).details if "each-kill" in line
    ]
    assert "cannot be applied" in line and len(line) < 600


def test_sarif_is_what_its_schema_asks_for(plain):
    (run,) = json.loads(plain.sarif())["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    lines = plain.listing().splitlines()
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert (result["kind"], result["level"]) in {
            ("fail", "error"),
            ("fail", "warning"),
            ("fail", "note"),
            ("open", "none"),
        }
        line = json.loads(lines[result["locations"][0]["physicalLocation"]["region"]["startLine"] - 1].rstrip(","))
        assert (line["id"], line["host"]) == (result["ruleId"], result["properties"]["host"])
    assert len({result["partialFingerprints"]["memopsFinding/v1"] for result in run["results"]}) == len(run["results"])
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_totals(plain):
    totals = json.loads(plain.listing())["totals"]
    assert totals["fail"] + totals["unknown"] + totals["pass"] == len(plain.findings)
    assert (totals["hosts"], totals["hosts_unknown"]) == (3, 1)


def finding(status, name="a", severity="error", where="h"):
    return Finding(name, severity, status, "host", "m", host=where)


@pytest.mark.parametrize(
    "statuses, wanted",
    [
        (["pass"], "pass"),
        (["pass", "unknown"], "incomplete"),
        (["unknown", "fail"], "fail"),
        (["fail"], "fail"),
        ([], "incomplete"),
    ],
)
def test_unknown_is_never_pass(statuses, wanted):
    assert verdict([finding(status) for status in statuses]) == wanted


def test_one_message_with_all_findings_of_all_hosts(plain):
    for one in plain.findings:
        if one.status != "pass":
            word = one.id if one.status == "fail" else "UNKNOWN "  # of many rules that ask for the same some are named
            assert any(word in line and one.host in line for line in plain.details)
    assert any("UNKNOWN facts on down" in line for line in plain.details)


def test_the_same_of_many_hosts_is_one_line():
    found = [finding("fail", where=f"h{number}") for number in range(300)]
    (line,) = details(found)
    assert line == "FAILED (error) a on all 300 hosts: m."
    (line,) = details([*found, finding("pass", where="other")])
    assert line == "FAILED (error) a on h0, h1, h10, h100, h101, h102, h103, h104 and 292 more: m."
    assert headline(found, "p") == "Policy p on 300 hosts: 300 failures on 300 hosts, 0 passed."


def test_one_cause_is_one_line_whatever_number_of_rules_asked():
    why = {"why": "the facts do not tell units"}
    found = [
        Finding(f"rule-{n}", "error", "unknown", "host", f"m{n}", evidence=why, remedy="Gather it", host=h)
        for n in range(20)
        for h in ("a", "b")
    ]
    assert details(found) == [
        "UNKNOWN rule-0, rule-1, rule-10 and 17 more on a, b: the facts do not tell units.",
        "To know it: gather it.",
    ]


def test_no_host_fills_the_terminal():
    found = [Finding("a", "error", "fail", f"u{number}.service", "m" * 2000, host="h") for number in range(1000)]
    lines = details(found)
    assert len(lines) == 40 and max(map(len, lines)) < 400
    assert lines[-1] == "961 more: all of them are in findings.json and on the page."


def test_a_document_that_does_not_read_back_is_not_written():
    with pytest.raises(junit.BrokenDocument, match="not be readable"):
        junit.check("<a>", 0)
    with pytest.raises(junit.BrokenDocument, match="every finding"):
        junit.check("<a/>", 1)


def test_the_same_findings_make_the_same_bytes(plain):
    again = fleet(
        {
            "down": (None, "unreachable", "no route"),
            "bad": (host(settings__panic_on_oom=1, units=[unit(restart="no", oom_kills=1)]),),
            "good": (host(),),
        }
    )
    assert (again.junit(), again.sarif(), again.listing()) == (plain.junit(), plain.sarif(), plain.listing())
