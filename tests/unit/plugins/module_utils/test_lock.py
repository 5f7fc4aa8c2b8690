# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.memops.linux.plugins.module_utils import _lock
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._lock import LockError, host_lock

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
        with pytest.raises(LockError, match="process %d has held" % holder.pid):
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
    with pytest.raises(
        LockError,
        match="^/run/memops/lock is a symbolic link, so it cannot hold the lock of this host. Nothing was changed; remove it",
    ):
        with host_lock(host):
            pass


@pytest.mark.parametrize(
    "mode, words", [(0o777, "/run/memops may be written by others"), (0o1777, "/run/memops may be written by others")]
)
def test_a_lock_folder_that_users_may_write_is_told_as_what_it_is(host: Host, mode: int, words: str) -> None:
    os.makedirs(host.path(_lock.FOLDER))
    os.chmod(host.path(_lock.FOLDER), mode)
    with pytest.raises(LockError, match=words):
        with host_lock(host):
            pass


ERRORS = [
    (
        errno.ENOSPC,
        r"/run/memops/lock: No space left on device; free some space \(or inodes\) on that file system. Nothing was changed",
    ),
    (
        errno.EMFILE,
        r"/run/memops/lock: Too many open files; raise the limit of open files \(ulimit -n\). Nothing was changed",
    ),
    (errno.EROFS, "/run/memops/lock: Read-only file system; mount that file system read-write. Nothing was changed"),
]


@pytest.mark.parametrize("number, words", ERRORS, ids=[errno.errorcode[row[0]] for row in ERRORS])
def test_an_error_names_the_path_and_the_way_out(
    host: Host, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    """Mocked: a full /run is in tests/fault/config_crash.py."""
    real = os.open

    def no_lock(path: str, *arguments: Any, **options: Any) -> int:
        if path == "lock":
            raise OSError(number, os.strerror(number), path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", no_lock)
    with pytest.raises(LockError, match=words):
        with host_lock(host):
            pass


def test_who_is_not_root_is_told_by_the_caller(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*arguments: Any, **options: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "mkdir", denied)
    with pytest.raises(PermissionError):
        with host_lock(host):
            pass


def test_a_lock_that_cannot_be_signed_is_held_all_the_same(host: Host) -> None:
    """A real limit of the size of files, as a full /run: who holds it is then not told, and that is all."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with host_lock(host), pytest.raises(LockError, match="process unknown has held /run/memops/lock"):
            with host_lock(host, timeout=0.1):
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
