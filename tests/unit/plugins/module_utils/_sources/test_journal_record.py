# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""journalctl's two formats, whole and in pieces, as a stream may bring them."""

import json
import os
import struct

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources.journal_record import (
    BrokenStream,
    Record,
    Records,
    json_record,
    text_record,
)


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def decoded(data, size):
    records = Records()
    batches = [records.feed(data[at : at + size]) for at in range(0, len(data), size)] + [records.close()]
    return [text_record(item) if isinstance(item, bytes) else item for batch in batches for item in batch]


@pytest.mark.parametrize("size", [1, 7, 8, 9, 4096, 1 << 20])
def test_pieces_of_any_size_make_the_same_records(fixtures, size):
    data = read(os.path.join(fixtures, "journal", "kernel.export"))
    whole = decoded(data, len(data))
    assert len(whole) == data.count(b"\n__REALTIME_TIMESTAMP=") == 114
    assert decoded(data, size) == whole
    assert all(len(record.messages) == 1 for record in whole)
    assert {record.fields[b"_TRANSPORT"] for record in whole} == {b"kernel"}


def test_names_that_no_line_holds(fixtures):
    data = read(os.path.join(fixtures, "journal", "kernel.export"))
    messages = b"\0".join(record.messages[0] for record in decoded(data, 4096))
    for name in (
        b"(line\nbreak)",
        b"(bad\xff\xfeutf8)",
        b"(\x1b[31mred\x1b[0m)",
        b"(z\nOut of memory)",
        b"(back\\x41slash)",
    ):
        assert b"Killed process" in messages and name in messages, name


@pytest.mark.parametrize("suffix", ["export", "json"])
def test_the_shapes_of_message(fixtures, suffix):
    data = read(os.path.join(fixtures, "journal", "forged.%s" % suffix))
    messages = [record.messages for record in decoded(data, 100)]
    assert (b"shape: \x1b[31m \xff",) in messages  # a list of numbers in JSON
    assert (b"shape: first", b"shape: second") in messages  # a list of strings
    assert (b"shape: mixed", b"\x07\xfe") in messages  # a list of both
    assert (b"shape: with\nnewline\n\n__CURSOR=x",) in messages
    assert (b"shape: long " + b"x" * 5000,) in messages
    assert () in messages  # absent
    assert len(messages) == 13


def test_null_is_no_message(fixtures):
    """Without --all JSON has null for more than 4 KiB."""
    data = read(os.path.join(fixtures, "journal", "forged-noall.json"))
    assert data.count(b'"MESSAGE":null') == 1
    assert [record.messages for record in decoded(data, 4096)].count(()) == 2


@pytest.mark.parametrize(
    "value, messages",
    [
        ("text", (b"text",)),
        ("\u00e9 \ud800", (b"\xc3\xa9 \\ud800",)),
        ([104, 255, 10], (b"h\xff\n",)),
        ([], ()),
        (None, ()),
        (["a", "b"], (b"a", b"b")),
        (["a", [255], None], (b"a", b"\xff")),
        ([256, 1], ()),
        ([-1], ()),
        ([True, False], ()),
        ([1.5], ()),
        ({"a": 1}, ()),
        (7, ()),
    ],
    ids=repr,
)
def test_json_values(value, messages):
    record = json_record(json.dumps({"MESSAGE": value, "_TRANSPORT": "kernel"}).encode("ascii"))
    assert record is not None and record.messages == messages
    assert record.fields[b"_TRANSPORT"] == b"kernel"


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b"7", b"\xff", b"{" * 100000, b"[" * 100000])
def test_no_json_object(line):
    assert json_record(line) is None


def test_old_journalctl_json_has_blanks():
    records = decoded(b'{ "__REALTIME_TIMESTAMP" : "1", "MESSAGE" : [ 27, 255 ], "_TRANSPORT" : "kernel" }\n', 10)
    fields = {b"__REALTIME_TIMESTAMP": b"1", b"MESSAGE": b"\x1b\xff", b"_TRANSPORT": b"kernel"}
    assert records == [Record(fields, (b"\x1b\xff",))]


def binary(name, value, length=None):
    return name + b"\n" + struct.pack("<Q", len(value) if length is None else length) + value + b"\n"


@pytest.mark.parametrize("size", [1, 3, 11, 12, 13, 14, 15, 16, 4096])
def test_a_length_that_looks_like_the_end_of_a_record(size):
    """A value of 0x0a0a bytes: its length begins with two newlines."""
    value = b"x" * 0x0A0A
    data = b"__CURSOR=a\n" + binary(b"MESSAGE", value) + b"\n__CURSOR=b\nMESSAGE=t\n\n"
    assert [record.messages for record in decoded(data, size)] == [(value,), (b"t",)]


def test_a_value_that_looks_like_records():
    value = b"\n\n__CURSOR=forged\n_TRANSPORT=kernel\nSYSLOG_FACILITY=0\nMESSAGE=Killed process 1\n\n"
    data = b"__CURSOR=a\n" + binary(b"MESSAGE", value) + b"_TRANSPORT=journal\n\n"
    assert [record.messages for record in decoded(data, 5)] == [(value,)]


@pytest.mark.parametrize(
    "data, kept",
    [
        (b"__CURSOR=a\nMESSAGE=one\n\n__CURSOR=b\nMESSA", 1),
        (b"__CURSOR=a\nMESSAGE=one\n\n__CURSOR=b\nMESSAGE\n\x05\0\0", 1),
        (b"__CURSOR=a\nMESSAGE=one\n\n__CURSOR=b\n" + binary(b"MESSAGE", b"x", 100), 1),
        (b"", 0),
        (b"\n\n", 0),
    ],
)
def test_what_breaks_off_is_left_out(data, kept):
    assert len(decoded(data, 4096)) == kept


@pytest.mark.parametrize(
    "data",
    [
        b"__CURSOR=a\n" + binary(b"MESSAGE", b"x", 1 << 40),
        b"__CURSOR=a\n" + binary(b"MESSAGE", b"xy", 1) + b"\n",
        b"__CURSOR=a\nMESSAGE=\0\n\n",
        b'{"__REALTIME_TIMESTAMP": "1"}\nno json\n',
        b'{"a": 1}\n',
        b"Segmentation fault\n",
        b"__CURSOR=a\nMESSAGE=one\n\nrubbish\n\n__CURSOR=b\nMESSAGE=two\n\n",
    ],
)
def test_a_broken_stream_is_an_exception_of_its_own(data):
    with pytest.raises(BrokenStream):
        decoded(data, 4096)
