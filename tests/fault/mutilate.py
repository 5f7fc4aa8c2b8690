# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents with lines, fields, boots and whole sources taken away: none that still holds a strong trace may read as
clean.

    python tests/fault/mutilate.py --count 10000 --seed 1 [--first 4711] [--shared ../shared] [--show]

The other way round, logs of a machine's ordinary day, among them many that are full of the word "kill", stay clear.
Every case has its own seed, so that a failure is repeated with --first N --count 1 --show. Runs on Python 3.6 as well.
"""

import argparse
import collections
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

if __name__ == "__main__":
    from checkout import importable

    importable()

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._host import Host  # noqa: E402
from ansible_collections.memops.linux.tests.fault import ordinary_days  # noqa: E402

#: What the kernel, systemd and the daemons say of a kill, by this script's own words: name -> pattern over one line.
TRACES = collections.OrderedDict(
    (
        ("header", re.compile(rb"\w invoked oom-killer: ")),
        ("summary", re.compile(rb"oom-kill:constraint=CONSTRAINT_\w+,")),
        ("kill line", re.compile(rb"Killed process \d+ \(|Killed process \d+, UID \d+,? \(")),
        ("chosen", re.compile(rb"(?:Out of memory|Memory cgroup out of memory): Kill process \d+ \(")),
        ("reaper", re.compile(rb"oom_reaper: (?:reaped|unable to reap) (?:process|pid:)")),
        (
            "pid 1",
            re.compile(
                rb"\.(?:service|scope): (?:A process of this unit has been killed by the OOM|The kernel OOM killer killed some)"
            ),
        ),
        ("result", re.compile(rb"\.(?:service|scope): Failed with result 'oom-kill'")),
        ("oomd's word", re.compile(rb"\.(?:service|scope): systemd-oomd killed (?:\d+|some) process")),
        ("systemd-oomd", re.compile(rb"(?:Killed|Marked) /\S+ (?:for killing )?due to memory (?:pressure for /|used)")),
        ("earlyoom", re.compile(rb"sending SIG(?:TERM|KILL) to process \d+ uid \d+ \"")),
        ("nohang", re.compile(rb"Sending SIG(?:TERM|KILL) to the victim")),
    )
)

STAMP = "Nov 22 20:%02d:%02d"

#: What the daemons and pid 1 write, each with the tag it writes under.
DAEMONS = (
    ("systemd", "mysqld.service: A process of this unit has been killed by the OOM killer."),
    ("systemd", "mysqld.service: Main process exited, code=killed, status=9/KILL"),
    ("systemd", "mysqld.service: Failed with result 'oom-kill'."),
    ("systemd", "app-gnome-x.scope: The kernel OOM killer killed some processes in this unit."),
    ("systemd", "batch.service: systemd-oomd killed 14 process(es) in this unit."),
    (
        "systemd-oomd",
        "Killed /system.slice/batch.service due to memory pressure for /system.slice being 85.03% > 60.00% for > 20s with reclaim activity",
    ),
    (
        "systemd-oomd",
        "Marked /user.slice/x.scope for killing due to memory used (16000000000) / total (16500000000) and swap used (8000000) / total (8100000)",
    ),
    (
        "earlyoom",
        'sending SIGTERM to process 997 uid 1000 "chrome": oom_score 1146, oom_score_adj 300, VmRSS 812 MiB, cmdline "chrome"',
    ),
    ("earlyoom", 'sending SIGKILL to process 998 uid 1000 "java": badness 846, VmRSS 5812 MiB'),
)  # type: tuple


def incident_of_daemons(rng):
    """A few of them, some minutes apart."""
    minute = rng.randrange(50)
    lines = []
    for number, (tag, text) in enumerate(rng.sample(DAEMONS, rng.randint(1, 4))):
        pid = 1 if tag == "systemd" else 700 + number
        lines.append("%s vm1 %s[%d]: %s" % (STAMP % (minute + number, rng.randrange(60)), tag, pid, text))
    return [line.encode("utf-8") for line in lines]


# -- what there is --------------------------------------------------------------------------------------------


def fixtures():
    folder = os.path.join(ROOT, "tests", "unit", "fixtures")
    names = (
        "kernel/*-kern.log",
        "kernel/*-syslog",
        "kernel/*-dmesg*.txt",
        "kernel/*-kmsg.bin",
        "journal/kernel.export",
        "journal/others.export",
    )
    return [path for name in names for path in sorted(glob.glob(os.path.join(folder, name)))]


def shared_logs(shared):
    """Logs of our own kernels beside the checkout, where they are and zstd is."""
    for path in sorted(glob.glob(os.path.join(shared, "vmlogs", "*", "*.zst"))):
        if os.path.basename(path).startswith(("kern.log", "messages", "dmesg-T", "kmsg.bin")):
            try:
                yield subprocess.check_output(["zstd", "-dcq", path])
            except (OSError, subprocess.CalledProcessError):
                return


_BEGIN = re.compile(rb"invoked oom-killer: |oom-kill:constraint=|^__CURSOR=", re.M)


def incidents_in(data):
    """Pieces of a log, each from a header to what is said before the next one, without the middle of long tables."""
    lines = data.split(b"\n")
    starts = [number for number, line in enumerate(lines) if b"invoked oom-killer: " in line] or [0]
    for start, end in zip(starts, starts[1:] + [len(lines)]):
        piece = lines[max(0, start - 2) : min(end, start + 100)]
        if any(trace.search(line) for line in piece for trace in TRACES.values()):
            yield piece


def all_incidents(shared):
    found = []
    for path in fixtures():
        with open(path, "rb") as file:
            found += incidents_in(file.read())
    for data in shared_logs(shared):
        found += incidents_in(data)
    return found


# -- what is taken away ---------------------------------------------------------------------------------------

_FIELDS = (
    re.compile(rb",? (?:total-vm|anon-rss|file-rss|shmem-rss):\d+kB"),
    re.compile(rb",? UID:\d+| pgtables:\d+kB| oom_score_adj:-?\d+"),
    re.compile(rb",(?:nodemask|cpuset|mems_allowed|oom_memcg|task_memcg)=[^,]*"),
    re.compile(rb", order=-?\d+|, oom_score_adj=-?\d+|\([A-Z_|]+\)"),
    re.compile(rb"\[ *\d+\.\d+\] ?"),
    re.compile(
        rb"^(?:_TRANSPORT|SYSLOG_FACILITY|_HOSTNAME|_BOOT_ID|__REALTIME_TIMESTAMP|SYSLOG_IDENTIFIER|PRIORITY)=.*$"
    ),
)
_PREFIX = re.compile(
    rb"^(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT\S+) \S+ (?P<tag>[\w.-]+)(?:\[\d+\])?: (?:\[ *[\d.]+\] ?)?"
)


def drop_some(rng, lines):
    share = rng.choice((0.1, 0.5, 0.9))
    return [line for line in lines if rng.random() >= share]


def keep_traces(rng, lines):
    """All is lost but a few of the lines that tell."""
    telling = [line for line in lines if any(trace.search(line) for trace in TRACES.values())]
    return rng.sample(telling, min(len(telling), rng.randint(1, 2)))


def drop_the_kill(_rng, lines):
    return [line for line in lines if b"Killed process" not in line]


def cut_the_front(rng, lines):
    return lines[rng.randrange(len(lines)) :]


def cut_the_end(rng, lines):
    return lines[: rng.randrange(len(lines)) + 1]


def cut_within(rng, lines):
    """A line breaks off, or begins in its middle."""
    at = rng.randrange(len(lines))
    where = rng.randrange(len(lines[at]) + 1)
    return lines[:at] + [lines[at][:where] if rng.random() < 0.7 else lines[at][where:]] + lines[at + 1 :]


def fields_away(rng, lines):
    pattern = rng.choice(_FIELDS)
    return [pattern.sub(b"", line) for line in lines]


def shuffle(rng, lines):
    some = list(lines)
    rng.shuffle(some)
    return some


def backwards(_rng, lines):
    return lines[::-1]


def twice(rng, lines):
    return lines + lines[rng.randrange(len(lines)) :]


def wrap(rng, lines):
    width = rng.choice((72, 80, 120))
    return [line[at : at + width] for line in lines for at in range(0, max(len(line), 1), width)]


def other_boot(rng, lines):
    return [
        re.sub(rb"\[ *\d+\.\d+\]", b"[%5d.%06d]" % (rng.randrange(90), number), line)
        for number, line in enumerate(lines)
    ]


def among_others(rng, lines):
    """Other programs' lines between."""
    day = ordinary_days.lines(rng, 30)
    found = []
    for line in lines:
        found += [line] + [rng.choice(day)] * (rng.random() < 0.3)
    return found


