# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder, UnsafePath, open_folder, read_only


@pytest.fixture(name="place")
def fixture_place(tmp_path: Path) -> Path:
    """A folder whose parents belong to us: /tmp itself may be written by all, so it is the root of the walk."""
    tmp_path.chmod(0o755)
    return tmp_path


def sticky(place: Path, path: str) -> Folder:
    found = open_folder(path, create=True, root=str(place), sticky=True)
    assert found is not None
    return found


def opened(place: Path, path: str, create: bool = False) -> Folder:
    found = open_folder(path, create=create, root=str(place))
    assert found is not None
    return found


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_modes_are_ours_whatever_umask_says(place: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with opened(place, "/etc/x.service.d", create=True) as target:
            target.replace("50-a.conf", b"x\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE((place / "etc/x.service.d").stat().st_mode) == 0o755
    assert stat.S_IMODE((place / "etc/x.service.d/50-a.conf").stat().st_mode) == 0o644


def test_replace_keeps_mode_and_attributes_of_the_earlier_file(place: Path) -> None:
    (place / "fstab").write_bytes(b"old")
    (place / "fstab").chmod(0o640)
    with opened(place, "/") as target:
        before = target.read("fstab")
        assert before is not None and before.data == b"old"
        target.replace("fstab", b"new", like=before)
    assert (place / "fstab").read_bytes() == b"new"
    assert stat.S_IMODE((place / "fstab").stat().st_mode) == 0o640


@pytest.mark.parametrize("flags, expected", [(os.ST_RDONLY | os.ST_NOSUID, True), (os.ST_NOSUID, False)])
def test_read_only_is_asked_of_the_nearest_folder_that_is_there(
    place: Path, monkeypatch: pytest.MonkeyPatch, flags: int, expected: bool
) -> None:
    """Mocked: a mount needs a namespace; a real one is in tests/fault/swap_refusals.py."""
    real = os.statvfs

    def mounted(path: str) -> os.statvfs_result:
        return os.statvfs_result((*tuple(real(path))[:8], flags, 255))

    monkeypatch.setattr(os, "statvfs", mounted)
    assert read_only(str(place / "no" / "such")) is expected
    assert read_only(str(place)) is expected


def test_who_else_could_change_it_is_named(place: Path) -> None:
    (place / "fstab").write_bytes(b"")
    (place / "fstab").chmod(0o664)
    with opened(place, "/") as target:
        with pytest.raises(UnsafePath, match=r"^/fstab may be written by others \(mode 0664\)$"):
            target.read("fstab")
        if os.geteuid() == 0:
            (place / "fstab").chmod(0o600)
            os.chown(str(place / "fstab"), 1234, 0)
            with pytest.raises(UnsafePath, match="^/fstab belongs to user 1234$"):
                target.read("fstab")


def test_what_is_not_there(place: Path) -> None:
    assert open_folder("/no/such", root=str(place)) is None
    with opened(place, "/") as target:
        assert target.read("nothing") is None
        assert not target.remove("nothing")
        assert not target.remove_folder("nothing")


def test_links_are_refused(place: Path) -> None:
    (place / "real").mkdir(mode=0o755)
    (place / "link").symlink_to("real")
    (place / "real/file").symlink_to("/etc/passwd")
    with pytest.raises(UnsafePath, match="/link is a symbolic link"):
        open_folder("/link", root=str(place))
    with opened(place, "/real") as target, pytest.raises(UnsafePath, match="symbolic link"):
        target.read("file")


def test_a_fifo_does_not_block(place: Path) -> None:
    os.mkfifo(str(place / "pipe"))
    with opened(place, "/") as target, pytest.raises(UnsafePath, match="not a regular file"):
        target.read("pipe")


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777])
def test_a_folder_that_others_may_write_is_refused(place: Path, mode: int) -> None:
    (place / "open").mkdir()
    (place / "open").chmod(mode)
    with pytest.raises(UnsafePath, match="/open"):
        open_folder("/open", root=str(place))


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_no_way_leads_through_it(place: Path, mode: int) -> None:
    (place / "open").mkdir()
    (place / "open").chmod(mode)
    with pytest.raises(UnsafePath, match="/open"):
        open_folder("/open/inner", create=True, root=str(place))
    assert not list((place / "open").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of root's is needed")
def test_a_sticky_folder_of_root_may_be_passed(place: Path) -> None:
    (place / "run").mkdir()
    (place / "run").chmod(0o1777)
    with pytest.raises(UnsafePath, match="/run "):
        open_folder("/run/memops", create=True, root=str(place))
    with sticky(place, "/run/memops") as target:
        target.replace("lock", b"")
    (place / "run/memops/lock").unlink()
    (place / "run/memops").chmod(0o777)
    with pytest.raises(UnsafePath, match="/run/memops"):
        open_folder("/run/memops", root=str(place), sticky=True)


@pytest.mark.parametrize("path", ["/../x", "/a/../../x"])
def test_no_way_up(place: Path, path: str) -> None:
    with pytest.raises(UnsafePath):
        open_folder(path, create=True, root=str(place / "."))


def test_the_leftover_of_a_killed_run_is_taken(place: Path) -> None:
    with opened(place, "/") as target:
        (place / Folder.temporary("a.conf")).write_bytes(b"half")
        target.replace("a.conf", b"whole")
        assert target.names() == ["a.conf"]


def test_the_temporary_name_is_one_that_systemd_does_not_load() -> None:
    assert not Folder.temporary("50-memops.conf").endswith(".conf")
    assert Folder.temporary("x").startswith(".")


def test_an_error_leaves_the_earlier_bytes_and_nothing_else(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "a").write_bytes(b"old")
    (place / "a").chmod(0o644)

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with opened(place, "/") as target:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            target.replace("a", b"new")
        monkeypatch.undo()
        assert target.names() == ["a"]
    assert (place / "a").read_bytes() == b"old"


def test_only_an_empty_folder_is_removed(place: Path) -> None:
    with opened(place, "/d", create=True) as target:
        target.replace("a", b"")
    with opened(place, "/") as above:
        assert not above.remove_folder("d")
        (place / "d/a").unlink()
        assert above.remove_folder("d")
