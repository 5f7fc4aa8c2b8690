# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes: what is meant, the rule for auto, and what stays as it is."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._swap_file.file_system import Disk
from ansible_collections.memops.linux.plugins.module_utils._swap_file.size import (
    DEFAULT_RESERVE,
    Reserve,
    SizeParam,
    parse_reserve,
    parse_wanted,
    rule,
    wanted_size,
)

M, G = 1 << 20, 1 << 30
PAGE = 4096


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2G", SizeParam("bytes", 2 * G)),
        ("1.5G", SizeParam("bytes", 3 * G // 2)),
        ("1048576", SizeParam("bytes", M)),
        ("50%", SizeParam("share", 5000)),
        ("12.5%", SizeParam("share", 1250)),
        ("auto", SizeParam("auto")),
    ],
)
def test_wanted(text, expected):
    assert parse_wanted(text) == expected


@pytest.mark.parametrize(
    "text, words",
    [
        ("64m", "64M"),
        ("2GB", "2G"),
        ("1000", "1M"),
        ("0%", "not a valid size"),
        ("120%", "100 %"),
        ("1000%", "more than 100 %"),
        ("", "not a valid size"),
        ("-1G", "not a valid size"),
    ],
)
def test_no_size(text, words):
    with pytest.raises(ValueError, match=words):
        parse_wanted(text)


@pytest.mark.parametrize(
    "ram, expected",
    [(512 * M, 512 * M), (4 * G, 4 * G), (8 * G, 4 * G), (16 * G, 4 * G), (64 * G, 8 * G), (256 * G, 16 * G), (10, M)],
)
def test_the_rule(ram, expected):
    assert rule(ram) == expected


# (id, wish, RAM, size of the file that is there, free disk above the reserve, expected)
WANTED = [
    ("whole pages", SizeParam("bytes", M + 1), G, None, 0, M + PAGE),
    ("an exact size changes an existing file", SizeParam("bytes", 2 * G), G, G, 0, 2 * G),
    ("half of RAM", SizeParam("share", 5000), 4 * G, None, 0, 2 * G),
    ("half of RAM in whole pages", SizeParam("share", 5000), 4 * G + 6000, None, 0, 2 * G + PAGE),
    ("a share and a kernel that reserves 10 MiB more", SizeParam("share", 5000), 4 * G - 20 * M, 2 * G, 0, 2 * G),
    (
        "a share that was changed by one hundredth",
        SizeParam("share", 5100),
        4 * G,
        2 * G,
        0,
        -(-4 * G * 51 // 100 // PAGE) * PAGE,
    ),
    ("RAM was added", SizeParam("share", 5000), 8 * G, 2 * G, 0, 4 * G),
    ("auto on a small host", SizeParam("auto"), 2 * G, None, 100 * G, 2 * G),
    ("auto takes a quarter of the free disk at most", SizeParam("auto"), 4 * G, None, 4 * G, G),
    ("auto keeps what is there", SizeParam("auto"), 4 * G, 3 * G, 100 * G, 3 * G),
    ("a share of very little", SizeParam("share", 1), G, None, 0, M),
]


@pytest.mark.parametrize(
    "wish, ram, existing, free, expected", [row[1:] for row in WANTED], ids=[row[0] for row in WANTED]
)
def test_size(wish, ram, existing, free, expected):
    assert wanted_size(wish, ram, existing, free, PAGE) == expected


@pytest.mark.parametrize(
    "wish, ram, free, words",
    [
        (SizeParam("auto"), 4 * G, 100 * M, "quarter of the free disk"),
        (SizeParam("auto"), 4 * G, -5, "0 bytes"),
        (SizeParam("auto"), None, G, "/proc/meminfo"),
        (SizeParam("share", 5000), None, G, "/proc/meminfo"),
        (SizeParam("bytes", 1 << 45), G, G, "less than 16 TiB in one area"),
    ],
)
def test_refused(wish, ram, free, words):
    with pytest.raises(PreconditionError, match=words) as caught:
        wanted_size(wish, ram, None, free, PAGE)
    assert "Nothing was changed" in str(caught.value)


def test_reserve():
    assert parse_reserve(None) == DEFAULT_RESERVE
    assert DEFAULT_RESERVE.of(Disk(10 * G, 0)) == G
    assert DEFAULT_RESERVE.of(Disk(100 * G, 0)) == 5 * G
    assert parse_reserve("0") == Reserve(0, 0)
    assert parse_reserve("10%").of(Disk(50 * G, 0)) == 5 * G
    assert parse_reserve("300M").of(Disk(50 * G, 0)) == 300 * M
    with pytest.raises(ValueError, match="512M"):
        parse_reserve("some")
