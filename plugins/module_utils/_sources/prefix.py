# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before a message in a line of text: stamp, host, tag, kernel seconds. Many programs write it, many more
paste it.
"""

import re
from itertools import islice
from typing import List, Match, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .model import KMSG_USER, QUOTED
from .unwrap import Carried, unwrap, without_html_end

# What stands before the log's own prefix: mail quotes, bullets, indentation, grep -H and -n, pager line numbers.
# A relative name looks like a tag: a stamp must follow at once.
_JUNK = regex(
    r"[\s>|*]*(?:/[^\s:]+:|[A-Za-z._][\w./+-]{0,255}:(?=(?:\d{1,9}:)?(?:<\d{1,3}>|(?:[A-Z][a-z]{2} ){1,2}"
    r" ?\d|\d{4}-\d\d-\d\d|\[)))?"
    r"(?:\d+[:-](?=[A-Z\[<]|\d{4}-\d\d-\d\d)|\d{1,9}:? +(?=\[|[A-Z][a-z]{2} {1,2}\d))?\s*"
)
_RFC3164 = r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?"
# Network devices and some templates put the year before it or into it.
_WITH_YEAR = r"(?:20\d\d [A-Z][a-z]{2} {1,2}\d{1,2}|[A-Z][a-z]{2} {1,2}\d{1,2} 20\d\d) \d\d:\d\d:\d\d(?:\.\d+)?"
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?Z| ?[+-]\d\d:?\d\d)?"
_CTIME = r"[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4}"
# journalctl in another language; month names are looked up by the clock.
_LOCAL = r"(?:[^\W\d_]{2,10}\.?|\d{1,2}[月월]) {1,2}\d{1,2}\.? \d\d:\d\d:\d\d(?:\.\d+)?"
_TAG = r"(?P<tag>[^\s:\[\]]+)(?:\[[\d-]*\])?:(?: |$)"
_SECONDS = r"\[ *(?P<uptime>\d{1,12}\.\d{1,9})\] ?"
# CONFIG_PRINTK_CALLER: T thread, C processor. Kernels of telephones name processor, process and pid.
_CALLER = regex(
    r"\[ *[TC]\d+\] ?| {0,2}\[ ?\d{1,3}: {0,15}[^\]\n]{1,16}: {0,9}\d{1,8}\] ?|"
    r" {0,2}\(\d{1,3}\)\[\d{1,8}:[^\]\n]{1,16}\] ?"
)

# rsyslog, syslog-ng, journalctl -o short and short-iso: the great majority.
_SYSLOG = regex(
    r"(?:<(?P<pri>\d{1,3})>)?(?P<stamp>"
    + _RFC3164
    + r"|"
    + _ISO
    + r") (?P<host>(?!\[)\S*[^\s:]) "
    + _TAG
    + r"(?:"
    + _SECONDS
    + r")?",
    re.DOTALL,
)
# the same with --no-hostname, or by a daemon that stamps its own lines ("Jun 12 06:39:16: text")
_NO_HOST = regex(
    r"(?P<stamp>"
    + _RFC3164
    + r"|"
    + _ISO
    + r"|"
    + _LOCAL
    + r")(?:: | (?P<tag>kernel|[^\s:\[\]]+(?=\[\d+\]))(?:\[\d+\])?: )"
    r"(?:" + _SECONDS + r")?",
    re.DOTALL,
)
_SYSLOG_YEAR = regex(
    r"(?:<\d{1,3}>)?(?P<stamp>" + _WITH_YEAR + r")(?: (?P<host>\S*[^\s:]))? " + _TAG + r"(?:" + _SECONDS + r")?",
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
    r"[^\W\d_]{2,12}\.? (?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: (?:[A-Z]{3,5}|[+-]\d\d(?::?\d\d)?))?)"
    r" (?P<host>\S+) " + _TAG + r"(?:" + _SECONDS + r")?",
    re.DOTALL,
)
_SHORT_UNIX = regex(r"(?P<epoch>\d{9,11}\.\d{3,9}) (?P<host>\S+) " + _TAG + r"(?:" + _SECONDS + r")?", re.DOTALL)
_RFC5424 = regex(
    r"(?:<(?P<pri>\d{1,3})>)?1 (?P<stamp>"
    + _ISO
    + r") (?P<host>\S+) (?P<tag>\S+) \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.){0,512}\]){1,8})(?: |$)\ufeff?(?:"
    + _SECONDS
    + r")?",
    re.DOTALL,
)
# rsyslog with RepeatedMsgReduction
_REPEATED = regex(r"message repeated \d{1,9} times: \[ ?(?P<text>.*)\]\s*$", re.DOTALL)
# dmesg -T, in any language; dmesg --time-format reltime
_BRACKET_STAMP = regex(r"\[(?P<stamp>[^\]\n]{0,40}\d\d:\d\d:\d\d[^\]\n]{0,16})\] ?")
_RELTIME = regex(r"\[(?:[A-Z][a-z]{2} ?\d+ \d\d:\d\d| *\+\d+\.\d+)\] ?")
# dmesg, dmesg -d; journalctl -o short-monotonic has a host or tag behind it
_BRACKET_SECONDS = regex(r"\[ *(?P<uptime>\d{1,12}\.\d{1,9})(?: +<[ \d.]+>)?\] ?")
_OWN_SECONDS = regex(r"\[ *(?P<uptime>\d{1,12}\.\d{6})\] ?")
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
# journalctl -o short-monotonic: the daemons whose words matter
_DAEMON_TAG = regex(
    r"(?:(?P<host>[^\s:]+) )?(?P<tag>systemd-oomd|systemd|earlyoom|nohang|nohang-desktop|oomd)\[\d{1,10}\]: "
)
# talosctl dmesg (a node's name before each line), and the console of Talos
_TALOS = regex(r"(?:(?P<host>\S{1,255}): +)?(?P<facility>[a-z0-9]{2,10}): +[a-z]{3,10}: \[(?P<stamp>" + _ISO + r")\]: ")
# The first bracket was not marked when the paste was copied.
_LOST_BRACKET = regex(r"(?P<uptime>\d{1,12}\.\d{6})\] ")
# Templates with facility and level as words of their own; no host is called so.
_LEVEL = r"(?: (?i:kern|emerg|alert|crit|err|error|warning|warn|notice|info|debug))"
_LEVELS = frozenset(("EMERG", "ALERT", "CRIT", "ERR", "ERROR", "WARNING", "WARN", "NOTICE", "INFO", "DEBUG"))
# logcat -b kernel, which has neither pid nor thread
_LOGCAT = regex(r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6} {1,5}(?:root +)?0 {1,6}0 [VDIWEF] (?: {0,8}: )?")
# --- Behind a prefix that nobody knows. A stamp in it has a year or none.
_MAX_FRONT = 320
#: One of them is in every line that is looked for: spares other programs' lines the search.
_MARKS = ("kernel", "] ", "]:", "ill", "oom", ";", "emory", "CPU: ", "Node ", "Task")
_MAX_STAMPS = 4
_STAMP = regex(
    r"(?<![\w.:,-])(?P<stamp>(?P<dated>"
    + _ISO
    + r"|"
    + _CTIME
    + r"|"
    + _WITH_YEAR
    + r")|"
    + _RFC3164
    + r")(?=[\s\]:]|$)"
)
_SPEAKER = regex(r"[A-Za-z]:")
# With microseconds: nobody but the kernel writes that.
_SECONDS_INSIDE = regex(r"(?:<\d{1,3}>)?\[ {0,11}(?P<uptime>\d{1,12}\.\d{6})\](?: |(?=\[ *[TC]\d))")
_CTIME_INSIDE = regex(r"(?<=\s)\[(?P<stamp>[^\W\d_]{1,12}\.? [^\W\d_]{1,12}\.? {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4})\] ")
_KERNEL_INSIDE = regex(r"(?<=[\s\]})|])(?P<tag>kernel)(?:\[\d{1,10}\])?: (?:" + _SECONDS + r")?")
# netconsole as a receiver writes it down; extended netconsole puts the kernel's release first.
_KMSG_INSIDE = regex(
    r"(?:^|(?<=\s))(?:[\w.+-]{1,64},)?(?P<prio>\d{1,4}),\d{1,20},(?P<usec>\d{1,18}),[-c+](?:,[^;\s]{0,256})?;"
)
_HOST_ALONE = regex(
    r"(?!" + _LEVEL + r" ) (?P<host>[^\s:\[\]{}<>|]{1,255})(?:" + _LEVEL + r"){0,2}(?: kernel:)?[ |]{1,3}$"
)
# A stamp, perhaps a host, and at once the kernel's words.
_STAMPED = regex(
    r"(?P<stamp>" + _ISO + r"|" + _CTIME + r"|" + _RFC3164 + r")(?: (?P<host>[^\s:\[\]]{1,255}))?(?: (?P<tag>kernel))? "
    r"(?=Memory cgroup out of memory: Kill|Out of [mM]emory(?: \([^()]{1,40}\))?: [Kk]ill|Killed process \d{1,20}(?:"
    r" \(|, UID )"
    r"|oom-kill:constraint=|Tasks? in /|\[ *pid *\] +uid |\[ *\d{1,10}\] +\d+ +\d+ +\d+ |Mem-Info:|Node \d+ |CPU: \d+"
    r" (?:UID|PID): "
    r"|[^\s:]\S{0,14} invoked oom-killer: gfp_mask=0x|(?:memory|memory\+swap|swap|kmem): usage \d)"
)
# rsyslog's escapes of control characters, octal
_OCTAL = regex(r"#(0[0-3][0-7]|177)")
# A bare line in a quoted mail or a list
_QUOTED = regex(r"\s{0,16}[>|*][\s>|*]{0,64}")
# A bare line behind a stamp: what it says is not ours to judge here.
_STAMP_ALONE = regex(r"(?P<stamp>" + _ISO + r"|" + _CTIME + r"|" + _RFC3164 + r")[ \t]{1,2}(?=\S)(?![^\s:]{1,64}: )")
# A kernel text may be indented by a paste; these words begin the lines that are looked for.
_INDENTED = regex(r"\s+(?=Memory cgroup out of memory|Out of memory|Killed process|oom-kill:|Tasks? in /)")
# The same without any prefix; behind one, the blanks may be a name's own.
_INDENTED_BARE = regex(
    r"\s{1,64}(?=Memory cgroup out of memory|Out of memory|Killed process|oom-kill:|Tasks? in /"
    r"|\[ *pid *\] +uid |\[ *\d{1,10}\] +\d+ +\d+ +\d+ |Node \d+ |CPU: \d|Pid: \d|\S[^\n]{0,20}? invoked oom-killer:"
    r"|sending SIG|[Kk]illing process |dryrun, |low memory!)"
)


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
    if (
        pattern is _BRACKET_STAMP and raw[at : at + 1] == "["
    ):  # a console server stamps what has the kernel's own seconds
        own = _OWN_SECONDS.match(raw, at)
        if own:
            fields["uptime"], at = own.group("uptime"), own.end()
    bare = _BARE_TAG.match(raw, at)
    if bare:
        tag, at = "kernel", bare.end()
    elif tag is None and raw[at : at + 1] != "[":
        bare = _DAEMON_TAG.match(raw, at)
        if bare:
            tag, at = bare.group("tag"), bare.end()
    return Split(
        raw[at:],
        stamp=fields.get("stamp"),
        host=bare.group("host") if bare else None,
        tag=tag or ("kernel" if _CALLER.match(raw, at) else None),
        uptime=_seconds(fields.get("uptime")),
    )


def _is_prefix(front: str, fields_only: bool) -> bool:
    """May this stand before a log's own prefix? Not where a quotation is open: there a program tells what it has read.

    fields_only -- nor where somebody speaks already
    """
    if front.count('"') % 2 or front.rstrip()[-1:] in ("'", "=", '"'):
        return False
    return not fields_only or _SPEAKER.search(front) is None


def _inside(line: str) -> Optional[Split]:
    """A prefix that we know behind one that we do not: of a console, a container's log, a log shipper, a web page."""
    if not any(word in line for word in _MARKS):
        alone = _STAMP_ALONE.match(line)
        return Split(line[alone.end() :], alone.group("stamp")) if alone else None
    head = line[:_MAX_FRONT]
    stamps = list(islice(_STAMP.finditer(head), _MAX_STAMPS))
    for stamp in stamps:
        at = stamp.start()
        found = (_SYSLOG.match(line, at) or _NO_HOST.match(line, at)) if at and _is_prefix(line[:at], True) else None
        if found:
            fields = found.groupdict()
            dated = next((one.group("dated") for one in stamps if one.group("dated")), fields["stamp"])
            return Split(
                line[found.end() :], dated, fields.get("host"), fields.get("tag"), _seconds(fields.get("uptime"))
            )
    logcat = _LOGCAT.match(line)
    if logcat:
        own = _BRACKET_SECONDS.match(line, logcat.end())
        at = own.end() if own else logcat.end()
        return Split(line[at:], tag="kernel", uptime=float(own.group("uptime")) if own else None)
    for pattern in (_SECONDS_INSIDE, _CTIME_INSIDE, _KERNEL_INSIDE, _KMSG_INSIDE):
        found = pattern.search(head)
        if found and _is_prefix(head[: found.start()], pattern not in (_SECONDS_INSIDE, _CTIME_INSIDE)):
            return _behind(line, found, stamps)
    for stamp in stamps:
        plain = _STAMPED.match(line, stamp.start()) if _is_prefix(line[: stamp.start()], True) else None
        if plain:
            host, tag = plain.group("host"), plain.group("tag")
            if host == "kernel" and tag is None:
                host, tag = None, host
            return Split(line[plain.end() :], plain.group("stamp"), host, tag)
    alone = _STAMP_ALONE.match(line)
    return Split(line[alone.end() :], alone.group("stamp")) if alone else None


