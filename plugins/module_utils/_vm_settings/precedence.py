# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of sysctl.d make of a setting at boot: which file has the last word.

systemd-sysctl takes all ``*.conf`` of its folders by name, whatever folder they are in; of two with one name that of
the first folder; of two assignments the later. It does not read /etc/sysctl.conf, unless a link in a folder leads
there. Other inits end with that file.
"""

import fnmatch
import os
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .keys import partner

FOLDER = "/etc/sysctl.d"
NAME = "90-memops.conf"
OURS = FOLDER + "/" + NAME
_FOLDERS = (FOLDER, "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
_OLD = "/etc/sysctl.conf"


class Assignment(NamedTuple):
    """One assignment. path -- the file; target -- what it links to, if it does"""

    key: str
    value: str
    path: str = ""
    target: Optional[str] = None

    @property
    def where(self) -> str:
        return self.path if self.target is None else "%s (a link to %s)" % (self.path, self.target)


def normal(key: str) -> str:
    """With slashes. Where the first separator is a slash, dots belong to the names."""
    for letter in key:
        if letter == "/":
            return key.strip("/")
        if letter == ".":
            return key.translate({ord("."): "/", ord("/"): "."})
    return key


def parse(text: str) -> Iterator[Tuple[str, Optional[str]]]:
    """Key with slashes and value of each line; None is an exclusion: ``-key`` without a value takes the key out of
    patterns.
    """
    for line in text.split("\n"):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        key, equals, value = line.partition("=")
        if equals:
            yield normal(key.strip().lstrip("-").strip()), value.strip()
        elif key.startswith("-"):
            yield normal(key[1:].strip()), None


_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


def masked(host: Host) -> Optional[str]:
    """Where systemd-sysctl is masked (a link to /dev/null, an empty file): then nothing reads any of the files
    at boot.
    """
    if not os.path.isdir(host.path("/run/systemd/system")):
        return None
    for folder in _UNITS:
        path = folder + "/systemd-sysctl.service"
        unit = host.read(path)
        if unit is not None:
            return None if unit else path
    return None


def boot_files(host: Host, planned: bool = False) -> List[Tuple[str, Optional[str]]]:
    """Paths in the order in which they are read, with what a link leads to.

    planned -- as if our file were there already
    """
    return [] if masked(host) is not None else files(host, planned)


def files(host: Host, planned: bool = False) -> List[Tuple[str, Optional[str]]]:
    """The same, whether anything reads them or not."""
    found = {NAME: OURS} if planned else {}  # type: Dict[str, str]
    for folder in _FOLDERS:
        try:
            names = os.listdir(host.path(folder))
        except OSError:
            continue
        for name in names:
            if name.endswith(".conf"):
                found.setdefault(name, folder + "/" + name)
    paths = [found[name] for name in sorted(found, key=os.fsencode)]
    if not os.path.isdir(host.path("/run/systemd/system")):
        paths.append(_OLD)
    return [(path, _target(host, path)) for path in paths]


def _target(host: Host, path: str) -> Optional[str]:
    try:
        link = os.readlink(host.path(path))
    except OSError:
        return None
    return os.path.normpath(os.path.join(os.path.dirname(path), link))


def assignments(host: Host, planned: Optional[bytes] = None) -> List[Assignment]:
    """Every assignment and exclusion (an empty value) in the order in which they are read.

    planned -- what our file is going to hold; None: what it holds
    """
    return [
        Assignment(key, value if value is not None else "", path, target)
        for path, target in boot_files(host, planned is not None)
        for key, value in parse(to_text((planned if planned is not None and path == OURS else host.read(path)) or b""))
    ]


def _is_pattern(key: str) -> bool:
    return any(letter in key for letter in "*?[")


def effective_assignment(assigned: List[Assignment], key: str) -> Optional[Assignment]:
    """Who decides at boot: the last assignment, else the last pattern that fits, unless the key is excluded from
    patterns.
    """
    name = "vm/" + key
    plain = [word for word in assigned if word.key == name]
    if plain:
        return plain[-1] if plain[-1].value else None
    fitting = [
        word for word in assigned if word.value and _is_pattern(word.key) and fnmatch.fnmatchcase(name, word.key)
    ]
    return fitting[-1] if fitting else None


def shadow(assigned: List[Assignment], key: str, wanted: int) -> Optional[Assignment]:
    """Whose word counts at boot instead of ours: another value later, or the partner later, which makes ours 0."""
    last = effective_assignment(assigned, key)
    if last is None or last.value != str(wanted):
        return last
    other = partner(key)
    place = max(number for number, word in enumerate(assigned) if word is last)
    later = [word for word in assigned[place + 1 :] if other is not None and word.key == "vm/" + other and word.value]
    return later[-1] if later else None
