# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What carries a line of a log from elsewhere, before its own prefix: a remote shell, a log service, a spreadsheet, a
web page, a list.

Each of these is told by its first bytes; a line that has none of them is not looked at twice.
"""

import csv
from typing import List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?Z| ?[+-]\d\d:?\d\d)?"
_RFC3164 = r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d"
_FACILITY = r"(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7])"
#: How a line of a log begins, or a bare one of the kernel or of earlyoom.
_LOG_BEGINS = (
    r"(?:<\d{1,3}>|\d{1,4},\d{1,20},\d{1,18},[-c];|\[ {0,11}\d{1,12}\.\d|\[?[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d|"
    + _RFC3164
    + r"|"
    + _ISO
    + r"|[A-Z][a-z]{2} \d{4}-\d\d-\d\d "
    r"|kernel: |Memory cgroup out of memory: |Out of [mM]emory(?: \([^()]{1,40}\))?: |Killed process"
    r" \d|oom-kill:constraint="
    r"|Tasks? in /|sending SIG|[Kk]illing process |low memory! |\S{1,255}\.(?:service|scope|slice): )"
)
#: svlogd, multilog (daemontools, runit, s6): TAI64N, ten seconds ahead of UTC by their own count
_TAI64N = regex(r"@(?P<seconds>4[0-9a-f]{15})(?P<nano>[0-9a-f]{8}) ")
_TAI_EPOCH = (1 << 62) + 10
#: logcli, Grafana's download: "2025-11-21T05:24:41Z {hostname="dmz", transport="kernel"} text"
_LABELS = regex(
    r"(?:(?P<stamp>"
    + _ISO
    + r"|\d{19})[\t ]{1,4})?\{(?P<labels>(?:[A-Za-z_]\w{0,63}=\"[^\"\\]{0,255}\"(?:, ?)?){1,32})\}[\t ]{1,4}"
)
_LABEL = regex(r"([A-Za-z_]\w{0,63})=\"([^\"\\]{0,255})\"")
_HOST_LABELS = ("hostname", "host", "nodename", "node_name", "node", "instance")
_UNIT_LABELS = ("unit", "systemd_unit", "syslog_identifier", "identifier", "program", "app")
#: pdsh, clush: a node and a colon before each line of dmesg. grep -H writes no blank behind a file's name.
_NODE = regex(
    r"(?!"
    + _FACILITY
    + r"\.)(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,62}): (?=\[ {0,11}\d{1,12}\.\d{1,9}\]|\[[A-Z][a-z]{2} [A-Z][a-z]{2}"
    r" {1,2}\d|<\d{1,3}>\[)"
)
_NO_NODES = frozenset(("kernel", "dmesg", "messages", "syslog", "kern.log", "console", "kmsg", "log"))
#: LuCI (OpenWrt) exports logread's lines without their time; socklog writes no tag.
_LUCI = regex(_FACILITY + r"\.(?:emerg|alert|crit|err|warn|notice|info|debug) (?=[^\s:\[\]]{1,64}(?:\[\d{1,10}\])?: )")
_SOCKLOG = regex(r"kern\.(?:emerg|alert|crit|err|warn|notice|info|debug): (?=\[)")
#: RFC 6587: the length of the message before it
_OCTETS = regex(r"\d{1,5} (?=<\d{1,3}>1 \d{4}-)")
_BULLET = regex(r"\s{0,16}(?:[-+*\u2022\u00b7\u2013\u25aa] |\d{1,3}[.)] |`{1,3}|\*\*)['\"]?(?=" + _LOG_BEGINS + r")")
_HTML_BEGIN = regex(
    r"(?:\s{0,8}<(?:br|p|li|ul|ol|pre|code|span|div|td|tr|font|b|samp|tt)\b[^<>]{0,128}>){1,8}\s{0,8}(?="
    + _LOG_BEGINS
    + r")"
)
_HTML_END = regex(r"</?(?:br|p|li|ul|ol|pre|code|span|div|td|tr|font|b|samp|tt)\b[^<>]{0,64}>")
#: A line that its file comments out, of a shell, a program or a configuration. "# [12.345678] " is a prompt on a serial
#: console.
_COMMENT = regex(
    r"\s{0,64}(?:#{1,8}(?! ?\[)|//|/\*|<!--|--(?= )|;{1,4}(?= )|%{1,2}(?= )|REM ) {0,16}(?=" + _LOG_BEGINS + r")"
)

_CSV_BEGIN = regex(
    r"\"?(?:" + _ISO + r"|" + _RFC3164 + r"|\d{10}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?)\"?[,;\t]|\"[^\"]{0,4096}\"[,;\t]"
)
_CSV_STAMP = regex(
    r"(?:" + _ISO + r"|" + _RFC3164 + r"|[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4})$"
)
_CSV_EPOCH = regex(r"\d{10}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?$")
_CSV_WORD = regex(r"[A-Za-z0-9][\w.@-]{0,254}(?:\[\d{1,10}\])?:?$")
_CSV_TEXT = regex(_LOG_BEGINS)
_LEVELS = frozenset(
    "kern user daemon auth syslog authpriv local0 emerg alert crit critical err error warn warning notice info debug"
    " informational".split()
)
_MAX_FIELDS = 64


class Carried(NamedTuple):
    """What was carried and what its carrier says of it.

    rest -- the line with its own prefix
    comment -- the line is commented out
    """

    rest: str
    host: Optional[str] = None
    tag: Optional[str] = None
    stamp: Optional[str] = None
    epoch: Optional[float] = None
    comment: bool = False


def unwrap(raw: str) -> Optional[Carried]:
    """None for a line that begins with its own prefix."""
    first = raw[:1]
    if first == "[":
        return None
    if first.isalpha():
        return (_comment(raw) if first == "R" else None) or _from_node(raw) or _from_row(raw)
    if first.isdigit():
        return _from_list(raw) or _from_labels(raw) or _from_row(raw) or _from_node(raw)
    if first == "@":
        return _tai64n(raw)
    if first == "{":
        return _from_labels(raw)
    if first == '"':
        return _from_row(raw)
    if first == "<":
        return _comment(raw) or _from_page(raw)
    return _comment(raw) or _from_list(raw) or (_from_table(raw) if raw.count("|", 0, 512) > 1 else None)


def _comment(raw: str) -> Optional[Carried]:
    return Carried(raw, comment=True) if _COMMENT.match(raw) else None


def _from_page(raw: str) -> Optional[Carried]:
    page = _HTML_BEGIN.match(raw)
    return Carried(raw[page.end() :]) if page else None


def _from_list(raw: str) -> Optional[Carried]:
    bullet = _BULLET.match(raw)
    return Carried(_without_marks(raw[bullet.end() :], bullet.group().strip())) if bullet else None


def _from_labels(raw: str) -> Optional[Carried]:
    labels = _LABELS.match(raw) if "{" in raw[:48] else None
    return _labelled(raw[labels.end() :], labels.group("stamp"), labels.group("labels")) if labels else None


def _from_row(raw: str) -> Optional[Carried]:
    begin = _CSV_BEGIN.match(raw)
    return _row(raw, begin.group()[-1:]) if begin else None


def _from_node(raw: str) -> Optional[Carried]:
    node = _NODE.match(raw)
    if node and node.group("host") not in _NO_NODES and not node.group("host").endswith((".log", ".txt")):
        return Carried(raw[node.end() :], node.group("host"))
    for pattern in (_LUCI, _SOCKLOG, _OCTETS):
        found = pattern.match(raw)
        if found:
            return Carried(raw[found.end() :], tag="kernel" if pattern is _SOCKLOG else None)
    return None


def _tai64n(raw: str) -> Optional[Carried]:
    label = _TAI64N.match(raw)
    if label is None:
        return None
    seconds = int(label.group("seconds"), 16) - _TAI_EPOCH
    return Carried(raw[label.end() :], epoch=seconds + int(label.group("nano"), 16) / 1e9)


def _without_marks(text: str, mark: str) -> str:
    """Markdown closes what it opens, and so does a quotation in a list of YAML."""
    if mark[-1:] in ("'", '"'):
        return text[:-1] if text.endswith(mark[-1]) else text
    return text[: -len(mark)] if mark[:1] in "`*" and len(mark) > (mark == "*") and text.endswith(mark) else text


def _labelled(rest: str, stamp: Optional[str], labels: str) -> Carried:
    said = {name.lower().strip("_").replace("journal_", "").strip("_"): value for name, value in _LABEL.findall(labels)}
    host = next((said[name].partition(":")[0] for name in _HOST_LABELS if said.get(name)), None)
    tag = next((said[name] for name in _UNIT_LABELS if said.get(name)), None)
    if said.get("transport") == "kernel" or "kernel" in (said.get("facility"), said.get("job"), said.get("source")):
        tag = "kernel"
    if stamp is not None and stamp.isdigit():
        return Carried(rest, host, tag, None, int(stamp) / 1e9)
    return Carried(rest, host, tag, stamp)


def without_html_end(text: str) -> str:
    """A web page's marks behind a line."""
    for _mark in range(8):
        at = text.rfind("<", max(0, len(text) - 80))
        if at < 0 or not _HTML_END.fullmatch(text[at:]):
            break
        text = text[:at].rstrip()
    return text


