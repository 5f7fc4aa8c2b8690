# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs that nobody should have written: mutated logs, and paths that are no logs. No exception, no hang, a status
each.

tests/fault/fuzz_parser.py runs the same cases by the hundred thousand.
"""

import gzip
import json
import os
import socket
import time
import zlib

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import line_filter as select
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.tests.fault import fuzz_parser

KILL = "Nov 22 20:00:00 vm1 kernel: Out of memory: Killed process %d (a) total-vm:%dkB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB\n"
KILLS = "".join(KILL % (number + 1, number + 9) for number in range(3000)).encode("ascii")


def facts_of(*paths, **wish):
    began = time.monotonic()
    oom = gather(Host(), Wish(subset=("kills",), sources=("files",), paths=tuple(map(str, paths)), **wish))
    assert time.monotonic() - began < 30
    text = json.dumps(oom, ensure_ascii=False, allow_nan=False)
    assert text.encode("utf-8") and printable(text) == text
    return oom


def status_of(path, **wish):
    (source,) = facts_of(path, **wish)["sources"]
    if source["status"] not in ("read", "absent"):
        assert source["reason"], source
    return source["status"]


# -- mutated logs -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_two_thousand_mutated_logs(fixtures, part):
    pieces = fuzz_parser.blocks_of([os.path.join(fixtures, "kernel")])
    result = fuzz_parser.fuzz(pieces, seed=7, first=500 * part, count=500)
    assert result.failures == []
    assert result.cases == 500 and result.kills > 100


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(fuzz_parser.EVIL)))
def test_each_evil_line_under_each_prefix(number):
    for prefix in fuzz_parser.PREFIXES:
        line = prefix + fuzz_parser.EVIL[number](16000)[:16000]
        data = line + b"\n" + line[:9000] + b"\n" + line[:300] + b"\n"
        for way in fuzz_parser.WAYS:
            began = time.process_time()
            fuzz_parser.run(data, fuzz_parser.random.Random(1), way)
            assert time.process_time() - began < 1.0, (prefix, way)


def test_numbers_of_any_length_are_no_numbers():
    """int() of more than 4,300 digits raises since Python 3.11; the controller's JSON reader would do the same."""
    for digits in ("9" * 21, "9" * 400, "9" * 5000):
        for text in (
            "Killed process %s (a) total-vm:1kB",
            "Killed process 1 (a) total-vm:%skB",
            "Out of memory: Kill process 1 (a) score %s or sacrifice child",
            "oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/,task=a,pid=%s,uid=0",
            "[%s] 1 1 1 1 1 1 0 a\nOut of memory: Killed process 1 (a) total-vm:1kB",
            "a invoked oom-killer: gfp_mask=0x1, order=%s",
        ):
            for event in parse(TextLog("x", lambda stamp: (None, "unknown")).lines((text % digits).encode("ascii"))):
                assert "9" * 21 not in repr([getattr(event, "victim", None), getattr(event, "invoker", None)])


# -- floods ------------------------------------------------------------------------------------------------------


def flood(text, count=20000):
    log = TextLog("x", lambda stamp: (None, "unknown"))
    began = time.process_time()
    events = list(parse(log.lines("".join(text % {"n": number} + "\n" for number in range(count)).encode("utf-8"))))
    assert time.process_time() - began < 15.0
    return events


@pytest.mark.slow
def test_a_group_without_an_end():
    """No clock, one group, 20,000 members: each compared with each would take minutes."""
    head = "Tasks in /a are going to be killed due to memory.oom.group set\n"
    log = TextLog("x", lambda stamp: (None, "unknown"))
    members = "".join(
        "Memory cgroup out of memory: Killed process %d (a) total-vm:1kB\n" % number for number in range(20000)
    )
    began = time.process_time()
    events = list(parse(log.lines((head + members).encode("ascii"))))
    assert time.process_time() - began < 15.0 and len(events) == 20000


