# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text stamps of logs as epoch seconds: RFC 3164 without a year, ISO 8601, ctime, in nine languages."""

import time
from datetime import date, datetime, tzinfo
from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

_DAY = 86400.0
_EPOCH = date(1970, 1, 1).toordinal()

# en, de, fr, es, it, pt, ru, nl, pl; abbreviated and in full, as strftime prints %b and %B there
_NAMES = (
    (
        "jan january januar jänner jän janv janvier ene enero gen gennaio janeiro янв января январь januari sty"
        " stycznia styczeń"
    ),
    (
        "feb february februar févr fév février febrero febbraio fev fevereiro фев февр февраля февраль februari lut"
        " lutego luty"
    ),
    "mar march mär märz mrz mars marzo março мар марта март mrt maart marca marzec",
    "apr april avr avril abr abril aprile апр апреля апрель kwi kwietnia kwiecień",
    "may mai mayo mag maggio maio мая май mei maj maja",
    "jun june juni juin junio giu giugno junho июн июня июнь cze czerwca czerwiec",
    "jul july juli juil juillet julio lug luglio julho июл июля июль lip lipca lipiec",
    "aug august août ago agosto авг августа август augustus sie sierpnia sierpień",
    "sep sept september septembre septiembre set settembre setembro сен сент сентября сентябрь wrz września wrzesień",
    "oct october okt oktober octobre octubre ott ottobre out outubro окт октября октябрь paź października październik",
    "nov november novembre noviembre novembro ноя нояб ноября ноябрь lis listopada listopad",
    "dec december dez dezember déc décembre dic diciembre dicembre dezembro дек декабря декабрь gru grudnia grudzień",
)
_MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}

# what may stand before the stamp at the start of a line: <4>, <30>1, kern  :warn  :, the bracket of dmesg -T
_BEFORE = r"[\s\0\ufeff]*(?:<\d{1,3}>(?:1 )?\s*|[a-z]+ *:[a-z]+ *: *)?\[?"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,12}))?"
_MONTH = r"(?P<month>[^\W\d_]{2,12}|\d{1,2}(?=[月월]))[.月월]?"
_DAYS = r" {1,3}(?P<day>\d{1,2})\.?"
# rsyslog, journalctl -o short-iso, dmesg --time-format iso, journalctl -o short-full (weekday, zone as a word)
_ISO = regex(
    _BEFORE
    + r"(?:[^\W\d_]{1,12}\.? )?(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T ]"
    + _TIME
    + r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?![\w:]))?"
)
# dmesg -T, busybox and OpenWrt logread, in any language
_CTIME = regex(_BEFORE + r"[^\W\d_]{1,12}\.?,? {1,2}" + _MONTH + _DAYS + " " + _TIME + r" (?P<year>\d{4})(?!\d)")
# syslog, journalctl -o short in any language; some templates put the year first. What follows is a host, even if it is
# called 2021
_RFC3164 = regex(_BEFORE + r"(?:(?P<first>20\d\d) )?" + _MONTH + _DAYS + r"(?: (?P<year>\d{4}))? " + _TIME)
_RSYSLOG = regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{1,9}[+-]\d\d:\d\d$")


class Stamp(NamedTuple):
    """When something was logged. quality -- exact, year_inferred or unknown."""

    time: Optional[float]
    quality: str


_UNKNOWN = Stamp(None, "unknown")


