# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal as a source: a stand-in journalctl with recorded answers, whole hosts in a directory."""

import os
import re
import stat
import struct
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._sources.journal import JournalScan
from ansible_collections.memops.linux.plugins.module_utils._sources.journal_paths import is_without_files

MACHINE = "1e19a13aef3540628e74939d26c67901"
FORGED_MACHINE = "baef5004ac814f0c89353a33b7fd2183"

# What it was asked goes to $0.log, one line a call.
STANDIN = """#!/bin/sh
echo "$@ LC_ALL=$LC_ALL" >> "$0.log"
{before}
case "$*" in
*" _TRANSPORT=kernel") {kernel} ;;
*) {others} ;;
esac
"""


def header(first=1795376728991229, last=1795378020448839, entries=3):
    return (
        (
            b"LPKSHHRH"
            + struct.pack("<IIB7x", 0, 0, 0)
            + b"f" * 16
            + bytes.fromhex(MACHINE)
            + b"b" * 32
            + struct.pack("<15Q", 272, 8388336, 5632, 3728, 288, 0, 0, 9, entries, entries, 1, 272, first, last, 5)
        ).ljust(272, b"\0")
        + struct.pack("<B7xQQ", 6, 24 + 8 * entries, 0)
        + b"\0" * 8 * entries
    )  # the list of its entries


@pytest.fixture
def host(tmp_path):
    """A host with a persistent journal."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "machine-id").write_text(MACHINE + "\n")
    directory = root / "var" / "log" / "journal" / MACHINE
    directory.mkdir(parents=True)
    (directory / "system.journal").write_bytes(header())
    return Host(root=str(root))


@pytest.fixture
def journalctl(tmp_path):
    def write(kernel=":", others=":", before=":"):
        path = tmp_path / "journalctl"
        path.write_text(STANDIN.format(kernel=kernel, others=others, before=before))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return write


def asked(program):
    with open(program + ".log") as stream:
        return stream.read().splitlines()


@pytest.fixture
def recorded(fixtures):
    directory = os.path.join(fixtures, "journal")
    return lambda name: "cat '%s'" % os.path.join(directory, name)


def scan(host, program, **options):
    source = JournalScan(host, program=program, **options)
    return list(source), source


def kills(lines):
    found = (re.search(r"Killed process (\d+) \((.*)\) total-vm", line.text, re.DOTALL) for line in lines)
    return [match.groups() for match in found if match]


# The kernel's records


def test_kernel_records_of_a_host(host, journalctl, recorded):
    program = journalctl(kernel=recorded("kernel.export"), others=recorded("others.export"))
    lines, source = scan(host, program)
    kernel = [line for line in lines if line.tag == "kernel"]
    names = dict(kills(kernel))
    assert names["234"] == "line\nbreak"
    assert names["244"] == "bad\udcff\udcfeutf8"
    assert names["248"] == "\x1b[31mred\x1b[0m"
    assert names["304"] == "z\nOut of memory"
    assert len(names) == 12
    assert all(line.trusted and line.reason == "kernel facility in the local journal" for line in kernel)
    kill = [line for line in kernel if "Killed process 244" in line.text][0]
    assert (kill.source, kill.host, kill.time_quality) == ("journal", "bookworm1", "exact")
    assert kill.boot_id == "ee50e604ee904964a55dc46ec4cd51fc"
    assert (kill.time, kill.uptime) == (1795377825.664656, 64.461665)
    assert source.report == source.report._replace(
        name="journal", status="read", first=1795376728.991229, last=1795378020.448839
    )
    assert (source.lost, source.undecodable, source.volatile) == (0, 0, False)


def test_only_what_an_oom_parser_can_want(host, journalctl, recorded):
    """The stand-in does not filter, as systemd 219 does not: 20 ordinary boot messages and 31 of the report stay away."""
    lines, source = scan(host, journalctl(kernel=recorded("kernel.export")))
    assert len(lines) == 48
    assert not [line for line in lines if "Command line" in line.text]


def test_whole_blocks(host, journalctl, recorded):
    lines, source = scan(host, journalctl(kernel=recorded("kernel.export")), whole_blocks=True)
    texts = [line.text for line in lines]
    begin = max(i for i, text in enumerate(texts) if "invoked oom-killer" in text)
    end = max(i for i, text in enumerate(texts) if "Killed process" in text)
    assert end - begin == 47
    assert any(text.startswith("[  pid  ]") for text in texts[begin:end])
    assert not [text for text in texts if text.startswith("BIOS-")]


@pytest.mark.parametrize("whole", [False, True])
def test_the_short_way_says_the_same_as_the_long_one(host, journalctl, recorded, monkeypatch, whole):
    program = journalctl(kernel=recorded("kernel.export"))
    short, _source = scan(host, program, whole_blocks=whole)
    monkeypatch.setattr(
        "ansible_collections.memops.linux.plugins.module_utils._sources.journal_origin.Origin.like_before",
        lambda *args: None,
    )
    long, _source = scan(host, program, whole_blocks=whole)
    assert short == long


# Trust


def test_forged_records_are_shown_and_not_believed(host, journalctl, recorded):
    """nobody wrote them: logger, the syslog socket, the native socket with facility 0, a unit's stdout."""
    program = journalctl(kernel=recorded("forged.export"), others=recorded("forged.export"))
    lines, source = scan(host, program)
    assert len(lines) == 14 and not any(line.trusted for line in lines)
    kernel = [line for line in lines if "Killed process 1 (init)" in line.text]
    assert [line.tag for line in kernel] == ["kernel"] * 4
    verdict = [line for line in lines if line.message_id][0]
    assert (verdict.unit, verdict.reason) == ("x.service", "a unit's verdict that is not from pid 1")
    assert source.undecodable == 1 and "1 records had no message" in source.report.reason


