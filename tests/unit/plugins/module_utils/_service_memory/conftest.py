# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory import live, restart
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.fake_machine import FakeMachine


@pytest.fixture(name="make")
def fixture_make(tmp_path, monkeypatch):
    """A machine with web.service, which is not started; its kernel decides about scores."""
    monkeypatch.setattr(live, "_SCORES_SETTLE", 0.0)
    monkeypatch.setattr(live, "_LIMITS_SETTLE", 0.0)
    monkeypatch.setattr(restart, "_STEP", 0.01)

    def make(text="", **keywords):
        tmp_path.chmod(0o755)
        machine = FakeMachine(tmp_path, **keywords).patch(monkeypatch)
        machine.unit("web.service", text)
        machine.boot()
        return machine

    return make
