# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a log inside a JSON object: docker's json-file, fluentd, Fluent Bit, Vector, CloudWatch, Elasticsearch."""

import json
from typing import Any, Dict, NamedTuple, Optional

_TEXTS = ("log", "message", "MESSAGE", "msg", "@message", "textPayload", "text", "line")
_SENDERS = ("ident", "SYSLOG_IDENTIFIER", "syslog_identifier", "program", "appname", "tag", "source")
_TIMES = ("time", "@timestamp", "timestamp", "date", "datetime", "receiveTimestamp")
_HOSTS = ("host", "hostname", "_HOSTNAME")
#: Where a shipper puts the record of another one.
_NESTED = ("_source", "jsonPayload", "record", "fields")


class Shipped(NamedTuple):
    """text -- the line as it was; kernel -- the shipper says that the kernel wrote it; epoch or stamp -- when, as it says."""

    text: str
    kernel: bool = False
    host: Optional[str] = None
    stamp: Optional[str] = None
    epoch: Optional[float] = None


def _first(entry: Dict[str, Any], names: Any) -> Optional[str]:
    return next((entry[name] for name in names if isinstance(entry.get(name), str)), None)


def _epoch(entry: Dict[str, Any]) -> Optional[float]:
    """Seconds or milliseconds since 1970, as numbers."""
    for name in _TIMES:
        value = entry.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000.0 if value > 1e11 else float(value)
            if 1e8 < seconds < 1e10:
                return seconds
    return None


def shipped(text: str) -> Optional[Shipped]:
    """None where it is no JSON object with a line of text in it."""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    for name in _NESTED:
        if isinstance(entry.get(name), dict):
            entry = dict(entry, **entry[name])
    message = _first(entry, _TEXTS)
    if message is None:
        return None
    sender = _first(entry, _SENDERS)
    kernel = sender is not None and (sender == "kernel" or sender.endswith(".kernel"))
    return Shipped(message.rstrip("\r\n"), kernel, _first(entry, _HOSTS), _first(entry, _TIMES), _epoch(entry))
