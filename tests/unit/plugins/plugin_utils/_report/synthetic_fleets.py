# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weeks of kills with a known rhythm, and the fleets that they make."""

from __future__ import annotations

import hashlib
import random

from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import facts, kill

#: 2026-11-30 09:00 UTC, a Monday
MONDAY = 1796029200.0
HOUR, DAY = 3600.0, 86400.0
MIB = 1 << 20


def died(unit, comm, ago, number=0, **changes):
    """A kill of a unit by its own limit, so many seconds before Monday."""
    changes.setdefault("oom_memcg", f"/system.slice/{unit}")
    changes.setdefault("task_memcg", f"/system.slice/{unit}")
    made = kill(number, unit=unit, victim_comm=comm, time=MONDAY - ago, **changes)
    made["id"] = hashlib.sha256(repr((unit, comm, ago, number)).encode()).hexdigest()[:16]
    made["boot_id"] = None
    return made


def every(unit, comm, seconds, times, last=2 * HOUR, **changes):
    """The newest was `last` seconds ago."""
    return [died(unit, comm, last + seconds * n, n, **changes) for n in reversed(range(times))]


def postgres(times=13, seconds=22.3 * HOUR, last=2 * HOUR, **changes):
    """A database that dies about once a day."""
    return every("postgresql@15-main.service", "postgres", seconds, times, last, **changes)


def build_accident(ago=5 * DAY, times=25, span=3 * HOUR, **changes):
    """A build in a login that is started again and again for an afternoon, on the whole host."""
    rng = random.Random(3)
    moments = sorted(rng.uniform(ago, ago + span) for _kill in range(times))
    return [
        died(
            f"session-{n % 7}.scope",
            "cc1plus",
            moment,
            n,
            scope="global",
            oom_memcg=None,
            task_memcg=f"/user.slice/user-1000.slice/session-{n % 7}.scope",
            **changes,
        )
        for n, moment in enumerate(reversed(moments))
    ]


def week(kills=(), days=21, state="clear", **changes):
    """The facts of a host that sees back so many days and was asked on Monday."""
    since = MONDAY - days * DAY
    return facts(
        sorted(kills, key=lambda one: one["time"] or 0.0), state, since, **{"gathered_at": MONDAY - 60.0, **changes}
    )


def fleet(hosts, at=MONDAY, past=None):
    """host -> facts, or HostInput"""
    given = {name: oom if isinstance(oom, HostInput) else HostInput(oom) for name, oom in hosts.items()}
    return build(given, at) if past is None else build(given, at, past)