def bare(_rng, lines):
    return [_PREFIX.sub(b"", line) for line in lines]


def redressed(rng, lines):
    """The same in another carrier."""
    make = rng.choice(
        (
            lambda tag, text: b"2026-11-22T20:06:24.160402+00:00 vm1 %s: %s" % (tag, text),
            lambda tag, text: b"<4>Nov 22 20:06:24 vm1 %s: [  191.930493] %s" % (tag, text),
            lambda tag, text: b"Nov 22 20:06:24\tvm1\t%s:\t%s" % (tag, text),
            lambda tag, text: json.dumps(
                {"SYSLOG_IDENTIFIER": tag.decode(), "MESSAGE": text.decode("utf-8", "replace")}
            ).encode(),
            lambda tag, text: json.dumps(
                {
                    "time": "2026-11-22T20:06:24Z",
                    "host": "vm1",
                    "ident": tag.decode(),
                    "message": text.decode("utf-8", "replace"),
                }
            ).encode(),
            lambda tag, text: b"> Nov 22 20:06:24 vm1 %s: %s" % (tag, text),
            lambda tag, text: b"- Nov 22 20:06:24 vm1 %s: %s" % (tag, text),
            lambda tag, text: b"Nov 22 20:06:24 vm1 %s: %s<br />" % (tag, text),
        )
    )
    found = []
    for line in lines:
        prefix = _PREFIX.match(line)
        found.append(make(prefix.group("tag"), line[prefix.end() :]) if prefix else line)
    return found


