# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy declares of a host, and the four layers of a service."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.visibility import Coverage, visibility
from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport
from ansible_collections.memops.linux.plugins.plugin_utils._policy.compliance import units_of
from ansible_collections.memops.linux.plugins.plugin_utils._policy.source import load_policy
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import (
    GIB,
    host,
    judged,
    of,
    unit,
)
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    disputed,
    facts,
    kill,
    logged,
)

DAY = 86400.0
WEEK = {"kills": {"max": 0, "window": "7d"}}
SURE = {"kills": {"max": 0, "window": "7d", "proof": "kernel"}}


def of_units(*names):
    return {"kills": {"max": 0, "units": list(names)}}


KILLS = [
    ("none in a week that is seen", host(), WEEK, "pass"),
    ("one", host(kills=[kill(1, time=NOW - DAY)]), WEEK, "fail"),
    ("one of which the journal has nothing", host(kills=[disputed(1, time=NOW - DAY)]), WEEK, "pass"),
    ("one that only a text log tells of", host(kills=[logged(1, time=NOW - DAY)]), WEEK, "fail"),
    (
        "one that only a text log tells of, and the policy wants more",
        host(kills=[logged(1, time=NOW - DAY)]),
        SURE,
        "pass",
    ),
    ("one that the kernel tells of, and the policy wants no less", host(kills=[kill(1, time=NOW - DAY)]), SURE, "fail"),
    ("one before the window", host(kills=[kill(1, time=NOW - 8 * DAY)]), WEEK, "pass"),
    ("one without a time", host(kills=[kill(1, time=None)]), WEEK, "unknown"),
    ("one asked for by hand", host(kills=[kill(1, time=NOW - DAY, trigger="sysrq")]), WEEK, "pass"),
    ("none, and the logs reach back a day", host(visibility__since=NOW - DAY), WEEK, "unknown"),
    (
        "one, and the logs reach back a day",
        host(visibility__since=NOW - DAY, kills=[kill(1, time=NOW - 60)]),
        WEEK,
        "fail",
    ),
    ("none on a blind host", host(visibility__state="blind"), WEEK, "unknown"),
    ("one on a blind host", host(visibility__state="blind", kills=[kill(1, time=NOW - DAY)]), WEEK, "fail"),
    ("as many as may be", host(kills=[kill(1, time=NOW - DAY)]), {"kills": {"max": 1, "window": "7d"}}, "pass"),
    ("counted and not listed", host(truncated=3), WEEK, "unknown"),
    (
        "a flood of forged ones, counted and not listed",
        host(truncated=3, summary={"total": 0, "by_proof": {"disputed": 3}}),
        WEEK,
        "pass",
    ),
    (
        "of another unit",
        host(kills=[kill(1, time=NOW - DAY, unit="a.service")]),
        {"kills": {"max": 0, "units": ["b.service"]}},
        "pass",
    ),
    ("facts of a year ago", host(gathered_at=NOW - 365 * DAY, visibility__since=NOW - 400 * DAY), WEEK, "unknown"),
    (
        "the window is younger than the facts",
        host(gathered_at=NOW - 23 * 3600),
        {"kills": {"max": 0, "window": "1h"}, "max_age": "24h"},
        "unknown",
    ),
    ("facts as old as a hundredth of the window", host(gathered_at=NOW - 0.01 * 7 * DAY), WEEK, "pass"),
    ("facts a little older", host(gathered_at=NOW - 0.01 * 7 * DAY - 1), WEEK, "unknown"),
    (
        "old facts with a kill in the window",
        host(gathered_at=NOW - DAY, kills=[kill(1, time=NOW - 2 * DAY)]),
        WEEK,
        "fail",
    ),
    ("facts of an unknown age", host(gathered_at=None), WEEK, "unknown"),
    ("only the last hour was asked for", host(window={"since": NOW - 3600.0, "until": None}), WEEK, "unknown"),
    (
        "only the last hour was asked for, and all of it",
        host(window={"since": NOW - 3600.0, "until": None}),
        {"kills": {"max": 0}},
        "unknown",
    ),
    ("all of the window was asked for", host(window={"since": NOW - 7 * DAY, "until": None}), WEEK, "pass"),
    ("nothing was asked for by time", host(window={"since": None, "until": None}), WEEK, "pass"),
    ("only what was long ago was asked for", host(window={"since": None, "until": NOW - DAY}), WEEK, "unknown"),
    (
        "only what was long ago, and all of it",
        host(window={"since": None, "until": NOW - DAY}),
        {"kills": {"max": 0}},
        "unknown",
    ),
    ("a window that is none", host(window=5), WEEK, "pass"),
    ("counted by the kernel and not told", host(counters__unexplained=3), WEEK, "unknown"),
    (
        "lines that no pattern took",
        host(visibility__state="partial", visibility__reasons=["9 lines look like OOM kills"]),
        WEEK,
        "unknown",
    ),
    ("partial without a word", host(visibility__state="partial"), WEEK, "unknown"),
    (
        "partial in depth, and deep enough",
        host(visibility__state="partial", visibility__reasons=["the sources reach back to x"]),
        WEEK,
        "pass",
    ),
    ("a list with holes", host(kills=[1, None]), WEEK, "unknown"),
    (
        "a unit by its short name",
        host(kills=[kill(1, unit="mysql.service", time=NOW - DAY)]),
        of_units("mysql"),
        "fail",
    ),
    (
        "an instance by its template",
        host(kills=[kill(1, unit="pg@1.service", time=NOW - DAY)]),
        of_units("pg@.service"),
        "fail",
    ),
    (
        "an instance of another template",
        host(kills=[kill(1, unit="pg@1.service", time=NOW - DAY)]),
        of_units("p@"),
        "pass",
    ),
    (
        "a unit by another of its names",
        host(
            kills=[kill(1, unit="mariadb.service", time=NOW - DAY)],
            units=[unit("mariadb.service", names=["mysql.service"])],
        ),
        of_units("mysql"),
        "fail",
    ),
    (
        "a unit that the log does not tell",
        host(kills=[kill(1, unit=None, task_memcg=None, time=NOW - DAY)]),
        of_units("mysql"),
        "unknown",
    ),
    (
        "a cgroup of no unit",
        host(kills=[kill(1, unit=None, task_memcg="/docker/1", time=NOW - DAY)]),
        of_units("mysql"),
        "pass",
    ),
    (
        "a scope that is not told",
        host(kills=[kill(1, scope="unknown", time=NOW - DAY)]),
        {"kills": {"max": 0, "scopes": ["global"]}},
        "unknown",
    ),
    (
        "too many either way",
        host(kills=[kill(n, scope="global", time=NOW - DAY) for n in (1, 2)]),
        {"kills": {"max": 1, "scopes": ["global"]}},
        "fail",
    ),
    ("of another scope", host(kills=[kill(1, time=NOW - DAY)]), {"kills": {"max": 0, "scopes": ["global"]}}, "pass"),
]


