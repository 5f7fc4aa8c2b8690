# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd has loaded of a setting, against what our file says and which file wins."""

from typing import Callable, Dict, List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState
from ansible_collections.memops.linux.plugins.module_utils._systemd.precedence import Origin
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import BY_OPTION, Value

from .state import CurrentUnit


class Unread(NamedTuple):
    """A setting of ours that wins and that systemd does not believe: it has not read the file."""

    state: UnitState
    option: str
    text: str
    loaded: Value


def agrees(option: str, text: str, loaded: object, ram: Optional[int]) -> bool:
    """Whether systemd's number is what the text means. A share may be of the container's RAM, or rounded to pages."""
    expected = BY_OPTION[option].expected(text, ram)
    if text.endswith("%"):
        return isinstance(loaded, int) and (expected is None or not isinstance(expected, int) or loaded <= expected + (expected >> 6))
    return loaded == expected


def shadowing(current: CurrentUnit, settings: Dict[str, str], files: Dict[str, Origin], ram: Optional[int]) -> Dict[str, Origin]:
    """Option -> the later file that gives it another value."""
    found = {}  # type: Dict[str, Origin]
    for option, text in settings.items():
        origin = files.get(option)
        if origin is not None and origin.path != current.path and not _same(option, text, origin.value, ram):
            found[option] = origin
    return found


def _same(option: str, ours: str, theirs: str, ram: Optional[int]) -> bool:
    setting = BY_OPTION[option]
    if not theirs:
        return False
    return setting.expected(ours, ram) == setting.expected(theirs, ram) if ours != theirs else True


def unread(current: CurrentUnit, settings: Dict[str, str], origins_of: Callable[[UnitState], Dict[str, Origin]], ram: Optional[int]) -> List[Unread]:
    """Before a reload: why one is due. After it: what it did not bring."""
    found = []  # type: List[Unread]
    for state in current.asked:
        shadows = shadowing(current, settings, origins_of(state), ram)
        for option, text in settings.items():
            loaded = state.loaded(option)
            if option not in shadows and loaded is not None and not agrees(option, text, loaded, ram):
                found.append(Unread(state, option, text, loaded))
    return found
