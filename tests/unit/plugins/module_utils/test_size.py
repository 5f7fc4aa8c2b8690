# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from typing import Optional

import pytest

from ansible_collections.memops.linux.plugins.module_utils._size import exact, human, parse_share, parse_size

K, M, G = 1024, 1024**2, 1024**3


@pytest.mark.parametrize(
    "text, size",
    [
        ("0", 0),
        ("536870912", 512 * M),
        ("64K", 64 * K),
        ("512M", 512 * M),
        ("64 M", 64 * M),
        (" 2G ", 2 * G),
        ("1.5G", 1536 * M),
        ("0.1K", 102),
        ("3T", 3 * 1024**4),
    ],
)
def test_sizes_that_systemd_takes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "64m",
        "64MB",
        "64MiB",
        "1e9",
        "-1",
        "0x10",
        "+5",
        "5 # x",
        "1.5",
        "1,5G",
        "20%",
        "infinity",
        "64M\n[Service]",
        "9" * 25,
        "9" * 41,
        "99999999999E",
        "\u0662G",
    ],
)
def test_sizes_that_systemd_would_ignore_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_size(text)


def test_a_near_miss_is_told_how_to_write_it() -> None:
    with pytest.raises(ValueError, match="write 64M "):
        parse_size("64mb")


@pytest.mark.parametrize("text", ["9" * 21 + "T", "9" * 41 + "T", "1.0123456789G"])
def test_nobody_is_told_to_write_what_he_wrote(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_size(text)
    assert "write " + text not in str(caught.value)


@pytest.mark.parametrize(
    "text, share",
    [("20%", 2000), ("12.5%", 1250), ("0.01%", 1), ("100%", 10000), ("20", None), ("x%", None), ("-1%", None)],
)
def test_shares(text: str, share: Optional[int]) -> None:
    assert parse_share(text) == share


def test_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError):
        parse_share("101%")


@pytest.mark.parametrize("size", [0, 1, 1000, 1024, 1536 * K, 512 * M, 3 * G, 5 * 1024**6])
def test_exact_reads_back(size: int) -> None:
    assert parse_size(exact(size)) == size


@pytest.mark.parametrize(
    "size, text",
    [
        (0, "0 bytes"),
        (512, "512 bytes"),
        (1536, "1.5 KiB"),
        (272 * M, "272 MiB"),
        (2 * G, "2.0 GiB"),
        (-3 * M, "-3.0 MiB"),
    ],
)
def test_human(size: int, text: str) -> None:
    assert human(size) == text
