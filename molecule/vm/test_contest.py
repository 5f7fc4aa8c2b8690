# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_score_info against the kernel: it names the victim over ssh, then the kernel chooses."""

from __future__ import annotations

from typing import Any

from conftest import Host, say
from test_facts import check, shown

#: Of 40 contests on three kernels.
SHARE = {"bullseye": 13, "bookworm": 14, "trixie": 13}
#: Since Linux 6.2 each of a process's four counters lags by up to 32 pages a processor where the kernel chooses; /proc
#: adds them up.
LAG = {"bullseye": 0, "bookworm": 0, "trixie": 4 * 32}


def growth(named: int, told: dict[int, dict[str, Any]], seen: dict[int, dict[str, Any]]) -> int:
    """Pages by which the named could have been overtaken between the look and the kill: what it lost, and what the
    fastest other won.
    """
    lost = told[named]["pages"] - seen[named]["pages"]
    won = [
        row["pages"] - (told[pid]["pages"] if pid in told else 0)
        for pid, row in seen.items()
        if pid != named and row["adj"] != -1000 and pid != 1
    ]
    return max(0, lost) + max([0, *won])


def first(seen: dict[int, dict[str, Any]], key: str) -> int:
    """Whom a person would name who sorts by this column."""
    return max((pid for pid in seen if pid != 1), key=lambda pid: seen[pid][key])


def test_the_named_victim_is_the_kernels(host: Host) -> None:
    rows = []
    with host.talk("contest") as ask:
        for number in range(SHARE[host.suite]):
            mode, swap = ("sysrq", "alloc")[number % 2], ("none", "swap")[number // 2 % 2]
            planned = ask(f"new {number + 1000 * len(host.suite)} {swap}")["plan"]
            result = host.module("oom_score_info", top=0)
            told = {p["pid"]: dict(p, pages=pages(p)) for p in result["processes"]}
            named = result["next_victim"]
            fact = ask(f"kill {mode}")
            seen = {int(pid): row for pid, row in fact["seen"].items()}
            victim = fact["victims"][0]["pid"]
            host.truth += fact["victims"]
            margin, grown = named["margin"] // 4096, growth(named["pid"], told, seen) if named["pid"] in seen else -1
            row = {
                "mode": mode,
                "swap": swap,
                "named": named["pid"],
                "victim": victim,
                "margin": margin,
                "grown": grown,
                "victims": len(fact["victims"]),
            }
            row.update(
                decided=margin > grown + LAG[host.suite],
                oom_score=first(seen, "oom_score") == victim,
                rss=first(seen, "rss") == victim,
                plan=planned,
            )
            rows.append(row)
            said = f"named {named['pid']} ({named['comm']}), killed {victim}, margin {margin} pages, grown {grown}"
            say(f"{host.name}: contest {number + 1}, {mode}, {swap}: {said}")
            if row["named"] == victim:
                assert named["comm"] == shown(fact["victims"][0]["comm"]) and named["uid"] == fact["victims"][0]["uid"]
    path = host.save("contests", rows)
    decided = [row for row in rows if row["decided"]]
    right = [row for row in decided if row["named"] == row["victim"]]
    say(
        f"{host.name}: {len(rows)} contests, {len(decided)} decided by more than the growth and the lag; right in {len(right)} of these, "
        f"in {sum(r['named'] == r['victim'] for r in rows)} of all; oom_score {sum(r['oom_score'] for r in rows)}, RSS {sum(r['rss'] for r in rows)}"
    )
    assert len(decided) >= len(rows) * 0.6, f"only {len(decided)} of {len(rows)} contests were decided; all in {path}"
    assert (
        right == decided
    ), f"expected, seen: {[(r['named'], r['victim'], r['margin'], r['grown']) for r in decided if r not in right]}; all in {path}"
    check(host)


def pages(process: dict[str, Any]) -> int:
    """What the kernel counts of it."""
    return int(sum(process[key] or 0 for key in ("anon_rss", "file_rss", "shmem_rss", "swap", "pgtables")) // 4096)