def _fields(raw: str, delimiter: str) -> List[str]:
    try:
        row = next(csv.reader([raw], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [field.strip() for field in row] if 2 <= len(row) <= _MAX_FIELDS else []


def _row(raw: str, delimiter: str) -> Optional[Carried]:
    """A row of a table: the field that is a line of a log, and stamp, host and program in the fields before it."""
    return _cells(_fields(raw, delimiter))


def _from_table(raw: str) -> Optional[Carried]:
    """A row between bars: Markdown, psql, mysql."""
    fields = [field.strip() for field in raw.strip().strip("|").split("|")]
    if not 2 <= len(fields) <= _MAX_FIELDS:
        return None
    return _cells(fields)


def _cells(fields: List[str]) -> Optional[Carried]:
    at = next(
        (number for number, field in enumerate(fields) if _CSV_TEXT.match(field) and not _CSV_STAMP.match(field)), None
    )
    if at is None:
        return None
    stamp = next((field for field in fields if _CSV_STAMP.match(field)), None)
    epochs = [] if stamp else [field for field in fields if _CSV_EPOCH.match(field)]
    host, tag = _host_and_tag(fields[:at])
    return Carried(fields[at], host, tag, stamp, _seconds(epochs[0]) if epochs else None)


def _seconds(text: str) -> float:
    return float(text[:10] + "." + text[10:].lstrip(".")) if len(text) > 10 else float(text)


def _host_and_tag(before: List[str]) -> Tuple[Optional[str], Optional[str]]:
    """Of the words before the text the last is the program, and the one before it the host; a single one is the
    host.
    """
    words = [
        field for field in before if _CSV_WORD.match(field) and not field.isdigit() and field.lower() not in _LEVELS
    ]
    words = [field for field in words if not _CSV_STAMP.match(field) and not _CSV_EPOCH.match(field)]
    names = [word.rstrip(":").partition("[")[0] for word in words]
    if "kernel" in names:
        others = [name for name in names if name != "kernel"]
        return (others[-1] if others else None), "kernel"
    if len(names) >= 2:
        return names[-2], names[-1]
    return (names[0] if names else None), ("kernel" if any(field.lower() == "kern" for field in before) else None)
