# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes become text here, once, and text becomes safe to print and to send here, once."""

import re
from typing import Any, Optional

#: C0 and C1 controls, DEL, line and paragraph separators, bidi marks, BOM, non-characters, bytes that were not UTF-8.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff\ud800-\udfff]"
)


def to_text(data: bytes) -> str:
    """Decode for parsing: every byte that is not UTF-8 becomes a lone surrogate, nothing is lost."""
    return data.decode("utf-8", "surrogateescape")


def _escape(match: "re.Match[str]") -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:
        return "\\x%02x" % (code - 0xDC00)
    return "\\x%02x" % code if code < 0x100 else "\\u%04x" % code


def printable(text: str) -> str:
    """Valid UTF-8 as it is; controls, bidi marks and bytes that are not UTF-8 as ``\\xNN`` or ``\\uNNNN``."""
    return _UNSAFE.sub(_escape, text)


def printable_line(text: str) -> str:
    """A line of a diff: as printable(), but a tab is what it is."""
    return "\t".join(printable(part) for part in text.split("\t"))


def optional_printable(text: Optional[str], limit: int = 1024) -> Optional[str]:
    """printable() of at most `limit` characters, None stays None. A forged log line may hold a name of any length."""
    return None if text is None else printable(text[:limit])


def safe(value: Any) -> Any:
    """The same structure with every string (keys too) printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {safe(k): safe(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [safe(v) for v in value]
    return value
