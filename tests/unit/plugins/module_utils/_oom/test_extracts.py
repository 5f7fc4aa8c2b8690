# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extracts of what our virtual machines wrote, with the truth beside them. These tests run everywhere."""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import expected, kills_of

LOGS = ("bookworm-kern.log", "bookworm-syslog", "bullseye-dmesg-T.txt", "bullseye-kmsg.bin", "trixie-kern.log")


@pytest.fixture(scope="module")
def truth(fixtures):
    with open(os.path.join(fixtures, "kernel", "truth.json"), encoding="utf-8") as stream:
        return json.load(stream)


@pytest.mark.parametrize("log", LOGS)
def test_every_victim_of_an_extract(fixtures, truth, log):
    oom, _kernel = kills_of(sources=("files",), paths=(os.path.join(fixtures, "kernel", log),))
    wanted = []
    for record in truth[log]:
        if record["killer"] == "systemd-oomd":
            wanted.append(("systemd-oomd", None, None, None, None, record["unit"]))
            continue
        pid, comm, uid, adj, unit = expected(record)
        # earlyoom 1.7 says neither the adjustment nor the cgroup.
        wanted.append(
            (record["killer"], pid, comm, uid) + ((None, None) if record["killer"] == "earlyoom" else (adj, unit))
        )
    got = [
        (
            k["killer"],
            k["victim"]["pid"],
            k["victim"]["comm"],
            k["victim"]["uid"],
            k["victim"]["oom_score_adj"],
            k["unit"],
        )
        for k in oom["kills"]
    ]

    def key(row):
        return row[0], row[1] or 0

    assert sorted(got, key=key) == sorted(wanted, key=key)
    assert (oom["unparsed"], oom["unresolved"]) == (0, [])
    assert not any(kill["partial"] or kill["source"]["trusted"] for kill in oom["kills"])


def test_a_group_is_one_incident_with_a_first_victim(fixtures):
    _oom, kills = kills_of(sources=("files",), paths=(os.path.join(fixtures, "kernel", "bookworm-kern.log"),))
    group = [kill for kill in kills if kill["unit"] == "lab-oomgroup.service"]
    assert [kill["trigger"] for kill in group] == ["fault", "group", "group", "group"]
    assert {kill["oom_memcg"] for kill in group} == {"/system.slice/lab-oomgroup.service"}


def test_task_tables_on_request(fixtures):
    path = os.path.join(fixtures, "kernel", "bookworm-kern.log")
    _oom, without = kills_of(sources=("files",), paths=(path,))
    _oom, kills = kills_of(sources=("files",), paths=(path,), include_tasks=True)
    assert not any("tasks" in kill for kill in without)
    assert [kill["id"] for kill in kills] == [kill["id"] for kill in without]
    for kill in kills:
        (row,) = [task for task in kill["tasks"] if task["pid"] == kill["victim"]["pid"]]
        assert row["oom_score_adj"] == kill["victim"]["oom_score_adj"] and row["uid"] == kill["victim"]["uid"]


def test_an_exported_journal_whose_messages_are_numbers(tmp_path):
    text = b"Out of memory: Killed process 42 (bad\xff) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:5 pgtables:8kB oom_score_adj:0"
    record = {
        "_TRANSPORT": "kernel",
        "SYSLOG_FACILITY": "0",
        "MESSAGE": list(text),
        "__REALTIME_TIMESTAMP": "1795377808722591",
    }
    path = tmp_path / "exported"
    path.write_text(json.dumps(record) + "\n")
    (kill,) = gather(Host(), Wish(subset=("kills",), paths=(str(path),)))["kills"]
    assert (kill["victim"]["pid"], kill["victim"]["comm"], kill["time"]) == (42, "bad\\xff", 1795377808.722591)
    assert not kill["source"]["trusted"]