def test_json_is_read_too(host, journalctl, recorded):
    lines, source = scan(host, journalctl(others=recorded("forged.json")))
    assert lines == scan(host, journalctl(others=recorded("forged.export")))[0]
    assert len(lines) == 14


def record(**fields):
    """One record as a shell command."""
    lines = ["%s=%s" % item for item in sorted(fields.items())]
    return "printf '%%s\\n' %s ''" % " ".join("'%s'" % line for line in ["__CURSOR=x"] + lines)


KILL = "Killed process 1 (init) total-vm:1kB, anon-rss:2kB, file-rss:3kB"
KERNEL = {"_TRANSPORT": "kernel", "SYSLOG_FACILITY": "0", "_MACHINE_ID": MACHINE, "SYSLOG_IDENTIFIER": "kernel"}


@pytest.mark.parametrize(
    "fields, tag, trusted, reason",
    [
        ({}, "kernel", True, "kernel facility in the local journal"),
        ({"SYSLOG_FACILITY": "1"}, "kmsg-user", False, "written to /dev/kmsg by a process"),
        ({"SYSLOG_FACILITY": "00"}, "kmsg-user", False, "written to /dev/kmsg by a process"),
        ({"_MACHINE_ID": "f" * 32}, "kernel", False, "from another machine's journal"),
    ],
    ids=["kernel", "user facility", "odd facility", "other machine"],
)
def test_who_wrote_to_kmsg(host, journalctl, fields, tag, trusted, reason):
    lines, _source = scan(host, journalctl(kernel=record(MESSAGE=KILL, **dict(KERNEL, **fields))))
    assert [(line.tag, line.trusted, line.reason) for line in lines] == [(tag, trusted, reason)]


@pytest.mark.parametrize("transport", ["syslog", "journal", "stdout", "driver", "audit", ""])
def test_no_other_transport_is_the_kernel(host, journalctl, transport):
    forged = record(MESSAGE=KILL, **{**KERNEL, "_TRANSPORT": transport})
    lines, _source = scan(host, journalctl(kernel=forged, others=forged))
    assert [line.trusted for line in lines] == [False]


def test_a_record_like_the_one_before_but_for_its_facility(host, journalctl):
    """The short way must not carry trust over."""
    common = dict(KERNEL, __REALTIME_TIMESTAMP="1795376728991229", _SOURCE_MONOTONIC_TIMESTAMP="5000000")
    facilities = ["0", "1", "0", "0", "3"]
    program = journalctl(kernel="; ".join(record(MESSAGE=KILL, **{**common, "SYSLOG_FACILITY": f}) for f in facilities))
    lines, _source = scan(host, program)
    assert [line.trusted for line in lines] == [f == "0" for f in facilities]
    assert [line.tag for line in lines] == ["kernel" if f == "0" else "kmsg-user" for f in facilities]


MANAGER = {"_PID": "1", "_UID": "0", "_TRANSPORT": "journal", "_MACHINE_ID": MACHINE, "SYSLOG_IDENTIFIER": "systemd"}
VERDICT = {"MESSAGE_ID": "fe6faa94e7774663a0da52717891d8ef", "UNIT": "x.service", "MESSAGE": "x.service: A process"}


