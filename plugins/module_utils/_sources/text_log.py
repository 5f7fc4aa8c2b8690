# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a text log: its prefix off, its stamp, host, tag and kernel seconds known. Never trusted.

Anybody can write a perfect kernel line through the syslog socket, so only the journal and /dev/kmsg vouch.
"""

import json
import re
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._oom.model import KMSG_USER, LogLine
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

if TYPE_CHECKING:
    from .journal_trust import Judge

#: Text stamp -> (epoch seconds or None, exact | year_inferred | unknown).
StampFunction = Callable[[str], Tuple[Optional[float], str]]

_REASON = "a text log: anybody may have written it"
_MAX_LINE = 16384

# What stands before the log's own prefix: mail quotes, indentation, grep -H and -n, pager line numbers.
# A relative name looks like a tag: a stamp must follow at once.
_JUNK = regex(
    r"[\s>|]*(?:/[^\s:]+:|[A-Za-z._][\w./+-]{0,255}:(?=(?:\d{1,9}:)?(?:<\d{1,3}>|(?:[A-Z][a-z]{2} ){1,2} ?\d|\d{4}-\d\d-\d\d|\[)))?"
    r"(?:\d+[:-](?=[A-Z\[<]|\d{4}-\d\d-\d\d)|\d{1,9}:? +(?=\[|[A-Z][a-z]{2} {1,2}\d))?\s*"
)
_RFC3164 = r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?"
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?Z| ?[+-]\d\d:?\d\d)?"
_CTIME = r"[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4}"
# journalctl in another language; month names are looked up by the clock.
_LOCAL = r"(?:[^\W\d_]{2,10}\.?|\d{1,2}[月월]) {1,2}\d{1,2}\.? \d\d:\d\d:\d\d(?:\.\d+)?"
_TAG = r"(?P<tag>[^\s:\[\]]+)(?:\[[\d-]+\])?:(?: |$)"
_SECONDS = r"\[ *(?P<uptime>\d{1,12}\.\d{1,9})\] ?"
# CONFIG_PRINTK_CALLER: T thread, C processor.
_CALLER = regex(r"\[ *[TC]\d+\] ?")

# rsyslog, syslog-ng, journalctl -o short and short-iso: the great majority.
_SYSLOG = regex(
    r"(?:<(?P<pri>\d{1,3})>)?(?P<stamp>" + _RFC3164 + r"|" + _ISO + r") (?P<host>\S*[^\s:]) " + _TAG + r"(?:" + _SECONDS + r")?", re.DOTALL
)
# the same with --no-hostname, or by a daemon that stamps its own lines ("Jun 12 06:39:16: text")
_NO_HOST = regex(
    r"(?P<stamp>" + _RFC3164 + r"|" + _ISO + r"|" + _LOCAL + r")(?:: | (?P<tag>kernel|[^\s:\[\]]+(?=\[\d+\]))(?:\[\d+\])?: )"
    r"(?:" + _SECONDS + r")?",
    re.DOTALL,
)
_LOCAL_SYSLOG = regex(r"(?P<stamp>" + _LOCAL + r") (?P<host>\S+) " + _TAG + r"(?:" + _SECONDS + r")?", re.DOTALL)
# busybox's syslogd, OpenWrt's logread: the facility and level stand before the tag
_LOGREAD = regex(
    r"(?P<stamp>"
    + _CTIME
    + r"|"
    + _RFC3164
    + r"|"
    + _ISO
    + r") (?:(?P<host>\S+) )?(?P<facility>[a-z0-9]+)\.[a-z]+ "
    + _TAG
    + r"(?:"
    + _SECONDS
    + r")?",
    re.DOTALL,
)
# journalctl -o short-full (weekday, zone as a word) and -o short-unix; RFC 5424 as rsyslog and syslog-ng forward it
_SHORT_FULL = regex(
    r"[^\W\d_]{2,12}\.? (?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: (?:[A-Z]{3,5}|[+-]\d\d(?::?\d\d)?))?) (?P<host>\S+) "
    + _TAG
    + r"(?:"
    + _SECONDS
    + r")?",
    re.DOTALL,
)
_SHORT_UNIX = regex(r"(?P<epoch>\d{9,11}\.\d{3,9}) (?P<host>\S+) " + _TAG + r"(?:" + _SECONDS + r")?", re.DOTALL)
_RFC5424 = regex(
    r"(?:<(?P<pri>\d{1,3})>)?1 (?P<stamp>"
    + _ISO
    + r") (?P<host>\S+) (?P<tag>\S+) \S+ \S+ (?:-|(?:\[[^\]]{0,512}\]){1,8})(?: |$)\ufeff?(?:"
    + _SECONDS
    + r")?",
    re.DOTALL,
)
# rsyslog with RepeatedMsgReduction
_REPEATED = regex(r"message repeated \d{1,9} times: \[ ?(?P<text>.*)\]\s*$", re.DOTALL)
# dmesg -T, in any language; dmesg --time-format reltime
_BRACKET_STAMP = regex(r"\[(?P<stamp>[^\]\n]{0,40}\d\d:\d\d:\d\d[^\]\n]{0,12})\] ?")
_RELTIME = regex(r"\[(?:[A-Z][a-z]{2} ?\d+ \d\d:\d\d| *\+\d+\.\d+)\] ?")
# dmesg, dmesg -d; journalctl -o short-monotonic has a host or tag behind it
_BRACKET_SECONDS = regex(r"\[ *(?P<uptime>\d{1,12}\.\d{1,9})(?: +<[ \d.]+>)?\] ?")
_BRACKET_DELTA = regex(r"\[<[ \d.]+>\] ?")
# dmesg --time-format iso: a comma before the fraction, and no host or tag
_DMESG_ISO = regex(r"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d+[+-]\d\d:?\d\d) ")
# dmesg -x, dmesg -r and console logs
_DECODED = regex(r"(?P<facility>[a-z]+) *:(?:emerg|alert|crit|err|warn|notice|info|debug) *: ")
_PRIORITY = regex(r"<(?P<pri>\d{1,3})>")
# /dev/kmsg as cat gives it
_KMSG = regex(r"(?P<prio>\d{1,10}),\d{1,20},(?P<usec>\d{1,18}),[-c+](?:,[^;]*)?;")
_KMSG_ESCAPE = regex(r"\\x([0-9a-f]{2})")
_BARE_TAG = regex(r"(?:(?P<host>[^\s:]+) )?(?P<tag>kernel): (?:" + _SECONDS + r")?")
# A serial console: another program's text stands before the record.
_CONSOLE = regex(r".*?\[ *(?P<uptime>\d{1,12}\.\d{6})\] ")
# rsyslog's escapes of control characters, octal
_OCTAL = regex(r"#(0[0-3][0-7]|177)")
# A kernel text may be indented by a paste; these words begin the lines that are looked for.
_INDENTED = regex(r"\s+(?=Memory cgroup out of memory|Out of memory|Killed process|oom-kill:|Tasks? in /)")


# dmesg --color=always, grep --color=always; journalctl colours the text alone
_COLOURS = regex(rb"\x1b\[[0-9;]{0,16}[mK]")
_COLOURED = regex(r"(?:\x1b\[[0-9;]{0,16}m){1,4}(?P<text>[^\x1b].*?)(?:\x1b\[[0-9;]{0,16}m){1,4}\s*$", re.DOTALL)
# dmesg --json, one field a line
_DMESG_JSON_TIME = regex(rb'\s*"time": *(\d{1,12}\.\d{1,9}),')
_DMESG_JSON_TEXT = regex(rb'\s*"msg": (".*")\s*$')


class Split(NamedTuple):
    """A raw line in its parts."""

    text: str
    stamp: Optional[str] = None
    host: Optional[str] = None
    tag: Optional[str] = None
    uptime: Optional[float] = None
    epoch: Optional[float] = None


def _seconds(text: Optional[str]) -> Optional[float]:
    return None if text is None else float(text)


def _kmsg_text(text: str) -> str:
    if "\\x" not in text:
        return text
    data = _KMSG_ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), text)
    return to_text(data.encode("latin-1")) if all(ord(c) < 256 for c in data) else data


def _dmesg(raw: str) -> Optional[Split]:
    """dmesg in its many formats, /dev/kmsg, consoles: no host, mostly no tag."""
    tag = None  # type: Optional[str]
    kmsg = _KMSG.match(raw)
    if kmsg:
        tag = "kernel" if int(kmsg.group("prio")) >> 3 == 0 else KMSG_USER
        return Split(_kmsg_text(raw[kmsg.end() :]), tag=tag, uptime=int(kmsg.group("usec")) / 1e6)
    at = 0
    decoded = _DECODED.match(raw) or _PRIORITY.match(raw)
    if decoded:
        fields = decoded.groupdict()
        kernel = fields["facility"] == "kern" if "facility" in fields else int(fields["pri"]) >> 3 == 0
        tag = "kernel" if kernel else KMSG_USER
        at = decoded.end()
    for pattern in (_BRACKET_SECONDS, _BRACKET_STAMP, _DMESG_ISO, _BRACKET_DELTA, _RELTIME):
        found = pattern.match(raw, at)
        if found:
            break
    else:
        return Split(raw[at:], tag=tag) if decoded else None
    fields = found.groupdict()
    at = found.end()
    bare = _BARE_TAG.match(raw, at)
    if bare:
        tag, at = "kernel", bare.end()
    return Split(
        raw[at:],
        stamp=fields.get("stamp"),
        host=bare.group("host") if bare else None,
        tag=tag or ("kernel" if _CALLER.match(raw, at) else None),
        uptime=_seconds(fields.get("uptime")),
    )


def _loose(raw: str) -> Split:
    """Everything that is not plain syslog."""
    start = _JUNK.match(raw)
    at = start.end() if start else 0
    line = raw[at:] if at else raw
    for pattern in (_SYSLOG, _LOGREAD, _NO_HOST, _LOCAL_SYSLOG, _RFC5424, _SHORT_FULL):
        found = pattern.match(line)
        if found and not (pattern is _SYSLOG and "," in found.group("stamp")):
            fields = found.groupdict()
            return Split(line[found.end() :], fields["stamp"], fields.get("host"), fields.get("tag"), _seconds(fields.get("uptime")))
    unix = _SHORT_UNIX.match(line)
    if unix:
        uptime = _seconds(unix.group("uptime"))
        return Split(line[unix.end() :], None, unix.group("host"), unix.group("tag"), uptime, float(unix.group("epoch")))
    found_dmesg = _dmesg(line)
    if found_dmesg is not None:
        return found_dmesg
    bare = _BARE_TAG.match(line)
    if bare:
        return Split(line[bare.end() :], host=bare.group("host"), tag="kernel", uptime=_seconds(bare.group("uptime")))
    console = _CONSOLE.match(line)
    if console and len(line) < 512:
        return Split(line[console.end() :], uptime=float(console.group("uptime")))
    return Split(raw)


def split(raw: str) -> Split:
    """A line without its newline -> its parts. What has no known prefix is text as it is."""
    found = _SYSLOG.match(raw)
    if found:
        at = found.end()
        parts = Split(raw[at:], found.group("stamp"), found.group("host"), found.group("tag"), _seconds(found.group("uptime")))
    else:
        parts = _loose(raw)
    text = parts.text
    if text.startswith("[") and (parts.tag == "kernel" or parts.uptime is not None):
        caller = _CALLER.match(text)
        if caller:
            text = text[caller.end() :]
    if text[:1].isspace():
        indented = _INDENTED.match(text)
        text = text[indented.end() :] if indented else text
    if text.startswith("message repeated "):
        repeated = _REPEATED.match(text)
        text = repeated.group("text") if repeated else text
    if "#" in text:
        text = _OCTAL.sub(lambda m: chr(int(m.group(1), 8)), text)
    return parts if text is parts.text else parts._replace(text=text)


class TextLog:
    """Lines of one file become LogLines.

    source -- path as shown to people
    stamp -- the clock: text stamp -> (epoch seconds, quality)
    """

    def __init__(self, source: str, stamp: StampFunction) -> None:
        self._source = source
        self._stamp = stamp
        self._judge = None  # type: Optional["Judge"]
        self._dmesg_seconds = None  # type: Optional[float]

    def line(self, raw: bytes) -> LogLine:
        if raw[:1] in b"{ \t" and b'"' in raw:
            found = self._json(raw)
            if found is not None:
                return found
        if raw[:1] in (b"\0", b"\xef"):  # what a crash leaves behind; the mark that an editor puts before the first line
            raw = raw.lstrip(b"\0")
            raw = raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw
        coloured = b"\x1b[" in raw
        if coloured and (raw.startswith(b"\x1b[") or b"\x1b[K" in raw):  # else they may be a part of a name
            raw = _COLOURS.sub(b"", raw[:_MAX_LINE])
        parts = split(to_text(raw[:_MAX_LINE]).rstrip("\r\n\x00"))
        if coloured and parts.text.startswith("\x1b["):
            found_text = _COLOURED.match(parts.text)
            parts = parts if found_text is None else parts._replace(text=found_text.group("text"))
        time, quality = parts.epoch, "unknown" if parts.epoch is None else "exact"
        if parts.stamp is not None:
            time, quality = self._stamp(parts.stamp)
        return LogLine(parts.text, self._source, parts.host, parts.tag, time, quality, parts.uptime, None, False, _REASON)

    def _json(self, raw: bytes) -> Optional[LogLine]:
        """A line of ``journalctl -o json``, or the message in ``dmesg --json``, whose seconds stand two lines before."""
        if raw.startswith(b"{") and b'"MESSAGE"' in raw:
            from .journal_record import json_record  # late: most logs hold none
            from .journal_trust import Judge

            if self._judge is None:
                self._judge = Judge("an exported journal", doubt="an exported journal: anybody may have written it")
            record = json_record(raw)
            if record is None or not record.messages:
                return None
            kernel = record.fields.get(b"_TRANSPORT") == b"kernel"
            make = self._judge.kernel_line if kernel else self._judge.other_line
            return make(record.fields, record.messages[0])._replace(source=self._source)
        seconds = _DMESG_JSON_TIME.match(raw)
        if seconds:
            self._dmesg_seconds = float(seconds.group(1))
        message = _DMESG_JSON_TEXT.match(raw)
        if message is None:
            return None
        try:
            text = str(json.loads(to_text(message.group(1))))
        except ValueError:
            return None
        return LogLine(text, self._source, uptime=self._dmesg_seconds, reason=_REASON)

    def lines(self, data: bytes) -> Iterator[LogLine]:
        """Every line of whole lines."""
        return self._each(data.split(b"\n"))

    def _each(self, raw_lines: Iterable[bytes]) -> Iterator[LogLine]:
        for raw in raw_lines:
            if raw:
                yield self.line(raw)
