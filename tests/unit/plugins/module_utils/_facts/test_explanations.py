# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why by default: from every source, for a bounded price, and of shortages that killed nothing."""

import json
import os
import shutil

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import facts
from ansible_collections.memops.linux.plugins.module_utils._facts.explanations import Explainer
from ansible_collections.memops.linux.plugins.module_utils._facts.kills import windows
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Process
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.table_replay import kills_in
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import decompress, kills_of

#: A host whose memory leaked: 88 % of it is on no list, and nobody may be killed.
LEAK = """\
[   10.1] nfsd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[   10.1] CPU: 1 PID: 537 Comm: nfsd Not tainted 6.8.1 #1
[   10.1]  out_of_memory+0x317/0x34c
[   10.1] Mem-Info:
[   10.1] active_anon:100 inactive_anon:150 isolated_anon:0
[   10.1]  active_file:1200 inactive_file:1300 isolated_file:0
[   10.1]  unevictable:400 dirty:296 writeback:17
[   10.1]  slab_reclaimable:14000 slab_unreclaimable:4350
[   10.1]  mapped:637 shmem:4 pagetables:400
[   10.1]  sec_pagetables:0 bounce:0
[   10.1]  free:8000 free_pcp:100 free_cma:0
[   10.1] Node 0 DMA free:32000kB boost:0kB min:28000kB low:29000kB present:1048576kB managed:1000000kB
[   10.1] lowmem_reserve[]: 0 0
[   10.1] Free swap  = 90000kB
[   10.1] Total swap = 100000kB
[   10.1] 262144 pages RAM
[   10.1] 12144 pages reserved
[   10.1] Tasks state (memory values in pages):
[   10.1] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[   10.1] [    209]     0   209     5140      320        0      320         0    16384      480         -1000 systemd-udevd
[   10.2] Out of memory and no killable processes...
[   10.2] Kernel panic - not syncing: System is deadlocked on memory
"""


def test_a_shortage_without_a_victim_has_its_cause(tmp_path):
    log = tmp_path / "console.log"
    log.write_text(LEAK)
    oom, kills = kills_of(sources=("files",), paths=(str(log),))
    assert kills == []
    told = oom["unresolved"][-1]
    assert (told["outcome"], [one["kind"] for one in told["cause"]]) == ("panic", ["unaccounted"])
    assert told["why"].startswith("the kernel panicked and killed no process; pages that no counter knows")
    assert (told["ledger"]["total"], told["ledger"]["rows"]["unaccounted"], told["ledger"]["complete"]) == (
        250000 * 4096,
        220000 * 4096,
        True,
    )


#: EL 7 with vm.panic_on_oom=2: a cgroup was short, the numbers are the host's, and the call trace tells.
OF_A_CGROUP = """\
[   81.2] worker invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0
[   81.2] CPU: 3 PID: 8284 Comm: worker Not tainted 3.10.0-229.el7.x86_64 #1
[   81.2]  [<ffffffff81603d1c>] dump_header+0x8e/0x214
[   81.2]  [<ffffffff811c17bf>] %smem_cgroup_oom_synchronize+0x34f/0x580
[   81.2] Mem-Info:
[   81.2] active_anon:900000 inactive_anon:100 isolated_anon:0
[   81.2]  active_file:1200 inactive_file:1300 isolated_file:0
[   81.2]  unevictable:0 dirty:24 writeback:0 unstable:0
[   81.2]  free:50000 slab_reclaimable:2000 slab_unreclaimable:900
[   81.2]  mapped:128 shmem:400 pagetables:1100 bounce:0
[   81.2] 1000000 pages RAM
[   81.2] 28000 pages reserved
[   81.2] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled
"""


@pytest.mark.parametrize("mark, scope, kinds", [("", "memcg", ["memcg_limit"]), ("? ", "unknown", ["anon"])])
def test_the_call_trace_tells_who_was_short(tmp_path, mark, scope, kinds):
    log = tmp_path / "console.log"
    log.write_text(OF_A_CGROUP % mark)
    oom, _kills = kills_of(sources=("files",), paths=(str(log),))
    (told,) = oom["unresolved"]
    assert (told["scope"], [one["kind"] for one in told["cause"]]) == (scope, kinds)
    assert (told["ledger"]["of"], told["ledger"]["total"]) == ("ram", 972000 * 4096)


@pytest.mark.parametrize("vm", ["bookworm", "bullseye"])
def test_the_journal_is_asked_for_whole_reports_where_it_told_of_kills(shared, tmp_path, vm):
    if shutil.which("journalctl") is None:
        pytest.skip("no journalctl program here")
    decompress(shared, vm, str(tmp_path))
    _oom, kills = kills_of(sources=("journal",), journal_directory=str(tmp_path / "system.journal"))
    kernel = [one for one in kills if one["killer"] == "kernel"]
    assert len(kernel) == 51 and all(one["ledger"]["complete"] and one["contest"] and one["cause"] for one in kernel)
    assert not any("tasks" in one for one in kills)


@pytest.mark.parametrize(
    "ends, spans",
    [
        ([], []),
        ([1000.0], [(970.0, 1002.0)]),
        ([1000.0, 1200.0, 1010.0], [(970.0, 1202.0)]),
        ([1000.0, 9000.0], [(8970.0, 9002.0), (970.0, 1002.0)]),
    ],
)
def test_one_run_of_journalctl_for_what_lies_near(ends, spans):
    assert windows(ends) == spans


def test_the_runs_of_journalctl_are_bounded():
    assert len(windows([1000.0 * number for number in range(5000)])) == 16
    assert windows([float(number) for number in range(100000)]) == [(99999.0 - 199 - 30, 100001.0)]


def test_a_kill_is_explained_and_lets_its_table_go(fixtures):
    with open(os.path.join(fixtures, "kernel", "causes-dmesg.txt"), "rb") as stream:
        kills = kills_in(stream.read())
    explainer = Explainer()
    for kill in map(explainer.kill, kills):
        assert kill.tasks is None and kill.report is None and kill.explanation.accounts.complete
    alone = Kill(line=LogLine("", "test", time=1.0), victim=Process(pid=1, comm="a"))
    assert explainer.kill(alone) == alone


def test_what_a_reason_is_made_of_goes_before_a_kill_does(fixtures):
    with open(os.path.join(fixtures, "kernel", "causes-dmesg.txt"), "rb") as stream:
        kills = kills_in(stream.read())
    ledger, explainer = Ledger(10_000), Explainer()
    for number in range(200):
        kill = explainer.kill(kills[number % len(kills)])
        line = kill.line._replace(time=1000.0 + 700 * number, uptime=None)
        ledger.add(kill._replace(line=line, victim=kill.victim._replace(total_vm=number)))
    oom = facts.kill_section(ledger, (), Unparsed(), room=facts.RESULT_BYTES)
    facts.fit(oom)
    assert len(json.dumps(oom)) <= facts.RESULT_BYTES
    with_ledger = [one["ledger"] is not None for one in oom["kills"]]
    assert with_ledger == sorted(with_ledger) and 0 < sum(with_ledger) < len(with_ledger)
    assert (oom["details_truncated"], oom["truncated"]) == (with_ledger.count(False), 200 - len(with_ledger))
    assert all(one["why"] for one in oom["kills"])
