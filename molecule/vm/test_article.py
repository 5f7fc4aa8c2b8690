# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole loop on one machine: a kill, its facts, protection without a restart, room, a reboot, and everything taken
back.
"""

from __future__ import annotations

from typing import Any, Iterator
from xml.etree import ElementTree

import pytest
from conftest import AGENT, Host, say
from test_facts import check

#: name, MiB, score that it gets; who has none is to die instead
SERVICES = (("vm-first", 60, -1000), ("vm-second", 40, -500), ("vm-other", 30, None))
WANTED = [{"name": name, "oom_score_adjust": score} for name, _mib, score in SERVICES if score is not None]
SWAP = "/swapfile"
#: What the two plays below make true.
POLICY = {
    "extends": "baseline",
    "services": WANTED,
    "swap": {"min": "511M", "files": [{"path": SWAP, "persistent": True}]},
    "visibility": "clear",
}
PASSED, FAILED = 0, 2


def unit_file(name: str, mib: int) -> str:
    hog = f"/usr/bin/python3 -B {AGENT.replace('agent.py', 'memory.py')} {mib} {name.encode().hex()}"
    return f"[Service]\\nExecStart={hog}\\nOOMPolicy=continue\\n[Install]\\nWantedBy=multi-user.target\\n"


@pytest.fixture()
def services(host: Host) -> Iterator[None]:
    for name, mib, _score in SERVICES:
        host.root(
            f"printf '{unit_file(name, mib)}' > /etc/systemd/system/{name}.service && systemctl enable --now {name}.service"
        )
    full(host)
    yield
    for name, _mib, _score in SERVICES:
        host.root(
            f"systemctl disable --now {name}.service; rm -rf /etc/systemd/system/{name}.service*; systemctl daemon-reload",
            check=False,
        )
    host.root(f"swapoff {SWAP}; rm -f {SWAP}; sed -i '\\|^{SWAP} |d' /etc/fstab", check=False)


def full(host: Host) -> None:
    """Until every service has taken its memory."""
    for name, mib, _score in SERVICES:
        path = f"/sys/fs/cgroup/system.slice/{name}.service/memory.current"
        host.root(f"for i in $(seq 1200); do [ $(cat {path}) -ge {mib << 20} ] && exit 0; sleep 0.1; done; exit 1")


def etc(host: Host) -> str:
    """Every name, owner, mode, link and byte below /etc."""
    return host.root(
        "cd /etc && find . -printf '%y %m %U:%G %p %l\\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum"
    )


def main_pids(host: Host) -> dict[str, int]:
    return {
        name: int(host.root(f"systemctl show --property=MainPID --value {name}.service"))
        for name, _mib, _score in SERVICES
    }


def scores(host: Host) -> dict[str, int]:
    """By cat, of every process."""
    return {name: int(host.root(f"cat /proc/{pid}/oom_score_adj")) for name, pid in main_pids(host).items()}


def load(host: Host, mib: float) -> list[dict[str, Any]]:
    """The same load again; who died of it."""
    (fact,) = host.agent("load", str(mib))
    host.truth += fact["victims"]
    return list(fact["victims"])


def judged(host: Host, name: str, code: int) -> set[str]:
    """The rules that fail by the policy, from JUnit; the play ends with this code."""
    dest = host.folder / name
    host.playbook("memops.linux.compliance", code, oom_compliance_policy=POLICY, oom_compliance_dest=str(dest))
    cases = ElementTree.parse(dest / "junit.xml").getroot().findall(".//testcase")
    assert len(cases) > 30 and not [
        case for case in cases if case.find("error") is not None
    ], f"not known: {dest}/junit.xml"
    return {str(case.get("name")) for case in cases if case.find("failure") is not None}


def named(victims: list[dict[str, Any]]) -> list[str]:
    return [bytes.fromhex(row["comm"]).decode() for row in victims]


def test_the_article(host: Host, services: None) -> None:
    before = etc(host)
    mib = int(host.root("awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo")) + 40
    # It dies, and the facts say so.
    assert named(load(host, mib)) == ["vm-first"], "the largest was to die"
    facts = check(host)
    assert facts["kills"][-1]["unit"] == "vm-first.service"
    host.root("systemctl restart vm-first.service")
    full(host)
    drift = judged(host, "compliance-before", FAILED)
    assert any("vm-first" in case for case in drift) and any("swap" in case for case in drift), drift
    # Protected live: the same processes, another score.
    pids, started = main_pids(host), scores(host)
    assert set(started.values()) == {0}
    planned = host.module("service_memory", check=True, services=WANTED)
    assert planned["changed"] and etc(host) == before, "check mode wrote"
    host.playbook("memops.linux.protect", oom_protect_services=WANTED, oom_protect_presets=[])
    assert main_pids(host) == pids, "a service was restarted"
    wanted = {name: score or 0 for name, _mib, score in SERVICES}
    assert scores(host) == wanted
    again = host.module("service_memory", services=WANTED)
    assert not again["changed"] and again["verified"], again["msg"]
    # The same load again: the forecast victim dies, the protected live.
    forecast = host.module("oom_score_info")["next_victim"]
    say(f"{host.name}: forecast {forecast['comm']}, margin {forecast['margin']}")
    victims = load(host, mib)
    assert [row["pid"] for row in victims] == [forecast["pid"]] and forecast[
        "unit"
    ] == "vm-other.service", f"forecast {forecast}, died {victims}"
    assert {name: pid for name, pid in main_pids(host).items() if name != "vm-other"} == {
        name: pid for name, pid in pids.items() if name != "vm-other"
    }
    host.root("systemctl restart vm-other.service")
    full(host)
    # Room: the same load lives.
    host.playbook("memops.linux.swap", oom_swap_files=[{"path": SWAP, "size": "512M", "min_free": "256M"}])
    assert not host.module("swap_file", path=SWAP, size="512M", min_free="256M")["changed"]
    assert load(host, mib) == [], "with 512M of swap the load was to live"
    # Everything is in force after a reboot.
    settled = etc(host)
    say(f"{host.name}: reboot")
    host.reboot()
    full(host)
    assert etc(host) == settled, "the reboot changed /etc"
    assert scores(host) == wanted
    (area,) = host.root("tail -n +2 /proc/swaps").splitlines()
    assert area.split()[0] == SWAP and int(area.split()[2]) == (512 << 10) - 4, area
    assert not host.root("systemctl --failed --no-legend").strip()
    assert not host.module("service_memory", services=WANTED)["changed"]
    assert load(host, mib) == []
    assert judged(host, "compliance-after", PASSED) == set() and etc(host) == settled
    # And back.
    gone = [{"name": row["name"], "state": "absent"} for row in WANTED]
    host.playbook("memops.linux.protect", oom_protect_services=gone, oom_protect_presets=[])
    host.playbook("memops.linux.swap", oom_swap_files=[{"path": SWAP, "state": "absent"}])
    assert not host.root("tail -n +2 /proc/swaps")
    assert set(scores(host).values()) == {0}, "the scores of before"
    after = etc(host)
    assert after == before, "\n".join(sorted(set(before.splitlines()) ^ set(after.splitlines())))
    assert not host.root(f"ls -d {SWAP}* 2>/dev/null || :")
    check(host)
    assert not host.panicked()
