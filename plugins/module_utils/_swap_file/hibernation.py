# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this file where the machine's memory goes when it hibernates? A new file is elsewhere on the disk, and the next
wake-up fails.
"""

import os
import re
from typing import NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host

from .file_system import Mount

_WORD = r"(?:^|\s)%s=(\S+)"
_BY = {"UUID": "by-uuid", "PARTUUID": "by-partuuid", "LABEL": "by-label", "PARTLABEL": "by-partlabel"}


class Resume(NamedTuple):
    """device -- major:minor, None where it cannot be known. offset -- in pages from the start of the device; 0 is a
    partition
    """

    device: Optional[str]
    offset: int


def _number_of(path: str) -> Optional[str]:
    try:
        number = os.stat(path).st_rdev
    except OSError:
        return None
    return "%d:%d" % (os.major(number), os.minor(number)) if number else None


def _resolve(host: Host, spec: str) -> Optional[str]:
    tag, equals, value = spec.partition("=")
    if equals and tag in _BY:
        return _number_of(host.path("/dev/disk/%s/%s" % (_BY[tag], value.strip('"'))))
    if spec.startswith("/"):
        return _number_of(host.path(spec))
    return spec if re.match(r"\d+:\d+$", spec) else None


def read_resume(host: Host) -> Optional[Resume]:
    """What the kernel was told, in /sys or on its command line; None where nothing points into a file."""
    line = (host.read("/proc/cmdline") or b"").decode("utf-8", "replace")
    told = re.findall(_WORD % "resume", line)
    device = (host.read("/sys/power/resume") or b"").decode("ascii", "replace").strip()
    if device in ("", "0:0"):
        device = _resolve(host, told[-1]) or "" if told else ""
    offset = (host.read("/sys/power/resume_offset") or b"").decode("ascii", "replace").strip()
    if offset in ("", "0"):
        offset = (re.findall(_WORD % "resume_offset", line) or ["0"])[-1]
    return Resume(device or None, int(offset)) if offset.isdigit() and int(offset) else None


def resumes_here(host: Host, resume: Optional[Resume], mount: Optional[Mount], first: Optional[int], page: int) -> bool:
    """first -- byte of the device where the file begins. What cannot be known counts as the same."""
    if resume is None or mount is None:
        return False
    device = _number_of(host.path(mount.source)) or mount.device
    if resume.device is not None and resume.device != device:
        return False
    # btrfs has addresses of its own, which are not those of the device
    return mount.fstype == "btrfs" or first is None or first // page == resume.offset
