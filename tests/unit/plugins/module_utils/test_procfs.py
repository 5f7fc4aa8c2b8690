# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory, pressure, the kernel's count and its settings, as different kernels show them."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils import _procfs as procfs
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.keys import KEYS

MEMINFO = """MemTotal:       24683656 kB
MemFree:        22811084 kB
MemAvailable:   24109828 kB
Active(anon):        808 kB
SwapTotal:        163836 kB
SwapFree:          98304 kB
HugePages_Total:       2
Hugepagesize:       2048 kB
"""
PSI = """some avg10=1.50 avg60=0.25 avg300=0.00 total=123456
full avg10=0.75 avg60=0.00 avg300=0.00 total=6543
"""


@pytest.fixture
def host(tmp_path):
    def make(files):
        for path, data in files.items():
            target = tmp_path / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        return Host(root=str(tmp_path))

    return make


def test_memory(host):
    memory = procfs.memory(host({"/proc/meminfo": MEMINFO, "/proc/pressure/memory": PSI}))
    assert memory[:4] == (24683656 * 1024, 24109828 * 1024, 163836 * 1024, 98304 * 1024)
    assert memory.psi == {
        "some": {"avg10": 1.5, "avg60": 0.25, "avg300": 0.0, "total": 123456.0},
        "full": {"avg10": 0.75, "avg60": 0.0, "avg300": 0.0, "total": 6543.0},
    }


def test_numbers_without_kb():
    found = procfs.parse_meminfo(MEMINFO)
    assert (found["HugePages_Total"], found["Hugepagesize"], found["Active(anon)"]) == (2, 2 << 20, 808 << 10)


@pytest.mark.parametrize("text", ["", "Operation not supported", "some avg10=x avg60=0 avg300=0 total=0"])
def test_no_pressure(text):
    assert procfs.parse_psi(text) is None


def test_an_old_kernel(host):
    """2.6.32: no MemAvailable, no PSI, no oom_kill."""
    old = host(
        {"/proc/meminfo": "MemTotal: 1024 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", "/proc/vmstat": "nr_free_pages 1\n"}
    )
    assert procfs.memory(old) == procfs.Memory(1 << 20, None, 0, 0, None)
    assert procfs.oom_kill_counter(old) is None


def test_nothing_at_all(host):
    bare = host({})
    assert procfs.memory(bare) == procfs.Memory()
    assert procfs.settings(bare) == dict.fromkeys(procfs.SETTINGS)
    assert [procfs.oom_kill_counter(bare), procfs.boot_id(bare), procfs.boot_time(bare), procfs.container(bare)] == [
        None
    ] * 4


def test_counter(host):
    assert procfs.oom_kill_counter(host({"/proc/vmstat": "oom_killer 9\noom_kill 60\nnuma_hit 1\n"})) == 60


def test_settings(host):
    values = {"/proc/sys/vm/" + name: "%d\n" % number for number, name in enumerate(procfs.SETTINGS)}
    values["/proc/sys/vm/swappiness"] = "garbage\n"
    found = procfs.settings(host(values))
    assert found == dict({name: number for number, name in enumerate(procfs.SETTINGS)}, swappiness=None)


def test_settings_are_those_that_vm_settings_can_set_and_a_policy_can_declare():
    """A policy that declares one which the facts do not tell could never pass."""
    assert sorted(procfs.SETTINGS) == sorted(KEYS)


def test_boot(host):
    booted = host(
        {
            "/proc/sys/kernel/random/boot_id": "ee50e604-ee90-4964-a55d-c46ec4cd51fc\n",
            "/proc/stat": "cpu  1 2 3\nbtime 1795376728\nprocesses 7\n",
        }
    )
    assert procfs.boot_id(booted) == "ee50e604ee904964a55dc46ec4cd51fc"
    assert procfs.boot_time(booted) == 1795376728.0


@pytest.mark.parametrize(
    "files, kind",
    [
        ({"/run/systemd/container": "systemd-nspawn\n"}, "systemd-nspawn"),
        ({"/proc/1/environ": b"TERM=x\0container=podman\0"}, "podman"),
        ({"/proc/1/environ": b"xcontainer=no\0container=\0"}, None),
        ({"/run/.containerenv": ""}, "podman"),
        ({"/.dockerenv": ""}, "docker"),
        ({"/proc/1/environ": b"HOME=/\0"}, None),
    ],
    ids=["systemd", "environ", "empty", "containerenv", "dockerenv", "none"],
)
def test_container(host, files, kind):
    assert procfs.container(host(files)) == kind