class Clock:
    """Reads stamps.

    anchor -- no line is much younger than this (mtime of the file, or now): a stamp without a year gets the latest year
              that does not put it more than a day behind the anchor
    tz -- of stamps that name no zone; None: the local one
    """

    def __init__(self, anchor: float, tz: Optional[tzinfo] = None) -> None:
        self._anchor = anchor
        self._tz = tz
        self._stamps = {}  # type: Dict[str, Stamp]
        self._minutes = {}  # type: Dict[str, float]
        self._days = {}  # type: Dict[Tuple[int, int, int], Optional[float]]
        self._hours = {}  # type: Dict[Tuple[int, int, int, int], float]
        try:
            self._year = time.gmtime(anchor + 2 * _DAY).tm_year
        except (ValueError, OverflowError, OSError):
            self._year = time.gmtime().tm_year + 1

    def stamp(self, text: str) -> Stamp:
        """The stamp that a text begins with. Never raises: what cannot be read is unknown."""
        known = self._stamps.get(text)
        if known is None:
            known = self._same_minute(text)
        if known is None:
            if len(self._stamps) >= 4096:
                self._stamps.clear()
            known = self._stamps[text] = self._read(text)
            if known.time is not None and _RSYSLOG.match(text):
                if len(self._minutes) >= 4096:
                    self._minutes.clear()
                self._minutes[text[:17] + text[-6:]] = known.time - float(text[17:-6])
        return known

    def _same_minute(self, text: str) -> Optional[Stamp]:
        """rsyslog's stamps have microseconds, so no two are alike; but many share their minute with one that
        was read.
        """
        start = self._minutes.get(text[:17] + text[-6:])
        digits = text[17:-6]
        if start is None or digits[:2] > "59" or digits[2:3] != ".":
            return None
        if not (digits[:2].isdigit() and digits[3:].isdigit()):
            return None
        return Stamp(start + float(digits), "exact")

    def line_time(self, line: bytes) -> Optional[float]:
        """Epoch seconds of the stamp at the start of a raw log line, None if there is none."""
        return self._read(line[:96].decode("utf-8", "surrogateescape")).time

    def _read(self, text: str) -> Stamp:
        for form in (_ISO, _CTIME, _RFC3164):
            found = form.match(text)
            if found:
                parts = found.groupdict()
                if parts.get("first"):
                    parts["year"] = parts["first"]
                try:
                    return self._time(parts)
                except (ValueError, OverflowError):  # 30 February, hour 25, year 0
                    return _UNKNOWN
        return _UNKNOWN

    def _time(self, parts: Dict[str, Optional[str]]) -> Stamp:
        name = parts["month"] or ""
        month = int(name) if name.isdigit() else _MONTHS.get(name.lower(), 0)
        day, hour, minute = int(parts["day"] or 0), int(parts["hour"] or 0), int(parts["minute"] or 0)
        seconds = float("%s.%s" % (parts["second"], parts["fraction"] or 0))
        if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and seconds < 61):
            return _UNKNOWN
        within = 60 * minute + seconds
        zone = parts.get("zone")
        if zone:
            days = date(int(parts["year"] or 0), month, day).toordinal() - _EPOCH
            return Stamp(days * _DAY + 3600 * hour + within - _offset(zone), "exact")
        if parts["year"]:
            return Stamp(self._local(int(parts["year"]), month, day, hour, within), "exact")
        for year in range(self._year, self._year - 10, -1):
            if (month, day) == (2, 29) and (year % 4 or year % 100 == 0 and year % 400):
                continue
            epoch = self._local(year, month, day, hour, within)
            if epoch <= self._anchor + _DAY:
                return Stamp(epoch, "year_inferred")
        return _UNKNOWN

    def _local(self, year: int, month: int, day: int, hour: int, within: float) -> float:
        """Epoch of a local time; `within` are seconds of the hour."""
        midnight = self._midnight(year, month, day)
        if midnight is not None:
            return midnight + 3600 * hour + within
        key = (year, month, day, hour)
        start = self._hours.get(key)
        if start is None:
            start = self._moment(year, month, day, hour, 0)
            if self._moment(year, month, day, hour, 3599) - start != 3599:
                # the clocks change within this hour
                whole = int(within)
                return self._moment(year, month, day, hour, whole) + within - whole
            if len(self._hours) >= 4096:
                self._hours.clear()
            self._hours[key] = start
        return start + within

    def _midnight(self, year: int, month: int, day: int) -> Optional[float]:
        """Epoch of the day's begin; None on a day that the clocks change. Without TZ set, mktime costs a system
        call.
        """
        key = (year, month, day)
        if key not in self._days:
            if len(self._days) >= 4096:
                self._days.clear()
            start = self._moment(year, month, day, 0, 0)
            self._days[key] = start if self._moment(year, month, day, 23, 3599) - start == 86399 else None
        return self._days[key]

    def _moment(self, year: int, month: int, day: int, hour: int, within: int) -> float:
        date(year, month, day)  # mktime would make 2 March out of 30 February
        minute, second = divmod(within, 60)
        minute, second = (minute, second) if minute < 60 else (59, 60)
        if self._tz is not None:
            return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=self._tz).timestamp() + second // 60
        # A time that comes twice is the first one, a time that never was counts as if the clocks had not been changed.
        # Not left to mktime with -1, whose answer depends on what it was asked before.
        wall = (year, month, day, hour, minute)
        for summer in (1, 0):
            epoch = time.mktime(wall + (second, 0, 0, summer))
            if time.localtime(epoch - second)[:5] == wall:
                break
        return epoch


def _offset(zone: str) -> int:
    """Seconds east of Greenwich of Z, UTC, +02, +0200 or +02:00."""
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = 3600 * int(digits[:2]) + 60 * int(digits[2:] or 0)
    return -seconds if zone[0] == "-" else seconds
