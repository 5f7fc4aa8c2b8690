# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A swap file from wish to proof: read, decide, look ahead, act, and read again."""

import os
import time
from contextlib import ExitStack
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import Failed, Refused, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder, UnsafePath, open_folder
from ansible_collections.memops.linux.plugins.module_utils._size import exact, human
from ansible_collections.memops.linux.plugins.module_utils._text import printable, safe

from .checks import check, check_areas, check_file, disk_lack, warnings
from .execute import Timer, Work, do
from .fstab import read as read_fstab
from .fstab_lines import FstabError, changed_lines
from .headroom import elsewhere, shortfall
from .params import DEFAULT_PRIORITY, Wish, expiry, fstab_options
from .plan import Step, Target, changed_fstab, is_sound, plan
from .size import wanted_size
from .state import Now, read_now


class Outcome(NamedTuple):
    """What a run did or, in check mode, would do; now -- as it is after that"""

    steps: List[Step]
    now: Now
    target: Target
    before: str
    after: str


def _priority(wish: Wish, now: Now, options: List[str]) -> Optional[int]:
    """The one that is wished; else the one that is; else ours."""
    if wish.priority is not None:
        return wish.priority
    told = [option[4:] for option in options if option.startswith("pri=") and option[4:].isdigit() and len(option) < 10]
    if told and int(told[0]) <= 32767:
        return int(told[0])
    if now.area is None:
        return DEFAULT_PRIORITY
    return now.area.priority if now.area.priority >= 0 else None


def _options(wish: Wish, priority: Optional[int], existing: Optional[List[str]]) -> str:
    wanted = fstab_options(existing, wish.nofail, priority, wish.discard)
    # the same options in another order are the same
    return ",".join(existing) if existing and sorted(existing) == sorted(wanted.split(",")) else wanted


def target_of(wish: Wish, now: Now, clock: float) -> Target:
    """Raises Refused, ValueError."""
    if not wish.present or wish.size is None:
        return Target(present=False)
    entry = now.fstab.swap_entry(wish.path)
    existing = entry.options if entry is not None else None
    priority = _priority(wish, now, existing or [])
    file = now.file if now.file is not None and now.file.signature is not None else None
    free = now.disk.free - wish.reserve.of(now.disk) if now.disk is not None else 0
    return Target(
        size=wanted_size(wish.size, now.memory.total if now.memory is not None else None, file.size if file is not None else None, free, now.page),
        priority=priority,
        discard=wish.discard,
        options=_options(wish, priority, existing) if wish.persistent else None,
        expires_at=expiry(wish.expires, clock, now.expires_at),
    )


def decide(wish: Wish, now: Now, target: Target) -> List[Step]:
    """With two files; where the disk has no room for them, with one, if nobody swaps to it or other areas alone can hold what is in it."""
    steps = plan(now, target)
    if now.bridge_area is not None or disk_lack(steps, now, wish.reserve) is None:
        return steps
    if now.area is not None:
        others = elsewhere(now.areas, now.area.identity)
        if not others or shortfall(now.area.used, 0, others) is not None:
            return steps
    return plan(now, target, tight=True)


def _words(path: str, size: Optional[int], active: bool, priority: Optional[int], expires_at: Optional[float], lines: List[str]) -> str:
    """One side of the diff."""
    said = []  # type: List[str]
    if size is not None:
        words = "active" if active else "not in use"
        said.append("%s: %s, %s%s" % (printable(path), exact(size), words, ", priority %d" % priority if active and priority is not None else ""))
    if expires_at is not None:
        said.append("until %s" % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_at)))
    return "".join(line + "\n" for line in said + lines)


def sides(now: Now, target: Target) -> Tuple[str, str]:
    """Before and after, with our own lines of fstab only."""
    old, new = changed_lines(now.fstab, changed_fstab(target.options, now.path, now.fstab))
    area, size = now.area, now.file.size if now.file is not None else None
    if target.priority is None and area is not None:
        target = target._replace(priority=area.priority)
    return (
        _words(now.path, size, area is not None, area.priority if area is not None else None, now.expires_at, old),
        _words(now.path, target.size if target.present else None, True, target.priority, target.expires_at, new),
    )


def _look(host: Host, folder: Optional[Folder], wish: Wish, timer: Timer) -> Now:
    return read_now(host, folder, wish.path, read_fstab(host), timer.armed(host, wish.path))


