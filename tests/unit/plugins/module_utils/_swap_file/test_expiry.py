# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a temporary swap file. systemctl is a function here; the real one is in the molecule scenario swap."""

import os
import re
import shutil
import subprocess
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
from ansible_collections.memops.linux.plugins.module_utils._swap_file.expiry import (
    _will_come,
    can_schedule,
    cancel,
    escape,
    schedule,
    scheduled,
    service_text,
    timer_text,
    unit_of,
)

NAMES = [
    ("/swapfile", "swapfile"),
    ("/var/lib/swap-2", "var-lib-swap\\x2d2"),
    ("/my swap/f%i", "my\\x20swap-f\\x25i"),
    ("/.hidden", "\\x2ehidden"),
    ("/a/.b", "a-.b"),
    ("//a//b/", "a-b"),
    ("/ä", "\\xc3\\xa4"),
    ("/a\\b", "a\\x5cb"),
    ("/a@b", "a\\x40b"),
    ("/", "-"),
]


@pytest.mark.parametrize("path, name", NAMES)
def test_names_are_those_of_systemd_escape(path, name):
    assert escape(path) == name
    if shutil.which("systemd-escape"):
        assert subprocess.check_output(["systemd-escape", "--path", path]).decode().rstrip("\n") == name


def test_long_names():
    paths = ["/" + "a-b" * 60 + "/" + end for end in "xy"] + ["/" + "-" * number for number in range(60, 70)]
    names = [unit_of(path) for path in paths]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 200 and name.startswith("memops-swap-expiry-") for name in names)
    assert not [name for name in names if name.count("\\") != name.count("\\x2d")]  # none is cut within an escape


def test_what_is_written():
    assert b"\n# expires=1795377980\n" in timer_text("/swap", 1795377980)
    assert b"\nOnCalendar=2026-11-22 20:06:20 UTC\n" in timer_text("/swap", 1795377980)
    assert b"\nPersistent=true\n" in timer_text("/swap", 1795377980)
    assert b'swap-expiry "memops-swap-expiry-swap" "1" "/swap" "/swap"\n' in service_text("/swap", 1)
    assert b'\nRequiresMountsFor="/swap"\n' in service_text("/swap", 1)
    odd = service_text("/a b%$\n[Service]\\\"'", 1)
    assert (
        b' "/a\\x20b%%$$\\x0a\\x5bService\\x5d\\x5c\\x22\\x27" "/a\\x5c040b%%$$\\x5c012\\x5bService\\x5d\\x5c134\\x22\\x27"\n'
        in odd
    )
    assert odd.count(b"[Service]\n") == 1 and b"RequiresMountsFor" not in odd


class Systemd:
    """Enough of it: what is enabled and what runs."""

    def __init__(self, root, refuse=""):
        self.root = root
        self.refuse = refuse
        self.enabled = set()
        self.active = set()
        self.loaded = {}
        self.calls = []

    def text(self, unit):
        path = os.path.join(self.root, "etc/systemd/system", unit)
        if not os.path.exists(path):
            return None
        with open(path) as stream:
            return stream.read()

    def show(self, unit):
        """What was loaded, not what is on disk."""
        self.loaded.setdefault(unit, self.text(unit))
        loaded = self.loaded[unit] or ""
        when = re.findall("^OnCalendar=(.*)$", loaded, re.MULTILINE)
        following = (
            "Sun 2026-11-22 21:06:20 CET"
            if when and time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()) < when[0]
            else "n/a"
        )
        return "".join(
            "%s=%s\n" % pair
            for pair in (
                ("ActiveState", "active" if unit in self.active else "inactive"),
                ("UnitFileState", "enabled" if unit in self.enabled else "disabled"),
                ("NeedDaemonReload", "no" if loaded == (self.text(unit) or "") else "yes"),
                ("TimersCalendar", "{ OnCalendar=%s ; next_elapse=%s }" % (when[0], following) if when else ""),
            )
        )

    def run(self, argv, timeout=90):
        if argv[0] == "sh":
            return Ran(0, self.refuse if self.refuse == "flock\n" else "")
        words = list(argv[2:])
        self.calls.append(" ".join(words[:1]))
        if words[0] == self.refuse:
            return Ran(1, "", "Failed: Unit is masked.\n")
        if words[0] == "daemon-reload":
            self.loaded = {unit: self.text(unit) for unit in self.loaded}
        if words[0] == "enable":
            self.enabled.add(words[1])
        if words[0] == "restart" and os.path.exists(os.path.join(self.root, "etc/systemd/system", words[1])):
            self.active.add(words[1])
        if words[0] in ("disable", "stop"):
            getattr(self, "enabled" if words[0] == "disable" else "active").difference_update(words[1:])
        if words[0] == "show":
            return Ran(0, self.show(words[-1]))
        return Ran(0)


@pytest.fixture
def systemd(tmp_path):
    for part in ("run/systemd/system", "etc/systemd/system", "var/lib/systemd/timers"):
        (tmp_path / part).mkdir(parents=True)
    return Systemd(str(tmp_path))


@pytest.fixture
def host(systemd):
    return Host(root=systemd.root, run=systemd.run)


def left(root):
    return sorted(name for _folder, _folders, names in os.walk(root) for name in names)


