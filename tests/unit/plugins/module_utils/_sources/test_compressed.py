# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressed logs: whole, in pieces, damaged at every byte, bombs."""

import bz2
import gzip
import lzma
import os
import random
import shutil
import subprocess
import sys
import zlib

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources import compressed
from ansible_collections.memops.linux.plugins.module_utils._sources.compressed import Caps, kind_of
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan

KILL = b"May 10 18:07:27 server1 kernel: Out of memory: Killed process 7 (a) total-vm:1kB\n"
ZSTD = shutil.which("zstd")


def text(lines=3000, seed=3):
    rand = random.Random(seed)
    out = []
    for number in range(lines):
        out.append(
            b"May 10 18:%02d:%02d server1 app[%d]: %x\n"
            % (number // 60 % 60, number % 60, rand.randint(1, 9999), rand.getrandbits(200))
        )
        if number % 500 == 250:
            out.append(KILL)
    return b"".join(out)


def zstd(data):
    if not ZSTD:
        pytest.skip("no zstd program here")
    return subprocess.run([ZSTD, "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


PACK = {"gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress, "zstd": zstd}
# where Python has no module for it, a program decompresses, and how much it writes before damage is its own affair
IN_PROCESS = [
    name
    for name in ("gzip", "xz", "bzip2", "zstd")
    if compressed.decompressor(next(k for k in compressed.KINDS if k.name == name))
]


@pytest.fixture(params=sorted(PACK))
def pack(request):
    return PACK[request.param]


def scan(tmp_path, data, **options):
    """(everything that was read, the report)"""
    path = tmp_path / "messages.gz"
    path.write_bytes(data)
    options.setdefault("anchors", ())
    found = FileScan(str(path), **options)
    return b"".join(excerpt.data for excerpt in found), found.report


def test_whole(tmp_path, pack):
    assert scan(tmp_path, pack(text()))[0] == text()


def test_hits_are_those_of_the_plain_file(tmp_path, pack):
    path = tmp_path / "log"
    path.write_bytes(text())
    plain = [(e.offset, e.data, e.hits) for e in FileScan(str(path), anchors=(b" Killed process ",))]
    path.write_bytes(pack(text()))
    found = FileScan(str(path), anchors=(b" Killed process ",))
    assert [(e.offset, e.data, e.hits) for e in found] == plain and plain
    assert found.report.status == "read" and found.report.bytes == len(text())
    assert found.report.first is not None and found.report.last > found.report.first


def test_several_members_and_padding(tmp_path, pack):
    data = pack(text(10)) + pack(b"") + pack(text(20, 4))
    got, report = scan(tmp_path, data)
    assert (got, report.status) == (text(10) + text(20, 4), "read")


@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2"])
def test_padding(tmp_path, name):
    got, report = scan(tmp_path, PACK[name](text(10)) + b"\0" * 512 + PACK[name](b"x\n") + b"\0" * 100000)
    assert (got, report.status) == (text(10) + b"x\n", "read")


@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2"])
def test_garbage_behind_the_end(tmp_path, name):
    got, report = scan(tmp_path, PACK[name](text()) + b"garbage")
    assert (got, report.status) == (text(), "corrupt")
    assert "follows the end" in report.reason


def test_truncated(tmp_path, pack):
    data = pack(text())
    got, report = scan(tmp_path, data[: len(data) // 2])
    assert report.status == "truncated"
    assert text().startswith(got)
    if pack is not zstd and pack is not bz2.compress:
        assert len(got) > len(text()) // 4
    assert report.bytes == len(got)


def test_truncated_gzip_keeps_all_that_is_there(tmp_path):
    data = gzip.compress(text())
    for cut in (20, 1000, len(data) - 9, len(data) - 8, len(data) - 1):
        got, report = scan(tmp_path, data[:cut])
        assert (got, report.status) == (zlib.decompressobj(31).decompress(data[:cut]), "truncated")


def test_truncated_in_the_header_of_the_second_member(tmp_path):
    for size in (1, 2, 3, 5, 9):
        got, report = scan(tmp_path, gzip.compress(text()) + gzip.compress(b"x")[:size])
        assert (got, report.status) == (text(), "truncated")


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PROCESS)
def test_corrupt_keeps_everything_before_the_damage(tmp_path, name):
    """As much as a decompressor gives that is fed byte by byte, but for the very last."""
    rand = random.Random(11)
    good = PACK[name](text())
    make, errors = compressed.decompressor(next(k for k in compressed.KINDS if k.name == name))
    for _round in range(6):
        data = bytearray(good)
        at = rand.randint(30, len(data) - 1)
        data[at] ^= 1 << rand.randint(0, 7)
        got, report = scan(tmp_path, bytes(data))
        stream, expected, position = make(), [], 0
        try:
            while not stream.eof and position < len(data) or not stream.needs_input:
                feed = bytes(data[position : position + 1]) if stream.needs_input else b""
                position += len(feed)
                expected.append(stream.decompress(feed, 16))
                if stream.eof:
                    break
        except errors:
            pass
        expected = b"".join(expected)
        assert expected.startswith(got[: len(expected)]) and abs(len(expected) - len(got)) <= 64
        assert report.status in ("corrupt", "truncated") or got == text()
        assert report.reason or got == text()


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_large_corrupt_archive(tmp_path, name):
    """Damage behind several megabytes of output: decompressed again, in small steps, to the same byte."""
    whole = text(40000)
    data = bytearray(PACK[name](whole))
    data[len(data) * 3 // 4] ^= 0x55
    got, report = scan(tmp_path, bytes(data))
    assert report.status == "corrupt"
    common = len(os.path.commonprefix([got, whole]))
    assert common > len(whole) // 2 and len(got) - common < 2 << 20


def test_wrong_checksum_loses_nothing(tmp_path):
    data = bytearray(gzip.compress(text()))
    data[-6] ^= 1
    got, report = scan(tmp_path, bytes(data))
    assert (got, report.status) == (text(), "corrupt")


@pytest.mark.parametrize("seed", range(30))
def test_fuzz(tmp_path, seed):
    rand = random.Random(seed)
    data = bytearray(rand.choice([gzip.compress, lzma.compress, bz2.compress])(text(300)))
    for _change in range(rand.randint(1, 5)):
        data[rand.randint(8, len(data) - 1)] = rand.randint(0, 255)
    got, report = scan(tmp_path, bytes(data[: rand.randint(16, len(data))]))
    assert report.status in ("read", "corrupt", "truncated")
    assert report.bytes == len(got)


def test_more_output_than_allowed(tmp_path, pack):
    got, report = scan(tmp_path, pack(text()), caps=Caps(size=50000))
    assert report.status == "too_big"
    assert text().startswith(got) and len(got) >= 50000


@pytest.mark.slow
def test_expands_too_much(tmp_path, pack):
    got, report = scan(tmp_path, pack(KILL * 30000), caps=Caps(small=1 << 20, ratio=20))
    assert report.status == "too_big" and "20 times" in report.reason
    assert len(got) >= 1 << 20 and got.startswith(KILL)


def test_no_time_left(tmp_path, pack):
    got, report = scan(tmp_path, pack(text()), timeout=0.0)
    assert (got, report.status) == (b"", "timeout")


BOMB = """
import sys
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan
found = FileScan(sys.argv[1])
hits = sum(len(excerpt.hits) for excerpt in found)
# not ru_maxrss, which a process inherits from the one that started it
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(found.report.status, hits, peak[0])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2"])
def test_bomb(tmp_path, name):
    """1 GiB of NUL behind a kill: the kill is kept, the rest is refused, memory stays small."""
    path = tmp_path / "bomb"
    packers = {
        "gzip": lambda: zlib.compressobj(9, zlib.DEFLATED, 31),
        "xz": lambda: lzma.LZMACompressor(preset=0),
        "bzip2": bz2.BZ2Compressor,
    }
    packer = packers[name]()
    with open(str(path), "wb") as stream:
        stream.write(packer.compress(KILL))
        for _mebibyte in range(1024 if name == "gzip" else 300):
            stream.write(packer.compress(b"\0" * (1 << 20)))
        stream.write(packer.flush())
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(path)],
        stdout=subprocess.PIPE,
        check=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    status, hits, peak = done.stdout.split()
    assert (status, hits) == (b"too_big", b"1")
    assert int(peak) <= 64 << 10


def test_xz_that_wants_much_memory_is_refused(tmp_path):
    packer = lzma.LZMACompressor(format=lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    data = packer.compress(KILL) + packer.flush()
    assert scan(tmp_path, data)[0] == KILL
    patched = bytearray(data)  # to compress with such a dictionary would take gigabytes
    assert patched[14:16] == b"\x21\x01"
    patched[16] = 32  # 256 MiB
    patched[20:24] = zlib.crc32(bytes(patched[12:20])).to_bytes(4, "little")
    got, report = scan(tmp_path, bytes(patched))
    assert (got, report.status) == (b"", "corrupt")
    assert "emory" in report.reason


@pytest.mark.parametrize("name", sorted(PACK))
def test_without_the_module_a_program_reads(tmp_path, monkeypatch, name):
    if not shutil.which(name):
        pytest.skip("no %s program here" % name)
    monkeypatch.setattr(compressed, "decompressor", lambda kind: None)
    data = PACK[name](text())
    assert scan(tmp_path, data) == (text(), scan(tmp_path, data)[1])
    assert scan(tmp_path, data)[1].status == "read"
    got, report = scan(tmp_path, data[: len(data) // 2])
    assert report.status == "truncated" and text().startswith(got)
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 0x55
    assert scan(tmp_path, bytes(damaged))[1].status in ("corrupt", "truncated")


@pytest.mark.parametrize("name", sorted(PACK))
def test_without_the_module_and_the_program(tmp_path, monkeypatch, name):
    data = PACK[name](text())
    monkeypatch.setattr(compressed, "decompressor", lambda kind: None)
    monkeypatch.setattr(
        compressed, "KINDS", tuple(kind._replace(program="no-such-program") for kind in compressed.KINDS)
    )
    got, report = scan(tmp_path, data)
    assert (got, report.status) == (b"", "unsupported")
    assert report.reason == "needs the no-such-program program (No such file or directory)"


def test_a_program_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(compressed, "decompressor", lambda kind: None)
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(compressed, "KINDS", tuple(kind._replace(program=str(slow)) for kind in compressed.KINDS))
    assert scan(tmp_path, gzip.compress(KILL), timeout=0.3)[1].status == "timeout"


@pytest.mark.slow
def test_leaving_the_loop_ends_the_program(tmp_path, monkeypatch):
    if not shutil.which("gzip"):
        pytest.skip("no gzip program here")
    monkeypatch.setattr(compressed, "decompressor", lambda kind: None)
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(text(100000)))
    found = FileScan(str(path), anchors=())
    for _excerpt in found:
        break
    assert found.report.status in ("error", "read")


@pytest.mark.parametrize(
    "head, name",
    [
        (gzip.compress(b""), "gzip"),
        (lzma.compress(b""), "xz"),
        (bz2.compress(b""), "bzip2"),
        (bz2.compress(b"x"), "bzip2"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd"),
        (b"\x50\x2a\x4d\x18\x04\x00\x00\x00", "zstd"),
        (b"BZh is how the line begins", None),
        (b"May 10", None),
        (b"", None),
        (b"\x1f", None),
    ],
    # gzip writes the time: as an id it would differ between two workers.
    ids=["gzip", "xz", "bzip2", "bzip2 of a byte", "zstd", "zstd skippable", "a line", "a date", "nothing", "a byte"],
)
def test_kind(head, name):
    found = kind_of(head[:16])
    assert (found and found.name) == name


@pytest.mark.parametrize("head", [b"\x1f\x9d\x90", b"PK\x03\x04", b"LPKSHHRH", b"\x04\x22\x4d\x18"])
def test_foreign(tmp_path, head):
    got, report = scan(tmp_path, head + b"x" * 100)
    assert (got, report.status) == (b"", "unsupported") and report.reason


@pytest.mark.parametrize("inside", [b"LPKSHHRH" + bytes(4096), b"PK\x03\x04" + bytes(4096)], ids=["journal", "zip"])
def test_what_is_compressed_is_no_text(tmp_path, inside):
    """system.journal.zst: no line of it may become a kill, or the name of a unit."""
    line = b"MESSAGE=x.service: A process of this unit has been killed by the OOM killer.\n"
    got, report = scan(tmp_path, gzip.compress(inside + line))
    assert (got, report.status) == (b"", "unsupported") and report.reason.startswith(
        "compressed, and what is in it is "
    )
