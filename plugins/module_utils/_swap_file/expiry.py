# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A temporary swap file: a timer of systemd, a service and a script on the host, which remove it when its time is over.

The timer is on disk and survives reboots. What it starts removes nothing while the memory is needed, and tries again.
Callers hold the host's lock.
"""

import hashlib
import math
import os
import re
import time
from typing import List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError, describe
from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder, UnsafePath, open_folder
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .expiry_script import Places, script
from .fstab_lines import encode

RETRY = 900
_SOON = 120  # the script waits so long at most, and goes away when it is started earlier
_UNITS = Places().units
_PROGRAM = Places().program
_PREFIX = "memops-swap-expiry-"
_MAX_NAME = 200  # systemd takes 255 with the suffix, and a stamp file has it with a prefix
_EXPIRES = re.compile(rb"^# expires=(\d{1,15})$", re.MULTILINE)
_LOADED = re.compile(r"OnCalendar=(?P<when>[0-9-]+ [0-9:]+)(?:\.0+)? UTC ; next_elapse=(?P<next>[^;}]*?) ?\}")
_TOOLS = "flock awk sed stat readlink cksum swapoff"

_TIMER = """\
# Made by memops.linux.swap_file; goes with the swap file.
# expires={seconds}
[Unit]
Description=When the temporary swap file {words} goes

