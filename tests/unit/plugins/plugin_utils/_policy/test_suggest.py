# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions: ssh first, a reason per line, and no name that Ansible could run."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import parse_requests
from ansible_collections.memops.linux.plugins.plugin_utils._policy.suggest import render
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import GIB, host, unit
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    PAYLOADS,
    disputed,
    kill,
)

MIB = 1 << 20


def suggested(hosts, connections=None):
    """The text, and the list that is in it."""
    text = render(build({name: HostInput(oom) for name, oom in hosts.items()}, NOW), connections or {})
    data = yaml.safe_load(text)
    services = data["oom_protect_services"]
    if services:
        params = {"name": None, "state": "present", "dropin": "50-memops.conf", "apply": "live", "missing": "fail"}
        parse_requests(dict(params, services=services))  # the module takes it
    return text, {one.pop("name"): dict(one, missing=one["missing"]) for one in services}


def at_its_limit(name, number=1, **changes):
    return kill(number, unit=name, oom_memcg="/system.slice/" + name, **changes)


def collateral(number=1, **changes):
    return kill(number, scope="global", oom_memcg=None, **changes)


def test_ssh_comes_first_and_only_a_little_below_zero():
    units = [unit("a.service", oom_kills=3, restart="no"), unit("ssh.service", restart="no")]
    text, found = suggested({"db1": host(units=units, kills=[collateral(1, unit="a.service")])})
    assert list(found) == ["ssh.service", "a.service"]
    assert found["ssh.service"] == {"missing": "skip", "oom_score_adjust": -200, "restart": "on-failure"}
    assert "the way in (ssh) on db1" in text


def test_the_agent_that_ansible_comes_in_by():
    text, found = suggested({"w1": host(units=[unit("amazon-ssm-agent.service")])}, {"w1": "community.aws.aws_ssm"})
    assert found["amazon-ssm-agent.service"]["oom_score_adjust"] == -500
    assert "(aws_ssm)" in text


def test_a_protected_way_in_is_left_alone():
    assert suggested({"h": host(units=[unit("sshd.service", oom_score_adjust=-200)])})[1] == {}


def test_a_small_victim_of_the_host_is_protected_and_comes_back():
    _text, found = suggested(
        {"h": host(units=[unit("a.service", restart="on-abort")], kills=[collateral(1, unit="a.service")])}
    )
    assert found["a.service"]["oom_score_adjust"] == -500
    assert found["a.service"]["restart"] == "on-failure"


def test_a_large_victim_is_limited_and_not_protected():
    units = [unit("a.service", memory_peak=2 * GIB)]
    text, found = suggested({"h": host(units=units, kills=[collateral(1, unit="a.service", victim_anon_rss=2 * GIB)])})
    assert found["a.service"] == {"missing": "skip", "memory_high": "2464M", "memory_max": "3G"}
    assert "MemoryPeak 2.0 GiB on h" in text


def test_a_limit_that_kills_is_raised():
    _text, found = suggested(
        {"h": host(units=[unit("a.service", memory_max=GIB, memory_peak=GIB)], kills=[at_its_limit("a.service")])}
    )
    assert found["a.service"]["memory_max"] == "1536M"


def test_a_limit_far_above_the_peak_is_lowered():
    _text, found = suggested({"h": host(units=[unit("a.service", memory_max=4 * GIB, memory_peak=100 * MIB)])})
    assert found["a.service"]["memory_max"] == "160M"


def test_the_largest_peak_of_all_hosts_counts():
    hosts = {f"h{n}": host(units=[unit("a.service", memory_max=4 * GIB, memory_peak=n * 100 * MIB)]) for n in (1, 5, 3)}
    text, found = suggested(hosts)
    assert found["a.service"]["memory_max"] == "752M"
    assert "on h5" in text


QUIET = [
    ("ssh is not installed", host(units=[unit("ssh.service", load_state="not-found")])),
    ("nothing happened", host()),
    (
        "only a text log tells of it",
        host(units=[unit("a.service", restart="no")], kills=[disputed(1, unit="a.service", scope="global")]),
    ),
    (
        "asked for by hand",
        host(units=[unit("a.service", restart="no")], kills=[collateral(1, unit="a.service", trigger="sysrq")]),
    ),
    ("a session", host(kills=[collateral(1, unit="session-3.scope"), collateral(2, unit="user@1000.service")])),
    ("a limit that fits", host(units=[unit("a.service", memory_max=300 * MIB, memory_peak=100 * MIB)])),
]