@pytest.mark.parametrize("oom, policy, wanted", [row[1:] for row in KILLS], ids=[row[0] for row in KILLS])
def test_kills(oom, policy, wanted):
    assert of(judged(oom, policy), "kills") == {"host": wanted}


def test_what_a_host_says_of_depth_is_left_to_since():
    """The words are those of visibility()."""
    kmsg, journal = SourceReport("/dev/kmsg", "read", first=NOW - 9 * DAY), SourceReport(
        "journal", "read", first=NOW - 9 * DAY
    )
    shallow = (
        visibility(Coverage(kmsg=kmsg)),
        visibility(Coverage(journal, volatile=True)),
        visibility(Coverage(journal, since=NOW - 20 * DAY)),
    )
    for sight in shallow:
        assert sight["state"] == "partial"
        assert of(judged(host(visibility=sight), WEEK), "kills") == {"host": "pass"}
    holes = (
        visibility(Coverage(journal, lost=1)),
        visibility(Coverage(journal, unparsed=1)),
        visibility(Coverage(journal, container="lxc")),
    )
    for sight in holes:
        (finding,) = [one for one in judged(host(visibility=sight), WEEK) if one.id == "kills"]
        assert finding.status == "unknown" and finding.evidence["why"] == sight["reasons"][0]


def test_facts_are_gathered_of_the_units_whose_kills_count():
    assert "mysql.service" in units_of(load_policy(of_units("mysql")))