[Timer]
OnCalendar={calendar}
OnBootSec=5min
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target
"""

_SERVICE = """\
# Made by memops.linux.swap_file; goes with the swap file.
[Unit]
Description=Remove the temporary swap file {words}
After={swap}time-sync.target
{mounts}
[Service]
ExecStart=/bin/sh {program} {arguments}
# 75: not yet. It is tried again until the memory is no longer needed.
SuccessExitStatus=75
RestartForceExitStatus=75
Restart=on-failure
RestartSec={retry}
"""


def escape(path: str) -> str:
    """As systemd-escape --path."""
    parts = [part for part in os.fsencode(path).split(b"/") if part not in (b"", b".")]
    found = []  # type: List[str]
    for position, byte in enumerate(b"/".join(parts)):
        letter = chr(byte)
        if letter == "/":
            found.append("-")
        elif (letter.isalnum() and byte < 128) or letter in ":_" or (letter == "." and position):
            found.append(letter)
        else:
            found.append("\\x%02x" % byte)
    return "".join(found) or "-"


def unit_of(path: str) -> str:
    """The name of timer and service without its suffix. Long paths have a digest at their end instead."""
    name = _PREFIX + escape(path)
    if len(name) <= _MAX_NAME:
        return name
    return name[: _MAX_NAME - 33].rsplit("\\", 1)[0] + "-" + hashlib.sha256(os.fsencode(path)).hexdigest()[:32]


def _argument(value: bytes) -> str:
    """One word of ExecStart=: quoted, C escapes for all that could mean something to systemd."""
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:"
    word = "".join(chr(byte) if byte in plain else "\\x%02x" % byte for byte in value)
    return '"%s"' % word.replace("\\x25", "%%").replace("\\x24", "$$")


def _render(path: str) -> str:
    """The path for people, in a line of a unit file."""
    return printable(path).replace("%", "%%").replace("\\", "\\\\")


def timer_text(path: str, seconds: int) -> bytes:
    return _TIMER.format(seconds=seconds, words=_render(path), calendar=_calendar(seconds) + " UTC").encode("utf-8")


def service_text(path: str, seconds: int, retry: int = RETRY, program: str = _PROGRAM) -> bytes:
    name = os.fsencode(path)
    arguments = " ".join(
        _argument(word) for word in (unit_of(path).encode("ascii"), b"%d" % seconds, name, encode(name))
    )
    # without its file system the file is not there, and it would be forgotten instead of removed
    mounts = 'RequiresMountsFor="%s"\n' % path if re.match(r"^[A-Za-z0-9/._@: -]+\Z", path) else ""
    swap = escape(path) + ".swap " if len(escape(path)) < 250 else ""
    text = _SERVICE.format(
        words=_render(path), swap=swap, mounts=mounts, program=program, arguments=arguments, retry=retry
    )
    return text.encode("utf-8")


def _systemd(host: Host) -> bool:
    return os.path.isdir(host.path("/run/systemd/system"))


def _systemctl(host: Host, *words: str) -> Ran:
    return host.run(["systemctl", "--no-pager"] + list(words), 90)


def _properties(host: Host, unit: str, *names: str) -> List[str]:
    said = _systemctl(host, "show", "--property=" + ",".join(names), unit).stdout
    values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return [values.get(name, "") for name in names]


def _reason(exc: Exception) -> str:
    return describe(exc) if isinstance(exc, OSError) else str(exc)


def _folder(host: Host, path: str, create: bool = False) -> Optional[Folder]:
    try:
        return open_folder(path, create=create, root=host.root)
    except (UnsafePath, OSError) as exc:
        raise ExecutionError("the timer of the temporary swap file cannot be kept in %s: %s." % (path, _reason(exc)))


def _expires(host: Host, path: str) -> Optional[int]:
    folder = _folder(host, _UNITS)
    if folder is None:
        return None
    with folder:
        try:
            timer, service = folder.read(unit_of(path) + ".timer"), folder.read(unit_of(path) + ".service")
        except (UnsafePath, OSError):  # whoever put it there, it is not ours
            return None
    found = _EXPIRES.search(timer.data) if timer is not None and service is not None else None
    return int(found.group(1)) if found else None


def scheduled(host: Host, path: str) -> Optional[float]:
    """When the file is to go; None where nothing would remove it: no timer, half of one, or one that systemd does not
    run.
    """
    seconds = _expires(host, path) if _systemd(host) else None
    if seconds is None:
        return None
    timer, service = unit_of(path) + ".timer", unit_of(path) + ".service"
    active, enabled, stale, calendar = _properties(
        host, timer, "ActiveState", "UnitFileState", "NeedDaemonReload", "TimersCalendar"
    )
    if (active, enabled, stale) != ("active", "enabled", "no") or not _will_come(calendar, seconds):
        return None
    return float(seconds) if _properties(host, service, "NeedDaemonReload") == ["no"] else None


def _will_come(calendar: str, seconds: int) -> bool:
    """Whether the timer that systemd has loaded is this one: after a refused daemon-reload the file says one time and
    systemd another.

    ``{ OnCalendar=2026-11-22 20:06:20 UTC ; next_elapse=Sun 2026-11-22 20:06:20 UTC }``; nothing is next when its time
    is over.
    """
    loaded = _LOADED.search(calendar)
    if loaded is None or loaded.group("when") != _calendar(seconds):
        return False
    return seconds <= time.time() or loaded.group("next") not in ("", "n/a", "(null)")


def _calendar(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def can_schedule(host: Host) -> None:
    """Raise PreconditionError where there can be no timer. Check mode asks the same."""
    if not _systemd(host):
        raise PreconditionError(
            "expires: systemd does not run here, so nothing could remove the file later. Nothing was changed; leave"
            " expires out."
        )
    missing = host.run(["sh", "-c", "for tool in %s; do command -v $tool >/dev/null || echo $tool; done" % _TOOLS], 10)
    if missing.returncode != 0 or missing.stdout.strip():
        what = ", ".join(missing.stdout.split()) or "sh"
        raise PreconditionError(
            "expires: what removes the file later needs %s, which is not here. Nothing was changed; install it or leave"
            " expires out." % what
        )


def _write(host: Host, files: List[Tuple[str, str, bytes, int]]) -> None:
    for where, name, data, mode in files:
        folder = _folder(host, where, create=True)
        if folder is None:
            raise ExecutionError("there is no directory %s for the timer of the temporary swap file." % where)
        with folder:
            try:
                now = folder.read(name)
                if now is None or now.data != data:
                    folder.replace(name, data, mode)
            except (UnsafePath, OSError) as exc:
                raise ExecutionError(
                    "%s/%s could not be written: %s. The swap file has no timer." % (where, name, _reason(exc))
                )


def schedule(host: Host, path: str, expires_at: float, retry: int = RETRY) -> None:
    """From now on the host itself removes the file at that time, or when it is safe after it. Raises PreconditionError,
    ExecutionError.

    A time that went by while the file was made is taken as well: then the file goes at once.
    """
    can_schedule(host)
    seconds = int(math.ceil(expires_at))
    unit = unit_of(path)
    program = os.path.split(_PROGRAM)
    _write(
        host,
        [
            (program[0], program[1], script(RETRY), 0o755),
            (_UNITS, unit + ".service", service_text(path, seconds, retry), 0o644),
            (_UNITS, unit + ".timer", timer_text(path, seconds), 0o644),
        ],
    )
    # the service waits between two tries, and nothing starts one that waits
    words = (("daemon-reload",), ("enable", unit + ".timer"), ("stop", unit + ".service"), ("restart", unit + ".timer"))
    said = [_systemctl(host, *some) for some in words]
    if scheduled(host, path) != float(seconds):
        errors = [ran.stderr.strip() for ran in said if ran.returncode != 0 and ran.stderr.strip()]
        reason = printable(errors[0].splitlines()[-1]) if errors else "systemd gives no reason"
        raise ExecutionError(
            "systemd does not run %s.timer, so nothing would remove the swap file: %s." % (unit, reason.rstrip("."))
        )
    if seconds - time.time() < _SOON:
        # its moment may have passed before the timer was started, and a moment of the past never comes; the script
        # waits for it
        _systemctl(host, "--no-block", "start", unit + ".service")


def _kept(host: Host, unit: str) -> bool:
    folder = _folder(host, _UNITS)
    if folder is None:
        return False
    with folder:
        return not {unit + ".timer", unit + ".service"}.isdisjoint(folder.names())


def cancel(host: Host, path: str) -> bool:
    """Nothing removes the file any more. True where there was something to take away. Raises ExecutionError."""
    unit = unit_of(path)
    changed = False
    if _systemd(host) and _kept(host, unit):
        # the service too: it may be between two tries. It cannot be at work, it would hold our lock.
        _systemctl(host, "disable", unit + ".timer")
        _systemctl(host, "stop", unit + ".timer", unit + ".service")
    names = [(_UNITS + "/timers.target.wants", unit + ".timer"), (Places().stamps, "stamp-%s.timer" % unit)]
    names += [(_UNITS, unit + ".timer"), (_UNITS, unit + ".service")]
    for where, name in names:
        folder = _folder(host, where)
        if folder is None:
            continue
        with folder:
            try:
                changed |= folder.remove(name)
                if where == _UNITS and not [one for one in folder.names() if one.startswith(_PREFIX)]:
                    changed |= _remove_program(host)
            except OSError as exc:
                raise ExecutionError(
                    "%s/%s could not be removed: %s. The swap file still has a timer." % (where, name, describe(exc))
                )
    if changed and _systemd(host):
        _systemctl(host, "daemon-reload")
        (active,) = _properties(host, unit + ".timer", "ActiveState")
        if active == "active":
            raise ExecutionError("%s.timer was stopped and removed, but systemd still runs it." % unit)
    return changed


def _remove_program(host: Host) -> bool:
    """The script goes with the last timer, its folder if nothing else is in it."""
    where, name = os.path.split(_PROGRAM)
    folder = _folder(host, where)
    if folder is None:
        return False
    with folder:
        changed = folder.remove(name)
    above = _folder(host, os.path.dirname(where))
    if above is not None:
        with above:
            changed |= above.remove_folder(os.path.basename(where))
    return changed
