# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""metrics.prom as the parser of the client library reads it: what was measured, and nothing where nothing was."""

from __future__ import annotations

from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.memops.linux.plugins.plugin_utils._report import metrics
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    PAYLOADS,
    facts,
    kill,
    logged,
)


def samples(report, victims=None):
    """(name, labels) -> value; a sample that is there twice is an error to node_exporter."""
    found = {}
    for family in text_string_to_metric_families(metrics.render(report, victims or {})):
        assert family.type == "gauge" and family.documentation
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def of(found, name, **labels):
    """Values of one family by host, for samples with these labels."""
    return {
        dict(key)["host"]: value
        for (family, key), value in found.items()
        if family == name and labels.items() <= dict(key).items()
    }


def test_a_fleet(small):
    found = samples(small)
    assert found[("memops_oom_report_timestamp_seconds", ())] == NOW
    states = {dict(key)["state"]: value for (name, key), value in found.items() if name == "memops_oom_hosts"}
    assert states == {"ok": 3, "blind": 1, "unreachable": 1, "failed": 0}
    assert of(found, "memops_oom_host_state", state="unreachable") == {"down": 1}
    assert of(found, "memops_oom_host_visibility", visibility="partial") == {"web1": 1}
    assert of(found, "memops_oom_host_visibility", visibility="blind") == {"blind": 1}
    assert of(found, "memops_oom_facts_timestamp_seconds") == dict.fromkeys(("db1", "web1", "clean", "blind"), NOW - 60)
    assert of(found, "memops_oom_host_kills") == {"db1": 2, "web1": 1, "clean": 0}
    assert of(found, "memops_oom_disputed_kills") == {"db1": 1, "clean": 0}
    assert of(found, "memops_oom_unresolved") == {"db1": 1, "clean": 0}
    assert of(found, "memops_oom_unexplained_kills") == {"db1": 0, "web1": 2, "clean": 0}
    assert of(found, "memops_oom_kills", unit="php-fpm.service", scope="memcg", killer="kernel", proof="kernel") == {
        "db1": 1
    }


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(HostInput(None, "unreachable", "x"), id="unreachable"),
        pytest.param(HostInput(None, "failed", "x"), id="failed"),
        pytest.param(HostInput(facts(state="blind", reasons=["denied"])), id="blind"),
        pytest.param(HostInput(facts(state="partial", reasons=["a gap"])), id="seen in part"),
        pytest.param(HostInput(facts(gathered_at=NOW - 900_000)), id="seen long ago"),
    ],
)
def test_a_zero_that_was_not_measured_is_not_there(host):
    found = samples(build({"x": host}, NOW))
    assert of(found, "memops_oom_host_kills") == {} and of(found, "memops_oom_unresolved") == {}
    assert of(found, "memops_oom_host_state") == {"x": 1}


def test_the_sum_is_that_of_the_report(big):
    found = samples(big)
    by_unit = Counter()
    for (name, key), value in found.items():
        if name == "memops_oom_kills":
            by_unit[dict(key)["host"]] += value
    assert by_unit == of(found, "memops_oom_host_kills")
    assert sum(by_unit.values()) == big["fleet"]["totals"]["kills"] + big["fleet"]["totals"]["copies"]


def test_many_names_of_one_host_are_bounded_and_the_sum_stays():
    kills = [kill(n, unit=f"u{n}.service") for n in range(500)] + [logged(n, unit=f"z{n}") for n in range(600, 620)]
    found = samples(build({"x": HostInput(facts(kills, truncated=7, summary={"total": 527}))}, NOW))
    series = [value for (name, _key), value in found.items() if name == "memops_oom_kills"]
    assert len(series) == metrics.MOST_SERIES + 2 and sum(series) == 527
    assert of(found, "memops_oom_kills", unit="(others)", proof="logged") == {"x": 20}


def test_hostile_names_stay_labels(hostile, harmless):
    assert len(samples(hostile)) == len(samples(harmless))
    hosts = of(samples(hostile), "memops_oom_host_state")
    assert set(hosts) == set(hostile["hosts"])
    assert any('"' in name for name in hosts) and any("\\" in name for name in hosts)


LEADS = {"next_victim": {"comm": "java", "unit": "a.service", "margin": 10}, "contest": {"page_size": 4096}}
MARGINS = [
    pytest.param(LEADS, 40960.0, id="known"),
    pytest.param({**LEADS, "next_victim": {**LEADS["next_victim"], "margin": None}}, None, id="nobody else can die"),
    pytest.param({**LEADS, "next_victim": None}, None, id="nobody can die"),
    pytest.param({"failed": True}, None, id="it failed"),
    pytest.param({**LEADS, "contest": {"page_size": "4096"}}, None, id="odd"),
    pytest.param("text", None, id="no answer"),
]


@pytest.mark.parametrize("said, margin", MARGINS)
def test_the_margin_of_the_next_victim(said, margin):
    found = samples(build({"x": HostInput(facts())}, NOW), {"x": said, **dict.fromkeys(PAYLOADS, LEADS)})
    assert of(found, "memops_oom_next_victim_margin_bytes") == ({} if margin is None else {"x": margin})