SIGHT = [
    ("clear enough", host(), "clear", "pass"),
    ("less than declared, and it says so", host(visibility__state="partial"), "clear", "fail"),
    ("partial is enough", host(visibility__state="partial"), "partial", "pass"),
    ("blind is unknown", host(visibility__state="blind"), "partial", "unknown"),
    ("says nothing", host(visibility={}), "partial", "unknown"),
    ("not so far back", host(visibility__since=NOW - DAY), {"since": "7d"}, "fail"),
    ("does not say how far back", host(visibility__since=None), {"since": "7d"}, "unknown"),
]


@pytest.mark.parametrize("oom, wish, wanted", [row[1:] for row in SIGHT], ids=[row[0] for row in SIGHT])
def test_visibility(oom, wish, wanted):
    assert of(judged(oom, {"visibility": wish}), "visibility") == {"host": wanted}


UNREAD = [
    ("no facts", None, "no OOM facts"),
    ("no mapping", "text", "the OOM facts are not a mapping"),
    ("another schema", facts(schema=9), "schema 9"),
    ("out of an old cache", host(gathered_at=NOW - 2 * DAY), "gathered 2 days ago"),
    ("of a clock that is wrong", host(gathered_at=NOW + 2 * DAY), "2 days in the future"),
    ("of an unknown age", host(gathered_at=None), "do not tell when"),
]


@pytest.mark.parametrize("oom, said", [row[1:] for row in UNREAD], ids=[row[0] for row in UNREAD])
def test_a_host_that_was_not_read_is_one_unknown(oom, said):
    (finding,) = judged(oom)
    assert (finding.id, finding.status) == ("facts", "unknown")
    assert said in finding.evidence["why"]


CHECKS = [
    ("setting", {"settings": {"vm.swappiness": 60}}, host(), "pass"),
    ("setting", {"settings": {"swappiness": {"max": 59}}}, host(), "fail"),
    ("setting", {"settings": {"vfs_cache_pressure": 100}}, host(), "unknown"),
    ("setting-at-boot", {"settings": {"swappiness": 60}}, host(), "pass"),
    ("setting-at-boot", {"settings": {"swappiness": 10}}, host(settings__swappiness=10), "fail"),
    (
        "setting-at-boot",
        {"settings": {"swappiness": 10}},
        host(settings_at_boot={"values": {"swappiness": {"value": 10, "file": "/x"}}}),
        "pass",
    ),
    ("setting-at-boot", {"settings": {"min_free_kbytes": 67584}}, host(), "unknown"),
    ("setting-at-boot", {"settings": {"swappiness": 60}}, host(settings_at_boot=None), "unknown"),
    ("killer", {"killers": {"earlyoom": ["absent", "inactive"]}}, host(), "pass"),
    ("killer", {"killers": {"earlyoom": "active"}}, host(), "fail"),
    ("killer", {"killers": {"earlyoom": "absent"}}, host(daemons__earlyoom=None), "unknown"),
    ("swap", {"swap": {"min": "1G"}}, host(memory__swap_total=GIB - 4096), "pass"),
    ("swap", {"swap": {"min": "1G"}}, host(memory__swap_total=GIB - (1 << 20)), "fail"),
    ("swap", {"swap": {"min": "25%"}}, host(), "fail"),
    ("swap", {"swap": {"max": 0}}, host(), "fail"),
    ("swap", {"swap": {"max": 0}}, host(memory__swap_total=None), "unknown"),
    (
        "swap",
        {"swap": {"files": [{"path": "/swapfile", "size": "1G", "priority": -1, "persistent": True}]}},
        host(),
        "fail",
    ),
    ("swap", {"swap": {"files": [{"path": "/swapfile", "size": "1G", "persistent": True}]}}, host(), "pass"),
    ("swap", {"swap": {"files": [{"path": "/swapfile", "state": "absent"}]}}, host(), "fail"),
    (
        "swap",
        {"swap": {"files": [{"path": "/gone", "state": "absent"}]}},
        host(swap=[{"path": None, "size": 1}]),
        "unknown",
    ),
    ("swap", {"swap": {"files": [{"path": "/gone", "state": "absent"}]}}, host(), "pass"),
    ("swap", {"swap": {"files": [{"path": "/other"}]}}, host(), "fail"),
    ("swap", {"swap": {"files": [{"path": "/swapfile"}]}}, host(swap=None), "unknown"),
]


