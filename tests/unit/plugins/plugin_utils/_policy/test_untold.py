# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unknown is never pass: what could make a rule of the baseline fail if it were told, does not let it pass untold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy.judge import judge_facts
from ansible_collections.memops.linux.plugins.plugin_utils._policy.model import CHECKS, Rule
from ansible_collections.memops.linux.plugins.plugin_utils._policy.source import load_policy
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import GIB, host, unit
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.test_baseline import LINT
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, kill, panic

BASELINE = load_policy("baseline")
#: One for each kind of value that some rule takes amiss.
VALUES = (
    *(True, False, 0, 1, 12, -1000, 1 << 40),
    *(
        "active",
        "failed",
        "oom-kill",
        "forking",
        "file",
        "kill",
        "no",
        "chronic",
        "infinity",
        "loaded",
        "a.service",
        "ssh.service",
        "/etc/a.conf",
    ),
    *("older", "own_score", "sshd"),
    [panic()],
    [kill(1, unit="ssh.service")],
    [{"state": "older"}],
    [{"path": "/s", "type": "file", "in_fstab": False}],
    {"swappiness": "/etc/sysctl.conf"},
    {"earlyoom": "active", "nohang": "active", "systemd-oomd": "absent", "oomd": "absent"},
    {"oom_score_adjust": "/etc/a.conf"},
    {"state": "chronic", "reasons": [], "trusted": True},
)
#: path -> why null is an answer there
ANSWERS = {
    "trusted": "what nobody vouches for decides nothing",
    "source": "the same",
    "oom_memcg": "the host as a whole was out of memory",
    "psi": "the kernel measures no pressure",
}

#: mappings in which what is not there is an answer: no file sets it, no process has that score
OPEN = {"set_by", "scores", "values", "ignored"}