@pytest.mark.slow
def test_every_line_from_another_host():
    assert len(flood("Nov 22 20:00:00 host%(n)d kernel: Out of memory: Killed process 7 (a) total-vm:1kB")) == 20000


@pytest.mark.slow
def test_a_panic_in_every_line():
    assert len(flood("Nov 22 20:00:00 h kernel: Kernel panic - not syncing: Out of memory %(n)d")) >= 1


@pytest.mark.slow
def test_one_kill_said_ten_thousand_times(tmp_path):
    path = tmp_path / "messages"
    path.write_bytes((KILL % (7, 8)).encode("ascii") * 10000)
    oom = facts_of(path)
    assert oom["kills"] and len({kill["id"] for kill in oom["kills"]}) == len(oom["kills"])


def test_old_kills_in_one_excerpt_are_not_compared_with_all_before():
    data = (
        b"Nov 22 20:00:00 h kernel: a invoked oom-killer: gfp_mask=0x1, order=0\n"
        + b"Nov 22 20:00:00 h kernel: Killed process 7 (a)\n" * 15000
    )
    hits = tuple(range(data.find(b"Killed"), len(data), len(b"Nov 22 20:00:00 h kernel: Killed process 7 (a)\n")))
    began = time.process_time()
    assert len(select.lines_of_interest(data, hits)) == 15001
    assert time.process_time() - began < 5.0


# -- paths that are no logs ---------------------------------------------------------------------------------------


def test_absent(tmp_path):
    assert status_of(tmp_path / "none") == "absent"
    assert status_of(tmp_path / "none*.log") == "absent"
    assert status_of(str(tmp_path / "file" / "below")) == "absent"


def test_fifo(tmp_path):
    os.mkfifo(str(tmp_path / "fifo"))
    assert status_of(tmp_path / "fifo") == "not_regular"


def test_directory_and_socket(tmp_path, monkeypatch):
    assert status_of(tmp_path) == "absent"  # a directory stands for its logs, and there are none in it
    listening = socket.socket(socket.AF_UNIX)
    try:
        monkeypatch.chdir(tmp_path)  # its path may have 107 characters
        listening.bind("socket")
        assert status_of(tmp_path / "socket") == "not_regular"
    finally:
        listening.close()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/random", "/dev/full"])
def test_devices(device):
    if not os.path.exists(device):
        pytest.skip("no %s here" % device)
    assert status_of(device) == "not_regular"


def test_links(tmp_path):
    (tmp_path / "messages").write_bytes(KILLS)
    os.symlink("messages", str(tmp_path / "link"))
    os.symlink("/dev/zero", str(tmp_path / "zero"))
    os.symlink("loop", str(tmp_path / "loop"))
    os.symlink("nowhere", str(tmp_path / "dangling"))
    assert status_of(tmp_path / "link") == "read"  # the user named it
    assert status_of(tmp_path / "zero") == "not_regular"
    assert status_of(tmp_path / "loop") in ("not_regular", "absent")
    assert status_of(tmp_path / "dangling") in ("not_regular", "absent")


def test_denied(tmp_path):
    path = tmp_path / "messages"
    path.write_bytes(KILLS)
    path.chmod(0)
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    assert status_of(path) == "denied"


def test_empty(tmp_path):
    for name in ("messages", "messages.gz"):
        (tmp_path / name).write_bytes(b"")
    assert status_of(tmp_path / "messages") == "read"
    assert status_of(tmp_path / "messages.gz") in ("read", "truncated", "corrupt")


@pytest.mark.slow
def test_binary(tmp_path):
    path = tmp_path / "messages"
    path.write_bytes(bytes(bytearray(range(256))) * 4000 + KILLS)
    oom = facts_of(path)
    # a megabyte without a line of text is told, and takes no kill away
    assert oom["sources"][0]["status"] == "corrupt" and oom["summary"]["total"] >= 2999