@pytest.mark.parametrize("name, policy, oom, wanted", CHECKS)
def test_checks(name, policy, oom, wanted):
    assert set(of(judged(oom, policy), name).values()) == {wanted}


def service(**settings):
    return {"services": [dict({"name": "nginx", "oom_score_adjust": -500}, **settings)]}


OURS = "/etc/systemd/system/nginx.service.d/50-memops.conf"
GOOD = dict(oom_score_adjust=-500, drop_ins=[OURS], set_by={"oom_score_adjust": OURS}, scores={"-500": 2})


def good(**more):
    return unit(**{**GOOD, **more})


LAYERS = [
    ("in force", unit(**GOOD), service(), {}, ""),
    ("no file", unit(), service(), {"service-setting": "fail", "service-processes": "fail"}, "no file sets it"),
    (
        "shadowed",
        good(oom_score_adjust=0, set_by={"oom_score_adjust": "/etc/systemd/system/nginx.service.d/zz.conf"}),
        service(),
        {"service-setting": "fail"},
        "shadowed by /etc/systemd/system/nginx.service.d/zz.conf",
    ),
    (
        "not reloaded",
        good(oom_score_adjust=0, needs_reload=True),
        service(),
        {"service-setting": "fail", "service-reload": "fail"},
        "newer than what systemd has read",
    ),
    (
        "older processes",
        unit(**GOOD, **{"active_state": "active"})
        | {"scores": {"0": 2}, "processes": [{"pid": 1, "oom_score_adj": 0, "state": "older"}]},
        service(),
        {"service-processes": "fail"},
        "older than the drop-in",
    ),
    (
        "own score",
        unit(**GOOD)
        | {"scores": {"-1000": 1, "-500": 1}, "processes": [{"pid": 1, "oom_score_adj": -1000, "state": "own_score"}]},
        service(),
        {"service-processes": "fail"},
        "they set their own score",
    ),
    (
        "own score, lower is welcome",
        unit(**GOOD) | {"scores": {"-1000": 1, "-500": 1}},
        service(own_score="lower"),
        {},
        "",
    ),
    (
        "own score, higher is not",
        unit(**GOOD) | {"scores": {"0": 1}},
        service(own_score="lower"),
        {"service-processes": "fail"},
        "",
    ),
    ("scores not told", good(scores=None), service(), {"service-processes": "unknown"}, "do not tell the scores"),
    (
        "scores of a mangled cache",
        good(scores={"--5": 1}),
        service(),
        {"service-processes": "unknown"},
        "do not tell the scores",
    ),
    (
        "digits of another script",
        good(scores={"\u00b2": 1}),
        service(),
        {"service-processes": "unknown"},
        "do not tell the scores",
    ),
    ("stopped", good(scores=None, active_state="inactive"), service(), {}, ""),
    ("reload not told", good(needs_reload=None), service(), {"service-reload": "unknown"}, ""),
    (
        "score not told",
        good(oom_score_adjust=None),
        service(),
        {"service-setting": "unknown"},
        "do not tell OOMScoreAdjust=",
    ),
    ("limit", unit(**GOOD, memory_max=GIB), service(memory_max="1G"), {}, ""),
    ("limit by share of RAM", unit(**GOOD, memory_max=GIB * 8 // 10 + 4096), service(memory_max="10%"), {}, ""),
    (
        "no limit",
        unit(**GOOD),
        service(memory_max="1G"),
        {"service-setting": "fail", "service-kernel": "fail"},
        "no file sets it",
    ),
    ("no limit, as declared", unit(**GOOD), service(memory_max="infinity"), {}, ""),
    (
        "limit not told",
        unit(**GOOD, unlimited=[], kernel=None),
        service(memory_max="1G"),
        {"service-setting": "unknown", "service-kernel": "unknown"},
        "do not tell MemoryMax= of it",
    ),
    ("a word", unit(**GOOD, restart="no"), service(restart="on-failure"), {"service-setting": "fail"}, ""),
    ("not installed", unit(load_state="not-found"), service(), {"service-missing": "fail"}, ""),
    ("may be missing", unit(load_state="not-found"), service(missing="skip"), {}, ""),
    ("masked", unit(load_state="masked"), service(), {"service-missing": "fail"}, ""),
    ("not asked for", unit("other.service"), service(), {"service-missing": "unknown"}, "not among the facts"),
    ("by an alias", unit("www.service", **GOOD, names=["nginx.service"]), service(), {}, ""),
    ("taken back, and it is gone", unit(), service(state="absent"), {}, ""),
    ("taken back, and it is there", unit(**GOOD), service(state="absent"), {"service-removed": "fail"}, ""),
    (
        "instances",
        unit("nginx@a.service", **{**GOOD, "scores": {"0": 1}}),
        service(name="nginx@.service"),
        {"service-processes": "fail"},
        "",
    ),
]


@pytest.mark.parametrize("one, policy, wanted, why", [row[1:] for row in LAYERS], ids=[row[0] for row in LAYERS])
def test_the_layers_of_a_service(one, policy, wanted, why):
    found = [finding for finding in judged(host(units=[one]), policy) if finding.id.startswith("service")]
    assert found
    assert {finding.id: finding.status for finding in found if finding.status != "pass"} == wanted
    assert not why or any(why in str(finding.evidence.get("why")) for finding in found)


def test_unknown_units_are_unknown():
    assert of(judged(host(units=None), service()), "service-missing") == {"nginx.service": "unknown"}


TEMPLATE = unit("nginx@.service", load_state="template", active_state=None, kernel=None, scores=None)
DROP_IN = "/etc/systemd/system/nginx@.service.d/50-memops.conf"
NO_INSTANCES = [
    ("none runs", host(units=[TEMPLATE]), {}, "service-missing", "pass"),
    ("one may be left out", host(units=[TEMPLATE], units_truncated=3), {}, "service-missing", "unknown"),
    ("not asked for", host(units=[]), {}, "service-missing", "unknown"),
    ("systemd could not be asked", host(units=None), {}, "service-missing", "unknown"),
    ("not installed", host(units=[dict(TEMPLATE, load_state="not-found")]), {}, "service-missing", "fail"),
    (
        "may be missing",
        host(units=[dict(TEMPLATE, load_state="not-found")]),
        {"missing": "skip"},
        "service-missing",
        "pass",
    ),
    ("taken back", host(units=[TEMPLATE]), {"state": "absent"}, "service-removed", "pass"),
    (
        "taken back, and it is there",
        host(units=[dict(TEMPLATE, drop_ins=[DROP_IN])]),
        {"state": "absent"},
        "service-removed",
        "fail",
    ),
    (
        "taken back, and who knows",
        host(units=[dict(TEMPLATE, drop_ins=None)]),
        {"state": "absent"},
        "service-removed",
        "unknown",
    ),
]


@pytest.mark.parametrize(
    "oom, wish, name, wanted", [row[1:] for row in NO_INSTANCES], ids=[row[0] for row in NO_INSTANCES]
)
def test_a_template_without_instances(oom, wish, name, wanted):
    assert of(judged(oom, service(name="nginx@.service", **wish)), name) == {"nginx@.service": wanted}


def test_a_template_breaks_no_rule():
    assert [one for one in judged(host(units=[TEMPLATE, unit()])) if one.status != "pass"] == []


def test_what_a_user_wrote_into_a_text_log_fails_nothing():
    """The worst that the syslog socket can do to facts, against the baseline and a policy without mercy."""
    forged = [disputed(n, time=NOW - 60.0, unit="sshd.service") for n in range(50)]
    event = {
        "time": NOW - 60,
        "outcome": "panic",
        "count": 1,
        "oom_memcg": None,
        "scope": "global",
        "proof": "disputed",
        "source": {"name": "x", "trusted": False},
    }
    summary = {
        "total": 0,
        "by_proof": {"disputed": 50},
        "verdict": {"state": "chronic", "reasons": ["x"], "trusted": False},
    }
    oom = host(kills=forged, unresolved=[event], summary=summary, unparsed=7)
    found = judged(oom, {"extends": "baseline", "kills": {"max": 0, "window": "7d"}})
    assert [one.id for one in found if one.status != "pass"] == []
