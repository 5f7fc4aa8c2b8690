# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the id of a container to its names, by what engines keep on disk. No daemon is asked, nothing is changed.

A kill in a user's slice is looked up in that user's files only: a scope can be named after anybody's container there.
"""

import os
import re
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from . import engines
from .disk import Disk, SystemDisk, UserDisk, home_of
from .engines import Names

#: A full id, or its beginning as engines show it. Nothing else becomes a part of a path.
_ID = re.compile(r"^[0-9a-f]{12,64}\Z")
_FULL = 64
_USER = re.compile(r"^/user\.slice/user-([0-9]{1,10})\.slice/")
#: containers/storage names its folders after the driver.
_DRIVERS = ("overlay", "vfs", "btrfs", "zfs")
_GRAPH_ROOT = re.compile(r'^[ \t]*graphroot[ \t]*=[ \t]*"(/[^"\n]*)"', re.MULTILINE)
#: State of containerd: the packages', k3s and RKE2, k0s, MicroK8s.
_CONTAINERD = (
    "/run/containerd",
    "/run/k3s/containerd",
    "/run/k0s/containerd",
    "/var/snap/microk8s/common/run/containerd",
)
#: containerd 1.2 and later; before 2.0 also the one of the old shim.
_RUNTIMES = ("io.containerd.runtime.v2.task", "io.containerd.runtime.v1.linux")
#: docker's own containers: dockerd keeps their names, containerd does not know them.
_MOBY = "moby"
_MAX_LOOKED_UP = 500


class Places:
    """Where one owner's engines keep their state, and what has been read of it.

    storage, docker, containerd -- folders that have one for each container; containerd's have one for each namespace
        above
    links -- kubelet's folder of links to logs
    """

    def __init__(
        self,
        disk: Disk,
        storage: Tuple[str, ...],
        docker: Tuple[str, ...],
        containerd: Tuple[str, ...] = (),
        links: str = "",
    ) -> None:
        self._disk = disk
        self._storage = storage
        self._docker = docker
        self._containerd = containerd
        self._links = links
        self._rows = None  # type: Optional[List[Dict[str, Any]]]

    def find(self, identity: str) -> Tuple[str, Optional[Names]]:
        """The whole id, and the names where anything knows them; who knows the container and no name of it has the last
        word only.
        """
        nameless = (identity, None)  # type: Tuple[str, Optional[Names]]
        for look in (self._in_containerd, self._in_crio, self._in_storage, self._in_docker, self._in_links):
            for whole, names in look(identity):
                if names is None:
                    continue
                if names.name is not None or names.pod is not None:
                    return whole, names
                nameless = (whole, names)
        return nameless

    def _whole(self, folder: str, identity: str) -> Optional[str]:
        """The one name in the folder that begins so; None where two do."""
        if len(identity) == _FULL:
            return identity
        found = [name for name in self._disk.names(folder) if name.startswith(identity) and _ID.match(name)]
        return found[0] if len(found) == 1 else None

    def _configs(self, folder: str, identity: str, name: str) -> Iterator[Tuple[str, Dict[str, Any]]]:
        whole = self._whole(folder, identity)
        if whole is not None:
            yield whole, self._disk.mapping(os.path.join(folder, whole, name))

    def _in_containerd(self, identity: str) -> Iterator[Tuple[str, Optional[Names]]]:
        for folder in self._containerd:
            for namespace in self._disk.names(folder):
                if namespace != _MOBY:
                    for whole, config in self._configs(os.path.join(folder, namespace), identity, "config.json"):
                        yield whole, engines.of_containerd(config)

    def _in_crio(self, identity: str) -> Iterator[Tuple[str, Optional[Names]]]:
        for folder in self._storage:
            for whole, config in self._configs(folder, identity, "userdata/config.json"):
                yield whole, engines.of_crio(config)

    def _in_storage(self, identity: str) -> Iterator[Tuple[str, Optional[Names]]]:
        if self._rows is None:
            files = [
                os.path.join(folder, name)
                for folder in self._storage
                for name in ("containers.json", "volatile-containers.json")
            ]
            self._rows = [row for path in files for row in self._disk.rows(path)]
        found = {str(row.get("id")): row for row in self._rows if str(row.get("id")).startswith(identity)}
        if len(found) == 1:
            for whole, row in found.items():
                if _ID.match(whole):
                    yield whole, engines.of_storage(row)

    def _in_docker(self, identity: str) -> Iterator[Tuple[str, Optional[Names]]]:
        for folder in self._docker:
            for whole, config in self._configs(folder, identity, "config.v2.json"):
                yield whole, engines.of_docker(config)

    def _in_links(self, identity: str) -> Iterator[Tuple[str, Optional[Names]]]:
        """Kubelet's links to logs outlive what containerd has of a container that is dead."""
        if self._links and len(identity) == _FULL:
            for link in self._disk.names(self._links):
                if identity in link:
                    yield identity, engines.of_log_link(link, identity)


