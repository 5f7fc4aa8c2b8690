# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is there to what is wished: the steps, in an order in which the host never has less swap than before and after.

The kernel refuses to rename, remove or truncate a file that it swaps to, and to swap to a file without a name. So a new file
cannot take the name of the old one while either is in use, and a third one, the bridge, stands in for the moment of the exchange.
It is as large as the smaller of the two: old and new together is then the most that the disk has to hold.
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
    """action -- remove | make | secure | activate | deactivate | fstab | reload | arm | disarm; text -- for people"""

    action: str
    path: str
    text: str
    size: int = 0
    priority: Optional[int] = None
    discard: Optional[str] = None


def changed_fstab(target: Target, path: str, table: Fstab) -> Fstab:
    """The table as it should be. Written again on top of whatever somebody else wrote in the meantime."""
    return table.without_swap(path) if target.options is None else table.with_swap(path, target.options)


def is_sound(file: SwapFile, page: int) -> bool:
    """Whether the kernel would swap to all of it: recorded size, page size and version are right, and it has no holes."""
    mark = file.signature
    return mark is not None and (mark.kind, mark.version, mark.page_size, mark.size) == ("swap", 1, page, file.size) and not file.holes


def _remove(path: str, why: str) -> Step:
    return Step("remove", path, "remove %s, %s" % (printable(path), why))


def _make(path: str, size: int, why: str = "") -> Step:
    return Step("make", path, "make %s with %d bytes (%s)%s" % (printable(path), size, human(size), why), size=size)


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


def _leftovers(now: Now) -> List[Step]:
    steps = [_remove(now.half_path, "which an interrupted run left")] if now.half is not None else []
    if now.bridge is not None and now.bridge_area is None:
        steps.append(_remove(now.bridge_path, "which an interrupted run left"))
    return steps


def _exchange(now: Now, target: Target, file: SwapFile, bridge: bool) -> List[Step]:
    """The file is in use, and its size or its priority is wrong."""
    steps = []  # type: List[Step]
    if bridge and now.bridge_area is None:
        size = min(target.size, file.size)
        steps += [_make(now.bridge_path, size, ", to stand in"), _activate(now.bridge_path, target.priority)]
    steps.append(_deactivate(now.path))
    if file.size != target.size or not is_sound(file, now.page):
        steps += [_remove(now.path, "which has %d bytes" % file.size), _make(now.path, target.size)]
    else:
        steps += _secure(now)
    steps.append(_activate(now.path, target.priority, target.discard))
    active = bridge or now.bridge_area is not None
    return steps + _drop_bridge(now, active, active)


def _kernel_plan(now: Now, target: Target, bridge: bool) -> List[Step]:
    file, area = now.file, now.area
    steps = _leftovers(now)
    active = now.bridge_area is not None
    if not target.present:
        if area is not None:
            steps.append(_deactivate(now.path))
        return steps + _drop_bridge(now, active, active)
    if file is not None and area is not None:
        # Not what the kernel says: with blocks smaller than pages it leaves out the ends of extents.
        if file.size == target.size and is_sound(file, now.page) and target.priority in (None, area.priority):
            return steps + _secure(now) + _drop_bridge(now, active, active)
        return steps + _exchange(now, target, file, bridge)
    if file is None:
        steps.append(_make(now.path, target.size))
    elif file.size != target.size or not is_sound(file, now.page):
        why = "which has %d bytes" % file.size if file.size != target.size else "which the kernel would not take as it is"
        steps += [_remove(now.path, why + " and is not in use"), _make(now.path, target.size)]
    else:
        steps += _secure(now)
    steps.append(_activate(now.path, target.priority, target.discard))
    return steps + _drop_bridge(now, active, active)


def plan(now: Now, target: Target, bridge: bool = True) -> List[Step]:
    """Empty where everything is as it should be. bridge -- False: other areas hold what the file holds during an exchange"""
    steps = _kernel_plan(now, target, bridge)
    if changed_fstab(target, now.path, now.fstab).data != now.fstab.data:
        words = "take the line of %s out of /etc/fstab" if target.options is None else "write the line of %s into /etc/fstab"
        steps.append(Step("fstab", now.path, words % printable(now.path)))
        if now.systemd:
            steps.append(Step("reload", now.path, "let systemd read /etc/fstab"))
    if not target.present and now.file is not None:
        steps.append(_remove(now.path, "which is no longer wanted"))
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
        if step.action in ("make", "remove"):
            sizes[step.path] = step.size
            most = max(most, sum(sizes.values()) - before)
    return most