MUTILATIONS = (
    drop_some,
    drop_some,
    keep_traces,
    drop_the_kill,
    cut_the_front,
    cut_the_end,
    cut_within,
    fields_away,
    fields_away,
    shuffle,
    backwards,
    twice,
) + (
    wrap,
    other_boot,
    among_others,
    bare,
    redressed,
)  # type: tuple


def mutilated(rng, lines):
    applied = []
    for change in [rng.choice(MUTILATIONS) for _step in range(rng.randint(1, 4))]:
        lines = change(rng, lines)
        applied.append(change.__name__)
        if not lines:
            break
    return lines, applied


# -- what is said of it ---------------------------------------------------------------------------------------


def traces_in(lines):
    return [name for name, trace in TRACES.items() if any(trace.search(line) for line in lines)]


def told(folder, lines, killers="auto"):
    path = os.path.join(folder, "messages")
    with open(path, "wb") as file:
        file.write(b"\n".join(lines) + b"\n")
    return gather(Host(), Wish(subset=("kills",), paths=(path,), killers=killers))


def is_clean(oom):
    return not oom["kills"] and not oom["unresolved"] and not oom["unparsed"] and oom["visibility"]["state"] == "clear"


def one_case(folder, incidents, seed, number):
    """(lines, what was done, traces, whether it reads as clean)"""
    rng = random.Random("%d/%d" % (seed, number))
    incident = incident_of_daemons(rng) if rng.random() < 0.15 else rng.choice(incidents)
    lines, applied = mutilated(rng, list(incident))
    traces = traces_in(lines)
    return lines, applied, traces, bool(traces) and is_clean(told(folder, lines, rng.choice(("auto", "all"))))


class Result:
    def __init__(self):
        self.cases = 0
        self.with_traces = 0
        self.silent = []
        self.clouded = []


def run(count, seed=1, first=0, shared="", show=False):
    """Mutilated incidents: numbers of those that read as clean although they hold a trace."""
    result = Result()
    incidents = all_incidents(shared)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            lines, applied, traces, silent = one_case(folder, incidents, seed, number)
            result.cases += 1
            result.with_traces += bool(traces)
            if silent:
                result.silent.append((number, applied, traces))
            if show:
                sys.stdout.write(
                    "%d %s %s\n%s\n" % (number, applied, traces, b"\n".join(lines).decode("utf-8", "backslashreplace"))
                )
    return result


def ordinary(count=50, seed=1):
    """Ordinary days: those that do not read as clean, with what was said of them."""
    clouded = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            rng = random.Random("day %d/%d" % (seed, number))
            oom = told(folder, ordinary_days.lines(rng, rng.randint(200, 2000), about_kills=number % 5 < 2))
            if not is_clean(oom):
                clouded.append((number, len(oom["kills"]), oom["unparsed_samples"], oom["visibility"]["reasons"]))
    return clouded


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared"))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    began = time.time()
    result = run(options.count, options.seed, options.first, options.shared, options.show)
    clouded = ordinary()
    for number, applied, traces in result.silent[:20]:
        print("case %d reads as clean, and holds: %s (%s)" % (number, ", ".join(traces), ", ".join(applied)))
    for number, kills, samples, reasons in clouded[:20]:
        print("ordinary day %d is clouded: %d kills, %s, %s" % (number, kills, samples, reasons))
    form = "mutilated: %d cases, %d with a strong trace, %d of them silent; 50 ordinary days, %d clouded; %.0f s"
    print(form % (result.cases, result.with_traces, len(result.silent), len(clouded), time.time() - began))
    return 1 if result.silent or clouded else 0


if __name__ == "__main__":
    sys.exit(main())
