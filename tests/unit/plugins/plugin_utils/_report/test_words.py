# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One wording for page, table and Markdown."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import words
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    disputed,
    facts,
    kill,
    logged,
    panic,
)

DOWN = HostInput(None, "unreachable", "no route")
CONTAINER = "6b4013ef254b" + "0" * 52


@pytest.mark.parametrize(
    "hosts, expected",
    [
        ([], "No hosts in this report."),
        ([DOWN], "Nothing is known about 1 host: none could be read."),
        ([facts()], "No kill was found on the 1 host that could be read."),
        ([facts(), DOWN], "No kill was found on the 1 host that could be read. 1 host is unknown, not clean."),
        ([facts([kill(1)])], "1 kill on 1 of 1 host."),
        (
            [facts([disputed(1)])],
            "No kill was found on the 1 host that could be read. 1 more is disputed: the journal has none of it, so it is forged or another "
            "machine's.",
        ),
        (
            [facts([logged(1), logged(2), logged(3)])],
            "3 kills on 1 of 1 host. All of them stand in text logs alone: no trusted source covers that time; a persistent journal "
            "(Storage=persistent in /etc/systemd/journald.conf) would.",
        ),
        (
            [facts([kill(1), kill(2)], unresolved=[panic()]), DOWN, DOWN],
            "Once memory ran out and no victim is known. 2 kills on 1 of 3 hosts. 2 hosts are unknown, not clean.",
        ),
        (
            [facts(unresolved=[panic(source=None, count=2)])],
            "2 times memory ran out and no victim is known. No kill was found on the 1 host that could be read.",
        ),
        ([facts([kill(1)], truncated=1499, summary={"total": 1500, "untrusted": 0})], "1,500 kills on 1 of 1 host."),
    ],
)
def test_headline(hosts, expected):
    inputs = {str(i): host if isinstance(host, HostInput) else HostInput(host) for i, host in enumerate(hosts)}
    report = build(inputs, NOW)
    assert words.headline(report) == f"{expected} {words.period(report)}".rstrip()


DAY = 86400
SEEN = "All hosts that could be read see back to 2025-11-13 02:13Z; "
RECENT = "asked within the last two hours."


@pytest.mark.parametrize(
    "hosts, expected",
    [
        pytest.param([DOWN], "", id="nobody answered"),
        pytest.param([facts(), DOWN], SEEN + RECENT, id="no wish"),
        pytest.param(
            [facts(), facts(since=None)],
            "How far back it was seen is not known of every host; " + RECENT,
            id="unknown sight",
        ),
        pytest.param(
            [facts(window={"since": NOW - DAY, "until": None}), facts(window={"since": NOW - DAY - 3, "until": None})],
            "Only kills since 2025-11-21 18:11Z (24 h) were asked for; " + RECENT,
            id="since 24h",
        ),
        pytest.param(
            [facts(window={"since": NOW - 9 * DAY, "until": NOW - 2 * DAY})],
            "Only kills since 2025-11-13 18:11Z until 2025-11-20 18:11Z (7 d) were asked for; " + RECENT,
            id="since and until",
        ),
        pytest.param(
            [facts(window={"since": None, "until": NOW - 2 * DAY})],
            "Only kills until 2025-11-20 18:11Z were asked for; " + RECENT,
            id="until",
        ),
        pytest.param([facts(window="24h"), facts(window={"since": "24h"})], SEEN + RECENT, id="mangled windows"),
        pytest.param(
            [facts(gathered_at=NOW - 5 * 3600)], SEEN + "asked 5 hours ago, at 2025-11-22 13:11Z.", id="hours"
        ),
        pytest.param(
            [facts(gathered_at=NOW - 21 * DAY), facts(), facts(gathered_at=None)],
            SEEN
            + "asked within the last two hours, the first of them 21 days ago, at 2025-11-01 18:11Z, 1 host at an unknown time. "
            "The facts of 1 host are older than a day: what happened there since is not known.",
            id="three weeks",
        ),
        pytest.param([facts(gathered_at=None)], SEEN + "when they were asked is not known.", id="undated"),
        pytest.param(
            [facts(gathered_at=NOW + DAY)],
            SEEN + "asked at 2025-11-23 18:11Z by their own clocks, which is later than this report.",
            id="of a clock that is ahead",
        ),
    ],
)
def test_the_headline_names_period_and_age(hosts, expected):
    report = build(
        {str(i): host if isinstance(host, HostInput) else HostInput(host) for i, host in enumerate(hosts)}, NOW
    )
    assert words.period(report) == expected
    assert words.headline(report).endswith(expected)


