# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a log inside a JSON object: what the shippers of logs call its text, time, host and sender.

docker's json-file, fluentd, Fluent Bit, Vector, rsyslog, syslog-ng, Filebeat and Elasticsearch, GELF and Graylog, Loki,
Splunk, Datadog, OpenTelemetry, the log services and serial consoles of AWS, Google and Azure. They agree on JSON and on
nothing else, so names are compared without case, punctuation and what they are nested in.
"""

import binascii
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .journal_record import Record, record_of
from .json_stream import Element, elements_of, is_pair, is_property, properties

#: Where the text of the line is; the first that is there. Of GELF's two, the full one is the longer.
_TEXTS = (
    "message msg log logline line fullmessage shortmessage syslogmessage textpayload rawlog rawmessage rawmsg raw body"
    " original logmessage eventmessage text event entry output data content payload"
).split()
_TIMES = (
    "sourcerealtimetimestamp realtimetimestamp time timestamp eventtime ts datetime date timereported timegenerated"
    " timeunixnano observedtimeunixnano receivetimestamp timerfc3339 isodate createdat"
).split()
_HOSTS = (
    "hostname host nodename node computer hostidentifier sourcehost logsource fromhost instancename instance instanceid"
    " logstreamname logstream"
).split()
#: Who speaks; the value becomes the line's tag.
_SPEAKERS = (
    "syslogidentifier identifier ident programname program appname app application syslogtag tag processname process"
    " syslogprogram comm unit systemdunit"
).split()
#: Where the kernel's lines are named after where they come from.
_ORIGINS = (
    "transport journaltransport facility facilitylabel syslogfacility source sourcetype job service component channel"
    " input stream logname".split()
)
_FILES = "filename file path logfilepath filepath source logname".split()
#: An application's own record has one of these; a bare line in it is what the application says of the kernel.
_TELLERS = frozenset(
    "reason kind component logger container containername containerid pod podname caller module service servicename"
    " func stacktrace".split()
)
_KERNEL = frozenset(("kernel", "kmsg", "kern", "dmesg", "kernlog", "klog"))
_FACILITIES = ("facility", "syslogfacility", "facilitycode", "syslogfacilitycode")
_TELLING = regex(
    r"[Kk]ill(?:ed|ing)? process|oom-kill|invoked oom|ut of memory|due to memory|[Ss]end(?:ing)? SIG|OOM killer|to the"
    r" victim"
)
#: EC2's GetConsoleOutput answers in base64, which the command line decodes and the API does not.
_ENCODED = regex(r"[A-Za-z0-9+/\r\n]{64,}={0,2}\s*$")
_MAX_ENCODED = 1 << 20
_PLAIN = regex(r"[^a-z0-9]+")
_UNIT_END = regex(r"\.(?:service|scope)$")
_MAX_DEPTH = 6
_OPEN_TELEMETRY = frozenset(("stringValue", "intValue"))
_MAX_NAMES = 512
#: Members of what a record lies in: they are looked at again for each record.
_MAX_AROUND = 48


class Shipped(NamedTuple):
    """text -- the line as it was; kernel -- the shipper says that the kernel wrote it; epoch or stamp -- when, as it
    says.

    speaker -- who wrote it, where that is said
    told -- an application's own record: a line without a prefix in it is a quotation
    uptime -- kernel seconds since boot
    record -- the fields of the journal that the shipper passed on
    """

    text: str
    kernel: bool = False
    host: Optional[str] = None
    stamp: Optional[str] = None
    epoch: Optional[float] = None
    speaker: Optional[str] = None
    told: bool = False
    uptime: Optional[float] = None
    record: Optional[Record] = None


def _name_of(key: str) -> str:
    return _PLAIN.sub("", key.lower())


def _member(value: Any) -> Any:
    """A member of an object as a scalar or an object; None for what is neither."""
    if isinstance(value, dict) and len(value) == 1 and not _OPEN_TELEMETRY.isdisjoint(value):
        return next(iter(value.values()))
    if isinstance(value, list) and 0 < len(value) <= _MAX_NAMES and all(is_property(item) for item in value):
        return properties(value)
    return value if isinstance(value, (dict, str, int, float)) and not isinstance(value, bool) else None


def _scalars(value: Dict[str, Any], into: Dict[str, Any], above: str = "", depth: int = 0) -> None:
    """The scalars of an object and of those in it by their plain names, alone and behind that of what they lie in; the
    outer ones first.
    """
    inner = []  # type: List[Tuple[str, Dict[str, Any]]]
    for key, one in islice(value.items(), _MAX_NAMES):
        name = _name_of(key.rpartition(".")[2])
        scalar = _member(one)
        if isinstance(scalar, dict):
            inner.append((name, scalar))
        elif scalar is not None:
            if name != "name":
                into.setdefault(name, scalar)
            into.setdefault(_name_of(key), scalar)
            into.setdefault(above + name, scalar)
    if depth < _MAX_DEPTH and len(into) < _MAX_NAMES:
        for name, member in inner:
            _scalars(member, into, name, depth + 1)


def _first_text(names: Dict[str, Any], wanted: Iterable[str]) -> Optional[str]:
    return next((names[name] for name in wanted if isinstance(names.get(name), str) and names[name]), None)


def _epoch(value: Any) -> Optional[float]:
    """Seconds, milli-, micro- or nanoseconds since 1970."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not value.replace(".", "", 1).isdigit() or len(value) > 24:
            return None
        value = float(value)
    if not isinstance(value, (int, float)):
        return None
    for unit in (1.0, 1e3, 1e6, 1e9):
        if 1e8 < value / unit < 1e10:
            return float(value) / unit
    return None