@pytest.mark.slow
def test_truncated_archive_keeps_what_came_before(tmp_path):
    noise = os.urandom(600000)
    data = gzip.compress(KILLS + noise)
    path = tmp_path / "messages.gz"
    path.write_bytes(data[: len(data) - 300000])
    oom = facts_of(path)
    assert oom["sources"][0]["status"] in ("truncated", "corrupt") and oom["sources"][0]["reason"]
    assert oom["summary"]["total"] == 3000 and oom["visibility"]["state"] == "partial"


@pytest.mark.slow
def test_corrupt_archive_keeps_what_came_before(tmp_path):
    data = bytearray(gzip.compress(KILLS))
    data[-6] ^= 0xFF  # the checksum
    path = tmp_path / "messages.gz"
    path.write_bytes(bytes(data))
    oom = facts_of(path)
    assert oom["sources"][0]["status"] == "corrupt" and oom["summary"]["total"] == 3000


@pytest.mark.slow
def test_bomb(tmp_path):
    path = tmp_path / "messages.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with open(str(path), "wb") as stream:
        stream.write(packer.compress(KILLS))
        for _mib in range(400):
            stream.write(packer.compress(b"\0" * (1 << 20)))
        stream.write(packer.flush())
    began = time.monotonic()
    oom = facts_of(path)
    assert time.monotonic() - began < 30
    assert oom["sources"][0]["status"] in ("too_big", "read") and oom["summary"]["total"] == 3000


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_what_only_calls_itself_an_archive(tmp_path, suffix):
    path = tmp_path / ("messages" + suffix)
    path.write_bytes(b"this is no archive\n" * 100)
    assert status_of(path) in ("read", "corrupt", "unsupported")
    path.write_bytes(b"\x1f\x8b\x08\0" + b"\xff" * 100)
    assert status_of(path) in ("corrupt", "truncated")


@pytest.mark.slow
def test_sparse(tmp_path):
    path = tmp_path / "messages"
    with open(str(path), "wb") as stream:
        stream.write(KILLS)
        stream.truncate(1 << 40)
    began = time.monotonic()
    oom = facts_of(path)
    assert oom["summary"]["total"] == 3000 and time.monotonic() - began < 10


@pytest.mark.slow
def test_a_line_without_an_end(tmp_path):
    path = tmp_path / "messages"
    path.write_bytes(KILLS + b"x" * (4 << 20) + b"Killed process 1 (" + b"y" * (1 << 20))
    assert facts_of(path)["summary"]["total"] == 3000


@pytest.mark.parametrize("name", ["a\nb", "a b", "[x]", "\udcff", "%s", "{{ x }}", "-rf", "*"])
def test_names_of_files(tmp_path, name):
    path = os.path.join(str(tmp_path), name)
    with open(path, "wb") as stream:
        stream.write((KILL % (1, 2)).encode("ascii"))
    oom = facts_of(path)
    assert oom["summary"]["total"] == 1 and oom["sources"][0]["status"] == "read"


@pytest.mark.slow
def test_many_bad_paths_and_one_good(tmp_path):
    os.mkfifo(str(tmp_path / "fifo"))
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8b\x08\0")
    (tmp_path / "good").write_bytes(KILLS)
    oom = facts_of(tmp_path / "none", tmp_path / "fifo", tmp_path, tmp_path / "bad.gz", "/dev/zero", tmp_path / "good")
    assert oom["summary"]["total"] == 3000 and len(oom["sources"]) == 6
    assert oom["visibility"]["state"] == "partial"


@pytest.mark.slow
@pytest.mark.parametrize("since, until", [(0.0, 1.0), (-1e9, 1e12), (2e9, 3e9), (1795377980.0, 1795377980.0)])
def test_windows_on_damaged_files(tmp_path, since, until):
    path = tmp_path / "messages"
    path.write_bytes(b"\0" * 300000 + KILLS + bytes(bytearray(range(256))) * 3000)
    oom = facts_of(path, since=since, until=until)
    assert oom["sources"][0]["status"] in ("read", "skipped") and oom["window"] == {"since": since, "until": until}
