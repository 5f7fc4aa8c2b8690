# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large file is read in excerpts, and where one is cut a report may be cut, too: of 500 kills of each killer none is
lost; of 2,000 with ``make test-silence``.
"""

import functools
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import text_files
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser
from ansible_collections.memops.linux.plugins.module_utils._sources import scan
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.wordings import (
    DUMP,
    HEAD,
    MEMCG,
    NEW,
    RULE,
    SUMMARY,
)

KILLS = int(os.environ.get("MEMOPS_SEAM_KILLS", "500"))

KILLERS = {
    "kernel": [HEAD, "Mem-Info:", SUMMARY.replace("71", "%d"), MEMCG + ": Killed process %d (hog) " + NEW],
    "earlyoom": ["low memory! at or below SIGTERM limits", 'sending SIGTERM to process %d uid 1001 "hog": badness 866, VmRSS 5 MiB', "process exited"],
    "nohang": ["Process with highest badness (found in 4 ms):", "  PID: %d, Name: hog, badness: 12"]
    + ["  VmRSS: %d MiB" % size for size in range(30)]
    + ["Implementing a corrective action:", "  Sending SIGTERM to the victim"],
    "systemd-oomd": [RULE + "kill-by-pgscan"] + DUMP[:-2] + ["\tPath: /work.slice/%d.service", "\t\tPgscan: 4"],
    "oomd": ["[a.cpp:12] Trying to kill /sys/fs/cgroup/work.slice/a", "[a.cpp:13] Killed 1: %d(hog)"],
}  # fmt: skip


def log_of(killer):
    tag = killer if killer == "kernel" else killer + "[621]"
    noise = "Nov 22 20:06:24 vm1 app[7]: a request that took some time and was answered as it should be\n" * 8
    for number in range(KILLS):
        for line in KILLERS[killer]:
            yield "Nov 22 %02d:%02d:%02d vm1 %s: %s\n" % (
                number // 3600,
                number // 60 % 60,
                number % 60,
                tag,
                line.replace("%d", str(1000 + number)),
            )
        yield noise


@pytest.mark.slow
@pytest.mark.parametrize("killer", sorted(KILLERS))
@pytest.mark.parametrize("whole", [0, 200 << 10], ids=["picked", "the newest whole"])
def test_no_kill_is_lost_where_an_excerpt_is_cut(killer, whole, tmp_path, monkeypatch):
    """The excerpts of 70 MB, brought down to 64 KB each."""
    for name, value in (("_DEEP_FILE", 0), ("_EVERY_LINE", 0)):
        monkeypatch.setattr(text_files, name, value)
    monkeypatch.setattr(scan, "_SMALL", 0)
    monkeypatch.setattr(text_files, "Whole", functools.partial(text_files.Whole, whole))
    short = text_files.Limits()._replace(excerpt=64 << 10)
    monkeypatch.setattr(text_files, "Limits", short._replace)
    path = tmp_path / "messages"
    path.write_text("".join(log_of(killer)))
    files = text_files.TextFiles(Host(), Wish(paths=(str(path),), sources=("files",), killers="all"), None)
    parser = Parser()
    events = [
        event for lines in files.each() for line in join_records(lines) for event in parser.feed(line)
    ] + parser.finish()
    kills = [event for event in events if isinstance(event, Kill)]
    assert len({kill.victim.pid or kill.task_memcg for kill in kills}) == len(kills) == KILLS
    assert not [event for event in events if isinstance(event, Unresolved)]
