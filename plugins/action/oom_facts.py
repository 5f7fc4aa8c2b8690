# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_facts as an action: the module runs on the host, and of its answer only ansible_facts.oom becomes a variable."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.plugin_utils._actions.facts import shaped_facts
from ansible_collections.memops.linux.plugins.plugin_utils._actions.host_module import HostModule


class ActionModule(HostModule):
    def facts(self, given: t.Any) -> dict[str, t.Any]:
        oom = shaped_facts(given.get("oom")) if isinstance(given, dict) else None
        return {} if oom is None else {"oom": oom}
