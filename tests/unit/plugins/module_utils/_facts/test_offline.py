# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sosreport, as a directory or a tarball of any compression, friendly and hostile."""

import calendar
import gzip
import io
import os
import tarfile
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import text_files
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.tarball import Limits, place_of, unpack

KILL = "Out of memory: Killed process %d (loader) total-vm:96kB, anon-rss:64kB, file-rss:4kB, shmem-rss:0kB, UID:7 pgtables:44kB oom_score_adj:5\n"
MESSAGES = "Nov 22 20:06:24 web7 kernel: " + KILL % 41
AT = calendar.timegm((2023, 11, 22, 20, 6, 24))
FILES = {
    "var/log/messages": MESSAGES,
    "var/log/secure": "Nov 22 20:06:24 web7 kernel: " + KILL % 99,
    "sos_commands/kernel/dmesg": "[   12.345678] " + KILL % 42,
    "sos_commands/logs/journalctl_--no-pager_--boot": "Nov 22 20:06:26 web7 kernel: " + KILL % 43,
    "sos_commands/logs/journalctl_--list-boots": KILL % 98,
    "hostname": "web7.example.org\n",
    "date": "Thu Nov 23 05:30:00 UTC 2023\n",
    "proc/meminfo": "MemTotal:        8388608 kB\nMemFree: 1 kB\n",
    "etc/passwd": "root:x:0:0\n",
}


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where tarballs are laid down; nothing may stay there."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(path))
    yield path
    assert list(path.iterdir()) == []


def directory(root, files=None):
    for name, text in (files or FILES).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def member(name, text, **fields):
    info = tarfile.TarInfo(name)
    data = text.encode("utf-8")
    info.size, info.mtime = len(data), AT + 3600
    for field, value in fields.items():
        setattr(info, field, value)
    return info, io.BytesIO(data)


def tarball(path, mode="w:xz", top="sosreport-web7-2023-11-23/", extra=()):
    with tarfile.open(str(path), mode) as tar:
        for name, text in FILES.items():
            tar.addfile(*member(top + name, text))
        for info, data in extra:
            tar.addfile(info, data)
    return str(path)


def facts(*paths, **options):
    return gather(Host(), Wish(subset=("kills", "memory"), paths=paths, **options))


def told(found):
    return sorted((kill["victim"]["pid"], kill["host"], kill["time"] and kill["time"] - AT) for kill in found["kills"])


WANTED = [(41, "web7", 0.0), (42, "web7.example.org", None), (43, "web7", 2.0)]


def test_a_directory(tmp_path):
    path = directory(tmp_path / "sosreport")
    found = facts(path)
    assert told(found) == WANTED
    assert found["memory"]["total"] == 8 << 30 and found["memory"]["available"] is None
    (said,) = [source for source in found["sources"] if source["name"] == path]
    assert said["status"] == "skipped" and "3 logs" in said["reason"]


