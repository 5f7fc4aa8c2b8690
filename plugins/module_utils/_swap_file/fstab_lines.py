# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fstab lines of our swap files: bytes in, bytes out, and every byte outside our line stays.

The key of a swap line is its decoded source, never its mount point: all swap lines have the same one (``none`` or
``swap``). Blanks are space and tab and lines end with a newline, as for glibc and libmount; a carriage return is a
letter of the last field.
"""

import os
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import printable, printable_line, to_text

_BLANK = b" \t"
_LINE = regex(rb"[^\n]*\n|[^\n]+\Z")
_FIELD = regex(rb"[^ \t]+")
_OCTAL = regex(rb"\\([0-7]{3}|\\)")
_MANGLED = regex(rb"[ \t\n\\]")
_NUMBER = regex(rb"^[0-9]{1,9}$")
#: What an option may be made of: nothing that ends a field, begins a comment or has to be encoded.
_OPTIONS = regex(r"^[A-Za-z0-9_][!$-\[\]-~]*\Z")

_FSTYPE = 2
_OPTS = 3
_FREQ = 4
_FIELDS = 6


class FstabError(PreconditionError):
    """The table, or what is asked of it, cannot be used; the text says why and that nothing was written."""


class Entry(NamedTuple):
    """One swap line. options -- empty where the line has no fourth field; line_no -- from 1"""

    device: str
    options: List[str]
    line_no: int


def decode(field: bytes) -> bytes:
    r"""``\040`` and every other octal escape, as libmount; ``\\`` as glibc."""
    return _OCTAL.sub(lambda found: b"\\" if found.group(1) == b"\\" else bytes([int(found.group(1), 8) & 0xFF]), field)


def encode(name: bytes) -> bytes:
    r"""``\040 \011 \012 \134``: the four that glibc, libmount and the kernel's /proc/swaps agree on."""
    return _MANGLED.sub(lambda found: b"\\%03o" % ord(found.group()), name)


