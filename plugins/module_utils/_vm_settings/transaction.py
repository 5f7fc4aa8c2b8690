# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wish for vm settings, from the guards to the proof."""

from contextlib import ExitStack
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import Failed, Refused, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock
from ansible_collections.memops.linux.plugins.module_utils._procfs import container, parse_meminfo
from ansible_collections.memops.linux.plugins.module_utils._safe_file import UnsafePath
from ansible_collections.memops.linux.plugins.module_utils._text import printable, printable_line, to_text

from . import checks as guards
from .dropin import settings_in
from .keys import kernel_version, names_of, partner, wanted_of
from .live import VM, Now, execute, read_now, read_number
from .plan import Step, plan, plan_absent
from .precedence import FOLDER, OURS, Word, last_word, masked, shadow, words
from .tuned import last_words, profile


class Wish(NamedTuple):
    """settings -- as given; settle -- seconds until the second look"""

    settings: Dict[Any, Any]
    present: bool = True
    settle: float = 0
    allow_panic: bool = False
    allow_low_commit_limit: bool = False
    allow_shared_kernel: bool = False


def _check(host: Host, now: Now, wish: Wish) -> List[Step]:
    """The plan, when nothing speaks against it. Raises Refused."""
    if not wish.present:
        steps = plan_absent(now.conf, list(names_of(wish.settings)))
        guards.writable(host.path(VM), host.path(FOLDER), {step.action for step in steps})
        return steps
    meminfo = parse_meminfo(to_text(host.read("/proc/meminfo") or b""))
    release = to_text(host.read("/proc/sys/kernel/osrelease") or b"").strip()
    wanted = wanted_of(wish.settings, kernel_version(release), meminfo.get("MemTotal"))
    for key in wanted:
        if now.live.get(key) is None:
            raise Refused("settings: this kernel (%s) has no vm.%s, or it may not be read. Nothing was changed." % (printable(release), key))
    guards.container(container(host), wish.allow_shared_kernel)
    guards.panic(wanted, wish.allow_panic)
    steps = plan(now.live, now.conf, wanted)
    if steps:
        guards.writable(host.path(VM), host.path(FOLDER), {step.action for step in steps})
        guards.commit(meminfo, now.live, wanted, wish.allow_low_commit_limit)
    return steps


def _planned(steps: List[Step], conf: Optional[bytes]) -> Optional[bytes]:
    """What our file holds when all is done."""
    for step in steps:
        if step.action != "live":
            conf = step.data
    return conf


def _report(host: Host, before: Now, after: Now, wish: Wish, steps: List[Step]) -> Tuple[Dict[str, Dict[str, Any]], List[str]]:
    """For each setting what the kernel has, what our file says and who has the last word at boot; and a sentence where that is not ours.

    Check mode tells what is, and of shadows what will be: the file that wins over ours is there before ours is.
    """
    said = words(host)
    ours = settings_in(after.conf)
    conf = _planned(steps, before.conf)
    then, planned = (words(host, conf), settings_in(conf)) if conf != after.conf else (said, ours)
    found = {}  # type: Dict[str, Dict[str, Any]]
    shadowed = []  # type: List[str]
    for key, value in sorted(names_of(wish.settings).items()):
        wanted = int(value) if wish.present else None
        last = last_word(said, key)
        hider = _hider(host, then, key, wanted) if wanted is not None and planned.get(key) == wanted else None
        persistent = wanted is not None and ours.get(key) == wanted and hider is None
        found[key] = {
            "before": before.live.get(key),
            "live": after.live.get(key),
            "wanted": wanted,
            "at_boot": {"value": last.value, "file": last.path} if last is not None else None,
            "shadowed_by": hider.where if hider is not None else None,
            "persistent": persistent,
            "verified": (after.live.get(key) == wanted and persistent) if wish.present else key not in ours,
        }
        if hider is not None:
            shadowed.append("vm.%s=%s will not outlast a boot: %s" % (key, wanted, hider.sentence))
    return found, shadowed