def _behind(line: str, found: Match[str], stamps: List[Match[str]]) -> Split:
    """The message behind a mark that only the kernel's lines have, with the stamp that stands before it."""
    fields = found.groupdict()
    front = line[: found.start()]
    stamp = next((one for one in stamps if one.end() <= found.start()), None)
    host = None if stamp is None else _HOST_ALONE.match(front, stamp.end())
    uptime = _seconds(fields.get("uptime"))
    if fields.get("usec"):
        uptime = int(fields["usec"]) / 1e6
    kernel = "kernel" if fields.get("tag") or (fields.get("prio") and int(fields["prio"]) < 8) else None
    tag = KMSG_USER if fields.get("prio") and kernel is None else kernel
    text = line[found.end() :]
    tagged = _BARE_TAG.match(text) if uptime is not None and kernel is None and stamp is not None else None
    if tagged:  # stamped by a reader of journalctl -o short-monotonic
        kernel, text = "kernel", text[tagged.end() :]
        tag = kernel
    named = tagged.group("host") if tagged else None
    return Split(
        _kmsg_text(text) if fields.get("usec") else text,
        stamp=fields.get("stamp") or (stamp.group("stamp") if stamp else None),
        host=host.group("host") if host else named,
        tag=tag,
        uptime=uptime,
    )


