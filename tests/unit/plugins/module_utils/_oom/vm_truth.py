# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What really died in the virtual machines, in the form of our facts."""

import json
import os
import shutil
import subprocess

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import unit_of
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text


def expected(record):
    """A record of truth as (pid, comm, uid, oom_score_adj, unit). The truth's own unit where it has one."""
    comm = printable(to_text(bytes(bytearray.fromhex(record["comm_hex"]))))
    return (record["pid"], comm, record["uid"], record["oom_score_adj"], record["unit"] or unit_of(record["cgroup"]))


def found(kill):
    victim = kill["victim"]
    return (victim["pid"], victim["comm"], victim["uid"], victim["oom_score_adj"], kill["unit"])


def kernel_victims(truth):
    """pid -> what is expected, of the kernel's own mark_victim events."""
    victims = {}
    for scenario in truth["scenarios"]:
        killed = {record["pid"]: record for record in scenario["killed"]}
        for pid in scenario["mark_victim"]:
            victims[pid] = expected(killed[pid])
    return victims


def daemon_victims(truth, kind):
    """What a user-space killer did: one list of killed per scenario."""
    return [[expected(record) for record in s["killed"]] for s in truth["scenarios"] if s["kind"] == kind]


def decompress(shared, vm, folder):
    """The files of one virtual machine in a folder; the truth."""
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("no zstd program here: the logs of the virtual machines are not read")
    source = os.path.join(shared, "vmlogs", vm)
    if not os.path.isdir(source):
        pytest.skip("no vmlogs in %s" % shared)
    for name in os.listdir(source):
        if name.endswith(".zst"):
            target = os.path.join(folder, name[:-4])
            subprocess.check_call([program, "-qdf", os.path.join(source, name), "-o", target])
    with open(os.path.join(folder, "truth.json"), encoding="utf-8") as stream:
        return json.load(stream)


def kills_of(**wish):
    oom = gather(Host(), Wish(subset=("kills",), **wish))
    return oom, [kill for kill in oom["kills"] if kill["killer"] == "kernel"]
