# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of swap_file, checked and parsed."""

import math
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._when import parse_when

from .size import Reserve, SizeParam, parse_reserve, parse_wanted

#: Between the negative ones that the kernel gives and the 100 of zram-generator: memory that is compressed comes before
#: a disk.
DEFAULT_PRIORITY = 10
_LAST = 253402300799  # the end of the year 9999: dates have four digits
_ABSOLUTE = re.compile(r"\d{4}-")
_IN_THE_MAKING = re.compile(r"/\.[^/]*\.memops-(?:bridge|half)\Z")
_OURS = re.compile(r"(?:pri|discard)(?:=|$)|(?:no)?(?:fail|auto)$|defaults$")


class Params(NamedTuple):
    """priority -- None: as it is, and 10 for a new one. size -- None with state absent"""

    path: str
    present: bool = True
    size: Optional[SizeParam] = None
    priority: Optional[int] = None
    discard: Optional[str] = None
    persistent: bool = True
    nofail: bool = True
    reserve: Reserve = Reserve(0, 0)
    expires: Optional[str] = None
    allow_on_kubernetes: bool = False
    allow_resume_change: bool = False
    own_subvolume: bool = False


def _fail(option: str, text: str) -> ValueError:
    return ValueError("%s: %s. Nothing was changed." % (option, text))


def parse_params(params: Dict[str, Any]) -> Params:
    """Raises ValueError that names the wrong option."""
    path = params["path"]
    if (
        not path.startswith("/")
        or path.endswith("/")
        or "\0" in path
        or "\n" in path
        or "/../" in path
        or "/./" in path
        or "//" in path
    ):
        raise _fail("path", "%r is not the plain, absolute path of a file" % (path[:256],))
    if path != path.rstrip():
        raise _fail("path", "%r ends in a blank, which is easily overlooked" % (path[:256],))
    if _IN_THE_MAKING.search(path):
        raise _fail("path", "%r is a name that this module gives to a file for the time of a change" % (path[:256],))
    if len(path.rsplit("/", 1)[1].encode("utf-8", "surrogateescape")) > 200:
        raise _fail("path", "the name is longer than 200 bytes, and a resize needs a longer one beside it")
    priority = params["priority"]
    if priority is not None and not 0 <= priority <= 32767:
        raise _fail("priority", "%d is not 0 to 32767; the kernel gives out the negative ones itself" % priority)
    if len(os.fsencode(path)) > 4000:
        raise _fail("path", "it is longer than 4000 bytes, and the kernel takes 4095, of which a resize needs some")
    present = params["state"] == "present"
    if present and not (params["size"] or "").strip():
        raise _fail("size", "it is empty; give a size such as 2G, a share of RAM such as 50%, or auto")
    try:
        size = parse_wanted(params["size"]) if present else None
    except ValueError as exc:
        raise _fail("size", str(exc))
    try:
        reserve = parse_reserve(params["min_free"])
    except ValueError as exc:
        raise _fail("min_free", str(exc))
    return Params(
        path=path,
        present=present,
        size=size,
        priority=priority,
        discard=params["discard"],
        persistent=params["persistent"],
        nofail=params["nofail"],
        reserve=reserve,
        expires=params["expires"] if present else None,
        allow_on_kubernetes=params["allow_on_kubernetes"],
        allow_resume_change=params["allow_resume_change"],
        own_subvolume=params.get("subvolume") == "auto",
    )


def expiry(text: Optional[str], now: float, scheduled: Optional[float]) -> Optional[float]:
    """When the file is to go. An age counts from the first run that gives it: a later run brings the end nearer, never
    further away.

    Raises ValueError for a time that is over, but not for that of a timer that waits until it is safe.
    """
    if text is None:
        return None
    try:
        when = parse_when(text, now)
    except ValueError as exc:
        raise _fail("expires", str(exc))
    absolute = _ABSOLUTE.match(text.strip()) is not None
    if not absolute:
        when = now + (now - when)
    if when > _LAST:
        raise _fail("expires", "%s is after the year 9999" % text)
    end = float(math.ceil(when))  # timers know whole seconds
    if absolute and end == scheduled:
        return scheduled
    if when <= now or text.strip().startswith("-"):
        raise ValueError(
            "expires: %s is over. Nothing was changed; give a later time, or remove the file (state: absent)." % text
        )
    return min(scheduled, end) if scheduled is not None and not absolute else end


def fstab_options(existing: Optional[List[str]], nofail: bool, priority: Optional[int], discard: Optional[str]) -> str:
    """The fourth field of our line. What else somebody wrote into it stays; ``noauto`` goes, or nothing would be
    persistent.
    """
    options = [option for option in existing or [] if not _OURS.match(option)]
    if nofail:
        options.append("nofail")
    if priority is not None:
        options.append("pri=%d" % priority)
    if discard is not None:
        options.append("discard" if discard == "true" else "discard=%s" % discard)
    return ",".join(options or ["defaults"])
