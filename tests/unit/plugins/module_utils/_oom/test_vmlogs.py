# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two virtual machines in which we killed some 50 processes each: every victim once, nothing invented, from every log.

Among them: names with a newline, ESC, bytes that are not UTF-8, "a,pid=1,uid=0", "x) total-vm:1kB", "z\\nOut of
memory".
"""

import gzip
import json
import os
import shutil
import subprocess
from typing import Dict, List, Tuple

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import line_filter as select
from ansible_collections.memops.linux.plugins.module_utils._facts.facts import unit_facts
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import (
    daemon_victims,
    decompress,
    found,
    kernel_victims,
    kills_of,
)

pytestmark = pytest.mark.slow

VMS = ("bookworm", "bullseye")
LOGS = ("kern.log", "syslog", "messages", "dmesg-T.txt", "kmsg.bin", "journal-kernel.json")
#: Debian 11's rsyslog writes no *.err to messages, and the kernel says of a group's further members that they die with
#: KERN_ERR.
NOT_IN_MESSAGES = {"bullseye": {352, 353, 354, 369}, "bookworm": set()}
EARLYOOM = {"bookworm": 3, "bullseye": 3}
OOMD = {"bookworm": 2, "bullseye": 0}


class Vm:
    def __init__(self, name, folder, truth):
        self.name, self.folder, self.truth = name, folder, truth
        self.victims = kernel_victims(truth)

    def path(self, name):
        return os.path.join(self.folder, name)


@pytest.fixture(scope="module", params=VMS)
def vm(request, shared, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp(request.param))
    return Vm(request.param, folder, decompress(shared, request.param, folder))


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def exactly(vm, kills, without=frozenset()):
    """Every victim once, with everything that the truth knows; none invented."""
    by_pid = {}  # type: Dict[int, List[Tuple]]
    for kill in kills:
        by_pid.setdefault(kill["victim"]["pid"], []).append(found(kill))
    wanted = {pid: [victim] for pid, victim in vm.victims.items() if pid not in without}
    assert by_pid == wanted


def test_the_truth_is_worth_the_name(vm):
    assert len(vm.victims) == 51
    comms = {victim[1] for victim in vm.victims.values()}
    assert {
        "line\\x0abreak",
        "bad\\xff\\xfeutf8",
        "a,pid=1,uid=0",
        "x) total-vm:1kB",
        "z\\x0aOut of memory",
        "\\x1b[31mred\\x1b[0m",
    } <= comms


@pytest.mark.parametrize("log", LOGS)
def test_every_victim_once_in_every_log(vm, log):
    oom, kills = kills_of(sources=("files",), paths=(vm.path(log),))
    missing = NOT_IN_MESSAGES[vm.name] if log == "messages" else set()
    if missing:
        assert {kill["victim"]["pid"] for kill in kills} == set(vm.victims) - missing
        assert len(kills) == 47 and all(kill["partial"] for kill in kills)
        # Only announced: the adjustment stands on the kill line, which this file does not have.
        assert {found(kill)[:3] + found(kill)[4:] for kill in kills} == {
            v[:3] + v[4:] for p, v in vm.victims.items() if p not in missing
        }
    else:
        exactly(vm, kills)
        assert not any(kill["partial"] for kill in kills)
    assert not any(kill["source"]["trusted"] for kill in oom["kills"])
    assert (oom["unparsed"], oom["unresolved"], oom["truncated"]) == (0, [], 0)
    assert oom["summary"]["total"] == oom["summary"]["untrusted"] == len(oom["kills"])
    assert [source["status"] for source in oom["sources"]] == ["read"]


@pytest.mark.parametrize("log", ["syslog", "messages"])
def test_what_user_space_killed(vm, log):
    if (vm.name, log) == ("bullseye", "messages"):
        pytest.skip("Debian 11's rsyslog writes no daemon.* to messages")
    oom, _kernel = kills_of(sources=("files",), paths=(vm.path(log),))
    user_space_kills_hold(vm, oom)


def user_space_kills_hold(vm, oom):
    by_killer = oom["summary"]["by_killer"]
    assert (by_killer.get("earlyoom", 0), by_killer.get("systemd-oomd", 0)) == (EARLYOOM[vm.name], OOMD[vm.name])
    early = [found(kill)[:3] for kill in oom["kills"] if kill["killer"] == "earlyoom"]
    assert early == [killed[0][:3] for killed in daemon_victims(vm.truth, "earlyoom")]
    units = [kill["unit"] for kill in oom["kills"] if kill["killer"] == "systemd-oomd"]
    assert units == [killed[0][4] for killed in daemon_victims(vm.truth, "systemd-oomd")]


def through_the_scan(path, anchors):
    """The way of a file that is too large for every line to be read."""
    scan = FileScan(path, anchors=anchors, head=select.HEAD_OF_ALL if anchors is select.ALL_ANCHORS else select.HEAD)
    lines = []
    log = None
    for excerpt in scan:
        log = log or TextLog(path, scan.clock.stamp)  # type: ignore[union-attr]
        lines += [log.line(raw) for raw in select.lines_of_interest(excerpt.data, excerpt.hits)]
    assert scan.report.status == "read"
    ledger = Ledger(1000)
    for event in parse(lines):
        if isinstance(event, Kill):
            ledger.add(unit_facts(event))
    return [entry.kill for entry in ledger.entries()]


def seen(kill):
    victim = kill.victim
    return (victim.pid, printable(victim.comm or ""), victim.uid, victim.oom_score_adj, kill.unit)


@pytest.mark.parametrize("form", ["plain", "gz", "zst"])
@pytest.mark.parametrize("anchors", [select.KERNEL_ANCHORS, select.ALL_ANCHORS], ids=["kernel", "all"])
@pytest.mark.parametrize("log", ["kern.log", "syslog", "dmesg-T.txt", "kmsg.bin"])
def test_the_same_by_anchors(vm, log, anchors, form, tmp_path):
    path = vm.path(log)
    if form == "gz":
        path = str(tmp_path / (log + ".gz"))
        with gzip.open(path, "wb") as stream:
            stream.write(read(vm.path(log)))
    elif form == "zst":
        path = str(tmp_path / (log + ".zst"))
        subprocess.check_call(["zstd", "-q", vm.path(log), "-o", path])
    kills = through_the_scan(path, anchors)
    assert sorted(seen(kill) for kill in kills if kill.killer == "kernel") == sorted(vm.victims.values())
    if anchors is select.ALL_ANCHORS and log == "syslog":
        assert len([kill for kill in kills if kill.killer == "earlyoom"]) == EARLYOOM[vm.name]
        assert len([kill for kill in kills if kill.killer == "systemd-oomd"]) == OOMD[vm.name]
    else:
        assert anchors is select.ALL_ANCHORS or {kill.killer for kill in kills} == {"kernel"}


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_compressed_files_through_gather(vm, form, tmp_path):
    path = str(tmp_path / ("syslog." + form))
    if form == "gz":
        with gzip.open(path, "wb") as stream:
            stream.write(read(vm.path("syslog")))
    else:
        subprocess.check_call(["zstd", "-q", vm.path("syslog"), "-o", path])
    oom, kills = kills_of(sources=("files",), paths=(path,))
    exactly(vm, kills)
    user_space_kills_hold(vm, oom)


def test_a_large_file_through_gather(vm, tmp_path):
    """Noise makes it large: anchors, window, selection and, for the kernel alone, counting take part."""
    noise = (
        b"2026-11-22T20:00:00.000000+00:00 lab sshd[1]: Accepted publickey for somebody who killed no process at all\n"
        * 20000
    )
    path = str(tmp_path / "syslog")
    with open(path, "wb") as stream:
        stream.write(noise + read(vm.path("syslog")) + noise)
    for killers in ("auto", "all", "kernel"):
        oom, kills = kills_of(sources=("files",), paths=(path,), killers=killers)
        exactly(vm, kills)
        if killers != "kernel":
            user_space_kills_hold(vm, oom)


def needs_journalctl():
    if not shutil.which("journalctl"):
        pytest.skip("no journalctl here: the journals of the virtual machines are not read")


def test_the_journal_is_trusted(vm):
    needs_journalctl()
    oom, kills = kills_of(journal_directory=vm.path("system.journal"))
    exactly(vm, kills)
    user_space_kills_hold(vm, oom)
    boot = vm.truth["boot_id"].replace("-", "")
    for kill in kills:
        assert kill["source"]["trusted"] and not kill["partial"]
        assert kill["boot_id"].replace("-", "") == boot and kill["time_quality"] == "exact" and kill["uptime"] > 0
        assert kill["kernel"] in (vm.truth["kernel"], None)
    assert oom["unparsed"] == 0


def test_journal_and_text_logs_tell_of_the_same_kills(vm):
    needs_journalctl()
    paths = tuple(vm.path(log) for log in ("kern.log", "syslog", "dmesg-T.txt", "kmsg.bin"))
    oom, kills = kills_of(journal_directory=vm.path("system.journal"), paths=paths)
    exactly(vm, kills)
    user_space_kills_hold(vm, oom)
    for kill in kills:
        assert kill["source"]["trusted"]
        assert len(kill["source"]["seen_in"]) == 5 and set(paths) < set(kill["source"]["seen_in"])
    alone, _kernel = kills_of(journal_directory=vm.path("system.journal"))
    assert [kill["id"] for kill in oom["kills"]] == [kill["id"] for kill in alone["kills"]]


def test_ids_are_the_same_from_every_source(vm):
    ids = []
    for log in ("kern.log", "syslog", "dmesg-T.txt", "kmsg.bin", "journal-kernel.json"):
        _oom, kills = kills_of(sources=("files",), paths=(vm.path(log),))
        ids.append({kill["victim"]["pid"]: kill["id"] for kill in kills})
    assert len(set(ids[0].values())) == 51
    assert all(some == ids[0] for some in ids[1:])


def test_times_are_near_the_truth(vm):
    when = {}
    for scenario in vm.truth["scenarios"]:
        for pid in scenario["mark_victim"]:
            when[pid] = (scenario["begin"]["realtime"], scenario["end"]["realtime"])
    for log in ("syslog", "dmesg-T.txt"):
        _oom, kills = kills_of(sources=("files",), paths=(vm.path(log),))
        for kill in kills:
            begin, end = when[kill["victim"]["pid"]]
            assert begin - 3 <= kill["time"] <= end + 3


def test_what_was_said_is_fit_to_be_sent(vm):
    oom, _kernel = kills_of(sources=("files",), paths=tuple(vm.path(log) for log in LOGS))
    text = json.dumps(oom, ensure_ascii=False, allow_nan=False)
    assert text.encode("utf-8") and len(json.dumps(oom)) <= 256 * 1024
    assert printable(text) == text
