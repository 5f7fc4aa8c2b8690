# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of logs from elsewhere: which files in it are logs, and what it says of the machine that it is from.

A sosreport has ``var/log`` as it was, what commands said in ``sos_commands``, and files of one line beside them.
Whoever made it may have put anything in it: links are not followed, and only first lines are read of what is no log.
"""

import os
import time
from typing import Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .safe_open import open_regular

#: Directories of a sosreport in which logs are, and the directory itself.
PLACES = ("var/log", "sos_commands/kernel", "sos_commands/logs", "sos_commands/systemd", "sos_commands/journal", "")
JOURNAL = "var/log/journal"
#: In any directory; messages.1, kern.log-20251121.gz, journalctl_--no-pager_--boot, console.txt
LOG_NAME = regex(
    r"(?:messages|syslog|kern|kernel|dmesg|journalctl|journal|console|serial|boot|oom)(?![A-Za-z])[^/]{0,200}$"
    r"|[^/.][^/]{0,200}\.(?:log|jsonl|ndjson)(?:[.-][^/]{0,32})?$"
)
#: Beside logs, and none.
_NO_LOG = regex(
    r".*(?:--verify|--list-boots|--disk-usage|--header|--fields|--list-catalog|\.(?:journal~?|conf|service|html|py"
    r"|sh))$"
)
_HOST_FILES = ("hostname", "sos_commands/host/hostname", "sos_commands/general/hostname", "etc/hostname")
_DATE_FILES = ("date", "sos_commands/date/date", "sos_commands/general/date", "sos_commands/host/date")
_MEMORY_FILES = ("proc/meminfo",)
#: What is wanted of a sosreport beside its logs.
SYSTEM_FILES = _HOST_FILES + _DATE_FILES + _MEMORY_FILES
_HOST = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}$")
# "Fri Nov 21 05:30:00 UTC 2025", "Fri Nov 21 05:30:00 AM UTC 2025", "Fri 21 Nov 2025 05:30:00 AM UTC"
_DATES = (
    regex(r"\w{3} +(?P<month>\w{3}) +(?P<day>\d{1,2}) [\d:]{8}(?: [AP]M)? (?:\S{1,6} )?(?P<year>20\d\d)\s*$"),
    regex(r"\w{3} +(?P<day>\d{1,2}) (?P<month>\w{3}) (?P<year>20\d\d) "),
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MEMORY = regex(r"MemTotal: +(\d{1,15}) kB")
_MAX_LOGS = 256
_TARBALL = regex(r"\.(?:tar(?:\.(?:xz|gz|bz2|zst))?|tgz|txz|tbz2?)$")
#: Where a header of tar says so, and how.
_TAR_MAGIC = (257, b"ustar")


class System(NamedTuple):
    """The machine that the logs are from. date -- no line is younger; memory -- bytes of RAM"""

    host: Optional[str] = None
    date: Optional[float] = None
    memory: Optional[int] = None


def is_log(name: str) -> bool:
    """Has a file in a directory of logs a log's name?"""
    return LOG_NAME.match(name) is not None and _NO_LOG.match(name) is None


def logs_in(directory: str) -> Tuple[List[str], int]:
    """Paths of the logs in a directory and in the places of a sosreport, and how many more there are."""
    found = []  # type: List[str]
    for place in PLACES:
        folder = os.path.join(directory, place) if place else directory
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        paths = [os.path.join(folder, name) for name in names if is_log(name)]
        found += [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]
    return found[:_MAX_LOGS], max(0, len(found) - _MAX_LOGS)


def journal_in(directory: str) -> Optional[str]:
    """The journal in a sosreport; None where there is none."""
    path = os.path.join(directory, JOURNAL)
    if os.path.islink(path) or not os.path.isdir(path):
        return None
    return (
        path
        if any(name.endswith((".journal", ".journal~")) for _base, _dirs, names in os.walk(path) for name in names)
        else None
    )


def _first_lines(directory: str, names: Iterable[str]) -> str:
    for name in names:
        opened = open_regular(os.path.join(directory, name), root=directory)
        if opened.fd < 0:
            continue
        try:
            return os.read(opened.fd, 4096).decode("utf-8", "replace")
        except OSError:
            continue
        finally:
            os.close(opened.fd)
    return ""


def _date_of(text: str) -> Optional[float]:
    """The end of the day: nobody knows here which clock said it."""
    for line in text.splitlines()[:8]:
        for pattern in _DATES:
            found = pattern.match(line.strip())
            if found and found.group("month") in _MONTHS:
                try:
                    day = (int(found.group("year")), _MONTHS.index(found.group("month")) + 1, int(found.group("day")))
                    return time.mktime(day + (24, 0, 0, 0, 0, -1))
                except (ValueError, OverflowError):
                    return None
    return None


def system_of(directory: str) -> System:
    """What a sosreport says of its machine; nothing where it is none."""
    host = _first_lines(directory, _HOST_FILES).strip().partition("\n")[0]
    memory = _MEMORY.search(_first_lines(directory, _MEMORY_FILES))
    return System(
        host if _HOST.match(host) else None,
        _date_of(_first_lines(directory, _DATE_FILES)),
        int(memory.group(1)) * 1024 if memory else None,
    )


def is_sosreport(path: str) -> bool:
    """A directory with what a sosreport has, or a copy of a root directory."""
    return any(os.path.isdir(os.path.join(path, place)) for place in ("sos_commands", "var/log"))


def is_tarball(path: str) -> bool:
    """By its first bytes where they are plain, by its name where they are compressed."""
    if _TARBALL.search(path):
        return True
    opened = open_regular(path, follow=True)
    if opened.fd < 0:
        return False
    try:
        return os.pread(opened.fd, 5, _TAR_MAGIC[0]) == _TAR_MAGIC[1]
    except OSError:
        return False
    finally:
        os.close(opened.fd)
