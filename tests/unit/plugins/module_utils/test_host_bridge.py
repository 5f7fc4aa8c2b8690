# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading files and running commands: never a hang, never more memory than promised."""

import os
import re
import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils import _host
from ansible_collections.memops.linux.plugins.module_utils._host import (
    Command,
    CommandFailed,
    Host,
    command_environment,
)


def run(script, timeout=20, env=None):
    with Command(["sh", "-c", script], timeout=timeout, env=env) as command:
        output = b"".join(command.chunks())
    return output, command


def test_output_errors_and_exit_code():
    output, command = run("echo out; echo err >&2; exit 3")
    assert (output, command.stderr, command.returncode, command.timed_out) == (b"out\n", b"err\n", 3, False)


def test_errors_after_the_output_was_closed():
    output, command = run("echo out; exec >&-; sleep 0.2; echo late >&2; exit 4")
    assert (output, command.stderr, command.returncode) == (b"out\n", b"late\n", 4)


def test_chunks_have_their_size():
    with Command(["sh", "-c", "head -c 1000000 /dev/zero"], timeout=20) as command:
        sizes = [len(chunk) for chunk in command.chunks(100000)]
    assert sum(sizes) == 1000000 and min(sizes[:-1]) >= 100000


def test_a_flood_of_errors_blocks_nothing():
    output, command = run("echo begin >&2; head -c 3000000 /dev/zero | tr '\\0' x >&2; echo end >&2; echo out")
    assert output == b"out\n"
    assert (
        command.stderr.startswith(b"begin\nx") and command.stderr.endswith(b"xend\n") and len(command.stderr) < 140000
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    ["echo part; exec sleep 60", "echo part; sleep 60 & wait", "echo part; trap '' TERM; while :; do sleep 1; done"],
)
def test_the_deadline_keeps_what_came(script):
    started = time.monotonic()
    output, command = run(script, timeout=0.5)
    assert (output, command.timed_out) == (b"part\n", True)
    assert command.returncode and time.monotonic() - started < 8


@pytest.mark.slow
def test_a_pipe_that_somebody_else_holds(monkeypatch):
    """setsid: not even the group's end closes it."""
    monkeypatch.setattr("ansible_collections.memops.linux.plugins.module_utils._host._GRACE", 0.5)
    started = time.monotonic()
    output, command = run("setsid sleep 20 & echo part", timeout=0.5)
    assert output == b"part\n" and time.monotonic() - started < 8


def test_leaving_early():
    started = time.monotonic()
    with Command(["sh", "-c", "while :; do echo y; done"], timeout=60) as command:
        for _chunk in command.chunks():
            break
    assert time.monotonic() - started < 8 and command.returncode


def test_an_exception_inside_ends_the_command():
    started = time.monotonic()
    with pytest.raises(KeyError):
        with Command(["sleep", "60"], timeout=60) as command:
            raise KeyError("x")
    assert time.monotonic() - started < 8 and command.returncode


def test_no_such_command():
    with pytest.raises(CommandFailed, match="could not be started: No such file"):
        with Command(["/nonexistent/journalctl"], timeout=1):
            pass


def test_environment(monkeypatch):
    monkeypatch.setenv("LC_TIME", "de_DE.UTF-8")
    monkeypatch.setenv("SYSTEMD_LOG_LEVEL", "emerg")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    output, _command = run("env", env={"SYSTEMD_LOG_LEVEL": "debug"})
    found = dict(line.split(b"=", 1) for line in output.splitlines() if b"=" in line)
    assert (found[b"LC_ALL"], found[b"SYSTEMD_LOG_LEVEL"], found[b"TZ"]) == (b"C", b"debug", b"Asia/Tokyo")
    assert b"LC_TIME" not in found


@pytest.mark.parametrize(
    "given",
    [None, "", ".", ":", "/usr/bin:", "bin:/usr/bin:./x::/bin"],
    ids=["unset", "empty", "dot", "colon", "colon at the end", "relative"],
)
def test_the_search_path_has_absolute_directories_only(monkeypatch, given):
    if given is None:
        monkeypatch.delenv("PATH")
    else:
        monkeypatch.setenv("PATH", given)
    parts = command_environment()["PATH"].split(":")
    assert all(part.startswith("/") for part in parts) and {"/usr/bin", "/usr/sbin", "/bin"} <= set(parts)
    assert len(parts) == len(set(parts))


def test_a_program_in_the_working_directory_is_not_run(monkeypatch, tmp_path):
    (tmp_path / "memops-test-program").write_text("#!/bin/sh\necho taken\n")
    (tmp_path / "memops-test-program").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for given in ("", ".", ":/bin"):
        monkeypatch.setenv("PATH", given)
        with pytest.raises(CommandFailed):
            with Command(["memops-test-program"], timeout=5):
                pass


#: What starts a program, or makes the environment of one; the word -> the only files that may have it.
ONE_PLACE = {
    "subprocess": {"_host.py", "_sources/decompressor.py"},
    "os.environ": {"_host.py"},
    "getenv": set(),
    "run_command": {"_host.py", "_sources/decompressor.py"},  # in a comment, why not
    "os.system": set(),
    "os.popen": set(),
    "os.exec": set(),
    "os.spawn": set(),
    "posix_spawn": set(),
    "get_bin_path": set(),
}


@pytest.mark.parametrize("word", sorted(ONE_PLACE))
def test_one_place_runs_programs_and_makes_their_environment(word):
    top = os.path.join(os.path.dirname(_host.__file__))
    found = set()
    for folder in (top, os.path.join(os.path.dirname(top), "modules")):
        for here, _folders, files in os.walk(folder):
            for name in files:
                path = os.path.join(here, name)
                if name.endswith(".py"):
                    with open(path, encoding="utf-8") as file:
                        if re.search(r"\b%s" % re.escape(word), file.read()):
                            found.add(os.path.relpath(path, top))
    assert found <= ONE_PLACE[word]


def test_who_runs_a_program_uses_that_environment():
    """A stream that needs a file as its input starts the program itself, with the environment of the one place."""
    path = os.path.join(os.path.dirname(_host.__file__), "_sources", "decompressor.py")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert "Popen" not in text or "env=command_environment()" in text


def test_read(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "small").write_bytes(b"a\0\xff")
    os.mkfifo(str(tmp_path / "etc" / "fifo"))
    host = Host(root=str(tmp_path))
    assert host.read("/etc/small") == b"a\0\xff"
    assert host.read("/etc/none") is None
    assert host.read("/etc") is None
    assert host.read("/etc/fifo") == b""
    assert host.path("/etc/x") == str(tmp_path / "etc" / "x") and Host().path("/etc/x") == "/etc/x"