@pytest.mark.parametrize(
    "name, mode", [("a.tar.xz", "w:xz"), ("a.tar.gz", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar", "w"), ("upload", "w")]
)
def test_a_tarball(tmp_path, temporary, name, mode):
    path = tarball(tmp_path / name, mode)
    found = facts(path)
    assert told(found) == WANTED
    assert found["memory"]["total"] == 8 << 30
    assert {kill["source"]["name"] for kill in found["kills"]} >= {path + ":var/log/messages"}
    assert str(temporary) not in repr(found)


def test_a_pattern_that_stands_for_several(tmp_path, temporary):
    """Of two machines neither is the machine."""
    tarball(tmp_path / "a.tar.gz", "w:gz")
    directory(
        tmp_path / "b", {"var/log/messages": MESSAGES.replace("web7", "web8").replace("41", "51"), "hostname": "web8\n"}
    )
    directory(tmp_path / "c", {"notes.md": KILL % 1})
    (tmp_path / "kern.log").write_text(MESSAGES.replace("41", "61"))
    found = facts(str(tmp_path / "*"))
    assert sorted(kill["victim"]["pid"] for kill in found["kills"]) == [41, 42, 43, 51, 61]
    assert found["memory"]["total"] != 8 << 30


def test_a_directory_of_logs(tmp_path):
    path = directory(
        tmp_path / "logs",
        {
            "kern.log": MESSAGES,
            "web7.log": MESSAGES.replace("41", "44"),
            "notes.md": KILL % 1,
            "sub/messages": KILL % 2,
        },
    )
    assert [kill["victim"]["pid"] for kill in facts(path)["kills"]] == [41, 44]


def test_a_directory_without_a_log(tmp_path):
    path = directory(tmp_path / "logs", {"notes.md": KILL % 1})
    found = facts(path)
    assert found["kills"] == [] and found["visibility"]["state"] == "blind"
    assert [source["status"] for source in found["sources"]] == ["absent"]


def test_a_journal_and_no_text_log_is_no_hole(tmp_path):
    path = directory(tmp_path / "sosreport", {"var/log/journal/%s/system.journal" % ("a" * 32): "LPKSHHRH"})
    found = facts(path, sources=("files",))
    assert [(source["name"], source["status"]) for source in found["sources"]] == [
        (path + "/var/log/journal", "unsupported"),
        (path, "skipped"),
    ]
    assert found["visibility"]["state"] == "blind"


def test_a_large_file_from_elsewhere_says_what_was_not_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "_DEEP_FILE", 1000)
    monkeypatch.setattr(text_files, "_EVERY_LINE", 1000)
    path = tmp_path / "messages"
    path.write_text(MESSAGES * 20)
    found = facts(str(path))
    assert found["visibility"]["state"] == "partial" and "set killers to all" in found["visibility"]["reasons"][0]
    assert "set killers to all" in found["sources"][0]["reason"]
    assert facts(str(path), killers="all")["visibility"]["state"] == "clear"
    assert "killers" not in repr(facts(str(path), killers="kernel")["visibility"])


@pytest.mark.parametrize(
    "text, state",
    [
        ("root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:\n", "partial"),
        ("#!/bin/sh\nexit 0\n", "partial"),
        ("Nov 23 10:00:00 web7 app: well\n", "clear"),
        ("[   12.345678] eth0: link up\n", "clear"),
        ("6,1,42,-;eth0: link up\n", "clear"),
        ("\n[Thu Nov 23 10:00:00 2023] eth0: link up\n", "clear"),
        ("Out of memory: Killed process 7 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB\n", "clear"),
    ],
    ids=["a table of users", "a script", "syslog", "dmesg", "kmsg", "dmesg -T", "a kill as people paste it"],
)
def test_a_text_that_is_no_log_is_no_quiet_log(text, state, tmp_path):
    (tmp_path / "file").write_text(text)
    visibility = facts(str(tmp_path / "file"))["visibility"]
    assert (visibility["state"], "is it a log?" in "".join(visibility["reasons"])) == (state, state == "partial")


@pytest.mark.parametrize(
    "line, state",
    [
        ("static int answer(void);\n", "partial"),
        ("aardvark\n", "partial"),
        ("Nov 23 10:00:00 web7 app: well\n", "clear"),
        ("[   12.345678] eth0: link up\n", "clear"),
    ],
    ids=["a source file", "a list of words", "syslog", "dmesg"],
)
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "packed"])
def test_a_large_text_that_is_no_log_is_no_quiet_log(line, state, pack, tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "_EVERY_LINE", 1000)
    path = tmp_path / ("file" if pack is str.encode else "file.gz")
    path.write_bytes(pack(line * (1 << 16)))
    visibility = facts(str(path))["visibility"]
    assert (visibility["state"], "is it a log?" in "".join(visibility["reasons"])) == (state, state == "partial")


def test_whose_sources_they_were_is_told(tmp_path):
    (tmp_path / "file").write_text(MESSAGES)
    assert facts(str(tmp_path / "file"))["local"] is False
    host = Host(root=str(tmp_path / "root"))
    assert gather(host, Wish(subset=("kills",), journal_directory=str(tmp_path)))["local"] is False
    assert gather(host, Wish(subset=("kills",)))["local"] is True


def test_links_in_a_directory_are_not_followed(tmp_path):
    root = tmp_path / "sosreport"
    (tmp_path / "elsewhere").write_text(MESSAGES)
    (root / "var" / "log").mkdir(parents=True)
    os.symlink(str(tmp_path / "elsewhere"), str(root / "var" / "log" / "messages"))
    os.mkfifo(str(root / "var" / "log" / "syslog"))
    assert facts(str(root))["kills"] == []


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, None


