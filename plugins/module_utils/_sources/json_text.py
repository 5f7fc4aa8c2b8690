# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a text that are JSON, and the lines of a log that are in them."""

from typing import Iterable, List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .journal_record import Record
from .json_shippers import Shipped, is_kernel, records
from .json_stream import Element, JsonStream, elements_of, loads
from .prefix import Split, split

#: Objects without these words are spared the decoding.
_OF_INTEREST = regex(rb'kernel|\[ *\d|[Kk]ill|SIG|oom|OOM|emory|CPU: |Node \d|Tasks? in |"MESSAGE"|"Output"')
#: json-seq has a byte before each record (RFC 7464), json-sse a word.
_FRONT = regex(rb"[\s\x1e]{0,64}(?:data: ?(?=\{))?")
_JSON_STRING = regex(rb'[ \t]{0,64}("[^"]{2,8192}"),?\s{0,4}$')
_COLOURS = regex(r"\x1b\[[0-9;]{0,16}[mK]")
_NEWLINES = regex(r"\r?\n")
#: fluentd and others: a tag before the object.
_TAGGED = regex(r"(?P<tag>[^\s{}\[\]\"]{1,128}?):?[ \t]{1,4}(?=\{\")")
#: Fluent Bit's stdout, which writes an arrow for the colon.
_FLUENT_BIT = regex(
    r"\[\d{1,9}\] (?P<tag>[^\s:]{1,128}): \[\[?(?P<epoch>\d{9,11}\.\d{1,9})(?:, \{[^{}]{0,256}\}\])?, (?=\{\")"
)
_ARROW = regex(r"\"=>(?=[\"\[{\dtfn-])")
_MAX_NESTED = 2


class JsonLine(NamedTuple):
    """A line of a log out of an object: its parts, and the journal's record where one was passed on.

    quoted -- an application tells of the line: it is nobody's own
    """

    parts: Split
    record: Optional[Record] = None
    quoted: bool = False


class JsonText:
    """feed() takes raw lines in order."""

    def __init__(self) -> None:
        self._stream = JsonStream()

    @property
    def open(self) -> bool:
        return self._stream.open

    def feed(self, raw: bytes) -> Optional[List[JsonLine]]:
        """What is in a line that is JSON; None where it is none, and for an object that speaks of a kill under a name
        that nobody knows.

        What was open before such a line is left to give_up().
        """
        front = _FRONT.match(raw)
        data = raw[front.end() :].rstrip(b" \t\r\n,") if front else raw
        if not self._stream.open and self._is_whole(data):
            if not _OF_INTEREST.search(data):
                return []
            try:
                return _lines_of(elements_of(loads(to_text(data)))) or None
            except (ValueError, RecursionError):
                pass
        if self._stream.feed(to_text(data)):
            return _lines_of(self._stream.taken())
        if self._stream.open:
            return None
        element = _JSON_STRING.match(raw)
        return _element(element.group(1)) if element else None

    @staticmethod
    def _is_whole(data: bytes) -> bool:
        return data[:1] == b"{" and data[-1:] == b"}" or data[:2] in (b"[{", b'["', b"[[") and data[-1:] == b"]"

    def give_up(self) -> List[JsonLine]:
        """What is still open, as far as it came."""
        self._stream.give_up()
        return _lines_of(self._stream.taken())


def behind(parts: Split) -> Optional[List[JsonLine]]:
    """The object at the end of a line, with what stands before it; None where there is none that is a log's line."""
    text = parts.text
    tag = parts.tag
    epoch = parts.epoch
    fluent_bit = _FLUENT_BIT.match(text)
    tagged = fluent_bit or _TAGGED.match(text)
    if tagged:
        text, tag = text[tagged.end() :], tagged.group("tag")
    if fluent_bit:
        text, epoch = _ARROW.sub('":', text[: text.rfind("}") + 1]), float(fluent_bit.group("epoch"))
    if text[:2] != '{"' or (tag is None and parts.stamp is None):
        return None
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return None
    found = _lines_of(elements_of(value), parts._replace(tag=tag, epoch=epoch))
    return found or None


def _element(quoted: bytes) -> Optional[List[JsonLine]]:
    """A string alone on a line, of a list that begins somewhere else."""
    try:
        value = loads(to_text(quoted))
    except ValueError:
        return None
    return _lines_of([Element(value, ())]) or None


def _lines_of(elements: Iterable[Element], outer: Optional[Split] = None) -> List[JsonLine]:
    found = []  # type: List[JsonLine]
    for element in elements:
        if isinstance(element.value, str):
            found += _whole_lines(element.value)
            continue
        for one in records(element):
            found += _lines_in(one, outer, 0)
    return found


def _whole_lines(text: str) -> List[JsonLine]:
    """Lines with their own prefix, as Ansible shows stdout_lines; a bare text is somebody's words."""
    parts = [_split(line) for line in _NEWLINES.split(text)]
    return [JsonLine(one) for one in parts if _has_prefix(one)]


def _has_prefix(parts: Split) -> bool:
    return parts.tag is not None or parts.uptime is not None or parts.stamp is not None


def _split(text: str) -> Split:
    return split(_COLOURS.sub("", text) if "\x1b[" in text else text)


def _lines_in(found: Shipped, outer: Optional[Split], nested: int) -> List[JsonLine]:
    text = found.text
    if text[:2] == '{"' and nested < _MAX_NESTED:
        try:
            inner = [
                one
                for element in elements_of(loads(text))
                if not isinstance(element.value, str)
                for one in records(element)
            ]
        except (ValueError, RecursionError):
            inner = []
        if inner:
            return [line for one in inner for line in _lines_in(_inherited(one, found), outer, nested + 1)]
    parts = [_split(text)]
    if "\n" in text:
        several = [_split(line) for line in _NEWLINES.split(text) if line]
        # A name may hold a newline; a line behind it has a prefix of its own only where it is one.
        parts = several if any(_has_prefix(one) for one in several[1:]) else parts
    return [_line_in(one, found, outer) for one in parts]


def _inherited(inner: Shipped, outer: Shipped) -> Shipped:
    timeless = inner.stamp is None and inner.epoch is None
    return inner._replace(
        kernel=inner.kernel or (outer.kernel and inner.speaker is None),
        host=inner.host or outer.host,
        stamp=outer.stamp if timeless else inner.stamp,
        epoch=outer.epoch if timeless else inner.epoch,
        told=inner.told or outer.told,
    )


def _line_in(parts: Split, found: Shipped, outer: Optional[Split]) -> JsonLine:
    kernel = found.kernel
    speaker = found.speaker
    stamp, epoch, host = found.stamp, found.epoch, parts.host or found.host
    if outer is not None:
        kernel = kernel or (speaker is None and outer.tag is not None and is_kernel(outer.tag))
        speaker = speaker or outer.tag
        stamp, epoch = (outer.stamp, None) if outer.stamp is not None else (stamp, outer.epoch or epoch)
        host = host or outer.host
    if stamp is None and epoch is None:
        stamp = parts.stamp
    prefixed = _has_prefix(parts)
    tag = parts.tag
    if tag is None and kernel:
        tag = "kernel"
    if tag is None and not prefixed and found.uptime is None:
        tag = speaker
    quoted = not prefixed and not kernel and found.uptime is None and found.told
    uptime = found.uptime if parts.uptime is None else parts.uptime
    return JsonLine(parts._replace(tag=tag, host=host, stamp=stamp, epoch=epoch, uptime=uptime), found.record, quoted)
