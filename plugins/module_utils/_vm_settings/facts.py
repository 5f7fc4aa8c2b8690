# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vm settings will be after the next boot, and which of them only /etc/sysctl.conf sets where nothing reads it."""

from typing import Any, Dict

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

from .keys import KEYS
from .precedence import Word, boot_files, last_word, parse, words

OLD = "/etc/sysctl.conf"


def _value(word: Word) -> Any:
    """A number where it is one."""
    return int(word.value) if word.value.isdigit() and len(word.value) < 20 else printable(word.value[:200])


def settings_at_boot(host: Host) -> Dict[str, Any]:
    """values -- setting -> value and file that has the last word; a setting that no file names is not there.

    ignored -- setting -> the file that sets it and that nothing reads
    """
    said = words(host)
    values = {}  # type: Dict[str, Dict[str, Any]]
    for key in KEYS:
        word = last_word(said, key)
        if word is not None:
            values[key] = {"value": _value(word), "file": printable(word.where)}
    ignored = {}  # type: Dict[str, str]
    data = host.read(OLD)
    if data is not None and not any(OLD in (path, target) for path, target in boot_files(host)):
        for key, value in parse(to_text(data)):
            name = key[3:] if key.startswith("vm/") else ""
            if name in KEYS and value:
                ignored[name] = OLD
    return {"values": values, "ignored": ignored}