class _Hider(NamedTuple):
    """What keeps our value from a boot, and a sentence with the way out."""

    where: str
    sentence: str


def _hider(host: Host, said: List[Word], key: str, wanted: int) -> Optional[_Hider]:
    unit = masked(host)
    if unit is not None:
        text = "systemd-sysctl is masked (%s), so nothing reads %s; unmask it (systemctl unmask systemd-sysctl)"
        return _Hider(unit, text % (unit, OURS))
    word = shadow(said, key, wanted)
    if word is not None:
        who = (printable(word.where), word.key.replace("/", "."), printable(word.value), OURS)
        return _Hider(word.where, "%s sets %s to %s later than %s; take it out there" % who)
    later = last_words(host).get(key)
    if later is not None and later.value != str(wanted):
        text = "tuned sets it to %s (%s), later than %s; take it out of the profile"
        return _Hider(later.path, text % (printable(later.value[:80]), printable(later.path), OURS))
    return None


def _panic_timeout(host: Host, wish: Wish) -> Optional[int]:
    """kernel.panic, and a warning where a panic would be the end: 0 is no reboot."""
    timeout = read_number(host, "/proc/sys/kernel/panic")
    mode = names_of(wish.settings).get("panic_on_oom")
    if wish.present and mode is not None and int(mode) and timeout == 0:
        host.warn("panic_on_oom=%s, and kernel.panic is 0: after a panic the host stays as it is and does not boot again" % mode)
    return timeout


def apply(host: Host, wish: Wish, check_mode: bool) -> Dict[str, Any]:
    """Raises Refused and Failed."""
    done = False
    try:
        with ExitStack() as stack:
            if not check_mode:
                stack.enter_context(host_lock(host))
            before = read_now(host)
            steps = _check(host, before, wish)
            if steps and not check_mode:
                execute(host, before, steps, wish.settle)
                done = True
            after = read_now(host)
    except LockError as exc:
        raise Refused(str(exc))
    except (UnsafePath, OSError) as exc:
        raise _unreadable(exc, done)
    settings, shadowed = _report(host, before, after, wish, steps)
    for sentence in shadowed:
        host.warn(sentence)
    return {
        "changed": bool(steps),
        "plan": [step.text for step in steps],
        "settings": settings,
        "verified": all(one["verified"] for one in settings.values()),
        "shadowed": shadowed,
        "file": OURS,
        "kernel_panic": _panic_timeout(host, wish),
        "tuned_profile": profile(host),
        "diff": _diff(before, steps),
    }


def _unreadable(exc: Exception, done: bool) -> Exception:
    """Our file could not be looked at: before anything was changed, or after all of it was."""
    reason = describe(exc) if isinstance(exc, OSError) else str(exc)
    if done:
        return Failed("the settings are set and %s is written, but it could not be read again: %s. Run again to see what stands." % (OURS, reason))
    if isinstance(exc, UnsafePath):
        text = "%s. Nothing was changed: nothing is written through a link or where others than root may write. Mend that, or set them where it comes from."
        return Refused(text % reason)
    return Failed("%s cannot be read: %s. Nothing was changed." % (OURS, reason))


def _diff(before: Now, steps: List[Step]) -> Dict[str, str]:
    """The running kernel and our file, before and after."""
    old, new = [], []  # type: List[str], List[str]
    for step in steps:
        if step.action == "live":
            old.append("%s%s: %s\n" % (VM, step.key, before.live.get(step.key)))
            new.append("%s%s: %d\n" % (VM, step.key, step.value))
            other = partner(step.key)
            if other is not None and before.live.get(other):
                old.append("%s%s: %s\n" % (VM, other, before.live[other]))
                new.append("%s%s: 0\n" % (VM, other))
        else:
            old.append(printable_lines(before.conf))
            new.append(printable_lines(step.data))
    return {"before_header": "vm settings", "after_header": "vm settings", "before": "".join(old), "after": "".join(new)}


def printable_lines(data: Optional[bytes]) -> str:
    return "" if data is None else "".join("%s: %s\n" % (OURS, printable_line(line)) for line in to_text(data).splitlines())
