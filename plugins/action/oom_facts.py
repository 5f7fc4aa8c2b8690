# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_facts as an action: the module runs on the host, and of its answer only ansible_facts.oom becomes a variable."""

from __future__ import annotations

import os
import typing as t

from ansible import constants as C
from ansible.utils.display import Display

from ansible_collections.memops.linux.plugins.plugin_utils._actions.facts import shaped_facts
from ansible_collections.memops.linux.plugins.plugin_utils._actions.host_module import HostModule
from ansible_collections.memops.linux.plugins.plugin_utils._actions.progress import Progress

display = Display()


class ActionModule(HostModule):
    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        progress = self._progress(task_vars or {})
        progress.begin()
        result = {}  # type: dict[str, t.Any]
        try:
            result = super().run(tmp, task_vars)
        finally:  # also of a host that is not reached, or that hangs
            told = progress.done(kills=_has_kills(result), lost=not result or bool(result.get("failed")))
            if told:
                display.display(told, stderr=True)  # the answers go where programs read them
        return result

    def _progress(self, task_vars: dict[str, t.Any]) -> Progress:
        hosts = task_vars.get("ansible_play_hosts_all") or ()
        return Progress(os.path.join(C.DEFAULT_LOCAL_TMP, f"memops-{self._task._uuid}"), len(hosts))

    def facts(self, given: t.Any) -> dict[str, t.Any]:
        oom = shaped_facts(given.get("oom")) if isinstance(given, dict) else None
        return {} if oom is None else {"oom": oom}


def _has_kills(result: t.Mapping[str, t.Any]) -> bool:
    oom = (result.get("ansible_facts") or {}).get("oom")
    summary = oom.get("summary") if isinstance(oom, dict) else None
    total = summary.get("total") if isinstance(summary, dict) else None
    return isinstance(total, (int, float)) and total > 0
