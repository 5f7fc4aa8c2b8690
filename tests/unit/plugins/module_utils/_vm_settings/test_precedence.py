# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has the last word at boot. That systemd-sysctl agrees is shown in the molecule scenario swap."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.precedence import (
    OURS,
    assignments,
    boot_files,
    effective_assignment,
    normal,
    parse,
    shadow,
)


@pytest.mark.parametrize(
    "given, key",
    [
        ("vm.swappiness", "vm/swappiness"),
        ("vm/swappiness", "vm/swappiness"),
        ("/vm/swappiness", "vm/swappiness"),
        ("net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"),
        ("net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"),
        ("plain", "plain"),
    ],
)
def test_normal(given, key):
    assert normal(given) == key


def test_lines():
    text = "# vm.a=1\n;vm.a=1\n\n vm.swappiness = 10 \nvm/swappiness=11\n-vm.page-cluster = 0\n-vm.x\nnonsense\nvm.b==1\nvm.c=\n"
    assert list(parse(text)) == [
        ("vm/swappiness", "10"),
        ("vm/swappiness", "11"),
        ("vm/page-cluster", "0"),
        ("vm/x", None),
        ("vm/b", "=1"),
        ("vm/c", ""),
    ]


def host_of(tmp_path, files, systemd=True):
    for path, text in files.items():
        target = tmp_path / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            target.symlink_to(text[3:])
        else:
            target.write_text(text)
    if systemd:
        (tmp_path / "run/systemd/system").mkdir(parents=True)
    return Host(root=str(tmp_path))


MINE = "vm.swappiness = 10\n"
DEBIAN = "/etc/sysctl.d/99-sysctl.conf"
CASES = [
    ("ours alone", {}, True, None, "10"),
    ("an earlier one", {"/usr/lib/sysctl.d/50-default.conf": "vm.swappiness=60"}, True, None, "10"),
    (
        "a later one",
        {"/usr/lib/sysctl.d/95-vendor.conf": "vm.swappiness=60"},
        True,
        "/usr/lib/sysctl.d/95-vendor.conf",
        "60",
    ),
    ("a later one that says the same", {"/usr/lib/sysctl.d/95-vendor.conf": "vm.swappiness=10"}, True, None, "10"),
    (
        "a later one, masked",
        {"/usr/lib/sysctl.d/95-v.conf": "vm.swappiness=60", "/etc/sysctl.d/95-v.conf": ""},
        True,
        None,
        "10",
    ),
    (
        "a later one, masked by a link",
        {"/usr/lib/sysctl.d/95-v.conf": "vm.swappiness=60", "/etc/sysctl.d/95-v.conf": "-> /dev/null"},
        True,
        None,
        "10",
    ),
    (
        "one name in two folders",
        {"/usr/lib/sysctl.d/95-v.conf": "vm.swappiness=60", "/run/sysctl.d/95-v.conf": "vm.swappiness=70"},
        True,
        "/run/sysctl.d/95-v.conf",
        "70",
    ),
    ("our name in another folder", {"/usr/lib/sysctl.d/90-memops.conf": "vm.swappiness=60"}, True, None, "10"),
    ("not .conf", {"/etc/sysctl.d/99-old.conf.bak": "vm.swappiness=60"}, True, None, "10"),
    ("sysctl.conf is dead with systemd", {"/etc/sysctl.conf": "vm.swappiness=60"}, True, None, "10"),
    ("sysctl.conf is last without", {"/etc/sysctl.conf": "vm.swappiness=60"}, False, "/etc/sysctl.conf", "60"),
    (
        "Debian's link",
        {"/etc/sysctl.conf": "vm/swappiness=60", DEBIAN: "-> ../sysctl.conf"},
        True,
        DEBIAN + " (a link to /etc/sysctl.conf)",
        "60",
    ),
    ("a pattern does not count", {"/etc/sysctl.d/95-v.conf": "vm.swap* = 60"}, True, None, "10"),
    ("in capitals, sorted before", {"/etc/sysctl.d/90-ZZZ.conf": "vm.swappiness=60"}, True, None, "10"),
    (
        "in small letters, sorted behind",
        {"/etc/sysctl.d/90-zzz.conf": "vm.swappiness=60"},
        True,
        "/etc/sysctl.d/90-zzz.conf",
        "60",
    ),
    (
        "its mistakes are ignored",
        {"/etc/sysctl.d/95-v.conf": "-vm.swappiness=60"},
        True,
        "/etc/sysctl.d/95-v.conf",
        "60",
    ),
]


@pytest.mark.parametrize("files, systemd, hider, value", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_last_word(files, systemd, hider, value, tmp_path):
    host = host_of(tmp_path, dict(files, **{OURS: MINE}), systemd)
    assigned = assignments(host)
    found = shadow(assigned, "swappiness", 10)
    assert (found.where if found is not None else None) == hider
    assert effective_assignment(assigned, "swappiness").value == value


def test_without_ours_the_pattern_counts_and_an_exclusion_takes_it_out(tmp_path):
    host = host_of(tmp_path, {"/etc/sysctl.d/95-v.conf": "vm.swap* = 60\nvm.page* = 1\n-vm.page-cluster\n"})
    assigned = assignments(host)
    assert effective_assignment(assigned, "swappiness").value == "60"
    assert effective_assignment(assigned, "page-cluster") is None
    assert effective_assignment(assigned, "min_free_kbytes") is None


def test_the_partner_later_makes_ours_nothing(tmp_path):
    host = host_of(
        tmp_path, {OURS: "vm.overcommit_ratio = 80\n", "/etc/sysctl.d/95-v.conf": "vm.overcommit_kbytes = 1000\n"}
    )
    assert shadow(assignments(host), "overcommit_ratio", 80).value == "1000"
    host = host_of(
        tmp_path / "2", {OURS: "vm.overcommit_ratio = 80\n", "/etc/sysctl.d/80-v.conf": "vm.overcommit_kbytes = 1000\n"}
    )
    assert shadow(assignments(host), "overcommit_ratio", 80) is None


def test_nothing_there(tmp_path):
    host = host_of(tmp_path, {})
    assert boot_files(host) == [] and assignments(host) == []
    assert shadow(assignments(host), "swappiness", 10) is None
