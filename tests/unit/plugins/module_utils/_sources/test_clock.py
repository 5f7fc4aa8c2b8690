# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stamps: every form of every log met, and the boundaries where a year, a month or an hour goes wrong."""

import calendar
import os
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock, Stamp


@pytest.fixture
def zone():
    """Sets the zone of the process, and puts the old one back."""
    old = os.environ.get("TZ")

    def use(name):
        os.environ["TZ"] = name
        time.tzset()

    use("UTC")
    yield use
    if old is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = old
    time.tzset()


def at(text):
    """Epoch of a UTC time."""
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")))


NOW = "2025-11-22 12:00:00"

FORMS = [
    ("rfc3164", "May 10 18:07:27", "2025-05-10 18:07:27", 0, "year_inferred"),
    ("rfc3164, day padded", "Apr  9 01:02:03", "2025-04-09 01:02:03", 0, "year_inferred"),
    ("rfc3164, day not padded", "Apr 9 01:02:03", "2025-04-09 01:02:03", 0, "year_inferred"),
    ("journalctl short-precise", "Aug 30 06:58:55.050705", "2025-08-30 06:58:55", 0.050705, "year_inferred"),
    ("rfc3164 with year", "May 10 2019 18:07:27", "2019-05-10 18:07:27", 0, "exact"),
    ("rsyslog", "2026-02-08T00:40:07.136582+00:00", "2026-02-08 00:40:07", 0.136582, "exact"),
    ("journalctl short-iso", "2026-08-27T15:51:41+1000", "2026-08-27 05:51:41", 0, "exact"),
    ("dmesg iso", "2025-01-21T08:41:30,287197+00:00", "2025-01-21 08:41:30", 0.287197, "exact"),
    ("negative offset", "2025-01-21T08:41:30-03:30", "2025-01-21 12:11:30", 0, "exact"),
    ("hours only", "2025-01-21T08:41:30+02", "2025-01-21 06:41:30", 0, "exact"),
    ("Z", "2025-01-21T08:41:30Z", "2025-01-21 08:41:30", 0, "exact"),
    ("local", "2025-01-21T08:41:30", "2025-01-21 08:41:30", 0, "exact"),
    ("blank for T", "2025-01-21 08:41:30.5", "2025-01-21 08:41:30", 0.5, "exact"),
    ("journalctl short-full", "Tue 2025-03-11 10:16:36 UTC", "2025-03-11 10:16:36", 0, "exact"),
    ("ctime", "Tue Mar 11 10:16:36 2025", "2025-03-11 10:16:36", 0, "exact"),
    ("dmesg -T with its bracket", "[Tue Mar 11 10:16:36 2025] text", "2025-03-11 10:16:36", 0, "exact"),
    ("ctime, day padded", "Sun Mar  2 10:16:36 2025", "2025-03-02 10:16:36", 0, "exact"),
    ("OpenWrt", "Mon Apr 12 18:29:48 2021 kern.warn kernel:", "2021-04-12 18:29:48", 0, "exact"),
    ("German", "Di Aug 12 03:54:03 2025", "2025-08-12 03:54:03", 0, "exact"),
    ("German March", "Mi Mär 12 03:54:03 2025", "2025-03-12 03:54:03", 0, "exact"),
    ("French", "ven. nov. 28 07:26:44 2025", "2025-11-28 07:26:44", 0, "exact"),
    ("French, journalctl", "avril 16 21:08:50", "2025-04-16 21:08:50", 0, "year_inferred"),
    ("French August", "août 16 21:08:50", "2025-08-16 21:08:50", 0, "year_inferred"),
    ("French March", "mars 27 21:08:50", "2025-03-27 21:08:50", 0, "year_inferred"),
    ("Russian", "апр 28 01:23:30", "2025-04-28 01:23:30", 0, "year_inferred"),
    ("Russian May", "мая 26 01:23:30", "2025-05-26 01:23:30", 0, "year_inferred"),
    ("Spanish", "ene 05 01:23:30", "2025-01-05 01:23:30", 0, "year_inferred"),
    ("Italian", "gen 05 01:23:30", "2025-01-05 01:23:30", 0, "year_inferred"),
    ("Portuguese", "dez 05 01:23:30", "2024-12-05 01:23:30", 0, "year_inferred"),
    ("Dutch", "mei 05 01:23:30", "2025-05-05 01:23:30", 0, "year_inferred"),
    ("Polish", "paź 05 01:23:30", "2025-10-05 01:23:30", 0, "year_inferred"),
    ("Japanese", "[火  3月 11 10:16:36 2025]", "2025-03-11 10:16:36", 0, "exact"),
    ("leap second", "2016-12-31T23:59:60Z", "2017-01-01 00:00:00", 0, "exact"),
    ("a host called 2021", "May 10 18:07:27 2021 kernel: text", "2025-05-10 18:07:27", 0, "year_inferred"),
]


