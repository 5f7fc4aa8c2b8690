# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in a few words, for tests of the plan and of what is refused."""

from ansible_collections.memops.linux.plugins.module_utils._swap_file.areas import Area
from ansible_collections.memops.linux.plugins.module_utils._swap_file.file_system import Disk, Mount
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab
from ansible_collections.memops.linux.plugins.module_utils._swap_file.headroom import Memory
from ansible_collections.memops.linux.plugins.module_utils._swap_file.plan import Target
from ansible_collections.memops.linux.plugins.module_utils._swap_file.signature import Signature
from ansible_collections.memops.linux.plugins.module_utils._swap_file.state import SwapFile, SwapState

M, G = 1 << 20, 1 << 30
PAGE = 4096
PATH = "/swapfile"
BRIDGE = "/.swapfile.memops-bridge"
LINE = b"/swapfile none swap nofail,pri=10 0 0\n"
FSTAB = b"/dev/vda1 / ext4 defaults 0 1\n"
ROOT_FS = Mount(21, "253:1", "/", "rw", "ext4", "/dev/vda1", "rw")
WANTED = Target(size=2 * G, priority=10, options="nofail,pri=10")
ABSENT = Target(present=False)
OURS = FSTAB + LINE


def swap_file(size=2 * G, inode=12, **changes):
    found = SwapFile(size, 0o600, 0, 1, (2, inode), signature=Signature("swap", PAGE, 1, size), first=64 * M)
    return found._replace(**changes)


def area(size=2 * G, inode=12, used=0, priority=10, path=PATH):
    return Area(path, "file", size - PAGE, used, priority, identity=(2, inode))


def state(file=None, area=None, temporary=None, temporary_area=None, fstab=FSTAB, others=(), **changes):
    areas = [one for one in (area, temporary_area) + tuple(others) if one is not None]
    now = SwapState(
        PATH, PAGE, areas, Memory(4 * G, 3 * G), Fstab(fstab), folder=True, file=file, area=area, temporary=temporary, temporary_area=temporary_area,
        mount=ROOT_FS, disk=Disk(50 * G, 30 * G), systemd=True,
    )  # fmt: skip
    return now._replace(**changes)
