# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/proc/swaps as kernels print it."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._swap_file import areas as room
from ansible_collections.memops.linux.plugins.module_utils._swap_file.areas import (
    Area,
    area_of,
    identify,
    parse_swaps,
    read_areas,
    tell_apart,
)

HEAD = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
K = 1024

SWAPS = [
    ("no swap", HEAD, []),
    ("empty: something covers it", b"", None),
    ("no head", b"/swapfile file 1 0 1\n", None),
    (
        "6.18: a blank, a tab, a newline and a backslash in the name",
        HEAD + b"/mnt/a\\040b\\011c\\012d\\134e                  file\t\t65512\t\t0\t\t10\n",
        [Area("/mnt/a b\tc\nd\\e", "file", 65512 * K, 0, 10)],
    ),
    (
        "3.10: partition and file, a negative priority",
        HEAD
        + b"/dev/dm-1                               partition\t2097148\t264\t-1\n"
        + b"/swapfile                               file\t1048572\t1024\t-2\n",
        [
            Area("/dev/dm-1", "partition", 2097148 * K, 264 * K, -1),
            Area("/swapfile", "file", 1048572 * K, 1024 * K, -2),
        ],
    ),
    (
        "a name that is not UTF-8",
        HEAD + b"/sw\xff file\t\t1020\t\t0\t\t-2\n",
        [Area("/sw\udcff", "file", 1020 * K, 0, -2)],
    ),
    ("a line that nobody knows", HEAD + b"/swapfile file x 0 1\n", None),
    ("a line that is cut", HEAD + b"/b file 1 2\n", None),
]


@pytest.mark.parametrize("data, expected", [row[1:] for row in SWAPS], ids=[row[0] for row in SWAPS])
def test_lines(data, expected):
    assert parse_swaps(data) == expected


def test_a_removed_file_is_told_from_one_that_is_called_so():
    areas = [
        Area("/a (deleted)", "file", K, 0, 1),
        Area("/b (deleted)", "file", K, 0, 1),
        Area("/dev/vdb", "partition", K, 0, 1),
    ]
    found = identify(areas, {"/b (deleted)": (1, 2), "/dev/vdb": (0, 5)}.get)
    assert [(area.path, area.deleted, area.identity) for area in found] == [
        ("/a", True, None),
        ("/b (deleted)", False, (1, 2)),
        ("/dev/vdb", False, None),
    ]
    assert area_of(found, (1, 2)) is found[1]
    assert area_of(found, None) is None and area_of(found, (0, 5)) is None


def test_free_is_never_negative():
    assert Area("/a", "file", 10, 4, 1).free == 6
    assert Area("/a", "file", 4, 10, 1).free == 0


def test_the_same_inode_by_another_name(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "in_use", lambda fd: True)  # nothing is swapped to in a unit test
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "swaps").write_bytes(HEAD + b"/swapfile file 4 0 1\n")
    (tmp_path / "swapfile").write_bytes(b"")
    (tmp_path / "link").symlink_to("swapfile")
    status = (tmp_path / "link").stat()
    (area,) = read_areas(Host(root=str(tmp_path)))
    assert area.identity == (status.st_dev, status.st_ino)


def test_a_file_of_that_name_that_is_not_in_use_is_another_one(tmp_path):
    """swapon in a container shows the name that the file has there."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "swaps").write_bytes(HEAD + b"/swapfile file 4 0 1\n")
    (tmp_path / "swapfile").write_bytes(b"data")
    before = (tmp_path / "swapfile").stat()
    (area,) = read_areas(Host(root=str(tmp_path)))
    assert area.identity is None and not area.deleted
    assert (tmp_path / "swapfile").stat()[:9] == before[:9]


def test_two_of_one_name():
    ours, theirs = Area("/a", "file", 1020 * K, 0, 1, identity=(1, 2)), Area(
        "/a", "file", 4092 * K, 0, 5, identity=(1, 2)
    )
    other = Area("/b", "file", 1020 * K, 0, 1, identity=(1, 3))
    unknown = Area("/dev/vdb", "partition", K, 0, 1)
    found = tell_apart([theirs, ours, other, unknown], lambda path: 1024 * K)
    assert found == [theirs._replace(identity=None), ours, other, unknown]


def test_kernels_that_do_not_tell(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    with (tmp_path / "file").open("r+b") as handle:
        assert room.in_use(handle.fileno()) is False
        monkeypatch.setattr(room.os, "uname", lambda: type("Uname", (), {"release": "3.10.0-1160.el7.x86_64"}))
        assert room.in_use(handle.fileno()) is None


def test_no_proc_is_no_answer(tmp_path):
    with pytest.raises(ExecutionError, match="/proc/swaps cannot be read"):
        read_areas(Host(root=str(tmp_path)))
