# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as they are met: absent, denied, no files at all, sparse, endless lines, cut off while they are read, windows
of time.
"""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources import scan
from ansible_collections.memops.linux.plugins.module_utils._sources.context import Limits
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import (
    ANCHORS,
    NEAR,
    FileScan,
    anchor_of,
    open_log,
)

KILL = b"May 10 18:07:27 server1 kernel: Out of memory: Killed process 7 (a) total-vm:1kB\n"


def read(path, **options):
    """(excerpts, report); fails if it takes long."""
    started = time.monotonic()
    found = open_log(str(path), **options)
    excerpts = list(found)
    assert time.monotonic() - started < 5
    return excerpts, found.report


def test_plain(tmp_path):
    path = tmp_path / "messages"
    path.write_bytes(b"May 10 18:07:26 server1 app: well\n" + KILL)
    (excerpt,), report = read(path)
    assert excerpt.data[excerpt.hits[0] :].startswith(b" Killed process 7")
    assert (report.name, report.status, report.lines, report.bytes) == (str(path), "read", 2, path.stat().st_size)
    assert report.last - report.first == 1 and report.reason is None


def test_name_of_the_report(tmp_path):
    assert read(tmp_path / "no", name="/var/log/messages")[1].name == "/var/log/messages"


def test_empty(tmp_path):
    (tmp_path / "messages").write_bytes(b"")
    assert read(tmp_path / "messages")[1][1:7] == ("read", 0, None, None, 0, None)


def test_last_line_without_newline(tmp_path):
    (tmp_path / "log").write_bytes(KILL[:-1])
    assert read(tmp_path / "log")[0][0].data == KILL[:-1]


def test_carriage_returns_nul_and_other_bytes(tmp_path):
    data = b"\xff\xfe\xfd\r\n" + KILL.replace(b"\n", b"\r\n") + b"caf\xe9\r\n" + b"\0" * 100000
    (tmp_path / "log").write_bytes(b"x" + data)
    (excerpt,), report = read(tmp_path / "log")
    assert KILL[:-1] in excerpt.data and report.status == "read" and report.last is not None


# what is no regular file


@pytest.mark.parametrize(
    "data, status",
    [
        (bytes(range(256)) * 64, "corrupt"),
        (b"\0" * 64, "corrupt"),
        (b"\0" * 5000 + KILL, "read"),
        ("Nov 22 20:06:24 h\u00e4ger: \u043c\u0430\u044f \x1b[1mbold\x1b[0m\tdone\r\n".encode() * 99, "read"),
        (b"\0" * 300 + KILL * 60, "read"),
    ],
    ids=["a binary file", "nothing but zeros", "a hole", "a text in colours", "zeros of a crash"],
)
def test_what_is_no_text_is_not_read_as_a_quiet_log(data, status, tmp_path):
    (tmp_path / "messages").write_bytes(data)
    report = read(tmp_path / "messages")[1]
    assert (report.status, "no text" in (report.reason or "")) == (status, status == "corrupt")


def test_fifo(tmp_path):
    os.mkfifo(str(tmp_path / "messages"))
    started = time.monotonic()
    excerpts, report = read(tmp_path / "messages")
    assert (excerpts, report.status, report.reason) == ([], "not_regular", "a named pipe")
    assert time.monotonic() - started < 1


def test_socket(tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    assert read(tmp_path / "s")[1][1] == "not_regular"
    listener.close()


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/tty", "/"])
def test_device_and_directory(path):
    assert read(path)[1].status == "not_regular"


@pytest.mark.parametrize("name", ["no", "no/no", "file/no"])
def test_absent(tmp_path, name):
    (tmp_path / "file").write_bytes(b"")
    assert read(tmp_path / name)[1].status == "absent"


def test_nul_and_overlong_names(tmp_path):
    assert read("a\0b")[1].status == "error"
    assert read("a" * 5000)[1].status == "error"


def test_denied(tmp_path):
    path = tmp_path / "messages"
    path.write_bytes(KILL)
    path.chmod(0)
    root = os.geteuid() == 0
    os.chmod(str(tmp_path), 0o755)
    try:
        if root:
            os.seteuid(65534)
        report = read(path)[1]
    finally:
        if root:
            os.seteuid(0)
    assert report.status in ("denied", "absent") and report.reason
    assert report.status == "denied" or root  # pytest's own folder may be closed to nobody


def test_proc_is_not_read():
    """/proc/kmsg is a regular file, and reading it takes the messages away from syslogd."""
    excerpts, report = read("/proc/self/status", anchors=())
    assert (excerpts, report.status, report.bytes) == ([], "read", 0)


# links


@pytest.fixture
def root(tmp_path):
    """A tree with /var/log and a secret beside it."""
    (tmp_path / "var" / "log" / "sub").mkdir(parents=True)
    (tmp_path / "var" / "log" / "sub" / "real").write_bytes(KILL)
    (tmp_path / "shadow").write_bytes(KILL)
    return tmp_path


def follow(root, target, **options):
    (root / "var" / "log" / "messages").symlink_to(target)
    options.setdefault("follow", False)
    return read(root / "var" / "log" / "messages", root=str(root), **options)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of root's")
def test_link_within_var_log(root):
    assert follow(root, "sub/real")[1].status == "read"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of somebody else's")
def test_link_to_somebody_elses_file(root):
    os.chown(str(root / "var" / "log" / "sub" / "real"), 65534, 65534)
    report = follow(root, "sub/real")[1]
    assert report.status == "not_regular" and "root's" in report.reason


def test_link_out_of_var_log(root):
    report = follow(root, "../../shadow")[1]
    assert report.status == "not_regular" and "out of /var/log" in report.reason


def test_link_out_of_var_log_that_was_asked_for(root):
    excerpts, report = follow(root, "../../shadow", follow=True)
    assert len(excerpts) == 1 and report.status == "read"


@pytest.mark.parametrize("target", ["/dev/zero", "messages", "sub"])
@pytest.mark.parametrize("asked_for", [True, False])
def test_link_to_no_file(root, target, asked_for):
    assert follow(root, target, follow=asked_for)[1].status == "not_regular"


def test_dangling_link(root):
    assert follow(root, "gone", follow=True)[1].status == "absent"


# size


def sparse(path, size, *pieces):
    with open(str(path), "wb") as stream:
        stream.truncate(size)
        for offset, data in pieces:
            stream.seek(offset if offset >= 0 else size + offset)
            stream.write(data)


def test_a_terabyte_of_hole(tmp_path):
    path = tmp_path / "log"
    sparse(path, 1 << 40, (0, KILL), (1 << 39, b"\n" + KILL), (-len(KILL) - 1, b"\n" + KILL))
    excerpts, report = read(path)
    assert [sum(e.data.count(KILL) for e in excerpts), len(excerpts), report.status] == [3, 3, "read"]
    for excerpt in excerpts:
        at = excerpt.data.index(KILL)
        assert os.pread(os.open(str(path), os.O_RDONLY), len(KILL), excerpt.offset + at) == KILL


def test_nothing_but_hole(tmp_path):
    sparse(tmp_path / "log", 1 << 40)
    assert read(tmp_path / "log")[1][1] == "read"


MEASURE = """
import sys, time
from ansible_collections.memops.linux.plugins.module_utils._sources.scan import FileScan
started = time.process_time()
found = FileScan(sys.argv[1])
hits = sum(len(excerpt.hits) for excerpt in found)
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(found.report.status, hits, peak[0], time.process_time() - started)
"""


def measure(path):
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], stdout=subprocess.PIPE, check=True, env=env)
    status, hits, peak, _seconds = done.stdout.decode().split()
    return status, int(hits), int(peak)


def test_a_gigabyte_without_a_newline(tmp_path):
    path = tmp_path / "log"
    with open(str(path), "wb") as stream:
        stream.write(KILL)
        for _piece in range(256):
            stream.write(b"x" * (1 << 20))
        stream.write(b"y Killed process 9 (b)")
        for _piece in range(256):
            stream.write(b"x" * (1 << 20))
    status, hits, peak = measure(path)
    assert (status, hits) == ("read", 2)
    assert peak <= 45 << 10


def test_a_storm_of_hits_in_one_endless_line(tmp_path):
    path = tmp_path / "log"
    with open(str(path), "wb") as stream:
        for _piece in range(64):
            stream.write(b"y Killed process 9 (b)" * 5000)
    status, hits, peak = measure(path)
    assert (status, hits) == ("read", 64 * 5000)
    assert peak <= 45 << 10


# files that change


def test_copytruncate(tmp_path, monkeypatch):
    path = tmp_path / "log"
    noise = b"May 10 18:07:26 server1 app: well\n" * 100000
    path.write_bytes(noise)
    real = os.readv
    calls = []

    def readv(fd, buffers):
        calls.append(fd)
        if len(calls) == 2:
            with open(str(path), "r+b") as stream:
                stream.truncate(0)
                stream.write(KILL)
        return real(fd, buffers)

    monkeypatch.setattr(os, "readv", readv)
    excerpts, report = read(path)
    assert report.status == "rotated" and "truncated" in report.reason
    assert [e.data for e in excerpts] == [KILL]
    assert excerpts[0].offset >= 1 << 20


def test_a_file_that_is_emptied_meanwhile_was_a_text():
    assert not scan._is_no_text(b"")
    assert scan._is_no_text(b"\0" * 99)


def test_copytruncate_by_a_thread(tmp_path):
    path = tmp_path / "log"
    noise = b"May 10 18:07:26 server1 app: well\n" * 20000
    path.write_bytes(noise)
    stop = threading.Event()

    def rotate():
        while not stop.is_set():
            with open(str(path), "r+b") as stream:
                stream.truncate(0)
                stream.write(KILL + noise)

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        statuses = {read(path, limits=Limits(chunk=4096))[1].status for _round in range(50)}
    finally:
        stop.set()
        thread.join()
    assert statuses <= {"read", "rotated"}


def test_renamed_while_it_is_read(tmp_path, monkeypatch):
    """The open file is read to its end, and what is there under its name now as well."""
    path = tmp_path / "log"
    path.write_bytes(KILL + b"May 10 18:07:26 server1 app: well\n" * 100000)
    real = os.readv
    calls = []

    def readv(fd, buffers):
        calls.append(fd)
        if len(calls) == 2:
            os.rename(str(path), str(path) + ".1")
            path.write_bytes(KILL.replace(b" 7 ", b" 8 "))
        return real(fd, buffers)

    monkeypatch.setattr(os, "readv", readv)
    excerpts, report = read(path)
    assert report.status == "rotated" and "renamed" in report.reason
    assert [e.data.count(b"Killed process 7") + 10 * e.data.count(b"Killed process 8") for e in excerpts] == [1, 10]


def test_a_writer_that_never_stops_is_not_chased(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(KILL)
    real = os.readv

    def readv(fd, buffers):
        with open(str(path), "ab") as stream:
            stream.write(b"x" * 70000 + b"\n")
        return real(fd, buffers)

    monkeypatch.setattr(os, "readv", readv)
    assert read(path)[1].status == "read"


def test_a_disk_error_keeps_what_was_read(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(KILL + b"May 10 18:07:26 server1 app: well\n" * 100000)
    real = os.readv
    calls = []

    def readv(fd, buffers):
        calls.append(fd)
        if len(calls) == 3:
            raise OSError(5, "Input/output error")
        return real(fd, buffers)

    monkeypatch.setattr(os, "readv", readv)
    excerpts, report = read(path)
    assert (len(excerpts), report.status, report.reason) == (1, "error", "Input/output error")
    assert report.bytes == 2 << 20


def test_whatever_goes_wrong_is_said(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(KILL)

    def broken(line):
        raise RuntimeError("broken")

    assert read(path, line_time=broken)[1][1] == "error"
    assert read(path, line_time=broken)[1].reason == "RuntimeError: broken"


def test_no_time_left(tmp_path):
    (tmp_path / "log").write_bytes(KILL)
    excerpts, report = read(tmp_path / "log", timeout=0.0)
    assert (excerpts, report.status) == ([], "timeout")


def test_a_loop_that_is_left(tmp_path):
    (tmp_path / "log").write_bytes(KILL)
    before = len(os.listdir("/proc/self/fd"))
    found = FileScan(str(tmp_path / "log"))
    for _excerpt in found:
        break
    del _excerpt
    assert found.report.status == "error" and found.report.reason == "not read to its end"
    assert len(os.listdir("/proc/self/fd")) == before


def test_every_run_closes_its_file(tmp_path):
    (tmp_path / "log").write_bytes(KILL)
    before = len(os.listdir("/proc/self/fd"))
    for _round in range(20):
        read(tmp_path / "log")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_summary_alone_is_found_in_small_files(tmp_path):
    (tmp_path / "log").write_bytes(b"x " + NEAR[0] + b"NONE,task=a,pid=1,uid=0\n")
    assert [e.hits for e in read(tmp_path / "log")[0]] == [(2,)]


def test_in_large_files_a_summary_is_found_behind_its_head(tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "_SMALL", 1000)
    noise = b"May 10 18:07:26 server1 app: well\n" * 5000
    block = b"a invoked " + scan.HEAD + b"cc0\n" + noise[:50000] + b"\n" + NEAR[0] + b"NONE,task=a,pid=1,uid=0\n"
    (tmp_path / "log").write_bytes(noise + block + noise)
    (excerpt,) = read(tmp_path / "log")[0]
    assert len(excerpt.hits) == 2 and NEAR[0] in excerpt.data


# windows of time

HOUR = 3600


def iso(epoch):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(epoch)).encode()


def make_log(path, start, lines, step=10, order=None, stamp=iso):
    """A line every `step` seconds, a kill every 100 lines; pid is the number of the line."""
    numbers = range(lines) if order is None else order
    with open(str(path), "wb") as stream:
        for number in numbers:
            text = (
                b"kernel: Out of memory: Killed process %d (a)"
                if number % 100 == 0
                else b"app[%d]: all is well with this one"
            )
            stream.write(stamp(start + number * step) + b" server1 " + text % number + b"\n")
    os.utime(str(path), (start + lines * step, start + lines * step))


def pids(excerpts):
    found = set()
    for excerpt in excerpts:
        for hit in excerpt.hits:
            found.add(int(excerpt.data[hit + len(ANCHORS[0]) :].split(b" ", 1)[0]))
    return found


START = 1750000000


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    path = tmp_path_factory.mktemp("month") / "messages"
    make_log(path, START, 260000)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "since, until",
    [(HOUR, None), (24 * HOUR, None), (None, 2000 * HOUR), (700 * HOUR, 690 * HOUR), (300 * HOUR, 299.5 * HOUR)],
)
def test_window(month, since, until):
    """All kills of the window, and only the window is read."""
    end = START + 2600000
    since = None if since is None else end - since
    until = None if until is None else end - until
    excerpts, report = read(month, since=since, until=until)
    low = START if since is None else since
    high = end if until is None else until
    wanted = {n for n in range(0, 260000, 100) if low <= START + 10 * n <= high}
    assert wanted <= pids(excerpts)
    window = (min(high, end) - max(low, START)) / 10 * 75 if high > low else 0
    assert report.bytes < max(window, 0) * 1.1 + (300 << 10)
    assert (report.status, report.first, report.last) == ("read", START, START + 2599990)
    for excerpt in excerpts:  # whole lines, at their place in the file
        with open(str(month), "rb") as stream:
            stream.seek(max(0, excerpt.offset - 1))
            assert excerpt.offset == 0 or stream.read(1) == b"\n"


def test_window_at_every_place(month):
    """Every since finds its own kill."""
    for number in range(0, 260000, 9100):
        assert number in pids(read(month, since=START + 10 * number, until=START + 10 * number)[0])


def test_window_of_an_unsorted_file(tmp_path):
    path = tmp_path / "log"
    order = list(range(15000, 30000)) + list(range(15000))
    make_log(path, START, 30000, order=order)
    for since in (HOUR, 24 * HOUR, 60 * HOUR):
        low = START + 300000 - since
        wanted = {n for n in range(0, 30000, 100) if START + 10 * n >= low}
        excerpts, report = read(path, since=low)
        assert wanted <= pids(excerpts) and report.bytes == path.stat().st_size


def test_window_of_a_log_without_years(tmp_path):
    path = tmp_path / "log"
    make_log(path, START, 30000, stamp=lambda epoch: time.strftime("%b %e %H:%M:%S", time.localtime(epoch)).encode())
    since = START + 300000 - HOUR
    excerpts, report = read(path, since=since)
    assert {n for n in range(0, 30000, 100) if START + 10 * n >= since} <= pids(excerpts)
    assert report.bytes < path.stat().st_size / 2


def test_window_of_a_log_without_stamps(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"no stamp here\n" * 100000 + b"x Killed process 0 (a)\n")
    excerpts, report = read(path, since=time.time() - 100)
    assert pids(excerpts) == {0} and report.status == "read" and report.first is None


def test_lines_that_come_late_are_in_the_window(tmp_path):
    """Hosts of a log server disagree by minutes."""
    path = tmp_path / "log"
    order = list(range(30000))
    order.insert(28000, order.pop(28020))
    make_log(path, START, 30000, order=order)
    for number in (28000, 28100):
        assert number in pids(read(path, since=START + 10 * number)[0])


def test_a_file_of_before_is_not_opened(tmp_path, monkeypatch):
    path = tmp_path / "messages.1"
    make_log(path, START, 1000)
    monkeypatch.setattr(os, "pread", None)
    monkeypatch.setattr(os, "readv", None)
    excerpts, report = read(path, since=START + 20000)
    assert (excerpts, report.status) == ([], "skipped") and report.reason


@pytest.mark.parametrize(
    "name, mtime, expected",
    [
        ("messages", "2026-01-05 12:00:00", "2026-01-05 12:00:00"),
        ("messages-20250412", "2026-01-05 12:00:00", "2025-04-13 00:00:00"),
        ("messages-20250412.gz", "2025-04-12 03:00:00", "2025-04-12 03:00:00"),
        ("kern.log.2025-04-12.xz", "2026-01-05 12:00:00", "2025-04-13 00:00:00"),
        ("messages-20251399", "2026-01-05 12:00:00", "2026-01-05 12:00:00"),
        ("messages-20251231", "2026-01-05 12:00:00", "2026-01-01 00:00:00"),
    ],
)
def test_anchor(name, mtime, expected):
    def epoch(text):
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S")[:8] + (-1,))

    assert anchor_of("/var/log/" + name, epoch(mtime)) == epoch(expected)