@pytest.mark.parametrize("text, expected, fraction, quality", [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_form(zone, text, expected, fraction, quality):
    found = Clock(at(NOW)).stamp(text)
    assert found.quality == quality
    assert found.time == pytest.approx(at(expected) + fraction, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "Xyz 10 18:07:27",
        "\udce4\udcff 10 18:07:27",
        "May 32 18:07:27",
        "Feb 30 18:07:27",
        "Apr 31 18:07:27",
        "May 10 25:07:27",
        "May 10 18:61:27",
        "May 0 18:07:27",
        "2025-02-29T18:07:27Z",
        "2025-13-01T18:07:27Z",
        "0000-01-01T18:07:27Z",
        "0000-01-01T18:07:27",
        "[ 5167.123456] text",
        "[Mar11 10:16] text",
        "[  +0.000001] text",
        "12345 May",
        "May 10 18:07",
        "۲۰۲۵-۰۱-۰۱T00:00:00",
        "A" * 100000,
        " " * 100000,
        "9" * 100000,
    ],
)
def test_what_is_no_stamp_is_unknown(zone, text):
    started = time.monotonic()
    found = Clock(at(NOW)).stamp(text)
    assert found == Stamp(None, "unknown") or text.startswith("۲")
    assert time.monotonic() - started < 1


# P18: what a naive reader gets wrong by a year, or dies of
BOUNDARIES = [
    ("31 December, read on 1 January", "UTC", "2026-01-01 00:30:00", "Dec 31 23:59:59", "2025-12-31 23:59:59"),
    ("1 January, read on 1 January", "UTC", "2026-01-01 00:30:00", "Jan  1 00:10:00", "2026-01-01 00:10:00"),
    (
        "1 January of a zone ahead, anchor still in December",
        "UTC",
        "2025-12-31 23:00:00",
        "Jan  1 01:00:00",
        "2026-01-01 01:00:00",
    ),
    ("two days in the future is last year", "UTC", "2025-05-10 12:00:00", "May 12 12:00:01", "2024-05-12 12:00:01"),
    ("29 February, read in a leap year", "UTC", "2024-03-02 00:00:00", "Feb 29 10:00:00", "2024-02-29 10:00:00"),
    ("29 February, read in the year after", "UTC", "2025-01-15 00:00:00", "Feb 29 10:00:00", "2024-02-29 10:00:00"),
    ("29 February, read early in a leap year", "UTC", "2024-01-15 00:00:00", "Feb 29 10:00:00", "2020-02-29 10:00:00"),
    ("29 February across 2100", "UTC", "2103-06-01 00:00:00", "Feb 29 10:00:00", "2096-02-29 10:00:00"),
    ("an hour that comes twice", "Europe/Berlin", "2025-11-22 12:00:00", "Oct 26 02:30:00", "2025-10-26 00:30:00"),
    ("an hour that never was", "Europe/Berlin", "2025-11-22 12:00:00", "Mar 30 02:30:00", "2025-03-30 01:30:00"),
    ("summer time", "Europe/Berlin", "2025-11-22 12:00:00", "Jul  1 12:00:00", "2025-07-01 10:00:00"),
    ("winter time", "Europe/Berlin", "2025-11-22 12:00:00", "Jan 15 12:00:00", "2025-01-15 11:00:00"),
    (
        "half an hour of summer time",
        "Australia/Lord_Howe",
        "2025-11-22 12:00:00",
        "Apr  6 01:45:00",
        "2025-04-05 14:45:00",
    ),
    ("1970: no clock at boot", "UTC", "1970-01-01 00:05:00", "Jan  1 00:00:03", "1970-01-01 00:00:03"),
    ("ISO 1970", "UTC", NOW, "1970-01-01T00:00:00Z", "1970-01-01 00:00:00"),
    ("the future, said outright", "UTC", NOW, "2038-01-19T03:14:08Z", "2038-01-19 03:14:08"),
    ("zone of the log, not of the host", "Asia/Tokyo", NOW, "2025-01-21T08:41:30+00:00", "2025-01-21 08:41:30"),
    ("zone of the host where the log names none", "Asia/Tokyo", NOW, "2025-01-21T08:41:30", "2025-01-20 23:41:30"),
]


@pytest.mark.parametrize(
    "name, anchor, text, expected", [row[1:] for row in BOUNDARIES], ids=[row[0] for row in BOUNDARIES]
)
def test_boundary(zone, name, anchor, text, expected):
    zone(name)
    assert Clock(at(anchor)).stamp(text).time == at(expected)


def test_an_hour_that_comes_twice_does_not_depend_on_what_was_asked_before(zone):
    zone("Europe/Berlin")
    clock = Clock(at(NOW))
    first = clock.stamp("Oct 26 02:30:00")
    clock.stamp("Jan 15 12:00:00")
    assert Clock(at(NOW)).stamp("Oct 26 02:30:00") == first
    clock.stamp("Jul 15 12:00:00")
    assert Clock(at(NOW)).stamp("Oct 26 02:30:00") == first


def test_a_given_zone_wins(zone):
    import datetime

    east = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    assert Clock(at(NOW), east).stamp("2025-01-21T08:41:30").time == at("2025-01-21 03:11:30")
    assert Clock(at(NOW), east).stamp("May 10 18:07:27").time == at("2025-05-10 12:37:27")


@pytest.mark.parametrize("anchor", [-1e18, -1.0, 0.0, 1e18, float(2**62)])
def test_an_absurd_anchor_does_not_raise(zone, anchor):
    Clock(anchor).stamp("May 10 18:07:27")


@pytest.mark.parametrize(
    "line, expected",
    [
        (b"May 10 18:07:27 server1 kernel: Out of memory", "2025-05-10 18:07:27"),
        (b"   May 10 18:07:27 server1 kernel: x", "2025-05-10 18:07:27"),
        (b"<4>May 10 18:07:27 server1 kernel: x", "2025-05-10 18:07:27"),
        (b"<34>1 2025-05-10T18:07:27Z host app - - - x", "2025-05-10 18:07:27"),
        (b"kern  :warn  : [Sat May 10 18:07:27 2025] x", "2025-05-10 18:07:27"),
        (b"[Sat May 10 18:07:27 2025] x", "2025-05-10 18:07:27"),
        (b"\0\0\0May 10 18:07:27 after a crash", "2025-05-10 18:07:27"),
        ("апр 28 01:23:30 PC kernel: ".encode("utf-8"), "2025-04-28 01:23:30"),
    ],
)
def test_line_time(zone, line, expected):
    assert Clock(at(NOW)).line_time(line) == at(expected)


@pytest.mark.parametrize(
    "line", [b"", b"[  191.916420] x", b"\xff\xfe\x00", b"error May 10 18:07:27 x", b"[ 461]     0   461"]
)
def test_a_line_without_a_stamp(zone, line):
    assert Clock(at(NOW)).line_time(line) is None


def test_the_cache_stays_small(zone):
    clock = Clock(at(NOW))
    for number in range(20000):
        clock.stamp("2025-01-21T08:41:%02d.%06dZ" % (number % 60, number))
    assert len(clock._stamps) <= 4096
