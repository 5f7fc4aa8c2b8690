# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What engines write of a container, each in its own words, becomes the names that people know it by."""

import re
from typing import Any, Dict, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .disk import json_of

_MAX_NAME = 256
#: kubelet's name of a container for docker and CRI-O: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT; POD is the one that
#: holds the pod together.
_KUBELET_NAME = re.compile(r"^k8s_([^_]+)_([^_]+)_([^_]+)_[^_]*_[0-9]+$")
#: kubelet's link to a container's log: POD_NAMESPACE_CONTAINER-ID.log
_LOG_LINK = re.compile(r"^([^_]+)_([^_]+)_([^_]+)-([0-9a-f]{64})\.log$")


class Names(NamedTuple):
    """A container as people speak of it; None is unknown."""

    name: Optional[str] = None
    image: Optional[str] = None
    pod: Optional[str] = None
    namespace: Optional[str] = None
    engine: Optional[str] = None


def _mapping(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(*given: Any) -> Optional[str]:
    """The first that is a text and not empty."""
    for value in given:
        if isinstance(value, str) and value.strip():
            return printable(value.strip()[:_MAX_NAME])
    return None


def of_storage(row: Dict[str, Any]) -> Names:
    """A row of containers.json of containers/storage, which podman and CRI-O share; its metadata is JSON in a text."""
    metadata = row.get("metadata")
    inner = _mapping(json_of(metadata.encode("utf-8", "surrogateescape")) if isinstance(metadata, str) else None)
    listed = row.get("names")
    first = _first(*listed) if isinstance(listed, list) else None
    name = _first(inner.get("name"), first)
    image = _first(inner.get("image-name"))
    if "pod-name" not in inner:
        return Names(name, image, engine="podman")
    parts = _KUBELET_NAME.match(name or "")
    if parts is None:
        return Names(
            _first(inner.get("metadata-name"), name), image, namespace=_first(inner.get("namespace")), engine="crio"
        )
    return Names(parts.group(1), image, parts.group(2), parts.group(3), "crio")


def of_docker(config: Dict[str, Any]) -> Optional[Names]:
    """config.v2.json of dockerd; None where it is none."""
    name = _first(config.get("Name"))
    if name is None:
        return None
    given = _mapping(config.get("Config"))
    labels = _mapping(given.get("Labels"))
    return Names(
        _first(labels.get("io.kubernetes.container.name"), name.lstrip("/")),
        _first(given.get("Image"), config.get("Image")),
        _first(labels.get("io.kubernetes.pod.name")),
        _first(labels.get("io.kubernetes.pod.namespace")),
        "docker",
    )


def of_containerd(config: Dict[str, Any]) -> Optional[Names]:
    """config.json of a bundle of containerd, made for the kubelet or by nerdctl."""
    notes = _mapping(config.get("annotations"))
    if not config:
        return None
    return Names(
        _first(notes.get("io.kubernetes.cri.container-name"), notes.get("nerdctl/name")),
        _first(notes.get("io.kubernetes.cri.image-name"), notes.get("nerdctl/image-ref")),
        _first(notes.get("io.kubernetes.cri.sandbox-name")),
        _first(notes.get("io.kubernetes.cri.sandbox-namespace")),
        "containerd",
    )


def of_crio(config: Dict[str, Any]) -> Optional[Names]:
    """config.json below userdata; None for podman's, which lies in the same place and has no names."""
    notes = _mapping(config.get("annotations"))
    if _first(notes.get("io.container.manager")) == "libpod":
        return None
    name, pod = _first(notes.get("io.kubernetes.container.name")), _first(notes.get("io.kubernetes.pod.name"))
    if name is None and pod is None:
        return None
    image = _first(notes.get("io.kubernetes.cri-o.ImageName"), notes.get("io.kubernetes.cri-o.Image"))
    return Names(name, image, pod, _first(notes.get("io.kubernetes.pod.namespace")), "crio")


def of_log_link(link: str, identity: str) -> Optional[Names]:
    """A name in /var/log/containers; it does not tell the engine. None where it is another container's."""
    parts = _LOG_LINK.match(link)
    if parts is None or not parts.group(4).startswith(identity):
        return None
    return Names(_first(parts.group(3)), pod=_first(parts.group(1)), namespace=_first(parts.group(2)))
