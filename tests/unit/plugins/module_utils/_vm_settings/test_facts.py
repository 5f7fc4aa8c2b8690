# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vm settings will be after a boot, and what /etc/sysctl.conf says to nobody."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.facts import settings_at_boot

OLD = "etc/sysctl.conf"
CASES = [
    ("nothing", {}, True, {}, {}),
    (
        "a file",
        {"etc/sysctl.d/a.conf": "vm.swappiness=10\n"},
        True,
        {"swappiness": {"value": 10, "file": "/etc/sysctl.d/a.conf"}},
        {},
    ),
    ("Debian 13: no link", {OLD: "vm.swappiness=10\nkernel.panic=1\n"}, True, {}, {"swappiness": "/etc/sysctl.conf"}),
    (
        "Debian 12: a link",
        {OLD: "vm.swappiness=10\n", "etc/sysctl.d/99-sysctl.conf": "-> ../sysctl.conf"},
        True,
        {"swappiness": {"value": 10, "file": "/etc/sysctl.d/99-sysctl.conf (a link to /etc/sysctl.conf)"}},
        {},
    ),
    ("another init", {OLD: "vm.swappiness=10\n"}, False, {"swappiness": {"value": 10, "file": "/etc/sysctl.conf"}}, {}),
    ("comments only", {OLD: "#vm.swappiness=10\n-vm.swappiness\n"}, True, {}, {}),
    (
        "no number",
        {"etc/sysctl.d/a.conf": "vm.swappiness=\x1bten\n"},
        True,
        {"swappiness": {"value": "\\x1bten", "file": "/etc/sysctl.d/a.conf"}},
        {},
    ),
]


@pytest.mark.parametrize(
    "files, systemd, values, ignored", [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_settings_at_boot(tmp_path, files, systemd, values, ignored):
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            target.symlink_to(text[3:])
        else:
            target.write_text(text)
    if systemd:
        (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert settings_at_boot(Host(root=str(tmp_path))) == {"values": values, "ignored": ignored}
