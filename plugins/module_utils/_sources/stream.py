# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that come one buffer after the other, and why they ended before their time."""

from typing import Callable, NamedTuple

#: Fills the view from its front and returns the number of bytes; 0 is the end.
Fill = Callable[[memoryview], int]


class Damage(NamedTuple):
    """Why a stream ended early. status -- one of SourceReport's; reason -- a sentence."""

    status: str
    reason: str


class Unsupported(Exception):
    """Neither Python nor a program here reads this compression."""
