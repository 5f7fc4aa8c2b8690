# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: the settings of the running kernel, and our file. Read only."""

import re
from typing import NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder, open_folder
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .keys import KEYS, Live
from .precedence import FOLDER, NAME

VM = "/proc/sys/vm/"


class VmState(NamedTuple):
    """live -- of all settings that this kernel has; conf -- our file"""

    live: Live
    conf: Optional[bytes] = None


def read_number(host: Host, path: str) -> Optional[int]:
    text = to_text(host.read(path) or b"").strip()
    return int(text) if re.match(r"^-?\d{1,20}\Z", text) else None


def open_sysctl_folder(host: Host, create: bool = False) -> Optional[Folder]:
    return open_folder(FOLDER, create=create, root=host.root)


def read_conf(host: Host) -> Optional[bytes]:
    folder = open_sysctl_folder(host)
    if folder is None:
        return None
    with folder:
        found = folder.read(NAME)
        return found.data if found is not None else None


def read_state(host: Host) -> VmState:
    """Raises UnsafePath and OSError for our file only: a setting that cannot be read is None."""
    return VmState({key: read_number(host, VM + key) for key in KEYS}, read_conf(host))
