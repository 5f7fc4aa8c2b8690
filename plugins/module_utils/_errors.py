# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a swap file is not as it was wished."""


class Refused(Exception):
    """Nothing was touched; the text says why and which option or action changes that."""


class Failed(Exception):
    """A step failed; the text says what stands now. errno is the kernel's number where it gave one."""

    def __init__(self, text: str, errno: int = 0) -> None:
        super(Failed, self).__init__(text)
        self.errno = errno
