# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service_memory as an action: the module runs on the host, and of its answer only what it documents comes back."""

from __future__ import annotations

from ansible_collections.memops.linux.plugins.modules import service_memory
from ansible_collections.memops.linux.plugins.plugin_utils._actions.documented import documented
from ansible_collections.memops.linux.plugins.plugin_utils._actions.host_module import HostModule

#: of a single unit they stand at the top as well
_OF_ONE = ("drop_in", "effective", "shadowed_by", "processes")


class ActionModule(HostModule):
    KEYS = {
        **{name: read for name, read in documented(service_memory.RETURN, "services").items() if name in _OF_ONE},
        **documented(service_memory.RETURN),
    }