@pytest.mark.parametrize(
    "fields, unit, trusted",
    [
        ({}, "x.service", True),
        ({"_PID": "2"}, "x.service", False),
        ({"_UID": "1000"}, "x.service", False),
        ({"_TRANSPORT": "stdout"}, "x.service", False),
        ({"UNIT": "", "USER_UNIT": "y.service", "_PID": "900"}, "y.service", False),
        ({"MESSAGE_ID": "d989611b15e44c9dbf31e3c81256e4ed"}, "x.service", True),
        ({"MESSAGE_ID": "d9b373ed55a64feb8242e02dbe79a49c"}, "x.service", True),
        ({"MESSAGE_ID": "0" * 32}, "x.service", False),
    ],
    ids=["pid 1", "pid 2", "user", "stdout", "user manager", "oomd verdict", "failed", "other"],
)
def test_verdicts(host, journalctl, fields, unit, trusted):
    lines, _source = scan(host, journalctl(others=record(**dict(MANAGER, **dict(VERDICT, **fields)))))
    assert [(line.unit, line.trusted, line.tag) for line in lines] == [(unit, trusted, "systemd")]


@pytest.mark.parametrize(
    "unit, tag, trusted",
    [
        ("systemd-oomd.service", "systemd-oomd", True),
        ("earlyoom.service", "earlyoom", True),
        ("nohang-desktop.service", "nohang", True),
        ("oomd.service", "oomd", True),
        ("user@1000.service", "earlyoom", False),
        ("earlyoom.service.evil.service", "earlyoom", False),
    ],
)
def test_userspace_killers(host, journalctl, unit, tag, trusted):
    text = "sending SIGTERM to process 7"
    fields = {"_TRANSPORT": "stdout", "_MACHINE_ID": MACHINE, "SYSLOG_IDENTIFIER": "earlyoom", "_SYSTEMD_UNIT": unit}
    lines, _source = scan(host, journalctl(others=record(MESSAGE=text, **fields)))
    assert [(line.tag, line.trusted) for line in lines] == [(tag, trusted)]


def test_a_journal_file_that_root_does_not_own(host, journalctl, monkeypatch):
    module = "ansible_collections.memops.linux.plugins.module_utils._sources.journal_file.header_of"
    from ansible_collections.memops.linux.plugins.module_utils._sources.journal_file import header_of

    monkeypatch.setattr(module, lambda path, data, size, owner: header_of(path, data, size, owner + 1))
    lines, _source = scan(host, journalctl(kernel=record(MESSAGE=KILL, **KERNEL)))
    assert [line.trusted for line in lines] == [False] and "does not belong to root" in lines[0].reason


# Journals that are not this machine's


@pytest.fixture
def remote(host):
    for folder, name in (("remote", "remote-evil.journal"), ("0" * 32, "system.journal"), ("empty", "note.txt")):
        directory = os.path.join(host.root, "var", "log", "journal", folder)
        os.makedirs(directory)
        with open(os.path.join(directory, name), "wb") as stream:
            stream.write(header())
    return host


def test_other_machines_journals_are_shown_and_not_believed(remote, journalctl):
    """With this machine's own id in every record, as a forger would write it."""
    program = journalctl(kernel=record(MESSAGE=KILL, **KERNEL), others=record(**dict(MANAGER, **VERDICT)))
    lines, source = scan(remote, program, remote=True)
    assert [(line.trusted, line.source) for line in lines] == [(False, "other journals")] * 2
    assert "beside this machine's own" in lines[0].reason
    assert (source.report.name, source.report.status) == ("other journals", "read")
    for line in asked(program):
        assert line.count("--file=") == 2 and "/%s/" % MACHINE not in line
    own, _source = scan(remote, program)
    assert [line.trusted for line in own] == [True, True]


def test_a_host_with_its_own_journal_alone_asks_no_more(host, journalctl):
    program = journalctl(before="exit 3")
    lines, source = scan(host, program, remote=True)
    assert (lines, source.report.status, os.path.exists(program + ".log")) == ([], "absent", False)


def test_other_journals_of_another_time_are_left_alone(remote, journalctl):
    program = journalctl()
    _lines, source = scan(remote, program, remote=True, since=1795378021.0)
    assert (source.report.status, os.path.exists(program + ".log")) == ("absent", False)


