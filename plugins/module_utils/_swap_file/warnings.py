# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the person should know though it is allowed."""

import os
from typing import List

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .activate import identity_of
from .plan import Step, Target
from .state import SwapState
from .swap_unit import warning as unit_warning


def _other_names(host: Host, state: SwapState) -> List[str]:
    """Lines of fstab that lead to our file by another name, as through a link or a bind mount."""
    real, identity = os.path.realpath(host.path(state.path)), state.file.identity if state.file is not None else None

    def leads_here(source: str) -> bool:
        there = host.path(source)
        return os.path.realpath(there) == real or (identity is not None and identity_of(there) == identity)

    text = (
        "fstab names %s in line %d by another name, %s; the kernel swaps to a file once, so that line fails at boot."
        " Take it out"
    )
    return [
        text % (printable(state.path), number, printable(source))
        for number, source in state.fstab.swap_sources()
        if source.startswith("/") and source != state.path and leads_here(source)
    ]


def _by_uuid(state: SwapState) -> List[str]:
    """UUID= is resolved among block devices, and a file is none."""
    identifier = state.file.signature.uuid if state.file is not None and state.file.signature is not None else None
    text = (
        "fstab names %s in line %d by its UUID, which finds devices only and no file, so that line fails at boot. Name"
        " the path instead"
    )
    return [
        text % (printable(state.path), number)
        for number, source in state.fstab.swap_sources()
        if identifier is not None and source.replace('"', "").lower() == "uuid=" + identifier
    ]


def _zram(state: SwapState, target: Target) -> List[str]:
    """Memory that is compressed comes before a disk, unless somebody has it the other way round."""
    priority = target.priority if target.priority is not None or state.area is None else state.area.priority
    text = "%s has priority %d and is filled after %s, which has %d; give zram a higher one, or the file a lower one"
    return [
        text % (area.path, area.priority, printable(state.path), priority)
        for area in state.areas
        if area.path.startswith("/dev/zram") and priority is not None and area.priority <= priority
    ]


def warnings(host: Host, state: SwapState, steps: List[Step], target: Target) -> List[str]:
    """What the person should know though it is allowed."""
    found = state.fstab.problems() + _other_names(host, state) + _by_uuid(state)
    found += unit_warning(state.unit, state.path, target.present, target.options is not None)
    size = max([step.size for step in steps if step.path == state.path] or [0])
    if state.disk is not None and size * 2 > state.disk.total:
        found.append(
            "%s takes more than half of its file system (%s of %s)"
            % (printable(state.path), human(size), human(state.disk.total))
        )
    if target.present:
        found += _zram(state, target)
    if target.present and state.btrfs.shared:
        text = (
            "%s is on btrfs, in a subvolume with other things: while it is in use no snapshot of that subvolume can be"
            " made (Text file busy), %s"
        )
        way_out = (
            "so backups by snapshots stop. Give it a subvolume of its own, such as: btrfs subvolume create /swap, and"
            " path: /swap/swapfile; with subvolume: auto it is made where the directory is not there"
        )
        found.append(text % (printable(state.path), way_out))
    return found
