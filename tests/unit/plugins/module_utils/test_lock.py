# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.memops.linux.plugins.module_utils import _lock
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import Busy, host_lock

HOLD = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(fd, fcntl.LOCK_EX)
os.pwrite(fd, b"%d\\n" % os.getpid(), 0)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="host")
def fixture_host(tmp_path: Path) -> Host:
    tmp_path.chmod(0o755)
    return Host(root=str(tmp_path))


def test_it_can_be_taken_again(host: Host) -> None:
    for _turn in range(2):
        with host_lock(host):
            pass


def test_who_holds_it_is_named(host: Host) -> None:
    with host_lock(host):
        pass
    path = host.path(_lock.FOLDER + "/lock")
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match="process %d has held" % holder.pid):
            with host_lock(host, timeout=0.2):
                pass
        holder.communicate()
    with host_lock(host, timeout=0.2):
        pass


def test_a_link_in_its_place_is_refused(host: Host) -> None:
    with host_lock(host):
        pass
    path = host.path(_lock.FOLDER + "/lock")
    os.unlink(path)
    os.symlink("/etc/passwd", path)
    with pytest.raises(OSError):
        with host_lock(host):
            pass
