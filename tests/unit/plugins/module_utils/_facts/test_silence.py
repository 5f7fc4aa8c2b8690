# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A taste of the gate of mutilated incidents (`make test-silence` runs the whole), and of the logs of ordinary days."""

import pytest

from ansible_collections.memops.linux.tests.fault import mutilate


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_what_still_tells_of_a_kill_never_reads_as_clean(part):
    result = mutilate.run(100, seed=13, first=100 * part)
    assert result.silent == [] and result.with_traces > 60


@pytest.mark.slow
def test_ordinary_days_stay_clear():
    assert mutilate.ordinary(20) == []


@pytest.mark.parametrize(
    "lines, clean",
    [
        ([b"Nov 22 20:06:24 vm1 kernel: usb 1-1: new device"], True),
        (
            [
                b"Nov 22 20:06:24 vm1 kernel: java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
            ],
            False,
        ),
        (
            [
                b"Nov 22 20:06:24 vm1 kernel: oom_reaper: reaped process 461 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB"
            ],
            False,
        ),
        ([b"MESSAGE=Out of memory: Killed process 461 (java)"], False),
        (
            [b"Nov 22 20:06:24\tvm1\tsystemd:\tx.service: A process of this unit has been killed by the OOM killer."],
            False,
        ),
        ([b" memory: Killed process 461 (java) total-vm:1kB, anon-rss:1kB, file-rss:1kB"], False),
        ([b"ory: Killed process 461 (java) total-vm:1kB"], False),
        ([b'06:24 vm1 earlyoom[77]: sending SIGTERM to process 997 uid 1000 "x": badness 846, VmRSS 5812 MiB'], False),
    ],
)
def test_single_lines(tmp_path, lines, clean):
    assert mutilate.is_clean(mutilate.told(str(tmp_path), lines)) is clean