OWN = [{"pid": 9, "comm": "sshd", "oom_score_adj": -1000, "state": "own_score"}]
#: beside the near misses of the lint tables: hosts with something to tell in every list
HOSTS = (
    host(
        kills=[kill(1, unit="hog.service", task_memcg=None, victim_comm="sshd")],
        units=[
            unit(
                "a.service",
                set_by={"oom_score_adjust": "/etc/a.conf"},
                oom_score_adjust=100,
                scores={"100": 2},
                restart="always",
            ),
            unit("b.service", memory_high=GIB, memory_max=2 * GIB, memory_swap_max=0, restarts=3),
            unit("ssh.service", oom_score_adjust=-200, scores={"-200": 1, "-1000": 1}, processes=OWN, oom_kills=1),
        ],
    ),
    host(
        units=[
            unit("idle.service", active_state="inactive"),
            unit("gone.service", active_state="failed", result="exit-code"),
            unit(memory_max=GIB),
        ]
    ),
    host(memory__swap_total=0, units=[unit(memory_high=GIB, memory_max=2 * GIB, memory_min=GIB)]),
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of everything in it."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, key)
        yield from paths(inner, (*at, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with something else there. Of a limit that is null because there is none, nothing says so any more."""
    if not path:
        return new
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = put(value[path[0]], path[1:], new)
    if len(path) == 1 and isinstance(made, dict) and isinstance(made.get("unlimited"), list):
        made["unlimited"] = [option for option in made["unlimited"] if option != path[0]]
    return made


def statuses(rule: Rule, oom: Any) -> set[str]:
    return {
        found.status
        for found in judge_facts(BASELINE._replace(rules=(rule,)), oom, NOW)
        if found.id in (rule.id, "facts")
    }


def read_by(rule: Rule) -> set[str]:
    """Keys of the facts that the rule takes something from."""
    expressions = [one for one in (rule.each, rule.when, rule.holds, *rule.needs) if one is not None]
    roots = {path.split(".")[0].split("[")[0] for one in expressions for path in one.paths}
    return roots | ({"kills", "summary"} if roots & {"kills", "unresolved", "summary"} else set())


def is_read(rule: Rule, path: tuple[Any, ...]) -> bool:
    """Whether it may matter to the rule: of the elements of lists only keys that it names, and those out of which
    drift, ignored and strays are made.
    """
    if len(path) < 3 or not isinstance(path[1], int):
        return path[0] in read_by(rule)
    expressions = [one.text for one in (rule.each, rule.when, rule.holds, *rule.needs) if one is not None]
    words = set(re.findall("[a-z_]+", " ".join(expressions)))
    return path[0] in words and bool(
        words & {"drift", "ignored", "strays", path[2]} or path[2] in ("active_state", "kernel")
    )


def is_answer(path: tuple[Any, ...]) -> bool:
    return path[-1] in ANSWERS


def untold(oom: Any, path: tuple[Any, ...]) -> list[Any]:
    """The same facts with null there, and, of a mapping, without the key."""
    made = [put(oom, path, None)]
    parent = oom
    for key in path[:-1]:
        parent = parent[key]
    if isinstance(parent, dict) and not set(path[:-1]) & OPEN:
        made.append(
            put(oom, path[:-1], {key: value for key, value in put(parent, path[-1:], None).items() if key != path[-1]})
        )
    return made


@pytest.mark.slow
@pytest.mark.parametrize("rule", BASELINE.rules, ids=lambda rule: rule.id)
def test_what_could_fail_if_it_were_told_does_not_pass_untold(rule):
    tried = 0
    for oom in (LINT[rule.id][1], *HOSTS):
        if statuses(rule, oom) != {"pass"}:
            continue
        for path in paths(oom):
            if (
                not is_read(rule, path)
                or is_answer(path)
                or all(statuses(rule, one) != {"pass"} for one in untold(oom, path))
            ):
                continue
            told = [value for value in VALUES if "fail" in statuses(rule, put(oom, path, value))]
            assert not told, f"{path} null or left out passes, and {told} would fail"
            tried += 1
    assert tried or not read_by(rule) & {"units", "swap"}


@pytest.mark.slow
def test_the_values_are_those_that_fail():
    """The test above can fail: for every rule some value at some place does."""
    silent = []
    for rule in BASELINE.rules:
        oom = LINT[rule.id][1]
        seen = (statuses(rule, put(oom, path, value)) for path in paths(oom) if is_read(rule, path) for value in VALUES)
        if not any("fail" in found for found in seen):
            silent.append(rule.id)
    assert silent == []


#: id -> policy that has this check; a host that passes it
CHECKED = {
    "setting": {"settings": {"panic_on_oom": 0, "swappiness": {"min": 1, "max": 60}}},
    "setting-at-boot": {"settings": {"panic_on_oom": 0, "swappiness": [60]}},
    "killer": {"killers": {"systemd-oomd": "inactive", "earlyoom": ["absent", "inactive"]}},
    "swap": {
        "swap": {
            "min": "512M",
            "max": "2G",
            "files": [{"path": "/swapfile", "size": "1G", "persistent": True, "priority": 5}],
        }
    },
    "kills": {"kills": {"max": 0, "window": "7d"}},
    "visibility": {"visibility": {"state": "clear", "since": "7d"}},
    "service-setting": {"services": [{"name": "a", "oom_score_adjust": 100, "memory_max": "1G"}]},
    "service-kernel": {
        "services": [
            {"name": "a", "memory_max": "1G", "memory_swap_max": "infinity", "memory_min": 0, "oom_policy": "stop"}
        ]
    },
    "service-processes": {"services": [{"name": "a", "oom_score_adjust": 100}]},
    "service-missing": {"services": [{"name": "a", "oom_score_adjust": 100}]},
    "service-reload": {"services": [{"name": "a", "oom_score_adjust": 100, "memory_max": "1G"}]},
    "service-removed": {"services": [{"name": "a", "state": "absent", "dropin": "60-other.conf"}]},
}  # type: dict[str, Any]
DECLARED = host(
    settings_at_boot={
        "values": {
            "panic_on_oom": {"value": 0, "file": "/etc/sysctl.d/a.conf"},
            "swappiness": {"value": 60, "file": "/etc/sysctl.d/a.conf"},
        },
        "ignored": {},
    },
    units=[
        unit(
            "a.service",
            oom_score_adjust=100,
            memory_max=GIB,
            scores={"100": 1},
            processes=[{"pid": 8, "comm": "a", "oom_score_adj": 100, "state": "as_wanted"}],
            drop_ins=["/etc/systemd/system/a.service.d/50-memops.conf"],
            set_by={
                "oom_score_adjust": "/etc/systemd/system/a.service.d/50-memops.conf",
                "memory_max": "/etc/systemd/system/a.service.d/50-memops.conf",
            },
        )
    ],
    swap=[{"path": "/swapfile", "type": "file", "size": GIB, "used": 0, "priority": 5, "in_fstab": True}],
    window={"since": None, "until": None},
)
#: of a check: what it takes amiss beside VALUES
MORE_VALUES = (
    60.5,
    NOW,
    "blind",
    "partial",
    "memcg",
    1 << 20,
    "not-found",
    [unit("b.service")],
    {"panic_on_oom": {"value": 2, "file": "/a"}},
    {"100": 1, "0": 1},
)


def of_check(name: str, oom: Any) -> set[str]:
    return {found.status for found in judge_facts(load_policy(CHECKED[name]), oom, NOW) if found.id in (name, "facts")}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [name for name in CHECKED if name in {one.id for one in judge_facts(load_policy(CHECKED[name]), DECLARED, NOW)}],
)
def test_what_could_fail_a_check_if_it_were_told_does_not_pass_untold(name):
    assert of_check(name, DECLARED) == {"pass"}
    tried = 0
    for path in paths(DECLARED):
        if is_answer(path) or all(of_check(name, one) != {"pass"} for one in untold(DECLARED, path)):
            continue
        told = [value for value in VALUES + MORE_VALUES if "fail" in of_check(name, put(DECLARED, path, value))]
        assert not told, f"{path} null or left out passes, and {told} would fail"
        tried += 1
    assert tried


def test_every_check_is_asked():
    """But for those that have no finding of their own where all is well."""
    found = {
        name: {one.id for one in judge_facts(load_policy(policy), DECLARED, NOW)} for name, policy in CHECKED.items()
    }
    assert {name for name in CHECKED if name not in found[name]} <= {"service-missing", "service-reload"}
    assert set(CHECKS) - set(CHECKED) <= {"facts"}
