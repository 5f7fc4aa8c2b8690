# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transient or chronic: rows of what happened, and the verdict with its reasons."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._analysis.recurrence import verdict
from ansible_collections.memops.linux.plugins.module_utils._facts import gather as room
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host

NOW = 1795377980.0
MIN, HOUR, DAY = 60.0, 3600.0, 86400.0
G = 1 << 30


def kill(ago, unit="a.service", scope="global", trusted=True, trigger="fault", comm="a", container=None):
    return {
        "time": None if ago is None else NOW - ago,
        "unit": unit,
        "container_id": container,
        "scope": scope,
        "trigger": trigger,
        "victim": {"comm": comm},
        "source": {"trusted": trusted},
    }


def panic(ago):
    return {"time": NOW - ago, "scope": "unknown", "source": {"trusted": True}}


def facts(*kills, **more):
    oom = {"kills": list(kills), "unresolved": [], "visibility": {"state": "clear"}, "truncated": 0}
    oom["summary"] = {"total": len(kills), "first": min([one["time"] for one in kills if one["time"]], default=None)}
    oom["memory"] = {"total": 16 * G, "available": 12 * G, "swap_total": G, "swap_free": G, "psi": None}
    oom.update(more)
    return oom


ROWS = [
    ("nothing", facts(), "none", []),
    ("nothing, and the host is blind", facts(visibility={"state": "blind"}), "unknown", ["the host cannot see its kills"]),
    ("by hand", facts(kill(DAY, trigger="sysrq")), "none", ["killed by hand only (sysrq-f)"]),
    ("one kill long ago", facts(kill(3 * DAY)), "transient", ["one shortage, one kill, 3 d ago"]),
    ("many at once are one shortage", facts(*[kill(3 * DAY - second, "u%d.service" % second) for second in range(9)]), "transient",
     ["one shortage, 9 kills within 8 s, 2 d ago"]),
    ("just now", facts(kill(5 * MIN)), "unknown", ["the last was 5 min ago: too early to tell"]),
    ("twice in a week", facts(kill(5 * DAY), kill(2 * DAY)), "unknown", ["2 shortages, the last was 2 d ago: one more would make it chronic"]),
    ("twice in a month", facts(kill(30 * DAY), kill(2 * DAY)), "transient", ["2 shortages far apart, 2 d ago"]),
    ("the same unit three times in a day", facts(kill(9 * HOUR), kill(8 * HOUR), kill(7 * HOUR)), "chronic",
     ["a.service was killed in 3 shortages within 2 h"]),
    ("several of one unit at once count once", facts(kill(9 * HOUR), kill(9 * HOUR - 1), kill(8 * HOUR)), "unknown",
     ["2 shortages, the last was 8 h ago: one more would make it chronic"]),
    ("different ones on three days", facts(kill(5 * DAY, "a.service"), kill(4 * DAY, "b.service"), kill(2 * DAY, "c.service")), "chronic",
     ["shortages on 3 days within 3 d"]),
    ("by its own limit, which systemd knows", facts(*[kill(hours * HOUR, scope="memcg") for hours in (9, 8, 7)],
                                                    units=[{"name": "a.service", "memory_max": 512 << 20}]), "chronic",
     ["a.service was killed in 3 shortages within 2 h, each time by a memory limit of 512 MiB",
      "every kill was at a cgroup's own limit: the host itself was not short"]),
    ("no unit, a name", facts(*[kill(hours * HOUR, unit=None, comm="java") for hours in (9, 8, 7)]), "chronic", ["java was killed in 3 shortages within 2 h"]),
    ("no unit, a container", facts(*[kill(hours * HOUR, unit=None, container="0123456789abcdef") for hours in (9, 8, 7)]), "chronic",
     ["container 0123456789ab was killed in 3 shortages within 2 h"]),
    ("still short", facts(kill(3 * HOUR), memory={"total": 16 * G, "psi": {"full": {"avg300": 12.3}, "some": {"avg300": 50.0}}}), "chronic",
     ["every process waited for memory 12 % of the last 5 min"]),
    ("nothing left", facts(kill(3 * HOUR), memory={"total": 16 * G, "available": G // 4, "swap_total": G, "swap_free": 0}), "chronic",
     ["256 MiB of 16 GiB are available now, and swap is full"]),
    ("no swap", facts(kill(3 * DAY), memory={"total": 16 * G, "available": 9 * G, "swap_total": 0}), "transient",
     ["one shortage, one kill, 3 d ago", "the host has no swap"]),
    ("panics count", facts(kill(9 * DAY), unresolved=[panic(8 * DAY), panic(7 * DAY)]), "chronic", ["shortages on 3 days within 2 d"]),
    ("no times", facts(kill(None)), "unknown", ["the logs do not say when"]),
    ("counted only", facts(summary={"total": 7}), "unknown", ["kills are counted and not listed (max_kills)"]),
    ("older ones are not listed", facts(kill(2 * DAY), truncated=8, summary={"total": 9, "first": NOW - 90 * DAY}), "unknown",
     ["8 older kills are counted and not listed (max_kills)"]),
    ("the rest of the same shortage is not listed", facts(kill(2 * DAY), truncated=8, summary={"total": 9, "first": NOW - 2 * DAY - 9}), "transient",
     ["one shortage, one kill, 2 d ago"]),
    ("blind, but not without a word", facts(kill(3 * DAY), visibility={"state": "blind"}), "transient",
     ["one shortage, one kill, 3 d ago", "the host does not see all of its kills"]),
]  # fmt: skip


@pytest.mark.parametrize("oom, state, reasons", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_verdict(oom, state, reasons):
    assert verdict(oom, NOW) == {"state": state, "reasons": reasons, "trusted": True}


def test_forged_lines_are_named():
    """Anybody can write a kill into a text log: then the verdict says that it hangs on these."""
    real, forged = kill(9 * DAY), [kill(hours * HOUR, trusted=False) for hours in (99, 50, 7)]
    found = verdict(facts(real, *forged), NOW)
    assert (found["state"], found["trusted"]) == ("chronic", False)
    assert found["reasons"][-1] == "without what text logs alone tell it would be transient"
    found = verdict(facts(*forged), NOW)
    assert (found["state"], found["trusted"], found["reasons"][-1]) == ("chronic", False, "text logs alone tell of it")
    assert verdict(facts(*[kill(hours * HOUR) for hours in (99, 50, 7)] + forged[:1]), NOW)["trusted"]


def test_a_file_from_elsewhere_says_nothing_of_this_host():
    oom = facts(kill(3 * DAY), memory={"total": 16 * G, "psi": {"full": {"avg300": 99.0}}, "swap_total": 0})
    assert verdict(oom, NOW)["state"] == "chronic"
    assert verdict(oom, NOW, local=False) == {
        "state": "transient",
        "reasons": ["one shortage, one kill, 3 d ago"],
        "trusted": True,
    }


def test_in_the_facts(fixtures, monkeypatch):
    monkeypatch.setattr(room.time, "time", lambda: NOW + 5 * DAY)
    oom = gather(Host(), Wish(subset=("kills",), paths=(os.path.join(fixtures, "kernel", "bookworm-kern.log"),)))
    assert oom["summary"]["verdict"] == {
        "state": "transient",
        "reasons": [
            "one shortage, 7 kills within 1 min, 5 d ago",
            "every kill was at a cgroup's own limit: the host itself was not short",
            "text logs alone tell of it",
        ],
        "trusted": False,
    }
    empty = gather(Host(), Wish(subset=("kills",), paths=(os.path.join(fixtures, "kernel", "truth.json"),)))
    assert empty["summary"]["total"] == 0 and empty["summary"]["verdict"] == {
        "state": "none",
        "reasons": [],
        "trusted": True,
    }
    missing = gather(Host(), Wish(subset=("kills",), paths=(os.path.join(fixtures, "kernel", "not-there"),)))
    assert missing["summary"]["verdict"]["state"] == "unknown"
