# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole reports with a diagnosed or staged cause: each is named, nothing false is said, and the bytes are those of the
label.
"""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._analysis.explain import explain, explain_unresolved
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

#: What a label calls its main cause, and the kind that says so.
KINDS = (
    ("dirty page cache", "page_cache"),
    ("cpuset", "cpuset"),
    ("zone/fragmentation", "fragmentation"),
    ("unaccounted", "unaccounted"),
    ("many different processes", "many_processes"),
    ("unreclaimable slab", "slab_unreclaimable"),
    ("tmpfs/shmem", "shmem"),
    ("memory limit", "memcg_limit"),
    ("lowmem", "lowmem"),
    ("many alike", "many_alike"),
    ("sysrq", "sysrq"),
    ("unevictable", "unevictable"),
    ("page tables", "page_tables"),
    ("kernel memory", "kernel_memory"),
    ("-1000 process", "one_process"),
    ("one process", "one_process"),
)
#: Words of a label that must not be said: kinds, or words of the sentence.
FALSE = {
    "one process": ["one_process"],
    "process leak": ["one_process"],
    "process": ["one_process", "many_alike", "many_processes"],
    "many processes": ["many_processes", "many_alike"],
    "swap full": ["swap_full"],
    "swap": ["swap_full", "no_swap"],
    "no swap is the cause": ["no_swap"],
}
ROWS = "free shmem unevictable slab_reclaimable slab_unreclaimable kernel_stack page_tables hugepages percpu vmalloc sock unaccounted".split()


def events_of(path):
    with open(path, "rb") as stream:
        lines = TextLog("test", lambda stamp: (None, "unknown")).lines(stream.read())
    return [event for event in parse(lines, include_tasks=True) if isinstance(event, (Kill, Unresolved))]


def explained(event):
    return explain(event) if isinstance(event, Kill) else explain_unresolved(event)


@pytest.fixture(scope="module")
def labels(shared):
    with open(os.path.join(shared, "corpus", "causes", "labels.jsonl")) as stream:
        return [json.loads(line) for line in stream]


def first_of(shared, label):
    return next(iter(events_of(os.path.join(shared, "corpus", "causes", label["file"]))), None)


def test_every_cause_is_named(shared, labels):
    wrong = []
    for label in labels:
        event = first_of(shared, label)
        if event is None:
            wrong.append(label["file"])
            continue
        said = explained(event)
        kinds = [cause.kind for cause in said.causes]
        main = label["cause_kinds"][0]
        kind = next(kind for words, kind in KINDS if main.startswith(words))
        if kind not in kinds[:2]:
            wrong.append((label["file"], main, kinds))
        wrong += [
            (label["file"], words, kinds) for words in label["wrong_to_say"] if set(FALSE.get(words, ())) & set(kinds)
        ]
        wrong += [(label["file"], words) for words in label["wrong_to_say"] if words not in FALSE and words in said.why]
        if not all(cause.text in said.why for cause in said.causes[:4]):
            wrong.append((label["file"], "the sentence and the list differ"))
    assert len(labels) == 22
    assert wrong == []


def test_every_byte(shared, labels):
    wrong, checked = [], 0
    for label in labels:
        event = first_of(shared, label)
        books = None if event is None else explained(event).accounts
        held = label["holder_bytes"]
        if books is None or books.total is None or "total" not in held and "usage" not in held:
            continue
        total = held.get("total", held.get("usage"))
        assert books.total == total and sum(size or 0 for size in books.rows.values()) == total
        got = dict((name, books.rows[name]) for name in ROWS)
        got["anon_lru"] = sum(books.rows.get(name) or 0 for name in ("anon", "shmem", "swap_cached"))
        got["file_lru" if books.of == "ram" else "file"] = (books.rows["file"] or 0) + (
            0 if books.of == "ram" else books.rows["shmem"] or 0
        )
        for name, size in held.items():
            if got.get(name) is None or (books.of == "limit" and name == "anon_lru"):
                continue
            checked += 1
            if abs(got[name] - size) > max(0.03 * size, 0.002 * total):
                wrong.append((label["file"], name, size, got[name]))
    assert wrong == [] and checked > 150


def test_one_report_in_every_form(shared):
    folder = os.path.join(shared, "corpus", "forms")
    said = {}
    for name in sorted(os.listdir(folder)):
        if name != "header-only.log":
            (event,) = events_of(os.path.join(folder, name))
            facts = explained(event).as_facts()
            said[json.dumps(facts, sort_keys=True)] = name
            assert facts["ledger"]["rows"]["slab_unreclaimable"] == 1729986560
    assert len(said) == 1
