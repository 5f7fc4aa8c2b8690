# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make try LINE='...'`: what the parser makes of a line of a log, step by step, and which step refused it."""

from __future__ import annotations

import os
import sys
import time

from ansible_collections.memops.linux.plugins.module_utils._line_kinds.daemons import DAEMONS
from ansible_collections.memops.linux.plugins.module_utils._line_kinds.kernel import KERNEL
from ansible_collections.memops.linux.plugins.module_utils._line_kinds.model import LineKind
from ansible_collections.memops.linux.plugins.module_utils._line_kinds.needles import NEEDLES
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Event
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import Parser
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.plugins.module_utils._text import printable


def rows() -> list[LineKind]:
    """Every row of the table of line kinds that says something of a kill."""
    return [
        kind
        for kinds in (KERNEL, *(kinds for _tags, kinds in DAEMONS))
        for kind in kinds
        if kind.handler or all(kind.needles)
    ]


def kind_of(text: str) -> str:
    """Which row of the table takes the message, or why none does."""
    for kind in rows():
        if kind.match(text):
            return f"taken as: {kind.name}" + ("" if kind.handler else ", which is harmless and tells of no kill")
    held = [needle for needle in NEEDLES if needle in text]
    # A needle such as ":" says nothing.
    near = [kind.name for kind in rows() if any(len(needle) > 3 and needle in text for needle in kind.needles)]
    if near:
        return (
            f"refused: the needles of {', '.join(near[:3])} are in it, and none of their patterns takes it from its"
            " first letter"
        )
    if held:
        return f"refused: {held[0]!r} is in it, and no row of the table has such a line"
    return "refused: no needle of any row is in it, so a scan of a large log does not look at it at all"


def show(step: str, *texts: str) -> None:
    print(f"{step:10} " + f"\n{'':11}".join(printable(text) for text in texts))


def prefix_of(line: LogLine) -> list[str]:
    known = {"host": line.host, "tag": line.tag, "time": line.time, "uptime": line.uptime}
    told = [f"{name} {value}" for name, value in known.items() if value is not None]
    return [", ".join(told) or "none that we know", f"message: {line.text}"]


def told(event: Event) -> str:
    fields = event._asdict() if hasattr(event, "_asdict") else vars(event)
    inner = {
        name: value._asdict() if hasattr(value, "_asdict") else value
        for name, value in fields.items()
        if name != "line"
    }
    flat = {name: value for name, value in inner.items() if not isinstance(value, dict)}
    for name, value in inner.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{key}": part for key, part in value.items()})
    values = [f"{name}={value}" for name, value in flat.items() if value not in (None, "", (), False)]
    return f"{type(event).__name__}: " + ", ".join(values)


def main() -> int:
    raw = os.environ.get("LINE", "")
    if not raw:
        print(
            "make try: no line; say which: make try LINE='Out of memory: Killed process 4711 (java) ...'",
            file=sys.stderr,
        )
        return 2
    log, parser = TextLog("LINE", Clock(time.time()).stamp), Parser()
    events: list[Event] = []
    for text in raw.splitlines():
        line = log.line(text.encode("utf-8", "surrogateescape"))
        show("prefix", *prefix_of(line))
        show("line", kind_of(line.text))
        events += parser.feed(line)
    events += parser.finish()
    show("parser", *(map(told, events) if events else ["no kill and nothing unresolved came out of it"]))
    unparsed = parser.unparsed
    if unparsed.count:
        show("unparsed", "it speaks of a kill and no reader took it: a row is missing (CONTRIBUTING.md)")
    elif unparsed.quoted:
        show("unparsed", "another program quotes the words of a kill: counted apart, and no kill")
    return 0


if __name__ == "__main__":
    sys.exit(main())