def _storage(roots: Iterable[str]) -> List[str]:
    return [os.path.join(root, driver + "-containers") for root in roots for driver in _DRIVERS]


def _there(host: Host, folders: Iterable[str]) -> Tuple[str, ...]:
    found = []  # type: List[str]
    for folder in dict.fromkeys(folders):
        try:
            if os.path.isdir(host.path(folder)):
                found.append(folder)
        except ValueError:  # to Python 3.7, of what can be no path
            pass
    return tuple(found)


def _system_places(host: Host) -> Places:
    """Only what is there: most hosts have one engine, and there may be hundreds of ids."""
    disk = SystemDisk(host)
    configured = disk.mapping("/etc/docker/daemon.json")
    roots = [
        configured.get("data-root"),
        configured.get("graph"),
        "/var/lib/docker",
        "/var/snap/docker/common/var-lib-docker",
    ]
    docker = [os.path.join(root, "containers") for root in roots if isinstance(root, str) and root.startswith("/")]
    graph = _GRAPH_ROOT.findall(to_text(disk.read("/etc/containers/storage.conf") or b""))
    storage = _storage(["/run/containers/storage", "/var/lib/containers/storage"] + graph[:1])
    containerd = [os.path.join(state, runtime) for state in _CONTAINERD for runtime in _RUNTIMES]
    return Places(disk, _there(host, storage), _there(host, docker), _there(host, containerd), "/var/log/containers")


def _user_places(host: Host, uid: int) -> Places:
    home = home_of(host, uid)
    roots, docker = ["/run/user/%d/containers" % uid], []  # type: List[str], List[str]
    if home is not None:
        roots.append(os.path.join(home, ".local/share/containers/storage"))
        docker.append(os.path.join(home, ".local/share/docker/containers"))
    return Places(UserDisk(host, uid), tuple(_storage(roots)), tuple(docker))


def _owner(kill: Dict[str, Any]) -> int:
    """Whose engine it is: a user's in the user's slice, else root's."""
    match = _USER.match(kill.get("task_memcg") or kill.get("oom_memcg") or "")
    return int(match.group(1)) if match else 0


def _spoken(names: Names) -> str:
    """``container web (image nginx:1.25) of pod web-0 in shop``"""
    text = "container %s" % (names.name or "without a name")
    if names.image:
        text += " (image %s)" % names.image
    if names.pod:
        text += " of pod %s%s" % (names.pod, " in %s" % names.namespace if names.namespace else "")
    return text


def name_containers(host: Host, kills: List[Dict[str, Any]]) -> None:
    """The kills that have a container's id get its names, in place; the newest first, for there may be too many."""
    places = {}  # type: Dict[int, Places]
    known = {}  # type: Dict[Tuple[int, str], Tuple[str, Optional[Names]]]
    for kill in reversed(kills):
        identity = kill["container_id"]
        if not identity or not _ID.match(identity):
            continue
        owner = _owner(kill)
        if (owner, identity) not in known:
            if len(known) >= _MAX_LOOKED_UP:
                continue
            if owner not in places:
                places[owner] = _user_places(host, owner) if owner else _system_places(host)
            known[owner, identity] = places[owner].find(identity)
        whole, names = known[owner, identity]
        if names is not None:
            kill["container"] = dict(names._asdict(), id=whole)
            if kill.get("why") and (names.name or names.pod):
                kill["why"] += "; it ran in %s" % _spoken(names)
