# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A storm of kills: what is counted by the line is what parsing everything would have counted."""

import random

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host

SIZES = "anon-rss:5kB, file-rss:4kB, shmem-rss:0kB"
LEVELS = "Memory cgroup out of memory"
HEAD = "2026-11-22T20:%02d:%02d.%06d+00:00 vm1 kernel: [%6d.%06d] "
NAMES = ("httpd", "my app", "x) total-vm:1kB", "a,pid=1,uid=0", "caf\u00e9", "(sd-pam)", "line#012break", "esc#033[31m")


def stamp(number):
    return HEAD % (number // 3600 % 60, number // 60 % 60, number % 60, 1000 + number, number % 1000000)


def storm(count, rng, padding):
    """Kills in their usual company, and the same as a list of what must be found."""
    lines, told = [], []
    for number in range(count):
        pid, name, unit = 1000 + number, rng.choice(NAMES), "web-%d.service" % rng.randrange(3)
        sizes = "total-vm:%dkB, anon-rss:5kB, file-rss:4kB, shmem-rss:0kB, UID:%d pgtables:68kB oom_score_adj:0" % (
            number + 10,
            number % 5,
        )
        kill = stamp(number) + "%s: Killed process %d (%s) %s" % (LEVELS, pid, name, sizes)
        kind = rng.random()
        if kind < 0.5:
            lines += [
                stamp(number) + "%s invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0" % name
            ]
            lines += [stamp(number) + "CPU: 1 PID: %d Comm: %s Not tainted 6.1.0-1-amd64 #1 Debian" % (pid, name)]
            lines += [
                stamp(number)
                + "[%7d]     0 %5d     4650     4058    69632        0             0 worker" % (30000 + row, row)
                for row in range(padding)
            ]
            lines += [stamp(number) + "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice/%s,"
                      "task_memcg=/system.slice/%s,task=%s,pid=%d,uid=0" % (unit, unit, name, pid)]  # fmt: skip
            told.append((pid, unit))
        else:
            told.append((pid, None))
        lines.append(kill)
        if 0.5 < kind < 0.6:
            # A group: its first victim is printed again.
            lines += [stamp(number) + "Tasks in /g are going to be killed due to memory.oom.group set", kill]
    return ("\n".join(lines) + "\n").encode("utf-8"), told


def without_verdict(summary):
    """The verdict speaks of the kills that are listed."""
    return {key: value for key, value in summary.items() if key != "verdict"}


def facts_of(path, **wish):
    return gather(Host(), Wish(subset=("kills",), sources=("files",), paths=(str(path),), **wish))


NOISE = b"2026-11-22T20:00:00.000000+00:00 vm1 sshd[1]: Accepted publickey for somebody\n"


@pytest.mark.slow
@pytest.mark.parametrize("max_kills", [0, 1, 50, 400])
@pytest.mark.parametrize("padding", [0, 40])
def test_counted_as_if_parsed(tmp_path, padding, max_kills):
    data, told = storm(2000, random.Random(padding), padding)
    path = tmp_path / "kern.log"
    path.write_bytes(NOISE * 4000 + data + NOISE * 4000)
    parsed = facts_of(path, killers="all", max_kills=100000)
    assert [kill["victim"]["pid"] for kill in parsed["kills"]] == [pid for pid, _unit in told]
    assert [kill["unit"] for kill in parsed["kills"]] == [unit for _pid, unit in told]
    counted = facts_of(path, killers="kernel", max_kills=max_kills)
    newest = parsed["kills"][len(parsed["kills"]) - max_kills :]
    assert [kill["victim"] for kill in counted["kills"]] == [kill["victim"] for kill in newest]
    assert [kill["id"] for kill in counted["kills"]] == [kill["id"] for kill in newest]
    assert without_verdict(counted["summary"]) == without_verdict(parsed["summary"])
    assert counted["truncated"] == 2000 - max_kills
    assert counted["unparsed"] == parsed["unparsed"] == 0


def test_the_kept_kills_have_their_reports(tmp_path):
    data, told = storm(1500, random.Random(3), 20)
    path = tmp_path / "kern.log"
    path.write_bytes(NOISE * 4000 + data)
    counted = facts_of(path, killers="kernel", max_kills=100)
    assert [(kill["victim"]["pid"], kill["unit"]) for kill in counted["kills"]] == told[-100:]


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["[%6d.%06d] ", "<4>[%6d.%06d] ", "Nov 22 20:00:00 vm1 kernel: [%6d.%06d] "])
def test_formats_that_the_short_way_cannot_read(tmp_path, prefix):
    """dmesg has no host and no tag: every kill is parsed, and none is lost."""
    lines = []
    for number in range(3000):
        lines.append(
            prefix % (1000 + number, number)
            + "%s: Killed process %d (a) total-vm:%dkB, %s" % (LEVELS, number + 1, number + 9, SIZES)
        )
    path = tmp_path / "dmesg.txt"
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8") + NOISE * 4000)
    counted = facts_of(path, killers="kernel", max_kills=10)
    assert (counted["summary"]["total"], counted["truncated"], counted["summary"]["by_comm"]) == (
        3000,
        2990,
        {"a": 3000},
    )
    assert [kill["victim"]["pid"] for kill in counted["kills"]] == list(range(2991, 3001))


def test_a_name_with_a_newline_is_counted_once(tmp_path):
    """dmesg -T and syslog without escapes: the name goes on in the next line."""
    lines = []
    for number in range(2000):
        lines.append(stamp(number) + "%s: Killed process %d (z" % (LEVELS, number + 1))
        lines.append(
            stamp(number)
            + "Out of memory) total-vm:%dkB, %s, UID:0 pgtables:68kB oom_score_adj:0" % (number + 9, SIZES)
        )
    path = tmp_path / "kern.log"
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))
    counted = facts_of(path, killers="kernel", max_kills=10)
    assert (counted["summary"]["total"], counted["unparsed"]) == (2000, 0)
    assert counted["summary"]["by_comm"] == {"z\\x0aOut of memory": 2000}


def test_user_space_kills_are_not_lost_in_a_storm(tmp_path):
    data, _told = storm(1000, random.Random(5), 5)
    early = b'2026-11-22T19:00:00.000000+00:00 vm1 earlyoom[1]: sending SIGTERM to process 622 uid 1001 "early": badness 1121, VmRSS 128 MiB\n'
    path = tmp_path / "syslog"
    path.write_bytes(early + NOISE * 4000 + data)
    oom = facts_of(path, max_kills=10)
    assert oom["summary"]["by_killer"] == {"kernel": 1000, "earlyoom": 1}


def test_one_line_that_quotes_a_thousand_kills_is_none(tmp_path):
    data, told = storm(300, random.Random(6), 0)
    quote = b"2026-11-22T21:00:00.000000+00:00 vm1 evil[1]: " + b"Killed process 1 (x) " * 600 + b"\n"
    path = tmp_path / "syslog"
    path.write_bytes(NOISE * 4000 + data + quote * 20)
    oom = facts_of(path, killers="kernel", max_kills=1000)
    assert [kill["victim"]["pid"] for kill in oom["kills"]] == [pid for pid, _unit in told]
