# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's ring buffer: recorded records, and a device that behaves as the kernel's does."""

import errno
import os
import stat

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.kmsg import (
    KmsgScan,
    Record,
    parse_record,
    parse_records,
)

KILL = b"Out of memory: Killed process 7 (x) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0"


@pytest.mark.parametrize(
    "data, record",
    [
        (b"6,0,0,-;Linux version 6.1\n", Record(0, 6, 0, 0, b"-", b"Linux version 6.1")),
        (b"30,348,4433486,-;systemd[1]: hello\n", Record(3, 6, 348, 4433486, b"-", b"systemd[1]: hello")),
        (b"12,9,100,-,caller=T461;text\n", Record(1, 4, 9, 100, b"-", b"text")),
        (b"4,9,100,c;a; b, c\n", Record(0, 4, 9, 100, b"c", b"a; b, c")),
        (
            b"4,9,100,-;a\\x0ab\\x5cx41 \\xff\\xC3\n SUBSYSTEM=x\n DEVICE=y\n",
            Record(0, 4, 9, 100, b"-", b"a\nb\\x41 \xff\xc3"),
        ),
        (b"4,9,100,-;\n", Record(0, 4, 9, 100, b"-", b"")),
        (b"4,9,100,-;\\x4 \\xzz \\\n", Record(0, 4, 9, 100, b"-", b"\\x4 \\xzz \\")),
    ],
    ids=["kernel", "process", "caller", "cont", "escapes", "empty", "no escapes"],
)
def test_records(data, record):
    assert parse_record(data) == record


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"Killed process 1", b"<4>text", b"4,9,100;x", b"a,b,c,d;x", b"4,9,100,-", b" A=b"]
)
def test_no_record(data):
    assert parse_record(data) is None


def test_dump(fixtures):
    with open(os.path.join(fixtures, "kmsg", "bookworm.bin"), "rb") as stream:
        records = list(parse_records(stream.read()))
    texts = [record.text for record in records]
    assert any(b"Killed process 234 (line\nbreak) total-vm" in text for text in texts)
    assert any(b"Killed process 244 (bad\xff\xfeutf8) total-vm" in text for text in texts)
    assert any(b"Killed process 276 (back\\x41slash) total-vm" in text for text in texts)
    assert {record.facility for record in records} == {0, 3}
    assert not [text for text in texts if text.startswith(b" ")]


class Ring:
    """read() of /dev/kmsg: one record a call, EPIPE where records were overwritten, EAGAIN at the end."""

    def __init__(self, answers):
        self.answers = list(answers)

    def __call__(self, fd, size):
        assert size >= 8192
        answer = self.answers.pop(0) if self.answers else errno.EAGAIN
        if isinstance(answer, int):
            raise OSError(answer, os.strerror(answer))
        return answer


@pytest.fixture
def host(tmp_path, monkeypatch):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "kmsg").write_bytes(b"")
    directory = tmp_path / "proc" / "sys" / "kernel" / "random"
    directory.mkdir(parents=True)
    (directory / "boot_id").write_text("ee50e604-ee90-4964-a55d-c46ec4cd51fc\n")
    real = os.fstat

    def character_device(fd):
        values = list(real(fd))
        values[0] = stat.S_IFCHR | 0o600
        return os.stat_result(values)

    monkeypatch.setattr(os, "fstat", character_device)
    return Host(root=str(tmp_path))


def scan(host, answers, **options):
    source = KmsgScan(host, boot_time=1000.0, read=Ring(answers), **options)
    return list(source), source


def test_lines(host):
    lines, source = scan(
        host, [b"6,0,0,-;Linux version\n", b"3,1,5000000,-;" + KILL + b"\n", b"11,2,6000000,-;" + KILL + b"\n"]
    )
    assert [(line.time, line.uptime, line.trusted, line.tag) for line in lines] == [
        (1005.0, 5.0, True, "kernel"),
        (1006.0, 6.0, False, "kmsg-user"),
    ]
    assert lines[0].boot_id == "ee50e604ee904964a55dc46ec4cd51fc"
    assert (lines[0].time_quality, lines[0].source) == ("from_uptime", "/dev/kmsg")
    assert source.report[:5] == ("/dev/kmsg", "read", 3, 1000.0, 1006.0) and source.report.reason is None
    assert (source.lost, source.overwritten) == (0, False)


def test_overwritten_while_reading(host):
    lines, source = scan(
        host,
        [b"6,100,1000000,-;a\n", errno.EPIPE, b"6,140,2000000,-;b\n", errno.EPIPE, b"3,150,3000000,-;" + KILL + b"\n"],
    )
    assert (len(lines), source.lost, source.overwritten) == (1, 48, True)
    assert source.report.first == 1001.0
    assert "first 100 records" in source.report.reason and "48 records" in source.report.reason


def test_window_and_blocks(host):
    ring = [
        b"4,1,1000000,-;x invoked oom-killer: gfp_mask=0x0, order=0\n",
        b"6,2,1000001,-;[  7]     0     7  1 1 1 0 0 x\n",
        b"3,3,1000002,-;" + KILL + b"\n",
        b"6,4,1000003,-;something else\n",
        b"3,5,9000000,-;" + KILL + b"\n",
    ]
    assert len(scan(host, ring)[0]) == 3
    assert len(scan(host, ring, whole_blocks=True)[0]) == 4
    assert [line.time for line in scan(host, ring, since=1008.0)[0]] == [1009.0]
    assert len(scan(host, ring, until=1008.0)[0]) == 2


@pytest.mark.parametrize(
    "code, status",
    [(errno.EPERM, "denied"), (errno.EACCES, "denied"), (errno.ENOENT, "absent"), (errno.ENXIO, "absent")],
)
def test_cannot_be_opened(host, monkeypatch, code, status):
    real = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("/dev/kmsg"):
            raise OSError(code, os.strerror(code))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    lines, source = scan(host, [])
    assert (lines, source.report.status) == ([], status)


def test_cannot_be_read(host):
    lines, source = scan(host, [b"6,0,0,-;a\n", errno.EIO])
    assert (lines, source.report.status, source.report.lines) == ([], "error", 1)
    assert scan(host, [errno.EPERM])[1].report.status == "denied"


def test_a_container_s_stand_in(host):
    assert scan(host, [b""])[1].report.status == "absent"


def test_a_file_is_not_the_kernel(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "kmsg").write_bytes(b"3,1,1,-;" + KILL)
    lines, source = scan(Host(root=str(tmp_path)), [])
    assert (lines, source.report.status) == ([], "not_regular")
