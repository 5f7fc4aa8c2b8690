# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that are compiled when they are first used.

A module is started anew on every host and for every task; compiling a hundred patterns, of which
a quiet host needs five, would cost more than looking at its logs.
"""

import re
from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    from typing import Pattern


class LateRegex:
    def __init__(self, text: Any, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Only asked for what is not there yet: from then on it is the compiled pattern's own."""
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = re.compile(self._text, self._flags)
        for method in ("match", "fullmatch", "search", "finditer", "findall", "sub", "split"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def regex(text: AnyStr, flags: int = 0) -> "Pattern[AnyStr]":
    """Like re.compile(); a wrong expression is told at its first use."""
    return cast("Pattern[AnyStr]", LateRegex(text, flags))