@pytest.mark.parametrize("oom", [row[1] for row in QUIET], ids=[row[0] for row in QUIET])
def test_no_evidence_no_suggestion(oom):
    assert suggested({"h": oom})[1] == {}


@pytest.mark.parametrize("payload", [*PAYLOADS, "a{{ x }}", "a\nb", "a: b", "a'b", "!unsafe", "a\\x2d"], ids=repr)
def test_no_name_gets_into_the_file_that_could_do_harm(payload):
    name = payload + ".service"
    text, found = suggested(
        {"h" + payload: host(units=[unit(name, restart="no", oom_kills=9)], kills=[collateral(1, unit=name)])}
    )
    assert found == {}
    assert "1 unit left out" in text
    assert text.isascii() and "{{" not in text and "{%" not in text and payload not in text


def test_a_host_name_with_signs_does_not_get_into_a_comment():
    text, found = suggested(
        {"h\n- evil: {{ x }}": host(units=[unit("a.service", memory_max=4 * GIB, memory_peak=100 * MIB)])}
    )
    assert found["a.service"]["memory_max"] == "160M"
    assert "evil" not in text


def killed_beside(name, number=1, **changes):
    return host(units=[unit(name, **changes)], kills=[collateral(number, unit=name)])


def test_who_is_meant_to_die_first_is_not_protected():
    """Somebody gave it a score above 0: the unit, or the process itself."""
    assert suggested({"h": killed_beside("batch.service", oom_score_adjust=500)})[1] == {}
    kills = [collateral(1, unit="a.service", victim_oom_score_adj=300)]
    assert suggested({"h": host(units=[unit("a.service")], kills=kills)})[1] == {}


def test_no_more_is_protected_than_can_be_killed():
    """Each of them is small; all together they would leave nobody to kill. Those that were killed most come first."""
    units = [unit(f"s{n:02}.service", memory_peak=700 * MIB, memory_max=GIB) for n in range(12)]
    kills = [collateral(n, unit=f"s{n:02}.service", victim_anon_rss=600 * MIB) for n in range(12)] + [
        collateral(20, unit="s07.service")
    ]
    text, found = suggested({"h": host(units=units, kills=kills, memory__total=8 * GIB)})
    spared = [name for name, settings in found.items() if "oom_score_adjust" in settings]
    assert spared[0] == "s07.service" and len(spared) == 4 * GIB // (700 * MIB)
    assert f"# {12 - len(spared)} units killed in a shortage left as they are" in text


def test_what_is_protected_already_counts():
    units = [unit("db.service", oom_score_adjust=-900, memory_peak=4 * GIB), unit("a.service")]
    assert suggested({"h": host(units=units, kills=[collateral(1, unit="a.service")])})[1] == {}


def test_instances_of_a_template_are_one():
    units = [unit(f"pg@{n}.service", memory_max=4 * GIB, memory_peak=(n + 1) * 100 * MIB) for n in range(3)]
    _text, found = suggested({"h": host(units=units, kills=[collateral(n, unit=f"pg@{n}.service") for n in range(3)])})
    assert found == {
        "pg@.service": {"missing": "skip", "oom_score_adjust": -500, "memory_high": "368M", "memory_max": "464M"}
    }


@pytest.mark.parametrize(
    "changes", [{"oom_memcg": "/system.slice"}, {"oom_memcg": "/system.slice/a.service/child"}, {"scope": "unknown"}]
)
def test_a_kill_at_the_limit_of_another_cgroup_is_none_of_its_own(changes):
    units = [unit("a.service", memory_max=GIB, memory_peak=GIB)]
    assert (
        suggested(
            {
                "h": host(
                    units=units,
                    kills=[
                        (
                            at_its_limit("a.service", **changes)
                            if "scope" in changes
                            else kill(1, unit="a.service", **changes)
                        )
                    ],
                )
            }
        )[1]
        == {}
    )


def test_no_limit_below_what_is_guaranteed():
    units = [unit("a.service", memory_max=GIB, memory_peak=GIB, memory_min=2 * GIB)]
    assert suggested({"h": host(units=units, kills=[at_its_limit("a.service")])})[1] == {}


def test_a_limit_is_not_lowered_where_some_host_does_not_tell_its_peak():
    wide = host(units=[unit("a.service", memory_max=4 * GIB, memory_peak=100 * MIB)])
    assert suggested({"h1": wide, "h2": host(units=[unit("a.service", memory_max=4 * GIB, memory_peak=None)])})[1] == {}
    assert (
        suggested({"h1": wide, "h2": host(units=[unit("a.service", memory_peak=None, active_state="inactive")])})[1]
        != {}
    )