def test_a_collector_of_journals_is_not_searched(remote, journalctl, monkeypatch):
    from ansible_collections.memops.linux.plugins.module_utils._sources import journal_paths

    monkeypatch.setattr(journal_paths, "_REMOTE_BYTES", 300)
    program = journalctl()
    _lines, source = scan(remote, program, remote=True)
    assert source.report.status == "skipped" and "journal_directory" in source.report.reason
    assert not os.path.exists(program + ".log")


def test_names_of_files_are_no_patterns(host, journalctl):
    directory = os.path.join(host.root, "var", "log", "journal", "remote[a]*")
    os.makedirs(directory)
    with open(os.path.join(directory, "remote-x.journal"), "wb") as stream:
        stream.write(header())
    program = journalctl()
    scan(host, program, remote=True)
    assert "/remote\\[a\\]\\*/remote-x.journal" in asked(program)[0]


# How journalctl is asked


def test_the_questions(host, journalctl):
    program = journalctl()
    scan(host, program, since=1000.7, until=2000.2)
    kernel, others = asked(program)
    assert kernel.startswith("-q --no-pager -o export --all --since=@1000 --until=@2001 --grep=")
    assert kernel.endswith(" _TRANSPORT=kernel LC_ALL=C")
    assert "MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef" in others and "_SYSTEMD_UNIT=systemd-oomd.service" in others
    for line in (kernel, others):
        assert not re.search(r"(^| )(-k|-b|--dmesg|--merge|-m)( |$)", line)


def test_whole_blocks_ask_for_everything(host, journalctl):
    program = journalctl()
    scan(host, program, whole_blocks=True)
    assert "--grep" not in asked(program)[0]


@pytest.mark.parametrize(
    "error",
    [
        "journalctl: unrecognized option '--grep=x'",  # systemd 219
        "Compiled without pattern matching support",
        "PCRE2 support is not installed.",
    ],
)
def test_without_grep(host, journalctl, recorded, error):
    before = 'case "$*" in *--grep=*|*--output-fields=*) echo "%s" >&2; exit 1;; esac' % error.replace("'", "")
    program = journalctl(kernel=recorded("kernel.export"), others=recorded("others.export"), before=before)
    lines, source = scan(host, program)
    assert len(asked(program)) == 4  # each question once more
    assert source.report.status == "read" and len(kills(lines)) == 12


def test_exit_code_1_is_also_no_match(host, journalctl):
    program = journalctl(before="exit 1")
    lines, source = scan(host, program)
    assert (lines, source.report.status) == ([], "read")
    assert len(asked(program)) == 2


def test_the_window_is_exact(host, journalctl):
    stamps = [999.9, 1000.5, 1001.0, 2000.0, 2000.5]
    records = [record(MESSAGE=KILL, __REALTIME_TIMESTAMP="%d" % (stamp * 1e6), **KERNEL) for stamp in stamps]
    lines, _source = scan(host, journalctl(kernel="; ".join(records)), since=1000.6, until=2000.4)
    assert [line.time for line in lines] == [1001.0, 2000.0]


# What the source says of itself


@pytest.mark.slow
def test_timeout_keeps_what_came(host, journalctl, recorded):
    program = journalctl(kernel=recorded("kernel.export") + "; exec sleep 30")
    started = time.monotonic()
    lines, source = scan(host, program, timeout=1)
    assert time.monotonic() - started < 10
    assert source.report.status == "timeout" and "1 s" in source.report.reason
    assert len(kills(lines)) == 12


def test_missed_messages(host, journalctl):
    missed = {
        "MESSAGE_ID": "e9bf28e6e834481bb6f48f548ad13606",
        "_TRANSPORT": "driver",
        "MESSAGE": "Missed 1234 kernel messages",
    }
    forged = {**missed, "_TRANSPORT": "journal", "MESSAGE": "Missed 99 kernel messages"}
    lines, source = scan(host, journalctl(others=record(**missed) + ";" + record(**missed) + ";" + record(**forged)))
    assert (lines, source.lost) == ([], 2468)
    assert source.report.reason == "journald missed 2468 kernel messages"


def test_chatter_is_left_out(host, journalctl):
    fields = {"_TRANSPORT": "stdout", "_SYSTEMD_UNIT": "earlyoom.service"}
    lines, _source = scan(host, journalctl(others=record(MESSAGE="mem avail: 100 of 200 MiB", **fields)))
    assert lines == []


