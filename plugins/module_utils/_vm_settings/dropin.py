# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own file of sysctl.d: bytes in, bytes out."""

from typing import Iterable, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .keys import KEYS, MODE, Settings
from .precedence import parse

_HEAD = "# Written by the Ansible module memops.linux.vm_settings.\n"


def settings_in(data: Optional[bytes]) -> Settings:
    """What our file sets; lines that are not ours (somebody wrote them into it) are not told."""
    found = {}  # type: Settings
    for key, value in parse(to_text(data or b"")):
        name = key[3:] if key.startswith("vm/") else ""
        if name in KEYS and value is not None and value.isdigit():
            found[name] = int(value)
    return found


def _lines_of_others(data: Optional[bytes]) -> List[str]:
    """Comments and settings that somebody else wrote into our file: kept."""
    kept = []  # type: List[str]
    for line in to_text(data or b"").split("\n"):
        keys = [key for key, _value in parse(line)]
        if line.strip() and line + "\n" != _HEAD and not (keys and keys[0].startswith("vm/") and keys[0][3:] in KEYS):
            kept.append(line + "\n")
    return kept


def edited(data: Optional[bytes], wanted: Settings, gone: Iterable[str]) -> Optional[bytes]:
    """The file with these settings and without those; None: no file is needed. The same bytes where it says so
    already.
    """
    before = settings_in(data)
    after = {key: value for key, value in before.items() if key not in set(gone)}
    after.update(wanted)
    if after == before and (data is None) == (not after):
        return data
    others = _lines_of_others(data)
    if not after and not [line for line in others if not line.lstrip().startswith(("#", ";"))]:
        return None
    # the mode last: when it forbids overcommitment, the limit has to be there already
    lines = ["vm.%s = %d\n" % (key, after[key]) for key in sorted(after, key=lambda key: (key == MODE, key))]
    return (_HEAD + "".join(others + lines)).encode("utf-8", "surrogateescape")
