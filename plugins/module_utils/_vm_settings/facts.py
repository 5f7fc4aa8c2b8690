# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vm settings will be after the next boot, and which of them only /etc/sysctl.conf sets where nothing reads
it.
"""

from typing import Any, Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

from .keys import KEYS
from .precedence import Assignment, assignments, boot_files, effective_assignment, files, masked, parse

OLD = "/etc/sysctl.conf"


def _value(word: Assignment) -> Any:
    """A number where it is one."""
    return int(word.value) if word.value.isdigit() and len(word.value) < 20 else printable(word.value[:200])


def _vm_names(data: Optional[bytes]) -> List[str]:
    """The settings of ours that the lines of a file set."""
    lines = parse(to_text(data or b""))
    return [key[3:] for key, value in lines if value and key.startswith("vm/") and key[3:] in KEYS]


def settings_at_boot(host: Host) -> Dict[str, Any]:
    """values -- setting -> value and file that has the last word; a setting that no file names is not there.

    ignored -- setting -> the file that sets it and that nothing reads; where systemd-sysctl is masked that is none of
        them
    """
    assigned = assignments(host)
    values = {}  # type: Dict[str, Dict[str, Any]]
    for key in KEYS:
        word = effective_assignment(assigned, key)
        if word is not None:
            values[key] = {"value": _value(word), "file": printable(word.where)}
    ignored = {}  # type: Dict[str, str]
    if masked(host) is not None:
        for path, _target in files(host):
            ignored.update({name: printable(path) for name in _vm_names(host.read(path))})
    data = host.read(OLD)
    if data is not None and not any(OLD in (path, target) for path, target in boot_files(host)):
        ignored.update({name: OLD for name in _vm_names(data)})
    return {"values": values, "ignored": ignored}
