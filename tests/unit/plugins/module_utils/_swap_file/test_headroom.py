# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard before every swapoff, with the figures of the host that panicked."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._swap_file.areas import Area
from ansible_collections.memops.linux.plugins.module_utils._swap_file.headroom import (
    Memory,
    elsewhere,
    parse_meminfo,
    shortfall,
)

M, G = 1 << 20, 1 << 30

# (id, used, available, free in other swap, is there room)
ROOM = [
    ("272 MiB in use, 25 MiB available: this panicked a kernel", 272 * M, 25 * M, 0, False),
    ("an empty area, no memory", 0, 0, 0, True),
    ("one byte short of the margin", 36 * M + 1, 100 * M, 0, False),
    ("exactly the margin of 64 MiB", 36 * M, 100 * M, 0, True),
    ("a tenth is more than 64 MiB", 9 * G, 10 * G, 0, True),
    ("a tenth is more than 64 MiB, one byte over", 9 * G + 1, 10 * G, 0, False),
    ("the other area takes it", G, 10 * M, 2 * G, True),
    ("both together take it", G, 700 * M, 700 * M, True),
    ("a little and no memory", 1, 10 * M, 0, False),
]


@pytest.mark.parametrize("used, available, other, fits", [row[1:] for row in ROOM], ids=[row[0] for row in ROOM])
def test_room(used, available, other, fits):
    assert (shortfall(used, available, other) is None) == fits


def test_the_numbers_are_told():
    said = shortfall(272 * M, 25 * M, 3 * M)
    assert (
        "holds 272 MiB" in said
        and "room for 0 bytes" in said
        and "25 MiB of memory" in said
        and "3.0 MiB of other swap" in said
        and "64 MiB" in said
    )


def test_elsewhere():
    areas = [
        Area("/a", "file", G, M, 1, identity=(1, 1)),
        Area("/dev/vdb", "partition", G, G, 1),
        Area("/c", "file", G, 0, 1, identity=(1, 2)),
    ]
    assert elsewhere(areas, (1, 1)) == G
    assert elsewhere(areas, None) == 2 * G - M


@pytest.mark.parametrize(
    "data, expected",
    [
        (
            b"MemTotal:        2048 kB\nMemFree:         100 kB\nMemAvailable:    1500 kB\n",
            Memory(2048 * 1024, 1500 * 1024),
        ),
        (
            b"MemTotal:        2048 kB\nMemFree:         100 kB\nCached:          900 kB\n",
            Memory(2048 * 1024, 100 * 1024),
        ),
        (b"MemTotal:        2048 kB\n", None),
        (b"", None),
    ],
    ids=["3.14 and newer", "older: only what is free is sure", "no figure", "no file"],
)
def test_meminfo(data, expected):
    assert parse_meminfo(data) == expected