@pytest.mark.parametrize(
    "said, status",
    [
        ("Journal file /x/system.journal corrupted, ignoring file.", "corrupt"),
        ("Journal file /x/system.journal is truncated, ignoring file.", "corrupt"),
        ("Cannot iterate through /x/system.journal, ignoring: Bad message", "corrupt"),
        ("Journal file /x/system.journal uses an unsupported feature, ignoring file.", "unsupported"),
        ("Invalid field.", "corrupt"),
        ("Entry item 9 data object is bad, skipping over it: Bad message", "corrupt"),
        ("Failed to get journal fields: Cannot allocate memory", "corrupt"),
        ("Root directory /var/log/journal/corrupt added.", "read"),
    ],
)
def test_what_journalctl_says_beside_its_answer(host, journalctl, recorded, said, status):
    program = journalctl(kernel=recorded("kernel.export"), before="echo '%s' >&2" % said)
    lines, source = scan(host, program)
    assert source.report.status == status
    assert len(kills(lines)) == 12


def test_rubbish_instead_of_records(host, journalctl, recorded):
    program = journalctl(kernel=recorded("kernel.export") + "; printf '__CURSOR=x\\nMESSAGE=\\000\\n\\n'")
    lines, source = scan(host, program)
    assert source.report.status == "corrupt"
    assert len(kills(lines)) == 12  # what came before it is kept


@pytest.mark.parametrize(
    "answer",
    [
        "echo Hello",
        "echo '<html>'; echo; echo x",
        "printf '\\001\\002\\003'",
        "echo '{}'",
        "printf '__CURSOR=s'",
        "head -c 70000 /dev/zero",
    ],
    ids=["text", "html", "bytes", "object", "cut", "zeros"],
)
def test_garbage_and_exit_code_0_is_no_empty_answer(host, journalctl, answer):
    lines, source = scan(host, journalctl(kernel=answer))
    assert (lines, source.report.status) == ([], "error")
    assert source.report.reason.startswith("journalctl sent ")


def test_a_remark_instead_of_records_is_an_empty_answer(host, journalctl):
    lines, source = scan(host, journalctl(kernel="echo '-- No entries --'"))
    assert (lines, source.report.status) == ([], "read")


def test_exit_code_1_behind_records_is_no_end(host, journalctl, recorded):
    lines, source = scan(host, journalctl(kernel=recorded("kernel.export") + "; exit 1"))
    assert source.report.status == "corrupt" and "broke off after 114 records" in source.report.reason
    assert len(kills(lines)) == 12


@pytest.mark.parametrize("below", ["", "var/log/journal", "run/log/journal/%s" % MACHINE, "run/log/journal/x/y"])
def test_where_nothing_lies_journalctl_is_not_started(tmp_path, below):
    root = tmp_path / "bare"
    (root / below).mkdir(parents=True)
    lines, source = scan(Host(root=str(root)), "/nonexistent/journalctl")
    assert (lines, source.report.status, source.report.reason) == ([], "absent", "there is no journal file")


@pytest.mark.parametrize("below", ["var/log/journal/unknown", "run/log/journal/x/unknown", "var/log/journal/link"])
def test_whatever_lies_there_journalctl_is_asked(tmp_path, below):
    path = tmp_path / "some" / below
    path.parent.mkdir(parents=True)
    if path.name == "link":
        path.symlink_to(tmp_path)
    else:
        path.touch()
    _lines, source = scan(Host(root=str(tmp_path / "some")), "/nonexistent/journalctl")
    assert (source.report.status, "could not be started" in source.report.reason) == ("absent", True)


def test_a_directory_that_cannot_be_listed_may_hold_a_journal(tmp_path, monkeypatch):
    (tmp_path / "var" / "log" / "journal").mkdir(parents=True)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert not is_without_files(Host(root=str(tmp_path)))


def test_a_journal_that_nothing_can_read_is_a_hole(host):
    lines, source = scan(host, "/nonexistent/journalctl")
    assert (lines, source.report.status) == ([], "error")
    assert "could not be started" in source.report.reason and "system.journal" in source.report.reason
    assert source.report.reason.endswith("install systemd's journalctl on this host")


def test_no_journal(tmp_path, journalctl):
    root = tmp_path / "bare"
    root.mkdir()
    lines, source = scan(Host(root=str(root)), journalctl())
    assert (lines, source.report.status, source.report.reason) == ([], "absent", "there is no journal file")
    assert (source.report.lines, source.report.first) == (None, None)


