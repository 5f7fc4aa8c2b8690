# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_score_info as an action: the module runs on the host, and of its answer only what it documents comes back."""

from __future__ import annotations

from ansible_collections.memops.linux.plugins.modules import oom_score_info
from ansible_collections.memops.linux.plugins.plugin_utils._actions.documented import documented
from ansible_collections.memops.linux.plugins.plugin_utils._actions.host_module import HostModule


class ActionModule(HostModule):
    KEYS = documented(oom_score_info.RETURN)
