# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few lines that are picked out of an excerpt give the same kills as every line of it."""

import json
import os
import random
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import line_filter as select
from ansible_collections.memops.linux.plugins.module_utils._facts.facts import unit_facts
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.plugins.module_utils._facts.line_filter import lines_of_interest, whole_lines
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources import scan
from ansible_collections.memops.linux.plugins.module_utils._sources.context import ContextExtractor, Limits
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._oom.vm_truth import decompress

LOG = TextLog("log", lambda stamp: (None, "unknown"))
ALL, KERNEL = select.ALL_ANCHORS, select.KERNEL_ANCHORS + select.ENDS


def excerpts(data, anchors, limits=None):
    """As gather() has them cut."""
    at = [0]
    if limits is None:
        limits = Limits(gap=Limits().block) if anchors is ALL else Limits()

    def fill(view):
        piece = data[at[0] : at[0] + len(view)]
        view[: len(piece)] = piece
        at[0] += len(piece)
        return len(piece)

    return ContextExtractor(
        anchors, head=select.HEAD_OF_ALL if anchors is select.ALL_ANCHORS else select.HEAD, limits=limits, engine="find"
    ).cut(fill)


def what(kill):
    """What selection must not change."""
    return (kill.killer, kill.victim, kill.scope, kill.trigger, kill.constraint, kill.oom_memcg, kill.task_memcg, kill.unit, kill.kernel,
            kill.invoker, kill.partial)  # fmt: skip


def outcome(lines):
    events = list(parse(LOG.line(raw) for raw in lines if raw.strip(b"\n")))
    ledger = Ledger(100000)  # systemd-oomd says things twice
    for event in events:
        if isinstance(event, Kill):
            ledger.add(unit_facts(event))
    unresolved = [(event.outcome, event.scope, event.oom_memcg) for event in events if isinstance(event, Unresolved)]
    return [what(entry.kill) for entry in ledger.entries()], unresolved


def selected(data, anchors=ALL, limits=None):
    return outcome([raw for part in excerpts(data, anchors, limits) for raw in lines_of_interest(part.data, part.hits)])


# -- synthetic reports of all eras -----------------------------------------------------------------------------


def table(columns, width, rows, victim, adj, name):
    """A task table with the victim somewhere in it."""
    yield "[ pid ]   " + " ".join(columns) + " name"
    for number in range(rows):
        pid = victim if number == rows // 3 else 20000 + number
        values = (
            ["1001" if pid == victim else "0", str(pid)]
            + ["%d" % (100 + number)] * (width - 3)
            + [str(adj if pid == victim else 0)]
        )
        yield "[%5d] %s %s" % (pid, " ".join(values), name if pid == victim else "worker %d" % number)


OLD = ["uid", "tgid", "total_vm", "rss", "nr_ptes", "swapents", "oom_score_adj"]
NEW = ["uid", "tgid", "total_vm", "rss", "pgtables_bytes", "swapents", "oom_score_adj"]


def meminfo():
    yield "Mem-Info:"
    for number in range(30):
        yield "active_anon:%d inactive_anon:%d isolated_anon:0" % (number, number)
    yield "Node 0 DMA: 1*4kB (U) 0*8kB 0*16kB"


