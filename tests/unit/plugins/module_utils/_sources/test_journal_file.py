# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What journal files say of themselves, and whether journalctl would find what they hold."""

import errno
import os
import struct

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources.journal_file import (
    JournalFile,
    files_in,
    header_of,
    is_journal,
    read_header,
)
from ansible_collections.memops.linux.plugins.module_utils._sources.journal_verify import Finding, check

MACHINE = "1e19a13aef3540628e74939d26c67901"


def header(entries=3, first=1795376728991229, last=1795378020448839, signature=b"LPKSHHRH"):
    return (
        signature
        + struct.pack("<IIB7x", 0, 0, 0)
        + b"f" * 16
        + bytes.fromhex(MACHINE)
        + b"b" * 16
        + b"s" * 16
        + struct.pack("<15Q", 272, 8388336, 5632, 3728, 288, 5328, 0, 9, entries, entries, 1, 0, first, last, 5)
    )


def test_header():
    file = header_of("/x", header(), 8388608, 0)
    assert (file.status, file.machine_id, file.entries) == ("read", MACHINE, 3)
    assert (file.first, file.last) == (1795376728.991229, 1795378020.448839)


def test_a_journal_without_records_has_no_times():
    file = header_of("/x", header(0, 0, 0))
    assert (file.status, file.entries, file.first, file.last) == ("read", 0, None, None)


@pytest.mark.parametrize("data", [b"", header()[:207], header(signature=b"LPKSHHRX"), b"\0" * 208, b"\x1f\x8b" * 200])
def test_no_header(data):
    assert header_of("/x", data).status == "corrupt"


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("system.journal", True),
        ("system@0006-1.journal~", True),
        ("system@a-b-c.journal", True),
        ("user-1000.journal", False),
        ("user-1000@a.journal", False),
        ("system.journal.zst", False),
        ("notes", False),
    ],
)
def test_names(name, wanted):
    assert is_journal(name) is wanted


def test_files_one_level_deeper(tmp_path):
    deeper = tmp_path / MACHINE
    deeper.mkdir()
    (deeper / "system.journal").write_bytes(header())
    (tmp_path / "lone.journal").write_bytes(b"rubbish")
    os.mkfifo(str(tmp_path / "fifo.journal"))
    found = files_in(str(tmp_path), subdirectories=True)
    assert [(os.path.basename(f.path), f.status) for f in found] == [
        ("lone.journal", "corrupt"),
        ("system.journal", "read"),
    ]
    assert len(files_in(str(tmp_path))) == 1


def test_denied(monkeypatch):
    def refuse(*args):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert read_header("/x") == JournalFile("/x", "denied")
    assert check("/x") == Finding()


@pytest.mark.parametrize(
    "data", [b"", b"x" * 300, header(), header() + b"\xff" * 10000], ids=["empty", "rubbish", "head", "ones"]
)
def test_damage_never_raises(tmp_path, data):
    path = tmp_path / "system.journal"
    path.write_bytes(data)
    finding = check(str(path))
    assert finding.records in (None, 0)
    assert finding.damage or finding.records == 0