@pytest.mark.parametrize(
    "hosts, expected, clean",
    [
        pytest.param([], "Nothing is known: there are no hosts in this report.", False, id="empty inventory"),
        pytest.param([DOWN], "Nothing is known: no host could be read.", False, id="nobody answered"),
        pytest.param([facts()], "No kill was found on the 1 host that could be read.", True, id="clean"),
        pytest.param(
            [facts(), DOWN],
            "No kill was found on the 1 host that could be read. Of 1 host nothing is known.",
            False,
            id="one unreachable",
        ),
        pytest.param(
            [facts(), facts(gathered_at=NOW - 2 * DAY)],
            "No kill was found on the 2 hosts that could be read. 1 of them was seen in part.",
            False,
            id="one is stale",
        ),
    ],
)
def test_no_kills_is_good_news_only_where_it_was_measured(hosts, expected, clean):
    report = build(
        {str(i): host if isinstance(host, HostInput) else HostInput(host) for i, host in enumerate(hosts)}, NOW
    )
    assert words.no_kills(report) == expected
    assert words.is_clean(report) is clean


@pytest.mark.parametrize(
    "changes",
    [
        {"gathered_at": None},
        {"unparsed": 1},
        {"counters": {"unexplained": 1}},
        {"unresolved": [panic()]},
        {"kills": [disputed(1)]},
        {"visibility": {"state": "partial"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_nothing_else_is_green(changes):
    assert not words.is_clean(
        build({"a": HostInput(facts(**changes) if "kills" not in changes else facts(changes["kills"]))}, NOW)
    )


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"unit": "a.service", "container_id": None}, "a.service"),
        ({"unit": f"docker-{CONTAINER}.scope", "container_id": CONTAINER}, "container 6b4013ef254b"),
        ({"unit": None, "container_id": CONTAINER}, "container 6b4013ef254b"),
        ({"unit": "docker.service", "container_id": CONTAINER}, "docker.service"),
        (
            {"unit": None, "container_id": CONTAINER, "container": {"name": None, "pod": None, "namespace": None}},
            "container 6b4013ef254b",
        ),
        (
            {"unit": None, "container_id": CONTAINER, "container": {"name": "web", "pod": None, "namespace": None}},
            "container web",
        ),
        (
            {
                "unit": f"cri-containerd-{CONTAINER}.scope",
                "container_id": CONTAINER,
                "container": {"name": "web", "pod": "web-0", "namespace": "shop"},
            },
            "container web of pod shop/web-0",
        ),
        (
            {"unit": None, "container_id": CONTAINER, "container": {"name": None, "pod": "web-0", "namespace": None}},
            "container 6b4013ef254b of pod web-0",
        ),
        ({"unit": None, "task_memcg": "/user.slice"}, "/user.slice"),
        ({"unit": None, "task_memcg": None}, ""),
    ],
)
def test_where(changes, expected):
    assert words.where(kill(1, **changes)) == expected


@pytest.mark.parametrize(
    "comm, pid, expected", [("a", 1, "a[1]"), (None, 1, "?[1]"), ("a", None, "a[?]"), (None, None, "(whole cgroup)")]
)
def test_victim(comm, pid, expected):
    assert words.victim(kill(1, victim_comm=comm, victim_pid=pid)) == expected


@pytest.mark.parametrize(
    "scope, oom, task, expected",
    [
        ("global", None, "/a", "global"),
        ("memcg", "/a", "/a", "memcg"),
        ("memcg", "/a", "/a/b", "memcg /a"),
        ("memcg", None, None, "memcg"),
    ],
)
def test_shortage(scope, oom, task, expected):
    assert words.shortage(kill(1, scope=scope, oom_memcg=oom, task_memcg=task)) == expected


@pytest.mark.parametrize(
    "when, expected",
    [
        (None, ""),
        (0, "1970-01-01T00:00:00Z"),
        (1763835083.623675, "2025-11-22T18:11:23.623675Z"),
        (1.9999999, "1970-01-01T00:00:01.999999Z"),
        (1e15, "9999-12-31T23:59:59Z"),
    ],
)
def test_iso(when, expected):
    assert words.iso(when) == expected


@pytest.mark.parametrize(
    "size, expected", [(None, ""), (0, "0.0"), (66613248, "63.5"), (104857600, "100"), (1 << 40, "1,048,576")]
)
def test_mebibytes(size, expected):
    assert words.mebibytes(size) == expected
