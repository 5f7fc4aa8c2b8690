# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real folders below a temporary root. The order in each list is what systemd 247, 252 and 257 did, one file taken away
after another.
"""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import (
    Origin,
    UnitFile,
    dropin_path,
    dropin_paths,
    fragment_path,
    invalid_lines,
    is_mask,
    origins,
    own_file,
    unit_files,
)
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name

ETC, RUN, LIB = "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"


class Tree:
    def __init__(self, root):
        self.root = str(root)
        self.host = Host(root=self.root)

    def write(self, path, text="[Service]\n"):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, "w") as file:
            file.write(text)
        return path

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        os.symlink(target, self.root + path)


@pytest.fixture(name="tree")
def fixture_tree(tmp_path):
    return Tree(tmp_path)


def units(*names):
    return [parse_unit_name(name) for name in names]


# One file name in many folders; only the first that is left counts
LADDER = [
    (
        "instance with a dash",
        ["foo-bar@x"],
        [
            "%s/%s.service.d/50-a.conf" % (folder, name)
            for folder in (ETC, RUN, LIB)
            for name in ("foo-bar@x", "foo-bar@", "foo-", "foo-@x", "foo-@")
        ]
        + [folder + "/service.d/50-a.conf" for folder in (ETC, RUN, LIB)],
    ),
    (
        "every folder",
        ["web"],
        [
            folder + "/web.service.d/50-a.conf"
            for folder in (
                "/etc/systemd/system.control",
                "/run/systemd/system.control",
                "/run/systemd/transient",
                ETC,
                "/etc/systemd/system.attached",
                RUN,
                "/run/systemd/system.attached",
                "/usr/local/lib/systemd/system",
                "/lib/systemd/system",
                LIB,
            )
        ],
    ),
    (
        "alias",
        ["mariadb", "mysql"],
        ["%s/%s.service.d/50-a.conf" % (folder, name) for name in ("mariadb", "mysql") for folder in (ETC, RUN, LIB)],
    ),
    ("dashes", ["a--b-c"], ["%s/%s.service.d/50-a.conf" % (ETC, name) for name in ("a--b-c", "a--b-", "a--", "a-")]),
    (
        "slice",
        ["user-1000.slice"],
        ["%s/%s.slice.d/50-a.conf" % (folder, name) for folder in (ETC, LIB) for name in ("user-1000", "user-")],
    ),
]


@pytest.mark.parametrize("names, ladder", [row[1:] for row in LADDER], ids=[row[0] for row in LADDER])
def test_of_one_name_only_the_first_is_read(tree, names, ladder):
    for path in ladder:
        tree.write(path)
    for path in ladder:
        assert dropin_paths(tree.host, units(*names)) == [path]
        os.unlink(tree.root + path)
    assert dropin_paths(tree.host, units(*names)) == []


def test_different_names_go_by_their_letters_over_all_folders(tree):
    """zz.conf for all services in /usr/lib beats 70-y.conf of the instance in /run; override.conf comes after 50 and
    90.
    """
    paths = [
        tree.write(ETC + "/foo@x.service.d/10-a.conf"),
        tree.write(LIB + "/foo@.service.d/50-memops.conf"),
        tree.write(RUN + "/foo@x.service.d/70-y.conf"),
        tree.write(ETC + "/foo@.service.d/90-z.conf"),
        tree.write(ETC + "/foo@x.service.d/override.conf"),
        tree.write(LIB + "/service.d/zz.conf"),
    ]
    assert dropin_paths(tree.host, units("foo@x")) == paths


def test_set_property_wins_over_lower_names_only(tree):
    """systemctl set-property writes 50-*.conf below system.control: a lower name loses to it, a higher one wins."""
    tree.write(ETC + "/web.service.d/40-oom.conf", "[Service]\nMemoryMax=1G\n")
    tree.write("/etc/systemd/system.control/web.service.d/50-MemoryMax.conf", "[Service]\nMemoryMax=2G\n")
    assert origins(unit_files(tree.host, units("web"), None), "service")["memory_max"].value == "2G"
    tree.write(ETC + "/web.service.d/90-oom.conf", "[Service]\nMemoryMax=3G\n")
    assert origins(unit_files(tree.host, units("web"), None), "service")["memory_max"].value == "3G"


def test_what_is_no_drop_in(tree):
    for name in ("50-a", "50-a.conf~", ".50-a.conf", ".50-memops.conf.memops~", "50-a.conf.rpmsave", "README"):
        tree.write(ETC + "/web.service.d/" + name, "[Service]\nMemoryMax=1G\n")
    assert dropin_paths(tree.host, units("web")) == []


def test_a_link_to_dev_null_hides_a_vendors_drop_in(tree):
    tree.write(LIB + "/web.service.d/60-vendor.conf", "[Service]\nOOMScoreAdjust=9\n")
    os.makedirs(tree.root + ETC + "/web.service.d")
    tree.link(ETC + "/web.service.d/60-vendor.conf", "/dev/null")
    tree.link(ETC + "/web.service.d/70-dangling.conf", "/no/such/file")
    assert origins(unit_files(tree.host, units("web"), None), "service") == {}


def test_ours_is_judged_before_it_is_written(tree):
    fragment = tree.write(LIB + "/web.service", "[Service]\nOOMScoreAdjust=1\nRestart=no\n")
    tree.write(ETC + "/web.service.d/90-z.conf", "[Service]\nMemoryMax=2G\n")
    ours = UnitFile(
        dropin_path(parse_unit_name("web"), "50-memops.conf"), b"[Service]\nOOMScoreAdjust=-5\nMemoryMax=1G\n"
    )
    found = origins(unit_files(tree.host, units("web"), fragment, planned={ours.path: ours.data}), "service")
    assert found == {
        "oom_score_adjust": Origin("-5", ours.path),
        "memory_max": Origin("2G", ETC + "/web.service.d/90-z.conf"),
        "restart": Origin("no", fragment),
    }


def test_a_file_that_ours_hides_counts_once_ours_is_gone(tree):
    ours = tree.write(ETC + "/web.service.d/50-memops.conf", "[Service]\nMemoryMax=1G\n")
    other = tree.write(LIB + "/web.service.d/50-memops.conf", "[Service]\nMemoryMax=2G\n")
    assert origins(unit_files(tree.host, units("web"), None), "service")["memory_max"].path == ours
    assert (
        origins(unit_files(tree.host, units("web"), None, planned={ours: None}), "service")["memory_max"].path == other
    )


def test_an_empty_value_resets_and_says_where(tree):
    fragment = tree.write(LIB + "/web.service", "[Service]\nMemoryMax=1G\n")
    path = tree.write(ETC + "/web.service.d/60-a.conf", "[Service]\nMemoryMax=\n")
    assert origins(unit_files(tree.host, units("web"), fragment), "service") == {"memory_max": Origin("", path)}


def test_only_peoples_lines_are_called_mistyped(tree):
    fragment = tree.write(LIB + "/web.service", "[Service]\nMemoryMaxx=1G\n")
    path = tree.write(ETC + "/web.service.d/60-a.conf", "[Service]\nOOMScoreAdj=1\n")
    assert [
        (where, line.line) for where, line in invalid_lines(unit_files(tree.host, units("web"), fragment), "service")
    ] == [(path, 2)]


def test_a_units_own_file(tree):
    assert fragment_path(tree.host, "web.service") is None
    vendor = tree.write(LIB + "/web.service")
    assert fragment_path(tree.host, "web.service") == vendor and not is_mask(tree.host, vendor)
    own = tree.write(ETC + "/web.service")
    assert fragment_path(tree.host, "web.service") == own
    os.unlink(tree.root + own)
    tree.link(own, "/dev/null")
    assert fragment_path(tree.host, "web.service") == own and is_mask(tree.host, own)
    empty = tree.write(ETC + "/empty.service", "")
    assert is_mask(tree.host, empty) and not is_mask(tree.host, None)


# Aliases where systemd cannot be asked, in a chroot
ALIASES = [
    ("mysql", "mariadb.service", LIB + "/mariadb.service"),
    ("mariadb", "mariadb.service", LIB + "/mariadb.service"),
    ("enabled", "enabled.service", ETC + "/enabled.service"),
    ("masked", "masked.service", ETC + "/masked.service"),
    ("two", "mariadb.service", LIB + "/mariadb.service"),
    ("getty@tty1", "getty@tty1.service", ETC + "/getty@tty1.service"),
    ("pg@15", "pg@15.service", LIB + "/pg@.service"),
    ("nothing", "nothing.service", None),
    ("my@", "pg@.service", LIB + "/pg@.service"),
    ("odd@", "odd@.service", ETC + "/odd@.service"),
    ("loop-a", None, None),
]


@pytest.mark.parametrize("asked, name, path", ALIASES)
def test_an_alias_is_followed_without_systemd(tree, asked, name, path):
    for unit in ("mariadb.service", "enabled.service", "getty@.service", "pg@.service"):
        tree.write("%s/%s" % (LIB, unit))
    for link, target in (
        ("mysql.service", LIB + "/mariadb.service"),
        ("enabled.service", "../../../usr/lib/systemd/system/enabled.service"),
        ("masked.service", "/dev/null"),
        ("two.service", "mysql.service"),
        ("getty@tty1.service", LIB + "/getty@.service"),
        ("my@.service", LIB + "/pg@.service"),
        ("odd@.service", LIB + "/mariadb.service"),
        ("loop-a.service", "loop-b.service"),
        ("loop-b.service", "loop-a.service"),
    ):
        tree.link(ETC + "/" + link, target)
    unit, found = own_file(tree.host, parse_unit_name(asked))
    if name is not None:
        assert (unit.name, found) == (name, path)