HOSTILE = [
    ("absolute", [member("/var/log/messages.1", KILL % 1)]),
    ("upwards", [member("x/../../../var/log/syslog", KILL % 2), member("../etc/cron.d/kern.log", KILL % 3)]),
    (
        "a link and through it",
        [link("sosreport/var/log/deep", "/etc"), member("sosreport/var/log/deep/messages", KILL % 4)],
    ),
    (
        "a link for a log",
        [
            link("sosreport/var/log/kern.log", "/etc/passwd"),
            link("sosreport/var/log/syslog", "/etc/shadow", tarfile.LNKTYPE),
        ],
    ),
    (
        "a device",
        [
            link("sosreport/var/log/kern.log", "", tarfile.CHRTYPE),
            link("sosreport/var/log/syslog", "", tarfile.FIFOTYPE),
        ],
    ),
    ("a name with control characters", [member("sosreport/var/log/messages\x1b[2J\n", KILL % 5)]),
    ("a date that is none", [member("sosreport/var/log/messages.9", "", mtime=2**40)]),
    ("twice", [member("sosreport-web7-2023-11-23/var/log/messages", KILL % 6)]),
]


@pytest.mark.parametrize("extra", [row[1] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_members_that_want_to_be_elsewhere(tmp_path, temporary, extra):
    path = tarball(tmp_path / "a.tar", "w", extra=extra)
    before = sorted(os.listdir("/etc"))
    found = facts(path)
    assert [row for row in told(found) if row[0] > 40] == WANTED
    assert not {2, 3, 4, 5, 6} & {row[0] for row in told(found)}
    assert sorted(os.listdir("/etc")) == before


@pytest.mark.parametrize("name, place", [
    ("sosreport-a/var/log/messages", "var/log/messages"),
    ("./sosreport-a/var/log/messages-20231122.gz", "var/log/messages-20231122.gz"),
    ("var/log/kern.log", "var/log/kern.log"),
    ("sosreport-a/var/log/journal/%s/system.journal" % ("a" * 32), "var/log/journal/%s/system.journal" % ("a" * 32)),
    ("sosreport-a/var/log/journal/evil/system.journal", None),
    ("kern.log", "kern.log"),
    ("logs/kern.log", "kern.log"),
    ("sosreport-a/etc/passwd", None),
    ("../kern.log", None),
    ("a/b/c/var/log/messages", None),
    ("", None),
])  # fmt: skip
def test_where_a_member_goes(name, place):
    assert place_of(name) == place


def test_too_much_of_everything(tmp_path):
    path = tarball(tmp_path / "a.tar.xz")
    for number, limits in enumerate((Limits(size=100), Limits(files=1), Limits(members=2), Limits(timeout=-1.0))):
        target = tmp_path / str(number)
        target.mkdir()
        damage = unpack(path, str(target), limits)
        assert damage is not None and damage.args[0] in ("too_big", "timeout")


def test_what_is_cut_or_broken_is_told_and_what_came_before_it_is_kept(tmp_path, temporary):
    path = tmp_path / "a.tar"
    tarball(path, "w")
    path.write_bytes(path.read_bytes()[:3000])
    found = facts(str(path))
    assert (41, "web7") in [row[:2] for row in told(found)] and found["visibility"]["state"] != "clear"
    assert [
        source["status"] for source in found["sources"] if source["name"] == str(path) and source["status"] != "skipped"
    ] == ["corrupt"]
    path.write_bytes(b"\0" * 512 + b"rubbish" * 999)
    assert facts(str(path))["visibility"]["state"] == "blind"


def test_a_header_that_takes_all_memory(tmp_path, temporary):
    """A long name of 8 GiB, of zeros: seconds and gigabytes for tarfile alone."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    path = tmp_path / "a.tar"
    with open(str(path), "wb") as stream:
        stream.write(info.tobuf(tarfile.GNU_FORMAT))
        stream.truncate(8 << 30)
    began = time.monotonic()
    found = facts(str(path))
    assert time.monotonic() - began < 5 and found["visibility"]["state"] == "blind"