def test_armed_moved_and_taken_back(host, systemd):
    when = time.time() + 3600
    assert scheduled(host, "/swap") is None
    schedule(host, "/swap", when)
    assert 0 <= scheduled(host, "/swap") - when < 1
    assert left(systemd.root) == ["memops-swap-expiry-swap.service", "memops-swap-expiry-swap.timer", "swap-expiry"]
    assert os.stat(os.path.join(systemd.root, "var/lib/memops/swap-expiry")).st_mode & 0o777 == 0o755
    systemd.calls.clear()
    schedule(host, "/swap", when + 60)
    assert systemd.calls == [
        "daemon-reload",
        "enable",
        "stop",
        "restart",
        "show",
        "show",
    ]  # a service that waits between two tries cannot be started
    schedule(host, "/other", when)
    assert scheduled(host, "/swap") - scheduled(host, "/other") == 60
    assert cancel(host, "/swap") and scheduled(host, "/swap") is None and not cancel(host, "/swap")
    assert scheduled(host, "/other") is not None and "swap-expiry" in left(systemd.root)
    assert cancel(host, "/other")
    assert left(systemd.root) == [] and not os.path.exists(os.path.join(systemd.root, "var/lib/memops"))


def test_a_moment_that_may_pass_before_the_timer_runs(host, systemd):
    schedule(host, "/swap", time.time() + 3600)
    assert "--no-block" not in systemd.calls
    schedule(host, "/swap", time.time() + 5)
    assert systemd.calls[-1] == "--no-block"


def test_a_moment_that_went_by_while_the_file_was_made(host, systemd):
    """A timer that does not come would keep the file for ever, and an error would leave it without one."""
    schedule(host, "/swap", time.time() - 2)
    assert scheduled(host, "/swap") < time.time() and systemd.calls[-3:] == ["--no-block", "show", "show"]


def test_a_timer_that_does_not_run_is_none(host, systemd):
    schedule(host, "/swap", time.time() + 3600)
    systemd.active.clear()
    assert scheduled(host, "/swap") is None
    systemd.active.add("memops-swap-expiry-swap.timer")
    systemd.enabled.clear()
    assert scheduled(host, "/swap") is None
    schedule(host, "/swap", time.time() + 3600)
    assert scheduled(host, "/swap") is not None
    os.unlink(os.path.join(systemd.root, "etc/systemd/system/memops-swap-expiry-swap.service"))
    assert scheduled(host, "/swap") is None and cancel(host, "/swap")
    assert left(systemd.root) == []


@pytest.mark.parametrize("refuse", ["enable", "restart"])
def test_systemd_does_not_take_it(host, systemd, refuse):
    systemd.refuse = refuse
    with pytest.raises(
        ExecutionError,
        match="systemd does not run memops-swap-expiry-swap.timer, so nothing would remove the swap file: Failed: Unit is masked.",
    ):
        schedule(host, "/swap", time.time() + 3600)


def test_systemd_does_not_let_go(host, systemd):
    schedule(host, "/swap", time.time() + 3600)
    systemd.refuse = "stop"
    with pytest.raises(
        ExecutionError, match="memops-swap-expiry-swap.timer was stopped and removed, but systemd still runs it"
    ):
        cancel(host, "/swap")


def test_refused(host, systemd, tmp_path):
    systemd.refuse = "flock\n"
    with pytest.raises(
        PreconditionError, match="needs flock, which is not here. Nothing was changed; install it or leave expires out."
    ):
        can_schedule(host)
    os.rmdir(str(tmp_path / "run/systemd/system"))
    with pytest.raises(
        PreconditionError,
        match="systemd does not run here, so nothing could remove the file later. Nothing was changed; leave expires out.",
    ):
        schedule(host, "/swap", time.time() + 3600)
    assert scheduled(host, "/swap") is None and not cancel(host, "/swap")
    assert left(systemd.root) == []


def test_a_folder_that_users_can_write(host, systemd):
    os.chmod(os.path.join(systemd.root, "etc/systemd/system"), 0o777)
    with pytest.raises(ExecutionError, match="may be written by others"):
        schedule(host, "/swap", time.time() + 3600)


def test_a_refused_reload_is_told_and_mended_by_the_next_run(host, systemd):
    """/run nearly full: the file says one time, systemd has loaded another, and the run after it must not say "as
    wished".
    """
    first, second = time.time() + 3600, time.time() + 7200
    schedule(host, "/swap", first)
    systemd.refuse = "daemon-reload"
    with pytest.raises(ExecutionError, match="systemd does not run memops-swap-expiry-swap.timer"):
        schedule(host, "/swap", second)
    assert scheduled(host, "/swap") is None
    systemd.refuse = ""
    assert scheduled(host, "/swap") is None
    schedule(host, "/swap", second)
    assert scheduled(host, "/swap") - second < 1


def test_a_service_that_is_not_loaded_as_it_is_on_disk(host, systemd):
    schedule(host, "/swap", time.time() + 3600)
    with open(os.path.join(systemd.root, "etc/systemd/system/memops-swap-expiry-swap.service"), "a") as stream:
        stream.write("# by hand\n")
    assert scheduled(host, "/swap") is None


SHOWN = [
    ("as it should be", "{ OnCalendar=2033-05-18 03:33:20 UTC ; next_elapse=Wed 2033-05-18 03:33:20 UTC }", True),
    ("in another time zone", "{ OnCalendar=2033-05-18 03:33:20 UTC ; next_elapse=Wed 2033-05-18 05:33:20 CEST }", True),
    ("another time", "{ OnCalendar=2033-05-18 04:33:20 UTC ; next_elapse=Wed 2033-05-18 04:33:20 UTC }", False),
    ("nothing is next", "{ OnCalendar=2033-05-18 03:33:20 UTC ; next_elapse=n/a }", False),
    ("nothing is next, an older systemd", "{ OnCalendar=2033-05-18 03:33:20 UTC ; next_elapse=(null) }", False),
    ("no timer", "", False),
    ("rubbish", "{ OnCalendar=", False),
]


@pytest.mark.parametrize("calendar, comes", [row[1:] for row in SHOWN], ids=[row[0] for row in SHOWN])
def test_what_systemd_has_loaded(calendar, comes):
    assert _will_come(calendar, 2000000000) is comes
