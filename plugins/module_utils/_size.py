# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``2G`` and ``20%`` to numbers and back, in systemd's grammar and no wider: it ignores ``64m`` and ``64MB`` without an
error.
"""

import re
from typing import NoReturn, Optional

_UNITS = "KMGTPE"
_SIZE = re.compile(r"^(\d{1,40})(?:\.(\d{1,9}))?\s?([KMGTPE]?)$", re.ASCII)
_SHARE = re.compile(r"^(\d{1,40})(?:\.(\d{1,2}))?%$", re.ASCII)
_NEARLY = re.compile(r"^\d+(?:\.\d+)?\s*([kmgtpe])i?b?$", re.IGNORECASE)
_MAX = 2**64 - 2  # systemd says infinity with the next number


def _refuse(text: str) -> NoReturn:
    hint = _NEARLY.match(text)
    better = re.split("[a-zA-Z ]", text)[0] + hint.group(1).upper() if hint else text
    if better != text:
        raise ValueError("%r is not a valid size; write %s (factor 1024)" % (text, better))
    raise ValueError(
        "%r is not a valid size; write bytes or a number with K, M, G or T (factor 1024), such as 512M" % (text,)
    )


def parse_size(text: str) -> int:
    """Bytes of ``536870912``, ``512M``, ``1.5G``, ``64 M``. Raises ValueError that says how to write it."""
    found = _SIZE.match(text.strip())
    if not found:
        _refuse(text)
    whole, fraction, unit = found.groups()
    if fraction and not unit:
        raise ValueError("%r: bytes have no fraction" % (text,))
    factor = 1024 ** (_UNITS.index(unit) + 1) if unit else 1
    size = int(whole) * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)
    if size > _MAX:
        raise ValueError("%r is more than 64 bits hold" % (text,))
    return size


def parse_share(text: str) -> Optional[int]:
    """Hundredths of a percent of ``20%`` or ``12.5%``; None where it is no share. Raises ValueError above 100 %."""
    found = _SHARE.match(text.strip())
    if not found:
        return None
    share = int(found.group(1)) * 100 + int((found.group(2) or "0").ljust(2, "0"))
    if share > 10_000:
        raise ValueError("%r is more than 100 %%" % (text,))
    return share


def exact(size: int) -> str:
    """The shortest text that parse_size reads back as the same number: ``512M``, ``1536K``, ``1000``."""
    unit = ""
    for letter in _UNITS:
        if not size or size % 1024:
            break
        size, unit = size // 1024, letter
    return "%d%s" % (size, unit)


def human(size: int) -> str:
    """For sentences: ``1.9 GiB``, ``272 MiB``, ``512 bytes``."""
    if abs(size) < 1024:
        return "%d bytes" % size
    value, unit = float(size), ""
    for letter in _UNITS:
        if abs(value) < 1024:
            break
        value, unit = value / 1024, letter
    return ("%.1f %siB" if abs(value) < 10 else "%.0f %siB") % (value, unit)
