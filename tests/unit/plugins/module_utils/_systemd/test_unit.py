# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cgroup paths of systemd, container engines and LXC; commented with the logs they come from where there is one."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._systemd.unit import container_of, leaf_unit_of, unit_of

ID = "a59e4e7d3090c04c6ce5a4b7a8bc85228eb9b96ac00b1284643a8c7c11dda661"
POD = "kubepods-burstable-podef7ce918_ae07_11e9_bf64_00163e08cd06.slice"

PATHS = [
    ("/", None, None),
    ("", None, None),
    (None, None, None),
    ("/system.slice/varnish.service", "varnish.service", None),
    ("/user.slice/user-504.slice/session-2.scope", "session-2.scope", None),
    ("/user.slice/user-0.slice/user@0.service/init.scope", "user@0.service", None),
    ("/system.slice/system-lab\\x2desc.slice/lab-esc@a\\x20b-c.service", "lab-esc@a\\x20b-c.service", None),
    ("/system.slice/a.service/payload/b.service", "a.service", None),
    ("/docker/" + ID, None, ID),
    ("/system.slice/docker-%s.scope" % ID, "docker-%s.scope" % ID, ID),
    ("/kubepods/burstable/podd11ab7b0-d6db-4a24-a7de-4a2faf1e6980/" + ID, None, ID),
    ("/kubepods.slice/%s/cri-containerd-%s.scope" % (POD, ID), "cri-containerd-%s.scope" % ID, ID),
    ("/machine.slice/libpod-%s.scope/container" % ID, "libpod-%s.scope" % ID, ID),
    ("/lxc/39004/ns/system.slice/docker-%s.scope" % ID, "docker-%s.scope" % ID, ID),
    ("/lxc/39004", None, "39004"),
    ("/lxc/39004/ns/system.slice/x.service", "x.service", "39004"),
    ("/lxc.payload.web1/system.slice/nginx.service", "nginx.service", "web1"),
    ("/docker/%s/kubepods/pod1/%s" % ("b" * 64, ID), None, ID),
    ("/system.slice/" + "f" * 65, None, None),
    ("/x,task_memcg=/y.service,pid=1", None, None),
    ("/.service/x.scope", "x.scope", None),
]


@pytest.mark.parametrize("path, unit, container", PATHS, ids=[str(row[0])[:40] for row in PATHS])
def test_paths(path, unit, container):
    assert (unit_of(path), container_of(path)) == (unit, container)


def test_leaf():
    path = "/user.slice/user-1002.slice/user@1002.service/app.slice/app-chrome\\x2ddefault@8fdc.service"
    assert (unit_of(path), leaf_unit_of(path)) == ("user@1002.service", "app-chrome\\x2ddefault@8fdc.service")
    assert leaf_unit_of("/system.slice") is None
