# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes become text once; nothing that steers a terminal or breaks JSON leaves."""

import json

import pytest

from ansible_collections.memops.linux.plugins.module_utils._text import optional_printable, printable, safe, to_text

CASES = [
    ("plain", b"java", "java"),
    (
        "valid UTF-8 as it is",
        "caf\u00e9 \u2615 \u4e2d \U0001f600".encode("utf-8"),
        "caf\u00e9 \u2615 \u4e2d \U0001f600",
    ),
    ("no-break space is a letter like another", b"nb\xc2\xa0sp", "nb\u00a0sp"),
    ("newline", b"a\nb", "a\\x0ab"),
    ("NUL, DEL", b"\x00\x7f", "\\x00\\x7f"),
    ("ESC", b"\x1b[31m", "\\x1b[31m"),
    ("C1 as UTF-8", b"\xc2\x9b", "\\x9b"),
    ("bytes that are not UTF-8", b"bad\xff\xfe", "bad\\xff\\xfe"),
    ("a character cut off", b"a\xe2\x82", "a\\xe2\\x82"),
    ("a surrogate in UTF-8", b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ("overlong", b"\xc0\xaf", "\\xc0\\xaf"),
    ("bidi", "\u202e\u2066\u200f\u061c".encode("utf-8"), "\\u202e\\u2066\\u200f\\u061c"),
    ("zero width, BOM, separators", "\u200b\ufeff\u2028\u2029".encode("utf-8"), "\\u200b\\ufeff\\u2028\\u2029"),
    ("not a character", "\uffff\ufffe".encode("utf-8"), "\\uffff\\ufffe"),
    ("a backslash is no escape", b"back\\x41slash", "back\\x41slash"),
]


@pytest.mark.parametrize("data, text", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_printable(data, text):
    assert printable(to_text(data)) == text
    assert printable(text) == text  # once more changes nothing
    assert text.encode("utf-8")


def test_to_text_loses_nothing():
    data = bytes(bytearray(range(256)))
    assert to_text(data).encode("utf-8", "surrogateescape") == data


@pytest.mark.slow
def test_every_character_becomes_valid_utf_8():
    text = printable("".join(map(chr, range(0x110000))))
    assert text.encode("utf-8")
    assert not any(0xD800 <= ord(char) <= 0xDFFF or ord(char) < 32 or 127 <= ord(char) < 160 for char in text)


def test_optional():
    assert optional_printable(None) is None
    assert optional_printable("a\n") == "a\\x0a"
    assert optional_printable("x" * 5000, 64) == "x" * 64
    assert len(optional_printable("\n" * 5000) or "") <= 4 * 1024


def test_safe_walks_everything():
    value = {"k\n": ["\udcff", ("\x1b", 1, None, 2.5, True)], "n": {"\u202e": {}}}
    found = safe(value)
    assert found == {"k\\x0a": ["\\xff", ["\\x1b", 1, None, 2.5, True]], "n": {"\\u202e": {}}}
    json.dumps(found, ensure_ascii=False).encode("utf-8")
