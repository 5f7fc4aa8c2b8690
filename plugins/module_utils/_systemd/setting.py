# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the unit contract: how each is written in a drop-in, who understands it, and how the kernel shows it.

Versions from systemd's NEWS and systemd.resource-control(5), systemd.exec(5), systemd.service(5).
"""

import os
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple, Union

from ansible_collections.memops.linux.plugins.module_utils._size import exact, parse_share, parse_size

from .systemd_numbers import read_int, read_share, read_size

INFINITY = "infinity"
#: A value as systemd shows it: a number, or a word such as ``infinity`` or ``kill``.
Value = Union[int, str]

_EXEC = ("service", "socket", "mount", "swap")
_CGROUP = ("service", "slice", "scope", "socket", "mount", "swap")
_UNSET = 2**64 - 1
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LONGEST = 100


class Setting(NamedTuple):
    """option -- its name here; key -- in a drop-in and in `systemctl show`; since -- systemd's version; cgroup -- the
    file of cgroup 2

    default -- what systemd has loaded where no file sets it; None: another setting decides
    """

    option: str
    key: str
    kind: str  # score | memory | word
    types: Tuple[str, ...]
    since: int
    words: Tuple[str, ...] = ()
    cgroup: Optional[str] = None
    v1: Optional[str] = None
    zero: bool = True
    default: Optional[Value] = None

    def normalize(self, value: Any) -> str:
        """The text of the drop-in, which systemd takes and reads back as the same. Raises ValueError."""
        if self.kind == "score":
            return _score(value)
        if self.kind == "word":
            if str(value) not in self.words:
                raise ValueError("%r is none of %s" % (value, ", ".join(self.words)))
            return str(value)
        return _memory(str(value), self.zero)

    def loaded(self, shown: Optional[str]) -> Optional[Value]:
        """What `systemctl show` prints, as a number or a word; None: this systemd does not have it."""
        text = (shown or "").strip()
        if not text:
            return None
        if self.kind == "word":
            return text
        if text in (INFINITY, "[not set]"):
            return INFINITY
        try:
            number = int(text)
        except ValueError:
            return None
        return INFINITY if number == _UNSET else number

    def expected(self, text: str, ram: Optional[int]) -> Optional[Value]:
        """The number or word that systemd makes of a drop-in's text; None where that cannot be known: a share of
        unknown RAM.
        """
        if self.kind == "word" or text == INFINITY:
            return text
        if self.kind == "score":
            return read_int(text)
        share = read_share(text)
        if share is None:
            return read_size(text)
        return None if ram is None else ram // _PAGE * share // 10_000 * _PAGE

    def is_rejected(self, text: str) -> bool:
        """systemd reads this line, warns in its log and goes on as if it were not there. An empty number is no error:
        it resets.
        """
        if not text:
            return self.kind == "word" and not self.key.startswith(("ManagedOOMSwap", "ManagedOOMMemory"))
        if self.kind == "word":
            return text not in self.words
        if self.kind == "memory" and text == INFINITY:
            return False
        try:
            number = self.expected(text, 1 << 62)
        except ValueError:
            return True
        return not -1000 <= int(number or 0) <= 1000 if self.kind == "score" else not (number or self.zero)


def _score(value: Any) -> str:
    if isinstance(value, bool):  # Python takes True for 1
        raise ValueError("%s is not an integer" % value)
    number = int(value)
    if not -1000 <= number <= 1000:
        raise ValueError("%d is outside -1000 to 1000" % number)
    return str(number)


def _memory(text: str, zero: bool) -> str:
    text = text.strip()
    if text == INFINITY:
        return text
    share = parse_share(text)
    if share is not None:
        if not share and not zero:
            raise ValueError("systemd ignores a limit of 0%")
        return "%g%%" % (share / 100.0)
    size = parse_size(text)
    if not size and not zero:
        raise ValueError("systemd ignores a limit of 0; write infinity for none")
    return exact(size)


_RESTART = ("no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always")

SETTINGS = (
    Setting("oom_score_adjust", "OOMScoreAdjust", "score", _EXEC, 0, default=0),
    Setting(
        "oom_policy", "OOMPolicy", "word", ("service", "scope"), 243, ("continue", "stop", "kill"), "memory.oom.group"
    ),
    Setting("memory_min", "MemoryMin", "memory", _CGROUP, 240, (), "memory.min", default=0),
    Setting("memory_low", "MemoryLow", "memory", _CGROUP, 231, (), "memory.low", default=0),
    Setting("memory_high", "MemoryHigh", "memory", _CGROUP, 231, (), "memory.high", None, False, INFINITY),
    Setting(
        "memory_max", "MemoryMax", "memory", _CGROUP, 231, (), "memory.max", "memory.limit_in_bytes", False, INFINITY
    ),
    Setting("memory_swap_max", "MemorySwapMax", "memory", _CGROUP, 232, (), "memory.swap.max", default=INFINITY),
    Setting(
        "managed_oom_swap",
        "ManagedOOMSwap",
        "word",
        ("service", "slice", "scope"),
        247,
        ("auto", "kill"),
        default="auto",
    ),
    Setting(
        "managed_oom_memory_pressure",
        "ManagedOOMMemoryPressure",
        "word",
        ("service", "slice", "scope"),
        247,
        ("auto", "kill"),
        default="auto",
    ),
    Setting(
        "managed_oom_preference",
        "ManagedOOMPreference",
        "word",
        ("service", "slice", "scope"),
        248,
        ("none", "avoid", "omit"),
        default="none",
    ),
    Setting("restart", "Restart", "word", ("service",), 0, _RESTART, default="no"),
)  # type: Tuple[Setting, ...]

BY_OPTION = {setting.option: setting for setting in SETTINGS}  # type: Dict[str, Setting]
BY_KEY = {setting.key: setting for setting in SETTINGS}  # type: Dict[str, Setting]

#: OOMPolicy= works in scopes since 253.
_SCOPE_POLICY = 253


def unsupported(setting: Setting, unit_type: str, version: Optional[int]) -> Optional[str]:
    """Why this systemd would ignore the setting in a unit of this type; None: it would not."""
    if unit_type not in setting.types:
        return "%s= has no effect in a %s" % (setting.key, unit_type)
    since = _SCOPE_POLICY if setting.key == "OOMPolicy" and unit_type == "scope" else setting.since
    if version is not None and version < since:
        return "%s= is systemd %d or newer, this is %d" % (setting.key, since, version)
    return None


def section(unit_type: str) -> str:
    return unit_type.capitalize()


def normalize_settings(options: Dict[str, Any], refuse: Callable[[str], Exception]) -> Dict[str, str]:
    """Option -> text of the drop-in, in the order of the table, for every option that is not None."""
    found = {}  # type: Dict[str, str]
    for setting in SETTINGS:
        value = options.get(setting.option)
        if value is None:
            continue
        if isinstance(value, str) and len(value) > _LONGEST:
            raise refuse(
                "%s: %r… has %d characters, and no value is that long" % (setting.option, value[:40], len(value))
            )
        try:
            found[setting.option] = setting.normalize(value)
        except ValueError as exc:
            raise refuse("%s: %s" % (setting.option, exc))
    return found