def test_volatile(tmp_path, journalctl):
    root = tmp_path / "volatile"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "machine-id").write_text(MACHINE)
    directory = root / "run" / "log" / "journal" / MACHINE
    directory.mkdir(parents=True)
    (directory / "system.journal").write_bytes(header())
    _lines, source = scan(Host(root=str(root)), journalctl())
    assert source.volatile and source.report.status == "read"
    assert source.report.reason == "the journal is volatile and begins with this boot"


def test_damaged_file_among_good_ones(host, journalctl, recorded):
    directory = host.path("/var/log/journal/" + MACHINE)
    with open(os.path.join(directory, "system@1.journal"), "wb") as stream:
        stream.write(b"\0" * 4096)
    lines, source = scan(host, journalctl(kernel=recorded("kernel.export")))
    assert source.report.status == "corrupt" and "1 of 2 journal files" in source.report.reason
    assert len(kills(lines)) == 12 and source.report.first == 1795376728.991229


def test_denied(host, journalctl, monkeypatch):
    real = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith(".journal"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    program = journalctl()
    lines, source = scan(host, program)
    assert (lines, source.report.status, source.report.lines) == ([], "denied", None)
    assert "systemd-journal" in source.report.reason
    assert not os.path.exists(program + ".log")


# Offline


def test_offline(host, journalctl, recorded, tmp_path):
    directory = tmp_path / "case"
    directory.mkdir()
    (directory / "system.journal").write_bytes(header())
    program = journalctl(kernel=recorded("kernel.export"))
    lines, source = scan(Host(), program, directory=str(directory))
    assert "--directory=%s " % directory in asked(program)[0]
    assert {line.reason for line in lines if line.trusted} == {"kernel facility in the journal of %s" % directory}
    assert source.report.name == "journal %s" % directory and len(kills(lines)) == 12
    lines, source = scan(Host(), program, directory=str(directory / "system.journal"))
    assert "--file=%s/system.journal " % directory in asked(program)[-2]


@pytest.fixture
def collected(tmp_path):
    """/var/log/journal of a collector: its own journal, and what systemd-journal-remote was sent."""
    for name in (
        MACHINE + "/system.journal",
        MACHINE + "/system@1.journal",
        "remote/remote-10.0.0.9.journal",
        MACHINE + "/remote-db1.journal",
    ):
        path = tmp_path / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(header())
    return tmp_path / "copy"


def test_what_was_sent_is_not_believed_in_a_copy_either(collected, journalctl):
    program = journalctl(kernel=record(MESSAGE=KILL, **KERNEL), others=record(**dict(MANAGER, **VERDICT)))
    lines, source = scan(Host(), program, directory=str(collected))
    assert [line.trusted for line in lines] == [True, True] and source.report.name == "journal %s" % collected
    for question in asked(program):
        assert "remote" not in question and question.count("--file=") == 2
    lines, source = scan(Host(), program, directory=str(collected), remote=True)
    assert [line.trusted for line in lines] == [False, False] and "systemd-journal-remote was sent" in lines[0].reason
    assert source.report.name == "other journals"
    assert asked(program)[-1].count("--file=") == 2 and "system.journal" not in asked(program)[-1]


@pytest.mark.parametrize("part", ["remote", "remote/remote-10.0.0.9.journal"], ids=["directory", "file"])
def test_nothing_but_what_was_sent(collected, journalctl, part):
    program = journalctl(kernel=record(MESSAGE=KILL, **KERNEL))
    lines, source = scan(Host(), program, directory=str(collected / part))
    assert [line.trusted for line in lines] == [False] and source.report.status == "read"
    lines, source = scan(Host(), program, directory=str(collected / part), remote=True)
    assert (lines, source.report.status) == ([], "absent")


def test_a_copy_without_strangers_asks_no_more(collected, journalctl):
    program = journalctl(before="exit 3")
    (collected / MACHINE / "remote-db1.journal").unlink()
    lines, source = scan(Host(), program, directory=str(collected / MACHINE), remote=True)
    assert (lines, source.report.status, os.path.exists(program + ".log")) == ([], "absent", False)


def test_offline_that_is_not_there(tmp_path, journalctl):
    program = journalctl()
    empty = tmp_path / "empty"
    empty.mkdir()
    os.mkfifo(str(tmp_path / "fifo"))
    for path, status in (("gone", "absent"), ("empty", "absent"), ("fifo", "not_regular")):
        lines, source = scan(Host(), program, directory=str(tmp_path / path))
        assert (lines, source.report.status) == ([], status)
    assert not os.path.exists(program + ".log")
