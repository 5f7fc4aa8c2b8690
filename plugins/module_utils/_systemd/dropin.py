# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drop-ins as text: how ours is written, and what a person's says about the settings that we manage."""

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from .setting import BY_KEY, SETTINGS, section

#: Our file says whose it is: a file of the same name without this line is a person's.
MARK = "# Managed by memops.linux.service_memory"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,200}\.conf\Z")
#: Nobody else's: what `systemctl edit` and `systemctl set-property` write.
_TAKEN = re.compile(r"^(?:override\.conf|50-(?:Memory|OOM|CPU|Tasks|IO)[A-Za-z]*\.conf)$")
_SECTION = re.compile(r"^\[([^\]]*)\]$")
_LINE_END = re.compile(b"\r\n|\n\r|[\r\n\0]")
_BLANKS = " \t\r\n"
_BOM = b"\xef\xbb\xbf"
_MAX_LINE = 1 << 20


class Assignment(NamedTuple):
    """One ``Key=value`` line. reset: ``Key=`` gives the setting its default back."""

    section: str
    key: str
    value: str
    line: int

    @property
    def reset(self) -> bool:
        return not self.value


class Ignored(NamedTuple):
    """A line that systemd skips and that was meant for a setting of ours."""

    line: int
    text: str
    reason: str


def check_dropin_name(name: str) -> str:
    """The file's name. Raises ValueError for a path, a name without .conf, or one that other tools write."""
    if not _NAME.match(name):
        raise ValueError(
            "dropin: %r is not a valid drop-in file name; write one such as 50-memops.conf, without a path"
            % (name[:60],)
        )
    if _TAKEN.match(name):
        raise ValueError(
            "dropin: %s is what systemctl writes for people; choose a name of your own, such as 50-memops.conf" % name
        )
    return name


def render(unit_type: str, settings: Dict[str, str]) -> bytes:
    """Settings (option -> canonical text) as a drop-in, always in the same order."""
    lines = [MARK, "# Changes made here are lost; put yours into a file of another name.", "[%s]" % section(unit_type)]
    lines += ["%s=%s" % (setting.key, settings[setting.option]) for setting in SETTINGS if setting.option in settings]
    return ("\n".join(lines) + "\n").encode("utf-8")


def is_ours(data: bytes) -> bool:
    return data.startswith(MARK.encode("ascii"))


def _logical_lines(data: bytes) -> List[Tuple[int, str]]:
    """Lines as systemd sees them: a backslash at the end joins the next one, comments in between are skipped.

    At a line that is no UTF-8 or longer than 1 MiB it stops: what came before counts (measured on 247, 252 and 257).
    """
    found = []  # type: List[Tuple[int, str]]
    open_line = None  # type: Optional[Tuple[int, str]]
    for number, raw in enumerate(_LINE_END.split(data[len(_BOM) :] if data.startswith(_BOM) else data), 1):
        stripped = raw.lstrip(_BLANKS.encode("ascii"))
        if len(raw) > _MAX_LINE:
            break
        if stripped.startswith((b"#", b";")):
            continue
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            break
        line = line[1:] if line.startswith("\ufeff") else line
        start, before = open_line or (number, "")
        if (len(line) - len(line.rstrip("\\"))) % 2:
            open_line = (start, before + line[:-1] + " ")
            continue
        open_line = None
        whole = (before + line).strip(_BLANKS)
        if whole:
            found.append((start, whole))
    if open_line is not None and open_line[1].strip(_BLANKS):
        found.append((open_line[0], open_line[1].strip(_BLANKS)))
    return found


def assignments(data: bytes) -> List[Assignment]:
    """Every assignment in the order of the file."""
    found = []  # type: List[Assignment]
    current = ""
    for number, line in _logical_lines(data):
        header = _SECTION.match(line)
        if header:
            current = header.group(1)
            continue
        key, equals, value = line.partition("=")
        if equals and current:
            found.append(Assignment(current, key.strip(_BLANKS), value.strip(_BLANKS), number))
    return found


def settings_of(data: bytes, unit_type: str) -> Dict[str, str]:
    """Option -> the text that counts in this file: the last valid line; "" where that line resets it."""
    found = {}  # type: Dict[str, str]
    for item in assignments(data):
        setting = BY_KEY.get(item.key)
        if (
            setting is not None
            and unit_type in setting.types
            and item.section == section(unit_type)
            and not setting.is_rejected(item.value)
        ):
            found[setting.option] = item.value
    return found


def ignored_lines(data: bytes, unit_type: str) -> List[Ignored]:
    """Lines that look like a setting of ours and do nothing: a typing error, the wrong section, a value out of
    range.
    """
    found = []  # type: List[Ignored]
    for item in assignments(data):
        text = "%s=%s" % (item.key, item.value)
        setting = BY_KEY.get(item.key)
        if setting is None:
            from difflib import get_close_matches  # late: most drop-ins have no such key

            meant = get_close_matches(item.key, BY_KEY, 1, 0.8)
            if meant and not item.key.startswith("X-") and item.key not in _NEIGHBOURS:
                found.append(Ignored(item.line, text, "no such key; %s= was meant?" % meant[0]))
        elif unit_type not in setting.types:
            found.append(Ignored(item.line, text, "it has no effect in a %s" % unit_type))
        elif item.section != section(unit_type):
            found.append(
                Ignored(
                    item.line,
                    text,
                    "it stands in [%s], systemd reads it in [%s] only" % (item.section, section(unit_type)),
                )
            )
        elif setting.is_rejected(item.value):
            found.append(Ignored(item.line, text, "systemd ignores this value"))
    return found


#: Real keys that look like ours.
_NEIGHBOURS = frozenset(
    "MemoryLimit MemoryAccounting MemoryZSwapMax MemoryZSwapWriteback StartupMemoryHigh StartupMemoryMax"
    " StartupMemoryLow StartupMemorySwapMax DefaultMemoryMin DefaultMemoryLow DefaultStartupMemoryLow MemoryKSM"
    " MemoryTHP ManagedOOMMemoryPressureLimit ManagedOOMMemoryPressureDurationSec ManagedOOMMemoryPressureLimitPercent"
    " RestartSec RestartMode RestartSteps".split()
)
