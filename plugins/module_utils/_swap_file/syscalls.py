# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""swapon(2), swapoff(2) and renameat2(2) themselves: the kernel's own error number, and no command that may lack an
option.

busybox has builds of swapon without ``-p``, and mv of coreutils knows ``--exchange`` since 9.5 only.
"""

import errno
import os
import sys
from typing import Any, Optional

try:
    import ctypes
except ImportError:  # a Python that was split into packages
    ctypes = None  # type: ignore[assignment]

PREFER = 0x8000
PRIORITY = 0x7FFF
_RENAME_EXCHANGE = 2
#: The C library has renameat2() since glibc 2.28, musl 1.2.6; the kernel since 3.15, by these numbers.
_RENAMEAT2 = {
    "x86_64": 316,
    "aarch64": 276,
    "riscv64": 276,
    "loongarch64": 276,
    "ppc64": 357,
    "ppc64le": 357,
    "s390x": 347,
    "i686": 353,
    "armv7l": 382,
}
DISCARD = {"true": 0x10000, "once": 0x30000, "pages": 0x50000}


def libc() -> Any:
    return None if ctypes is None else ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> Optional[int]:
    """0 or the error number; None where Python or its C library has no way to call."""
    try:
        function = getattr(libc(), name)
    except (AttributeError, OSError):
        return None
    return 0 if function(*arguments) == 0 else ctypes.get_errno()


def swapon(path: str, flags: int) -> Optional[int]:
    return _call("swapon", os.fsencode(path), flags)


def swapoff(path: str) -> Optional[int]:
    return _call("swapoff", os.fsencode(path))


def may_swap() -> Optional[bool]:
    """Ask for the swap file without a name: whoever may swap is told that there is none (ENOENT), everybody else EPERM.

    Capabilities alone do not tell: a user namespace has all of them, and a container's filter may stand before the
    kernel.
    """
    answer = swapon("", 0)
    return None if answer is None else answer == errno.ENOENT


def exchange(folder: int, one: str, other: str) -> Optional[int]:
    """Two names in an open folder change places, at once for everybody. 0 or the error number; None where it cannot be
    called.
    """
    arguments = (folder, os.fsencode(one), folder, os.fsencode(other), _RENAME_EXCHANGE)
    answer = _call("renameat2", *arguments)
    number = _RENAMEAT2.get(os.uname().machine)
    if answer is not None or number is None or sys.maxsize < 1 << 32 and number in (316, 276, 357, 347):
        return answer
    return _call("syscall", number, *arguments)
