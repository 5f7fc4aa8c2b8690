# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions: ssh first, a reason per line, and no name that Ansible could run."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.memops.linux.plugins.module_utils._protect.wish import wishes_of
from ansible_collections.memops.linux.plugins.module_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.plugins.plugin_utils._policy.suggest import render
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._report.fleet_facts import NOW, PAYLOADS, kill, untrusted
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import GIB, host, unit

MIB = 1 << 20


def suggested(hosts, connections=None):
    """The text, and the list that is in it."""
    text = render(build({name: HostInput(oom) for name, oom in hosts.items()}, NOW), connections or {})
    data = yaml.safe_load(text)
    services = data["oom_protect_services"]
    if services:
        params = {"name": None, "state": "present", "dropin": "50-memops.conf", "apply": "live", "missing": "fail"}
        wishes_of(dict(params, services=services))  # the module takes it
    return text, {one.pop("name"): dict(one, missing=one["missing"]) for one in services}


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
    _text, found = suggested({"h": host(units=[unit("a.service", restart="on-abort")], kills=[collateral(1, unit="a.service")])})
    assert found["a.service"]["oom_score_adjust"] == -500
    assert found["a.service"]["restart"] == "on-failure"


def test_a_large_victim_is_limited_and_not_protected():
    units = [unit("a.service", memory_peak=2 * GIB)]
    text, found = suggested({"h": host(units=units, kills=[collateral(1, unit="a.service", victim_anon_rss=2 * GIB)])})
    assert found["a.service"] == {"missing": "skip", "memory_high": "2464M", "memory_max": "3G"}
    assert "MemoryPeak 2.0 GiB on h" in text


def test_a_limit_that_kills_is_raised():
    _text, found = suggested({"h": host(units=[unit("a.service", memory_max=GIB, memory_peak=GIB)], kills=[kill(1, unit="a.service")])})
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
    ("only a text log tells of it", host(units=[unit("a.service", restart="no")], kills=[untrusted(1, unit="a.service", scope="global")])),
    ("asked for by hand", host(units=[unit("a.service", restart="no")], kills=[collateral(1, unit="a.service", trigger="sysrq")])),
    ("a session", host(kills=[collateral(1, unit="session-3.scope"), collateral(2, unit="user@1000.service")])),
    ("a limit that fits", host(units=[unit("a.service", memory_max=300 * MIB, memory_peak=100 * MIB)])),
]


@pytest.mark.parametrize("oom", [row[1] for row in QUIET], ids=[row[0] for row in QUIET])
def test_no_evidence_no_suggestion(oom):
    assert suggested({"h": oom})[1] == {}


@pytest.mark.parametrize("payload", [*PAYLOADS, "a{{ x }}", "a\nb", "a: b", "a'b", "!unsafe", "a\\x2d"], ids=repr)
def test_no_name_gets_into_the_file_that_could_do_harm(payload):
    name = payload + ".service"
    text, found = suggested({"h" + payload: host(units=[unit(name, restart="no", oom_kills=9)], kills=[collateral(1, unit=name)])})
    assert found == {}
    assert "1 unit left out" in text
    assert text.isascii() and "{{" not in text and "{%" not in text and payload not in text


def test_a_host_name_with_signs_does_not_get_into_a_comment():
    text, found = suggested({"h\n- evil: {{ x }}": host(units=[unit("a.service", memory_max=4 * GIB, memory_peak=100 * MIB)])})
    assert found["a.service"]["memory_max"] == "160M"
    assert "evil" not in text
