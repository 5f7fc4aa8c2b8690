# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file: its place, its attributes, other editors, errors of the disk. Many writers at once:
tests/fault/fstab_writers.py.
"""

import os
import resource
import signal
import stat
import struct
import threading

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import host_lock
from ansible_collections.memops.linux.plugins.module_utils._swap_file import fstab_exchange
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab import read, update, why_locked
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab, FstabError

ROOT_LINE = b"UUID=1 / ext4 defaults 0 1\n"
OURS = b"/swap none swap nofail 0 0\n"


def with_ours(table):
    return table.with_swap("/swap", "nofail")


@pytest.fixture
def etc(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    (folder / "fstab").write_bytes(ROOT_LINE)
    return folder


@pytest.fixture
def host(etc):
    return Host(root=str(etc.parent))


def test_there_and_gone_again(host, etc):
    change = update(host, with_ours)
    assert change.changed and change.before.data == ROOT_LINE
    assert (etc / "fstab").read_bytes() == change.after.data == ROOT_LINE + OURS
    before = os.stat(str(etc / "fstab"))
    assert not update(host, with_ours).changed
    assert os.stat(str(etc / "fstab")) == before
    assert update(host, lambda table: table.without_swap("/swap")).changed
    assert not update(host, lambda table: table.without_swap("/swap")).changed
    assert (etc / "fstab").read_bytes() == ROOT_LINE
    assert os.listdir(str(etc)) == ["fstab"]


def test_no_file(host, etc):
    (etc / "fstab").unlink()
    assert read(host).data == b""
    assert not update(host, lambda table: table.without_swap("/swap")).changed
    assert not (etc / "fstab").exists()
    update(host, with_ours)
    assert (etc / "fstab").read_bytes() == OURS
    assert stat.S_IMODE((etc / "fstab").stat().st_mode) == 0o644


def test_mode_owner_attributes_and_acl_stay(host, etc):
    acl = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, permission, number)
        for tag, permission, number in [
            (1, 6, 2**32 - 1),
            (2, 4, 1234),
            (4, 4, 2**32 - 1),
            (16, 4, 2**32 - 1),
            (32, 0, 2**32 - 1),
        ]
    )
    path = str(etc / "fstab")
    os.chmod(path, 0o640)
    os.setxattr(path, "user.note", b"mine")
    os.setxattr(path, "system.posix_acl_access", acl)
    if os.geteuid() == 0:
        os.chown(path, 0, 42)
    before = os.stat(path)
    assert update(host, with_ours).changed
    after = os.stat(path)
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(path, "user.note") == b"mine"
    assert os.getxattr(path, "system.posix_acl_access") == acl


def test_a_link_stays_a_link(host, etc):
    (etc / "tables").mkdir(mode=0o755)
    (etc / "fstab").rename(etc / "tables" / "real")
    (etc / "fstab").symlink_to("tables/real")
    assert update(host, with_ours).changed
    assert os.readlink(str(etc / "fstab")) == "tables/real"
    assert (etc / "tables" / "real").read_bytes() == ROOT_LINE + OURS


def test_a_store_is_read_and_not_written(host, etc):
    """NixOS: the store may be written by those who build, and its fstab goes with the next build."""
    store = etc.parent / "nix" / "store" / "x"
    store.mkdir(parents=True)
    (etc.parent / "nix" / "store").chmod(0o1775)
    (store / "fstab").write_bytes(ROOT_LINE)
    (etc / "fstab").unlink()
    (etc / "fstab").symlink_to("../nix/store/x/fstab")
    assert read(host).data == ROOT_LINE
    assert not update(host, lambda table: table.without_swap("/swap")).changed
    assert "/nix/store/x/fstab, which the next system build replaces; declare the swap file there" in why_locked(host)
    with pytest.raises(
        FstabError, match="/nix/store/x/fstab, which the next system build replaces; .* Nothing was written"
    ):
        update(host, with_ours)
    assert (store / "fstab").read_bytes() == ROOT_LINE


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda etc: (etc / "fstab").chmod(0o666), r"/etc/fstab may be written by others \(mode 0666\)"),
        (lambda etc: etc.chmod(0o777), r"/etc may be written by others \(mode 0777\)"),
        (lambda etc: ((etc / "fstab").unlink(), os.mkfifo(str(etc / "fstab"))), "not a regular file"),
        (lambda etc: ((etc / "fstab").unlink(), (etc / "fstab").symlink_to("/etc/fstab")), "leads out of"),
        (lambda etc: ((etc / "fstab").unlink(), (etc / "fstab").symlink_to("gone/fstab")), "there is no directory"),
    ],
)
def test_places_that_are_refused(host, etc, spoil, says):
    spoil(etc)
    with pytest.raises(FstabError, match=says):
        read(host)
    with pytest.raises(FstabError, match=says):
        update(host, with_ours)


def sed(path, text):
    """As sed -i: beside, then a rename."""
    (path.parent / "sed123").write_bytes(path.read_bytes() + text)
    (path.parent / "sed123").rename(path)


@pytest.mark.parametrize("in_place", [True, False])
def test_an_editor_between_our_read_and_our_rename_is_kept(host, etc, in_place):
    times = []

    def slow(table):
        wanted = with_ours(table)
        times.append(table.data)
        if len(times) == 1:
            if in_place:
                with open(str(etc / "fstab"), "ab") as stream:
                    stream.write(b"# edited\n")
            else:
                sed(etc / "fstab", b"# edited\n")
        return wanted

    change = update(host, slow)
    assert (etc / "fstab").read_bytes() == change.after.data == ROOT_LINE + b"# edited\n" + OURS


def test_an_editor_that_renames_over_ours_is_seen(host, etc, monkeypatch):
    import ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab as room

    waits = []

    def wait(seconds):  # the moment at which a slow editor puts back what it read before us
        waits.append(seconds)
        if len(waits) == 1:
            (etc / "fstab").write_bytes(ROOT_LINE + b"# edited\n")

    monkeypatch.setattr(room.time, "sleep", wait)
    assert update(host, with_ours).changed
    assert len(waits) == 2
    assert (etc / "fstab").read_bytes() == ROOT_LINE + b"# edited\n" + OURS


@pytest.mark.slow
def test_an_editor_that_never_stops(host, etc):
    def hopeless(table):
        wanted = with_ours(table)
        sed(etc / "fstab", b"#\n")
        return wanted

    with pytest.raises(FstabError, match="another program changed /etc/fstab each time"):
        update(host, hopeless)
    assert OURS not in (etc / "fstab").read_bytes()
    assert os.listdir(str(etc)) == ["fstab"]


def test_the_disk_takes_no_more(host, etc):
    """A real short write: EFBIG where a full disk says ENOSPC."""
    (etc / "fstab").write_bytes(ROOT_LINE * 100)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(
            FstabError,
            match="/etc/fstab could not be changed: .*: File too large; raise the limit .*It was left as it is.",
        ):
            update(host, with_ours)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (etc / "fstab").read_bytes() == ROOT_LINE * 100
    assert os.listdir(str(etc)) == ["fstab"]


def test_a_bug_of_ours_does_not_reach_the_disk(host, etc):
    with pytest.raises(FstabError, match="bug of memops.linux"):
        update(host, lambda table: Fstab(b"", frozenset([b"/swap"])))
    assert (etc / "fstab").read_bytes() == ROOT_LINE


def test_what_a_killed_run_left_goes(host, etc):
    (etc / ".fstab.memops~").write_bytes(b"half")
    assert not update(host, lambda table: table.without_swap("/swap")).changed
    assert os.listdir(str(etc)) == ["fstab"]


def test_under_the_lock_of_the_caller(host, etc):
    with host_lock(host):
        assert update(host, with_ours, locked=True).changed
    assert (etc / "fstab").read_bytes() == ROOT_LINE + OURS


def at_the_exchange(monkeypatch, act, calls=1):
    """Somebody acts right before the exchange, when the last look is over: no test can be as fast as that without a
    mock.
    """
    real, counted = fstab_exchange.syscalls.exchange, []

    def exchange(folder, one, other):
        counted.append(one)
        if len(counted) <= calls:
            act()
        return real(folder, one, other)

    monkeypatch.setattr(fstab_exchange.syscalls, "exchange", exchange)
    return counted


@pytest.mark.parametrize("in_place", [True, False], ids=["appended", "renamed"])
def test_an_edit_between_the_last_look_and_the_exchange_gets_its_name_back(host, etc, monkeypatch, in_place):
    def act():
        if in_place:
            with open(str(etc / "fstab"), "ab") as stream:
                stream.write(b"# edited\n")
        else:
            sed(etc / "fstab", b"# edited\n")

    counted = at_the_exchange(monkeypatch, act)
    assert update(host, with_ours).changed
    assert len(counted) == 3  # there, back, and there again
    assert (etc / "fstab").read_bytes() == ROOT_LINE + b"# edited\n" + OURS
    assert os.listdir(str(etc)) == ["fstab"]


def test_who_has_the_old_file_open_is_waited_for_and_their_line_is_carried_over(host, etc, monkeypatch):
    holder = open(str(etc / "fstab"), "ab", buffering=0)  # noqa: SIM115 -- closed in a thread
    late = threading.Timer(0.1, lambda: (holder.write(b"# late\n"), holder.close()))
    at_the_exchange(monkeypatch, late.start)
    update(host, with_ours)
    late.join()
    assert sorted((etc / "fstab").read_bytes().splitlines(True)) == sorted([ROOT_LINE, b"# late\n", OURS])


def test_an_edit_that_an_editor_took_away_again_comes_back(host, etc, monkeypatch):
    """It had read ours in the moment before the exchange was taken back."""
    import ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab as room

    at_the_exchange(monkeypatch, lambda: sed(etc / "fstab", b"# edited\n"))
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 1:
            (etc / "fstab").write_bytes(ROOT_LINE + OURS + b"# another\n")

    monkeypatch.setattr(room.time, "sleep", wait)
    update(host, with_ours)
    assert sorted((etc / "fstab").read_bytes().splitlines(True)) == sorted(
        [ROOT_LINE, b"# edited\n", b"# another\n", OURS]
    )


@pytest.mark.parametrize("answer", [None, 38, 22], ids=["no call", "ENOSYS", "EINVAL"])
def test_where_nothing_can_be_exchanged_it_is_renamed(host, etc, monkeypatch, answer):
    monkeypatch.setattr(fstab_exchange.syscalls, "exchange", lambda folder, one, other: answer)
    assert update(host, with_ours).changed
    assert (etc / "fstab").read_bytes() == ROOT_LINE + OURS
    assert os.listdir(str(etc)) == ["fstab"]


def test_the_kernel_exchanges_by_name_and_by_number(tmp_path, monkeypatch):
    from ansible_collections.memops.linux.plugins.module_utils._swap_file import syscalls

    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    folder = os.open(str(tmp_path), os.O_RDONLY)
    real = syscalls._call
    try:
        assert syscalls.exchange(folder, "a", "b") == 0
        monkeypatch.setattr(syscalls, "_call", lambda name, *rest: None if name == "renameat2" else real(name, *rest))
        assert (tmp_path / "a").read_text() == "2"
        assert syscalls.exchange(folder, "a", "b") == 0
    finally:
        os.close(folder)
    assert (tmp_path / "a").read_text() == "1"