def is_kernel(value: Any) -> bool:
    """A tag or a place that is the kernel's: kernel, kmsg.0, system.kern.log, /dev/kmsg, /var/log/kern.log.1."""
    word = str(value).strip().rstrip(":").lower().rpartition("/")[2]
    return not _KERNEL.isdisjoint(word.split("."))


def _says_kernel(names: Dict[str, Any], speaker: Optional[str]) -> bool:
    if speaker is not None:
        return is_kernel(speaker)
    if any(str(names.get(name)) == "0" for name in _FACILITIES):
        return True
    return any(name in names and is_kernel(names[name]) for name in _ORIGINS + _FILES)


def _uptime(names: Dict[str, Any]) -> Optional[float]:
    """Fluent Bit's kmsg input has seconds and microseconds, ``dmesg --json`` seconds."""
    seconds, micro = names.get("sec"), names.get("usec")
    if isinstance(seconds, int) and isinstance(micro, int):
        return seconds + micro / 1e6
    time = names.get("time")
    return time if isinstance(time, float) and 0 <= time < 1e8 else None


def _speaker(names: Dict[str, Any]) -> Optional[str]:
    """earlyoom for earlyoom.service, kernel for ``kernel:``."""
    said = _first_text(names, _SPEAKERS)
    if said is None:
        return None
    said = "systemd" if said == "init.scope" else _UNIT_END.sub("", said.strip())
    return said.partition("[")[0].rstrip(":") or None


def _is_told(names: Dict[str, Any]) -> bool:
    return not _TELLERS.isdisjoint(names) or names.get("stream") in ("stdout", "stderr")


def _shipped(text: str, names: Dict[str, Any]) -> Shipped:
    speaker = _speaker(names)
    kernel = _says_kernel(names, speaker)
    epoch = next((one for one in (_epoch(names.get(name)) for name in _TIMES) if one is not None), None)
    stamp = next(
        (names[name] for name in _TIMES if isinstance(names.get(name), str) and not names[name].isdigit()), None
    )
    if stamp is not None and _epoch(stamp) is not None:
        stamp = None
    return Shipped(
        text.rstrip("\r\n"),
        kernel,
        _first_text(names, _HOSTS),
        stamp,
        epoch if stamp is None else None,
        None if kernel else speaker,
        not kernel and _is_told(names),
        _uptime(names),
    )


def _decoded(text: str) -> str:
    """The text, or what it says in base64."""
    if len(text) > _MAX_ENCODED or _ENCODED.match(text) is None:
        return text
    try:
        return to_text(binascii.a2b_base64(text))
    except binascii.Error:
        return text


def _text_of(value: Dict[str, Any]) -> Optional[str]:
    """The text of a record among its own members: the first by its name, but for one that tells of a kill where that
    does not.
    """
    plain = {}  # type: Dict[str, str]
    for key, one in islice(value.items(), _MAX_NAMES):
        if isinstance(one, dict) and len(one) == 1 and isinstance(one.get("stringValue"), str):
            one = one["stringValue"]
        if isinstance(one, str) and one:
            plain.setdefault(_name_of(key.rpartition(".")[2]), one)
    if "output" in plain:
        plain["output"] = _decoded(plain["output"])
    named = [plain[name] for name in _TEXTS if name in plain]
    telling = next((text for text in named + list(plain.values()) if _TELLING.search(text)), None)
    return telling or (named[0] if named else None)


def records(element: Element) -> Iterator[Shipped]:
    """The lines of a log in an element of a document, however deep an object of it lies in another."""
    names = {}  # type: Dict[str, Any]
    value = element.value
    if is_pair(value):  # a pair of Loki's, behind the labels of its stream
        for around in reversed(element.around):
            _scalars(around, names)
        names.update(time=value[0])
        yield _shipped(value[1], names)
        return
    if isinstance(value, dict):
        yield from _within(value, element.around, 0)


def _within(value: Dict[str, Any], around: Tuple[Dict[str, Any], ...], depth: int) -> Iterator[Shipped]:
    text = _text_of(value)
    record = record_of(value, text) if "_TRANSPORT" in value or "__CURSOR" in value else None
    if record is not None and record.messages:  # a name that is no text makes the message a list of numbers
        text = to_text(record.messages[0])
    if text is not None:
        names = {}  # type: Dict[str, Any]
        _scalars(value, names)
        for outer in reversed(around):
            _scalars({key: one for key, one in islice(outer.items(), _MAX_AROUND) if one is not value}, names)
        yield _shipped(text, names)._replace(record=record)
        return
    if depth >= _MAX_DEPTH:
        return
    for one in value.values():
        if isinstance(one, dict):
            yield from _within(one, around + (value,), depth + 1)
        elif isinstance(one, list):
            for inner in elements_of(one, around + (value,)):
                yield from _in_list(inner, depth + 1)


def _in_list(inner: Element, depth: int) -> Iterator[Shipped]:
    if isinstance(inner.value, dict):
        yield from _within(inner.value, inner.around, depth)
    elif is_pair(inner.value):
        yield from records(inner)
    else:  # a log as a list of its lines: each has a prefix, or it is somebody's words
        yield Shipped(inner.value, told=True)
