# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as systemd reads them in people's files: wider than what we write ourselves. Measured on 247, 252 and 257."""

import re
from typing import Optional

_INT = re.compile(r"^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|(0[0-7]*)|([1-9][0-9]*))$")
_SHARE = re.compile(r"^\+?([0-9]+)(?:\.([0-9]{1,2}))?%$")
_PART = re.compile(r"[ \t]*([0-9]+)(?:\.([0-9]*))?[ \t]*([BKMGTPE]?)")
_UNITS = "BKMGTPE"
_MAX = 2**64 - 2


def read_int(text: str) -> int:
    """``0x10`` is 16 and ``010`` is 8. Raises ValueError."""
    found = _INT.match(text)
    if not found:
        raise ValueError("%r is not an integer" % (text,))
    sign, hexadecimal, binary, octal, old_octal, decimal = found.groups()
    for digits, base in ((hexadecimal, 16), (binary, 2), (octal, 8), (old_octal, 8), (decimal, 10)):
        if digits:
            return int(digits, base) * (-1 if sign == "-" else 1)
    return 0


def read_share(text: str) -> Optional[int]:
    """Hundredths of a percent; None where it is no share. Raises ValueError above 100 %."""
    found = _SHARE.match(text)
    if not found:
        return None
    share = read_int(found.group(1)) * 100 + int((found.group(2) or "0").ljust(2, "0"))
    if share > 10_000:
        raise ValueError("%r is more than 100 %%" % (text,))
    return share


def read_size(text: str) -> int:
    """``1G512M``, ``5.``, ``10B``: every part smaller than the one before it. Raises ValueError."""
    rest, total, last = text[1:] if text.startswith("+") else text, 0, len(_UNITS)
    while rest:
        found = _PART.match(rest)
        unit = _UNITS.index(found.group(3) or "B") if found else last
        if not found or unit >= last:
            raise ValueError("%r is not a valid size" % (text,))
        whole, fraction = found.group(1), found.group(2) or ""
        factor = 1024**unit
        total += int(whole) * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)
        rest, last = rest[found.end() :], unit
    if not text or total > _MAX:
        raise ValueError("%r is not a valid size" % (text,))
    return total
