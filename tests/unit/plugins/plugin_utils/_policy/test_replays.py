# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Past kills of real machines under the scores of a policy, as the findings, the page and the Markdown tell it."""

from __future__ import annotations

import copy
import os

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._policy.compliance import judge
from ansible_collections.memops.linux.plugins.plugin_utils._policy.context import context
from ansible_collections.memops.linux.plugins.plugin_utils._policy.replays import replays
from ansible_collections.memops.linux.plugins.plugin_utils._policy.source import load_policy
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import kills_of
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import host, judged, unit
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, PAYLOADS

TRUSTED = {"name": "journal", "trusted": True, "reason": "", "seen_in": ["journal"]}


@pytest.fixture(scope="module")
def tmpfs_kill(fixtures):
    """hog-tmpfs[202] died on a machine of 335 MiB; after it came sshd[174] with 5.9 MiB."""
    oom, _kernel = kills_of(
        sources=("files",), paths=(os.path.join(fixtures, "kernel", "causes-dmesg.txt"),), include_tasks=True
    )
    (found,) = [kill for kill in oom["kills"] if kill["victim"]["comm"] == "hog-tmpfs"]
    return dict(found, source=TRUSTED, unit="hog.service", time=NOW - 3600.0)


def told(kill, services, units=(), **changes):
    facts = context(host(kills=[dict(kill, **changes)], units=list(units)))
    return [found.text for _kill, found in replays(load_policy({"services": services}), facts)]


def score(name, value, **more):
    return dict(name=name, oom_score_adjust=value, **more)


INSTEAD = "with this policy sshd[174] (badness 5.9 MiB) would have died instead of hog-tmpfs[202] of hog.service"


def test_the_unit_of_the_victim_is_protected(tmpfs_kill):
    assert told(tmpfs_kill, [score("hog", -1000)]) == [INSTEAD]


def test_by_another_name_and_as_an_instance(tmpfs_kill):
    assert told(tmpfs_kill, [score("tmpfs", -1000)], [unit("hog.service", names=["tmpfs.service"])]) == [INSTEAD]
    assert (
        "would have died instead of hog-tmpfs[202] of hog@7.service"
        in told(tmpfs_kill, [score("hog@.service", -1000)], unit="hog@7.service")[0]
    )


def test_who_would_not_have_died_before_is_raised(tmpfs_kill):
    """1000 is all of the memory. What sets its own score today would have set it then."""
    row = {"pid": 1, "comm": "sshd", "oom_score_adj": 0, "state": "as_wanted"}
    raised = told(tmpfs_kill, [score("ssh", 1000)], [unit("ssh.service", processes=[row])])
    assert "sshd[174] of ssh.service" in raised[0] and "would have died instead of hog-tmpfs[202]" in raised[0]
    own = told(
        tmpfs_kill,
        [score("ssh", 1000)],
        [unit("ssh.service", scores={"-1000": 1}, processes=[dict(row, oom_score_adj=-1000, state="own_score")])],
    )
    assert "even with this policy, " in own[0]


def test_nothing_is_replayed_without_a_table_or_a_score(tmpfs_kill):
    assert told(tmpfs_kill, [score("hog", -1000)], tasks=None) == []
    assert told(tmpfs_kill, [{"name": "hog", "memory_max": "1G"}]) == []
    assert told(tmpfs_kill, [score("hog", -1000, state="absent")]) == []
    assert told(tmpfs_kill, [score("hog", -1000)], proof="disputed") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": [None, {}, {"pid": "x"}]},
        {"contest": 5},
        {"contest": {"winner": {}}},
        {"contest": {"winner": {"pid": []}}},
    ],
)
def test_a_mangled_table_says_so(tmpfs_kill, changes):
    assert told(tmpfs_kill, [score("hog", -1000)], **changes)[0].startswith("cannot be replayed: ")


def test_the_evidence_of_kills_tells_it(tmpfs_kill):
    policy = {"services": [score("hog", -1000, missing="skip")], "kills": {"max": 0, "window": "7d"}}
    (found,) = [one for one in judged(host(kills=[tmpfs_kill]), policy) if one.id == "kills"]
    assert found.status == "fail" and [row["replay"] for row in found.evidence["kills"]] == [INSTEAD]


def test_the_page_and_the_markdown_tell_it(tmpfs_kill):
    hostile = copy.deepcopy(tmpfs_kill)
    for task in hostile["tasks"]:
        if task["comm"] == "sshd":
            task["comm"] = PAYLOADS[0]
    report = build(
        {
            "h<1>": HostInput(host(kills=[hostile])),
            "down": HostInput(None, "unreachable", "x"),
            "old": HostInput(host()),
        },
        NOW,
    )
    found = judge({"services": [score("hog", -1000)]}, ".", report, {}, NOW)
    page, text = found.html(), "\n".join(found.markdown())
    assert (
        "<h3>Past kills under this policy</h3>" in page
        and "&lt;script&gt;alert(1)&lt;/script&gt;[174] (badness 5.9 MiB)" in page
    )
    assert PAYLOADS[0] not in page and "h&lt;1&gt;" in page
    assert "### Past kills under this policy" in text and "would have died instead of hog-tmpfs" in text
    assert "Past kills" not in judge({"kills": {"max": 0}}, ".", report, {}, NOW).html()
