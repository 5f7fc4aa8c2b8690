# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of log line is: one row of a table, from which everybody who looks for such lines takes what he needs.

===================  ==============================================================================
journal, /dev/kmsg   ``needles`` of the kernel's rows: which records are looked at at all
large text files     ``needles`` (which lines around a hit are kept), ``before`` and ``after``
the parser           ``patterns`` and ``handler``
what is not parsed   rows without a handler: lines that are known and tell of no kill
===================  ==============================================================================
"""

import re
from typing import TYPE_CHECKING, Match, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    from typing import Pattern

#: Where a pager, a terminal or an author cut a line; what stands right before it may be a part of a word.
CUT = r"\s{0,3}(?:>|\.{2,3}|\u2026)?\s*$"


def beginning_of(words: str) -> str:
    """An expression for any beginning of the words, the empty one too."""
    return "".join("(?:" + re.escape(letter) for letter in words) + ")?" * len(words)


class LineKind(NamedTuple):
    """One kind of line, as one program prints it in some of its releases.

    name -- what it is, and who prints it
    needles -- every such line holds one of them
    patterns -- tried in order at the start of the message, never in its middle: lines quote what users wrote
    handler -- what the parser does with it: the method ``_on_HANDLER`` of the class for that program; None: nothing, it
        is harmless
    before, after -- lines around it that it needs in order to be understood, or that take it back
    anchor -- what the scan of a large file looks for: few rows have one, for each costs a pass; rare strings, and long
        ones, are fast
    end -- the same, looked for behind the beginning of a report only, which costs nothing
    """

    name: str
    needles: Tuple[str, ...]
    patterns: "Tuple[Pattern[str], ...]"
    handler: Optional[str] = None
    before: int = 1
    after: int = 1
    anchor: str = ""
    end: str = ""

    def match(self, text: str) -> Optional[Match[str]]:
        """The line as the first pattern that takes it reads it."""
        for needle in self.needles:
            if needle in text:
                break
        else:
            return None
        for pattern in self.patterns:
            found = pattern.match(text)
            if found is not None:
                return found
        return None
