# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is there to what is wished: the steps, in an order in which the host never has less swap than before and after.

The kernel refuses to rename, remove or truncate a file that it swaps to, and to swap to a file without a name. So a new file
cannot take the name of the old one while either is in use, and a third one, the bridge, stands in for the moment of the exchange.
It is as large as the smaller of the two: old and new together is then the most that the disk has to hold. Before the old file goes,
its name becomes a symbolic link to the bridge, and the new file takes the place of that link, each in one rename: whenever the power
is cut, the name in fstab leads to a whole swap file of the old or of the new size.
"""

from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .fstab_lines import Fstab
from .state import Now, SwapFile


class Target(NamedTuple):
    """The wish, with numbers for this host. options -- the fourth field of our fstab line; None: no line. expires_at -- None: never"""

    present: bool = True
    size: int = 0
    priority: Optional[int] = None
    discard: Optional[str] = None
    options: Optional[str] = None
    expires_at: Optional[float] = None


class Step(NamedTuple):
    """action -- remove | make | link | secure | activate | deactivate | fstab | reload | arm | disarm; text -- for people

    over -- made in the place of what has the name, in one rename
    options -- the fourth field of our fstab line; None: no line
    """

    action: str
    path: str
    text: str
    size: int = 0
    priority: Optional[int] = None
    discard: Optional[str] = None
    over: bool = False
    options: Optional[str] = None


def changed_fstab(options: Optional[str], path: str, table: Fstab) -> Fstab:
    """The table as it should be. Written again on top of whatever somebody else wrote in the meantime."""
    return table.without_swap(path) if options is None else table.with_swap(path, options)


def is_sound(file: SwapFile, page: int) -> bool:
    """Whether the kernel would swap to all of it: recorded size, page size and version are right, and it has no holes."""
    mark = file.signature
    return mark is not None and (mark.kind, mark.version, mark.page_size, mark.size) == ("swap", 1, page, file.size) and not file.holes


def _remove(path: str, why: str) -> Step:
    return Step("remove", path, "remove %s, %s" % (printable(path), why))


def _make(path: str, size: int, why: str = "", over: bool = False) -> Step:
    return Step("make", path, "make %s with %d bytes (%s)%s" % (printable(path), size, human(size), why), size=size, over=over)


def _link(now: Now, size: int) -> Step:
    words = "replace %s, which has %d bytes, by a link to %s" % (printable(now.path), size, printable(now.bridge_path))
    return Step("link", now.path, words)


def _fstab(path: str, options: Optional[str]) -> Step:
    words = "take the line of %s out of /etc/fstab" if options is None else "write the line of %s into /etc/fstab"
    return Step("fstab", path, words % printable(path), options=options)


def _activate(path: str, priority: Optional[int], discard: Optional[str] = None) -> Step:
    words = "" if priority is None else " with priority %d" % priority
    return Step("activate", path, "swap to %s%s" % (printable(path), words), priority=priority, discard=discard)


def _deactivate(path: str) -> Step:
    return Step("deactivate", path, "stop swapping to %s" % printable(path))


def _secure(now: Now) -> List[Step]:
    file = now.file
    if file is None or (file.mode == 0o600 and not file.unlabeled):
        return []
    words = "" if file.mode == 0o600 else ": mode 0600 instead of 0%o" % file.mode
    return [Step("secure", now.path, "let only root read %s%s%s" % (printable(now.path), words, ", label swapfile_t" if file.unlabeled else ""))]


def _drop_bridge(now: Now, active: bool, there: bool) -> List[Step]:
    steps = [_deactivate(now.bridge_path)] if active else []
    return steps + ([_remove(now.bridge_path, "which stood in")] if there else [])


def _anew(now: Now, target: Target, bridge: bool, tight: bool) -> List[Step]:
    """Another file under the name, once nobody swaps to the old one. With a bridge the old one goes before the new one comes."""
    file = now.file
    if file is None:
        return [_make(now.path, target.size, ", instead of the link" if now.stands_in else "", over=now.stands_in)]
    why = "which has %d bytes" % file.size if file.size != target.size else "which the kernel would not take as it is"
    if bridge:
        return [_link(now, file.size), _make(now.path, target.size, ", instead of the link", over=True)]
    if not tight:
        return [_make(now.path, target.size, ", instead of the one %s" % why, over=True)]
    # no disk for both: no line names the file while there is none
    line = [_fstab(now.path, None)] if now.fstab.swap_entry(now.path) is not None else []
    return line + [_remove(now.path, why), _make(now.path, target.size)]


def _exchange(now: Now, target: Target, file: SwapFile, tight: bool) -> List[Step]:
    """The file is in use, and its size or its priority is wrong."""
    steps = []  # type: List[Step]
    bridge = now.bridge_area is not None
    if not tight and not bridge:
        size = min(target.size, file.size)
        steps += [_make(now.bridge_path, size, ", to stand in"), _activate(now.bridge_path, target.priority)]
        bridge = True
    steps.append(_deactivate(now.path))
    if file.size != target.size or not is_sound(file, now.page):
        steps += _anew(now, target, bridge, tight)
    else:
        steps += _secure(now)
    steps.append(_activate(now.path, target.priority, target.discard))
    return steps + _drop_bridge(now, bridge, bridge)


def _present(now: Now, target: Target, tight: bool) -> List[Step]:
    file, area = now.file, now.area
    active = now.bridge_area is not None
    left = active or (now.stands_in and now.bridge is not None)
    steps = [_remove(now.bridge_path, "which an interrupted run left")] if now.bridge is not None and not left else []
    if file is not None and area is not None:
        # Not what the kernel says: with blocks smaller than pages it leaves out the ends of extents.
        if file.size == target.size and is_sound(file, now.page) and target.priority in (None, area.priority):
            return steps + _secure(now) + _drop_bridge(now, active, left)
        return steps + _exchange(now, target, file, tight)
    if file is None or file.size != target.size or not is_sound(file, now.page):
        steps += _anew(now, target, active, tight)
    else:
        steps += _secure(now)
    steps.append(_activate(now.path, target.priority, target.discard))
    return steps + _drop_bridge(now, active, left)


def _absent(now: Now) -> List[Step]:
    """Out of use. The files go when no line names them any more."""
    steps = [_deactivate(now.path)] if now.area is not None else []
    return steps + _drop_bridge(now, now.bridge_area is not None, False)


def plan(now: Now, target: Target, tight: bool = False) -> List[Step]:
    """Empty where everything is as it should be.

    tight -- the disk has no room for two files: others hold what the file holds, and no line names it while there is none
    """
    steps = [_remove(now.half_path, "which an interrupted run left")] if now.half is not None else []
    steps += _present(now, target, tight) if target.present else _absent(now)
    out = any(step.action == "fstab" for step in steps)
    due = target.options is not None if out else changed_fstab(target.options, now.path, now.fstab).data != now.fstab.data
    if due:
        steps.append(_fstab(now.path, target.options))
    if (out or due) and now.systemd:
        steps.append(Step("reload", now.path, "let systemd read /etc/fstab"))
    if not target.present:
        if now.file is not None or now.stands_in:
            steps.append(_remove(now.path, "which is no longer wanted"))
        steps += _drop_bridge(now, False, now.bridge is not None)
    if target.expires_at != now.expires_at:
        if target.expires_at is None:
            steps.append(Step("disarm", now.path, "cancel the end of %s" % printable(now.path)))
        else:
            steps.append(Step("arm", now.path, "let a timer remove %s at its end" % printable(now.path)))
    return steps


def most_disk(steps: List[Step], now: Now) -> int:
    """How many bytes more than now the files take while the steps run, at most."""
    sizes = {now.path: now.file.size if now.file is not None else 0, now.bridge_path: now.bridge.size if now.bridge is not None else 0}
    before = sum(sizes.values())
    most = 0
    for step in steps:
        if step.action in ("make", "remove", "link"):
            most = max(most, sum(sizes.values()) + step.size - (0 if step.over else sizes.get(step.path, 0)) - before)
            sizes[step.path] = step.size
    return most
