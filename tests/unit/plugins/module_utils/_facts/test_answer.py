# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that a person reads of a host: kills, the all-clear, and that nothing is known."""

import os
import re

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.answer import answer
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host

NOW = 1763836800.0  # 2025-11-22T18:40:00Z
SINCE = "sees since 2025-11-13T02:13:20Z"
JOURNAL = {"name": "journal", "status": "read", "lines": 1200}
LOG = {"name": "/var/log/kern.log", "status": "read", "lines": 34}


def kill(time=NOW - 60, **changes):
    made = {
        "time": time,
        "scope": "memcg",
        "proof": "kernel",
        "unit": "web.service",
        "victim": {"comm": "nginx"},
        "ledger": {"of": "limit", "total": 512 << 20},
    }
    made.update(changes)
    return made


def facts(kills=(), state="clear", reasons=(), **changes):
    counted = [one for one in kills if one["proof"] != "disputed"]
    units = {}
    for one in counted:
        if one["unit"]:
            units[one["unit"]] = units.get(one["unit"], 0) + 1
    made = {
        "schema": 1,
        "gathered_at": NOW,
        "kills": list(kills),
        "unresolved": [],
        "summary": {
            "total": len(counted),
            "by_unit": units,
            "by_proof": {"disputed": len(kills) - len(counted)},
            "last": NOW - 5,
        },
        "sources": [JOURNAL, LOG],
        "visibility": {"state": state, "since": 1763000000.0, "reasons": list(reasons)},
        "window": {"since": NOW - 86400, "until": None},
    }
    made.update(changes)
    return made


DENIED = "journal is denied; run with become, or as a member of the groups systemd-journal and adm"
NO_LIST = {"total": 7, "by_unit": {}, "by_proof": {"disputed": 0}, "last": NOW - 5}
EVENT = {"time": NOW - 9, "outcome": "panic", "count": 2, "proof": "kernel"}
WINDOW = {"since": NOW - 7 * 86400, "until": NOW}

ANSWERS = [
    (
        facts([kill()]),
        "1 kill in 24 h: nginx (web.service) at 2025-11-22T18:39:00Z, limit 512 MiB; " + SINCE,
        "one kill",
    ),
    (
        facts([kill(), kill(NOW - 30, unit="db.service", victim={"comm": "mysqld"}, scope="global"), kill(None)]),
        "3 kills in 24 h: the last mysqld (db.service) at 2025-11-22T18:39:30Z, the host was out of memory;"
        " by unit: web.service 2, db.service 1; " + SINCE,
        "the last of them in detail",
    ),
    (
        facts([kill(scope="global", constraint="CONSTRAINT_CPUSET")]),
        "1 kill in 24 h: nginx (web.service) at 2025-11-22T18:39:00Z, the memory nodes of its cpuset were full; "
        + SINCE,
        "the nodes of a cpuset",
    ),
    (
        facts([kill(unit=None, ledger=None)], window={"since": None, "until": None}),
        "1 kill: nginx at 2025-11-22T18:39:00Z, a limit was reached; " + SINCE,
        "no unit, no numbers, no window",
    ),
    (
        facts([kill(None, unit=None, victim={"comm": None}, scope="unknown")], window=WINDOW),
        "1 kill from 2025-11-15T18:40:00Z until 2025-11-22T18:40:00Z: a process whose name is not known at an unknown"
        " time; " + SINCE,
        "hardly anything is known of it",
    ),
    (
        facts(summary=NO_LIST),
        "7 kills in 24 h: the last at 2025-11-22T18:39:55Z (not listed); " + SINCE,
        "max_kills is 0",
    ),
    (
        facts([kill()], only={"units": ["web.service"], "left_out": 3}),
        "1 kill of those asked for in 24 h: nginx (web.service) at 2025-11-22T18:39:00Z, limit 512 MiB; " + SINCE,
        "only some were asked for",
    ),
    (
        facts([kill(proof="disputed")]),
        "no kill in 24 h that counts; 1 disputed, told by a text log alone; " + SINCE,
        "a forged line decides nothing",
    ),
    (
        facts(unresolved=[EVENT]),
        "memory ran out 2 times and no victim is known, last at 2025-11-22T18:39:51Z (panic); " + SINCE,
        "a panic is the loudest",
    ),
    (
        facts(),
        "no kill in 24 h; looked at journal, /var/log/kern.log (1234 lines); " + SINCE,
        "the all-clear says what was looked at",
    ),
    (
        facts(
            sources=[JOURNAL, LOG, LOG, {"name": "/dev/kmsg", "status": "denied"}], state="partial", reasons=["a gap"]
        ),
        "no kill in 24 h was found; looked at journal, 2 log files (1268 lines); this is not all: a gap; " + SINCE,
        "seen in part",
    ),
    (
        facts(state="blind", reasons=[DENIED, "b", "c", "d", "e"], sources=[]),
        "could not look: %s; b; c; and 2 more" % DENIED,
        "a blind host could not look",
    ),
    (
        facts([kill()], state="blind", reasons=["the kernel counted 2 kills more"]),
        "1 kill in 24 h: nginx (web.service) at 2025-11-22T18:39:00Z, limit 512 MiB; the rest could not be seen: the"
        " kernel counted 2 kills more; " + SINCE,
        "blind, and yet it has seen one",
    ),
    (
        {"schema": 1, "gathered_at": NOW, "memory": {}, "swap": []},
        "kills were not asked for; gathered: memory, swap",
        "other subsets",
    ),
]


@pytest.mark.parametrize("oom, said", [row[:2] for row in ANSWERS], ids=[row[2] for row in ANSWERS])
def test_the_line(oom, said):
    assert answer(oom) == said


@pytest.mark.parametrize("seconds, words", [(90, "2 min"), (7200, "2 h"), (172800, "2 d"), (86400, "24 h")])
def test_the_window_in_words(seconds, words):
    assert answer(facts([kill()], window={"since": NOW - seconds, "until": None})).startswith("1 kill in %s:" % words)


def test_a_name_cannot_steer_the_terminal_or_drown_the_line():
    name = "\x1b]0;x\x07\u202e" + "y" * 5000
    said = answer(facts([kill(unit=name, victim={"comm": name})], reasons=[name], state="partial"))
    assert not re.search("[\x00-\x1f\u202e]", said) and len(said) <= 1200


def test_of_a_real_log(fixtures):
    path = os.path.join(fixtures, "kernel", "bookworm-kern.log")
    said = answer(gather(Host(), Wish(sources=("files",), paths=(path,))))
    assert said == ("7 kills: the last app-odd at 2026-11-22T20:05:09Z, limit 16 MiB; sees since 2026-11-22T20:03:41Z")


def test_a_host_without_logs(tmp_path):
    said = answer(gather(Host(root=str(tmp_path)), Wish(subset=("kills",), sources=("files",))))
    assert said.startswith("could not look: %s/var/log is absent: " % tmp_path)
