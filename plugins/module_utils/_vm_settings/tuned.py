# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tuned that runs here makes of vm settings: it starts after sysctl.d was read, and sets what its profile says.

Afterwards it sets what sysctl.d says again (``reapply_sysctl``, on by default), but only what stands in its section
``[sysctl]``.
"""

import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

from .keys import KEYS

#: The first one with the profile counts. tuned 2.23 added the two folders that end in profiles.
_FOLDERS = ("/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned")
_MAIN = "/etc/tuned/tuned-main.conf"
_SECTION = re.compile(r"^\[([^\]]+)\]$")
_PLAIN_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*\Z")
_DEPTH = 10


class TunedValue(NamedTuple):
    value: str
    path: str
    section: str


def profile(host: Host) -> Optional[str]:
    """The profile of a tuned that runs; None where none does."""
    if host.read("/run/tuned/tuned.pid") is None:
        return None
    return printable(to_text(host.read("/etc/tuned/active_profile") or b"").strip()[:200]) or None


def _lines(data: bytes) -> Iterator[Tuple[str, str, str]]:
    """Section, key and value of each assignment."""
    section = ""
    for line in to_text(data).splitlines():
        line = line.strip()
        head = _SECTION.match(line)
        key, equals, value = line.partition("=")
        if head:
            section = head.group(1)
        elif equals and line[0] not in "#;":
            yield section, key.strip(), value.strip()


def _read(host: Host, name: str) -> Tuple[str, bytes]:
    for folder in _FOLDERS:
        path = "%s/%s/tuned.conf" % (folder, name)
        data = host.read(path)
        if data is not None:
            return path, data
    return "", b""


def _of_profile(host: Host, name: str, depth: int = 0) -> Dict[str, TunedValue]:
    """What it includes first, then its own."""
    if depth > _DEPTH or not _PLAIN_NAME.match(name):
        return {}
    path, data = _read(host, name)
    lines = list(_lines(data))
    found = {}  # type: Dict[str, TunedValue]
    for section, key, value in lines:
        if (section, key) == ("main", "include"):
            for included in re.split(r"[\s,;]+", value):
                found.update(_of_profile(host, included.lstrip("-"), depth + 1))
    for section, key, value in lines:
        bare = re.sub(r"^vm[./]", "", key)
        if bare in KEYS and (section == "vm" or (section == "sysctl" and bare != key)):
            found[bare] = TunedValue(value, path, section)
    return found


def _reapplies(host: Host) -> bool:
    told = [value for _section, key, value in _lines(host.read(_MAIN) or b"") if key == "reapply_sysctl"]
    return not told or told[-1].lower() not in ("0", "false", "no", "off")


def final_values(host: Host) -> Dict[str, TunedValue]:
    """The settings that tuned sets after sysctl.d and leaves so."""
    names = (profile(host) or "").split()  # type: List[str]
    found = {}  # type: Dict[str, TunedValue]
    for name in names:
        found.update(_of_profile(host, name))
    again = _reapplies(host)
    return {key: value for key, value in found.items() if value.section == "vm" or not again}
