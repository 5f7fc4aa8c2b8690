# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of docker that ended with exit code 137, by what dockerd keeps on disk."""

import calendar
import time
from typing import Any, Dict, List, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .disk import Disk, SystemDisk, json_with_numbers
from .engines import of_docker

#: Where dockerd keeps a folder for each container.
DOCKER = "/var/lib/docker/containers"
_MAX_CONTAINERS = 500
_EXIT = 137
_ID = regex(r"[0-9a-f]{64}\Z")
# 2026-12-01T10:28:46.123456789Z; of one that runs 0001-01-01T00:00:00Z
_MOMENT = regex(r"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z\Z")


def _moment(text: Any) -> Optional[float]:
    match = _MOMENT.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        whole = calendar.timegm(time.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None
    return whole + float(match.group(2) or 0)


def _killed(disk: Disk, identity: str) -> Optional[Dict[str, Any]]:
    config = json_with_numbers(disk.read("%s/%s/config.v2.json" % (DOCKER, identity)))
    state = config.get("State") if isinstance(config, dict) else None
    if not isinstance(state, dict) or state.get("ExitCode") != _EXIT or state.get("Running") is not False:
        return None
    names = of_docker(config)
    return {
        "id": identity,
        "name": None if names is None else names.name,
        "image": None if names is None else names.image,
        "engine": "docker",
        "finished": _moment(state.get("FinishedAt")),
        "oom_killed": state.get("OOMKilled") is True,
        "stopped": config.get("HasBeenManuallyStopped") is True,
    }


def killed_containers(host: Host) -> List[Dict[str, Any]]:
    disk = SystemDisk(host)
    names = [name for name in disk.names(DOCKER) if _ID.match(name)]
    found = [_killed(disk, name) for name in names[:_MAX_CONTAINERS]]
    return [one for one in found if one is not None]
