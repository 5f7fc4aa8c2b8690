# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand-labelled real logs from 2.6.9 to 6.18: every label exact, nothing from the negatives."""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.facts import unit_facts
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

KILL_KINDS = ("kernel_global", "kernel_memcg", "kernel_unknown", "earlyoom", "systemd_oomd")
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


@pytest.fixture(scope="module")
def labels(shared):
    files = {}
    with open(os.path.join(shared, "corpus", "labels.jsonl"), encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            files.setdefault(row["file"], []).append(row)
    return files


def parsed(shared, name):
    with open(os.path.join(shared, "corpus", name), "rb") as stream:
        data = stream.read()
    found = list(parse(TextLog(name, lambda stamp: (None, "unknown")).lines(data)))
    return [unit_facts(e) for e in found if isinstance(e, Kill)], [e for e in found if isinstance(e, Unresolved)]


def test_every_label_exactly(shared, labels):
    assert len(labels) >= 80
    wrong = []
    checked = 0
    for name, rows in sorted(labels.items()):
        kills, unresolved = parsed(shared, name)
        wanted = [row for row in rows if row["kind"] in KILL_KINDS]
        if len(kills) != len(wanted):
            wrong.append("%s: %d kills, %d labelled" % (name, len(kills), len(wanted)))
        if len(unresolved) != len([row for row in rows if row["kind"] in NO_KILL_KINDS]):
            wrong.append("%s: %s" % (name, [event.outcome for event in unresolved]))
        for kill, row in zip(kills, wanted):
            checked += 1
            got = {label: get(kill) for label, get in FIELDS.items()}
            if row["kind"].startswith("kernel_"):
                got["kind"] = "kernel_" + kill.scope
            wrong += [
                "%s #%d %s: %r is labelled %r" % (name, row["n"], label, value, row[label]) for label, value in got.items() if value != row[label]
            ]
    assert wrong == []
    assert checked >= 90


def test_negatives_give_nothing(shared, labels):
    negatives = [name for name in labels if "-neg-" in name]
    assert len(negatives) >= 19
    for name in negatives:
        assert parsed(shared, name) == ([], []), name
