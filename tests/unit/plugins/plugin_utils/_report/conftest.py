# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets to write reports of."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import (
    NOW,
    PAYLOADS,
    disputed,
    facts,
    kill,
    many,
    panic,
)


def fleet_of(strings):
    """A fleet in which every string that a host can choose is one of these."""
    hosts = {}
    for i, string in enumerate(strings):
        hostile = kill(
            i,
            id=string,
            host=string,
            boot_id=string,
            killer=string,
            scope="memcg",
            trigger=string,
            constraint=string,
            victim_comm=string,
            invoker_comm=string,
            invoker_gfp_mask=string,
            oom_memcg="/" + string,
            task_memcg=string,
            unit=string if i % 3 else None,
            container_id=string if i % 3 == 1 else None,
            container=(
                {key: string for key in ("id", "name", "image", "pod", "namespace", "engine")} if i % 3 == 1 else string
            ),
            kernel=string,
            time_quality=string,
            why=string,
            cause=[{"kind": string, "text": string}],
            source={"name": string, "trusted": i % 2 == 0, "reason": string, "seen_in": [string, string]},
        )
        hosts[f"{i:02d}{string}"] = HostInput(
            facts(
                [hostile, disputed(i + 100)],
                "partial",
                reasons=[string],
                unresolved=[panic(outcome=string, oom_memcg=string)],
                daemons={string: string},
                summary={
                    "total": 2,
                    "untrusted": 1,
                    "verdict": {"state": "chronic", "reasons": [string], "trusted": True},
                },
            )
        )
        hosts[f"down{i:02d}{string}"] = HostInput(None, "unreachable" if i % 2 else "failed", string)
    return build(hosts, NOW)


@pytest.fixture(scope="session")
def hostile():
    return fleet_of(PAYLOADS)


@pytest.fixture(scope="session")
def harmless():
    return fleet_of([f"harmless{i:02d}" for i in range(len(PAYLOADS))])


WHY = "mysqld[401] had the highest badness of 9 processes: 5 GiB, 4 GiB more than the next, java[7]"
CHRONIC = {
    "total": 3,
    "verdict": {
        "state": "chronic",
        "reasons": ["mysqld.service was killed in 3 shortages within 2 d"],
        "trusted": True,
    },
}


@pytest.fixture(scope="session")
def small():
    hosts = {
        "db1": HostInput(
            facts(
                [kill(1, why=WHY), kill(2, time_quality="year_inferred"), disputed(3)],
                unresolved=[panic()],
                summary=CHRONIC,
            )
        ),
        "web1": HostInput(
            facts([kill(4, time=None)], "partial", reasons=["journal is volatile"], counters={"unexplained": 2})
        ),
        "clean": HostInput(facts()),
        "down": HostInput(None, "unreachable", "no route to host"),
        "blind": HostInput(facts(state="blind", since=None, reasons=["journal: denied"])),
    }
    return build(hosts, NOW)


@pytest.fixture(scope="session")
def big():
    return build({name: HostInput(oom) for name, oom in many(200, 50).items()}, NOW)


@pytest.fixture(scope="session")
def empty():
    return build({}, NOW)
