# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text in UTF-16 as a stream of UTF-8: what PowerShell writes behind ``>``."""

import codecs
from typing import Optional

from .stream import Damage, Fill


def encoding_of(head: bytes) -> Optional[str]:
    """The encoding of a text that begins with these bytes, where it is UTF-16."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and head[:4] != codecs.BOM_UTF32_LE:
        return "utf-16"
    if len(head) >= 16 and not any(head[1:16:2]) and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head[:16:2]):
        return "utf-16-le"
    return None


class Utf16:
    """fill() like that of a plain file."""

    damage = None  # type: Optional[Damage]

    def __init__(self, fill: Fill, encoding: str) -> None:
        self.produced = 0
        self._fill = fill
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""
        self._ended = False

    def fill(self, view: memoryview) -> int:
        while not self._ready and not self._ended:
            raw = bytearray(64 << 10)
            got = self._fill(memoryview(raw))
            self._ended = not got
            self._ready = self._decoder.decode(bytes(raw[:got]), final=not got).encode("utf-8", "replace")
        data, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(data)] = data
        self.produced += len(data)
        return len(data)