def _go_back(work: Work, was: Now) -> str:
    """After a failed step: the host keeps, or gets again, the swap that it had. Says what stands."""
    now = read_now(work.host, work.folder, was.path, was.fstab, None)
    name, bridge = printable(was.path), printable(was.bridge_path)
    if was.area is None and was.bridge_area is None:
        if was.file is None and not was.stands_in and now.file is not None and now.area is None and work.target.present:
            do(work, Step("remove", was.path, "remove %s again" % name))
        return "%s is %s" % (name, "in use" if now.area is not None else "not in use")
    if now.area is None and now.file is not None and is_sound(now.file, now.page) and work.target.present:
        do(work, Step("activate", was.path, "swap to %s again" % name, priority=was.area.priority if was.area and was.area.priority >= 0 else None))
        now = read_now(work.host, work.folder, was.path, was.fstab, None)
    if now.bridge_area is not None and now.area is not None:
        do(work, Step("deactivate", was.bridge_path, "stop swapping to %s" % bridge))
        now = now._replace(bridge_area=None)
    if now.bridge is not None and now.bridge_area is None:
        do(work, Step("remove", was.bridge_path, "remove %s" % bridge))
    if now.area is not None:
        return "%s is in use, with %s" % (name, human(now.area.size))
    if now.bridge_area is not None:
        return "the host swaps to %s instead, until a run of swap_file succeeds" % bridge
    return "%s is not in use" % name


def _act(work: Work, now: Now, steps: List[Step]) -> None:
    done = 0
    try:
        for step in steps:
            do(work, step)
            done += 1
    except (Failed, Refused, FstabError) as exc:
        try:
            stands = _go_back(work, now)
        except (Failed, Refused, FstabError, UnsafePath, OSError) as second:
            stands = "going back failed as well: %s" % str(second).rstrip(".")
        text = "step %d of %d (%s) failed: %s. Now %s. Run again when the cause is gone."
        raise Failed(text % (done + 1, len(steps), steps[done].text, str(exc).rstrip("."), stands))


def _in_folder(host: Host, wish: Wish, folder: Optional[Folder], check_mode: bool, timer: Timer) -> Outcome:
    now = _look(host, folder, wish, timer)
    check_areas(now)
    if folder is None and wish.present:
        raise Refused("the folder %s is not there. Nothing was changed; make it first." % printable(os.path.dirname(wish.path)))
    for file, path, area in ((now.file, wish.path, now.area), (now.bridge, now.bridge_path, now.bridge_area)):
        # killed between its new name and the end of its old one
        names = 2 if file is not None and now.half is not None and file.identity == now.half.identity else 1
        check_file(file, path, active=area is not None, names=names)
    check_file(now.half, now.half_path, mark_needed=False)
    target = target_of(wish, now, time.time())
    steps = decide(wish, now, target)
    check(host, wish, now, steps)
    before, after = sides(now, target)
    for text in warnings(host, now, steps, target):
        host.warn(text)
    if steps and not check_mode:
        work = Work(host, folder, wish.path, target, now.mount.fstype if now.mount is not None else "", timer)
        _act(work, now, steps)
        now = _look(host, folder, wish, timer)
        left = plan(now, target)
        if left:
            raise Failed(
                "all %d steps were done, and yet it is not as wished: to do is still to %s" % (len(steps), "; ".join(step.text for step in left))
            )
    return Outcome(steps, now, target, before, after)


def run(host: Host, wish: Wish, check_mode: bool, timer: Timer) -> Outcome:
    """Raises Refused, Failed, FstabError, ValueError; the text is for people."""
    try:
        with ExitStack() as stack:
            if not check_mode:
                stack.enter_context(host_lock(host))
            folder = open_folder(os.path.dirname(wish.path), root=host.root)
            if folder is not None:
                stack.enter_context(folder)
            return _in_folder(host, wish, folder, check_mode, timer)
    except UnsafePath as exc:
        raise Refused("%s. Nothing was changed; choose a path that only root can change." % exc)
    except LockError as exc:
        raise Refused(str(exc))
    except PermissionError as exc:
        raise Refused("%s: %s. Nothing was changed; become root." % (printable(wish.path), exc.strerror))
    except OSError as exc:
        raise Failed("%s: %s. Run again when the cause is gone." % (printable(wish.path), describe(exc)))


def facts(now: Now) -> Dict[str, Any]:
    file, area = now.file, now.area
    return {
        "path": now.path,
        "size": file.size if file is not None else None,
        "active": area is not None,
        "used": area.used if area is not None else None,
        "priority": area.priority if area is not None else None,
        "persistent": now.fstab.swap_entry(now.path) is not None,
        "filesystem": now.mount.fstype if now.mount is not None else None,
        "expires_at": now.expires_at,
    }


def result(outcome: Outcome, check_mode: bool) -> Dict[str, Any]:
    """What the module returns. swap_file is as it is, in check mode too: the plan says what it would be."""
    path = printable(outcome.now.path)
    words = "; ".join(step.text for step in outcome.steps)
    told = {
        "changed": bool(outcome.steps),
        "plan": [{"action": step.action, "path": step.path, "text": step.text} for step in outcome.steps],
        "swap_file": facts(outcome.now),
        "msg": "%s: %s%s." % (path, "would " if check_mode else "", words) if words else "%s is as wished." % path,
    }
    # the lines of the diff are printable already, and end with newlines
    diff = {"before_header": path, "after_header": path, "before": outcome.before, "after": outcome.after}
    return dict(safe(told), diff=diff)
