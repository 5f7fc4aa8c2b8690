# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit that would end the connection, or keep out the next one, is refused whatever is allowed."""

import os

import pytest

from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.fake_machine import MIB
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import act

#: name, its options, whether it is refused. sshd and the session use 20 MiB.
LIMITS = [
    ("ssh.service", dict(memory_max="64M"), True),
    ("ssh.service", dict(memory_high="64M"), True),
    ("ssh.service", dict(memory_max="84M"), False),
    ("ssh.service", dict(memory_max="infinity"), False),
    ("ssh.service", dict(memory_low="1M"), False),
    ("ssh.service", dict(oom_score_adjust=-500), False),
    ("user-0.slice", dict(memory_max="32M"), True),
    ("web.service", dict(memory_max="32M"), False),
]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name, options, refused", LIMITS)
def test_a_limit_on_the_way_in(make, name, options, refused, check):
    machine = make()
    for unit in ("ssh.service", "user-0.slice"):
        machine.unit(unit)
    machine.boot()
    machine.start("ssh.service", 1, used=20 * MIB)
    machine.start("user-0.slice", 1, used=20 * MIB)
    machine.start("web.service", 1, used=20 * MIB)
    slice_ = machine.running["user-0.slice"].cgroup
    machine._process(
        os.getpid(), "python3", slice_ + "/session-3.scope", 0, ppid=machine.running["ssh.service"].main_pid
    )
    before = machine.tree()
    result = act(machine, check, name=[name], allow_limits=True, allow_overcommit=True, allow_broad=True, **options)
    assert result["failed"] is refused, result["msg"]
    if refused:
        assert "this connection hangs on %s, which uses 20 MiB now" % name in result["msg"]
        assert result["msg"].endswith("Give at least 84 MiB. Nothing was changed") and machine.tree() == before