def report(era, pid, name, rows):
    """The texts of one report as that kernel prints it."""
    lines = []
    if era == "2.6.18":
        return [
            "oom-killer: gfp_mask=0x201d2, order=0",
            "Mem-info:",
            "Out of memory: Killed process %d (%s)." % (pid, name),
        ]
    if era == "2.6.32":
        lines = [
            "%s invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=0" % name, "%s cpuset=/ mems_allowed=0" % name,                 # fmt: skip
            "Pid: %d, comm: %s Not tainted 2.6.32-642.el6.x86_64 #1" % (pid, name),
            "Call Trace:",
            " [<ffffffff81>] ? dump_header+0x90/0x1b0",
        ]
        lines += list(meminfo()) + list(table(OLD, 7, rows, pid, -17, name))
        lines += [
            "Out of memory: Kill process %d (%s) score 982 or sacrifice child" % (pid, name),                  # fmt: skip
            "Killed process %d, UID 1001, (%s) total-vm:100kB, anon-rss:50kB, file-rss:4kB"
            % (pid, name)
        ]
        return lines
    if era == "3.10":
        lines = [
            "%s invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0" % name, "%s cpuset=/ mems_allowed=0" % name,                 # fmt: skip
            "CPU: 0 PID: %d Comm: %s Not tainted 3.10.0-1160.el7.x86_64 #1" % (pid, name),
            " [<ffffffff81>] ? oom_kill_process+0x82",
        ]
        lines += [
            "Task in /lab/web-%d.service killed as a result of limit of /lab" % pid,
            "memory: usage 32768kB, limit 32768kB, failcnt 99",
        ]
        lines += list(meminfo()) + list(table(OLD, 7, rows, pid, 300, name))
        lines += [
            "Memory cgroup out of memory: Kill process %d (%s) score 982 or sacrifice child" % (pid, name),                  # fmt: skip
            "Killed process %d (%s) total-vm:100kB, anon-rss:50kB, file-rss:4kB, shmem-rss:0kB"
            % (pid, name)
        ]
        return lines
    head = [
        "%s invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0" % name,            # fmt: skip
        "CPU: 1 PID: %d Comm: %s Not tainted 6.1.0-1-amd64 #1 Debian" % (pid, name),
        "Call Trace:",
        " <TASK>",
        " dump_stack_lvl+0x44/0x5c",
    ]
    summary = ("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/lab,task_memcg=/lab/web-%d.service,"
               "task=%s,pid=%d,uid=1001" % (pid, name, pid))  # fmt: skip
    sizes = "total-vm:%dkB, anon-rss:50kB, file-rss:4kB, shmem-rss:0kB" % (pid + 7)
    tail = " UID:1001 pgtables:68kB oom_score_adj:300"
    lines = head + list(meminfo()) + list(table(NEW, 7, rows, pid, 300, name)) + [summary]
    if era == "5.1":
        return lines + ["Memory cgroup out of memory: Killed process %d (%s) %s" % (pid, name, sizes)]
    if era == "6.1":
        return lines + ["Memory cgroup out of memory: Killed process %d (%s) %s,%s" % (pid, name, sizes, tail)]
    if era == "6.1 bare":
        return ["Memory cgroup out of memory: Killed process %d (%s) %s,%s" % (pid, name, sizes, tail)]
    if era == "6.1 announced":
        return lines
    if era == "exiting":
        return lines + [
            "Memory cgroup out of memory: OOM victim %d (%s) is already exiting. Skip killing the task" % (pid, name)
        ]
    if era == "group":
        first = "Memory cgroup out of memory: Killed process %d (%s) %s,%s" % (pid, name, sizes, tail)
        members = ["Memory cgroup out of memory: Killed process %d (%s) total-vm:%dkB, anon-rss:50kB, file-rss:4kB, shmem-rss:0kB,%s"
                   % (pid + n, name, pid + n, tail) for n in (1, 2)]  # fmt: skip
        return lines + [first, "Tasks in /lab are going to be killed due to memory.oom.group set", first] + members
    if era == "sysrq":
        return ["sysrq: Manual OOM execution", "kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0"] + lines[1:] + [
            "Out of memory: Killed process %d (%s) %s,%s" % (pid, name, sizes, tail)]  # fmt: skip
    if era == "no victim":
        return head + list(meminfo()) + ["Out of memory and no killable processes..."]
    if era == "memcg no victim":
        limit = ["Memory limit reached of cgroup /lab", "memory: usage 32768kB, limit 32768kB, failcnt 99"]
        return (
            head
            + limit
            + list(meminfo())
            + list(table(OLD, 7, rows, 1, -1000, name))
            + ["Out of memory and no killable processes..."]
        )
    if era == "group, reaped":
        lines = report("group", pid, name, rows)
        at = [number for number, text in enumerate(lines) if text.startswith("Tasks in /lab")][0]
        reaper = "oom_reaper: reaped process %d (%s), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB" % (pid, name)
        return lines[:at] + [reaper] + lines[at:]
    if era == "panic":
        return (
            head + list(meminfo()) + ["Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled"]
        )
    raise AssertionError(era)


