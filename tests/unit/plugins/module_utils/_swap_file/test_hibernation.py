# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the machine hibernates into this file."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._swap_file.file_system import Mount
from ansible_collections.memops.linux.plugins.module_utils._swap_file.hibernation import (
    Resume,
    read_resume,
    resumes_here,
)

PAGE = 4096
EXT4 = Mount(1, "253:1", "/", "rw", "ext4", "/dev/none", "rw")

TOLD = [
    ("nothing", {}, None),
    ("a partition", {"proc/cmdline": "root=UUID=1 resume=UUID=2\n"}, None),
    ("a file", {"proc/cmdline": "ro resume=253:1 resume_offset=34816 quiet\n"}, Resume("253:1", 34816)),
    ("a device that is not there", {"proc/cmdline": "resume=UUID=2 resume_offset=34816\n"}, Resume(None, 34816)),
    ("the last word counts", {"proc/cmdline": "resume_offset=1 resume=253:1 resume_offset=7\n"}, Resume("253:1", 7)),
    ("only /sys", {"sys/power/resume": "8:2\n", "sys/power/resume_offset": "99\n"}, Resume("8:2", 99)),
    ("/sys is off", {"sys/power/resume": "0:0\n", "sys/power/resume_offset": "0\n", "proc/cmdline": "quiet\n"}, None),
    ("another word that ends so", {"proc/cmdline": "noresume_offset=5 xresume=8:2\n"}, None),
]


@pytest.mark.parametrize("files, expected", [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
def test_told(tmp_path, files, expected):
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert read_resume(Host(root=str(tmp_path))) == expected


HERE = [
    ("no hibernation", None, EXT4, 0, False),
    ("this file", Resume("253:1", 16), EXT4, 16 * PAGE, True),
    ("another file", Resume("253:1", 17), EXT4, 16 * PAGE, False),
    ("another device", Resume("8:2", 16), EXT4, 16 * PAGE, False),
    ("which device is not known", Resume(None, 16), EXT4, 16 * PAGE, True),
    ("where the file begins is not known", Resume("253:1", 16), EXT4, None, True),
    ("btrfs: addresses of its own", Resume("253:1", 16), EXT4._replace(fstype="btrfs"), 99 * PAGE, True),
    ("no mount", Resume("253:1", 16), None, 0, False),
]


@pytest.mark.parametrize("resume, mount, first, expected", [row[1:] for row in HERE], ids=[row[0] for row in HERE])
def test_here(tmp_path, resume, mount, first, expected):
    assert resumes_here(Host(root=str(tmp_path)), resume, mount, first, PAGE) == expected