def _plain(path: bytes) -> bytes:
    """The same path without double slashes and dots; ``..`` stays, a link may be before it."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    return b"/" + b"/".join(parts) if path.startswith(b"/") else path


def _fields(line: bytes) -> List[bytes]:
    """The fields of an entry, none for a comment and for a line that is too short for an entry."""
    text = line[:-1] if line.endswith(b"\n") else line
    if text.lstrip(_BLANK).startswith(b"#"):
        return []
    fields = _FIELD.findall(text)
    return fields if len(fields) > _FSTYPE else []


def _source(line: bytes) -> Optional[bytes]:
    """The decoded source of a swap line; None for every other line.

    ``swap`` with a carriage return counts: the line is a swap line to whoever wrote it, though nothing else understands
    it.
    """
    fields = _fields(line)
    return _plain(decode(fields[0])) if fields and fields[_FSTYPE].rstrip(b"\r") == b"swap" else None


def _options(line: bytes) -> bytes:
    fields = _fields(line)
    return fields[_OPTS] if len(fields) > _OPTS else b""


def _sound(line: bytes) -> bool:
    """Whether glibc and libmount both read the line: four fields or more, numbers where numbers belong, no carriage
    return.
    """
    fields = _fields(line)
    return len(fields) > _OPTS and b"\r" not in line and all(_NUMBER.match(number) for number in fields[_FREQ:_FIELDS])


def _set_options(line: bytes, options: bytes) -> bytes:
    """The line with other options. Its blanks, its mount point and a comment behind it stay."""
    end = b"\n" if line.endswith(b"\n") else b""
    text = line[: len(line) - len(end)].replace(b"\r", b"")
    spans = [(found.start(), found.end()) for found in _FIELD.finditer(text)]
    if len(spans) <= _OPTS:
        return text[: spans[_FSTYPE][1]] + b" " + options + b" 0 0" + end
    head, tail = text[: spans[_OPTS][0]] + options, text[spans[_OPTS][1] :]
    for position in (_FREQ, _FREQ + 1):
        if position < len(spans) and not _NUMBER.match(text[slice(*spans[position])]):
            # a comment stands where a number belongs: libmount would not take the line
            where = spans[position][0] - spans[_OPTS][1]
            return head + tail[:where] + b"0 " * (_FIELDS - position) + tail[where:] + end
    return head + tail + end


def _key(path: str) -> bytes:
    if not path.startswith("/") or "\0" in path:
        raise FstabError("%s is not an absolute path; fstab was not changed." % printable(path[:256]))
    if "\r" in path:
        raise FstabError(
            "%s has a carriage return in its name, which fstab cannot hold; fstab was not changed."
            % printable(path[:256])
        )
    return _plain(os.fsencode(path))


class Fstab(NamedTuple):
    """A table, and the sources that with_swap() and without_swap() were asked to change on the way to it."""

    data: bytes = b""
    touched: FrozenSet[bytes] = frozenset()

    @classmethod
    def parse(cls, data: bytes) -> "Fstab":
        """Every table has a meaning: a line that is no swap line, whatever it is, is carried along."""
        return cls(data)

    @property
    def lines(self) -> List[bytes]:
        """With their newlines; the last may have none."""
        return _LINE.findall(self.data)

    def _numbers(self, key: bytes) -> List[int]:
        return [number for number, line in enumerate(self.lines) if _source(line) == key]

    def swap_entry(self, path: str) -> Optional[Entry]:
        """The first line of this swap file: the one that systemd and swapon(8) take."""
        for number in self._numbers(_key(path)):
            line = self.lines[number]
            return Entry(path, [option for option in to_text(_options(line)).split(",") if option], number + 1)
        return None

    def swap_sources(self) -> List[Tuple[int, str]]:
        """Line and decoded source of every swap line. Lines count from 1."""
        found = [(number, _source(line)) for number, line in enumerate(self.lines, 1)]
        return [(number, to_text(source)) for number, source in found if source is not None]

    def with_swap(self, path: str, options: str) -> "Fstab":
        """One line for this swap file, with these options. A line that says so already stays as it is written."""
        key = _key(path)
        if not _OPTIONS.match(options):
            raise FstabError("%r are not valid options of an fstab line; fstab was not changed." % options)
        wanted = options.encode("ascii")
        lines, ours = self.lines, self._numbers(key)
        for number in ours[1:]:
            lines[number] = b""
        if ours:
            line = lines[ours[0]]
            if _options(line) != wanted or not _sound(line):
                lines[ours[0]] = _set_options(line, wanted)
        else:
            # before a last line without a newline: no byte of it has to change
            place = len(lines) - (1 if lines and not lines[-1].endswith(b"\n") else 0)
            lines.insert(place, encode(os.fsencode(path)) + b" none swap " + wanted + b" 0 0\n")
        return Fstab(b"".join(lines), self.touched | {key})

    def without_swap(self, path: str) -> "Fstab":
        """No line for this swap file."""
        key = _key(path)
        return Fstab(b"".join(line for line in self.lines if _source(line) != key), self.touched | {key})

    def problems(self) -> List[str]:
        """What is wrong with lines that are not ours to change, for the person who runs the play."""
        found = []  # type: List[str]
        seen = {}  # type: Dict[bytes, int]
        for number, line in enumerate(self.lines, 1):
            source = _source(line)
            if source is None:
                continue
            if source in seen:
                name = printable(to_text(source))
                found.append(
                    "fstab has %s as swap in line %d and again in line %d; the first one counts"
                    % (name, seen[source], number)
                )
            seen.setdefault(source, number)
        if self.data.startswith(b"\xef\xbb\xbf"):
            found.append("fstab begins with a byte order mark, which makes its first line unreadable at boot")
        return found


def check(before: Fstab, after: Fstab) -> None:
    """Raise unless `after` differs from `before` in lines of the touched sources only, and has at most one sound line
    of each.
    """
    old = [line for line in before.lines if _source(line) not in after.touched]
    new = [line for line in after.lines if _source(line) not in after.touched]
    if old != new:
        raise FstabError(
            "the new fstab would differ in lines that are not ours; the old one was left as it is. This is a bug of"
            " memops.linux."
        )
    ours = [
        (source, line) for source, line in ((_source(line), line) for line in after.lines) if source in after.touched
    ]
    if len(dict(ours)) != len(ours) or not all(_sound(line) for _source_of, line in ours):
        raise FstabError(
            "the new fstab would have a line that cannot be read; the old one was left as it is. This is a bug of"
            " memops.linux."
        )


def changed_lines(before: Fstab, after: Fstab) -> Tuple[List[str], List[str]]:
    """The lines that go and the lines that come, printable: the diff of a run. Other lines may hold passwords and stay
    out.
    """

    def ours(table: Fstab) -> List[str]:
        return [printable_line(to_text(line.rstrip(b"\n"))) for line in table.lines if _source(line) in after.touched]

    return ours(before), ours(after)
