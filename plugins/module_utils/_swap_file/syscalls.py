# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""swapon(2) and swapoff(2) themselves: the kernel's own error number, and no command that may lack an option (busybox has builds without ``-p``)."""

import errno
import os
from typing import Any, Optional

try:
    import ctypes
except ImportError:  # a Python that was split into packages
    ctypes = None  # type: ignore[assignment]

PREFER = 0x8000
PRIORITY = 0x7FFF
DISCARD = {"true": 0x10000, "once": 0x30000, "pages": 0x50000}


def _libc() -> Any:
    return None if ctypes is None else ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> Optional[int]:
    """0 or the error number; None where Python or its C library has no way to call."""
    try:
        function = getattr(_libc(), name)
    except (AttributeError, OSError):
        return None
    return 0 if function(*arguments) == 0 else ctypes.get_errno()


def swapon(path: str, flags: int) -> Optional[int]:
    return _call("swapon", os.fsencode(path), flags)


def swapoff(path: str) -> Optional[int]:
    return _call("swapoff", os.fsencode(path))


def may_swap() -> Optional[bool]:
    """Ask for the swap file without a name: whoever may swap is told that there is none (ENOENT), everybody else EPERM.

    Capabilities alone do not tell: a user namespace has all of them, and a container's filter may stand before the kernel.
    """
    answer = swapon("", 0)
    return None if answer is None else answer == errno.ENOENT