def _carried(found: Carried) -> Split:
    """The line with its own prefix off, and what its carrier says where it says nothing itself."""
    if found.comment:
        return Split(found.rest, tag=QUOTED)
    parts = split(found.rest)
    stamp, epoch = (
        (parts.stamp, parts.epoch) if found.stamp is None and found.epoch is None else (found.stamp, found.epoch)
    )
    tag = parts.tag or (None if found.tag is None else _program(found.tag))
    return parts._replace(host=parts.host or found.host, tag=tag, stamp=stamp, epoch=epoch)


def _program(tag: str) -> str:
    """journalctl -o with-unit has the unit where the identifier stands else."""
    if tag == "init.scope":
        return "systemd"
    return tag[: -len(".service")] if tag.endswith(".service") else tag


def _loose(raw: str) -> Split:
    """Everything that is not plain syslog."""
    carried = unwrap(raw)
    if carried is not None:
        return _carried(carried)
    if "\t" in raw[1:96]:  # a table's columns
        found = _SYSLOG.match(raw.replace("\t", " ", 4))
        if found and found.group("tag")[0] not in '{"':
            return Split(
                raw[found.end() :],
                found.group("stamp"),
                found.group("host"),
                found.group("tag"),
                _seconds(found.group("uptime")),
            )
    dated = raw[:2] == "20" and _SYSLOG_YEAR.match(raw) is not None  # else it is a line's number
    start = None if dated else _JUNK.match(raw)
    at = start.end() if start else 0
    line = raw[at:] if at else raw
    if line[:1] == "[":
        return _bracketed(line, raw)
    for pattern in (_SYSLOG, _SYSLOG_YEAR, _LOGREAD, _NO_HOST, _LOCAL_SYSLOG, _RFC5424, _SHORT_FULL):
        found = pattern.match(line)
        if found and not (pattern is _SYSLOG and "," in found.group("stamp")):
            fields = found.groupdict()
            tag = fields.get("tag")
            tag = None if tag is None else _program(tag)
            return Split(line[found.end() :], fields["stamp"], fields.get("host"), tag, _seconds(fields.get("uptime")))
    unix = _SHORT_UNIX.match(line)
    if unix:
        uptime = _seconds(unix.group("uptime"))
        return Split(
            line[unix.end() :], None, unix.group("host"), unix.group("tag"), uptime, float(unix.group("epoch"))
        )
    talos = _TALOS.match(line)
    if talos:
        tag = "kernel" if talos.group("facility") == "kern" else KMSG_USER
        return Split(line[talos.end() :], talos.group("stamp"), talos.group("host"), tag)
    return _bracketed(line, raw)


