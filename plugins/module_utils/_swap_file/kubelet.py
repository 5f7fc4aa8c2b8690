# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is there a kubelet that would not start on a host with swap? It is told by arguments, by its configuration, or by
what wraps it.

Arguments count more than the configuration. k3s and rke2 tell theirs to accept swap, unless they are told otherwise
themselves.
"""

import os
import re
from typing import Iterator, List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._text import printable, to_text

_KUBELETS = (
    "kubelet",
    "k3s",
    "k3s-agent",
    "rke2-server",
    "rke2-agent",
    "k0scontroller",
    "k0sworker",
    "snap.microk8s.daemon-kubelite",
)
_ACCEPT = ("k3s", "rke2")
_UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_CONFIG = "/var/lib/kubelet/config.yaml"
_CONFIG_FOLDERS = ("/etc/kubernetes/kubelet.conf.d",)
#: Where distributions, kubeadm and the wrappers keep arguments.
_ARGUMENTS = (
    "/var/lib/kubelet/kubeadm-flags.env",
    "/etc/default/kubelet",
    "/etc/sysconfig/kubelet",
    "/var/snap/microk8s/current/args/kubelet",
    "/etc/rancher/k3s/config.yaml",
    "/etc/rancher/rke2/config.yaml",
)
_ARGUMENT_FOLDERS = ("/etc/rancher/k3s/config.yaml.d", "/etc/rancher/rke2/config.yaml.d")
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*", re.MULTILINE)
_BY_ARGUMENT = re.compile(r"\bfail-swap-on\b(?:[\"']?\s?[=:]\s?[\"']?(\w+))?")
_BY_CONFIG = re.compile(r"(?<![\w])failSwapOn[\"']?\s?:\s?[\"']?(\w+)")
_CONFIG_ARGUMENT = re.compile(r"--config[= ]\"?(/[^\s\"']+)")
_FOLDER_ARGUMENT = re.compile(r"--config-dir[= ]\"?(/[^\s\"']+)")
_NO = ("false", "f", "0")


class _Unit(NamedTuple):
    name: str
    path: str
    text: str


def _read(host: Host, path: str) -> Optional[str]:
    data = host.read(path)
    return None if data is None else _COMMENT.sub("", to_text(data))


def _files(host: Host, folder: str, suffix: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(host.path(folder)))
    except OSError:
        return
    for name in names:
        text = _read(host, folder + "/" + name) if name.endswith(suffix) else None
        if text is not None:
            yield text


def _unit(host: Host) -> Optional[_Unit]:
    """The first one that is not masked, with its drop-ins."""
    for name in _KUBELETS:
        for folder in _UNIT_FOLDERS:
            path = "%s/%s.service" % (folder, name)
            text = _read(host, path)
            if text is None:
                continue
            if not text:  # masked: a link to /dev/null, or an empty file, which hides the ones in later folders
                break
            dropins = [
                part for where in _UNIT_FOLDERS for part in _files(host, "%s/%s.service.d" % (where, name), ".conf")
            ]
            return _Unit(name, path, "\n".join([text] + dropins))
    return None


def _running(host: Host) -> str:
    """The command line of a kubelet that runs: the surest word on its arguments."""
    try:
        pids = [name for name in os.listdir(host.path("/proc")) if name.isdigit()]
    except OSError:
        return ""
    for pid in pids:
        if (host.read("/proc/%s/comm" % pid) or b"").strip() == b"kubelet":
            return to_text(host.read("/proc/%s/cmdline" % pid) or b"").replace("\0", " ")
    return ""


def _accepts(value: Optional[str]) -> bool:
    return value is not None and value.lower() in _NO


def _by_arguments(texts: List[str]) -> Optional[bool]:
    """True: they say that swap is accepted; None: they do not speak of it."""
    told = [found.group(1) for text in texts for found in _BY_ARGUMENT.finditer(text)]
    return _accepts(told[-1]) if told else None


def _by_configuration(host: Host, arguments: str) -> Optional[bool]:
    paths = _CONFIG_ARGUMENT.findall(arguments) or [_CONFIG]
    texts = [_read(host, path) or "" for path in paths]
    for folder in _FOLDER_ARGUMENT.findall(arguments) or _CONFIG_FOLDERS:
        texts += list(_files(host, folder, ".conf"))
    told = [found.group(1) for text in texts for found in _BY_CONFIG.finditer(text)]
    return _accepts(told[-1]) if told else None


def kubelet(host: Host) -> Optional[str]:
    """What would refuse to run on a host with swap; None where nothing would."""
    unit, configured = _unit(host), host.read(_CONFIG) is not None
    if unit is None and not configured:
        return None
    arguments = [unit.text if unit is not None else ""]
    arguments += [text for text in (_read(host, path) for path in _ARGUMENTS) if text is not None]
    arguments += [text for folder in _ARGUMENT_FOLDERS for text in _files(host, folder, ".yaml")]
    arguments.append(_running(host))
    accepts = _by_arguments(arguments)
    if accepts is None:
        accepts = _by_configuration(host, "\n".join(arguments))
    if accepts is None:
        accepts = unit is not None and unit.name.startswith(_ACCEPT)
    if accepts:
        return None
    if unit is None or (configured and unit.name == "kubelet"):
        return "kubelet (%s)" % _CONFIG
    return "%s (%s)" % (unit.name, printable(unit.path))
