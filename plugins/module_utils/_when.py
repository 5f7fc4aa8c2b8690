# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A point in time as a person writes it: 24h, -7d, 2026-11-22T18:00:00Z."""

import calendar
import re
import time
from typing import Match

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_AGO = re.compile(r"-?(?P<count>\d{1,12}(?:\.\d+)?)\s*(?P<unit>s|min|m|h|d|w)$", re.ASCII)
_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>[.,]\d+)?)?"
    r"\s*(?P<zone>Z|[+-][01]\d:?[0-5]\d)?)?$",
    re.ASCII,
)
ACCEPTED = "an age such as 90s, 30min, 24h, 7d, 2w, or an ISO 8601 time such as 2026-11-22 or 2026-11-22T18:00:00Z"


def _zone(text: str) -> int:
    if text == "Z":
        return 0
    sign = -1 if text[0] == "-" else 1
    return sign * (int(text[1:3]) * 3600 + int(text[-2:]) * 60)


def _iso(found: "Match[str]") -> float:
    field = found.groupdict()
    parts = [int(field[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    stamp = (parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], 0, 0, -1)
    if not (1970 <= parts[0] and 1 <= parts[1] <= 12 and 1 <= parts[2] <= calendar.monthrange(parts[0], parts[1])[1]):
        raise ValueError("no such day")
    if parts[3] > 23 or parts[4] > 59 or parts[5] > 60:
        raise ValueError("no such time of day")
    zone = field["zone"]
    seconds = time.mktime(stamp) if zone is None else calendar.timegm(stamp) - _zone(zone)
    return float(seconds) + float((field["fraction"] or ".0").replace(",", "."))


def parse_when(text: str, now: float) -> float:
    """Epoch seconds. A time without a zone is the host's own.

    Raises ValueError with a text for the person who wrote it.
    """
    wanted = text.strip()
    ago = _AGO.match(wanted)
    try:
        if ago:
            return now - float(ago.group("count")) * _UNITS[ago.group("unit")]
        iso = _ISO.match(wanted)
        if iso:
            return _iso(iso)
    except (ValueError, OverflowError):
        pass
    raise ValueError("%r is not a time; give %s" % (text, ACCEPTED))