def _bracketed(line: str, raw: str) -> Split:
    """What does not begin with a stamp. raw -- the line with what stands before it"""
    found_dmesg = _dmesg(line)
    if found_dmesg is not None:
        return found_dmesg
    bare = _BARE_TAG.match(line)
    if bare:
        return Split(line[bare.end() :], host=bare.group("host"), tag="kernel", uptime=_seconds(bare.group("uptime")))
    lost = _LOST_BRACKET.match(line)
    if lost:
        return Split(line[lost.end() :], uptime=float(lost.group("uptime")))
    inside = _inside(line)
    if inside is not None:
        return inside
    quoted = _QUOTED.match(raw) or _INDENTED_BARE.match(raw)
    return Split(raw[quoted.end() :] if quoted else raw)


def split(raw: str) -> Split:
    """A line without its newline -> its parts. What has no known prefix is text as it is."""
    found = _SYSLOG.match(raw)
    if found:
        at = found.end()
        host = found.group("host")
        if host in _LEVELS or host[0] in "+-":  # a level, a zone behind a blank
            host = None
        parts = Split(raw[at:], found.group("stamp"), host, found.group("tag"), _seconds(found.group("uptime")))
    else:
        parts = _loose(raw)
    text = parts.text
    if text[:1] in ("[", "(", " ") and (parts.tag == "kernel" or parts.uptime is not None):
        caller = _CALLER.match(text)
        if caller:
            text = text[caller.end() :]
    if text[:1] == "<" and text[2:3] == ">" and text[1:2].isdigit() and parts.uptime is not None:
        text = text[3:]  # a console that shows both
    if text[:1].isspace():
        indented = _INDENTED.match(text)
        text = text[indented.end() :] if indented else text
    if text[-1:] == ">":
        text = without_html_end(text)
    if text.startswith("message repeated "):
        repeated = _REPEATED.match(text)
        text = repeated.group("text") if repeated else text
    if "#" in text:
        text = _OCTAL.sub(lambda m: chr(int(m.group(1), 8)), text)
    return parts if text is parts.text else parts._replace(text=text)
