# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has the name: our own link to the bridge is told from every other link. The rest is seen in
tests/fault/swap_life.py.
"""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab
from ansible_collections.memops.linux.plugins.module_utils._swap_file.state import read_state

LINKS = [
    ("ours", ".swapfile.memops-bridge", True),
    ("of another file", ".other.memops-bridge", False),
    ("with a folder", "./.swapfile.memops-bridge", False),
    ("to data", "data", False),
]


@pytest.mark.parametrize("leads_to, ours", [row[1:] for row in LINKS], ids=[row[0] for row in LINKS])
@pytest.mark.parametrize("name", ["swapfile", ".swapfile.memops-half"])
def test_a_link(tmp_path, name, leads_to, ours):
    (tmp_path / name).symlink_to(leads_to)
    with Folder(os.open(str(tmp_path), os.O_RDONLY), str(tmp_path)) as folder:
        now = read_state(Host(), folder, str(tmp_path / "swapfile"), Fstab(b""), None)
    if name == "swapfile":
        assert now.links_to_temporary == ours
        assert now.file is None if ours else now.file.special == "a symbolic link"
    else:
        assert (now.partial.links_to_temporary, now.partial.special) == (
            ours,
            None if ours else "a symbolic link",
        ) and not now.links_to_temporary


def test_no_file_and_a_file_are_no_link(tmp_path):
    with Folder(os.open(str(tmp_path), os.O_RDONLY), str(tmp_path)) as folder:
        assert not read_state(Host(), folder, str(tmp_path / "swapfile"), Fstab(b""), None).links_to_temporary
        (tmp_path / "swapfile").write_bytes(b".swapfile.memops-bridge")
        now = read_state(Host(), folder, str(tmp_path / "swapfile"), Fstab(b""), None)
    assert not now.links_to_temporary and now.file.size == 23 and now.file.signature is None
