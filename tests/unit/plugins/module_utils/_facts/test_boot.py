# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's own count against what the sources tell."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.boot import Boot
from ansible_collections.memops.linux.plugins.module_utils._facts.kills import UnitCounts
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Process
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine

BOOT_ID = "ee50e604ee904964a55dc46ec4cd51fc"
BOOTED = 1000000.0


@pytest.fixture
def host(tmp_path):
    def make(counted, container=None):
        files = {
            "proc/vmstat": "nr_free_pages 1\noom_kill %d\n" % counted,
            "proc/stat": "cpu 1\nbtime %d\n" % BOOTED,
            "proc/sys/kernel/random/boot_id": "ee50e604-ee90-4964-a55d-c46ec4cd51fc\n",
        }
        if container:
            files["run/systemd/container"] = container
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return Host(root=str(tmp_path))

    return make


def kill(pid, boot_id=BOOT_ID, at=BOOTED + 50, trusted=True, **more):
    return Kill(
        line=LogLine("", "journal", time=at, boot_id=boot_id, trusted=trusted),
        victim=Process(pid=pid, total_vm=4096),
        **more,
    )


def counters(host, kills, trusted_source=True, **options):
    boot = Boot(host, options.pop("local", True))
    for one in kills:
        boot.count(one)
    return boot.counters(trusted_source, **options)


def test_every_kill_is_told(host):
    found = counters(host(2), [kill(1), kill(2), kill(2)])
    assert found == {"vmstat_oom_kill": 2, "kernel_kills_this_boot": 2, "unexplained": 0}


def test_a_victim_that_was_printed_twice_was_counted_twice(host):
    assert counters(host(3), [kill(1, repeats=1), kill(2)])["unexplained"] == 0


def test_what_does_not_explain(host):
    others = [
        kill(3, boot_id="0" * 32),
        kill(4, boot_id=None, at=BOOTED - 60),
        kill(5, killer="earlyoom"),
        kill(6, partial=True),
    ]
    assert counters(host(4), [kill(1)] + others)["unexplained"] == 3


def test_more_lines_than_the_kernel_counted_explain_nothing_where_it_speaks_itself(host):
    written = [kill(pid, boot_id=None, trusted=False) for pid in (7, 8, 9)]
    assert counters(host(2), written)["unexplained"] == 2
    assert counters(host(2), written, trusted_source=False)["unexplained"] == 0


def test_what_names_another_writer_explains_nothing(host):
    forged = [
        one._replace(line=one.line._replace(disproved=True)) for one in (kill(7, trusted=False), kill(8, trusted=False))
    ]
    assert counters(host(2), forged)["unexplained"] == 2


def test_the_kernel_counted_all_that_the_logs_tell(host):
    written = [kill(pid, boot_id=None, trusted=False) for pid in (7, 8)]
    assert counters(host(2), written)["unexplained"] == 0
    boot = Boot(host(2), True)
    for one in written:
        boot.count(one)
    assert boot.is_counted(written[0]) and not boot.is_counted(kill(9, boot_id=None, at=BOOTED - 60))
    boot.count(kill(9, boot_id=None, trusted=False))
    assert not boot.is_counted(written[0])


@pytest.mark.parametrize(
    "container, options",
    [("podman", {}), (None, {"local": False}), (None, {"complete": False})],
    ids=["a container sees the host's counter", "another host's logs", "not read to this moment"],
)
def test_unknown_is_null(host, container, options):
    assert counters(host(9, container), [kill(1)], **options)["unexplained"] is None


# (kills told of a.service, of nobody's unit, what its cgroup counted, what is unexplained, whether a text log's kill is
# confirmed)
CGROUPS = [
    (1, 0, 3, {"a.service": 2}, True),
    (1, 2, 3, {}, True),
    (3, 0, 3, {}, True),
    (3, 0, 2, {}, False),
    (1, 0, 0, {}, False),
    (1, 0, None, {}, False),
]


@pytest.mark.parametrize("own, nobodys, counted, unexplained, confirmed", CGROUPS)
def test_the_counter_of_a_cgroup(host, own, nobodys, counted, unexplained, confirmed):
    boot = Boot(host(0), True)
    of_unit = [kill(pid, unit="a.service", trusted=False) for pid in range(own)]
    for one in of_unit + [kill(100 + pid) for pid in range(nobodys)]:
        boot.count(one)
    counts = UnitCounts([{"name": "a.service", "oom_kills": counted}, {"name": "b.service", "oom_kills": 0}])
    assert counts.unexplained(boot) == unexplained
    assert counts.has(of_unit[0], boot) is confirmed


def test_the_count_is_checked_from_the_boot_on(host):
    day_later = BOOTED + 86400
    assert Boot(host(1), True).since(day_later) == BOOTED - 5
    assert Boot(host(0), True).since(day_later) == day_later
    assert Boot(host(1), True).since(None) is None
    assert Boot(host(1), False).since(day_later) == day_later


def test_by_unit_for_the_facts(host):
    """What is counted and told by no source; systemd's own numbers (259) outlive the cgroup."""
    units = [
        {"name": "a.service", "oom_kills": 3, "oom_kills_by_systemd": None},
        {"name": "b.service", "oom_kills": None, "oom_kills_by_systemd": 2, "managed_oom_kills": 0},
        {"name": "c.service", "oom_kills": 0, "managed_oom_kills": 4},
        {"name": "d.service", "oom_kills": 0, "managed_oom_kills": 1},
        {"name": "e.service", "oom_kills": 1, "oom_kills_by_systemd": 1},
    ]
    boot = Boot(host(9), True)
    for number, unit in ((1, "a.service"), (2, "e.service")):
        boot.count(kill(number)._replace(unit=unit))
    told = [{"killer": "systemd-oomd", "unit": "d.service"}, {"killer": "kernel", "unit": "c.service"}]
    assert UnitCounts(units).by_unit(boot, told) == {"a.service": 2, "b.service": 2, "c.service": 4}
    assert UnitCounts([]).by_unit(boot, told) == {}
    assert UnitCounts(None).by_unit(boot, told) is None
