# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of vm_settings, checked; what the settings may be depends on the host (keys.py)."""

from typing import Any, Dict, NamedTuple

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError


class Params(NamedTuple):
    """settings -- as given; settle -- seconds until the second look"""

    settings: Dict[Any, Any]
    present: bool = True
    settle: float = 0
    allow_panic: bool = False
    allow_low_commit_limit: bool = False
    allow_shared_kernel: bool = False


def parse_params(options: Dict[str, Any]) -> Params:
    """Raises PreconditionError that names the wrong option."""
    if not 0 <= options["settle"] <= 600:
        raise PreconditionError("settle: %d is not within 0 to 600 seconds. Nothing was changed." % options["settle"])
    return Params(
        settings=options["settings"],
        present=options["state"] == "present",
        settle=options["settle"],
        allow_panic=options["allow_panic"],
        allow_low_commit_limit=options["allow_low_commit_limit"],
        allow_shared_kernel=options["allow_shared_kernel"],
    )
