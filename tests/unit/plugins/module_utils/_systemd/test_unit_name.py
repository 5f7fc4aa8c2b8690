# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name, template_of

# (text, words of the refusal): systemctl takes many of them, and escapes or globs them without a word
BAD = [
    ("", "empty"),
    (" nginx", "blanks"),
    ("nginx ", "blanks"),
    ("nginx\n", "blanks"),
    ("../../../tmp/x.service", "begins with '.'"),
    ("/etc/passwd", "begins with '/'"),
    ("a/b.service", "letters, digits"),
    ("a/../b", "letters, digits"),
    ("-x", "begins with '-'"),
    ("--root=/tmp", "begins with '-'"),
    (".hidden", "begins with '.'"),
    ("a b.service", "letters, digits"),
    ("a\nb.service", "letters, digits"),
    ("a\n.service", "letters, digits"),
    ("a@x\n.service", "letters, digits"),
    ("a\0b", "letters, digits"),
    ("a\tb", "letters, digits"),
    ("ngin*", "no wildcard"),
    ("ngin?.service", "no wildcard"),
    ("[ab].service", "no wildcard"),
    ("a,b", "letters, digits"),
    ("a;b", "letters, digits"),
    ("$(id)", "letters, digits"),
    ("{{ x }}", "letters, digits"),
    ("n\u00e4gel", "letters, digits"),
    ("@x.service", "before the @"),
    ("@.service", "before the @"),
    ("a\\b.service", "systemd-escape"),
    ("a\\x2.service", "systemd-escape"),
    ("a\\xZZ", "systemd-escape"),
    ("a" * 300, "longer than the 255"),
    ("a" * 248, "longer than the 255"),
    ("multi-user.target", "has no processes"),
    ("backup.timer", "has no processes"),
    ("dev-sda.device", "has no processes"),
    (".service", "begins with '.'"),
    ("-.service", "begins with '-'"),
    ("!" * 5000, "!'… is longer than the 255"),
]


@pytest.mark.parametrize("text, words", BAD)
def test_a_bad_name_is_refused_before_a_path_is_made_of_it(text, words):
    with pytest.raises(ValueError) as caught:
        parse_unit_name(text)
    assert words in str(caught.value) and len(str(caught.value)) < 400


def test_the_mount_of_the_root_is_a_unit():
    unit = parse_unit_name("-.mount")
    assert (
        (unit.name, unit.type) == ("-.mount", "mount")
        and not unit.is_pattern
        and not unit.is_broad
        and unit.dropin_names() == ["-.mount"]
    )


GOOD = [
    ("nginx", ("nginx.service", "nginx", None, "service")),
    ("nginx.service", ("nginx.service", "nginx", None, "service")),
    ("php8.2-fpm", ("php8.2-fpm.service", "php8.2-fpm", None, "service")),
    ("getty@", ("getty@.service", "getty", "", "service")),
    ("getty@tty1.service", ("getty@tty1.service", "getty", "tty1", "service")),
    ("postgresql@15-main", ("postgresql@15-main.service", "postgresql", "15-main", "service")),
    ("pg@b@c.service", ("pg@b@c.service", "pg", "b@c", "service")),
    ("user@1000.service", ("user@1000.service", "user", "1000", "service")),
    (
        "systemd-fsck@dev-disk-by\\x2duuid.service",
        ("systemd-fsck@dev-disk-by\\x2duuid.service", "systemd-fsck", "dev-disk-by\\x2duuid", "service"),
    ),
    ("system.slice", ("system.slice", "system", None, "slice")),
    ("-.slice", ("-.slice", "-", None, "slice")),
    ("init.scope", ("init.scope", "init", None, "scope")),
    ("var-lib.mount", ("var-lib.mount", "var-lib", None, "mount")),
    ("a" * 247, ("a" * 247 + ".service", "a" * 247, None, "service")),
    ("x.unknown", ("x.unknown.service", "x.unknown", None, "service")),
]


@pytest.mark.parametrize("text, parts", GOOD)
def test_a_good_name(text, parts):
    assert tuple(parse_unit_name(text)) == parts


# Measured on 247, 252 and 257: the order in which one file name wins in these folders.
FOLDERS = [
    ("nginx", ["nginx.service"]),
    ("foo-bar", ["foo-bar.service", "foo-.service"]),
    ("a--b-c", ["a--b-c.service", "a--b-.service", "a--.service", "a-.service"]),
    ("foo-bar@x", ["foo-bar@x.service", "foo-bar@.service", "foo-.service", "foo-@x.service", "foo-@.service"]),
    ("foo-bar@", ["foo-bar@.service", "foo-.service"]),
    ("getty@tty1", ["getty@tty1.service", "getty@.service"]),
    ("pg@b@c", ["pg@b@c.service", "pg@.service"]),
    ("foo-.service", ["foo-.service"]),
    ("user-1000.slice", ["user-1000.slice", "user-.slice"]),
    ("-.slice", ["-.slice"]),
]


@pytest.mark.parametrize("text, names", FOLDERS)
def test_whose_drop_ins_are_read(text, names):
    assert parse_unit_name(text).dropin_names() == names


BROAD = [
    ("-.slice", True, True),
    ("init.scope", True, True),
    ("system.slice", True, False),
    ("user-.slice", True, False),
    ("app-.service", True, False),
]


@pytest.mark.parametrize(
    "text, broad, root", BROAD + [("nginx", False, False), ("web.slice", False, False), ("getty@", False, False)]
)
def test_what_reaches_others(text, broad, root):
    unit = parse_unit_name(text)
    assert (unit.is_broad, unit.is_root) == (broad, root)


def test_templates():
    assert parse_unit_name("getty@").is_template and parse_unit_name("getty@").template == "getty@.service"
    assert not parse_unit_name("getty@a").is_template and parse_unit_name("getty@a").template == "getty@.service"
    assert parse_unit_name("getty").template is None


OF_TEMPLATES = [
    ("getty@tty1.service", "getty@.service"),
    ("pg@b@c.service", "pg@.service"),
    ("getty@.service", None),
    ("getty.service", None),
    ("a b@c.service", None),
]


@pytest.mark.parametrize("name, template", OF_TEMPLATES)
def test_the_template_of_an_instance(name, template):
    assert template_of(name) == template
