# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole journals and ring buffers of two virtual machines, against what truly died there. Needs journalctl and zstd."""

import json
import os
import random
import re
import shutil
import subprocess

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan
from ansible_collections.memops.linux.plugins.module_utils._sources.journal_verify import Finding, check
from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import parse_records

pytestmark = pytest.mark.slow

KILLED = re.compile(r"^(?:[A-Z][^:]*: )?Killed process (\d+) \((.*)\)(?:,| total-vm)", re.DOTALL)


@pytest.fixture(params=["bookworm", "bullseye"], scope="module")
def machine(request, shared, tmp_path_factory):
    source = os.path.join(shared, "vmlogs", request.param)
    if not os.path.isdir(source):
        pytest.skip("no logs of the virtual machines")
    for tool in ("journalctl", "zstd"):
        if shutil.which(tool) is None:
            pytest.skip("no %s" % tool)
    target = tmp_path_factory.mktemp(request.param)
    for name in ("system.journal", "kmsg.bin", "truth.json"):
        subprocess.check_call(
            ["zstd", "-q", "-d", os.path.join(source, name + ".zst"), "-o", str(target / name)],
            stdin=subprocess.DEVNULL,
        )
    with open(str(target / "truth.json"), encoding="utf-8") as stream:
        truth = json.load(stream)
    return target, truth


def victims(truth):
    return {pid for scenario in truth["scenarios"] for pid in scenario["mark_victim"]}


def names(truth):
    return {
        killed["pid"]: bytes.fromhex(killed["comm_hex"]).decode("utf-8", "surrogateescape")
        for scenario in truth["scenarios"]
        for killed in scenario["killed"]
    }


@pytest.mark.parametrize("whole", [False, True], ids=["kills", "blocks"])
def test_every_victim_and_nobody_else(machine, whole):
    directory, truth = machine
    source = JournalScan(Host(), directory=str(directory), whole_blocks=whole)
    lines = list(source)
    found = {}
    for line in lines:
        match = KILLED.match(line.text) if line.tag == "kernel" and line.trusted else None
        if match:
            found[int(match.group(1))] = match.group(2)
    assert set(found) == victims(truth)
    known = names(truth)
    assert {pid: comm for pid, comm in found.items() if pid in known} == {
        pid: known[pid] for pid in found if pid in known
    }
    assert (source.report.status, source.report.reason, source.lost, source.undecodable) == ("read", None, 0, 0)
    assert {line.boot_id for line in lines} == {truth["boot_id"].replace("-", "")}
    times = [line.time or 0.0 for line in lines if line.tag == "kernel"]
    assert (source.report.first or 1e12) < min(times) <= max(times) <= (source.report.last or 0.0)
    assert times == sorted(times)


def test_grep_of_journalctl_loses_nothing(machine):
    """Hazard A6: names with ESC, 0xff and newlines. The filter must let through what we would pick ourselves."""
    directory, _truth = machine
    filtered = [line.text for line in JournalScan(Host(), directory=str(directory))]
    everything = list(JournalScan(Host(), directory=str(directory), whole_blocks=True))
    from ansible_collections.memops.linux.plugins.module_utils._line_kinds.needles import may_matter

    wanted = [
        line.text
        for line in everything
        if line.tag not in ("kernel", "kmsg-user") or may_matter(line.text.encode("utf-8", "surrogateescape"))
    ]
    assert filtered == wanted


def test_window(machine):
    directory, _truth = machine
    lines = list(JournalScan(Host(), directory=str(directory)))
    middle = lines[len(lines) // 3].time or 0.0
    assert list(JournalScan(Host(), directory=str(directory), since=middle)) == [
        line for line in lines if (line.time or 0.0) >= middle
    ]
    assert list(JournalScan(Host(), directory=str(directory), until=middle)) == [
        line for line in lines if (line.time or 0.0) <= middle
    ]


def test_units_of_the_verdicts(machine):
    directory, truth = machine
    verdicts = [line for line in JournalScan(Host(), directory=str(directory)) if line.message_id]
    units = {killed["unit"] for scenario in truth["scenarios"] for killed in scenario["killed"] if killed["unit"]}
    assert all(line.trusted for line in verdicts)
    assert {"lab-memcg.service", "lab-oomgroup.service", "lab-nested.service"} <= units & {
        line.unit for line in verdicts
    }


def test_kmsg_has_the_same_victims(machine):
    directory, truth = machine
    found = set()
    for record in parse_records((directory / "kmsg.bin").read_bytes()):
        match = KILLED.match(record.text.decode("utf-8", "surrogateescape"))
        if match and record.facility == 0:
            found.add(int(match.group(1)))
    assert found == victims(truth)


def test_check_counts_the_kernels_records(machine):
    directory, _truth = machine
    path = str(directory / "system.journal")
    answer = subprocess.check_output(["journalctl", "-q", "--file", path, "-o", "export", "_TRANSPORT=kernel"])
    assert check(path) == Finding(answer.count(b"\n__REALTIME_TIMESTAMP="))


@pytest.mark.parametrize("fill", [b"\0", b"\xa5"], ids=["zeros", "rubbish"])
@pytest.mark.parametrize("percent", range(1, 100, 7))
def test_kernel_records_are_not_lost_in_silence(machine, tmp_path, fill, percent):
    """64 KiB of damage somewhere in the used part: journalctl often says nothing and ends with 0."""
    directory, truth = machine
    data = bytearray((directory / "system.journal").read_bytes())
    used = len(bytes(data).rstrip(b"\0"))
    at = used * percent // 100 // 4096 * 4096
    data[at : at + 65536] = fill * 65536
    (tmp_path / "system.journal").write_bytes(bytes(data))
    source = JournalScan(Host(), directory=str(tmp_path))
    found = {int(m.group(1)) for m in (KILLED.match(line.text) for line in source) if m}
    assert found <= victims(truth)
    assert found == victims(truth) or source.report.status == "corrupt"


@pytest.mark.parametrize("seed", range(24))
def test_scattered_damage_loses_nothing_in_silence(machine, tmp_path, seed):
    """Up to 2,000 single bytes: a number of an entry that is too high makes journalctl pass over those behind it."""
    directory, truth = machine
    rng = random.Random(seed)
    data = bytearray((directory / "system.journal").read_bytes())
    used = len(bytes(data).rstrip(b"\0"))
    for _number in range(rng.randint(20, 2000)):
        data[rng.randrange(300, used)] = rng.randrange(256)
    (tmp_path / "system.journal").write_bytes(bytes(data))
    source = JournalScan(Host(), directory=str(tmp_path))
    found = {int(m.group(1)) for m in (KILLED.match(line.text) for line in source) if m}
    assert found == victims(truth) or source.report.status == "corrupt"


def test_a_truncated_journal(machine, tmp_path):
    directory, _truth = machine
    (tmp_path / "system.journal").write_bytes((directory / "system.journal").read_bytes()[:2000000])
    source = JournalScan(Host(), directory=str(tmp_path))
    assert list(source) == []
    assert source.report.status == "corrupt"
