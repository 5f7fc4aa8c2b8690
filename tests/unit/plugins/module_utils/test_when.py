# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in time as people write them, and what they are told when they write something else."""

import math
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._when import ACCEPTED, parse_when

NOW = 1795377980.0

AGES = [
    ("90s", 90),
    ("30m", 1800),
    ("30min", 1800),
    ("24h", 86400),
    ("-7d", 604800),
    ("7d", 604800),
    ("2w", 1209600),
    ("1.5h", 5400),
    (" 24 h ", 86400),
    ("0s", 0),
]
TIMES = [
    ("2026-11-22T18:00:00Z", 1795370400.0),
    ("2026-11-22 18:00:00Z", 1795370400.0),
    ("2026-11-22T18:00Z", 1795370400.0),
    ("2026-11-22T18:00:00.25Z", 1795370400.25),
    ("2026-11-22T18:00:00,25Z", 1795370400.25),
    ("2026-11-22T19:00:00+01:00", 1795370400.0),
    ("2026-11-22T19:00:00+0100", 1795370400.0),
    ("2026-11-22T12:30:00 -05:30", 1795370400.0),
    ("2024-02-29T00:00:00Z", 1709164800.0),
    ("1970-01-01T00:00:00Z", 0.0),
]
WRONG = [
    "", " ", "yesterdayish", "now", "24", "24x", "h", "-", "1h30m", "1e3h", "--7d", "+7d", "nan", "inf", "infs",
    "2026-13-01", "2026-02-30", "2025-02-29", "2026-11-22T25:00", "2026-11-22T18:61", "2026-11-22T18:00:61Z", "2026-11-22T",
    "0000-01-01", "22.11.2026", "11/22/2026", "2026-11-22T18:00:00+1", "2026-11-22T18:00:00+99:99", "2026-11-22T18:00Z; rm -rf /",
    "9" * 400 + "h", "9" * 5000 + "d", "2026-11-22\n2026-11-23", "\u0662\u0664h",
]  # fmt: skip


@pytest.mark.parametrize("text, seconds", AGES)
def test_ages(text, seconds):
    assert parse_when(text, NOW) == NOW - seconds


@pytest.mark.parametrize("text, epoch", TIMES)
def test_times(text, epoch):
    assert parse_when(text, NOW) == epoch


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_a_time_without_a_zone_is_the_hosts_own(monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for text in ("2026-11-22", "2026-07-01T12:34:56", "2026-03-29T02:30"):
            found = time.localtime(parse_when(text, NOW))
            if text != "2026-03-29T02:30":  # not every zone has that time
                assert time.strftime("%Y-%m-%dT%H:%M:%S", found).startswith(text)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_says_what_is_right(text):
    with pytest.raises(ValueError) as caught:
        found = parse_when(text, NOW)
        assert not math.isinf(found), found
    assert ACCEPTED in str(caught.value) and repr(text)[:40] in str(caught.value)
