# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of issue 6: findings for 1,000 hosts by 30 rules within 30 s of CPU, and linear.

    python3 tests/benchmark/compliance.py [HOSTS]

Needs ansible-core and jmespath, and the collection below .../ansible_collections on PYTHONPATH.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

from ansible_collections.memops.linux.plugins.plugin_utils._policy.compliance import Compliance, judge
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._policy.policy_facts import host, unit
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, kill

UNITS, KILLS, RULES = 30, 10, 30
LIMIT = 30.0
POLICY = {
    "extends": "baseline",
    "services": [{"name": "u1", "oom_score_adjust": 0}, {"name": "u2", "memory_max": "infinity"}],
    "kills": {"max": 0, "window": "7d"},
    "settings": {"swappiness": 60},
    "rules": [
        {
            "id": f"own-{n}",
            "severity": "info",
            "message": "m",
            "remedy": "r",
            "for": "units",
            "assert": f"item.restarts < `{n + 5}`",
        }
        for n in range(2)
    ],
}


def fleet(hosts: int) -> dict[str, HostInput]:
    """Hosts with units and kills; every tenth is down, every seventh fails a rule."""
    made = {}
    for number in range(hosts):
        if number % 10 == 9:
            made[f"host{number:05d}"] = HostInput(None, "unreachable", "no route to host")
            continue
        units = [
            unit(f"u{n}.service", restart="no" if number % 7 == 0 else "always", oom_kills=n % 2) for n in range(UNITS)
        ]
        kills = [kill(number * KILLS + n, unit=f"u{n}.service") for n in range(KILLS)]
        made[f"host{number:05d}"] = HostInput(
            host(units=units, kills=kills, settings__panic_on_oom=number % 7 == 0 and 1 or 0)
        )
    return made


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()  # one thread: on a machine that others use too, the CPU time is what can be compared
    done = work()
    return time.process_time() - start, done


def measure(hosts: int) -> float:
    """Seconds from facts in memory to all documents."""
    given = fleet(hosts)
    build_time, report = seconds(lambda: build(given, NOW))
    judge_time, judged = seconds(lambda: judge(POLICY, ".", report, {}, NOW))
    if not isinstance(judged, Compliance) or len(judged.policy.rules) < RULES:
        raise SystemExit(f"fewer than {RULES} rules")
    parts = {name: seconds(getattr(judged, name)) for name in ("junit", "sarif", "listing", "suggestions", "html")}
    total = build_time + judge_time + sum(part[0] for part in parts.values())
    sizes = ", ".join(f"{name} {part[0]:.2f} s {len(str(part[1])) / 1e6:.1f} MB" for name, part in parts.items())
    print(
        f"  {hosts:,} hosts, {len(judged.policy.rules)} rules: {len(judged.findings):,} findings, {total:.2f} s", end=""
    )
    print(f" (normalise {build_time:.2f}, judge {judge_time:.2f}, {sizes})")
    return total


def main() -> int:
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    gc.disable()  # as the action does
    measure(50)  # compiles the policy
    quarter, whole = measure(hosts // 4), measure(hosts)
    growth = whole / quarter / 4
    print(f"  {whole:.2f} s of at most {LIMIT:.0f} s; four times the hosts took {whole / quarter:.1f} times as long")
    return 0 if whole <= LIMIT and growth <= 1.5 else 1


if __name__ == "__main__":
    raise SystemExit(main())
