# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand-labelled real logs from 2.6.9 to 6.18: every label exact, nothing from the negatives."""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.facts import unit_facts
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

NOW = 1796083200.0
KILL_KINDS = (
    "kernel_global",
    "kernel_memcg",
    "kernel_unknown",
    "earlyoom",
    "systemd_oomd",
    "nohang",
    "oomd",
    "talos_oom_controller",
)
#: Of these the labels tell some fields only.
SOME_FIELDS = ("nohang", "oomd", "talos_oom_controller")
NO_KILL_KINDS = ("kernel_panic", "kernel_no_victim")
# Label -> how our kill says it.
FIELDS = {
    "pid": lambda k: k.victim.pid,
    "comm": lambda k: k.victim.comm,
    "uid": lambda k: k.victim.uid,
    "oom_score_adj": lambda k: k.victim.oom_score_adj,
    "badness_score": lambda k: k.victim.oom_score,
    "total_vm_kb": lambda k: k.victim.total_vm and k.victim.total_vm // 1024,
    "anon_rss_kb": lambda k: k.victim.anon_rss and k.victim.anon_rss // 1024,
    "file_rss_kb": lambda k: k.victim.file_rss and k.victim.file_rss // 1024,
    "shmem_rss_kb": lambda k: k.victim.shmem_rss and k.victim.shmem_rss // 1024,
    "constraint": lambda k: k.constraint,
    "oom_memcg": lambda k: k.oom_memcg,
    "task_memcg": lambda k: k.task_memcg,
    "invoker_comm": lambda k: k.invoker.comm,
    "invoker_pid": lambda k: k.invoker.pid,
    "gfp_mask": lambda k: k.invoker.gfp_mask,
    "order": lambda k: k.invoker.order,
    "unit": lambda k: k.unit,
    "container_id": lambda k: k.container_id,
    "kernel": lambda k: k.kernel,
}


# (file, field): what the label leaves out and the log tells, in a row of its table or in a line that somebody broke by
# hand.
TOLD_BY_THE_LOG = {
    ("306-hand-elided-wsl2-time-only-find-anagrams.log", "uid"): 1000,
    ("306-hand-elided-wsl2-time-only-find-anagrams.log", "total_vm_kb"): 26637256,
    ("306-hand-elided-wsl2-time-only-find-anagrams.log", "anon_rss_kb"): 15429480,
    ("306-hand-elided-wsl2-time-only-find-anagrams.log", "task_memcg"): "/init.scope",
    ("306-hand-elided-wsl2-time-only-find-anagrams.log", "unit"): "init.scope",
    ("336-child-sacrificed-netdata-apps.plugin-4.19.log", "uid"): 999,
    ("336-child-sacrificed-netdata-apps.plugin-4.19.log", "oom_score_adj"): 1000,
    ("336-child-sacrificed-netdata-apps.plugin-4.19.log", "badness_score"): 1002,
    ("381-journalctl-o-with-unit-userspace-killers.log", "badness_score"): 1158,
    # The cgroup that was killed, as the kernel writes it.
    ("095-talos-userspace-oom-controller.log", "oom_memcg"): None,
}
# Logs that end, or were cut, inside a report: whom it killed is not in them.
UNFINISHED = {"027", "030", "033", "059", "079", "091", "311", "319"}


@pytest.fixture(scope="module")
def labels(shared):
    files = {}
    with open(os.path.join(shared, "corpus", "labels.jsonl"), encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            files.setdefault(row["file"], []).append(row)
    return files


def parsed(shared, name):
    """Kills as oom_parse tells them, shortages without one, and the units that systemd names."""
    with open(os.path.join(shared, "corpus", name), "rb") as stream:
        data = stream.read()
    ledger = Ledger(1000)
    found = list(parse(TextLog(name, Clock(NOW).stamp).lines(data)))
    for event in found:
        if isinstance(event, Kill):
            ledger.add(unit_facts(event))
    kills = sorted(
        (entry.kill for entry in ledger.entries()), key=lambda kill: kill.line.time or kill.line.uptime or 0.0
    )
    return kills, [e for e in found if isinstance(e, Unresolved)], {e.unit for e in found if isinstance(e, Verdict)}


def test_every_label_exactly(shared, labels):
    assert len(labels) >= 80
    wrong = []
    checked = 0
    for name, rows in sorted(labels.items()):
        kills, unresolved, units = parsed(shared, name)
        wanted = [row for row in rows if row["kind"] in KILL_KINDS]
        if len(kills) != len(wanted):
            wrong.append("%s: %d kills, %d labelled" % (name, len(kills), len(wanted)))
        ended = [event for event in unresolved if event.outcome != "unseen"]
        if len(ended) != len([row for row in rows if row["kind"] in NO_KILL_KINDS]):
            wrong.append("%s: %s" % (name, [event.outcome for event in ended]))
        if (len(ended) < len(unresolved)) != (name[:3] in UNFINISHED):
            wrong.append("%s: %s" % (name, [event.outcome for event in unresolved]))
        if not {row["unit"] for row in rows if row["kind"] == "systemd_unit_oom"} <= units:
            wrong.append("%s: %s" % (name, units))
        for kill, row in zip(kills, wanted):
            checked += 1
            got = {
                label: get(kill)
                for label, get in FIELDS.items()
                if row["kind"] not in SOME_FIELDS or row[label] is not None
            }
            if row["kind"].startswith("kernel_"):
                got["kind"] = "kernel_" + kill.scope
            wrong += [
                "%s #%d %s: %r is labelled %r" % (name, row["n"], label, value, row[label])
                for label, value in got.items()
                if value not in (row[label], TOLD_BY_THE_LOG.get((name, label), row[label]))
            ]
    assert wrong == []
    assert checked >= 90


def test_negatives_give_nothing(shared, labels):
    negatives = [name for name in labels if "-neg-" in name]
    assert len(negatives) >= 19
    for name in negatives:
        assert parsed(shared, name)[:2] == ([], []), name
    assert parsed(shared, "413-neg-systemd-258-verdict-wording-no-kernel-line.log")[2] == {"moq-relay.service"}