ERAS = (
    "2.6.18",
    "2.6.32",
    "3.10",
    "5.1",
    "6.1",
    "6.1 bare",
    "6.1 announced",
    "exiting",
    "group",
    "group, reaped",
    "sysrq",
)
NAMES = ("httpd", "a b", "x) total-vm:1kB", "a,pid=1,uid=0", "Killed process", "kill -9", "(sd-pam)")


def noise(rng, count):
    words = ("started", "session opened", "killed nothing", "Kill switch on", "oom-kill is a word", "ok")
    return ["Nov 22 20:06:24 vm1 sshd[%d]: %s" % (rng.randrange(9999), rng.choice(words)) for _line in range(count)]


def storm(rng, eras, reports, rows, between=40):
    """A log of many reports with kernel seconds, and noise between and within them."""
    lines = []
    for number in range(reports):
        texts = report(rng.choice(eras), 1000 + 10 * number, rng.choice(NAMES), rows)
        lines += noise(rng, rng.randrange(between))
        for text in texts:
            lines.append("Nov 22 20:06:24 vm1 kernel: [%6d.%06d] %s" % (10000 + 120 * number, rng.randrange(10), text))
    return ("\n".join(lines) + "\n").encode("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("rows", [3, 600])
@pytest.mark.parametrize("era", ERAS)
def test_one_report_of_an_era(era, rows):
    data = storm(random.Random(era), [era], 4, rows)
    every = outcome(data.split(b"\n"))
    assert len(every[0]) == {"exiting": 0, "group": 12, "group, reaped": 12}.get(era, 4)
    assert selected(data) == every
    assert selected(data, KERNEL) == every


@pytest.mark.parametrize("era", ["no victim", "memcg no victim", "panic"])
def test_shortages_without_a_victim(era):
    data = storm(random.Random(era), [era], 3, 3)
    every = outcome(data.split(b"\n"))
    assert len(every[1]) == 3 and not every[0]
    assert selected(data) == every
    assert selected(data, KERNEL) == every


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_all_eras_mixed_and_excerpts_cut_anywhere(seed):
    rng = random.Random(seed)
    data = storm(rng, ERAS, 8, rng.choice((3, 30, 200)))
    every = outcome(data.split(b"\n"))
    assert selected(data) == every
    # Small limits cut reports in two or three; what an era needs of its report lies in the gap.
    limits = Limits(chunk=rng.choice((512, 4096)), gap=32 << 10, excerpt=rng.choice((48 << 10, 200 << 10)))
    assert selected(data, ALL, limits) == every


@pytest.mark.parametrize("seed", range(20))
def test_modern_kills_need_nothing_but_their_lines(seed):
    """Whatever the excerpts hold: pid, name, sizes, uid and adjustment stand on the kill line itself."""
    rng = random.Random(seed)
    data = storm(rng, ("6.1", "6.1 bare", "group"), 6, 10)
    limits = Limits(chunk=512, gap=1, lines=rng.randrange(1, 4), context=512, line=512, excerpt=2048)
    every = [kill[1] for kill in outcome(data.split(b"\n"))[0]]
    assert [kill[1] for kill in selected(data, ALL, limits)[0]] == every


def corpus_files(shared):
    folder = os.path.join(shared, "corpus")
    with open(os.path.join(folder, "labels.jsonl"), encoding="utf-8") as stream:
        names = sorted({json.loads(row)["file"] for row in stream})
    return [os.path.join(folder, name) for name in names]


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def broken(path):
    """Mails and terminals that wrapped records, and records of several lines: only reading every line helps, and
    gather() reads every line of small files.
    """
    return "wrapped" in path or "truncated-at" in path or "o-verbose" in path


def test_the_corpus(shared):
    wrong = []
    checked = 0
    for path in corpus_files(shared):
        if broken(path):
            continue
        data = read(path)
        every, found = outcome(data.split(b"\n")), selected(data)
        checked += len(every[0])
        if [kill[:2] for kill in found[0]] != [kill[:2] for kill in every[0]] or found[1] != every[1]:
            wrong.append(os.path.basename(path))
    assert wrong == []
    assert checked >= 70


@pytest.mark.slow
@pytest.mark.parametrize("log", ["kern.log", "syslog", "messages", "dmesg-T.txt", "kmsg.bin"])
@pytest.mark.parametrize("vm", ["bookworm", "bullseye"])
def test_the_virtual_machines(shared, tmp_path, vm, log):
    decompress(shared, vm, str(tmp_path))
    data = read(str(tmp_path / log))
    assert selected(data) == outcome(data.split(b"\n"))


def test_our_extracts(fixtures):
    folder = os.path.join(fixtures, "kernel")
    for name in ("bookworm-kern.log", "bookworm-syslog", "bullseye-dmesg-T.txt", "bullseye-kmsg.bin"):
        data = read(os.path.join(folder, name))
        assert selected(data) == outcome(data.split(b"\n")), name


def test_few_lines_are_picked():
    data = storm(random.Random(0), ("6.1",), 5, 600)
    parts = [lines_of_interest(part.data, part.hits) for part in excerpts(data, ALL)]
    assert sum(len(lines) for lines in parts) < 80 < data.count(b"\n") // 20


def test_tables_on_request_are_whole():
    data = storm(random.Random(0), ("6.1",), 1, 600)
    (part,) = excerpts(data, ALL)
    lines = lines_of_interest(part.data, part.hits, tables=True)
    of_kernel = [line for line in part.data.split(b"\n") if b" kernel: " in line]
    assert [line for line in lines if b" kernel: " in line] == of_kernel and len(of_kernel) > 600


@pytest.mark.parametrize(
    "line",
    [
        b"kernel: Killed process 1 (a)",
        b"kernel: Killed process 1 (a) total-vm:1kB, anon-rss:1kB, file-rss:1kB",
        b"kernel: memory: Killed process 1 (" + b"UID:1 " * 900 + b")",
        b"kernel: a invoked oom-killer: gfp_mask=0x1 " + b"invoked oom-killer: " * 300,
        b"kernel: oom-kill:constraint=CONSTRAINT_" + b",pid=1,uid=1" * 300 + b"x",
        b"nohang: Sending SIGTERM",
    ],
)
def test_a_flood_of_one_line_takes_linear_time(line):
    data = (line + b"\n") * 2000
    hits = tuple(at for at in range(0, len(data), len(line) + 1))
    hits = tuple(data.find(b"ill" if b"ill" in line else b"Send", hit) for hit in hits)
    began = time.process_time()
    lines_of_interest(data, hits)
    assert time.process_time() - began < 2.0


def test_a_name_that_looks_like_the_end_of_the_choice():
    """The lines of the announcement lie further from the kill than its neighbours."""
    lines = [
        "Memory cgroup out of memory: Kill process 12044 () score 5",
        "(x)",
        "b) score 5 or sacrifice child",
        "hello",
        "hello",
        "hello",
    ]
    lines += [
        "Killed process 12044 () score 5",
        "(x)",
        "b), UID 1332, total-vm:99187kB, anon-rss:2838kB, file-rss:6040kB, shmem-rss:0kB",
    ]
    data = "".join(
        "Nov 22 20:06:24 vm1 %s: %s\n" % ("mallory" if text == "hello" else "kernel", text) for text in lines
    ).encode()
    assert lines_of_interest(data, (data.find(b"Killed process"),))[:3] == [
        line + b"\n" for line in data.split(b"\n")[:3]
    ]


@pytest.mark.parametrize("since", [None, 1.0], ids=["counted", "parsed"])
@pytest.mark.parametrize(
    "era, outcomes", [("no victim", "no_victim"), ("memcg no victim", "no_victim"), ("panic", "panic")]
)
def test_a_large_file_tells_that_nobody_could_be_killed(tmp_path, monkeypatch, era, outcomes, since):
    """In one that is not small, what ends a report is looked for behind its head."""
    monkeypatch.setattr(scan, "_SMALL", 0)
    lines = storm(random.Random(1), [era, "6.1"], 12, 40).split(b"\n")
    hours = [(int(line.split(b"[")[1].split(b".")[0]) - 10000) // 120 if b"kernel: [" in line else 0 for line in lines]
    data = b"\n".join(line.replace(b"22 20:", b"22 %02d:" % hour) for line, hour in zip(lines, hours))
    wanted = outcome(data.split(b"\n"))[1]
    path = tmp_path / "kern.log"
    path.write_bytes(b"Nov 22 20:06:24 vm1 sshd[1]: session opened\n" * 8000 + data)
    oom = gather(
        Host(),
        Wish(subset=("kills",), sources=("files",), paths=(str(path),), killers="kernel", max_kills=2, since=since),
    )
    found = [(one["outcome"], one["scope"], one["oom_memcg"]) for one in oom["unresolved"]]
    assert [one[0] for one in found] == [one[0] for one in wanted] == [outcomes] * len(wanted) and len(wanted) > 2
    assert since is None or found == wanted  # those of old reports are counted without the rest of the report


KERNEL_ROW = (
    b"Nov 20 10:00:00 web kernel: [12.000001] [  71]     0    71     1000      100    40960        0             0 sshd"
)


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        pytest.param(b"Nov 20 10:00:00 web sshd[71]: Accepted publickey for root", False, id="somebody else's"),
        pytest.param(b"2025-11-20T10:00:00.123456+00:00 web postfix/smtpd[71]: connect", False, id="the same, ISO"),
        pytest.param(b"Nov 20 10:00:00 web sshd[71]: Killed process 9 (a)", True, id="a quotation is counted"),
        pytest.param(b"Nov 20 10:00:00 web systemd[1]: Started a.service", True, id="pid 1"),
        pytest.param(b"Nov 20 10:00:00 web earlyoom[71]: mem avail: 1 of 2 MiB", True, id="a killer"),
        pytest.param(b"Nov 20 10:00:00 web klogd[71]: Node 0 DMA free", True, id="hands on what the kernel says"),
        pytest.param(b"Nov 20 10:00:00 web kernel: Node 0 DMA free", True, id="the kernel"),
        pytest.param(b"Nov 20 10:00:00 web dhclient: bound", True, id="no pid"),
        pytest.param(b'Nov 20 10:00:00 web fluentd[71]: {"a": "b"}', True, id="JSON"),
    ],
)
def test_lines_of_others_are_not_read(line, stays):
    stamp = (
        line[:3] + b" 20 10:00:01 web kernel: end"
        if line[:3] == b"Nov"
        else b"2025-11-20T10:00:01+00:00 web kernel: end"
    )
    assert whole_lines(b"\n".join([KERNEL_ROW, line, stamp])) == [KERNEL_ROW] + [line] * stays + [stamp]


def test_the_line_of_another_stays_before_its_rest():
    data = b"Nov 20 10:00:00 web sshd[71]: a\nb\nNov 20 10:00:00 web sshd[71]: c"
    assert b"\n".join(whole_lines(data)) == data


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param(b"oom_kill_process.cold+0xb/0x10", 0, id="a call trace"),
        pytest.param(b"oomd killed something", 1, id="a killer of tomorrow"),
        pytest.param(b"Killed /a oom_kill_process+0x1/0x2 due to memory pressure", 1, id="a cgroup called like one"),
    ],
)
def test_a_row_of_a_call_trace_is_no_word_of_killing(line, kept):
    data = b"Nov 20 10:00:00 web kernel: [12.000001]  %s\n" % line
    assert len(lines_of_interest(data, (data.index(b"ill"),))) == kept
