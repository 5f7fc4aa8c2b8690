# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutated logs through everything that reads them: no exception, nothing slow, nothing that could not be sent or
printed.

    python tests/fault/fuzz_parser.py --count 100000 --seed 1 [--first 4711] [--shared ../shared]

Every case has its own seed, so that a failure is repeated with --first N --count 1. Runs on Python 3.6 as well.
"""

import argparse
import json
import os
import random
import re
import resource
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

if __name__ == "__main__":
    from checkout import importable

    importable()

from ansible_collections.memops.linux.plugins.module_utils._analysis.policy_replay import replay  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._analysis.recurrence import verdict  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._facts import facts  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._facts import line_filter as select
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._facts.newest_kills import Newest  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._oom.join_lines import join_records  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Unresolved, Verdict  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser, parse  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._sources.context import (
    ContextExtractor,
    Limits,
)  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._text import printable, safe  # noqa: E402
from ansible_collections.memops.linux.tests.fault import torn_records  # noqa: E402

SLOW = 5.0  # seconds of CPU: the slowest of 100,000 takes a fifteenth of that here; a busy machine must not fail
MAX_INPUT = 48 << 10
NOW = 1795377980.0
_TORN_EVERY = 5  # cases of which it is known who died

PREFIXES = (
    b"",
    b"Nov 22 20:06:24 vm1 kernel: ",
    b"Nov 22 20:06:24 vm1 kernel: [  191.930493] ",
    b"2026-11-22T20:06:04.160402+00:00 vm1 kernel: [12.5] ",
    b"[  191.930493] ",
    b"[Tue Mar 11 10:16:36 2025] ",
    b"messages-20251109:12:Nov 22 20:06:24 vm1 kernel: ",
    b"11\xe6\x9c\x88 22 20:06:24 vm1 kernel: ",
    b"Nov 22 20:06:24 vm1 kern.err kernel: [  191.930493] ",
    b"\x1b[32m[  191.930493] \x1b[0m",
    b"\0\0\xef\xbb\xbf",
    b"6,339,5140900,-;",
    b"<4>[  191.930493] ",
    b"Nov 22 20:06:24 vm1 earlyoom[621]: ",
    b"Nov 22 20:06:24 vm1 systemd-oomd[621]: ",
    b"Nov 22 20:06:24 vm1 nohang[621]: ",
    b"Nov 22 20:06:24 vm1 oomd[621]: ",
    b"Nov 22 20:06:24 vm1 systemd[1]: ",
    b'{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"',
    b'{"MESSAGE":',
)
#: What makes a careless pattern try each against each.
EVIL = (
    lambda n: b"Killed process 1 (" * n,
    lambda n: b"Memory cgroup out of memory: Killed process 1 (UID:1 " * n,
    lambda n: b"Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:1kB, file-rss:1kB" + b" " * n + b"x",
    lambda n: b"Killed process 1 (" + b")" * n,
    lambda n: b"Killed process 1 (" + b") " * n + b"total-vm",
    lambda n: b"Killed process 1 (a) total-vm:" + b"9" * n + b"kB",
    lambda n: b"Killed process " + b"7" * n + b" (a) total-vm:1kB",
    lambda n: b"Killed process 1 (a) total-vm:1kB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB, UID:"
    + b"1" * n
    + b" pgtables:1kB oom_score_adj:-"
    + b"2" * n,
    lambda n: b"Out of memory: Kill process 1 (a) score 1" + b" " * n + b"x",
    lambda n: b"Out of memory: Kill process 1 (" + b") score 1" * n,
    lambda n: b"Out of memory: Kill process 1 (a) score " + b"1" * n,
    lambda n: b"oom-kill:constraint=CONSTRAINT_MEMCG" + b",task_memcg=/" * n,
    lambda n: b"oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/" + b",task_memcg=/" * n + b",task=a,pid=1,uid=0",
    lambda n: b"oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/a" + b",task=a,pid=1,uid=0" * n,
    lambda n: b"oom-kill:constraint=CONSTRAINT_NONE" + b", pid=1, uid=" * n,
    lambda n: b"oom-kill:constraint=CONSTRAINT_NONE,pid=" + b"1" * n + b",uid=" + b"1" * n,
    lambda n: b"a invoked oom-killer: gfp_mask=0x1," * n,
    lambda n: b"a invoked oom-killer: gfp_mask=0x1(" * n,
    lambda n: b"a invoked oom-killer: gfp_mask=0x1, order=" + b"1" * n,
    lambda n: b" invoked" + b" " * n,
    lambda n: b"CPU: 1 PID: 1 Comm: a Tainted: " + b" " * n + b"x",
    lambda n: b"CPU: 1 PID: 1 Comm: a" + b" Tainted: A" * n,
    lambda n: b"CPU: 1 PID: " + b"1" * n + b" Comm: a Not tainted 6.1",
    lambda n: b"Pid: 1, comm: a Tainted: " + b" " * n,
    lambda n: b"Task in /a" + b" killed as a result of limit of /a" * n,
    lambda n: b"Tasks in /" + b" are going to be killed due to memory.oom.group set" * n + b"x",
    lambda n: b"Memory cgroup out of memory: OOM victim 1 (" + b") is already exiting" * n,
    lambda n: b"[ pid ]   uid  tgid total_vm " + b"name " * n + b"x",
    lambda n: b"[" + b" " * n + b"1] 1 1 1 a",
    lambda n: b"[1] 1 1 " + b"1" * n + b" a",
    lambda n: b"[1] " + b"1 " * n,
    lambda n: b"[1] " + b"1 " * 9 + b"-" + b"1" * n + b" a",
    lambda n: b"Node 0 DMA: 1*" + b"4" * n + b"kB",
    lambda n: b"active_anon:1 " * n,
    lambda n: b"active_anon:" + b"1" * n,
    lambda n: b" " * n + b"100 pages RAM",
    lambda n: b"1" * n + b" pages RAM",
    lambda n: b"Node 0 Normal free:1kB min:1kB" + b" present:" * n + b"1kB",
    lambda n: b"Node 0 Normal free:1kB min:1kB " * n,
    lambda n: b"Node 0 hugepages_total=1 " * n + b"hugepages_size=" + b"2" * n + b"kB",
    lambda n: b"memory: usage " + b"1" * n + b"kB, limit 1kB",
    lambda n: b"Memory cgroup stats for " * n + b": cache:1KB rss:1KB",
    lambda n: b"Memory cgroup stats for a: cache:1KB rss:" * n,
    lambda n: b"anon " + b"1" * n + b" " * n,
    lambda n: b"[ pid ]   uid  tgid total_vm " + b"rss " * n,
    lambda n: b"oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=0,cpuset=/" + b",mems_allowed=0" * n + b",global_oom",
    lambda n: b"oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=" + b"0-9," * n + b",cpuset=/,mems_allowed=0,global_oom",
    lambda n: b"Out of memory in UB 1: OOM killed process 1 (" + b") score 1 vm:1kB, rss:1kB, " * n,
    lambda n: b"sending SIGTERM to process 1 uid 1 " + b'": ' * n,
    lambda n: b"sending SIG" + b'"a": VmRS' * n,
    lambda n: b"sending SIGTERM to process " + b"1" * n + b' uid 1 "a": badness ' + b"1" * n + b", VmRSS 1 MiB",
    lambda n: b"Killing process '" + b"' with signal 15, pid: " * n,
    lambda n: b"Killed /a" + b" due to memory pressure for /a" * n + b" " * n,
    lambda n: b"Killed /a due to memory pressure for /a" + b" " * n + b"x",
    lambda n: b"Marked /a" + b" for killing" * n,
    lambda n: b"Killed /a due to memory used (" + b"1" * n + b") / total (1) and swap used",
    lambda n: b"Killed 2: " + b"1" * n,
    lambda n: b"Killed 2: 1(" + b"1(" * n,
    lambda n: b"Killed 2: 1(a)" + b" " * n + b"x",
    lambda n: b"Killed 2: " + b"12(a) " * n,
    lambda n: b"  PID: 1, Name: " + b", badness: " * n,
    lambda n: b"PID:" + b" " * n + b"1",
    lambda n: b"Sending SIGTERM to " + b", Pid: " * n,
    lambda n: b"  Sending SIGTERM" + b" " * n + b"x",
    lambda n: b"a.b" * n + b": Failed with result 'oom-kill'",
    lambda n: b"a." * n + b": A process of this unit",
    lambda n: b" " * n + b"Killed",
    lambda n: b"[ " * n + b"1.000000] Killed process 1 (a)",
    lambda n: b"[" + b"9" * n + b"." + b"9" * n + b"] Killed process 1 (a) total-vm:1kB",
    lambda n: b"6,1," + b"9" * n + b",-;Killed process 1 (a) total-vm:1kB",
    lambda n: b"6," + b"9" * n + b",1,-;Killed process 1 (a) total-vm:1kB",
    lambda n: b">" * n + b" Nov 22 20:06:24 vm1 kernel: Killed process 1 (a)",
    lambda n: b"#" * n + b"#012" * 9,
    lambda n: b"\\x0a" * n,
    lambda n: b"[" * n,
    lambda n: b'{"a":' * n,
    lambda n: b'{"MESSAGE":' + b"[" * n,
    lambda n: b'{"MESSAGE":[' + b"75," * n + b"75]}",
    lambda n: b'{"__REALTIME_TIMESTAMP":"'
    + b"9" * n
    + b'","__MONOTONIC_TIMESTAMP":"'
    + b"9" * n
    + b'","_TRANSPORT":"kernel","MESSAGE":"Killed process 1 (a) total-vm:1kB"}',
    lambda n: b'{"__REALTIME_TIMESTAMP":' + b"9" * n + b',"MESSAGE":"Killed process 1 (a) total-vm:1kB"}',
    lambda n: b'{"MESSAGE":1e' + b"9" * n + b"}",
    lambda n: b'   "time": ' + b"9" * n + b".1,",
    lambda n: b'   "msg": "' + b"\\" * n + b'"',
    lambda n: b"Kernel panic - not syncing: Out of memory" + b" a" * n,
    lambda n: b"Out of memory and no killable processes..." + b"\xff" * n,
)


class Failure(Exception):
    """A case that did not hold; says which."""


def blocks_of(folders):
    """What is mutated: the logs in these folders, cut into pieces of some KiB."""
    pieces = []
    for folder in folders:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            if name.endswith((".license", ".json", ".jsonl", ".md")) or not os.path.isfile(path):
                continue
            with open(path, "rb") as stream:
                data = stream.read(256 << 10)
            lines = data.split(b"\n")
            at = 0
            while at < len(lines):
                pieces.append(b"\n".join(lines[at : at + 60]) + b"\n")
                at += 45  # a block that is cut in one piece is whole in another
    return pieces


class Mutator:
    """seed -> a log as nobody would write it."""

    def __init__(self, pieces):
        self._pieces = pieces

    def case(self, seed):
        rng = random.Random(seed)
        data = bytearray(rng.choice(self._pieces))
        for _again in range(rng.randrange(1, 5)):
            data = bytearray(rng.choice(self._ways)(self, rng, data)[:MAX_INPUT])
        return bytes(data), rng

    def _flip(self, rng, data):
        for _bit in range(rng.randrange(1, 64)):
            if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return data

    def _truncate(self, rng, data):
        at = rng.randrange(len(data) + 1)
        return data[:at] if rng.random() < 0.5 else data[at:]

    def _shuffle(self, rng, data):
        lines = data.split(b"\n")
        rng.shuffle(lines)
        return b"\n".join(lines)

    def _splice(self, rng, data):
        other = rng.choice(self._pieces)
        at, cut = rng.randrange(len(data) + 1), rng.randrange(len(other) + 1)
        return data[:at] + other[cut:] + data[at:]

    def _merge(self, rng, data):
        ours, theirs = data.split(b"\n"), rng.choice(self._pieces).split(b"\n")
        return b"\n".join(line for pair in zip(ours, theirs) for line in pair)

    def _repeat(self, rng, data):
        lines = data.split(b"\n")
        at = rng.randrange(len(lines))
        block = b"\n".join(lines[at : at + rng.randrange(1, 20)]) + b"\n"
        block *= min(rng.randrange(2, 30), MAX_INPUT // len(block) + 1)
        return b"\n".join(lines[:at]) + b"\n" + block + b"\n".join(lines[at:])

    def _nuls(self, rng, data):
        at = rng.randrange(len(data) + 1)
        return data[:at] + b"\0" * rng.randrange(1, 5000) + data[at:]

    def _numbers(self, rng, data):
        digits = rng.choice(
            (b"0", b"4294967296", b"-1", b"18446744073709551616", b"9" * 400, b"8" * 5000, b"7" * 19, b"6" * 21)
        )
        share = rng.choice((0.02, 0.2, 1.0))
        room = [MAX_INPUT // len(digits)]  # what is cut off later need not be made

        def number(found):
            if rng.random() >= share or not room[0]:
                return found.group()
            room[0] -= 1
            return digits

        return re.sub(rb"\d+", number, bytes(data))

    def _lines_lost(self, rng, data):
        return b"\n".join(line for line in data.split(b"\n") if rng.random() < 0.7)

    def _newlines(self, rng, data):
        return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"", b"\n\n", b"\0", b"\xe2\x80\xa8")))

    def _foreign(self, rng, data):
        pieces = (
            b"\xff",
            b"\xc2\x9b",
            b"\x1b[31m",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x80\xae",
            b"\xef\xbb\xbf",
            b"\xef\xbf\xbf",
            b"#012",
            b"\\x0a",
            b"\x7f",
            b"\xc3",
        )
        for _time in range(rng.randrange(1, 40)):
            at = rng.randrange(len(data) + 1)
            data[at:at] = rng.choice(pieces)
        return data

    def _long_line(self, rng, data):
        at = rng.randrange(len(data) + 1)
        return data[:at] + bytes([rng.randrange(256)]) * rng.randrange(4000, 20000) + data[at:]

    def _evil(self, rng, data):
        room = rng.choice((200, 2000, 8000, 16000))
        line = rng.choice(PREFIXES) + rng.choice(EVIL)(room // rng.choice((1, 8, 20)))[:room]
        if rng.random() < 0.5:
            line += rng.choice((b"", b" ", b")", b'"')) + rng.choice(EVIL)(40)[:600]
        lines = data.split(b"\n")
        at = rng.randrange(len(lines))
        return b"\n".join(lines[:at] + [line] * rng.randrange(1, 6) + lines[at:])

    _ways = (
        _flip,
        _truncate,
        _shuffle,
        _splice,
        _merge,
        _repeat,
        _nuls,
        _numbers,
        _lines_lost,
        _newlines,
        _foreign,
        _long_line,
        _evil,
        _evil,
    )


# ---------------------------------------------------------------- the ways through


def _every_line(data, log, rng):
    return parse(log.lines(data), include_tasks=rng.random() < 0.3)


def _fill(data):
    at = [0]

    def fill(view):
        piece = data[at[0] : at[0] + len(view)]
        view[: len(piece)] = piece
        at[0] += len(piece)
        return len(piece)

    return fill


def _excerpts(data, rng, anchors):
    limits = (
        Limits() if rng.random() < 0.5 else Limits(chunk=4096, gap=1, lines=2, context=256, line=1024, excerpt=4096)
    )
    return ContextExtractor(
        anchors, head=select.HEAD_OF_ALL if anchors is select.ALL_ANCHORS else select.HEAD, limits=limits, engine="find"
    ).cut(_fill(data))


def _selected(data, log, rng):
    anchors = rng.choice((select.ALL_ANCHORS, select.KERNEL_ANCHORS))
    tables = rng.random() < 0.2
    return parse(
        (
            log.line(raw)
            for excerpt in _excerpts(data, rng, anchors)
            for raw in select.lines_of_interest(excerpt.data, excerpt.hits, tables)
        ),
        include_tasks=tables,
    )


def _newest(data, log, rng):
    newest = Newest(rng.choice((0, 1, 3)))

    def lines():
        for excerpt in _excerpts(data, rng, select.KERNEL_ANCHORS):
            newest.add(excerpt.data, excerpt.hits)
            for raw in newest.take_odd():
                yield log.line(raw)
        for raw in newest.lines():
            yield log.line(raw)

    events = list(parse(lines()))
    safe(facts.summary_facts(newest.finish()))
    return events


WAYS = (_every_line, _selected, _newest)


def check(value, where="oom"):
    """Nothing that a controller, a terminal or a strict JSON reader could choke on."""
    if isinstance(value, str):
        if printable(value) != value:
            raise Failure("%s is not printable: %r" % (where, value[:80]))
    elif isinstance(value, dict):
        for key, item in value.items():
            check(key, where)
            check(item, "%s.%s" % (where, key))
    elif isinstance(value, list):
        for item in value:
            check(item, where)
    elif isinstance(value, int):
        if abs(value) >= 1 << 80:
            raise Failure("%s has %d bits" % (where, value.bit_length()))
    elif value is not None and not isinstance(value, float):
        raise Failure("%s is a %s" % (where, type(value).__name__))


def run(data, rng, way=None):
    """One log through one way; the facts."""
    log = TextLog("fuzz", Clock(NOW).stamp)
    ledger = Ledger(rng.choice((3, 1000)))
    unresolved, units = [], []
    for event in (way or rng.choice(WAYS))(data, log, rng):
        if isinstance(event, Kill):
            ledger.add(facts.unit_facts(event))
        elif isinstance(event, Unresolved):
            unresolved.append(event)
        elif isinstance(event, Verdict):
            units.append(event.unit)
    oom = facts.kill_section(
        ledger,
        unresolved,
        Unparsed(),
        include_tasks=rng.random() < 0.5,
        swap_total=rng.choice((None, 0, 1 << 34)),
        room=facts.RESULT_BYTES,
    )
    oom["visibility"] = {"state": "clear"}
    oom["summary"]["verdict"] = verdict(oom, NOW)
    for kill in oom["kills"]:
        check(
            list(replay(kill, {"mysqld": -1000, "a.service": 500}, {"a.service": ["a"]})._asdict().values())[:-1],
            "replay",
        )
    oom["confirmed_units"] = facts.verdict_units(units)
    check(oom)
    facts.fit(oom)
    text = json.dumps(oom, allow_nan=False)
    if len(text) > facts.RESULT_BYTES:
        raise Failure("the result has %d bytes" % len(text))
    json.dumps(oom, ensure_ascii=False, allow_nan=False).encode("utf-8")
    return oom


def torn(rng):
    """A name with a newline, of a victim that is known: he is told once and right, whatever others write in between."""
    case = torn_records.Case(rng)
    log = TextLog("fuzz", Clock(NOW).stamp)
    excerpts = ContextExtractor(select.KERNEL_ANCHORS, head=select.HEAD, engine="find").cut(_fill(case.data))
    selected = [log.line(raw) for one in excerpts for raw in select.lines_of_interest(one.data, one.hits)]
    for lines in (log.lines(case.data), selected):
        parser = Parser()
        events = [event for line in join_records(lines) for event in parser.feed(line)] + parser.finish()
        wrong = case.wrong([event for event in events if isinstance(event, Kill)], parser.unparsed.count)
        if wrong:
            raise Failure("%s\n%s" % (wrong, case.data.decode("utf-8")))
    return 1


class Result:
    def __init__(self):
        self.cases = 0
        self.kills = 0
        self.slowest = (0.0, -1)
        self.failures = []


def fuzz(pieces, seed, first, count, show=None):
    """Cases first .. first + count of a seed."""
    mutator = Mutator(pieces)
    result = Result()
    for number in range(first, first + count):
        data, rng = mutator.case("%d/%d" % (seed, number))
        began = time.process_time()
        try:
            result.kills += torn(rng) if number % _TORN_EVERY == 0 else run(data, rng)["summary"]["total"]
        except Exception:  # pylint: disable=broad-except
            result.failures.append((number, traceback.format_exc()))
            if len(result.failures) >= 10:
                break
        took = time.process_time() - began
        result.slowest = max(result.slowest, (took, number))
        if took > SLOW:
            result.failures.append((number, "took %.1f s" % took))
        result.cases += 1
        if show and result.cases % 10000 == 0:
            show("%d cases, %d kills, slowest %.3f s" % (result.cases, result.kills, result.slowest[0]))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument(
        "--shared", default=os.environ.get("MEMOPS_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
    )
    options = parser.parse_args()
    pieces = blocks_of(
        [os.path.join(ROOT, "tests", "unit", "fixtures", "kernel"), os.path.join(options.shared, "corpus")]
    )
    began = time.time()
    result = fuzz(pieces, options.seed, options.first, options.count, lambda text: sys.stderr.write(text + "\n"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, text in result.failures:
        sys.stdout.write("case %d: %s\n" % (number, text))
    sys.stdout.write(
        "%d cases of seed %d from %d pieces in %.0f s: %d kills, %d failures, slowest %.3f s (case %d), peak RSS %.1f MiB\n"
        % (
            result.cases,
            options.seed,
            len(pieces),
            time.time() - began,
            result.kills,
            len(result.failures),
            result.slowest[0],
            result.slowest[1],
            peak / 1024.0,
        )
    )
    return 1 if result.failures or peak > 64 * 1024 else 0


if __name__ == "__main__":
    sys.exit(main())
