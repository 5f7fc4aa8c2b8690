# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swap on and off where the C library cannot be called: commands that lack options, and exit codes that say nothing.

The real calls run in tests/fault/swap_life.py; here swapon is a script, because busybox without -p is not installed
everywhere.
"""

import errno

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
from ansible_collections.memops.linux.plugins.module_utils._swap_file import activate as room
from ansible_collections.memops.linux.plugins.module_utils._swap_file import areas

HEAD = "Filename Type Size Used Priority\n"


class Machine(object):
    """Commands as given; what they do to /proc/swaps is written beforehand."""

    def __init__(self, root, answers):
        self.root = root
        self.calls = []
        self.answers = answers
        (root / "proc").mkdir()
        (root / "swapfile").write_bytes(b"")
        self.swaps("")
        self.host = Host(root=str(root), run=self.run)

    def swaps(self, lines):
        (self.root / "proc" / "swaps").write_text(HEAD + lines)

    def run(self, argv, timeout=90):
        self.calls.append(argv[:-1])
        ran, lines = self.answers.pop(0)
        if lines is not None:
            self.swaps(lines)
        return ran


ON = "/swapfile file 1020 0 10\n"
LOW = "/swapfile file 1020 0 -2\n"


@pytest.fixture(autouse=True)
def everything_is_in_use(monkeypatch):
    monkeypatch.setattr(areas, "in_use", lambda fd: None)


@pytest.fixture
def no_libc(monkeypatch):
    monkeypatch.setattr(room.syscalls, "swapon", lambda path, flags: None)
    monkeypatch.setattr(room.syscalls, "swapoff", lambda path: None)


def test_by_command(tmp_path, no_libc):
    machine = Machine(tmp_path, [(Ran(0), ON)])
    assert room.activate(machine.host, "/swapfile", 10, "once").priority == 10
    assert machine.calls == [["swapon", "-p", "10", "--discard=once"]]


def test_an_exit_code_of_0_proves_nothing(tmp_path, no_libc):
    machine = Machine(tmp_path, [(Ran(0), None)])
    with pytest.raises(ExecutionError, match="does not swap to /swapfile: it gave no reason"):
        room.activate(machine.host, "/swapfile", None, None)


def test_busybox_without_a_priority(tmp_path, no_libc):
    machine = Machine(tmp_path, [(Ran(1, stderr="swapon: invalid option -- 'p'"), LOW)])
    with pytest.raises(ExecutionError, match="active with priority -2, not 10: swapon: invalid option"):
        room.activate(machine.host, "/swapfile", 10, None)


def test_the_error_number_comes_along(tmp_path, monkeypatch):
    monkeypatch.setattr(room.syscalls, "swapon", lambda path, flags: errno.EINVAL)
    machine = Machine(tmp_path, [])
    with pytest.raises(ExecutionError, match="Invalid argument") as caught:
        room.activate(machine.host, "/swapfile", None, None)
    assert caught.value.errno == errno.EINVAL


def test_busy_is_active(tmp_path, monkeypatch):
    monkeypatch.setattr(room.syscalls, "swapon", lambda path, flags: errno.EBUSY)
    machine = Machine(tmp_path, [])
    machine.swaps(ON)
    assert room.activate(machine.host, "/swapfile", 10, None).size == 1020 * 1024


def test_flags():
    assert room.flags_of(None, None) == 0
    assert room.flags_of(0, None) == 0x8000
    assert room.flags_of(32767, "true") == 0x1FFFF
    assert room.flags_of(None, "once") == 0x30000
    assert room.flags_of(1, "pages") == 0x58001


def test_off(tmp_path):
    machine = Machine(tmp_path, [(Ran(0), "")])
    machine.swaps(ON)
    room.deactivate(machine.host, "/swapfile")
    assert machine.calls == [["swapoff"]]


@pytest.mark.parametrize(
    "ran", [Ran(0), Ran(255, stderr="swapoff: failed"), Ran(None, stderr="swapoff did not end within 1800 s")]
)
def test_off_that_was_not(tmp_path, ran):
    machine = Machine(tmp_path, [(ran, "/swapfile file 1020 512 10\n")])
    machine.swaps(ON)
    with pytest.raises(ExecutionError, match="still in use and holds 512 KiB: swapoff"):
        room.deactivate(machine.host, "/swapfile")


def test_off_without_the_command(tmp_path, monkeypatch):
    machine = Machine(tmp_path, [(Ran(None, stderr="swapoff could not be started: No such file or directory"), None)])
    machine.swaps(ON)
    monkeypatch.setattr(room.syscalls, "swapoff", lambda path: machine.swaps("") or 0)
    room.deactivate(machine.host, "/swapfile")
