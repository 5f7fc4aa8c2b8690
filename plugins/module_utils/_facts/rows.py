# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rows of the facts have in common: who asked for the memory, and where it was said."""

from typing import Any, Dict, Sequence

from ansible_collections.memops.linux.plugins.module_utils._oom.model import Invoker
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.plugins.module_utils._text import optional_printable, printable

#: The kernel's names have 15 bytes.
MAX_COMM = 64
#: What names that somebody chose may take of the result: each list by itself must leave room for the kills.
LIST_BYTES = 24 * 1024


def invoker_facts(invoker: Invoker) -> Dict[str, Any]:
    return {
        "pid": invoker.pid,
        "comm": optional_printable(invoker.comm, MAX_COMM),
        "gfp_mask": invoker.gfp_mask,
        "order": invoker.order,
    }


def source_of(line: LogLine, seen_in: Sequence[str]) -> Dict[str, Any]:
    return {
        "name": printable(line.source),
        "trusted": line.trusted,
        "reason": printable(line.reason),
        "seen_in": [printable(name) for name in seen_in],
    }
